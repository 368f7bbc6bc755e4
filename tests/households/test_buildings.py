"""Buildings: voters and dwellings per address; sums are the station's."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.households.buildings import (
    build_buildings,
    dwellings,
    registered_estimate,
    uninhabited,
)


def town(*stations: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "address_id": [f"a{i}" for i in range(len(stations))],
            "street": "Rue Basse", "number": range(1, len(stations) + 1), "suffix": "",
            "x": 0.0, "y": 0.0, "station_id": pd.Series(stations, dtype="str"),
        }
    )  # fmt: skip


NO_ROLL = pd.Series(dtype="float64")


@given(
    st.lists(st.sampled_from(["s1", "s2", "s3"]), min_size=1, max_size=30),
    st.dictionaries(st.integers(0, 29), st.integers(0, 300), max_size=30),
    st.integers(1, 2000),
)
def test_registered_of_a_stations_addresses_sum_to_its_registered(stations, roll, size) -> None:
    registered = pd.Series({"s1": size, "s2": 2 * size, "s3": 7}, dtype="float64")
    voters_at = pd.Series({f"a{i}": n for i, n in roll.items()}, dtype="float64")
    addresses = town(*stations)
    estimate = registered_estimate(addresses, registered, voters_at)
    sums = estimate.groupby(addresses["station_id"]).sum()
    assert sums.to_dict() == pytest.approx(registered[sums.index].to_dict())


def test_without_a_roll_every_address_weighs_the_same() -> None:
    registered = pd.Series({"s1": 90.0})
    assert registered_estimate(town("s1", "s1", "s1"), registered, NO_ROLL).to_list() == [30] * 3


def test_a_roll_that_covers_the_station_gives_the_weights_even_when_it_is_old() -> None:
    registered = pd.Series({"s1": 200.0})
    voters_at = pd.Series({"a0": 90.0, "a1": 60.0})
    estimate = registered_estimate(town("s1", "s1", "s1"), registered, voters_at)
    assert estimate.to_list() == pytest.approx([120, 80, 0])


def test_dwellings_follow_from_voters_and_are_never_none() -> None:
    assert dwellings(pd.Series([0.0, 1.6, 2.5, 160.0])).to_list() == [1, 1, 2, 100]
    assert dwellings(pd.Series([160.0]), voters_per_dwelling=2.0).to_list() == [80]


def test_an_address_outside_the_stations_stays_with_no_voter() -> None:
    addresses = town("s1", "s1").drop(columns="station_id")
    stations = pd.Series(["s1", None], dtype="str")
    full = addresses.assign(commune_code="13055", postcode="13001")
    buildings = build_buildings(full, stations, pd.Series({"s1": 50.0}), NO_ROLL)
    assert buildings["registered_estimate"].to_list() == [50.0, 0.0]
    assert not uninhabited(buildings).any(), "outside is another reason than empty"


def test_kinds_follow_the_number_of_dwellings() -> None:
    addresses = town("s1", "s2", "s3").drop(columns="station_id")
    full = addresses.assign(commune_code="13055", postcode="13001")
    stations = pd.Series(["s1", "s2", "s3"], dtype="str")
    registered = pd.Series({"s1": 2.0, "s2": 30.0, "s3": 200.0})
    kinds = build_buildings(full, stations, registered, NO_ROLL)["kind"].to_list()
    assert kinds == ["house", "block", "tower"]
