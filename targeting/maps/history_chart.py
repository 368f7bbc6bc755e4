"""The chart of one station's past, drawn by the browser."""

from __future__ import annotations

from typing import Final

import altair as alt
import pandas as pd

from targeting.codes import parse_election_id
from targeting.locale import text_in

COLOURS: Final = ("#3b528b", "#c8442f")
"""Turnout, share: told apart in grey too, and by the shape of their points."""


def short_election(language: str, election_id: str) -> str:
    """An election in a word: `prés. 22-1`."""
    election = parse_election_id(election_id)
    kind = text_in(language, f"chart.{election.kind}")
    return f"{kind} {election.year % 100:02d}-{election.round_number}"


def history_chart(line: pd.DataFrame, language: str, share: str) -> alt.LayerChart | alt.FacetChart:
    """Turnout and share of votes of one station, election by election.

    `line`: `election_id`, `turnout_rate`, `left_share` (rates), `is_uncertain`: uncertain points
    are hollow. `share` names the share of votes: `left` or `target`.
    """
    names = {
        "turnout_rate": text_in(language, "chart.turnout"),
        "left_share": text_in(language, f"metric.{share}"),
    }
    table = line.assign(election=[short_election(language, e) for e in line["election_id"]])
    long = table.melt(["election", "is_uncertain"], list(names), "measure", "rate").dropna()
    long["measure"] = long["measure"].map(names)
    base = alt.Chart(long).encode(
        x=alt.X("election:N", sort=table["election"].to_list(), title=None,
                axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("rate:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
        color=alt.Color("measure:N", title=None, sort=list(names.values()),
                        scale=alt.Scale(domain=list(names.values()), range=list(COLOURS)),
                        legend=alt.Legend(orient="top")),
        tooltip=["election:N", "measure:N", alt.Tooltip("rate:Q", format=".1%")],
    )  # fmt: skip
    points = base.mark_point(size=50).encode(
        shape=alt.Shape("measure:N", legend=None, sort=list(names.values())),
        fillOpacity=alt.condition("datum.is_uncertain", alt.value(0), alt.value(1)),
        fill=alt.Fill("measure:N", legend=None, sort=list(names.values()),
                      scale=alt.Scale(domain=list(names.values()), range=list(COLOURS))),
    )  # fmt: skip
    return alt.layer(base.mark_line(opacity=0.6), points)
