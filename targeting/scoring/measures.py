"""Rates of one election, per polling station: Series indexed by station_id, from 0 to 1."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd


def turnout_rate(turnout: pd.DataFrame) -> pd.Series:
    """Votes cast per registered voter (table Turnout); missing where nobody is registered."""
    counts = turnout.set_index("station_id")
    registered = counts["registered"].where(counts["registered"] > 0)
    return (counts["votes_cast"] / registered).rename("turnout_rate")


def abstention_rate(turnout: pd.DataFrame) -> pd.Series:
    """One less `turnout_rate`; missing where nobody is registered."""
    return (1 - turnout_rate(turnout)).rename("abstention_rate")


def left_share(
    turnout: pd.DataFrame, bloc_votes: pd.DataFrame, target: Collection[str]
) -> pd.Series:
    """Votes for the target blocs per valid vote, the index of `turnout`'s stations.

    0 where no candidate of those blocs stood or got a vote; missing where there is no valid vote.
    `target` is any set of blocs: the name says what the tool was made for.
    """
    ours = bloc_votes[bloc_votes["bloc"].isin(list(target))]
    votes = ours.groupby("station_id")["votes"].sum()
    counts = turnout.set_index("station_id")
    valid = counts["valid_votes"].where(counts["valid_votes"] > 0)
    share = votes.reindex(counts.index).fillna(0) / valid
    return share.clip(upper=1).rename("left_share")
