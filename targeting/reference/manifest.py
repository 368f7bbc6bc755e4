"""The workspace's manifest: what kind it is, which database is its own, how far its codes go.

`workspace.json`, sealed, and a twin in `backups/`: where one is damaged or gone, the other tells.
It remembers the database so that a lost one, or another, is never taken for a new campaign.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.sheets import dump_sealed, load_sealed
from targeting.reference.staging import write_whole

MANIFEST: Final = "workspace.json"
KINDS: Final = ("campaign", "demo")
FRESH: Final = {"kind": "campaign"}


def read_manifest(workspace: Workspace) -> dict[str, Any]:
    """What is remembered of this workspace: `kind` (`campaign` or `demo`), and once its database
    was opened `database` (`engine`, `where`, `id`), `next_turf` and `checksums`.

    Raises WorkspaceError if the manifest and its twin are both damaged.
    """
    damaged = False
    for path in _places(workspace.root):
        try:
            return _valid(load_sealed(path.read_text()))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (ValueError, TypeError):
            damaged = True
    if damaged:
        raise WorkspaceError(
            f"{manifest_path(workspace.root)} is damaged, and so is its twin in backups/: delete "
            "both, then run `python -m targeting doctor`; turfs and visits are in the database."
        )
    return dict(FRESH)


def _valid(facts: dict[str, Any]) -> dict[str, Any]:
    database = facts.get("database")
    if facts.get("kind") not in KINDS or not isinstance(facts.get("next_turf", 1), int):
        raise ValueError("no manifest")
    if database is not None and not {"engine", "where", "id"} <= set(database):
        raise ValueError("no manifest")
    return facts


def manifest_path(root: Path) -> Path:
    """Where the manifest of a workspace is."""
    return root / MANIFEST


def _places(root: Path) -> tuple[Path, Path]:
    return manifest_path(root), root / "backups" / MANIFEST


def write_manifest(root: Path, facts: dict[str, Any]) -> None:
    """Write the manifest and its twin, each whole."""
    for path in _places(root):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda file: file.write(dump_sealed(facts).encode()))


def changed_manifest(root: Path, **changes: Any) -> dict[str, Any]:
    """Change these facts and leave the others; `next_turf` never goes down."""
    with _one_at_a_time(root):
        facts = read_manifest(Workspace(root))
        if "next_turf" in changes:
            changes["next_turf"] = max(changes["next_turf"], facts.get("next_turf", 1))
        if (facts | changes) != facts or not manifest_path(root).exists():
            write_manifest(root, facts | changes)
        return facts | changes


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    handle = os.open(root / ".manifest.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
