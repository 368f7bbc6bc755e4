"""What is shown, to be handed on: sheets of the map and of a card, files of the stations shown.

A sheet is kept under the content of all that is drawn on it: asked again, it is only read.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.codes import station_label
from targeting.config import Workspace
from targeting.crs import METRIC_CRS, WGS84
from targeting.errors import TargetingError, WorkspaceError
from targeting.exports.aside import ensure_writable, write_aside
from targeting.exports.card_sheet import CardSheet, Figure, Round, write_card_sheet
from targeting.exports.formats import (
    MAP,
    MAP_FORMATS,
    SHEETS,
    TABLE_FORMATS,
    About,
    known_format,
    suffixes,
    write_table,
)
from targeting.exports.map_sheet import (
    CHOSEN,
    HATCH,
    PAPERS,
    QUARTERS,
    UNKNOWN,
    LegendRow,
    MapSheet,
    write_map_sheet,
)
from targeting.exports.station_map import NOTHING, Bounds, StationMap
from targeting.exports.station_map import UNKNOWN as UNKNOWN_CLASS
from targeting.exports.typeset import KINDS, template_mark
from targeting.locale import count_in, date_in, number_in, percent_in, text_in
from targeting.maps.board import Board, published_count
from targeting.maps.cards.card import build_card
from targeting.maps.cards.history import short_election
from targeting.maps.classes import value_in
from targeting.maps.files import dense_bounds, metric_classes
from targeting.maps.filters import Filters
from targeting.maps.legend import UNKNOWN_PLACE, class_of, legend_lines
from targeting.maps.listing import DOWNLOADED
from targeting.maps.measures import COLUMNS, METRICS, metric_key
from targeting.maps.shown import shown_table
from targeting.palette import LIGHT_THEME, colours_of
from targeting.reference.moments import one_moment
from targeting.workflows.cache import BUNDLE, Bundle, Kind, cached, content_of
from targeting.workflows.report import Report
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.board import (
    ScoredBoard,
    campaign_quarters,
    load_board,
    load_city_line,
    load_scored,
    load_station_line,
)

CACHE_VERSION: Final = 1
SHEETS_KEPT: Final = 8
SHOWN_FORMATS: Final = (*TABLE_FORMATS, *suffixes(SHEETS), *MAP_FORMATS)
"""What the stations shown may be written in; a map for the eye is a PDF or a PNG."""

PAINT: Final = LIGHT_THEME
"""Paper is always light, whatever the screen's theme is."""

AROUND: Final = 0.9
"""How much of its neighbourhood a card's map shows on each side of a station, of its own size."""

AROUND_DEGREES: Final = 0.002
"""At least so much: 200 metres."""

LARGEST: Final = 3.0
"""How many times the usual size of a station is seen of a larger one, at least."""

PAST_OF: Final = ("turnout", "votes", "stations", "station_points", "addresses", "shares")
"""Folders of `reference/` that a station's past is made of, as `station_past` reads them."""

BYTES: Final[dict[str, Kind[bytes]]] = {
    kind: Kind(f".{kind}", lambda made, file: file.write(made), Path.read_bytes) for kind in KINDS
}


@dataclass(frozen=True)
class AtHand:
    """What a screen has already loaded: the board, and what `load_scored` gave."""

    board: Board
    kept: ScoredBoard


def load_at_hand(workspace: Workspace) -> AtHand:
    """The board and its outlines. Raises TargetingError as `load_scored` does."""
    kept = load_scored(workspace)
    return AtHand(load_board(workspace, kept), kept)


# -- the map ---------------------------------------------------------------------------------------


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
    at_hand, day = at_hand or load_at_hand(workspace), today or date.today()
    board, filters = at_hand.board, filters or Filters()
    shapes = _shapes(at_hand)
    looked_at = _looked_at(board, area)
    chosen = _known(board, chosen)
    passing = filters.passing(board).intersection(looked_at, sort=False)
    stations = _stations(board, shapes, metric, passing, chosen)
    view = _view(stations, looked_at, chosen)
    drawn = StationMap(
        stations=_near(stations, view),
        colours=colours_of(len(metric_classes(board)[metric].counts)),
        paint=PAINT,
        view=view,
        quarters=quarters,
    )
    campaign = campaign_card(workspace).name
    sheet = MapSheet(
        map=drawn,
        title=f"{_title(board, metric, language)} · {campaign}",
        about=_about(board, passing, chosen, language),
        legend_title=_metric_name(board, metric, language),
        legend=_legend(board, drawn, metric, filters, len(looked_at) < len(board.table), language),
        notes=_undrawn(stations, passing, language),
        credits=board.credits,
    )

    def build() -> bytes:
        return write_map_sheet(sheet, paper=paper, kind=kind, today=day, language=language)

    parts = [paper, kind, language, str(day), _map_mark(drawn), *_words_of(sheet)]
    return _kept(workspace, "map-sheet", parts, build, kind)


def _words_of(sheet: MapSheet) -> list[Any]:
    words = (sheet.title, sheet.about, sheet.legend_title, *sheet.notes, *sheet.credits)
    return [*words, *(list(row) for row in sheet.legend)]


def _kept(
    workspace: Workspace, name: str, parts: Sequence[Any], build: Callable[[], bytes], kind: str
) -> bytes:
    made_of = [CACHE_VERSION, template_mark(), *parts]
    return cached(workspace, name, made_of, build, BYTES[kind], entries=SHEETS_KEPT)


def _map_mark(drawn: StationMap) -> str:
    """The content of a map: a mark that changes with anything drawn on it."""
    digest = hashlib.sha256()
    for layer in (drawn.stations, drawn.quarters):
        if layer is None:
            continue
        table = pd.DataFrame(layer.drop(columns=str(layer.geometry.name)))
        digest.update(table.to_json(orient="split").encode())
        digest.update(b"".join(shapely.to_wkb(layer.geometry.to_numpy())))
    digest.update(json.dumps([drawn.colours, drawn.paint, drawn.view]).encode())
    return digest.hexdigest()


def _one_of(what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise TargetingError(f"“{value}” is no {what}: write one of {', '.join(known)}.")


def _known(board: Board, stations: Sequence[str]) -> list[str]:
    """Stations of the campaign, each once; a link may name one that is gone."""
    if gone := [s for s in stations if s not in board.table.index]:
        named = ", ".join(" ".join(s.split())[:30] for s in gone[:3])
        raise TargetingError(
            f"no station {named} in this campaign: it is gone, renumbered or mistyped. Choose it "
            "again on the map or in the table."
        )
    return list(dict.fromkeys(stations))


def _looked_at(board: Board, area: Sequence[str] | None) -> pd.Index:
    if area is None:
        return board.table.index
    return board.table.index[board.table.index.isin(_known(board, area))]


def _shapes(at_hand: AtHand) -> gpd.GeoSeries:
    """The outline of each station of the board, else its point; refused where there is none."""
    board, kept = at_hand.board, at_hand.kept
    layers = [
        layer
        for layer, is_sound in ((kept.outlines, board.is_painted), (kept.points, board.is_dotted))
        if layer is not None and is_sound
    ]
    known = pd.concat(layers).drop_duplicates("station_id") if layers else None
    if known is None or not known["station_id"].isin(board.table.index).any():
        if kept.outlines is not None or kept.points is not None:
            raise WorkspaceError(
                "no map to draw: the outlines imported are those of other stations than the "
                "results. Import those of the same year with `import stations FILE`."
            )
        raise WorkspaceError(
            "no map to draw: no outlines are imported. Import them with `import stations FILE`; "
            "the table of stations can be written without."
        )
    shapes = gpd.GeoSeries(known.set_index("station_id").geometry, crs=METRIC_CRS)
    return shapes.reindex(board.table.index[board.table.index.isin(shapes.index)])


def _stations(
    board: Board, shapes: gpd.GeoSeries, metric: str, passing: pd.Index, chosen: Sequence[str]
) -> gpd.GeoDataFrame:
    """Stations as they are drawn, in the order of the board."""
    ids = shapes.index
    values = board.table.loc[ids, COLUMNS[metric]]
    classes = class_of(
        values, metric_classes(board)[metric], nothing=NOTHING, unknown=UNKNOWN_CLASS
    )
    return gpd.GeoDataFrame(
        {
            "number": [station_label(s) for s in ids],
            "class_number": classes.to_numpy(),
            "is_hatched": ids.isin(board.doubtful),
            "is_shown": ids.isin(passing),
            "is_chosen": ids.isin(chosen),
        },
        geometry=shapes,
        index=ids,
    )


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


# -- words -----------------------------------------------------------------------------------------


def _metric_name(board: Board, metric: str, language: str) -> str:
    return text_in(language, metric_key(metric, "label", board.share))


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
    rows = _class_rows(board, metric, language)
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


def _class_rows(board: Board, metric: str, language: str) -> list[LegendRow]:
    return [
        LegendRow(UNKNOWN if line.place == UNKNOWN_PLACE else line.colour, line.words)
        for line in legend_lines(metric_classes(board)[metric], language, board.share)
    ]


def _undrawn(stations: gpd.GeoDataFrame, passing: pd.Index, language: str) -> list[str]:
    """What the map cannot show as an area, told."""
    notes = []
    dots = shapely.get_dimensions(stations.geometry.to_numpy()) == 0
    if (dots & stations["is_shown"].to_numpy()).any():
        notes.append(text_in(language, "sheet.dots"))
    if missing := int((~passing.isin(stations.index)).sum()):
        notes.append(count_in(language, "map.without_outline", missing))
    return notes


# -- the card --------------------------------------------------------------------------------------


@one_moment
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
    _known(board, [station_id])
    metric = METRICS[0]
    drawn = _around(at_hand, station_id, metric)
    legend = _class_rows(board, metric, language)
    if drawn is not None and drawn.stations["is_hatched"].any():
        legend.append(LegendRow(HATCH, text_in(language, "sheet.hatched")))
    card = build_card(board, station_id, language)
    sheet = CardSheet(
        title=card.title,
        place=card.place,
        campaign=campaign_card(workspace).name,
        answer=[_plain(card.answer), *([_plain(card.bar.words)] if card.bar else [])],
        reasons=[_plain(line) for line in card.reasons],
        figures=_figures(board, station_id, language),
        warnings=[_plain(line) for line in (*card.warnings, card.outline, card.source) if line],
        share_name=text_in(language, f"metric.{board.share}"),
        map=drawn,
        legend_title=_metric_name(board, metric, language),
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
    mark = "" if drawn is None else _map_mark(drawn)
    return _kept(workspace, "card-sheet", [language, str(day), mark, *words], build, "pdf")


def _plain(markdown: str) -> str:
    """A line of a card without its Markdown."""
    return markdown.replace("**", "")


def _around(at_hand: AtHand, station_id: str, metric: str) -> StationMap | None:
    """The station among its neighbours; nothing where it is not drawn."""
    board = at_hand.board
    try:
        shapes = _shapes(at_hand)
    except WorkspaceError:
        return None  # a card says all the rest without a map
    if station_id not in shapes.index:
        return None
    stations = _stations(board, shapes, metric, board.table.index, [station_id])
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
    people = number_in(language, row["reservoir"])
    if pd.notna(row["reservoir_low"]) and pd.notna(row["reservoir_high"]):
        low, high = (number_in(language, row[f"reservoir_{end}"]) for end in ("low", "high"))
        people = f"{people} ({text_in(language, 'legend.span', low=low, high=high)})"
    share = text_in(language, f"metric.{board.share}")
    told = {
        "registered": number_in(language, row["registered"]),
        "reservoir": people,
        "reservoir_left": number_in(language, row["reservoir_left"]),
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


# -- files -----------------------------------------------------------------------------------------


def write_shown(
    workspace: Workspace,
    path: Path,
    filters: Filters | None = None,
    chosen: Sequence[str] = (),
    area: Sequence[str] | None = None,
    *,
    language: str = "fr",
    at_hand: AtHand | None = None,
) -> list[Path]:
    """Write the stations shown in the format of the extension (`SHOWN_FORMATS`).

    XLSX is for a human, with a sheet for machines after it; the others are for machines. A map
    format holds the stations that are drawn. Raises TargetingError for an unknown format.
    """
    form = known_format(path, SHOWN_FORMATS)
    at_hand = at_hand or load_at_hand(workspace)
    board = at_hand.board
    chosen = _known(board, chosen)
    passing = (filters or Filters()).passing(board)
    passing = passing.intersection(_looked_at(board, area), sort=False)
    rows = board.table.loc[passing]
    table = rows.reset_index()[DOWNLOADED]
    if form.holds == SHEETS:
        sheets = {
            text_in(language, "shown.sheet"): shown_table(board, rows, language, chosen=chosen),
            text_in(language, "shown.data"): table,
        }
        return form.write(path, sheets, About(board.credits, language=language))
    if form.holds != MAP:
        return write_table(table, path, credits=board.credits)
    shapes = _shapes(at_hand)
    drawn = table[table["station_id"].isin(shapes.index)].reset_index(drop=True)
    own = shapes.reindex(drawn["station_id"]).to_numpy()
    geometry = gpd.GeoSeries(own, index=drawn.index, crs=shapes.crs)
    return write_table(drawn, path, credits=board.credits, geometry=geometry)


def shown_file(workspace: Workspace, suffix: str, *given: Any, **named: Any) -> bytes:
    """The stations shown as the bytes of a file (`.csv`, `.xlsx`…): see `write_shown`."""
    with tempfile.TemporaryDirectory(prefix="relance-shown-") as folder:
        path = Path(folder) / f"relance{suffix}"
        write_shown(workspace, path, *given, **named)
        return path.read_bytes()


# -- what commands print ---------------------------------------------------------------------------


def map_report(
    workspace: Workspace,
    out: Path,
    *,
    metric: str,
    filters: Filters,
    chosen: Sequence[str] = (),
    area: Sequence[str] = (),
    has_quarters: bool = True,
    paper: str = "A4",
    language: str = "fr",
) -> Report:
    """Write the map as a sheet, or the stations shown as a file, by the extension of `out`.

    area: beginnings of the ids of stations that are looked at. Raises TargetingError for an unknown
    extension, or an area without stations, before anything is written.
    """
    kind = out.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        known_format(out, (*SHOWN_FORMATS, *(f".{k}" for k in KINDS)))
    ensure_writable(out)
    at_hand = load_at_hand(workspace)
    board = at_hand.board
    inside = _beginning(board, area)
    shown = filters.passing(board).isin(board.table.index if inside is None else inside).sum()
    if kind not in KINDS:
        written = write_shown(
            workspace, out, filters, chosen, inside, language=language, at_hand=at_hand
        )
    else:
        made = map_sheet(
            workspace, metric, filters, chosen, inside,
            paper=paper, kind=kind, language=language, at_hand=at_hand,
            quarters=campaign_quarters(workspace) if has_quarters else None,
        )  # fmt: skip
        write_aside(out, lambda to: to.write_bytes(made))
        written = [out]
    facts = {"stations": int(shown), "chosen": list(chosen), "written": [str(p) for p in written]}
    return Report(facts, f"{shown:,} of {len(board.table):,} stations shown -> {out}")


def _beginning(board: Board, area: Sequence[str]) -> list[str] | None:
    """Stations whose ids begin with one of these; None where none is given."""
    if not area:
        return None
    found = [s for s in board.table.index if s.startswith(tuple(area))]
    if not found:
        raise TargetingError(
            f"no station's id begins with {', '.join(area)[:60]}: write the beginning of ids as "
            f"{board.table.index[0]}."
        )
    return found


def card_report(workspace: Workspace, station_id: str, out: Path, *, language: str) -> Report:
    """Write the card of one station. Raises TargetingError where `out` is no PDF."""
    if out.suffix.lower() != ".pdf":
        raise TargetingError(f"{out.name}: a card is a PDF: end the name with .pdf.")
    ensure_writable(out)
    made = card_sheet(workspace, station_id, language)
    write_aside(out, lambda to: to.write_bytes(made))
    return Report({"station": station_id, "written": [str(out)]}, f"{station_id} -> {out}")
