"""The spanning forest of a graph, and its order from end to end."""

# ruff: noqa: PLR0912, PLR0915 (compiled loops: branches stay in place, no keywords)

from __future__ import annotations

import numpy as np

from targeting.turf.kernels.arrays import Flags, Floats, Ints, Rows
from targeting.turf.kernels.compiled import kernel


@kernel
def find_root(parent: Ints, node: int) -> int:
    """Representative of a node's set, halving the way to it."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def spanning_forest(n: int, a: Ints, b: Ints, by_length: Ints) -> Flags:
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


@kernel
def forest_order(rows: Rows) -> tuple[Ints, Floats]:
    """Depth-first order of a forest, and the way through the tree from each node's predecessor.

    Each tree starts at an end of its longest path and takes its smallest branches first, so that
    the order comes back as little as it can. The way is infinite where a new tree starts.
    """
    indptr, indices, lengths = rows
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
        # how many nodes hang on each
        for k in range(tail):
            branch[queue[k]] = 1
        for k in range(tail - 1, 0, -1):
            branch[parent[queue[k]]] += branch[queue[k]]
        # down the tree, the smallest branch first
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
