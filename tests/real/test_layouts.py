"""Every layout on its real file: rows, sums, elections, and publications that must agree."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.reference.held import election_sheet, list_elections
from targeting.reference.results import load_shares
from targeting.sources.results.blocs import bloc_of_lines, read_blocs, refuse_unknown_lines
from targeting.sources.results.counts import COUNTS, Results
from targeting.sources.results.elections import missing_departments, recognise_election
from targeting.sources.results.reading import read_results
from targeting.tables import Shares
from tests.conftest import NATIONAL, REAL

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is absent: NOT checked"),
]

BLOCS = read_blocs()
SUBURBS = "cities/hauts-de-seine-circo13/resultats/"
EU19_13 = "cities/marseille/resultats/eu2019_resultats-definitifs-par-bureau-de-vote_dep13.txt.gz"
EU19_92 = f"{SUBURBS}eu2019_resultats-definitifs-par-bureau-de-vote_dep92.txt.gz"
TIDY_EU14 = "results/tidy_thirdparty/2014-europeennes_par_bureau_large.csv.gz"
TIDY_EU19 = "results/tidy_thirdparty/2019-europeennes_par_bureau_large.csv.gz"
TIDY_LG17 = "results/tidy_thirdparty/2017-legislatives-1_par_bureau_large.csv.gz"
LECTOURE = "cities/format-samples/PR12_Bvot_T1 32208 Lectoure.csv"
ANGERS_1 = "cities/angers/49007_201_1er15ccanto_ANG1to7 avec canton.csv"
ANGERS_2 = "cities/angers/49007_201_2nd15ccanto_ANG1to7 avec canton.csv"

# file: election, stations, lines of votes, registered, flagged
COUNTED = {
    EU19_13: ("2019_euro_t1", 1366, 46444, 0),
    EU19_92: ("2019_euro_t1", 1015, 34510, 0),
    TIDY_EU14: ("2014_euro_t1", 68246, 652339, 0),
    TIDY_EU19: ("2019_euro_t1", 69297, 2356098, 0),
    TIDY_LG17: ("2017_legi_t1", 69242, 662312, 0),
    LECTOURE: ("2012_pres_t1", 4, 40, 0),
    f"{SUBURBS}europeennes_2024.xlsx": ("2024_euro_t1", 92, 3496, 0),
    f"{SUBURBS}departementales_2021_t1.xlsx": ("2021_dpmt_t1", 91, 524, 0),
    f"{SUBURBS}legislatives2022_t2_9213.xlsx": ("2022_legi_t2", 91, 182, 0),
    f"{SUBURBS}legislatives2024_t1_9213.xlsx": ("2024_legi_t1", 92, 644, 0),
    f"{SUBURBS}legislatives2024_t2_9213.xlsx": ("2024_legi_t2", 92, 184, 0),
    f"{SUBURBS}municipales_2014_t1_antony.xlsx": ("2014_muni_t1", 44, 176, 0),
    f"{SUBURBS}municipales_2020_t1_antony.xlsx": ("2020_muni_t1", 44, 176, 0),
    "cities/nantes/resultats/results_original_1.json": ("2014_muni_t1", 209, 2090, 0),
    "cities/nantes/resultats/results_original_2.json": ("2014_muni_t2", 209, 418, 0),
    ANGERS_1: ("2015_dpmt_t1", 83, 430, 1),
}
SHARED = {  # percentages: election, stations, lines
    "cities/nantes/resultats/resultats_bureaux_1.json": ("2014_muni_t1", 209, 2090),
    "cities/nantes/resultats/resultats_bureaux_2.json": ("2014_muni_t2", 209, 418),
    "cities/marseille/resultats/results_marseille.json": ("2014_muni_t1", 478, 3503),
    "cities/marseille/resultats/results_marseille_2.json": ("2014_muni_t2", 405, 1215),
    "cities/le-mans/secteurs_results_premier_tour.json": ("2014_muni_t1", 96, 768),
    "cities/le-mans/secteurs_results_second_tour.json": ("2014_muni_t2", 96, 288),
}


def one(file: str) -> Results:
    (results,) = read_results(REAL / file)
    return results


@pytest.mark.parametrize("file", COUNTED)
def test_rows_and_sums_are_those_of_the_file(file: str) -> None:
    election, stations, lines, flagged = COUNTED[file]
    results = one(file)
    assert recognise_election(results, BLOCS, {}) == election
    assert (results.turnout.height, results.votes.height) == (stations, lines)
    assert results.flagged.height == flagged
    if not flagged:
        assert results.votes["votes"].sum() == results.turnout["valid_votes"].sum()
    refuse_unknown_lines(results.name, results.votes, BLOCS, election)


def test_a_departmental_second_round_of_two_pairs_is_asked_for(tmp_path: Path) -> None:
    results = one(ANGERS_2)
    assert results.turnout.height == 83
    told = recognise_election(results, BLOCS, {}, election_id="2015_dpmt_t2")
    assert told == "2015_dpmt_t2"


@pytest.mark.parametrize("file", SHARED)
def test_percentages_are_shares_that_add_up(file: str) -> None:
    election, stations, lines = SHARED[file]
    results = one(file)
    assert recognise_election(results, BLOCS, {}) == election
    assert results.shares is not None
    assert results.turnout.is_empty()
    assert results.shares["station_id"].n_unique() == stations
    assert results.shares.height == lines
    sums = results.shares.group_by("station_id").agg(pl.col("share").sum())["share"]
    least = 0.94 if "le-mans" in file else 0.99  # Le Mans cuts its percentages to whole ones
    assert sums.is_between(least, 1.003).all()


def test_nantes_shares_are_those_of_its_counts() -> None:
    """Two publications of one ballot: percentages of votes cast, and counts."""
    shares = one("cities/nantes/resultats/resultats_bureaux_1.json").shares
    counts = one("cities/nantes/resultats/results_original_1.json")
    assert shares is not None
    of_counts = counts.votes.join(counts.turnout, on="station_id").select(
        "station_id",
        candidate=pl.col("candidate").str.to_lowercase(),
        counted=pl.col("votes") / pl.col("valid_votes"),
    )
    both = shares.join(of_counts, on=["station_id", "candidate"])
    assert both.height == 2090
    assert (both["share"] - both["counted"]).abs().max() < 0.005


def keyed(results: Results, department: str) -> pl.DataFrame:
    columns = ["station_id", *COUNTS]
    return results.turnout.filter(department=department).select(columns).sort("station_id")


@pytest.mark.parametrize(("native", "department"), [(EU19_13, "13"), (EU19_92, "92")])
def test_european_2019_says_the_same_natively_and_tidily(native: str, department: str) -> None:
    ours, theirs = one(native), one(TIDY_EU19)
    assert keyed(ours, department).equals(keyed(theirs, department))
    there = pl.col("station_id").str.head(2) == department
    columns = ["station_id", "party_list", "votes"]
    order = ["station_id", "party_list"]
    one_way = ours.votes.select(columns).sort(order)
    other = theirs.votes.filter(there).select(columns).sort(order)
    assert one_way.height == other.height
    assert one_way.equals(other)


def test_legislative_2017_first_round_has_the_stations_of_the_presidential() -> None:
    first = one(TIDY_LG17)
    sums = first.turnout.select("registered", "votes_cast", "valid_votes").sum().row(0)
    assert sums == (47_570_988, 23_167_508, 22_654_164), "the totals published by the ministry"
    (pres,) = read_results(NATIONAL / "PR17_BVot_T1_FE.txt.gz")
    both = first.turnout.join(pres.turnout, on="station_id")
    assert first.turnout.height == 69_242
    assert both.height == 69_235, "seven stations were renumbered in between"
    gap = (both["registered"] - both["registered_right"]).abs() / both["registered_right"]
    assert gap.median() < 0.01
    assert first.turnout["constituency_code"].null_count() == 0


def test_workbooks_of_92_13_are_rows_of_the_national_files() -> None:
    (national,) = read_results(
        NATIONAL / "lg2024_t1/resultats-definitifs-par-bureau-de-vote.csv.gz"
    )
    extract = one(f"{SUBURBS}legislatives2024_t1_9213.xlsx")
    columns = ["station_id", *COUNTS]
    both = extract.turnout.select(columns).join(national.turnout.select(columns), on="station_id")
    assert both.height == 92
    for count in COUNTS:
        assert (both[count] == both[f"{count}_right"]).all()


def test_every_list_of_2019_and_2024_has_a_bloc_and_the_left_has_its_own() -> None:
    lists = bloc_of_lines(one(EU19_13).votes, BLOCS, "2019_euro_t1")
    assert lists.height == 34
    assert lists["bloc"].null_count() == 0
    left = lists.filter(pl.col("bloc").is_in(["left", "ecologist", "far_left"]))["party_list"]
    assert set(left) == {
        "LA FRANCE INSOUMISE", "ENVIE D'EUROPE", "POUR L'EUROPE DES GENS", "LISTE CITOYENNE",
        "LUTTE OUVRIÈRE", "RÉVOLUTIONNAIRE", "EUROPE ÉCOLOGIE", "URGENCE ÉCOLOGIE",
        "DÉCROISSANCE 2019",
    }  # fmt: skip
    votes = one(f"{SUBURBS}europeennes_2024.xlsx").votes
    assert votes["party_list"].n_unique() == 38
    assert bloc_of_lines(votes, BLOCS, "2024_euro_t1")["bloc"].null_count() == 0


def test_the_partial_files_of_2024_name_the_departments_they_lack() -> None:
    for folder, lacking in (("lg2024_t1", 29), ("lg2024_t2", 29)):
        (results,) = read_results(
            NATIONAL / folder / "resultats-definitifs-par-bureau-de-vote.csv.gz"
        )
        departments = results.turnout["department"].unique().to_list()
        missing = missing_departments(departments, f"2024_legi_t{folder[-1]}")
        assert not set(missing) & set(departments)
        assert len(missing) == lacking, missing
    (whole,) = read_results(NATIONAL / "PR17_BVot_T1_FE.txt.gz")
    assert missing_departments(whole.turnout["department"].unique().to_list(), "2017_pres_t1") == []


def test_one_command_brings_in_every_city_and_the_partial_file_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    call = CliRunner().invoke
    base = ["--workspace", str(workspace.root)]
    assert call(cli, [*base, "init"]).exit_code == 0
    skipped = {TIDY_EU19, TIDY_EU14, TIDY_LG17, EU19_92}
    files = [*(f for f in COUNTED if f not in skipped), *SHARED]
    partial = "results/national/lg2024_t2/resultats-definitifs-par-bureau-de-vote.csv.gz"
    files = [f for f in files if "legislatives2024_t2" not in f]
    result = call(
        cli, [*base, "import", "results", *(str(REAL / f) for f in [*files, partial]), "--json"]
    )
    assert result.exit_code == 0, result.output
    told = {Path(i["file"]).name: i for i in json.loads(result.stdout)["imported"]}
    assert told["results_marseille.json"]["shares_only"]
    assert "2019_euro_t1" in list_elections(workspace)
    national = told["resultats-definitifs-par-bureau-de-vote.csv.gz"]
    assert national["missing_departments"]
    facts = election_sheet(workspace, "2024_legi_t2").facts
    assert facts["missing_departments"] == national["missing_departments"]
    shares = load_shares(workspace, "2014_muni_t1")
    Shares.check(shares)
    assert set(shares["station_id"].str[:5]) == {"13055", "44109", "72181"}
    again = call(
        cli, [*base, "import", "results", *(str(REAL / f) for f in [*files, partial]), "--json"]
    )
    assert all(i["unchanged"] for i in json.loads(again.stdout)["imported"])
