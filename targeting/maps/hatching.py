"""Hatching over stations whose past is uncertain: read without colour, on screen and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pydeck
import shapely

from targeting.crs import WGS84, require_metric_crs
from targeting.maps.board import Board
from targeting.maps.deck import filtered
from targeting.maps.files import UNFILTERED, MapFile, write_features
from targeting.maps.measures import COLUMNS

LINES_ACROSS: Final = 110
"""Hatches across the whole map: about five pixels apart at the first view."""

HATCH: Final = [40, 40, 50, 170]


def hatch_lines(shapes: gpd.GeoSeries, *, spacing_m: float) -> gpd.GeoSeries:
    """Parallel lines at 45° inside each shape, `spacing_m` apart, running on from one to the next.

    `shapes`: polygons in EPSG:2154; gives MultiLineStrings (empty for a shape that no line meets)
    on the same index, same CRS.
    """
    west, south, east, north = shapes.total_bounds
    height = north - south
    step = spacing_m * np.sqrt(2)
    first = np.floor((west - height) / step) * step  # from an origin of its own: neighbours agree
    starts = np.arange(first, east + step, step)
    ends = np.column_stack([starts, np.full(len(starts), south)])
    tops = np.column_stack([starts + height, np.full(len(starts), north)])
    lines = shapely.linestrings(np.stack([ends, tops], axis=1))
    grid = shapely.multilinestrings(lines)
    inside = shapely.intersection(shapes.to_numpy(), grid)
    return gpd.GeoSeries(inside, index=shapes.index, crs=shapes.crs)


def hatch_file(
    folder: Path,
    board: Board,
    outlines: gpd.GeoDataFrame,
    *,
    shown: Sequence[str] | None = None,
) -> MapFile | None:
    """Write the hatching of the board's doubtful stations, or of those `shown` among them; nothing
    where there is none to draw.

    `outlines`: table Stations (EPSG:2154; CrsError otherwise).
    """
    require_metric_crs(outlines, "outlines")
    shapes = outlines.drop_duplicates("station_id").set_index("station_id").geometry
    if not shapes.index.isin(board.table.index).any():
        return None
    west, south, east, north = shapes[shapes.index.isin(board.table.index)].total_bounds
    doubtful = shapes[shapes.index.isin(board.doubtful)]
    if shown is not None:
        doubtful = doubtful[doubtful.index.isin(shown)]
    if doubtful.empty:
        return None
    spacing = max(east - west, north - south) / LINES_ACROSS
    lines = hatch_lines(doubtful, spacing_m=spacing)
    lines = lines[~lines.is_empty]
    if lines.empty:
        return None
    rows = board.table.loc[lines.index]
    properties = {
        name: list(rows[COLUMNS[name]].fillna(UNFILTERED).astype(float).round(4))
        for name in ("abstention", "left")
    }
    return write_features(folder, "hatch", lines.to_crs(WGS84), properties)


def hatch_layer(
    file: MapFile, *, min_abstention: float = 0.0, min_left: float = 0.0
) -> pydeck.Layer:
    """The hatching, under the same filters as the stations: nothing to click."""
    return pydeck.Layer(
        "GeoJsonLayer",
        file.url,
        id="hatching",
        pickable=False,
        filled=False,
        stroked=True,
        get_line_color=HATCH,
        get_line_width=1,
        line_width_units="'pixels'",
        **filtered(min_abstention, min_left),
    )
