"""A binary heap in two arrays: keys, and the node of each."""

from __future__ import annotations

from targeting.turf.kernels.arrays import Floats, Ints
from targeting.turf.kernels.compiled import kernel


@kernel
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


@kernel
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
