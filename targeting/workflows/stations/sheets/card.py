"""The card of one station on one page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from targeting.config import Workspace
from targeting.crs import WGS84
from targeting.errors import WorkspaceError
from targeting.exports.card_sheet import CardSheet, Figure, Round, write_card_sheet
from targeting.exports.map_sheet import (
    HATCH,
    LegendRow,
)
from targeting.exports.station_map import StationMap
from targeting.locale import date_in, number_in, percent_in, text_in
from targeting.maps.board import Board, published_count
from targeting.maps.cards.card import build_card
from targeting.maps.cards.compare import people_words
from targeting.maps.cards.history import short_election
from targeting.maps.classes import value_in
from targeting.maps.files import metric_classes
from targeting.maps.measures import METRICS
from targeting.palette import colours_of
from targeting.reference.held import PAST_OF
from targeting.reference.moments import one_moment
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import hand_out
from targeting.workflows.cache import BUNDLE, Bundle, cached, content_of
from targeting.workflows.guide import campaign_title
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.board import (
    load_city_line,
    load_station_line,
)
from targeting.workflows.stations.sheets.parts import (
    CACHE_VERSION,
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
)

AROUND: Final = 0.9
"""How much of its neighbourhood a card's map shows on each side of a station, of its own size."""

AROUND_DEGREES: Final = 0.002
"""At least so much: 200 metres."""


@one_moment
@asks("places.export")
def card_sheet(
    workspace: Workspace,
    station_id: str,
    language: str = "fr",
    *,
    at_hand: AtHand | None = None,
    today: date | None = None,
) -> bytes:
    """The card of one station on one page, as the bytes of a PDF.

    Raises TargetingError for a station that is not (or no longer) one of the campaign's.
    """
    at_hand, day = at_hand or load_at_hand(workspace), today or date.today()
    board = at_hand.board
    known_stations(board, [station_id])
    hand_out(workspace, "card.pdf")
    metric = METRICS[0]
    drawn = _around(at_hand, station_id, metric)
    legend = class_rows(board, metric, language)
    if drawn is not None and drawn.stations["is_hatched"].any():
        legend.append(LegendRow(HATCH, text_in(language, "sheet.hatched")))
    card = build_card(board, station_id, language)
    sheet = CardSheet(
        title=card.title,
        place=card.place,
        campaign=campaign_title(campaign_card(workspace)),
        answer=[_plain(card.answer), *([_plain(card.bar.words)] if card.bar else [])],
        reasons=[_plain(line) for line in card.reasons],
        figures=_figures(board, station_id, language),
        warnings=[_plain(line) for line in (*card.warnings, card.outline, card.source) if line],
        share_name=text_in(language, f"metric.{board.share}"),
        map=drawn,
        legend_title=metric_name(board, metric, language),
        legend=legend,
        credits=board.credits,
    )

    def build() -> bytes:
        rounds = _rounds(workspace, board, station_id, language)
        return write_card_sheet(replace(sheet, rounds=rounds), today=day, language=language)

    words = [
        sheet.title, sheet.place, sheet.campaign, sheet.answer, sheet.reasons, sheet.warnings,
        sheet.share_name, sheet.legend_title, sheet.credits,
        *([list(part) for part in group] for group in (sheet.figures, sheet.legend)),
        station_id, board.target, content_of(workspace, PAST_OF, blocs=True),
    ]  # fmt: skip
    mark = "" if drawn is None else map_mark(drawn)
    return kept_sheet(workspace, "card-sheet", [language, str(day), mark, *words], build, "pdf")


def _plain(markdown: str) -> str:
    """A line of a card without its Markdown."""
    return markdown.replace("**", "")


def _around(at_hand: AtHand, station_id: str, metric: str) -> StationMap | None:
    """The station among its neighbours; nothing where it is not drawn."""
    board = at_hand.board
    try:
        shapes = shapes_of(at_hand)
    except WorkspaceError:
        return None  # a card says all the rest without a map
    if station_id not in shapes.index:
        return None
    stations = drawn_stations(board, shapes, metric, board.table.index, [station_id])
    boxes = stations.geometry.to_crs(WGS84).bounds
    west, south, east, north = boxes.loc[station_id].tolist()
    dx = max((east - west) * AROUND, AROUND_DEGREES)
    dy = max((north - south) * AROUND, AROUND_DEGREES)
    view = (west - dx, south - dy, east + dx, north + dy)
    near = (
        (boxes["maxx"] >= west - 3 * dx) & (boxes["minx"] <= east + 3 * dx)
        & (boxes["maxy"] >= south - 3 * dy) & (boxes["miny"] <= north + 3 * dy)
    )  # fmt: skip
    colours = colours_of(len(metric_classes(board)[metric].counts))
    return StationMap(gpd.GeoDataFrame(stations[near]), colours, PAINT, view)


def _figures(board: Board, station_id: str, language: str) -> list[Figure]:
    row = board.table.loc[station_id]
    share = text_in(language, f"metric.{board.share}")
    told = {
        "registered": number_in(language, row["registered"]),
        "reservoir_left": people_words(board.table.loc[[station_id]], language)[0],
        "reservoir": number_in(language, row["reservoir"]),
        "priority": value_in(language, "priority", row["priority"]),
        "abstention": percent_in(language, row["abstention_rate"]),
        "share": percent_in(language, row["left_share"]),
    }
    if board.has_addresses:
        told["households"] = number_in(language, row["households"])
        told["visited"] = published_count(language, row["households_visited"])
        told["contacted"] = published_count(language, row["households_contacted"])
        if pd.notna(row["last_visit_date"]):
            told["last_visit"] = date_in(language, row["last_visit_date"])
    return [
        Figure(text_in(language, f"shown.{name}", share=share).removesuffix(" (%)"), value)
        for name, value in told.items()
    ]


def _rounds(workspace: Workspace, board: Board, station_id: str, language: str) -> list[Round]:
    """The station's past, election by election, beside the whole campaign's."""
    line = load_station_line(workspace, station_id)
    whole = _whole_line(workspace, board)
    rounds = []
    for row in line.itertuples():
        turnout, share = whole.get(row.election_id, (np.nan, np.nan))
        name = short_election(language, row.election_id)
        own = (float(row.turnout_rate), float(row.left_share))
        rounds.append(Round(name, *own, bool(row.is_uncertain), turnout, share))
    return rounds


def _whole_line(workspace: Workspace, board: Board) -> dict[str, list[float]]:
    """Turnout and share of votes of the whole campaign at each election: kept, the same for all."""

    def build() -> Bundle:
        line = load_city_line(workspace).set_index("election_id")
        rates = line[["turnout_rate", "left_share"]].to_numpy(float).tolist()
        return Bundle({}, {"line": dict(zip(line.index, rates, strict=True))})

    communes = campaign_card(workspace).communes
    parts = [CACHE_VERSION, communes, board.target, *content_of(workspace, PAST_OF, blocs=True)]
    kept: dict[str, list[float]] = cached(workspace, "city-line", parts, build, BUNDLE).facts[
        "line"
    ]
    return kept
