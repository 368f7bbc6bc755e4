"""Which turfs so many teams walk in so many evenings: the best choice, and what rules give.

An exact knapsack (HiGHS, by `scipy.optimize.milp`): the most `value` within the teams' minutes, one
turf a team and evening at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from targeting.errors import TurfError

TOO_LONG: Final = 1.25
"""A turf above this share of an evening is no evening's work: it is not planned."""

SECONDS: Final = 20.0
"""Search time of the knapsack; beyond it the gap left is told."""


@dataclass(frozen=True)
class Choice:
    """Turfs chosen, on the index of the table asked about, and how far from the best they may be.

    gap: share of the value that a better choice could still add; 0 where it is proven best.
    """

    is_chosen: pd.Series
    gap: float


def choose_turfs(turfs: pd.DataFrame, *, minutes: float, slots: int, evening: float) -> Choice:
    """The turfs of most `value` in so many minutes and slots (teams × evenings).

    `turfs` has minutes_expected and value; those above TOO_LONG evenings are passed over. Same
    turfs, same choice: among equals, the first row wins.
    """
    fits = (turfs["minutes_expected"] <= TOO_LONG * evening).to_numpy()
    chosen = pd.Series(False, index=turfs.index, name="is_chosen")
    if not fits.any() or slots == 0:
        return Choice(chosen, 0.0)
    value = turfs["value"].to_numpy(dtype=float)[fits]
    cost = turfs["minutes_expected"].to_numpy(dtype=float)[fits]
    nudge = 1e-9 * max(value.max(), 1e-9) * np.arange(value.size)[::-1] / value.size
    found = milp(
        -(value + nudge),
        constraints=LinearConstraint(
            np.vstack([cost, np.ones(value.size)]), ub=np.array([minutes, float(slots)])
        ),
        integrality=np.ones(value.size),
        bounds=Bounds(0, 1),
        options={"time_limit": SECONDS, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise TurfError(f"no plan was found in {SECONDS:.0f} s: ask for fewer turfs or evenings.")
    chosen[np.flatnonzero(fits)] = found.x > 0.5
    return Choice(chosen, float(found.mip_gap or 0.0))


def in_order(
    turfs: pd.DataFrame, order: pd.Series, *, minutes: float, slots: int, evening: float
) -> pd.Series:
    """The rule of thumb: turfs in this order (the lower first) until time is up; boolean.

    A turf that no longer fits is passed over, as a director would.
    """
    chosen = pd.Series(False, index=turfs.index, name="is_chosen")
    left, free = minutes, slots
    for row in order.sort_values(kind="stable").index:
        cost = float(turfs.loc[row, "minutes_expected"])
        if free and cost <= left and cost <= TOO_LONG * evening:
            chosen[row] = True
            left, free = left - cost, free - 1
    return chosen


def reach(stations: pd.DataFrame, doors: pd.DataFrame, group: pd.Series) -> pd.DataFrame:
    """Who a plan visits and who it never does, by group of stations.

    Parameters
    ----------
    stations
        Indexed by station_id: registered, reservoir (left abstainers; may be missing), doors.
    doors
        station_id, dwellings: doors planned there.
    group
        Group of each station, on the index of `stations`.

    Returns
    -------
    reach
        One row a group: stations, stations_never (no door planned), registered, doors,
        doors_planned, reservoir, reservoir_never (in stations never visited), `outside_share`
        (of the reservoir, at the doors not planned).
    """
    planned = doors.groupby("station_id")["dwellings"].sum().reindex(stations.index).fillna(0)
    share = (planned / stations["doors"].where(stations["doors"] > 0)).fillna(0.0).clip(upper=1)
    reservoir = stations["reservoir"].fillna(0.0)
    never = planned == 0
    table = pd.DataFrame(
        {
            "stations": 1, "stations_never": never.astype(int),
            "registered": stations["registered"], "doors": stations["doors"],
            "doors_planned": planned.astype("int64"), "reservoir": reservoir,
            "reservoir_never": reservoir.where(never, 0.0),
            "outside": reservoir * (1 - share),
        }
    )  # fmt: skip
    summed = table.groupby(group, sort=True).sum()
    summed["outside_share"] = summed["outside"] / summed["reservoir"].where(summed["reservoir"] > 0)
    return summed.drop(columns="outside")
