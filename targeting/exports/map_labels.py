"""Room for names and numbers on a small map: each is put where it covers nothing already there.

Millimetres on paper, y downwards. What is taken is kept as discs in a grid: a name along a street
is a row of discs, whatever its angle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import atan2, ceil, cos, degrees, hypot, pi, radians, sin
from typing import Final

import shapely
from shapely import LineString

Disc = tuple[float, float, float]

MM_A_POINT: Final = 25.4 / 72
CELL_MM: Final = 6.0
NARROW: Final = frozenset("iljtfrI.,;:'’ -()|!")
WIDE: Final = frozenset("mwMWŒœÆæ—…")
STRAIGHT: Final = 0.96
"""Least chord over arc of a stretch that bears a name."""


@dataclass(frozen=True)
class Label:
    """A name on the map: its middle, its angle (degrees, clockwise as y goes down), its size."""

    text: str
    x: float
    y: float
    angle: float
    size_pt: float
    is_along: bool


def text_width(text: str, size_pt: float) -> float:
    """About how wide a text is, in mm: the serif's letters by three widths."""
    ems = sum(
        0.29 if c in NARROW else 0.85 if c in WIDE else 0.66 if c.isupper() else 0.5 for c in text
    )
    return ems * size_pt * MM_A_POINT


class Room:
    """What of a map is taken."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._cells: dict[tuple[int, int], list[Disc]] = {}

    def take(self, discs: Iterable[Disc]) -> None:
        """Nothing else goes here."""
        for disc in discs:
            for cell in _cells(disc):
                self._cells.setdefault(cell, []).append(disc)

    def free(self, discs: Iterable[Disc], but: frozenset[Disc] = frozenset()) -> bool:
        """Whether these discs are on the map and touch nothing taken, `but` apart."""
        return all(self._is_inside(d) and not self._hits(d, but) for d in discs)

    def hits(self, discs: Iterable[Disc]) -> int:
        """How many of these discs touch something, or the edge."""
        nothing: frozenset[Disc] = frozenset()
        return sum(
            (0 if self._is_inside(d) else 20) + (1 if self._hits(d, nothing) else 0) for d in discs
        )

    def _is_inside(self, disc: Disc) -> bool:
        x, y, r = disc
        return r <= x <= self.width - r and r <= y <= self.height - r

    def _hits(self, disc: Disc, but: frozenset[Disc]) -> bool:
        x, y, r = disc
        return any(
            (x - other[0]) ** 2 + (y - other[1]) ** 2 < (r + other[2]) ** 2 and other not in but
            for cell in _cells(disc)
            for other in self._cells.get(cell, ())
        )


def _cells(disc: Disc) -> Iterator[tuple[int, int]]:
    x, y, r = disc
    for i in range(int((x - r) // CELL_MM), int((x + r) // CELL_MM) + 1):
        for j in range(int((y - r) // CELL_MM), int((y + r) // CELL_MM) + 1):
            yield i, j


def bar_discs(x: float, y: float, width: float, height: float, angle: float = 0.0) -> list[Disc]:
    """A bar around (x, y) as a row of discs."""
    radius = height / 2
    reach = max(width / 2 - radius, 0.0)
    count = max(ceil(2 * reach / height), 1) + 1 if reach else 1
    dx, dy = cos(radians(angle)), sin(radians(angle))
    steps = [(2 * n / (count - 1) - 1) * reach if count > 1 else 0.0 for n in range(count)]
    return [(x + s * dx, y + s * dy, radius) for s in steps]


def label_discs(label: Label) -> list[Disc]:
    """What a name takes."""
    width = text_width(label.text, label.size_pt) + 1.2
    return bar_discs(label.x, label.y, width, label.size_pt * MM_A_POINT * 1.05, label.angle)


def along(
    text: str,
    line: LineString,
    size_pt: float,
    *,
    near: tuple[float, float] | None = None,
    aside: float = 0.0,
) -> list[Label]:
    """Where a name can stand along a line (mm), best first: straight stretches, near a point.

    `aside`: how far from the line, to its left.
    """
    length, width = line.length, text_width(text, size_pt) + 1.5
    if width > length:
        return []
    room = length - width
    count = max(int(room // 5) + 1, 1)
    starts = [room * n / (count - 1) if count > 1 else room / 2 for n in range(count)]
    ends = shapely.get_coordinates(
        shapely.line_interpolate_point(line, [p for s in starts for p in (s, s + width)])
    )
    middles = shapely.get_coordinates(
        shapely.line_interpolate_point(line, [s + width / 2 for s in starts])
    )
    home = near or tuple(shapely.get_coordinates(line.interpolate(0.5, normalized=True))[0])
    found = []
    for n, (mx, my) in enumerate(middles):
        (x1, y1), (x2, y2) = ends[2 * n], ends[2 * n + 1]
        chord = hypot(x2 - x1, y2 - y1)
        if chord < STRAIGHT * width:
            continue
        turn = _readable(x2 - x1, y2 - y1)
        x, y = (x1 + x2) / 2 * 0.5 + mx * 0.5, (y1 + y2) / 2 * 0.5 + my * 0.5
        far = hypot(mx - home[0], my - home[1])
        x, y = x + aside * (y2 - y1) / chord, y - aside * (x2 - x1) / chord
        found.append((far, Label(text, float(x), float(y), turn, size_pt, aside == 0)))
    return [label for _, label in sorted(found, key=lambda f: f[0])]


def _readable(dx: float, dy: float) -> float:
    """The angle of a direction, turned so that nobody reads upside down."""
    angle = degrees(atan2(dy, dx))
    return angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle


def around(text: str, x: float, y: float, size_pt: float, *, radii: Iterable[float]) -> list[Label]:
    """Where a name can stand level around a point, nearest first."""
    half = text_width(text, size_pt) / 2
    spots = []
    for radius in radii:
        for turn in range(12):
            dx, dy = cos(turn * pi / 6), sin(turn * pi / 6)
            spots.append((x + dx * (radius + half), y + dy * (radius + 1)))
    return [Label(text, sx, sy, 0.0, size_pt, False) for sx, sy in spots]


def first_free(room: Room, candidates: Sequence[Label], rather: Room) -> Label | None:
    """The first that covers nothing, taken; None where all do.

    One that covers nothing of `rather` either is taken before the others.
    """
    chosen = None
    for label in candidates:
        discs = label_discs(label)
        if room.free(discs):
            if rather.free(discs):
                chosen = label
                break
            chosen = chosen or label
    if chosen is not None:
        room.take(label_discs(chosen))
    return chosen


def least_covering(room: Room, candidates: Sequence[Label]) -> Label:
    """The one that covers least, taken: for names that must be there."""
    best = min(candidates, key=lambda label: room.hits(label_discs(label)))
    room.take(label_discs(best))
    return best
