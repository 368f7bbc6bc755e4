"""Turfs as layers: one colour each, numbered as on paper, the walk of the chosen one in order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
import pydeck

from targeting.codes import code_number, in_turf_order
from targeting.locale import number_in, text_in
from targeting.maps.deck import records
from targeting.streetnames import address_line

TURF_COLOURS: Final[tuple[tuple[int, int, int], ...]] = (
    (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (86, 100, 30), (230, 159, 0),
    (90, 60, 150), (60, 60, 60),
)  # fmt: skip
"""Okabe and Ito's colours, dark enough on white; turfs also have their number."""

DIMMED: Final = 70
NUMBERED_STOPS: Final = 150
DECIMALS: Final = 5


def turf_colours(turf_ids: Iterable[str]) -> dict[str, tuple[int, int, int]]:
    """A colour for each turf, from its code: it keeps it whatever is chosen, moved or cut."""
    return {t: TURF_COLOURS[code_number(t) % len(TURF_COLOURS)] for t in turf_ids}


def turf_bounds(stops: pd.DataFrame) -> tuple[float, float, float, float]:
    """West, south, east, north of some stops, in degrees."""
    x, y = stops["longitude"], stops["latitude"]
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def turf_layers(
    turfs: pd.DataFrame, stops: pd.DataFrame, language: str, *, chosen: str | None = None
) -> list[pydeck.Layer]:
    """Layers of the turfs: buildings as dots, the walk as a line, numbers.

    `stops` are in walking order within a turf, with `longitude` and `latitude`. With a turf
    chosen, the others fade and its stops get their order. Buildings show their address only.
    """
    colours = turf_colours(turfs["turf_id"])
    stops = stops[stops["turf_id"].isin(turfs["turf_id"])]
    stops = in_turf_order(stops)
    at = np.round(stops[["longitude", "latitude"]].to_numpy(float), DECIMALS)
    points = pd.DataFrame(
        {
            "turf": stops["turf_id"].to_numpy(),
            "order": stops["visit_order"].to_numpy(),
            "at": list(at.tolist()),
            "tip": [
                _stop_tip(row, language)
                for row in stops[
                    ["turf_id", "visit_order", "street", "number", "suffix"]
                ].itertuples()
            ],
        }
    )
    points["colour"] = [
        [*colours[t], 255 if chosen in (None, t) else DIMMED] for t in points["turf"]
    ]
    paths = points.groupby("turf", sort=False)["at"].agg(list).rename("path").reset_index()
    paths["colour"] = [
        [*colours[t], (255 if chosen == t else 150) if chosen in (None, t) else DIMMED // 2]
        for t in paths["turf"]
    ]
    tips = {t.turf_id: _turf_tip(t, language) for t in turfs.itertuples()}
    paths["tip"] = paths["turf"].map(tips)
    layers = [
        pydeck.Layer(
            "PathLayer", records(paths), id="walks", pickable=True, get_path="path",
            get_color="colour", get_width=3, width_units="'pixels'", joint_rounded=True,
            cap_rounded=True,
        ),
        pydeck.Layer(
            "ScatterplotLayer", records(points), id="stops", pickable=True, get_position="at",
            get_fill_color="colour", get_radius=4, radius_units="'meters'", radius_min_pixels=2.5,
            radius_max_pixels=9, stroked=False,
        ),
    ]  # fmt: skip
    if chosen is None:
        return [*layers, _numbers(_middles(points), colours, size=13)]
    walked = points[points["turf"] == chosen]
    if len(walked) > NUMBERED_STOPS:
        walked = walked[(walked["order"] - 1) % 5 == 0]
    labels = walked.assign(text=walked["order"].astype(str), tip=walked["tip"])
    return [*layers, _numbers(labels, colours, size=11)]


def _middles(points: pd.DataFrame) -> pd.DataFrame:
    """The stop in the middle of each walk bears the turf's number."""
    middle = points.groupby("turf")["order"].transform("max") // 2 + 1
    rows = points[points["order"] == middle]
    return rows.assign(text=rows["turf"].map(number_on_map))


def number_on_map(turf_id: str) -> str:
    """A turf's code as short as it can be: `S0042` is 42."""
    return re.sub(r"^[A-Z]0*", "", turf_id)


def _numbers(
    labels: pd.DataFrame, colours: dict[str, tuple[int, int, int]], *, size: int
) -> pydeck.Layer:
    table = labels[["turf", "at", "text", "tip"]].assign(
        border=[[*colours[t], 255] for t in labels["turf"]]
    )
    return pydeck.Layer(
        "TextLayer", records(table), id="numbers", pickable=False, get_position="at",
        get_text="text", get_size=size, get_color=[20, 20, 20, 255], background=True,
        get_background_color=[255, 255, 255, 235], get_border_color="border",
        get_border_width=1, background_padding=[4, 2], font_weight=700,
        font_family="'sans-serif'",
        extensions=[{"@@type": "CollisionFilterExtension"}], collision_group="'numbers'",
        collision_test_props={"sizeScale": 1.6},
    )  # fmt: skip


def _stop_tip(row: object, language: str) -> str:
    address = address_line(
        getattr(row, "number", 0), getattr(row, "suffix", ""), getattr(row, "street", "")
    )
    return text_in(
        language,
        "turfs.stop_tooltip",
        turf=getattr(row, "turf_id", ""),
        order=getattr(row, "visit_order", ""),
        address=address,
    )


def _turf_tip(row: object, language: str) -> str:
    return text_in(
        language,
        "turfs.tooltip",
        turf=getattr(row, "turf_id", ""),
        doors=number_in(language, getattr(row, "n_doors", None)),
        minutes=number_in(language, round(float(getattr(row, "minutes_expected", 0)))),
        start=getattr(row, "start_address", ""),
    )
