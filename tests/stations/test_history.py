"""Chains of rounds, what maps tell, the ledger, and votes carried to the stations of now."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from targeting.errors import CrsError
from targeting.stations.carry import carry_bloc_votes, carry_turnout
from targeting.stations.crosswalk import cross_common, cross_outlines, cross_places, cross_points
from targeting.stations.flows import as_flows, compose, tidy_flows, unconserved
from targeting.stations.history import build_history
from targeting.stations.ledger import build_ledger, carried_error, ledger_counts
from tests.scoring.toy import bloc_votes, turnout
from tests.stations.towns import rolls, round_of, weights

# -- flows ---------------------------------------------------------------------------------------


def test_two_steps_make_one_and_the_weaker_basis_is_told() -> None:
    first = as_flows(["a_1", "a_1"], ["a_1", "a_2"], [0.4, 0.6], ["same_code", "voters"], 0.8)
    second = as_flows(["a_1", "a_2"], ["a_1", "a_1"], 1.0, ["same_code", "rolls"], 0.5)
    both = compose(first, second)
    assert weights(both) == {("1", "1"): 1}
    assert both["confidence"].to_list() == pytest.approx([0.4])
    assert both["basis"].to_list() == ["rolls"]


def test_a_step_to_a_station_that_is_unknown_afterwards_is_lost() -> None:
    both = compose(as_flows(["a_1"], ["a_2"], 1.0, "same_code", 1.0), as_flows([], [], [], [], []))
    assert weights(both) == {("1", None): 1}
    assert both["basis"].to_list() == ["lost"]


def test_crumbs_go_to_the_other_flows_and_the_sum_stays() -> None:
    flows = as_flows(["a_1"] * 3, ["a_1", "a_2", "a_3"], [0.6, 0.398, 0.002], "voters", 1.0)
    tidy = tidy_flows(flows)
    assert len(tidy) == 2
    assert unconserved(tidy).empty


# -- maps ----------------------------------------------------------------------------------------


def strip(*edges: float, commune: str = "13055", first: int = 1) -> gpd.GeoDataFrame:
    """Stations side by side between `edges`, 100 m high."""
    boxes = [box(west, 0, east, 100) for west, east in itertools.pairwise(edges)]
    ids = [f"{commune}_{n:04d}" for n in range(first, first + len(boxes))]
    return gpd.GeoDataFrame({"station_id": ids}, geometry=boxes, crs="EPSG:2154")


def people(*places: tuple[str, float, float]) -> pd.DataFrame:
    """(station number, x, voters), all at y = 50."""
    return pd.DataFrame(
        {
            "station_id": [f"13055_{n}" for n, _, _ in places],
            "x": [x for _, x, _ in places], "y": 50.0,
            "weight": [w for _, _, w in places],
        }
    )  # fmt: skip


def test_voters_go_where_their_address_is_now() -> None:
    then = people(("0001", 10, 300), ("0001", 90, 100), ("0002", 150, 50))
    flows = cross_points(then, strip(0, 80, 200), basis="voters")
    assert weights(flows) == {
        ("0001", "0001"): 0.75, ("0001", "0002"): 0.25, ("0002", "0002"): 1,
    }  # fmt: skip
    assert set(flows["basis"]) == {"voters"}


def test_a_station_most_of_which_is_off_the_map_is_not_told_by_it() -> None:
    then = people(("0001", 10, 30), ("0001", 5000, 100))
    assert cross_points(then, strip(0, 100), basis="voters").empty


def test_outlines_are_crossed_by_dwellings_or_else_by_area() -> None:
    then, now = strip(0, 100, 200), strip(0, 150, 200)
    by_area = cross_outlines(then, now)
    assert weights(by_area) == {
        ("0001", "0001"): 1, ("0002", "0001"): 0.5, ("0002", "0002"): 0.5,
    }  # fmt: skip
    assert set(by_area["basis"]) == {"area"}
    homes = people(("", 10, 5), ("", 120, 1), ("", 160, 9)).drop(columns="station_id")
    by_homes = cross_outlines(then, now, homes)
    assert weights(by_homes)["0002", "0002"] == 0.9
    assert set(by_homes["basis"]) == {"addresses"}
    with pytest.raises(CrsError):
        cross_outlines(then.to_crs("EPSG:4326"), now)


def test_places_of_now_tell_of_the_outlines_of_then() -> None:
    flows = cross_places(
        strip(0, 100, 200), people(("0007", 50, 3), ("0008", 60, 1)), basis="voters"
    )
    assert weights(flows) == {("0001", "0007"): 0.75, ("0001", "0008"): 0.25}


def test_two_rolls_by_address_are_crossed_by_the_address() -> None:
    then = pd.DataFrame(
        {"station_id": ["13055_1", "13055_1"], "address_id": ["A", "B"], "weight": [60, 40]}
    )
    now = pd.DataFrame(
        {
            "station_id": ["13055_1", "13055_2", "13055_3"],
            "address_id": ["A", "B", "B"],
            "weight": [70, 10, 30],
        }
    )
    flows = cross_common(then, now, basis="voters")
    assert weights(flows) == {("1", "1"): 0.6, ("1", "2"): 0.1, ("1", "3"): 0.3}


# -- chains --------------------------------------------------------------------------------------

BEFORE = rolls(s0001=1000, s0002=1600, s0003=900, s0004=1100)
BETWEEN = rolls(s0001=1000, s0002=800, s0003=900, s0004=1100, s0005=800)
AFTER = rolls(s0001=1010, s0002=790, s0003=905, s0004=1100, s0005=805)


def test_a_split_seen_at_one_step_serves_every_round_before_it() -> None:
    history = build_history(
        [
            round_of("2022_pres_t1", AFTER),
            round_of("2014_euro_t1", BEFORE),
            round_of("2017_pres_t1", BETWEEN),
        ]
    )
    assert weights(history.of("2014_euro_t1"))["0002", "0005"] == 0.5
    assert weights(history.of("2017_pres_t1"))["0005", "0005"] == 1
    assert weights(history.of("2022_pres_t1"))["0005", "0005"] == 1
    assert history.now["station_id"].to_list() == sorted(AFTER["station_id"])
    assert set(history.now["vintage"]) == {"2022_pres_t1"}


def test_each_commune_ends_at_its_own_last_round() -> None:
    there = rolls("13001", s0001=500)
    gone_later = rolls("13002", s0001=300)
    others = [rolls(f"131{n:02d}", s0001=400) for n in range(9)]
    history = build_history(
        [round_of("2017_pres_t1", there, gone_later, rolls("84007", s0001=700), *others),
         round_of("2022_pres_t1", there, *others)]
    )  # fmt: skip
    now = history.now.set_index("station_id")["vintage"]
    assert now["13001_0001"] == "2022_pres_t1"
    assert now["84007_0001"] == "2017_pres_t1", "the later file lacks the whole department"
    assert "13002_0001" not in now, "the later file has its department: the commune is gone"
    rows = history.of("2017_pres_t1").set_index("station_id_then")
    assert rows.loc["13002_0001", "basis"] == "lost"
    ledger = build_ledger(history, [round_of("2017_pres_t1", there, gone_later, *others)])
    assert ledger.loc[ledger["kind"] == "gone", "station_id"].to_list() == ["13002_0001"]


def test_a_second_round_misses_what_the_first_settled_and_nothing_is_redrawn() -> None:
    first = rolls(s0001=1000, s0002=1000, s0003=1000)
    second = rolls(s0001=1001, s0002=1002)
    rounds = [round_of("2022_legi_t1", first), round_of("2022_legi_t2", second)]
    history = build_history(rounds)
    assert set(history.now["vintage"]) == {"2022_legi_t1"}
    assert weights(history.of("2022_legi_t2")) == {("0001", "0001"): 1, ("0002", "0002"): 1}
    ledger = build_ledger(history, rounds)
    told = ledger[ledger["vintage"] == "2022_legi_t2"]
    assert told["kind"].to_list() == ["identity", "identity"]
    assert not told["is_uncertain"].any()


def test_the_map_is_believed_over_the_code_when_they_differ() -> None:
    """Same codes, same sizes, but the two stations exchanged half of their voters."""
    town = rolls(s0001=1000, s0002=1000)
    seen = as_flows(
        ["13055_0001", "13055_0001", "13055_0002", "13055_0002"],
        ["13055_0001", "13055_0002", "13055_0001", "13055_0002"], 0.5, "voters", 0.97,
    )  # fmt: skip
    rounds = [round_of("2012", town), round_of("2017_pres_t1", town)]
    history = build_history(rounds, {("2012", "2017_pres_t1"): seen})
    assert weights(history.of("2012"))["0001", "0002"] == 0.5
    ledger = build_ledger(history, rounds).set_index(["vintage", "station_id"])
    row = ledger.loc["2012", "13055_0001"]
    assert (row["kind"], row["history_share"], row["is_uncertain"]) == ("recut", 0.5, True)


def test_a_border_moved_by_a_few_metres_is_no_redrawing() -> None:
    town = rolls(s0001=1000, s0002=1000)
    seen = as_flows(
        ["13055_0001", "13055_0001", "13055_0002"], ["13055_0001", "13055_0002", "13055_0002"],
        [0.97, 0.03, 1.0], "voters", 0.97,
    )  # fmt: skip
    history = build_history(
        [round_of("2012", town), round_of("2017_pres_t1", town)], {("2012", "2017_pres_t1"): seen}
    )
    assert weights(history.of("2012")) == {("0001", "0001"): 1, ("0002", "0002"): 1}


# -- ledger --------------------------------------------------------------------------------------


def kinds(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, str]:
    rounds = [round_of("2017_pres_t1", before), round_of("2022_pres_t1", after)]
    ledger = build_ledger(build_history(rounds), rounds)
    then = ledger[ledger["vintage"] == "2017_pres_t1"]
    return dict(zip(then["station_id"].str.slice(6), then["kind"], strict=True))


def test_the_ledger_names_what_became_of_each_station() -> None:
    before = rolls(s0001=1000, s0002=1600, s0003=900, s0004=1100, s0031=600, s0032=500)
    after = rolls(s0001=1000, s0002=800, s0003=900, s0004=1100, s0005=800, s0031=1100)
    assert kinds(before, after) == {
        "0001": "identity", "0002": "split", "0003": "identity", "0004": "identity",
        "0005": "split", "0031": "merged",
    }  # fmt: skip


def test_history_share_is_one_half_for_each_half_of_a_split_and_one_for_a_merger() -> None:
    rounds = [round_of("2017_pres_t1", BEFORE), round_of("2022_pres_t1", BETWEEN)]
    ledger = build_ledger(build_history(rounds), rounds)
    then = ledger[ledger["vintage"] == "2017_pres_t1"].set_index("station_id")
    assert then.loc["13055_0002", "history_share"] == pytest.approx(0.5)
    assert then.loc["13055_0005", "history_share"] == pytest.approx(0.5)
    assert then.loc["13055_0001", "history_share"] == pytest.approx(1.0)
    assert then.loc["13055_0005", "is_uncertain"]


def test_a_station_twice_as_large_as_its_past_owns_half_of_it() -> None:
    rounds = [
        round_of("2017_pres_t1", rolls(s0001=500, s0002=1000, s0003=1000, s0004=1000, s0005=1000)),
        round_of("2022_pres_t1", rolls(s0001=1000, s0002=1000, s0003=1000, s0004=1000, s0005=1000)),
    ]
    ledger = build_ledger(build_history(rounds), rounds).set_index(["vintage", "station_id"])
    share = ledger.loc[("2017_pres_t1", "13055_0001"), "history_share"]
    assert share == pytest.approx(0.5, abs=0.1)


def test_the_error_of_carried_rolls_takes_the_growth_of_the_commune_off() -> None:
    table = pd.DataFrame(
        {
            "station_id": ["13055_0101", "13055_0102", "13055_0201"],
            "registered": [110.0, 90.0, 300.0], "registered_carried": [50.0, 50.0, 100.0],
        }
    )  # fmt: skip
    assert carried_error(table) == pytest.approx(20 / 500), "arrondissements grow apart"


def test_counts_are_per_vintage() -> None:
    rounds = [round_of("2017_pres_t1", BEFORE), round_of("2022_pres_t1", BETWEEN)]
    counts = ledger_counts(build_ledger(build_history(rounds), rounds))
    assert counts.loc["2017_pres_t1", ["identity", "split"]].to_list() == [3, 2]
    assert counts.loc["2022_pres_t1", "identity"] == 5


# -- carrying ------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 2000), min_size=2, max_size=6),
    st.lists(st.integers(0, 2000), min_size=2, max_size=6),
)
def test_votes_carried_are_conserved_to_the_unit(then: list[int], now: list[int]) -> None:
    table = turnout("2017_pres_t1", then, [r // 2 for r in then])
    blocs = bloc_votes(table, [r // 4 for r in then])
    rounds = [
        round_of("2017_pres_t1", table[["station_id", "registered"]]),
        round_of("2022_pres_t1", turnout("2022_pres_t1", now, now)[["station_id", "registered"]]),
    ]
    flows = build_history(rounds).of("2017_pres_t1")
    carried = carry_turnout(table, flows)
    for column in ("registered", "votes_cast", "valid_votes"):
        assert carried[column].sum() == pytest.approx(table[column].sum(), abs=1e-6)
    votes = carry_bloc_votes(blocs, flows)
    sums = votes.groupby("bloc")["votes"].sum()
    assert sums.to_dict() == pytest.approx(blocs.groupby("bloc")["votes"].sum().to_dict(), abs=1e-6)


def test_counts_that_were_not_published_stay_missing_when_carried() -> None:
    table = turnout("2012_pres_t1", [1000, 500], [700, 300])
    table["blank_votes"] = pd.array([pd.NA, pd.NA], dtype="Int64")
    flows = as_flows(table["station_id"].to_numpy(), ["13055_0009"] * 2, 1.0, "rolls", 1.0)
    carried = carry_turnout(table, flows)
    assert carried["registered"].to_list() == [1500]
    assert carried["blank_votes"].isna().all()
    assert carried["constituency_code"].to_list() == ["1304"]


def test_rates_of_a_station_that_stayed_are_the_published_ones() -> None:
    table = turnout("2017_pres_t1", [1000, 800], [613, 402])
    ids = table["station_id"].to_numpy()
    carried = carry_turnout(table, as_flows(ids, ids, 1.0, "same_code", 1.0))
    np.testing.assert_array_equal(carried["votes_cast"], table["votes_cast"])
