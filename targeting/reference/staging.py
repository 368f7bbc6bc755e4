"""All or nothing on the disk: files are written aside, then moved in together.

The moves are first written down in a journal. A crash before the journal leaves nothing; a crash
after it is mended at the next opening, which carries the moves out. One writer at a time.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, Final

from targeting.config import Workspace
from targeting.errors import WorkspaceError

JOURNAL: Final = ".journal.json"
ASIDE: Final = ".staging"
STAGED: Final = "reference"
"""What is written aside goes there and nowhere else."""

GONE: Final = "-"
"""Before a name in the journal: the file is to be taken away."""

WAIT_SECONDS: Final = 10.0
"""How long a reader waits for the moves of an import, which take milliseconds."""


class Staging:
    """Files to be, under the names they will have."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.aside = root / ASIDE
        self.files: list[str] = []
        self.gone: list[str] = []

    def path(self, name: str) -> Path:
        """Where to write the file that will be `name` (relative to the workspace).

        Raises WorkspaceError for a name that leads out of the workspace.
        """
        if not _stays_inside(self.root, name):
            raise WorkspaceError(f"“{name}” is no name of a file in the workspace.")
        if name not in self.files:
            self.files.append(name)
        target = self.aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def remove(self, name: str) -> None:
        """Have the file `name` taken away with the moves. Raises WorkspaceError as `path` does."""
        if not _stays_inside(self.root, name):
            raise WorkspaceError(f"“{name}” is no name of a file in the workspace.")
        if name not in self.gone:
            self.gone.append(name)

    def current(self, name: str) -> Path:
        """The file as it is now: staged in this transaction, else in the workspace."""
        return self.aside / name if name in self.files else self.root / name


_asked: ContextVar[Callable[[Staging], bool] | None] = ContextVar("asked", default=None)


@contextmanager
def asked_first(ask: Callable[[Staging], bool]) -> Iterator[None]:
    """Within, `ask` is shown what was written aside before it moves in; False leaves it out.

    So the very work of an import tells what it would change, or keeps what it will replace.
    """
    token = _asked.set(ask)
    try:
        yield
    finally:
        _asked.reset(token)


@contextmanager
def staged(workspace: Workspace, *, told: Callable[[], object] | None = None) -> Iterator[Staging]:
    """Write files that appear together when the block ends well, and not at all otherwise.

    `told`: called once it is sure that they move in, just before they do: where it fails, nothing
    moves. Raises WorkspaceError if another command is writing in the same workspace.
    """
    root = workspace.required().root
    with _locked(root):
        recover(root)
        staging = Staging(root)
        try:
            yield staging
            ask = _asked.get()
            if (staging.files or staging.gone) and (ask is None or ask(staging)):
                if told is not None:
                    told()
                _commit(staging)
        finally:
            if not os.path.lexists(root / JOURNAL):
                _drop_aside(root)


def recover_if_needed(workspace: Workspace) -> None:
    """Finish an import that a crash interrupted, before anything is read.

    The moves of a running import are waited for.
    """
    if os.path.lexists(workspace.root / JOURNAL):
        with _locked(workspace.root, wait=WAIT_SECONDS):
            recover(workspace.root)


def recover(root: Path) -> bool:
    """Carry out the moves that a crash interrupted; tells whether there were any.

    A journal that is none, or that leads out of the workspace, is put aside with what it would have
    moved, and told: whoever made it, it was not us.
    """
    journal = root / JOURNAL
    if not os.path.lexists(journal):
        _drop_aside(root)
        return False
    names = _read_journal(root)
    if names is None:
        _refuse_journal(root)
        return False
    for name in names:
        if name.startswith(GONE):
            (root / name.removeprefix(GONE)).unlink(missing_ok=True)
        else:
            _move(root, name)
    for folder in sorted({(root / name.removeprefix(GONE)).parent for name in names}):
        sync_folder(folder)
    journal.unlink()
    sync_folder(root)
    _drop_aside(root)
    return True


def _read_journal(root: Path) -> list[str] | None:
    """The names to move, or nothing if the journal is damaged or not ours."""
    journal = root / JOURNAL
    if journal.is_symlink() or not journal.is_file():
        return None
    try:
        names = json.loads(journal.read_bytes())
    except ValueError:
        return None
    if not isinstance(names, list) or not all(
        isinstance(name, str) and _stays_inside(root, name.removeprefix(GONE)) for name in names
    ):
        return None
    return names


def _stays_inside(root: Path, name: str) -> bool:
    """Whether a name is a file's under `reference/`, on both sides of the move, by no link."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or len(path.parts) < 2 or path.parts[0] != STAGED:
        return False
    if "\0" in name or (root / ASIDE).is_symlink():
        return False
    home = root.resolve()
    for place in (Path(ASIDE) / path, path):
        if (root / place).is_symlink() or (root / place).is_dir():
            return False
        if (root / place).parent.resolve() != home / place.parent:
            return False
    return True


def _refuse_journal(root: Path) -> None:
    kept = root / "backups" / f"refused-{uuid.uuid4().hex[:8]}"
    kept.mkdir(parents=True)
    for name in (JOURNAL, ASIDE):
        if os.path.lexists(root / name):
            os.rename(root / name, kept / name.lstrip("."))
    logging.getLogger("relance").warning(
        "Warning: %s held moves of an import that are damaged or lead out of the workspace. They "
        "were not made, and are put aside in %s; if an import was interrupted, make it again.",
        JOURNAL,
        kept,
    )


def _drop_aside(root: Path) -> None:
    if (root / ASIDE).is_symlink():
        (root / ASIDE).unlink()
    shutil.rmtree(root / ASIDE, ignore_errors=True)


def _commit(staging: Staging) -> None:
    for name in staging.files:
        with open(staging.aside / name, "rb") as file:
            os.fsync(file.fileno())
    for folder in sorted({(staging.aside / name).parent for name in staging.files}):
        sync_folder(folder)
    staging.aside.mkdir(exist_ok=True)
    draft = staging.aside / JOURNAL
    with open(draft, "w") as file:
        json.dump([*staging.files, *(f"{GONE}{name}" for name in staging.gone)], file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, staging.root / JOURNAL)
    sync_folder(staging.root)
    recover(staging.root)


def _move(root: Path, name: str) -> None:
    """Move one staged file in; already moved is fine (a crash in the middle of the list)."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if (root / ASIDE / name).exists():
        os.replace(root / ASIDE / name, target)


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a file aside, then move it in with all its bytes on the disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".draft")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, as fsync has a file's bytes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def only_writer(root: Path) -> Iterator[None]:
    """Hold the workspace's files; raises WorkspaceError if another command writes them."""
    with _locked(root):
        yield


@contextmanager
def _locked(root: Path, *, wait: float = 0.0) -> Iterator[None]:
    folder = os.open(root, os.O_RDONLY)
    until = time.monotonic() + wait
    try:
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    raise WorkspaceError(
                        f"another command is writing in {root}: wait until it ends, then try again."
                    ) from error
                time.sleep(0.01)
        yield
    finally:
        os.close(folder)
