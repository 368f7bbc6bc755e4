"""The turfs that a workspace keeps, with what screens and files show of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.households.doors import (
    closed_doors,
)
from targeting.stations.places import to_wgs84
from targeting.store.engine import open_store, reading
from targeting.store.turfs import latest_cut, load_excluded, load_stops, load_turfs
from targeting.store.visits import doors_done, last_knocks
from targeting.turf.means import mean_over_doors
from targeting.workflows.access.asks import asks, whose
from targeting.workflows.buildings import load_buildings
from targeting.workflows.stations.scores import score_stations, station_priorities
from targeting.workflows.turfs.candidates import campaign_cooling_off

NO_TURF: Final = "no turf yet: cut some with `python -m targeting turfs cut`."

NONE_IN_HAND: Final = (
    "no turf is in your hands: whoever leads the field puts one into them, then it shows here."
)


@dataclass(frozen=True)
class CampaignTurfs:
    """Turfs kept in a workspace, with what screens and files show of them.

    turfs: table Turfs with status, doors_done and priority; stops: table TurfStops with the
    buildings' columns; excluded: table Excluded of the last cut; identity: in words.
    """

    turfs: pd.DataFrame
    stops: pd.DataFrame
    excluded: pd.DataFrame
    identity: str
    parameters: dict[str, Any]
    cut_id: int


# -- what is kept ----------------------------------------------------------------------------------


@asks("turfs.see", own=True)
def load_campaign_turfs(
    workspace: Workspace, turf_ids: Sequence[str] | None = None
) -> CampaignTurfs:
    """Turfs kept, not withdrawn; all or those named. Raises WorkspaceError when there is none.

    Who sees their own turfs alone gets those in their hands: another's is no turf to them, and
    nothing is counted of the others' (no account of the cut, no buildings left out of it).
    """
    mine = whose(workspace, "turfs.see")
    with reading(open_store(workspace)) as session:
        cut = latest_cut(session)
        if cut is None:
            raise WorkspaceError(NO_TURF)
        turfs, stops = load_turfs(session, account_id=mine), load_stops(session, account_id=mine)
        excluded, done = load_excluded(session, cut.id), doors_done(session)
        parameters, cut_id = dict(cut.parameters), cut.id
        closed = closed_doors(
            last_knocks(session), now=datetime.now(UTC), cooling_off=campaign_cooling_off(workspace)
        )
        identity = (
            f"{cut.doors_in:,} doors in = {cut.doors_in_turfs:,} in turfs + "
            f"{cut.doors_left_out:,} left out"
        )
        if doubles := cut.parameters.get("closed_for_doubles"):  # by migration 0003
            identity += f"; put away, as others held their doors too: {', '.join(doubles)}"
    if mine is not None:
        excluded, identity = excluded.iloc[:0], ""
    if turf_ids is not None:
        if unknown := sorted(set(turf_ids) - set(turfs["turf_id"])):
            raise TargetingError(f"no open turf {', '.join(unknown[:5])}: see `turfs cut`.")
        turfs = turfs[turfs["turf_id"].isin(list(turf_ids))]
        stops = stops[stops["turf_id"].isin(list(turf_ids))]
    if turfs.empty:
        raise WorkspaceError(NO_TURF if mine is None else NONE_IN_HAND)
    buildings = load_buildings(workspace).rename(columns={"dwellings": "all_dwellings"})
    stops = stops.merge(buildings, on="building_id", how="left", validate="many_to_one")
    stops["registered_estimate"] *= stops["dwellings"] / stops["all_dwellings"]
    stops["closed"] = _closed_in(stops, closed)
    degrees = to_wgs84(stops["x"], stops["y"])
    stops = stops.assign(longitude=degrees["longitude"], latitude=degrees["latitude"])
    turfs = turfs.assign(
        doors_done=turfs["turf_id"].map(done).fillna(0).astype("int64"),
        priority=_turf_priority(workspace, stops, turfs["turf_id"]),
    )
    return CampaignTurfs(
        turfs.reset_index(drop=True),
        stops.reset_index(drop=True),
        excluded,
        identity,
        parameters,
        cut_id,
    )


def _closed_in(stops: pd.DataFrame, closed: pd.DataFrame) -> pd.Series:
    """Numbers of the doors not to knock at in each stop's range, as they are today."""
    shut = closed.groupby("building_id")["door"].agg(list).to_dict()
    numbers = [
        [n for n in shut.get(b, []) if first <= n <= last]
        for b, first, last in zip(
            stops["building_id"], stops["first_door"], stops["last_door"], strict=True
        )
    ]
    return pd.Series(numbers, index=stops.index, dtype=object)


def _turf_priority(workspace: Workspace, stops: pd.DataFrame, turf_ids: pd.Series) -> pd.Series:
    """Mean priority of the doors' stations; missing without results, or for who sees no scores."""
    if not workspace.actor.may("places.see"):
        return pd.Series(float("nan"), index=turf_ids.index)
    try:
        priorities = station_priorities(workspace, score_stations(workspace))
    except TargetingError:
        return pd.Series(float("nan"), index=turf_ids.index)
    of_station = priorities.set_index("station_id")["priority"].fillna(0.0)
    return mean_over_doors(stops, of_station, turf_ids)


def open_only(kept: CampaignTurfs) -> CampaignTurfs:
    """Turfs still to walk. Raises WorkspaceError when all are done."""
    turfs = kept.turfs[kept.turfs["status"] != "done"]
    if turfs.empty:
        raise WorkspaceError("every turf is done: cut new ones with `turfs cut`, or name some.")
    stops = kept.stops[kept.stops["turf_id"].isin(turfs["turf_id"])]
    return replace(kept, turfs=turfs.reset_index(drop=True), stops=stops.reset_index(drop=True))
