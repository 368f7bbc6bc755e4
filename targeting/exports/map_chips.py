"""Order numbers on a walk book's map: one a building, a range where they crowd."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import cos, pi, sin
from typing import Final

from targeting.exports.map_labels import MM_A_POINT, Disc, Room, bar_discs
from targeting.field.books import Stop

CHIP_PT: Final = 9.0
CHIP_H: Final = 3.9
DOT: Final = 0.75
"""Half of a building's dot, mm."""

NEAR_MM: Final = (3.2, 5.0, 7.0, 9.5)
FAR_MM: Final = (13.0, 17.0, 22.0)
"""A number farther off than the first ring set is joined to others in a range, if it can be."""

PASSES: Final = 12


@dataclass(frozen=True)
class Chip:
    """The order numbers of one stop, or of some that follow one another in a street.

    `shape`: `odd`, `even`, or `range`; `role`: `start`, `end`, `both` or empty.
    """

    text: str
    x: float
    y: float
    width: float
    shape: str
    role: str
    at: tuple[float, float]


def place_chips(
    room: Room, stops: Sequence[Stop], at: Sequence[tuple[float, float]], dots: Sequence[Disc]
) -> list[Chip]:
    """A number for each stop; where they crowd, one range for those that follow in a street."""
    groups = [[n] for n in range(len(stops))]
    for _ in range(PASSES):
        placed, failed = _try_groups(room, stops, at, dots, groups)
        merged = _merge(groups, failed, stops)
        if len(merged) == len(groups):
            break
        groups = merged
    chips = []
    for n, group in enumerate(groups):
        chip = placed[n] or _forced(room, _chip(stops, at, group))
        chips.append(chip)
        room.take(_chip_discs(chip))
    return chips


def _try_groups(
    room: Room,
    stops: Sequence[Stop],
    at: Sequence[tuple[float, float]],
    dots: Sequence[Disc],
    groups: Sequence[Sequence[int]],
) -> tuple[list[Chip | None], set[int]]:
    """Place each group's chip around its middle, none over another; which had no room."""
    fresh = Room(room.width, room.height)
    placed: list[Chip | None] = []
    for group in groups:
        chip = _chip(stops, at, group)
        own = frozenset(dots[n] for n in group)
        spot = next(
            (
                c
                for c in _spots(chip)
                if room.free(discs := _chip_discs(c), own) and fresh.free(discs)
            ),
            None,
        )
        if spot is not None:
            fresh.take(_chip_discs(spot))
        placed.append(spot)
    return placed, {n for n, chip in enumerate(placed) if chip is None}


def _merge(groups: list[list[int]], failed: set[int], stops: Sequence[Stop]) -> list[list[int]]:
    """Join each group that had no room with a neighbour of its street, in the order of the walk."""
    merged: list[list[int]] = []
    joining = False
    for n, group in enumerate(groups):
        before = merged[-1] if merged else None
        same = before is not None and stops[before[-1]].street_key == stops[group[0]].street_key
        if before is not None and same and (joining or n in failed):
            before.extend(group)
            joining = False
        else:
            merged.append(list(group))
            joining = n in failed
    return merged


def _chip(stops: Sequence[Stop], at: Sequence[tuple[float, float]], group: Sequence[int]) -> Chip:
    first, last = stops[group[0]].order, stops[group[-1]].order
    text = str(first) if len(group) == 1 else f"{first}–{last}"
    middle = at[group[len(group) // 2]]
    is_first, is_last = group[0] == 0, group[-1] == len(stops) - 1
    role = "both" if is_first and is_last else "start" if is_first else "end" if is_last else ""
    shape = (stops[group[0]].side or "odd") if len(group) == 1 else "range"
    width = max(len(text) * CHIP_PT * MM_A_POINT * 0.51 + 1.7, CHIP_H)
    return Chip(text, *middle, width, shape, role, middle)


def _chip_discs(chip: Chip) -> list[Disc]:
    return bar_discs(chip.x, chip.y, chip.width + 0.5, CHIP_H + 0.5)


def _spots(chip: Chip, radii: Sequence[float] = NEAR_MM) -> Iterable[Chip]:
    """On the building, then around it, nearest first."""
    yield chip
    for radius in radii:
        for turn in range(12):
            dx, dy = cos(turn * pi / 6), sin(turn * pi / 6)
            reach = radius + abs(dx) * (chip.width - CHIP_H) / 2
            yield replace(chip, x=chip.x + dx * reach, y=chip.y + dy * radius)


def _forced(room: Room, chip: Chip) -> Chip:
    spots = _spots(chip, (*NEAR_MM, *FAR_MM))
    return min(spots, key=lambda c: room.hits(_chip_discs(c)))
