"""Which doors a cut or a plan may take: of the stations chosen, not closed, in no turf begun."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

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
from targeting.store.turfs import busy_buildings
from targeting.store.visits import load_visits
from targeting.turf.cut import Cut
from targeting.workflows.buildings import load_buildings
from targeting.workflows.scores import score_stations, station_priorities

OUTSIDE: Final = "outside_stations"
IN_ANOTHER_TURF: Final = "in_another_turf"


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
    """

    to_visit: pd.DataFrame
    excluded: pd.Series
    closed: pd.DataFrame
    visits: pd.DataFrame


def load_candidates(
    workspace: Workspace,
    stations: list[str] | None,
    *,
    named: bool = False,
    met_days: int | None = None,
) -> Candidates:
    """Doors that may be cut, of these stations (of all, where None).

    `named`: the stations were named by somebody, so that one without addresses is an error.
    `met_days`: how long households met are left alone, instead of what outcomes.toml says.
    """
    buildings, excluded = _of_stations(workspace, stations, named=named)
    with reading(open_store(workspace)) as session:
        busy, visits = busy_buildings(session), load_visits(session)
    closed = closed_doors(
        visits, now=datetime.now(UTC), cooling_off=campaign_cooling_off(workspace, met_days)
    )
    begun = buildings.loc[buildings["building_id"].isin(list(busy)), "building_id"]
    excluded = pd.concat([excluded, pd.Series(IN_ANOTHER_TURF, index=begun, dtype="str")])
    excluded = excluded[~excluded.index.duplicated()]
    closed = closed[
        closed["building_id"].isin(buildings["building_id"])
        & ~closed["building_id"].isin(excluded.index)
    ]
    left = open_dwellings(buildings, closed)
    to_visit = buildings.assign(dwellings=left)[left > 0].reset_index(drop=True)
    return Candidates(to_visit, excluded, closed, visits)


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


def _of_stations(
    workspace: Workspace, stations: list[str] | None, *, named: bool
) -> tuple[pd.DataFrame, pd.Series]:
    """Buildings of the stations, and the reasons of those left out."""
    buildings = load_buildings(workspace)
    if stations is not None:
        unknown = sorted(set(stations) - set(buildings["station_id"].dropna()))
        buildings = buildings[buildings["station_id"].isin(stations)]
        if buildings.empty or (unknown and named):
            raise WorkspaceError(
                f"no address lies in {', '.join(unknown[:5])}: import the outlines of these "
                "stations and the BAN of their commune."
            )
    elif buildings["station_id"].notna().any():
        outside = buildings["station_id"].isna()
        reasons = pd.Series(OUTSIDE, index=buildings.loc[outside, "building_id"], dtype="str")
        return buildings, pd.concat([reasons, _nobody(buildings)])
    return buildings.reset_index(drop=True), _nobody(buildings)


def _nobody(buildings: pd.DataFrame) -> pd.Series:
    empty = buildings.loc[uninhabited(buildings), "building_id"]
    return pd.Series(NOBODY_REGISTERED, index=empty, dtype="str")


def with_closed(cut: Cut, closed: pd.DataFrame) -> Cut:
    """The cut with the closed doors among those left out: the identity counts every door."""
    counts = closed.groupby(["building_id", "reason"]).size().rename("dwellings").reset_index()
    shut = counts[["building_id", "dwellings", "reason"]]
    excluded = pd.concat([cut.excluded, shut], ignore_index=True)
    more = int(shut["dwellings"].sum())
    identity = replace(
        cut.identity,
        doors_in=cut.identity.doors_in + more,
        doors_left_out=cut.identity.doors_left_out + more,
        left_out_by_reason={
            str(k): int(v) for k, v in excluded.groupby("reason")["dwellings"].sum().items()
        },
    )
    return replace(cut, excluded=excluded, identity=identity)
