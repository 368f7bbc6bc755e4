"""The compiled loops against plain ones."""

import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from targeting.turf.kernels import compiled
from targeting.turf.kernels.arrays import Edges, rows_of
from targeting.turf.kernels.nearest import nearest_bits
from targeting.turf.kernels.objective import PARTED_M, felt, path_length, run_cost, turf_cost
from targeting.turf.kernels.polishing import rounds_of
from targeting.turf.kernels.recutting import best_cut, swap_stops
from targeting.turf.kernels.split import WINDOW, split_order
from targeting.turf.kernels.trees import forest_order, spanning_forest
from targeting.turf.kernels.walking import nearest_neighbour, open_path
from targeting.turf.kernels.warm import KERNELS

sizes = st.lists(st.floats(0.5, 40), min_size=1, max_size=8)


def table_of(xy):
    xy = np.asarray(xy, dtype=float)
    return np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))


towns = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=3, max_size=40
).map(table_of)


def cost_of(labels, weights, legs, leg_weights, target):
    """Cost of a split, turf by turf; infinite where it is not allowed."""
    total = 0.0
    for turf in np.unique(labels):
        members = np.flatnonzero(labels == turf)
        inside = members[1:]
        weight = weights[members].sum() + leg_weights[inside].sum()
        if np.isinf(legs[inside]).any() or (inside.size and weight > WINDOW * target):
            return np.inf
        total += turf_cost(weight, sum(felt(leg) for leg in legs[inside]), target)
    return total


@settings(deadline=None)
@given(sizes, st.floats(5, 60), st.data())
def test_the_split_costs_no_more_than_any_other(weights, target, data):
    n = len(weights)
    one_leg = st.one_of(st.floats(0, 500), st.just(np.inf))
    legs = np.array(data.draw(st.lists(one_leg, min_size=n, max_size=n)))
    leg_weights = np.where(np.isinf(legs), 0.0, legs / 72)
    weights = np.array(weights)
    ours = split_order(weights, legs, leg_weights, target, 1000.0)
    assert (np.diff(ours) >= 0).all()
    assert (np.unique(ours) == np.arange(ours.max() + 1)).all()
    all_splits = (np.cumsum([0, *cuts]) for cuts in product([0, 1], repeat=n - 1))
    best = min(cost_of(labels, weights, legs, leg_weights, target) for labels in all_splits)
    assert cost_of(ours, weights, legs, leg_weights, target) == pytest.approx(best)


@settings(deadline=None)
@given(towns, st.integers(0, 99))
def test_a_walk_visits_each_stop_once_and_is_no_longer_than_nearest_neighbour(table, seed):
    path = open_path(table, 10, seed)
    assert sorted(path) == list(range(len(table)))
    assert path_length(table, path) <= path_length(table, nearest_neighbour(table, 0)) + 1e-6
    assert np.array_equal(path, open_path(table, 10, seed))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=7))
def test_on_a_few_stops_the_walk_is_nearly_the_best(xy):
    table = table_of(xy)
    n = len(table)
    best = np.full((2**n, n), np.inf)  # shortest walk of each set of stops to each of its stops
    best[1 << np.arange(n), np.arange(n)] = 0.0
    for stops in range(2**n):
        for last in range(n):
            for following in np.flatnonzero(~(stops >> np.arange(n)) & 1):
                there = stops | 1 << following
                way = best[stops, last] + table[last, following]
                best[there, following] = min(best[there, following], way)
    assert path_length(table, open_path(table, 10, 0)) <= 1.1 * best[-1].min() + 1e-6


@settings(deadline=None)
@given(towns)
def test_the_tree_order_hangs_on_a_minimum_spanning_tree(table):
    n = len(table)
    table = table + 1e-6
    a, b = np.triu_indices(n, 1)
    kept = spanning_forest(n, a, b, np.argsort(table[a, b], kind="stable"))
    assert table[a, b][kept].sum() == pytest.approx(minimum_spanning_tree(table).sum())
    order, legs = forest_order(rows_of(n, Edges(a[kept], b[kept], table[a, b][kept])))
    assert sorted(order) == list(range(n))
    assert np.isinf(legs).sum() == 1
    straight = table[order[:-1], order[1:]]
    assert (legs[1:] >= straight - 1e-3).all()  # through the tree is no shorter than straight


def test_the_order_of_two_trees_starts_each_with_an_infinite_leg():
    # 0 - 1 - 2   3 - 4
    order, legs = forest_order(
        rows_of(5, Edges(np.array([0, 1, 3]), np.array([1, 2, 4]), np.array([1.0, 1.0, 1.0])))
    )
    assert np.isinf(legs).sum() == 2
    assert {frozenset(order[:3]), frozenset(order[3:])} == {frozenset({0, 1, 2}), frozenset({3, 4})}


def test_two_turfs_on_one_line_are_cut_where_they_are_equal():
    table = table_of([(20 * k, 0) for k in range(6)])
    nobody = np.full((6, 2), -1)
    cut, first, second, _ = best_cut(table, np.arange(6), np.ones(6), nobody, 3.0, 0.0, 1000.0)
    assert cut == 2
    assert first == second


def test_no_cut_leaves_a_leg_that_is_too_long_inside_a_turf():
    table = table_of([(0, 0), (3000, 0), (3020, 0), (3040, 0)])
    nobody = np.full((4, 2), -1)
    cut, first, second, _ = best_cut(table, np.arange(4), np.ones(4), nobody, 2.0, 0.0, 1000.0)
    assert cut == 0
    assert np.isfinite(first + second)
    table = table_of([(0, 0), (3000, 0), (6000, 0)])
    assert np.isinf(best_cut(table, np.arange(3), np.ones(3), nobody, 2.0, 0.0, 1000.0)[1])


def test_rows_hold_each_edge_from_both_ends():
    rows = rows_of(3, Edges(np.array([0, 1]), np.array([1, 2]), np.array([5.0, 7.0])))
    matrix = coo_array((rows.lengths, (rows.source, rows.indices)), shape=(3, 3)).toarray()
    assert (matrix == matrix.T).all()
    assert matrix[0, 1] == 5
    assert matrix[1, 2] == 7


def test_nothing_is_compiled_after_the_kernels_are_warm(town):
    from targeting.turf import build_street_graph, cut_turfs

    before = [len(kernel.signatures) for kernel in KERNELS]
    buildings, streets = town
    read_only = buildings.copy()
    others = buildings.drop(columns=["x", "y"])
    for layout in (np.ascontiguousarray, np.asfortranarray):  # as columns lie in memory
        xy = pd.DataFrame(layout(buildings[["x", "y"]].to_numpy()), columns=["x", "y"])
        build_street_graph(others.join(xy), streets)
    for graph in (build_street_graph(read_only, streets), build_street_graph(read_only)):
        cut_turfs(read_only, graph)
        cut_turfs(read_only, graph, doors=50, keep_stations=True, max_leg_m=900)
    assert [len(kernel.signatures) for kernel in KERNELS] == before


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 500)] * 4), min_size=1, max_size=12),
    st.lists(st.tuples(*[st.integers(-300, 800)] * 2), min_size=1, max_size=12),
)
def test_the_nearest_bit_is_that_of_shapely(bits, points):
    bits, points = np.array(bits, dtype=float), np.array(points, dtype=float)
    begin, end = bits[:, :2].copy(), bits[:, 2:].copy()
    found, share, metres = nearest_bits(points, begin, end, 100.0, 5000.0)
    lines = shapely.linestrings(np.stack([begin, end], axis=1))
    every = shapely.distance(shapely.points(points)[:, None], lines[None])
    assert metres == pytest.approx(every.min(axis=1), abs=1e-6)
    there = begin[found] + share[:, None] * (end - begin)[found]
    assert np.hypot(*(there - points).T) == pytest.approx(metres, abs=1e-6)
    assert (nearest_bits(points, begin, end, 100.0, 1.0)[0][every.min(axis=1) > 1.1] == -1).all()


@settings(deadline=None)
@given(towns, st.data())
def test_a_swap_keeps_every_stop_and_says_what_it_parts(table, data):
    table = table / 10  # no leg that is felt as a jump
    n = len(table)
    order = np.array(data.draw(st.permutations(range(n))))
    cut = data.draw(st.integers(1, n - 1))
    one, other = order[:cut].copy(), order[cut:].copy()
    faces = np.full((n, 2), -1)
    pairs = np.array(data.draw(st.permutations(range(n))))[: n // 2 * 2].reshape(-1, 2)
    faces[pairs[:, 0], 0], faces[pairs[:, 1], 0] = pairs[:, 1], pairs[:, 0]
    first, second, more = swap_stops(table, one, other, np.ones(n), faces, n / 2, 0.0)
    assert sorted([*first, *second]) == list(range(n))

    def parted(part):
        return int((np.isin(pairs[:, 0], part) != np.isin(pairs[:, 1], part)).sum())

    assert more == parted(first) - parted(one)

    def cost(a, b):
        ends = sum(run_cost(table, part, np.ones(n), n / 2, 0.0, 1e9) for part in (a, b))
        return ends + PARTED_M * parted(a)

    if set(first) != set(one):
        assert cost(first, second) < cost(one, other)
    else:
        assert np.array_equal(first, one)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60))
def test_no_turf_has_two_pairs_in_one_round(edges):
    pairs = np.unique([min(e) * 10 + max(e) for e in edges if e[0] != e[1]]).astype(np.int64)
    rounds = rounds_of(pairs, 10)
    assert (rounds >= 0).all()
    for number in np.unique(rounds):
        turfs = np.concatenate([pairs[rounds == number] // 10, pairs[rounds == number] % 10])
        assert np.unique(turfs).size == turfs.size


def test_a_change_of_one_file_of_kernels_has_all_compiled_anew(tmp_path):
    """They call each other across files: an old copy of one would go on inside another."""
    folder = Path(compiled.__file__).parent
    assert compiled.stamp_of(folder) == compiled.STAMP
    assert {kernel._cache._cache_file._source_stamp for kernel in KERNELS} == {compiled.STAMP}
    shutil.copytree(folder, tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    stamps = {compiled.stamp_of(tmp_path / "kernels")}
    assert stamps == {compiled.STAMP}
    for path in sorted((tmp_path / "kernels").glob("*.py")):
        path.write_text(path.read_text() + "# moved\n")
        stamps.add(compiled.stamp_of(tmp_path / "kernels"))
    assert len(stamps) == 1 + len(list(folder.glob("*.py")))
