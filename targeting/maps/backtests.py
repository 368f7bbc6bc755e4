"""A backtest on a screen: the table of captures, and where the score loses, in words."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from targeting.locale import percent_in, text_in
from targeting.scoring.backtest import Backtest

SHOWN: Final = (0.10, 0.20, 0.30)
"""Budgets of the screen's table."""

WORST: Final = 5
"""Groups named where the score loses."""


def capture_listing(result: Backtest, arena: str, language: str) -> pd.DataFrame:
    """One row a method, best first at 20 %: captures of the first 10, 20 and 30 %, in words."""
    figures = result.figures.xs((arena, "G"), level=("arena", "label"))
    figures = figures.sort_values("capture_20", ascending=False)
    columns = {
        text_in(language, "backtest.method"): [
            text_in(language, f"method.{method}") for method in figures.index
        ]
    }
    for budget in SHOWN:
        name = text_in(language, "backtest.first", share=percent_in(language, budget, decimals=0))
        values = figures[f"capture_{round(100 * budget):02d}"]
        columns[name] = [percent_in(language, value) for value in values]
    return pd.DataFrame(columns)


def where_it_loses(result: Backtest, arena: str, language: str) -> list[str]:
    """How often T0 takes more than the usual product, and the groups where it takes least."""
    share = result.figures.at[(arena, "G", "product"), "beats_naive"]
    lines = [text_in(language, "backtest.better", share=percent_in(language, share, decimals=0))]
    gap = result.groups[arena, "G", "product"] - result.groups[arena, "G", "naive"]
    labels = next(a.labels for a in result.transition.arenas if a.name == arena)
    worst = [labels[i] for i in np.argsort(gap)[:WORST] if gap[i] < 0]
    if worst and arena != "national":
        lines.append(text_in(language, "backtest.worse", groups=", ".join(worst)))
    return lines
