"""Turfs that a cut withdrew, called back: a cut can be taken back as long as nobody walks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from targeting.codes import turf_order
from targeting.errors import TargetingError
from targeting.store.models import Turf, TurfEdit, Visit
from targeting.store.turfs import BY_CODE, held_elsewhere, is_out, withdraw_turfs
from targeting.store.visits import update_turf_statuses


class Restored(NamedTuple):
    """Turfs that came back, and those of the cut taken back."""

    restored: list[str]
    withdrawn: list[str]


def can_be_restored(session: Session) -> list[str]:
    """Turfs that the last cut to withdraw some replaced."""
    last = session.scalar(select(func.max(Turf.withdrawn_by)).where(Turf.status == "withdrawn"))
    if last is None:
        return []
    mine = (Turf.withdrawn_by == last) & (Turf.status == "withdrawn")
    return list(session.scalars(select(Turf.id).where(mine).order_by(*BY_CODE)))


def restore_cut(session: Session) -> Restored:
    """Take back the last cut that withdrew turfs: its own are withdrawn, those it replaced are
    ready again.

    Raises TargetingError where there is none, where one of its turfs was begun, locked, handed out
    or cut anew, or was changed by hand together with turfs of other cuts.
    """
    turf_ids = can_be_restored(session)
    if not turf_ids:
        raise TargetingError("no cut has withdrawn turfs: there is nothing to call back.")
    cut_id = session.scalar(select(Turf.withdrawn_by).where(Turf.id == turf_ids[0]))
    mine = session.execute(
        select(Turf.id, Turf.status, Turf.is_locked, is_out())
        .where(Turf.cut_id == cut_id, Turf.status != "withdrawn")
        .order_by(*BY_CODE)
    ).all()
    if gone := [t for t, status, locked, out in mine if status != "ready" or locked or out]:
        raise TargetingError(
            f"{', '.join(gone[:5])} of that cut was begun, locked or handed out since: it can no "
            "longer be taken back. Unlock it, or name turfs whose doors are free."
        )
    own = [turf_id for turf_id, *_ in mine]
    _refuse_mixed(session, set(own))
    withdraw_turfs(session, own, by=None)
    return Restored(_bring_back(session, turf_ids), own)


def restore_turfs(session: Session, turf_ids: Sequence[str]) -> list[str]:
    """Call these withdrawn turfs back, where no open turf holds their doors."""
    wanted = sorted(set(turf_ids), key=turf_order)
    there = set(
        session.scalars(select(Turf.id).where(Turf.id.in_(wanted), Turf.status == "withdrawn"))
    )
    if unknown := [t for t in wanted if t not in there]:
        raise TargetingError(f"{', '.join(unknown[:5])}: no turf of this code was withdrawn.")
    return _bring_back(session, wanted)


def _refuse_mixed(session: Session, own: set[str]) -> None:
    changes = session.execute(select(TurfEdit.before, TurfEdit.after).where(~TurfEdit.is_undone))
    for before, after in changes:
        touched = {s["turf"]["id"] for s in [*before, *after]}
        if touched & own and any(s["turf"]["id"] not in own and s["turf"]["status"] != "withdrawn"
                                 for s in after):  # fmt: skip
            raise TargetingError(
                "turfs of that cut and others were changed together by hand: undo these changes "
                "first, then take the cut back."
            )


def _bring_back(session: Session, turf_ids: Sequence[str]) -> list[str]:
    if taken := sorted(held_elsewhere(session, turf_ids), key=turf_order):
        raise TargetingError(
            f"doors of {', '.join(taken[:5])} are in another open turf: they stay withdrawn. Take "
            "the cut back that holds them (`turfs restore` without a code)."
        )
    session.execute(
        update(Turf)
        .where(Turf.id.in_(list(turf_ids)))
        .values(status="ready", withdrawn_by=None, version=Turf.version + 1)
    )
    visited = session.scalars(select(Visit.turf_id).where(Visit.turf_id.in_(list(turf_ids))))
    update_turf_statuses(session, {str(t) for t in visited})
    session.execute(delete(TurfEdit))
    return list(turf_ids)
