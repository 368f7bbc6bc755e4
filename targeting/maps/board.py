"""The board: everything the map, its table and its cards say of the stations, in one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from targeting.codes import (
    ARRONDISSEMENT_COMMUNES,
    arrondissement_of,
    commune_of,
    commune_of_arrondissement,
    department_of,
    station_label,
)
from targeting.locale import LANGUAGES, NO_VALUE, number_in, ordinal_in, percent_in, text_in
from targeting.maps.classes import value_in
from targeting.maps.measures import share_name
from targeting.maps.once import Once
from targeting.scoring.basis import Basis
from targeting.scoring.calibration import Calibrations
from targeting.scoring.priorities import SMALLEST_CELL
from targeting.scoring.ranks import chance_above, threshold_of
from targeting.stations.joins import Join
from targeting.streetnames import plain as spelled

SECTORS: Final = ("quarter", "arrondissement", "constituency")
"""Kinds of sectors that stations are filtered by; those that a place has are offered."""

NO_SECTORS: Final[Mapping[str, Collection[str]]] = MappingProxyType({})


@dataclass(frozen=True)
class Board:
    """Stations of the campaign, highest priority first.

    table: indexed by station_id, the columns of Scores and Priorities, `contacted_rate`, Coverage
    as `publish_coverage` lets it out (missing count: from 1 to 10), `place` (may be empty),
    `vintage` and `origin` of the outline (missing: none); `tide` (`scoring.tide`, for classes);
    `priority_rank_low`, `priority_rank_high` where the rank has an interval; where quarters are
    known `quarter` (missing: in none).
    abstentions: rate at each low election of `basis`, same index.
    join: how the outlines fit the results; nothing without outlines. dots: the same of the points
    that stand where no outline does.
    terms: what each term of the score brings (see scoring.explain), same index; where the order
    is one of the stock, `score_low`, `score_high`, `rank_low`, `rank_high` too.
    errors: `x` and `sigma` of the priority (`scoring.ranks`), same index; none, no interval.
    calibrations: where intervals come from.
    """

    table: pd.DataFrame
    abstentions: pd.DataFrame
    basis: Basis
    target: list[str]
    credits: list[str]
    has_addresses: bool
    join: Join | None = field(default=None)
    terms: pd.DataFrame | None = field(default=None)
    dots: Join | None = field(default=None)
    errors: pd.DataFrame | None = field(default=None)
    calibrations: Calibrations | None = field(default=None)

    @property
    def share(self) -> str:
        """How screens name the share of votes: `left` or `target`."""
        return share_name(self.target)

    @property
    def is_painted(self) -> bool:
        """Whether the outlines are those of the results: else nothing is painted."""
        return self.join is not None and self.join.is_sound

    @property
    def is_dotted(self) -> bool:
        """Whether the points are those of the results: else no dot is drawn."""
        return self.dots is not None and self.dots.is_sound

    @cached_property
    def once(self) -> Once:
        """What was made of this board, which never changes."""
        return Once()

    @cached_property
    def doubts(self) -> np.ndarray:
        """Of each station, whether its past is uncertain for an election that the score rests
        on."""
        return np.asarray(self.table["reasons"].str.contains("uncertain:", regex=False), bool)

    @cached_property
    def doubtful(self) -> pd.Index:
        """Those stations."""
        return self.table.index[self.doubts]

    @cached_property
    def communes(self) -> np.ndarray:
        """Of each station, a number that is its commune's, in the order of their codes."""
        codes = pd.Series(map(commune_of, self.table.index), dtype="str")
        return np.asarray(pd.factorize(codes, sort=True)[0])

    @cached_property
    def dotted(self) -> int:
        """How many stations have a point and no outline."""
        return int((self.table["origin"] == "points").sum())

    @cached_property
    def unplaced(self) -> int:
        """How many stations have neither outline nor point."""
        return int(self.table["origin"].isna().sum())

    @cached_property
    def ranked(self) -> int:
        """How many stations have a rank."""
        return int(self.table["priority_rank"].notna().sum())

    @cached_property
    def means(self) -> pd.Series:
        """Mean of each rate over the ranked stations, by registered voters; the campaign's own."""
        rows = self.table[self.table["priority_rank"].notna()]
        weight = rows["registered"].astype("float64")
        rates = rows[["abstention_rate", "left_share", "priority"]].astype("float64")
        return rates.mul(weight, axis=0).sum() / (weight.sum() or float("nan"))

    @cached_property
    def _options(self) -> dict[str, dict[str, str]]:
        return {}

    @cached_property
    def _levels(self) -> dict[int, float]:
        return {}

    def first_chance(self, station_id: str, k: int) -> float:
        """How likely a station is among the first K; missing where its rank has no interval."""
        if self.errors is None or pd.isna(self.errors.at[station_id, "sigma"]):
            return float("nan")
        x, sigma = self.errors["x"], self.errors["sigma"]
        if k not in self._levels:
            self._levels[k] = threshold_of(x, sigma, k)
        return chance_above(x[station_id], sigma[station_id], self._levels[k], 0.0)

    @cached_property
    def places(self) -> dict[str, str]:
        """The polling place of each station; empty where it is not known."""
        return dict(zip(self.table.index, self.table["place"], strict=True))

    @cached_property
    def quarters(self) -> dict[str, str]:
        """The quarter of each station that has one."""
        if "quarter" not in self.table:
            return {}
        return dict(self.table["quarter"].dropna().items())

    @cached_property
    def sectors(self) -> dict[str, pd.Series]:
        """What stations can be filtered by, of a kind of SECTORS each, where there is a choice.

        A Series of the board's stations each: the quarter's label, the Insee code of the
        arrondissement, the constituency's code; missing where a station has none.
        """
        stations = self.table.index
        arrondissements = [arrondissement_of(station) or None for station in stations]
        found = {
            "quarter": self.table.get("quarter"),
            "arrondissement": pd.Series(arrondissements, index=stations, dtype="str"),
            "constituency": self.table.get("constituency_code"),
        }
        return {
            kind: column for kind, column in found.items()
            if column is not None and column.nunique() > 1
        }  # fmt: skip

    @cached_property
    def has_departments(self) -> bool:
        """Whether constituencies are of several departments: they are named with theirs then."""
        column = self.sectors.get("constituency")
        codes = [] if column is None else column.dropna().unique()
        return len({department_of(code) for code in codes}) > 1

    @cached_property
    def sector_codes(self) -> dict[str, list[str]]:
        """The sectors of each kind, in the order of a list."""
        return {
            kind: sorted(column.dropna().unique(), key=spelled)
            for kind, column in self.sectors.items()
        }

    @cached_property
    def has_communes(self) -> bool:
        """Whether there are several communes: a station's number is then not enough to name it."""
        return len({commune_of(station) for station in self.table.index}) > 1

    def passing(self, **filters: Any) -> pd.Index:
        """Stations that pass the filters (see `which_pass`), in order, ranks unchanged."""
        return self.table.index[self.which_pass(**filters)]

    def which_pass(
        self,
        *,
        min_abstention: float = 0.0,
        min_left: float = 0.0,
        not_visited_since: date | None = None,
        is_sure: bool = False,
        sectors: Mapping[str, Collection[str]] = NO_SECTORS,
    ) -> np.ndarray:
        """Of each station, whether it passes; a filter at 0 lets unknown values pass.

        `not_visited_since`: last visit before that day, or none; `is_sure`: no uncertain past;
        `sectors`: of each kind (see `sectors`) those wanted, none being any.
        """
        keep = pd.Series(True, index=self.table.index)
        if min_abstention > 0:
            keep &= (self.table["abstention_rate"] >= min_abstention).fillna(False)
        if min_left > 0:
            keep &= (self.table["left_share"] >= min_left).fillna(False)
        if not_visited_since is not None:
            visited = pd.to_datetime(self.table["last_visit_date"])
            keep &= ~(visited >= pd.Timestamp(not_visited_since)).fillna(False)
        if is_sure:
            keep &= ~self.doubts
        for kind, wanted in sectors.items():
            if wanted and kind in self.sectors:
                keep &= self.sectors[kind].isin(list(wanted))
        return np.asarray(keep, bool)


def sector_words(board: Board, kind: str, code: str, language: str) -> str:
    """What a sector is called: `Le Panier`, `3e arrondissement`, `4e circonscription`.

    Where the board has several cities, or departments, they are named too.
    """
    if kind == "quarter":
        return code
    if kind == "arrondissement":
        commune = commune_of_arrondissement(code)
        number = code.removeprefix(ARRONDISSEMENT_COMMUNES.get(commune, ""))
        where = commune if board.has_communes else ""
    else:
        where, number = department_of(code), code[len(department_of(code)) :]
        if not board.has_departments:
            where = ""
    if not number.isdigit():
        return code
    first = "_first" if int(number) == 1 and kind == "constituency" else ""
    named = text_in(language, f"place.{kind}{first}", rank=ordinal_in(language, int(number)))
    return f"{where} · {named}" if where else named


def kept_sector(board: Board, kind: str, code: str, language: str) -> str:
    """What `sector_words` says, made once per board and language: a country has six hundred."""
    made: dict[str, str] = board.once.of(("sectors", kind, language), dict)
    if code not in made:
        made[code] = sector_words(board, kind, code, language)
    return made[code]


def station_place(board: Board, station_id: str, language: str) -> str:
    """The commune's code where there are several; the polling place, else the quarter, else the
    arrondissement."""
    commune = commune_of(station_id)
    place = board.places[station_id]
    number = station_id.split("_", 1)[1]
    place = place or board.quarters.get(station_id, "")
    if not place and commune in ARRONDISSEMENT_COMMUNES and number[:2].isdigit():
        rank = ordinal_in(language, int(number[:2]))
        place = text_in(language, "place.arrondissement", rank=rank)
    return " · ".join(part for part in (commune if board.has_communes else "", place) if part)


def station_option(board: Board, station_id: str, language: str) -> str:
    """The station in a list to choose from: number and place."""
    title = text_in(language, "card.title", number=station_label(station_id))
    place = station_place(board, station_id, language)
    return f"{title} · {place}" if place else title


def kept_option(board: Board, station_id: str, language: str) -> str:
    """What `station_option` says, made once per board and language: lists hold a thousand."""
    made = board._options.setdefault(language, {})
    if station_id not in made:
        made[station_id] = station_option(board, station_id, language)
    return made[station_id]


def published_count(language: str, count: int | None) -> str:
    """A count of households as it may be shown: `< 11` where it is masked."""
    return text_in(language, "few") if pd.isna(count) else number_in(language, count)


def tooltips(board: Board, stations: pd.Index | None = None) -> dict[str, pd.Series]:
    """Text under the pointer for each station (of these), one Series a language. Plain text."""
    rows = board.table if stations is None else board.table.loc[stations]
    share = f"metric.{board.share}"
    told = {}
    for language in LANGUAGES:
        names = {
            key: text_in(language, f"metric.{key}") for key in ("priority", "abstention", "score")
        } | {"left": text_in(language, share)}
        colon = "\u00a0: " if language == "fr" else ": "
        lines = []
        for row in rows.itertuples():
            rank = NO_VALUE
            if pd.notna(row.priority_rank):
                rank = f"{ordinal_in(language, int(row.priority_rank))} / {board.ranked}"
            lines.append(
                "\n".join(
                    [
                        station_option(board, row.Index, language),
                        f"{names['priority']}{colon}{rank}",
                        f"{names['score']}{colon}{value_in(language, 'score', row.score)}",
                        f"{names['abstention']}{colon}{percent_in(language, row.abstention_rate)}",
                        f"{names['left']}{colon}{percent_in(language, row.left_share)}",
                    ]
                )
            )
        told[language] = pd.Series(lines, index=rows.index, dtype="str")
    return told


def few_met(board: Board, station_id: str) -> bool:
    """Whether too few households were met there to move anything shown."""
    met = board.table.at[station_id, "households_contacted"]
    return bool(pd.isna(met) or met < SMALLEST_CELL)
