"""Files of the stations shown."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd

from targeting.config import Workspace
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
from targeting.locale import text_in
from targeting.maps.filters import Filters
from targeting.maps.listing import DOWNLOADED
from targeting.maps.shown import shown_table
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import hand_out
from targeting.workflows.stations.sheets.parts import (
    AtHand,
    known_stations,
    load_at_hand,
    shapes_of,
    stations_in,
)

SHOWN_FORMATS: Final = (*TABLE_FORMATS, *suffixes(SHEETS), *MAP_FORMATS)
"""What the stations shown may be written in; a map for the eye is a PDF or a PNG."""


@asks("places.export")
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
    hand_out(workspace, f"stations{form.suffix}")
    at_hand = at_hand or load_at_hand(workspace)
    board = at_hand.board
    chosen = known_stations(board, chosen)
    passing = (filters or Filters()).passing(board)
    passing = passing.intersection(stations_in(board, area), sort=False)
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
    shapes = shapes_of(at_hand)
    drawn = table[table["station_id"].isin(shapes.index)].reset_index(drop=True)
    own = shapes.reindex(drawn["station_id"]).to_numpy()
    geometry = gpd.GeoSeries(own, index=drawn.index, crs=shapes.crs)
    return write_table(drawn, path, credits=board.credits, geometry=geometry)


@asks("places.export")
def shown_file(workspace: Workspace, suffix: str, *given: Any, **named: Any) -> bytes:
    """The stations shown as the bytes of a file (`.csv`, `.xlsx`…): see `write_shown`."""
    with tempfile.TemporaryDirectory(prefix="relance-shown-") as folder:
        path = Path(folder) / f"relance{suffix}"
        write_shown(workspace, path, *given, **named)
        return path.read_bytes()
