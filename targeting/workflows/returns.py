"""Visits typed back from paper: a CSV grid, one line a knock, recorded once however often given."""

from __future__ import annotations

import csv
import io
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from targeting.config import Workspace
from targeting.errors import SourceError, TargetingError
from targeting.exports.cells import raw_text
from targeting.sources.files import TextFile, read_text
from targeting.store.engine import open_store, reading, write
from targeting.store.queries import add_batch, known_batch, record_visits
from targeting.tables import OUTCOMES
from targeting.workflows.buildings import load_buildings

NEEDED: Final = ("building_id", "door", "outcome", "visited_at")
OPTIONAL: Final = ("visit_id", "turf_id", "theme")
KIND: Final = "visits"
FRANCE: Final = ZoneInfo("Europe/Paris")


@dataclass(frozen=True)
class Returned:
    """What one grid gave: rows read, and those that were new."""

    file: str
    rows: int
    recorded: int
    unchanged: bool = False


def import_returns(workspace: Workspace, path: Path) -> Returned:
    """Record the visits of a grid: all its lines, or none.

    Columns `building_id, door, outcome, visited_at` (door: 1 to the building's dwellings; a date
    and time, in French time where no zone is given), and where known `visit_id, turf_id, theme`.
    Without `visit_id`, the same door at the same moment is the same visit.

    Raises SourceError naming the line of an unknown building, door, outcome or date.
    """
    workspace.required()
    file = read_text(path)
    engine = open_store(workspace)
    with reading(engine) as session:
        if batch := known_batch(session, KIND, file.sha256):
            return Returned(file.name, batch.rows, 0, unchanged=True)
    buildings = load_buildings(workspace)
    dwellings = dict(zip(buildings["building_id"], buildings["dwellings"], strict=True))
    visits = [_visit(file, line, row, dwellings) for line, row in _rows(file)]

    def work(session: Any) -> int:
        try:
            recorded = record_visits(session, visits)
        except TargetingError as error:
            raise SourceError(file.name, str(error)) from error
        add_batch(session, KIND, file.name, file.sha256, len(visits))
        return recorded

    return Returned(file.name, len(visits), write(engine, work))


def _rows(file: TextFile) -> list[tuple[int, dict[str, str]]]:
    text = file.text.decode()
    first = text.split("\n", 1)[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    headers = [h.strip() for h in reader.fieldnames or []]
    if missing := [c for c in NEEDED if c not in headers]:
        raise SourceError(
            file.name,
            f"no column {', '.join(missing)}; headers found: {', '.join(headers)[:200]}.",
            line=1,
            way_out=f"A grid has {', '.join(NEEDED)}, and may have {', '.join(OPTIONAL)}.",
        )
    if unknown := [h for h in headers if h not in (*NEEDED, *OPTIONAL)]:
        raise SourceError(
            file.name,
            f"columns not known here: {', '.join(unknown)[:200]}.",
            line=1,
            way_out="Take them out: a visit holds no name, no phone, no note.",
        )
    reader.fieldnames = headers
    rows = [
        (reader.line_num, row) for row in reader if any((v or "").strip() for v in row.values())
    ]
    if not rows:
        raise SourceError(file.name, "headers and not one visit.", way_out="Type the visits in.")
    return rows


def _visit(
    file: TextFile, line: int, row: dict[str, str], dwellings: dict[str, int]
) -> dict[str, Any]:
    cells = {k: raw_text((v or "").strip()) for k, v in row.items() if k is not None}
    building_id = cells["building_id"]
    if building_id not in dwellings:
        raise SourceError(
            file.name,
            f"no building “{building_id[:60]}” in this campaign.",
            line=line,
            column="building_id",
            way_out="Copy the code of the walk list.",
        )
    door = cells["door"]
    if not door.isdigit() or not 1 <= int(door) <= dwellings[building_id]:
        raise SourceError(
            file.name,
            f"door “{door[:20]}” of {building_id}: it has doors 1 to {dwellings[building_id]}.",
            line=line,
            column="door",
            way_out="Count the doors from 1.",
        )
    if cells["outcome"] not in OUTCOMES:
        raise SourceError(
            file.name,
            f"“{cells['outcome'][:30]}” is no outcome.",
            line=line,
            column="outcome",
            way_out=f"One of {', '.join(OUTCOMES)}.",
        )
    moment = _moment(file, line, cells["visited_at"])
    door_id = f"{building_id}/{int(door)}"
    visit_id = cells.get("visit_id") or str(
        uuid.uuid5(uuid.NAMESPACE_URL, f"{door_id} {moment.isoformat()}")
    )
    return {
        "visit_id": visit_id,
        "building_id": building_id,
        "door_id": door_id,
        "turf_id": cells.get("turf_id") or None,
        "theme": cells.get("theme") or None,
        "outcome": cells["outcome"],
        "visited_at": moment,
    }


def _moment(file: TextFile, line: int, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SourceError(
            file.name,
            f"“{text[:30]}” is no date and time.",
            line=line,
            column="visited_at",
            way_out="Write 2026-03-10 18:30.",
        ) from None
    local = moment if moment.tzinfo else moment.replace(tzinfo=FRANCE)
    return local.astimezone(UTC)
