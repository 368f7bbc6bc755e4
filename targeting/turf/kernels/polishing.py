"""The loops of the polish: pairs of turfs that touch, each merged, walked and cut anew."""

# ruff: noqa: PLR0912, PLR0915 (compiled loops: branches stay in place, no keywords)

from __future__ import annotations

from typing import Final

import numpy as np

from targeting.turf.kernels.arrays import Floats, Ints, Scratch, WalkNet
from targeting.turf.kernels.compiled import kernel
from targeting.turf.kernels.objective import (
    PARTED_M,
    WORTH_M,
    felt_length,
    path_length,
    run_cost,
    turf_cost,
)
from targeting.turf.kernels.paths import fill_distances
from targeting.turf.kernels.recutting import best_cut, swap_stops
from targeting.turf.kernels.walking import open_path

SWAPS: Final = 4
"""Stops that change turf, one after the other, each time that two turfs are tried."""

MERGE_STOPS: Final = 160
"""Two neighbours with more stops than this are not merged for polishing: too slow."""


@kernel
def touching_pairs(labels: Ints, near_a: Ints, near_b: Ints, n_turfs: int) -> Ints:
    """Turfs with neighbours in each other: `lower × n_turfs + higher`, in that order."""
    found = np.empty(near_a.size, np.int64)
    count = 0
    for e in range(near_a.size):
        one = labels[near_a[e]]
        other = labels[near_b[e]]
        if one != other:
            found[count] = min(one, other) * n_turfs + max(one, other)
            count += 1
    return np.unique(found[:count])


@kernel
def rounds_of(pairs: Ints, n_turfs: int) -> Ints:
    """Round of each pair, so that no turf has two pairs in one round (60 rounds, then -1)."""
    taken = np.zeros(n_turfs, np.int64)  # a bit a round
    rounds = np.full(pairs.size, -1, np.int64)
    for k in range(pairs.size):
        a = pairs[k] // n_turfs
        b = pairs[k] % n_turfs
        busy = taken[a] | taken[b]
        for r in range(60):
            if not (busy >> r) & 1:
                rounds[k] = r
                taken[a] |= 1 << r
                taken[b] |= 1 << r
                break
    return rounds


@kernel
def relink(turf: int, members: Ints, head: Ints, after: Ints) -> None:
    """Make these the members of a turf, in this order."""
    head[turf] = -1
    for k in range(members.size - 1, -1, -1):
        after[members[k]] = head[turf]
        head[turf] = members[k]


@kernel
def cost_turfs(
    first: int,
    last: int,
    head: Ints,
    after: Ints,
    count: Ints,
    cost: Floats,
    weights: Floats,
    walk_net: WalkNet,
    target: float,
    minutes_per_m: float,
    kicks: int,
    seed: int,
    scratch: Scratch,
) -> None:
    """Fill in what the turfs from `first` to before `last` cost, and put them in walking order.

    Members are linked lists: `head` is the first of each turf, `after` who comes next (-1: none).
    """
    for t in range(first, last):
        mine = np.empty(count[t], np.int64)
        i = head[t]
        weight = 0.0
        for k in range(count[t]):
            mine[k] = i
            weight += weights[i]
            i = after[i]
        table = fill_distances(mine, walk_net, scratch)
        path = open_path(table, kicks, seed)
        weight += path_length(table, path) * minutes_per_m
        cost[t] = turf_cost(weight, felt_length(table, path), target)
        relink(t, mine[path], head, after)


@kernel
def cut_pairs(
    pairs: Ints,
    sweep: int,
    labels: Ints,
    head: Ints,
    after: Ints,
    count: Ints,
    cost: Floats,
    changed: Ints,
    weights: Floats,
    faces: Ints,
    walk_net: WalkNet,
    target: float,
    minutes_per_m: float,
    max_leg_m: float,
    kicks: int,
    seed: int,
    scratch: Scratch,
) -> None:
    """Merge each pair of turfs, walk the union, cut it anew, in place; keep what costs less.

    Then single stops change turf, or two are swapped, while that is better.

    `pairs` are `lower × n_turfs + higher`; `changed` has the last sweep in which each turf
    changed. Only what belongs to the pair is read or written (but `place_of`, one a thread): pairs
    that share no turf can be done at the same time, with the same result.
    """
    n_turfs = head.size
    place_of = scratch.place_of
    for pair in pairs:
        a = pair // n_turfs
        b = pair % n_turfs
        m = count[a] + count[b]
        if max(changed[a], changed[b]) < sweep - 1 or m > MERGE_STOPS:
            continue
        if count[a] == 0 or count[b] == 0:
            continue
        # the stops of both, in the order of their numbers, each with its number among them
        mine = np.empty(m, np.int64)
        k = 0
        for t in (a, b):
            i = head[t]
            while i >= 0:
                mine[k] = i
                k += 1
                i = after[i]
        walked = mine.copy()
        mine.sort()
        for k in range(m):
            place_of[mine[k]] = k
        # who faces whom, and how many facing pairs the two turfs part as they are
        facing = np.full((m, 2), -1, np.int64)
        parted = 0
        for k in range(m):
            for q in range(2):
                i = faces[mine[k], q]
                if i >= 0 and place_of[i] >= 0:
                    facing[k, q] = place_of[i]
                    parted += labels[i] < labels[mine[k]]
        # both walks as they are
        one = np.empty(count[a], np.int64)
        other = np.empty(count[b], np.int64)
        for k in range(m):
            if k < count[a]:
                one[k] = place_of[walked[k]]
            else:
                other[k - count[a]] = place_of[walked[k]]
        for k in range(m):
            place_of[mine[k]] = -1
        # one walk of them all, cut at its best place
        table = fill_distances(mine, walk_net, scratch)
        own = weights[mine]
        path = open_path(table, kicks, seed)
        cut, cost_a, cost_b, cut_parts = best_cut(
            table, path, own, facing, target, minutes_per_m, max_leg_m
        )
        before = cost[a] + cost[b] + PARTED_M * parted
        is_better = cost_a + cost_b + PARTED_M * cut_parts < before - WORTH_M
        if is_better:
            one = path[: cut + 1].copy()
            other = path[cut + 1 :].copy()
            parted = cut_parts
        else:
            cost_a = cost[a]
            cost_b = cost[b]
        # single stops change turf, or two are swapped, as long as that is better
        for _ in range(SWAPS):
            if one.size == 0 or other.size == 0:
                break
            first, second, turned = swap_stops(
                table, one, other, own, facing, target, minutes_per_m
            )
            new_a = run_cost(table, first, own, target, minutes_per_m, max_leg_m)
            new_b = run_cost(table, second, own, target, minutes_per_m, max_leg_m)
            if new_a + new_b + PARTED_M * turned >= cost_a + cost_b - WORTH_M:
                break
            one = first
            other = second
            cost_a = new_a
            cost_b = new_b
            is_better = True
        if not is_better:
            continue
        # write down what is better
        for k in one:
            labels[mine[k]] = a
        for k in other:
            labels[mine[k]] = b
        relink(a, mine[one], head, after)
        relink(b, mine[other], head, after)
        count[a] = one.size
        count[b] = other.size
        cost[a] = cost_a
        cost[b] = cost_b
        changed[a] = sweep
        changed[b] = sweep
