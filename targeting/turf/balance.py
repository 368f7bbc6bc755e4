"""Equal turfs: the tree of the street graph put in order, split at its best places, polished."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from targeting.turf.graph.model import facing_doors
from targeting.turf.kernels.arrays import (
    Edges,
    Floats,
    Fronts,
    Ints,
    WalkNet,
    rows_of,
    scratch_of,
)
from targeting.turf.kernels.paths import fill_distances
from targeting.turf.kernels.split import split_order
from targeting.turf.kernels.trees import forest_order, spanning_forest
from targeting.turf.polish import Aim, polish_turfs
from targeting.turf.walk import walk_labels

OVER_BUDGET: Final = 1.1
"""The mean turf is at most this many times what was asked."""

FIRST_GUESS: Final = 0.75
"""A walk over the way through the tree, before any is measured (0.7 to 0.8 on real towns)."""


def turf_target(total: float, budget: float) -> float:
    """Size of the mean turf: as near the budget as whole turfs allow, hardly above it.

    >>> turf_target(700.0, 120.0), turf_target(50.0, 120.0)
    (116.66666666666667, 50.0)
    """
    count = max(1, round(total / budget))
    while total > OVER_BUDGET * budget * count:
        count += 1
    return total / count


def balanced_labels(
    near: Edges,
    walk_net: WalkNet,
    fronts: Fronts,
    weights: Floats,
    *,
    budget: float,
    minutes_per_m: float,
    max_leg_m: float,
    fast: bool,
    seed: int,
    threads: int | None = None,
) -> tuple[Ints, float]:
    """Number the turf of each building, 0, 1, 2…, and the size aimed at.

    When minutes are balanced, the walk is guessed from the tree, the first cut measured, and the
    second cut made with what was measured.
    """
    n = weights.size
    if n == 0:
        return np.empty(0, np.int64), budget
    order, legs = tree_order(n, side_by_side(near, fronts))
    inner = np.where(np.isinf(legs), 0.0, legs)
    factor = np.full(n, FIRST_GUESS)
    aim = Aim(
        turf_target(weights.sum() + FIRST_GUESS * inner.sum() * minutes_per_m, budget),
        minutes_per_m,
        max_leg_m,
    )
    labels = split_tree(order, legs, weights, factor, aim)
    if minutes_per_m > 0:
        factor, walk_m = measured_walk(order, labels, inner, walk_net, threads)
        aim = replace(aim, target=turf_target(weights.sum() + walk_m * minutes_per_m, budget))
        labels = split_tree(order, legs, weights, factor, aim)
    if not fast and labels.max() > 0:
        labels = polish_turfs(
            labels, near, facing_doors(fronts), weights, walk_net, aim, seed=seed,
            threads=threads,
        )  # fmt: skip
    return numbered(labels), aim.target


def numbered(labels: Ints) -> Ints:
    """The same turfs, numbered 0, 1, 2… in the order of their numbers."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def side_by_side(near: Edges, fronts: Fronts) -> Edges:
    """Neighbours, for the order alone: across a street that is not wide, as near as along it.

    So that the tree takes a street's numbers in the order they come, whatever their side, and a
    run of that order has both.
    """
    a, b, metres = near
    front, along_m, side = fronts
    faces = (front[a] >= 0) & (front[a] == front[b]) & (side[a] != side[b])
    along = np.minimum(np.abs(along_m[a] - along_m[b]), metres)
    return Edges(a, b, np.where(faces, along, metres))


def tree_order(n: int, near: Edges) -> tuple[Ints, Floats]:
    """Depth-first order of the minimum spanning tree, and the way through it to each building."""
    a, b, metres = near
    kept = spanning_forest(n, a, b, np.argsort(metres, kind="stable"))
    return forest_order(rows_of(n, Edges(a[kept], b[kept], metres[kept])))


def split_tree(order: Ints, legs: Floats, weights: Floats, factor: Floats, aim: Aim) -> Ints:
    """Turf of each building from the best split of the order, legs being worth `factor`."""
    inner = np.where(np.isinf(legs), 0.0, legs) * factor
    labels = np.empty(order.size, np.int64)
    labels[order] = split_order(
        weights[order], legs * factor, inner * aim.minutes_per_m, aim.target, aim.max_leg_m
    )
    return labels


def measured_walk(
    order: Ints, labels: Ints, inner: Floats, walk_net: WalkNet, threads: int | None
) -> tuple[Floats, float]:
    """Real walk over the way through the tree, around each building, and all walks together."""
    walks = walk_labels(walk_net, labels, kicks=0, seed=0, threads=threads).walk_m
    turf = labels[order]
    first = np.concatenate([[True], np.diff(turf) != 0])
    through = np.bincount(turf, np.where(first, 0.0, inner))
    ratio = np.clip(walks / np.maximum(through, 1.0), 0.3, 1.2)
    ratio[through < 1.0] = FIRST_GUESS
    return ratio[turf], float(walks.sum())


def parted_at_gaps(
    walk_net: WalkNet, order: Ints, labels: Ints, longest: Floats, max_leg_m: float
) -> Ints:
    """The turfs, those with a leg that is too long cut there into several.

    The tree and the polish keep such legs out, but the last walk of a turf may find a shorter way
    in all that has one. `order` is the walking order, turf after turf.
    """
    labels, scratch = labels.copy(), scratch_of(walk_net)
    for turf in np.flatnonzero(longest > max_leg_m):
        mine = order[labels[order] == turf]
        legs = np.diagonal(fill_distances(mine, walk_net, scratch), 1)
        part = np.concatenate([[0], np.cumsum(legs > max_leg_m)])
        labels[mine[part > 0]] = labels.max() + part[part > 0]
    return labels
