"""The walking order of a turf: nearest neighbour, 2-opt, or-opt, then kicks."""

# ruff: noqa: PLR0912 (compiled loops: branches stay in place, no keywords)

from __future__ import annotations

from typing import Final

import numpy as np

from targeting.turf.kernels.arrays import Floats, Ints, Scratch, WalkNet
from targeting.turf.kernels.compiled import kernel
from targeting.turf.kernels.objective import WORTH_M, path_length
from targeting.turf.kernels.paths import fill_distances

SOLVED_STOPS: Final = 60
"""Up to here the walk gets all its kicks; above, a third of them (TURFS 3)."""


@kernel
def nearest_neighbour(table: Floats, first: int) -> Ints:
    """From `first`, always to the nearest stop not yet visited."""
    n = table.shape[0]
    path = np.empty(n, np.int64)
    left = np.ones(n, np.bool_)
    path[0] = first
    left[first] = False
    for k in range(1, n):
        near = -1
        for j in range(n):
            if left[j] and (near < 0 or table[path[k - 1], j] < table[path[k - 1], near]):
                near = j
        path[k] = near
        left[near] = False
    return path


@kernel
def turn_runs(table: Floats, path: Ints, lead: int) -> bool:
    """2-opt of an open path, in place: turn round each run that is shorter so. True if any was.

    The first `lead` stops stay where they are.
    """
    n = path.size
    better = False
    for i in range(lead, n - 1):
        for j in range(i + 1, n):
            gain = 0.0
            if i > 0:
                gain += table[path[i - 1], path[i]] - table[path[i - 1], path[j]]
            if j < n - 1:
                gain += table[path[j], path[j + 1]] - table[path[i], path[j + 1]]
            if gain > WORTH_M:
                path[i : j + 1] = path[i : j + 1][::-1].copy()
                better = True
    return better


@kernel
def carry_runs(table: Floats, path: Ints, length: int, lead: int) -> bool:
    """Or-opt of an open path, in place: carry each run of `length` stops to its best place.

    It may arrive turned round; the first `lead` stops stay. True if any was carried.
    """
    n = path.size
    better = False
    for i in range(lead, n - length + 1):
        j = i + length - 1
        head = path[i]
        tail = path[j]
        # what taking the run out saves
        out = 0.0
        if i > 0:
            out += table[path[i - 1], head]
        if j < n - 1:
            out += table[tail, path[j + 1]]
        if i > 0 and j < n - 1:
            out -= table[path[i - 1], path[j + 1]]
        # what each place to put it would save
        best = WORTH_M
        place = -2
        turned = False
        for k in range(lead - 1, n):  # between k and k + 1; -1: before the first
            if i - 1 <= k <= j:
                continue
            gain = out
            gain_turned = out
            if k >= 0:
                gain -= table[path[k], head]
                gain_turned -= table[path[k], tail]
            if k < n - 1:
                gain -= table[tail, path[k + 1]]
                gain_turned -= table[head, path[k + 1]]
            if 0 <= k < n - 1:
                gain += table[path[k], path[k + 1]]
                gain_turned += table[path[k], path[k + 1]]
            if max(gain, gain_turned) > best:
                best = max(gain, gain_turned)
                place = k
                turned = gain_turned > gain
        # carry it there
        if place > -2:
            run = path[i : j + 1].copy()
            if turned:
                run = run[::-1].copy()
            if place < i:
                path[place + 1 + length : j + 1] = path[place + 1 : i].copy()
                path[place + 1 : place + 1 + length] = run
            else:
                path[i : place + 1 - length] = path[j + 1 : place + 1].copy()
                path[place + 1 - length : place + 1] = run
            better = True
    return better


@kernel
def shorten(table: Floats, path: Ints, lead: int) -> None:
    """2-opt and or-opt of an open path, in place, until neither shortens it."""
    better = path.size > 2
    while better:
        better = turn_runs(table, path, lead)
        for length in range(1, min(4, path.size)):
            better = carry_runs(table, path, length, lead) or better


@kernel
def best_start(table: Floats, first: int, lead: int) -> Ints:
    """The shortest of some improved nearest-neighbour paths: from `first`, if it leads."""
    n = table.shape[0]
    best = nearest_neighbour(table, first)
    shorten(table, best, lead)
    if lead == 1:
        return best
    far = 0
    for j in range(n):
        if table[0, j] > table[0, far]:
            far = j
    other = 0
    for j in range(n):
        if table[far, j] > table[far, other]:
            other = j
    length = path_length(table, best)
    for start in (far, other):
        if start != first:
            path = nearest_neighbour(table, start)
            shorten(table, path, lead)
            if path_length(table, path) < length - WORTH_M:
                best = path
                length = path_length(table, path)
    return best


@kernel
def open_path(table: Floats, kicks: int, seed: int, first: int = -1) -> Ints:
    """A short open path through all stops: nearest neighbour, 2-opt, or-opt, then kicks.

    It begins at `first`, where that is a stop (-1: wherever is best). Never longer than the
    nearest-neighbour paths it starts from. A kick swaps two neighbouring runs at random and
    repairs; it is kept if it shortens.
    """
    n = table.shape[0]
    lead = 1 if first >= 0 else 0
    if n < 3 and lead == 0:
        return np.arange(n)
    best = best_start(table, max(first, 0), lead)
    # fewer kicks where each costs more
    length = path_length(table, best)
    if n > SOLVED_STOPS:
        kicks = kicks // 3
    if n > 3 * SOLVED_STOPS or n < 5:
        kicks = 0
    # swap two neighbouring runs at random, repair, keep what is shorter
    state = (seed * 7919 + n * 104729 + 12345) & 0x7FFFFFFF
    path = best.copy()
    for _ in range(kicks):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        a = lead + (state >> 8) % (n - 2 - lead)
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        b = a + 1 + (state >> 8) % min(8, n - a - 2)
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        c = b + 1 + (state >> 8) % min(8, n - b - 1)
        path[:] = best
        path[a : a + c - b] = best[b:c]
        path[a + c - b : c] = best[a:b]
        shorten(table, path, lead)
        if path_length(table, path) < length - WORTH_M:
            best[:] = path
            length = path_length(table, path)
    return best


@kernel
def side_changes(table: Floats, mine: Ints, street: Ints, is_odd: Ints, penalty_m: float) -> Floats:
    """The table with `penalty_m` more between the two sides of one street."""
    apart = table.copy()
    for s in range(mine.size):
        for t in range(mine.size):
            if street[mine[s]] == street[mine[t]] and is_odd[mine[s]] != is_odd[mine[t]]:
                apart[s, t] += penalty_m
    return apart


@kernel
def walk_turfs(
    members: Ints,
    starts: Ints,
    walk_net: WalkNet,
    kicks: int,
    seed: int,
    firsts: Ints,
    street: Ints,
    is_odd: Ints,
    penalty_m: float,
    scratch: Scratch,
) -> tuple[Ints, Floats, Floats]:
    """Put the members of each turf in walking order; gives order, walk and longest leg, metres.

    Turf `t` is `members[starts[t]:starts[t + 1]]`. Its walk sets out from address `firsts[t]`, a
    member or not (then the way to the first stop is in no figure); where that is -1, at the end of
    lower index. `penalty_m` above 0 does one side of a street after the other: what it costs to
    change sides, in the choice of the order only.
    """
    order = np.empty(members.size, np.int64)
    walks = np.zeros(starts.size - 1)
    longest = np.zeros(starts.size - 1)
    for t in range(starts.size - 1):
        # who is in it, and where it sets out from
        mine = members[starts[t] : starts[t + 1]]
        first = -1
        is_guest = False
        if firsts[t] >= 0:
            for k in range(mine.size):
                if mine[k] == firsts[t]:
                    first = k
            if first < 0:
                is_guest = True
                first = mine.size
                mine = np.append(mine, firsts[t])
        # the order, by the ways or by what they count for
        table = fill_distances(mine, walk_net, scratch)
        chosen_by = table
        if penalty_m > 0.0:
            chosen_by = side_changes(table, mine, street, is_odd, penalty_m)
        path = open_path(chosen_by, kicks, seed, first)
        if is_guest:
            path = path[1:].copy()
        elif first < 0 and path.size and mine[path[0]] > mine[path[-1]]:
            path = path[::-1].copy()
        # what is told of it: metres as they are
        for k in range(path.size):
            order[starts[t] + k] = mine[path[k]]
            if k > 0:
                walks[t] += table[path[k - 1], path[k]]
                longest[t] = max(longest[t], table[path[k - 1], path[k]])
    return order, walks, longest
