"""How sure scores are: the errors of elections past, put on those of now."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from targeting.scoring.intervals import Calibration, interval
from targeting.scoring.product import arena_of, with_intervals
from targeting.scoring.ranks import Tau, in_arenas, score_bounds


@dataclass(frozen=True)
class Calibrations:
    """Errors of the reservoir at the cycle before, and the spread of later stocks (for ranks).

    why: where both come from, a line each.
    """

    reservoir: Calibration
    tau: Tau
    why: tuple[str, ...]


def add_intervals(
    scores: pd.DataFrame,
    calibrations: Calibrations,
    errors: pd.DataFrame | None = None,
    *,
    by: str = "national",
    k: int | None = None,
) -> pd.DataFrame:
    """Fill the interval of the reservoir and the chance to be among the first K.

    `errors`: `x` and `sigma` (see `ranks.rank_errors`); none, no chance: the order is not one of
    the stock.
    """
    table = scores.set_index("station_id")
    people, own = table["registered"], table["history_share"]
    density = table["reservoir"] / people.where(people > 0)
    bounds = pd.DataFrame({"low": density, "high": density})
    if density.sum() > 0:
        bounds = interval(calibrations.reservoir, density, people, own=own)
    top = table["top_k_probability"]
    if errors is not None:
        top = _in_arenas(scores, errors, by, k)["top_k_probability"]
    return with_intervals(scores, bounds, top)


def bounds_of(
    scores: pd.DataFrame, errors: pd.DataFrame | None, *, by: str = "national"
) -> pd.DataFrame | None:
    """Between what the score and the rank of each station lie; nothing where the order is not one
    of the stock.

    Columns `score_low`, `score_high`, `rank_low`, `rank_high`, indexed by station_id; ranks are in
    the station's arena, as `rank` is.
    """
    if errors is None:
        return None
    score = scores.set_index("station_id")["score"]
    rates = score_bounds(score, errors).add_prefix("score_")
    return rates.join(_in_arenas(scores, errors, by, None)[["rank_low", "rank_high"]])


def _in_arenas(scores: pd.DataFrame, errors: pd.DataFrame, by: str, k: int | None) -> pd.DataFrame:
    table = scores.set_index("station_id")
    arena = arena_of(by, table.index, table["constituency_code"])
    return in_arenas(errors.reindex(table.index), table["rank"], arena, k=k)
