"""Knocks in the database: recorded once however often they come, taken back, forgotten in time.

The law is checked in words before the constraints enforce it, so that the user reads a reason.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import pandas as pd
from sqlalchemy import case, delete, func, insert, literal_column, select, update
from sqlalchemy.orm import Session

from targeting.codes import BUILDING_ID
from targeting.errors import PrivacyError, TargetingError
from targeting.outcomes import OPPOSITION, OUTCOMES, TALKED
from targeting.store.models import (
    PhoneBook,
    Turf,
    TurfDoor,
    Visit,
    VisitUndone,
)
from targeting.store.queries import CHUNK, load_campaign
from targeting.store.turfs import handed_on, held_elsewhere, load_ranges

VISIT_KEPT_DAYS: Final = 730
"""How long a door's outcome is kept when no ballot date is set: two years (proposal, TRUST)."""

AFTER_BALLOT_DAYS: Final = 15
"""…and after the ballot when there is one (TRUST PRIV-11)."""


VISIT_FIELDS: Final = {
    "visit_id", "building_id", "door_id", "turf_id", "visited_at", "outcome", "contact_id",
    "book_id", "formerly",
}  # fmt: skip

END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

ID_SPACE: Final = uuid.NAMESPACE_URL


class VisitError(TargetingError):
    """One of the visits given cannot be recorded: `index` is its place among them, from 0."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"visit {index + 1}: {reason}")
        self.index, self.reason = index, reason


def visit_uuid(text: str) -> str:
    """The id of a visit as it is stored: a UUID as it is, anything else made one.

    >>> visit_uuid("5BA7B810-9DAD-41D1-80B4-00C04FD430C8"), visit_uuid("v1") == visit_uuid("v1")
    ('5ba7b810-9dad-41d1-80b4-00c04fd430c8', True)
    """
    return text.lower() if UUID.fullmatch(text) else str(uuid.uuid5(ID_SPACE, f"visit {text}"))


def opposition_id(visit_id: str, door_id: str) -> str:
    """Where an opposition is kept whose own id another visit has."""
    return str(uuid.uuid5(ID_SPACE, f"{visit_id} {door_id} {OPPOSITION}"))


def due_to_be_forgotten(session: Session, today: date) -> list[str]:
    """Ids of visits, and of those taken back, whose day to be forgotten is past, as the campaign
    stands now: a ballot that moves takes all of them along."""
    before = forgotten_before(session, today)
    if before is None:
        return []
    due: list[str] = []
    for row_id, at in ((Visit.id, Visit.visited_at), (VisitUndone.id, VisitUndone.undone_at)):
        due += session.scalars(select(row_id).where(at < before))
    return due


def forgotten_before(session: Session, today: date) -> datetime | None:
    """Visits of before this moment are due to be forgotten; None: none is."""
    campaign = load_campaign(session)
    ballot = campaign.ballot_date if campaign else None
    if ballot is None:
        return datetime.combine(today - timedelta(days=VISIT_KEPT_DAYS), time.min, UTC)
    return None if erase_date(ballot, datetime.now(UTC)) >= today else END_OF_TIME


def erase_date(ballot_date: date | None, visited_at: datetime) -> date:
    """The last day that a visit is kept, counted in UTC whatever the zone of its moment."""
    if ballot_date is not None:
        return ballot_date + timedelta(days=AFTER_BALLOT_DAYS)
    return visited_at.astimezone(UTC).date() + timedelta(days=VISIT_KEPT_DAYS)


def record_visits(session: Session, visits: Iterable[Mapping[str, Any]]) -> int:
    """Record knocks; gives how many were new. The same `visit_id` twice is one visit, and one that
    its own phone book took back stays so.

    Each row has `visit_id`, `building_id`, `door_id`, `visited_at` (with zone), `outcome`, and may
    have `turf_id`, `book_id` (of the phone book it comes from), `formerly` (an id under which the
    same knock may stand already) and, after a talk, `contact_id`. An opposition is recorded
    whatever stands under its id, and nothing takes its place. Turfs whose doors are all answered
    become done.

    Raises VisitError for an unknown outcome or turf, a building of another turf, a visit in the
    future, or an id that another knock has; PrivacyError where anything but a talk comes with a
    contact, or a row says more than a visit may hold.
    """
    rows = [_visit_row(v, n) for n, v in enumerate(visits)]
    new = _new_rows(session, rows)
    turfs = {r["turf_id"] for r in new if r["turf_id"]}
    known = set(session.scalars(select(Turf.id).where(Turf.id.in_(turfs))))
    for row in new:
        if row["turf_id"] and row["turf_id"] not in known:
            raise VisitError(row["index"], "its turf is not here: is it of another campaign?")
    _refuse_other_buildings(session, new, turfs)
    stored = [{k: v for k, v in r.items() if k not in ("index", "formerly")} for r in new]
    for start in range(0, len(stored), CHUNK):
        session.execute(insert(Visit), stored[start : start + CHUNK])
    update_turf_statuses(session, turfs)
    return len(new)


def _new_rows(session: Session, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the rows to insert: oppositions first, so that none depends on the order."""
    ids = {r["id"] for r in rows} | {r["formerly"] for r in rows if r["formerly"]}
    ids |= {opposition_id(r["id"], r["door_id"]) for r in rows if r["outcome"] == OPPOSITION}
    placed = _knocks_of(session, ids)
    undone = _books_of_undone(session, {r["id"] for r in rows if r["book_id"]})
    new = []
    for row in sorted(rows, key=lambda r: r["outcome"] != OPPOSITION):
        knock = (row["door_id"], row["outcome"])
        if row["book_id"] and undone.get(row["id"], "") in (row["book_id"], None):
            continue
        if knock in (placed.get(row["id"]), placed.get(row["formerly"])):
            continue
        if (there := placed.get(row["id"])) is not None:
            if row["outcome"] != OPPOSITION:
                if there == (row["door_id"], OPPOSITION):
                    continue
                raise VisitError(
                    row["index"], "its visit_id is that of a knock with another door or outcome: "
                    "correct the line, or leave its visit_id empty."
                )  # fmt: skip
            row["id"] = opposition_id(row["id"], row["door_id"])
            if row["id"] in placed:
                continue
        placed[row["id"]] = knock
        new.append(row)
    return sorted(new, key=lambda r: r["index"])


def withdraw_visits(
    session: Session, ids: Iterable[str], now: datetime, book_id: str | None
) -> int:
    """Take back knocks that a canvasser undid; gives how many were recorded until now.

    Only those that came from the same book; of one recorded before books were noted, only where
    its id was drawn by chance, which nobody else can know. Their ids are kept until they would have
    been erased: no older file of that book brings them back. A turf that was done, and has doors
    again that no other turf took over, is in progress.
    """
    wanted = list(dict.fromkeys(ids))
    known = _books_of_undone(session, set(wanted))
    fresh = [i for i in wanted if i not in known]
    turfs: set[str] = set()
    withdrawn = 0
    for start in range(0, len(fresh), CHUNK):
        part = fresh[start : start + CHUNK]
        there = session.execute(
            select(Visit.id, Visit.turf_id, Visit.book_id).where(Visit.id.in_(part))
        ).all()
        own = {i: turf for i, turf, book in there if book == book_id or (not book and _drawn(i))}
        turfs |= {turf_id for turf_id in own.values() if turf_id}
        withdrawn += len(own)
        session.execute(delete(Visit).where(Visit.id.in_(list(own))))
        gone = set(part) - {i for i, _, _ in there if i not in own}
        rows = [{"id": i, "undone_at": now, "book_id": book_id} for i in part if i in gone]
        if rows:
            session.execute(insert(VisitUndone), rows)
    update_turf_statuses(session, turfs)
    return withdrawn


def _drawn(visit_id: str) -> bool:
    """Whether an id was drawn by chance (a UUID of version 4), as phones do."""
    return visit_id[14:15] == "4"


def _refuse_other_buildings(
    session: Session, visits: Iterable[Mapping[str, Any]], turfs: set[str]
) -> None:
    stops = load_ranges(session, turfs)
    for visit in visits:
        if visit["turf_id"] and visit["building_id"] not in stops[visit["turf_id"]]:
            raise VisitError(
                visit["index"],
                f"{visit['building_id']} is not in turf {visit['turf_id']}: check the code of the "
                "turf, or leave it empty.",
            )


def _visit_row(visit: Mapping[str, Any], index: int) -> dict[str, Any]:
    outcome = visit["outcome"]
    if outcome not in OUTCOMES:
        raise VisitError(index, f"its outcome is none of {', '.join(OUTCOMES)}.")
    contact_id = visit.get("contact_id") or None
    more = [k for k, v in visit.items() if v and k not in VISIT_FIELDS]
    if more or (contact_id and outcome != TALKED):
        raise PrivacyError(
            f"visit {index + 1}: “{outcome}” carries nothing else: no theme, no note, and a "
            "contact only after a talk (TRUST PRIV-02). A concern goes on the consent slip."
        )
    moment: datetime = visit["visited_at"]
    if moment > datetime.now(UTC) + timedelta(hours=24):
        raise VisitError(index, "its date is in the future: check the clock.")
    door = re.fullmatch(rf"{re.escape(visit['building_id'])}/[1-9][0-9]{{0,4}}", visit["door_id"])
    if not BUILDING_ID.fullmatch(visit["building_id"]) or not door:
        raise VisitError(index, "its building or its door has no id of ours.")
    return {
        "index": index,
        "id": visit_uuid(visit["visit_id"]),
        "formerly": visit.get("formerly"),
        "building_id": visit["building_id"],
        "door_id": visit["door_id"],
        "turf_id": visit.get("turf_id") or None,
        "visited_at": moment,
        "outcome": outcome,
        "contact_id": contact_id,
        "book_id": visit.get("book_id"),
    }


def _knocks_of(session: Session, ids: set[str]) -> dict[str | None, tuple[str, str]]:
    """Door and outcome of those of these visits that are recorded."""
    found: dict[str | None, tuple[str, str]] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), CHUNK):
        there = Visit.id.in_(ordered[start : start + CHUNK])
        for visit_id, door_id, outcome in session.execute(
            select(Visit.id, Visit.door_id, Visit.outcome).where(there)
        ):
            found[visit_id] = (door_id, outcome)
    return found


def _books_of_undone(session: Session, ids: set[str]) -> dict[str, str | None]:
    """Those of these visits that were taken back, and by which book; None where none was noted."""
    found: dict[str, str | None] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), CHUNK):
        there = VisitUndone.id.in_(ordered[start : start + CHUNK])
        for visit_id, book_id in session.execute(
            select(VisitUndone.id, VisitUndone.book_id).where(there)
        ):
            found[visit_id] = book_id
    return found


def update_turf_statuses(session: Session, turfs: set[str]) -> None:
    """`done` once as many of its own doors were knocked at as it has.

    A turf withdrawn, or handed on, stays so; and so does one done of which another open turf holds
    a door by now, whichever cut or hand put it there.
    """
    done = _own_doors_done(session, sorted(turfs - handed_on(session)))
    rows = session.execute(
        select(Turf.id, Turf.n_doors, Turf.status).where(Turf.id.in_(list(done)))
    ).all()
    shared = held_elsewhere(session, [turf_id for turf_id, _, now in rows if now == "done"])
    whole = {turf_id for turf_id, n_doors, _ in rows if done[turf_id] >= n_doors}
    for status, ids in (("done", whole), ("in_progress", set(done) - whole - shared)):
        session.execute(
            update(Turf)
            .where(Turf.id.in_(ids), Turf.status.not_in([status, "withdrawn"]))
            .values(status=status, version=Turf.version + 1)
        )


def _own_doors_done(session: Session, turfs: Iterable[str]) -> dict[str, int]:
    """Doors knocked at of each turf: those in its ranges, each once."""
    ranges = load_ranges(session, turfs)
    done: dict[str, set[str]] = {t: set() for t in ranges}
    columns = (Visit.turf_id, Visit.door_id)  # both in one index: nothing else is read
    for turf_id, door_id in session.execute(
        select(*columns).where(Visit.turf_id.in_(list(ranges))).distinct()
    ):
        building_id, _, number = door_id.rpartition("/")
        first, last = ranges[str(turf_id)].get(building_id, (1, 0))
        if first <= int(number) <= last:
            done[str(turf_id)].add(door_id)
    return {t: len(doors) for t, doors in done.items()}


def door_number(door_id: str) -> int:
    """Number of a door in its building: `75118_4248_00025/3` is 3."""
    return int(door_id.rsplit("/", 1)[1])


def load_visits(session: Session) -> pd.DataFrame:
    """Every knock, without who opened: building_id, door_id, turf_id, visited_at, outcome."""
    columns = (Visit.building_id, Visit.door_id, Visit.turf_id, Visit.visited_at, Visit.outcome)
    rows = session.execute(select(*columns)).all()
    table = pd.DataFrame(rows, columns=[c.key for c in columns])
    table["visited_at"] = pd.to_datetime(table["visited_at"], utc=True)
    return table


def count_knocks(session: Session, *, met: Iterable[str]) -> pd.DataFrame:
    """What was done in each building: `doors_visited`, `doors_met` and `last_visited_at` (UTC),
    indexed by `building_id`. A door was met once a visit of it had one of the outcomes `met`.

    Counted by the database: a campaign has a million visits, and their buildings are few.
    """
    door = _each_door()
    doors = (
        select(
            func.min(Visit.building_id).label("building_id"),
            func.max(case((Visit.outcome.in_(list(met)), 1), else_=0)).label("met"),
            func.max(Visit.visited_at).label("last"),
        )
        .group_by(door)
        .subquery()
    )
    rows = session.execute(
        select(
            doors.c.building_id, func.count(), func.sum(doors.c.met), func.max(doors.c.last)
        ).group_by(doors.c.building_id)
    ).all()
    columns = ["building_id", "doors_visited", "doors_met", "last_visited_at"]
    table = pd.DataFrame([tuple(row) for row in rows], columns=columns)
    table["last_visited_at"] = pd.to_datetime(table["last_visited_at"], utc=True)
    counts = {"building_id": "str", "doors_visited": "int64", "doors_met": "int64"}
    return table.astype(counts).set_index("building_id")


class Knocked(NamedTuple):
    """Doors that were knocked at; of them, where somebody talked, and those of late."""

    doors: int
    talks: int
    lately: int


def knocked_since(session: Session, since: datetime, *, met: str, lately: datetime) -> Knocked:
    """What was knocked at since that moment (with zone), in one look at the visits.

    `met`: the outcome of a talk; `lately`: a later moment.
    """
    doors = (
        select(
            func.max(case((Visit.outcome == met, 1), else_=0)).label("met"),
            func.max(case((Visit.visited_at >= lately, 1), else_=0)).label("lately"),
        )
        .where(Visit.visited_at >= since)
        .group_by(_each_door())
        .subquery()
    )
    count, talks, late = session.execute(
        select(func.count(), func.sum(doors.c.met), func.sum(doors.c.lately)).select_from(doors)
    ).one()
    return Knocked(int(count), int(talks or 0), int(late or 0))


def last_knocks(session: Session) -> pd.DataFrame:
    """The last visit of each door with each outcome: building_id, door_id, outcome, visited_at.

    As good as every visit for what is closed, and much fewer.
    """
    rows = session.execute(
        select(
            func.min(Visit.building_id),
            func.min(Visit.door_id),
            Visit.outcome,
            func.max(Visit.visited_at),
        ).group_by(_each_door(), Visit.outcome)
    ).all()
    columns = ["building_id", "door_id", "outcome", "visited_at"]
    table = pd.DataFrame([tuple(row) for row in rows], columns=columns)
    table["visited_at"] = pd.to_datetime(table["visited_at"], utc=True)
    return table.astype(dict.fromkeys(columns[:3], "str"))


def _each_door() -> Any:
    """The door as an expression: in the order of its index, SQLite would fetch a million rows here
    and there on the disk; so it reads the table through, and sorts (three times faster)."""
    return Visit.door_id.concat(literal_column("''"))


def knocks_at(
    session: Session, doors: Iterable[str], since: datetime
) -> list[tuple[str, str, str]]:
    """Visits of these doors since then, as (visit_id, door_id, outcome)."""
    wanted = sorted(set(doors))
    found: list[tuple[str, str, str]] = []
    for start in range(0, len(wanted), CHUNK):
        there = Visit.door_id.in_(wanted[start : start + CHUNK]) & (Visit.visited_at >= since)
        rows = session.execute(select(Visit.id, Visit.door_id, Visit.outcome).where(there))
        found += [(visit_id, door_id, outcome) for visit_id, door_id, outcome in rows]
    return found


def doors_done(session: Session) -> pd.Series:
    """Doors of its own knocked at least once per turf that is not withdrawn, indexed by turf_id."""
    turfs = session.scalars(select(Turf.id).where(Turf.status != "withdrawn")).all()
    return pd.Series(_own_doors_done(session, turfs), dtype="int64", name="doors_done")


# -- phone books -----------------------------------------------------------------------------------

Ranges = dict[str, tuple[int, int]]
"""First and last door of each building."""


@dataclass(frozen=True)
class BoundBook:
    """What a phone book may speak of: its turf, its doors, and from when on."""

    book_id: str
    turf_id: str
    doors: Ranges
    made_at: datetime


def bind_books(session: Session, books: Iterable[BoundBook]) -> None:
    """Note the phone books about to be written: what comes back of each is held against it."""
    rows = [
        {
            "id": book.book_id, "turf_id": book.turf_id, "made_at": book.made_at,
            "doors": [[b, first, last] for b, (first, last) in book.doors.items()],
        }
        for book in books
    ]  # fmt: skip
    if rows:
        session.execute(insert(PhoneBook), rows)


def bound_book(session: Session, book_id: str) -> BoundBook | None:
    """What a book may speak of; None for one written before that was noted, or elsewhere."""
    row = session.get(PhoneBook, book_id)
    if row is None:
        return None
    doors = {building: (first, last) for building, first, last in row.doors}
    return BoundBook(row.id, row.turf_id, doors, row.made_at)


def doors_of_all_turfs(session: Session) -> dict[str, int]:
    """The highest door that any turf, walked or withdrawn, has had of each building."""
    rows = session.execute(
        select(TurfDoor.building_id, func.max(TurfDoor.last_door)).group_by(TurfDoor.building_id)
    )
    return {str(building_id): int(last) for building_id, last in rows}
