"""Accounts, invitations and tries as they are stored: rows in and out, no rule of who may."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from targeting.access.roles import Actor
from targeting.access.sessions import digest, new_id, new_secret
from targeting.access.throttle import Tries
from targeting.errors import TargetingError
from targeting.store.models_access import Account, DoorSession, Invitation, LoginTry

INVITATION_HOURS: Final = 7 * 24
TRIES_KEPT: Final = timedelta(days=1)


class Person(NamedTuple):
    """An account as it is shown: nothing that lets anybody in."""

    id: str
    login: str
    name: str
    role: str
    state: str
    has_code: bool
    is_external: bool
    made_at: datetime
    login_at: datetime | None
    version: int

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.role, self.name)


class Secrets(NamedTuple):
    """What an account is checked against at the door."""

    id: str
    state: str
    role: str
    login: str
    name: str
    password_hash: str | None
    code_secret: str | None
    code_step: int | None


def _person(row: Account) -> Person:
    return Person(
        row.id, row.login, row.name, row.role, row.state, row.code_secret is not None,
        row.subject is not None, row.made_at, row.login_at, row.version,
    )  # fmt: skip


def count_accounts(session: Session, *, role: str | None = None, state: str | None = None) -> int:
    """How many accounts there are, of a role and in a state where asked."""
    wanted = select(func.count()).select_from(Account)
    if role is not None:
        wanted = wanted.where(Account.role == role)
    if state is not None:
        wanted = wanted.where(Account.state == state)
    return session.scalar(wanted) or 0


def list_people(session: Session) -> list[Person]:
    """Every account, by name."""
    return [_person(a) for a in session.scalars(select(Account).order_by(Account.name, Account.id))]


def find_person(session: Session, account_id: str) -> Person | None:
    row = session.get(Account, account_id)
    return None if row is None else _person(row)


def find_by_login(session: Session, login: str) -> Person | None:
    row = session.scalar(select(Account).where(Account.login == login))
    return None if row is None else _person(row)


def find_by_subject(session: Session, subject: str) -> Person | None:
    row = session.scalar(select(Account).where(Account.subject == subject))
    return None if row is None else _person(row)


def note_login(session: Session, account_id: str, now: datetime) -> None:
    """When somebody last logged in: no change of their account."""
    session.execute(update(Account).where(Account.id == account_id).values(login_at=now))


def secrets_of(session: Session, *, login: str = "", account_id: str = "") -> Secrets | None:
    """What the door checks, by login or by id."""
    by = Account.login == login if login else Account.id == account_id
    row = session.scalar(select(Account).where(by))
    if row is None:
        return None
    return Secrets(
        row.id, row.state, row.role, row.login, row.name, row.password_hash, row.code_secret,
        row.code_step,
    )  # fmt: skip


def add_account(
    session: Session, login: str, name: str, role: str, now: datetime, **also: Any
) -> Person:
    """A new account. Raises TargetingError where the login is taken."""
    if session.scalar(select(Account.id).where(Account.login == login)) is not None:
        raise TargetingError("this login is taken: choose another.")
    row = Account(id=new_id(), login=login, name=name, role=role, made_at=now, **also)
    session.add(row)
    session.flush()
    return _person(row)


def change_account(
    session: Session, account_id: str, *, version: int | None = None, **values: Any
) -> Person:
    """Change an account, if it still is as it was seen (`version`).

    Raises TargetingError where it is gone, or another changed it meanwhile.
    """
    row = session.get(Account, account_id)
    if row is None:
        raise TargetingError("there is no such account: look at the list again.")
    if version is not None and row.version != version:
        raise TargetingError(
            "somebody else changed this account meanwhile: look at it again, then do it anew."
        )
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    return _person(row)


def use_code_step(session: Session, account_id: str, step: int) -> bool:
    """Spend the code of a time step; false where it, or a later one, was spent already."""
    done = session.execute(
        update(Account)
        .where(Account.id == account_id, (Account.code_step.is_(None)) | (Account.code_step < step))
        .values(code_step=step)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


# -- links of one use ------------------------------------------------------------------------------


def add_invitation(
    session: Session, account_id: str | None, kind: str, now: datetime, *,
    hours: int = INVITATION_HOURS,
) -> str:  # fmt: skip
    """A link's secret; those made before for the same account and use are good no more."""
    session.execute(
        delete(Invitation).where(
            Invitation.kind == kind, Invitation.account_id.is_not_distinct_from(account_id)
        )
    )
    secret = new_secret()
    session.add(
        Invitation(
            id=new_id(), digest=digest(secret), account_id=account_id, kind=kind, made_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )  # fmt: skip
    session.flush()
    return secret


class Link(NamedTuple):
    """What a link of one use is good for."""

    kind: str
    account_id: str | None


def look_at_link(session: Session, secret: str, now: datetime) -> Link | None:
    """What this link is good for, if it still is."""
    row = session.scalar(select(Invitation).where(Invitation.digest == digest(secret)))
    if row is None or row.used_at is not None or not row.made_at <= now <= row.expires_at:
        return None
    return Link(row.kind, row.account_id)


def spend_link(session: Session, secret: str, now: datetime) -> Link | None:
    """The same, and it is good no more."""
    link = look_at_link(session, secret, now)
    if link is not None:
        session.execute(
            update(Invitation).where(Invitation.digest == digest(secret)).values(used_at=now)
        )
    return link


# -- tries -----------------------------------------------------------------------------------------


def tries_of(session: Session, key: str) -> Tries | None:
    """What is known of the tries under this key (an account's, an address's)."""
    row = session.get(LoginTry, digest(key))
    return None if row is None else Tries(row.count, row.since, row.last)


def keep_tries(session: Session, key: str, tries: Tries | None) -> None:
    """Write them down, or forget them."""
    row = session.get(LoginTry, digest(key))
    if tries is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(
            LoginTry(key=digest(key), count=tries.count, since=tries.since, last=tries.last)
        )
    else:
        row.count, row.since, row.last = tries.count, tries.since, tries.last
    session.flush()


def forget_tries(session: Session, now: datetime) -> int:
    """Delete those of yesterday."""
    done = session.execute(delete(LoginTry).where(LoginTry.last < now - TRIES_KEPT))
    return int(done.rowcount)  # type: ignore[attr-defined]


def names_of(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """Names of these accounts, for a screen."""
    rows = session.execute(select(Account.id, Account.name).where(Account.id.in_(list(ids))))
    return {row.id: row.name for row in rows}


def shut_the_door(session: Session) -> None:
    """Take away every session, open link and count of tries: of a database that was put back, they
    are another day's."""
    for rows in (DoorSession, Invitation, LoginTry):
        session.execute(delete(rows))
