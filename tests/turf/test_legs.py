"""No leg is shorter than the straight line, less how far both doors stand back from the street."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.turf import build_street_graph, cut_turfs
from targeting.turf.graph.from_streets import put_on_streets
from targeting.turf.kernels.arrays import scratch_of
from targeting.turf.kernels.paths import fill_distances
from tests.examples import examples

from .conftest import ORIGIN, buildings_at, lines_at

places = st.lists(
    st.tuples(st.integers(-60, 260), st.integers(-60, 260), st.sampled_from("ABC")),
    min_size=2, max_size=14, unique_by=lambda row: row[:2],
)  # fmt: skip
corners = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=2, max_size=4)
lines = st.lists(corners.filter(lambda line: len(set(line)) == len(line)), min_size=1, max_size=4)


def table_of(graph):
    walk_net = graph.walk_net
    return fill_distances(np.arange(len(graph)), walk_net, scratch_of(walk_net))


def straight_m(graph):
    return np.hypot(graph.x[:, None] - graph.x, graph.y[:, None] - graph.y)


@settings(max_examples=examples(100), deadline=None)
@given(places, st.one_of(st.none(), lines))
def test_a_leg_is_never_shorter_than_its_straight_line_less_both_offsets(rows, drawn):
    buildings = buildings_at([row[:2] for row in rows], street=[f"Rue {row[2]}" for row in rows])
    streets = (
        None
        if drawn is None
        else lines_at(*drawn, names=[f"Rue {k}" for k in "ABCD"[: len(drawn)]])
    )
    graph = build_street_graph(buildings, streets)
    back_m = graph.walk_net.setback_m
    table = table_of(graph)
    least = straight_m(graph) - back_m[:, None] - back_m
    np.fill_diagonal(least, 0.0)
    assert (table >= least - 1e-6).all()
    assert (table == table.T).all()
    if streets is None:
        assert (back_m == 0).all(), "numbers draw the street through the doors themselves"
        return
    _, snaps, _ = put_on_streets(buildings, streets)
    assert (back_m >= 0).all()
    assert (back_m <= snaps.access_m + 1e-6).all(), "never farther back than the street is away"


def test_two_doors_past_the_end_of_a_street_are_as_far_apart_as_they_look():
    # the first two are both put on the end of the line, at (0, 0)
    ahead = buildings_at([(-40, 3), (-4, 3), (30, 9)], street="Rue A")
    graph = build_street_graph(ahead, lines_at([(0, 0), (100, 0)], names=["Rue A"]))
    table = table_of(graph)
    assert table[0, 1] == pytest.approx(36 - 3 - 3), "36 m along, both 3 m off the street"
    assert table[1, 2] == pytest.approx(30), "along the street nothing changes"
    cut = cut_turfs(ahead.iloc[:2], graph)
    assert cut.turfs["walk_m"].tolist() == [30.0]


def test_round_a_bend_two_doors_are_no_nearer_than_they_look():
    # a street that turns at (100, 0); both doors are nearest to that corner
    buildings = buildings_at([(130, -20), (120, -45)], street="Rue A")
    streets = lines_at([(0, 0), (100, 0), (100, 100)], names=["Rue A"])
    graph = build_street_graph(buildings, streets)
    assert graph.walk_net.offset_m.tolist() == pytest.approx([100, 100])
    least = straight_m(graph)[0, 1] - graph.walk_net.setback_m.sum()
    assert table_of(graph)[0, 1] == pytest.approx(max(0.0, least))


def test_an_address_with_a_path_of_its_own_stands_at_the_end_of_it():
    buildings = buildings_at([(50, 90), (50, 9)], street="Rue A")
    graph = build_street_graph(buildings, lines_at([(0, 0), (100, 0)], names=["Rue A"]))
    assert graph.walk_net.setback_m.tolist() == pytest.approx([0, 9])
    assert graph.walk_net.y[0] - ORIGIN[1] == 90
    assert table_of(graph)[0, 1] >= 81 - 9


def test_doors_along_one_street_are_as_far_as_before():
    buildings = buildings_at([(10, 9), (60, -9), (90, 40)], street="Rue A")
    graph = build_street_graph(buildings, lines_at([(0, 0), (100, 0)], names=["Rue A"]))
    table = table_of(graph)
    assert table[0, 1] == 60
    assert table[0, 2] == 80
