"""Phones and e-mails may be sealed; what was erased is remembered, without saying who it was"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
HEX = "0123456789abcdef"


def _sealed(column: str, longest: int) -> str:
    rest = f"substr({column}, length(id) + 5)"
    return (
        f"substr({column}, 1, length(id) + 4) = '~1.' || id || '.' "
        f"AND length({rest}) BETWEEN 38 AND {longest} AND trim({rest}, '{SIGNS}') = ''"
    )


PHONE_SIGNS = "phone IS NULL OR trim(phone, '0123456789+. ()-') = ''"
NAMES = (
    "length(id) <= 36 AND (first_name IS NULL OR length(first_name) <= 100) "
    "AND (last_name IS NULL OR length(last_name) <= 100) "
)
EMAIL, PHONE = "email IS NULL OR length(email) <= 200", "phone IS NULL OR length(phone) <= 30"
NEW = {
    "ck_contact_phone": f"{PHONE_SIGNS} OR ({_sealed('phone', 160)})",
    "ck_contact_lengths": (
        f"{NAMES}AND ({EMAIL} OR ({_sealed('email', 1200)})) "
        f"AND ({PHONE} OR ({_sealed('phone', 160)}))"
    ),
}
OLD = {"ck_contact_phone": PHONE_SIGNS, "ck_contact_lengths": f"{NAMES}AND ({EMAIL}) AND ({PHONE})"}


def upgrade() -> None:
    _widths(200, 1240, NEW)
    with op.batch_alter_table("store_mark") as batch:
        batch.add_column(sa.Column("column_key", sa.String(length=64), nullable=True))
    op.create_table(
        "tombstone",
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("noted_on", sa.Date(), nullable=False),
        sa.CheckConstraint("kind IN ('erased', 'objection')", name=op.f("ck_tombstone_kind")),
        sa.CheckConstraint(
            f"length(mark) = 64 AND trim(mark, '{HEX}') = ''", name=op.f("ck_tombstone_mark")
        ),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_tombstone")),
    )


def downgrade() -> None:
    contact = sa.table("contact", sa.column("phone"), sa.column("email"))
    sealed = sa.or_(contact.c.phone.like("~1.%"), contact.c.email.like("~1.%"))
    if op.get_bind().scalar(sa.select(sa.func.count()).select_from(contact).where(sealed)):
        raise RuntimeError("phones are sealed: an older Relance could not read them")
    op.drop_table("tombstone")
    with op.batch_alter_table("store_mark") as batch:
        batch.drop_column("column_key")
    _widths(30, 200, OLD)


def _widths(phone: int, email: int, checks: dict[str, str]) -> None:
    with op.batch_alter_table("contact") as batch:
        for name in checks:
            batch.drop_constraint(op.f(name), type_="check")
        batch.alter_column("phone", type_=sa.String(length=phone), existing_nullable=True)
        batch.alter_column("email", type_=sa.String(length=email), existing_nullable=True)
        for name, condition in checks.items():
            batch.create_check_constraint(op.f(name), condition)
