"""A team's PostgreSQL, dumped and put back by its own programs, of one moment (pg_dump -Fc)."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from targeting.errors import WorkspaceError
from targeting.store.snapshots import Facts

PIECE: Final = 2**20


def url_of(address: str) -> URL:
    """The address as SQLAlchemy takes it."""
    if address.startswith(("postgres://", "postgresql://")):
        address = "postgresql+psycopg://" + address.split("://", 1)[1]
    return make_url(address)


@contextmanager
def _connected(url: URL, level: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, isolation_level=level)
    with engine.connect() as connection:
        yield connection


def facts_of(connection: Connection) -> Facts:
    """Count and hash each table, of the moment that the connection sees."""
    tables = sorted(inspect(connection).get_table_names())
    if not {"alembic_version", "campaign"} <= set(tables):
        raise WorkspaceError("this database is not one of a campaign.")
    rows, hashes = {}, {}
    cursor = connection.connection.cursor()
    for table in tables:
        digest = hashlib.sha256()
        query = f'COPY (SELECT t.* FROM "{table}" t ORDER BY t::text COLLATE "C") TO STDOUT'  # noqa: S608
        with cursor.copy(query) as copy:
            for part in copy:
                digest.update(part)
        counted = connection.scalar(text(f'SELECT count(*) FROM "{table}"'))  # noqa: S608
        rows[table], hashes[table] = int(counted or 0), digest.hexdigest()
    return Facts(
        str(connection.scalar(text("SELECT version_num FROM alembic_version"))),
        _store_id(connection) if "store_mark" in tables else "",
        int(connection.scalar(text("SELECT next_turf FROM campaign")) or 1),
        rows,
        hashes,
    )


def _store_id(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT store_id FROM store_mark")))


def dump(address: str, write: Callable[[bytes], object], told: Callable[[Facts], object]) -> None:
    """Dump a database: `told` is given what is in it, then `write` the dump, both of one moment."""
    url = url_of(address)
    with _connected(url, "REPEATABLE READ") as connection:
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        told(facts_of(connection))
        _run_dump(url, write, "--snapshot", str(snapshot))


def copy_over(source: URL, address: str) -> None:
    """Put what one database holds in another's place, in one transaction of the other: all of it,
    or nothing. Raises WorkspaceError where it cannot be."""
    target = url_of(address)
    command = [_program("pg_dump"), "-Fc", "--no-owner", "--no-privileges", *_place(source)]
    with _started(command, source, stdout=subprocess.PIPE) as dumped:
        assert dumped.stdout is not None
        with _started([*_restore(), "--clean", "--if-exists", *_place(target)], target,
                      stdin=dumped.stdout) as restored:  # fmt: skip
            dumped.stdout.close()
            _ended(restored, "pg_restore")
        _ended(dumped, "pg_dump")


@contextmanager
def no_writer(address: str, key: int) -> Iterator[None]:
    """Have all writers of a database wait until the end: they take this lock first."""
    with _connected(url_of(address), "AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        yield


def _run_dump(url: URL, write: Callable[[bytes], object], *more: str) -> None:
    command = [_program("pg_dump"), "-Fc", "--no-owner", "--no-privileges", *more]
    with _started([*command, *_place(url)], url, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while part := process.stdout.read(PIECE):
            write(part)
        _ended(process, "pg_dump")


@contextmanager
def beside(address: str) -> Iterator[URL]:
    """A database of its own on the same server, dropped at the end.

    Raises WorkspaceError where the role may not make one.
    """
    url, name = url_of(address), f"relance_check_{uuid.uuid4().hex[:12]}"
    with _connected(url, "AUTOCOMMIT") as admin:
        try:
            admin.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
        except DBAPIError as error:
            raise WorkspaceError(
                "the server's role may not make a database, in which a backup is checked: "
                "`ALTER ROLE … CREATEDB`, then try again."
            ) from error
        try:
            yield url.set(database=name)
        finally:
            admin.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def fill(url: URL, parts: Iterable[bytes]) -> None:
    """Put a dump into an empty database, all of it or nothing."""
    with _started([*_restore(), *_place(url)], url, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it stopped reading: its exit tells
            for part in parts:
                process.stdin.write(part)
            process.stdin.close()
        _ended(process, "pg_restore")


def _restore() -> list[str]:
    return [_program("pg_restore"), "--single-transaction", "--no-owner", "--no-privileges"]


def facts_at(url: URL) -> Facts:
    """What a database holds."""
    with _connected(url, "REPEATABLE READ") as connection:
        return facts_of(connection)


@contextmanager
def _started(command: list[str], url: URL, **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PGPASSWORD": url.password or ""}
    if url.password is None:
        environment.pop("PGPASSWORD")
    process = subprocess.Popen(  # noqa: S603 (no shell, our own arguments)
        command, env=environment, stderr=subprocess.PIPE, **pipes
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _ended(process: subprocess.Popen[bytes], name: str) -> None:
    assert process.stderr is not None
    said = process.stderr.read().decode("utf8", "replace").splitlines()
    if process.wait() != 0:  # its lines may hold a row: none is shown
        where = said[0].partition(":")[0][:40] if said else name
        raise WorkspaceError(
            f"{name} did not end well ({where}, {process.returncode}): nothing was changed. Check "
            "that it is of the server's version or newer, and the rights of the role."
        )


def _place(url: URL) -> list[str]:
    """Where the database is, without the password: others see the arguments of a command."""
    query = {k: v for k, v in url.query.items() if isinstance(v, str)}
    parts = {
        "host": url.host or query.pop("host", None), "port": url.port, "user": url.username,
        "dbname": url.database, **query,
    }  # fmt: skip
    conninfo = " ".join(
        "{}='{}'".format(k, str(v).replace("\\", "\\\\").replace("'", "\\'"))
        for k, v in parts.items()
        if v is not None
    )
    return ["--dbname", conninfo]


def _program(name: str) -> str:
    found = shutil.which(name)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if found is None and not versions:
        raise WorkspaceError(f"{name} is not installed: install PostgreSQL's client programs.")
    return str(versions[-1]) if versions else str(found)
