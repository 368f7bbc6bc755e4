"""A service asks whether who opened the workspace may, before it does anything.

`@asks("turfs.cut")` over a service is the question, asked of `workspace.actor`. What is only *seen*
on the way to something that was allowed is not asked again: who prints their turf reads its doors,
though they may not open the map of scores. What writes, prints or hands out always asks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Final, NamedTuple, TypeVar, cast

from targeting.access.roles import TABLE, Actor, Reach, require
from targeting.config import Workspace
from targeting.errors import ForbiddenError

Done = TypeVar("Done")
Service = TypeVar("Service", bound=Callable[..., Any])

SEEING: Final = ("places.see", "plan.see", "turfs.see")
"""Actions that are part of others: not asked within a service that was allowed."""

MOST_REFUSALS: Final = 20
REFUSALS_IN: Final = timedelta(hours=1)
"""Refusals of one account that are written down: more say nothing more."""

_allowed: ContextVar[Actor | None] = ContextVar("allowed", default=None)


class Asked(NamedTuple):
    """What a service asks: an action, and whether it keeps to what is the actor's own."""

    action: str
    own: bool


def asks(action: str, *, own: bool = False) -> Callable[[Service], Service]:
    """Have a service ask first; its first argument is the workspace.

    `own`: the service itself keeps to what is the actor's own, where their role goes no further
    (`whose`).
    """
    if action not in TABLE:
        raise KeyError(action)

    def decorate(service: Service) -> Service:
        @wraps(service)
        def asking(workspace: Workspace, *args: Any, **kwargs: Any) -> Any:
            if not (action in SEEING and _allowed.get() == workspace.actor):
                ask(workspace, action, own=own)
            token = _allowed.set(workspace.actor)
            try:
                return service(workspace, *args, **kwargs)
            finally:
                _allowed.reset(token)

        asking.asked = Asked(action, own)  # type: ignore[attr-defined]
        return cast(Service, asking)

    return decorate


def ask(workspace: Workspace, action: str, *, own: bool = False) -> None:
    """Raise ForbiddenError unless who opened the workspace may; an account's refusal is written
    down."""
    try:
        require(workspace.actor, action, own=own)
    except ForbiddenError:
        note_refusal(workspace, action)
        raise


def note_refusal(workspace: Workspace, action: str, *, now: datetime | None = None) -> None:
    """Write down that an account was refused, so many times an hour at most."""
    from targeting.store import audit
    from targeting.store.engine import Session, open_store, write

    actor, now = workspace.actor, now or datetime.now(UTC)
    if not actor.is_account or not workspace.exists:
        return

    def keep(session: Session) -> None:
        if audit.count_since(session, actor.id, "refused", now - REFUSALS_IN) < MOST_REFUSALS:
            audit.record(session, actor, "refused", object=action, now=now)

    write(open_store(workspace), keep, quiet=True)


def noting_refusals(workspace: Workspace, work: Callable[[Any], Done]) -> Done:
    """Run `work` in a writing transaction; where it finds that the thing is another's, what it
    wrote is undone, and the refusal is written down."""
    from targeting.store.engine import open_store, write

    try:
        return write(open_store(workspace), work)
    except ForbiddenError as error:
        note_refusal(workspace, error.action)
        raise


def whose(workspace: Workspace, action: str) -> str | None:
    """Whose things an action goes to: the account's own, or (None) everybody's."""
    actor = workspace.actor
    return actor.id if actor.reach(action) == Reach.OWN else None
