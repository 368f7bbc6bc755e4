"""What the cut minimises: legs as they are felt, and how far each turf is from its size.

The one definition: the split, the polish and whoever compares two cuts (`turf.objective`) read it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from targeting.turf.kernels.arrays import Floats, Ints
from targeting.turf.kernels.compiled import kernel

PARTED_M: Final = 10.0
"""Metres of walk that two facing doors in two turfs are worth."""

TOLERANCE: Final = 0.09
"""Turfs this near the target are free of penalty: a little under the promised 10 %."""

PENALTY_M: Final = 9_000.0
"""Metres of walk that one whole turf of imbalance is worth: 180 m a door of 50. Tried: 120 m leaves
a tenth of the turfs of a sparse list unequal, 300 m walks up to 3 % more."""

SPREAD_M: Final = 250.0
"""Metres that the squared imbalance is worth: within the tolerance, nearer is still better."""

EASY_LEG_M: Final = 150.0
"""A leg above this is a jump: two minutes without a door, past doors of another turf."""

JUMP_WEIGHT: Final = 6.0
"""What each metre beyond that counts for: 5 and 6 tried on Paris, fewer jumps, as equal."""

WORTH_M: Final = 1e-7
"""A gain in metres that is not rounding."""


@kernel
def felt(leg_m: float) -> float:
    """A leg as the cost counts it: longer than it is, where it is a jump."""
    return leg_m + (JUMP_WEIGHT - 1.0) * max(0.0, leg_m - EASY_LEG_M)


@kernel
def turf_cost(weight: float, felt_m: float, target: float) -> float:
    """What a turf costs, in metres: its legs as felt, and how far its weight is from the target."""
    off = abs(weight / target - 1.0)
    return felt_m + PENALTY_M * max(0.0, off - TOLERANCE) + SPREAD_M * off * off


@kernel
def path_length(table: Floats, path: Ints) -> float:
    """Length of an open path."""
    total = 0.0
    for k in range(1, path.size):
        total += table[path[k - 1], path[k]]
    return total


@kernel
def felt_length(table: Floats, path: Ints) -> float:
    """Length of an open path, its jumps counted as they are felt."""
    total = 0.0
    for k in range(1, path.size):
        total += felt(table[path[k - 1], path[k]])
    return total


@kernel
def run_cost(
    table: Floats,
    path: Ints,
    weights: Floats,
    target: float,
    minutes_per_m: float,
    max_leg_m: float,
) -> float:
    """What a turf walked so costs; nothing where it is empty, without end with too long a leg."""
    if path.size == 0:
        return 0.0
    for k in range(1, path.size):
        if table[path[k - 1], path[k]] > max_leg_m:
            return np.inf
    weight = path_length(table, path) * minutes_per_m
    for k in path:
        weight += weights[k]
    return turf_cost(weight, felt_length(table, path), target)
