"""What a SQLite database holds, at one moment: counted, hashed, and written to another file."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from targeting.errors import WorkspaceError
from targeting.store import cipher, swap

FETCHED: Final = 10_000


@dataclass(frozen=True)
class Facts:
    """What was found in a database: by these a copy is known to be whole.

    `store_id` is empty before schema 0005.
    """

    revision: str
    store_id: str
    next_turf: int
    rows: dict[str, int]
    hashes: dict[str, str]


def facts_of(connection: Any) -> Facts:
    """Count and hash each table, rows in the order of their key; the caller holds one moment.

    Raises WorkspaceError where it is no database of ours.
    """
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " ORDER BY name"
        )
    ]
    if not {"alembic_version", "campaign"} <= set(tables):
        raise WorkspaceError("this database is not one of a campaign.")
    rows, hashes = {}, {}
    for table in tables:
        rows[table], hashes[table] = _hashed(connection, table)
    return Facts(
        str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]),
        _store_id(connection) if "store_mark" in tables else "",
        int((connection.execute("SELECT next_turf FROM campaign").fetchone() or (1,))[0]),
        rows,
        hashes,
    )


def _store_id(connection: Any) -> str:
    return str(connection.execute("SELECT store_id FROM store_mark").fetchone()[0])


def _hashed(connection: Any, table: str) -> tuple[int, str]:
    columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    keys = [c[1] for c in sorted(columns, key=lambda c: c[5]) if c[5]]
    order = ", ".join(f'"{name}"' for name in keys or [c[1] for c in columns])
    digest, count = hashlib.sha256(), 0
    cursor = connection.execute(f'SELECT * FROM "{table}" ORDER BY {order}')  # noqa: S608
    while found := cursor.fetchmany(FETCHED):
        digest.update(repr(found).encode("utf8", "surrogatepass"))
        count += len(found)
    return count, digest.hexdigest()


def copy_to(connection: Any, target: Path, key: str) -> Facts:
    """Write all of it, of one moment, to `target` under `key`; gives what was there.

    Of an encrypted file, nothing stands on the disk plain; of a plain one, a copy beside `target`
    does until it is written over. Raises WorkspaceError where the file is none of a campaign.
    """
    if not isinstance(connection, sqlite3.Connection):
        return export(connection, target, key)
    plain = target.with_name(f"{target.name}-plain")
    _make(plain)
    try:
        connection.execute("BEGIN")
        facts = facts_of(connection)
        with closing(sqlite3.connect(plain)) as out:
            connection.backup(out)
        connection.execute("ROLLBACK")
        with closing(cipher.apart(str(plain), "", isolation_level=None)) as copied:
            export(copied, target, key)
    finally:
        swap.wipe(plain)
    return facts


def _make(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def export(connection: Any, target: Path, key: str) -> Facts:
    """To a file of another key, by SQLCipher's library; gives what was there."""
    _make(target)
    connection.execute("ATTACH ? AS copy KEY ?", (str(target), key))
    try:
        connection.execute("BEGIN")
        facts = facts_of(connection)
        connection.execute("SELECT sqlcipher_export('copy')").fetchall()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("DETACH copy")
    return facts


def look_at(file: Path, key: str) -> Facts:
    """What a copy holds, once every page of it was looked at.

    Raises WorkspaceError where it is damaged, or the key another.
    """
    connection = cipher.apart(file.as_uri() + "?mode=ro", key, isolation_level=None, uri=True)
    try:
        connection.execute("BEGIN")
        said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        lost = connection.execute("PRAGMA foreign_key_check").fetchone()
        if said != "ok" or lost:
            raise WorkspaceError(f"{file.name} is damaged: it is not whole.")
        return facts_of(connection)
    except cipher.library().DatabaseError as error:
        raise WorkspaceError(f"{file.name} is damaged: it cannot be read.") from error
    finally:
        connection.close()


def present(file: Path) -> Any:
    """A connection to the workspace's own database as it is, plain or encrypted."""
    master = cipher.master_of(file)
    key = cipher.raw_key(master) if master is not None else ""
    connection = cipher.connect(str(file), key, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=5000")
    return connection
