"""The arrays that kernels take, by name; numba reads them by their fields too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Edges(NamedTuple):
    """Undirected edges: their two ends, and how long they are in metres."""

    a: Ints
    b: Ints
    metres: Floats


def joined(*parts: Edges) -> Edges:
    """Several lists of edges as one."""
    return Edges(
        np.concatenate([part.a for part in parts]).astype(np.int64),
        np.concatenate([part.b for part in parts]).astype(np.int64),
        np.concatenate([part.metres for part in parts]).astype(np.float64),
    )


def no_edges() -> Edges:
    """A list of edges that holds none."""
    return Edges(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


class Rows(NamedTuple):
    """A graph as compressed rows: node `n` has the neighbours `indices[indptr[n]:indptr[n + 1]]`,
    so many `lengths` away (metres)."""

    indptr: Ints
    indices: Ints
    lengths: Floats

    @property
    def source(self) -> Ints:
        """The node that each neighbour is one of."""
        return np.repeat(np.arange(self.indptr.size - 1), np.diff(self.indptr))


def rows_of(n: int, edges: Edges) -> Rows:
    """Undirected edges between `n` nodes as compressed rows, each edge from both its ends."""
    source = np.concatenate([edges.a, edges.b])
    by_source = np.argsort(source, kind="stable")
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(source, minlength=n), out=indptr[1:])
    indices = np.concatenate([edges.b, edges.a])[by_source].astype(np.int64)
    lengths = np.concatenate([edges.metres, edges.metres])[by_source].astype(np.float64)
    return Rows(indptr, indices, lengths)


class Fronts(NamedTuple):
    """Of each address, what tells which doors face each other.

    front: the stretch of street it is on (-1: a street too wide to have two sides in one turf, or
    none); along_m: its place along it; side: which of the two.
    """

    front: Ints
    along_m: Floats
    side: Ints

    def of(self, places: Ints) -> Fronts:
        """Those of some addresses."""
        return Fronts(self.front[places], self.along_m[places], self.side[places])


class WalkNet(NamedTuple):
    """What distances on foot are read from: the ways, and where each address stands on them.

    rows: the ways between junctions; anchors, anchor_m: the two junctions of each address and how
    far they are; segment, offset_m, side: the stretch it is on (-1: none), how far from its start,
    on which side; crossing_m: what crossing there costs; x, y: where it is; setback_m: how far it
    stands back from the street, which no walk counts.
    """

    rows: Rows
    anchors: Ints
    anchor_m: Floats
    segment: Ints
    offset_m: Floats
    side: Ints
    crossing_m: Floats
    x: Floats
    y: Floats
    setback_m: Floats

    def of(self, places: Ints) -> WalkNet:
        """The same ways, and of the addresses those at these places, numbered as given."""
        return WalkNet(
            self.rows,
            self.anchors[places],
            self.anchor_m[places],
            self.segment[places],
            self.offset_m[places],
            self.side[places],
            self.crossing_m[places],
            self.x[places],
            self.y[places],
            self.setback_m[places],
        )


class Scratch(NamedTuple):
    """Room that one thread needs for shortest ways; every kernel gives it back as it was.

    place: of each node, its number among those asked about (-1: not asked); dist: how far it is;
    keys, nodes: a heap; touched: nodes that were reached; place_of: of each address, its number
    among those of one turf.
    """

    place: Ints
    dist: Floats
    keys: Floats
    nodes: Ints
    touched: Ints
    place_of: Ints


def scratch_of(walk_net: WalkNet) -> Scratch:
    """Room for shortest ways in this graph, made once a thread."""
    nodes, edges = walk_net.rows.indptr.size - 1, walk_net.rows.indices.size
    return Scratch(
        place=np.full(nodes, -1, np.int64),
        dist=np.full(nodes, np.inf),
        keys=np.empty(edges + 2),
        nodes=np.empty(edges + 2, np.int64),
        touched=np.empty(nodes, np.int64),
        place_of=np.full(len(walk_net.anchors), -1, np.int64),
    )
