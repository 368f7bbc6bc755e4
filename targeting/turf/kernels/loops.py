"""The compiled loops of turf cutting: shortest paths, tree order, split, walking order, polish.

Plain arrays in, plain arrays out; what they mean is said in `graph`, `cut` and `walk`. All are
compiled once per machine (`warm_kernels`, called at set-up) and kept on disk: none compiles in a
web request. Ties go to the lower index, chance comes from a seed: same input, same output.

They stand in one file, long as it is: numba knows a compiled loop by the file it stands in, and
would go on with an old copy of what it calls in another.
"""

# ruff: noqa: PLR0912, PLR0915 (compiled loops: branches stay in place, no keywords)

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Walkable = tuple[Ints, Ints, Floats, Ints, Floats, Ints, Floats, Ints, Floats]
"""What distances are read from: the walking graph's rows, columns and lengths, then for each
address its two anchors, the way to them, its segment, its offset there, its side, and what
crossing that segment costs."""

Scratch = tuple[Ints, Floats, Floats, Ints, Ints, Ints]
"""Room for `fill_distances`, one a thread: see `scratch_of`."""

CROSSING_M: Final = 10.0
"""Crossing a street: a guess of the benchmark (TURFS 8.11), which shifts all walks alike."""

WIDE_CROSSING_M: Final = 60.0
"""Crossing a wide one: the lights, about 50 s at 1.2 m/s; assumed."""

PARTED_M: Final = 10.0
"""Metres of walk that two facing doors in two turfs are worth."""

TOLERANCE: Final = 0.09
"""Turfs this near the target are free of penalty: a little under the promised 10 %."""

PENALTY_M: Final = 9_000.0
"""Metres of walk that one whole turf of imbalance is worth: 180 m a door of 50. Tried: 120 m leaves
a tenth of the turfs of a sparse list unequal, 300 m walks up to 3 % more."""

SPREAD_M: Final = 250.0
"""Metres that the squared imbalance is worth: within the tolerance, nearer is still better."""

EASY_LEG_M: Final = 150.0
"""A leg above this is a jump: two minutes without a door, past doors of another turf."""

JUMP_WEIGHT: Final = 6.0
"""What each metre beyond that counts for: 5 and 6 tried on Paris, fewer jumps, as equal."""

WINDOW: Final = 1.6
"""No turf above this many targets is tried, unless one building alone is."""

SOLVED_STOPS: Final = 60
"""Up to here the walk gets all its kicks; above, a third of them (TURFS 3)."""

WORTH_M: Final = 1e-7
"""A gain in metres that is not rounding."""

MERGE_STOPS: Final = 160
"""Two neighbours with more stops than this are not merged for polishing: too slow."""


SWAPS: Final = 4
"""Stops that change turf, one after the other, each time that two turfs are tried."""

SWAP_STOPS: Final = 64
"""With more stops than this in two turfs, stops move but are not swapped: too slow."""


@njit(cache=True, nogil=True)
def push(keys: Floats, nodes: Ints, size: int, key: float, node: int) -> int:
    """Add to a binary heap; gives its new size."""
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if keys[up] <= key:
            break
        keys[at] = keys[up]
        nodes[at] = nodes[up]
        at = up
    keys[at] = key
    nodes[at] = node
    return size + 1


@njit(cache=True, nogil=True)
def pop(keys: Floats, nodes: Ints, size: int) -> int:
    """Remove the top of a binary heap (read it before); gives its new size."""
    size -= 1
    key = keys[size]
    node = nodes[size]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and keys[down + 1] < keys[down]:
            down += 1
        if keys[down] >= key:
            break
        keys[at] = keys[down]
        nodes[at] = nodes[down]
        at = down
    keys[at] = key
    nodes[at] = node
    return size


@njit(cache=True, nogil=True)
def fill_squares(
    begin: Floats, end: Floats, corner: Floats, square_m: float, wide: int, high: int
) -> tuple[Ints, Ints]:
    """Straight bits by the squares that their boxes touch: where each square's row starts, bits."""
    starts = np.zeros(wide * high + 1, np.int64)
    bits = np.empty(0, np.int64)
    for fill in range(2):  # 1: count; 2: fill, each square from its end
        for k in range(begin.shape[0] - 1, -1, -1):
            left = int((min(begin[k, 0], end[k, 0]) - corner[0]) / square_m)
            right = int((max(begin[k, 0], end[k, 0]) - corner[0]) / square_m)
            low = int((min(begin[k, 1], end[k, 1]) - corner[1]) / square_m)
            top = int((max(begin[k, 1], end[k, 1]) - corner[1]) / square_m)
            for row in range(low, top + 1):
                for column in range(left, right + 1):
                    square = row * wide + column
                    if fill == 0:
                        starts[square] += 1
                    else:
                        starts[square] -= 1
                        bits[starts[square]] = k
        if fill == 0:
            for square in range(wide * high):
                starts[square + 1] += starts[square]
            bits = np.empty(starts[wide * high], np.int64)
    return starts, bits


@njit(cache=True, nogil=True)
def nearest_bits(
    points: Floats, begin: Floats, end: Floats, square_m: float, reach_m: float
) -> tuple[Ints, Floats, Floats]:
    """The straight bit nearest to each point, the lower one on a tie; -1 beyond `reach_m`.

    Then which share of the bit the place is at, and how far off.
    """
    corner = np.array(
        [min(begin[:, 0].min(), end[:, 0].min()), min(begin[:, 1].min(), end[:, 1].min())]
    )
    wide = int((max(begin[:, 0].max(), end[:, 0].max()) - corner[0]) / square_m) + 1
    high = int((max(begin[:, 1].max(), end[:, 1].max()) - corner[1]) / square_m) + 1
    starts, bits = fill_squares(begin, end, corner, square_m, wide, high)
    found = np.full(points.shape[0], -1, np.int64)
    shares = np.zeros(points.shape[0])
    metres = np.full(points.shape[0], np.inf)
    for i in range(points.shape[0]):
        x = points[i, 0]
        y = points[i, 1]
        column = int(np.floor((x - corner[0]) / square_m))
        row = int(np.floor((y - corner[1]) / square_m))
        best = reach_m * reach_m
        ring = 0
        while ring == 0 or ((ring - 1) * square_m) ** 2 <= best:  # nearer than the ring can be
            for r in range(max(0, row - ring), min(high - 1, row + ring) + 1):
                step = 1 if abs(r - row) == ring else max(1, 2 * ring)
                for c in range(column - ring, column + ring + 1, step):
                    if c < 0 or c >= wide:
                        continue
                    for at in range(starts[r * wide + c], starts[r * wide + c + 1]):
                        k = bits[at]
                        along_x = end[k, 0] - begin[k, 0]
                        along_y = end[k, 1] - begin[k, 1]
                        to_x = x - begin[k, 0]
                        to_y = y - begin[k, 1]
                        share = (to_x * along_x + to_y * along_y) / max(
                            along_x * along_x + along_y * along_y, 1e-12
                        )
                        share = min(1.0, max(0.0, share))
                        away = (to_x - share * along_x) ** 2 + (to_y - share * along_y) ** 2
                        if away < best or (away == best and (found[i] < 0 or k < found[i])):
                            best = away
                            found[i] = k
                            shares[i] = share
                            metres[i] = np.sqrt(away)
            ring += 1
    return found, shares, metres


@njit(cache=True, nogil=True)
def nearest_source(
    indptr: Ints, indices: Ints, lengths: Floats, sources: Ints
) -> tuple[Floats, Ints]:
    """Distance of each node to the nearest source, and which one (its position in `sources`).

    One Dijkstra for all sources: the labels are the network Voronoi cells. -1 if out of reach.
    """
    n = indptr.size - 1
    dist = np.full(n, np.inf)
    label = np.full(n, -1, np.int64)
    keys = np.empty(indices.size + sources.size + 1)
    nodes = np.empty(indices.size + sources.size + 1, np.int64)
    size = 0
    for k in range(sources.size):
        if dist[sources[k]] > 0.0:
            dist[sources[k]] = 0.0
            label[sources[k]] = k
            size = push(keys, nodes, size, 0.0, sources[k])
    while size > 0:
        key = keys[0]
        node = nodes[0]
        size = pop(keys, nodes, size)
        if key > dist[node]:
            continue
        for e in range(indptr[node], indptr[node + 1]):
            far = key + lengths[e]
            to = indices[e]
            if far < dist[to]:
                dist[to] = far
                label[to] = label[node]
                size = push(keys, nodes, size, far, to)
    return dist, label


@njit(cache=True, nogil=True)
def find_root(parent: Ints, node: int) -> int:
    """Representative of a node's set, halving the way to it."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit(cache=True, nogil=True)
def spanning_forest(n: int, a: Ints, b: Ints, by_length: Ints) -> NDArray[np.bool_]:
    """Which edges Kruskal keeps, trying them in the order given (shortest first)."""
    parent = np.arange(n)
    kept = np.zeros(a.size, np.bool_)
    for e in by_length:
        left = find_root(parent, a[e])
        right = find_root(parent, b[e])
        if left != right:
            parent[max(left, right)] = min(left, right)
            kept[e] = True
    return kept


@njit(cache=True, nogil=True)
def forest_order(indptr: Ints, indices: Ints, lengths: Floats) -> tuple[Ints, Floats]:
    """Depth-first order of a forest, and the way through the tree from each node's predecessor.

    Each tree starts at an end of its longest path and takes its smallest branches first, so that
    the order comes back as little as it can. The way is infinite where a new tree starts.
    """
    n = indptr.size - 1
    order = np.empty(n, np.int64)
    legs = np.empty(n)
    parent = np.full(n, -1, np.int64)
    depth = np.zeros(n)
    branch = np.zeros(n, np.int64)
    queue = np.empty(n, np.int64)
    stack = np.empty(n, np.int64)
    children = np.empty(n, np.int64)
    seen = np.zeros(n, np.bool_)
    done = 0
    for first in range(n):
        if seen[first]:
            continue
        root = first
        for sweep in range(2):  # 1: find the far end of the tree; 2: hang the tree on it
            queue[0] = root
            parent[root] = -1
            depth[root] = 0.0
            head = 0
            tail = 1
            while head < tail:
                node = queue[head]
                head += 1
                for e in range(indptr[node], indptr[node + 1]):
                    to = indices[e]
                    if to != parent[node]:
                        parent[to] = node
                        depth[to] = depth[node] + lengths[e]
                        queue[tail] = to
                        tail += 1
            if sweep == 0:
                for k in range(tail):
                    if depth[queue[k]] > depth[root]:
                        root = queue[k]
        for k in range(tail):
            branch[queue[k]] = 1
        for k in range(tail - 1, 0, -1):
            branch[parent[queue[k]]] += branch[queue[k]]
        size = 1
        stack[0] = root
        previous = -1
        while size > 0:
            size -= 1
            node = stack[size]
            seen[node] = True
            order[done] = node
            if previous < 0:
                legs[done] = np.inf
            else:
                legs[done] = depth[previous] + depth[node] - 2.0 * depth[parent[node]]
            previous = node
            done += 1
            count = 0
            for e in range(indptr[node], indptr[node + 1]):
                to = indices[e]
                if to != parent[node]:
                    at = count
                    while at > 0 and branch[children[at - 1]] < branch[to]:
                        children[at] = children[at - 1]
                        at -= 1
                    children[at] = to
                    count += 1
            for k in range(count):
                stack[size] = children[k]
                size += 1
    return order, legs


@njit(cache=True, nogil=True)
def felt(leg_m: float) -> float:
    """A leg as the cost counts it: longer than it is, where it is a jump."""
    return leg_m + (JUMP_WEIGHT - 1.0) * max(0.0, leg_m - EASY_LEG_M)


@njit(cache=True, nogil=True)
def turf_cost(weight: float, felt_m: float, target: float) -> float:
    """What a turf costs, in metres: its legs as felt, and how far its weight is from the target."""
    off = abs(weight / target - 1.0)
    return felt_m + PENALTY_M * max(0.0, off - TOLERANCE) + SPREAD_M * off * off


@njit(cache=True, nogil=True)
def split_order(
    weights: Floats, legs: Floats, leg_weights: Floats, target: float, max_leg_m: float
) -> Ints:
    """Number the turfs of the best split of an order into runs: the sum of `turf_cost` is least.

    A run weighs its members and the legs inside it; no run holds a leg above `max_leg_m`. Exact
    among runs of at most WINDOW targets (one building alone may weigh more).
    """
    n = weights.size
    best = np.full(n + 1, np.inf)
    best[0] = 0.0
    start = np.zeros(n + 1, np.int64)
    for end in range(1, n + 1):
        weight = 0.0
        walk = 0.0
        for i in range(end - 1, -1, -1):
            weight += weights[i]
            if i < end - 1:
                if legs[i + 1] > max_leg_m:
                    break
                weight += leg_weights[i + 1]
                walk += felt(legs[i + 1])
                if weight > WINDOW * target:
                    break
            cost = best[i] + turf_cost(weight, walk, target)
            if cost < best[end]:
                best[end] = cost
                start[end] = i
    labels = np.zeros(n, np.int64)
    end = n
    number = 0
    while end > 0:
        labels[start[end] : end] = number
        number += 1
        end = start[end]
    return number - 1 - labels


@njit(cache=True, nogil=True)
def fill_distances(members: Ints, streets: Walkable, scratch: Scratch) -> Floats:
    """Walking distances between the members of one turf, metres.

    Dijkstra between the members' own junctions, stopped when all are settled: the cost is that of
    the turf, not of the city. The scratch is given back as it was.
    """
    indptr, indices, lengths, anchors, anchor_m, segment, offset_m, side, crossing_m = streets
    place, dist, keys, nodes, touched, _ = scratch
    m = members.size
    ends = np.empty(2 * m, np.int64)
    count = 0
    for i in members:
        for k in range(2):
            if place[anchors[i, k]] < 0:
                place[anchors[i, k]] = count
                ends[count] = anchors[i, k]
                count += 1
    between = np.full((count, count), np.inf)
    for source in range(count):
        between[source, source] = 0.0
        waiting = count - source - 1
        dist[ends[source]] = 0.0
        touched[0] = ends[source]
        n_touched = 1
        size = push(keys, nodes, 0, 0.0, ends[source])
        while size > 0 and waiting > 0:
            key = keys[0]
            node = nodes[0]
            size = pop(keys, nodes, size)
            if key > dist[node]:
                continue
            if place[node] > source and between[source, place[node]] == np.inf:
                between[source, place[node]] = key
                between[place[node], source] = key
                waiting -= 1
            for e in range(indptr[node], indptr[node + 1]):
                far = key + lengths[e]
                to = indices[e]
                if far < dist[to]:
                    if dist[to] == np.inf:
                        touched[n_touched] = to
                        n_touched += 1
                    dist[to] = far
                    size = push(keys, nodes, size, far, to)
        for k in range(n_touched):
            dist[touched[k]] = np.inf
    table = np.zeros((m, m))
    for s in range(m):
        for t in range(s + 1, m):
            i = members[s]
            j = members[t]
            way = np.inf
            if segment[i] >= 0 and segment[i] == segment[j]:
                way = abs(offset_m[i] - offset_m[j])
                if side[i] != side[j]:
                    way += crossing_m[i]
            for k in range(2):
                for q in range(2):
                    via = between[place[anchors[i, k]], place[anchors[j, q]]]
                    way = min(way, anchor_m[i, k] + via + anchor_m[j, q])
            table[s, t] = way
            table[t, s] = way
    for k in range(count):
        place[ends[k]] = -1
    return table


@njit(cache=True, nogil=True)
def path_length(table: Floats, path: Ints) -> float:
    """Length of an open path."""
    total = 0.0
    for k in range(1, path.size):
        total += table[path[k - 1], path[k]]
    return total


@njit(cache=True, nogil=True)
def felt_length(table: Floats, path: Ints) -> float:
    """Length of an open path, its jumps counted as they are felt."""
    total = 0.0
    for k in range(1, path.size):
        total += felt(table[path[k - 1], path[k]])
    return total


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
        out = 0.0
        if i > 0:
            out += table[path[i - 1], head]
        if j < n - 1:
            out += table[tail, path[j + 1]]
        if i > 0 and j < n - 1:
            out -= table[path[i - 1], path[j + 1]]
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


@njit(cache=True, nogil=True)
def shorten(table: Floats, path: Ints, lead: int) -> None:
    """2-opt and or-opt of an open path, in place, until neither shortens it."""
    better = path.size > 2
    while better:
        better = turn_runs(table, path, lead)
        for length in range(1, min(4, path.size)):
            better = carry_runs(table, path, length, lead) or better


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
    length = path_length(table, best)
    if n > SOLVED_STOPS:
        kicks = kicks // 3
    if n > 3 * SOLVED_STOPS or n < 5:
        kicks = 0
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


@njit(cache=True, nogil=True)
def side_changes(table: Floats, mine: Ints, street: Ints, is_odd: Ints, penalty_m: float) -> Floats:
    """The table with `penalty_m` more between the two sides of one street."""
    apart = table.copy()
    for s in range(mine.size):
        for t in range(mine.size):
            if street[mine[s]] == street[mine[t]] and is_odd[mine[s]] != is_odd[mine[t]]:
                apart[s, t] += penalty_m
    return apart


@njit(cache=True, nogil=True)
def walk_turfs(
    members: Ints,
    starts: Ints,
    streets: Walkable,
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
        table = fill_distances(mine, streets, scratch)
        chosen_by = table
        if penalty_m > 0.0:
            chosen_by = side_changes(table, mine, street, is_odd, penalty_m)
        path = open_path(chosen_by, kicks, seed, first)
        if is_guest:
            path = path[1:].copy()
        elif first < 0 and path.size and mine[path[0]] > mine[path[-1]]:
            path = path[::-1].copy()
        for k in range(path.size):
            order[starts[t] + k] = mine[path[k]]
            if k > 0:
                walks[t] += table[path[k - 1], path[k]]
                longest[t] = max(longest[t], table[path[k - 1], path[k]])
    return order, walks, longest


@njit(cache=True, nogil=True)
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
    whole_weight = weights.sum()
    whole_walk = path_length(table, path)
    whole_felt = felt_length(table, path)
    too_long = 0
    for k in range(1, m):
        too_long += table[path[k - 1], path[k]] > max_leg_m
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def run_cost(
    table: Floats,
    path: Ints,
    weights: Floats,
    target: float,
    minutes_per_m: float,
    max_leg_m: float,
) -> float:
    """What a turf walked so costs; nothing where it is empty, without end with too long a leg."""
    if path.size == 0:
        return 0.0
    for k in range(1, path.size):
        if table[path[k - 1], path[k]] > max_leg_m:
            return np.inf
    weight = path_length(table, path) * minutes_per_m
    for k in path:
        weight += weights[k]
    return turf_cost(weight, felt_length(table, path), target)


@njit(cache=True, nogil=True)
def without(path: Ints, k: int) -> Ints:
    """A path without its stop `k`."""
    rest = np.empty(path.size - 1, np.int64)
    rest[:k] = path[:k]
    rest[k:] = path[k + 1 :]
    return rest


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def with_stop(path: Ints, place: int, stop: int) -> Ints:
    """A path with one more stop, before its stop `place`."""
    longer = np.empty(path.size + 1, np.int64)
    longer[:place] = path[:place]
    longer[place] = stop
    longer[place + 1 :] = path[place:]
    return longer


@njit(cache=True, nogil=True)
def parted_more(faces: Ints, is_first: NDArray[np.bool_], stop: int) -> int:
    """How many more facing pairs are parted when a stop goes to the other turf."""
    more = 0
    for facing in faces[stop]:
        if facing >= 0:
            more += 1 if is_first[facing] == is_first[stop] else -1
    return more


@njit(cache=True, nogil=True)
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
    # for each stop: its turf without it, and the walk saved
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


@njit(cache=True, nogil=True)
def relink(turf: int, members: Ints, head: Ints, after: Ints) -> None:
    """Make these the members of a turf, in this order."""
    head[turf] = -1
    for k in range(members.size - 1, -1, -1):
        after[members[k]] = head[turf]
        head[turf] = members[k]


@njit(cache=True, nogil=True)
def cost_turfs(
    first: int,
    last: int,
    head: Ints,
    after: Ints,
    count: Ints,
    cost: Floats,
    weights: Floats,
    streets: Walkable,
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
        table = fill_distances(mine, streets, scratch)
        path = open_path(table, kicks, seed)
        weight += path_length(table, path) * minutes_per_m
        cost[t] = turf_cost(weight, felt_length(table, path), target)
        relink(t, mine[path], head, after)


@njit(cache=True, nogil=True)
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
    streets: Walkable,
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
    place_of = scratch[5]
    for pair in pairs:
        a = pair // n_turfs
        b = pair % n_turfs
        m = count[a] + count[b]
        if max(changed[a], changed[b]) < sweep - 1 or m > MERGE_STOPS:
            continue
        if count[a] == 0 or count[b] == 0:
            continue
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
        facing = np.full((m, 2), -1, np.int64)
        parted = 0
        for k in range(m):
            for q in range(2):
                i = faces[mine[k], q]
                if i >= 0 and place_of[i] >= 0:
                    facing[k, q] = place_of[i]
                    parted += labels[i] < labels[mine[k]]
        one = np.empty(count[a], np.int64)
        other = np.empty(count[b], np.int64)
        for k in range(m):
            if k < count[a]:
                one[k] = place_of[walked[k]]
            else:
                other[k - count[a]] = place_of[walked[k]]
        for k in range(m):
            place_of[mine[k]] = -1
        table = fill_distances(mine, streets, scratch)
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


KERNELS: Final[tuple[Any, ...]] = (
    nearest_bits, nearest_source, spanning_forest, forest_order, split_order, fill_distances,
    walk_turfs, touching_pairs, rounds_of, cost_turfs, cut_pairs,
)  # fmt: skip
"""Those called from Python; the others are called by these."""


def warm_kernels() -> None:
    """Compile all kernels on a street of three houses, or load them from the disk cache.

    For the set-up and the start of the server: about half a minute on a fresh machine, half a
    second afterwards.
    """
    a, b = np.array([0, 1]), np.array([1, 2])
    indptr, indices, lengths = rows_of(3, a, b, np.array([10.0, 12.0]))
    nearest_bits(np.zeros((1, 2)), np.zeros((1, 2)), np.ones((1, 2)), 100.0, 500.0)
    nearest_source(indptr, indices, lengths, np.array([0, 2]))
    spanning_forest(3, a, b, np.array([0, 1]))
    order, legs = forest_order(indptr, indices, lengths)
    weights = np.ones(3)
    labels = split_order(weights, legs, np.zeros(3), 1.5, 1000.0)
    streets = (
        indptr, indices, lengths, np.array([[0, 0], [1, 1], [2, 2]]), np.zeros((3, 2)),
        np.full(3, -1), np.zeros(3), np.zeros(3, np.int64), np.zeros(3),
    )  # fmt: skip
    scratch = scratch_of(streets)
    fill_distances(order, streets, scratch)
    nowhere, zeros = np.full(2, -1), np.zeros(3, np.int64)
    walk_turfs(order, np.array([0, 1, 3]), streets, 1, 0, nowhere, zeros, zeros, 0.0, scratch)
    pairs = touching_pairs(np.array([0, 1, 1]), a, b, 2)
    rounds_of(pairs, 2)
    head, after, count = np.array([0, 1]), np.array([-1, 2, -1]), np.array([1, 2])
    cost, faces = np.zeros(2), np.full((3, 2), -1)
    cost_turfs(
        0, 2, head, after, count, cost, weights, streets, 1.5, 0.01, 1, 0, scratch,
    )  # fmt: skip
    cut_pairs(
        pairs, 1, labels, head, after, count, cost, np.zeros(2, np.int64), weights, faces, streets,
        1.5, 0.01, 1000.0, 1, 0, scratch,
    )  # fmt: skip


def scratch_of(streets: Walkable) -> Scratch:
    """Room for shortest paths in this graph: what one thread needs, made once."""
    nodes, edges, addresses = streets[0].size - 1, streets[1].size, len(streets[3])
    return (
        np.full(nodes, -1, np.int64), np.full(nodes, np.inf), np.empty(edges + 2),
        np.empty(edges + 2, np.int64), np.empty(nodes, np.int64), np.full(addresses, -1, np.int64),
    )  # fmt: skip


def rows_of(n: int, a: Ints, b: Ints, lengths: Floats) -> tuple[Ints, Ints, Floats]:
    """Undirected edges as compressed rows: where each node's row starts, neighbours, lengths."""
    source = np.concatenate([a, b])
    by_source = np.argsort(source, kind="stable")
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(source, minlength=n), out=indptr[1:])
    indices = np.concatenate([b, a])[by_source].astype(np.int64)
    return indptr, indices, np.concatenate([lengths, lengths])[by_source].astype(np.float64)
