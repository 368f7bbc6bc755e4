"""All kernels compiled before anybody waits for them: at set-up, and when the server starts."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from targeting.turf.kernels.arrays import Edges, WalkNet, rows_of, scratch_of
from targeting.turf.kernels.nearest import nearest_bits
from targeting.turf.kernels.objective import felt_length, turf_cost
from targeting.turf.kernels.paths import fill_distances, nearest_source
from targeting.turf.kernels.polishing import cost_turfs, cut_pairs, rounds_of, touching_pairs
from targeting.turf.kernels.split import split_order
from targeting.turf.kernels.trees import forest_order, spanning_forest
from targeting.turf.kernels.walking import walk_turfs

KERNELS: Final[tuple[Any, ...]] = (
    nearest_bits, nearest_source, spanning_forest, forest_order, split_order, fill_distances,
    walk_turfs, touching_pairs, rounds_of, cost_turfs, cut_pairs, felt_length, turf_cost,
)  # fmt: skip
"""Those called from Python; the others are called by these."""


def warm_kernels() -> None:
    """Compile all kernels on a street of three houses, or load them from the disk cache.

    For the set-up and the start of the server: about half a minute on a fresh machine, half a
    second afterwards.
    """
    edges = Edges(np.array([0, 1]), np.array([1, 2]), np.array([10.0, 12.0]))
    rows = rows_of(3, edges)
    nearest_bits(np.zeros((1, 2)), np.zeros((1, 2)), np.ones((1, 2)), 100.0, 500.0)
    nearest_source(rows, np.array([0, 2]))
    spanning_forest(3, edges.a, edges.b, np.array([0, 1]))
    order, legs = forest_order(rows)
    weights, zeros = np.ones(3), np.zeros(3, np.int64)
    labels = split_order(weights, legs, np.zeros(3), 1.5, 1000.0)
    walk_net = WalkNet(
        rows, anchors=np.array([[0, 0], [1, 1], [2, 2]]), anchor_m=np.zeros((3, 2)),
        segment=np.full(3, -1), offset_m=np.zeros(3), side=zeros, crossing_m=np.zeros(3),
        x=np.zeros(3), y=np.zeros(3), setback_m=np.zeros(3),
    )  # fmt: skip
    scratch = scratch_of(walk_net)
    table = fill_distances(order, walk_net, scratch)
    turf_cost(1.0, felt_length(table, order), 1.5)
    nowhere = np.full(2, -1)
    walk_turfs(order, np.array([0, 1, 3]), walk_net, 1, 0, nowhere, zeros, zeros, 0.0, scratch)
    pairs = touching_pairs(np.array([0, 1, 1]), edges.a, edges.b, 2)
    rounds_of(pairs, 2)
    head, after, count = np.array([0, 1]), np.array([-1, 2, -1]), np.array([1, 2])
    cost, faces = np.zeros(2), np.full((3, 2), -1)
    cost_turfs(
        0, 2, head, after, count, cost, weights, walk_net, 1.5, 0.01, 1, 0, scratch,
    )  # fmt: skip
    cut_pairs(
        pairs, 1, labels, head, after, count, cost, np.zeros(2, np.int64), weights, faces, walk_net,
        1.5, 0.01, 1000.0, 1, 0, scratch,
    )  # fmt: skip
