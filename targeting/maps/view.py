"""What a place and filters leave of a board, and what screens say of it, each made once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from targeting.maps.board import Board
from targeting.maps.cards.compare import total_at, total_of
from targeting.maps.classes import Classes
from targeting.maps.files import metric_classes
from targeting.maps.filters import Filters
from targeting.maps.legend import counted
from targeting.maps.listing import Listing, station_listing
from targeting.maps.measures import COLUMNS
from targeting.maps.once import Once, Same
from targeting.maps.workbench import MOST_DRAWN

VIEWS: Final = 16
"""Choices of place and filters whose answers are kept, of each board."""

ANSWERS: Final = 16
"""Answers kept of each: pages of its table, totals of a choice."""


class View:
    """The stations of a board that are in an area and pass filters, in its order.

    A choice, a measure or another window asks the same view again: `view_of` gives the one of
    before. Nothing here changes.
    """

    def __init__(self, board: Board, area: pd.Index, filters: Filters) -> None:
        self.board, self.area = board, area
        stations = board.table.index
        is_all = len(area) == len(stations)
        self._inside = np.ones(len(stations), bool) if is_all else stations.isin(area)
        self._shown = self._inside & filters.which_pass(board)
        self.stations = stations if self._shown.all() else stations[self._shown]
        self._once = Once(ANSWERS)

    def __len__(self) -> int:
        return len(self.stations)

    @property
    def is_whole(self) -> bool:
        """Whether no station is left out."""
        return len(self.stations) == len(self.board.table)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """One row a station and no column: a table takes what it shows of it from the board."""
        return pd.DataFrame(index=self.stations)

    def classes(self, metric: str) -> Classes:
        """The campaign's classes, with how many of these stations are in each."""
        classes = metric_classes(self.board)[metric]
        if self.is_whole:
            return classes
        values = self.board.table[COLUMNS[metric]]
        return self._once.of(("classes", metric), lambda: counted(classes, values[self._shown]))

    @cached_property
    def doubtful(self) -> int:
        """How many of these stations are hatched."""
        return int((self.board.doubts & self._shown).sum())

    @cached_property
    def dotted(self) -> int:
        """How many of them have a point and no outline, where dots are drawn."""
        origins = self.board.table["origin"][self._shown]
        return int((origins == "points").sum()) if self.board.is_dotted else 0

    @cached_property
    def unplaced(self) -> int:
        """How many of them have neither outline nor point."""
        return int(self.board.table["origin"][self._shown].isna().sum())

    @cached_property
    def hidden(self) -> list[str]:
        """Stations of the area that a filter takes away: the map pales them."""
        return list(self.board.table.index[self._inside & ~self._shown])

    def named(self, chosen: Sequence[str], count: int) -> list[str]:
        """The first stations of the area, whatever filters say, and before them those chosen that
        are not among them: the list of before, where a choice changes nothing of it."""
        first = self._once.of(("first", count), lambda: list(self.area[:count]))
        others = [station for station in chosen if station not in set(first)]
        return [*others, *first] if others else first

    def total_words(self, chosen: Sequence[str], language: str) -> str:
        """What the chosen stations come to, or all that are shown."""
        if asked := tuple(chosen):
            return self.board.once.of(
                ("total", asked, language), lambda: total_of(self.board, asked, language).words
            )
        at = np.flatnonzero(self._shown)
        return self._once.of(("total", language), lambda: total_at(self.board, at, language).words)

    def listing(self, page: pd.DataFrame, language: str) -> Listing:
        """A page of `rows` as the screen's table shows it."""
        start = page.index[0] if len(page) else ""

        def made() -> Listing:
            if len(self.board.table) > MOST_DRAWN:
                return station_listing(self.board, self.board.table.loc[page.index], language)
            at = self.board.table.index.get_indexer(page.index)
            return _whole_listing(self.board, language).part(at)

        return self._once.of(("listing", start, len(page), language), made)


def _whole_listing(board: Board, language: str) -> Listing:
    """Every station in words, of which any view's page is a part: a city, not a country."""
    return board.once.of(
        ("listing", language), lambda: station_listing(board, board.table, language)
    )


def view_of(board: Board, area: pd.Index, filters: Filters) -> View:
    """What this area and these filters leave of the board: the view of before, if it was asked."""
    views: Once = board.once.of("views", lambda: Once(VIEWS))
    return views.of((Same(area), filters.key), lambda: View(board, area, filters))
