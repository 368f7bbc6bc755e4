"""What if turnout moves so, and votes go so: a range of votes to win back, never one number.

And election night: stations counted tell those not counted how far the result departs from what was
expected, their commune's first (Pavía et al. 2008, JASA 103: from 5 % of the votes on, this beats
history alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from targeting.codes import commune_of
from targeting.errors import TargetingError
from targeting.scoring.intervals import NOMINAL

MEASURED: Final = (0.78, 0.99)
"""Votes won back / (reservoir × share of turnout that came back) on legislative 2022 → 2024: 0.78
counting net additional votes (G), 0.99 counting added voters × later share (M)."""

BIAS: Final = (0.78, 1.02)
"""The range of a scenario holds both of MEASURED, and a little more."""

LEAST_COUNTED: Final = 5
"""Fewest stations counted for an update: under that nothing is said."""


@dataclass(frozen=True)
class Scenario:
    """turnout: lowest and highest turnout foreseen; transfer: lowest and highest part of those who
    come back that votes for the target as it did at the presidential round (1: all)."""

    turnout: tuple[float, float]
    transfer: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        for name, (low, high) in (("turnout", self.turnout), ("transfer", self.transfer)):
            if not 0 <= low <= high <= (1 if name == "turnout" else 2):
                raise TargetingError(
                    f"the scenario's {name} goes from {low} to {high}: give the lower end first, "
                    "as shares from 0 to 1."
                )


def came_back(turnout: float, *, low: float, high: float) -> float:
    """Part of the turnout lost between the presidential round and the low one that comes back."""
    if high <= low:
        raise TargetingError("turnout did not fall after the presidential round: nothing is lost.")
    return float(np.clip((turnout - low) / (high - low), 0.0, 1.0))


def scenario_range(
    reservoir: pd.Series,
    scenario: Scenario,
    *,
    turnout_low: float,
    turnout_high: float,
    bounds: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Votes to win back in each station under a scenario, in people.

    Parameters
    ----------
    reservoir
        People, by station (see `product.reservoir`).
    turnout_low, turnout_high
        Turnouts of the low and the presidential round, of all stations together.
    bounds
        `low` and `high` of each reservoir, in people, where calibrated.

    Returns
    -------
    DataFrame
        `low` and `high`: ends of the sliders, times BIAS, times the station's own interval.
    """
    ends = [
        came_back(turnout, low=turnout_low, high=turnout_high) * transfer * bias
        for turnout, transfer, bias in zip(scenario.turnout, scenario.transfer, BIAS, strict=True)
    ]
    inner = pd.DataFrame({"low": reservoir, "high": reservoir}) if bounds is None else bounds
    return pd.DataFrame({"low": inner["low"] * ends[0], "high": inner["high"] * ends[1]})


def total_range(
    reservoir: pd.Series, scenario: Scenario, *, turnout_low: float, turnout_high: float
) -> tuple[float, float]:
    """The same for all stations together: their own errors cancel, the scenario's do not."""
    each = scenario_range(
        reservoir, scenario, turnout_low=turnout_low, turnout_high=turnout_high
    ).sum()
    return float(each["low"]), float(each["high"])


# -- election night --------------------------------------------------------------------------------


@dataclass(frozen=True)
class NightUpdate:
    """rates: `expected`, `low`, `high` of every station (counted ones are what they are); counted:
    how many; shift: mean departure from what was expected."""

    rates: pd.DataFrame
    counted: int
    shift: float


def update_from_counted(
    expected: pd.Series,
    counted: pd.Series,
    registered: pd.Series,
    *,
    spread: pd.Series | float,
    nominal: float = NOMINAL,
) -> NightUpdate:
    """Foresee the stations not counted from those that are.

    Each station's departure (counted − expected) is the whole's, plus its commune's, plus its own:
    two levels of partial pooling by their variances. Nearby stations counted narrow the interval,
    none counted nearby leaves it wide.

    Parameters
    ----------
    expected
        A rate known before (turnout, or votes per registered voter), 0 to 1.
    counted
        The same rate where it is counted; missing elsewhere. Same index.
    registered
        People.
    spread
        Standard deviation of a station's departure before any count.

    Raises
    ------
    TargetingError
        With fewer than LEAST_COUNTED stations counted, a nominal level that is no share, or
        indexes that differ.
    """
    from scipy.stats import norm

    if not 0 < nominal < 1:
        raise TargetingError(f"nominal={nominal:g}: an interval's level lies between 0 and 1.")
    if not (expected.index.equals(counted.index) and expected.index.equals(registered.index)):
        raise TargetingError("expected, counted and registered are not of the same stations.")
    known = counted.notna() & expected.notna() & (registered > 0)
    if known.sum() < LEAST_COUNTED:
        raise TargetingError(
            f"{int(known.sum())} stations counted: {LEAST_COUNTED} are wanted before the others "
            "are foreseen."
        )
    departure = (counted - expected).where(known)
    weight = registered.where(known, 0.0).astype("float64")
    shift = float((departure.fillna(0) * weight).sum() / weight.sum())
    commune = expected.index.to_series().map(commune_of)
    own = departure - shift
    total = weight.groupby(commune).transform("sum")
    mean = (own.fillna(0) * weight).groupby(commune).transform("sum") / total.where(total > 0)
    number = known.astype("int64").groupby(commune).transform("sum")
    within, between = _variances(own, mean, number, known)
    trust = between / (between + within / number.where(number > 0))
    pooled = (trust * mean).fillna(0.0)
    left = between * (1 - trust.fillna(0.0)) + within * (1 + 1 / known.sum())
    prior = spread if isinstance(spread, pd.Series) else pd.Series(spread, index=expected.index)
    share = float(weight.sum() / registered.sum())
    # few counted: what was feared before still weighs
    deviation = np.sqrt(share * left + (1 - share) * np.maximum(left, prior**2))
    middle = (expected + shift + pooled).clip(0, 1)
    half = norm.ppf((1 + nominal) / 2) * deviation
    rates = pd.DataFrame({"expected": middle, "low": middle - half, "high": middle + half})
    rates = rates.clip(0, 1)
    for column in rates:
        rates[column] = rates[column].where(~known, counted)
    return NightUpdate(rates, int(known.sum()), shift)


def _variances(
    own: pd.Series, mean: pd.Series, number: pd.Series, known: pd.Series
) -> tuple[float, float]:
    """Variance of departures within communes and between them, among the stations counted."""
    several = known & (number > 1)
    freedom = float((1 - 1 / number[several]).sum())
    overall = float((own[known] ** 2).mean())
    within = float(((own - mean)[several] ** 2).sum() / freedom) if freedom > 0 else overall
    return max(within, 1e-8), max(overall - within, 1e-8)
