"""A fast cut is polished behind the scenes, under the same codes, and only if that is better."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from targeting.config import Workspace
from targeting.store.engine import open_store, reading
from targeting.store.turfs import latest_cut, load_stops, load_turfs
from targeting.workflows.turfs import edits as handwork
from targeting.workflows.turfs import polishing
from targeting.workflows.turfs.cutting import cut_campaign_turfs
from targeting.workflows.turfs.polishing import (
    keep_codes,
    polish_latest_cut,
    polish_state,
    start_polish,
)

pytestmark = pytest.mark.slow  # polishes take their time


@pytest.fixture
def town(demo_folder: Path, tmp_path: Path) -> Workspace:
    """A copy of the invented town that a test may change."""
    return Workspace(shutil.copytree(demo_folder, tmp_path / "town"))


def state(workspace: Workspace) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    with reading(open_store(workspace)) as session:
        cut = latest_cut(session)
        turfs, stops = load_turfs(session), load_stops(session)
        mine = turfs[turfs["cut_id"] == cut.id]
        parameters = dict(cut.parameters)
    return mine, stops[stops["turf_id"].isin(mine["turf_id"])], parameters


@pytest.fixture
def fast(town: Workspace) -> Workspace:
    cut_campaign_turfs(town, chosen="top:20%", minutes=90, fast=True, exclude_contacted=0)
    return town


def test_polish_keeps_every_door_and_most_codes_and_can_be_undone(fast: Workspace) -> None:
    before, stops, _ = state(fast)
    done = polish_latest_cut(fast)
    after, polished, parameters = state(fast)
    assert done.outcome == "better"
    assert done.within[1] >= done.within[0] or done.walk_m[1] < done.walk_m[0]
    assert done.cost_m[1] < done.cost_m[0], "by the objective that the polish lowers"
    assert parameters["fast"] is False
    doors = [t.groupby("building_id")["dwellings"].sum().to_dict() for t in (stops, polished)]
    assert doors[0] == doors[1]
    kept = set(before["turf_id"]) & set(after["turf_id"])
    assert len(kept) >= 0.9 * min(len(before), len(after))
    handwork.undo(fast)
    pd.testing.assert_frame_equal(
        state(fast)[1].reset_index(drop=True), stops.reset_index(drop=True)
    )


def test_a_polish_comes_to_what_the_polished_cut_would_have_been(fast: Workspace) -> None:
    polish_latest_cut(fast)
    polished = state(fast)[1].groupby("turf_id")["building_id"].agg(frozenset)
    cut_campaign_turfs(fast, chosen="top:20%", minutes=90, exclude_contacted=0)
    whole = state(fast)[1].groupby("turf_id")["building_id"].agg(frozenset)
    assert set(polished) == set(whole)


def test_what_was_changed_by_hand_meanwhile_stays(fast: Workspace, monkeypatch) -> None:
    turfs, _, _ = state(fast)
    cut_as = polishing.cut_as

    def somebody_is_faster(*given, **options):
        handwork.lock(fast, [turfs["turf_id"].iloc[0]])
        return cut_as(*given, **options)

    monkeypatch.setattr(polishing, "cut_as", somebody_is_faster)
    assert polish_latest_cut(fast).outcome == "moved_on"
    assert set(state(fast)[0]["turf_id"]) == set(turfs["turf_id"])


def test_a_cut_that_was_polished_is_left_alone(town: Workspace) -> None:
    cut_campaign_turfs(town, chosen="top:3", minutes=90)
    before = state(town)[1]
    assert polish_latest_cut(town).outcome == "as_good"
    pd.testing.assert_frame_equal(state(town)[1], before)


def test_in_the_background_it_is_working_then_told_once(fast: Workspace) -> None:
    assert polish_state(fast) is None
    start_polish(fast)
    deadline = time.monotonic() + 120
    while (now := polish_state(fast)) is not None and now.outcome == "working":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert now is not None
    assert now.outcome == "better"
    assert polish_state(fast) is None


def test_a_code_goes_to_the_turf_that_holds_most_of_its_doors() -> None:
    def stops(rows: list[tuple[str, str, int]]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["turf_id", "building_id", "dwellings"])

    held = stops([("S1", "a", 5), ("S1", "b", 5), ("S2", "c", 9)])
    fresh = stops([("x", "a", 5), ("y", "b", 5), ("y", "c", 9), ("z", "d", 1)])
    assert keep_codes(held, fresh) == {"y": "S2", "x": "S1", "z": "new1"}
    assert json.dumps(keep_codes(held, fresh))


def test_without_a_cut_nothing_is_polished(tmp_path: Path) -> None:
    from targeting.workflows.setup import init_workspace

    workspace = Workspace(tmp_path / "w")
    init_workspace(workspace, communes=["13055"])
    assert polish_latest_cut(workspace).outcome == "as_good"
