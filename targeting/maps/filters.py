"""What a strategist filters stations by, and how a sheet tells it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from targeting.locale import date_in, percent_in, text_in
from targeting.maps.board import Board, sector_words


@dataclass(frozen=True)
class Filters:
    """Stations shown; ranks and classes stay those of the whole campaign.

    min_abstention, min_left: rates; at 0 a station without the measure passes. not_visited_since:
    stations whose last visit was before that day, or that had none. is_sure: those alone whose past
    is sure; sectors: of each kind (`Board.sectors`) those wanted, none being any.
    """

    min_abstention: float = 0.0
    min_left: float = 0.0
    not_visited_since: date | None = None
    is_sure: bool = False
    sectors: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def key(self) -> Hashable:
        """The same for filters that ask the same."""
        wanted = sorted((kind, frozenset(codes)) for kind, codes in self.sectors.items() if codes)
        return (
            self.min_abstention, self.min_left, self.not_visited_since, self.is_sure,
            tuple(wanted),
        )  # fmt: skip

    def passing(self, board: Board) -> pd.Index:
        """Stations of the board that pass, in its order."""
        return board.table.index[self.which_pass(board)]

    def which_pass(self, board: Board) -> np.ndarray:
        """Of each station of the board, whether it passes."""
        return board.which_pass(
            min_abstention=self.min_abstention,
            min_left=self.min_left,
            not_visited_since=self.not_visited_since,
            is_sure=self.is_sure,
            sectors=self.sectors,
        )

    def rows(self, board: Board, area: pd.Index) -> pd.DataFrame:
        """Rows of the board that are of that area and pass, in its order."""
        passing = self.passing(board)
        return board.table.loc[passing[passing.isin(area)]]

    def told(self, board: Board, language: str) -> list[str]:
        """Each filter that is on, in words."""
        share = text_in(language, f"metric.{board.share}")
        told = []
        if self.min_abstention > 0:
            rate = percent_in(language, self.min_abstention, decimals=0)
            told.append(text_in(language, "filter.abstention", rate=rate))
        if self.min_left > 0:
            rate = percent_in(language, self.min_left, decimals=0)
            told.append(text_in(language, "filter.left", share=_lower(share), rate=rate))
        if self.not_visited_since is not None:
            day = date_in(language, self.not_visited_since)
            told.append(text_in(language, "filter.not_visited", day=day))
        if self.is_sure:
            told.append(text_in(language, "filter.sure"))
        for kind, wanted in self.sectors.items():
            if wanted and kind in board.sectors:
                named = [sector_words(board, kind, code, language) for code in wanted]
                told.append(", ".join(named))
        return told


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
