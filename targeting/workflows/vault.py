"""Encrypt a campaign, change its passphrase, and have a server know it."""

from __future__ import annotations

import os
from typing import Final

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.store import cipher, passphrases
from targeting.store.opening import database_file
from targeting.store.passphrases import NEW_PASSPHRASE, PASSPHRASE
from targeting.workflows.access.asks import asks
from targeting.workflows.backups import backup_report
from targeting.workflows.report import Report

ENCRYPTED: Final = (
    "The database is encrypted; nothing plain is left of it. Keep the passphrase apart: without it "
    "nobody opens it again, nor its backups."
)
ROTATED: Final = (
    "The database has another passphrase: give it from now on, and start a dashboard anew. Older "
    "backups open with the passphrase of their day."
)


def new_passphrase(name: str = PASSPHRASE) -> str:
    """A passphrase to be set: from the environment or its file, else asked twice on the terminal.

    Raises WorkspaceError where there is neither.
    """
    found = passphrases.given(name) or passphrases.asked(new=True)
    if found is None:
        raise WorkspaceError(
            f"no passphrase: give it by {name}, by a file of 0600 named by {name}_FILE, or on a "
            "terminal. Never as an argument."
        )
    return found


@asks("backup.restore")
def encrypt_workspace(workspace: Workspace) -> Report:
    """Encrypt the database of a workspace that is plain, and take a backup under its new key."""
    from targeting.store.rekeying import encrypt, open_to_encrypt

    open_to_encrypt(workspace)  # refused before a passphrase is asked
    encrypt(workspace, new_passphrase())
    made = backup_report(workspace, reason="key")
    return Report(
        {"workspace": str(workspace.root), "encrypted": True, "backup": made.facts["file"]},
        "\n".join((ENCRYPTED, made.text)),
    )


@asks("backup.restore")
def rotate_passphrase(workspace: Workspace) -> Report:
    """Give the database another passphrase, and take a backup under it."""
    from targeting.store.rekeying import open_to_rotate, rotate_key

    open_to_rotate(workspace)  # the passphrase of now is asked first
    rotate_key(workspace, new_passphrase(NEW_PASSPHRASE))
    made = backup_report(workspace, reason="key")
    return Report(
        {"workspace": str(workspace.root), "rotated": True, "backup": made.facts["file"]},
        "\n".join((ROTATED, made.text)),
    )


def unlock_for_children(workspace: Workspace) -> None:
    """Ask for the passphrase now, where one is needed: a server has no terminal. What it starts
    finds it in the environment."""
    file = database_file(workspace)
    if file is None or not cipher.is_keyed(file) or passphrases.given(PASSPHRASE) is not None:
        return
    told = passphrases.asked()
    sheet = cipher.read_sheet(file)
    if told is None or sheet is None:
        cipher.master_of(file)
        return
    master = cipher.unlocked(sheet, told)
    if master is None:
        raise WorkspaceError("this is not the passphrase of the workspace: nothing was opened.")
    cipher.hold(file, master)
    os.environ[PASSPHRASE] = told
