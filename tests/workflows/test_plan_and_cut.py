"""A cut adds: turfs elsewhere stay; a plan and a cut at once never share a door, on both engines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.store.engine import open_store, reading, write
from targeting.store.turfs import latest_cut, load_stops, load_turfs
from targeting.workflows.turfs import cutting, plan
from targeting.workflows.turfs.cutting import cut_campaign_turfs, preview_cut
from targeting.workflows.turfs.plan import keep_plan, make_plan
from tests.races.doors import doors_in_two_open_turfs
from tests.workflows.worlds import EAST, WEST, found_town

pytestmark = pytest.mark.slow  # a plan and a cut, in every order


@pytest.fixture
def town(tmp_path: Path, unmade: Workspace) -> Workspace:
    """Two stations, each cut for itself, on each engine."""
    found_town(unmade, tmp_path)
    for station in (WEST, EAST):
        cut_campaign_turfs(unmade, chosen=station, doors=60, fast=True)
    return unmade


def look(workspace: Workspace) -> tuple[Any, Any]:
    with reading(open_store(workspace)) as session:
        return load_turfs(session), load_stops(session)


def holding(workspace: Workspace, station: str) -> set[str]:
    turfs = look(workspace)[0]
    return set(turfs.loc[turfs["station_ids"].str.contains(station), "turf_id"])


def plan_an_evening(workspace: Workspace) -> None:
    keep_plan(workspace, make_plan(workspace, teams=2, evenings=1, minutes=45))


def cut_west(workspace: Workspace) -> None:
    cut_campaign_turfs(workspace, chosen=WEST, doors=30, fast=True)


def test_a_cut_of_one_station_leaves_ready_turfs_elsewhere_and_tells_every_door(
    town: Workspace,
) -> None:
    west, east = holding(town, WEST), holding(town, EAST)
    assert west
    assert east
    assert not west & east
    assert set(preview_cut(town, WEST).replaced) == west
    told = cut_campaign_turfs(town, chosen=WEST, doors=30, fast=True)
    assert holding(town, EAST) == east
    assert not holding(town, WEST) & west
    with reading(open_store(town)) as session:
        cut = latest_cut(session)
        assert cut is not None
        doors = cut.doors_in, cut.doors_in_turfs, cut.doors_left_out
    assert doors[0] == doors[1] + doors[2]
    turfs = told.facts["turfs"]
    said = f"{doors[0]:,} doors in = {doors[1]:,} in {turfs} turfs + {doors[2]:,} left out"
    assert said in told.text


@pytest.mark.parametrize(
    ("module", "slow", "quick"),
    [(plan, plan_an_evening, cut_west), (cutting, cut_west, plan_an_evening),
     (plan, plan_an_evening, plan_an_evening)],
    ids=["cut between a plan", "plan between a cut", "plan between a plan"],
)  # fmt: skip
def test_a_plan_and_a_cut_at_once_put_no_door_in_two_turfs(
    town: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    slow: Callable[[Workspace], None],
    quick: Callable[[Workspace], None],
) -> None:
    waiting = [quick]
    before = set(look(town)[1]["building_id"])

    def write_late(engine: Any, work: Any) -> Any:
        if waiting:
            waiting.pop()(town)
        return write(engine, work)

    monkeypatch.setattr(module, "write", write_late)
    with contextlib.suppress(TargetingError):
        slow(town)
    assert waiting == []
    turfs, stops = look(town)
    assert doors_in_two_open_turfs(turfs, stops) == 0
    assert set(stops["building_id"]) <= before
