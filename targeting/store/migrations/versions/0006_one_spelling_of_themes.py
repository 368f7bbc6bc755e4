"""Themes have one spelling, that of the books: what a slip says can be stored"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAMES = {  # until now: as the books say
    "logement": "housing",
    "pouvoir_achat": "prices",
    "ecole": "school",
    "sante": "health",
    "transports": "transport",
    "proprete": "cleanliness",
    "securite": "safety",
    "autre": "other",
}
CHECK = "ck_contact_theme_theme"


def upgrade() -> None:
    _respell(NAMES)


def downgrade() -> None:
    _respell({new: old for old, new in NAMES.items()})


def _respell(names: dict[str, str]) -> None:
    theme = sa.table("contact_theme", sa.column("theme", sa.String(20)))
    with op.batch_alter_table("contact_theme") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
    op.execute(sa.update(theme).values(theme=sa.case(names, value=theme.c.theme)))
    known = ", ".join(f"'{name}'" for name in names.values())
    with op.batch_alter_table("contact_theme") as batch:
        batch.create_check_constraint(op.f(CHECK), f"theme IN ({known})")
