"""`plan` on the invented town: within the time, never worse than the rule, no door lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from targeting.config import Workspace
from targeting.store.engine import open_store, reading
from targeting.store.queries import latest_cut, load_stops, load_turfs
from targeting.workflows.plan import make_plan
from tests.workflows.test_demo_workspace import call


@pytest.fixture
def town(demo_folder: Path, tmp_path: Path) -> Workspace:
    """A copy of the invented town that a test may change."""
    return Workspace(shutil.copytree(demo_folder, tmp_path / "town"))


def test_the_plan_keeps_to_its_time_beats_the_rule_and_can_be_made_the_campaigns(
    town: Workspace, tmp_path
) -> None:
    out = tmp_path / "plan.csv"
    facts = json.loads(
        call(town, "plan", "--teams", 4, "--evenings", 3, "--keep", "--out", out, "--json").stdout
    )
    assert facts["planned"]["minutes"] <= 4 * 3 * 120
    assert facts["planned"]["value"] >= facts["top_stations_in_order"]["value"] - 1e-6
    assert facts["gap"] == 0
    assert (
        facts["planned"]["votes_p10"]
        < facts["planned"]["votes_p50"]
        < facts["planned"]["votes_p90"]
    )
    table = pd.read_csv(out)
    assert len(table) == facts["planned"]["turfs"] == facts["kept"] <= 12
    assert (table["talks_p10"] <= table["talks_p90"]).all()
    with reading(open_store(town)) as session:
        cut, turfs, stops = latest_cut(session), load_turfs(session), load_stops(session)
        cut_id, doors_in, left_out = cut.id, cut.doors_in, cut.doors_left_out
    mine = turfs[turfs["cut_id"] == cut_id]
    assert sorted(mine["turf_id"]) == sorted(table["turf_id"])
    held = stops[stops["turf_id"].isin(mine["turf_id"])]
    assert doors_in == held["dwellings"].sum() + left_out
    every = sum(r["doors_planned"] for r in facts["by_place"])
    assert every == held["dwellings"].sum() == sum(r["doors_planned"] for r in facts["by_size"])


def test_the_same_plan_twice_is_the_same_plan(town: Workspace) -> None:
    one, other = (make_plan(town, teams=2, evenings=2, minutes=90) for _ in range(2))
    pd.testing.assert_frame_equal(one.turfs, other.turfs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--teams", 0, "--evenings", 2], "0 is not in the range"),
        (["--teams", 2, "--evenings", 900], "900 evenings: from 1 to 200"),
        (["--teams", 2, "--evenings", 2, "--out", "plan.doc"], "unknown format"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_one_line(town, arguments, said) -> None:
    result = call(town, "plan", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
