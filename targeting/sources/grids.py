"""A grid typed by hand, as it is saved: CSV of any of Excel's kinds, its "Unicode text", .xlsx.

Only tells which cell stands under which of our columns. What is refused is never repeated: a cell,
even a header, may be somebody's name.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from openpyxl.utils import get_column_letter

from targeting.cells import raw_text
from targeting.codes import to_type
from targeting.errors import SourceError
from targeting.sources.files import TextFile, read_text, sha256_of
from targeting.sources.results.wide_layouts import SHEET
from targeting.sources.results.workbooks import is_workbook, read_sheets

SEPARATORS: Final = (";", ",", "\t", SHEET)
MOST_LINES_ABOVE: Final = 10
"""Titles and blank lines that may stand above the headers."""

MOST_BYTES: Final = 50_000_000

Row = dict[str, str]


def folded(text: str) -> str:
    """A word as it is compared: small letters and digits without accents, single spaces.

    >>> folded("  Pas le\\u00a0temps, REVENIR "), folded("a d\\u00e9m\\u00e9nag\\u00e9")
    ('pas le temps revenir', 'a demenage')
    """
    bare = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("æ", "ae"))
    kept = "".join(c for c in bare if not unicodedata.combining(c)).lower()
    return re.sub(r"[^a-z0-9]+", " ", kept).strip()


def clean_cell(text: str) -> str:
    """A cell without the spaces, visible or not, that surround it."""
    plain = unicodedata.normalize("NFC", text)
    plain = re.sub(
        r"[\s\u00a0\u2007\u202f]+", " ", re.sub(r"[\u200b-\u200f\u2060\ufeff]", "", plain)
    )
    return raw_text(plain.strip())


def read_grid_text(path: Path) -> TextFile:
    """A grid as text: what `read_text` takes, UTF-16 with its mark, a workbook of one sheet."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if not (
                is_workbook(start) or start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            ):
                return read_text(path)
            content = start + file.read(MOST_BYTES)
    except OSError as error:
        raise SourceError(path.name, f"cannot be read ({error.strerror}).") from error
    if len(content) > MOST_BYTES:
        raise SourceError(
            path.name, f"more than {MOST_BYTES:,} bytes: no grid of visits is so long."
        )
    if is_workbook(content):
        return _of_workbook(path, content)
    try:
        text = content.decode("utf-16").encode()
    except UnicodeError as error:
        raise SourceError(
            path.name, "the text begins as UTF-16 and is damaged.", way_out="Save it again as CSV."
        ) from error
    return TextFile(path.name, text, "utf-16", sha256_of(content))


def _of_workbook(path: Path, content: bytes) -> TextFile:
    if b"[Content_Types].xml" not in content:
        return read_text(path)
    sheets = list(read_sheets(path.name, content, sha256_of(content)))
    if len(sheets) != 1:
        raise SourceError(
            path.name,
            f"the workbook has {len(sheets)} sheets with a header and lines, and a grid is one.",
            way_out="Keep the sheet of the visits alone, or save it as CSV.",
        )
    return sheets[0]


def read_grid(
    file: TextFile, names: Mapping[str, str], needed: tuple[str, ...]
) -> list[tuple[int, Row]]:
    """The lines of a grid with their numbers in the file, its cells by our columns.

    `names`: folded header → our column; `needed`: columns without which there is no grid. Columns
    and lines that are empty, titles above the headers and a total at the foot are left out.

    Raises SourceError naming line and column, never what is written there.
    """
    text = file.text.decode()
    try:
        separator, rows = _table(text, names)
        return _lines(file, separator, rows, names, needed)
    except csv.Error as error:
        raise SourceError(
            file.name, f"not a table ({error}).",
            way_out="A line is broken or a quote is not closed: save the grid again as CSV.",
        ) from error  # fmt: skip


def _table(text: str, names: Mapping[str, str]) -> tuple[str, list[tuple[int, list[str]]]]:
    """The separator that finds most of our headers, and the rows that it gives."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    told = re.match(r'\s*"?sep=(.)"?[ ;,\t]*\n', text, re.IGNORECASE)
    if told:
        text = "\n" * told[0].count("\n") + text[told.end() :]
    best: tuple[int, str] = (-1, SEPARATORS[0])
    for separator in SEPARATORS:
        found = max((_known(cells, names) for _, cells in _head(text, separator)), default=0)
        if found > best[0]:
            best = (found, separator)
    if told and told[1] in (";", ",", "\t", "|"):
        best = (0, told[1])
    return best[1], list(_rows(text, best[1]))


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins."""
    lines = io.StringIO(text)
    if separator == SHEET:
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=separator, strict=True)
    begun = 1
    for cells in reader:
        yield begun, [clean_cell(c) for c in cells]
        begun = reader.line_num + 1


def _head(text: str, separator: str) -> list[tuple[int, list[str]]]:
    head = []
    try:
        for line, cells in _rows(text, separator):
            if any(cells):
                head.append((line, cells))
            if len(head) > MOST_LINES_ABOVE:
                break
    except csv.Error:
        return head
    return head


def _known(cells: list[str], names: Mapping[str, str]) -> int:
    return len({names[folded(c)] for c in cells if folded(c) in names})


def _lines(
    file: TextFile,
    separator: str,
    rows: list[tuple[int, list[str]]],
    names: Mapping[str, str],
    needed: tuple[str, ...],
) -> list[tuple[int, Row]]:
    filled = [(file.line_of(n) if file.lines else n, cells) for n, cells in rows if any(cells)]
    at = next(
        (n for n, (_, c) in enumerate(filled[:MOST_LINES_ABOVE]) if _known(c, names) >= 2), None
    )
    if at is None or any(len([c for c in cells if c]) > 2 for _, cells in filled[:at]):
        raise SourceError(
            file.name, "no line of headers is known here.", line=filled[0][0] if filled else 1,
            way_out=f"A grid begins with {to_type(needed)} and the building, each in its column.",
        )  # fmt: skip
    line, headers = filled[at]
    body = filled[at + 1 :]
    columns = _columns(file, line, headers, body, names)
    if missing := [c for c in needed if c not in columns.values()]:
        raise SourceError(
            file.name,
            f"no column {', '.join(missing)}; found: {', '.join(columns.values())}.",
            line=line,
            way_out=f"A grid has {', '.join(needed)}, and the building.",
        )
    found = []
    for number, cells in body:
        row = {name: cells[n] if n < len(cells) else "" for n, name in columns.items()}
        if not any(row.values()) or _is_total(cells, row):
            continue
        found.append((number, row))
    if not found:
        raise SourceError(file.name, "headers and not one visit.", way_out="Type the visits in.")
    return found


def _columns(
    file: TextFile,
    line: int,
    headers: list[str],
    body: list[tuple[int, list[str]]],
    names: Mapping[str, str],
) -> dict[int, str]:
    """Our column at each place. Raises SourceError for one that is not ours and holds something."""
    columns: dict[int, str] = {}
    for place, header in enumerate(headers):
        name = names.get(folded(header))
        if name is None:
            continue
        if name in columns.values():
            raise SourceError(
                file.name, f"two columns are {name}: {_letter(place)} is the second.", line=line,
                way_out="Keep one of them.",
            )  # fmt: skip
        columns[place] = name
    for number, cells in body:
        for place, cell in enumerate(cells):
            if not cell or place in columns or _is_total(cells, {}):
                continue
            if place >= len(headers):
                raise SourceError(
                    file.name, f"more than the {len(headers)} cells of the header.", line=number,
                    way_out="Put a cell that holds a separator between quotes.",
                )  # fmt: skip
            raise SourceError(
                file.name,
                f"column {_letter(place)} is not known here and holds something on line {number}.",
                line=line,
                way_out="Take it out: a visit holds no name, no phone, no note. Columns known: "
                + ", ".join(dict.fromkeys(names.values()))
                + ".",
            )
    return columns


def _letter(place: int) -> str:
    return str(get_column_letter(place + 1))


def _is_total(cells: list[str], row: Row) -> bool:
    """A line that sums what is above it is no visit."""
    first = next((folded(c) for c in cells if c), "")
    summed = first.split(" ")[0] in ("total", "totaux", "totals", "somme", "sum", "sous")
    return summed and not row.get("outcome") and not row.get("visited_at")
