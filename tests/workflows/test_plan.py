"""`plan` on the invented town: within the time, never worse than the rule, no door lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from targeting.config import PROJECT, Workspace
from targeting.store.engine import open_store, reading
from targeting.store.turfs import latest_cut, load_excluded, load_stops, load_turfs
from targeting.workflows.turfs.board import load_campaign_turfs
from targeting.workflows.turfs.plan import NOT_PLANNED, keep_plan, make_plan
from tests.workflows.test_demo_workspace import call

pytestmark = pytest.mark.slow  # plans take their time


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


def test_a_tower_planned_in_part_is_kept_with_the_doors_of_that_part_alone(town: Workspace) -> None:
    plan = make_plan(town, teams=1, evenings=1, minutes=40)
    turfs_of = plan.stops.groupby("building_id")["turf_id"].agg(list)
    tower = turfs_of[turfs_of.map(len) > 1].index[0]
    part = plan.turfs["turf_id"] == turfs_of[tower][1]
    plan = replace(plan, turfs=plan.turfs.assign(is_planned=part))
    codes = keep_plan(town, plan).codes
    kept = load_campaign_turfs(town, list(codes.values())).stops
    assert tower in set(kept["building_id"])
    in_range = kept["last_door"] - kept["first_door"] + 1
    assert (in_range - kept["closed"].map(len) == kept["dwellings"]).all()


def test_every_door_looked_at_is_in_the_kept_plan_or_left_out_with_its_reason(
    town: Workspace,
) -> None:
    plan = make_plan(town, teams=1, evenings=4, minutes=45)
    keep_plan(town, plan)
    with reading(open_store(town)) as session:
        cut = latest_cut(session)
        assert cut.doors_in == plan.doors_in
        reasons = set(load_excluded(session, cut.id)["reason"])
    assert NOT_PLANNED in reasons
    assert set(plan.excluded["reason"]) <= reasons
    assert "already_met" in reasons


def test_the_answer_stands_alone_on_standard_output_whatever_the_solver_says(town) -> None:
    command = [sys.executable, "-m", "targeting", "--workspace", str(town.root), "--json", "plan"]
    for teams in ("3", "5"):
        told = subprocess.run(
            [*command, "--teams", teams, "--evenings", "1", "--minutes", "40"],
            capture_output=True, text=True, check=True, cwd=PROJECT,
        )  # fmt: skip
        assert json.loads(told.stdout)["gap"] == 0
