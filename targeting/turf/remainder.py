"""What is left of turfs after an outing: the doors to knock at next, and those to leave alone.

Each door that a turf ever held is either in a turf that stays as it is, or to be handed out again,
or left out with its reason: nothing disappears, and nothing answered comes back before its date.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from targeting.codes import turf_order


@dataclass(frozen=True)
class Remainder:
    """Doors of some turfs, told apart.

    Attributes
    ----------
    doors
        One row a door to knock at: `building_id`, `door`, `run`, `turf_id` (that held it last).
    runs
        One row a run: `building_id`, `run`, `first_door`, `last_door`, `dwellings` (to knock at).
        A run is what lies between the doors that a kept turf has; most buildings have one.
    left_out
        One row a door left alone: `building_id`, `door`, `reason`.
    """

    doors: pd.DataFrame
    runs: pd.DataFrame
    left_out: pd.DataFrame

    @property
    def doors_in(self) -> int:
        """All the doors that were looked at."""
        return len(self.doors) + len(self.left_out)


def each_door(stops: pd.DataFrame) -> pd.DataFrame:
    """One row a door of the stops' ranges: `turf_id`, `building_id`, `door`; the last turf's."""
    first, last = stops["first_door"].to_numpy(), stops["last_door"].to_numpy()
    count = last - first + 1
    row = np.repeat(np.arange(len(stops)), count)
    door = first[row] + np.arange(row.size) - (np.cumsum(count) - count)[row]
    doors = stops.iloc[row][["turf_id", "building_id"]].assign(door=door.astype(np.int64))
    newest = doors.sort_values("turf_id", kind="stable", key=lambda ids: ids.map(turf_order))
    once = newest.drop_duplicates(["building_id", "door"], keep="last")
    return once.sort_values(["building_id", "door"], ignore_index=True)


def remaining_doors(
    candidates: pd.DataFrame, kept: pd.DataFrame, closed: pd.DataFrame
) -> Remainder:
    """Tell apart the doors of `candidates` that no `kept` turf has.

    Parameters
    ----------
    candidates, kept
        Stops with turf_id, building_id, first_door, last_door.
    closed
        building_id, door, reason: doors to leave alone today (`closed_doors`).
    """
    doors = each_door(candidates)
    held = each_door(kept)[["building_id", "door"]]
    doors = doors.merge(held.assign(held=True), on=["building_id", "door"], how="left")
    doors = doors[doors["held"].isna()].drop(columns="held").reset_index(drop=True)
    doors["run"] = _runs(doors, held)
    doors = doors.merge(
        closed[["building_id", "door", "reason"]], on=["building_id", "door"], how="left"
    )
    is_open = doors["reason"].isna()
    of_run = doors.assign(is_open=is_open).groupby(["building_id", "run"], as_index=False)
    runs = of_run.agg(
        first_door=("door", "min"), last_door=("door", "max"), dwellings=("is_open", "sum")
    )
    runs = runs[runs["dwellings"] > 0].astype({"dwellings": "int64"}).reset_index(drop=True)
    return Remainder(
        doors=doors.loc[is_open, ["building_id", "door", "run", "turf_id"]].reset_index(drop=True),
        runs=runs,
        left_out=doors.loc[~is_open, ["building_id", "door", "reason"]].reset_index(drop=True),
    )


def _runs(doors: pd.DataFrame, held: pd.DataFrame) -> np.ndarray:
    """Number of the run of each door: how many held doors of its building come before it."""
    number = np.zeros(len(doors), np.int64)
    shared = held[held["building_id"].isin(doors["building_id"])]
    for building_id, mine in shared.groupby("building_id"):
        at = np.flatnonzero((doors["building_id"] == building_id).to_numpy())
        number[at] = np.searchsorted(np.sort(mine["door"]), doors["door"].to_numpy()[at])
    return number


def ranges_of(stops: pd.DataFrame, remainder: Remainder) -> pd.DataFrame:
    """`stops` with `first_door`, `last_door` and `parent_ids`, each door of a run in one of them.

    `stops` has turf_id, building_id, run, dwellings: how many of the run's doors each turf knocks
    at. Doors left alone for now lie in the range of the one before them, so that they come back
    with it at their date.
    """
    keys = ["building_id", "run"]
    mine = stops.sort_values([*keys, "turf_id"])
    doors = remainder.doors.merge(mine[keys].drop_duplicates(), on=keys)
    doors = doors.sort_values([*keys, "door"], ignore_index=True)
    end = np.cumsum(mine["dwellings"].to_numpy())
    begin = end - mine["dwellings"].to_numpy()
    opens = ~mine.duplicated(keys).to_numpy()
    closes = ~mine.duplicated(keys, keep="last").to_numpy()
    of_run = mine[keys].merge(remainder.runs, on=keys, how="left", validate="many_to_one")
    first = np.where(opens, of_run["first_door"], doors["door"].to_numpy()[begin])
    last = np.where(closes, of_run["last_door"], np.append(first[1:], 0) - 1)
    stop_of_door = np.repeat(np.arange(len(mine)), mine["dwellings"])
    pairs = pd.DataFrame({"stop": stop_of_door, "turf_id": doors["turf_id"]}).drop_duplicates()
    parents = pairs.sort_values(["stop", "turf_id"]).groupby("stop")["turf_id"].agg(" ".join)
    told = mine.assign(first_door=first, last_door=last, parent_ids=parents.to_numpy())
    return told.loc[stops.index].astype({"first_door": "int64", "last_door": "int64"})
