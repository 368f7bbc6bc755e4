"""A backtest as one HTML page: the answer, a picture, two tables; no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from targeting.exports.aside import write_aside
from targeting.exports.pages import TEMPLATES
from targeting.locale import election_in, number_in, percent_in, text_in


def summary_of(facts: dict[str, Any], language: str) -> str:
    """What was foreseen from what, in one sentence."""
    low = "; ".join(election_in(language, e) for e in facts["basis"]["low"])
    low = low.replace(";", "\u00a0;") if language == "fr" else low
    return text_in(
        language,
        "backtest.summary",
        presidential=election_in(language, facts["basis"]["presidential"]),
        low=low,
        t0=election_in(language, facts["t0"]),
        t1=election_in(language, facts["t1"]),
        points=_signed(100 * facts["turnout_change"], language),
        stations=number_in(language, facts["stations"]),
    )


def _signed(points: float, language: str) -> str:
    sign = "+" if points > 0 else "−" if points < 0 else ""
    return sign + number_in(language, abs(points), decimals=1)


def table_rows(facts: dict[str, Any], label: str, language: str) -> list[dict[str, Any]]:
    """One row a method: its capture at 20 % in each arena, with its spread; the ceiling last."""
    arenas = list(facts["arenas"])
    found = {(f["arena"], f["label"], f["method"]): f for f in facts["figures"]}
    methods = list(dict.fromkeys(f["method"] for f in facts["figures"]))
    rows = [
        {
            "name": text_in(language, f"method.{method}"),
            "cells": [_cell(found[arena, label, method], language) for arena in arenas],
        }
        for method in methods
    ]
    best = [facts["arenas"][a]["oracle"][label]["capture_20"] for a in arenas]
    ceiling = {
        "name": text_in(language, "method.ceiling"),
        "cells": [percent_in(language, b) for b in best],
    }
    return [*rows, ceiling]


def _cell(figure: dict[str, Any], language: str) -> str:
    spread = figure["capture_20_sd"]
    told = percent_in(language, figure["capture_20"])
    return told if spread is None else f"{told} ± {number_in(language, 100 * spread, decimals=1)}"


def write_backtest_page(
    path: Path,
    facts: dict[str, Any],
    svg: str,
    alt: str,
    credits: Sequence[str],
    *,
    verdict: Sequence[str] = (),
    language: str = "fr",
) -> Path:
    """Write the page. `svg` is ours (see `maps.charts`); `alt` says the same in words; `verdict`
    stands first, its answer as a heading (words between `**` are strong)."""
    text = TEMPLATES.get_template("backtest.html").render(
        language=language,
        verdict=[line.replace("**", "") for line in verdict],
        summary=summary_of(facts, language),
        svg=svg,
        alt=alt,
        arenas=list(facts["arenas"]),
        tables={label: table_rows(facts, label, language) for label in ("G", "M")},
        credits=credits,
        say=lambda key, **values: text_in(language, key, **values),
    )
    write_aside(path, lambda to: to.write_text(text))
    return path
