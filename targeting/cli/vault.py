"""`backup`, `restore`, `encrypt`, `rotate-key`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from targeting.cli.console import FILE, Console, json_option
from targeting.locale.messages import said


def ask_passphrase(language: str, *, new: bool) -> str | None:
    """Ask on the terminal, without showing what is typed; None where there is none."""
    if not sys.stdin.isatty():
        return None
    words = said(
        language, "New passphrase of the campaign" if new else "Passphrase of the campaign"
    )
    again = said(language, "Once more") if new else False
    told: str = click.prompt(words, hide_input=True, confirmation_prompt=again, err=True)
    return told


@click.command()
@json_option
@click.pass_obj
def backup(console: Console) -> None:
    """Take a backup of the database: encrypted, put up aside and checked.

    Backups are in the workspace's backups/: of 7 days, 4 weeks and 3 months, none after the purge.
    Copy them to another disk.
    """
    from targeting.workflows.backups import backup_report

    report = backup_report(console.workspace)
    console.answer(report.facts, report.text)


@click.command()
@click.argument("file", type=FILE)
@json_option
@click.pass_obj
def restore(console: Console, file: Path) -> None:
    """Put a backup back; people erased since stay erased.

    The FILE is checked before anything is touched; what is here is kept as a backup of its own.
    """
    from targeting.workflows.backups import restore_report

    report = restore_report(console.workspace, file)
    console.answer(report.facts, report.text)


@click.command()
@json_option
@click.pass_obj
def encrypt(console: Console) -> None:
    """Encrypt the database of a workspace that is plain.

    The passphrase is asked, or given by RELANCE_PASSPHRASE or a file of 0600 named by
    RELANCE_PASSPHRASE_FILE.
    """
    from targeting.workflows.vault import encrypt_workspace

    report = encrypt_workspace(console.workspace)
    console.answer(report.facts, report.text)


@click.command("rotate-key")
@json_option
@click.pass_obj
def rotate_key(console: Console) -> None:
    """Give the database another passphrase: it is written anew under it.

    The new one is asked, or given by RELANCE_NEW_PASSPHRASE or a file of 0600 named by
    RELANCE_NEW_PASSPHRASE_FILE.
    """
    from targeting.workflows.vault import rotate_passphrase

    report = rotate_passphrase(console.workspace)
    console.answer(report.facts, report.text)


COMMANDS: Final = (backup, restore, encrypt, rotate_key)
