"""What `doctor` says of encryption, backups and rights: what is well, and what is not."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import Any, Final

from targeting.config import Workspace
from targeting.store import cipher, rights
from targeting.store.backup_names import list_backups
from targeting.store.engine import columns_are_sealed
from targeting.store.opening import database_file
from targeting.workflows.setup import is_demo

OLD_HOURS: Final = 48
"""A day's backup that is a day late."""


def how_kept(workspace: Workspace, notes: list[str], faults: list[str]) -> dict[str, Any]:
    """How the people in a workspace are kept: facts, with what to do in `notes` and `faults`."""
    return {
        "encryption": _encryption(workspace, notes),
        "last_backup": _last_backup(workspace, notes),
        "closed_to_others": _closed(workspace, faults),
    }


def _encryption(workspace: Workspace, notes: list[str]) -> str:
    file = database_file(workspace)
    if file is None:
        if columns_are_sealed(workspace):
            return "phones and e-mails are encrypted"
        notes.append(
            "phones and e-mails on the server are plain: set RELANCE_COLUMN_KEY to encrypt them."
        )
        return "none"
    if cipher.is_keyed(file):
        return f"SQLCipher {cipher.version()}"
    if is_demo(workspace):
        notes.append("the invented town is not encrypted: its people are invented.")
    else:
        notes.append("the database is not encrypted: `encrypt`, before people's data comes in.")
    return "none"


def _last_backup(workspace: Workspace, notes: list[str]) -> str:
    found = list_backups(workspace)
    if not found:
        if not is_demo(workspace):
            notes.append("no backup yet: `backup`; then once a day by itself.")
        return "never"
    path, made, _ = found[-1]
    hours = int((datetime.now(UTC) - made).total_seconds() // 3600)
    if hours >= OLD_HOURS and not is_demo(workspace):
        notes.append(f"the last backup is {hours} hours old: take one (`backup`).")
    size, free = path.stat().st_size, shutil.disk_usage(workspace.root).free
    if free < 3 * size:  # it is packed, then put up aside
        notes.append(
            f"the disk has {free / 1e6:.0f} MB left: the next backup needs {3 * size / 1e6:.0f} MB."
        )
    return path.name


def _closed(workspace: Workspace, faults: list[str]) -> bool:
    found = rights.open_to_others(workspace.root, database_file(workspace))
    if found:
        names = ", ".join(path.name for path in found[:5])
        faults.append(
            f"others on this machine may read {names} in {workspace.root}: take their rights away "
            "(`chmod -R go-rwx`)."
        )
    return not found
