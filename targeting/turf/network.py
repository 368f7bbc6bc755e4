"""A walking graph from street lines: noded, addresses put on their segment, ladders built.

Lines meet where they end on each other or cross, unless one is a bridge or a tunnel. An address
goes to the nearest line of its own street's name, else to the nearest, never across a barrier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from targeting.errors import TurfError
from targeting.streetnames import street_key
from targeting.tables import require_metric_crs
from targeting.turf.graph import (
    Edges,
    StreetGraph,
    graph_from,
    joined,
    link_components,
    street_codes,
)
from targeting.turf.kernels import CROSSING_M, Floats, Ints, rows_of

if TYPE_CHECKING:
    import geopandas as gpd

OVERPASS_KINDS: Final = frozenset({"bridge", "tunnel"})
"""Kinds that pass over or under others: they meet them at their ends only."""

BARRIER_KINDS: Final = frozenset({"barrier", "motorway", "rail", "railway", "river", "water"})
"""Kinds of line that are not walked, and that no address is put across."""

NODE_M: Final = 0.5
"""Ends this near meet: drawing tolerance of OSM and of BD TOPO."""

NAME_REACH_M: Final = 100.0
"""How far an address looks for its own street before it takes the nearest line."""

DETOUR_REACH_M: Final = 300.0
"""How far it looks for a line on its own bank when the nearest lies across a barrier."""

SPUR_M: Final = 60.0
"""Farther from its line, an address gets a path of its own: set back houses, missing ways."""

SPUR_DETOUR: Final = 1.3
"""Such a path is not straight; assumed."""


@dataclass(frozen=True)
class Network:
    """Lines cut into segments at their junctions.

    Lines are shapely; segments are sorted by line and offset, `u` and `v` are junctions.
    """

    lines: np.ndarray[tuple[int], np.dtype[np.object_]]
    line_key: Ints
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


def graph_of_streets(buildings: pd.DataFrame, streets: gpd.GeoDataFrame) -> StreetGraph:
    """Build the graph from lines; `buildings` sorted by building_id, placed, at least one."""
    require_metric_crs(streets, "streets")
    is_barrier = streets["kind"].isin(list(BARRIER_KINDS)).to_numpy()
    code, code_of = street_codes(buildings["street"])
    network = node_streets(streets[~is_barrier], code_of)
    barriers = np.asarray(streets.geometry[is_barrier])
    xy = np.array(buildings[["x", "y"]], dtype=float)
    line, offset_m, access_m = snap_addresses(xy, code, network, barriers)

    segment = network.segment_at(line, offset_m)
    side = side_of(xy, network, line, offset_m)
    length = network.end_m - network.start_m
    offset_m = np.clip(offset_m - network.start_m[segment], 0.0, length[segment])
    u, v, junctions = network.u, network.v, network.junctions
    spur_ways: Edges = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    if (far := np.flatnonzero(access_m > SPUR_M)).size:
        at_start = offset_m[far] <= length[segment[far]] / 2
        root = np.where(at_start, u[segment[far]], v[segment[far]])
        along = np.where(at_start, offset_m[far], length[segment[far]] - offset_m[far])
        tip = len(junctions) + np.arange(far.size)
        way = SPUR_DETOUR * access_m[far] + along
        segment[far] = length.size + np.arange(far.size)
        offset_m[far] = way
        u, v = np.concatenate([u, root]), np.concatenate([v, tip])
        length = np.concatenate([length, way])
        junctions = np.concatenate([junctions, xy[far]])
        spur_ways = between_spurs(xy[far], tip)

    n = len(buildings)
    apart = u != v
    drawn = joined((u[apart], v[apart], length[apart]), spur_ways)
    ends = np.column_stack([u[segment], v[segment]])
    links = link_components(junctions, drawn, "streets", np.unique(ends))
    extra = joined(spur_ways, links)
    ladder = joined(
        ladder_edges(segment, offset_m, side, u=u, v=v, length=length),
        (n + extra[0], n + extra[1], extra[2]),
    )
    walk = rows_of(len(junctions), *joined(drawn, links))
    ways = np.column_stack([offset_m, length[segment] - offset_m])
    walkable = (*walk, ends, ways, segment, offset_m, side)
    shown = n + links[0], n + links[1], links[2]
    return graph_from(
        buildings, "streets", ladder=ladder, streets=walkable, junctions=junctions, links=shown
    )


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
    names = streets["street"].iloc[row]
    key_of = {name: code_of.get(street_key(str(name)), -1) for name in names.dropna().unique()}
    line_key = names.map(key_of).fillna(-1).to_numpy().astype(np.int64)
    over = streets["kind"].iloc[row].isin(list(OVERPASS_KINDS)).to_numpy()

    line, point = line_cuts(lines, over)
    offset_m = shapely.line_locate_point(lines[line], shapely.points(point))
    n_ends = lines.size  # the first cuts are the starts, then the ends: exact, also on loops
    offset_m[:n_ends] = 0.0
    offset_m[n_ends : 2 * n_ends] = shapely.length(lines)
    node, junctions = merge_points(point)
    order = np.lexsort((offset_m, line))
    line, offset_m, node = line[order], offset_m[order], node[order]
    is_segment = (line[1:] == line[:-1]) & (np.diff(offset_m) > 0.01)
    return Network(
        lines=lines,
        line_key=line_key,
        line=line[:-1][is_segment].astype(np.int64),
        start_m=offset_m[:-1][is_segment],
        end_m=offset_m[1:][is_segment],
        u=node[:-1][is_segment],
        v=node[1:][is_segment],
        junctions=junctions,
    )


def line_cuts(
    lines: np.ndarray[tuple[int], np.dtype[np.object_]], over: np.ndarray
) -> tuple[Ints, Floats]:
    """Where lines are cut: at their ends, where another ends on them, where they cross."""
    tree = shapely.STRtree(lines)
    own = np.arange(lines.size)
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    of_line = np.concatenate([own, own])
    end, touched = tree.query(ends, predicate="dwithin", distance=NODE_M)
    other = of_line[end] != touched
    end, touched = end[other], touched[other]
    one, two = tree.query(lines, predicate="crosses")
    kept = (one < two) & ~over[one] & ~over[two]
    one, two = one[kept], two[kept]
    at, pair = shapely.get_coordinates(
        shapely.intersection(lines[one], lines[two]), return_index=True
    )
    line = np.concatenate([of_line, touched, one[pair], two[pair]]).astype(np.int64)
    ends_xy = shapely.get_coordinates(ends)
    return line, np.concatenate([ends_xy, ends_xy[end], at, at])


def merge_points(point: Floats) -> tuple[Ints, Floats]:
    """One junction for points within the drawing tolerance: junction of each point, and places."""
    unique, first, inverse = np.unique(
        np.round(point, 3).view(np.complex128).reshape(-1), return_index=True, return_inverse=True
    )
    places = point[first]
    pairs = cKDTree(places).query_pairs(NODE_M, output_type="ndarray")
    near = coo_array(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(unique.size,) * 2
    )
    count, label = connected_components(near, directed=False)
    chosen = np.zeros(count, np.int64)
    chosen[label[::-1]] = np.arange(unique.size)[::-1]
    return label[inverse.reshape(-1)].astype(np.int64), places[chosen]


def snap_addresses(
    xy: Floats, code: Ints, network: Network, barriers: np.ndarray
) -> tuple[Ints, Floats, Floats]:
    """Line, offset on it and distance to it of each address."""
    points = shapely.points(xy)
    tree = shapely.STRtree(network.lines)
    chosen = tree.query_nearest(points, all_matches=False)[1].astype(np.int64)
    named = np.isin(code, network.line_key)
    if (strays := np.flatnonzero(named & (network.line_key[chosen] != code))).size:
        who, line = candidates(points, strays, tree, NAME_REACH_M)
        same = network.line_key[line] == code[who]
        take_nearest(chosen, points, who[same], line[same], network)
    if barriers.size:
        off_side_out(chosen, points, code, network=network, tree=tree, barriers=barriers)
    offset_m = shapely.line_locate_point(network.lines[chosen], points)
    return chosen, offset_m, shapely.distance(network.lines[chosen], points)


def candidates(
    points: np.ndarray, who: Ints, tree: shapely.STRtree, reach_m: float
) -> tuple[Ints, Ints]:
    """Lines within reach of these addresses: pairs of address and line."""
    at, line = tree.query(points[who], predicate="dwithin", distance=reach_m)
    return who[at], line.astype(np.int64)


def take_nearest(
    chosen: Ints,
    points: np.ndarray,
    who: Ints,
    line: Ints,
    network: Network,
    *,
    handicap_m: Floats | float = 0.0,
) -> None:
    """Give each address the nearest of its candidate lines, in place; the lower line on a tie."""
    metres = shapely.distance(points[who], network.lines[line]) + handicap_m
    order = np.lexsort((line, metres, who))
    first = np.concatenate([[True], np.diff(who[order]) > 0]) if who.size else np.empty(0, bool)
    chosen[who[order][first]] = line[order][first]


def off_side_out(
    chosen: Ints,
    points: np.ndarray,
    code: Ints,
    *,
    network: Network,
    tree: shapely.STRtree,
    barriers: np.ndarray,
) -> None:
    """Send addresses that were put across a barrier to a line on their own side, in place."""
    walls = shapely.STRtree(barriers)

    def crosses(who: Ints, line: Ints) -> np.ndarray:
        across = np.zeros(who.size, bool)
        ways = shapely.shortest_line(points[who], network.lines[line])
        across[walls.query(ways, predicate="intersects")[0]] = True
        return across

    everyone = np.arange(points.size)
    wrong = everyone[crosses(everyone, chosen)]
    if wrong.size == 0:
        return
    who, line = candidates(points, wrong, tree, DETOUR_REACH_M)
    clear = ~crosses(who, line)
    who, line = who[clear], line[clear]
    handicap_m = np.where(network.line_key[line] == code[who], 0.0, NAME_REACH_M)
    take_nearest(chosen, points, who, line, network, handicap_m=handicap_m)


def side_of(xy: Floats, network: Network, line: Ints, offset_m: Floats) -> Ints:
    """0 to the left of the line, 1 to its right (and on it); looked up at the straight bit."""
    corner, of_line = shapely.get_coordinates(network.lines, return_index=True)
    bit = np.flatnonzero(of_line[1:] == of_line[:-1])
    way = corner[bit + 1] - corner[bit]
    travelled = np.cumsum(np.hypot(*way.T))
    first = np.searchsorted(of_line[bit], np.arange(network.lines.size))
    before = np.concatenate([[0.0], travelled])
    at = np.searchsorted(travelled, before[first[line]] + offset_m)
    at = np.clip(at, first[line], np.append(first[1:], bit.size)[line] - 1)
    off = xy - corner[bit[at]]
    return np.where(way[at, 0] * off[:, 1] - way[at, 1] * off[:, 0] > 0, 0, 1).astype(np.int64)


def between_spurs(xy: Floats, tip: Ints) -> Edges:
    """Ways between neighbours that are both far from any line: a residence has its own paths."""
    n = len(xy)
    near_m, near = cKDTree(xy).query(xy, k=min(4, n), distance_upper_bound=SPUR_M)
    near_m, near = near_m.reshape(n, -1), near.reshape(n, -1)
    found = np.isfinite(near_m) & (near != np.arange(n)[:, None])
    a = np.broadcast_to(np.arange(n)[:, None], near.shape)[found]
    return tip[a], tip[near[found]], SPUR_DETOUR * near_m[found]


def ladder_edges(
    segment: Ints, offset_m: Floats, side: Ints, *, u: Ints, v: Ints, length: Floats
) -> Edges:
    """Chains along each side of each segment, rungs between them; addresses first, junctions next.

    The rung between consecutive opposite addresses costs their gap and the crossing, so that the
    ladder's distances are those of the street: gap, plus one crossing if the side changes.
    """
    n = segment.size
    order = np.lexsort((np.arange(n), offset_m, side, segment))
    a, b = order[:-1], order[1:]
    goes_on = (segment[a] == segment[b]) & (side[a] == side[b])
    chain = a[goes_on], b[goes_on], offset_m[b[goes_on]] - offset_m[a[goes_on]]
    first = order[np.concatenate([[True], ~goes_on])[:n]]
    last = order[np.concatenate([~goes_on, [True]])[:n]]
    starts = first, n + u[segment[first]], offset_m[first]
    stops = last, n + v[segment[last]], length[segment[last]] - offset_m[last]

    order = np.lexsort((np.arange(n), offset_m, segment))
    a, b = order[:-1], order[1:]
    across = (segment[a] == segment[b]) & (side[a] != side[b])
    a, b = a[across], b[across]
    rungs = a, b, offset_m[b] - offset_m[a] + CROSSING_M

    bare = np.setdiff1d(np.flatnonzero(u != v), segment)
    return joined(chain, starts, stops, rungs, (n + u[bare], n + v[bare], length[bare]))
