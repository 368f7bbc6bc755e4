"""Visits typed back from paper: a grid, one line a knock, recorded once however often given."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

import pandas as pd

from targeting.codes import FRANCE, TURF_CODE
from targeting.config import Workspace
from targeting.errors import NotYoursError, SourceError
from targeting.field.books import order_mark
from targeting.outcomes import OPPOSITION
from targeting.sources.files import TextFile
from targeting.sources.grids import Row, read_grid
from targeting.store.engine import open_store, reading
from targeting.store.turfs import load_stops
from targeting.store.visits import ID_SPACE, UUID, VisitError, record_visits
from targeting.workflows.access.asks import asks, whose
from targeting.workflows.buildings import load_buildings
from targeting.workflows.outings.grid_words import (
    MIDNIGHT,
    NOON,
    When,
    header_names,
    known_words,
    outcome_of,
    when,
    whole_number,
)
from targeting.workflows.outings.returned import Returned, record_once

NEEDED: Final = ("door", "outcome", "visited_at")
EARLIEST: Final = date(2000, 1, 1)
BAN: Final = re.compile(r"[0-9A-Za-z]{5}_[0-9A-Za-z]{4,6}_\d{5}(_[0-9a-z]{1,6})?")
"""What may be repeated of a building that is not here: an id of the BAN, which is nobody's name."""


class Line(NamedTuple):
    """One line of a grid that could be read. `when.at` is None where no hour was noted."""

    number: int
    visit_id: str | None
    building_id: str
    door: int
    turf_id: str | None
    outcome: str
    when: When

    @property
    def door_id(self) -> str:
        return f"{self.building_id}/{self.door}"

    @property
    def key(self) -> tuple[str, ...]:
        """Lines that have it in common are one knock: its id, else door and moment; where no hour
        was noted, a day may have seen several, of different outcomes."""
        if self.visit_id:
            return (self.visit_id,)
        if self.when.at is None:
            return self.door_id, self.when.day.isoformat(), self.outcome
        return self.door_id, self.when.at.isoformat()


@asks("returns.type", own=True)
def import_grid(workspace: Workspace, file: TextFile) -> Returned:
    """Record the visits of a grid: all its lines, or none.

    Columns `turf_id, visit_order, door, outcome, visited_at`, as on the printed list, or
    `building_id` instead of the first two (door: 1 to the building's dwellings; a day, and the hour
    if it was noted, in French time where no zone is given), and `visit_id` where there is one: a
    UUID, anything else counts for none. Without it, one outcome of one door at one moment is one
    visit. `version`, as printed (`3-7f2a`): a line of a list whose order has changed since is
    refused. Headers and outcomes may be in the words of the books.

    Raises SourceError naming the line of an unknown building, turf, door, outcome or date, and both
    lines where two tell different outcomes of one knock; an opposition wins over the others; and
    NotYoursError where who types has their own turfs alone, and a line is of another door.
    """
    buildings = load_buildings(workspace)
    dwellings = dict(zip(buildings["building_id"], buildings["dwellings"], strict=True))
    with reading(open_store(workspace)) as session:
        stops = load_stops(session)
    lines = read_visits(file, dwellings, orders_of(stops))
    kept, repeated, overruled = once_each(file, lines)
    visits = as_visits(kept)

    mine = whose(workspace, "returns.type")

    def record(session: Any) -> Returned:
        if mine is not None and not all_within(kept, load_stops(session, account_id=mine)):
            raise NotYoursError(workspace.actor.role, "returns.type")
        try:
            recorded = record_visits(session, visits)
        except VisitError as error:
            raise SourceError(file.name, error.reason, line=kept[error.index].number) from error
        return Returned(file.name, len(lines), recorded, repeated=repeated, overruled=overruled)

    return record_once(workspace, file.name, file.sha256, len(lines), record)


def all_within(lines: Sequence[Line], stops: pd.DataFrame) -> bool:
    """Whether each line is of a door of these turfs, and of the turf that it names."""
    spans: dict[str, list[tuple[int, int, str]]] = {}
    columns = ("building_id", "first_door", "last_door", "turf_id")
    for building_id, first, last, turf_id in zip(*(stops[c] for c in columns), strict=True):
        spans.setdefault(building_id, []).append((int(first), int(last), turf_id))
    return all(
        any(
            first <= line.door <= last and line.turf_id in (None, turf_id)
            for first, last, turf_id in spans.get(line.building_id, [])
        )
        for line in lines
    )


def orders_of(stops: pd.DataFrame) -> dict[str, dict[int, str]]:
    """The building at each order number of each turf, in order."""
    found: dict[str, dict[int, str]] = {}
    for turf_id, number, building_id in zip(
        stops["turf_id"], stops["visit_order"], stops["building_id"], strict=True
    ):
        found.setdefault(turf_id, {})[int(number)] = building_id
    return found


def read_visits(
    file: TextFile, dwellings: Mapping[str, int], order: Mapping[str, Mapping[int, str]]
) -> list[Line]:
    """The lines of a grid, read against the campaign's buildings and turfs."""
    rows = read_grid(file, header_names(), NEEDED)
    if not any({"building_id"} <= set(row) or {"turf_id", "visit_order"} <= set(row)
               for _, row in rows[:1]):  # fmt: skip
        raise SourceError(
            file.name,
            "no column that tells the building.",
            line=1,
            way_out="Give turf_id and visit_order, as on the walk list, or building_id.",
        )
    return [_line(file, number, row, dwellings, order) for number, row in rows]


def once_each(
    file: TextFile, lines: Sequence[Line]
) -> tuple[list[Line], list[list[int]], list[list[int]]]:
    """The lines, one a knock; the numbers of those that said the same; and of those that an
    opposition of the same knock overruled (it first).

    Raises SourceError naming both lines where two tell different things of one knock.
    """
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        groups.setdefault(line.key, []).append(line)
    kept, repeated, overruled = [], [], []
    for group in groups.values():
        chosen = next((line for line in group if line.outcome == OPPOSITION), group[0])
        kept.append(chosen)
        same = [line for line in group if _same(line, chosen)]
        others = [line for line in group if line not in same]
        if len(same) > 1:
            repeated.append([line.number for line in same])
        if not others:
            continue
        wrong = next((x for x in others if x.door_id != chosen.door_id), None)
        if chosen.outcome != OPPOSITION or wrong:
            told, other = chosen, wrong or others[0]
            raise SourceError(
                file.name,
                f"lines {told.number} and {other.number} are one visit "
                f"({'one visit_id' if told.visit_id else 'one door and moment'}) and say "
                f"{told.outcome} of door {told.door} and {other.outcome} of door {other.door}.",
                line=max(told.number, other.number),
                way_out="Take one out, or correct its hour (or its visit_id).",
            )
        overruled.append([chosen.number, *(line.number for line in others)])
    return sorted(kept, key=lambda line: line.number), repeated, overruled


def _same(one: Line, other: Line) -> bool:
    return (one.door_id, one.outcome) == (other.door_id, other.outcome)


def as_visits(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Rows to record. Where no hour was noted, those of a door and day follow one another from
    noon, in the order of the lines."""
    seen: dict[tuple[str, date], int] = {}
    visits = []
    for line in lines:
        day = line.when.day
        at, formerly, key = line.when.at, line.when.at, ""
        if at is None:
            rank = seen[line.door_id, day] = seen.get((line.door_id, day), -1) + 1
            at = datetime.combine(day, NOON, FRANCE).astimezone(UTC) + timedelta(seconds=rank)
            formerly = datetime.combine(day, MIDNIGHT, FRANCE).astimezone(UTC)
            key = day.isoformat()
        assert formerly is not None
        visits.append(
            {
                "visit_id": line.visit_id
                or _id(f"{line.door_id} {key or at.isoformat()} {line.outcome}"),
                "formerly": None
                if line.visit_id
                else _id(f"{line.door_id} {formerly.isoformat()}"),
                "building_id": line.building_id,
                "door_id": line.door_id,
                "turf_id": line.turf_id,
                "outcome": line.outcome,
                "visited_at": at,
            }
        )
    return visits


def _id(key: str) -> str:
    return str(uuid.uuid5(ID_SPACE, key))


# -- one line --------------------------------------------------------------------------------------


def _line(
    file: TextFile,
    number: int,
    row: Row,
    dwellings: Mapping[str, int],
    order: Mapping[str, Mapping[int, str]],
) -> Line:
    turf_id = row.get("turf_id", "").upper()
    if turf_id and not TURF_CODE.fullmatch(turf_id):
        raise SourceError(
            file.name, "no code of a turf.", line=number, column="turf_id",
            way_out="Copy it from the walk list: S0001.",
        )  # fmt: skip
    building_id = row.get("building_id") or _building_of(file, number, row, turf_id, order)
    if building_id not in dwellings:
        told = f"“{building_id}”" if BAN.fullmatch(building_id) else "of that id"
        raise SourceError(
            file.name,
            f"no building {told} in this campaign.",
            line=number,
            column="building_id",
            way_out="Give the turf's code and the order number of the walk list instead.",
        )
    door = whole_number(row["door"])
    if door is None or not 1 <= door <= dwellings[building_id]:
        raise SourceError(
            file.name,
            f"no such door: {building_id} has doors 1 to {dwellings[building_id]}.",
            line=number,
            column="door",
            way_out="Count the doors from 1; where there are more than known, say so with "
            "`import doors` first.",
        )
    outcome = outcome_of(row["outcome"])
    if outcome is None:
        raise SourceError(
            file.name,
            "this is no outcome." if row["outcome"] else "the outcome is empty.",
            line=number,
            column="outcome",
            way_out=f"Write one of: {known_words()}.",
        )
    visit_id = row.get("visit_id", "").lower()
    return Line(
        number, visit_id if UUID.fullmatch(visit_id) else None, building_id, door,
        turf_id or None, outcome, _moment(file, number, row),
    )  # fmt: skip


def _building_of(
    file: TextFile,
    line: int,
    row: Row,
    turf_id: str,
    order: Mapping[str, Mapping[int, str]],
) -> str:
    """The building at an order number of a turf, as the printed list has it."""
    stops = order.get(turf_id, {})
    number = whole_number(row.get("visit_order", ""))
    found = stops.get(number) if number is not None else None
    if found is None:
        told = f"no stop {number} in" if number is not None else "no order number of a stop of"
        raise SourceError(
            file.name,
            f"{told} turf {turf_id or '(none given)'}.",
            line=line,
            column="visit_order",
            way_out="Copy the turf's code and the order number of the walk list.",
        )
    _refuse_old_list(file, line, row.get("version", ""), turf_id, stops)
    return found


def _refuse_old_list(
    file: TextFile, line: int, version: str, turf_id: str, stops: Mapping[int, str]
) -> None:
    """Raise SourceError where the numbers of the turf are no longer those of the list."""
    if version and version.lower().rpartition("-")[2] != order_mark(stops.values()):
        raise SourceError(
            file.name,
            f"that version of {turf_id} is not the present one: its walk has changed since, and "
            "the numbers on that list mean other buildings.",
            line=line,
            column="version",
            way_out="Give the building_id instead of turf_id and visit_order; or copy the whole "
            "version (3-7f2a), where the list is the present one.",
        )


def _moment(file: TextFile, line: int, row: Row) -> When:
    found = when(row["visited_at"], row.get("time", ""))
    if found is None or found.day < EARLIEST:
        raise SourceError(
            file.name,
            "no date of a visit, day first, with or without its hour."
            if row["visited_at"]
            else "the date is empty.",
            line=line,
            column="visited_at",
            way_out="Write 10/03/2026 18:30, 10/03/2026 or 2026-03-10 18:30.",
        )
    return found
