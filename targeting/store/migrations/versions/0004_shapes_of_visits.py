"""Ids of visits have a shape; a phone book is bound to its turf, its doors and its day"""

import re
import uuid
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

HEX = "0123456789abcdef"
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.:-"
UUID_SHAPE = (
    "length(id) = 36 AND substr(id, 9, 1) = '-' AND substr(id, 14, 1) = '-' "
    "AND substr(id, 19, 1) = '-' AND substr(id, 24, 1) = '-' "
    f"AND length(replace(id, '-', '')) = 32 AND trim(id, '{HEX}-') = ''"
)
BUILDING_SHAPE = f"length(building_id) BETWEEN 1 AND 60 AND trim(building_id, '{SIGNS}') = ''"
NUMBER = "substr(door_id, length(building_id) + 2)"
DOOR_SHAPE = (
    "substr(door_id, 1, length(building_id) + 1) = building_id || '/' "
    f"AND length({NUMBER}) BETWEEN 1 AND 5 AND substr({NUMBER}, 1, 1) <> '0' "
    f"AND trim({NUMBER}, '0123456789') = ''"
)
BOOK_SHAPE = f"book_id IS NULL OR (length(book_id) = 32 AND trim(book_id, '{HEX}') = '')"
CHECKS = {
    "ck_visit_id_is_a_uuid": UUID_SHAPE,
    "ck_visit_building_id_has_its_signs": BUILDING_SHAPE,
    "ck_visit_door_id_is_a_number_of_its_building": DOOR_SHAPE,
    "ck_visit_book_id_is_drawn": BOOK_SHAPE,
}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PARIS = ZoneInfo("Europe/Paris")


def upgrade() -> None:
    op.create_table(
        "phone_book",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("turf_id", sa.String(length=12), nullable=False),
        sa.Column("doors", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            f"length(id) = 32 AND trim(id, '{HEX}') = ''", name=op.f("ck_phone_book_id_is_drawn")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_book")),
    )
    _mend_visits()
    _mend_undone()
    with op.batch_alter_table("visit") as batch:
        batch.add_column(sa.Column("book_id", sa.String(length=32), nullable=True))
        for name, condition in CHECKS.items():
            batch.create_check_constraint(op.f(name), condition)
    with op.batch_alter_table("visit_undone") as batch:
        batch.add_column(sa.Column("book_id", sa.String(length=32), nullable=True))
        batch.create_check_constraint(op.f("ck_visit_undone_id_is_a_uuid"), UUID_SHAPE)


def _mend_visits() -> None:
    """Free text never was an id: it becomes that of its knock; what is at no door goes."""
    visit = sa.table(
        "visit", *(sa.column(c) for c in ("id", "building_id", "door_id", "outcome")),
        sa.column("visited_at", sa.DateTime(timezone=True)),
    )  # fmt: skip
    connection = op.get_bind()
    connection.execute(
        sa.delete(visit).where(sa.text(f"NOT ({BUILDING_SHAPE}) OR NOT ({DOOR_SHAPE})"))
    )
    rows = connection.execute(sa.select(visit).where(sa.text(f"NOT ({UUID_SHAPE})"))).all()
    known = set(connection.scalars(sa.select(visit.c.id)))
    for row in rows:
        new = row.id.lower()
        if new in known or not UUID.fullmatch(new):
            new = _id_of(row)
        there = visit.c.id == row.id
        if new in known:
            connection.execute(sa.delete(visit).where(there))
        else:
            connection.execute(sa.update(visit).where(there).values(id=new))
            known.add(new)


def _id_of(row: sa.Row[Any]) -> str:
    """As a typed line without an id has it."""
    at: datetime = row.visited_at
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    local = at.astimezone(PARIS)
    bare = (local.hour, local.minute, local.second) == (0, 0, 0)
    moment = local.date().isoformat() if bare else at.astimezone(UTC).isoformat()
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{row.door_id} {moment} {row.outcome}"))


def _mend_undone() -> None:
    undone = sa.table("visit_undone", sa.column("id"))
    op.execute(sa.delete(undone).where(sa.text(f"NOT ({UUID_SHAPE})")))


def downgrade() -> None:
    for table, names in (
        ("visit_undone", ["ck_visit_undone_id_is_a_uuid"]),
        ("visit", list(CHECKS)),
    ):
        with op.batch_alter_table(table) as batch:
            for name in names:
                batch.drop_constraint(op.f(name), type_="check")
            batch.drop_column("book_id")
    op.drop_table("phone_book")
