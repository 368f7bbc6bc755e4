"""Visits that a phone gives back: opened, set in order, put to the turfs that hold the doors now.

A door that was moved to another turf since the book was made keeps its visit, and so does one that
no turf holds any more: what was seen at a door is never refused for what a desk did meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import pandas as pd

from targeting.codes import turf_order
from targeting.config import Workspace
from targeting.errors import NotYoursError, SourceError
from targeting.field.phone_return import Knock, PhoneReturn, parse_return
from targeting.field.sealing import SealError, book_id_of, book_key, open_sealed, unwrap_key
from targeting.store.assignments import holder_of
from targeting.store.engine import open_store, reading
from targeting.store.turfs import load_stops
from targeting.store.visits import (
    Ranges,
    VisitError,
    bound_book,
    doors_of_all_turfs,
    knocks_at,
    record_visits,
    withdraw_visits,
)
from targeting.workflows.access.asks import asks, whose
from targeting.workflows.buildings import has_buildings, load_buildings
from targeting.workflows.outings.phone_secret import load_secret
from targeting.workflows.outings.returned import Returned, record_once

TOLERANCE: Final = timedelta(hours=24)
"""A phone's clock may be wrong by so much (TRUST REL-10)."""

TICK: Final = timedelta(seconds=1)


OLDEST: Final = timedelta(days=183)
"""A book that the desk did not note, written before it did or elsewhere, is believed about its day
only so far back."""


@dataclass(frozen=True)
class Scope:
    """What a return may speak of: from when on, and of which doors."""

    book_id: str
    earliest: datetime
    doors: Ranges
    is_noted: bool
    """Whether the desk noted the book when it wrote it."""

    def has(self, building_id: str, door: int) -> bool:
        first, last = self.doors.get(building_id, (1, 0))
        return first <= door <= last


@asks("returns.type", own=True)
def import_sealed(
    workspace: Workspace,
    name: str,
    sealed: bytes,
    sha256: str,
    *,
    passphrase: str | None,
    received_at: datetime | None,
) -> Returned:
    """Record what a phone sealed: visits, and those it took back, in one transaction.

    Raises SourceError where it does not open, is not what its book may give, or its clock cannot be
    right; NotYoursError where who types has their own turfs alone, and its book is not of one.
    """
    returned = parse_return(_opened(workspace, name, sealed, passphrase))
    scope = _scope(workspace, name, returned, book_id_of(sealed).hex())
    now = datetime.now(UTC)
    every = in_order(_timed(name, returned, scope, now, received_at))
    knocks = [k for k in every if scope.has(k.building_id, k.door)]
    outside = [k.building_id for k in every if not scope.has(k.building_id, k.door)]

    mine = whose(workspace, "returns.type")

    def record(session: Any) -> Returned:
        if mine is not None:
            held = holder_of(session, returned.turf_id)
            if not scope.is_noted or held is None or held.account_id != mine:
                raise NotYoursError(workspace.actor.role, "returns.type")
        holders = _holders(load_stops(session), returned.turf_id)
        rows = [_row(knock, holders, scope) for knock in knocks]
        known = knocks_at(session, (r["door_id"] for r in rows), scope.earliest + TOLERANCE)
        withdrawn = withdraw_visits(session, returned.undone, now, scope.book_id)
        try:
            recorded = record_visits(session, rows)
        except VisitError as error:
            raise SourceError(name, error.reason, way_out="Type its visits into a grid.") from error
        seen = {visit_id for visit_id, _, _ in known}
        return Returned(
            name,
            len(every),
            recorded,
            turf_id=returned.turf_id,
            withdrawn=withdrawn,
            elsewhere=sum(
                r["visit_id"] not in seen and r["turf_id"] != returned.turf_id for r in rows
            ),
            conflicts=_conflicts(rows, known, returned.undone),
            themes=returned.themes,
            corrections=[
                {"building_id": b, "kind": kind}
                for b, kind in returned.corrections
                if b in scope.doors
            ],
            outside=len(outside),
            outside_buildings=sorted({b for b in outside if b in scope.doors}),
        )

    return record_once(workspace, name, sha256, len(every), record)


def _scope(workspace: Workspace, name: str, returned: PhoneReturn, book_id: str) -> Scope:
    """What the return may speak of: what the desk noted when it wrote the book; of a book that it
    did not note, every door of the campaign.

    Raises SourceError for the turf of another book, or a book that cannot be so old.
    """
    with reading(open_store(workspace)) as session:
        book = bound_book(session, book_id)
        cut = doors_of_all_turfs(session)
    if book is not None:
        if returned.turf_id != book.turf_id:
            raise SourceError(
                name, "it speaks of another turf than its book: it was changed on the phone.",
                way_out="Type its visits into a grid.",
            )  # fmt: skip
        return Scope(book_id, _morning(book.made_at.date()) - TOLERANCE, book.doors, True)
    made = _morning(returned.made_on)
    if not datetime.now(UTC) - OLDEST <= made <= datetime.now(UTC) + TOLERANCE:
        raise SourceError(
            name,
            "its book is not one that this desk noted, and says that it was made more than "
            f"{OLDEST.days} days ago, or is still to be made.",
            way_out="Type its visits into a grid.",
        )
    known = dict(cut)
    if has_buildings(workspace):
        buildings = load_buildings(workspace)
        for building, doors in zip(buildings["building_id"], buildings["dwellings"], strict=True):
            known[building] = max(int(doors), known.get(building, 0))
    return Scope(book_id, made - TOLERANCE, {b: (1, last) for b, last in known.items()}, False)


def _opened(workspace: Workspace, name: str, sealed: bytes, passphrase: str | None) -> bytes:
    secret = load_secret(workspace)
    try:
        if secret is not None:
            try:
                return open_sealed(sealed, book_key(secret, book_id_of(sealed)), "return")
            except SealError:
                if passphrase is None:
                    raise
        if passphrase is not None:
            return open_sealed(sealed, unwrap_key(sealed, passphrase), "return")
    except SealError as error:
        raise SourceError(
            name, str(error),
            way_out="Let the phone give it back again; for a book that another desk wrote, give "
            "its phrase with --passphrase.",
        ) from error  # fmt: skip
    raise SourceError(
        name, "this workspace wrote no phone book: it cannot open what came back.",
        way_out="Give the book's phrase with --passphrase, or import it where the book was made.",
    )  # fmt: skip


# -- time ------------------------------------------------------------------------------------------


def _timed(
    name: str, returned: PhoneReturn, scope: Scope, now: datetime, received_at: datetime | None
) -> list[Knock]:
    """The knocks by the desk's clock. Raises SourceError where the phone's cannot be right, or the
    time given for it."""
    knocks = list(returned.knocks)
    if received_at is not None:
        late = received_at - returned.exported_at
        knocks = [_at(k, _moved(k.at, late, received_at)) for k in knocks]
    wrong = [k for k in knocks if not scope.earliest <= k.at <= now + TOLERANCE]
    if wrong:
        when = wrong[0].at.strftime("%Y-%m-%d %H:%M")
        why = "the phone's clock is wrong" if received_at is None else "--received-at is wrong"
        raise SourceError(
            name,
            f"{len(wrong)} visits of {len(knocks)} are in the future, or older than their "
            f"book ({when} UTC): {why}.",
            way_out="Nothing is lost: say when it was handed in, and all times move with it: "
            "--received-at '2026-03-10 20:30'.",
        )
    return knocks


def _moved(at: datetime, late: timedelta, latest: datetime) -> datetime:
    """A moment by the desk's clock; the latest one where the sum is no date at all."""
    try:
        return min(at + late, latest)
    except OverflowError:
        return latest


def _morning(day: date) -> datetime:
    """The beginning of a day."""
    return datetime.combine(day, time.min, UTC)


def in_order(knocks: Sequence[Knock]) -> list[Knock]:
    """Knocks in the phone's own order, their times made to follow it: a clock set back between two
    of them does not turn them round."""
    ordered: list[Knock] = []
    for knock in sorted(knocks, key=lambda k: k.sequence):
        moment = max(knock.at, ordered[-1].at + TICK) if ordered else knock.at
        ordered.append(knock if moment == knock.at else _at(knock, moment))
    return ordered


def _at(knock: Knock, moment: datetime) -> Knock:
    return Knock(
        knock.visit_id, knock.building_id, knock.door, knock.outcome, moment, knock.sequence
    )


# -- turfs -----------------------------------------------------------------------------------------

Span = tuple[int, int, str]
"""First and last door, and the turf that holds them."""


def _holders(stops: pd.DataFrame, turf_id: str) -> dict[str, list[Span]]:
    """Who holds the doors of each building: the book's own turf first, then the latest."""
    age = stops["turf_id"].map(turf_order)  # S9999 before S10000
    ordered = stops.assign(own=stops["turf_id"] == turf_id, age=age).sort_values(
        ["own", "age"], ascending=False, kind="stable"
    )
    found: dict[str, list[Span]] = {}
    columns = ("building_id", "first_door", "last_door", "turf_id")
    for building_id, first, last, holder in zip(*(ordered[c] for c in columns), strict=True):
        found.setdefault(building_id, []).append((int(first), int(last), holder))
    return found


def _row(knock: Knock, holders: dict[str, list[Span]], scope: Scope) -> dict[str, Any]:
    spans = holders.get(knock.building_id, [])
    turfs = [turf for first, last, turf in spans if first <= knock.door <= last]
    return {
        "visit_id": knock.visit_id,
        "building_id": knock.building_id,
        "door_id": f"{knock.building_id}/{knock.door}",
        "turf_id": turfs[0] if turfs else None,
        "outcome": knock.outcome,
        "visited_at": knock.at,
        "book_id": scope.book_id,
    }


def _conflicts(
    rows: Sequence[dict[str, Any]], known: Iterable[tuple[str, str, str]], undone: Iterable[str]
) -> list[dict[str, Any]]:
    """Doors where other returns since the book was made have none of this one's results."""
    own_ids = {r["visit_id"] for r in rows} | set(undone)
    own: dict[str, list[str]] = {}
    for row in rows:
        own.setdefault(row["door_id"], []).append(row["outcome"])
    theirs: dict[str, list[str]] = {}
    for visit_id, door_id, outcome in known:
        if visit_id not in own_ids:
            theirs.setdefault(door_id, []).append(outcome)
    return [
        {"door_id": door, "outcomes": sorted({*own[door], *outcomes})}
        for door, outcomes in theirs.items()
        if not set(outcomes) & set(own[door])
    ]
