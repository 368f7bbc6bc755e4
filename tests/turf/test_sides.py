"""Both sides of a street in one turf, unless it is wide; no leg too long; as many threads as told."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.errors import TurfError
from targeting.turf import build_street_graph, cut_turfs
from targeting.turf.cut import MAX_LEG_M
from targeting.turf.describe import pieces
from targeting.turf.graph.model import CROSSING_M, WIDE_CROSSING_M, facing_doors
from tests.examples import examples

from .conftest import buildings_at, grid_town, lines_at


def one_street(kind="street", *, numbers=40, drawn=True, half_m=9.0):
    """A street with numbers every 12 m on both sides; its graph."""
    rows = [(12.0 * k, half_m if odd else -half_m) for k in range(numbers) for odd in (1, 0)]
    number = [2 * k + 2 - odd for k in range(numbers) for odd in (1, 0)]
    buildings = buildings_at(rows, number=number, dwellings=2)
    streets = lines_at([(-20, 0), (12.0 * numbers + 20, 0)], names=["Rue A"], kinds=[kind])
    return buildings, build_street_graph(buildings, streets if drawn else None)


def turf_of(cut):
    return cut.stops.drop_duplicates("building_id").set_index("building_id")["turf_id"]


def parted_share(cut, buildings):
    """Share of facing doors (12 m apart in `one_street`) that are in two turfs."""
    turf = turf_of(cut).reindex(buildings["building_id"]).to_numpy()
    return (turf[::2] != turf[1::2]).mean()


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("drawn", [True, False])
def test_a_turf_has_both_sides_of_a_narrow_street(fast, drawn):
    buildings, graph = one_street(drawn=drawn)
    cut = cut_turfs(buildings, graph, doors=40, fast=fast)
    assert len(cut.turfs) == 4
    assert parted_share(cut, buildings) <= 3 / 40  # where one turf ends and the next begins


@pytest.mark.parametrize("fast", [True, False])
def test_a_turf_keeps_to_one_side_of_a_wide_street(fast):
    buildings, graph = one_street("wide")
    cut = cut_turfs(buildings, graph, doors=40, fast=fast)
    side = buildings.set_index("building_id")["number"] % 2
    sides = side.reindex(cut.stops["building_id"]).groupby(cut.stops["turf_id"].to_numpy())
    assert (sides.nunique() == 1).all()
    assert (facing_doors(graph.fronts) == -1).all()


def test_crossing_a_wide_street_is_dear():
    narrow, wide = (one_street(kind)[1].walk_net for kind in ("street", "wide"))
    assert np.unique(narrow.crossing_m) == [CROSSING_M]
    assert np.unique(wide.crossing_m) == [WIDE_CROSSING_M]


def test_who_faces_is_faced():
    buildings, streets = grid_town(3)
    for graph in (build_street_graph(buildings, streets), build_street_graph(buildings)):
        faces = facing_doors(graph.fronts)
        one, column = np.nonzero(faces >= 0)
        assert one.size > 100
        other = faces[one, column]
        assert (faces[other] == one[:, None]).any(axis=1).all()
        assert (graph.fronts.side[one] != graph.fronts.side[other]).all()


@pytest.mark.parametrize("fast", [True, False])
def test_turfs_are_the_same_with_any_number_of_threads(fast):
    buildings, streets = grid_town(7)
    graph = build_street_graph(buildings, streets)
    alone, *others = (
        cut_turfs(buildings, graph, doors=12, fast=fast, threads=threads) for threads in (1, 2, 5)
    )
    assert len(alone.turfs) > 128
    for cut in others:
        pd.testing.assert_frame_equal(alone.turfs, cut.turfs)
        pd.testing.assert_frame_equal(alone.stops, cut.stops)


far_houses = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from("ABC")),
    min_size=2, max_size=40, unique_by=lambda row: row[:2],
)  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(far_houses, st.booleans(), st.sampled_from([100.0, 400.0, MAX_LEG_M]))
def test_no_walk_has_a_leg_longer_than_the_longest(rows, fast, max_leg_m):
    buildings = buildings_at(
        [(80.0 * x, 80.0 * y) for x, y, _ in rows], street=[f"Rue {row[2]}" for row in rows]
    )
    cut = cut_turfs(
        buildings, build_street_graph(buildings), doors=40, fast=fast, max_leg_m=max_leg_m
    )
    assert (cut.turfs["longest_leg_m"] <= max_leg_m + 0.1).all()
    assert cut.identity.holds


def test_buildings_at_one_point_are_two_stops_without_a_way_between():
    buildings = buildings_at([(0, 0), (0, 0), (30, 0)], dwellings=3)
    streets = lines_at([(-10, 0), (100, 0)], names=["Rue A"])
    for graph in (build_street_graph(buildings), build_street_graph(buildings, streets)):
        cut = cut_turfs(buildings, graph)
        assert cut.turfs["n_buildings"].tolist() == [3]
        assert cut.turfs["walk_m"].tolist() == [30.0]


def test_rows_that_come_twice_are_refused_by_name():
    buildings = buildings_at([(0, 0), (30, 0)])
    graph = build_street_graph(buildings)
    twice = pd.concat([buildings, buildings.iloc[:1]], ignore_index=True)
    for wrong in (lambda: build_street_graph(twice), lambda: cut_turfs(twice, graph)):
        with pytest.raises(TurfError, match=r"1 buildings come twice \(first: 01001_00000\)"):
            wrong()


def test_an_island_is_reached_by_no_free_way():
    # two streets 300 m apart, nothing drawn between them
    rows = [(20.0 * k, y) for y in (0, 300) for k in range(10)]
    buildings = buildings_at(rows, street=["Quai"] * 10 + ["Ile"] * 10, dwellings=2)
    streets = lines_at([(-10, 0), (210, 0)], [(-10, 300), (210, 300)], names=["Quai", "Ile"])
    graph = build_street_graph(buildings, streets)
    cut = cut_turfs(buildings, graph, doors=20)
    on_island = cut.stops["building_id"].isin(buildings["building_id"].iloc[10:])
    assert (on_island.groupby(cut.stops["turf_id"]).nunique() == 1).all()
    both = cut_turfs(buildings, graph, doors=40, max_leg_m=5000)
    if len(both.turfs) == 1:
        assert both.turfs["longest_leg_m"].iloc[0] >= 300


def test_a_turf_in_two_places_is_told_as_two_pieces_and_its_jump_is_told():
    rows = [(20.0 * k, 0) for k in (0, 1, 2, 3, 4, 5, 30, 31)]
    buildings = buildings_at(rows, dwellings=5)
    graph = build_street_graph(buildings, lines_at([(-10, 0), (700, 0)], names=["Rue A"]))
    turfs = np.array(["T1", "T1", "T2", "T2", "T1", "T1", "T2", "T2"])
    stops = pd.DataFrame({"turf_id": turfs, "building_id": buildings["building_id"]})
    assert pieces(graph, stops).to_dict() == {"T1": 2, "T2": 2}
    cut = cut_turfs(buildings, graph, doors=40)
    assert cut.turfs["longest_leg_m"].tolist() == [500.0]
