"""Streets as maps draw them: one feature a street, so that its name is written along it."""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.crs import require_metric_crs

LARGE_WAYS: Final = ("trunk", "primary", "secondary", "tertiary", "wide")
"""Classes of ways that cross a town."""

NOT_WRITTEN: Final = ("private", "service", "stairs", "footway", "path", "tunnel")
"""Kinds whose names are no help to find one's way."""

MOST_WRITTEN: Final = 4_000
"""In a town with more named streets, only those of LARGE_WAYS are written, if classes are known."""


def named_streets(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Pieces of streets (table Streets) joined into one row a street, and one for all the unnamed.

    Gives `written` (the name to write along it; missing: none) and lines joined end to end, the
    streets that cross the town first, then the longest: where names do not all fit, theirs stay.
    """
    ways = require_metric_crs(streets, "streets")
    ways = ways[ways.geometry.notna()]
    name = ways["street"].where(ways["street"].astype("str").str.strip().ne(""))
    key = name.fillna("")
    shapes = ways.geometry.to_numpy()
    order = np.argsort(key.to_numpy(dtype=object), kind="stable")
    labels, start = np.unique(key.to_numpy(dtype=object)[order], return_index=True)
    joined = (
        [
            shapely.line_merge(shapely.multilinestrings(_lines(group)))
            for group in np.split(shapes[order], start[1:])
        ]
        if len(ways)
        else []
    )
    is_written = _written(ways, name)
    written = [label if label in is_written else None for label in labels]
    large = set(name[ways["kind"].isin(LARGE_WAYS)].dropna())
    drawn = gpd.GeoDataFrame(
        {"written": pd.Series(written, dtype="object")}, geometry=joined, crs=ways.crs
    )
    order = np.lexsort((-drawn.length, [label not in large for label in labels]))
    return gpd.GeoDataFrame(drawn.iloc[order].reset_index(drop=True))


def _lines(shapes: np.ndarray) -> np.ndarray:
    parts: np.ndarray = shapely.get_parts(shapes)
    return np.asarray(parts[shapely.length(parts) > 0])


def _written(ways: gpd.GeoDataFrame, name: pd.Series) -> set[str]:
    """Names worth writing: all, or in a large town those of the larger classes."""
    there = name.notna() & ~ways["kind"].isin(NOT_WRITTEN)
    names = set(name[there])
    if len(names) <= MOST_WRITTEN:
        return names
    large = set(name[there & ways["kind"].isin(LARGE_WAYS)])
    return large or names
