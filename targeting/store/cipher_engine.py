"""SQLAlchemy on a file that may be encrypted: the same dialect, SQLCipher's library where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from targeting.store import cipher


def sqlite_engine(url: str) -> Engine:
    """An engine of a SQLite file, plain or encrypted."""
    name = make_url(url).database
    file = Path(name) if name and name != ":memory:" else None
    return with_key(create_engine(url, poolclass=NullPool, **options(file)), file)


def options(file: Path | None) -> dict[str, Any]:
    """What `create_engine` needs to know of an encrypted file; nothing of a plain one."""
    return {"module": cipher.library()} if file is not None and cipher.is_keyed(file) else {}


def with_key(engine: Engine, file: Path | None) -> Engine:
    """Have each connection of an encrypted file handed its key; asked for at the first one."""
    if file is not None and cipher.is_keyed(file):

        @event.listens_for(engine, "do_connect")
        def _keyed(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
            master = cipher.master_of(file)
            key = cipher.raw_key(master) if master is not None else ""
            return cipher.connect(arguments[0], key, **options)

    return engine
