"""What the map of the workbench is given: one file of shapes, and what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.codes import station_label
from targeting.crs import WGS84, require_metric_crs
from targeting.locale import count_in, text_in
from targeting.maps.board import Board, tooltips
from targeting.maps.classes import Classes
from targeting.maps.files import (
    SIMPLIFIED_M,
    MapFile,
    dense_bounds,
    metric_classes,
    station_shapes,
    write_features,
)
from targeting.maps.legend import legend_lines, place_of, unit_in
from targeting.maps.measures import COLUMNS
from targeting.palette import THEMES
from targeting.stations.quarters import shown_names

MOST_DRAWN: Final = 3000
"""Stations drawn live at once; a country is looked at as a whole, then by department or commune."""

MOST_CHOSEN: Final = 50
"""Stations chosen at once: their total is told, and they stand in the page's address."""

WATER: Final = {"light": "#b9d3e6", "dark": "#22323f"}


def workbench_file(
    folder: Path,
    board: Board,
    stations: pd.Index,
    outlines: gpd.GeoDataFrame | None,
    points: gpd.GeoDataFrame | None = None,
) -> MapFile | None:
    """Write the shapes of these stations, once whatever is shown of them; None where none is.

    `outlines`, `points`: tables Stations (EPSG:2154). Properties of a shape (`k` = `s`): id, rank,
    hatch (1: uncertain past), its text in each language, `c_<metric>`: place of its colour in the
    palette, least first; -1 unknown, -2 nothing yet. A number (`k` = `n`) is a point well within.
    Its bounds are of the dense part.
    """
    area = _only(board, stations)
    shapes = station_shapes(area, outlines, points)
    if shapes.empty:
        return None
    rows = board.table.loc[shapes.index]
    count = len(rows)
    ranks = [None if pd.isna(r) else int(r) for r in rows["priority_rank"]]
    properties: dict[str, list[Any]] = {
        "k": ["s"] * count + ["n"] * count,
        "id": [*rows.index, *[None] * count],
        "of": [*[None] * count, *rows.index],
        "n": [*[None] * count, *(station_label(s) for s in rows.index)],
        "rank": [None] * count + [count if r is None else r for r in ranks],
        "hatch": [*rows.index.isin(board.doubtful).astype(int).tolist(), *[None] * count],
    }
    for metric, classes in metric_classes(board).items():
        places = place_of(rows[COLUMNS[metric]], classes)
        properties[f"c_{metric}"] = [*places.tolist(), *[None] * count]
    for language, texts in tooltips(board, rows.index).items():
        properties[f"tip_{language}"] = [*texts, *[None] * count]
    drawn = shapes.to_crs(WGS84)
    at = gpd.GeoSeries(_inside(shapes.to_numpy()), crs=shapes.crs).to_crs(WGS84)
    both = gpd.GeoSeries([*drawn, *at], crs=WGS84)
    file = write_features(folder, "bench", both, properties)
    return MapFile(file.path, dense_bounds(drawn.bounds.to_numpy()))


def quarters_file(folder: Path, quarters: gpd.GeoDataFrame) -> MapFile:
    """Write quarters (table Quarters) as their outlines, and a point in each for its name.

    Properties of both: `name`; of a point `rank`: 1 for the widest, whose name comes first.
    Outlines are simplified as a coverage: neighbours keep one border.
    """
    drawn = require_metric_crs(quarters, "quarters")
    shapes = drawn.geometry.to_numpy()
    simple = shapely.coverage_simplify(shapes, SIMPLIFIED_M)
    names = shown_names(drawn["name"]).to_list()
    areas = pd.Series(shapely.area(shapes))
    ranks = areas.rank(ascending=False, method="first").astype(int).to_list()
    both = gpd.GeoSeries([*simple, *_inside(shapes)], crs=drawn.crs).to_crs(WGS84)
    properties = {"name": names * 2, "rank": [*[None] * len(names), *ranks]}
    return write_features(folder, "quarters", both, properties)


def _only(board: Board, stations: pd.Index) -> Board:
    if len(stations) == len(board.table):
        return board
    table = board.table.loc[board.table.index.isin(stations)]
    return Board(
        table=table, abstentions=board.abstentions.loc[table.index], basis=board.basis,
        target=board.target, credits=board.credits, has_addresses=board.has_addresses,
    )  # fmt: skip


def _inside(shapes: np.ndarray) -> np.ndarray:
    """A point of each shape as far as can be from its border, in its largest part."""
    found = np.array(shapes, dtype=object)
    parts, of = shapely.get_parts(shapes, return_index=True)
    order = np.lexsort((-shapely.area(parts), of))
    first = order[np.unique(of[order], return_index=True)[1]]
    largest = parts[first]
    is_area = shapely.area(largest) > 0
    circles = shapely.maximum_inscribed_circle(largest[is_area], tolerance=10.0)
    found[is_area] = shapely.get_point(circles, 0)
    return found


def looks() -> dict[str, dict[str, Any]]:
    """The colours of the map in each theme, by name."""
    return {
        name: {**theme._asdict(), "classes": list(theme.classes), "water": WATER[name]}
        for name, theme in THEMES.items()
    }


def map_legend(
    classes: Classes, language: str, *, share: str, title: str, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """The legend over the map: strongest class first, in words with their unit and counts."""
    entries = [
        {
            "at": line.place,
            "words": line.words,
            "count": count_in(language, "legend.stations", line.stations),
        }
        for line in legend_lines(classes, language, share, has_unit=False)
    ]
    unit = unit_in(language, classes.metric, share)
    return {"title": title, "unit": unit, "entries": entries, "notes": [n for n in notes if n]}


def map_words(language: str, alt: str) -> dict[str, str]:
    """What the map's own buttons and messages say."""
    keys = ("whole", "zoom_in", "zoom_out", "without", "wait", "lost", "more", "sources")
    return {"alt": alt, **{key: text_in(language, f"bench.{key}") for key in keys}}
