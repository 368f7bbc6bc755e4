"""The picture of one station's past, drawn as an SVG of ours."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

import numpy as np
import pandas as pd

from targeting.codes import parse_election_id
from targeting.locale import NO_VALUE, election_in, percent_in, text_in


def short_election(language: str, election_id: str) -> str:
    """An election in a word: `prés. 22-1`."""
    election = parse_election_id(election_id)
    kind = text_in(language, f"chart.{election.kind}")
    return f"{kind} {election.year % 100:02d}-{election.round_number}"


WIDTH: Final = 320
PANEL: Final = 78
GAP: Final = 34
MARGIN: Final = 26
NARROW: Final = 8
"""Elections that a chart of WIDTH has room to write in full; with more it widens."""


def history_svg(
    line: pd.DataFrame, language: str, city_line: pd.DataFrame | None = None, share: str = "left"
) -> str:
    """A station's past as an SVG: two panels, values written, the whole campaign's line dashed.

    Parameters
    ----------
    line
        `election_id`, `turnout_rate`, `left_share` (rates, missing where not known) and
        `is_uncertain`: a hollow point. One row an election, oldest first.
    city_line
        The same of the campaign's stations together (`load_city_line`), in any order.
    share
        `left` or `target`: how the share of votes is named.

    Drawn in `currentColor`: it takes the text's colour in both themes, and the page's font. Its
    `<title>` and `<desc>` say the same in words. Empty where there is nothing to draw.
    """
    if line.empty:
        return ""
    city = None if city_line is None else city_line.set_index("election_id")
    names = {
        "turnout_rate": text_in(language, "chart.turnout"),
        "left_share": text_in(language, f"metric.{share}"),
    }
    step = (WIDTH - 2 * MARGIN) / max(min(len(line), NARROW) - 1, 1)
    places = [MARGIN + step * at for at in range(len(line))]
    width = round(places[-1] + MARGIN if len(line) > 1 else WIDTH)
    parts: list[str] = []
    for at, (column, name) in enumerate(names.items()):
        other = None if city is None else city[column].reindex(line["election_id"]).to_numpy()
        top = at * (PANEL + GAP)
        parts.append(f'<text x="0" y="{top + 12}" font-weight="600">{escape(name)}</text>')
        parts += _panel(line, column, other, places, top + 30, language)
    foot = 2 * (PANEL + GAP) + 10
    for place, election_id in zip(places, line["election_id"], strict=True):
        kind, _, day = short_election(language, election_id).rpartition(" ")
        for below, word in ((0, kind), (12, day)):  # two lines: neighbours do not touch
            parts.append(
                f'<text x="{place:.0f}" y="{foot + below}" text-anchor="middle">'
                f"{escape(word)}</text>"
            )
    height = foot + 20
    if city is not None:
        words = escape(text_in(language, "chart.city"))
        height += 16
        parts.append(
            f'<path d="M0 {height - 8}h22" fill="none" stroke="currentColor" stroke-width="1.2"'
            f' stroke-dasharray="4 3" opacity=".75"/><text x="28" y="{height - 4}">{words}</text>'
        )
    title = escape(text_in(language, "chart.title"))
    told = escape(_told(line, names, language))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" fill="currentColor" font-size="10"'
        f' style="max-width:100%;height:auto"><title>{title}</title><desc>{told}</desc>'
        + "".join(parts)
        + "</svg>"
    )


def _panel(
    line: pd.DataFrame, column: str, other: Any, places: list[float], top: int, language: str
) -> list[str]:
    """One measure from its least to its most, with room for what is written over the points."""
    values = line[column].astype("float64").to_numpy()
    both = values if other is None else np.concatenate([values, other.astype("float64")])
    known = both[np.isfinite(both)]
    if not known.size:
        return [f'<text x="0" y="{top + 20}">{NO_VALUE}</text>']
    low, high = float(known.min()), float(known.max())
    room = PANEL - 24

    def height(value: float) -> float:
        part = (value - low) / (high - low) if high > low else 0.5
        return top + 12 + room * (1 - part)

    parts = []
    if other is not None:
        parts.append(_path(other, places, height, 'stroke-dasharray="4 3" opacity=".75"'))
    parts.append(_path(values, places, height, ""))
    hollow = line["is_uncertain"].to_numpy(dtype=bool)
    for at in np.flatnonzero(np.isfinite(values)):
        y = height(values[at])
        fill = 'fill="none" stroke="currentColor" stroke-width="1.4"' if hollow[at] else ""
        parts.append(f'<circle cx="{places[at]:.0f}" cy="{y:.1f}" r="2.8" {fill}/>')
        below = other is not None and np.isfinite(other[at]) and other[at] > values[at]
        written = percent_in(language, values[at], decimals=0)
        parts.append(
            f'<text x="{places[at]:.0f}" y="{y + (13 if below else -6):.1f}"'
            f' text-anchor="middle">{written}</text>'
        )
    return parts


def _path(values: Any, places: list[float], height: Any, style: str) -> str:
    """The line through the values known; a missing one leaves a gap."""
    steps, is_down = [], False
    for place, value in zip(places, values, strict=True):
        if np.isfinite(value):
            steps.append(f"{'L' if is_down else 'M'}{place:.0f} {height(value):.1f}")
        is_down = bool(np.isfinite(value))
    line = "".join(steps)
    return f'<path d="{line}" fill="none" stroke="currentColor" stroke-width="1.2" {style}/>'


def _told(line: pd.DataFrame, names: Mapping[str, str], language: str) -> str:
    """The chart in words: each election with its rates."""
    colon = "\u00a0: " if language == "fr" else ": "
    rows = []
    for row in line.itertuples():
        rates = ", ".join(
            f"{name} {percent_in(language, getattr(row, column), decimals=0)}"
            for column, name in names.items()
        )
        rows.append(f"{election_in(language, str(row.election_id))}{colon}{rates}")
    return ". ".join(rows)
