"""Coordinate systems: what leads to Lambert-93 surely does, the rest is a question.

PROJ follows a system whose datum it does not know by a guess ("ballpark"), tens or hundreds of
metres off: such a step is never taken. Numbers that cannot be in the system that a file claims
(degrees said to be metres, latitude first, Lambert said to be WGS 84) are named for what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from targeting.crs import METRIC_CRS, WGS84
from targeting.errors import SourceError

MAINLAND: Final = (0.0, 6_000_000.0, 1_350_000.0, 7_200_000.0)
"""Lambert-93 metres between which mainland France and Corsica lie: west, south, east, north."""

FRANCE_DEGREES: Final = (-6.0, 41.0, 10.5, 51.5)
"""The same in degrees, longitude first."""

USED_IN_FRANCE: Final = (
    ("EPSG:4326", "WGS 84, degrees"), ("EPSG:2154", "Lambert-93"),
    ("EPSG:27572", "Lambert II étendu"), ("EPSG:3857", "Web Mercator"),
    *((f"EPSG:{3900 + zone}", f"CC{zone}") for zone in range(42, 51)),
    ("EPSG:32630", "UTM 30N"), ("EPSG:32631", "UTM 31N"), ("EPSG:32632", "UTM 32N"),
)  # fmt: skip
"""Systems that French publications are in, the most usual first."""

MOST_NAMED: Final = 3


@lru_cache(maxsize=64)
def sure_transformer(crs: CRS, to: str = METRIC_CRS) -> Transformer | None:
    """The way from a system to another, x first; nothing where only a guess leads there."""
    try:
        flat = crs.sub_crs_list[0] if crs.is_compound else crs
        return Transformer.from_crs(flat, to, always_xy=True, allow_ballpark=False)
    except (ProjError, CRSError):
        return None


def to_lambert93(name: str, geometry: np.ndarray, crs: CRS) -> np.ndarray:
    """Geometries of `crs` in Lambert-93 metres: outlines, points and streets alike.

    Raises SourceError where only a ballpark operation leads there, and where the numbers cannot be
    in the system claimed.
    """
    refuse_other_numbers(name, geometry, crs)
    transformer = sure_transformer(crs)
    if transformer is None:
        raise SourceError(
            name,
            f"its coordinate system (“{crs.name[:40]}”) does not lead to Lambert-93 but by a guess "
            "that may be 100 m off: its datum is not known.",
            way_out=f"Say which it is with {_suggested(crs, geometry)}.",
        )
    moved: np.ndarray = shapely.transform(
        geometry, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    )
    return moved


def refuse_other_numbers(name: str, geometry: np.ndarray, crs: CRS) -> None:
    """Raise SourceError for coordinates that are not those of the system claimed."""
    bounds = shapely.total_bounds(geometry)
    if not np.isfinite(bounds).all():
        return
    if crs.is_geographic and not is_in_degrees(bounds):
        raise SourceError(
            name,
            f"coordinates up to {np.abs(bounds).max():.0f} are no degrees, and it says, or leaves "
            f"to be understood, that they are ({crs.name[:40]}).",
            way_out=f"Export it in WGS 84, or say which with --crs, as {spoken_systems(bounds)}.",
        )
    if crs.is_projected and is_in_degrees(bounds) and _inside(bounds, FRANCE_DEGREES):
        raise SourceError(
            name,
            f"its numbers are degrees, and it says that they are metres of {crs.name[:40]}.",
            way_out="If they are, add --crs EPSG:4326; else export it again.",
        )
    swapped = bounds[[1, 0, 3, 2]]
    if crs.is_geographic and _inside(swapped, FRANCE_DEGREES):
        raise SourceError(
            name,
            "latitude and longitude are swapped: latitude stands first.",
            way_out="Export it with longitude first (x, y), as GeoJSON wants it.",
        )
    if crs.is_projected and _inside(swapped, MAINLAND) and crs.to_epsg() == 2154:
        raise SourceError(
            name, "its coordinates are swapped: northing stands first.",
            way_out="Export it with easting first (x, y).",
        )  # fmt: skip


def is_in_degrees(bounds: np.ndarray) -> bool:
    """Whether bounds (west, south, east, north) can be degrees at all."""
    return _inside(bounds, (-180.0, -90.0, 180.0, 90.0))


def spoken_systems(bounds: np.ndarray) -> str:
    """The systems in which numbers fall into France: `EPSG:2154 (Lambert-93), EPSG:3857 (…)`."""
    found = [f"{code} ({label})" for code, label in _that_fit(bounds)]
    return " or ".join(found[:MOST_NAMED]) or "EPSG:2154 (Lambert-93)"


def _that_fit(bounds: np.ndarray) -> Iterator[tuple[str, str]]:
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    for code, label in USED_IN_FRANCE:
        crs = CRS.from_user_input(code)
        transformer = sure_transformer(crs, WGS84)
        if transformer is None or crs.area_of_use is None:
            continue
        longitude, latitude = transformer.transform(x, y)
        west, south, east, north = crs.area_of_use.bounds
        used = west <= longitude <= east and south <= latitude <= north
        if used and _inside(np.array([longitude, latitude] * 2), FRANCE_DEGREES):
            yield code, label


def _suggested(crs: CRS, geometry: np.ndarray) -> str:
    """The official system that a nameless one looks like, else those its numbers fit."""
    code = crs.to_epsg(min_confidence=20)
    if code is not None and sure_transformer(CRS.from_epsg(code)) is not None:
        return f"--crs EPSG:{code} ({CRS.from_epsg(code).name})"
    return f"--crs {spoken_systems(shapely.total_bounds(geometry))}"


def _inside(bounds: np.ndarray, frame: tuple[float, float, float, float]) -> bool:
    west, south, east, north = frame
    within = west <= bounds[0] and south <= bounds[1] and bounds[2] <= east and bounds[3] <= north
    return bool(within)
