"""Phone walk books to a folder or, for a screen, to one zip, and the phrase that opens them.

One phrase for a packet, said aloud when the outing begins: with one a turf, slips of paper go
astray or travel with the files. Each book has a key of its own all the same, and whoever finds a
phone has no phrase. It is told once and kept nowhere.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from targeting.config import Workspace
from targeting.exports.phone_book import write_phone_books
from targeting.field.books import WalkBook
from targeting.field.sealing import ID_BYTES, check_phrase, phrase_key
from targeting.store.engine import open_store, write
from targeting.store.visits import BoundBook, bind_books
from targeting.workflows.access.asks import asks
from targeting.workflows.outings.phone_secret import make_secret, new_phrase


@dataclass(frozen=True)
class PhoneFiles:
    """One file a turf, and the phrase drawn for them: None where the user gave one."""

    paths: list[Path]
    phrase: str | None


@asks("turfs.print", own=True)
def write_phone_files(
    workspace: Workspace,
    out: Path,
    books: Sequence[WalkBook],
    *,
    today: date,
    language: str,
    passphrase: str | None = None,
) -> PhoneFiles:
    """Write the phone books of these turfs, locked by the phrase given, else by one drawn.

    What each may speak of is noted first: a return is held against it. Raises TargetingError for a
    phrase that is easily guessed.
    """
    phrase = new_phrase() if passphrase is None else passphrase
    check_phrase(phrase)
    secret, key = make_secret(workspace), phrase_key(phrase)
    ids = [os.urandom(ID_BYTES) for _ in books]
    now = datetime.now(UTC)
    bound = [bound_to(book, book_id, now) for book, book_id in zip(books, ids, strict=True)]
    write(open_store(workspace), lambda session: bind_books(session, bound))
    paths = write_phone_books(
        out, books, secret=secret, phrase=key, today=today, language=language, book_ids=ids
    )
    return PhoneFiles(paths, phrase if passphrase is None else None)


def bound_to(book: WalkBook, book_id: bytes, now: datetime) -> BoundBook:
    """What a book with this id may speak of: its own doors."""
    doors = {stop.building_id: (stop.doors[0].number, stop.doors[-1].number) for stop in book.stops}
    return BoundBook(book_id.hex(), book.turf_id, doors, now)


@asks("turfs.print", own=True)
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
