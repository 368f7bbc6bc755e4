"""What a visit is made of, however it comes in: the database itself refuses anything else."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, MetaData, Table, text
from sqlalchemy.exc import DataError, IntegrityError

from targeting.households.doors import closed_doors
from targeting.outcomes import MET, OUTCOMES
from targeting.scoring import priorities
from targeting.store.engine import downgrade, reading, upgrade, write
from targeting.store.models import Visit, VisitUndone
from targeting.store.visits import (
    VisitError,
    count_knocks,
    last_knocks,
    load_visits,
    opposition_id,
    record_visits,
    withdraw_visits,
)

NAME = "Jean DUPONT 0612345678 vote X"
AT = datetime(2026, 3, 1, 18, tzinfo=UTC)
ID = "5ba7b810-9dad-41d1-80b4-00c04fd430c8"


def visit(**changes: Any) -> dict[str, Any]:
    return {
        "visit_id": ID, "building_id": "29061_00aa_00001", "door_id": "29061_00aa_00001/1",
        "outcome": "not_home", "visited_at": AT,
    } | changes  # fmt: skip


def insert_raw(engine: Engine, **changes: Any) -> None:
    """As SQL by hand would, past every service."""
    row = {
        "id": str(uuid.uuid4()), "building_id": "29061_00aa_00001", "outcome": "not_home",
        "door_id": "29061_00aa_00001/1", "visited_at": AT, "erase_on": date(2027, 1, 1),
    } | changes  # fmt: skip
    table = Table("visit", MetaData(), autoload_with=engine)  # as it stands, whatever its version
    values = {k: v for k, v in row.items() if k in table.c}
    with engine.execution_options(writes=True, schema=True).begin() as connection:
        connection.execute(table.insert().values(values))


@pytest.mark.parametrize(
    "change",
    [
        {"id": NAME},
        {"id": "5BA7B810-9DAD-41D1-80B4-00C04FD430C8"},
        {"id": "5ba7b8109dad-41d1-80b4-00c04fd430c8-"},
        {"id": "gba7b810-9dad-41d1-80b4-00c04fd430c8"},
        {"building_id": NAME, "door_id": f"{NAME}/1"},
        {"building_id": "", "door_id": "/1"},
        {"building_id": "b" * 61, "door_id": "b" * 61 + "/1"},
        {"door_id": "29061_00aa_00001/Jean"},
        {"door_id": "29061_00aa_00001/0"},
        {"door_id": "29061_00aa_00001/900000"},
        {"door_id": "29061_00aa_00001/"},
        {"door_id": "29061_00aa_00002/1"},
        {"book_id": NAME},
    ],
)
def test_sql_by_hand_cannot_put_a_name_where_an_id_goes(engine: Engine, change: dict[str, Any]):
    with pytest.raises((IntegrityError, DataError)):
        insert_raw(engine, **change)


def test_sql_by_hand_may_put_what_has_the_shape(engine: Engine):
    for building in ("29061_00aa_00001", "75118_4248_00025_bis", "b" * 60, "way-12:3.4"):
        insert_raw(engine, building_id=building, door_id=f"{building}/99999", book_id="0f" * 16)
    with reading(engine) as session:
        assert len(load_visits(session)) == 4


def test_a_name_taken_back_is_no_id_either(engine: Engine):
    row = {"id": NAME, "undone_at": AT}
    with pytest.raises(IntegrityError), engine.execution_options(writes=True).begin() as connection:
        connection.execute(VisitUndone.__table__.insert().values(row))


def test_free_text_of_an_older_workspace_becomes_the_id_of_its_knock(engine: Engine):
    downgrade(engine, "0002")
    for old in (NAME, "vote X"):
        insert_raw(engine, id=old)
    insert_raw(engine, id=ID, door_id="29061_00aa_00001/2")
    insert_raw(engine, id=ID.upper(), door_id="29061_00aa_00001/3", outcome="do_not_contact")
    insert_raw(engine, building_id=NAME, door_id=f"{NAME}/1")
    upgrade(engine)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT id, door_id FROM visit ORDER BY door_id")).all()
    first, third = (
        str(uuid.uuid5(uuid.NAMESPACE_URL, f"29061_00aa_00001/{knock}"))
        for knock in (f"1 {AT.isoformat()} not_home", f"3 {AT.isoformat()} do_not_contact")
    )
    assert [tuple(row) for row in kept] == [
        (first, "29061_00aa_00001/1"),
        (ID, "29061_00aa_00001/2"),
        (third, "29061_00aa_00001/3"),
    ]
    with pytest.raises(IntegrityError):
        insert_raw(engine, outcome="votes X")
    with pytest.raises(IntegrityError):
        insert_raw(engine, id=NAME)


# -- oppositions ------------------------------------------------------------------------------------


def outcomes(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return sorted(load_visits(session)["outcome"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_opposition_under_a_known_id_is_never_lost(engine: Engine, order):
    rows = [visit(), visit(outcome="do_not_contact")]
    first, second = (rows[n] for n in order)
    for row in (first, second, first, second):
        write(engine, lambda s, row=row: record_visits(s, [row]))
    assert "do_not_contact" in outcomes(engine)
    assert len(outcomes(engine)) == (2 if order == (0, 1) else 1)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_knocks_of_one_id_given_at_once_the_opposition_is_kept(engine: Engine, order):
    rows = [visit(), visit(outcome="do_not_contact")]
    given = [rows[n] for n in order]
    assert write(engine, lambda s: record_visits(s, given)) == 1
    assert outcomes(engine) == ["do_not_contact"]


def test_another_outcome_or_door_of_a_known_id_is_refused_by_its_place(engine: Engine):
    write(engine, lambda s: record_visits(s, [visit()]))
    other = visit(door_id="29061_00aa_00001/2")
    for wrong in (visit(outcome="refused"), other):
        with pytest.raises(VisitError, match="visit 2: its visit_id") as told:
            write(engine, lambda s, wrong=wrong: record_visits(s, [visit(), wrong]))
        assert told.value.index == 1
    opposed = other | {"outcome": "do_not_contact"}
    assert write(engine, lambda s: record_visits(s, [opposed])) == 1
    with reading(engine) as session:
        assert session.get(Visit, opposition_id(ID, other["door_id"])) is not None


# -- books ------------------------------------------------------------------------------------------


def test_a_book_takes_back_its_own_visits_only_and_blocks_nobody_elses(engine: Engine):
    mine, theirs = "aa" * 16, "bb" * 16
    typed = str(uuid.uuid5(uuid.NAMESPACE_URL, "a line"))
    rows = [visit(book_id=theirs), visit(visit_id=typed)]
    write(engine, lambda s: record_visits(s, rows))
    assert write(engine, lambda s: withdraw_visits(s, [ID, typed], AT, mine)) == 0
    assert len(outcomes(engine)) == 2
    unknown = str(uuid.uuid5(uuid.NAMESPACE_URL, "a line to come"))
    write(engine, lambda s: withdraw_visits(s, [unknown], AT, mine))
    assert write(engine, lambda s: record_visits(s, [visit(visit_id=unknown)])) == 1
    assert write(engine, lambda s: withdraw_visits(s, [ID], AT, theirs)) == 1
    assert write(engine, lambda s: record_visits(s, [visit(book_id=theirs)])) == 0


def test_a_visit_of_a_time_before_books_were_noted_is_taken_back_if_its_id_was_drawn(
    engine: Engine,
):
    typed = str(uuid.uuid5(uuid.NAMESPACE_URL, "a line"))
    write(engine, lambda s: record_visits(s, [visit(), visit(visit_id=typed)]))
    assert write(engine, lambda s: withdraw_visits(s, [ID, typed], AT, "aa" * 16)) == 1


def many_knocks() -> list[dict[str, Any]]:
    """Two buildings knocked at eight times a door, with every outcome, some twice."""
    at = [(building, door) for building in ("a", "b") for door in (1, 2, 12)]
    return [
        visit(visit_id=f"{n}", building_id=building, door_id=f"{building}/{door}",
              outcome=OUTCOMES[(n * 5 + door) % len(OUTCOMES)], visited_at=AT.replace(day=1 + n % 9))
        for n, (building, door) in enumerate(at * 8)
    ]  # fmt: skip


def test_knocks_are_counted_in_the_database_as_they_are_one_by_one(engine: Engine) -> None:
    assert count_at(engine).empty
    knocks = [*many_knocks(), visit(visit_id="only", building_id="c", door_id="c/1")]
    assert set(MET) < {k["outcome"] for k in knocks}
    write(engine, lambda s: record_visits(s, knocks))
    with reading(engine) as session:
        one_by_one = priorities.count_knocks(load_visits(session))
    counted = count_at(engine).sort_index()
    assert counted.loc["c"].to_dict() == {
        "doors_visited": 1, "doors_met": 0, "last_visited_at": AT
    }  # fmt: skip
    for column in counted:
        assert counted[column].to_dict() == one_by_one[column].to_dict()


def test_the_last_knocks_close_the_doors_that_all_of_them_close(engine: Engine) -> None:
    with reading(engine) as session:
        assert closed_doors(last_knocks(session), now=AT).empty
    write(engine, lambda s: record_visits(s, many_knocks()))
    with reading(engine) as session:
        last, every = last_knocks(session), load_visits(session)
    assert len(last) < len(every)
    for days in (0, 1, 30, 5000):
        now = AT + timedelta(days=days)
        expected = closed_doors(every, now=now)
        assert len(expected) > 0, "some outcomes close for good"
        pd.testing.assert_frame_equal(closed_doors(last, now=now), expected)


def count_at(engine: Engine) -> pd.DataFrame:
    with reading(engine) as session:
        return count_knocks(session, met=MET)
