"""Who was erased, or objected: remembered so that no older copy brings them back (PRIV-06, 13).

A stone is a keyed mark (HMAC) and a day: it says nothing of anybody, and yet tells the same person
again. Stones stand in `erased.log` beside the database, a line each, chained, which outlives a
restore; and in the table `tombstone`. `erased.key` makes the marks: it goes with the folder, and is
in each backup.

For whoever builds rights upon it: `mark(secret, kind, what)` of a contact's id, or of a phone, an
e-mail, a name with its address in one spelling; `note` before the transaction that acts, `record`
in it; `is_marked` at each import; `store.erasing.erase` does it all for one contact.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.checksums import Stamp, stamp
from targeting.reference.staging import sync_folder
from targeting.store.models import TOMBSTONES, Contact, Tombstone
from targeting.store.personal import erase_person

LOG: Final = "erased.log"
KEY: Final = "erased.key"
KEY_BYTES: Final = 32
LOOKED_UP: Final = 5000


class Stone(NamedTuple):
    """One that was erased (`erased`), or objected (`objection`)."""

    kind: str
    mark: str
    noted_on: date


# -- marks -----------------------------------------------------------------------------------------


def secret_of(workspace: Workspace) -> bytes:
    """What marks are made with; drawn the first time. Raises WorkspaceError if it is damaged, or
    gone where stones are."""
    path = workspace.root / KEY
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        if (workspace.root / LOG).exists():
            raise WorkspaceError(
                f"{path} is gone, and with it what tells erased people again: put it back (it is "
                "in each backup: `restore FILE`)."
            ) from None
        return keep_secret(workspace, secrets.token_bytes(KEY_BYTES))
    except (OSError, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise WorkspaceError(f"{path} is damaged: put it back from a copy.")
    return secret


def keep_secret(workspace: Workspace, secret: bytes) -> bytes:
    """Write the secret where there is none; gives the one that is there."""
    path = workspace.root / KEY
    draft = path.with_name(f".{KEY}-{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:  # another process was quicker
        return secret_of(workspace)
    except OSError:  # a disk without links
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return secret


def mark(secret: bytes, kind: str, what: str) -> str:
    """The mark of a contact's id (`erased`), or of what was objected for."""
    return hmac.digest(secret, f"{kind}\0{what}".encode(), hashlib.sha256).hex()


_seen: dict[Path, tuple[Stamp, list[Stone]]] = {}
"""Logs that this process has read, by their stamp: asked at each opening."""


# -- the log ---------------------------------------------------------------------------------------


def read_stones(workspace: Workspace) -> list[Stone]:
    """The stones of the log, in order. Raises WorkspaceError if a line was changed or taken out.

    A last line that a crash cut short is no stone: whatever it announced was not done.
    """
    path = workspace.root / LOG
    if not path.exists():
        return []
    now = stamp(path)
    before = _seen.get(path)
    if before is None or before[0] != now:
        _seen[path] = now, _read(path, secret_of(workspace))[0]
    return list(_seen[path][1])


def _read(path: Path, secret: bytes) -> tuple[list[Stone], str, int]:
    """The stones, the last link of the chain, and how far the whole lines go."""
    content = path.read_bytes()
    stones, link, until = [], "", 0
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            break
        try:
            facts = json.loads(line)
            stone = Stone(facts["kind"], facts["mark"], date.fromisoformat(facts["on"]))
            link = _link(secret, link, stone)
            sound = hmac.compare_digest(link, str(facts["link"])) and stone.kind in TOMBSTONES
        except (ValueError, TypeError, KeyError):
            sound = False
        if not sound:
            raise WorkspaceError(
                f"{path}, line {number}: it was changed, or one before it taken out: put {LOG} "
                "back from a copy, or take the line and what follows away to go on without."
            )
        stones.append(stone)
        until += len(line)
    return stones, link, until


def _link(secret: bytes, before: str, stone: Stone) -> str:
    said = f"{before}|{stone.kind}|{stone.mark}|{stone.noted_on.isoformat()}"
    return hmac.digest(secret, said.encode(), hashlib.sha256).hex()


def note(workspace: Workspace, stones: Iterable[Stone]) -> int:
    """Write stones down for good, those not there yet: before the database is changed, so that a
    crash in between leaves a person twice to be erased, never brought back. Gives how many."""
    secret, path = secret_of(workspace), workspace.root / LOG
    with _one_writer(path) as file:
        known, link, until = _read(path, secret)
        marks = {stone.mark for stone in known}
        fresh = [s for s in dict.fromkeys(stones) if s.mark not in marks]
        lines = []
        for stone in fresh:
            link = _link(secret, link, stone)
            facts = {"kind": stone.kind, "mark": stone.mark, "on": stone.noted_on.isoformat()}
            lines.append(json.dumps({**facts, "link": link}) + "\n")
        os.ftruncate(file, until)
        os.lseek(file, until, os.SEEK_SET)
        _write_whole(file, "".join(lines).encode())
        os.fsync(file)
    sync_folder(workspace.root)
    return len(fresh)


def _write_whole(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


@contextmanager
def _one_writer(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


# -- the database ----------------------------------------------------------------------------------


def record(session: Session, stones: Iterable[Stone]) -> None:
    """Have the database know these stones too."""
    wanted = {stone.mark: stone for stone in stones}
    known = {stone.mark for stone in stones_in(session)}
    session.add_all(
        Tombstone(mark=s.mark, kind=s.kind, noted_on=s.noted_on)
        for s in wanted.values()
        if s.mark not in known
    )
    session.flush()


def stones_in(session: Session) -> list[Stone]:
    """The stones that the database knows."""
    rows = session.execute(select(Tombstone.kind, Tombstone.mark, Tombstone.noted_on))
    return [Stone(*row) for row in rows]


def is_marked(session: Session, marks: Collection[str]) -> set[str]:
    """Those of the marks that stand on a stone."""
    asked, found = list(marks), set()
    for start in range(0, len(asked), LOOKED_UP):
        part = asked[start : start + LOOKED_UP]
        found |= set(session.scalars(select(Tombstone.mark).where(Tombstone.mark.in_(part))))
    return found


def replay(session: Session, stones: Collection[Stone], secret: bytes) -> int:
    """Erase again whom a database of before brought back, and have it know all stones; gives how
    many were erased."""
    erased = {stone.mark for stone in stones if stone.kind == "erased"}
    back = [c for c in session.scalars(select(Contact.id)) if mark(secret, "erased", c) in erased]
    for contact_id in back:
        erase_person(session, contact_id)
    record(session, stones)
    return len(back)
