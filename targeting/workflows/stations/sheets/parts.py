"""What sheets and files of stations share: what is at hand, what is drawn, what is kept.

A sheet is kept under the content of all that is drawn on it: asked again, it is only read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from targeting.codes import station_label
from targeting.config import Workspace
from targeting.crs import METRIC_CRS
from targeting.errors import TargetingError, WorkspaceError
from targeting.exports.map_sheet import (
    UNKNOWN,
    LegendRow,
)
from targeting.exports.station_map import NOTHING, StationMap
from targeting.exports.station_map import UNKNOWN as UNKNOWN_CLASS
from targeting.exports.typeset import KINDS, template_mark
from targeting.locale import text_in
from targeting.maps.board import Board
from targeting.maps.files import metric_classes
from targeting.maps.legend import UNKNOWN_PLACE, class_of, legend_lines
from targeting.maps.measures import COLUMNS, metric_key
from targeting.palette import LIGHT_THEME
from targeting.workflows.cache import Kind, cached
from targeting.workflows.stations.board import (
    ScoredBoard,
    load_board,
    load_scored,
)

CACHE_VERSION: Final = 1

SHEETS_KEPT: Final = 8

PAINT: Final = LIGHT_THEME
"""Paper is always light, whatever the screen's theme is."""

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


def known_stations(board: Board, stations: Sequence[str]) -> list[str]:
    """Stations of the campaign, each once; a link may name one that is gone."""
    if gone := [s for s in stations if s not in board.table.index]:
        named = ", ".join(" ".join(s.split())[:30] for s in gone[:3])
        raise TargetingError(
            f"no station {named} in this campaign: it is gone, renumbered or mistyped. Choose it "
            "again on the map or in the table."
        )
    return list(dict.fromkeys(stations))


def stations_in(board: Board, area: Sequence[str] | None) -> pd.Index:
    if area is None:
        return board.table.index
    return board.table.index[board.table.index.isin(known_stations(board, area))]


def shapes_of(at_hand: AtHand) -> gpd.GeoSeries:
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


def drawn_stations(
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


def metric_name(board: Board, metric: str, language: str) -> str:
    return text_in(language, metric_key(metric, "label", board.share))


def class_rows(board: Board, metric: str, language: str) -> list[LegendRow]:
    return [
        LegendRow(UNKNOWN if line.place == UNKNOWN_PLACE else line.colour, line.words)
        for line in legend_lines(metric_classes(board)[metric], language, board.share)
    ]


def kept_sheet(
    workspace: Workspace, name: str, parts: Sequence[Any], build: Callable[[], bytes], kind: str
) -> bytes:
    made_of = [CACHE_VERSION, template_mark(), *parts]
    return cached(workspace, name, made_of, build, BYTES[kind], entries=SHEETS_KEPT)


def map_mark(drawn: StationMap) -> str:
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
