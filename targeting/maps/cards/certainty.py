"""How sure a rank is, in words: among the first ones or not, and two stations told apart or not."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from targeting.codes import commune_of, station_label
from targeting.locale import election_in, number_in, ordinal_in, text_in
from targeting.maps.board import Board
from targeting.maps.measures import metric_key
from targeting.scoring.ranks import LIKELY, SURE, Z, chance_above, first_ones

LADDER: Final = (
    3, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1_000, 1_500, 2_000,
    3_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000,
)  # fmt: skip
"""“The first K” that a sentence names: round numbers."""

AS_LIKELY: Final = 0.5
UNLIKELY: Final = 0.05
"""Among the first K: surely from SURE on, probably from here on, surely not under UNLIKELY
(SCIENCE 9.4)."""


def steps_of(count: int) -> list[int]:
    """The K that mean something among `count` ranked stations: up to half of them."""
    return [k for k in LADDER if 2 * k <= count]


def first_step(count: int) -> int | None:
    """The K that “the first ones” are in words: the round number nearest to a fifth."""
    steps = steps_of(count)
    fifth = first_ones(count, None)
    return min(steps, key=lambda k: abs(np.log(k / fifth))) if steps else None


def how_first(chance: float) -> str:
    """`sure`, `likely`, `open` or `not`: a chance to be among the first ones, in a word."""
    if chance >= SURE:
        return "sure"
    if chance >= AS_LIKELY:
        return "likely"
    return "open" if chance >= UNLIKELY else "not"


class Standing(NamedTuple):
    """Among which first ones a station is said to be, and how surely (`how_first`)."""

    k: int
    how: str


def standing_of(board: Board, station_id: str) -> Standing | None:
    """The fewest first ones a station is surely among; else how it stands towards the first ones.

    Nothing where its rank has no interval, or too few stations are ranked.
    """
    usual = first_step(board.ranked)
    if usual is None or np.isnan(board.first_chance(station_id, usual)):
        return None
    steps = steps_of(board.ranked)
    at = bisect_left(steps, SURE, key=lambda k: board.first_chance(station_id, k))
    if at < len(steps):
        return Standing(steps[at], "sure")
    return Standing(usual, how_first(board.first_chance(station_id, usual)))


def urgency_of(board: Board, station_id: str) -> str:
    """How a station stands towards the usual first ones: what is to be done follows from it.

    Where no interval is known, by its rank alone.
    """
    usual = first_step(board.ranked) or 1
    chance = board.first_chance(station_id, usual)
    if np.isnan(chance):
        return "likely" if board.table.at[station_id, "priority_rank"] <= usual else "not"
    return how_first(chance)


def rank_words(board: Board, station_id: str, language: str) -> str:
    """How surely it is among the first ones, its rank, and between which: one line."""
    row = board.table.loc[station_id]
    if pd.isna(row["priority_rank"]):
        return text_in(language, "card.unranked") + "."
    standing = standing_of(board, station_id)
    said = []
    if standing is not None:
        k = number_in(language, standing.k)
        said.append(text_in(language, f"certain.{standing.how}", k=k))
    rank = ordinal_in(language, int(row["priority_rank"]))
    count = number_in(language, board.ranked)
    low, high = row.get("priority_rank_low"), row.get("priority_rank_high")
    if pd.isna(low) or low == high:
        said.append(text_in(language, "certain.rank", rank=rank, count=count))
    else:
        ends = [ordinal_in(language, int(end)) for end in (low, high)]
        said.append(
            text_in(
                language, "certain.rank_between", rank=rank, count=count, low=ends[0], high=ends[1]
            )
        )
    return " ".join(said)


def source_words(board: Board, language: str) -> str:
    """Where the spread behind the intervals comes from: learnt here, or shipped; never silent."""
    if board.errors is None or board.calibrations is None:
        return text_in(language, "certain.none")
    tau = board.calibrations.tau
    if not tau.is_own:
        return text_in(language, "certain.shipped")
    election = election_in(language, tau.t1)
    stations = number_in(language, tau.stations)
    return text_in(language, "certain.own", election=election, stations=stations)


class Bar(NamedTuple):
    """The figure of a station as a bar, per 100 registered voters: the point is never outside.

    low, high: four times in five, None where there is no interval. mean: the campaign's. top: end
    of the scale, the same for every station of the board. words: the same in a sentence.
    """

    point: float
    low: float | None
    high: float | None
    mean: float
    top: float
    words: str


def bar_of(board: Board, station_id: str, language: str) -> Bar | None:
    """The bar of a station; nothing where its figure is not known."""
    row = board.table.loc[station_id]
    point = float(row["priority"])
    if np.isnan(point):
        return None
    low = high = None
    if board.errors is not None and pd.notna(board.errors.at[station_id, "sigma"]):
        spread = float(np.exp(Z * board.errors.at[station_id, "sigma"]))
        low, high = 100 * point / spread, min(100 * point * spread, 100.0)
    mean = float(100 * board.means["priority"])

    def figure(value: float) -> str:
        return number_in(language, value, decimals=1)

    key = "bar.words" if low is None else "bar.words_between"
    words = text_in(
        language,
        key,
        point=figure(100 * point),
        low=figure(low or 0.0),
        high=figure(high or 0.0),
        mean=figure(mean),
        unit=text_in(language, metric_key("priority", "unit", board.share)),
    )
    return Bar(100 * point, low, high, mean, _top(board), words)


def _top(board: Board) -> float:
    """End of the bars' scale: the widest interval of the ten first, rounded up to ten."""
    first = board.table["priority"].head(10)
    ends = first.astype("float64")
    if board.errors is not None:
        ends = ends * np.exp(Z * board.errors["sigma"].reindex(first.index).fillna(0.0))
    highest = float(ends.max()) if len(ends) else float("nan")
    return 100.0 if np.isnan(highest) else float(min(10 * np.ceil(10 * highest), 100.0))


def pair_words(board: Board, one: str, other: str, language: str) -> str:
    """Whether one of two stations is ahead: surely, probably, or nobody can tell."""
    if board.errors is None or board.errors.loc[[one, other], "sigma"].isna().any():
        return _of_pair(board, "unknown", one, other, language)
    chance = chance_above(*board.errors.loc[one], *board.errors.loc[other])
    ahead, behind = (one, other) if chance >= 0.5 else (other, one)
    return _of_pair(board, how_apart(max(chance, 1 - chance)), ahead, behind, language)


def how_apart(chance: float) -> str:
    """`sure`, `likely` or `open`: the chance that the one is ahead of the other, in a word."""
    return "sure" if chance >= SURE else "likely" if chance >= LIKELY else "open"


def _of_pair(board: Board, how: str, one: str, other: str, language: str) -> str:
    names = [_named(board, station, language) for station in (one, other)]
    words = text_in(language, f"pair.{how}", first=names[0], second=names[1])
    return words[:1].upper() + words[1:]


def _named(board: Board, station_id: str, language: str) -> str:
    """A station in a sentence: its number, with its commune where there are several."""
    number = station_label(station_id)
    if board.has_communes:
        return text_in(language, "pair.station_of", number=number, commune=commune_of(station_id))
    return text_in(language, "pair.station", number=number)
