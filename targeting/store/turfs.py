"""Turfs in the database: cuts kept, codes given once, what is loaded of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from targeting.errors import TargetingError
from targeting.store.models import (
    PhoneBook,
    Turf,
    TurfCut,
    TurfDoor,
    TurfEdit,
    TurfExcluded,
    Visit,
    VisitUndone,
)
from targeting.store.opening import first_free_code, remember_codes
from targeting.store.queries import load_campaign
from targeting.tables import Excluded, Turfs, TurfStops

TURF_LETTER: Final = "S"
"""Codes are S0001, S0002… (secteur). Not T: GDAL reads T0001 in a GeoJSON as one past midnight."""


def load_ranges(session: Session, turfs: Iterable[str]) -> dict[str, dict[str, tuple[int, int]]]:
    """First and last door of each building of these turfs."""
    ranges: dict[str, dict[str, tuple[int, int]]] = {t: {} for t in turfs}
    columns = (TurfDoor.turf_id, TurfDoor.building_id, TurfDoor.first_door, TurfDoor.last_door)
    rows = session.execute(select(*columns).where(TurfDoor.turf_id.in_(list(ranges)))).all()
    for turf_id, building_id, first, last in rows:
        ranges[turf_id][building_id] = (first, last)
    return ranges


def handed_on(session: Session) -> set[str]:
    """Turfs whose unanswered doors a later turf took over: their status moves no more."""
    lists = session.scalars(
        select(Turf.parent_ids).where(Turf.parent_ids != "", Turf.status != "withdrawn")
    )
    return {turf_id for parents in lists for turf_id in parents.split()}


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
    bind = session.get_bind()
    first = first_free_code(bind, campaign.next_turf)
    campaign.next_turf = first + count
    session.flush()
    remember_codes(bind, first + count)
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


def forget_turfs(session: Session) -> None:
    """Take every turf and visit out (the invented town is rebuilt from nothing)."""
    for model in (Visit, VisitUndone, PhoneBook, TurfEdit, TurfDoor, TurfExcluded, Turf, TurfCut):
        session.execute(delete(model))
