"""Two actors on the same doors, each between the other's look and its writing: on both engines no
door is in two open turfs, and none that nobody answered is lost in silence."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.store.engine import open_store, reading, write
from targeting.store.models import Visit
from targeting.store.turfs import load_stops, load_turfs
from targeting.store.visits import record_visits, withdraw_visits
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.setup import init_workspace
from targeting.workflows.turfs import cutting, polishing, recut
from targeting.workflows.turfs import edits as handwork
from targeting.workflows.turfs.cutting import (
    cut_as,
    cut_campaign_turfs,
    preview_cut,
    restore_report,
)
from targeting.workflows.turfs.recut import recut_campaign_turfs
from tests.races.doors import doors_in_two_open_turfs, some_visits
from tests.workflows.test_import_streets import along, ban

pytestmark = pytest.mark.slow  # every pair of actors, in every order


@pytest.fixture
def town(tmp_path: Path, unmade: Workspace) -> Workspace:
    """Three streets of twenty doors in turfs of ten; the first turf is begun. On each engine."""
    init_workspace(unmade, communes=["13055"])
    rows = [r for k, name in enumerate("ABC") for r in along(f"Rue {name}", y=9.0 + 100 * k)]
    import_addresses(unmade, ban(tmp_path / "ban.csv", rows))
    cut_campaign_turfs(unmade, chosen="all", doors=10, fast=True)
    come_back(unmade)
    return unmade


def state(workspace: Workspace) -> tuple[Any, Any]:
    with reading(open_store(workspace)) as session:
        return load_turfs(session), load_stops(session)


SEEDS = itertools.count(1)
"""Of returns, so that no two have the same visits."""


def come_back(workspace: Workspace) -> None:
    """A return begins the first ready turf, and brings more of the first one begun."""
    turfs, stops = state(workspace)
    rows = []
    for status in ("ready", "in_progress"):
        first = turfs[turfs["status"] == status].sort_values("turf_id").head(1)
        rows += some_visits(first, stops, seed=next(SEEDS), count=2) if len(first) else []
    assert write(open_store(workspace), lambda s: record_visits(s, rows)) == len(rows)


def walked(workspace: Workspace) -> dict[str, list[list[Any]]]:
    """Stops of each turf that somebody walks now."""
    turfs, stops = state(workspace)
    ids = turfs.loc[turfs["status"] == "in_progress", "turf_id"]
    return {t: stops[stops["turf_id"] == t].values.tolist() for t in ids}


def move(workspace: Workspace) -> None:
    turfs, stops = state(workspace)
    ready = list(turfs.loc[turfs["status"] == "ready", "turf_id"])
    building = stops.loc[stops["turf_id"] == ready[0], "building_id"].iloc[0]
    handwork.move_buildings(workspace, [building], ready[1])


def lock(workspace: Workspace) -> None:
    turfs = state(workspace)[0]
    handwork.lock(workspace, list(turfs.loc[turfs["status"] == "ready", "turf_id"])[:1])


def take_back(workspace: Workspace) -> None:
    """A phone takes back all that came in."""
    with reading(open_store(workspace)) as session:
        ids = list(session.scalars(select(Visit.id)))
    now = datetime.now(UTC)
    assert write(open_store(workspace), lambda s: withdraw_visits(s, ids, now, None)) == len(ids)


ACTORS: dict[str, tuple[Any, Callable[[Workspace], Any]]] = {
    "cut": (cutting, lambda w: cut_campaign_turfs(w, chosen="all", doors=12, fast=True)),
    "recut": (recut, lambda w: recut_campaign_turfs(w, doors=5, fast=True)),
    "polish": (polishing, polishing.polish_latest_cut),
    "move": (handwork, move),
    "return": (None, come_back),
    "restore": (cutting, restore_report),
    "undo": (handwork, handwork.undo),
    "lock": (handwork, lock),
    "take back": (None, take_back),
}
BEFORE: dict[str, Callable[[Workspace], Any]] = {
    "restore": ACTORS["cut"][1], "undo": move, "polish": ACTORS["cut"][1],
}  # fmt: skip
"""What somebody did first, so that there is something to call back, or to polish."""

COMPUTING = ("cut", "recut", "polish", "move")
PAIRS = [
    *itertools.product(COMPUTING, (*COMPUTING, "return")),
    ("restore", "cut"), ("restore", "return"), ("restore", "move"), ("cut", "restore"),
    ("undo", "cut"), ("undo", "return"), ("move", "undo"), ("lock", "cut"), ("cut", "lock"),
    ("recut", "take back"),
]  # fmt: skip


def try_it(act: Callable[[Workspace], Any], workspace: Workspace) -> None:
    """Done, or refused in a sentence with nothing done: anything else is a fault. What was seen at
    a door is never refused."""
    if act in (come_back, take_back):
        act(workspace)
        return
    with contextlib.suppress(TargetingError):
        act(workspace)


@pytest.mark.parametrize(("slow", "quick"), PAIRS)
def test_whoever_comes_between_the_look_and_the_writing_no_door_is_in_two_open_turfs(
    town: Workspace, monkeypatch: pytest.MonkeyPatch, slow: str, quick: str
) -> None:
    module, act = ACTORS[slow]
    for who in {slow, quick} & set(BEFORE):
        BEFORE[who](town)
    waiting = [ACTORS[quick][1]]
    # a polish that makes other turfs, whatever it gains: what it writes is tried
    costs = itertools.cycle((1.0, 0.0))  # of the turfs as they are, then of the others
    monkeypatch.setattr(polishing, "cut_cost", lambda *_: next(costs))
    monkeypatch.setattr(polishing, "cut_as", lambda w, p: cut_as(w, p | {"doors": 7}))

    begun: list[Any] = []

    def write_late(engine: Any, work: Any) -> Any:
        if waiting:
            try_it(waiting.pop(), town)
            begun.append(walked(town))
        return write(engine, work)

    _, before = state(town)
    monkeypatch.setattr(module, "write", write_late)
    try_it(act, town)
    assert waiting == [], "the other came in between"
    turfs, stops = state(town)
    assert doors_in_two_open_turfs(turfs, stops) == 0
    assert set(before["building_id"]) <= set(stops["building_id"]), "every door is still in a turf"
    for turf_id, list_in_hand in begun[0].items():
        assert stops[stops["turf_id"] == turf_id].values.tolist() == list_in_hand
        assert turfs.set_index("turf_id").loc[turf_id, "status"] in ("in_progress", "done")


def test_a_late_list_or_one_taken_back_never_opens_a_turf_that_was_cut_over(
    town: Workspace,
) -> None:
    first = state(town)[0].set_index("turf_id")["status"].eq("in_progress").idxmax()
    recut_campaign_turfs(town, fast=True)
    cut_campaign_turfs(town, chosen="all", doors=10, fast=True)
    turfs, stops = state(town)
    late = some_visits(turfs[turfs["turf_id"] == first], stops, seed=99, count=3)
    write(open_store(town), lambda s: record_visits(s, late))
    turfs, stops = state(town)
    assert turfs.set_index("turf_id").loc[first, "status"] == "done"
    now = late[0]["visited_at"]
    write(open_store(town), lambda s: withdraw_visits(s, [r["visit_id"] for r in late], now, None))
    turfs, stops = state(town)
    assert turfs.set_index("turf_id").loc[first, "status"] == "done"
    assert doors_in_two_open_turfs(turfs, stops) == 0


def test_a_cut_that_replaces_other_turfs_than_it_said_is_refused(town: Workspace) -> None:
    told = preview_cut(town, "all")
    move(town)
    with pytest.raises(TargetingError, match="no longer those you were told of"):
        cut_campaign_turfs(town, chosen="all", doors=12, fast=True, expected=told.replaced)
    assert set(told.replaced) <= set(state(town)[0]["turf_id"])


def test_a_cut_is_taken_back_whole_until_somebody_begins_it(town: Workspace) -> None:
    before = state(town)[1]
    cut_campaign_turfs(town, chosen="all", doors=12, fast=True)
    replaced = [t for t in before["turf_id"].unique() if t not in set(state(town)[0]["turf_id"])]
    with pytest.raises(TargetingError, match="in another open turf"):
        restore_report(town, replaced[:1])
    assert restore_report(town).facts["restored"] == replaced
    after = state(town)[1]
    assert after.values.tolist() == before.values.tolist()
    cut_campaign_turfs(town, chosen="all", doors=12, fast=True)
    turfs, stops = state(town)
    newest = turfs[turfs["cut_id"] == turfs["cut_id"].max()].head(1)
    rows = some_visits(newest, stops, seed=7, count=1)
    write(open_store(town), lambda s: record_visits(s, rows))
    with pytest.raises(TargetingError, match="begun, locked or handed out"):
        restore_report(town)
