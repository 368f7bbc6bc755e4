"""Knocks in the database: recorded once however often they come, taken back, forgotten in time.

The law is checked in words before the constraints enforce it, so that the user reads a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pandas as pd
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from targeting.errors import PrivacyError, TargetingError
from targeting.store.models import (
    Turf,
    Visit,
    VisitUndone,
)
from targeting.store.queries import CHUNK, load_campaign
from targeting.store.turfs import handed_on, held_elsewhere, load_ranges
from targeting.tables import OUTCOMES

VISIT_KEPT_DAYS: Final = 730
"""How long a door's outcome is kept when no ballot date is set: two years (proposal, TRUST)."""

AFTER_BALLOT_DAYS: Final = 15
"""…and after the ballot when there is one (TRUST PRIV-11)."""


VISIT_FIELDS: Final = {
    "visit_id", "building_id", "door_id", "turf_id", "visited_at", "outcome", "contact_id",
}  # fmt: skip


def due_to_be_forgotten(session: Session, today: date) -> list[str]:
    """Ids of visits, and of those taken back, whose day to be forgotten is past, as the campaign
    stands now: a ballot that moves takes all of them along."""
    campaign = load_campaign(session)
    ballot = campaign.ballot_date if campaign else None
    moments = [
        *session.execute(select(Visit.id, Visit.visited_at)),
        *session.execute(select(VisitUndone.id, VisitUndone.undone_at)),
    ]
    return [visit_id for visit_id, at in moments if erase_date(ballot, at) < today]


def erase_date(ballot_date: date | None, visited_at: datetime) -> date:
    """The day a visit is to be forgotten."""
    if ballot_date is not None:
        return ballot_date + timedelta(days=AFTER_BALLOT_DAYS)
    return visited_at.date() + timedelta(days=VISIT_KEPT_DAYS)


def record_visits(session: Session, visits: Iterable[Mapping[str, Any]]) -> int:
    """Record knocks; gives how many were new. The same `visit_id` twice is one visit, and one that
    was withdrawn stays so.

    Each row has `visit_id`, `building_id`, `door_id`, `visited_at` (with zone), `outcome`, and may
    have `turf_id` and, after a talk, `contact_id`. Turfs whose doors are all answered become done.

    Raises PrivacyError where anything but a talk comes with a contact, or a row says more than a
    visit may hold; TargetingError for an unknown outcome or turf, a building of another turf, or a
    visit in the future.
    """
    rows = [_visit_row(v, n) for n, v in enumerate(visits, 1)]
    ids = [r["id"] for r in rows]
    known = _known_ids(session, Visit, ids) | _known_ids(session, VisitUndone, ids)
    new = {r["id"]: r for r in rows if r["id"] not in known}
    turfs = {r["turf_id"] for r in new.values() if r["turf_id"]}
    if lost := turfs - set(session.scalars(select(Turf.id).where(Turf.id.in_(turfs)))):
        raise TargetingError(
            f"no turf {', '.join(sorted(lost)[:5])} here: is this file of another campaign?"
        )
    _refuse_other_buildings(session, new, turfs)
    for start in range(0, len(new), CHUNK):
        session.execute(insert(Visit), list(new.values())[start : start + CHUNK])
    update_turf_statuses(session, turfs)
    return len(new)


def withdraw_visits(session: Session, ids: Iterable[str], now: datetime) -> int:
    """Take back knocks that a canvasser undid; gives how many were recorded until now.

    Their ids are kept until they would have been erased: no older file brings them back. A turf
    that was done, and has doors again that no other turf took over, is in progress.
    """
    wanted = list(dict.fromkeys(ids))
    known = _known_ids(session, VisitUndone, wanted)
    fresh = [i for i in wanted if i not in known]
    turfs: set[str] = set()
    withdrawn = 0
    for start in range(0, len(fresh), CHUNK):
        part = fresh[start : start + CHUNK]
        kept = session.execute(select(Visit.id, Visit.turf_id).where(Visit.id.in_(part))).all()
        turfs |= {turf_id for _, turf_id in kept if turf_id}
        withdrawn += len(kept)
        session.execute(delete(Visit).where(Visit.id.in_(part)))
        rows = [{"id": i, "undone_at": now} for i in part]
        session.execute(insert(VisitUndone), rows)
    update_turf_statuses(session, turfs)
    return withdrawn


def _refuse_other_buildings(
    session: Session, visits: Mapping[str, Mapping[str, Any]], turfs: set[str]
) -> None:
    stops = load_ranges(session, turfs)
    for number, visit in enumerate(visits.values(), 1):
        if visit["turf_id"] and visit["building_id"] not in stops[visit["turf_id"]]:
            raise TargetingError(
                f"visit {number}: {visit['building_id']} is not in turf {visit['turf_id']}: check "
                "the code of the turf, or leave it empty."
            )


def _visit_row(visit: Mapping[str, Any], number: int) -> dict[str, Any]:
    outcome = visit["outcome"]
    if outcome not in OUTCOMES:
        raise TargetingError(f"visit {number}: “{outcome}” is no outcome: {', '.join(OUTCOMES)}.")
    contact_id = visit.get("contact_id") or None
    more = [k for k, v in visit.items() if v and k not in VISIT_FIELDS]
    if more or (contact_id and outcome != "talked"):
        raise PrivacyError(
            f"visit {number}: “{outcome}” carries nothing else: no theme, no note, and a contact "
            "only after a talk (TRUST PRIV-02). A concern goes on the consent slip."
        )
    moment: datetime = visit["visited_at"]
    if moment > datetime.now(UTC) + timedelta(hours=24):
        raise TargetingError(f"visit {number}: its date is in the future: check the clock.")
    return {
        "id": visit["visit_id"],
        "building_id": visit["building_id"],
        "door_id": visit["door_id"],
        "turf_id": visit.get("turf_id") or None,
        "visited_at": moment,
        "outcome": outcome,
        "contact_id": contact_id,
    }


def _known_ids(session: Session, model: type[Visit | VisitUndone], ids: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        known |= set(session.scalars(select(model.id).where(model.id.in_(part))))
    return known


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
    for turf_id, n_doors, _ in rows:
        status = "done" if done[turf_id] >= n_doors else "in_progress"
        if status == "in_progress" and turf_id in shared:
            continue
        session.execute(
            update(Turf)
            .where(Turf.id == turf_id, Turf.status.not_in([status, "withdrawn"]))
            .values(status=status, version=Turf.version + 1)
        )


def _own_doors_done(session: Session, turfs: Iterable[str]) -> dict[str, int]:
    """Doors knocked at of each turf: those in its ranges, each once."""
    ranges = load_ranges(session, turfs)
    done: dict[str, set[str]] = {t: set() for t in ranges}
    columns = (Visit.turf_id, Visit.building_id, Visit.door_id)
    for turf_id, building_id, door_id in session.execute(
        select(*columns).where(Visit.turf_id.in_(list(ranges))).distinct()
    ):
        first, last = ranges[str(turf_id)].get(building_id, (1, 0))
        if first <= door_number(door_id) <= last:
            done[str(turf_id)].add(door_id)
    return {t: len(doors) for t, doors in done.items()}


def door_number(door_id: str) -> int:
    """Number of a door in its building: `75118_4248_00025/3` is 3."""
    return int(door_id.rsplit("/", 1)[1])


def count_visits(session: Session) -> int:
    """How many knocks were recorded."""
    return session.scalar(select(func.count()).select_from(Visit)) or 0


def load_visits(session: Session) -> pd.DataFrame:
    """Every knock, without who opened: building_id, door_id, turf_id, visited_at, outcome."""
    columns = (Visit.building_id, Visit.door_id, Visit.turf_id, Visit.visited_at, Visit.outcome)
    rows = session.execute(select(*columns)).all()
    table = pd.DataFrame(rows, columns=[c.key for c in columns])
    table["visited_at"] = pd.to_datetime(table["visited_at"], utc=True)
    return table


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
