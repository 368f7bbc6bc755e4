"""Street lines cut into segments where they meet.

Lines that come noded (OSM) meet where they share a vertex and nowhere else. Others meet where they
end on each other or cross, unless one is a bridge or a tunnel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from targeting.errors import TurfError
from targeting.streetnames import street_key
from targeting.turf.kernels.arrays import Flags, Floats, Ints

if TYPE_CHECKING:
    import geopandas as gpd

Lines = np.ndarray[tuple[int], np.dtype[np.object_]]

OVERPASS_KINDS: Final = frozenset({"bridge", "tunnel"})
"""Kinds that pass over or under others: they meet them at their ends only."""

PRIVATE: Final = "private"
"""Kind of ways that are walked from their entrance only, and never through."""

STAIRS_FACTOR: Final = 2.0
"""A metre of stairs (on the map) is walked as two on the flat. Assumed: speeds along the ground are
about half as high on stairs, up and down together (Fruin 1971, Weidmann 1993)."""

NODE_M: Final = 0.5
"""Ends this near meet: drawing tolerance of BD TOPO, and of OSM where nodes were lost."""

ALIKE: Final = 90.0
"""rapidfuzz ratio (0-100) from which two spellings are one street, if neither is found as it is."""


@dataclass(frozen=True)
class Network:
    """Lines cut into segments at their junctions.

    Lines are shapely, `row` is each one's row of the streets given; segments are sorted by line
    and offset, `u` and `v` are junctions. stretch:
    what a metre of each line costs to walk; fronting: lines that addresses may be put on (one does
    not live in a tunnel).
    """

    lines: Lines
    row: Ints
    line_key: Ints
    stretch: Floats
    is_wide: Flags
    fronting: Ints
    line: Ints
    start_m: Floats
    end_m: Floats
    u: Ints
    v: Ints
    junctions: Floats

    def segment_at(self, line: Ints, offset_m: Floats) -> Ints:
        """Segment of each point given by its line and its offset on it."""
        stride = float(self.end_m.max()) + 1.0
        at = np.searchsorted(
            self.line * stride + self.start_m, line * stride + offset_m, side="right"
        )
        at = np.clip(at - 1, 0, self.line.size - 1)
        return np.where(self.line[at] < line, at + 1, at).astype(np.int64)

    def parts(self, left_out: Flags | None = None) -> Floats:
        """Metres of each part of the network that no way joins to another, the longest first.

        `left_out`: lines that do not count.
        """
        if left_out is not None and left_out.any():
            kept = ~left_out[self.line]
            kept_u, kept_v, metres = self.u[kept], self.v[kept], (self.end_m - self.start_m)[kept]
            return replace(
                self, u=kept_u, v=kept_v, start_m=np.zeros(metres.size), end_m=metres
            ).parts()
        ones = np.ones(self.u.size, np.int8)
        pairs = coo_array((ones, (self.u, self.v)), shape=(len(self.junctions),) * 2)
        part = connected_components(pairs, directed=False)[1]
        metres = np.bincount(part[self.u], self.end_m - self.start_m).astype(np.float64)
        longest_first: Floats = np.sort(metres[metres > 0])[::-1]
        return longest_first


def node_streets(streets: gpd.GeoDataFrame, code_of: dict[str, int]) -> Network:
    """Cut the lines where they meet. Names are numbered as the addresses' are, -1 for others."""
    parts, row = shapely.get_parts(np.asarray(streets.geometry), return_index=True)
    if shapely.has_z(parts).any():
        parts = shapely.force_2d(parts)
    usable = (shapely.get_type_id(parts) == 1) & (shapely.length(parts) > 0)
    lines, row = parts[usable], row[usable]
    if lines.size == 0:
        raise TurfError(
            f"streets hold no line one can walk on ({len(streets)} rows); give street lines in "
            "EPSG:2154, or cut without streets."
        )
    kind = streets["kind"].iloc[row]
    names = streets["street"].iloc[row]
    code = named_codes([str(name) for name in names.dropna().unique()], code_of)
    line_key = names.map(code).fillna(-1).to_numpy().astype(np.int64)
    over = kind.isin(list(OVERPASS_KINDS)).to_numpy()
    noded = (
        streets["is_noded"].iloc[row].to_numpy(dtype=bool)
        if "is_noded" in streets
        else np.zeros(lines.size, bool)
    )
    line, offset_m, point, drawn = line_cuts(lines, over, noded)
    node, junctions = merge_points(point, drawn)
    is_private = (kind == PRIVATE).to_numpy()
    if is_private.any():
        node, junctions = one_entrance(line, node, junctions, is_private)
    order = np.lexsort((offset_m, line))
    line, offset_m, node = line[order], offset_m[order], node[order]
    is_segment = (line[1:] == line[:-1]) & (np.diff(offset_m) > 0.01)
    fronting = np.flatnonzero(kind != "tunnel")
    return Network(
        lines=lines,
        row=row.astype(np.int64),
        line_key=line_key,
        stretch=np.where(kind == "stairs", STAIRS_FACTOR, 1.0),
        is_wide=(kind == "wide").to_numpy(),
        fronting=fronting if fronting.size else np.arange(lines.size),
        line=line[:-1][is_segment].astype(np.int64),
        start_m=offset_m[:-1][is_segment],
        end_m=offset_m[1:][is_segment],
        u=node[:-1][is_segment],
        v=node[1:][is_segment],
        junctions=junctions,
    )


def one_entrance(
    line: Ints, node: Ints, junctions: Floats, is_private: Flags
) -> tuple[Ints, Floats]:
    """Private ways met by the others at one place only: they are walked in and out, not through.

    Private ways that join each other are one; where the others meet it at several places, the
    first is kept. At the rest it ends on a junction of its own.
    """
    private = is_private[line]
    shared = private & np.isin(node, node[~private])
    inner = private & ~shared
    n = is_private.size
    ones = np.ones(int(inner.sum()), np.int8)
    pairs = coo_array((ones, (line[inner], n + node[inner])), shape=(n + len(junctions),) * 2)
    part = connected_components(pairs, directed=False)[1][:n]
    at = np.flatnonzero(shared)
    if at.size == 0:
        return node, junctions
    doors, which = np.unique(
        np.column_stack([part[line[at]], node[at]]), axis=0, return_inverse=True
    )
    shut = np.concatenate([[False], doors[1:, 0] == doors[:-1, 0]])
    own = len(junctions) + np.cumsum(shut) - 1
    replaced = node.copy()
    replaced[at] = np.where(shut, own, doors[:, 1])[which.reshape(-1)]
    return replaced, np.concatenate([junctions, junctions[doors[shut, 1]]])


def named_codes(names: list[str], code_of: dict[str, int]) -> dict[str, int]:
    """Number of the addresses' street that each name is: the same words, else nearly the same.

    Nearly the same only where neither the name nor the addresses' street has its very equal, and
    where both have the same numbers in them: `Rue du 8 Mai` is not `Rue du 9 Mai`.
    """
    keys = {name: street_key(name) for name in names}
    found = {name: code_of[key] for name, key in keys.items() if key in code_of}
    alone = sorted(set(code_of) - set(keys.values()) - {""})
    for name, key in keys.items():
        if name in found or not key or not alone:
            continue
        best = process.extractOne(key, alone, scorer=fuzz.ratio, score_cutoff=ALIKE)
        if best is not None and digits_of(best[0]) == digits_of(key):
            found[name] = code_of[best[0]]
    return found


def digits_of(key: str) -> list[str]:
    """The words of a key that have a digit in them."""
    return [word for word in key.split() if not word.isalpha()]


def line_cuts(lines: Lines, over: Flags, noded: Flags) -> tuple[Ints, Floats, Floats, Flags]:
    """Where lines are cut: line, offset on it, place; and whether that place was drawn by hand.

    At their ends; noded lines also at the vertices they share, others where another line ends on
    them or they cross.
    """
    own = np.arange(lines.size)
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    parts = [
        (
            np.concatenate([own, own]),
            np.concatenate([np.zeros(lines.size), shapely.length(lines)]),
            shapely.get_coordinates(ends),
            np.concatenate([~noded, ~noded]),
        ),
        shared_vertices(lines, noded),
    ]
    if not noded.all():
        line, point = drawn_meetings(lines, ends, over, noded)
        offset_m = shapely.line_locate_point(lines[line], shapely.points(point))
        parts.append((line, offset_m, point, np.ones(line.size, bool)))
    line, offset_m, point, drawn = (np.concatenate(column) for column in zip(*parts, strict=True))
    return line.astype(np.int64), offset_m, point, drawn


def shared_vertices(lines: Lines, noded: Flags) -> tuple[Ints, Floats, Floats, Flags]:
    """Vertices inside noded lines that another of them, or the line itself, has too."""
    which = np.flatnonzero(noded)
    corner, at = shapely.get_coordinates(lines[which], return_index=True)
    if at.size == 0:
        return np.empty(0, np.int64), np.empty(0), np.empty((0, 2)), np.empty(0, bool)
    _, inverse, count = np.unique(places_of(corner), return_inverse=True, return_counts=True)
    step = np.concatenate([[0.0], np.hypot(*np.diff(corner, axis=0).T)])
    begins = np.concatenate([[True], np.diff(at) > 0])
    ends = np.concatenate([begins[1:], [True]])
    travelled = np.cumsum(step)
    offset_m = travelled - travelled[np.flatnonzero(begins)][at]
    shared = (count[inverse.reshape(-1)] > 1) & ~begins & ~ends
    return which[at[shared]], offset_m[shared], corner[shared], np.zeros(int(shared.sum()), bool)


def drawn_meetings(
    lines: Lines, ends: np.ndarray, over: Flags, noded: Flags
) -> tuple[Ints, Floats]:
    """Line and place where lines that are not noded end on others, are ended on, or cross."""
    tree = shapely.STRtree(lines)
    of_line = np.concatenate([np.arange(lines.size)] * 2)
    end, touched = tree.query(ends, predicate="dwithin", distance=NODE_M)
    other = (of_line[end] != touched) & ~(noded[of_line[end]] & noded[touched])
    end, touched = end[other], touched[other]
    one, two = tree.query(lines, predicate="crosses")
    kept = (one < two) & ~over[one] & ~over[two] & ~(noded[one] & noded[two])
    one, two = one[kept], two[kept]
    at, pair = shapely.get_coordinates(
        shapely.intersection(lines[one], lines[two]), return_index=True
    )
    line = np.concatenate([touched, one[pair], two[pair]]).astype(np.int64)
    return line, np.concatenate([shapely.get_coordinates(ends)[end], at, at])


def places_of(point: Floats) -> NDArray[np.complex128]:
    """Points to the millimetre, each as one number."""
    rounded = np.ascontiguousarray(np.round(point, 3) + 0.0)
    return rounded.view(np.complex128).reshape(-1)


def merge_points(point: Floats, drawn: Flags) -> tuple[Ints, Floats]:
    """One junction for points at one place: junction of each point, and places.

    Points drawn by hand also meet what is within the drawing tolerance.
    """
    unique, first, inverse = np.unique(places_of(point), return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    places = point[first]
    if not drawn.any():
        return inverse.astype(np.int64), places
    by_hand = np.zeros(unique.size, bool)
    by_hand[inverse[drawn]] = True
    pairs = cKDTree(places).query_pairs(NODE_M, output_type="ndarray")
    pairs = pairs[by_hand[pairs].any(axis=1)]
    near = coo_array(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(unique.size,) * 2
    )
    count, label = connected_components(near, directed=False)
    chosen = np.zeros(count, np.int64)
    chosen[label[::-1]] = np.arange(unique.size)[::-1]
    return label[inverse].astype(np.int64), places[chosen]
