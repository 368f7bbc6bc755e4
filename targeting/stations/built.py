"""Outlines built from where the voters live, for communes that publish none.

Each point takes the ground nearest to it (Voronoi cells), a station the cells of its points, the
commune cuts them all once; the ground between two doors of one side of a street is theirs. Only
the borders between two stations are kept and noded with the commune's own on one grid, so that
neighbours share their vertices: the outlines are a partition of the commune, without gap or
overlap. They are approximations, with no official character.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.codes import station_number
from targeting.crs import METRIC_CRS
from targeting.errors import TargetingError
from targeting.stations.faces import Absorbed, absorb_fragments, borders_between
from targeting.stations.sides import points_between_doors
from targeting.tables import Stations

SAME_POINT_M: Final = 0.01
"""Positions are published to the centimetre at best: nearer than this is the same point."""

GRID_M: Final = 1e-4
"""Vertices lie on a grid of a tenth of a millimetre: a border moves by less than that."""

FAR: Final = 10.0
"""Sentinel points stand this many diagonals of the commune away: every cell of a voter is closed,
beyond the commune."""

HULL_RATIO: Final = 0.15
"""Concavity (0: tight, 1: convex) of the hull that stands for an unknown commune…"""

HULL_MARGIN_M: Final = 100.0
"""…and the ground added around it: a garden, a street's width."""

CLOSED_M: Final = 10.0
SMALL_M2: Final = 10_000.0
"""See `commune_of`."""


@dataclass(frozen=True)
class Built:
    """Outlines built, and what they are worth.

    stations: table Stations, origin `built`. weight: voters or addresses given; inside: those that
    lie in the outline of their own station. shared: weight of the minority at points of several
    stations. moved: weight left in a neighbour's outline when fragments were absorbed; fragments:
    how many were. gap, overlap: area, as a share of the commune's. without: stations that hold no
    point alone and get no outline.
    """

    stations: gpd.GeoDataFrame
    commune: shapely.Geometry
    weight: float
    inside: float
    shared_points: int
    shared: float
    fragments: int
    moved: float
    gap: float
    overlap: float
    is_coverage: bool
    without: list[str] = field(default_factory=list)
    from_hull: bool = False

    @property
    def inside_share(self) -> float:
        return self.inside / self.weight if self.weight else 0.0


def build_outlines(points: pd.DataFrame, commune: shapely.Geometry | None = None) -> Built:
    """Build the outlines of one commune's stations from its voters' points.

    Parameters
    ----------
    points
        Table StationPoints (or its columns `station_id`, `vintage`, `commune_code`, `x`, `y`,
        `weight`; `address_id` tells streets), of one commune and one vintage.
    commune
        Polygon in EPSG:2154. Where it is unknown, the concave hull of the points and a margin of
        100 m stand for it.

    Raises
    ------
    TargetingError
        If there is no point, or points of several communes or vintages, or no area to share out.
    """
    commune_code, vintage = _one_place(points)
    ground = hull_of(points) if commune is None else commune
    sites = _sites(points)
    ids, outlines, absorbed = _part(sites, ground)
    stations = _table(ids, outlines, commune_code, vintage)
    weight = float(points["weight"].sum())
    total = shapely.union_all(outlines)
    return Built(
        stations=stations,
        commune=ground,
        weight=weight,
        inside=inside_weight(points, stations),
        shared_points=int((sites["stations"] > 1).sum()),
        shared=weight - float(sites["weight"].sum()),
        fragments=absorbed.fragments,
        moved=absorbed.moved,
        gap=shapely.difference(ground, total).area / ground.area,
        overlap=max(0.0, float(shapely.area(outlines).sum()) - total.area) / ground.area,
        is_coverage=bool(shapely.coverage_is_valid(outlines)),
        without=sorted(set(points["station_id"]) - set(stations["station_id"])),
        from_hull=commune is None,
    )


def _part(sites: pd.DataFrame, ground: shapely.Geometry) -> tuple[np.ndarray, np.ndarray, Absorbed]:
    """Stations and their outlines, in metres from the ground's corner until the end: there the
    grid is far coarser than what a number can tell."""
    origin = np.floor(np.array(shapely.total_bounds(ground))[:2])
    local = shapely.set_precision(shapely.transform(ground, lambda c: c - origin), GRID_M)
    xy = sites[["x", "y"]].to_numpy() - origin
    labels, names = pd.factorize(sites["station_id"], sort=True)
    faces = _faces(xy, labels, local)
    if not len(faces):
        raise TargetingError("the commune's polygon has no area to share out.")
    label_of = _labels(faces, xy, labels)
    own = _own_weight(faces, label_of, xy, labels, sites["weight"].to_numpy())
    absorbed = absorb_fragments(label_of, own, shapely.area(faces), borders_between(faces))
    used = np.unique(absorbed.labels)
    outlines = [shapely.coverage_union_all(faces[absorbed.labels == label]) for label in used]
    moved: np.ndarray = shapely.transform(np.array(outlines), lambda c: c + origin)
    return np.asarray(names)[used], moved, absorbed


def commune_of(outlines: gpd.GeoDataFrame) -> shapely.Geometry:
    """The commune that outlines of another year cover together, as one polygon a shore.

    Cities draw each outline alone, a few metres apart: gaps narrower than twice 10 m are closed,
    holes under a hectare filled (a square, a pond), crumbs without neighbour under a hectare left.
    """
    wide = shapely.buffer(outlines.geometry.to_numpy(), CLOSED_M, join_style="mitre")
    closed = shapely.buffer(shapely.union_all(wide), -CLOSED_M, join_style="mitre")
    parts = [
        shapely.Polygon(
            part.exterior, [h for h in part.interiors if shapely.Polygon(h).area >= SMALL_M2]
        )
        for part in shapely.get_parts(closed)
    ]
    large = [part for part in parts if part.area >= SMALL_M2]
    return shapely.union_all(large or parts)


def hull_of(points: pd.DataFrame) -> shapely.Geometry:
    """What stands for a commune whose polygon is unknown: the points' hull and a margin."""
    cloud = shapely.MultiPoint(np.unique(points[["x", "y"]].to_numpy(), axis=0))
    hull = shapely.concave_hull(cloud, ratio=HULL_RATIO)
    return shapely.buffer(hull, HULL_MARGIN_M)


def inside_weight(points: pd.DataFrame, stations: gpd.GeoDataFrame) -> float:
    """Weight of the points that lie in the outline of their own station."""
    by_id = stations.set_index("station_id").geometry
    inside = 0.0
    for station, there in points.groupby("station_id"):
        if station in by_id.index:
            outline = by_id[station]
            shapely.prepare(outline)
            is_in = shapely.intersects_xy(outline, there["x"].to_numpy(), there["y"].to_numpy())
            inside += float(there["weight"].to_numpy()[is_in].sum())
    return inside


def _one_place(points: pd.DataFrame) -> tuple[str, str]:
    places = points[["commune_code", "vintage"]].drop_duplicates()
    if len(places) != 1:
        raise TargetingError(
            f"outlines are built for one commune and one year at a time; these points have "
            f"{len(places)}."
        )
    commune_code, vintage = places.iloc[0]
    return str(commune_code), str(vintage)


def _sites(points: pd.DataFrame) -> pd.DataFrame:
    """One row a point of the ground: the station with most weight there has it.

    `weight` is the holder's; `stations` counts those that were there. Of equals, the first by id.
    Points between two doors of a street have no weight, and never take a place from a voter.
    """
    columns = ["station_id", "x", "y", "weight"]
    between = points_between_doors(points).assign(weight=0.0)
    at = pd.concat([points[columns], between[columns]]) if len(between) else points[columns]
    at = at.assign(**at[["x", "y"]].div(SAME_POINT_M).round().mul(SAME_POINT_M))
    by = at.groupby(["x", "y", "station_id"], as_index=False)["weight"].sum()
    by = by.sort_values(["weight", "station_id"], ascending=[False, True], kind="stable")
    by["stations"] = by.groupby(["x", "y"])["station_id"].transform("size")
    held = by.drop_duplicates(["x", "y"])
    return held.sort_values(["x", "y"], ignore_index=True)


def _faces(xy: np.ndarray, labels: np.ndarray, commune: shapely.Geometry) -> np.ndarray:
    """Polygons that the borders of stations and of the commune part, within the commune."""
    rings = shapely.get_parts(shapely.boundary(commune))
    borders = _borders(xy, labels, commune)
    borders = borders[shapely.STRtree(borders).query(commune, predicate="intersects")]
    noded = shapely.union_all(np.concatenate([rings, borders]), grid_size=GRID_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    shapely.prepare(commune)
    within: np.ndarray = shapely.contains(commune, shapely.point_on_surface(faces))
    kept: np.ndarray = faces[within]
    return kept


def _borders(xy: np.ndarray, labels: np.ndarray, commune: shapely.Geometry) -> np.ndarray:
    """Edges of Voronoi cells between points of two stations."""
    from scipy.spatial import Voronoi

    if len(np.unique(labels)) < 2:
        return np.empty(0, dtype=object)
    around = shapely.total_bounds(commune)
    low, high = np.minimum(xy.min(axis=0), around[:2]), np.maximum(xy.max(axis=0), around[2:])
    radius = FAR * (np.hypot(*(high - low)) + 1.0)
    angles = np.linspace(0.1, 0.1 + 2 * np.pi, 8, endpoint=False)  # no symmetry with the points
    sentinels = (low + high) / 2 + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    cells = Voronoi(np.concatenate([xy, sentinels]))
    pairs = cells.ridge_points
    between = (pairs < len(xy)).all(axis=1)
    between[between] = labels[pairs[between, 0]] != labels[pairs[between, 1]]
    ends = np.asarray(cells.ridge_vertices)[between]
    ends = ends[(ends >= 0).all(axis=1)]
    lines = np.round(cells.vertices / GRID_M)[ends] * GRID_M
    lines = lines[(lines[:, 0] != lines[:, 1]).any(axis=1)]
    edges: np.ndarray = shapely.linestrings(lines)
    return edges


def _labels(faces: np.ndarray, xy: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Station of each face: that of the point nearest to a place inside it."""
    from scipy.spatial import cKDTree

    inside = shapely.get_coordinates(shapely.point_on_surface(faces))
    _, nearest = cKDTree(xy).query(inside)
    found: np.ndarray = labels[nearest]
    return found


def _own_weight(
    faces: np.ndarray, label_of: np.ndarray, xy: np.ndarray, labels: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Weight of its own station's points in each face."""
    face, site = shapely.STRtree(shapely.points(xy)).query(faces, predicate="contains")
    own = label_of[face] == labels[site]
    total: np.ndarray = np.bincount(face[own], weight[site[own]], minlength=len(faces))
    return total


def _table(
    ids: np.ndarray, outlines: np.ndarray, commune_code: str, vintage: str
) -> gpd.GeoDataFrame:
    numbers = [station_number(str(station).partition("_")[2]) for station in ids]
    table = pd.DataFrame(
        {
            "station_id": pd.Series(ids, dtype="str"),
            "vintage": vintage,
            "commune_code": commune_code,
            "number": pd.Series(numbers, dtype="str"),
            "name": pd.Series(pd.NA, index=range(len(ids)), dtype="str"),
            "polling_place": pd.Series(pd.NA, index=range(len(ids)), dtype="str"),
            "origin": "built",
        }
    ).astype("str")
    return Stations.check(gpd.GeoDataFrame(table, geometry=outlines, crs=METRIC_CRS))
