"""T1: rates drawn to those of their neighbours as far as they are noise, and the reservoir's level.

Empirical Bayes of SCIENCE 2.1. In cities it changes next to nothing (850 voters say enough of their
own station); it serves small stations and those whose past is not their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from targeting.codes import commune_of
from targeting.errors import TargetingError

LEAST_NEIGHBOURS: Final = 3
"""A commune of three stations or more is its stations' group, else the department (SCIENCE 2.1)."""


def groups_of(stations: pd.Index) -> pd.Series:
    """Group that each station is drawn to: its commune, or its department if that is too small."""
    commune = stations.to_series().map(commune_of)
    size = commune.groupby(commune).transform("size")
    return commune.where(size >= LEAST_NEIGHBOURS, commune.str.slice(0, 2)).rename("group")


def shrunk_rate(
    rate: pd.Series, people: pd.Series, groups: pd.Series, *, own: pd.Series | None = None
) -> pd.Series:
    """Draw each station's rate to the mean of its group by the part of it that is noise.

    x~ = m_g + B (x − m_g), B = s²_g / (s²_g + v), v = p(1 − p) / people + (1 − own) s²_g, p = m_g:
    binomial noise, and as much of the group's variance as the past is not the station's own.

    Parameters
    ----------
    rate
        From 0 to 1, missing where not known.
    people
        What the rate is of, on the same index.
    groups
        Group of each station (`groups_of`).
    own
        Share of the past that is the station's own, 0 to 1; 1 if not given.

    Returns
    -------
    shrunk_rate
        Same index and order; missing where the rate is.

    Raises
    ------
    TargetingError
        If a rate lies outside 0 to 1, or the indexes differ.
    """
    if not rate.index.equals(people.index):
        raise TargetingError("rates and people are not of the same stations, in the same order.")
    if ((rate < 0) | (rate > 1)).any():
        raise TargetingError("a rate outside 0 to 1: count abstentions and registered again.")
    weight = people.where(rate.notna(), 0.0).astype("float64")

    def mean(values: pd.Series) -> pd.Series:
        total = weight.groupby(groups).transform("sum")
        return (values.fillna(0.0) * weight).groupby(groups).transform("sum") / total.where(
            total > 0
        )

    middle = mean(rate)
    noise = middle * (1 - middle) / people.where(people > 0)
    signal = (mean((rate - middle) ** 2) - mean(noise)).clip(lower=0.0)
    borrowed = 0.0 if own is None else (1 - own.reindex(rate.index).fillna(0.0).clip(0, 1))
    trust = (signal / (signal + noise + borrowed * signal)).where(signal > 0, 0.0)
    return (middle + trust * (rate - middle)).clip(0, 1).rename("shrunk_rate")


def shrunk_product(
    abstentions: Sequence[pd.Series],
    registered: Sequence[pd.Series],
    share: pd.Series,
    valid: pd.Series,
    *,
    owns: Sequence[pd.Series] | None = None,
) -> tuple[pd.Series, pd.Series]:
    """T1's two factors: mean shrunk abstention of the low-turnout rounds, shrunk share.

    One rate of abstention and one roll for each round; `owns` as in `shrunk_rate`, of each round.
    """
    groups = groups_of(share.index)
    rates = [
        shrunk_rate(a, n.astype("float64"), groups, own=None if owns is None else owns[i])
        for i, (a, n) in enumerate(zip(abstentions, registered, strict=True))
    ]
    abstention = pd.concat(rates, axis=1).mean(axis=1)
    return abstention, shrunk_rate(share, valid.astype("float64"), groups)


def level_reservoir(
    presidential: pd.Series,
    latest_low: pd.Series,
    share: pd.Series,
    registered: pd.Series,
    *,
    realised: float = 1.0,
    elsewhere: float = 0.0,
) -> pd.Series:
    """Reservoir in people: max(0, turnout gap) × share × registered × realised × (1 − elsewhere).

    Turnouts and share are rates on one index. `realised`: part of the turnout lost that is expected
    to come back (1: all of it; the scenario gives it). `elsewhere`: part of the abstainers who do
    not live where they are registered (0.27 to 0.33, SCIENCE 1.4; `product.ELSEWHERE`).
    """
    gap = (presidential - latest_low).clip(lower=0)
    people = gap * share * registered * realised * (1 - elsewhere)
    return people.rename("reservoir")
