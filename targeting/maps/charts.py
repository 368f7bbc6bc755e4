"""Pictures as SVG text: drawn by Altair, rendered without browser nor network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from targeting.locale import percent_in, text_in
from targeting.scoring import capture as cap
from targeting.scoring.backtest import Backtest

COLOURS: Final = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#999999")
"""Okabe and Ito's palette, told apart by the colour-blind; the ceiling is black."""

DASHES: Final = ([6, 3], [1, 0], [4, 2], [2, 2], [8, 2, 2, 2], [1, 0], [1, 3])


def gain_curve_svg(
    result: Backtest,
    methods: Sequence[str],
    language: str,
    *,
    arena: str | None = None,
    label: str = "G",
    width: int = 560,
    height: int = 380,
) -> str:
    """The gain curve: share of the gains in the first x % of registered voters, method by method.

    In the smallest arena there is (the commune's, where a campaign works), unless said. Lines
    differ by dash as well as by colour, and the legend names them.
    """
    arena = arena or result.transition.arenas[-1].name
    curves = {"ceiling": result.oracles[arena, label].middle}
    curves |= {m: result.curves[arena, label, m] for m in methods}
    names = {m: text_in(language, f"method.{m}") for m in curves}
    rows = pd.concat(
        [
            pd.DataFrame({"budget": cap.GRID, "gain": curve, "method": names[m]})
            for m, curve in curves.items()
        ]
    )
    order = list(names.values())
    scale = [COLOURS[i % len(COLOURS)] for i in range(len(order))]
    dashes = [DASHES[i % len(DASHES)] for i in range(len(order))]
    sign = percent_in(language, 0.1, decimals=0).removeprefix("10")  # "\u00a0%" in French
    percent = alt.Axis(labelExpr=f"format(100 * datum.value, '.0f') + '{sign}'", tickCount=10)
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolStrokeWidth=3, labelLimit=320)
    chart = (
        alt.Chart(rows)
        .mark_line(strokeWidth=2)
        .encode(
            alt.X("budget:Q", title=text_in(language, "backtest.axis_budget"), axis=percent),
            alt.Y(
                "gain:Q",
                title=text_in(language, "backtest.axis_gain"),
                axis=percent,
                scale=alt.Scale(domain=[0, 1], nice=False),
            ),
            alt.Color(
                "method:N", sort=order, scale=alt.Scale(domain=order, range=scale), legend=legend
            ),
            alt.StrokeDash(
                "method:N", sort=order, scale=alt.Scale(domain=order, range=dashes), legend=legend
            ),
        )
        .properties(width=width, height=height)
        .configure(font="sans-serif")
    )
    return str(vl_convert.vegalite_to_svg(chart.to_json()))


def describe_curve(
    result: Backtest, method: str, language: str, *, arena: str | None = None
) -> str:
    """The same picture in one sentence, for those who do not see it."""
    arena = arena or result.transition.arenas[-1].name
    at = float(np.interp(cap.HEADLINE, cap.GRID, result.curves[arena, "G", method]))
    best = result.oracles[arena, "G"].at(cap.HEADLINE)
    return text_in(
        language,
        "backtest.curve_alt",
        method=text_in(language, f"method.{method}"),
        gain=percent_in(language, at),
        best=percent_in(language, best),
    )
