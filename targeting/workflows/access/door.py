"""At the door: a password and a code become a session; links of one use become accounts.

Each try is counted before its password is looked at, so that a thousand at once are a thousand
tries; a right one takes its own back. Who is not known is answered like who is, in the same time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from targeting.access import codes, passwords, throttle
from targeting.access.names import login_of, shown_name
from targeting.access.roles import NOBODY, SECOND_FACTOR, SYSTEM, Actor
from targeting.access.sessions import is_to_touch
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.store import accounts, audit, sessions
from targeting.store.engine import Session, open_store, reading, write
from targeting.store.opening import told

FIRST_HOURS: Final = 24
IN_ALL: Final = "all"
"""Key of the tries that are counted whoever made them."""


def utc_now() -> datetime:
    """The moment it is; the only look at a clock in this module."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Entered:
    """Somebody is in: the session's public id, the cookie's secret (told this once), and who."""

    session_id: str
    secret: str
    actor: Actor


@dataclass(frozen=True)
class Refused:
    """Nobody is in. `wait`: whole seconds until the next try counts, zero where it may at once."""

    wait: int = 0


# -- logging in ------------------------------------------------------------------------------------


def log_in(
    workspace: Workspace, login: str, password: str, code: str = "", *, address: str = "",
    browser: str = "", now: datetime | None = None,
) -> Entered | Refused:  # fmt: skip
    """Let somebody in by name, password and, where the account has one, the code of the moment.

    One answer for a name that is not known, a wrong password, a wrong code and a disabled account.
    Raises TargetingError where the database does not answer.
    """
    with told(workspace):
        return _log_in(workspace, login, password, code, address, browser, now or utc_now())


def _log_in(
    workspace: Workspace, login: str, password: str, code: str, address: str, browser: str,
    now: datetime,
) -> Entered | Refused:  # fmt: skip
    engine = open_store(workspace)
    try:
        name = login_of(login)
    except TargetingError:
        name = ""
    key = f"account {name or login[:200]}"

    def count_it(session: Session, *, is_kept: bool = True) -> float:
        whole, here = accounts.tries_of(session, IN_ALL), accounts.tries_of(session, address)
        if throttle.is_flood(whole, now, throttle.MOST_IN_ALL) or (
            address and throttle.is_flood(here, now, throttle.MOST_AN_ADDRESS)
        ):
            return throttle.WINDOW.total_seconds()
        told = accounts.tries_of(session, key)
        failed = throttle.by_this_clock(told, now)
        if (wait := throttle.seconds_to_wait(failed, now)) > 0:
            if failed != told and is_kept:
                accounts.keep_tries(session, key, failed)
            return wait if is_kept or failed == told else 0.0
        if not is_kept:
            return 0.0
        accounts.keep_tries(session, key, throttle.one_more(failed, now))
        accounts.keep_tries(session, IN_ALL, throttle.one_more_in_window(whole, now))
        if address:
            accounts.keep_tries(session, address, throttle.one_more_in_window(here, now))
        return 0.0

    with reading(engine) as session:  # a flood of tries does not keep those who write waiting
        wait = count_it(session, is_kept=False)
    if (wait := wait or write(engine, count_it, quiet=True)) > 0:
        return Refused(int(-(-wait // 1)))
    with reading(engine) as session:
        known = accounts.secrets_of(session, login=name) if name else None
    is_right = passwords.is_password(known.password_hash if known else None, password)

    def let_in(session: Session) -> Entered | Refused:
        there = accounts.secrets_of(session, account_id=known.id) if known else None
        is_same = (
            is_right and known is not None and there is not None and there.state == "active"
            and there.password_hash == known.password_hash
        )  # fmt: skip
        if not is_same or there is None or not _has_code(session, there, code, now):
            who = NOBODY if there is None else Actor(there.id, there.role)
            audit.record(session, who, "login_refused", now=now)
            return Refused()
        accounts.keep_tries(session, key, None)
        return _enter(session, Actor(there.id, there.role, there.name), browser, now)

    done = write(engine, let_in, quiet=True)
    if isinstance(done, Entered) and known and passwords.is_outdated(known.password_hash or ""):
        kept = passwords.hash_password(password)
        write(
            engine,
            lambda s: accounts.change_account(s, known.id, password_hash=kept),
            quiet=True,
        )
    return done


def _has_code(session: Session, there: accounts.Secrets, code: str, now: datetime) -> bool:
    """Whether the code of the moment was given, where the account asks for one; it is spent."""
    if there.code_secret is None:
        return True  # an account whose role asks for one sets it up before anything else
    step = codes.step_of_code(there.code_secret, code, now, there.code_step)
    return step is not None and accounts.use_code_step(session, there.id, step)


def _enter(session: Session, who: Actor, browser: str, now: datetime) -> Entered:
    """A new session, its row and its line in the log."""
    made = sessions.open_session(session, who.id, browser, now)
    accounts.note_login(session, who.id, now)
    audit.record(session, who, "login", now=now)
    sessions.forget_sessions(session, now)
    accounts.forget_tries(session, now)
    return Entered(made.id, made.secret, Actor(who.id, who.role, who.name, made.id))


def enter_as(
    workspace: Workspace, subject: str, *, browser: str = "", now: datetime | None = None
) -> Entered | Refused:
    """Let in who the identity provider says it is (`subject`), where an active account has it."""
    now = now or utc_now()

    def let_in(session: Session) -> Entered | Refused:
        person = accounts.find_by_subject(session, subject)
        if person is None or person.state != "active":
            audit.record(session, NOBODY, "login_refused", now=now)
            return Refused()
        return _enter(session, person.actor, browser, now)

    return write(open_store(workspace), let_in, quiet=True)


# -- being in --------------------------------------------------------------------------------------


def who_is(
    workspace: Workspace, secret: str, *, now: datetime | None = None
) -> sessions.Known | None:
    """Whose live session this cookie is. Its use is written down once a minute.

    Raises TargetingError where the database does not answer.
    """
    now = now or utc_now()
    with told(workspace):
        engine = open_store(workspace)
        with reading(engine) as session:
            known = sessions.find_session(session, secret, now)
        if known is not None and is_to_touch(known.times, now):
            write(engine, lambda s: sessions.touch_sessions(s, [known.id], now), quiet=True)
        return known


def actor_of(workspace: Workspace, session_id: str, *, now: datetime | None = None) -> Actor:
    """Who a session is, read anew: its role is today's. NOBODY where it has ended."""
    with told(workspace), reading(open_store(workspace)) as session:
        known = sessions.find_session_by_id(session, session_id, now or utc_now())
    return NOBODY if known is None else known.actor


def still_live(
    workspace: Workspace, used: set[str], watched: set[str], *, now: datetime | None = None
) -> set[str]:
    """Those of the watched sessions that still are; those that were `used` are written down so.

    Raises TargetingError where the database does not answer.
    """
    now = now or utc_now()
    with told(workspace):
        engine = open_store(workspace)
        with reading(engine) as session:
            live = sessions.live_ids(session, watched | used, now)
        if old := [k for k in used if live.get(k)]:
            write(engine, lambda s: sessions.touch_sessions(s, old, now), quiet=True)
    return watched & live.keys()


class Head(NamedTuple):
    """How far the log had come when it was last looked at."""

    last: int
    hash: str


NO_HEAD: Final = Head(0, "")


def not_restored(workspace: Workspace, seen: Head, *, now: datetime | None = None) -> Head:
    """How far the log is; every session ends where it no longer holds what it did (`seen`).

    An older database was put in its place then, and sessions that had ended live in it again.
    """
    now = now or utc_now()

    def end(session: Session) -> Head:
        ended = sessions.end_sessions(session, now)
        audit.record(session, SYSTEM, "session_end_all", count=ended, reason="restored", now=now)
        return Head(*audit.head_of(session))

    with told(workspace):
        engine = open_store(workspace)
        with reading(engine) as session:
            is_same = audit.holds(session, seen.last, seen.hash)
            head = Head(*audit.head_of(session))
        return head if is_same else write(engine, end, quiet=True)


def must_set_code(workspace: Workspace, actor: Actor) -> bool:
    """Whether an account's role asks for a second factor that it has not set up yet."""
    if actor.role not in SECOND_FACTOR:
        return False
    with told(workspace), reading(open_store(workspace)) as session:
        person = accounts.find_person(session, actor.id)
    return person is not None and not person.has_code and not person.is_external


def log_out(workspace: Workspace, actor: Actor, *, now: datetime | None = None) -> None:
    """End the session that asks."""
    now = now or utc_now()

    def end(session: Session) -> None:
        if sessions.end_sessions(session, now, session_id=actor.session):
            audit.record(session, actor, "logout", now=now)

    write(open_store(workspace), end, quiet=True)


# -- links of one use ------------------------------------------------------------------------------


def first_link(workspace: Workspace, *, now: datetime | None = None) -> str | None:
    """The secret of the link that makes the first administrator; nothing where there is one.

    A new one each time it is asked for: the one before is good no more.
    """
    now = now or utc_now()

    def make(session: Session) -> str | None:
        if accounts.count_accounts(session, role="administrator", state="active"):
            return None
        return accounts.add_invitation(session, None, "first", now, hours=FIRST_HOURS)

    return write(open_store(workspace), make, quiet=True)


@dataclass(frozen=True)
class Welcome:
    """What a link of one use says: what it is for, and whose account it is, if there is one."""

    kind: str
    login: str = ""
    name: str = ""
    role: str = ""


def welcome(workspace: Workspace, secret: str, *, now: datetime | None = None) -> Welcome | None:
    """What this link is for; nothing where it was used, is old, or never was one."""
    with reading(open_store(workspace)) as session:
        link = accounts.look_at_link(session, secret, now or utc_now())
        if link is None:
            return None
        if link.account_id is None:
            return Welcome(link.kind)
        person = accounts.find_person(session, link.account_id)
    if person is None or person.state == "disabled":
        return None
    return Welcome(link.kind, person.login, person.name, person.role)


@dataclass(frozen=True)
class Renewed:
    """A password was chosen anew; its account logs in with it and with its code."""


def take_link(
    workspace: Workspace, secret: str, password: str, *, login: str = "", name: str = "",
    browser: str = "", now: datetime | None = None,
) -> Entered | Renewed:  # fmt: skip
    """Use a link: the first administrator's account is made, an invited one is opened, a password
    is chosen anew (its other sessions end; where it has a code, the link alone lets nobody in).

    Raises TargetingError where the link is good no more, or the password, login or name is not one;
    the link stays good then.
    """
    now = now or utc_now()
    seen = welcome(workspace, secret, now=now)
    if seen is None:
        raise TargetingError(LINK_IS_SPENT)
    if seen.kind == "first":
        login, name = login_of(login), shown_name(name)
    else:
        login, name = seen.login, seen.name
    passwords.check_password(password, [login, login.partition("@")[0], *name.split()])
    kept = passwords.hash_password(password)

    def take(session: Session) -> Entered | Renewed:
        link = accounts.spend_link(session, secret, now)
        if link is None:
            raise TargetingError(LINK_IS_SPENT)
        if link.account_id is None:
            if accounts.count_accounts(session, role="administrator", state="active"):
                raise TargetingError("the campaign has an administrator: ask them for a link.")
            person = accounts.add_account(
                session, login, name, "administrator", now, state="active", password_hash=kept
            )
        else:
            there = accounts.find_person(session, link.account_id)
            if there is None or there.state == "disabled":
                raise TargetingError(LINK_IS_SPENT)
            person = accounts.change_account(
                session, link.account_id, password_hash=kept, state="active"
            )
            sessions.end_sessions(session, now, account_id=person.id)
        audit.record(session, person.actor, link.kind, now=now)
        if person.has_code:
            return Renewed()
        return _enter(session, person.actor, browser, now)

    return write(open_store(workspace), take, quiet=True)


LINK_IS_SPENT: Final = (
    "this link was used, is too old, or never was one: ask an administrator of the campaign for "
    "another."
)


def change_password(
    workspace: Workspace, actor: Actor, old: str, new: str, *, now: datetime | None = None
) -> int:
    """Choose one's password anew; one's other sessions end. Gives how many did.

    Raises TargetingError where the old one is not right (that counts as a try at the door), the new
    one is none, or an identity provider lets this account in.
    """
    now = now or utc_now()
    engine = open_store(workspace)
    with reading(engine) as session:
        known = accounts.secrets_of(session, account_id=actor.id)
    if known is None or known.password_hash is None:
        raise TargetingError("this account has no password here: change it where you log in.")
    passwords.check_password(new, [known.login, *known.name.split()])
    key = f"account {known.login}"

    def count_it(session: Session) -> float:
        failed = throttle.by_this_clock(accounts.tries_of(session, key), now)
        wait = throttle.seconds_to_wait(failed, now)
        if wait <= 0:
            accounts.keep_tries(session, key, throttle.one_more(failed, now))
        return wait

    if (wait := write(engine, count_it, quiet=True)) > 0:
        raise TargetingError(f"too many tries: wait {-int(-wait // 1)} s, then try again.")
    if not passwords.is_password(known.password_hash, old):
        raise TargetingError("the present password is not right: nothing was changed.")
    kept = passwords.hash_password(new)

    def change(session: Session) -> int:
        there = accounts.secrets_of(session, account_id=actor.id)
        if there is None or there.password_hash != known.password_hash:
            raise TargetingError("your password was changed meanwhile: log in again.")
        accounts.keep_tries(session, key, None)
        accounts.change_account(session, actor.id, password_hash=kept)
        audit.record(session, actor, "renew", object=actor.id, now=now)
        return sessions.end_sessions(session, now, account_id=actor.id, but=actor.session or None)

    return write(engine, change, quiet=True)


def set_code(
    workspace: Workspace, actor: Actor, secret: str, code: str, *, now: datetime | None = None
) -> None:
    """Set the second factor of the account that asks, once a code of it was given.

    Raises TargetingError where the code is not that of the secret, or one is set already.
    """
    now = now or utc_now()
    step = codes.step_of_code(secret, code, now, None)
    if step is None:
        raise TargetingError(
            "this is not the code of the moment: type the six digits that your telephone shows now."
        )

    def keep(session: Session) -> None:
        person = accounts.find_person(session, actor.id)
        if person is None or person.has_code:
            raise TargetingError(
                "this account has its codes already: an administrator can take them away."
            )
        accounts.change_account(session, actor.id, code_secret=secret, code_step=step)
        audit.record(session, actor, "code_set", now=now)

    write(open_store(workspace), keep, quiet=True)


def tidy(workspace: Workspace, *, now: datetime | None = None) -> dict[str, int]:
    """What a day takes away: sessions, tries, and lines of the log past their twelve months."""
    now = now or utc_now()

    def forget(session: Session) -> dict[str, int]:
        return {
            "sessions": sessions.forget_sessions(session, now),
            "tries": accounts.forget_tries(session, now),
            "lines": audit.forget_old(session, now),
        }

    return write(open_store(workspace), forget, quiet=True)
