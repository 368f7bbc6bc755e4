"""The walking order."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.turf import address_lines, build_street_graph, walk_order
from targeting.turf.kernels.arrays import scratch_of
from targeting.turf.kernels.paths import fill_distances

from .conftest import buildings_at, grid_town


def test_a_street_is_walked_from_end_to_end():
    buildings = buildings_at([(20 * k, 0) for k in (3, 0, 2, 1, 4)], number=[7, 1, 5, 3, 9])
    walk = walk_order(build_street_graph(buildings), buildings)
    numbers = buildings.set_index("building_id")["number"].loc[walk.building_ids].tolist()
    assert numbers in ([1, 3, 5, 7, 9], [9, 7, 5, 3, 1])
    assert walk.walk_m == pytest.approx(80)
    assert walk.longest_leg_m == pytest.approx(20)


def test_one_side_of_a_boulevard_is_finished_before_the_other():
    xy = [(20 * k, y) for k in range(8) for y in (20, -20)]
    buildings = buildings_at(xy)
    walk = walk_order(build_street_graph(buildings), buildings)
    odd = buildings.set_index("building_id")["number"].loc[walk.building_ids] % 2
    assert (odd.diff().dropna() != 0).sum() == 1


@settings(deadline=None)
@given(st.sets(st.integers(0, 119), min_size=1, max_size=30), st.integers(0, 99))
def test_a_walk_is_the_same_in_whatever_order_its_stops_are_given(rows, seed):
    buildings, streets = grid_town(2)
    graph = build_street_graph(buildings, streets)
    chosen = buildings.iloc[sorted({row % len(buildings) for row in rows})]
    one = walk_order(graph, chosen)
    other = walk_order(graph, chosen.sample(frac=1, random_state=seed))
    assert one.building_ids.tolist() == other.building_ids.tolist()
    assert sorted(one.building_ids) == sorted(chosen["building_id"])


@settings(deadline=None)
@given(st.sets(st.integers(0, 119), min_size=1, max_size=30), st.integers(0, 119), st.booleans())
def test_a_walk_sets_out_from_the_meeting_point_whether_it_is_a_stop_or_not(rows, start, apart):
    buildings, streets = grid_town(2)
    graph = build_street_graph(buildings, streets)
    chosen = buildings.iloc[sorted({row % len(buildings) for row in rows})]
    meeting = buildings["building_id"].iloc[start % len(buildings)]
    free = walk_order(graph, chosen)
    led = walk_order(graph, chosen, start=meeting, one_side_first=apart)
    assert sorted(led.building_ids) == sorted(chosen["building_id"])
    if meeting in set(chosen["building_id"]):
        assert led.building_ids.iloc[0] == meeting
    else:
        first, last = (way(graph, meeting, led.building_ids.iloc[k]) for k in (0, -1))
        assert first <= last + 1e-6, "it begins at its nearer end"
    assert apart or led.walk_m <= 3 * free.walk_m + 400


def way(graph, one, other):
    """Metres on foot between two buildings."""
    walk_net = graph.walk_net.of(graph.positions(pd.Series([one, other])))
    return fill_distances(np.arange(2), walk_net, scratch_of(walk_net))[0, 1]


def test_one_side_is_done_after_the_other_where_that_is_asked():
    xy = [(20 * k, y) for k in range(8) for y in (4, -4)]
    buildings = buildings_at(xy)
    graph = build_street_graph(buildings)
    start = buildings["building_id"].iloc[0]
    number = buildings.set_index("building_id")["number"]
    walk = walk_order(graph, buildings, start=start, one_side_first=True)
    odd = number.loc[walk.building_ids] % 2
    assert (odd.diff().dropna() != 0).sum() == 1
    assert number.loc[walk.building_ids].iloc[0] == 1
    assert number.loc[walk.building_ids].tolist()[:8] == [1, 3, 5, 7, 9, 11, 13, 15]


def test_no_stop_is_a_walk_of_no_length():
    buildings = buildings_at([(0, 0)])
    walk = walk_order(build_street_graph(buildings), buildings.iloc[:0])
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
