"""The best split of an order of buildings into turfs."""

from __future__ import annotations

from typing import Final

import numpy as np

from targeting.turf.kernels.arrays import Floats, Ints
from targeting.turf.kernels.compiled import kernel
from targeting.turf.kernels.objective import felt, turf_cost

WINDOW: Final = 1.6
"""No turf above this many targets is tried, unless one building alone is."""


@kernel
def split_order(
    weights: Floats, legs: Floats, leg_weights: Floats, target: float, max_leg_m: float
) -> Ints:
    """Number the turfs of the best split of an order into runs: the sum of `turf_cost` is least.

    A run weighs its members and the legs inside it; no run holds a leg above `max_leg_m`. Exact
    among runs of at most WINDOW targets (one building alone may weigh more).
    """
    n = weights.size
    # the best split of the first `end` buildings, from all shorter ones
    best = np.full(n + 1, np.inf)
    best[0] = 0.0
    start = np.zeros(n + 1, np.int64)
    for end in range(1, n + 1):
        weight = 0.0
        walk = 0.0
        for i in range(end - 1, -1, -1):
            weight += weights[i]
            if i < end - 1:
                if legs[i + 1] > max_leg_m:
                    break
                weight += leg_weights[i + 1]
                walk += felt(legs[i + 1])
                if weight > WINDOW * target:
                    break
            cost = best[i] + turf_cost(weight, walk, target)
            if cost < best[end]:
                best[end] = cost
                start[end] = i
    # from the last run back to the first
    labels = np.zeros(n, np.int64)
    end = n
    number = 0
    while end > 0:
        labels[start[end] : end] = number
        number += 1
        end = start[end]
    return number - 1 - labels
