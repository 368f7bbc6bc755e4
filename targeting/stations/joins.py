"""Do outlines and results speak of the same stations? The figures, and the refusal below them.

One function decides (`join_outlines`): what is imported, what `health` says, what maps paint and
what the ledger follows are its answers. Codes, rolls, and where the outlines lie must all agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import geopandas as gpd
import pandas as pd

from targeting.codes import held_on, parse_election_id
from targeting.errors import JoinError
from targeting.stations.ground import ALIKE, FEWEST, IN_ONE_PIECE, likeness, pieces_share
from targeting.stations.health import NEAR_OUTLINE_M, outline_gaps

LEAST_JOIN: Final = 0.80
"""Under this share of stations found, the codes are another numbering: nothing is painted.
Intact vintages join at 94 to 100 %, renumbered ones at 19 % by accident."""

RENUMBERED_GAP: Final = 0.10
"""A median gap of registered voters above 10 % means other stations under the same codes."""

NEAR_THEIR_POINTS: Final = 0.5
"""Least share of outlines whose station's point lies in them or within 150 m: .93 to 1.00 in intact
cities (points of 2022), .00 to .03 in renumbered ones."""

SAME_TIME: Final = 1
"""Years between which a constituency is taken from another election: codes are the same."""


@dataclass(frozen=True)
class Evidence:
    """What tells where stations lie. constituencies: year → of each station_id (latest file);
    points: table Stations, a point a station, where one was imported."""

    constituencies: Mapping[int, pd.Series] = field(default_factory=dict)
    points: gpd.GeoDataFrame | None = None

    def constituency(self, year: int) -> pd.Series:
        """Constituency of each station, of the year or of one beside it; empty where unknown."""
        near = [y for y in self.constituencies if abs(y - year) <= SAME_TIME]
        if not near:
            return pd.Series(dtype="object")
        return self.constituencies[min(near, key=lambda y: (abs(y - year), y))]

    def near_points(self, outlines: gpd.GeoDataFrame) -> pd.Series:
        """Per commune with FEWEST of both: share of outlines near their station's point."""
        if self.points is None or self.points.empty:
            return pd.Series(dtype="float64")
        gaps = outline_gaps(outlines, self.points)
        if gaps.empty:
            return pd.Series(dtype="float64")
        commune = pd.Series(gaps.index, gaps.index).str.partition("_")[0]
        near = (gaps <= NEAR_OUTLINE_M).groupby(commune).agg(["mean", "size"])
        share: pd.Series = near.loc[near["size"] >= FEWEST, "mean"]
        return share

    def misplaced(self, outlines: gpd.GeoDataFrame, year: int) -> set[str]:
        """Communes whose outlines do not lie where the stations of their codes lie."""
        pieces = pieces_share(outlines, self.constituency(year))
        near = self.near_points(outlines)
        return {*pieces.index[pieces < IN_ONE_PIECE], *near.index[near < NEAR_THEIR_POINTS]}


@dataclass(frozen=True)
class Join:
    """How many stations of one election have an outline of the same code, and whether it is theirs.

    rate: share of the election's stations found; gap: median relative difference of registered
    voters on those found, where the outlines give theirs; outlines: how many there are; pieces:
    share of stations in the largest piece of their own constituency; near: share of outlines near
    their station's point; alike: Moran's I of the left share (each missing where nothing tells);
    origin: `points` where stations have a point each and no outline.
    """

    election_id: str
    stations: int
    found: int
    gap: float | None = None
    outlines: int = 0
    pieces: float | None = None
    near: float | None = None
    alike: float | None = None
    origin: str = "published"

    @property
    def strangers(self) -> int:
        """Outlines that are no station of the election."""
        return max(self.outlines - self.found, 0)

    @property
    def fit(self) -> float:
        """Both ways: stations with an outline, of all stations and outlines there are."""
        everything = self.stations + self.strangers
        return self.found / everything if everything else 0.0

    @property
    def is_in_place(self) -> bool:
        """Whether the outlines lie where the stations lie, as far as something tells."""
        if self.pieces is not None and self.pieces < IN_ONE_PIECE:
            return False
        if self.near is not None and self.near < NEAR_THEIR_POINTS:
            return False
        told = [t for t in (self.pieces, self.near, self.gap) if t is not None]
        return bool(told) or self.alike is None or self.alike >= ALIKE

    @property
    def is_part(self) -> bool:
        """Whether the outlines are stations of the election, but of a part of the communes only."""
        return self.rate < LEAST_JOIN <= self.found / max(self.outlines, 1)

    @property
    def rate(self) -> float:
        return self.found / self.stations if self.stations else 0.0

    @property
    def is_sound(self) -> bool:
        has_codes = self.rate >= LEAST_JOIN and (self.gap is None or self.gap <= RENUMBERED_GAP)
        return has_codes and self.is_in_place

    @property
    def reason(self) -> str:
        """What refuses it: `codes rolls constituencies points neighbours`; empty when sound."""
        if self.rate < LEAST_JOIN:
            return "codes"
        if not self.is_in_place:
            if self.pieces is not None and self.pieces < IN_ONE_PIECE:
                return "constituencies"
            is_far = self.near is not None and self.near < NEAR_THEIR_POINTS
            return "points" if is_far else "neighbours"
        return "" if self.is_sound else "rolls"

    def sentence(self) -> str:
        """`2022_pres_t1: 468 of 481 stations have an outline (97.3 %)`."""
        what = "a point, none has an outline" if self.origin == "points" else "an outline"
        text = (
            f"{self.election_id}: {self.found:,} of {self.stations:,} stations have {what} "
            f"({self.rate:.1%})"
        )
        if self.outlines and self.strangers:
            kind = "points" if self.origin == "points" else "outlines"
            text += f", {self.strangers:,} {kind} have no station"
        if self.gap is not None:
            text += f", registered voters {self.gap:.0%} apart"
        return text + self.where()

    def where(self) -> str:
        """What says that the outlines lie elsewhere than the stations of their codes, in words."""
        if self.pieces is not None and self.pieces < IN_ONE_PIECE:
            return (
                f"; but the codes are others': {self.pieces:.0%} of the stations lie in one piece "
                f"with their own constituency ({IN_ONE_PIECE:.0%} at least in a city that was not "
                "renumbered)"
            )
        if self.near is not None and self.near < NEAR_THEIR_POINTS:
            return (
                f"; but the codes are others': {self.near:.0%} of the outlines lie near the point "
                f"of their station ({NEAR_THEIR_POINTS:.0%} at least in a city that was not "
                "renumbered)"
            )
        if not self.is_in_place:
            return (
                "; but the codes are others', it seems: neighbours do not vote alike at all "
                f"(Moran's I {self.alike:.2f}, {ALIKE:.1f} at least)"
            )
        return ""


def join_outlines(
    outlines: pd.DataFrame,
    turnout: pd.DataFrame,
    *,
    election_id: str,
    registered: pd.Series | None = None,
    evidence: Evidence | None = None,
) -> Join:
    """Compare the codes of outlines with those of one election, in the communes of the outlines.

    Parameters
    ----------
    outlines, turnout
        Tables Stations and Turnout (or any with `station_id`; `registered`, and
        `constituency_code` and `left_share` where they are known, for the latter).
    registered
        Voters that the outlines' publication gives, indexed by station_id.
    evidence
        What else tells where stations lie.
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
    join = Join(election_id, len(there), len(both), gap, len(outlines), origin=_origin_of(outlines))
    if join.rate < LEAST_JOIN or "geometry" not in outlines:
        return join
    return _placed(join, gpd.GeoDataFrame(outlines), there, evidence or Evidence())


def _origin_of(outlines: pd.DataFrame) -> str:
    is_points = "origin" in outlines and (outlines["origin"] == "points").all()
    return "points" if len(outlines) and is_points else "published"


def _placed(
    join: Join, outlines: gpd.GeoDataFrame, stations: pd.DataFrame, evidence: Evidence
) -> Join:
    """The join with what tells whether the outlines lie where its stations lie."""
    if join.origin == "points":
        return join
    known = outlines[outlines["station_id"].isin(stations["station_id"])]
    own = stations.set_index("station_id").get("constituency_code")
    year = join.election_id[:4]
    constituency = own.dropna() if own is not None else pd.Series(dtype="object")
    if constituency.empty and year.isdigit():
        constituency = evidence.constituency(int(year))
    sizes = known.groupby("commune_code").size()
    left = stations.set_index("station_id").get("left_share")
    return replace(
        join,
        pieces=_overall(pieces_share(known, constituency), sizes),
        near=_overall(evidence.near_points(known), sizes),
        alike=None if left is None else likeness(known, left),
    )


def _overall(share: pd.Series, sizes: pd.Series) -> float | None:
    """The communes' shares as one, by their stations; nothing where none tells."""
    if share.empty:
        return None
    weights = sizes.reindex(share.index)
    return float((share * weights).sum() / weights.sum())


def best_sound_join(name: str, joins: list[Join], notes: Sequence[str] = ()) -> Join:
    """The election that fits the outlines best both ways, the latest of equals.

    Raises JoinError if none is sound, with what was left out on reading (`notes`).
    The figures are in the message: a map painted on other stations looks right and is wrong.
    """
    sound = [j for j in joins if j.is_sound]
    if not sound:
        told = "; ".join(j.sentence() for j in joins)
        read = "".join(f" Read: {note}." for note in notes if "left out" in note)
        if elsewhere := [j for j in joins if j.rate >= LEAST_JOIN and not j.is_in_place]:
            raise JoinError(
                f"{name}: refused, these outlines lie elsewhere than the stations of their codes: "
                f"the city numbered its stations anew. {elsewhere[-1].sentence()}. Look for "
                "outlines of the same years as the results, or import the results of the outlines' "
                f"own year.{read}"
            )
        if parts := [j for j in joins if j.is_part]:
            raise JoinError(
                f"{name}: refused, these outlines are of a part of the commune: of its "
                f"{parts[-1].outlines:,}, {parts[-1].found:,} are stations of the results. {told}. "
                f"At least {LEAST_JOIN:.0%} is needed: look for outlines of the whole commune."
                f"{read}"
            )
        raise JoinError(
            f"{name}: refused, these outlines are not those of the results. {told}. At least "
            f"{LEAST_JOIN:.0%} is needed: the stations were renumbered or redrawn since. Look for "
            "outlines of the same years, or import the results of the outlines' own year."
            f"{read}"
        )
    return max(equally_good(sound), key=lambda j: held_on(parse_election_id(j.election_id)))


def equally_good(sound: Sequence[Join]) -> list[Join]:
    """Of sound joins, those that fit best both ways, and whose rolls are the nearest."""
    fit = max(j.fit for j in sound)
    best = [j for j in sound if j.fit == fit]
    gaps = [j.gap for j in best if j.gap is not None]
    if len(gaps) == len(best):
        best = [j for j in best if j.gap is not None and j.gap <= min(gaps) + SAME_GAP]
    return best


SAME_GAP: Final = 0.005
"""Rolls nearer than this to each other are as near."""
