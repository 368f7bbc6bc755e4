"""Turfs put into somebody's hands, and taken back: one holder a turf, whoever asks at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from targeting.access.names import login_of
from targeting.access.roles import Reach
from targeting.config import Workspace
from targeting.errors import NotYoursError, TargetingError
from targeting.store import accounts, assignments, audit
from targeting.store.assignments import Held
from targeting.store.engine import Session, open_store, reading
from targeting.workflows.access.asks import asks, noting_refusals, whose

OPEN: tuple[str, ...] = ("ready", "in_progress")


class Teammate(NamedTuple):
    """Somebody who can have a turf."""

    login: str
    name: str
    role: str


class Handed(NamedTuple):
    """A turf and who has it now; `is_new`: false where they had it already."""

    turf_id: str
    name: str
    is_new: bool


@asks("turfs.assign", own=True)
def list_teammates(workspace: Workspace) -> list[Teammate]:
    """Accounts that a turf can be given to, by name: those that may print one."""
    with reading(open_store(workspace)) as session:
        people = accounts.list_people(session)
    return [Teammate(p.login, p.name, p.role) for p in people if can_hold(p)]


def can_hold(person: accounts.Person) -> bool:
    """Whether an account can have a turf in hand."""
    return person.state != "disabled" and person.actor.may("turfs.print", own=True)


@asks("turfs.see", own=True)
def turfs_in_hand(workspace: Workspace) -> list[Held]:
    """Who has which turf: all of it, or what one has oneself."""
    with reading(open_store(workspace)) as session:
        return assignments.list_held(session, account_id=whose(workspace, "turfs.see"))


@asks("turfs.assign", own=True)
def assign_turf(
    workspace: Workspace, turf_id: str, login: str, *, now: datetime | None = None
) -> Handed:
    """Put a turf into somebody's hands; the same twice is once.

    Who leads a team hands on what they have themselves. Raises TargetingError naming who has it,
    where somebody else does: of two that ask at once, the second is told.
    """
    now, login, turf_id = now or datetime.now(UTC), login_of(login), turf_id.strip().upper()
    actor = workspace.actor

    def give(session: Session) -> Handed:
        held = _in_reach(session, workspace, turf_id)
        person = accounts.find_by_login(session, login)
        if person is None or person.state == "disabled":
            raise TargetingError("no open account has this login: `users list` tells them.")
        if not can_hold(person):
            raise TargetingError(
                f"the role of this account ({person.role}) prints no turfs: give it to another, or "
                "change the role."
            )
        status = assignments.status_of(session, turf_id)
        if status is None:
            raise TargetingError(f"there is no turf {turf_id[:12]}: see the list of turfs.")
        if status not in OPEN:
            raise TargetingError(f"{turf_id} is done or withdrawn: give one that is open.")
        if held is not None and held.account_id == person.id:
            return Handed(turf_id, person.name, is_new=False)
        if held is not None:
            if held.account_id != actor.id:
                raise TargetingError(
                    f"{turf_id} is in the hands of {held.name} already: take it back first."
                )
            _take(session, workspace, held, now)
        assignments.hand_over(session, turf_id, person.id, now)
        audit.record(session, actor, "assign", object=f"{turf_id} {person.id}", now=now)
        return Handed(turf_id, person.name, is_new=True)

    return noting_refusals(workspace, give)


@asks("turfs.assign", own=True)
def take_back(
    workspace: Workspace, turf_id: str, *, seen: int | None = None, now: datetime | None = None
) -> str | None:
    """Take a turf back; gives the name of who had it, nothing where nobody did.

    `seen`: the handing-out that was looked at (`Held.id`): where the turf went to somebody else
    since, TargetingError tells to whom.
    """
    now, turf_id = now or datetime.now(UTC), turf_id.strip().upper()

    def take(session: Session) -> str | None:
        held = _in_reach(session, workspace, turf_id)
        if held is None:
            return None
        if seen is not None and held.id != seen:
            raise TargetingError(
                f"{turf_id} went into the hands of {held.name} meanwhile: look at it again."
            )
        _take(session, workspace, held, now)
        return held.name

    return noting_refusals(workspace, take)


def _take(session: Session, workspace: Workspace, held: Held, now: datetime) -> None:
    assignments.take_out_of_hands(session, held, now)
    told = f"{held.turf_id} {held.account_id}"
    audit.record(session, workspace.actor, "unassign", object=told, now=now)


def _in_reach(session: Session, workspace: Workspace, turf_id: str) -> Held | None:
    """Who has a turf. Raises NotYoursError where who asks deals with their own alone, and it is
    not."""
    held, actor = assignments.holder_of(session, turf_id), workspace.actor
    is_mine = held is not None and held.account_id == actor.id
    if actor.reach("turfs.assign") < Reach.ALL and not is_mine:
        raise NotYoursError(actor.role, "turfs.assign")
    return held
