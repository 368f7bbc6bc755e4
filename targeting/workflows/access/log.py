"""The log of what was done: read by the administrator, looked over, kept twelve months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from targeting.access.roles import Actor
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference.staging import Staging, staged
from targeting.store import accounts, audit
from targeting.store.audit import Line, Verdict
from targeting.store.engine import Session, open_store, reading, write
from targeting.workflows.access.asks import ask

MOST_REVEALS: Final = 500
REVEALS_IN: Final = timedelta(hours=1)
MOST_EXPORTS: Final = 3
EXPORTS_IN: Final = timedelta(days=1)
BRAKES: Final = {"reveal": (MOST_REVEALS, REVEALS_IN), "export": (MOST_EXPORTS, EXPORTS_IN)}
"""What an account may do so often within so long (TRUST SEC-17); beyond, it is refused and told.

`export` is a file of people. Files of places (scores, maps, turfs: open data and what is computed
of it) are `file`, books printed are `print`: written down as well, and never braked."""


ID_LENGTH: Final = 32


class Page(NamedTuple):
    """A page of the log, with the names of the accounts in it: the log itself has none."""

    lines: list[Line]
    names: dict[str, str]
    alerts: int
    """Brakes that were pulled in the last week."""


def read_log(
    workspace: Workspace, actor: Actor, *, before: int | None = None, who: str | None = None,
    acts: Sequence[str] = (), most: int = 100, now: datetime | None = None,
) -> Page:  # fmt: skip
    """The latest lines, newest first."""
    ask(workspace.asked_by(actor), "audit.read")
    since = (now or datetime.now(UTC)) - timedelta(days=7)
    with reading(open_store(workspace)) as session:
        lines = audit.lines_of(session, before=before, actor=who, acts=acts, most=min(most, 200))
        told = {part for line in lines for part in (line.actor, *line.object.split(" "))}
        names = accounts.names_of(session, [part for part in told if len(part) == ID_LENGTH])
        return Page(lines, names, audit.count_all_since(session, "brake", since))


def verify_log(workspace: Workspace, actor: Actor) -> Verdict:
    """Look the whole chain over."""
    ask(workspace.asked_by(actor), "audit.read")
    with reading(open_store(workspace)) as session:
        return audit.verify_chain(session)


def note(
    workspace: Workspace, actor: Actor, act: str, *, object: str = "", count: int = 1,
    reason: str = "", now: datetime | None = None,
) -> None:  # fmt: skip
    """Write down what was read or handed out, before it is; a brake refuses it.

    Raises TargetingError where the account did so too often: that is written down too.
    """
    now = now or datetime.now(UTC)

    def keep(session: Session) -> bool:
        most, within = BRAKES.get(act, (0, timedelta(0)))
        done = audit.count_since(session, actor.id, act, now - within) if most else 0
        pulled = bool(most) and done + count > most
        audit.record(
            session, actor, "brake" if pulled else act,
            object=act if pulled else object, count=count, reason=reason, now=now,
        )  # fmt: skip
        return pulled

    if write(open_store(workspace), keep, quiet=True):
        raise TargetingError(
            "too many in too short a time: this is refused, and the administrator is told. It is "
            "possible again later."
        )


def hand_out(
    workspace: Workspace, what: str, *, action: str = "places.export", act: str = "file",
    count: int = 1,
) -> None:  # fmt: skip
    """Ask whether a file of places may go out, and write down that it does, before it is made.

    `what`: the kind of file (`scores.csv`, `turfs.kml`), never a name somebody gave.
    """
    ask(workspace, action, own=True)
    note(workspace, workspace.actor, act, object=what, count=count)


@contextmanager
def logged_moves(workspace: Workspace, kind: str) -> Iterator[Staging]:
    """Files of an import, written aside and moved in (`reference.staging`): the line that tells of
    it is in the log before they move."""

    def told() -> None:
        note(workspace, workspace.actor, "import", object=kind)

    with staged(workspace, told=told) as staging:
        yield staging
