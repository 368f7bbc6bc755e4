"""The map of a walk book's first page: vectors only, readable in black and white.

Streets are grey bands with their names in them, buildings are their order numbers (a round one on
the odd side, a square one on the even side), the walk is a dashed line from the start to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import Final

import shapely

from targeting.exports.lines import one_line
from targeting.exports.map_chips import DOT, Chip, place_chips
from targeting.exports.map_labels import (
    Label,
    Room,
    along,
    around,
    bar_discs,
    first_free,
    least_covering,
)
from targeting.exports.map_shapes import HEIGHT, WIDTH, Drawn, map_svg
from targeting.field.books import Stop, WalkBook

NAME_SIZES: Final = (7.5, 6.5, 5.8)
LONGEST_NAME: Final = 48
SCALE_BAR: Final = (1000, 500, 200, 100, 50, 20, 10)


@dataclass(frozen=True)
class MapSheet:
    """A map as it is printed: shapes as SVG (mm), names and numbers apart, the scale."""

    svg: str
    labels: list[Label]
    chips: list[Chip]
    scale_m: int
    scale_mm: float
    kinds: list[str]


def draw_map(book: WalkBook, *, start: str, end: str) -> MapSheet:
    """The map of one turf; `start` and `end` are the words at both ends of the walk.

    Streets with buildings of the turf are all named, as the list spells them; the others where
    there is room, the longest first.
    """
    scale = WIDTH / book.ground.width_m
    at = [(s.x * scale, HEIGHT - s.y * scale) for s in book.stops]
    room, walk = _room(at), _walk_room(at)
    ways = [Drawn.of(way, scale) for way in book.ground.ways]
    homes = _homes(book.stops, at)
    names = {way.key: one_line(way.name, LONGEST_NAME) for way in book.ground.ways}
    names |= {s.street_key: one_line(s.street, LONGEST_NAME) for s in book.stops}
    drawn = {way.key: way for way in ways}
    found = {
        key: _name_along(room, walk, names[key], drawn[key], near=homes[key])
        for key in homes
        if key in drawn
    }
    dots = [(x, y, DOT) for x, y in at]
    chips = place_chips(room, book.stops, at, dots)
    labels = [label for label in found.values() if label is not None]
    labels += _ends(room, walk, chips, start, end)
    labels += [
        _name_beside(room, walk, names[key], home)
        for key, home in homes.items()
        if found.get(key) is None
    ]
    for way in sorted(ways, key=lambda w: -w.lines[0].length):
        if way.key not in homes and (label := _name_along(room, walk, names[way.key], way)):
            labels.append(label)
    scale_m = next(m for m in SCALE_BAR if m * scale <= 46 or m == SCALE_BAR[-1])
    svg = map_svg(book.ground, book.stops, scale, ways, at, chips)
    return MapSheet(svg, labels, chips, scale_m, scale_m * scale, list(book.ground.backdrop))


def _room(at: Sequence[tuple[float, float]]) -> Room:
    """The map with its scale bar, its north and its buildings."""
    room = Room(WIDTH, HEIGHT)
    room.take(bar_discs(27, HEIGHT - 5, 52, 8))
    room.take(bar_discs(WIDTH - 6, 9, 9, 9) + bar_discs(WIDTH - 6, 14, 9, 9))
    room.take((x, y, DOT) for x, y in at)
    return room


def _walk_room(at: Sequence[tuple[float, float]]) -> Room:
    """What the line of the walk takes: names had rather not stand on it."""
    room = Room(WIDTH, HEIGHT)
    for (x1, y1), (x2, y2) in pairwise(at):
        steps = max(int(hypot(x2 - x1, y2 - y1) / 2), 1)
        room.take((x1 + (x2 - x1) * n / steps, y1 + (y2 - y1) * n / steps, 0.3)
                  for n in range(steps + 1))  # fmt: skip
    return room


# -- names -----------------------------------------------------------------------------------------


def _homes(
    stops: Sequence[Stop], at: Sequence[tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """The middle of the stops of each street: its name should stand near."""
    points: dict[str, list[tuple[float, float]]] = {}
    for stop, point in zip(stops, at, strict=True):
        points.setdefault(stop.street_key, []).append(point)
    return {
        key: (sum(x for x, _ in own) / len(own), sum(y for _, y in own) / len(own))
        for key, own in points.items()
    }


def _name_along(
    room: Room,
    walk: Room,
    text: str,
    way: Drawn,
    *,
    near: tuple[float, float] | None = None,
) -> Label | None:
    """In the street; where its own buildings leave no room there, beside it."""
    lines, asides = way.lines[:3], [0.0]
    if near is not None:
        lines = tuple(sorted(way.lines, key=lambda line: line.distance(shapely.Point(near))))[:4]
        beside = way.band / 2 + 2.4
        asides = [0.0, beside, -beside, beside + 2.4, -beside - 2.4]
    for aside in asides:
        for size in NAME_SIZES if aside == 0 else NAME_SIZES[:1]:
            for line in lines:
                spots = along(text, line, size, near=near, aside=aside)
                if label := first_free(room, spots, walk):
                    return label
    return None


def _name_beside(room: Room, walk: Room, text: str, home: tuple[float, float]) -> Label:
    """A name that must be there and fits along no stretch: level, near its buildings."""
    spots = [
        label
        for size in NAME_SIZES
        for label in around(text, *home, size, radii=(2.5, 5, 8, 12, 17, 23))
    ]
    return first_free(room, spots, walk) or least_covering(room, spots)


def _ends(room: Room, walk: Room, chips: Sequence[Chip], start: str, end: str) -> list[Label]:
    """The words at both ends of the walk, where there is room: the numbers tell it too."""
    words = {"start": start, "end": end, "both": start}
    asked = [(c, words[c.role]) for c in chips if c.role]
    found = [
        first_free(
            room, around(word, c.x, c.y, 8, radii=(c.width / 2 + 0.6, c.width / 2 + 3)), walk
        )
        for c, word in asked
    ]
    return [label for label in found if label is not None]
