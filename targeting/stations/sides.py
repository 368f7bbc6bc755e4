"""Addresses of one side of a street stay together: the ground between two doors is theirs."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

LONGEST_STEP_M: Final = 80.0
"""Two doors farther apart than this on one side have something else between them…"""

SHORTEST_STEP_M: Final = 16.0
"""…and nearer ones leave no room for a neighbour. On the roll of Paris 2012, a fifth of the
addresses held out, points half-way bring 91.8 % of the voters held out into their own station's
outline, 89.8 % without them."""

NEAREST: Final = 12
"""Points looked at around a half-way point."""

BAN_ID: Final = r"^(?P<street>.+)_(?P<number>\d{5})(?:_.*)?$"
"""`75101_0012_00004_bis`: commune and street, number, suffix."""


def points_between_doors(points: pd.DataFrame) -> pd.DataFrame:
    """Half-way points (`station_id`, `x`, `y`) between doors that follow each other.

    Doors of one station on one side of a street, by the number in their BAN id, where another
    station is near; points without an id have none.

    Parameters
    ----------
    points
        Table StationPoints, or its columns `station_id`, `x`, `y`; `address_id` where known.
    """
    nothing = pd.DataFrame(columns=["station_id", "x", "y"])
    if "address_id" not in points.columns or points["address_id"].isna().all():
        return nothing
    parts = points["address_id"].str.extract(BAN_ID)
    doors = points[["station_id", "x", "y"]].assign(
        street=parts["street"], number=pd.to_numeric(parts["number"])
    )
    doors = doors.dropna(subset=["street", "number"])
    doors["side"] = doors["number"] % 2
    doors = doors.sort_values(["street", "side", "number", "station_id", "x", "y"])
    after = doors.shift(-1)
    follows = (
        doors[["street", "side", "station_id"]] == after[["street", "side", "station_id"]]
    ).all(axis=1)
    step = np.hypot(after["x"] - doors["x"], after["y"] - doors["y"])
    follows &= step.between(SHORTEST_STEP_M, LONGEST_STEP_M)
    one, other = doors[follows], after[follows]
    between = pd.DataFrame(
        {
            "station_id": one["station_id"],
            "x": (one["x"] + other["x"]) / 2,
            "y": (one["y"] + other["y"]) / 2,
        }
    )
    return between[_has_strangers_near(between, points)].reset_index(drop=True)


def _has_strangers_near(between: pd.DataFrame, points: pd.DataFrame) -> np.ndarray:
    """Whether another station is among the nearest: amid its own, a point changes nothing."""
    from scipy.spatial import cKDTree

    number, names = pd.factorize(points["station_id"])
    tree = cKDTree(points[["x", "y"]].to_numpy())
    ranks = list(range(1, min(NEAREST, len(points)) + 1))
    _, near = tree.query(between[["x", "y"]].to_numpy(), k=ranks)
    own = pd.Index(names).get_indexer(between["station_id"])
    strangers: np.ndarray = (number[near] != own[:, None]).any(axis=1)
    return strangers
