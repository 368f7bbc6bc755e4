"""What is behind a building's door: staircases, floors, doors; in the order they are knocked at."""

from __future__ import annotations

from datetime import tzinfo

import numpy as np
import pandas as pd

from targeting.codes import FRANCE
from targeting.households.natural import natural_key
from targeting.tables import DoorLayouts, TurfDoors


def number_doors(described: pd.DataFrame) -> pd.DataFrame:
    """Number the doors of each building as they are walked (table DoorLayouts).

    Staircase by staircase as people read their names, from the top floor down (practice of the
    field, FIELD 6.3), an unknown floor last, then by label, then as they were given.
    `described` has one row a door: building_id, commune_code, staircase, floor, label.
    """
    keys = pd.DataFrame(
        {
            "building_id": described["building_id"],
            "staircase": described["staircase"].map(natural_key),
            "floor": -described["floor"].astype("Float64").fillna(-1e9),
            "label": described["label"].map(natural_key),
        }
    )
    ordered = described.loc[keys.sort_values(list(keys.columns), kind="stable").index]
    door = ordered.groupby("building_id").cumcount() + 1
    table = ordered.assign(door=door.astype("int64"))
    return DoorLayouts.check(table[list(DoorLayouts.to_schema().columns)].reset_index(drop=True))


def last_visits(visits: pd.DataFrame, zone: tzinfo = FRANCE) -> pd.DataFrame:
    """Last visit of each door: `last_visit_date` (a date there), `last_outcome`; by door_id."""
    last = visits.sort_values("visited_at", kind="stable").drop_duplicates("door_id", keep="last")
    day = last["visited_at"].dt.tz_convert(zone).dt.date.astype(object)
    table = pd.DataFrame({"last_visit_date": day, "last_outcome": last["outcome"].astype("str")})
    return table.set_index(pd.Index(last["door_id"], name="door_id"))


def doors_in_order(
    stops: pd.DataFrame, layouts: pd.DataFrame, visits: pd.DataFrame
) -> pd.DataFrame:
    """Every door of these stops, in the order of the walk (table TurfDoors).

    Parameters
    ----------
    stops
        turf_id, visit_order, building_id, first_door, last_door, and `closed`: the numbers in that
        range that are not to be knocked at today.
    layouts
        Table DoorLayouts; may be empty.
    visits
        building_id, door_id, visited_at (UTC), outcome: what is remembered of an open door.
    """
    stops = stops.sort_values(["turf_id", "visit_order"], ignore_index=True)
    first, last = stops["first_door"].to_numpy(), stops["last_door"].to_numpy()
    row = np.repeat(np.arange(len(stops)), last - first + 1)
    before = np.cumsum(last - first + 1) - (last - first + 1)
    door = first[row] + np.arange(row.size) - before[row]
    shut = {(n, d) for n, numbers in enumerate(stops["closed"]) for d in numbers}
    doors = stops.loc[row, ["turf_id", "visit_order", "building_id"]].reset_index(drop=True)
    doors["door"] = door
    described = layouts[["building_id", "door", "staircase", "floor", "label"]]
    doors = doors.merge(described, on=["building_id", "door"], how="left", validate="many_to_one")
    doors["floor"] = doors["floor"].astype("Int64")
    doors[["staircase", "label"]] = doors[["staircase", "label"]].fillna("").astype("str")
    doors["is_closed"] = np.array(
        [pair in shut for pair in zip(row.tolist(), door.tolist(), strict=True)], dtype=bool
    )
    known = last_visits(visits).reindex(doors["building_id"] + "/" + doors["door"].astype(str))
    for column in known:
        doors[column] = known[column].where(~doors["is_closed"].to_numpy()).to_numpy()
    doors["last_outcome"] = doors["last_outcome"].astype("str")
    return TurfDoors.check(doors[list(TurfDoors.to_schema().columns)])
