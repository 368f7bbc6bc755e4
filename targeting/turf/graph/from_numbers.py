"""A walking graph from the addresses alone: their numbers draw the streets.

Numbers follow each other along a side, odd on one and even on the other. Where the line from one
number to the next crosses that of another street, there is a crossing; where a street ends, it
meets what is near. The rest is linked by its shortest gap, which costs more than its length.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from targeting.turf.graph.model import (
    CROSSING_M,
    StreetGraph,
    graph_from,
    link_components,
    street_codes,
)
from targeting.turf.kernels.arrays import (
    Edges,
    Floats,
    Fronts,
    Ints,
    WalkNet,
    joined,
    no_edges,
    rows_of,
)

GAP_M: Final = 150.0
"""Two numbers of a street farther apart are not neighbours: the name goes on elsewhere, or the
same name is met again in another commune."""

RUNG_M: Final = 80.0
"""The widest street with doors on both sides (boulevards with a central reservation)."""

WIDE_M: Final = 40.0
"""From door to door across a street that one does not cross at each number; assumed."""

STRAIGHT_M: Final = 100.0
"""Longer ways from a number to the next cut corners: they make no crossing."""

JOIN_M: Final = 60.0
"""A street ends at the street it runs into: its last number is at most this far from it."""

JOIN_DETOUR: Final = 1.2
"""Round the corner is longer than across it; assumed."""

ALONE_M: Final = 5000.0
"""An address farther from any other is not on anybody's way: a wrong place, or an hour's walk."""

SAME_POINT_M: Final = 0.1
"""Addresses this near are at one point (several buildings behind one gate)."""


def graph_of_addresses(buildings: pd.DataFrame) -> StreetGraph:
    """Build the graph from numbers and street names; `buildings` sorted by building_id, placed."""
    n = len(buildings)
    xy = np.array(buildings[["x", "y"]], dtype=float)
    code, _ = street_codes(buildings["street"])
    number = np.array(buildings["number"], dtype=np.int64)
    side = np.where(number > 0, number % 2, 0)
    suffix = pd.factorize(buildings["suffix"].fillna(""), sort=True)[0]

    piece = street_pieces(xy, code)
    runs, ends = number_runs(xy, piece, side, number, suffix)
    rungs = side_rungs(xy, piece, side)
    joins = end_joins(xy, piece, ends)
    crossings, junctions = run_crossings(xy, piece, runs)
    drawn = joined(same_points(xy), runs, rungs, joins, crossings)
    everywhere = np.concatenate([xy, junctions])
    links = link_components(everywhere, drawn, "addresses", np.arange(n))

    ladder = joined(drawn, links)
    own = np.arange(n)
    walk_net = WalkNet(
        rows_of(len(everywhere), ladder), anchors=np.column_stack([own, own]),
        anchor_m=np.zeros((n, 2)), segment=np.full(n, -1), offset_m=np.zeros(n),
        side=np.zeros(n, np.int64), crossing_m=np.zeros(n),
        x=xy[:, 0].copy(), y=xy[:, 1].copy(), setback_m=np.zeros(n),
    )  # fmt: skip
    return graph_from(
        buildings, "addresses", ladder=ladder, walk_net=walk_net, junctions=junctions, links=links,
        is_far=alone(xy), fronts=street_fronts(xy, piece, side, number, suffix, rungs),
    )  # fmt: skip


def alone(xy: Floats) -> NDArray[np.bool_]:
    """Addresses with no other within reach; nobody is, where all are."""
    if len(xy) < 2:
        return np.zeros(len(xy), bool)
    far: NDArray[np.bool_] = cKDTree(xy).query(xy, k=2)[0][:, 1] > ALONE_M
    return far if not far.all() else np.zeros(len(xy), bool)


def lengths_of(xy: Floats, a: Ints, b: Ints) -> Floats:
    """Straight distances between points."""
    lengths: Floats = np.hypot(xy[a, 0] - xy[b, 0], xy[a, 1] - xy[b, 1])
    return lengths


def same_points(xy: Floats) -> Edges:
    """Edges of no length between addresses at one point."""
    cell = np.round(xy / SAME_POINT_M)
    order = np.lexsort((np.arange(len(xy)), cell[:, 1], cell[:, 0]))
    same = (cell[order[1:]] == cell[order[:-1]]).all(axis=1)
    a, b = order[:-1][same], order[1:][same]
    return Edges(a, b, np.zeros(a.size))


def street_pieces(xy: Floats, code: Ints) -> Ints:
    """Number the pieces of streets: addresses of one name that lie near each other.

    A name met in two communes gives two pieces. Points are laid in sheets, one a street, so far
    apart that only the street's own addresses are near.
    """
    n = len(xy)
    if n == 0:
        return np.empty(0, np.int64)
    sheets = np.column_stack([xy, code * (10 * GAP_M)])
    unique, first, inverse = np.unique(
        np.round(sheets / SAME_POINT_M), axis=0, return_index=True, return_inverse=True
    )
    neighbours = min(7, len(unique))
    points = sheets[first]
    near_m, near = cKDTree(points).query(points, k=neighbours, distance_upper_bound=GAP_M)
    near_m, near = near_m.reshape(len(points), -1), near.reshape(len(points), -1)
    found = np.isfinite(near_m)
    a = np.broadcast_to(np.arange(len(points))[:, None], near.shape)[found]
    near_pairs = coo_array(
        (np.ones(a.size, np.int8), (a, near[found])), shape=(len(points), len(points))
    )
    piece = connected_components(near_pairs, directed=False)[1]
    pieces: Ints = piece[inverse.reshape(-1)].astype(np.int64)
    return pieces


def number_runs(
    xy: Floats, piece: Ints, side: Ints, number: Ints, suffix: Ints
) -> tuple[Edges, Ints]:
    """Edges from each number to the next of its side, and the addresses where a run ends."""
    n = len(xy)
    order = np.lexsort((np.arange(n), suffix, number, side, piece))
    a, b = order[:-1], order[1:]
    gap = lengths_of(xy, a, b)
    goes_on = (piece[a] == piece[b]) & (side[a] == side[b]) & (gap <= GAP_M)
    is_first = np.concatenate([[True], ~goes_on])[:n]
    is_last = np.concatenate([~goes_on, [True]])[:n]
    ends = np.sort(order[is_first | is_last])
    return Edges(a[goes_on], b[goes_on], gap[goes_on]), ends


def side_rungs(xy: Floats, piece: Ints, side: Ints) -> Edges:
    """An edge from each address to the nearest across its street: the gap along it, the crossing.

    The least distance across, in one piece of street, is taken for its width: what is more is
    walked along, so that facing doors are not farther than they are.
    """
    n = len(xy)
    if n == 0:
        return no_edges()
    sheet = 10 * RUNG_M
    tree = cKDTree(np.column_stack([xy, (2 * piece + side) * sheet]))
    across = np.column_stack([xy, (2 * piece + 1 - side) * sheet])
    across_m, b = tree.query(across, k=1, distance_upper_bound=RUNG_M)
    a = np.flatnonzero(np.isfinite(across_m))
    least = np.full(int(piece.max()) + 1, RUNG_M)
    np.minimum.at(least, piece[a], across_m[a])
    width = least[piece[a]]
    gap = np.sqrt(np.maximum(across_m[a] ** 2 - width**2, 0.0))
    return Edges(a, b[a].astype(np.int64), gap + np.maximum(width, CROSSING_M))


def street_fronts(
    xy: Floats, piece: Ints, side: Ints, number: Ints, suffix: Ints, rungs: Edges
) -> Fronts:
    """Where each address stands along its street: even numbers at their way from the first, odd
    ones where the nearest even number across is. No front for those with nobody across, or far.
    """
    order = np.lexsort((np.arange(len(xy)), suffix, number, side, piece))
    along_m = np.zeros(len(xy))
    along_m[order[1:]] = np.cumsum(lengths_of(xy, order[:-1], order[1:]))
    across = np.full(len(xy), -1, np.int64)
    across[rungs.a] = rungs.b
    width = lengths_of(xy, np.arange(len(xy)), across)
    has_front = (across >= 0) & (width <= WIDE_M)
    odd = has_front & (side == 1)
    along_m[odd] = along_m[across[odd]]
    return Fronts(np.where(has_front, piece, -1), along_m, side)


def end_joins(xy: Floats, piece: Ints, ends: Ints) -> Edges:
    """Edges from the ends of a street to the two nearest addresses of other streets."""
    n = len(xy)
    if n < 2:
        return no_edges()
    near_m, near = cKDTree(xy).query(xy[ends], k=min(16, n), distance_upper_bound=JOIN_M)
    other = np.isfinite(near_m)
    other[other] = piece[near[other]] != np.broadcast_to(piece[ends][:, None], near.shape)[other]
    other &= np.cumsum(other, axis=1) <= 2
    a = np.broadcast_to(ends[:, None], near.shape)[other]
    return Edges(a, near[other].astype(np.int64), near_m[other] * JOIN_DETOUR + CROSSING_M)


def run_crossings(xy: Floats, piece: Ints, runs: Edges) -> tuple[Edges, Floats]:
    """Where runs of numbers of two streets cross: a junction, an edge to each of four numbers."""
    short = runs.metres <= STRAIGHT_M
    a, b = runs.a[short], runs.b[short]
    lines = shapely.linestrings(np.stack([xy[a], xy[b]], axis=1)) if a.size else np.empty(0, object)
    one, other = shapely.STRtree(lines).query(lines, predicate="crosses")
    kept = (one < other) & (piece[a[one]] != piece[a[other]])
    one, other = one[kept], other[kept]
    by_pair = np.lexsort((other, one))
    one, other = one[by_pair], other[by_pair]
    at = shapely.intersection(lines[one], lines[other]) if one.size else np.empty(0, object)
    junctions = shapely.get_coordinates(at).reshape(-1, 2)
    number = len(xy) + np.arange(len(junctions))
    edges = [
        Edges(corner, number, np.hypot(*(xy[corner] - junctions).T) + CROSSING_M / 2)
        for corner in (a[one], b[one], a[other], b[other])
    ]
    return joined(*edges), junctions
