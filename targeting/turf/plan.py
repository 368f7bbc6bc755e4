"""Which turfs so many teams walk in so many evenings: the best choice, and what rules give.

An exact knapsack (HiGHS, by `scipy.optimize.milp`): the most `value` within the teams' minutes, one
turf a team and evening at most.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

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

    `turfs` has minutes_expected and value; those above TOO_LONG evenings are passed over. The
    prices of a minute and of a slot (the linear relaxation's) settle most turfs; the integer
    programme is solved over those that could still go either way.
    """
    fits = (turfs["minutes_expected"] <= TOO_LONG * evening).to_numpy()
    chosen = pd.Series(False, index=turfs.index, name="is_chosen")
    if not fits.any() or slots == 0:
        return Choice(chosen, 0.0)
    value = turfs["value"].to_numpy(dtype=float)[fits]
    cost = turfs["minutes_expected"].to_numpy(dtype=float)[fits]
    taken, gap = knapsack(value, cost, minutes, slots)
    chosen[np.flatnonzero(fits)] = taken
    return Choice(chosen, gap)


def knapsack(
    value: NDArray[np.float64], cost: NDArray[np.float64], room: float, most: int
) -> tuple[NDArray[np.bool_], float]:
    """Items of most value within `room` of cost, at most so many; and the share of value that may
    be missing (0: proven best)."""
    relaxed = linprog(
        -value, A_ub=np.vstack([cost, np.ones(value.size)]), b_ub=[room, float(most)],
        bounds=(0, 1), method="highs",
    )  # fmt: skip
    price, place = -relaxed.ineqlin.marginals
    above = value - price * cost - place
    ceiling = -float(relaxed.fun)
    rough = greedy(above, value, cost, room, most)
    floor = float(value[rough].sum())
    slack = ceiling - floor + 1e-9 * max(1.0, ceiling)
    sure, open_ = above > slack, np.abs(above) <= slack
    left_room, left_most = room - float(cost[sure].sum()), most - int(sure.sum())
    if not open_.any():
        return rough, 0.0
    with _solver_kept_quiet():
        found = milp(
            -value[open_],
            constraints=LinearConstraint(
                np.vstack([cost[open_], np.ones(int(open_.sum()))]),
                ub=np.array([left_room, float(left_most)]),
            ),
            integrality=np.ones(int(open_.sum())),
            bounds=Bounds(0, 1),
            options={"time_limit": SECONDS, "mip_rel_gap": 1e-9},
        )
    best = sure.copy()
    if found.x is not None:
        best[np.flatnonzero(open_)] = found.x > 0.5
    if float(value[best].sum()) < floor or found.x is None:
        best = rough
    reached = float(value[best].sum())
    proven = found.status == 0
    return best, 0.0 if proven or reached == 0 else max(ceiling / reached - 1, 0.0)


_quiet = threading.Lock()
_solving: list[int] = []
"""A copy of standard output for each solver that runs: the first turns it away, the last back."""


@contextmanager
def _solver_kept_quiet() -> Iterator[None]:
    """HiGHS writes a line of its own to standard output now and then, whatever it is told: it goes
    to standard error, for a command's answer stands alone on the other. Threads may overlap."""
    with _quiet:
        sys.stdout.flush()
        _solving.append(os.dup(_solving[0] if _solving else 1))
        os.dup2(2, 1)
    try:
        yield
    finally:
        with _quiet:
            out = _solving.pop()
            if not _solving:
                os.dup2(out, 1)
            os.close(out)


def greedy(
    above: NDArray[np.float64],
    value: NDArray[np.float64],
    cost: NDArray[np.float64],
    room: float,
    most: int,
) -> NDArray[np.bool_]:
    """Items in the order of what they bring above their price, as long as they fit."""
    taken = np.zeros(value.size, bool)
    for item in np.lexsort((-value, -above)):
        if most and cost[item] <= room and value[item] > 0:
            taken[item] = True
            room, most = room - cost[item], most - 1
    return taken


def in_order(
    turfs: pd.DataFrame, order: pd.Series, *, minutes: float, slots: int, evening: float
) -> pd.Series:
    """The rule of thumb: turfs in this order (the lower first) until time is up; boolean.

    A turf that no longer fits is passed over, as a director would.
    """
    chosen = np.zeros(len(turfs), dtype=bool)
    left, free = minutes, slots
    cost_of = turfs["minutes_expected"].to_numpy(dtype=float)
    for row in turfs.index.get_indexer(order.sort_values(kind="stable").index):
        cost = cost_of[row]
        if free and cost <= left and cost <= TOO_LONG * evening:
            chosen[row] = True
            left, free = left - cost, free - 1
    return pd.Series(chosen, index=turfs.index, name="is_chosen")


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
