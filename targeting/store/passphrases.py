"""Secrets from outside: the environment, a file that its owner alone reads, or the terminal.

Never an argument of the command line (others see those), never in a log, the database or a sheet
(TRUST SEC-13).
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Final

from targeting.errors import WorkspaceError

PASSPHRASE: Final = "RELANCE_PASSPHRASE"  # noqa: S105 (a name)
"""The workspace's own; `RELANCE_PASSPHRASE_FILE` names a file that holds it."""
NEW_PASSPHRASE: Final = "RELANCE_NEW_PASSPHRASE"  # noqa: S105 (a name)
BACKUP_PASSPHRASE: Final = "RELANCE_BACKUP_PASSPHRASE"  # noqa: S105 (a name)
COLUMN_KEY: Final = "RELANCE_COLUMN_KEY"

FEWEST_SIGNS: Final = 12
FEWEST_DIFFERENT: Final = 8
MOST_SIGNS: Final = 1024
MOST_BYTES: Final = 8192
STRONG_ENOUGH: Final = 3
"""Of zxcvbn's scores, 0 to 4: more than 10^8 guesses (Wheeler 2016, USENIX Security 25)."""
LOOKED_AT: Final = 72
"""Signs of it that zxcvbn takes."""
OURS: Final = ["relance", "campagne", "phrase", "secrete", "passphrase", "motdepasse", "legauche"]

Ask = Callable[[bool], str | None]

_ask: list[Ask] = []
"""How a command asks on its terminal: it says how, at its start."""


def ask_with(ask: Ask | None) -> None:
    """Have `ask` called where a passphrase is wanted and none is given; `ask(True)` asks for a new
    one, twice. None: nobody is there to be asked."""
    _ask[:] = [ask] if ask is not None else []


def asked(*, new: bool = False) -> str | None:
    """What the terminal answers; None where there is none."""
    return plain_form(text) if _ask and (text := _ask[0](new)) else None


def given(name: str) -> str | None:
    """The secret that the variable `name` has, or the file that `name`_FILE names; None if neither.

    Raises WorkspaceError if both are, or if others may read the file.
    """
    text, file = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if text and file:
        raise WorkspaceError(f"{name} and {name}_FILE are both set: leave one of them.")
    if file:
        text = _from_file(Path(file), name)
    return plain_form(text) if text else None


def _from_file(path: Path, name: str) -> str:
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077:
                raise WorkspaceError(
                    f"the file of {name}_FILE may be read by others: `chmod 600` it, then try "
                    "again."
                )
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise WorkspaceError(
            f"the file of {name}_FILE cannot be read ({error.strerror}): check its name and rights."
        ) from error
    try:
        text = content.decode("utf8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise WorkspaceError(
            f"the file of {name}_FILE is no text: write one line in it."
        ) from error
    if not text or "\n" in text or len(content) > MOST_BYTES:
        raise WorkspaceError(f"the file of {name}_FILE has to hold one line: the secret.")
    return text


def plain_form(text: str) -> str:
    """One spelling of what two keyboards write in two ways (NFKC, as NIST SP 800-63B asks)."""
    return unicodedata.normalize("NFKC", text)


def refuse_weak(passphrase: str) -> None:
    """Raise WorkspaceError for a passphrase that is short, or soon guessed."""
    from zxcvbn import zxcvbn  # heavy: a passphrase is set once

    if len(passphrase) < FEWEST_SIGNS:
        raise WorkspaceError(
            f"this passphrase is too short: {FEWEST_SIGNS} signs at least, five words by chance "
            "are well."
        )
    if len(passphrase) > MOST_SIGNS:
        raise WorkspaceError(f"this passphrase is too long: {MOST_SIGNS} signs at most.")
    score = zxcvbn(passphrase[:LOOKED_AT], user_inputs=OURS)["score"]
    if score < STRONG_ENOUGH or len(set(passphrase)) < FEWEST_DIFFERENT:
        raise WorkspaceError(
            "this passphrase would soon be guessed: take five words by chance, which say nothing "
            "of you."
        )
