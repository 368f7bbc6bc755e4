"""Phone walk books to a folder or, for a screen, to one zip, and the phrase that opens them.

One phrase for a packet, said aloud when the outing begins: with one a turf, slips of paper go
astray or travel with the files. Each book has a key of its own all the same, and whoever finds a
phone has no phrase. It is told once and kept nowhere.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from targeting.config import Workspace
from targeting.exports.phone_book import write_phone_books
from targeting.field.books import WalkBook
from targeting.field.sealing import phrase_key
from targeting.workflows.phone_secret import make_secret, new_phrase


@dataclass(frozen=True)
class PhoneFiles:
    """One file a turf, and the phrase drawn for them: None where the user gave one."""

    paths: list[Path]
    phrase: str | None


def write_phone_files(
    workspace: Workspace,
    out: Path,
    books: Sequence[WalkBook],
    *,
    today: date,
    language: str,
    passphrase: str | None = None,
) -> PhoneFiles:
    """Write the phone books of these turfs, locked by the phrase given, else by one drawn."""
    phrase = new_phrase() if passphrase is None else passphrase
    paths = write_phone_books(
        out,
        books,
        secret=make_secret(workspace),
        phrase=phrase_key(phrase),
        today=today,
        language=language,
    )
    return PhoneFiles(paths, phrase if passphrase is None else None)


def phone_books_zip(
    workspace: Workspace, books: Sequence[WalkBook], *, language: str, today: date | None = None
) -> tuple[bytes, str]:
    """The phone books in one zip, for a screen, and the phrase that opens them."""
    phrase = new_phrase()
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w") as archive:
        files = write_phone_files(
            workspace, Path(folder), books, today=today or date.today(), language=language,
            passphrase=phrase,
        )  # fmt: skip
        for path in files.paths:
            archive.write(path, path.name, zipfile.ZIP_DEFLATED)
    return packed.getvalue(), phrase
