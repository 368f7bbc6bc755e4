"""Turfs changed by hand, remainder turfs, visits taken back"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("is_locked", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("parent_ids", sa.Text(), nullable=False, server_default=""),
        sa.Column("start_building_id", sa.String(length=60), nullable=True),
    ):
        op.add_column("turf", column)
    op.create_table(
        "turf_edit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_undone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turf_edit")),
    )
    op.create_table(
        "visit_undone",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erase_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_undone")),
    )
    with op.batch_alter_table("visit_undone", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_undone_erase_on"), ["erase_on"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("visit_undone", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_undone_erase_on"))
    op.drop_table("visit_undone")
    op.drop_table("turf_edit")
    # not in a batch: that would drop the table and, by cascade, the doors of every turf
    for column in ("start_building_id", "parent_ids", "is_locked"):
        op.drop_column("turf", column)
