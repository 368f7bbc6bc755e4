"""Open a published file whatever its wrapping, and refuse early what is not a table of text.

`.gz`, `.xz`, `.zip` (one member) or plain, told from the first bytes, never from the name. What
comes out is UTF-8 text; the bytes given in are hashed, so that a file imported twice is known.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from targeting.errors import SourceError

MAX_TEXT_BYTES: Final = 400 * 1024**2
"""Largest text read at once; the longest official file (European 2024) has 254 MB."""

MAX_RATIO: Final = 100
"""A compressed file that swells more than this is a bomb (TRUST SEC-07)."""

MOST_LINE_BYTES: Final = 1024**2
"""A line of a table is no longer; the longest of an official file has 12 kB. JSON may have one
line."""

MOST_COLUMNS: Final = 1_200
"""A municipal file has 578 columns, a European one 334."""

GZIP: Final = b"\x1f\x8b"
XZ: Final = b"\xfd7zXZ\x00"
ZIP: Final = b"PK"
ARCHIVES: Final = (GZIP, XZ, ZIP)
"""What a compressed file begins with; a workbook is one too."""

LONGEST_MAGIC: Final = 6

_MAGIC: Final = (
    (GZIP, "gzip"),
    (XZ, "xz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
BROKEN_ARCHIVE: Final = (
    EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError, RuntimeError, ValueError,
    IndexError,
)  # fmt: skip
"""What the standard library raises for a damaged archive; RuntimeError: also one with a password or
of a method it does not know."""

_NOT_TEXT: Final = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\x89PNG", "a picture"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)


@dataclass(frozen=True)
class TextFile:
    """A published file as text.

    name: as the user knows it; text: UTF-8 bytes without BOM; encoding: as found; sha256: of the
    file as given, still wrapped; lines: where the text was made of a sheet that had blank rows, the
    row of the sheet for each line of the text.
    """

    name: str
    text: bytes
    encoding: str
    sha256: str
    lines: tuple[int, ...] = ()

    def line_of(self, row: int) -> int:
        """The line that the user sees, of the text's line `row` (both from 1)."""
        return self.lines[row - 1] if self.lines else row


def read_bytes(path: Path) -> tuple[bytes, str]:
    """Content of `path` out of its wrapping, and the SHA-256 of the file as given.

    Raises SourceError for an empty file, a broken or truncated archive, an archive of several
    files, and for what would not fit in memory.
    """
    wrapped = read_bounded(path)
    if not wrapped:
        raise SourceError(path.name, "the file is empty (0 bytes).", way_out=_DOWNLOAD_AGAIN)
    content = _unwrap(path.name, wrapped)
    if not content or content.isspace():
        raise SourceError(path.name, "there is nothing inside.", way_out=_DOWNLOAD_AGAIN)
    return content, sha256_of(wrapped)


def read_bounded(path: Path) -> bytes:
    """The bytes of a file as they are. Raises SourceError for one that is too large, or no file."""
    try:
        if not path.is_file():
            raise SourceError(path.name, "it is no plain file.")
        with open(path, "rb") as file:
            return _gathered(_pieces(path.name, file, MAX_TEXT_BYTES, "it has"))
    except OSError as error:
        raise SourceError(path.name, f"cannot be read ({error.strerror}).") from error


def _gathered(pieces: Iterator[bytes]) -> bytes:
    """Pieces as one text, without holding both: what BytesIO gives back is no copy."""
    whole = io.BytesIO()
    for piece in pieces:
        whole.write(piece)
    return whole.getvalue()


def _pieces(name: str, stream: Any, limit: int, has: str) -> Iterator[bytes]:
    """What a stream gives, until it is more than it may be, or a line of a table is."""
    length = lines = since = 0
    is_table = False
    while piece := stream.read(_PART):
        is_table = _is_table(piece) if not length else is_table
        length += len(piece)
        if length > limit:
            raise SourceError(
                name, f"{has} more than {limit:,} bytes, the most that a file may have opened.",
                way_out="Give a part of it (a department, say).",
            )  # fmt: skip
        if is_table:
            since = _longest_line(name, piece, since, lines)
            lines += piece.count(b"\n")
        yield piece


def _is_table(head: bytes) -> bool:
    """Whether a text may be lines of cells: neither JSON, XML, JavaScript nor binary."""
    start = head[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    other = (b"{", b"[", b"<", b"var ", b"let ", b"const ", b"window.")
    return bool(start) and 0 not in start and not start.startswith(other)


def _longest_line(name: str, piece: bytes, since: int, lines: int) -> int:
    """Bytes of the line that goes on after `piece`, which came `since` bytes into its first one.

    Raises SourceError where one is longer than it may be; `lines` came before.
    """
    at = 0
    while len(piece) - at + since > MOST_LINE_BYTES:
        end = piece.rfind(b"\n", at, at + MOST_LINE_BYTES - since + 1)
        if end < 0:
            raise SourceError(
                name, f"a line of more than {MOST_LINE_BYTES:,} bytes, the most that one may have.",
                line=lines + piece.count(b"\n", 0, at) + 1,
                way_out="It is no table, or is damaged: download it again.",
            )  # fmt: skip
        at, since = end + 1, 0
    end = piece.rfind(b"\n", at)
    return len(piece) - end - 1 if end >= 0 else since + len(piece) - at


def refuse_wide(name: str, columns: int, line: int = 1) -> None:
    """A table of more columns than any publication has."""
    if columns > MOST_COLUMNS:
        raise SourceError(
            name, f"{columns:,} columns: more than the {MOST_COLUMNS:,} that a file may have.",
            line=line, way_out="It is no table of ours, or is damaged: download it again.",
        )  # fmt: skip


def refuse_locked(name: str, members: Iterable[zipfile.ZipInfo]) -> None:
    """Members of a zip that need a password."""
    if locked := [m.filename for m in members if m.flag_bits & 0x1]:
        raise SourceError(
            name, f"the zip is locked with a password ({locked[0][:60]!r}).",
            way_out="Unpack it yourself, and give the plain file.",
        )  # fmt: skip


def sha256_of(content: bytes) -> str:
    """SHA-256 of a file's bytes, as sheets note it."""
    return hashlib.sha256(content).hexdigest()


def read_text(path: Path) -> TextFile:
    """Content of `path` as UTF-8 text, from UTF-8 or Latin-1 (Windows-1252 included).

    Raises SourceError, besides `read_bytes`'s reasons, for a workbook, a web page or another
    thing that is no text, and for UTF-16.
    """
    content, sha256 = read_bytes(path)
    return as_text(path.name, content, sha256)


def as_text(name: str, content: bytes, sha256: str) -> TextFile:
    """Bytes already out of their wrapping as UTF-8 text; raises as `read_text` does."""
    _refuse_what_is_not_text(name, content)
    if _is_table(content):
        first = content[: max(content.find(b"\n"), 0) or None]
        refuse_wide(name, 1 + max(first.count(mark) for mark in (b";", b",", b"\t")))
    if content.startswith(b"\xef\xbb\xbf"):
        content = content[3:]
    if content.isascii():
        return TextFile(name, content, "ascii", sha256)
    if _is_utf8(name, content):
        return TextFile(name, content, "utf-8", sha256)
    codec = "cp1252" if _has_c1(content) else "latin-1"
    text = b"".join(part.decode(codec, errors="replace").encode() for part in _parts(content))
    return TextFile(name, text, "latin-1", sha256)


def _parts(content: bytes) -> Iterator[bytes]:
    """The content bit by bit: a national file decoded at once would be in memory three times."""
    for start in range(0, len(content), _PART):
        yield content[start : start + _PART]


def _is_utf8(name: str, content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for part in _parts(content):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise SourceError(
                name, "the file ends in the middle of a letter.", way_out=_DOWNLOAD_AGAIN
            ) from error
        return False
    return True


def without_blank_end(file: TextFile) -> TextFile:
    """The text without the blank lines that some editors leave at its end."""
    tail = file.text[-_LONGEST_BLANK_END:]
    blank = tail[len(tail.rstrip()) :]
    newline = blank.find(b"\n")
    if newline < 0 or newline == len(blank) - 1:
        return file
    return replace(file, text=file.text[: len(file.text) - len(blank) + newline + 1])


def read_cells(lines: Iterable[str], separator: str, *, quoted: bool) -> Iterator[list[str]]:
    """Lines into cells, slowly: to say where a text that a fast reader refused is wrong."""
    if quoted:
        return csv.reader(lines, delimiter=separator)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)


_LONGEST_BLANK_END: Final = 4096
_PART: Final = 8 * 1024**2
_DOWNLOAD_AGAIN: Final = "Download it again: the transfer was probably cut."


def _has_c1(content: bytes) -> bool:
    """Bytes 0x80-0x9f are letters in Windows-1252 and controls in Latin-1."""
    return bool(content.translate(None, bytes(range(0x80)) + bytes(range(0xA0, 0x100))))


def _unwrap(name: str, wrapped: bytes) -> bytes:
    kind = next((kind for magic, kind in _MAGIC if wrapped.startswith(magic)), "plain")
    limit = min(MAX_TEXT_BYTES, max(len(wrapped) * MAX_RATIO, 1024**2))
    try:
        if kind == "gzip":
            return _bounded(name, gzip.GzipFile(fileobj=io.BytesIO(wrapped)), limit)
        if kind == "xz":
            return _bounded(name, lzma.LZMAFile(io.BytesIO(wrapped)), limit)
        if kind == "zip":
            return _unzip(name, wrapped, limit)
    except BROKEN_ARCHIVE as error:
        raise SourceError(
            name, f"the {kind} archive is broken or cut short ({error}).", way_out=_DOWNLOAD_AGAIN
        ) from error
    return wrapped


def _bounded(name: str, stream: io.BufferedIOBase | gzip.GzipFile, limit: int) -> bytes:
    if limit < MAX_TEXT_BYTES:
        content = stream.read(limit + 1)
        if len(content) > limit:
            raise SourceError(
                name,
                f"it swells to more than {limit:,} bytes once opened: refused as an archive bomb.",
                way_out="Unpack it yourself if you trust it, and give the plain file.",
            )
        if _is_table(content):
            _longest_line(name, content, 0, 0)
        return content
    return _gathered(_pieces(name, stream, limit, "it swells to"))


def _unzip(name: str, wrapped: bytes, limit: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(wrapped)) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        refuse_locked(name, members)
        if any(m.filename in ("[Content_Types].xml", "mimetype") for m in members):
            raise SourceError(
                name,
                "this is a spreadsheet, not a CSV file.",
                way_out="Open it and save it as CSV (UTF-8, semicolons), or give the official CSV.",
            )
        if len(members) != 1:
            raise SourceError(
                name,
                f"the archive holds {len(members)} files.",
                way_out="Unpack it and give the files one by one.",
            )
        with archive.open(members[0]) as stream:
            return _bounded(name, stream, limit)  # type: ignore[arg-type]


def _refuse_what_is_not_text(name: str, content: bytes) -> None:
    head = content[:4096]
    for magic, what in _NOT_TEXT:
        if head.startswith(magic):
            raise SourceError(
                name, f"this is {what}, not a CSV file.", way_out="Give the CSV file as published."
            )
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise SourceError(
            name,
            "this is a web page, not a data file (an error page saved under a CSV name?).",
            line=1,
            way_out="Download the file again from its page.",
        )
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(0) > len(head) // 4:
        raise SourceError(
            name,
            "the text is in UTF-16.",
            line=1,
            way_out="Save it again as UTF-8 (the official files are UTF-8 or Latin-1).",
        )
    if 0 in head:
        raise SourceError(
            name, "binary bytes in a text file.", line=1, way_out="Give the CSV file as published."
        )
