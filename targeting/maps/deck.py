"""Layers for pydeck: geometry comes by URL, a rerun sends only what changed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import pydeck

from targeting.maps.files import MapFile, station_point, station_rings
from targeting.maps.measures import METRICS
from targeting.palette import CHOSEN, CHOSEN_CASING, rgb

CHOSEN_LINES: Final = (("_under", CHOSEN_CASING, 7.0), ("", CHOSEN, 3.5))
"""Colour and width (pixels) of the two lines round what is chosen, the lower first."""

BORDER: Final = [150, 150, 165, 200]
DESK: Final = (520.0, 460.0)
PHONE: Final = (335.0, 350.0)
"""Width and height, in pixels, that the first view fills on each."""

TOOLTIP: Final = {"color": "#ffffff", "backgroundColor": "#1c1c28", "fontSize": "13px"}

DOT_M: Final = 250
"""Radius of a station drawn as a dot, in metres: held between 1.6 and 9 pixels."""

PAINTED_PARTS: Final = ("polygons-fill", "points-circle")
"""Layers that a GeoJsonLayer is made of. Their colour is given to them and not to the whole: what
is chosen would else make Streamlit fade all the others."""

PAPER_STREETS: Final = [205, 205, 205, 255]
"""Streets where nothing is painted under them."""

BACKDROP: Final[dict[str, tuple[list[int], list[int], float]]] = {
    "streets": ([0, 0, 0, 0], [255, 255, 255, 110], 1.0),
    "parks": ([120, 170, 110, 70], [120, 170, 110, 0], 0.0),
    "water": ([166, 202, 224, 235], [120, 165, 195, 255], 0.5),
    "rail": ([0, 0, 0, 0], [70, 70, 70, 220], 1.5),
}
"""Fill, line and line width (pixels) of what is drawn for orientation, lowest first."""


class CompactDeck(pydeck.Deck):  # type: ignore[misc]
    """A deck whose JSON has no blanks: pydeck's own is up to five times as long."""

    def to_json(self) -> str:
        """The same document, on one line."""
        return json.dumps(json.loads(super().to_json()), separators=(",", ":"))


def build_deck(
    layers: Sequence[pydeck.Layer],
    bounds: tuple[float, float, float, float],
    *,
    tooltip: str = "",
    frame: tuple[float, float] = DESK,
) -> pydeck.Deck:
    """A map without basemap (nothing is fetched elsewhere), looking at `bounds`.

    `tooltip` is a template of properties, shown as text; `frame` the room there is, in pixels.
    """
    return CompactDeck(
        layers=list(layers),
        map_provider=None,
        initial_view_state=view_of(bounds, frame),
        tooltip={"text": tooltip, "style": TOOLTIP} if tooltip else None,
    )


def view_of(
    bounds: tuple[float, float, float, float], frame: tuple[float, float] = DESK
) -> pydeck.ViewState:
    """The view that shows `bounds` (west, south, east, north) whole in a frame."""
    west, south, east, north = bounds
    middle = (south + north) / 2
    across = max(east - west, 1e-3) / 360
    upwards = max(north - south, 1e-3) / 360 / math.cos(math.radians(middle))
    zoom = min(math.log2(frame[0] / 512 / across), math.log2(frame[1] / 512 / upwards))
    return pydeck.ViewState(
        longitude=round((west + east) / 2, 5),
        latitude=round(middle, 5),
        zoom=round(min(zoom, 17), 2),
    )


def station_layer(
    file: MapFile,
    metric: str,
    *,
    min_abstention: float = 0.0,
    min_left: float = 0.0,
) -> pydeck.Layer:
    """Stations coloured by a metric; filters and colour change without sending geometry again.

    Without borders (see `outline_layer`): what lies under the pointer is found by drawing all that
    can be picked, and a press that takes over a quarter of a second is not a click any more.
    """
    if metric not in METRICS:
        raise ValueError(f"no metric {metric!r}: one of {', '.join(METRICS)}")
    fill = f"@@=properties.fill_{metric}"
    return pydeck.Layer(
        "GeoJsonLayer",
        file.url,
        id="stations",
        pickable=True,
        stroked=False,
        _sub_layer_props={part: {"getFillColor": fill} for part in PAINTED_PARTS},
        get_point_radius=DOT_M,
        point_radius_min_pixels=1.6,
        point_radius_max_pixels=9,
        update_triggers={"getFillColor": [metric]},
        **filtered(min_abstention, min_left),
    )


def filtered(min_abstention: float, min_left: float) -> dict[str, Any]:
    """What hides the features under these values: at 0 an unknown value passes too."""
    low = [value if value > 0 else -2.0 for value in (min_abstention, min_left)]
    return {
        "extensions": [{"@@type": "DataFilterExtension", "filterSize": 2}],
        "get_filter_value": "[properties.abstention, properties.left]",
        "filter_range": [[low[0], 1.0], [low[1], 1.0]],
    }


def chosen_layers(file: MapFile, stations: Sequence[str]) -> list[pydeck.Layer]:
    """The borders of these stations, or rings round their dots, over the others.

    They are the one thing sent again when the choice changes. Streamlit keeps no update trigger but
    that of the fill: a border drawn by an expression would never follow the choice.
    """
    dots = [{"at": at} for s in stations if (at := station_point(file.path, s)) is not None]
    rings = [{"ring": ring} for s in stations for ring in station_rings(file.path, s)]
    layers = []
    for name, colour, width in CHOSEN_LINES:
        line = {
            "pickable": False, "filled": False, "stroked": True,
            "get_line_color": [*rgb(colour), 255], "get_line_width": width,
            "line_width_units": "'pixels'",
        }  # fmt: skip
        if rings:  # a path has one colour, which Streamlit would fade; a border is left alone
            shape = {"get_polygon": "ring", "line_joint_rounded": True}
            layers.append(pydeck.Layer("PolygonLayer", rings, id=f"chosen{name}", **shape, **line))
        if dots:
            ring = {"get_position": "at", "get_radius": 11, "radius_units": "'pixels'"}
            layers.append(
                pydeck.Layer("ScatterplotLayer", dots, id=f"chosen_dots{name}", **ring, **line)
            )
    return layers


def outline_layer(file: MapFile) -> pydeck.Layer:
    """The stations' borders alone, whatever is filtered: nothing to click, no ring round a dot."""
    return pydeck.Layer(
        "GeoJsonLayer",
        file.url,
        id="outlines",
        pickable=False,
        filled=False,
        stroked=True,
        get_line_color=BORDER,
        get_line_width=0.7,
        line_width_units="'pixels'",
        _sub_layer_props={PAINTED_PARTS[1]: {"stroked": False}},
    )


def backdrop_layers(
    file: MapFile | None, kinds: Sequence[str], *, on_paper: bool = False
) -> list[pydeck.Layer]:
    """What is drawn for orientation: one file, styled by kind, nothing to click.

    `on_paper`: nothing is painted under the streets.
    """
    if file is None:
        return []
    styled = [k for k in BACKDROP if k in kinds]

    def by_kind(part: int) -> str:
        looks = {k: BACKDROP[k][part] for k in styled}
        if on_paper and part == 1 and "streets" in looks:
            looks["streets"] = PAPER_STREETS
        choices = "".join(f"properties.kind == '{k}' ? {look} : " for k, look in looks.items())
        return f"{choices}[0, 0, 0, 0]" if part < 2 else f"{choices}0"

    return [
        pydeck.Layer(
            "GeoJsonLayer",
            file.url,
            id="backdrop",
            pickable=False,
            stroked=True,
            _sub_layer_props={PAINTED_PARTS[0]: {"getFillColor": f"@@={by_kind(0)}"}},
            get_line_color=by_kind(1),
            get_line_width=by_kind(2),
            line_width_units="'pixels'",
        )
    ]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain JSON values."""
    return [
        {str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]
