"""Towns of square stations to draw on paper: 200 m a side, numbered row after row from the south."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
from shapely.geometry import box

from targeting.crs import WGS84
from targeting.exports.station_map import StationMap
from targeting.palette import LIGHT, LIGHT_THEME

SIDE_M = 200.0
HERE = (893_000.0, 6_247_000.0)


def squares(across: int, up: int, *, but: Sequence[tuple[int, int]] = ()) -> list:
    west, south = HERE
    return [
        box(
            west + x * SIDE_M, south + y * SIDE_M, west + (x + 1) * SIDE_M, south + (y + 1) * SIDE_M
        )
        for y in range(up)
        for x in range(across)
        if (x, y) not in but
    ]


def town(
    across: int = 3,
    up: int = 2,
    *,
    names: Sequence[str] = (),
    quarters: Sequence[str] = (),
    **columns,
) -> StationMap:
    """Stations of classes 0 to 4 in turn; `columns` changes what is given by default."""
    shapes = squares(across, up)
    ids = [f"13055_{n:04d}" for n in range(1, len(shapes) + 1)]
    given = {
        "number": list(names) or [str(n) for n in range(1, len(shapes) + 1)],
        "class_number": list(np.arange(len(shapes)) % 5),
        "is_hatched": False,
        "is_shown": True,
        "is_chosen": False,
    }
    stations = gpd.GeoDataFrame(given | columns, geometry=shapes, index=ids, crs="EPSG:2154")
    dashed = None
    if quarters:
        west, south = HERE
        wide = across * SIDE_M / len(quarters)
        own = [
            box(west + n * wide, south, west + (n + 1) * wide, south + 2 * SIDE_M)
            for n in range(len(quarters))
        ]
        dashed = gpd.GeoDataFrame({"name": list(quarters)}, geometry=own, crs="EPSG:2154")
    view = tuple(stations.to_crs(WGS84).total_bounds.tolist())
    return StationMap(stations, LIGHT, LIGHT_THEME, view, dashed)
