"""The walking graph: which addresses are next to each other on foot, and how far.

Two sources, one result. With street lines, addresses are put on the segment they stand on; each
segment is a ladder: a chain of addresses a side, a rung where the side changes (TURFS 2.1).
Without, the addresses' own numbers draw the streets. Either way a neighbour is a neighbour on
foot: a house back to back or across the river is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, QhullError, cKDTree

from targeting.errors import TurfError
from targeting.streetnames import street_key
from targeting.turf.kernels.loops import (
    Floats,
    Ints,
    Walkable,
    nearest_source,
    rows_of,
    spanning_forest,
)

if TYPE_CHECKING:
    import geopandas as gpd

Edges = tuple[Ints, Ints, Floats]
"""Ends and lengths (metres) of undirected edges."""

Fronts = tuple[Ints, Floats, Ints]
"""Of each address, what tells which doors face each other: the stretch of street it is on (-1: a
street too wide to have two sides in one turf, or none), its place along it in metres, its side."""

FACING_M: Final = 40.0
"""Farther along the street, two doors do not face each other."""

FAR_M: Final = 500.0
"""Farther from any drawn way, an address is out of reach: another town's, a wrong place, or not on
the map that was imported."""

LINK_SLOW_M: Final = 50.0
"""A link nobody has drawn costs `d × (1 + (d / 50)²)`: a gap in the data is cheap, a river dear."""

LINK_DETOUR: Final = {"streets": 10.0, "addresses": 3.0}
"""And at most so many times its length. Drawn streets that do not meet are meant not to meet."""


@dataclass(frozen=True)
class StreetGraph:
    """Who is next to whom on foot. Addresses are in the order of their `building_id`.

    `ladder` has the addresses as nodes, then the junctions; `streets` is what walking distances
    inside a turf are read from. Both give the same distances, in metres.
    """

    building_ids: pd.Index
    x: Floats
    y: Floats
    basis: str  # `streets` or `addresses`: what the graph was made of
    ladder: tuple[Ints, Ints, Floats] = field(repr=False)
    streets: Walkable = field(repr=False)
    junctions: Floats = field(repr=False)  # x and y, one row a junction
    links: Edges = field(repr=False)  # invented links between ladder nodes, for want of a street
    is_far: NDArray[np.bool_] = field(repr=False)  # addresses out of reach: no turf has them
    fronts: Fronts = field(repr=False)

    def __len__(self) -> int:
        return len(self.building_ids)

    @property
    def far_ids(self) -> pd.Index:
        """Buildings farther from any street (without streets: from any other) than one walks."""
        return self.building_ids[self.is_far]

    @property
    def links_m(self) -> Floats:
        """Length of each invented link as the crow flies; `links` has what it costs."""
        xy = np.concatenate([np.column_stack([self.x, self.y]), self.junctions.reshape(-1, 2)])
        a, b, _ = self.links
        return np.asarray(np.hypot(*(xy[a] - xy[b]).T), dtype=np.float64)

    def positions(self, building_ids: pd.Series) -> Ints:
        """Place of each building in the graph. Raises TurfError if one is not in it."""
        found = np.array(self.building_ids.get_indexer(pd.Index(building_ids)), dtype=np.int64)
        if (missing := int((found < 0).sum())) > 0:
            raise TurfError(
                f"{missing} of {len(found)} buildings are not in the walking graph (first: "
                f"{building_ids.iloc[int(np.argmax(found < 0))]}); build it from the same table."
            )
        return found

    def neighbours(self, positions: Ints) -> Edges:
        """Pairs of these addresses that are next to each other on foot, the others left out.

        Ends are places in `positions`. Two addresses are neighbours if their network Voronoi
        cells touch; the pairs hold an exact minimum spanning tree of the walking distances
        (Mehlhorn 1988).
        """
        indptr, indices, lengths = self.ladder
        dist, label = nearest_source(indptr, indices, lengths, positions)
        source = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
        kept = (source < indices) & (label[source] != label[indices])
        kept &= (label[source] >= 0) & (label[indices] >= 0)
        source, target = source[kept], indices[kept]
        a, b = label[source], label[target]
        return np.minimum(a, b), np.maximum(a, b), dist[source] + lengths[kept] + dist[target]


def facing_doors(fronts: Fronts) -> Ints:
    """The one or two addresses that face each, across a street that is not wide; -1 for none.

    Next to each other along the street, on two sides of it. Who faces is faced.
    """
    front, along_m, side = fronts
    order = np.lexsort((np.arange(front.size), along_m, front))
    a, b = order[:-1], order[1:]
    facing = (front[a] >= 0) & (front[a] == front[b]) & (side[a] != side[b])
    facing &= along_m[b] - along_m[a] <= FACING_M
    faces = np.full((front.size, 2), -1, np.int64)
    faces[a[facing], 0] = b[facing]
    faces[b[facing], 1] = a[facing]
    return faces


def build_street_graph(
    buildings: pd.DataFrame, streets: gpd.GeoDataFrame | None = None
) -> StreetGraph:
    """Build the walking graph of all buildings that have coordinates.

    Parameters
    ----------
    buildings
        Table `Buildings`; x and y in EPSG:2154. A building without coordinates is left out here,
        and counted as excluded by `cut_turfs`.
    streets
        Table `Streets` (EPSG:2154); without it, the graph is made of the addresses' own numbers,
        and so is that of the places that the streets do not cover.

    Raises
    ------
    TurfError
        If a building_id comes twice, or coordinates are degrees.
    CrsError
        If `streets` is not in EPSG:2154.
    """
    from targeting.turf.graph.from_numbers import graph_of_addresses
    from targeting.turf.graph.from_streets import graph_of_streets, walked_lines
    from targeting.turf.graph.uncovered import beyond_map, side_by_side

    check_buildings(buildings)
    placed = buildings[has_coordinates(buildings)].sort_values("building_id")
    if streets is None or len(placed) == 0:
        return graph_of_addresses(placed)
    lost = beyond_map(placed[["x", "y"]].to_numpy(dtype=float), walked_lines(streets))
    if not lost.any():
        return graph_of_streets(placed, streets)
    if lost.all():
        return graph_of_addresses(placed)
    mapped, beyond = graph_of_streets(placed[~lost], streets), graph_of_addresses(placed[lost])
    return side_by_side(placed, mapped, beyond)


def has_coordinates(buildings: pd.DataFrame) -> pd.Series:
    """Which buildings can be put on a map."""
    finite = np.isfinite(buildings[["x", "y"]].to_numpy(dtype=float, na_value=np.nan)).all(axis=1)
    return pd.Series(finite, index=buildings.index, name="has_coordinates")


def check_buildings(buildings: pd.DataFrame) -> None:
    """Raise TurfError where a building comes twice, has no door, or lies in degrees."""
    if (twice := buildings["building_id"].duplicated()).any():
        raise TurfError(
            f"{int(twice.sum())} buildings come twice (first: "
            f"{buildings.loc[twice, 'building_id'].iloc[0]}); add up their doors first."
        )
    if (empty := ~(buildings["dwellings"] >= 1)).any():
        raise TurfError(
            f"{int(empty.sum())} buildings have no dwelling (first: "
            f"{buildings.loc[empty, 'building_id'].iloc[0]}); leave them out, or give them one."
        )
    x, y = buildings["x"].dropna(), buildings["y"].dropna()
    if len(x) > 1 and x.between(-6, 10).all() and y.between(41, 52).all():
        raise TurfError(
            "buildings have longitudes and latitudes for x and y; EPSG:2154 metres are wanted: "
            "project them first."
        )


def street_codes(names: pd.Series) -> tuple[Ints, dict[str, int]]:
    """Number the streets by their key: one code a row, and the code of each key."""
    codes, found = pd.factorize(names.fillna(""), sort=True)
    keys = [street_key(str(name)) for name in found]
    code_of = {key: code for code, key in enumerate(sorted(set(keys)))}
    of_name = np.array([code_of[key] for key in keys], dtype=np.int64)
    return (of_name[codes] if keys else np.empty(0, np.int64)), code_of


def joined(*parts: Edges) -> Edges:
    """Several lists of edges as one."""
    a, b, lengths = zip(*parts, strict=True)
    return (
        np.concatenate(a).astype(np.int64),
        np.concatenate(b).astype(np.int64),
        np.concatenate(lengths).astype(np.float64),
    )


def link_cost(metres: Floats, basis: str) -> Floats:
    """What a link that nobody has drawn costs to walk."""
    return metres * np.minimum(1 + (metres / LINK_SLOW_M) ** 2, LINK_DETOUR[basis])


def link_components(xy: Floats, edges: Edges, basis: str, needed: Ints) -> Edges:
    """Shortest links that make the components which hold a `needed` node one.

    The links between components of a Euclidean minimum spanning tree: one link, the shortest,
    where two parts face each other across the water. Such a link joins two of the smaller
    components, or a node of theirs to the nearest of the largest: no other pair is looked at.
    """
    n = len(xy)
    ones = np.ones(edges[0].size, np.int8)
    components = coo_array((ones, (edges[0], edges[1])), shape=(n, n))
    count, label = connected_components(components, directed=False)
    wanted = np.zeros(count, bool)
    wanted[label[needed]] = True
    if wanted.sum() < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    nodes = np.flatnonzero(wanted[label])
    in_main = label[nodes] == np.argmax(np.bincount(label[nodes]))
    main, others = nodes[in_main], nodes[~in_main]
    a, b = nearby_pairs(xy[others])
    a = np.concatenate([others[a], others])
    b = np.concatenate([others[b], main[cKDTree(xy[main]).query(xy[others])[1]]])
    apart = label[a] != label[b]
    a, b = a[apart], b[apart]
    metres = np.hypot(*(xy[a] - xy[b]).T)
    by_length = np.argsort(metres, kind="stable")
    kept = spanning_forest(count, label[a].astype(np.int64), label[b].astype(np.int64), by_length)
    return a[kept], b[kept], link_cost(metres[kept], basis)


def nearby_pairs(xy: Floats) -> tuple[Ints, Ints]:
    """Pairs of points that hold a Euclidean minimum spanning tree: Delaunay, or one after another.

    Points on one line have no triangle; neither have fewer than four points in all cases.
    """
    in_order = np.lexsort((xy[:, 1], xy[:, 0]))
    a, b = in_order[:-1], in_order[1:]  # always in: nothing stays alone where points coincide
    try:
        corners = Delaunay(xy - xy.mean(axis=0)).simplices
    except (QhullError, ValueError):
        return a, b
    ends = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    a = np.concatenate([np.minimum(ends[:, 0], ends[:, 1]), a])
    b = np.concatenate([np.maximum(ends[:, 0], ends[:, 1]), b])
    return a.astype(np.int64), b.astype(np.int64)


def graph_from(
    buildings: pd.DataFrame,
    basis: str,
    *,
    ladder: Edges,
    streets: Walkable,
    junctions: Floats,
    links: Edges,
    is_far: NDArray[np.bool_],
    fronts: Fronts,
) -> StreetGraph:
    """Put the parts together; `ladder` as edges between addresses (first) and junctions."""
    return StreetGraph(
        building_ids=pd.Index(buildings["building_id"]),
        x=np.array(buildings["x"], dtype=float),
        y=np.array(buildings["y"], dtype=float),
        basis=basis,
        ladder=rows_of(len(buildings) + len(junctions), *ladder),
        streets=streets,
        junctions=junctions,
        links=links,
        is_far=is_far,
        fronts=fronts,
    )
