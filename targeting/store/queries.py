"""What the services ask of the database: small functions of a session.

Writers check the law in words before the constraints enforce it, so that the user reads a reason;
nothing here ever returns a person's data with a place's score.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pandas as pd
from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from targeting.errors import PrivacyError, TargetingError
from targeting.store.models import (
    Campaign,
    Consent,
    Contact,
    ContactTheme,
    SourceBatch,
    Turf,
    TurfCut,
    TurfDoor,
    TurfEdit,
    TurfExcluded,
    Visit,
    VisitUndone,
)
from targeting.tables import DEFAULT_TARGET, OUTCOMES, Excluded, Turfs, TurfStops

VISIT_KEPT_DAYS: Final = 730
"""How long a door's outcome is kept when no ballot date is set: two years (proposal, TRUST)."""

AFTER_BALLOT_DAYS: Final = 15
"""…and after the ballot when there is one (TRUST PRIV-11)."""

CHUNK: Final = 500

TURF_LETTER: Final = "S"
"""Codes are S0001, S0002… (secteur). Not T: GDAL reads T0001 in a GeoJSON as one past midnight."""


# -- campaign ------------------------------------------------------------------------------------


def load_campaign(session: Session) -> Campaign | None:
    """The workspace's campaign, if it was initialised."""
    return session.get(Campaign, 1)


def save_campaign(
    session: Session,
    *,
    name: str | None = None,
    communes: Sequence[str] | None = None,
    election_id: str | None = None,
    target: Sequence[str] | None = None,
    ballot_date: date | None = None,
) -> Campaign:
    """Make the campaign, or change what is given and leave the rest."""
    campaign = load_campaign(session)
    if campaign is None:
        campaign = Campaign(
            id=1,
            name=name or "Campagne",
            communes=list(communes or []),
            election_id=election_id,
            target=list(target or DEFAULT_TARGET),
            ballot_date=ballot_date,
            created_at=datetime.now(UTC),
        )
        session.add(campaign)
        session.flush()
        return campaign
    for field, value in {
        "name": name,
        "communes": list(communes) if communes is not None else None,
        "election_id": election_id,
        "target": list(target) if target is not None else None,
        "ballot_date": ballot_date,
    }.items():
        if value is not None and getattr(campaign, field) != value:
            setattr(campaign, field, value)
    session.flush()
    return campaign


# -- batches -------------------------------------------------------------------------------------


def known_batch(session: Session, kind: str, sha256: str) -> SourceBatch | None:
    """The batch of a file already imported, if it was."""
    return session.scalar(select(SourceBatch).filter_by(kind=kind, sha256=sha256))


def add_batch(session: Session, kind: str, file_name: str, sha256: str, rows: int) -> None:
    """Remember a file that came in."""
    session.add(
        SourceBatch(
            kind=kind, file_name=file_name[:255], sha256=sha256, rows=rows,
            imported_at=datetime.now(UTC),
        )
    )  # fmt: skip


# -- contacts ------------------------------------------------------------------------------------

PERSONAL: Final = ("first_name", "last_name", "phone", "email", "age_band")
NEEDED: Final = (
    "source", "category", "legal_basis", "source_date", "notice_date", "notice_version",
    "retention_date",
)  # fmt: skip


def add_contacts(session: Session, contacts: Iterable[Mapping[str, Any]]) -> int:
    """Add people who gave their data; gives how many were new.

    Each row has `contact_id`, the fields of Contact, `themes` (list), and `consent_date`,
    `consent_channel`, `consent_wording`, `ttpa_consent` where they consented. A contact_id already
    there is left as it is.

    Raises PrivacyError, with no data in it, when a row holds more than its consent allows.
    """
    known = set(session.scalars(select(Contact.id)))
    added = 0
    for number, row in enumerate(contacts, 1):
        if row["contact_id"] in known:
            continue
        refuse_unlawful_contact(row, number)
        session.add_all(_contact_rows(row))
        known.add(row["contact_id"])
        added += 1
        if added % CHUNK == 0:
            session.flush()
    session.flush()
    return added


def refuse_unlawful_contact(row: Mapping[str, Any], number: int) -> None:
    """Raise PrivacyError if the row breaks TRUST PRIV-03; the message names the row's number."""
    where = f"contact {number}"
    if missing := [c for c in NEEDED if not row.get(c)]:
        raise PrivacyError(f"{where}: no {', '.join(missing)}: say where the data comes from.")
    if row["category"] == "occasional" and row.get("themes"):
        raise PrivacyError(
            f"{where}: somebody who did not come to us holds no theme of concern: leave it out."
        )
    consented = bool(row.get("consent_date"))
    held = [c for c in ("phone", "email") if row.get(c)] + (["themes"] if row.get("themes") else [])
    if held and not consented:
        raise PrivacyError(f"{where}: {', '.join(held)} without a recorded consent: refused.")
    named = [c for c in PERSONAL if row.get(c)]
    if named and not consented and row["category"] == "occasional":
        raise PrivacyError(f"{where}: a name without consent nor regular contact: refused.")


def _contact_rows(row: Mapping[str, Any]) -> list[Any]:
    rows: list[Any] = []
    consent_id = None
    if row.get("consent_date"):
        consent_id = _uuid_from(f"consent:{row['contact_id']}")
        rows.append(
            Consent(
                id=consent_id, given_on=row["consent_date"], channel=row["consent_channel"],
                wording=row["consent_wording"], ttpa=bool(row.get("ttpa_consent")),
            )
        )  # fmt: skip
    fields = {c: row.get(c) or None for c in (*NEEDED, *PERSONAL, "building_id", "door_id")}
    rows.append(Contact(id=row["contact_id"], consent_id=consent_id, **fields))
    rows += [
        ContactTheme(
            contact_id=row["contact_id"], theme=theme, category=row["category"],
            consent_id=consent_id,
        )
        for theme in row.get("themes") or []
    ]  # fmt: skip
    return rows


def _uuid_from(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def count_contacts(session: Session) -> int:
    """How many contacts the campaign holds."""
    return session.scalar(select(func.count()).select_from(Contact)) or 0


# -- visits --------------------------------------------------------------------------------------


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
    campaign = load_campaign(session)
    ballot = campaign.ballot_date if campaign else None
    rows = [_visit_row(v, n, ballot) for n, v in enumerate(visits, 1)]
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
    _update_turf_statuses(session, turfs)
    return len(new)


def withdraw_visits(session: Session, ids: Iterable[str], now: datetime) -> int:
    """Take back knocks that a canvasser undid; gives how many were recorded until now.

    Their ids are kept until they would have been erased: no older file brings them back. A turf
    that was done, and has doors again, is in progress.
    """
    campaign = load_campaign(session)
    erase_on = erase_date(campaign.ballot_date if campaign else None, now)
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
        rows = [{"id": i, "undone_at": now, "erase_on": erase_on} for i in part]
        session.execute(insert(VisitUndone), rows)
    _update_turf_statuses(session, turfs)
    return withdrawn


VISIT_FIELDS: Final = {
    "visit_id", "building_id", "door_id", "turf_id", "visited_at", "outcome", "contact_id",
}  # fmt: skip


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


def load_ranges(session: Session, turfs: Iterable[str]) -> dict[str, dict[str, tuple[int, int]]]:
    """First and last door of each building of these turfs."""
    ranges: dict[str, dict[str, tuple[int, int]]] = {t: {} for t in turfs}
    columns = (TurfDoor.turf_id, TurfDoor.building_id, TurfDoor.first_door, TurfDoor.last_door)
    rows = session.execute(select(*columns).where(TurfDoor.turf_id.in_(list(ranges)))).all()
    for turf_id, building_id, first, last in rows:
        ranges[turf_id][building_id] = (first, last)
    return ranges


def _visit_row(visit: Mapping[str, Any], number: int, ballot: date | None) -> dict[str, Any]:
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
        "erase_on": erase_date(ballot, moment),
    }


def _known_ids(session: Session, model: type[Visit | VisitUndone], ids: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        known |= set(session.scalars(select(model.id).where(model.id.in_(part))))
    return known


def _update_turf_statuses(session: Session, turfs: set[str]) -> None:
    """`done` once as many of its own doors were knocked at as it has.

    A turf withdrawn, or handed on, stays so.
    """
    done = _own_doors_done(session, sorted(turfs - handed_on(session)))
    rows = session.execute(select(Turf.id, Turf.n_doors).where(Turf.id.in_(list(done)))).all()
    for turf_id, n_doors in rows:
        status = "done" if done[turf_id] >= n_doors else "in_progress"
        session.execute(
            update(Turf)
            .where(Turf.id == turf_id, Turf.status.not_in([status, "withdrawn"]))
            .values(status=status, version=Turf.version + 1)
        )


def handed_on(session: Session) -> set[str]:
    """Turfs whose unanswered doors a later turf took over: their status moves no more."""
    lists = session.scalars(
        select(Turf.parent_ids).where(Turf.parent_ids != "", Turf.status != "withdrawn")
    )
    return {turf_id for parents in lists for turf_id in parents.split()}


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


# -- turfs ---------------------------------------------------------------------------------------


def busy_buildings(session: Session) -> set[str]:
    """Buildings of turfs that somebody walks now, or locked: a new cut leaves them there."""
    kept = or_(Turf.status == "in_progress", and_(Turf.status == "ready", Turf.is_locked))
    rows = session.scalars(select(TurfDoor.building_id).join(Turf).where(kept))
    return set(rows)


def save_cut(
    session: Session,
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    excluded: pd.DataFrame,
    parameters: Mapping[str, Any],
) -> tuple[int, dict[str, str]]:
    """Store a cut; gives its id and the codes given to its turfs (theirs → ours, never reused).

    `stops` has, besides TurfStops, `first_door` and `last_door` of its range.
    Turfs of earlier cuts that nobody has begun are withdrawn, but for those locked; their codes
    stay taken. What was changed by hand before can no longer be undone.
    """
    session.execute(
        update(Turf).where(Turf.status == "ready", ~Turf.is_locked).values(status="withdrawn")
    )
    session.execute(delete(TurfEdit))
    return _add_cut(session, turfs, stops, excluded, parameters)


def save_remainder(
    session: Session,
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    excluded: pd.DataFrame,
    parameters: Mapping[str, Any],
) -> dict[str, str]:
    """Store turfs cut from what was left of others; gives the codes given to them.

    `stops` has, besides what `save_cut` asks for, `parent_ids`: the turfs that its doors come from.
    Those are done from now on, whoever still brings visits of them; the other turfs stay.
    """
    _, codes = _add_cut(session, turfs, stops, excluded, parameters)
    parents = stops.groupby("turf_id")["parent_ids"].agg(
        lambda lists: " ".join(sorted({p for ids in lists for p in ids.split()}))
    )
    for turf_id, parent_ids in parents.items():
        session.execute(
            update(Turf).where(Turf.id == codes[str(turf_id)]).values(parent_ids=parent_ids)
        )
    everyone = {p for ids in parents for p in ids.split()}
    session.execute(
        update(Turf)
        .where(Turf.id.in_(everyone), Turf.status != "done")
        .values(status="done", version=Turf.version + 1)
    )
    session.execute(delete(TurfEdit))
    return codes


def _add_cut(
    session: Session,
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    excluded: pd.DataFrame,
    parameters: Mapping[str, Any],
) -> tuple[int, dict[str, str]]:
    cut = TurfCut(
        parameters=dict(parameters),
        doors_in=int(stops["dwellings"].sum() + excluded["dwellings"].sum()),
        doors_in_turfs=int(stops["dwellings"].sum()),
        doors_left_out=int(excluded["dwellings"].sum()),
        created_at=datetime.now(UTC),
    )
    session.add(cut)
    session.flush()
    ordered = turfs.sort_values("rank")
    codes = dict(zip(ordered["turf_id"], reserve_codes(session, len(turfs)), strict=True))
    fresh = {"status": "ready", "version": 1, "is_locked": False, "parent_ids": ""}
    rows = ordered.assign(
        id=ordered["turf_id"].map(codes),
        cut_id=cut.id,
        start_building_id=parameters.get("start"),
        **fresh,
    )
    _insert(session, Turf, rows.drop(columns="turf_id"))
    _insert(session, TurfDoor, stops.assign(turf_id=stops["turf_id"].map(codes)))
    _insert(session, TurfExcluded, excluded.assign(cut_id=cut.id))
    return cut.id, codes


def reserve_codes(session: Session, count: int) -> list[str]:
    """So many new codes for turfs, never given before."""
    campaign = load_campaign(session)
    if campaign is None:
        raise TargetingError("no campaign here: run `python -m targeting init` first.")
    first = campaign.next_turf
    campaign.next_turf = first + count
    session.flush()
    return [f"{TURF_LETTER}{first + n:04d}" for n in range(count)]


def _insert(session: Session, model: type[Any], rows: pd.DataFrame) -> None:
    """Many rows at once, past the unit of work: nothing in the session speaks of them."""
    if len(rows):
        table = model.__table__
        records = rows[[c.name for c in table.columns if c.name in rows]].to_dict("records")
        session.connection().execute(table.insert(), records)


def latest_cut(session: Session) -> TurfCut | None:
    """The last cut stored."""
    return session.scalar(select(TurfCut).order_by(TurfCut.id.desc()).limit(1))


def mark_polished(session: Session, cut_id: int) -> None:
    """Say that a cut is no longer the fast one: what polish could do was done."""
    cut = session.get(TurfCut, cut_id)
    if cut is not None:
        cut.parameters = dict(cut.parameters) | {"fast": False}


def cut_dates(session: Session) -> dict[int, str]:
    """When each cut was made (UTC, to the second), by its id."""
    rows = session.execute(select(TurfCut.id, TurfCut.created_at)).all()
    return {cut_id: f"{at:%Y-%m-%dT%H:%M:%SZ}" for cut_id, at in rows}


def load_turfs(session: Session) -> pd.DataFrame:
    """Turfs to walk (table Turfs, with `status`): all but the withdrawn, by rank in their cut."""
    columns = [c for c in Turfs.to_schema().columns if c != "turf_id"]
    more = ["status", "cut_id", "version", "is_locked", "parent_ids", "start_building_id"]
    wanted = [Turf.id, *(getattr(Turf, c) for c in [*columns, *more])]
    rows = session.execute(
        select(*wanted).where(Turf.status != "withdrawn").order_by(Turf.cut_id.desc(), Turf.rank)
    ).all()
    return pd.DataFrame(rows, columns=["turf_id", *columns, *more])


def turf_versions(session: Session) -> list[tuple[str, int]]:
    """Every turf's code and version: changes when one of them does."""
    rows = session.execute(select(Turf.id, Turf.version).order_by(Turf.id)).all()
    return [(turf_id, version) for turf_id, version in rows]


def load_stops(session: Session, turf_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Stops of these turfs, or of all not withdrawn (table TurfStops, with `first_door`)."""
    columns = [TurfDoor.turf_id, TurfDoor.visit_order, TurfDoor.building_id, TurfDoor.dwellings]
    query = (
        select(*columns, TurfDoor.first_door, TurfDoor.last_door)
        .join(Turf)
        .where(Turf.status != "withdrawn")
    )
    if turf_ids is not None:
        query = query.where(Turf.id.in_(list(turf_ids)))
    rows = session.execute(query.order_by(TurfDoor.turf_id, TurfDoor.visit_order)).all()
    return pd.DataFrame(rows, columns=[*TurfStops.to_schema().columns, "first_door", "last_door"])


def load_excluded(session: Session, cut_id: int) -> pd.DataFrame:
    """Buildings left out of a cut (table Excluded)."""
    columns = (TurfExcluded.building_id, TurfExcluded.dwellings, TurfExcluded.reason)
    rows = session.execute(select(*columns).where(TurfExcluded.cut_id == cut_id)).all()
    return pd.DataFrame(rows, columns=list(Excluded.to_schema().columns))


def doors_done(session: Session) -> pd.Series:
    """Doors of its own knocked at least once per turf, indexed by turf_id."""
    turfs = session.scalars(select(Turf.id)).all()
    return pd.Series(_own_doors_done(session, turfs), dtype="int64", name="doors_done")


def forget_turfs(session: Session) -> None:
    """Take every turf and visit out (the invented town is rebuilt from nothing)."""
    for model in (Visit, VisitUndone, TurfEdit, TurfDoor, TurfExcluded, Turf, TurfCut):
        session.execute(delete(model))
