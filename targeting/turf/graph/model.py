"""The walking graph: which addresses are next to each other on foot, and how far.

Two sources, one result. With street lines, addresses are put on the segment they stand on; each
segment is a ladder: a chain of addresses a side, a rung where the side changes (TURFS 2.1).
Without, the addresses' own numbers draw the streets. Either way a neighbour is a neighbour on
foot: a house back to back or across the river is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, QhullError, cKDTree

from targeting.errors import TurfError
from targeting.streetnames import street_key
from targeting.turf.kernels.arrays import (
    Edges,
    Floats,
    Fronts,
    Ints,
    Rows,
    WalkNet,
    no_edges,
    rows_of,
)
from targeting.turf.kernels.paths import nearest_source
from targeting.turf.kernels.trees import spanning_forest

CROSSING_M: Final = 10.0
"""Crossing a street: a guess of the benchmark (TURFS 8.11), which shifts all walks alike."""

WIDE_CROSSING_M: Final = 60.0
"""Crossing a wide one: the lights, about 50 s at 1.2 m/s; assumed."""

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

    `ladder` has the addresses as nodes, then the junctions; `walk_net` is what walking distances
    inside a turf are read from. Both give the same distances, in metres, but where the straight
    line is longer: the net counts that, less how far both addresses stand back.
    """

    building_ids: pd.Index
    x: Floats
    y: Floats
    basis: str  # `streets` or `addresses`: what the graph was made of
    ladder: Rows = field(repr=False)
    walk_net: WalkNet = field(repr=False)
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
        ends = xy[self.links.a] - xy[self.links.b]
        return np.asarray(np.hypot(*ends.T), dtype=np.float64)

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
        _, indices, lengths = self.ladder
        dist, label = nearest_source(self.ladder, positions)
        source = self.ladder.source
        kept = (source < indices) & (label[source] != label[indices])
        kept &= (label[source] >= 0) & (label[indices] >= 0)
        source, target = source[kept], indices[kept]
        a, b = label[source], label[target]
        metres = dist[source] + lengths[kept] + dist[target]
        return Edges(np.minimum(a, b), np.maximum(a, b), metres)


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
    ones = np.ones(edges.a.size, np.int8)
    components = coo_array((ones, (edges.a, edges.b)), shape=(n, n))
    count, label = connected_components(components, directed=False)
    wanted = np.zeros(count, bool)
    wanted[label[needed]] = True
    if wanted.sum() < 2:
        return no_edges()
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
    return Edges(a[kept], b[kept], link_cost(metres[kept], basis))


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
    walk_net: WalkNet,
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
        ladder=rows_of(len(buildings) + len(junctions), ladder),
        walk_net=walk_net,
        junctions=junctions,
        links=links,
        is_far=is_far,
        fronts=fronts,
    )
