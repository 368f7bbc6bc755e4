"""Put another file in the database's place: all or nothing, and nobody writes to the old one.

The new file is written whole beside it while the old one is held; then a line in `.swap` says that
it goes in. From there on a crash is mended at the next opening. The old file is overwritten before
it goes: whoever still has it open finds no database any more (their write fails, and says so), and
what was plain in it is gone as far as the disk lets us.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from targeting.errors import WorkspaceError
from targeting.reference.staging import sync_folder, write_whole
from targeting.store import cipher

JOURNAL: Final = ".swap"
DRAFT: Final = ".new-"
ASIDE: Final = ".backup-"
LOCK: Final = "lock"
SIDES: Final = ("-wal", "-shm", "-journal")
BUSY_MS: Final = 5000
TRIES: Final = 6
JUST_NOW: Final = 600.0
"""Seconds for which a database that was put in is told to whoever had the old one open."""

Step = Callable[[str], None]


def nothing(_name: str) -> None:
    """What happens between two steps: tests stop there."""


def draft_of(target: Path) -> Path:
    """Where the file that will be `target` is written."""
    return target.with_name(DRAFT + target.name)


def was_just_put_in(root: Path) -> bool:
    """Whether the database here took another's place a moment ago."""
    try:
        return time.time() - (root / "cache" / "swapped").stat().st_mtime < JUST_NOW
    except OSError:
        return False


@contextmanager
def held(file: Path, key: str) -> Iterator[Any]:
    """A connection that nobody writes or reads beside, its log written into the file.

    `key` is SQLCipher's, empty for a plain file. Raises WorkspaceError if others do not let go.
    """
    connection = cipher.connect(str(file), key, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        _alone(connection, file)
        yield connection
    finally:
        connection.close()


def _alone(connection: Any, file: Path) -> None:
    for _ in range(TRIES):
        try:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")  # the lock stays: locking_mode
        except cipher.errors("OperationalError") as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise
            continue
        if mode == "delete":
            return
    raise WorkspaceError(
        f"the database of {file.parent} is being used: stop the dashboard, then try again."
    )


def put_in(root: Path, targets: Sequence[Path], step: Step = nothing) -> None:
    """Have the drafts of `targets` take their places; the caller holds the database, the first.

    After the journal is written a crash is mended by `finish_if_needed`.
    """
    for target in targets:
        draft = draft_of(target)
        os.chmod(draft, 0o600)
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
    step("drafts")
    names = [str(target.relative_to(root)) for target in targets]
    with _one_mover(root):
        write_whole(root / JOURNAL, lambda file: file.write(json.dumps(names).encode()))
        sync_folder(root)
        step("journal")
        _carry_out(root, targets, step)


def finish_if_needed(root: Path) -> None:
    """Carry out what a crash interrupted, before anything is read; others' moves are waited for."""
    if os.path.lexists(root / JOURNAL):
        with _one_mover(root):
            _carry_out(root, _targets(root), nothing)


# -- what a crash left --------------------------------------------------------------------------


@contextmanager
def working(root: Path) -> Iterator[None]:
    """Be the one who makes drafts in a workspace; those that a crash left are written over.

    Raises WorkspaceError while another is.
    """
    with _locked(root / ".vault.lock") as ours:
        if not ours:
            raise WorkspaceError(
                f"another command encrypts or restores {root}: wait until it ends, then try again."
            )
        _sweep(root)
        yield


def sweep_if_left(root: Path) -> None:
    """Write over what a crash left of copies, plain ones too; what others are making is theirs."""
    if _named(root, DRAFT) and not (root / JOURNAL).exists():
        with _locked(root / ".vault.lock") as ours:
            if ours:
                _sweep(root)
    for folder in _named(root / "backups", ASIDE):
        with _locked(folder / LOCK) as ours:
            if ours:
                clear(folder)


def _sweep(root: Path) -> None:
    if not (root / JOURNAL).exists():
        for draft in (*_named(root, DRAFT), *_named(root / "backups", DRAFT)):
            wipe(draft)


def _named(folder: Path, start: str) -> list[Path]:
    """What in a folder has a name that begins so."""
    try:
        return [folder / name for name in os.listdir(folder) if name.startswith(start)]
    except FileNotFoundError:
        return []


@contextmanager
def aside_of(root: Path) -> Iterator[Path]:
    """A folder of our own in `backups/` for what is not a backup yet; gone at the end, and by the
    next one where a crash left it."""
    sweep_if_left(root)
    folder = root / "backups" / f"{ASIDE}{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700, parents=True)
    with _locked(folder / LOCK):
        try:
            yield folder
        finally:
            clear(folder)


def clear(folder: Path) -> None:
    """Take away a folder of copies, written over."""
    for path in folder.glob("*"):
        if path.name.endswith("-plain"):
            wipe(path)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(place: Path) -> Iterator[bool]:
    """Whether this lock is ours, until the end; nobody is waited for."""
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:  # its folder has just gone
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


@contextmanager
def _one_mover(root: Path) -> Iterator[None]:
    handle = os.open(root / f"{JOURNAL}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _targets(root: Path) -> list[Path]:
    """What the journal names, if it is one of ours: a file at the workspace's top, or its twin."""
    journal = root / JOURNAL
    try:
        names = json.loads(journal.read_bytes()) if not journal.is_symlink() else None
    except FileNotFoundError:  # another process has just done it
        return []
    except ValueError:
        names = None
    ours = ("relance.db", cipher.KEY_FILE, f"backups/{cipher.KEY_FILE}")
    if (
        not isinstance(names, list)
        or any(name not in ours for name in names)
        or any((root / name).is_symlink() for name in names)
    ):
        raise WorkspaceError(
            f"{journal} is not one of ours, or damaged: look at it, and take it away."
        )
    return [root / name for name in names]


def _carry_out(root: Path, targets: Sequence[Path], step: Step) -> None:
    if not targets:
        return
    for target in targets:
        draft = draft_of(target)
        if not draft.exists():
            continue  # moved already
        _wipe_all(target, step)
        os.replace(draft, target)
        step(f"moved {target.name}")
    for folder in {target.parent for target in targets}:
        sync_folder(folder)
    (root / "cache").mkdir(exist_ok=True)
    (root / "cache" / "swapped").touch()
    (root / JOURNAL).unlink(missing_ok=True)
    sync_folder(root)
    step("done")


_open: list[int] = []
"""Handles on files that were wiped: closing one would let go of the lock that this process has on
the file (POSIX), so they are closed once their holder has gone."""


def _wipe_all(target: Path, step: Step) -> None:
    """Write over a file that goes, and over what lay beside it."""
    for path in (*(target.with_name(target.name + side) for side in SIDES), target):
        handle = _written_over(path)
        if handle is None:
            continue
        _open.append(handle)
        if path != target:
            path.unlink(missing_ok=True)
        step(f"wiped {path.name}")


def wipe(path: Path) -> None:
    """Write over a file that nobody has open, and take it away."""
    handle = _written_over(path)
    if handle is not None:
        os.close(handle)
    path.unlink(missing_ok=True)


def _written_over(path: Path) -> int | None:
    """The handle of a file whose bytes are gone; None where there is none."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    left = os.fstat(handle).st_size
    while left > 0:
        left -= os.write(handle, b"\0" * min(left, 2**20))
    os.fsync(handle)
    return handle


def let_go() -> None:
    """Close what was wiped, once nobody here holds it."""
    while _open:
        os.close(_open.pop())
