"""Toy towns that can be drawn: a few streets on a grid, numbers on both sides, 20 m apart."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from targeting.tables import Buildings
from targeting.turf import warm_kernels

ORIGIN = np.array([650_000.0, 6_860_000.0])


@pytest.fixture(scope="session", autouse=True)
def _kernels_are_warm():
    warm_kernels()


def buildings_at(
    xy, *, street="Rue A", number=None, dwellings=4, station="01001_0001", kind="block"
):
    """A `Buildings` table of these points, numbered 1, 2, 3… unless told."""
    n = len(xy)
    places = np.asarray(xy, dtype=float).reshape(n, 2) + ORIGIN
    table = pd.DataFrame(
        {
            "building_id": [f"01001_{k:05d}" for k in range(n)],
            "street": pd.Series([street] * n if isinstance(street, str) else street, dtype="str"),
            "number": np.asarray(range(1, n + 1) if number is None else number, dtype=np.int64),
            "suffix": pd.Series([""] * n, dtype="str"),
            "x": places[:, 0],
            "y": places[:, 1],
            "dwellings": np.broadcast_to(np.asarray(dwellings, dtype=np.int64), n).copy(),
            "registered_estimate": np.broadcast_to(np.asarray(dwellings) * 1.6, n).astype(float),
            "station_id": pd.Series(
                [station] * n if isinstance(station, str) else station, dtype="str"
            ),
            "kind": pd.Series([kind] * n, dtype="str"),
        }
    )
    return Buildings.check(table) if n else table.astype({"building_id": "str"})


def lines_at(*lines, names=None, kinds=None):
    """A `Streets` layer of these lines."""
    shapes = [shapely.LineString(np.asarray(line, dtype=float) + ORIGIN) for line in lines]
    return gpd.GeoDataFrame(
        {
            "street": pd.Series(names or [f"Rue {k}" for k in range(len(lines))], dtype="str"),
            "kind": kinds or ["street"] * len(lines),
        },
        geometry=shapes,
        crs="EPSG:2154",
    )


def grid_town(blocks=3, *, block_m=100.0, seed=0):
    """`blocks` × `blocks` blocks: streets named Rue 0… (west-east) and Avenue 0… (south-north).

    Numbers stand 9 m off the line, every 20 m, odd to the left. Doors from 1 to 12.
    """
    rng = np.random.default_rng(seed)
    side = blocks * block_m
    lines, names, xy, street, number = [], [], [], [], []
    for k in range(blocks + 1):
        for turned in (False, True):
            name = f"{'Avenue' if turned else 'Rue'} {k}"
            line = np.array([[0.0, k * block_m], [side, k * block_m]])
            lines.append(line[:, ::-1] if turned else line)
            names.append(name)
            for rank, along in enumerate(np.arange(10.0, side, 20.0)):
                for odd in (1, 0):
                    at = np.array([along, k * block_m + (9.0 if odd else -9.0)])
                    xy.append(at[::-1] if turned else at)
                    street.append(name)
                    number.append(2 * rank + 2 - odd)
    doors = rng.integers(1, 13, len(xy))
    buildings = buildings_at(xy, street=street, number=number, dwellings=doors)
    return buildings, lines_at(*lines, names=names)


@pytest.fixture(scope="session")
def town():
    """Nine blocks, their streets."""
    return grid_town()
