"""The systems that coordinates are in: measures are in metres, maps in degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from targeting.errors import CrsError

if TYPE_CHECKING:
    import geopandas as gpd

METRIC_CRS: Final = "EPSG:2154"
"""Lambert-93: metres, mainland France. Overseas layers get their own in the stations issue."""

WGS84: Final = "EPSG:4326"


def require_metric_crs(layer: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """Give the layer back if it is in Lambert-93, else raise CrsError with the way out."""
    if layer.crs is None or layer.crs.to_epsg() != 2154:
        raise CrsError(f"{name} is in {layer.crs}; measures need {METRIC_CRS}: call to_crs first.")
    return layer
