"""A walking graph from street lines: noded, addresses put on their segment, ladders built.

How lines meet is in `noding`, which line an address takes in `snapping`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from targeting.codes import BARRIER_KINDS
from targeting.crs import require_metric_crs
from targeting.turf.graph.model import (
    CROSSING_M,
    FAR_M,
    WIDE_CROSSING_M,
    StreetGraph,
    graph_from,
    link_components,
    street_codes,
)
from targeting.turf.graph.noding import Network, node_streets
from targeting.turf.graph.snapping import Snaps, Walls, bits_at, setback_of, side_of, snap_addresses
from targeting.turf.kernels.arrays import (
    Edges,
    Flags,
    Floats,
    Fronts,
    Ints,
    WalkNet,
    joined,
    no_edges,
    rows_of,
)

if TYPE_CHECKING:
    import geopandas as gpd

SPUR_M: Final = 60.0
"""Farther from its line, an address gets a path of its own: set back houses, missing ways."""

SPUR_DETOUR: Final = 1.3
"""Such a path is not straight; assumed."""


@dataclass(frozen=True)
class Placed:
    """Addresses on the segments of a network.

    segment, offset_m, side, setback_m: of each address; u, v, length_m: of each segment, in metres
    of walk; junctions: their places; spur_ways: drawn by us between addresses far from any line.
    """

    segment: Ints
    offset_m: Floats
    side: Ints
    setback_m: Floats
    u: Ints
    v: Ints
    length_m: Floats
    junctions: Floats
    spur_ways: Edges
    crossing_m: Floats


def graph_of_streets(buildings: pd.DataFrame, streets: gpd.GeoDataFrame) -> StreetGraph:
    """Build the graph from lines; `buildings` sorted by building_id, placed, at least one."""
    network, snaps, walls = put_on_streets(buildings, streets)
    xy = np.array(buildings[["x", "y"]], dtype=float)
    placed = with_spurs(xy, on_segments(xy, network, snaps), snaps, walls)
    n = len(buildings)
    u, v, length = placed.u, placed.v, placed.length_m
    apart = u != v
    drawn = joined(Edges(u[apart], v[apart], length[apart]), placed.spur_ways)
    ends = np.column_stack([u[placed.segment], v[placed.segment]])
    links = link_components(placed.junctions, drawn, "streets", np.unique(ends))
    extra = joined(placed.spur_ways, links)
    ladder = joined(ladder_edges(placed), Edges(n + extra.a, n + extra.b, extra.metres))
    offset_m = placed.offset_m
    ways = np.column_stack([offset_m, length[placed.segment] - offset_m])
    crossing_m = placed.crossing_m[placed.segment]
    front = np.where(crossing_m > CROSSING_M, -1, placed.segment)
    walk_net = WalkNet(
        rows_of(len(placed.junctions), joined(drawn, links)),
        anchors=ends,
        anchor_m=ways,
        segment=placed.segment,
        offset_m=offset_m,
        side=placed.side,
        crossing_m=crossing_m,
        x=xy[:, 0].copy(),
        y=xy[:, 1].copy(),
        setback_m=placed.setback_m,
    )
    return graph_from(
        buildings,
        "streets",
        ladder=ladder,
        walk_net=walk_net,
        junctions=placed.junctions,
        links=Edges(n + links.a, n + links.b, links.metres),
        is_far=snaps.access_m > FAR_M,
        fronts=Fronts(front, offset_m, placed.side),
    )


def walked_lines(streets: gpd.GeoDataFrame) -> np.ndarray:
    """Lines one walks on, without the barriers. Raises CrsError if they are not in EPSG:2154."""
    require_metric_crs(streets, "streets")
    return np.asarray(streets.geometry[~streets["kind"].isin(list(BARRIER_KINDS))])


def put_on_streets(
    buildings: pd.DataFrame, streets: gpd.GeoDataFrame
) -> tuple[Network, Snaps, Walls]:
    """The streets cut where they meet, and the place of each address on them.

    `buildings` needs `street`, `x`, `y` (EPSG:2154, all known). Raises TurfError if no line is
    walked, CrsError if the streets are in another system.
    """
    require_metric_crs(streets, "streets")
    is_barrier = streets["kind"].isin(list(BARRIER_KINDS)).to_numpy()
    code, code_of = street_codes(buildings["street"])
    network = node_streets(streets[~is_barrier], code_of)
    walls = Walls(np.asarray(streets.geometry[is_barrier]))
    xy = np.array(buildings[["x", "y"]], dtype=float)
    return network, snap_addresses(xy, code, network, walls), walls


def on_segments(xy: Floats, network: Network, snaps: Snaps) -> Placed:
    """Addresses on the segment that has their place; lengths are what they cost to walk."""
    segment = network.segment_at(snaps.line, snaps.offset_m)
    stretch = network.stretch[network.line]
    length = network.end_m - network.start_m
    offset_m = np.clip(snaps.offset_m - network.start_m[segment], 0.0, length[segment])
    bits = bits_at(network, snaps.line, snaps.offset_m)
    return Placed(
        segment=segment,
        offset_m=offset_m * stretch[segment],
        side=side_of(xy, bits),
        setback_m=setback_of(xy, bits, snaps.access_m),
        u=network.u,
        v=network.v,
        length_m=length * stretch,
        junctions=network.junctions,
        spur_ways=no_edges(),
        crossing_m=np.where(network.is_wide, WIDE_CROSSING_M, CROSSING_M)[network.line],
    )


def with_spurs(xy: Floats, placed: Placed, snaps: Snaps, walls: Walls) -> Placed:
    """A path of its own to each address that is far from its line; stranded ones get no way out.

    The latter are islands: `link_components` links them, dearly.
    """
    stranded = snaps.is_stranded
    own = np.flatnonzero((snaps.access_m > SPUR_M) | stranded)
    if own.size == 0:
        return placed
    on, offset_m, length = placed.segment[own], placed.offset_m[own], placed.length_m
    at_start = offset_m <= length[on] / 2
    root = np.where(at_start, placed.u[on], placed.v[on])
    along = np.where(at_start, offset_m, length[on] - offset_m)
    tip = len(placed.junctions) + np.arange(own.size)
    way = np.where(stranded[own], 0.0, SPUR_DETOUR * snaps.access_m[own] + along)
    segment, offsets = placed.segment.copy(), placed.offset_m.copy()
    setback_m = placed.setback_m.copy()
    setback_m[own] = 0.0  # the way to the street is walked
    segment[own], offsets[own] = length.size + np.arange(own.size), way
    return Placed(
        segment=segment,
        offset_m=offsets,
        side=placed.side,
        setback_m=setback_m,
        u=np.concatenate([placed.u, np.where(stranded[own], tip, root)]),
        v=np.concatenate([placed.v, tip]),
        length_m=np.concatenate([length, way]),
        junctions=np.concatenate([placed.junctions, xy[own]]),
        spur_ways=between_spurs(xy[own], tip, walls),
        crossing_m=np.concatenate([placed.crossing_m, np.full(own.size, CROSSING_M)]),
    )


def between_spurs(xy: Floats, tip: Ints, walls: Walls) -> Edges:
    """Ways between neighbours that are both far from any line: a residence has its own paths."""
    n = len(xy)
    near_m, near = cKDTree(xy).query(xy, k=min(4, n), distance_upper_bound=SPUR_M)
    near_m, near = near_m.reshape(n, -1), near.reshape(n, -1)
    found: Flags = np.isfinite(near_m) & (near != np.arange(n)[:, None])
    a, b = np.broadcast_to(np.arange(n)[:, None], near.shape)[found], near[found]
    points = shapely.points(xy)
    clear = ~walls.between(xy[a], points[b])
    a, b = a[clear], b[clear]
    return Edges(tip[a], tip[b], SPUR_DETOUR * np.hypot(*(xy[a] - xy[b]).T))


def ladder_edges(placed: Placed) -> Edges:
    """Addresses in a row along each side of each segment, rungs between; junctions come after them.

    The rung between consecutive opposite addresses costs their gap and the crossing, so that the
    ladder's distances are those of the street: gap, plus one crossing if the side changes.
    """
    segment, offset_m, side = placed.segment, placed.offset_m, placed.side
    u, v, length = placed.u, placed.v, placed.length_m
    n = segment.size
    order = np.lexsort((np.arange(n), offset_m, side, segment))
    a, b = order[:-1], order[1:]
    goes_on = (segment[a] == segment[b]) & (side[a] == side[b])
    along = Edges(a[goes_on], b[goes_on], offset_m[b[goes_on]] - offset_m[a[goes_on]])
    first = order[np.concatenate([[True], ~goes_on])[:n]]
    last = order[np.concatenate([~goes_on, [True]])[:n]]
    starts = Edges(first, n + u[segment[first]], offset_m[first])
    stops = Edges(last, n + v[segment[last]], length[segment[last]] - offset_m[last])

    order = np.lexsort((np.arange(n), offset_m, segment))
    a, b = order[:-1], order[1:]
    across = (segment[a] == segment[b]) & (side[a] != side[b])
    a, b = a[across], b[across]
    rungs = Edges(a, b, offset_m[b] - offset_m[a] + placed.crossing_m[segment[a]])

    bare = np.setdiff1d(np.flatnonzero(u != v), segment)
    ways = Edges(n + u[bare], n + v[bare], length[bare])
    return joined(along, starts, stops, rungs, ways)
