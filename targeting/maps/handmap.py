"""The map on which turfs are changed by hand: every door a dot that a lasso can take.

Plotly's, which Streamlit ships: drawn and lassoed without network. Metres on both axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import shapely

from targeting.codes import code_number, in_turf_order
from targeting.locale import text_in
from targeting.maps.turfs import TURF_COLOURS, number_on_map, turf_colours
from targeting.streetnames import address_line

FRAME_M: Final = 60.0
CHOSEN_SIZE: Final = 13
DOT_SIZE: Final = 8
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
"""Turfs of one colour have another shape: colour is never alone."""


def hand_figure(
    stops: pd.DataFrame,
    streets: gpd.GeoDataFrame | None,
    language: str,
    *,
    chosen: Sequence[str] = (),
    height: int = 560,
) -> go.Figure:
    """Turfs as dots, their walks as lines, streets in grey; the buildings `chosen` ringed.

    `stops` have x, y (EPSG:2154 metres), turf_id, visit_order and the address. A turf's code gives
    it its colour and shape, whatever other turfs there are. A dot's custom data is its building_id.
    """
    colours = turf_colours(stops["turf_id"].unique())
    figure = go.Figure()
    if streets is not None and len(stops):
        figure.add_trace(_streets(stops, streets))
    for turf_id, mine in in_turf_order(stops).groupby("turf_id", sort=False):
        colour = "rgb({},{},{})".format(*colours[turf_id])
        symbol = SYMBOLS[code_number(turf_id) // len(TURF_COLOURS) % len(SYMBOLS)]
        figure.add_trace(_turf(turf_id, mine, colour, symbol, language))
        figure.add_annotation(
            x=float(mine["x"].median()), y=float(mine["y"].median()),
            text=f"<b>{number_on_map(turf_id)}</b>",
            showarrow=False, bgcolor="rgba(255,255,255,0.8)", bordercolor=colour,
        )  # fmt: skip
    ringed = stops[stops["building_id"].isin(list(chosen))]
    if len(ringed):
        figure.add_trace(
            go.Scatter(
                x=ringed["x"], y=ringed["y"], mode="markers", hoverinfo="skip",
                marker={"size": CHOSEN_SIZE, "symbol": "circle-open", "color": "black",
                        "line": {"width": 2}},
            )
        )  # fmt: skip
    figure.update_layout(
        height=height, showlegend=False, dragmode="lasso", clickmode="event+select",
        margin={"l": 0, "r": 0, "t": 0, "b": 0}, plot_bgcolor="white",
        xaxis={"visible": False, "range": _range(stops["x"])},
        yaxis={"visible": False, "scaleanchor": "x", "range": _range(stops["y"])},
        uirevision="hand",
    )  # fmt: skip
    return figure


def picked_buildings(points: Sequence[dict[str, Any]]) -> list[str]:
    """Buildings of the points that a lasso or a click took, each once; lines have none."""
    ids = [p["customdata"] for p in points if p.get("customdata")]
    return list(dict.fromkeys(i[0] if isinstance(i, list) else str(i) for i in ids))


def _turf(turf_id: str, mine: pd.DataFrame, colour: str, symbol: str, language: str) -> go.Scatter:
    tips = [
        text_in(
            language, "turfs.stop_tooltip", turf=turf_id, order=row.visit_order,
            address=address_line(row.number, row.suffix, row.street),
        )
        for row in mine.itertuples()
    ]  # fmt: skip
    return go.Scatter(
        x=mine["x"], y=mine["y"], mode="lines+markers", name=turf_id, text=tips,
        hoverinfo="text", customdata=mine["building_id"].to_numpy(dtype=object)[:, None],
        line={"color": colour, "width": 1}, marker={"color": colour, "size": DOT_SIZE,
                                                    "symbol": symbol},
        selected={"marker": {"opacity": 1.0}}, unselected={"marker": {"opacity": 0.45}},
    )  # fmt: skip


def _streets(stops: pd.DataFrame, streets: gpd.GeoDataFrame) -> go.Scatter:
    frame = shapely.box(
        stops["x"].min() - FRAME_M, stops["y"].min() - FRAME_M,
        stops["x"].max() + FRAME_M, stops["y"].max() + FRAME_M,
    )  # fmt: skip
    inside = streets.iloc[streets.sindex.query(frame, predicate="intersects")].geometry
    lines = shapely.get_parts(np.asarray(inside))
    xy, line = shapely.get_coordinates(lines, return_index=True)
    gaps = np.flatnonzero(np.diff(line)) + 1
    x, y = np.insert(xy[:, 0], gaps, np.nan), np.insert(xy[:, 1], gaps, np.nan)
    return go.Scatter(
        x=x, y=y, mode="lines", hoverinfo="skip", line={"color": "rgb(200,200,200)", "width": 2}
    )


def _range(values: pd.Series) -> list[float] | None:
    if not len(values):
        return None
    return [float(values.min()) - FRAME_M, float(values.max()) + FRAME_M]
