"""Open the database of a workspace: its own one, whole, its schema up to date.

A database that is gone, or is another one, is never taken for a new campaign. A damaged one is left
as it is. On a disk that is full or read only, what is there is still read.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference import checksums
from targeting.reference.manifest import changed_manifest, read_manifest, write_manifest
from targeting.store import cipher, cipher_engine, rights, swap
from targeting.store.disks import disk_trouble
from targeting.store.models import Campaign, StoreMark

GUARDED: Final = ("campaign", "turf_cut", "turf", "turf_door", "visit", "visit_undone", "contact")
"""Tables whose rows are kept a second time, in an index of all columns: see `guard_rows`."""

GUARD: Final = "whole_"

WHOLE_BYTES: Final = 48 * 2**20
"""Up to this size a database is looked at row by row whenever it is new to us (0.7 s for 100,000
visits); a larger one at most once in LOOK_AGAIN, and by `quick_check` (0.7 s a million) between."""

LOOK_AGAIN: Final = 3600.0

CODE: Final = "S{:04d}"

_homes: dict[str, Path] = {}
"""Which workspace each database of this process belongs to, by the database's address."""


def database_file(workspace: Workspace) -> Path | None:
    """The SQLite file of a workspace; nothing where the database is a server's."""
    url = _url(workspace)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database)


def _url(workspace: Workspace) -> URL:
    return make_url(workspace.database_url)


def where(workspace: Workspace) -> dict[str, str]:
    """The engine and place of the database, without user or password."""
    file, url = database_file(workspace), _url(workspace)
    if file is not None:
        inside = file.is_relative_to(workspace.root)
        place = file.relative_to(workspace.root) if inside else file
        return {"engine": "sqlite", "where": str(place)}
    host = url.host or url.query.get("host", "")
    return {"engine": url.get_backend_name(), "where": f"{host}/{url.database or ''}"}


def schema_revision(connection: Connection) -> str | None:
    """The last migration that this database has had; None before the first.

    Asked of the table that Alembic keeps, without Alembic.
    """
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


# -- gone, or another ------------------------------------------------------------------------------


def refuse_gone(workspace: Workspace) -> None:
    """Raise WorkspaceError if the workspace had a database and its file is gone or empty."""
    file = database_file(workspace)
    known = read_manifest(workspace).get("database")
    if file is None:
        return
    empty = not file.exists() or file.stat().st_size == 0
    log = file.with_name(file.name + "-wal")
    if empty and (known is not None or (log.exists() and log.stat().st_size > 0)):
        raise WorkspaceError(_way_out(workspace, f"{file.name} is gone or empty"))


def refuse_unfit(workspace: Workspace) -> None:
    """See that the database's file and the passphrase go together, and close it off from others.

    Raises WorkspaceError if they do not (`cipher.fit`).
    """
    file, manifest = database_file(workspace), read_manifest(workspace)
    if file is not None:
        is_new = manifest.get("database") is None and (not file.exists() or not file.stat().st_size)
        cipher.fit(file, is_demo=manifest["kind"] == "demo", is_new=is_new)
    rights.close_off(workspace.root, file)


def encrypted_from_the_start(workspace: Workspace, passphrase: str) -> None:
    """Give the database of a new workspace its key. Raises WorkspaceError where there is one."""
    file = database_file(workspace)
    if file is None or (file.exists() and file.stat().st_size):
        raise WorkspaceError(
            f"{workspace.root} has its database already: a file is encrypted by `encrypt`, phones "
            "on a server by RELANCE_COLUMN_KEY."
        )
    if not cipher.is_keyed(file):
        cipher.make_key(file, passphrase)


def keep_identity(workspace: Workspace, engine: Engine) -> None:
    """Compare the database with the one remembered, and remember it the first time.

    Raises WorkspaceError if it is another one.
    """
    manifest = read_manifest(workspace)
    known = manifest.get("database")
    with engine.connect() as connection:
        store_id = connection.scalar(select(StoreMark.store_id))
        next_turf = connection.scalar(select(Campaign.next_turf)) or 1
    if store_id is None:
        raise WorkspaceError(_way_out(workspace, "the database has lost its own id"))
    if known is not None and known["id"] != store_id:
        raise WorkspaceError(_way_out(workspace, "the database here is another one"))
    changed_manifest(
        workspace.root, database={**where(workspace), "id": store_id}, next_turf=next_turf
    )


def refuse_other(workspace: Workspace, connection: Connection) -> None:
    """Raise WorkspaceError if the workspace had a database and this one is empty or another.

    Asked before the schema is brought up to date: another's database is left as it is.
    """
    known = read_manifest(workspace).get("database")
    if known is None:
        return
    if not inspect(connection).has_table(StoreMark.__tablename__):
        if not inspect(connection).has_table(Campaign.__tablename__):
            raise WorkspaceError(_way_out(workspace, "the database here is empty"))
        raise WorkspaceError(_way_out(workspace, "the database here is an older one"))
    if connection.scalar(select(StoreMark.store_id)) != known["id"]:
        raise WorkspaceError(_way_out(workspace, "the database here is another one"))


def _way_out(workspace: Workspace, found: str) -> str:
    manifest = read_manifest(workspace)
    known = manifest.get("database") or where(workspace)
    code = CODE.format(manifest.get("next_turf", 1))
    return (
        f"{found}: {workspace.root} had its turfs and visits in {known['where']} "
        f"({known['engine']}). Put it back (a backup of it; RELANCE_DATABASE_URL for a team's), or "
        f"begin again without them by `python -m targeting init --new-database`: codes of turfs "
        f"go on at {code}, so that paper out in the street is not taken for other buildings."
    )


def forget_database(workspace: Workspace) -> Path | None:
    """Let the workspace have a new database; gives where what was there is kept, if it was there.

    Codes of turfs go on from the highest one remembered.
    """
    manifest = read_manifest(workspace)
    manifest.pop("database", None)
    file, kept = database_file(workspace), None
    if file is not None and file.exists():
        stem = time.strftime("relance-%Y%m%d-%H%M%S", time.gmtime())
        kept = workspace.root / "backups" / f"{stem}.db"
        kept.parent.mkdir(exist_ok=True)
        for ending in ("", "-wal", "-shm"):
            part = file.with_name(file.name + ending)
            if part.exists():
                part.rename(kept.with_name(kept.name + ending))
    write_manifest(workspace.root, manifest)
    return kept


# -- codes -----------------------------------------------------------------------------------------


def remember_home(workspace: Workspace, engine: Engine) -> None:
    """Know whose database this is when codes are given."""
    _homes[str(engine.url)] = workspace.root


def first_free_code(bind: Any, wanted: int) -> int:
    """The number from which codes go on: the database's, or the manifest's if it is higher."""
    home = _homes.get(str(bind.engine.url))
    if home is None:
        return wanted
    return max(wanted, int(read_manifest(Workspace(home)).get("next_turf", 1)))


def remember_codes(bind: Any, next_turf: int) -> None:
    """Write down in the manifest how far codes go, before the database says so for good."""
    home = _homes.get(str(bind.engine.url))
    if home is not None:
        changed_manifest(home, next_turf=next_turf)


# -- damage ----------------------------------------------------------------------------------------


def guard_rows(engine: Engine) -> None:
    """Keep the rows a second time, in an index of all their columns: SQLite's `integrity_check`
    compares the two, and sees a changed byte wherever it is. (PostgreSQL has checksums itself.)"""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        missing = _missing_guards(connection)
    if missing:
        with engine.execution_options(writes=True, schema=True).begin() as connection:
            drop_guards(connection)
            for name, table, columns in _guards(connection):
                connection.exec_driver_sql(f"CREATE INDEX {name} ON {table} ({columns})")


def drop_guards(connection: Connection) -> None:
    """Take the second copy away: a migration changes the tables under it."""
    if connection.dialect.name != "sqlite":
        return
    for name in _guard_names(connection):
        connection.exec_driver_sql(f'DROP INDEX "{name}"')


def _guard_names(connection: Connection) -> set[str]:
    rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index'")
    return {str(name) for (name,) in rows if str(name).startswith(GUARD)}


def _missing_guards(connection: Connection) -> set[str]:
    return {name for name, _, _ in _guards(connection)} ^ _guard_names(connection)


def _guards(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Name, table and columns of each: the name changes with the columns."""
    for table in GUARDED:
        found = connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
        columns = ", ".join(f'"{row[1]}"' for row in found)
        digest = hashlib.sha256(columns.encode()).hexdigest()[:8]
        if columns:
            yield f"{GUARD}{table}_{digest}", table, columns


def check_integrity(engine: Engine) -> str:
    """`ok`, or what SQLite finds wrong with its file, row by row; `ok` on other engines."""
    return _integrity(engine, "integrity_check")


def _integrity(engine: Engine, pragma: str) -> str:
    if engine.dialect.name != "sqlite":
        return "ok"
    with engine.connect() as connection:
        said = str(connection.execute(text(f"PRAGMA {pragma}(1)")).scalar())
        broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if said == "ok" and broken:
        return f"a row of {broken[0]} speaks of none of {broken[2]}"
    return said


def refuse_damaged(workspace: Workspace, engine: Engine) -> None:
    """Look the database over if its file is new to us. Raises WorkspaceError if it is damaged."""
    file = database_file(workspace)
    if file is None:
        return
    now, name = checksums.stamp(file), file.name
    last = checksums.remembered(workspace, name)
    if last is not None and last[0] == now:
        return
    looked_at = checksums.remembered(workspace, f"{name} (every row)")
    recently = looked_at is not None and time.time() - looked_at[0][0] < LOOK_AGAIN
    whole = now[0] <= WHOLE_BYTES or not recently
    said = _integrity(engine, "integrity_check" if whole else "quick_check")
    if said != "ok":
        raise WorkspaceError(damaged(workspace, said))
    checksums.remember(workspace, name, checksums.stamp(file), "ok")
    if whole:
        checksums.remember(workspace, f"{name} (every row)", [int(time.time())], "ok")


def damaged(workspace: Workspace, said: str) -> str:
    """What to do about a damaged database."""
    return (
        f"the database of {workspace.root} is damaged ({' '.join(said.split())[:120]}). It is left "
        "as it is: restore a backup of relance.db, or save what can still be read with "
        "`sqlite3 relance.db .recover`; the open data beside it is whole."
    )


# -- a disk that is full or read only --------------------------------------------------------------


@lru_cache(maxsize=8)
def read_only_engine(file: Path) -> Engine:
    """The database as it lies on a disk where SQLite cannot write its side files."""
    url = URL.create(
        "sqlite",
        database=f"file:{file.as_posix().replace('?', '%3f').replace('#', '%23')}",
        query={"mode": "ro", "immutable": "1", "uri": "true"},
    )
    engine = cipher_engine.with_key(
        create_engine(url, poolclass=NullPool, **cipher_engine.options(file)), file
    )

    @event.listens_for(engine, "connect")
    def _habits(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA query_only=ON")

    return engine


def readable_anyway(workspace: Workspace, error: BaseException) -> Engine | None:
    """An engine that only reads, where the disk is full or read only; nothing where it is not that.

    Raises WorkspaceError where the last changes are in a side file that cannot be read so.
    """
    file = database_file(workspace)
    trouble = disk_trouble(error, workspace.root)
    if file is None or trouble is None or not file.exists():
        return None
    log = file.with_name(file.name + "-wal")
    if log.exists() and log.stat().st_size > 0:
        raise WorkspaceError(
            f"{trouble} The last visits are in {log.name}, which cannot be read until then."
        ) from error
    engine = read_only_engine(file)
    with engine.connect() as connection:
        schema_revision(connection)
        if not inspect(connection).has_table(StoreMark.__tablename__):
            raise WorkspaceError(f"{trouble} The database is of an older Relance.") from error
    return engine


@contextmanager
def told(workspace: Workspace) -> Iterator[None]:
    """What goes wrong with the database, in words that fit: the disk, the server, or damage."""
    try:
        yield
    except (ArgumentError, NoSuchModuleError) as error:
        raise WorkspaceError(
            f"the database of {workspace.root} cannot be opened (not a database address): check "
            "RELANCE_DATABASE_URL."
        ) from error
    except SQLAlchemyError as error:
        raise WorkspaceError(told_trouble(workspace, error)) from error
    except cipher.errors("Error") as error:
        raise WorkspaceError(told_trouble(workspace, error)) from error


def told_trouble(workspace: Workspace, error: BaseException) -> str:
    """What went wrong with the database, and the way out."""
    if (trouble := disk_trouble(error, workspace.root)) is not None:
        return trouble
    lines = str(getattr(error, "orig", None) or error).splitlines() or [""]
    reason = " ".join(lines[0].split())[:120]  # the next lines may hold a row
    if database_file(workspace) is None:
        return (
            f"the database server of {workspace.root} went away, or refuses us ({reason}): what "
            "was being written is not kept, what was before is. Try again when it answers; check "
            "RELANCE_DATABASE_URL."
        )
    if "locked" in reason or "busy" in reason:
        return f"the database of {workspace.root} is busy: try again in a moment."
    if "not a database" in reason and swap.was_just_put_in(workspace.root):
        return (
            f"the database of {workspace.root} was replaced meanwhile (restored, encrypted, or "
            "given another key): what was being written is not kept. Try again."
        )
    return damaged(workspace, reason)


def named_trouble(workspace: Workspace, error: Exception) -> str | None:
    """What the disk or the database said during a command, in words; nothing for a fault of ours.

    A constraint that was broken is a fault of ours.
    """
    if isinstance(error, OSError):
        return disk_trouble(error, workspace.root)
    if isinstance(error, (OperationalError, *cipher.errors("OperationalError"))):
        return told_trouble(workspace, error)
    if isinstance(error, (DatabaseError, *cipher.errors("DatabaseError"))) and (
        "malformed" in str(error) or "not a database" in str(error)
    ):
        return told_trouble(workspace, error)
    return disk_trouble(error, workspace.root)
