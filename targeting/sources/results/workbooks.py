"""Workbooks of results (.xlsx): the rows of a sheet become the text that the CSV readers take.

A workbook is a zip of XML: it is measured before it is opened (TRUST SEC-07), read row by row, and
given to the readers with a separator that no cell holds, so that one reader serves both.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, Final
from xml.etree import ElementTree

import openpyxl
from defusedxml.common import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

from targeting.errors import SourceError
from targeting.sources.files import MAX_RATIO, MOST_COLUMNS, TextFile, refuse_locked
from targeting.sources.results.wide_layouts import SHEET

MAX_FILE_BYTES: Final = 25 * 1024**2
MAX_OPENED_BYTES: Final = 250 * 1024**2
MAX_MEMBERS: Final = 200
MAX_ROWS: Final = 1_500_000
MAX_CELL: Final = 32 * 1024
MAX_COLUMNS: Final = MOST_COLUMNS
"""TRUST SEC-07 says 200 for lists of people."""

MOST_CELLS: Final = 20_000_000
"""Rows times columns, empty cells too: each takes time and memory; France's 2022 rows have 5 M."""

_AS_CSV: Final = "Open it and save it as CSV (UTF-8, semicolons), or give the official CSV."


def is_workbook(content: bytes) -> bool:
    """Whether these first bytes may be a workbook's (a zip)."""
    return content.startswith(b"PK\x03\x04")


def check_workbook(name: str, content: bytes) -> None:
    """Refuse a workbook that is too large, swells too much or holds strange members.

    Raises SourceError naming the member.
    """
    if len(content) > MAX_FILE_BYTES:
        raise SourceError(
            name, f"{len(content):,} bytes is more than a workbook may have.", way_out=_AS_CSV
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise SourceError(
            name, f"the workbook is broken or cut short ({error}).", way_out="Download it again."
        ) from error
    refuse_locked(name, members)
    if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_OPENED_BYTES:
        raise SourceError(name, "the workbook swells too much once opened.", way_out=_AS_CSV)
    for member in members:
        _check_member(name, member)


def _check_member(name: str, member: zipfile.ZipInfo) -> None:
    swells = member.file_size > MAX_RATIO * max(member.compress_size, 1)
    path = member.filename.replace("\\", "/")
    link = stat.S_ISLNK(member.external_attr >> 16)
    if swells and member.file_size > 100_000:
        raise SourceError(
            name,
            f"{path!r} swells {member.file_size // max(member.compress_size, 1)} times: refused as "
            "an archive bomb.",
            way_out=_AS_CSV,
        )
    if path.startswith("/") or ".." in path.split("/") or link:
        raise SourceError(name, f"{path!r} is no member of a workbook.", way_out=_AS_CSV)


def read_sheets(name: str, content: bytes, sha256: str) -> Iterator[TextFile]:
    """The sheets of a workbook that have rows, as texts whose lines are the sheet's rows.

    Raises SourceError for a workbook that cannot be opened, and beyond MAX_ROWS and MAX_COLUMNS.
    """
    check_workbook(name, content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for sheet in book.worksheets:
            text = _sheet_text(name, sheet, sha256)
            if text is not None:
                yield text
    except SourceError:
        raise
    except DefusedXmlException as error:
        raise SourceError(name, "its XML holds entities: refused.", way_out=_AS_CSV) from error
    except (
        ElementTree.ParseError, InvalidFileException, zipfile.BadZipFile, zlib.error, OSError,
        ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, NotImplementedError,
        OverflowError, RuntimeError,
    ) as error:  # fmt: skip
        # what openpyxl raises on damaged XML is not one family of its own
        raise SourceError(
            name, f"the workbook is damaged ({type(error).__name__}).", way_out="Download it again."
        ) from error


def _sheet_text(name: str, sheet: Any, sha256: str) -> TextFile | None:
    lines: list[str] = []
    numbers: list[int] = []
    sheet.reset_dimensions()  # what the sheet says of its size is not to be trusted
    cells_seen = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        cells_seen += len(row)
        if cells_seen > MOST_CELLS:
            raise SourceError(
                name, f"more than {MOST_CELLS:,} cells (rows times columns).", line=number,
                way_out=_AS_CSV,
            )  # fmt: skip
        if number > MAX_ROWS or len(row) > MAX_COLUMNS:
            raise SourceError(
                name,
                f"more than {MAX_ROWS:,} rows or {MAX_COLUMNS:,} columns.",
                line=number,
                way_out=_AS_CSV,
            )
        cells = [_cell_text(cell) for cell in row]
        if any(cells):
            lines.append(SHEET.join(cells))
            numbers.append(number)
    if len(lines) < 2:
        return None
    widest = max(line.count(SHEET) for line in lines)
    padded = [line + SHEET * (widest - line.count(SHEET)) for line in lines]
    text = "\n".join(padded).encode("utf-8", "replace") + b"\n"
    return TextFile(name, text, f"workbook, sheet “{sheet.title}”", sha256, tuple(numbers))


def _cell_text(cell: Any) -> str:
    """A cell as the CSV would have it: counts without `.0`, one line, no separator of ours."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell)[:MAX_CELL]
    return " ".join(text.replace(SHEET, " ").split()) if not text.isprintable() else text
