"""Doors of a building: which are closed to another knock, and which range a turf has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pandas as pd

DO_NOT_CONTACT: Final = "do_not_contact"
ALREADY_MET: Final = "already_met"

COOLING_OFF_DAYS: Final = 60
"""A household that talked or refused is left alone this long."""


def closed_doors(
    visits: pd.DataFrame, *, now: datetime, days: int = COOLING_OFF_DAYS
) -> pd.DataFrame:
    """Doors not to knock at: `building_id`, `door` (its number), `reason`; one row a door.

    Who asked not to be called on again never is; who talked or refused is left alone for `days`.
    `visits` has building_id, door_id, visited_at (UTC) and outcome.
    """
    asked = visits["outcome"] == DO_NOT_CONTACT
    recent = visits["visited_at"] > pd.Timestamp(now) - timedelta(days=days)
    met = visits["outcome"].isin(["talked", "refused"]) & recent
    rows = visits[asked | met]
    closed = pd.DataFrame(
        {
            "building_id": rows["building_id"],
            "door": rows["door_id"].str.rsplit("/", n=1).str[-1].astype("int64"),
            "reason": rows["outcome"].map({DO_NOT_CONTACT: DO_NOT_CONTACT}).fillna(ALREADY_MET),
        }
    )
    closed["reason"] = closed["reason"].astype("str")
    ordered = closed.sort_values(["building_id", "door", "reason"], ascending=[True, True, False])
    return ordered.drop_duplicates(["building_id", "door"]).reset_index(drop=True)


def open_dwellings(buildings: pd.DataFrame, closed: pd.DataFrame) -> pd.Series:
    """Dwellings left to knock at per building, on the index of `buildings`; 0 where none is."""
    count = closed.groupby("building_id").size()
    left = buildings["dwellings"] - buildings["building_id"].map(count).fillna(0)
    return left.clip(lower=0).astype("int64").rename("dwellings")


def door_ranges(stops: pd.DataFrame, dwellings: pd.Series, closed: pd.DataFrame) -> pd.DataFrame:
    """`stops` with `first_door` and `last_door`: what each turf has of its buildings.

    Parameters
    ----------
    stops
        Table TurfStops; `dwellings` are the open doors of the stop.
    dwellings
        All the dwellings of each building, indexed by building_id.
    closed
        See `closed_doors`.
    """
    ranges = stops.assign(first_door=1, last_door=stops["building_id"].map(dwellings))
    shut = closed.groupby("building_id")["door"].agg(set).to_dict()
    shared = stops["building_id"].duplicated(keep=False)
    for building_id, parts in ranges[shared].sort_values("turf_id").groupby("building_id"):
        numbers = range(1, int(dwellings[building_id]) + 1)
        doors = [n for n in numbers if n not in shut.get(building_id, set())]
        taken = 0
        for row, count in zip(parts.index, parts["dwellings"], strict=True):
            ranges.loc[row, "first_door"] = doors[taken]
            ranges.loc[row, "last_door"] = doors[taken + count - 1]
            taken += count
    return ranges.astype({"first_door": "int64", "last_door": "int64"})
