"""A sheet of the map of what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.config import Workspace
from targeting.crs import WGS84
from targeting.errors import TargetingError
from targeting.exports.map_sheet import (
    CHOSEN,
    HATCH,
    PAPERS,
    QUARTERS,
    LegendRow,
    MapSheet,
    write_map_sheet,
)
from targeting.exports.station_map import Bounds, StationMap
from targeting.exports.typeset import KINDS
from targeting.locale import count_in, number_in, text_in
from targeting.maps.board import Board
from targeting.maps.files import dense_bounds, metric_classes
from targeting.maps.filters import Filters
from targeting.maps.measures import METRICS, metric_key
from targeting.palette import colours_of
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import hand_out
from targeting.workflows.guide import campaign_title
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.sheets.parts import (
    PAINT,
    AtHand,
    class_rows,
    drawn_stations,
    kept_sheet,
    known_stations,
    load_at_hand,
    map_mark,
    metric_name,
    shapes_of,
    stations_in,
)

LARGEST: Final = 3.0
"""How many times the usual size of a station is seen of a larger one, at least."""


@asks("places.export")
def map_sheet(
    workspace: Workspace,
    metric: str = METRICS[0],
    filters: Filters | None = None,
    chosen: Sequence[str] = (),
    area: Sequence[str] | None = None,
    *,
    paper: str = "A4",
    kind: str = "pdf",
    language: str = "fr",
    quarters: gpd.GeoDataFrame | None = None,
    at_hand: AtHand | None = None,
    today: date | None = None,
) -> bytes:
    """A sheet of the map of what is shown, as the bytes of a PDF or a PNG.

    area: stations that are looked at (default: all); what lies outside is left pale. quarters:
    of the campaign, drawn as dashes with their names. Raises TargetingError where nothing can be
    drawn, or a chosen station is not (or no longer) one of the campaign's.
    """
    _one_of("metric", metric, METRICS)
    _one_of("paper", paper, tuple(PAPERS))
    _one_of("kind", kind, tuple(KINDS))
    hand_out(workspace, f"map.{kind}")
    at_hand, day = at_hand or load_at_hand(workspace), today or date.today()
    board, filters = at_hand.board, filters or Filters()
    shapes = shapes_of(at_hand)
    looked_at = stations_in(board, area)
    chosen = known_stations(board, chosen)
    passing = filters.passing(board).intersection(looked_at, sort=False)
    stations = drawn_stations(board, shapes, metric, passing, chosen)
    view = _view(stations, looked_at, chosen)
    drawn = StationMap(
        stations=_near(stations, view),
        colours=colours_of(len(metric_classes(board)[metric].counts)),
        paint=PAINT,
        view=view,
        quarters=quarters,
    )
    campaign = campaign_title(campaign_card(workspace))
    sheet = MapSheet(
        map=drawn,
        title=f"{_title(board, metric, language)} · {campaign}",
        about=_about(board, passing, chosen, language),
        legend_title=metric_name(board, metric, language),
        legend=_legend(board, drawn, metric, filters, len(looked_at) < len(board.table), language),
        notes=_undrawn(stations, passing, language),
        credits=board.credits,
    )

    def build() -> bytes:
        return write_map_sheet(sheet, paper=paper, kind=kind, today=day, language=language)

    parts = [paper, kind, language, str(day), map_mark(drawn), *_words_of(sheet)]
    return kept_sheet(workspace, "map-sheet", parts, build, kind)


def _one_of(what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise TargetingError(f"“{value}” is no {what}: write one of {', '.join(known)}.")


def _words_of(sheet: MapSheet) -> list[Any]:
    words = (sheet.title, sheet.about, sheet.legend_title, *sheet.notes, *sheet.credits)
    return [*words, *(list(row) for row in sheet.legend)]


def _view(stations: gpd.GeoDataFrame, looked_at: pd.Index, chosen: Sequence[str]) -> Bounds:
    """The dense part of what is looked at, and all that is chosen; degrees."""
    boxes = stations.geometry.to_crs(WGS84).bounds
    ours = boxes[boxes.index.isin(looked_at)]
    dense = np.array(dense_bounds(held_boxes((boxes if ours.empty else ours).to_numpy())))
    picked = boxes[boxes.index.isin(chosen)].to_numpy()
    if picked.size:
        low = np.minimum(dense[:2], picked[:, :2].min(axis=0))
        high = np.maximum(dense[2:], picked[:, 2:].max(axis=0))
        dense = np.concatenate([low, high])
    west, south, east, north = dense.tolist()
    return west, south, east, north


def _near(stations: gpd.GeoDataFrame, view: Bounds) -> gpd.GeoDataFrame:
    """Stations that are shown or chosen, and of the others those about the view: a country's others
    are not drawn around a town."""
    west, south, east, north = view
    wide, high = max(east - west, 0.01), max(north - south, 0.01)
    boxes = stations.geometry.to_crs(WGS84).bounds.to_numpy()
    near = (boxes[:, 0] <= east + 2 * wide) & (boxes[:, 2] >= west - 2 * wide)
    near &= (boxes[:, 1] <= north + 2 * high) & (boxes[:, 3] >= south - 2 * high)
    kept = near | (stations["is_shown"] | stations["is_chosen"]).to_numpy(bool)
    return gpd.GeoDataFrame(stations[kept])


def held_boxes(boxes: np.ndarray) -> np.ndarray:
    """Boxes held to a few times the usual size: hills where nobody lives are seen in part."""
    middle, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    held = np.minimum(sides, LARGEST * np.median(sides, axis=0))
    return np.hstack([middle - held, middle + held])


def _title(board: Board, metric: str, language: str) -> str:
    return text_in(language, metric_key(metric, "title", board.share))


def _about(board: Board, passing: pd.Index, chosen: Sequence[str], language: str) -> str:
    """How many are shown, and the total of what is chosen."""
    every, count = len(board.table), len(passing)
    if count < every:
        shown = count_in(language, "sheet.shown_of", count, all=number_in(language, every))
    else:
        shown = count_in(language, "sheet.shown", count)
    if not chosen:
        return shown
    rows = board.table.loc[list(chosen)]
    total = count_in(
        language,
        "sheet.choice",
        len(rows),
        registered=number_in(language, rows["registered"].sum()),
        people=number_in(language, rows["reservoir_left"].sum()),
    )
    return f"{total} · {shown}"


def _legend(
    board: Board,
    drawn: StationMap,
    metric: str,
    filters: Filters,
    has_area: bool,
    language: str,
) -> list[LegendRow]:
    """Classes in words, then what is hatched, chosen, dashed, dotted or left pale on this map."""
    table = drawn.stations
    shown = table[table["is_shown"]]
    rows = class_rows(board, metric, language)
    if shown["is_hatched"].any():
        rows.append(LegendRow(HATCH, text_in(language, "sheet.hatched")))
    if table["is_chosen"].any():
        rows.append(LegendRow(CHOSEN, text_in(language, "sheet.chosen")))
    if drawn.quarters is not None:
        rows.append(LegendRow(QUARTERS, text_in(language, "sheet.quarters")))
    if len(shown) < len(table):
        told = "\u00a0; ".join(filters.told(board, language))
        kind = "both" if has_area and told else "area" if has_area else "filters"
        words = text_in(language, f"sheet.left_out_{kind}", filters=told)
        rows.append(LegendRow(PAINT.left_out, words))
    return rows


def _undrawn(stations: gpd.GeoDataFrame, passing: pd.Index, language: str) -> list[str]:
    """What the map cannot show as an area, told."""
    notes = []
    dots = shapely.get_dimensions(stations.geometry.to_numpy()) == 0
    if (dots & stations["is_shown"].to_numpy()).any():
        notes.append(text_in(language, "sheet.dots"))
    if missing := int((~passing.isin(stations.index)).sum()):
        notes.append(count_in(language, "map.without_outline", missing))
    return notes
