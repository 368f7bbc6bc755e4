"""Stations, buildings and rolls at the bound: the last that is in, the first that is out."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from targeting.households.buildings import (
    build_buildings,
    dwellings,
    registered_estimate,
    uninhabited,
)
from targeting.households.matching import NEAREST_NUMBERS
from targeting.stations.ledger import _reach
from targeting.stations.places import NEAR_M, assign_stations
from targeting.stations.redrawn import name_as_now
from tests.households.test_buildings import NO_ROLL, town
from tests.households.test_matching import addresses, roll, steps

from .test_places_and_joins import two_squares
from .test_ranges import station


@pytest.mark.parametrize(("on_roll", "is_used"), [(99.0, False), (100.0, True), (101.0, True)])
def test_a_roll_gives_the_weights_from_half_of_the_voters_expected_on(on_roll, is_used) -> None:
    found = registered_estimate(town("s", "s"), pd.Series({"s": 200.0}), pd.Series({"a0": on_roll}))
    assert found.to_list() == ([200, 0] if is_used else [100, 100])


def test_a_station_of_nobody_has_nobody_and_what_is_in_no_station_neither() -> None:
    found = registered_estimate(town("s", "t"), pd.Series({"s": 0.0}), NO_ROLL)
    assert found.to_list() == [0, 0]


@pytest.mark.parametrize(
    ("voters", "homes"), [(0.0, 1), (2.39, 1), (2.41, 2), (4.0, 3), (64.0, 40)]
)
def test_dwellings_are_one_at_least_and_the_nearest_number_else(voters, homes) -> None:
    assert dwellings(pd.Series([voters])).to_list() == [homes]


@pytest.mark.parametrize(("homes", "kind"), [(1, "house"), (2, "house"), (3, "block"), (39, "block"), (40, "tower")])  # fmt: skip
def test_a_house_has_two_dwellings_at_most_and_a_tower_forty_at_least(homes, kind) -> None:
    table = town("s").drop(columns="station_id").assign(commune_code="13055", postcode="13001")
    place = pd.Series(["s"], dtype="str")
    counted = pd.Series({"a0": homes})
    built = build_buildings(table, place, pd.Series({"s": 999.0}), NO_ROLL, counted=counted)
    assert built[["dwellings", "kind"]].to_numpy().tolist() == [[homes, kind]]
    empty = build_buildings(table, place, pd.Series({"s": 0.0}), NO_ROLL, counted=counted)
    assert uninhabited(empty).all(), "counted or not: the roll knows nobody there"


@pytest.mark.parametrize(("away", "step"), [(NEAREST_NUMBERS, "neighbour"), (NEAREST_NUMBERS + 2, "none"), (NEAREST_NUMBERS - 1, "none")])  # fmt: skip
def test_a_missing_number_is_stood_for_at_most_four_doors_away_on_its_side(away, step) -> None:
    book = addresses(("Rue Basse", 20, ""))
    assert steps(roll("RUE BASSE", 20 + away), book) == [step]


@pytest.mark.parametrize(("away", "found"), [(0.0, True), (NEAR_M, True), (NEAR_M + 0.1, False)])
def test_a_point_belongs_to_an_outline_thirty_metres_away_at_most(away, found) -> None:
    place = assign_stations(pd.Series([-away]), pd.Series([50.0]), two_squares())
    assert place.notna().to_list() == [found]
    none = assign_stations(pd.Series([-away]), pd.Series([50.0]), two_squares(), near_m=0)
    assert none.isna().all(), "on the line is not within"


@pytest.mark.parametrize(("people", "reach"), [(0.0, 0.0), (400.0, 0.5), (800.0, 1.0), (1600.0, 1.0)])  # fmt: skip
def test_no_more_than_all_of_a_roll_has_a_past(people, reach) -> None:
    """A hundred other stations say that the town did not grow."""
    then = pd.Series([people, *[1e6] * 100])
    now = pd.Series([800.0, *[1e6] * 100])
    assert _reach(then, now).iloc[0] == pytest.approx(reach, abs=1e-3)


@pytest.mark.parametrize(
    ("weight", "sure", "name"),
    [(0.5, 1.0, None), (0.51, 1.0, "13055_0002"), (1.0, 0.69, None), (1.0, 0.7, "13055_0002")],
)
def test_an_outline_takes_the_name_of_most_of_its_voters_where_that_is_sure(
    weight, sure, name
) -> None:
    layer = gpd.GeoDataFrame(
        {"station_id": ["13055_0001"], "number": ["0001"], "commune_code": ["13055"]},
        geometry=[box(0, 0, 1, 1)], crs="EPSG:2154",
    )  # fmt: skip
    flows = pd.DataFrame(
        {
            "station_id_then": ["13055_0001"] * 2, "station_id": ["13055_0002", "13055_0003"],
            "weight": [weight, 1 - weight], "confidence": sure,
        }
    )  # fmt: skip
    told = name_as_now(layer, flows)
    assert told.outlines["station_id"].to_list() == ([] if name is None else [name])
    assert told.dropped == (["13055_0001"] if name is None else [])


@pytest.mark.parametrize(
    ("number", "suffix", "found"),
    [(2, "", "0001"), (70, "bis", "0001"), (70, "ter", "0002"), (98, "", "0002"), (100, "", None),
     (1, "", "0003"), (15, "", "0003"), (17, "", "0004"), (29, "", "0004"), (31, "", "0005"),
     (33, "", "0004"), (99, "", "0004"), (101, "", None)],
)  # fmt: skip
def test_a_range_holds_both_its_ends_and_a_case_apart_its_own_number(number, suffix, found) -> None:
    told = station("Rue des Tanneurs", number, suffix)
    assert (None if pd.isna(told) else told) == found
