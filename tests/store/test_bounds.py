"""What the store promises, at the bound: how long is kept, how much is undone, what is read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from sqlalchemy import Engine, select

from targeting.codes import FRANCE
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference.results import load_turnout, write_results
from targeting.reference.sheets import LISTED_COMMUNES, Sheet, whole_file
from targeting.reference.staging import staged
from targeting.store import turf_states
from targeting.store.engine import open_engine, reading, upgrade, write
from targeting.store.models import Turf
from targeting.store.queries import save_campaign
from targeting.store.turf_states import change_turfs, load_states, undo_change, undoable
from targeting.store.turfs import find_standing, load_turfs, save_cut
from targeting.store.visits import (
    due_to_be_forgotten,
    erase_date,
    record_visits,
    visit_uuid,
    withdraw_visits,
)
from targeting.workflows.setup import init_workspace
from tests.scoring.toy import turnout

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def campaign(workspace: Workspace) -> Engine:
    """The database of an empty campaign."""
    engine = open_engine(f"sqlite:///{workspace.root / 'relance.db'}")
    upgrade(engine)
    return engine


# -- how long a visit is kept --------------------------------------------------------------------


def test_a_visit_is_kept_fifteen_days_after_the_ballot_and_two_years_without_one() -> None:
    assert erase_date(date(2027, 4, 18), NOON) == date(2027, 5, 3)
    assert erase_date(None, NOON) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("at", "last"),
    [(datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC), date(2028, 2, 29)),
     (datetime(2026, 3, 2, tzinfo=UTC), date(2028, 3, 1)),
     (datetime(2026, 3, 2, 0, 30, tzinfo=FRANCE), date(2028, 2, 29))],
    ids=["the last moment of a day", "the first of the next", "after midnight in France alone"],
)  # fmt: skip
def test_a_visit_is_kept_until_its_last_day_and_forgotten_on_the_next(
    engine: Engine, at: datetime, last: date
) -> None:
    assert erase_date(None, at) == last
    undone, visit = visit_uuid("undone"), visit_uuid("vS0001")
    row = {"visit_id": visit, "building_id": "b", "door_id": "b/1", "outcome": "refused"}
    write(engine, lambda s: record_visits(s, [row | {"visited_at": at}]))
    write(engine, lambda s: withdraw_visits(s, [undone], at, None))
    with reading(engine) as session:
        assert due_to_be_forgotten(session, last) == []
        assert due_to_be_forgotten(session, last + timedelta(days=1)) == [visit, undone]
    ballot = date(2027, 4, 18)
    write(engine, lambda s: save_campaign(s, ballot_date=ballot).id)
    with reading(engine) as session:
        assert due_to_be_forgotten(session, ballot + timedelta(days=15)) == []
        assert due_to_be_forgotten(session, ballot + timedelta(days=16)) == [visit, undone]


# -- turfs ---------------------------------------------------------------------------------------


def cut_of(doors: int, *more: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """One turf a building, `doors` doors each."""
    buildings = ["b1", *more]
    ids = [f"T{k:03d}" for k in range(1, len(buildings) + 1)]
    turfs = pd.DataFrame(
        {
            "turf_id": ids, "rank": range(1, len(ids) + 1), "n_buildings": 1, "n_doors": doors,
            "registered_estimate": 1.0, "minutes_expected": 10.0, "walk_m": 0.0,
            "longest_leg_m": 0.0, "start_address": "1 Rue A", "end_address": "1 Rue A",
            "station_ids": "13055_0001",
        }
    )  # fmt: skip
    stops = pd.DataFrame(
        {
            "turf_id": ids, "visit_order": 1, "building_id": buildings, "dwellings": doors,
            "first_door": 1, "last_door": doors,
        }
    )  # fmt: skip
    return turfs, stops, pd.DataFrame({"building_id": [], "dwellings": [], "reason": []})


def cut(engine: Engine, doors: int, *more: str, replaced: tuple[str, ...] = ()) -> list[str]:
    made = cut_of(doors, *more)
    _, codes = write(engine, lambda s: save_cut(s, *made, {}, replaced=replaced))
    return list(codes.values())


def knock(engine: Engine, turf: str, door: int, **changes: Any) -> None:
    row = {
        "visit_id": f"v{turf}{door}", "building_id": "b1", "door_id": f"b1/{door}", "turf_id": turf,
        "visited_at": NOON, "outcome": "not_home",
    } | changes  # fmt: skip
    write(engine, lambda s: record_visits(s, [row]))


def status(engine: Engine, turf: str) -> str:
    with reading(engine) as session:
        return str(session.scalar(select(Turf.status).where(Turf.id == turf)))


def test_a_turf_is_done_at_its_last_door_and_not_one_before(campaign: Engine) -> None:
    (turf,) = cut(campaign, 3)
    told, ids = [], [visit_uuid(f"v{n}") for n in range(4)]
    for visit_id, door in zip(ids, (1, 2, 2, 3), strict=True):
        knock(campaign, turf, door, visit_id=visit_id)
        told.append(status(campaign, turf))
    assert told == ["in_progress", "in_progress", "in_progress", "done"]
    write(campaign, lambda s: withdraw_visits(s, [ids[3]], NOON, None))
    assert status(campaign, turf) == "in_progress"


def test_a_visit_of_tomorrows_clock_is_taken_and_a_later_one_refused(campaign: Engine) -> None:
    (turf,) = cut(campaign, 3)
    now = datetime.now(UTC)
    knock(campaign, turf, 1, visited_at=now + timedelta(hours=23, minutes=59))
    with pytest.raises(TargetingError, match="in the future"):
        knock(campaign, turf, 2, visited_at=now + timedelta(hours=24, minutes=1))


def test_what_was_undone_is_remembered_as_long_as_the_visit_would_have_been(
    campaign: Engine,
) -> None:
    undone, last = visit_uuid("v1"), erase_date(None, NOON)
    write(campaign, lambda s: withdraw_visits(s, [undone], NOON, None))
    with reading(campaign) as session:
        assert due_to_be_forgotten(session, last) == []
        assert due_to_be_forgotten(session, last + timedelta(days=1)) == [undone]


def test_a_building_is_busy_where_somebody_walks_or_its_turf_is_locked(campaign: Engine) -> None:
    ready, begun, locked = cut(campaign, 2, "b2", "b3")
    knock(campaign, begun, 1, building_id="b2", door_id="b2/1")
    lock(campaign, locked)
    with reading(campaign) as session:
        assert find_standing(session).kept == {"b2", "b3"}
    assert status(campaign, ready) == "ready"


# -- changes by hand -----------------------------------------------------------------------------


def lock(engine: Engine, turf: str, *, is_locked: bool = True) -> None:
    def change(session: Any) -> None:
        (state,) = load_states(session, [turf])
        locked = state | {"turf": state["turf"] | {"is_locked": is_locked}}
        change_turfs(session, "lock", [locked], {})

    write(engine, change)


def test_a_change_made_by_hand_before_a_new_cut_can_no_longer_be_undone(campaign: Engine) -> None:
    (old,) = cut(campaign, 2)
    lock(campaign, old)
    lock(campaign, old, is_locked=False)
    cut(campaign, 3, replaced=(old,))
    with reading(campaign) as session:
        assert undoable(session).undo is None
        assert old not in set(load_turfs(session)["turf_id"])
    with pytest.raises(TargetingError, match="nothing to undo"):
        write(campaign, undo_change)


def test_the_last_changes_can_be_undone_and_the_one_before_them_is_forgotten(
    campaign: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert turf_states.KEPT_EDITS == 200
    monkeypatch.setattr(turf_states, "KEPT_EDITS", 3)
    (turf,) = cut(campaign, 2)
    for n in range(4):
        lock(campaign, turf, is_locked=n % 2 == 0)
    for _ in range(3):
        write(campaign, undo_change)
    with pytest.raises(TargetingError, match="nothing to undo"):
        write(campaign, undo_change)


# -- files of the reference ----------------------------------------------------------------------


def sheet(files: dict[str, Any]) -> Sheet:
    return Sheet("someone", "unstated", "someone", files, 1, "2026-01-01")


def communes(department: str, count: int) -> list[str]:
    return [f"{department}{k:03d}" for k in range(1, count + 1)]


@pytest.mark.parametrize(("count", "by"), [(LISTED_COMMUNES, "communes"), (LISTED_COMMUNES + 1, "departments")])  # fmt: skip
def test_a_file_is_told_by_its_departments_above_two_hundred_communes(count, by) -> None:
    assert list(whole_file("f", "sha", communes("13", count))["sha"]) == ["name", by]


def test_a_file_told_by_departments_is_no_longer_whole_once_a_commune_of_one_is_replaced() -> None:
    big = whole_file("big", "a", [*communes("13", 201), "84001"])
    other = whole_file("other", "b", communes("69", 201))
    after = sheet(whole_file("new", "c", ["13002"])).over(sheet(big | other), {"13002"}, rows=9)
    assert set(after.files) == {"b", "c"}
    untouched = sheet({}).over(sheet(big | other), {"75056"}, rows=9)
    assert set(untouched.files) == {"a", "b"}


def test_a_file_told_by_communes_is_no_longer_whole_once_one_of_them_is_replaced() -> None:
    before = sheet(whole_file("one", "a", ["13001", "13002"]) | whole_file("two", "b", ["13003"]))
    assert set(sheet({}).over(before, {"13002"}, rows=9).files) == {"b"}


def test_notes_on_stations_of_a_commune_that_was_replaced_go_with_it() -> None:
    before = Sheet("s", "u", "s", {}, 1, "2026-01-01", ["13001_0001: mended", "13002_0001: mended"])
    assert sheet({}).over(before, {"13001"}, rows=9).notes == ["13002_0001: mended"]


def test_departments_that_come_later_are_no_longer_missing() -> None:
    first = Sheet("s", "u", "s", {}, 1, "2026-01-01", [], {"departments": ["13"], "missing_departments": ["69", "75"]})  # fmt: skip
    then = Sheet("s", "u", "s", {}, 1, "2026-01-01", [], {"departments": ["69"]})
    facts = then.over(first, (), rows=9).facts
    assert facts["departments"] == ["13", "69"]
    assert facts["missing_departments"] == ["75"]


def test_every_station_of_a_commune_is_read_whatever_its_number_and_none_of_its_neighbour(
    tmp_path: Path,
) -> None:
    workspace = Workspace(tmp_path / "workspace")
    init_workspace(workspace)
    ids = ["13054_0999", "13055_0001", "13055_9999", "13055_JUS1", "13055_a", "13055_z", "13056_0001", "1305A_0001"]  # fmt: skip
    table = turnout("2022_pres_t1", [1000] * len(ids), [500] * len(ids)).assign(station_id=ids)
    votes = pl.DataFrame({"station_id": ids, "votes": [1] * len(ids)})
    with staged(workspace) as staging:
        write_results(staging, "2022_pres_t1", pl.from_pandas(table), votes, sheet({}))
    read = load_turnout(workspace, "2022_pres_t1", ["13055"])
    assert read["station_id"].tolist() == [i for i in ids if i.startswith("13055_")]
    both = load_turnout(workspace, "2022_pres_t1", ["13054", "13056"])
    assert both["station_id"].tolist() == ["13054_0999", "13056_0001"]
    assert load_turnout(workspace, "2022_pres_t1", []).empty
    assert len(load_turnout(workspace, "2022_pres_t1")) == len(ids)
