"""The shapes of a walk book's map as SVG, in millimetres of paper, y downwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import Final

import numpy as np
import shapely
from shapely import LineString
from shapely.geometry.base import BaseGeometry

from targeting.exports.map_chips import DOT, Chip
from targeting.field.books import Stop
from targeting.field.ground import MAP_ASPECT, Ground, Way

WIDTH: Final = 190.0
HEIGHT: Final = round(WIDTH / MAP_ASPECT, 1)

STREET_M: Final = 9.0
BAND: Final = (1.5, 3.6)
"""A street is drawn as wide as it is, within these (mm): a name of 7 points fits in the widest."""

WIDE: Final = ("primary", "secondary", "trunk")
NARROW: Final = ("footway", "path", "steps", "track", "service", "underpass")
GREYS: Final = {"parks": "#f1f1f1", "water": "#d3d3d3", "street": "#dedede", "path": "#c9c9c9"}


@dataclass(frozen=True)
class Drawn:
    """A way in millimetres: its spelling, its lines, how wide it is drawn."""

    key: str
    lines: tuple[LineString, ...]
    band: float

    @classmethod
    def of(cls, way: Way, scale: float) -> Drawn:
        lines = tuple(on_paper(line, scale) for line in way.lines)
        return cls(way.key, lines, _band(way.kind, scale))


def _band(kind: str, scale: float) -> float:
    wide = 1.35 if kind in WIDE else 1.0
    narrow = 0.5 if kind in NARROW else 1.0
    return float(np.clip(STREET_M * scale, *BAND)) * wide * narrow


def on_paper(shape: BaseGeometry, scale: float) -> BaseGeometry:
    return shapely.transform(shape, lambda xy: xy * [scale, -scale] + [0, HEIGHT])


def map_svg(
    ground: Ground,
    stops: Sequence[Stop],
    scale: float,
    ways: Sequence[Drawn],
    at: Sequence[tuple[float, float]],
    chips: Sequence[Chip],
) -> str:
    """Backdrop, streets, walk, buildings and the leaders of their numbers."""
    parts = [_area(shape, scale, GREYS[kind])
             for kind in ("parks", "water")
             for shape in ground.backdrop.get(kind, ())]  # fmt: skip
    parts += [_rail(shape, scale) for shape in ground.backdrop.get("rail", ())]
    parts += [_stroke(on_paper(p, scale), GREYS["path"], 0.5) for p in ground.paths]
    for way in ways:
        parts += [_stroke(line, "#a9a9a9", way.band + 0.35) for line in way.lines]
    for way in ways:
        parts += [_stroke(line, GREYS["street"], way.band) for line in way.lines]
    parts += [*_walk(at), *_dots(stops, at), *_leaders(chips)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'width="{WIDTH:g}mm" height="{HEIGHT:g}mm">{"".join(parts)}</svg>'
    )


def _points(coords: Iterable[Iterable[float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in coords)


def _stroke(line: BaseGeometry, colour: str, width: float, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ' stroke-linecap="round"'
    return (
        f'<polyline points="{_points(line.coords)}" fill="none" stroke="{colour}" '
        f'stroke-width="{width:.2f}" stroke-linejoin="round"{dashed}/>'
    )


def _area(shape: BaseGeometry, scale: float, colour: str) -> str:
    if shape.geom_type == "LineString":
        return _stroke(on_paper(shape, scale), colour, 1.0)
    if shape.geom_type != "Polygon":
        return ""
    drawn = on_paper(shape, scale)
    rings = [drawn.exterior, *drawn.interiors]
    path = " ".join(f"M{_points(ring.coords)}Z" for ring in rings)
    return (
        f'<path d="{path}" fill="{colour}" fill-rule="evenodd" stroke="#9a9a9a" '
        'stroke-width="0.2"/>'
    )


def _rail(shape: BaseGeometry, scale: float) -> str:
    if shape.geom_type != "LineString":
        return ""
    line = on_paper(shape, scale)
    return _stroke(line, "#777", 0.4) + _stroke(line, "#777", 1.8, "0.35 2.6")


def _walk(at: Sequence[tuple[float, float]]) -> list[str]:
    """The walk as a dashed line, with an arrow on each leg long enough to bear one."""
    line = _stroke(LineString(at), "#000", 0.45, "1.5 1") if len(at) > 1 else ""
    arrows = []
    for (x1, y1), (x2, y2) in pairwise(at):
        length = hypot(x2 - x1, y2 - y1)
        if length < 9:
            continue
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        mx, my = x1 + (x2 - x1) * 0.55, y1 + (y2 - y1) * 0.55
        tip = (mx + ux * 1.3, my + uy * 1.3)
        tail = (mx - ux * 1.1, my - uy * 1.1)
        wings = [(tail[0] - uy * 0.95, tail[1] + ux * 0.95),
                 (tail[0] + uy * 0.95, tail[1] - ux * 0.95)]  # fmt: skip
        arrows.append(f'<polygon points="{_points([tip, *wings])}" fill="#000"/>')
    return [line, *arrows]


def _dots(stops: Sequence[Stop], at: Sequence[tuple[float, float]]) -> list[str]:
    """Buildings: round on the odd side, square on the even side, as their numbers are."""
    return [
        f'<rect x="{x - DOT:.2f}" y="{y - DOT:.2f}" width="{2 * DOT}" height="{2 * DOT}"/>'
        if stop.side == "even"
        else f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{DOT}"/>'
        for stop, (x, y) in zip(stops, at, strict=True)
    ]


def _leaders(chips: Sequence[Chip]) -> list[str]:
    return [
        _stroke(LineString([(c.x, c.y), c.at]), "#000", 0.2)
        for c in chips
        if hypot(c.x - c.at[0], c.y - c.at[1]) > 0.1
    ]
