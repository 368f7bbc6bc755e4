"""Turfs in the database: cuts kept, codes given once, what is loaded of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import delete, exists, func, select, true, update
from sqlalchemy.orm import Session

from targeting.codes import turf_order
from targeting.errors import TargetingError
from targeting.store.models import (
    OPEN_STATUSES,
    TURF_STATUSES,
    OpenDoor,
    Turf,
    TurfCut,
    TurfDoor,
    TurfEdit,
    TurfExcluded,
)
from targeting.store.models_access import Assignment
from targeting.store.opening import first_free_code, remember_codes
from targeting.store.queries import load_campaign

if TYPE_CHECKING:
    import pandas as pd

TURF_LETTER: Final = "S"
"""Codes are S0001, S0002… (secteur). Not T: GDAL reads T0001 in a GeoJSON as one past midnight."""


ADDRESS_LENGTH: Final = 200
"""Letters of an address that a turf is told by; the list has all of them."""

BY_CODE: Final = (func.length(Turf.id), Turf.id)
"""S9999 before S10000: codes in the order they were given."""


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


def held_elsewhere(session: Session, turfs: Iterable[str]) -> set[str]:
    """Those of these turfs of which another, open one holds a door now."""
    other = (
        (OpenDoor.building_id == TurfDoor.building_id)
        & OpenDoor.door.between(TurfDoor.first_door, TurfDoor.last_door)
        & (OpenDoor.turf_id != TurfDoor.turf_id)
    )
    rows = session.scalars(
        select(TurfDoor.turf_id)
        .join(OpenDoor, other)
        .where(TurfDoor.turf_id.in_(list(turfs)))
        .distinct()
    )
    return set(rows)


class Standing(NamedTuple):
    """What a cut finds on its ground. `replaced`: ready turfs that it withdraws, with the version
    seen; `taken`: all their buildings, which it cuts anew; `kept`: buildings that it leaves alone,
    as a turf that stays holds doors there."""

    replaced: dict[str, int]
    taken: set[str]
    kept: set[str]


def find_standing(session: Session, building_ids: set[str] | None = None) -> Standing:
    """Tell open turfs apart for a cut of these buildings (None: of all).

    A turf is replaced where nobody began, locked nor has it, and it has a building in question; all
    it holds goes into the cut, beyond the stations too, so that no door of it is lost. It stays
    where it shares a building (a tower) with a turf that stays.
    """
    held: dict[str, set[str]] = {}
    free: dict[str, int] = {}
    rows = session.execute(
        select(Turf.id, Turf.status, Turf.is_locked, Turf.version, TurfDoor.building_id, is_out())
        .join(TurfDoor)
        .where(Turf.status.in_(OPEN_STATUSES))
    )
    for turf_id, status, is_locked, version, building_id, is_given in rows:
        held.setdefault(turf_id, set()).add(building_id)
        if status == "ready" and not is_locked and not is_given:
            free[turf_id] = version
    replaced = {
        t: version
        for t, version in free.items()
        if building_ids is None or not building_ids.isdisjoint(held[t])
    }
    kept: set[str] = set()
    staying = set(held) - set(replaced)
    while staying:  # each that stays keeps those it shares a tower with
        kept = kept.union(*(held[t] for t in staying))
        staying = {t for t in replaced if not kept.isdisjoint(held[t])}
        replaced = {t: version for t, version in replaced.items() if t not in staying}
    return Standing(replaced, set().union(*(held[t] for t in replaced)), kept)


def save_cut(
    session: Session,
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    excluded: pd.DataFrame,
    parameters: Mapping[str, Any],
    *,
    replaced: Iterable[str] = (),
) -> tuple[int, dict[str, str]]:
    """Store a cut; gives its id and the codes given to its turfs (theirs → ours, never reused).

    `stops` has, besides TurfStops, `first_door` and `last_door` of its range.
    The turfs `replaced` are withdrawn, where nobody has begun nor locked them; their codes stay
    taken, and they can be called back. What was changed by hand before can no longer be undone.
    """
    cut = _new_cut(session, stops, excluded, parameters)
    withdraw_turfs(session, replaced, by=cut.id)
    session.execute(delete(TurfEdit))
    return cut.id, _fill_cut(session, cut, turfs, stops, excluded)


def withdraw_turfs(session: Session, turf_ids: Iterable[str], *, by: int | None) -> None:
    """Withdraw turfs that nobody began nor has: `by` is the cut that replaces them, if one does."""
    ready = (Turf.status == "ready") & ~Turf.is_locked & ~is_out()
    session.execute(
        update(Turf)
        .where(Turf.id.in_(list(turf_ids)), ready)
        .values(status="withdrawn", withdrawn_by=by, version=Turf.version + 1)
    )


def save_remainder(
    session: Session,
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    excluded: pd.DataFrame,
    parameters: Mapping[str, Any],
    *,
    begun: Iterable[str] = (),
) -> dict[str, str]:
    """Store turfs cut from what was left of others; gives the codes given to them.

    `stops` has, besides what `save_cut` asks for, `parent_ids`: the turfs that its doors come from.
    Those are done from now on, whoever still brings visits of them, and so are the turfs `begun`
    of which no door is left to knock at; the other turfs stay.
    """
    parents = stops.groupby("turf_id")["parent_ids"].agg(
        lambda lists: " ".join(sorted({p for ids in lists for p in ids.split()}, key=turf_order))
    )
    everyone = {p for ids in parents for p in ids.split()} | set(begun)
    session.execute(
        update(Turf)
        .where(Turf.id.in_(everyone), Turf.status != "done")
        .values(status="done", version=Turf.version + 1)
    )  # before theirs come: a door stands in one open turf at most
    cut = _new_cut(session, stops, excluded, parameters)
    codes = _fill_cut(session, cut, turfs, stops, excluded)
    for turf_id, parent_ids in parents.items():
        session.execute(
            update(Turf).where(Turf.id == codes[str(turf_id)]).values(parent_ids=parent_ids)
        )
    session.execute(delete(TurfEdit))
    return codes


def _new_cut(
    session: Session, stops: pd.DataFrame, excluded: pd.DataFrame, parameters: Mapping[str, Any]
) -> TurfCut:
    cut = TurfCut(
        parameters=dict(parameters),
        doors_in=int(stops["dwellings"].sum() + excluded["dwellings"].sum()),
        doors_in_turfs=int(stops["dwellings"].sum()),
        doors_left_out=int(excluded["dwellings"].sum()),
        created_at=datetime.now(UTC),
    )
    session.add(cut)
    session.flush()
    return cut


def _fill_cut(
    session: Session,
    cut: TurfCut,
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    excluded: pd.DataFrame,
) -> dict[str, str]:
    ordered = turfs.sort_values("rank")
    codes = dict(zip(ordered["turf_id"], reserve_codes(session, len(turfs)), strict=True))
    fresh = {"status": "ready", "version": 1, "is_locked": False, "parent_ids": ""}
    rows = ordered.assign(
        id=ordered["turf_id"].map(codes),
        cut_id=cut.id,
        start_building_id=cut.parameters.get("start"),
        **{c: ordered[c].str.slice(0, ADDRESS_LENGTH) for c in ("start_address", "end_address")},
        **fresh,
    )
    _insert(session, Turf, rows.drop(columns="turf_id"))
    _insert(session, TurfDoor, stops.assign(turf_id=stops["turf_id"].map(codes)))
    _insert(session, TurfExcluded, excluded.assign(cut_id=cut.id))
    return codes


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


def is_out() -> Any:
    """Whether a turf is in somebody's hands, as a condition on `Turf`."""
    return exists().where(Assignment.turf_id == Turf.id, Assignment.back_at.is_(None))


def in_hands_of(account_id: str) -> Any:
    """Which turfs an account has in hand, as a condition on `Turf.id`."""
    mine = (Assignment.account_id == account_id) & Assignment.back_at.is_(None)
    return Turf.id.in_(select(Assignment.turf_id).where(mine))


def load_turfs(session: Session, *, account_id: str | None = None) -> pd.DataFrame:
    """Turfs to walk (table Turfs, with `status`): all but the withdrawn, by rank in their cut.

    `account_id`: those alone that this account has in hand.
    """
    import pandas as pd

    from targeting.tables import Turfs

    columns = [c for c in Turfs.to_schema().columns if c != "turf_id"]
    more = ["status", "cut_id", "version", "is_locked", "parent_ids", "start_building_id"]
    wanted = [Turf.id, *(getattr(Turf, c) for c in [*columns, *more])]
    rows = session.execute(
        select(*wanted)
        .where(
            Turf.status != "withdrawn", true() if account_id is None else in_hands_of(account_id)
        )
        .order_by(Turf.cut_id.desc(), Turf.rank)
    ).all()
    return pd.DataFrame(rows, columns=["turf_id", *columns, *more])


def count_statuses(session: Session) -> dict[str, int]:
    """How many turfs stand in each status (`ready`, `in_progress`, `done`, `withdrawn`)."""
    rows = session.execute(select(Turf.status, func.count()).group_by(Turf.status)).all()
    return dict.fromkeys(TURF_STATUSES, 0) | {str(s): int(n) for s, n in rows}


def turf_versions(session: Session) -> dict[str, int]:
    """Every turf's version by its code: another one once it was changed."""
    rows = session.execute(select(Turf.id, Turf.version))
    return {turf_id: version for turf_id, version in rows}  # noqa: C416 (rows, not pairs)


def load_stops(
    session: Session, turf_ids: Sequence[str] | None = None, *, account_id: str | None = None
) -> pd.DataFrame:
    """Stops of these turfs, or of all not withdrawn (table TurfStops, with `first_door`).

    `account_id`: of those alone that this account has in hand.
    """
    import pandas as pd

    from targeting.tables import TurfStops

    columns = [TurfDoor.turf_id, TurfDoor.visit_order, TurfDoor.building_id, TurfDoor.dwellings]
    query = (
        select(*columns, TurfDoor.first_door, TurfDoor.last_door)
        .join(Turf)
        .where(Turf.status != "withdrawn")
    )
    if turf_ids is not None:
        query = query.where(Turf.id.in_(list(turf_ids)))
    if account_id is not None:
        query = query.where(in_hands_of(account_id))
    rows = session.execute(query.order_by(*BY_CODE, TurfDoor.visit_order)).all()
    return pd.DataFrame(rows, columns=[*TurfStops.to_schema().columns, "first_door", "last_door"])


def load_excluded(session: Session, cut_id: int) -> pd.DataFrame:
    """Buildings left out of a cut (table Excluded)."""
    import pandas as pd

    from targeting.tables import Excluded

    columns = (TurfExcluded.building_id, TurfExcluded.dwellings, TurfExcluded.reason)
    rows = session.execute(select(*columns).where(TurfExcluded.cut_id == cut_id)).all()
    return pd.DataFrame(rows, columns=list(Excluded.to_schema().columns))
