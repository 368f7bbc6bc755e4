"""Where the tide rises: who comes back without the campaign, in classes and never as a rank.

A second look beside the stock (SCIENCE 9.3): against the score it moves one station in seven of the
first fifth, for 0 to 4 % more of the votes that come back, and its errors do not travel from one
kind of election to the next: no rank and no interval is ever built on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from targeting.codes import held_on, parse_election_id
from targeting.scoring.basis import ROUNDING

ABNORMAL_DROP: Final = 0.08
"""A low round whose turnout lies by more than so much under the last one of its kind was not what
abstention usually is (SCIENCE 9.3: a proposal, one case seen)."""


def rising_tide(
    abstention: pd.Series,
    share: pd.Series,
    low_share: pd.Series,
    *,
    latest: pd.Series | None = None,
) -> pd.Series:
    """F = √a (l + ll) / 2, on the index of `abstention`; only its order has a meaning.

    Parameters
    ----------
    abstention, share
        Mean abstention of the low rounds and share of the target at the presidential one.
    low_share
        Share of the target at the latest low round; where it is missing, `share` stands for it.
    latest
        Abstention at the latest low round, given where that round was abnormal
        (`is_abnormal`): then F = (a_t0 − a) + l.
    """
    left = share.reindex(abstention.index)
    if latest is not None:
        return (latest.reindex(abstention.index) - abstention + left).rename("tide")
    low = low_share.reindex(abstention.index).fillna(left)
    return (np.sqrt(abstention) * (left + low) / 2).rename("tide")


def share_where_stood(share: pd.Series, group: pd.Series) -> pd.Series:
    """The share of the target, missing in the groups (constituencies, communes) where it got no
    vote at all: nobody stood for it there."""
    stood = share.groupby(group.reindex(share.index).fillna("?")).transform("max") > 0
    return share.where(stood).rename("low_share")


def is_abnormal(levels: pd.DataFrame, latest_low: str) -> bool:
    """Whether the latest low round lies more than ABNORMAL_DROP under the last one of its kind.

    `levels`: `election_id`, `turnout` (rates), one row per election imported; where no earlier one
    of the kind is there, it is not.
    """
    turnout = levels.set_index("election_id")["turnout"].astype("float64")
    round_ = parse_election_id(latest_low)
    before = [
        e
        for e in map(parse_election_id, turnout.index)
        if (e.kind, e.round_number) == (round_.kind, round_.round_number)
        and held_on(e) < held_on(round_)
    ]
    if not before:
        return False
    last = max(before, key=held_on).election_id
    return bool(turnout[last] - turnout[latest_low] > ABNORMAL_DROP + ROUNDING)
