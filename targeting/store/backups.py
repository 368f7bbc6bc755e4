"""Backups of the campaign's database: taken, restored aside and checked, put back.

A backup is one file in `backups/` (`strongbox`), under a key that is not the database's. In it are,
of one moment, SQLite's content as an encrypted file under a key of its own (`sqlcipher_export`: no
page of it is ever plain on the disk, and an older passphrase of the database plays no part), or
PostgreSQL's `pg_dump -Fc`; and before it what must be found in it again: rows, their hashes, the
schema. It is called a backup once it was put up aside and all of that was found.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import URL

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.manifest import read_manifest
from targeting.reference.staging import sync_folder
from targeting.store import (
    cipher,
    opening,
    passphrases,
    postgres_copies,
    snapshots,
    strongbox,
    swap,
)
from targeting.store.cipher import Cost
from targeting.store.snapshots import Facts
from targeting.store.swap import Step

KEY_FILE: Final = "backups.key"
REASONS: Final = ("asked", "daily", "import", "migration", "purge", "restore", "key")


@dataclass(frozen=True)
class Backup:
    """One backup that was checked."""

    path: Path
    made_at: datetime
    reason: str
    facts: Facts


@dataclass(frozen=True)
class Inside:
    """What a backup says of itself, once it opens."""

    engine: str
    made_at: str
    reason: str
    kind: str
    facts: Facts
    key: str
    erased_key: str


# -- keys ------------------------------------------------------------------------------------------


def _key_to_take(workspace: Workspace) -> tuple[dict[str, Any], bytes]:
    """The head of a new backup, and its key: of the passphrase for backups, else of the
    workspace's, else of a file that is made the first time."""
    given = passphrases.given(passphrases.BACKUP_PASSPHRASE)
    if given is not None:
        sheet, master = cipher.new_sheet(given)
        return _by_passphrase(sheet.salt, sheet.cost), cipher.key_for(master, "backups")
    file = opening.database_file(workspace)
    master_ = cipher.master_of(file) if file is not None else None
    own = cipher.read_sheet(file) if file is not None else None
    if master_ is not None and own is not None:
        return _by_passphrase(own.salt, own.cost), cipher.key_for(master_, "backups")
    key = _file_key(workspace, make=True)
    return {"by": "key_file", "id": hashlib.sha256(key).hexdigest()[:16]}, key


def _by_passphrase(salt: str, cost: Cost) -> dict[str, Any]:
    return {"by": "passphrase", "salt": salt, **asdict(cost)}


def _file_key(workspace: Workspace, *, make: bool = False) -> bytes:
    path = workspace.root / KEY_FILE
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        if not make:
            raise WorkspaceError(
                f"this backup opens with {KEY_FILE}, which is not in {workspace.root}: put there "
                "the one of the workspace that it was taken of."
            ) from None
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return _file_key(workspace)
    except (OSError, ValueError):
        key = b""
    if len(key) != 32:
        raise WorkspaceError(f"{path} is damaged: put it back from a copy.")
    return key


def key_to_open(workspace: Workspace, path: Path, head: dict[str, Any]) -> bytes:
    """The key of a backup. Raises WorkspaceError where no passphrase or file at hand gives it."""
    if head.get("by") == "key_file":
        key = _file_key(workspace)
        if not strongbox.opens(key, head):
            raise WorkspaceError(
                f"{path.name} does not open with this {KEY_FILE}: it is of another workspace, or "
                "damaged. Nothing was changed."
            )
        return key
    try:
        salt, cost = (
            bytes.fromhex(head["salt"]),
            Cost(*(int(head[n]) for n in asdict(cipher.CHEAPEST))),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise strongbox.damaged(path) from error
    bounds = zip(
        *(asdict(c).values() for c in (cipher.CHEAPEST, cost, cipher.DEAREST)), strict=True
    )
    if not all(a <= b <= c for a, b, c in bounds) or len(salt) != 16:
        raise strongbox.damaged(path)
    for given in _passphrases():
        key = cipher.key_for(cipher.master_key(given, salt, cost), "backups")
        if strongbox.opens(key, head):
            return key
    raise WorkspaceError(
        f"{path.name} does not open: give the passphrase that it was taken under "
        "(RELANCE_BACKUP_PASSPHRASE; the workspace's of that day), or it is damaged. Nothing was "
        "changed."
    )


def _passphrases() -> Iterator[str]:
    for name in (passphrases.BACKUP_PASSPHRASE, passphrases.PASSPHRASE):
        if (given := passphrases.given(name)) is not None:
            yield given
    if (told := passphrases.asked()) is not None:
        yield told


# -- take ------------------------------------------------------------------------------------------


def take(workspace: Workspace, reason: str, *, step: Step = swap.nothing) -> Backup:
    """Take a backup, put it up aside, and look whether it is what it was taken of.

    Raises WorkspaceError where it is not: nothing is called a backup then.
    """
    root, now = workspace.required().root, datetime.now(UTC)
    swap.finish_if_needed(root)
    with opening.told(workspace), swap.aside_of(root) as aside:
        head, master = _key_to_take(workspace)
        box = aside / "box"
        facts = _pack(workspace, box, head, master, now, reason, aside)
        step("packed")
        with put_up(workspace, box, master, aside) as up:
            if up.found != facts or up.inside.facts != facts:
                raise WorkspaceError(
                    "the backup that was just taken is not what the database holds: it was thrown "
                    "away. Look at the disk, then take it anew."
                )
        step("checked")
        path = _named(root / "backups", now, reason)
        os.replace(box, path)
        sync_folder(path.parent)
    return Backup(path, now, reason, facts)


def _named(folder: Path, now: datetime, reason: str) -> Path:
    stem = f"relance-{now:%Y%m%d-%H%M%S}-{reason}"
    path, number = folder / f"{stem}.backup", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.backup"
    return path


def _pack(
    workspace: Workspace, box: Path, head: dict[str, Any], master: bytes, now: datetime,
    reason: str, aside: Path,
) -> Facts:  # fmt: skip
    from targeting.store import tombstones

    kind = read_manifest(workspace)["kind"]
    erased_key = tombstones.secret_of(workspace).hex()
    said = partial(Inside, made_at=now.isoformat(), reason=reason, kind=kind, erased_key=erased_key)
    file = opening.database_file(workspace)
    with strongbox.Writer(box, master, head) as out:
        if file is None:
            told: list[Facts] = []

            def tell(facts: Facts) -> None:
                told.append(facts)
                _write_inside(out, said(engine="postgresql", facts=facts, key=""))

            postgres_copies.dump(workspace.database_url, out.write, tell)
            return told[0]
        key, copy = f"x'{secrets.token_hex(32)}'", aside / "copy.db"
        connection = snapshots.present(file)
        try:
            facts = snapshots.copy_to(connection, copy, key)
        finally:
            connection.close()
        _write_inside(out, said(engine="sqlite", facts=facts, key=key))
        with open(copy, "rb") as content:
            while part := content.read(strongbox.PIECE):
                out.write(part)
        copy.unlink()
    return facts


def _write_inside(out: strongbox.Writer, inside: Inside) -> None:
    text = json.dumps(asdict(inside)).encode()
    out.write(struct.pack(">I", len(text)) + text)


# -- open ------------------------------------------------------------------------------------------


def _unpacked(path: Path, master: bytes) -> tuple[Inside, Iterator[bytes]]:
    """What a backup says of itself, and its content piece by piece."""
    parts = strongbox.pieces(path, master)
    start = next(parts)
    (length,) = struct.unpack(">I", start[:4])
    while len(start) < 4 + length:
        start += next(parts)
    facts = json.loads(start[4 : 4 + length])
    inside = Inside(**{**facts, "facts": Facts(**facts["facts"])})

    def content() -> Iterator[bytes]:
        yield start[4 + length :]
        yield from parts

    return inside, content()


@dataclass(frozen=True)
class PutUp:
    """A backup restored to a place of its own: what it says of itself, and what is found there.

    `place` is its file, or the address of its database on the server.
    """

    inside: Inside
    found: Facts
    place: Path | URL


@contextmanager
def put_up(workspace: Workspace, path: Path, master: bytes, aside: Path) -> Iterator[PutUp]:
    """Restore a backup into `aside`, or a database beside the server's own: gone at the end.

    Raises WorkspaceError where it is damaged, or of another engine.
    """
    inside, content = _unpacked(path, master)
    if inside.engine == "sqlite":
        copy = aside / "copy.db"
        with open(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            out.writelines(content)
        yield PutUp(inside, snapshots.look_at(copy, inside.key), copy)
        return
    if opening.database_file(workspace) is not None:
        raise WorkspaceError(
            f"{path.name} was taken of a PostgreSQL server: give its address "
            "(RELANCE_DATABASE_URL), then try again."
        )
    with postgres_copies.beside(workspace.database_url) as url:
        postgres_copies.fill(url, content)
        yield PutUp(inside, postgres_copies.facts_at(url), url)
