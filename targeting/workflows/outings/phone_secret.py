"""The campaign's secret for phone books: one file that only its owner reads (TRUST SEC-13).

Each book's key is made from it, so that returns open without any phrase. It goes with the workspace
when the folder is copied; without it, a return still opens with its book's phrase.
"""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path
from typing import Final

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.field.sealing import KEY_BYTES, draw_phrase
from targeting.shipped import OUR_DATA

KEY_FILE: Final = "phone-books.key"
WORDS: Final = OUR_DATA / "phrase_words.txt"


def load_secret(workspace: Workspace) -> bytes | None:
    """The secret, where one was made. Raises TargetingError for a damaged file."""
    path = workspace.root / KEY_FILE
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TargetingError(f"{path} cannot be read: put it back from a backup.") from error
    if len(secret) != KEY_BYTES:
        raise TargetingError(f"{path} is damaged: put it back from a backup.")
    return secret


def make_secret(workspace: Workspace) -> bytes:
    """The secret, made where there is none; of two processes at once, the first one's stays."""
    if (known := load_secret(workspace)) is not None:
        return known
    path = workspace.root / KEY_FILE
    aside = path.with_name(f".{KEY_FILE}-{secrets.token_hex(8)}")
    try:
        with open(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        _put(aside, path)
    except OSError as error:
        raise TargetingError(
            f"{path} cannot be written ({error.strerror or error}): check the folder's rights."
        ) from error
    finally:
        aside.unlink(missing_ok=True)
    made = load_secret(workspace)
    if made is None:
        raise TargetingError(f"{path} has gone: try again.")
    return made


def _put(aside: Path, path: Path) -> None:
    """Give the file its name, unless another process was quicker."""
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links, as on a USB stick
        if not path.exists():
            os.replace(aside, path)


@cache
def phrase_words() -> tuple[str, ...]:
    """Our own list of short French words without accents."""
    return tuple(WORDS.read_text("ascii").split())


def new_phrase() -> str:
    """A phrase to tell at the start of an outing: five words drawn by chance."""
    return draw_phrase(phrase_words(), secrets.choice)
