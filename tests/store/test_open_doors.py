"""A door stands in one open turf at most: the database refuses the second, whatever path wrote it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from targeting.errors import TargetingError
from targeting.store.engine import downgrade, reading, upgrade, write
from targeting.store.models import Base
from targeting.store.queries import add_contacts, save_campaign
from targeting.store.turfs import find_standing
from targeting.store.visits import (
    BoundBook,
    bind_books,
    record_visits,
    visit_uuid,
    withdraw_visits,
)

TURF = (
    "INSERT INTO turf (id, cut_id, rank, station_ids, n_buildings, n_doors, registered_estimate, "
    "minutes_expected, walk_m, longest_leg_m, start_address, end_address, status, is_locked, "
    "parent_ids, version) VALUES (:id, 1, 1, '', 1, 10, 1, 1, 0, 0, '', '', :status, "
    ":locked, '', 1)"
)
DOOR = (
    "INSERT INTO turf_door (turf_id, visit_order, building_id, first_door, last_door, dwellings) "
    "VALUES (:turf, :stop, :building, :first, :last, 1)"
)


def put_cut(engine: Engine) -> None:
    def work(session: Any) -> None:
        save_campaign(session, name="here")
        session.execute(
            text(
                "INSERT INTO turf_cut (id, parameters, doors_in, doors_in_turfs, doors_left_out, "
                "created_at) VALUES (1, '{}', 0, 0, 0, '2026-03-01 18:00:00')"
            )
        )

    of_any_version = engine.execution_options(writes=True, schema=True)
    with Session(of_any_version) as session, session.begin():
        work(session)


def run(engine: Engine, sql: str, **values: Any) -> None:
    """As anybody's own program would: no path of ours."""
    with engine.begin() as connection:
        connection.execute(text(sql), values)


def put_turf(engine: Engine, turf: str, *ranges: tuple[str, int, int], status: str = "ready",
             locked: bool = False) -> None:  # fmt: skip
    run(engine, TURF, id=turf, status=status, locked=locked)
    for stop, (building, first, last) in enumerate(ranges, 1):
        run(engine, DOOR, turf=turf, stop=stop, building=building, first=first, last=last)


def open_doors(engine: Engine) -> list[tuple[str, int, str]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT building_id, door, turf_id FROM open_door"))
        return sorted((b, d, t) for b, d, t in rows)


@pytest.mark.parametrize(("first", "last"), [(1, 4), (4, 4), (10, 12), (5, 6), (1, 30)])
def test_a_range_that_shares_a_door_with_another_open_turf_is_refused(
    engine: Engine, first: int, last: int
) -> None:
    put_cut(engine)
    put_turf(engine, "A", ("b", 4, 10), status="in_progress")
    put_turf(engine, "B")
    with pytest.raises(IntegrityError, match="open_door"):
        run(engine, DOOR, turf="B", stop=1, building="b", first=first, last=last)
    for around in ((1, 3), (11, 12)):
        run(engine, DOOR, turf="B", stop=around[0], building="b", first=around[0], last=around[1])


def test_no_statement_gets_round_it(engine: Engine) -> None:
    put_cut(engine)
    put_turf(engine, "A", ("b", 1, 3))
    put_turf(engine, "B", ("b", 3, 5), status="withdrawn")
    put_turf(engine, "C", ("c", 1, 3))
    for sql in (
        "UPDATE turf SET status = 'ready' WHERE id = 'B'",
        "UPDATE turf_door SET building_id = 'b' WHERE turf_id = 'C'",
        "UPDATE turf_door SET turf_id = 'A', visit_order = 2, building_id = 'b' "
        "WHERE turf_id = 'C'",
        "INSERT INTO turf_door VALUES ('C', 9, 'b', 2, 2, 1)",
    ):
        with pytest.raises(IntegrityError, match="open_door"):
            run(engine, sql)
    if engine.dialect.name == "sqlite":
        with pytest.raises(IntegrityError, match="open_door"):
            run(engine, "INSERT OR IGNORE INTO turf_door VALUES ('C', 9, 'b', 2, 2, 1)")
    assert open_doors(engine) == [(b, d, t) for b, t in (("b", "A"), ("c", "C")) for d in (1, 2, 3)]


def test_doors_are_free_again_when_their_turf_is_done_withdrawn_or_gone(engine: Engine) -> None:
    put_cut(engine)
    put_turf(engine, "A", ("b", 1, 3), ("c", 1, 1))
    put_turf(engine, "B", ("b", 2, 5), status="withdrawn")
    run(engine, "UPDATE turf SET status = 'done' WHERE id = 'A'")
    run(engine, "UPDATE turf SET status = 'ready' WHERE id = 'B'")
    with pytest.raises(IntegrityError, match="open_door"):
        run(engine, "UPDATE turf SET status = 'in_progress' WHERE id = 'A'")
    run(engine, "UPDATE turf SET status = 'in_progress' WHERE id = 'B'")
    run(engine, "UPDATE turf_door SET first_door = 4 WHERE turf_id = 'B'")
    assert open_doors(engine) == [("b", 4, "B"), ("b", 5, "B")]
    run(engine, "UPDATE turf SET status = 'ready' WHERE id = 'A'")
    run(engine, "DELETE FROM turf WHERE id = 'B'")
    assert open_doors(engine) == [("b", 1, "A"), ("b", 2, "A"), ("b", 3, "A"), ("c", 1, "A")]


def test_a_refusal_of_the_database_reads_as_a_sentence_and_changes_nothing(engine: Engine) -> None:
    put_cut(engine)
    put_turf(engine, "A", ("b", 1, 3))
    put_turf(engine, "B", ("b", 3, 5), status="withdrawn")

    def work(session: Any) -> None:
        session.execute(text("UPDATE turf SET status = 'done' WHERE id = 'A'"))
        session.execute(text("UPDATE turf SET status = 'ready' WHERE id IN ('A', 'B')"))

    with pytest.raises(TargetingError, match="nothing was changed"):
        write(engine, work)
    assert {t for _, _, t in open_doors(engine)} == {"A"}


def test_doors_that_stood_in_two_open_turfs_are_parted_by_the_migration_and_told(
    engine: Engine,
) -> None:
    downgrade(engine, "0002")
    put_cut(engine)
    put_turf(engine, "S9999", ("b", 1, 5))
    put_turf(engine, "S10000", ("b", 4, 8), ("c", 1, 2))
    put_turf(engine, "S0001", ("c", 2, 2), status="in_progress")
    put_turf(engine, "S0002", ("c", 1, 2), status="done")
    upgrade(engine)
    held = {t: [(b, d) for b, d, owner in open_doors(engine) if owner == t]
            for t in ("S9999", "S10000", "S0001", "S0002")}  # fmt: skip
    assert held == {
        "S9999": [("b", n) for n in range(1, 6)], "S10000": [], "S0001": [("c", 2)], "S0002": [],
    }  # fmt: skip
    with reading(engine) as session:
        parameters = session.execute(text("SELECT parameters FROM turf_cut")).scalar()
    assert "S10000" in str(parameters)
    assert "closed_for_doubles" in str(parameters)


PERSON = {
    "contact_id": "c1", "category": "regular", "source": "stand", "source_date": date(2026, 3, 1),
    "legal_basis": "consent", "notice_date": date(2026, 3, 1), "notice_version": "2026-1",
    "retention_date": date(2029, 3, 1), "first_name": "Ada", "phone": "+33639981234",
    "themes": ["housing"], "consent_date": date(2026, 3, 1), "consent_channel": "paper",
    "consent_wording": "2026-1",
}  # fmt: skip
AT = datetime(2026, 3, 1, 18, tzinfo=UTC)
BOOK = "0f" * 16


def fill(session: Any) -> None:
    """A row in every table that the migrations change."""
    add_contacts(session, [PERSON])
    bind_books(session, [BoundBook(BOOK, "A", {"b": (1, 3)}, AT)])
    common = {"building_id": "b", "turf_id": "A", "visited_at": AT}
    rows = [
        {"visit_id": "talk", "door_id": "b/1", "outcome": "talked", "contact_id": "c1"},
        {"visit_id": "phone", "door_id": "b/2", "outcome": "do_not_contact", "book_id": BOOK},
    ]
    record_visits(session, [row | common for row in rows])
    withdraw_visits(session, [visit_uuid("slip")], AT, BOOK)


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but those that an older schema has no place for: which database it is,
    and which book a visit came from."""
    gone = {"store_mark", "phone_book"}
    tables = [t for t in Base.metadata.sorted_tables if t.name not in gone]
    with engine.connect() as connection:
        return {
            t.name: sorted(
                (tuple(r) for r in connection.execute(
                    select(*(c for c in t.columns if c.name != "book_id"))
                )), key=str,
            )
            for t in tables
        }  # fmt: skip


def test_migrations_carry_what_is_there_up_down_and_up(engine: Engine) -> None:
    put_cut(engine)
    put_turf(engine, "A", ("b", 1, 3))
    put_turf(engine, "B", ("c", 1, 2), status="done")
    write(engine, fill)
    before = everything(engine)
    assert {name for name, rows in before.items() if not rows} == {
        "source_batch", "turf_excluded", "turf_edit", "tombstone",
    }  # fmt: skip
    downgrade(engine, "0002")
    with engine.connect() as connection:
        for table in ("visit", "visit_undone"):
            erased = connection.execute(text(f"SELECT erase_on FROM {table}")).scalars()
            assert {str(day) for day in erased} == {"2028-02-29"}, "730 days, no ballot being set"
    upgrade(engine)
    assert everything(engine) == before
    assert before["open_door"] == [("b", n, "A") for n in (1, 2, 3)]


def test_a_cut_replaces_ready_turfs_whole_and_leaves_towers_shared_with_one_that_stays(
    engine: Engine,
) -> None:
    put_cut(engine)
    put_turf(engine, "A", ("a", 1, 3), ("tower", 1, 10))
    put_turf(engine, "B", ("tower", 11, 20), ("other", 1, 5))
    put_turf(engine, "C", ("other", 6, 9), status="in_progress")
    put_turf(engine, "D", ("d", 1, 2), ("beyond", 1, 2))
    put_turf(engine, "E", ("e", 1, 2), locked=True)
    put_turf(engine, "F", ("f", 1, 2))
    put_turf(engine, "G", ("a", 4, 6), status="done")
    with reading(engine) as session:
        found = find_standing(session, {"a", "d", "e"})
        everything = find_standing(session)
    assert found.replaced == {"D": 1}, "A shares its tower with B, which shares one with C"
    assert found.taken == {"d", "beyond"}
    assert found.kept == {"a", "tower", "other", "e", "f"}
    assert set(everything.replaced) == {"D", "F"}


def test_two_raw_writers_at_once_never_put_one_door_in_two_turfs(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time: there is no second to try")
    put_cut(engine)
    for n, level in enumerate(("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")):
        put_turf(engine, f"A{n}")
        put_turf(engine, f"B{n}", (f"b{n}", 1, 3), status="withdrawn")
        one = engine.execution_options(isolation_level=level).connect()
        other = engine.execution_options(isolation_level=level).connect()
        for connection in (one, other):
            connection.execute(text("SET lock_timeout = '200ms'"))
        row = {"turf": f"A{n}", "stop": 1, "building": f"b{n}", "first": 3, "last": 4}
        steps = [
            (one, DOOR, row),
            (other, f"UPDATE turf SET status = 'ready' WHERE id = 'B{n}'", {}),
        ]
        refused = 0
        for connection, sql, values in steps:  # neither sees the other's: the key alone refuses
            try:
                connection.execute(text(sql), values)
            except DBAPIError:
                connection.rollback()
                refused += 1
        for connection in (one, other):
            connection.commit()
            connection.close()
        assert refused == 1
    doors = [(b, d) for b, d, _ in open_doors(engine)]
    assert len(doors) == len(set(doors)) == 6
