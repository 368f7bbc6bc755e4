"""`backtest` and the options of `score`, on the invented town: what is written, told and refused."""

from __future__ import annotations

import html
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.locale import text_in
from targeting.reference.results import load_bloc_votes
from targeting.scoring.basis import choose_basis, given_basis, refuse_no_candidate
from targeting.scoring.calibration import Calibrations, add_intervals, bounds_of
from targeting.scoring.intervals import Calibration
from targeting.scoring.ranks import SHIPPED
from targeting.scoring.tallies import unclassified_share
from targeting.store.engine import open_store, write
from targeting.store.visits import record_visits
from targeting.workflows.buildings import load_buildings
from targeting.workflows.reports import score_report
from targeting.workflows.stations.scores import (
    score_stations,
    station_priorities,
)

pytestmark = pytest.mark.slow  # a backtest of the invented town


@pytest.fixture(scope="module")
def town(demo_folder, tmp_path_factory) -> Workspace:
    copy = tmp_path_factory.mktemp("town") / "workspace"
    shutil.copytree(demo_folder, copy)
    return Workspace(copy)


def run(town: Workspace, *arguments: str):
    return CliRunner().invoke(cli, ["--workspace", str(town.root), *arguments])


def test_backtest_writes_one_table_and_one_page_without_anything_fetched(town, tmp_path) -> None:
    out = tmp_path / "out"
    told = run(town, "backtest", "--target", "2024_legi_t1", "--draws", "2", "--out", str(out))
    assert told.exit_code == 0, told.output
    facts = json.loads((out / "backtest.json").read_text())
    assert facts["t0"] == "2022_legi_t1"
    assert {f["method"] for f in facts["figures"]} >= {"random", "naive", "product", "shrunk", "ecological"}  # fmt: skip
    page = (out / "backtest.html").read_text()
    answers = [
        text_in("fr", f"verdict.{a}") for a in ("yes", "yes_but", "partly", "partly_but", "no")
    ]
    first = re.findall("<h2>(.*?)</h2>", page)[0]
    assert html.unescape(first) in answers, "the answer stands first"
    assert "**" not in page
    assert page.count("<svg") == 1
    assert "Aurait-on eu raison" in page
    for reach in ("<script", "http://", "https://cdn", "src="):
        assert reach not in page.replace('xmlns="http://www.w3.org/2000/svg"', "").replace(
            'xmlns:xlink="http://www.w3.org/1999/xlink"', ""
        )


def test_the_same_backtest_twice_is_the_same(town) -> None:
    once, twice = (
        run(town, "backtest", "--target", "2024_legi_t1", "--draws", "1", "--json").stdout
        for _ in range(2)
    )
    assert json.loads(once) == json.loads(twice)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "2027_pres_t1"], "2027_pres_t1 is not imported"),
        (["--target", "2017_pres_t1"], "nothing imported was held before"),
        (["--target", "2022_legi_t1", "--since", "2017_legi_t1"], "swing"),
        (["--target", "2024_legi_t1", "--method", "ensemble"], "2,000 are wanted"),
        (["--target", "2024_legi_t1", "--method", "magic"], "unknown method magic"),
        (["--target", "2024_legi_t1", "--commune", "13055"], "no station of 13055"),
        (["--target", "soon"], "is not an election"),
        (["--target", "2024_legi_t1", "--presidential", "2022_pres_t1", "--low", "2014_euro_t1"],
         "2014_euro_t1 is not imported or not before"),
    ],
)  # fmt: skip
def test_a_backtest_that_cannot_be_made_is_refused_in_one_line(town, arguments, words) -> None:
    told = run(town, "backtest", *arguments)
    assert told.exit_code == 2
    last = told.output.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert words in last


def test_an_out_that_is_a_file_is_refused_before_anything_is_written(town, tmp_path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    told = run(town, "backtest", "--target", "2024_legi_t1", "--out", str(file))
    assert told.exit_code == 2
    assert file.read_text() == "mine"


def test_the_choice_of_elections_and_where_intervals_come_from_are_told(town) -> None:
    scored = score_stations(town)
    assert "left share of 2022_pres_t1" in scored.told[0]
    assert "shipped" in scored.told[-2]
    assert "learnt on 2024_legi_t1" in scored.told[-1]
    assert scored.scores["reservoir_low"].notna().any()


def test_any_pair_may_be_asked_for(town) -> None:
    scored = score_stations(town, presidential="2017_pres_t1", low=("2017_legi_t1",))
    assert scored.basis.elections == ("2017_pres_t1", "2017_legi_t1")
    assert "one only" in scored.told[0]
    assert scored.scores["rank"].notna().any()
    with pytest.raises(TargetingError, match="together"):
        score_stations(town, presidential="2017_pres_t1")


def test_a_shrunk_score_is_its_factors_product_and_moves_little(town) -> None:
    plain, shrunk = (score_stations(town, method=m).scores for m in ("product", "shrunk"))
    product = shrunk["abstention_rate"] * shrunk["left_share"]
    assert shrunk["score"].to_list() == pytest.approx(product.to_list(), nan_ok=True)
    both = plain["score"].notna()
    assert plain["score"][both].corr(shrunk["score"][both], method="spearman") > 0.97
    assert (plain["reservoir"] - shrunk["reservoir"]).abs().max() < 1e-9


def test_what_learns_is_refused_on_so_few_stations(town) -> None:
    with pytest.raises(TargetingError, match="2,000 are wanted"):
        score_stations(town, method="ensemble")


def test_a_target_that_stood_nowhere_is_refused(town) -> None:
    votes = load_bloc_votes(town, "2022_pres_t1")
    basis = score_stations(town).basis
    refuse_no_candidate(votes, ["left"], basis)
    with pytest.raises(TargetingError, match="no vote for `left`, `ecologist` at 2022_pres_t1"):
        refuse_no_candidate(
            votes[~votes["bloc"].isin(["left", "ecologist"])], ["left", "ecologist"], basis
        )


def test_stations_without_rank_are_counted_by_reason(town) -> None:
    report = score_report(town)
    ranked = report.facts["ranked"] + sum(report.facts["unranked"].values())
    assert ranked == report.facts["stations"]


def test_half_unclassified_votes_are_half(town) -> None:
    votes = load_bloc_votes(town, "2022_pres_t1")
    half = votes.assign(bloc=["other", "left"] * (len(votes) // 2) + ["left"] * (len(votes) % 2))
    expected = half.loc[half["bloc"] == "other", "votes"].sum() / half["votes"].sum()
    assert unclassified_share(half) == pytest.approx(expected)
    assert unclassified_share(half.head(0)) == 0


def test_intervals_hold_the_reservoir_and_never_more_than_the_roll(town) -> None:
    scored = score_stations(town)
    scores = scored.scores
    errors = Calibration("2017_legi_t1", "2022_pres_t1", 900, 0.8, 0.3, 0.1, 1.2, 0.09, 0.6)
    sure = add_intervals(scores, Calibrations(errors, SHIPPED, ()), scored.errors, k=10)
    known = sure["reservoir"].notna()
    assert (sure["reservoir_low"] <= sure["reservoir"])[known].all()
    assert (sure["reservoir"] <= sure["reservoir_high"])[known].all()
    assert (sure["reservoir_high"] <= sure["registered"])[known].all()
    assert sure["top_k_probability"].sum() == pytest.approx(10)
    assert (sure["top_k_probability"].isna() == sure["rank"].isna()).all()
    pd.testing.assert_series_equal(sure["score"], scores["score"])


def test_an_order_that_is_not_one_of_the_stock_has_no_chance_and_no_rank_interval(town) -> None:
    scored = score_stations(town)
    assert scored.calibrations is not None
    sure = add_intervals(scored.scores.assign(top_k_probability=float("nan")), scored.calibrations)
    assert sure["top_k_probability"].isna().all()
    assert sure["reservoir_low"].notna().any(), "people are counted whatever the order"
    assert bounds_of(scored.scores, None) is None


def test_visits_change_priorities_and_no_score(town, tmp_path) -> None:
    copy = Workspace(tmp_path / "copy")
    shutil.copytree(town.root, copy.root)
    before = score_stations(copy)
    priorities = station_priorities(copy, before)
    building = load_buildings(copy).dropna(subset="station_id").nlargest(1, "dwellings").iloc[0]
    knocks = [
        {
            "visit_id": f"00000000-0000-0000-0000-{n:012d}", "building_id": building["building_id"],
            "door_id": f"{building['building_id']}/{n}", "outcome": "talked",
            "visited_at": datetime(2026, 3, 1, 18, tzinfo=UTC),
        }
        for n in range(1, int(building["dwellings"]) + 1)
    ]  # fmt: skip
    write(open_store(copy), lambda session: record_visits(session, knocks))
    after = score_stations(copy)
    pd.testing.assert_frame_equal(before.scores, after.scores)
    moved = station_priorities(copy, after)["priority"] != priorities["priority"]
    changed = set(priorities.loc[moved & priorities["priority"].notna(), "station_id"])
    assert changed == {building["station_id"]}


# -- the elections it rests on ---------------------------------------------------------------------


def levels(*rows: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"election_id": e, "turnout": t, "turnout_presidential": 0.75} for e, t in rows]
    )


def test_no_presidential_round_and_no_low_one_are_told_with_the_way_out() -> None:
    with pytest.raises(TargetingError, match="needs a presidential first round"):
        choose_basis(levels(("2022_legi_t1", 0.48)))
    with pytest.raises(TargetingError, match="no election lies ten points"):
        choose_basis(levels(("2022_pres_t1", 0.75), ("2024_legi_t1", 0.68)))
    one = choose_basis(levels(("2022_pres_t1", 0.75), ("2022_legi_t1", 0.48)))
    assert one.low == ("2022_legi_t1",)
    assert "27.0 points under it" in one.told


@pytest.mark.parametrize(
    ("presidential", "low", "words"),
    [
        ("2022_legi_t1", ("2022_pres_t1",), "no presidential first round"),
        ("2022_pres_t1", (), "give one low-turnout round"),
        ("2022_pres_t1", ("2022_pres_t1",), "give one low-turnout round"),
        ("2022_pres_t1", ("2019_euro_t1",), "2019_euro_t1 is not imported"),
    ],
)
def test_a_pair_that_makes_no_sense_is_refused(presidential, low, words) -> None:
    with pytest.raises(TargetingError, match=words):
        given_basis(levels(("2022_pres_t1", 0.75), ("2022_legi_t1", 0.48)), presidential, low)


def test_the_page_of_a_backtest_speaks_english_too(town, tmp_path) -> None:
    told = run(town, "backtest", "--target", "2024_legi_t1", "--draws", "1", "--lang", "en",
               "--out", str(tmp_path / "en"))  # fmt: skip
    assert told.exit_code == 0
    assert "Would we have been right?" in Path(tmp_path / "en" / "backtest.html").read_text()
