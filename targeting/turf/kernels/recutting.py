"""One walk cut into two turfs, and single stops that change turf between two."""

# ruff: noqa: PLR0912, PLR0915 (compiled loops: branches stay in place, no keywords)

from __future__ import annotations

from typing import Final

import numpy as np

from targeting.turf.kernels.arrays import Flags, Floats, Ints
from targeting.turf.kernels.compiled import kernel
from targeting.turf.kernels.objective import (
    PARTED_M,
    WORTH_M,
    felt,
    felt_length,
    path_length,
    turf_cost,
)
from targeting.turf.kernels.walking import shorten

SWAP_STOPS: Final = 64
"""With more stops than this in two turfs, stops move but are not swapped: too slow."""


@kernel
def best_cut(
    table: Floats,
    path: Ints,
    weights: Floats,
    faces: Ints,
    target: float,
    minutes_per_m: float,
    max_leg_m: float,
) -> tuple[int, float, float, int]:
    """Where to cut one walk into two turfs: after which stop, and what each part then costs.

    After the last stop, the second part is empty. No part may hold a leg above `max_leg_m`:
    where that cannot be, both cost without end. `faces` are the stops that face each stop (-1:
    none); last comes how many facing pairs the cut parts, each of which weighs on the choice.
    """
    m = path.size
    # the whole walk, and its legs that no turf may hold
    whole_weight = weights.sum()
    whole_walk = path_length(table, path)
    whole_felt = felt_length(table, path)
    too_long = 0
    for k in range(1, m):
        too_long += table[path[k - 1], path[k]] > max_leg_m
    # stop by stop from the right part to the left one
    is_left = np.zeros(m, np.bool_)
    parted = 0
    cut = m - 1
    first = np.inf
    second = np.inf
    least = np.inf
    cut_parts = 0
    weight = 0.0
    walk = 0.0
    felt_m = 0.0
    for k in range(m):
        weight += weights[path[k]]
        is_left[path[k]] = True
        for facing in faces[path[k]]:
            if facing >= 0:
                parted += -1 if is_left[facing] else 1
        if k > 0:
            leg = table[path[k - 1], path[k]]
            walk += leg
            felt_m += felt(leg)
            if leg > max_leg_m:
                break
        left = turf_cost(weight + walk * minutes_per_m, felt_m, target)
        right = 0.0
        still_long = too_long
        if k < m - 1:
            leg = table[path[k], path[k + 1]]
            rest = whole_weight - weight + (whole_walk - walk - leg) * minutes_per_m
            right = turf_cost(rest, whole_felt - felt_m - felt(leg), target)
            still_long -= leg > max_leg_m
        if still_long == 0 and left + right + PARTED_M * parted < least:
            cut = k
            first = left
            second = right
            cut_parts = parted
            least = left + right + PARTED_M * parted
    return cut, first, second, cut_parts


@kernel
def without(path: Ints, k: int) -> Ints:
    """A path without its stop `k`."""
    rest = np.empty(path.size - 1, np.int64)
    rest[:k] = path[:k]
    rest[k:] = path[k + 1 :]
    return rest


@kernel
def best_place(table: Floats, path: Ints, stop: int) -> tuple[int, float, float]:
    """Where a stop is best put into a path (before which), and how much longer it then is.

    Once as felt, once in metres.
    """
    place = 0
    least = np.inf
    metres = 0.0
    for k in range(path.size + 1):
        more = 0.0
        more_m = 0.0
        if k > 0:
            more_m += table[path[k - 1], stop]
            more += felt(table[path[k - 1], stop])
        if k < path.size:
            more_m += table[stop, path[k]]
            more += felt(table[stop, path[k]])
        if 0 < k < path.size:
            more_m -= table[path[k - 1], path[k]]
            more -= felt(table[path[k - 1], path[k]])
        if more < least:
            place = k
            least = more
            metres = more_m
    return place, least, metres


@kernel
def with_stop(path: Ints, place: int, stop: int) -> Ints:
    """A path with one more stop, before its stop `place`."""
    longer = np.empty(path.size + 1, np.int64)
    longer[:place] = path[:place]
    longer[place] = stop
    longer[place + 1 :] = path[place:]
    return longer


@kernel
def parted_more(faces: Ints, is_first: Flags, stop: int) -> int:
    """How many more facing pairs are parted when a stop goes to the other turf."""
    more = 0
    for facing in faces[stop]:
        if facing >= 0:
            more += 1 if is_first[facing] == is_first[stop] else -1
    return more


@kernel
def swap_stops(
    table: Floats,
    one: Ints,
    other: Ints,
    weights: Floats,
    faces: Ints,
    target: float,
    minutes_per_m: float,
) -> tuple[Ints, Ints, int]:
    """The best move of one stop to the other turf, or swap of two: both walks, more pairs parted.

    The walks come back as they were where nothing is better.
    """
    # what both turfs cost as they are
    m = table.shape[0]
    is_first = np.zeros(m, np.bool_)
    for k in one:
        is_first[k] = True
    paths = (one, other)
    weight = np.zeros(2)
    felt_m = np.zeros(2)
    for p in range(2):
        weight[p] = path_length(table, paths[p]) * minutes_per_m
        felt_m[p] = felt_length(table, paths[p])
        for k in paths[p]:
            weight[p] += weights[k]
    before = turf_cost(weight[0], felt_m[0], target) + turf_cost(weight[1], felt_m[1], target)
    least = before - WORTH_M
    chosen = (-1, -1, -1)
    # each stop out of its turf: into the other one, then against each stop of that one
    for p in range(2):
        here = paths[p]
        there = paths[1 - p]
        for k in range(here.size):
            if here.size == 1:
                continue
            stop = here[k]
            rest = without(here, k)
            rest_felt = felt_length(table, rest)
            rest_weight = weight[p] - weights[stop]
            rest_weight += (path_length(table, rest) - path_length(table, here)) * minutes_per_m
            turned = parted_more(faces, is_first, stop)
            _, more, more_m = best_place(table, there, stop)
            cost = (
                turf_cost(rest_weight, rest_felt, target)
                + turf_cost(
                    weight[1 - p] + weights[stop] + more_m * minutes_per_m,
                    felt_m[1 - p] + more,
                    target,
                )
                + PARTED_M * turned
            )
            if cost < least:
                least = cost
                chosen = (p, k, -1)
            if p == 1 or m > SWAP_STOPS:
                continue
            for q in range(there.size):
                if there.size == 1:
                    continue
                back = there[q]
                left = without(there, q)
                _, in_felt, in_m = best_place(table, rest, back)
                _, out_felt, out_m = best_place(table, left, stop)
                cost = turf_cost(
                    rest_weight + weights[back] + in_m * minutes_per_m, rest_felt + in_felt, target
                )
                if cost >= least + 4 * PARTED_M:  # four pairs at most are joined
                    continue
                left_m = path_length(table, left) - path_length(table, there) + out_m
                cost += turf_cost(
                    weight[1] - weights[back] + weights[stop] + left_m * minutes_per_m,
                    felt_length(table, left) + out_felt,
                    target,
                )
                both = turned + parted_more(faces, is_first, back)
                for facing in faces[stop]:
                    if facing == back:
                        both += 2
                cost += PARTED_M * both
                if cost < least:
                    least = cost
                    chosen = (0, k, q)
    # do what was best, and walk both turfs anew
    p, k, q = chosen
    if p < 0:
        return one, other, 0
    stop = paths[p][k]
    turned = parted_more(faces, is_first, stop)
    here = without(paths[p], k)
    there = paths[1 - p]
    if q >= 0:
        back = there[q]
        turned += parted_more(faces, is_first, back)
        for facing in faces[stop]:
            if facing == back:
                turned += 2
        there = without(there, q)
        here = with_stop(here, best_place(table, here, back)[0], back)
    there = with_stop(there, best_place(table, there, stop)[0], stop)
    shorten(table, here, 0)
    shorten(table, there, 0)
    if p == 0:
        return here, there, turned
    return there, here, turned
