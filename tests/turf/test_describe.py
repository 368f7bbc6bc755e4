"""What turfs are, once somebody has said which stops they hold."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.turf import build_street_graph, cut_turfs
from targeting.turf.describe import describe_turfs, pieces
from tests.examples import examples

from .conftest import buildings_at, grid_town


def test_turfs_of_a_cut_are_described_as_the_cut_told_them():
    buildings, streets = grid_town(2)
    graph = build_street_graph(buildings, streets)
    cut = cut_turfs(buildings, graph, doors=60)
    turfs, stops = describe_turfs(buildings, graph, cut.stops)
    pd.testing.assert_frame_equal(stops[cut.stops.columns.tolist()], cut.stops)
    pd.testing.assert_frame_equal(
        turfs.drop(columns="rank"), cut.turfs.drop(columns="rank"), check_exact=False, rtol=1e-9
    )


@settings(deadline=None, max_examples=examples(25))
@given(st.lists(st.integers(0, 3), min_size=120, max_size=120))
def test_whatever_the_stops_no_door_is_lost_in_the_telling(turf_of):
    buildings, streets = grid_town(2)
    turf_of = turf_of[: len(buildings)]
    ids = buildings["building_id"].iloc[: len(turf_of)]
    stops = pd.DataFrame(
        {
            "turf_id": [f"T{t}" for t in turf_of],
            "building_id": ids.to_numpy(),
            "dwellings": buildings["dwellings"].iloc[: len(turf_of)].to_numpy(),
        }
    ).astype({"turf_id": "str"})
    turfs, walked = describe_turfs(buildings, build_street_graph(buildings, streets), stops)
    assert turfs["n_doors"].sum() == stops["dwellings"].sum()
    assert sorted(zip(walked["turf_id"], walked["building_id"], strict=True)) == sorted(
        zip(stops["turf_id"], stops["building_id"], strict=True)
    )
    assert (
        walked.groupby("turf_id")["visit_order"].max() == turfs.set_index("turf_id")["n_buildings"]
    ).all()


def test_a_turf_with_somebody_elses_house_in_its_middle_lies_in_two_pieces():
    buildings = buildings_at([(20 * k, 0) for k in range(5)], number=[1, 3, 5, 7, 9])
    stops = pd.DataFrame(
        {
            "turf_id": ["A", "A", "B", "A", "A"],
            "building_id": buildings["building_id"],
            "dwellings": buildings["dwellings"],
        }
    ).astype({"turf_id": "str"})
    assert pieces(build_street_graph(buildings), stops).to_dict() == {"A": 2, "B": 1}


def test_a_walk_described_sets_out_from_its_meeting_point():
    buildings = buildings_at([(20 * k, 0) for k in range(5)], number=[1, 3, 5, 7, 9])
    stops = buildings[["building_id", "dwellings"]].assign(turf_id="A").astype({"turf_id": "str"})
    graph = build_street_graph(buildings)
    for first in (buildings["building_id"].iloc[0], buildings["building_id"].iloc[4]):
        turfs, walked = describe_turfs(buildings, graph, stops, starts={"A": first})
        assert walked["building_id"].iloc[0] == first
        assert turfs["walk_m"].iloc[0] == pytest.approx(80)
