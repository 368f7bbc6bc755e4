"""Scores that a backtest compares: each is one line of SCIENCE 2.1 or 3.2, from tallies alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from targeting.scoring.product import mean_rate
from targeting.scoring.tallies import abstention_of, share_of, support_of, turnout_of

if TYPE_CHECKING:
    from targeting.scoring.backtest import Tallies, Transition


def random_order(tallies: Tallies, transition: Transition) -> pd.Series:
    """Chance: the floor of every figure."""
    draw = np.random.default_rng(int(tallies[transition.t0]["votes_cast"].sum()) % 2**32)
    return pd.Series(draw.random(len(transition.stations)), index=transition.stations)


def abstention(tallies: Tallies, transition: Transition) -> pd.Series:
    """Abstention of the last low-turnout round alone."""
    return abstention_of(tallies[transition.basis.latest_low])


def left_low(tallies: Tallies, transition: Transition) -> pd.Series:
    """Left share of the last low-turnout round alone."""
    return share_of(tallies[transition.basis.latest_low])


def left_presidential(tallies: Tallies, transition: Transition) -> pd.Series:
    """Left share of the presidential round alone."""
    return share_of(tallies[transition.basis.presidential])


def naive(tallies: Tallies, transition: Transition) -> pd.Series:
    """The usual tool: abstention × left share of the same low-turnout round."""
    return abstention(tallies, transition) * left_low(tallies, transition)


def presidential_product(tallies: Tallies, transition: Transition) -> pd.Series:
    """Abstention × left share of the presidential round alone."""
    return abstention_of(tallies[transition.basis.presidential]) * left_presidential(
        tallies, transition
    )


def product_one(tallies: Tallies, transition: Transition) -> pd.Series:
    """Abstention of the last low-turnout round × left share of the presidential one."""
    return abstention(tallies, transition) * left_presidential(tallies, transition)


def product(tallies: Tallies, transition: Transition) -> pd.Series:
    """T0: mean abstention of the low-turnout rounds × left share of the presidential one."""
    rates = [abstention_of(tallies[e]) for e in transition.basis.low]
    mean = mean_rate(rates, transition.stations)
    return mean * left_presidential(tallies, transition)


def gap_left(tallies: Tallies, transition: Transition) -> pd.Series:
    """Turnout lost since the presidential round × its left share: the reservoir per registered."""
    high = turnout_of(tallies[transition.basis.presidential])
    low = turnout_of(tallies[transition.basis.latest_low])
    return (high - low) * left_presidential(tallies, transition)


def drop_off(tallies: Tallies, transition: Transition) -> pd.Series:
    """Votes for the target lost since the presidential round, per registered voter."""
    high = support_of(tallies[transition.basis.presidential])
    return high - support_of(tallies[transition.basis.latest_low])


BASELINES = {
    "random": random_order,
    "abstention": abstention,
    "left_low": left_low,
    "left_presidential": left_presidential,
    "naive": naive,
    "product_presidential": presidential_product,
    "product_one": product_one,
    "product": product,
    "gap_left": gap_left,
    "drop_off": drop_off,
}
"""In the order of SCIENCE 3.2; `product_one` is its prod, `product` its prod_pool."""
