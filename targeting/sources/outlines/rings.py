"""Rings of outlines: those that cross or touch themselves mended, and what cannot be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.errors import SourceError

MOST_INVALID: Final = 0.2
"""Above this share of invalid rings the layer is damaged: mending would invent outlines…"""

MOST_AREA_CHANGED: Final = 0.01
"""…unless mending changes no area by more than this: a ring that only touches itself."""

MOST_CROSSINGS: Final = 1_000
"""Sides of one outline that may cross each other, in pairs: honest rings have a few, and GEOS
mends 1,000 in two seconds, 2,000 in six."""

SAMPLED_SIDES: Final = 500
MOST_HOLES: Final = 1_000
"""In one outline: a town's have a few, for other stations."""


def has_shape(layer: gpd.GeoDataFrame) -> np.ndarray:
    """Which rows have a geometry with something in it."""
    shapes = layer.geometry.to_numpy()
    there: np.ndarray = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    return there


def with_outlines(
    name: str, layer: gpd.GeoDataFrame, *, by: str, nothing: str
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """The rows that have a valid shape; says which were left out, and which rings were mended.

    `by`: the column that names an outline in what is told; `nothing`: what is told where no row is
    left. Raises SourceError with it then, and as `mend_rings` does.
    """
    shaped, no_geometry = _shaped(layer, by, lambda names: f"left out, no geometry: {names}")
    layer, mended = mend_rings(name, shaped.copy(), by=by)
    layer, flat = _shaped(layer, by, lambda names: f"left out, an outline without area: {names}")
    if layer.empty:
        raise SourceError(name, nothing, way_out="Export the layer again.")
    return layer, [*no_geometry, *mended, *flat]


def _shaped(
    layer: gpd.GeoDataFrame, by: str, tell: Callable[[str], str]
) -> tuple[gpd.GeoDataFrame, list[str]]:
    there = has_shape(layer)
    if there.all():
        return layer, []
    return layer[there], [tell(named_rows(layer[~there], by))]


def mend_rings(
    name: str, layer: gpd.GeoDataFrame, *, by: str = "station_id"
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Valid rings, empty where a ring encloses nothing; too many that are not are refused.

    `by`: the column that names an outline in what is told.
    """
    _refuse_many_holes(name, layer, by)
    invalid = ~layer.geometry.is_valid
    if not invalid.any():
        return layer, []
    broken = layer.geometry[invalid]
    _refuse_tangles(name, layer[invalid], by)
    valid = [_polygons(g) for g in shapely.make_valid(broken.to_numpy())]
    mended = gpd.GeoSeries(valid, broken.index, layer.crs)
    changed = (mended.area - broken.area).abs() > MOST_AREA_CHANGED * mended.area
    changed |= mended.area == 0
    named = named_rows(layer[invalid], by)
    if invalid.sum() > MOST_INVALID * len(layer) and changed.any():
        raise SourceError(
            name,
            f"{int(invalid.sum())} of {len(layer)} rings are invalid: {named}.",
            way_out="The layer is damaged: mend it in a GIS, or export it again.",
        )
    layer.loc[invalid, "geometry"] = mended
    return layer, [f"{int(invalid.sum())} invalid rings mended: {named}"]


def _refuse_many_holes(name: str, layer: gpd.GeoDataFrame, by: str) -> None:
    """Outlines with more holes than a town has squares: looking at them takes for ever."""
    shapes, row = shapely.get_parts(layer.geometry.to_numpy(), return_index=True)
    holes = np.bincount(row, np.maximum(shapely.get_num_interior_rings(shapes), 0), len(layer))
    if (holes > MOST_HOLES).any():
        at = int(holes.argmax())
        raise SourceError(
            name,
            f"the outline of {layer[by].iloc[at]} has {int(holes[at]):,} holes: more "
            f"than the {MOST_HOLES:,} that one may have.",
            way_out="The layer is damaged: export it again.",
        )


def _refuse_tangles(name: str, broken: gpd.GeoDataFrame, by: str) -> None:
    """Rings that cross themselves so often that mending them would never end."""
    crossings = 0
    for named, shape in zip(broken[by], broken.geometry, strict=True):
        crossings += _near_pairs(shape)
        if crossings > MOST_CROSSINGS:
            raise SourceError(
                name,
                f"the outline of {named} crosses itself too often: the file has more than the "
                f"{MOST_CROSSINGS:,} crossings that can be mended.",
                way_out="The layer is damaged: export it again.",
            )


def _near_pairs(shape: shapely.Geometry) -> int:
    """How many pairs of a shape's sides cross, told from a sample of them."""
    rings = shapely.get_rings(shape)
    if shapely.get_type_id(shape) not in (3, 6) or not len(rings):
        return 0
    places, ring = shapely.get_coordinates(rings, return_index=True)
    within = ring[1:] == ring[:-1]
    sides = shapely.linestrings(np.stack([places[:-1], places[1:]], axis=1)[within])
    sample = np.linspace(0, len(sides) - 1, min(len(sides), SAMPLED_SIDES)).astype(int)
    tree = shapely.STRtree(sides)
    beside = 3 * len(sample)  # each side meets itself and its neighbours
    near, enough = 0, beside + 4 * MOST_CROSSINGS * len(sample) / len(sides)
    for side in sides[sample]:
        near += len(tree.query(side, predicate="intersects"))
        if near > enough:
            break
    return int(max(0, near - beside) / 2 * len(sides) / len(sample))


def _polygons(geometry: shapely.Geometry) -> shapely.Geometry:
    """The areas of a mended geometry: lines and points that mending leaves are dropped."""
    parts = [g for g in shapely.get_parts(geometry) if g.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def named_stations(rows: pd.DataFrame, most: int = 12) -> str:
    """The stations of these rows, in words; the first of many."""
    return named_rows(rows, "station_id", most)


def named_rows(rows: pd.DataFrame, by: str, most: int = 12) -> str:
    """What a column calls these rows, in words; the first of many."""
    ids = sorted(set(rows[by]))
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")
