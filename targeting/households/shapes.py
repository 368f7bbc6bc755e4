"""Turfs as shapes on a map."""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import pandas as pd
from shapely.geometry import LineString, Point

from targeting.crs import METRIC_CRS

RIBBON_M: Final = 14.0
"""Half width of a turf on the map: both sides of a street without reaching the next one."""


def turf_ribbons(stops: pd.DataFrame) -> gpd.GeoSeries:
    """Each turf as a ribbon along its stops in walking order (EPSG:2154), indexed by turf_id.

    `stops` has `turf_id`, `visit_order`, `x`, `y` in metres.
    """
    shapes = {}
    for turf_id, rows in stops.sort_values("visit_order").groupby("turf_id"):
        points = list(zip(rows["x"], rows["y"], strict=True))
        line = LineString(points) if len(set(points)) > 1 else Point(points[0])
        shapes[str(turf_id)] = line.buffer(RIBBON_M, quad_segs=3)
    return gpd.GeoSeries(shapes, crs=METRIC_CRS)
