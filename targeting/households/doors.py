"""Doors of a building: which are closed to another knock, and which range a turf has."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd

from targeting.errors import SourceError
from targeting.outcomes import FIRST_TOLD, MET, OPPOSITION, OUTCOMES, REASONS
from targeting.shipped import OUR_DATA

OUR_OUTCOMES: Final = OUR_DATA / "outcomes.toml"

COOLING_OFF_DAYS: Final = 60
"""A household that talked or refused is left alone this long, where nothing else is asked."""

LONGEST_DAYS: Final = 3650

CoolingOff = Mapping[str, int | None]
"""Days that a door is left alone after each outcome; None: for ever."""


def load_cooling_off(path: Path = OUR_OUTCOMES, *, met_days: int | None = None) -> CoolingOff:
    """Days that a door is left alone after each outcome, from `data/outcomes.toml` or a copy.

    `met_days` takes the place of those after a talk or a refusal. Raises SourceError for a file
    that says something else than days or `never` of each outcome.
    """
    try:
        days = tomllib.loads(path.read_text()).get("days", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SourceError(path.name, f"cannot be read ({error}).") from error
    wrong = [o for o in OUTCOMES if not _is_days(days.get(o))] + sorted(set(days) - set(OUTCOMES))
    if wrong or days[OPPOSITION] != "never":
        raise SourceError(
            path.name, f"[days]: {', '.join(wrong) or OPPOSITION} cannot be used.",
            way_out=f"Give each of {', '.join(OUTCOMES)} a number of days or “never”; "
            f"{OPPOSITION} is always “never”.",
        )  # fmt: skip
    kept = {o: None if days[o] == "never" else int(days[o]) for o in OUTCOMES}
    return kept if met_days is None else kept | {o: met_days for o in MET if o != OPPOSITION}


def _is_days(value: object) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value == "never" or (is_number and 0 <= int(str(value)) <= LONGEST_DAYS)


def closed_doors(
    visits: pd.DataFrame, *, now: datetime, cooling_off: CoolingOff | None = None
) -> pd.DataFrame:
    """Doors not to knock at: `building_id`, `door` (its number), `reason`; one row a door.

    Each outcome closes its door for its own days: whichever of a door's visits closes it longest
    counts, not only the last. `visits` has building_id, door_id, visited_at (UTC) and outcome.
    """
    days = cooling_off if cooling_off is not None else load_cooling_off()
    for_ever = [o for o, n in days.items() if n is None]
    waits = visits["outcome"].map({o: pd.Timedelta(days=n) for o, n in days.items() if n})
    waiting = visits["visited_at"] + pd.to_timedelta(waits) > pd.Timestamp(now)
    rows = visits[visits["outcome"].isin(for_ever) | waiting]
    closed = pd.DataFrame(
        {
            "building_id": rows["building_id"].astype("str"),
            "door": rows["door_id"].str.rsplit("/", n=1).str[-1].astype("int64"),
            "reason": rows["outcome"].map(REASONS).astype("str"),
        }
    )
    told = closed["reason"].map({r: n for n, r in enumerate(FIRST_TOLD)}).fillna(len(FIRST_TOLD))
    ordered = closed.assign(told=told).sort_values(["building_id", "door", "told"])
    first = ordered.drop_duplicates(["building_id", "door"])
    return first.drop(columns="told").reset_index(drop=True)


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
