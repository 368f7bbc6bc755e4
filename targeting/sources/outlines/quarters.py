"""Quarters of a city: polygons and their names, drawn as dashes over a map."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import geopandas as gpd
import shapely

from targeting.crs import METRIC_CRS
from targeting.errors import SourceError
from targeting.sources.layers.reading import read_layer

NAMES: Final = (
    "name", "nom", "nom_quartier", "nom_qua", "nom_qu", "libelle", "l_qu", "l_quartier", "quartier",
)  # fmt: skip
"""Columns that cities give the names of their quarters in, whatever the capitals."""


def read_quarters(path: Path) -> gpd.GeoDataFrame:
    """Read a layer of quarters: outlines in EPSG:2154 and their `name` (empty: not told).

    Raises SourceError when the file is no layer of polygons.
    """
    layer = read_layer(path)
    if not (shapely.get_dimensions(layer.geometry) == 2).any():
        raise SourceError(
            path.name, "no feature is a polygon.", way_out="Give the outlines of quarters."
        )
    spelled = {name.casefold(): name for row in layer.properties[:1] for name in row}
    column = next((spelled[n] for n in NAMES if n in spelled), None)
    names = [str(row.get(column) or "") if column else "" for row in layer.properties]
    frame = gpd.GeoDataFrame({"name": names}, geometry=layer.geometry, crs=layer.crs)
    areas = frame[shapely.get_dimensions(layer.geometry) == 2].reset_index(drop=True)
    return gpd.GeoDataFrame(areas.to_crs(METRIC_CRS))
