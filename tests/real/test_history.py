"""The past of real stations: Marseille, Paris, Nantes, and what the maps and rolls tell of them."""

from __future__ import annotations

import pandas as pd
import pytest

from targeting.config import Workspace
from targeting.errors import JoinError
from targeting.stations.flows import unconserved
from targeting.stations.ledger import carried_error, ledger_counts
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.imports.results import import_results
from targeting.workflows.imports.stations import import_stations
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations.health import data_health
from targeting.workflows.stations.history import Past, find_outlines, load_rounds, station_past
from tests.conftest import NATIONAL, REAL

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is absent: NOT checked"),
]

FIRST_ROUNDS = (
    "PR17_BVot_T1_FE.txt.gz",
    "pr2022/resultats-par-niveau-burvot-t1-france-entiere.txt.gz",
    "lg2022/resultats-par-niveau-burvot-t1-france-entiere.txt.gz",
    "lg2024_t1/resultats-definitifs-par-bureau-de-vote.csv.gz",
)


@pytest.fixture(scope="module")
def france(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Four first rounds of all France, the outlines of Paris and Marseille, points of 2022."""
    workspace = Workspace(tmp_path_factory.mktemp("france") / "workspace")
    init_workspace(workspace)
    import_results(workspace, [NATIONAL / file for file in FIRST_ROUNDS])
    import_stations(workspace, REAL / "cities/paris/secteurs-des-bureaux-de-vote.geojson")
    import_stations(workspace, REAL / "cities/marseille/contours/bureaux_marseille.geojson")
    points = REAL / "cities/marseille/derived/bv_points_100m_marseille.csv"
    import_stations(workspace, points, vintage="2022")
    return workspace


@pytest.fixture(scope="module")
def paris(france: Workspace) -> Past:
    """Paris since the roll of 2012, known by its voters' addresses."""
    addresses = REAL / "addresses"
    import_addresses(france, addresses / "ban-adresses-75-2024.csv.gz")
    import_addresses(france, addresses / "paris2012_electeurs_par_adresse.csv.gz")
    return station_past(france, ["75056"])


def kinds(ledger: pd.DataFrame, vintage: str) -> dict[str, int]:
    return ledger.loc[ledger["vintage"] == vintage, "kind"].value_counts().to_dict()


def test_every_vote_of_every_station_of_france_is_carried_or_named_as_lost(france) -> None:
    past = station_past(france)
    for vintage in past.history.flows["vintage"].unique():
        assert unconserved(past.history.of(vintage)).empty
    counts = ledger_counts(past.ledger)
    assert counts.loc["2017_pres_t1", "identity"] > 61_000
    assert counts.loc["2017_pres_t1", "gone"] < 720, "174 of the communes that merged are found"
    assert counts.loc["2022_pres_t1", "error_sure"] < 0.012
    assert counts.loc["2017_pres_t1", "error_sure"] < 0.027


def test_marseille_keeps_its_stations_and_says_which_were_redrawn(france) -> None:
    past = station_past(france, ["13055"])
    assert len(past.history.now) == 497
    found = kinds(past.ledger, "2022_pres_t1")
    assert found["identity"] >= 450
    assert found["split"] + found["recut"] >= 40, "16 stations were added between 2022 and 2024"
    then = past.ledger[past.ledger["vintage"] == "2022_pres_t1"]
    assert carried_error(then) < 0.025
    assert then["is_uncertain"].mean() < 0.10


def test_the_outlines_of_marseille_are_older_than_its_stations_and_the_doubtful_are_named(
    france,
) -> None:
    check = data_health(france, ["13055"]).outlines
    assert check is not None
    assert check.inside / check.stations == pytest.approx(0.86, abs=0.01)
    assert check.near / check.stations == pytest.approx(0.955, abs=0.01)
    assert len(check.far) == check.stations - check.near


def test_the_four_first_arrondissements_of_paris_were_renumbered_in_order_after_2022(paris) -> None:
    then = paris.ledger[paris.ledger["vintage"] == "2022_pres_t1"].set_index("station_id")
    for now, before in (("0211", "0201"), ("0335", "0315"), ("0449", "0414")):
        row = then.loc[f"75056_{now}"]
        assert (row["kind"], row["stations_then"]) == ("renumbered", f"75056_{before}")
    assert (then["kind"] == "renumbered").sum() == 39


def test_the_outlines_of_paris_are_painted_under_the_numbers_of_now(france, paris) -> None:
    drawn = find_outlines(france, ["75056"])
    assert drawn is not None
    assert len(drawn.renamed) == 39
    assert drawn.renamed["75056_0201"] == "75056_0211"
    now = paris.history.now["station_id"]
    assert now.isin(drawn.outlines["station_id"]).mean() > 0.99


def test_the_voters_addresses_of_2012_name_the_redrawn_stations_of_paris(france, paris) -> None:
    roll = next(r for r in load_rounds(france, ["75056"]) if r.vintage == "2012")
    flows = paris.history.of("2012")
    people = flows["weight"] * flows["station_id_then"].map(
        roll.rolls.set_index("station_id")["registered"]
    )
    assert people.sum() == pytest.approx(roll.rolls["registered"].sum(), rel=1e-9)
    by_voters = flows.loc[flows["basis"] == "voters", "station_id_then"].nunique()
    assert by_voters > 240, "19 % of the voters had changed station by 2017"
    found = kinds(paris.ledger, "2012")
    assert found["identity"] > 550
    assert found["recut"] + found["split"] + found["renumbered"] > 250


def test_the_rolls_of_2017_are_predicted_from_the_addresses_of_2012(france, paris) -> None:
    """Growth of each arrondissement taken off: 3.1 %, where the same codes would give 8.6 %."""
    then = next(r for r in load_rounds(france, ["75056"]) if r.vintage == "2012")
    now = next(r for r in load_rounds(france, ["75056"]) if r.vintage == "2017_pres_t1")
    from targeting.stations.history import build_history
    from targeting.stations.ledger import build_ledger
    from targeting.workflows.stations.history import seen_on_maps

    rounds = [then, now]
    history = build_history(rounds, seen_on_maps(france, rounds, ["75056"]))
    ledger = build_ledger(history, rounds)
    of_2012 = ledger[ledger["vintage"] == "2012"]
    assert carried_error(of_2012) < 0.034
    by_code = of_2012.assign(
        registered_carried=of_2012["station_id"].map(
            then.rolls.set_index("station_id")["registered"]
        )
    ).fillna({"registered_carried": 0.0})
    assert carried_error(by_code) > 0.08


def test_nantes_keeps_no_past_that_is_not_its_own_and_nothing_is_painted(tmp_path) -> None:
    workspace = Workspace(tmp_path / "nantes")
    init_workspace(workspace, communes=["44109"])
    import_results(workspace, [NATIONAL / FIRST_ROUNDS[0], NATIONAL / FIRST_ROUNDS[1]])
    outlines = REAL / "cities/nantes/contours/bureaux.geojson"
    with pytest.raises(JoinError, match=r"41 of 207 stations have an outline \(19\.8%\)"):
        import_stations(workspace, outlines)
    import_results(workspace, [REAL / "cities/nantes/resultats/results_original_1.json"])
    import_stations(workspace, outlines)
    past = station_past(workspace, ["44109"])
    then = past.ledger[past.ledger["vintage"] == "2014_muni_t1"]
    assert then["is_uncertain"].all(), "38 codes are the same by accident: none is believed"
    assert "identity" not in kinds(past.ledger, "2014_muni_t1")
    drawn = find_outlines(workspace, ["44109"])
    assert drawn is not None
    assert drawn.outlines["station_id"].isin(past.history.now["station_id"]).sum() <= 3
