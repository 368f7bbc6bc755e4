"""All or nothing on the disk: files are written aside, then moved in together.

The moves are first written down in a journal. A crash before the journal leaves nothing; a crash
after it is mended at the next opening, which carries the moves out. One writer at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from targeting.config import Workspace
from targeting.errors import WorkspaceError

JOURNAL: Final = ".journal.json"
ASIDE: Final = ".staging"


class Staging:
    """Files to be, under the names they will have."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.aside = root / ASIDE
        self.files: list[str] = []

    def path(self, name: str) -> Path:
        """Where to write the file that will be `name` (relative to the workspace).

        Raises WorkspaceError for a name that leads out of the workspace.
        """
        if not (self.aside / name).resolve().is_relative_to(self.aside.resolve()):
            raise WorkspaceError(f"“{name}” is no name of a file in the workspace.")
        if name not in self.files:
            self.files.append(name)
        target = self.aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def current(self, name: str) -> Path:
        """The file as it is now: staged in this transaction, else in the workspace."""
        return self.aside / name if name in self.files else self.root / name


@contextmanager
def staged(workspace: Workspace) -> Iterator[Staging]:
    """Write files that appear together when the block ends well, and not at all otherwise.

    Raises WorkspaceError if another command is writing in the same workspace.
    """
    root = workspace.required().root
    with _locked(root):
        recover(root)
        staging = Staging(root)
        try:
            yield staging
            if staging.files:
                _commit(staging)
        finally:
            if not (root / JOURNAL).exists():
                shutil.rmtree(staging.aside, ignore_errors=True)


def recover_if_needed(workspace: Workspace) -> None:
    """Finish an import that a crash interrupted, before anything is read."""
    if (workspace.root / JOURNAL).exists():
        with _locked(workspace.root):
            recover(workspace.root)


def recover(root: Path) -> bool:
    """Carry out the moves that a crash interrupted; tells whether there were any."""
    journal = root / JOURNAL
    if not journal.exists():
        shutil.rmtree(root / ASIDE, ignore_errors=True)
        return False
    for name in json.loads(journal.read_text()):
        _move(root, name)
    journal.unlink()
    shutil.rmtree(root / ASIDE, ignore_errors=True)
    return True


def _commit(staging: Staging) -> None:
    for name in staging.files:
        with open(staging.aside / name, "rb") as file:
            os.fsync(file.fileno())
    draft = staging.aside / JOURNAL
    with open(draft, "w") as file:
        json.dump(staging.files, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, staging.root / JOURNAL)
    recover(staging.root)


def _move(root: Path, name: str) -> None:
    """Move one staged file in; already moved is fine (a crash in the middle of the list)."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if (root / ASIDE / name).exists():
        os.replace(root / ASIDE / name, target)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    folder = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WorkspaceError(
                f"another command is writing in {root}: wait until it ends, then try again."
            ) from error
        yield
    finally:
        os.close(folder)
