"""Which doors a cut or a plan may take: of the stations chosen, not closed, in no turf that stays.

A cut takes seconds; meanwhile others cut, walk and come back. What was read is asked for again in
the transaction that keeps the cut (`Candidates.look_again`), and must be the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.households.buildings import NOBODY_REGISTERED, uninhabited
from targeting.households.doors import (
    CoolingOff,
    closed_doors,
    load_cooling_off,
    open_dwellings,
)
from targeting.store.engine import open_store, reading
from targeting.store.turfs import find_standing
from targeting.store.visits import load_visits
from targeting.workflows.buildings import load_buildings
from targeting.workflows.stations.scores import score_stations, station_priorities

OUTSIDE: Final = "outside_stations"
IN_ANOTHER_TURF: Final = "in_another_turf"


class MovedOnError(TargetingError):
    """What a computation read is no longer so: it is made again, or refused."""


def require_same(is_same: bool) -> None:
    """Raise MovedOnError unless what a computation read is still so."""
    if not is_same:
        raise MovedOnError(
            "turfs or visits of these doors changed while this was computed: nothing was kept. "
            "Look at the turfs, then do it again."
        )


@dataclass(frozen=True)
class Candidates:
    """Buildings of some stations, told apart.

    Attributes
    ----------
    to_visit
        Table Buildings, `dwellings` being the doors open to a knock; those left out by `excluded`
        are in it.
    excluded
        Reason by building_id of the buildings left out whole.
    closed
        building_id, door, reason of the doors left alone in the other buildings.
    visits
        Every knock recorded (see `load_visits`).
    replaced
        Ready turfs that a cut of these doors withdraws, with their version: all they hold is in it.
    beyond
        Doors of those turfs in stations that were not asked for.
    question
        What was asked, to ask it again.
    """

    to_visit: pd.DataFrame
    excluded: pd.Series
    closed: pd.DataFrame
    visits: pd.DataFrame
    replaced: dict[str, int]
    beyond: int
    question: Question

    def look_again(self, session: Any) -> None:
        """Raise MovedOnError unless the same doors may be taken still, from the same turfs."""
        now = self.question.answer(session)
        doors = ["building_id", "dwellings"]
        shut = ["building_id", "door", "reason"]
        require_same(
            self.replaced == now.replaced
            and self.excluded.sort_index().equals(now.excluded.sort_index())
            and _same_rows(self.to_visit[doors], now.to_visit[doors])
            and _same_rows(self.closed[shut], now.closed[shut])
        )


@dataclass(frozen=True)
class Question:
    """Which doors may be taken: of these buildings (None: of everyone's), at this moment; with
    `whole`, all doors of the turfs replaced besides."""

    everyone: pd.DataFrame
    asked: pd.Series | None
    whole: bool
    now: datetime
    cooling_off: CoolingOff

    def answer(self, session: Any) -> Candidates:
        """Tell the buildings apart, as the database stands."""
        asked = None if self.asked is None else set(self.asked)
        standing = find_standing(session, asked)
        buildings = self.everyone
        if asked is not None:
            wanted = asked | standing.taken if self.whole else asked
            buildings = buildings[_among(buildings["building_id"], wanted)]
        buildings = buildings.reset_index(drop=True)
        excluded = [_outside(buildings)] if asked is None else []
        kept = buildings.loc[buildings["building_id"].isin(list(standing.kept)), "building_id"]
        excluded += [_nobody(buildings), pd.Series(IN_ANOTHER_TURF, index=kept, dtype="str")]
        reasons = pd.concat(excluded)
        reasons = reasons[~reasons.index.duplicated()]
        visits = load_visits(session)
        closed = closed_doors(visits, now=self.now, cooling_off=self.cooling_off)
        here = set(buildings["building_id"]) - set(reasons.index)
        closed = closed[_among(closed["building_id"], here)]
        left = open_dwellings(buildings, closed)
        to_visit = buildings.assign(dwellings=left)[left > 0].reset_index(drop=True)
        more = standing.taken - asked if asked is not None else set()
        beyond = to_visit.loc[to_visit["building_id"].isin(list(more)), "dwellings"].sum()
        return Candidates(
            to_visit, reasons, closed, visits, standing.replaced, int(beyond), question=self
        )


def _among(column: pd.Series, ids: AbstractSet[str]) -> np.ndarray:
    """`isin` for as many ids as a city has: pandas makes a scalar of each of them."""
    return np.fromiter((value in ids for value in column), dtype=bool, count=len(column))


def _same_rows(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    columns = list(one.columns)
    first, second = (t.sort_values(columns, ignore_index=True) for t in (one, other))
    return len(first) == len(second) and bool((first == second).all(axis=None))


def load_candidates(
    workspace: Workspace,
    stations: list[str] | None,
    *,
    named: bool = False,
    whole: bool = True,
    met_days: int | None = None,
) -> Candidates:
    """Doors that may be cut, of these stations (of all, where None), and, where they are cut
    `whole`, those elsewhere of the ready turfs that a cut of them replaces.

    `named`: the stations were named by somebody, so that one without addresses is an error.
    `met_days`: how long households met are left alone, instead of what outcomes.toml says.
    """
    everyone = load_buildings(workspace)
    question = Question(
        everyone,
        None if stations is None else _of_stations(everyone, stations, named=named),
        whole,
        datetime.now(UTC),
        campaign_cooling_off(workspace, met_days),
    )
    with reading(open_store(workspace)) as session:
        return question.answer(session)


def chosen_stations(workspace: Workspace, chosen: str) -> list[str] | None:
    """Stations of a choice, best priority first; nothing for `all`.

    `top:20%` is the first fifth of the ranked stations, `top:3` the first three; else ids parted
    by commas. Raises TargetingError for anything else.
    """
    if chosen == "all":
        return None
    if match := re.fullmatch(r"top:(\d+(?:\.\d+)?)(%?)", chosen):
        priorities = station_priorities(workspace, score_stations(workspace))
        ranked = priorities.dropna(subset="priority_rank").sort_values("priority_rank")
        if ranked.empty:
            raise TargetingError(
                "no station is ranked here: `score` says why of each. Choose stations by their "
                "ids, as 13055_0101, or all."
            )
        amount = float(match[1])
        count = math.ceil(len(ranked) * amount / 100 - 1e-9) if match[2] else int(amount)
        if count <= 0:
            raise TargetingError(f"“{chosen}” chooses no station: try top:20% or top:3.")
        return list(ranked["station_id"].head(count))
    ids = [s.strip() for s in chosen.split(",") if s.strip()]
    if not ids or not all("_" in s for s in ids):
        raise TargetingError(
            f"“{chosen}” chooses no station: write top:20%, top:3, ids as 13055_0101,13055_0102, "
            "or all."
        )
    return ids


def campaign_cooling_off(workspace: Workspace, met_days: int | None = None) -> CoolingOff:
    """Days that a door is left alone after each outcome: the workspace's own copy, else ours."""
    own = workspace.root / "outcomes.toml"
    if own.exists():
        return load_cooling_off(own, met_days=met_days)
    return load_cooling_off(met_days=met_days)


def _of_stations(buildings: pd.DataFrame, stations: list[str], *, named: bool) -> pd.Series:
    """building_id of the stations' buildings."""
    unknown = sorted(set(stations) - set(buildings["station_id"].dropna()))
    found = buildings.loc[buildings["station_id"].isin(stations), "building_id"]
    if found.empty or (unknown and named):
        raise WorkspaceError(
            f"no address lies in {', '.join(unknown[:5])}: import the outlines of these "
            "stations and the BAN of their commune."
        )
    return found


def _outside(buildings: pd.DataFrame) -> pd.Series:
    """Buildings in no station, where some are in one."""
    is_outside = buildings["station_id"].isna() & buildings["station_id"].notna().any()
    return pd.Series(OUTSIDE, index=buildings.loc[is_outside, "building_id"], dtype="str")


def _nobody(buildings: pd.DataFrame) -> pd.Series:
    empty = buildings.loc[uninhabited(buildings), "building_id"]
    return pd.Series(NOBODY_REGISTERED, index=empty, dtype="str")
