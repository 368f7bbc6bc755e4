"""What codes, rolls and votes tell of redrawn stations, on towns that can be drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.stations.flows import BASES, unconserved
from targeting.stations.rolls import match_rolls
from tests.stations.towns import rolls, some_years_later, town_of, weights


def basis_of(flows: pd.DataFrame, then: str, now: str) -> str:
    row = flows[flows["station_id_then"].str.endswith(then) & flows["station_id"].str.endswith(now)]
    return str(row["basis"].iloc[0])


def test_stations_whose_rolls_stayed_are_themselves() -> None:
    flows = match_rolls(
        rolls(s0101=1000, s0102=800, s0103=900), rolls(s0101=1020, s0102=790, s0103=930)
    )
    assert weights(flows) == {("0101", "0101"): 1, ("0102", "0102"): 1, ("0103", "0103"): 1}
    assert set(flows["basis"]) == {"same_code"}
    assert (flows["confidence"] == 1).all(), "nothing moved in the commune: nothing to doubt"


def test_a_new_number_beside_a_halved_roll_is_a_split() -> None:
    flows = match_rolls(
        rolls(s0001=1000, s0002=1600, s0003=900, s0009=1200),
        rolls(s0001=1000, s0002=800, s0003=900, s0009=1200, s0010=800),
    )
    assert weights(flows)["0002", "0002"] == 0.5
    assert weights(flows)["0002", "0010"] == 0.5
    assert basis_of(flows, "0002", "0010") == "rolls"


def test_a_vanished_number_beside_a_doubled_roll_is_a_merger() -> None:
    flows = match_rolls(
        rolls(s0001=700, s0002=600, s0003=900, s0004=900), rolls(s0001=1300, s0003=900, s0004=900)
    )
    assert weights(flows)["0002", "0001"] == 1
    assert weights(flows)["0001", "0001"] == 1


def test_what_a_roll_lost_goes_to_the_nearest_number_that_grew() -> None:
    flows = match_rolls(
        rolls(s0101=1000, s0102=1000, s0901=1000, s0902=1000),
        rolls(s0101=700, s0102=1300, s0901=700, s0902=1300),
    )
    moved = weights(flows)
    assert moved["0101", "0102"] > 0.29
    assert moved["0901", "0902"] > 0.29
    assert ("0101", "0902") not in moved, "another end of the town"


def test_voters_do_not_leave_their_arrondissement() -> None:
    flows = match_rolls(
        rolls("75056", s0101=1000, s0102=1000, s0201=1000, s0202=1000),
        rolls("75056", s0101=600, s0102=1400, s0201=1400, s0202=600),
    )
    assert set(weights(flows)) == {
        ("0101", "0101"), ("0101", "0102"), ("0102", "0102"),
        ("0201", "0201"), ("0202", "0201"), ("0202", "0202"),
    }  # fmt: skip


def test_the_growth_of_the_whole_town_is_no_redrawing() -> None:
    then = town_of(3, 12)
    later = then.assign(registered=(then["registered"] * 1.25).round())
    flows = match_rolls(then, later)
    assert (flows["station_id_then"] == flows["station_id"]).all()
    assert (flows["confidence"] > 0.99).all()


def test_a_commune_of_one_station_then_or_now_gives_all_to_itself() -> None:
    into_one = match_rolls(rolls(s0001=300, s0002=500), rolls(s0001=820))
    assert weights(into_one) == {("0001", "0001"): 1, ("0002", "0001"): 1}
    out_of_one = match_rolls(rolls(s0001=900), rolls(s0001=600, s0002=300))
    assert weights(out_of_one) == {("0001", "0001"): 0.6667, ("0001", "0002"): 0.3333}


def test_a_commune_that_is_not_there_any_more_is_lost_by_name() -> None:
    flows = match_rolls(rolls("01033", s0001=300), rolls("01034", s0001=300))
    assert weights(flows) == {("0001", None): 1}
    assert flows["basis"].to_list() == ["lost"]


def test_numbers_that_were_all_changed_in_the_same_order_are_found() -> None:
    town = town_of(5, 8)
    codes = {s: f"31555_{1000 + i}" for i, s in enumerate(town["station_id"])}
    flows = match_rolls(town, some_years_later(town, codes=codes))
    found = dict(zip(flows["station_id_then"], flows["station_id"], strict=True))
    assert found == codes
    assert set(flows["basis"]) == {"renumbered"}


def test_the_same_numbers_given_to_other_stations_are_not_believed() -> None:
    """Nobody's number stays: rolls and votes give most stations back, and say how sure that is."""
    town = town_of(7, 30)
    shuffled = np.random.default_rng(2).permutation(town["station_id"])
    codes = dict(zip(town["station_id"], shuffled, strict=True))
    later = some_years_later(town, codes=codes)
    flows = match_rolls(town, later)
    sure = flows[(flows["weight"] > 0.9) & (flows["confidence"] > 0.9)]
    right = sure["station_id"].to_numpy() == sure["station_id_then"].map(codes).to_numpy()
    assert len(sure) >= 20
    assert right.mean() >= 0.95
    kept = flows[flows["station_id"] == flows["station_id_then"]]
    assert not (kept["basis"] == "same_code").any() or kept["weight"].max() < 1


def test_the_same_codes_without_rolls_are_believed_less() -> None:
    then = rolls(s0001=1, s0002=1).assign(registered=np.nan)
    flows = match_rolls(then, rolls(s0001=900, s0002=800))
    assert weights(flows) == {("0001", "0001"): 1, ("0002", "0002"): 1}
    assert (flows["confidence"] <= 0.7).all()


def test_a_guess_among_many_is_worth_less_than_a_guess_of_one() -> None:
    one = match_rolls(
        rolls(s0001=1000, s0002=1000, s0003=1000, s0004=1000),
        rolls(s0001=700, s0002=1300, s0003=1000, s0004=1000),
    )
    many = match_rolls(
        rolls(s0001=1000, s0002=1000, s0003=1000, s0004=1000),
        rolls(s0001=550, s0002=1150, s0003=1150, s0004=1150),
    )
    guessed = [f.loc[f["basis"] == "rolls", "confidence"].max() for f in (one, many)]
    assert guessed[0] > 2 * guessed[1]


stations = st.dictionaries(st.integers(1, 30), st.integers(0, 2500), min_size=1, max_size=14)


@given(stations, stations, st.booleans())
def test_no_voter_is_lost_or_made_whatever_the_redrawing(then, now, divided) -> None:
    commune = "75056" if divided else "44109"
    before = rolls(commune, **{f"s{n:04d}": r for n, r in then.items()})
    after = rolls(commune, **{f"s{n:04d}": r for n, r in now.items()})
    flows = match_rolls(before, after)
    assert unconserved(flows).empty
    assert set(flows["station_id_then"]) == set(before["station_id"])
    assert set(flows["station_id"].dropna()) <= set(after["station_id"])
    assert set(flows["basis"]) <= set(BASES)
    assert flows["confidence"].between(0, 1).all()


@given(stations)
def test_a_round_matched_with_itself_is_itself(town) -> None:
    table = rolls(**{f"s{n:04d}": r for n, r in town.items()})
    flows = match_rolls(table, table)
    assert (flows["station_id"] == flows["station_id_then"]).all()
    assert flows["weight"].to_list() == pytest.approx([1.0] * len(table))
