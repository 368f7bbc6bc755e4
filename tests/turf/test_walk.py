"""The walking order."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.turf import address_lines, build_street_graph, walk_order

from .conftest import buildings_at, grid_town


def test_a_street_is_walked_from_end_to_end():
    buildings = buildings_at([(20 * k, 0) for k in (3, 0, 2, 1, 4)], number=[7, 1, 5, 3, 9])
    walk = walk_order(build_street_graph(buildings), buildings["building_id"])
    numbers = buildings.set_index("building_id")["number"].loc[walk.building_ids].tolist()
    assert numbers in ([1, 3, 5, 7, 9], [9, 7, 5, 3, 1])
    assert walk.walk_m == pytest.approx(80)
    assert walk.longest_leg_m == pytest.approx(20)


def test_one_side_of_a_boulevard_is_finished_before_the_other():
    xy = [(20 * k, y) for k in range(8) for y in (20, -20)]
    buildings = buildings_at(xy)
    walk = walk_order(build_street_graph(buildings), buildings["building_id"])
    odd = buildings.set_index("building_id")["number"].loc[walk.building_ids] % 2
    assert (odd.diff().dropna() != 0).sum() == 1


@settings(deadline=None)
@given(st.sets(st.integers(0, 119), min_size=1, max_size=30), st.integers(0, 99))
def test_a_walk_is_the_same_in_whatever_order_its_stops_are_given(rows, seed):
    buildings, streets = grid_town(2)
    graph = build_street_graph(buildings, streets)
    ids = buildings["building_id"].iloc[[row % len(buildings) for row in rows]].drop_duplicates()
    one = walk_order(graph, ids)
    other = walk_order(graph, ids.sample(frac=1, random_state=seed))
    assert one.building_ids.tolist() == other.building_ids.tolist()
    assert sorted(one.building_ids) == sorted(ids)


def test_no_stop_is_a_walk_of_no_length():
    buildings = buildings_at([(0, 0)])
    walk = walk_order(build_street_graph(buildings), buildings["building_id"].iloc[:0])
    assert (len(walk.building_ids), walk.walk_m) == (0, 0.0)


def test_an_address_is_written_as_on_a_letter():
    rows = pd.DataFrame(
        {
            "number": [12, 3, 0],
            "suffix": ["bis", "", None],
            "street": ["Rue X", "Rue X", "Le Bourg"],
        }
    )
    assert address_lines(rows).tolist() == ["12 bis Rue X", "3 Rue X", "Le Bourg"]
