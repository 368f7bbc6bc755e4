"""What was done, by whom, to how many, why, when: a chain of lines, no name in it (TRUST PRIV-20).

A line is written in the transaction of what it tells of: one is not there without the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from targeting.access.roles import Actor
from targeting.store.models_access import AuditHead, AuditLine

KEPT: Final = timedelta(days=365)
"""A line is kept twelve months at most (CNIL on logs, TRUST 1.1)."""

NOTHING: Final = "0" * 64
LONGEST_REASON: Final = 200
PIECE: Final = 5_000

ACTS: Final = (
    "first", "invite", "join", "login", "login_refused", "logout", "session_end", "session_end_all",
    "role", "disable", "enable", "renew", "code_set", "code_reset", "refused", "people_read",
    "reveal", "list", "export", "file", "print", "import", "import_undo", "people_change", "object",
    "erase", "purge", "restore", "backup", "assign", "unassign", "override", "settings", "brake",
)  # fmt: skip
"""What a line may tell of."""


@dataclass(frozen=True)
class Line:
    """One line of the log."""

    id: int
    at: datetime
    actor: str
    role: str
    act: str
    object: str
    count: int
    reason: str


class Verdict(NamedTuple):
    """What looking the chain over found: lines looked at, and the first that does not hold."""

    lines: int
    broken_at: int | None
    why: str

    @property
    def is_whole(self) -> bool:
        return self.broken_at is None


def record(
    session: Session, actor: Actor, act: str, *, object: str = "", count: int = 1, reason: str = "",
    now: datetime | None = None,
) -> int:  # fmt: skip
    """Add a line, in the caller's writing transaction; gives its number.

    `object` is an id, a list's number, a kind of file: never a name, a phone, an address. Raises
    ValueError for an act that is not of ACTS.
    """
    if act not in ACTS:
        raise ValueError(f"no act of the log: {act}")
    head = session.get_one(AuditHead, 1)
    at = (now or datetime.now(UTC)).astimezone(UTC)
    line = AuditLine(
        id=head.last + 1, at=at, actor=actor.id, role=actor.role, act=act, object=object[:80],
        count=count, reason=" ".join(reason.split())[:LONGEST_REASON],
    )  # fmt: skip
    line.hash = _hash(head.last_hash, line)
    session.add(line)
    session.execute(
        update(AuditHead).where(AuditHead.id == 1).values(last=line.id, last_hash=line.hash)
    )
    session.flush()
    session.expire(head)
    return line.id


def _hash(before: str, line: AuditLine | Any) -> str:
    told = [
        line.id, line.at.astimezone(UTC).isoformat(timespec="microseconds"), line.actor, line.role,
        line.act, line.object, line.count, line.reason,
    ]  # fmt: skip
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def head_of(session: Session) -> tuple[int, str]:
    """The last line's number and hash."""
    head = session.get_one(AuditHead, 1)
    return head.last, head.last_hash


def holds(session: Session, line_id: int, line_hash: str) -> bool:
    """Whether the log still has the line that was its last once, or has forgotten it since."""
    if line_id < session.get_one(AuditHead, 1).first:
        return True
    return session.scalar(select(AuditLine.hash).where(AuditLine.id == line_id)) == line_hash


class Kept(NamedTuple):
    """A whole log: where it begins and ends (as `audit_head`), and every line's values."""

    head: tuple[int, str, int, str]
    lines: list[tuple[Any, ...]]


KEPT_HEAD: Final = "SELECT first, before_first, last, last_hash FROM audit_head"
KEPT_LINES: Final = (
    "SELECT id, at, actor, role, act, object, count, reason, hash FROM audit ORDER BY id"
)
"""How a log is read whole, on both engines, without a session: see `carry_on`."""


def carry_on(session: Session, kept: Kept) -> bool:
    """Take over the log of the database that goes away, where it goes on from this one's.

    A database that is put back is older: without its later lines nobody could tell what was done
    since. Gives whether it did; a log of another database is left away.
    """
    first, before_first, last, last_hash = kept.head
    known_last, known_hash = head_of(session)
    hashes = {line[0]: line[-1] for line in kept.lines}
    goes_on = known_last < first or hashes.get(known_last) == known_hash
    if last < known_last or not goes_on:
        return False
    session.execute(delete(AuditLine))
    for line in kept.lines:
        at = line[1] if isinstance(line[1], datetime) else datetime.fromisoformat(line[1])
        values = (line[0], at.replace(tzinfo=at.tzinfo or UTC), *line[2:])
        names = ("id", "at", "actor", "role", "act", "object", "count", "reason", "hash")
        session.add(AuditLine(**dict(zip(names, values, strict=True))))
    session.execute(
        update(AuditHead)
        .where(AuditHead.id == 1)
        .values(first=first, before_first=before_first, last=last, last_hash=last_hash)
    )
    session.flush()
    session.expire_all()
    return True


def verify_chain(session: Session) -> Verdict:
    """Look over every line: each holds the hash of those before it, none lacks at either end."""
    head = session.get_one(AuditHead, 1)
    before, expected, seen = head.before_first, head.first, 0
    for line in _all(session):
        if line.id != expected:
            return Verdict(seen, expected, "a line is missing")
        if line.hash != _hash(before, line):
            return Verdict(seen, line.id, "a line was changed")
        before, expected, seen = line.hash, expected + 1, seen + 1
    if expected != head.last + 1 or before != head.last_hash:
        return Verdict(seen, expected, "the end is missing")
    return Verdict(seen, None, "")


def _all(session: Session) -> Iterator[AuditLine]:
    yield from session.scalars(select(AuditLine).order_by(AuditLine.id).execution_options(
        yield_per=PIECE))  # fmt: skip


def lines_of(
    session: Session, *, before: int | None = None, actor: str | None = None,
    acts: Sequence[str] = (), most: int = 100,
) -> list[Line]:  # fmt: skip
    """The latest lines, newest first; `before`: those older than that one."""
    wanted = select(AuditLine).order_by(AuditLine.id.desc()).limit(most)
    if before is not None:
        wanted = wanted.where(AuditLine.id < before)
    if actor is not None:
        wanted = wanted.where(AuditLine.actor == actor)
    if acts:
        wanted = wanted.where(AuditLine.act.in_(acts))
    return [
        Line(x.id, x.at, x.actor, x.role, x.act, x.object, x.count, x.reason)
        for x in session.scalars(wanted)
    ]


def count_since(session: Session, actor: str, act: str, since: datetime) -> int:
    """How many objects an actor did this to since then: what the brakes look at."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(AuditLine.count), 0)).where(
                AuditLine.actor == actor, AuditLine.act == act, AuditLine.at >= since
            )
        )
        or 0
    )


def count_all_since(session: Session, act: str, since: datetime) -> int:
    """How many lines tell of this act since then, whoever did it."""
    wanted = select(func.count()).where(AuditLine.act == act, AuditLine.at >= since)
    return session.scalar(wanted) or 0


def forget_old(session: Session, now: datetime) -> int:
    """Delete the lines that were kept twelve months; the chain begins after them. Gives how many.

    Lines go from the beginning only: where a clock was set back and forth, an old one behind a
    newer one waits for it.
    """
    head = session.get_one(AuditHead, 1)
    kept = session.scalar(select(func.min(AuditLine.id)).where(AuditLine.at >= now - KEPT))
    first = head.last + 1 if kept is None else kept
    if first <= head.first:
        return 0
    gone = first - head.first
    last_gone = session.scalar(select(AuditLine.hash).where(AuditLine.id == first - 1))
    session.execute(
        update(AuditHead)
        .where(AuditHead.id == 1)
        .values(first=first, before_first=last_gone or head.last_hash)
    )
    session.execute(delete(AuditLine).where(AuditLine.id < first))
    session.expire_all()
    return gone
