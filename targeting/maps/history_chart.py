"""The chart of one station's past, drawn by the browser."""

from __future__ import annotations

from typing import Any, Final

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


def history_chart(line: pd.DataFrame, language: str, share: str) -> dict[str, Any]:
    """Turnout and share of votes of one station, election by election, in Vega-Lite's words.

    `line`: `election_id`, `turnout_rate`, `left_share` (rates), `is_uncertain`: uncertain points
    are hollow. `share` names the share of votes: `left` or `target`. Written by hand: one is drawn
    at each touch of the map, and a library's checks of it take longer than all the rest.
    """
    names = {
        "turnout_rate": text_in(language, "chart.turnout"),
        "left_share": text_in(language, f"metric.{share}"),
    }
    table = line.assign(election=[short_election(language, e) for e in line["election_id"]])
    long = table.melt(["election", "is_uncertain"], list(names), "measure", "rate").dropna()
    long["measure"] = long["measure"].map(names)
    measure = {
        "field": "measure",
        "type": "nominal",
        "sort": list(names.values()),
        "scale": {"domain": list(names.values()), "range": list(COLOURS)},
    }
    return {
        "data": {"values": long.to_dict("records")},
        "encoding": {
            "x": {
                "field": "election", "type": "nominal", "sort": table["election"].to_list(),
                "title": None, "axis": {"labelAngle": -40},
            },
            "y": {
                "field": "rate", "type": "quantitative", "title": None,
                "scale": {"domain": [0, 1]}, "axis": {"format": "%"},
            },
            "color": {**measure, "title": None, "legend": {"orient": "top"}},
            "tooltip": [
                {"field": "election", "type": "nominal"},
                {"field": "measure", "type": "nominal"},
                {"field": "rate", "type": "quantitative", "format": ".1%"},
            ],
        },
        "layer": [
            {"mark": {"type": "line", "opacity": 0.6}},
            {
                "mark": {"type": "point", "size": 50},
                "encoding": {
                    "shape": {
                        "field": "measure", "type": "nominal", "sort": list(names.values()),
                        "legend": None,
                    },
                    "fill": {**measure, "legend": None},
                    "fillOpacity": {
                        "condition": {"test": "datum.is_uncertain", "value": 0}, "value": 1,
                    },
                },
            },
        ],
    }  # fmt: skip
