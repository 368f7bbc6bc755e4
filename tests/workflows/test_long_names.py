"""Codes past S9999, long streets and names, a ballot date that goes: on both engines."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from targeting.codes import code_number, in_turf_order
from targeting.config import Workspace
from targeting.maps.handmap import hand_figure
from targeting.maps.turfs import turf_colours
from targeting.store.engine import open_store, reading, write
from targeting.store.queries import load_campaign
from targeting.store.visits import due_to_be_forgotten, record_visits
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.setup import campaign_card, init_workspace
from targeting.workflows.turfs import edits as handwork
from targeting.workflows.turfs.board import load_campaign_turfs
from targeting.workflows.turfs.cutting import cut_campaign_turfs
from targeting.workflows.turfs.files import export_turfs
from tests.workflows.test_import_streets import along, ban, call

pytestmark = pytest.mark.slow  # a town of its own each


@pytest.fixture
def empty(unmade: Workspace) -> Workspace:
    """A campaign without addresses, on each engine."""
    init_workspace(unmade, communes=["13055"])
    return unmade


def test_turfs_past_s9999_follow_it_on_lists_maps_and_in_files(
    empty: Workspace, tmp_path: Path
) -> None:
    import_addresses(empty, ban(tmp_path / "ban.csv", along("Rue A")))
    write(open_store(empty), lambda s: s.execute(text("UPDATE campaign SET next_turf = 9998")))
    cut_campaign_turfs(empty, chosen="all", doors=5, fast=True)
    codes = ["S9998", "S9999", "S10000", "S10001"]
    kept = load_campaign_turfs(empty)
    assert list(kept.stops["turf_id"].unique()) == codes
    out = tmp_path / "turfs.csv"
    export_turfs(empty, out)
    assert list(pd.read_csv(out)["turf_id"].unique()) == codes
    drawn = hand_figure(kept.stops, None, "en")
    assert [t.name for t in drawn.data if t.customdata is not None] == codes
    merged = handwork.merge(empty, ["S10000", "S9999"])
    assert merged.turf_ids == ["S9999", "S10000"], "the older code is kept"


def test_a_turf_keeps_its_colour_whichever_turfs_there_are() -> None:
    every = [f"S{n:04d}" for n in range(1, 30)]
    colours = turf_colours(every)
    assert turf_colours(every[7:3:-1]) == {t: colours[t] for t in every[7:3:-1]}
    assert colours["S0001"] != colours["S0002"]
    assert [code_number(c) for c in ("S0102", "S10000", "new")] == [102, 10000, 0]
    stops = pd.DataFrame({"turf_id": ["S10000", "S9999", "S9999"], "visit_order": [1, 10, 9]})
    assert in_turf_order(stops)["visit_order"].tolist() == [9, 10, 1]


def test_a_street_of_four_hundred_letters_and_a_long_name_are_kept(
    empty: Workspace, tmp_path: Path
) -> None:
    street = "Rue " + "a" * 396
    import_addresses(empty, ban(tmp_path / "ban.csv", along(street)))
    name = "é" * 200
    init_workspace(empty, name=name)
    told = call(empty, "init", "--name", "é" * 201)
    assert (told.exit_code, "201 letters" in told.stderr) == (2, True)
    assert campaign_card(empty).name == name
    cut_campaign_turfs(empty, chosen="all", doors=10, fast=True)
    kept = load_campaign_turfs(empty)
    assert set(kept.stops["street"]) == {street}
    assert kept.turfs["start_address"].str.len().max() == 200, "a turf is told by its beginning"


def test_the_day_a_visit_is_forgotten_moves_with_the_ballot_and_back_without_one(
    empty: Workspace,
) -> None:
    at = datetime(2026, 3, 1, 18, tzinfo=UTC)
    visit = {"visit_id": "v", "building_id": "b", "door_id": "b/1", "outcome": "refused",
             "visited_at": at}  # fmt: skip
    write(open_store(empty), lambda s: record_visits(s, [visit]))

    def last_day() -> date:
        """The last day that it is kept."""
        with reading(open_store(empty)) as session:
            days = [at.date() + timedelta(days=n) for n in range(800)]
            return next(d for d in days if due_to_be_forgotten(session, d)) - timedelta(days=1)

    assert last_day() == at.date() + timedelta(days=730)
    for ballot in (date(2026, 3, 15), date(2027, 4, 18)):
        assert call(empty, "init", "--ballot-date", ballot.isoformat()).exit_code == 0
        assert last_day() == ballot + timedelta(days=15)
    assert call(empty, "init", "--name", "Other").exit_code == 0
    assert campaign_card(empty).ballot_date == date(2027, 4, 18), "left alone"
    told = call(empty, "init", "--ballot-date", "none", "--json")
    assert json.loads(told.stdout)["ballot_date"] is None
    assert last_day() == at.date() + timedelta(days=730)
    for wrong in ("18/04/2027", "2027-02-30", "20270418", ""):
        refused = call(empty, "init", "--ballot-date", wrong)
        assert (refused.exit_code, "2027-04-18" in refused.stderr) == (2, True)
    with reading(open_store(empty)) as session:
        campaign = load_campaign(session)
        assert campaign is not None
        assert campaign.ballot_date is None
