"""Turfs in somebody's hands, as they are stored: one open row a turf, the others tell the past."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from targeting.store.models import Turf
from targeting.store.models_access import Account, Assignment


class Held(NamedTuple):
    """A turf and who has it; `id` tells this handing-out from an earlier one of the same turf."""

    id: int
    turf_id: str
    account_id: str
    name: str
    out_at: datetime


def holder_of(session: Session, turf_id: str) -> Held | None:
    """Who has a turf, if anybody."""
    return next(iter(_held(session, Assignment.turf_id == turf_id)), None)


def list_held(session: Session, *, account_id: str | None = None) -> list[Held]:
    """Every turf in somebody's hands, or those in the hands of one."""
    return _held(session, *([] if account_id is None else [Assignment.account_id == account_id]))


def _held(session: Session, *which: object) -> list[Held]:
    rows = session.execute(
        select(
            Assignment.id, Assignment.turf_id, Assignment.account_id, Account.name,
            Assignment.out_at,
        )
        .join(Account, Account.id == Assignment.account_id)
        .where(Assignment.back_at.is_(None), *which)  # type: ignore[arg-type]
        .order_by(Assignment.turf_id)
    )  # fmt: skip
    return [Held(*row) for row in rows]


def status_of(session: Session, turf_id: str) -> str | None:
    """The status of a turf; nothing where there is none of that code."""
    return session.scalar(select(Turf.status).where(Turf.id == turf_id))


def hand_over(session: Session, turf_id: str, account_id: str, now: datetime) -> None:
    """Put a turf into somebody's hands. Who looked at it before has an older version of it."""
    session.add(Assignment(turf_id=turf_id, account_id=account_id, out_at=now))
    _moved_on(session, turf_id)


def take_out_of_hands(session: Session, held: Held, now: datetime) -> None:
    """Take a turf back; a clock set back since takes nothing from the day it went out."""
    session.execute(
        update(Assignment)
        .where(Assignment.id == held.id)
        .values(back_at=max(now, held.out_at), version=Assignment.version + 1)
    )
    _moved_on(session, held.turf_id)


def _moved_on(session: Session, turf_id: str) -> None:
    session.execute(update(Turf).where(Turf.id == turf_id).values(version=Turf.version + 1))
    session.flush()
