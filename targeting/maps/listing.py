"""Tables that say the same as the maps, in the words and numbers of a language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from targeting.codes import station_label
from targeting.locale import NO_VALUE, number_in, percent_in, text_in
from targeting.locale.glossary import column_helps
from targeting.maps.board import Board, published_count, station_place
from targeting.maps.classes import value_in

Say = Callable[[Any], str]

DOWNLOADED: Final = [
    "priority_rank", "station_id", "place", "priority", "score", "rank", "abstention_rate",
    "left_share", "registered", "reservoir", "reservoir_left", "contacted_rate", "households",
    "households_visited", "households_contacted", "reasons",
]  # fmt: skip
"""Columns of the downloaded table; counts from 1 to 10 are missing in it."""

MEAN: Final = {True: "n_doors", False: "minutes_expected"}


@dataclass(frozen=True)
class Listing:
    """A table for a screen: rows keep their values (so they sort), cells show words.

    ids: what each row stands for; helps: explanation of a column, by its title.
    """

    ids: list[str]
    rows: pd.DataFrame
    say: dict[str, Say]
    helps: dict[str, str] = field(default_factory=dict)

    @cached_property
    def words(self) -> pd.DataFrame:
        """What each cell shows."""
        said = {
            name: [str(self.say[name](v)) for v in column] for name, column in self.rows.items()
        }
        return pd.DataFrame(said, index=self.rows.index, dtype="str")

    def part(self, at: np.ndarray) -> Listing:
        """The rows at these places, in this order; their words are not said again."""
        ids = [self.ids[place] for place in at]
        part = Listing(ids, self.rows.take(at).reset_index(drop=True), self.say, self.helps)
        part.__dict__["words"] = self.words.take(at).reset_index(drop=True)
        return part

    @cached_property
    def styled(self) -> Styler:
        """The rows with their words, for `st.dataframe`.

        What a Styler of pandas' own would have it send, but made once: pandas writes HTML for each
        cell, a tenth of a second for a city, and its random name has browsers sent the table anew
        at each run.
        """
        styled = Styler(_Said.of(self), uuid="words")
        styled._translate = _nothing_to_add
        return styled


class _Said(pd.DataFrame):  # type: ignore[misc]
    """Values that, asked for as text, are their words: so Streamlit asks what cells show."""

    _metadata = ("words",)
    words: pd.DataFrame

    @classmethod
    def of(cls, listing: Listing) -> _Said:
        said = cls(listing.rows)
        said.words = listing.words
        return said

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        return self.words if dtype is str else super().astype(dtype, *args, **kwargs)


def _nothing_to_add(*_asked: Any, **_named: Any) -> dict[str, Any]:
    """What pandas would say of colours and cells: all is said already."""
    return {}


def station_listing(board: Board, rows: pd.DataFrame, language: str) -> Listing:
    """Rows of the board in order of priority, as the screen's table shows them: what decides
    comes first, since the table lies beside the map."""

    def title(column: str) -> str:
        return text_in(language, f"table.{column}")

    def per_hundred(value: Any) -> str:
        return value_in(language, "score", value)

    def percent(value: Any) -> str:
        return percent_in(language, value)

    def count(value: Any) -> str:
        return number_in(language, value)

    def masked(value: Any) -> str:
        return published_count(language, value)

    columns: dict[str, tuple[Any, Say]] = {
        "rank": (rows["priority_rank"], count),
        "station": ([station_label(s) for s in rows.index], str),
        "priority": (rows["priority"], per_hundred),
        "reservoir_left": (rows["reservoir_left"].round(), count),
        "abstention": (rows["abstention_rate"], percent),
        board.share: (rows["left_share"], percent),
        "contacted": (rows["households_contacted"], masked),
        "place": ([station_place(board, s, language) for s in rows.index], str),
    }
    if not board.has_addresses:
        del columns["contacted"]
    table = pd.DataFrame({title(k): pd.Series(list(v)) for k, (v, _) in columns.items()})
    say = {title(k): speak for k, (_, speak) in columns.items()}
    helps = column_helps(language, columns, table="table")
    return Listing(list(rows.index), table, say, helps)


def scenario_listing(board: Board, stations: pd.DataFrame, language: str) -> Listing:
    """Votes to win back in each station under a scenario: a range, never one number."""

    def title(column: str) -> str:
        return text_in(language, f"table.{column}")

    def count(value: Any) -> str:
        return number_in(language, value)

    rows = board.table.loc[stations.index]
    columns: dict[str, tuple[Any, Say]] = {
        "station": ([station_label(s) for s in rows.index], str),
        "place": (
            [station_place(board, s, language) for s in rows.index],
            str,
        ),
        "low": (stations["low"].round(), count),
        "high": (stations["high"].round(), count),
        "rank": (rows["priority_rank"], count),
    }
    table = pd.DataFrame({title(k): pd.Series(list(v)) for k, (v, _) in columns.items()})
    say = {title(k): speak for k, (_, speak) in columns.items()}
    helps = column_helps(language, columns, table="table")
    return Listing(list(rows.index), table, say, helps)


def turf_listing(
    turfs: pd.DataFrame, language: str, hands: Mapping[str, str] | None = None
) -> Listing:
    """Turfs as the balance table shows them; `hands`: who has which, in a column where any is."""

    def title(column: str) -> str:
        return text_in(language, f"turfcol.{column}")

    def count(value: Any) -> str:
        return number_in(language, value)

    columns: dict[str, tuple[Any, Say]] = {
        "turf": (turfs["turf_id"], str),
        "rank": (turfs["rank"], count),
        "status": ([text_in(language, f"status.{s}") for s in turfs["status"]], str),
        "doors": (turfs["n_doors"], count),
        "buildings": (turfs["n_buildings"], count),
        "minutes": (turfs["minutes_expected"].round(), count),
        "walk": (turfs["walk_m"].round(), count),
        "leg": (turfs["longest_leg_m"].round(), count),
        "done": (turfs["doors_done"], count),  # knocks, not people: shown from the first
        "start": (turfs["start_address"], str),
        "stations": ([_stations(ids) for ids in turfs["station_ids"]], str),
    }
    if hands:
        columns["hands"] = (turfs["turf_id"].map(hands).fillna(""), str)
    table = pd.DataFrame({title(k): pd.Series(list(v)) for k, (v, _) in columns.items()})
    say = {title(k): speak for k, (_, speak) in columns.items()}
    helps = column_helps(language, columns, table="turfcol")
    helps |= {title("done"): text_in(language, "turfs.done_help")}
    return Listing(list(turfs["turf_id"]), table, say, helps)


def hand_listing(turfs: pd.DataFrame, language: str) -> Listing:
    """Turfs as they are weighed while they are changed by hand: see `HandBoard`."""

    def title(column: str) -> str:
        return text_in(language, f"turfcol.{column}")

    def count(value: Any) -> str:
        return number_in(language, value)

    locked = [text_in(language, "hand.locked") if x else "" for x in turfs["is_locked"]]
    columns: dict[str, tuple[Any, Say]] = {
        "turf": (turfs["turf_id"], str),
        "deviation": (turfs["deviation"], lambda v: signed_percent(language, v)),
        "minutes": (turfs["minutes_expected"].round(), count),
        "doors": (turfs["n_doors"], count),
        "buildings": (turfs["n_buildings"], count),
        "pieces": (turfs["pieces"], count),
        "leg": (turfs["longest_leg_m"].round(), count),
        "walk": (turfs["walk_m"].round(), count),
        "status": ([text_in(language, f"status.{s}") for s in turfs["status"]], str),
        "locked": (locked, str),
        "start": (turfs["start_address"], str),
    }
    table = pd.DataFrame({title(k): pd.Series(list(v)) for k, (v, _) in columns.items()})
    say = {title(k): speak for k, (_, speak) in columns.items()}
    helps = column_helps(language, columns, table="turfcol")
    helps |= {title(k): text_in(language, f"hand.{k}_help") for k in ("deviation", "pieces")}
    return Listing(list(turfs["turf_id"]), table, say, helps)


def signed_percent(language: str, share: float) -> str:
    """A share as `+12 %` or `−8 %`."""
    sign = "+" if share > 0 else "−" if share < 0 else ""
    return sign + percent_in(language, abs(share), decimals=0)


def _stations(ids: str) -> str:
    return ", ".join(station_label(s) for s in ids.split()) or NO_VALUE
