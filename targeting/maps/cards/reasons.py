"""Why a station stands where it does, in three lines, and what is to be done there, in one."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd

from targeting.locale import number_in, percent_in, text_in
from targeting.maps.board import Board
from targeting.maps.cards.certainty import rank_words, urgency_of
from targeting.scoring.product import OWN_PAST, SMALL_STATION

SAME: Final = 0.03
"""A rate within 3 % of the mean is like elsewhere."""

MOSTLY_MET: Final = 0.5

DOUBT: Final = math.log(2)
"""A past less than half its own weighs, as a reason, what twice the mean abstention does."""

REASONS: Final = 3

URGENCY: Final = {"sure": "first", "likely": "next", "open": "reserve", "not": "later"}


def answer_words(board: Board, station_id: str, language: str) -> str:
    """The answer of a card: how sure, the rank, and what to do."""
    return f"{rank_words(board, station_id, language)} {to_do(board, station_id, language)}"


def to_do(board: Board, station_id: str, language: str) -> str:
    """What to do with a station, in a sentence."""
    row = board.table.loc[station_id]
    if pd.isna(row["priority_rank"]):
        small = row["registered"] < SMALL_STATION
        return text_in(language, "do.small" if small else "do.unknown")
    if row["contacted_rate"] >= MOSTLY_MET:
        return text_in(language, "do.met", rate=percent_in(language, row["contacted_rate"]))
    urgency = URGENCY[urgency_of(board, station_id)]
    people = row["reservoir_left"]
    if pd.isna(people):
        return text_in(language, f"do.{urgency}")
    return text_in(language, f"do.{urgency}_people", people=number_in(language, people))


def reasons_of(board: Board, station_id: str, language: str) -> list[str]:
    """Exactly three lines: the two that weigh most, then how many people there are.

    A rate weighs as it strays from the campaign's mean, households met by what they took off, a
    past of others as DOUBT.
    """
    row = board.table.loc[station_id]
    weighed = [
        _rate(row["abstention_rate"], board.means["abstention_rate"], "abstention", "", language),
        _rate(
            row["left_share"], board.means["left_share"], "left",
            text_in(language, f"metric.{board.share}"), language,
        ),
        *_met(row, language),
        *_doubt(row, language),
    ]  # fmt: skip
    weighed.sort(key=lambda pair: -pair[0])  # stable: the rates stand first where all is equal
    return [line for _, line in weighed[: REASONS - 1]] + [_people(row, language)]


Weighed = tuple[float, str]


def _rate(value: float, mean: float, name: str, share: str, language: str) -> Weighed:
    if pd.isna(value):
        return DOUBT, text_in(language, f"why.{name}_unknown", share=share)
    gap = 0.0
    if value > 0 and mean > 0:
        gap = float(np.log(value / mean))
    elif mean > 0:
        gap = -np.inf
    way = "same" if abs(gap) < SAME else "more" if gap > 0 else "less"
    rates = {"rate": percent_in(language, value), "mean": percent_in(language, mean)}
    return abs(gap), text_in(language, f"why.{name}_{way}", share=share, **rates)


def _met(row: pd.Series, language: str) -> list[Weighed]:
    rate = float(row["contacted_rate"])
    if not rate > 0:
        return []
    weight = -math.log(1 - rate) if rate < 1 else math.inf
    return [(weight, text_in(language, "why.met", rate=percent_in(language, rate)))]


def _doubt(row: pd.Series, language: str) -> list[Weighed]:
    own = row.get("history_share", 1.0)
    if pd.isna(own) or own >= OWN_PAST:
        return []
    return [(DOUBT / max(own / OWN_PAST, 0.1), text_in(language, "why.doubt"))]


def _people(row: pd.Series, language: str) -> str:
    registered = number_in(language, row["registered"])
    people = row["reservoir_left"]
    if pd.isna(people):
        return text_in(language, "why.registered", registered=registered)
    if pd.isna(row["reservoir_low"]):
        return text_in(
            language, "why.people", people=number_in(language, people), registered=registered
        )
    left = 1 - row["contacted_rate"]
    return text_in(
        language,
        "why.people_between",
        people=number_in(language, people),
        low=number_in(language, row["reservoir_low"] * left),
        high=number_in(language, row["reservoir_high"] * left),
        registered=registered,
    )
