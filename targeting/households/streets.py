"""Which streets a campaign keeps of a file: those around its addresses, beside those it has."""

from __future__ import annotations

import hashlib
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

AROUND_CELL_M: Final = 500.0
AROUND_CELLS: Final = 4
"""Streets are kept up to four cells, some 2 km, from an address: ways round are walked too."""

SAME_GROUND_M: Final = 250.0
"""Side of the squares in which a newer file takes the place of an older one."""

Cells = NDArray[np.int64]


def cells_of(points: NDArray[np.float64], side_m: float) -> Cells:
    """Number of the square that each point (x and y, EPSG:2154) lies in."""
    return _number(*np.floor(points / side_m).T)


def _number(column: NDArray[np.float64], row: NDArray[np.float64]) -> Cells:
    return column.astype(np.int64) * 2**24 + row.astype(np.int64)


def around_addresses(addresses: pd.DataFrame, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The streets (table Streets) that come within reach of an address (`x`, `y`, EPSG:2154)."""
    column, row = np.unique(np.floor(addresses[["x", "y"]].to_numpy() / AROUND_CELL_M), axis=0).T
    steps = range(-AROUND_CELLS, AROUND_CELLS + 1)
    near = np.unique([_number(column + i, row + j) for i in steps for j in steps])
    return streets[_touch(streets, near, AROUND_CELL_M)].reset_index(drop=True)


def ground_mark(addresses: pd.DataFrame) -> str:
    """Changes when the ground that `around_addresses` keeps does."""
    cells = np.unique(cells_of(addresses[["x", "y"]].to_numpy(), AROUND_CELL_M))
    return hashlib.sha256(cells.tobytes()).hexdigest()[:16]


def beside(older: gpd.GeoDataFrame, newer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Streets of the older table that leave the ground of the newer, and are not in it."""
    corner = shapely.get_coordinates(newer.geometry.to_numpy())
    taken = np.unique(cells_of(corner, SAME_GROUND_M))
    elsewhere = _touch(older, taken, SAME_GROUND_M, outside=True)
    known = pd.Index(newer.geometry.to_wkb())
    kept = elsewhere & ~older.geometry.to_wkb().isin(known).to_numpy()
    return older[kept].reset_index(drop=True)


def _touch(
    streets: gpd.GeoDataFrame, cells: Cells, side_m: float, *, outside: bool = False
) -> NDArray[np.bool_]:
    """Which streets have a vertex in these squares (or outside them)."""
    corner, line = shapely.get_coordinates(streets.geometry.to_numpy(), return_index=True)
    inside = np.isin(cells_of(corner, side_m), cells)
    touch = np.zeros(len(streets), bool)
    touch[line[inside != outside]] = True
    return touch
