"""A backtest on a screen: the table of captures, and where the score loses, in words."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from targeting.locale import percent_in, text_in
from targeting.scoring import capture as cap
from targeting.scoring.backtest import Backtest

SHOWN: Final = (0.10, 0.20, 0.30)
"""Budgets of the screen's table."""

WORST: Final = 5
"""Groups named where the score loses."""


SIMPLER: Final = ("naive", "left_presidential", "left_low", "abstention")
"""Rankings that anybody makes without Relance: one of them doing better is said."""

YES: Final = 0.6
PARTLY: Final = 0.3
"""Share of the way from chance to the best possible, from which the answer is yes, or in part."""


class Verdict(NamedTuple):
    """Would it have been right: `answer` is `yes`, `partly` or `no`; `way` the share of the way
    from chance (0) to the best possible ranking (1); `better` names the simpler rankings that take
    more, most first, by more than what the draws differ by."""

    answer: str
    way: float
    taken: float
    chance: float
    best: float
    better: list[str]


def verdict_of(result: Backtest, arena: str, method: str = "product") -> Verdict:
    """What the first fifth of registered voters would have held of the votes won, judged."""
    figures = result.figures.xs((arena, "G"), level=("arena", "label"))
    taken = float(figures.at[method, "capture_20"])
    best = float(result.oracles[arena, "G"].at(cap.HEADLINE))
    chance = cap.HEADLINE
    way = (taken - chance) / (best - chance) if best > chance else 0.0
    spread = float(np.nan_to_num(figures.at[method, "capture_20_sd"]))
    rivals = figures.loc[figures.index.isin(SIMPLER), "capture_20"].astype(float)
    better = rivals[rivals > taken + spread].sort_values(ascending=False)
    answer = "yes" if way >= YES else "partly" if way >= PARTLY else "no"
    return Verdict(answer, way, taken, chance, best, [str(name) for name in better.index])


def verdict_lines(verdict: Verdict, language: str) -> list[str]:
    """The verdict in plain words: the answer, its figures, and what did better."""
    but = "_but" if verdict.better and verdict.answer != "no" else ""
    lines = [
        text_in(language, f"verdict.{verdict.answer}{but}"),
        text_in(
            language,
            "verdict.figures",
            taken=percent_in(language, verdict.taken, decimals=0),
            chance=percent_in(language, verdict.chance, decimals=0),
            best=percent_in(language, verdict.best, decimals=0),
        ),
    ]
    if verdict.better:
        names = ", ".join(text_in(language, f"method.{name}") for name in verdict.better)
        lines.append(text_in(language, "verdict.better", methods=names))
    else:
        lines.append(text_in(language, "verdict.none_better"))
    return [*lines, text_in(language, "verdict.label")]


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
    """How often T0 takes more than the usual product, and the groups where it takes least; of one
    group alone, what both take."""
    if len(result.groups[arena, "G", "product"]) < 2:
        return [_against_usual(result, arena, language)]
    share = result.figures.at[(arena, "G", "product"), "beats_naive"]
    lines = [text_in(language, "backtest.better", share=percent_in(language, share, decimals=0))]
    gap = result.groups[arena, "G", "product"] - result.groups[arena, "G", "naive"]
    labels = next(a.labels for a in result.transition.arenas if a.name == arena)
    worst = [labels[i] for i in np.argsort(gap)[:WORST] if gap[i] < 0]
    if worst and arena != "national":
        lines.append(text_in(language, "backtest.worse", groups=", ".join(worst)))
    return lines


def _against_usual(result: Backtest, arena: str, language: str) -> str:
    ours, usual = (
        float(result.figures.at[(arena, "G", method), "capture_20"])
        for method in ("product", "naive")
    )
    return text_in(
        language,
        "backtest.one_more" if ours > usual else "backtest.one_less",
        ours=percent_in(language, ours),
        usual=percent_in(language, usual),
    )
