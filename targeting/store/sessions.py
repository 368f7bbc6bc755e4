"""Browsers that are logged in, as they are stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from targeting.access.roles import Actor
from targeting.access.sessions import (
    TOUCHED_EACH,
    Times,
    digest,
    is_live,
    is_to_touch,
    new_id,
    new_secret,
)
from targeting.store.models_access import Account, DoorSession

KEPT: Final = timedelta(days=1)


class Opened(NamedTuple):
    """A session that was just made: its public id, and the cookie's secret, told this once."""

    id: str
    secret: str


class Known(NamedTuple):
    """A live session and who it is."""

    id: str
    actor: Actor
    times: Times


class Shown(NamedTuple):
    """A session as it is listed."""

    id: str
    account_id: str
    name: str
    browser: str
    made_at: datetime
    seen_at: datetime


def open_session(session: Session, account_id: str, browser: str, now: datetime) -> Opened:
    """A new session of an account."""
    made = Opened(new_id(), new_secret())
    session.add(
        DoorSession(
            id=made.id, digest=digest(made.secret), account_id=account_id, made_at=now,
            seen_at=now, browser=browser[:60],
        )
    )  # fmt: skip
    session.flush()
    return made


def find_session(session: Session, secret: str, now: datetime) -> Known | None:
    """Whose live session this cookie is; nothing for any other."""
    return _known(session, DoorSession.digest == digest(secret), now)


def find_session_by_id(session: Session, session_id: str, now: datetime) -> Known | None:
    """The same, by its public id (what the gate told the script)."""
    return _known(session, DoorSession.id == session_id, now)


def _known(session: Session, which: object, now: datetime) -> Known | None:
    row = session.execute(
        select(DoorSession, Account.id, Account.role, Account.name)
        .join(Account, Account.id == DoorSession.account_id)
        .where(which, Account.state == "active")  # type: ignore[arg-type]
    ).first()
    if row is None:
        return None
    found, account_id, role, name = row
    times = Times(found.made_at, found.seen_at, found.ended_at)
    if not is_live(times, now):
        return None
    return Known(found.id, Actor(account_id, role, name, found.id), times)


def touch_sessions(session: Session, ids: Iterable[str], now: datetime) -> None:
    """Write down that sessions are in use; never earlier than before, and once a minute."""
    session.execute(
        update(DoorSession)
        .where(DoorSession.id.in_(list(ids)), DoorSession.seen_at <= now - TOUCHED_EACH)
        .values(seen_at=now)
    )


def live_ids(session: Session, ids: Iterable[str], now: datetime) -> dict[str, bool]:
    """Those of these sessions that still are (ended, idle and disabled ones are not), and whether
    their use is to be written down again."""
    rows = session.execute(
        select(DoorSession.id, DoorSession.made_at, DoorSession.seen_at, DoorSession.ended_at)
        .join(Account, Account.id == DoorSession.account_id)
        .where(DoorSession.id.in_(list(ids)), Account.state == "active")
    )
    times = {i: Times(made, seen, ended) for i, made, seen, ended in rows}
    return {i: is_to_touch(t, now) for i, t in times.items() if is_live(t, now)}


def list_sessions(session: Session, now: datetime, *, account_id: str | None = None) -> list[Shown]:
    """Live sessions, the latest used first; of one account where asked."""
    wanted = (
        select(DoorSession, Account.name)
        .join(Account, Account.id == DoorSession.account_id)
        .where(DoorSession.ended_at.is_(None), Account.state == "active")
        .order_by(DoorSession.seen_at.desc(), DoorSession.id)
    )
    if account_id is not None:
        wanted = wanted.where(DoorSession.account_id == account_id)
    return [
        Shown(s.id, s.account_id, name, s.browser, s.made_at, s.seen_at)
        for s, name in session.execute(wanted)
        if is_live(Times(s.made_at, s.seen_at, s.ended_at), now)
    ]


def owner_of(session: Session, session_id: str) -> str | None:
    """Whose session it is, live or not."""
    return session.scalar(select(DoorSession.account_id).where(DoorSession.id == session_id))


def end_sessions(
    session: Session, now: datetime, *, session_id: str | None = None,
    account_id: str | None = None, but: str | None = None,
) -> int:  # fmt: skip
    """End one session, all of an account, or all there are; `but` stays. Gives how many ended."""
    which = update(DoorSession).where(DoorSession.ended_at.is_(None))
    if session_id is not None:
        which = which.where(DoorSession.id == session_id)
    if account_id is not None:
        which = which.where(DoorSession.account_id == account_id)
    if but is not None:
        which = which.where(DoorSession.id != but)
    done = session.execute(which.values(ended_at=now))
    return int(done.rowcount)  # type: ignore[attr-defined]


def forget_sessions(session: Session, now: datetime) -> int:
    """Delete the rows of sessions that were last seen more than a day ago."""
    done = session.execute(delete(DoorSession).where(DoorSession.seen_at < now - KEPT))
    return int(done.rowcount)  # type: ignore[attr-defined]
