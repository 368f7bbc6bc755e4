"""The database's own id, and how often it was written"""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    mark = op.create_table(
        "store_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("store_id", sa.String(length=36), nullable=False),
        sa.Column("writes", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_store_mark_one_mark")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_mark")),
    )
    op.bulk_insert(mark, [{"id": 1, "store_id": str(uuid.uuid4()), "writes": 0}])


def downgrade() -> None:
    op.drop_table("store_mark")
