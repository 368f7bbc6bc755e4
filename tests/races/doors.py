"""Doors counted, and visits invented, for actors that work at once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from targeting.outcomes import OUTCOMES


def doors_in_two_open_turfs(turfs: pd.DataFrame, stops: pd.DataFrame) -> int:
    """Counted from ranges, not from the table that forbids it."""
    is_open = turfs.loc[turfs["status"].isin(["ready", "in_progress"]), "turf_id"]
    held = stops[stops["turf_id"].isin(is_open)]
    doors = pd.Series(
        [
            (building_id, door)
            for building_id, first, last in zip(
                held["building_id"], held["first_door"], held["last_door"], strict=True
            )
            for door in range(first, last + 1)
        ],
        dtype=object,
    )
    return int(doors.duplicated().sum())


def some_visits(
    turfs: pd.DataFrame, stops: pd.DataFrame, *, seed: int, count: int = 3
) -> list[dict[str, Any]]:
    """Knocks at a few doors of some turfs, done ones too: late lists come in."""
    chance = np.random.default_rng(seed)
    held = stops[stops["turf_id"].isin(turfs["turf_id"])]
    rows = held.iloc[chance.integers(len(held), size=count)]
    return [
        {
            "visit_id": str(uuid.UUID(int=seed * 1000 + n, version=4)),
            "building_id": stop.building_id,
            "door_id": f"{stop.building_id}/{stop.first_door}",
            "turf_id": stop.turf_id,
            "outcome": str(chance.choice(OUTCOMES)),
            "visited_at": datetime.now(UTC),
        }
        for n, stop in enumerate(rows.itertuples())
    ]
