"""Why a station ranks where it does: each term's part, in people, and what would change it."""

from __future__ import annotations

import numpy as np
import pandas as pd


def explain_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """What abstention and the share of votes each bring to a station's score, against the mean.

    Parameters
    ----------
    scores
        Table Scores, of one arena: means and ranks are over all its stations.

    Returns
    -------
    DataFrame
        Indexed by station_id. `expected`: registered × the arena's mean abstention × its mean
        share, people; `from_abstention`, `from_share`, `from_both`: people more (or fewer) than
        that because the station abstains more, votes more for the target, or both at once. They
        sum with `expected` to registered × score: a·l = ā·l̄ + (a−ā)·l̄ + ā·(l−l̄)
        + (a−ā)·(l−l̄).
        `rank_at_mean_abstention`, `rank_at_mean_share`: the rank it would have if that term were
        the arena's mean; missing where it has no rank.
        Missing where the score is. Means are weighted by registered voters.
    """
    table = scores.set_index("station_id")
    known = table["score"].notna() & np.isfinite(table["score"])
    weight = table["registered"].where(known, 0).astype("float64")
    total = weight.sum()
    abstention, share = table["abstention_rate"], table["left_share"]
    mean_a = float((abstention.where(known, 0) * weight).sum() / total) if total else np.nan
    mean_l = float((share.where(known, 0) * weight).sum() / total) if total else np.nan
    people = table["registered"].where(known).astype("float64")
    result = pd.DataFrame(
        {
            "expected": people * mean_a * mean_l,
            "from_abstention": people * (abstention - mean_a) * mean_l,
            "from_share": people * mean_a * (share - mean_l),
            "from_both": people * (abstention - mean_a) * (share - mean_l),
        },
        index=table.index,
    )
    result["rank_at_mean_abstention"] = _rank_with(table, mean_a * share)
    result["rank_at_mean_share"] = _rank_with(table, abstention * mean_l)
    return result


def _rank_with(table: pd.DataFrame, other: pd.Series) -> pd.Series:
    """Rank of each station among the others' true scores, had it this score instead."""
    ranked = table["rank"].notna()
    ladder = np.sort(table.loc[ranked, "score"].to_numpy(dtype="float64"))
    own = table["score"].to_numpy(dtype="float64")
    value = other.to_numpy(dtype="float64")
    above = len(ladder) - np.searchsorted(ladder, value, side="right")
    above -= (own > value).astype(int)  # the station itself is no rival
    rank = pd.Series(above + 1, index=table.index, dtype="Int64")
    return rank.where(ranked & other.notna()).clip(lower=1)
