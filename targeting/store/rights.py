"""Who may read a workspace's files: its owner, whatever the umask says (TRUST SEC-14)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

CLOSED_FOLDERS: Final = (".", "backups", "jobs", "logs")
"""Folders of a workspace in which people may be: nobody else comes through the first."""
CLOSED_FILES: Final = (
    "relance.db", "relance.db-wal", "relance.db-shm", "relance.key", "backups.key",
    "phone-books.key", "erased.log", "erased.key",
)  # fmt: skip


def close_off(root: Path, database: Path | None = None) -> None:
    """Take from others the rights on what may hold people; what is not ours stays as it is.

    A database that is to be is made here, empty, so that it never was open to others.
    """
    if database is not None and not database.exists() and database.parent.is_dir():
        os.close(os.open(database, os.O_CREAT | os.O_WRONLY, 0o600))
    for path in _open_to_others(root, database):
        try:
            os.chmod(path, path.stat().st_mode & ~0o077)
        except OSError:  # another's folder, or a disk without rights: `doctor` tells
            continue


def open_to_others(root: Path, database: Path | None = None) -> list[Path]:
    """Files and folders that others than their owner may read or write."""
    return list(_open_to_others(root, database))


def _open_to_others(root: Path, database: Path | None) -> Iterator[Path]:
    places = [root / name for name in (*CLOSED_FOLDERS, *CLOSED_FILES)]
    if database is not None:
        places.append(database)
    with suppress(OSError):
        places += [Path(one) for one in os.scandir(root / "backups")]
    for path in dict.fromkeys(places):
        try:
            found = path.lstat().st_mode
        except OSError:
            continue
        if not stat.S_ISLNK(found) and found & 0o077:
            yield path
