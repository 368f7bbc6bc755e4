"""Turfs as they are, and the changes made to them by hand: whole or not at all, undone, redone.

A state is one turf's row and its doors, as plain values. A change is told by the states it leads
to; what was before is kept beside it. Codes of turfs are never reused: a turf that a change made
is withdrawn when the change is undone, and comes back under its code when it is redone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from targeting.codes import turf_order
from targeting.errors import TargetingError
from targeting.store.models import Turf, TurfDoor, TurfEdit
from targeting.store.turfs import BY_CODE

TURF_FIELDS: Final = tuple(
    c.name for c in Turf.__table__.columns if c.name not in ("version", "withdrawn_by")
)
DOOR_FIELDS: Final = tuple(c.name for c in TurfDoor.__table__.columns if c.name != "turf_id")

State = dict[str, Any]
"""`turf`: the row without its version; `doors`: its stops in walking order."""

KEPT_EDITS: Final = 200
"""Changes that can be undone; older ones are forgotten."""


@dataclass(frozen=True)
class Undoable:
    """What undo and redo would do next: kind of change and turfs; None where there is nothing."""

    undo: tuple[str, list[str]] | None
    redo: tuple[str, list[str]] | None


def load_states(session: Session, turf_ids: Iterable[str]) -> list[State]:
    """States of these turfs, in the order of their codes; unknown codes are passed over."""
    ids = sorted(set(turf_ids), key=turf_order)
    turfs = session.execute(
        select(*(getattr(Turf, f) for f in TURF_FIELDS)).where(Turf.id.in_(ids)).order_by(*BY_CODE)
    ).all()
    columns = [TurfDoor.turf_id, *(getattr(TurfDoor, f) for f in DOOR_FIELDS)]
    doors: dict[str, list[dict[str, Any]]] = {}
    for turf_id, *values in session.execute(
        select(*columns).where(TurfDoor.turf_id.in_(ids)).order_by(TurfDoor.visit_order)
    ):
        doors.setdefault(turf_id, []).append(dict(zip(DOOR_FIELDS, values, strict=True)))
    return [
        {"turf": dict(zip(TURF_FIELDS, row, strict=True)), "doors": doors.get(row[0], [])}
        for row in turfs
    ]


def change_turfs(
    session: Session, kind: str, states: Sequence[State], versions: Mapping[str, int]
) -> None:
    """Bring turfs to these states, and remember how they were.

    `versions` are those that whoever asks has seen: raises TargetingError if one has moved since.
    """
    ids = [s["turf"]["id"] for s in states]
    seen = {i: versions[i] for i in ids if i in versions}
    rows = session.execute(select(Turf.id, Turf.version).where(Turf.id.in_(ids)))
    now = {turf_id: version for turf_id, version in rows}  # noqa: C416 (rows, not pairs)
    if moved := sorted(i for i, v in seen.items() if now.get(i) != v):
        raise TargetingError(
            f"{', '.join(moved[:5])} changed meanwhile, by somebody else or in another window: "
            "look at it again, then make your change."
        )
    before = load_states(session, ids)
    known = {s["turf"]["id"] for s in before}
    before += [_withdrawn(s) for s in states if s["turf"]["id"] not in known]
    session.execute(delete(TurfEdit).where(TurfEdit.is_undone))
    session.add(TurfEdit(kind=kind, before=before, after=list(states), made_at=datetime.now(UTC)))
    _put(session, states)
    _forget_oldest(session)


def undo_change(session: Session) -> tuple[str, list[str]]:
    """Take the last change back; gives its kind and turfs. Raises TargetingError if there is none
    or its turfs have moved since."""
    edit = session.scalar(
        select(TurfEdit).where(~TurfEdit.is_undone).order_by(TurfEdit.id.desc()).limit(1)
    )
    return _move(session, edit, back=True)


def redo_change(session: Session) -> tuple[str, list[str]]:
    """Make the change taken back last again; gives its kind and turfs."""
    edit = session.scalar(select(TurfEdit).where(TurfEdit.is_undone).order_by(TurfEdit.id).limit(1))
    return _move(session, edit, back=False)


def undoable(session: Session) -> Undoable:
    """What undo and redo would do next."""
    last = session.scalar(
        select(TurfEdit).where(~TurfEdit.is_undone).order_by(TurfEdit.id.desc()).limit(1)
    )
    following = session.scalar(
        select(TurfEdit).where(TurfEdit.is_undone).order_by(TurfEdit.id).limit(1)
    )
    return Undoable(*(None if e is None else (e.kind, _ids(e.after)) for e in (last, following)))


def _move(session: Session, edit: TurfEdit | None, *, back: bool) -> tuple[str, list[str]]:
    if edit is None:
        raise TargetingError(f"nothing to {'undo' if back else 'redo'}.")
    here, there = (edit.after, edit.before) if back else (edit.before, edit.after)
    now = {s["turf"]["id"]: s for s in load_states(session, _ids(here))}
    if moved := [s["turf"]["id"] for s in here if now.get(s["turf"]["id"]) != s]:
        raise TargetingError(
            f"{', '.join(moved[:5])} moved on since (begun, or cut anew): this change can no "
            f"longer be {'undone' if back else 'redone'}."
        )
    _put(session, there)
    edit.is_undone = back
    return edit.kind, _ids(edit.after)


def _ids(states: Iterable[State]) -> list[str]:
    return [s["turf"]["id"] for s in states]


def _withdrawn(state: State) -> State:
    return state | {"turf": state["turf"] | {"status": "withdrawn"}}


def _put(session: Session, states: Sequence[State]) -> None:
    """Write these states over what is there; each turf's version moves on."""
    ids = _ids(states)
    known = set(session.scalars(select(Turf.id).where(Turf.id.in_(ids))))
    # doors first: a turf that opens again may hold those of one that closes
    session.execute(delete(TurfDoor).where(TurfDoor.turf_id.in_(ids)))
    for state in states:
        turf = state["turf"]
        if turf["id"] in known:
            values = {k: v for k, v in turf.items() if k != "id"}
            session.execute(
                update(Turf).where(Turf.id == turf["id"]).values(**values, version=Turf.version + 1)
            )
        else:
            session.execute(insert(Turf).values(**turf, version=1))
    if doors := [{"turf_id": s["turf"]["id"], **d} for s in states for d in s["doors"]]:
        session.execute(insert(TurfDoor), doors)
    session.expire_all()


def _forget_oldest(session: Session) -> None:
    kept = select(TurfEdit.id).order_by(TurfEdit.id.desc()).limit(KEPT_EDITS)
    session.flush()
    session.execute(delete(TurfEdit).where(TurfEdit.id.not_in(list(session.scalars(kept)))))
