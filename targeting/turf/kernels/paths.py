"""Shortest ways: from the nearest source to all nodes, and between the stops of one turf."""

# ruff: noqa: PLR0912, PLR0915 (compiled loops: branches stay in place, no keywords)

from __future__ import annotations

import numpy as np

from targeting.turf.kernels.arrays import Floats, Ints, Rows, Scratch, WalkNet
from targeting.turf.kernels.compiled import kernel
from targeting.turf.kernels.heap import pop, push
from targeting.turf.kernels.objective import WORTH_M


@kernel
def nearest_source(rows: Rows, sources: Ints) -> tuple[Floats, Ints]:
    """Distance of each node to the nearest source, and which one (its position in `sources`).

    One Dijkstra for all sources: the labels are the network Voronoi cells. -1 if out of reach.
    """
    indptr, indices, lengths = rows
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


@kernel
def fill_distances(members: Ints, walk_net: WalkNet, scratch: Scratch) -> Floats:
    """Walking distances between the members of one turf, metres.

    Dijkstra between the members' own junctions, stopped when all are settled: the cost is that of
    the turf, not of the city. Doors put on one place of a street may be far from each other: no
    way is shorter than the straight line, less how far both stand back. The scratch is given back
    as it was.
    """
    indptr, indices, lengths = walk_net.rows
    anchors, anchor_m = walk_net.anchors, walk_net.anchor_m
    segment, offset_m, side = walk_net.segment, walk_net.offset_m, walk_net.side
    place, dist, keys, nodes = scratch.place, scratch.dist, scratch.keys, scratch.nodes
    touched, x, y, setback_m = scratch.touched, walk_net.x, walk_net.y, walk_net.setback_m
    m = members.size
    # number the junctions that members are at
    ends = np.empty(2 * m, np.int64)
    count = 0
    for i in members:
        for k in range(2):
            if place[anchors[i, k]] < 0:
                place[anchors[i, k]] = count
                ends[count] = anchors[i, k]
                count += 1
    # the ways between these junctions
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
    # from door to door: along the street they share, or by a junction of each
    table = np.zeros((m, m))
    for s in range(m):
        for t in range(s + 1, m):
            i = members[s]
            j = members[t]
            way = np.inf
            if segment[i] >= 0 and segment[i] == segment[j]:
                way = abs(offset_m[i] - offset_m[j])
                if side[i] != side[j]:
                    way += walk_net.crossing_m[i]
            for k in range(2):
                for q in range(2):
                    via = between[place[anchors[i, k]], place[anchors[j, q]]]
                    way = min(way, anchor_m[i, k] + via + anchor_m[j, q])
            least = np.hypot(x[i] - x[j], y[i] - y[j]) - setback_m[i] - setback_m[j]
            if least > way + WORTH_M:
                way = least
            table[s, t] = way
            table[t, s] = way
    for k in range(count):
        place[ends[k]] = -1
    return table
