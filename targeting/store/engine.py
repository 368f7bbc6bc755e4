"""Open the campaign's database: SQLite with the right habits, or a team's PostgreSQL.

SQLite: WAL, full sync, foreign keys, a 5 s wait, and every writing transaction begins with
`BEGIN IMMEDIATE`: a deferred one that reads, then writes, loses to any other writer however long it
waits (TRUST 0-3: 90 % of a burst failed; 0 with IMMEDIATE). DDL runs inside the transaction too.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.store.staging import recover_if_needed

MIGRATIONS: Final = Path(__file__).with_name("migrations")
BUSY_TIMEOUT_MS: Final = 5000
RETRIES: Final = 5

Result = TypeVar("Result")


def open_engine(url: str) -> Engine:
    """An engine for `url` (sqlite:/// or postgresql+psycopg://) with our transaction rules."""
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    if url.startswith("sqlite"):
        # closed after each use: the file is whole between transactions, without its side files
        engine = create_engine(url, poolclass=NullPool)
        event.listen(engine, "connect", _sqlite_habits)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    return create_engine(url)


_shared_engine = lru_cache(maxsize=8)(open_engine)


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


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One consistent look at the database; nothing is written."""
    with Session(engine) as session:
        yield session
        session.rollback()


def write(engine: Engine, work: Callable[[Session], Result]) -> Result:
    """Run `work` in one writing transaction: all of it, or nothing.

    A database that stays busy is tried again a few times, a little later each time; `work` must
    therefore do nothing but write to its session.
    """
    for attempt in range(RETRIES + 1):
        try:
            with Session(engine.execution_options(writes=True)) as session, session.begin():
                return work(session)
        except OperationalError as error:
            if attempt == RETRIES or "locked" not in str(error.orig):
                raise
            time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))  # noqa: S311 (no secret)
    raise AssertionError("unreachable")


# -- schema --------------------------------------------------------------------------------------


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`, in one transaction; a newer database is refused."""
    with engine.execution_options(writes=True).begin() as connection:
        _refuse_newer(connection)
        command.upgrade(_alembic(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Bring the schema back to `revision`, in one transaction."""
    with engine.execution_options(writes=True).begin() as connection:
        command.downgrade(_alembic(connection), revision)


def open_store(workspace: Workspace) -> Engine:
    """The workspace's database, its schema up to date.

    Raises WorkspaceError if there is no workspace, or if the file is no database of ours.
    """
    workspace.required()
    recover_if_needed(workspace)
    try:
        engine = _shared_engine(workspace.database_url)
        if not up_to_date(engine):
            upgrade(engine)
    except (DatabaseError, ArgumentError, NoSuchModuleError) as error:
        reason = getattr(error, "orig", None) or "not a database address"
        raise WorkspaceError(
            f"the database of {workspace.root} cannot be opened ({reason}): restore a backup of "
            "relance.db, or check RELANCE_DATABASE_URL and the rights on the folder."
        ) from error
    return engine


def up_to_date(engine: Engine) -> bool:
    """Whether the schema is the newest one we know."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _refuse_newer(connection: Connection) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    known = {r.revision for r in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if current is not None and current not in known:
        raise WorkspaceError(
            f"this workspace was last opened by a newer Relance (schema {current}): "
            "update Relance, then try again."
        )


def check_integrity(engine: Engine) -> str:
    """`ok`, or what SQLite finds wrong with its file; `ok` on other engines."""
    if engine.dialect.name != "sqlite":
        return "ok"
    with engine.connect() as connection:
        return str(connection.execute(text("PRAGMA quick_check")).scalar())
