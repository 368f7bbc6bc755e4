"""What the commands `map` and `card` write, and print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.exports.aside import ensure_writable, write_aside
from targeting.exports.formats import (
    known_format,
)
from targeting.exports.typeset import KINDS
from targeting.maps.board import Board
from targeting.maps.filters import Filters
from targeting.workflows.access.asks import asks
from targeting.workflows.report import Report
from targeting.workflows.stations.board import (
    campaign_quarters,
)
from targeting.workflows.stations.sheets.card import card_sheet
from targeting.workflows.stations.sheets.files import SHOWN_FORMATS, write_shown
from targeting.workflows.stations.sheets.map import map_sheet
from targeting.workflows.stations.sheets.parts import load_at_hand


@asks("places.export")
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


@asks("places.export")
def card_report(workspace: Workspace, station_id: str, out: Path, *, language: str) -> Report:
    """Write the card of one station. Raises TargetingError where `out` is no PDF."""
    if out.suffix.lower() != ".pdf":
        raise TargetingError(f"{out.name}: a card is a PDF: end the name with .pdf.")
    ensure_writable(out)
    made = card_sheet(workspace, station_id, language)
    write_aside(out, lambda to: to.write_bytes(made))
    return Report({"station": station_id, "written": [str(out)]}, f"{station_id} -> {out}")
