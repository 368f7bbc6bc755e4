"""The polish and whoever compares two cuts judge by one objective."""

import numpy as np
import pandas as pd
import pytest

from targeting.turf import build_street_graph, cut_turfs
from targeting.turf.kernels.objective import (
    EASY_LEG_M,
    JUMP_WEIGHT,
    PARTED_M,
    PENALTY_M,
    SPREAD_M,
    TOLERANCE,
)
from targeting.turf.objective import cut_cost, felt_walks, parted_pairs

from .conftest import buildings_at, grid_town, lines_at


def street(xs, sides=None):
    """Numbers along one street, 9 m off it; its graph."""
    sides = sides or [1] * len(xs)
    buildings = buildings_at([(x, 9 * side) for x, side in zip(xs, sides, strict=True)])
    ends = [(-20, 0), (max(xs) + 20, 0)]
    return buildings, build_street_graph(buildings, lines_at(ends, names=["Rue A"]))


def stops_of(buildings, turfs):
    return pd.DataFrame(
        {
            "turf_id": turfs,
            "building_id": buildings["building_id"],
            "visit_order": np.arange(1, len(buildings) + 1),
        }
    )


def test_a_cut_costs_its_legs_as_they_are_felt_and_how_unequal_it_is():
    buildings, graph = street([0, EASY_LEG_M, 2 * EASY_LEG_M + 10, 2 * EASY_LEG_M + 30])
    stops = stops_of(buildings, ["A", "A", "A", "B"])
    assert felt_walks(graph, stops).to_dict() == pytest.approx(
        {"A": 2 * EASY_LEG_M + 10 * JUMP_WEIGHT, "B": 0.0}
    )
    size = pd.Series({"A": 15.0, "B": 10.0})
    unequal = PENALTY_M * (0.5 - TOLERANCE) + SPREAD_M * 0.25
    told = cut_cost(graph, stops, size, 10.0)
    assert told == pytest.approx(2 * EASY_LEG_M + 10 * JUMP_WEIGHT + unequal)
    edge = pd.Series({"A": 10 * (1 + TOLERANCE), "B": 10.0})
    least = cut_cost(graph, stops, edge, 10.0) - felt_walks(graph, stops).sum()
    assert least == pytest.approx(SPREAD_M * TOLERANCE**2), (
        "within the tolerance there is no penalty"
    )


def test_facing_doors_count_where_no_turf_has_both():
    buildings, graph = street([0, 0, 60, 60], [1, -1, 1, -1])
    apart, together = (stops_of(buildings, list(turfs)) for turfs in ("ABAB", "AABB"))
    assert parted_pairs(graph, together) == 0
    whole = pd.Series({"A": 10.0, "B": 10.0})
    assert parted_pairs(graph, apart) == 2
    ways = felt_walks(graph, apart).sum()
    assert cut_cost(graph, apart, whole, 10.0) == pytest.approx(ways + 2 * PARTED_M)
    shared = pd.concat([apart, apart.assign(turf_id="C")])
    assert parted_pairs(graph, shared) == 0, "a building in two turfs is with its neighbour in one"


@pytest.mark.parametrize("size", [{"minutes": 60}, {"doors": 50}])
@pytest.mark.parametrize("drawn", [True, False])
def test_the_polish_lowers_what_a_cut_costs(size, drawn):
    buildings, streets = grid_town(6, seed=3)
    graph = build_street_graph(buildings, streets if drawn else None)
    fast, polished = (cut_turfs(buildings, graph, fast=f, **size) for f in (True, False))
    assert fast.target == polished.target
    one, other = (
        cut_cost(graph, cut.stops, cut.turfs.set_index("turf_id")[cut.balanced_on], cut.target)
        for cut in (fast, polished)
    )
    assert other < one
