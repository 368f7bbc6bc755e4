"""Visits typed back from paper: a CSV grid, one line a knock, recorded once however often given."""

from __future__ import annotations

import csv
import io
import re
import uuid
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd

from targeting.codes import FRANCE
from targeting.config import Workspace
from targeting.errors import SourceError, TargetingError
from targeting.exports.cells import raw_text
from targeting.field.books import order_mark
from targeting.sources.files import TextFile
from targeting.store.engine import open_store, reading
from targeting.store.turfs import load_stops
from targeting.store.visits import record_visits
from targeting.tables import OUTCOMES
from targeting.workflows.buildings import load_buildings
from targeting.workflows.returned import Returned, record_once

NEEDED: Final = ("door", "outcome", "visited_at")
PLACES: Final = (("building_id",), ("turf_id", "visit_order"))
"""How a line tells its building: by its code, or by the turf's and the order number on paper."""
OPTIONAL: Final = ("visit_id", "building_id", "turf_id", "visit_order", "version")
LONGEST_ID: Final = 36
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


def import_grid(workspace: Workspace, file: TextFile) -> Returned:
    """Record the visits of a grid: all its lines, or none.

    Columns `turf_id, visit_order, door, outcome, visited_at`, as on the printed list, or
    `building_id` instead of the first two (door: 1 to the building's dwellings; a date and time,
    in French time where no zone is given), and `visit_id` where there is one. Without it, the same
    door at the same moment is the same visit. `version`, as printed (`3-7f2a`): a line of a list
    whose order has changed since is refused.

    Raises SourceError naming the line of an unknown building, turf, door, outcome or date.
    """
    buildings = load_buildings(workspace)
    dwellings = dict(zip(buildings["building_id"], buildings["dwellings"], strict=True))
    with reading(open_store(workspace)) as session:
        order = _orders(load_stops(session))
    lines = _rows(file)
    visits = [_visit(file, line, row, dwellings, order) for line, row in lines]

    def record(session: Any) -> Returned:
        try:
            recorded = record_visits(session, visits)
        except TargetingError as error:
            number = re.match(r"visit (\d+): (.*)", str(error))
            line = lines[int(number[1]) - 1][0] if number else None
            raise SourceError(file.name, number[2] if number else str(error), line=line) from error
        return Returned(file.name, len(visits), recorded)

    return record_once(workspace, file.name, file.sha256, len(visits), record)


def _orders(stops: pd.DataFrame) -> dict[str, dict[int, str]]:
    """The building at each order number of each turf, in order."""
    found: dict[str, dict[int, str]] = {}
    for turf_id, number, building_id in zip(
        stops["turf_id"], stops["visit_order"], stops["building_id"], strict=True
    ):
        found.setdefault(turf_id, {})[int(number)] = building_id
    return found


def _rows(file: TextFile) -> list[tuple[int, dict[str, str]]]:
    """Lines of the grid with their numbers. Raises SourceError for what is no such grid."""
    try:
        return _grid(file)
    except csv.Error as error:
        raise SourceError(
            file.name, f"not a table ({error}).",
            way_out="A line is broken or a quote is not closed: save the grid again as CSV.",
        ) from error  # fmt: skip


def _grid(file: TextFile) -> list[tuple[int, dict[str, str]]]:
    text = file.text.decode()
    first = text.split("\n", 1)[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    headers = [h.strip() for h in reader.fieldnames or []]
    missing = [c for c in NEEDED if c not in headers]
    if not any(set(place) <= set(headers) for place in PLACES):
        missing += ["turf_id and visit_order (or building_id)"]
    if missing:
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
    rows = []
    for row in reader:
        if None in row:
            raise SourceError(
                file.name,
                f"more than the {len(headers)} cells of the header.",
                line=reader.line_num,
                way_out="Put a cell that holds a separator between quotes.",
            )
        if any((v or "").strip() for v in row.values()):
            rows.append((reader.line_num, row))
    if not rows:
        raise SourceError(file.name, "headers and not one visit.", way_out="Type the visits in.")
    return rows


def _visit(
    file: TextFile,
    line: int,
    row: dict[str, str],
    dwellings: dict[str, int],
    order: dict[str, dict[int, str]],
) -> dict[str, Any]:
    cells = {k: raw_text((v or "").strip()) for k, v in row.items()}
    building_id = cells.get("building_id") or _building_of(file, line, cells, order)
    if building_id not in dwellings:
        raise SourceError(
            file.name,
            f"no building “{building_id[:60]}” in this campaign.",
            line=line,
            column="building_id",
            way_out="Give the turf's code and the order number of the walk list instead.",
        )
    door = cells["door"]
    if not re.fullmatch(r"[0-9]{1,5}", door) or not 1 <= int(door) <= dwellings[building_id]:
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
    if len(cells.get("visit_id", "")) > LONGEST_ID:
        raise SourceError(
            file.name, "the visit_id is too long.", line=line, column="visit_id",
            way_out=f"At most {LONGEST_ID} characters; or leave it empty.",
        )  # fmt: skip
    visit_id = cells.get("visit_id") or str(
        uuid.uuid5(uuid.NAMESPACE_URL, f"{door_id} {moment.isoformat()}")
    )
    return {
        "visit_id": visit_id,
        "building_id": building_id,
        "door_id": door_id,
        "turf_id": cells.get("turf_id") or None,
        "outcome": cells["outcome"],
        "visited_at": moment,
    }


def _building_of(
    file: TextFile, line: int, cells: dict[str, str], order: dict[str, dict[int, str]]
) -> str:
    """The building at an order number of a turf, as the printed list has it."""
    turf_id, number = cells.get("turf_id", ""), cells.get("visit_order", "")
    stops = order.get(turf_id, {})
    found = stops.get(int(number)) if re.fullmatch(r"[0-9]{1,5}", number) else None
    if found is None:
        raise SourceError(
            file.name,
            f"no stop “{number[:10]}” in turf “{turf_id[:20]}”.",
            line=line,
            column="visit_order",
            way_out="Copy the turf's code and the order number of the walk list.",
        )
    _refuse_old_list(file, line, cells.get("version", ""), turf_id, stops)
    return found


def _refuse_old_list(
    file: TextFile, line: int, version: str, turf_id: str, stops: dict[int, str]
) -> None:
    """Raise SourceError where the numbers of the turf are no longer those of the list."""
    if version and version.lower().rpartition("-")[2] != order_mark(stops.values()):
        raise SourceError(
            file.name,
            f"version “{version[:20]}” of {turf_id}: its walk has changed since, so that the "
            "numbers on that list mean other buildings.",
            line=line,
            column="version",
            way_out="Give the building_id instead of turf_id and visit_order; or copy the whole "
            "version (3-7f2a), where the list is the present one.",
        )


def _moment(file: TextFile, line: int, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        local = moment if moment.tzinfo else moment.replace(tzinfo=FRANCE)
        known = local.astimezone(UTC)
    except (ValueError, OverflowError):
        known = None
    if known is None or known < EARLIEST:
        raise SourceError(
            file.name,
            f"“{text[:30]}” is no date and time of a visit.",
            line=line,
            column="visited_at",
            way_out="Write 2026-03-10 18:30.",
        )
    return known
