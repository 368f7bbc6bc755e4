"""The real files, where they are: national totals, ten lines of pandas, joins, addresses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import JoinError
from targeting.households.matching import match_voters
from targeting.scoring.product import OWN_PAST
from targeting.sources.addresses.reading import read_addresses
from targeting.sources.outlines.reading import read_outlines
from targeting.sources.results.blocs import read_blocs, refuse_unknown_lines
from targeting.sources.results.counts import COUNTS, Results
from targeting.sources.results.elections import recognise_election
from targeting.sources.results.wide import read_wide_results
from targeting.stations.joins import best_sound_join, join_outlines
from targeting.workflows.stations.history import station_past
from tests.conftest import NATIONAL, REAL

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is absent: NOT checked"),
]

PRES_2022 = "pr2022/resultats-par-niveau-burvot-t1-france-entiere.txt.gz"
LEGI_2022 = "lg2022/resultats-par-niveau-burvot-t1-france-entiere.txt.gz"
LEGI_2017_T2 = "Leg_2017_Resultats_BVT_T2_c.txt.gz"
LEGI_2024 = "lg2024_t1/resultats-definitifs-par-bureau-de-vote.csv.gz"

# file: election, rows, registered, votes cast, valid votes, Marseille's stations and registered
COMPLETE = {
    "PR17_BVot_T1_FE.txt.gz":
        ("2017_pres_t1", 69242, 47582183, 37003728, 36054394, 480, 500296, 74.54),
    "PR17_BVot_T2_FE.txt.gz":
        ("2017_pres_t2", 69242, 47568693, 35467327, 31381603, 480, 500107, 69.33),
    LEGI_2017_T2: ("2017_legi_t2", 68767, 47293103, 20164615, 18176066, 480, 500461, 36.69),
    PRES_2022: ("2022_pres_t1", 69682, 48747876, 35923707, 35132947, 481, 520379, 68.03),
    "pr2022/resultats-par-niveau-burvot-t2-france-entiere.txt.gz":
        ("2022_pres_t2", 69682, 48752339, 35096478, 32057325, 481, 520570, 64.65),
    LEGI_2022: ("2022_legi_t1", 69682, 48953748, 23256207, 22744708, 481, 525203, 40.77),
    "lg2022/resultats-par-niveau-burvot-t2-france-entiere.txt.gz":
        ("2022_legi_t2", 69355, 48589606, 22464299, 20747083, 481, 525255, 39.39),
}  # fmt: skip
PARTIAL = {
    LEGI_2024: ("2024_legi_t1", 50758, 78, 4),
    "lg2024_t2/resultats-definitifs-par-bureau-de-vote.csv.gz": ("2024_legi_t2", 43763, 77, 1),
}
BLOCS = read_blocs()


def totals(results: Results) -> dict[str, int]:
    sums = results.turnout.select(COUNTS).sum().row(0, named=True)
    return {k: int(v) for k, v in sums.items()}


@pytest.mark.parametrize("file", COMPLETE)
def test_national_totals_and_marseille_are_the_published_ones(file: str) -> None:
    election, rows, registered, cast, valid, stations, there, turnout = COMPLETE[file]
    results = read_wide_results(NATIONAL / file)
    assert recognise_election(results, BLOCS, {}) == election
    refuse_unknown_lines(results.name, results.votes, BLOCS, election)
    sums = totals(results)
    assert (results.turnout.height, sums["registered"]) == (rows, registered)
    assert (sums["votes_cast"], sums["valid_votes"]) == (cast, valid)
    assert results.votes["votes"].sum() == valid
    assert results.flagged.is_empty()
    marseille = results.turnout.filter(commune_code="13055")
    assert (marseille.height, marseille["registered"].sum()) == (stations, there)
    share = 100 * marseille["votes_cast"].sum() / marseille["registered"].sum()
    assert share == pytest.approx(turnout, abs=0.005)


@pytest.mark.parametrize("file", PARTIAL)
def test_the_partial_files_of_2024_are_read_and_their_odd_rows_flagged(file: str) -> None:
    election, rows, departments, odd = PARTIAL[file]
    results = read_wide_results(NATIONAL / file)
    assert recognise_election(results, BLOCS, {}) == election
    assert results.turnout.height == rows
    assert results.turnout["department"].n_unique() == departments
    assert results.flagged.height == odd
    assert results.turnout["station_id"].str.contains(r"^(\d{5}|2[AB]\d{3}|Z[XZ]\d{3})_").all()


def test_2022_and_2024_name_the_same_stations_in_the_same_way() -> None:
    then = read_wide_results(NATIONAL / PRES_2022).turnout
    now = read_wide_results(NATIONAL / LEGI_2024).turnout
    departments = now["department"].unique().implode()
    past = then.filter(then["department"].is_in(departments))
    assert past["station_id"].is_in(now["station_id"].implode()).mean() > 0.97


@pytest.fixture(scope="module")
def marseille(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Marseille's campaign from the official files, by the command line."""
    workspace = Workspace(tmp_path_factory.mktemp("real") / "workspace")

    def call(*arguments: object) -> None:
        result = CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])
        assert result.exit_code == 0, result.output

    call("init", "--commune", "13055")
    call("import", "results", *(NATIONAL / f for f in (PRES_2022, LEGI_2022, LEGI_2017_T2)))
    call("import", "stations", REAL / "cities/marseille/contours/bureaux_marseille.geojson")
    return workspace


def by_hand() -> pd.Series:
    """The same score from the raw files, by another way: ten lines of pandas."""
    left = ("MÉLENCHON", "JADOT", "ROUSSEL", "HIDALGO", "POUTOU", "ARTHAUD")
    tables = {}
    for file in (PRES_2022, LEGI_2022, LEGI_2017_T2):
        raw = pd.read_csv(NATIONAL / file, sep=";", encoding="latin-1", header=None, skiprows=1,
                          names=range(250), dtype="str", engine="c")  # fmt: skip
        raw = raw[(raw[0] == "13") & (raw[4] == "055")]
        tables[file] = raw.set_index("13055_" + raw[6])
    pres = tables[PRES_2022]
    votes = sum(
        pres[at + 4].astype(int).where(pres[at + 2].isin(left), 0) for at in range(21, 105, 7)
    )
    abstention = [1 - t[10].astype(int) / t[7].astype(int) for t in list(tables.values())[1:]]
    return pd.concat(abstention, axis=1).mean(axis=1) * votes / pres[18].astype(int)


def test_the_score_of_marseille_is_the_one_ten_lines_of_pandas_give(
    marseille: Workspace, tmp_path: Path
) -> None:
    out = tmp_path / "scores.parquet"
    command = ["--workspace", str(marseille.root), "score", "--commune", "13055", "--out", str(out)]
    result = CliRunner().invoke(cli, [*command, "--json"])
    told = json.loads(result.stdout)
    assert told["basis"]["presidential"] == "2022_pres_t1"
    assert told["basis"]["low"] == ["2022_legi_t1", "2017_legi_t2"]
    scores = pd.read_parquet(out).set_index("station_id")
    expected = by_hand().reindex(scores.index)
    assert len(scores) == 481
    past = station_past(marseille, ["13055"])
    flows = past.history.of("2017_legi_t2")
    alone = ~flows["station_id"].duplicated(keep=False)
    alone &= flows["station_id"] == flows["station_id_then"]
    ledger = past.of("2017_legi_t2")
    trusted = ledger.index[ledger["history_share"] * ledger["confidence"] >= OWN_PAST]
    stayed = scores.index.isin(flows.loc[alone, "station_id"]) & scores.index.isin(trusted)
    assert 0.94 < stayed.mean() < 0.97, "the others' past of 2017 is partly their neighbours'"
    np.testing.assert_allclose(scores.loc[stayed, "score"], expected[stayed], rtol=1e-12)
    assert (scores["score"] - expected).abs().max() < 0.02
    by_hand_order = expected[stayed].sort_index().sort_values(ascending=False, kind="stable").index
    assert scores.loc[stayed].sort_values("rank").index.to_list() == by_hand_order.to_list()
    order = scores["score"].sort_index().sort_values(ascending=False, kind="stable").index
    assert scores.sort_values("rank").index.to_list() == order.to_list()
    assert [row["station_id"] for row in told["top"]] == order[:20].to_list()


@pytest.mark.parametrize(
    ("file", "commune", "election", "rate"),
    [("cities/marseille/contours/bureaux_marseille.geojson", None, PRES_2022, 97.3),
     ("cities/marseille/contours/bureaux_marseille.geojson", None, LEGI_2024, 94.4),
     ("cities/hauts-de-seine-circo13/contours/circo_contours.geojson", None, PRES_2022, 100.0),
     ("cities/paris/secteurs-des-bureaux-de-vote.geojson", None, PRES_2022, 99.6)],
)  # fmt: skip
def test_outlines_join_at_the_measured_rate(
    file: str, commune: str | None, election: str, rate: float
) -> None:
    outlines = read_outlines(REAL / file, commune_code=commune)
    turnout = read_wide_results(NATIONAL / election).turnout
    join = join_outlines(
        outlines.stations, turnout.select("station_id", "registered").to_pandas(), election_id="e"
    )
    assert round(100 * join.rate, 1) == rate
    assert outlines.stations.geometry.is_valid.all()


def test_nantes_of_2014_is_refused_with_its_figure() -> None:
    outlines = read_outlines(REAL / "cities/nantes/contours/bureaux.geojson", commune_code="44109")
    assert len(outlines.stations) == 209
    joins = [
        join_outlines(
            outlines.stations,
            read_wide_results(NATIONAL / file)
            .turnout.select("station_id", "registered")
            .to_pandas(),
            election_id=file,
        )
        for file in (PRES_2022, LEGI_2022)
    ]
    assert all(0.19 <= join.rate <= 0.20 for join in joins)
    with pytest.raises(JoinError, match=r"19\.\d%"):
        best_sound_join("nantes", joins)


def test_the_voters_of_paris_are_found_in_the_ban_beyond_the_obvious_match() -> None:
    ban = read_addresses(REAL / "addresses/ban-adresses-75-2024.csv.gz").table
    voters = read_addresses(REAL / "addresses/paris2012_electeurs_par_adresse.csv.gz").table
    without_number = 20  # of 158,048: “0 s”, as the BAN writes a place without number
    assert len(ban) == 158048 - without_number
    assert (len(voters), voters["registered"].sum()) == (72107, 1225863)
    match = match_voters(voters, ban)
    assert match.rate() > 0.995, "the obvious match finds 98.9 % of the addresses"
    assert match.voter_rate() > 0.998, "and 99.3 % of the voters"
