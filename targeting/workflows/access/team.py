"""The team's accounts and sessions, by who may change them; each change is in the log."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from targeting.access.names import login_of, shown_name
from targeting.access.roles import ROLES, Actor, require
from targeting.config import Workspace
from targeting.errors import ForbiddenError, TargetingError
from targeting.store import accounts, audit, sessions
from targeting.store.accounts import Person
from targeting.store.engine import Session, open_store, reading, write
from targeting.store.opening import told
from targeting.store.sessions import Shown
from targeting.workflows.access.asks import ask
from targeting.workflows.access.door import utc_now

LONGEST_SUBJECT: Final = 255
"""Signs, as OpenID Connect has it (Core 1.0, 2)."""


class Invited(NamedTuple):
    """A new account, and the secret of the link that opens it: told this once; empty where it is
    the identity provider that lets them in."""

    person: Person
    secret: str


def is_team(workspace: Workspace) -> bool:
    """Whether the campaign has accounts: without any, it is one desk's."""
    if not workspace.exists:
        return False
    with told(workspace), reading(open_store(workspace)) as session:
        return accounts.count_accounts(session) > 0


def list_team(workspace: Workspace, actor: Actor) -> list[Person]:
    """Every account, by name."""
    ask(workspace.asked_by(actor), "users.manage")
    with reading(open_store(workspace)) as session:
        return accounts.list_people(session)


def find(workspace: Workspace, actor: Actor, login: str) -> Person:
    """The account of that login. Raises TargetingError where there is none."""
    ask(workspace.asked_by(actor), "users.manage")
    with reading(open_store(workspace)) as session:
        person = accounts.find_by_login(session, login_of(login))
    if person is None:
        raise TargetingError("no account has this login: `users list` tells them.")
    return person


def invite(
    workspace: Workspace, actor: Actor, login: str, name: str, role: str, *,
    subject: str | None = None, now: datetime | None = None,
) -> Invited:  # fmt: skip
    """A new account, closed until its link is used. Where an identity provider's `subject` is
    given, at once open to whoever the provider says that is, and to no password: no link is made.

    Raises TargetingError for a login that is taken or none, a role or a subject that is none.
    """
    ask(workspace.asked_by(actor), "users.manage")
    now = now or utc_now()
    login, name, role = login_of(login), shown_name(name), known_role(role)
    if subject is not None:
        subject = known_subject(subject)

    def add(session: Session) -> Invited:
        also = {} if subject is None else {"subject": subject, "state": "active"}
        person = accounts.add_account(session, login, name, role, now, **also)
        secret = "" if subject else accounts.add_invitation(session, person.id, "join", now)
        audit.record(session, actor, "invite", object=person.id, reason=role, now=now)
        return Invited(person, secret)

    return write(open_store(workspace), add, quiet=True)


def known_subject(subject: str) -> str:
    """Who somebody is at the identity provider, as it writes it (`sub`). Raises TargetingError for
    what none is."""
    if not (0 < len(subject) <= LONGEST_SUBJECT and subject.isascii() and subject.isprintable()):
        raise TargetingError(
            "a subject is what the identity provider calls somebody (“sub” in its list of "
            f"accounts): 1 to {LONGEST_SUBJECT} plain signs."
        )
    return subject


def known_role(role: str) -> str:
    """A role as it is called. Raises TargetingError for what is none."""
    if role not in ROLES:
        raise TargetingError(f"“{role[:30]}” is no role: {', '.join(ROLES)}.")
    return role


def renew(
    workspace: Workspace, actor: Actor, account_id: str, *, now: datetime | None = None
) -> str:
    """A link to choose a password anew (or, not yet joined, to join); the code is asked for as
    before."""
    ask(workspace.asked_by(actor), "users.manage")
    now = now or utc_now()

    def make(session: Session) -> str:
        person = _person(session, account_id)
        if person.is_external:
            raise TargetingError(
                "this account logs in with the identity provider: its password is changed there."
            )
        kind = "join" if person.state == "invited" else "renew"
        audit.record(session, actor, "renew", object=person.id, now=now)
        return accounts.add_invitation(session, person.id, kind, now)

    return write(open_store(workspace), make, quiet=True)


def change_role(
    workspace: Workspace, actor: Actor, account_id: str, role: str, *,
    version: int | None = None, now: datetime | None = None,
) -> Person:  # fmt: skip
    """Give an account another role: its screens follow at their next move.

    Raises TargetingError where it is the last administrator, or another changed it meanwhile.
    """
    ask(workspace.asked_by(actor), "users.manage")
    now = now or utc_now()
    role = known_role(role)

    def change(session: Session) -> Person:
        _still_manages(session, actor)
        person = _person(session, account_id)
        if role != "administrator":
            _keep_an_administrator(session, person)
        done = accounts.change_account(session, account_id, version=version, role=role)
        audit.record(session, actor, "role", object=account_id, reason=role, now=now)
        return done

    return write(open_store(workspace), change, quiet=True)


def disable(
    workspace: Workspace, actor: Actor, account_id: str, *,
    version: int | None = None, now: datetime | None = None,
) -> Person:  # fmt: skip
    """Close an account: its sessions end, its open links are good no more, its turfs stay out.

    Raises TargetingError where it is the last administrator: two that close each other at once
    leave one.
    """
    ask(workspace.asked_by(actor), "users.manage")
    now = now or utc_now()

    def change(session: Session) -> Person:
        _still_manages(session, actor)
        _keep_an_administrator(session, _person(session, account_id))
        done = accounts.change_account(session, account_id, version=version, state="disabled")
        sessions.end_sessions(session, now, account_id=account_id)
        audit.record(session, actor, "disable", object=account_id, now=now)
        return done

    return write(open_store(workspace), change, quiet=True)


def enable(
    workspace: Workspace, actor: Actor, account_id: str, *,
    version: int | None = None, now: datetime | None = None,
) -> Person:  # fmt: skip
    """Open a closed account again, as it was."""
    ask(workspace.asked_by(actor), "users.manage")
    now = now or utc_now()

    def change(session: Session) -> Person:
        known = accounts.secrets_of(session, account_id=account_id)
        person = _person(session, account_id)
        can = person.is_external or (known is not None and known.password_hash is not None)
        state = "active" if can else "invited"
        done = accounts.change_account(session, account_id, version=version, state=state)
        audit.record(session, actor, "enable", object=account_id, now=now)
        return done

    return write(open_store(workspace), change, quiet=True)


def reset_code(
    workspace: Workspace, actor: Actor, account_id: str, *, now: datetime | None = None
) -> Person:
    """Take an account's second factor away (a telephone lost): its sessions end; a role that asks
    for one sets it up at the next login."""
    ask(workspace.asked_by(actor), "users.manage")
    now = now or utc_now()

    def change(session: Session) -> Person:
        _person(session, account_id)
        done = accounts.change_account(session, account_id, code_secret=None, code_step=None)
        sessions.end_sessions(session, now, account_id=account_id)
        audit.record(session, actor, "code_reset", object=account_id, now=now)
        return done

    return write(open_store(workspace), change, quiet=True)


def _still_manages(session: Session, actor: Actor) -> None:
    """Raise ForbiddenError where somebody closed the account that asks, or took its role, just
    now."""
    if not actor.is_account:
        return
    there = accounts.find_person(session, actor.id)
    if there is None or there.state != "active":
        raise ForbiddenError("", "users.manage")
    require(there.actor, "users.manage")


def _person(session: Session, account_id: str) -> Person:
    person = accounts.find_person(session, account_id)
    if person is None:
        raise TargetingError("there is no such account: look at the list again.")
    return person


def _keep_an_administrator(session: Session, person: Person) -> None:
    """Raise TargetingError where this account is the last administrator who can log in."""
    is_one = person.role == "administrator" and person.state == "active"
    if is_one and accounts.count_accounts(session, role="administrator", state="active") == 1:
        raise TargetingError(
            "this is the last administrator: make another one first, else nobody can let anybody "
            "in."
        )


# -- sessions --------------------------------------------------------------------------------------


def list_open(workspace: Workspace, actor: Actor, *, now: datetime | None = None) -> list[Shown]:
    """Live sessions: everybody's for who manages accounts, else one's own."""
    ask(workspace.asked_by(actor), "sessions.end", own=True)
    own = None if actor.may("sessions.end") else actor.id
    with reading(open_store(workspace)) as session:
        return sessions.list_sessions(session, now or utc_now(), account_id=own)


def end_session(
    workspace: Workspace, actor: Actor, session_id: str, *, now: datetime | None = None
) -> bool:
    """End one session; false where it had ended. Raises ForbiddenError for another's, unless one
    manages accounts."""
    now = now or utc_now()
    with reading(open_store(workspace)) as session:
        owner = sessions.owner_of(session, session_id)
    ask(workspace.asked_by(actor), "sessions.end", own=owner == actor.id)

    def end(session: Session) -> bool:
        done = bool(sessions.end_sessions(session, now, session_id=session_id))
        if done:
            audit.record(session, actor, "session_end", object=session_id, now=now)
        return done

    return write(open_store(workspace), end, quiet=True)


def end_all(
    workspace: Workspace, actor: Actor, *, everybody: bool = False, now: datetime | None = None
) -> int:
    """End one's other sessions, or (`everybody`) all but the one that asks. Gives how many."""
    ask(workspace.asked_by(actor), "sessions.end", own=not everybody)
    now = now or utc_now()

    def end(session: Session) -> int:
        account = None if everybody else actor.id
        but = actor.session or None
        ended = sessions.end_sessions(session, now, account_id=account, but=but)
        if ended:
            audit.record(session, actor, "session_end_all", count=ended, now=now)
        return ended

    return write(open_store(workspace), end, quiet=True)
