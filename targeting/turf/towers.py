"""Buildings as big as a turf: turfs of their own, and what they leave to those around."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from targeting.turf.balance import OVER_BUDGET
from targeting.turf.graph.model import StreetGraph
from targeting.turf.kernels.arrays import Flags, Floats, Ints

EVEN_SHARE: Final = 0.1
"""A big building this near a whole number of turfs is shared out evenly among them."""

COMPANY_M: Final = 100.0
"""The rest of a big building goes with another one only this near."""

TOWER_SHARE: Final = 0.9
"""A building with this share of a turf makes its own turfs (TURFS 1)."""


def has_company(graph: StreetGraph, places: Ints) -> Flags:
    """Whether another building to visit stands within a short walk.

    `places`: where each building stands in the graph, -1 for those that nobody visits.
    """
    rows = np.flatnonzero(places >= 0)
    a, b, metres = graph.neighbours(places[rows])
    near = metres <= COMPANY_M
    company = np.zeros(places.size, dtype=bool)
    company[rows[a[near]]] = company[rows[b[near]]] = True
    return company


def tower_parts(
    buildings: pd.DataFrame,
    weights: Floats,
    rows: Ints,
    budget: float,
    company: Flags,
) -> tuple[pd.DataFrame, Ints]:
    """Turfs that a big building fills alone, and the doors it leaves to its neighbours' turfs.

    A building within a tenth of whole turfs, or with no other near, is shared out evenly; else it
    fills as many turfs of the budget as it can, and the rest of its doors are cut with the
    buildings around.

    Returns
    -------
    stops
        One row a turf: `row` of the building, `turf` from 0, `dwellings`.
    rest
        Doors left to share, for each of `rows`.
    """
    doors = buildings["dwellings"].to_numpy()[rows]
    turfs = weights[rows] / budget
    whole = np.maximum(np.round(turfs), 1).astype(np.int64)
    even = np.abs(turfs / whole - 1) <= EVEN_SHARE + 1e-9
    alone = ~even & ~company[rows]
    whole = np.where(alone, np.ceil(turfs / OVER_BUDGET - 1e-9).astype(np.int64), whole)
    even |= alone
    parts = np.where(even, whole, np.maximum(np.floor(turfs), 1).astype(np.int64))
    parts = np.clip(parts, 1, doors)
    filled = np.where(even, doors, np.minimum(np.round(parts * doors / turfs), doors))
    filled = np.maximum(filled.astype(np.int64), parts)
    row, taken, n_parts = (np.repeat(column, parts) for column in (rows, filled, parts))
    part = np.arange(row.size) - np.repeat(np.cumsum(parts) - parts, parts)
    share = taken // n_parts + (part < taken % n_parts)
    return (
        pd.DataFrame({"row": row, "turf": np.arange(row.size), "dwellings": share}),
        doors - filled,
    )
