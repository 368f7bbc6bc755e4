"""Several stations at once: side by side on one scale, and what they come to together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from targeting.errors import TargetingError
from targeting.locale import NO_VALUE, count_in, date_in, number_in, percent_in, text_in
from targeting.maps.board import Board, published_count, station_option
from targeting.maps.cards.certainty import Bar, bar_of, pair_words, rank_words
from targeting.maps.classes import value_in
from targeting.maps.measures import metric_key
from targeting.scoring.intervals import SHARED

FEWEST: Final = 2
MOST: Final = 4
"""Stations that a screen holds side by side."""


class Compared(NamedTuple):
    """One line of a comparison: what it says, and its value for each station."""

    label: str
    values: list[str]


class Comparison(NamedTuple):
    """Stations side by side, in the order asked for.

    bars: on one scale; None where a figure is not known. sentences: each pair, told apart or not.
    """

    ids: list[str]
    titles: list[str]
    bars: list[Bar | None]
    rows: list[Compared]
    sentences: list[str]


def compare(board: Board, ids: Sequence[str], language: str) -> Comparison:
    """Two to four stations side by side, the same asked twice once.

    Raises TargetingError for fewer or more, or a station that the board has not.
    """
    wanted = list(dict.fromkeys(ids))
    if absent := [station for station in wanted if station not in board.table.index]:
        raise TargetingError(f"no station {', '.join(absent)} on this map.")
    if not FEWEST <= len(wanted) <= MOST:
        raise TargetingError(f"{len(wanted)} stations to compare: choose {FEWEST} to {MOST}.")
    return Comparison(
        wanted,
        [station_option(board, station, language) for station in wanted],
        [bar_of(board, station, language) for station in wanted],
        _rows(board, wanted, language),
        [pair_words(board, one, other, language) for one, other in combinations(wanted, 2)],
    )


def _rows(board: Board, ids: list[str], language: str) -> list[Compared]:
    table = board.table.loc[ids]

    def label(metric: str, part: str = "label") -> str:
        return text_in(language, metric_key(metric, part, board.share))

    def counts(column: str) -> list[str]:
        return [number_in(language, value) for value in table[column]]

    def rates(column: str) -> list[str]:
        return [percent_in(language, value) for value in table[column]]

    unit = label("priority", "unit")
    rows = [
        Compared(text_in(language, "compare.rank"), [rank_words(board, s, language) for s in ids]),
        Compared(
            unit[:1].upper() + unit[1:],
            [value_in(language, "priority", value) for value in table["priority"]],
        ),
        Compared(label("abstention"), rates("abstention_rate")),
        Compared(label("left"), rates("left_share")),
        Compared(text_in(language, "compare.registered"), counts("registered")),
        Compared(text_in(language, "compare.people"), people_words(table, language)),
    ]
    if board.has_addresses:
        met = [published_count(language, value) for value in table["households_contacted"]]
        days = [date_in(language, day) for day in table["last_visit_date"]]
        rows += [
            Compared(text_in(language, "compare.households"), counts("households")),
            Compared(text_in(language, "compare.met"), met),
            Compared(text_in(language, "compare.last_visit"), days),
        ]
    return rows


def people_words(table: pd.DataFrame, language: str) -> list[str]:
    """People to go and find in each, with their interval where there is one."""
    said = []
    for row in _left_bounds(table).itertuples():
        if pd.isna(row.point):
            said.append(NO_VALUE)
        elif pd.isna(row.low):
            said.append(number_in(language, row.point))
        else:
            said.append(
                text_in(
                    language,
                    "compare.between",
                    point=number_in(language, row.point),
                    low=number_in(language, row.low),
                    high=number_in(language, row.high),
                )
            )
    return said


def _left_bounds(table: pd.DataFrame) -> pd.DataFrame:
    """`point`, `low`, `high` of the people still to go and find, in people."""
    left = 1 - table["contacted_rate"].astype("float64")
    return pd.DataFrame(
        {
            "point": table["reservoir_left"].astype("float64"),
            "low": table["reservoir_low"].astype("float64") * left,
            "high": table["reservoir_high"].astype("float64") * left,
        }
    )


SUMMED: Final = [
    "registered", "contacted_rate", "reservoir_left", "reservoir_low", "reservoir_high",
]  # fmt: skip
"""Columns of the board that a total needs; households too, where there are addresses."""


class Total(NamedTuple):
    """What some stations come to.

    people: to go and find, the households met taken off; low, high: four times in five, None where
    a station of theirs has no interval. doors: households not met yet, None without addresses.
    evenings: at the pace given, None without. words: the same in a sentence.
    """

    stations: int
    registered: int
    people: float
    low: float | None
    high: float | None
    doors: int | None
    evenings: int | None
    words: str


def total_of(
    board: Board, ids: Sequence[str], language: str, *, doors_an_evening: float | None = None
) -> Total:
    """Stations, people and doors of a choice (nothing chosen: zeros), each counted once.

    `doors_an_evening`: what the campaign's teams do together in one, where that is known. Raises
    TargetingError for a station that the board has not.
    """
    wanted = list(dict.fromkeys(ids))
    at = board.table.index.get_indexer(wanted)
    if absent := [station for station, place in zip(wanted, at, strict=True) if place < 0]:
        raise TargetingError(f"no station {', '.join(absent)} on this map.")
    return total_at(board, at, language, doors_an_evening=doors_an_evening)


def total_at(
    board: Board, at: np.ndarray, language: str, *, doors_an_evening: float | None = None
) -> Total:
    """What `total_of` says, of the stations at these places of the board."""
    summed = [*SUMMED, "households"] if board.has_addresses else SUMMED
    table = board.table[summed].iloc[at]
    bounds = _left_bounds(table)
    shared = SHARED if board.calibrations is None else board.calibrations.reservoir.shared
    people = float(bounds["point"].sum())
    low, high = sum_bounds(bounds, pd.Series(board.communes[at], index=table.index), shared)
    doors = evenings = None
    if board.has_addresses:
        left = table["households"].astype("float64") * (1 - table["contacted_rate"])
        doors = round(float(left.sum()))
        if doors_an_evening is not None and doors_an_evening > 0:
            evenings = int(np.ceil(doors / doors_an_evening))
    registered = int(table["registered"].sum())
    total = Total(len(at), registered, people, low, high, doors, evenings, "")
    return total._replace(words=_total_words(total, language))


def sum_bounds(
    bounds: pd.DataFrame, group: pd.Series, shared: float
) -> tuple[float | None, float | None]:
    """Between what a sum lies, from the interval of each of its parts.

    Parameters
    ----------
    bounds
        `point`, `low`, `high`. Parts without a point count for nothing, as in the sum.
    group
        Of each part: those of one group share a part of their errors.
    shared
        Part of each error's variance that its group has in common (`intervals.shared_part`).

    Half the width is the root of (1 − shared) Σ h² + shared Σ_groups (Σ h)²: what is a part's own
    evens out, what is shared does not. Around the sum of the middles, and never apart from the sum
    of the points. None where a part has no interval.
    """
    known = bounds[bounds["point"].notna()]
    if known.empty or known[["low", "high"]].isna().any(axis=None):
        return None, None
    half = (known["high"] - known["low"]) / 2
    together = half.groupby(group.reindex(known.index)).sum()
    width = float(np.sqrt((1 - shared) * (half**2).sum() + shared * (together**2).sum()))
    middle = float((known["high"] + known["low"]).sum() / 2)
    point = float(known["point"].sum())
    return max(min(middle - width, point), 0.0), max(middle + width, point)


def _total_words(total: Total, language: str) -> str:
    def number(value: float | None) -> str:
        return number_in(language, value)

    said = [
        count_in(language, "total.stations", total.stations, registered=number(total.registered))
    ]
    key = "total.people" if total.low is None else "total.people_between"
    said.append(
        text_in(
            language, key, people=number(total.people), low=number(total.low),
            high=number(total.high),
        )
    )  # fmt: skip
    if total.doors is not None:
        said.append(count_in(language, "total.doors", total.doors))
    if total.evenings is not None:
        said.append(count_in(language, "total.evenings", total.evenings))
    return " · ".join(said)
