"""A walk book cut into pages, before anything is drawn: which line stands on which page.

Heights are fixed (mm), so that every box is big enough and page numbers are known beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from targeting.field.books import Door, Stop, WalkBook

BODY_MM: Final = 215.4
"""What the header and the footer leave of a list page."""

HEADING_MM: Final = 9.0
LINE_MM: Final = 15.4
CLOSED_MM: Final = 7.0


@dataclass(frozen=True)
class Line:
    """One row of a list: a building's heading (`door` is None), or one of its doors.

    `is_again`: the heading stands a second time, on top of a new page.
    """

    stop: Stop
    door: Door | None = None
    is_again: bool = False

    @property
    def height(self) -> float:
        if self.door is None:
            return HEADING_MM
        return CLOSED_MM if self.door.is_closed else LINE_MM

    @property
    def code(self) -> str:
        """What a line is called: the building's number on the map, then its door."""
        return f"{self.stop.order}.{self.door.number}" if self.door else str(self.stop.order)


def list_pages(book: WalkBook) -> list[list[Line]]:
    """The lines of each list page: a heading stays with its first door, and is repeated."""
    pages: list[list[Line]] = [[]]
    left = BODY_MM
    for stop in book.stops:
        for n, door in enumerate(stop.doors):
            line = Line(stop, door)
            heading = [] if stop.is_house or n else [Line(stop)]
            if sum(row.height for row in (*heading, line)) > left and pages[-1]:
                pages.append([])
                left = BODY_MM
                heading = [] if stop.is_house else [Line(stop, is_again=n > 0)]
            pages[-1] += [*heading, line]
            left -= sum(row.height for row in (*heading, line))
    return pages


def count_pages(book: WalkBook) -> int:
    """The map, the lists, the consent slips."""
    return 1 + len(list_pages(book)) + 1


def first_pages(books: Sequence[WalkBook], index_pages: int) -> list[int]:
    """The page of a packet on which each book begins."""
    firsts, page = [], index_pages + 1
    for book in books:
        firsts.append(page)
        page += count_pages(book)
    return firsts
