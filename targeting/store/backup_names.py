"""Which backups there are, by their names, and whether one is due: nothing heavy is loaded."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from targeting.config import Workspace
from targeting.reference.manifest import read_manifest

NAME: Final = re.compile(r"relance-(\d{8}-\d{6})-(\w+)(?:-\d+)?\.backup")
DAY: Final = timedelta(days=1)
MADE_ONCE: Final = ".manifest.lock"
"""A file that is made with the workspace and never written again: its date is the campaign's."""


class Named(NamedTuple):
    """One backup by its name: when it was taken, and what for."""

    path: Path
    made_at: datetime
    reason: str


def list_backups(workspace: Workspace) -> list[Named]:
    """Backups of a workspace, the oldest first."""
    try:
        listed = sorted((workspace.root / "backups").iterdir())
    except FileNotFoundError:
        return []
    found = []
    for path in listed:
        if (name := NAME.fullmatch(path.name)) is not None:
            made = datetime.strptime(name[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
            found.append(Named(path, made, name[2]))
    return sorted(found, key=lambda one: (one.made_at, one.path.name))


def is_due(workspace: Workspace, *, now: datetime | None = None) -> bool:
    """Whether a day went by since the last backup, or since the campaign began without any."""
    if not workspace.exists or read_manifest(workspace)["kind"] == "demo":
        return False
    moment, found = now or datetime.now(UTC), list_backups(workspace)
    if found:
        return moment - found[-1].made_at >= DAY
    try:
        began = (workspace.root / MADE_ONCE).stat().st_mtime
    except FileNotFoundError:  # a workspace of before: it is older than that
        return True
    return moment - datetime.fromtimestamp(began, UTC) >= DAY
