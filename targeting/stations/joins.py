"""Do outlines and results speak of the same stations? The figure, and the refusal below 80 %."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from targeting.codes import held_on, parse_election_id
from targeting.errors import JoinError

LEAST_JOIN: Final = 0.80
"""Under this share of stations found, the codes are another numbering: nothing is painted.
Intact vintages join at 94 to 100 %, renumbered ones at 19 % by accident."""

RENUMBERED_GAP: Final = 0.10
"""A median gap of registered voters above 10 % means other stations under the same codes."""


@dataclass(frozen=True)
class Join:
    """How many stations of one election have an outline of the same code.

    rate: share of the election's stations found; gap: median relative difference of registered
    voters on those found, where the outlines give theirs; outlines: how many there are.
    """

    election_id: str
    stations: int
    found: int
    gap: float | None = None
    outlines: int = 0

    @property
    def is_part(self) -> bool:
        """Whether the outlines are stations of the election, but of a part of the communes only."""
        return self.rate < LEAST_JOIN <= self.found / max(self.outlines, 1)

    @property
    def rate(self) -> float:
        return self.found / self.stations if self.stations else 0.0

    @property
    def is_sound(self) -> bool:
        return self.rate >= LEAST_JOIN and (self.gap is None or self.gap <= RENUMBERED_GAP)

    def sentence(self) -> str:
        """`2022_pres_t1: 468 of 481 stations have an outline (97.3 %)`."""
        text = (
            f"{self.election_id}: {self.found:,} of {self.stations:,} stations have an outline "
            f"({self.rate:.1%})"
        )
        return text if self.gap is None else f"{text}, registered voters {self.gap:.0%} apart"


def join_outlines(
    outlines: pd.DataFrame,
    turnout: pd.DataFrame,
    *,
    election_id: str,
    registered: pd.Series | None = None,
) -> Join:
    """Compare the codes of outlines with those of one election, in the communes of the outlines.

    Parameters
    ----------
    outlines, turnout
        Tables Stations and Turnout (or any with `station_id`; `registered` for the latter).
    registered
        Voters that the outlines' publication gives, indexed by station_id.
    """
    communes = set(outlines["commune_code"])
    there = turnout[turnout["station_id"].str.split("_").str[0].isin(list(communes))]
    both = there[there["station_id"].isin(outlines["station_id"])]
    gap = None
    if registered is not None and len(both):
        now = both.set_index("station_id")["registered"]
        then = registered.reindex(now.index)
        known = then.notna() & (now > 0)
        gap = float(((then - now).abs() / now)[known].median()) if known.any() else None
    return Join(election_id, len(there), len(both), gap, len(outlines))


def best_sound_join(name: str, joins: list[Join]) -> Join:
    """The election that fits the outlines best, the latest of equals.

    Raises JoinError if none is sound.
    The figures are in the message: a map painted on other stations looks right and is wrong.
    """
    sound = [j for j in joins if j.is_sound]
    if not sound:
        told = "; ".join(j.sentence() for j in joins)
        if parts := [j for j in joins if j.is_part]:
            raise JoinError(
                f"{name}: refused, these outlines are of a part of the commune: of its "
                f"{parts[-1].outlines:,}, {parts[-1].found:,} are stations of the results. {told}. "
                f"At least {LEAST_JOIN:.0%} is needed: look for outlines of the whole commune."
            )
        raise JoinError(
            f"{name}: refused, these outlines are not those of the results. {told}. At least "
            f"{LEAST_JOIN:.0%} is needed: the stations were renumbered or redrawn since. Look for "
            "outlines of the same years, or import the results of the outlines' own year."
        )
    rate = max(j.rate for j in sound)
    equals = [j for j in sound if j.rate == rate]
    if len(equals) == 1:
        return equals[0]
    return max(equals, key=lambda j: held_on(parse_election_id(j.election_id)))
