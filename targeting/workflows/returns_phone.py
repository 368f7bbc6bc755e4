"""Visits that a phone gives back: opened, set in order, put to the turfs that hold the doors now.

A door that was moved to another turf since the book was made keeps its visit, and so does one that
no turf holds any more: what was seen at a door is never refused for what a desk did meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import pandas as pd

from targeting.codes import turf_order
from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.field.phone_return import Knock, PhoneReturn, parse_return
from targeting.field.sealing import SealError, book_id_of, book_key, open_sealed, unwrap_key
from targeting.store.turfs import load_stops
from targeting.store.visits import knocks_at, record_visits, withdraw_visits
from targeting.workflows.phone_secret import load_secret
from targeting.workflows.returned import Returned, record_once

TOLERANCE: Final = timedelta(hours=24)
"""A phone's clock may be wrong by so much (TRUST REL-10)."""

TICK: Final = timedelta(seconds=1)


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

    Raises SourceError where it does not open, or its clock cannot be right.
    """
    returned = parse_return(_opened(workspace, name, sealed, passphrase))
    now = datetime.now(UTC)
    knocks = in_order(_timed(name, returned, now, received_at))

    def record(session: Any) -> Returned:
        holders = _holders(load_stops(session), returned.turf_id)
        rows = [_row(knock, holders) for knock in knocks]
        known = knocks_at(session, (r["door_id"] for r in rows), _morning(returned))
        withdrawn = withdraw_visits(session, returned.undone, now)
        recorded = record_visits(session, rows)
        seen = {visit_id for visit_id, _, _ in known}
        return Returned(
            name,
            len(rows),
            recorded,
            turf_id=returned.turf_id,
            withdrawn=withdrawn,
            elsewhere=sum(
                r["visit_id"] not in seen and r["turf_id"] != returned.turf_id for r in rows
            ),
            conflicts=_conflicts(rows, known, returned.undone),
            themes=returned.themes,
            corrections=[{"building_id": b, "kind": kind} for b, kind in returned.corrections],
        )

    return record_once(workspace, name, sha256, len(knocks), record)


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
    name: str, returned: PhoneReturn, now: datetime, received_at: datetime | None
) -> list[Knock]:
    """The knocks by the desk's clock. Raises SourceError where the phone's cannot be right."""
    if received_at is not None:
        late = received_at - returned.exported_at
        return [_at(k, min(k.at + late, received_at)) for k in returned.knocks]
    earliest = _morning(returned) - TOLERANCE
    wrong = [k for k in returned.knocks if not earliest <= k.at <= now + TOLERANCE]
    if wrong:
        when = wrong[0].at.strftime("%Y-%m-%d %H:%M")
        raise SourceError(
            name,
            f"{len(wrong)} visits of {len(returned.knocks)} are in the future, or older than their "
            f"book ({when} UTC): the phone's clock is wrong.",
            way_out="Nothing is lost: say when it was handed in, and all times move with it: "
            "--received-at '2026-03-10 20:30'.",
        )
    return list(returned.knocks)


def _morning(returned: PhoneReturn) -> datetime:
    """The beginning of the day on which the book was made."""
    return datetime.combine(returned.made_on, time.min, UTC)


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


def _row(knock: Knock, holders: dict[str, list[Span]]) -> dict[str, Any]:
    spans = holders.get(knock.building_id, [])
    turfs = [turf for first, last, turf in spans if first <= knock.door <= last]
    return {
        "visit_id": knock.visit_id,
        "building_id": knock.building_id,
        "door_id": f"{knock.building_id}/{knock.door}",
        "turf_id": turfs[0] if turfs else None,
        "outcome": knock.outcome,
        "visited_at": knock.at,
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
