"""Open the campaign's database: SQLite with the right habits, or a team's PostgreSQL.

SQLite: WAL, full sync, foreign keys, a 5 s wait, and every writing transaction begins with
`BEGIN IMMEDIATE`: a deferred one that reads, then writes, loses to any other writer however long it
waits (TRUST 0-3: 90 % of a burst failed; 0 with IMMEDIATE). DDL runs inside the transaction too.

PostgreSQL keeps the same rules: a writing transaction first takes the campaign's one lock, so that
what it looks at again cannot move before it ends; a reader sees one moment (REPEATABLE READ).
"""

from __future__ import annotations

import random
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.reference import checksums
from targeting.reference.checksums import Stamp
from targeting.reference.staging import recover_if_needed
from targeting.store import cipher, cipher_engine, columns, opening, personal, swap, tombstones
from targeting.store.models import StoreMark, Tombstone
from targeting.store.opening import check_integrity, schema_revision

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["Session", "check_integrity", "open_engine", "open_store", "reading", "upgrade", "write"]

MIGRATIONS: Final = Path(__file__).with_name("migrations")
NEWEST: Final = "0008"
"""The last migration, written here so that Alembic is loaded where a schema changes, and there
alone: a test holds it to what the folder has."""
BUSY_TIMEOUT_MS: Final = 5000
RETRIES: Final = 5

WRITE_LOCK: Final = 0x52454C41
"""Key of the lock that a writer holds on PostgreSQL, in its own database; no other has it."""

MAY_BE_RETRIED: Final = ("40001", "40P01")
"""What PostgreSQL says of a transaction that lost to another, and would win if tried again:
serialization_failure, deadlock_detected (its manual, appendix A)."""

Result = TypeVar("Result")


def open_engine(url: str) -> Engine:
    """An engine for `url` (sqlite:/// or postgresql+psycopg://) with our transaction rules."""
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    if url.startswith("sqlite"):
        # closed after each use: the file is whole between transactions, without its side files
        engine = cipher_engine.sqlite_engine(url)
        event.listen(engine, "connect", _sqlite_habits)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        engine = create_engine(url, pool_pre_ping=True)
    event.listen(engine, "commit", _count_write)
    return engine


@lru_cache(maxsize=8)
def _opened_once(url: str, _is_keyed: bool) -> Engine:
    return open_engine(url)


def _shared_engine(workspace: Workspace) -> Engine:
    """One engine a database, and another once it is encrypted."""
    file = opening.database_file(workspace)
    return _opened_once(workspace.database_url, file is not None and cipher.is_keyed(file))


def _sqlite_habits(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _count_write(connection: Connection) -> None:
    """Each transaction that wrote moves the store's mark on, in the same transaction; one that is
    quiet wrote nothing that a screen is made of."""
    options = connection.get_execution_options()
    if not options.get("writes") or options.get("schema") or options.get("quiet"):
        return
    wrote = (
        func.total_changes() > 0
        if connection.dialect.name == "sqlite"
        else func.pg_current_xact_id_if_assigned().is_not(None)
    )
    drawn = secrets.token_hex(16)
    connection.execute(
        update(StoreMark).where(wrote).values(writes=StoreMark.writes + 1, last_write=drawn)
    )


def last_write(session: Session) -> str:
    """How many transactions have written to this database, and a sign of the last one: an older
    copy put back has another, even after as many."""
    found = session.execute(select(StoreMark.writes, StoreMark.last_write)).first()
    return "" if found is None else f"{found.writes} {found.last_write}"


class _Written:
    """How many transactions this process has written, whichever thread did."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = Lock()

    def one_more(self) -> None:
        with self._lock:
            self.count += 1


_written = _Written()


def written_here() -> int:
    """Moves on with each transaction that this process writes: what was looked up before may be
    old."""
    return _written.count


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One consistent look at the database, of one moment on both engines; nothing is written."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with Session(engine) as session:
        yield session
        session.rollback()


def write(engine: Engine, work: Callable[[Session], Result], *, quiet: bool = False) -> Result:
    """Run `work` in one writing transaction: all of it, or nothing.

    `quiet`: it writes nothing that a screen is made of (a session is in use, a login failed): what
    was kept of the workspace stays true.

    What the engine says may be tried again (busy, a deadlock, a row changed meanwhile) is, a few
    times, a little later each time; `work` must therefore do nothing but write to its session.
    Writers come one after the other on both engines: what `work` reads stays true until it ends.

    Raises TargetingError where a door would stand in two open turfs.
    """
    for attempt in range(RETRIES + 1):
        try:
            writing = engine.execution_options(writes=True, quiet=quiet)
            with Session(writing) as session, session.begin():
                _one_writer(session)
                result = work(session)
            if not quiet:
                _written.one_more()
            return result
        except (DBAPIError, StaleDataError) as error:
            if _doors_twice(error):
                raise TargetingError(
                    "some of these doors are in another open turf by now: nothing was changed. "
                    "Look at the turfs again, then do it anew."
                ) from error
            if attempt == RETRIES or not may_be_retried(error):
                raise
            time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))  # noqa: S311 (no secret)
    raise AssertionError("unreachable")


def _one_writer(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITE_LOCK})


def may_be_retried(error: Exception) -> bool:
    """Whether the same transaction may succeed if it is tried again."""
    if isinstance(error, StaleDataError):
        return True
    origin = getattr(error, "orig", None)
    if (state := getattr(origin, "sqlstate", None)) is not None:
        return state in MAY_BE_RETRIED
    code = getattr(origin, "sqlite_errorcode", 0) & 0xFF  # extended codes end in their plain one
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _doors_twice(error: Exception) -> bool:
    return isinstance(error, IntegrityError) and "open_door" in str(error.orig)


# -- schema --------------------------------------------------------------------------------------


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`, in one transaction; a newer database is refused."""
    from alembic import command

    with _changing_schema(engine) as connection:
        _refuse_newer(connection)
        opening.drop_guards(connection)
        command.upgrade(_alembic(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Bring the schema back to `revision`, in one transaction."""
    from alembic import command

    with _changing_schema(engine) as connection:
        opening.drop_guards(connection)
        command.downgrade(_alembic(connection), revision)


@contextmanager
def _changing_schema(engine: Engine) -> Iterator[Connection]:
    """A writing transaction in which SQLite tables can be made anew: its foreign keys are off, as
    dropping a table would empty those that hang on it, and are looked at before the end."""
    with engine.execution_options(writes=True, schema=True).connect() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        if is_sqlite:  # not heeded inside a transaction: said before it begins
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            if not is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": WRITE_LOCK})
            yield connection
            if is_sqlite and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                raise WorkspaceError(
                    f"{len(lost)} rows of {lost[0][0]} point at rows that are gone: nothing was "
                    "changed. Restore a backup of relance.db."
                )


def open_store(workspace: Workspace) -> Engine:
    """The workspace's own database, whole, its schema up to date; looked over when it is new to us.

    On a disk that is full or read only, an engine that reads what is there. Raises WorkspaceError
    if there is no workspace, or if its database is gone, another one, damaged or not ours.
    """
    workspace.required()
    recover_if_needed(workspace)
    swap.finish_if_needed(workspace.root)
    with opening.told(workspace):
        opening.refuse_gone(workspace)
        place = _place(workspace)
        before = _opened.get(workspace.root)
        if before is not None and before == (workspace.database_url, place):
            return _shared_engine(workspace)
        opening.refuse_unfit(workspace)
        swap.sweep_if_left(workspace.root)
        try:
            engine = _shared_engine(workspace)
            if before is None or not _same_file(before[1], place):
                _bring_up(workspace, engine)
                checksums.adopt_tables(workspace)
                opening.refuse_damaged(workspace, engine)
            else:
                _bring_up(workspace, engine)  # somebody wrote, or put another in its place
        except (SQLAlchemyError, OSError) as error:
            instead = opening.readable_anyway(workspace, error)
            if instead is None:
                raise
            return instead
        opening.remember_home(workspace, engine)
        _opened[workspace.root] = (workspace.database_url, _place(workspace))
    return engine


_opened: dict[Path, tuple[str, Stamp | None]] = {}
"""Databases that this process found whole: their address, and their file as it was then."""


def forget_engines() -> None:
    """Open anew at the next opening: the database is another file, or has another key."""
    _opened.clear()
    _opened_once.cache_clear()


def _place(workspace: Workspace) -> Stamp | None:
    """The database's file and its log as they are; nothing where it is a server's, or not there."""
    file = opening.database_file(workspace)
    if file is None or not file.exists():
        return None
    try:  # another process may take its log away as it leaves
        log = checksums.stamp(file.with_name(file.name + "-wal"))[:3]
    except FileNotFoundError:
        log = [0, 0, 0]
    return [*log, *checksums.stamp(file)]


def _same_file(before: Stamp | None, now: Stamp | None) -> bool:
    """Whether it is the file that was found whole, written to since by whoever uses it."""
    return before is not None and now is not None and before[-2:] == now[-2:]


def _bring_up(workspace: Workspace, engine: Engine) -> None:
    with engine.connect() as connection:
        opening.refuse_other(workspace, connection)
        current = schema_revision(connection)
    if current != NEWEST:
        if current is not None and is_known(current):
            from targeting.store import backups  # what it loads, no other opening needs

            backups.take(workspace, "migration")
        upgrade(engine)
    opening.guard_rows(engine)
    opening.keep_identity(workspace, engine)
    _agree_on_columns(engine)
    _catch_up(workspace, engine)


def _agree_on_columns(engine: Engine) -> None:
    """Seal what is plain once a key is set. Raises WorkspaceError for another key, or none where
    values are sealed."""
    if engine.dialect.name != "postgresql":
        return
    key = columns.column_key()
    with reading(engine) as session:
        store_id, known = session.execute(select(StoreMark.store_id, StoreMark.column_key)).one()
    mark = columns.key_mark(key, store_id) if key is not None else None
    if known is not None and mark is None:
        raise WorkspaceError(columns.NO_KEY)
    if known is not None and mark != known:
        raise WorkspaceError(
            "RELANCE_COLUMN_KEY is not the key that phones and e-mails were encrypted with: "
            "nothing was changed. Give that one."
        )
    if mark is not None and known is None:
        write(engine, lambda session: personal.seal_columns(session, mark))


def columns_are_sealed(workspace: Workspace) -> bool:
    """Whether a server's phones and e-mails are encrypted."""
    with reading(open_store(workspace)) as session:
        return session.scalar(select(StoreMark.column_key)) is not None


def _catch_up(workspace: Workspace, engine: Engine) -> None:
    """Whoever was erased since this database was written is erased again, whatever brought it
    back; log and database know the same."""
    with reading(engine) as session:
        here = session.scalar(select(func.count()).select_from(Tombstone)) or 0
    noted = tombstones.read_stones(workspace)
    if len(noted) > here:
        secret = tombstones.secret_of(workspace)
        write(engine, lambda session: tombstones.replay(session, noted, secret))
    if len(noted) < here:
        with reading(engine) as session:
            stones = tombstones.stones_in(session)
        tombstones.note(workspace, stones)


def forget_pages(engine: Engine) -> None:
    """Have what was deleted leave the log of SQLite too; pages themselves are overwritten."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _alembic(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def is_known(revision: str) -> bool:
    """Whether a schema is one of ours; else a newer Relance's."""
    from alembic.script import ScriptDirectory

    return revision in {r.revision for r in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def _refuse_newer(connection: Connection) -> None:
    current = schema_revision(connection)
    if current is not None and not is_known(current):
        raise WorkspaceError(
            f"this workspace was last opened by a newer Relance (schema {current}): "
            "update Relance, then try again."
        )
