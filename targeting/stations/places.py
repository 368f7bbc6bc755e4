"""Which station a point lies in."""

from __future__ import annotations

from functools import cache
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Transformer

from targeting.crs import METRIC_CRS, WGS84, require_metric_crs

NEAR_M: Final = 30.0
"""Outlines are drawn along street axes, a few metres roughly: a point this near belongs there."""


def assign_stations(
    x: pd.Series, y: pd.Series, stations: gpd.GeoDataFrame, *, near_m: float = NEAR_M
) -> pd.Series:
    """The station_id of each point; missing where no outline is within `near_m`.

    Parameters
    ----------
    x, y
        Lambert-93 metres, on one shared index.
    stations
        Table Stations (EPSG:2154; CrsError otherwise). Where two outlines overlap, the first by
        station_id takes the point.
    """
    require_metric_crs(stations, "stations")
    outlines = stations[["station_id", "geometry"]].sort_values("station_id", ignore_index=True)
    points = gpd.GeoDataFrame(
        {"at": range(len(x))}, geometry=gpd.points_from_xy(x, y), crs=METRIC_CRS
    )
    inside = points.sjoin(outlines, predicate="within")[["at", "station_id"]]
    found = inside.sort_values("station_id").drop_duplicates("at").set_index("at")["station_id"]
    outside = points[~points["at"].isin(found.index)]
    if near_m > 0 and len(outside):
        near = outside.sjoin_nearest(outlines, max_distance=near_m)[["at", "station_id"]]
        near_by = near.sort_values("station_id").drop_duplicates("at").set_index("at")["station_id"]
        found = pd.concat([found, near_by])
    result = found.reindex(range(len(x))).set_axis(x.index)
    return result.astype("str").rename("station_id")


def to_wgs84(x: pd.Series, y: pd.Series) -> pd.DataFrame:
    """Longitude and latitude in degrees of Lambert-93 points, on the same index."""
    known = (x.notna() & y.notna()).to_numpy()
    degrees = np.full((2, len(x)), np.nan)
    degrees[:, known] = _to_degrees().transform(x.to_numpy()[known], y.to_numpy()[known])
    return pd.DataFrame({"longitude": degrees[0], "latitude": degrees[1]}, index=x.index)


@cache
def _to_degrees() -> Transformer:
    return Transformer.from_crs(METRIC_CRS, WGS84, always_xy=True)


def from_wgs84(longitude: float, latitude: float) -> tuple[float, float]:
    """Lambert-93 metres of a point in degrees."""
    x, y = Transformer.from_crs(WGS84, METRIC_CRS, always_xy=True).transform(longitude, latitude)
    return float(x), float(y)
