"""How sure scores are: the errors of the cycle before, put on those of now."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from targeting.scoring.intervals import Calibration, interval, rank_interval, top_k_probability
from targeting.scoring.product import arena_of, with_intervals


@dataclass(frozen=True)
class Calibrations:
    """Errors of the reservoir and of the score at the cycle before; none: `why` tells."""

    reservoir: Calibration | None
    score: Calibration | None
    why: str


def add_intervals(
    scores: pd.DataFrame, calibrations: Calibrations, *, by: str = "national", k: int | None = None
) -> pd.DataFrame:
    """Fill the interval of the reservoir and the chance to be among the first K, where the past
    has calibrated them."""
    if calibrations.reservoir is None or calibrations.score is None:
        return scores
    table = scores.set_index("station_id")
    people, own = table["registered"], table["history_share"]
    density = table["reservoir"] / people.where(people > 0)
    if not density.sum() > 0:
        return scores
    bounds = interval(calibrations.reservoir, density, people, own=own)
    arena = arena_of(by, table.index, table["constituency_code"])
    group = pd.Series("all", index=table.index) if arena is None else arena
    ranked = table["score"].where(table["rank"].notna())
    top = top_k_probability(calibrations.score, ranked, people, group, k=k, own=own)
    return with_intervals(scores, bounds, top)


def bounds_of(scores: pd.DataFrame, calibrations: Calibrations) -> pd.DataFrame | None:
    """Between what the score and the rank of each station lie, where the past has calibrated it.

    Columns `score_low`, `score_high`, `rank_low`, `rank_high`, indexed by station_id; nothing
    where no past cycle is imported. Ranks are among all the stations scored together.
    """
    if calibrations.score is None:
        return None
    table = scores.set_index("station_id")
    people, own = table["registered"], table["history_share"]
    score = table["score"].where(table["rank"].notna())
    if not score.sum() > 0:
        return None
    rates = interval(calibrations.score, score, people, own=own).add_prefix("score_")
    ranks = rank_interval(calibrations.score, score, people, own=own).add_prefix("rank_")
    return rates.join(ranks)
