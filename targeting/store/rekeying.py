"""Encrypt a plain database, or give it another passphrase: old or new at any moment."""

from __future__ import annotations

from pathlib import Path

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.store import cipher, engine, opening, snapshots, swap
from targeting.store.passphrases import refuse_weak
from targeting.store.swap import Step


def encrypt(workspace: Workspace, passphrase: str, *, step: Step = swap.nothing) -> None:
    """Encrypt a database that is plain; nothing plain stays behind.

    Raises WorkspaceError where it is encrypted already, in use, or a server's.
    """
    file = open_to_encrypt(workspace)
    _rewrite(workspace, file, "", passphrase, step)


def rotate_key(workspace: Workspace, passphrase: str, *, step: Step = swap.nothing) -> None:
    """Write the database again under the key of another passphrase.

    Raises WorkspaceError where it is plain, in use, or the passphrase of now is another.
    """
    file, master = open_to_rotate(workspace)
    sheet = cipher.read_sheet(file)
    refuse_weak(passphrase)
    if sheet is not None and cipher.unlocked(sheet, passphrase) is not None:
        raise WorkspaceError("this is the passphrase of now: give another one.")
    _rewrite(workspace, file, cipher.raw_key(master), passphrase, step)


def open_to_encrypt(workspace: Workspace) -> Path:
    """The database's file, which is plain. Raises WorkspaceError as `encrypt` does."""
    file = _file(workspace)
    if not cipher.is_plain(file):
        raise WorkspaceError(
            f"the database of {workspace.root} is encrypted already: `rotate-key` gives it another "
            "passphrase."
        )
    return file


def open_to_rotate(workspace: Workspace) -> tuple[Path, bytes]:
    """The database's file and its key of now. Raises WorkspaceError as `rotate_key` does."""
    file = _file(workspace)
    master = cipher.master_of(file)
    if master is None:
        raise WorkspaceError(f"the database of {workspace.root} is not encrypted: `encrypt` it.")
    return file, master


def _file(workspace: Workspace) -> Path:
    file = opening.database_file(workspace.required())
    if file is None:
        raise WorkspaceError(
            "the database is a server's: its disk is encrypted there; phones and e-mails by "
            "RELANCE_COLUMN_KEY."
        )
    swap.finish_if_needed(workspace.root)
    if file.parent != workspace.root or not file.exists():
        raise WorkspaceError(f"{file.name} is not in {workspace.root}: nothing was changed.")
    return file


def _rewrite(workspace: Workspace, file: Path, key: str, passphrase: str, step: Step) -> None:
    sheet, master = cipher.new_sheet(passphrase)
    new_key, draft = cipher.raw_key(master), swap.draft_of(file)
    sheets = cipher.places(file)
    try:
        with (
            opening.told(workspace),
            swap.working(workspace.root),
            swap.held(file, key) as connection,
        ):
            step("held")
            facts = snapshots.copy_to(connection, draft, new_key)
            step("copied")
            if snapshots.look_at(draft, new_key) != facts:
                raise WorkspaceError(f"{file.name} is damaged: it could not be written again.")
            for place in sheets:
                place.parent.mkdir(exist_ok=True)
                swap.draft_of(place).write_bytes(sheet.dump())
            swap.put_in(workspace.root, (file, *sheets), step)
    finally:
        swap.let_go()
        if not (workspace.root / swap.JOURNAL).exists():
            for target in (file, *sheets):
                swap.draft_of(target).unlink(missing_ok=True)
    cipher.hold(file, master)
    engine.forget_engines()
