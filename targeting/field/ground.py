"""The ground of a turf, in metres from its own corner: what a map of it is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shapely import LineString
from shapely.geometry.base import BaseGeometry

MAP_ASPECT: Final = 190 / 176
"""Width over height of a map: that of the printed page's, which the frame fills."""


@dataclass(frozen=True)
class Way:
    """A named way inside the frame: its lines end to end, longest first; `key` is its spelling."""

    name: str
    key: str
    kind: str
    lines: tuple[LineString, ...]


@dataclass(frozen=True)
class Ground:
    """What lies in the frame of a turf. Local metres: x to the east, y to the north, both from 0.

    `west`, `south`: the frame's corner in EPSG:2154. `backdrop`: shapes by kind (water, rail,
    parks), cut at the frame. `ways`: named streets; `paths`: lines without a name.
    """

    west: float
    south: float
    width_m: float
    height_m: float
    ways: tuple[Way, ...]
    paths: tuple[LineString, ...]
    backdrop: Mapping[str, tuple[BaseGeometry, ...]]
