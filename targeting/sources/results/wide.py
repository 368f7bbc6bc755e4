"""The wide official results: one line a polling station, one group of columns a candidate.

Two families (facts in FORMATS A §6, checked on the files themselves where there are):
- *native*, until 2022: Latin-1, semicolons (tabs in municipal 2020, first round), the header names
  the first group only, lines have as many groups as candidates stand there;
- *numbered*, since 2024: UTF-8, every group named (`Voix 1`, `Voix 2`…), first-round cells have
  lost their leading zeros, second-round cells are quoted when they hold anything but letters.

Counts only are read; published percentages are never trusted. The text is parsed once by Polars,
typed, with just the columns that count; a second, slow reading names line and column when it fails.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from targeting.errors import SourceError
from targeting.sources.files import TextFile, read_cells, read_text, refuse_wide, without_blank_end
from targeting.sources.results.counts import (
    AS_PUBLISHED,
    COUNTS,
    Results,
    checked_tables,
    count_fault,
    place_stations,
    refuse_cut_line,
)
from targeting.sources.results.stray_tabs import mend_stray_tabs
from targeting.sources.results.totals import without_totals
from targeting.sources.results.wide_layouts import Layout, find_layout


def read_wide_results(path: Path) -> Results:
    """Read one official wide results file, plain or compressed, into turnout and votes.

    Raises SourceError naming file, line, reason and way out for anything that is not such a file
    or whose counts are impossible (negative, more voters than registered, more valid votes or more
    votes for one candidate than votes cast, the same station twice, an unknown department).
    """
    return parse_wide_results(read_text(path))


def parse_wide_results(file: TextFile) -> Results:
    """`read_wide_results` on a text already opened."""
    file = without_blank_end(file)
    layout = find_layout(file)
    widths = line_widths(file.text, layout.separator)
    refuse_wide(file.name, int(widths.max()), int(widths.argmax()) + 1)
    layout = layout.widened(int(widths.max()))
    notes: list[str] = []
    if layout.separator == "\t":
        file, notes = mend_stray_tabs(file, layout, widths)
        widths = line_widths(file.text, layout.separator) if notes else widths
    _refuse_broken_lines(file, layout, widths)
    fixed, votes = _parse(file, layout)
    file = replace(file, text=file.text[-1:])  # a national text is large, and read now
    sifted = without_totals(file.name, _rows(file, layout, fixed), votes)
    stations, votes = place_stations(file.name, sifted.rows), sifted.votes
    absent = [n for n in ("candidate", "party_list", "nuance_code") if n not in votes.columns]
    votes = votes.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in absent),
        station_id=stations["station_id"].gather(votes["row"]),
    )
    turnout, votes, told = checked_tables(file.name, stations, votes)
    refuse_cut_line(file, turnout)
    return Results(
        file.name,
        file.sha256,
        layout.name,
        file.encoding,
        turnout,
        votes,
        kinds=layout.kinds,
        notes=(*notes, *sifted.notes, *told),
    )


def line_widths(text: bytes, separator: str) -> np.ndarray:
    """Fields of each line, as if no cell were quoted; the last line may lack its newline."""
    mark, widths, start = separator.encode(), [], 0
    while start < len(text):
        end = text.find(b"\n", start + _PART)
        lines = text[start : end if end >= 0 else len(text)].split(b"\n")
        start = end + 1 if end >= 0 else len(text)
        if end < 0 and not lines[-1]:
            lines.pop()
        widths += [line.count(mark) + 1 for line in lines]
    return np.array(widths)


_PART: Final = 2 * 1024**2


def _refuse_broken_lines(file: TextFile, layout: Layout, widths: np.ndarray) -> None:
    """Lines that are no whole number of candidates, or not as wide as the header."""
    start = layout.first_group
    if layout.ragged:
        broken = (widths < start + layout.group_width) | ((widths - start) % layout.group_width > 0)
    else:
        broken = widths != layout.width
    broken[0] = False
    if not broken.any() or (layout.quoted and _diagnosed(file, layout) is None):
        return
    at = file.line_of(int(np.argmax(broken)) + 1)
    fault = _diagnosed(file, layout)
    raise fault or SourceError(file.name, "broken line.", line=at, way_out=AS_PUBLISHED)


def _schema(layout: Layout) -> dict[str, pl.DataType | type[pl.DataType]]:
    numbers = {at for name, at in layout.columns.items() if name in COUNTS}
    numbers |= {group["votes"] for group in layout.groups}
    return {f"c{i}": pl.Int64 if i in numbers else pl.String for i in range(layout.width)}


def _parse(file: TextFile, layout: Layout) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fixed columns, one row a line; and votes, one row a line and candidate (`row`: the line).

    Piece by piece: the cells of a European file at once are five times its text. Falls back on a
    slow reading to name the fault.
    """
    fixed: list[pl.DataFrame] = []
    votes: list[pl.DataFrame] = []
    first = 0
    try:
        for piece in _pieces(file.text, quoted=layout.quoted):
            cells = _cells(piece, layout)
            fixed.append(cells.select(f"c{at}" for at in sorted(layout.columns.values())))
            votes.append(_votes(layout, cells, first))
            first += cells.height
            del cells
    except pl.exceptions.PolarsError:
        fault = _diagnosed(file, layout)
        raise fault or SourceError(
            file.name, "the table cannot be parsed.", way_out=AS_PUBLISHED
        ) from None
    if not first:
        raise SourceError(
            file.name, "headers and not one station.", line=1, way_out="Download it again."
        )
    return pl.concat(fixed), pl.concat(votes)


def _pieces(text: bytes, *, quoted: bool) -> Iterator[bytes]:
    """Whole lines under the header, some megabytes at a time; no cut within quotes."""
    start = text.find(b"\n") + 1 or len(text)
    while start < len(text):
        end = text.find(b"\n", start + _PIECE) + 1 or len(text)
        while quoted and end < len(text) and text.count(b'"', start, end) % 2:
            end = text.find(b"\n", end) + 1 or len(text)
        yield text[start:end]
        start = end


_PIECE: Final = 8 * 1024**2


def _cells(piece: bytes, layout: Layout) -> pl.DataFrame:
    """Cells that count, typed; one row a line."""
    wanted = sorted(set(layout.columns.values()).union(*(g.values() for g in layout.groups)))
    return (
        pl.scan_csv(
            piece,
            separator=layout.separator,
            has_header=False,
            schema=_schema(layout),
            quote_char='"' if layout.quoted else None,
            missing_columns="insert",
        )
        .select(f"c{i}" for i in wanted)
        .collect()
    )


def _diagnosed(file: TextFile, layout: Layout) -> SourceError | None:
    """Why a text cannot be parsed: first line whose width or whose counts are wrong, if any."""
    lines = file.text.decode("utf-8", "replace").split("\n")
    fixed = {at: name for name, at in layout.columns.items() if name in COUNTS}
    counts = fixed | {g["votes"]: "votes" for g in layout.groups}
    cells_by_line = read_cells(lines, layout.separator, quoted=layout.quoted)
    try:
        for row, cells in enumerate(cells_by_line, 1):
            if row == 1 or (row == len(lines) and not cells):
                continue
            number = file.line_of(row)
            if fault := _width_fault(layout, len(cells)):
                return SourceError(file.name, fault, line=number, way_out=AS_PUBLISHED)
            for at, name in counts.items():
                cell = cells[at].strip() if at < len(cells) else ""
                if fault := count_fault(cell, may_be_empty=True):
                    return SourceError(
                        file.name, fault, line=number, column=name, way_out=AS_PUBLISHED
                    )
    except csv.Error as error:
        return SourceError(file.name, f"quotes do not match ({error}).", way_out=AS_PUBLISHED)
    return None


def _width_fault(layout: Layout, width: int) -> str:
    if layout.ragged:
        start = layout.first_group
        whole = width >= start + layout.group_width and (width - start) % layout.group_width == 0
        return "" if whole else f"{width} fields do not make whole candidates."
    return "" if width == layout.width else f"{width} fields where the header has {layout.width}."


def _rows(file: TextFile, layout: Layout, cells: pl.DataFrame) -> pl.DataFrame:
    """Fixed columns as published; `row` numbers the rows."""
    columns = {name: pl.col(f"c{at}") for name, at in layout.columns.items()}
    rows = cells.select(**columns).with_row_index("row")
    if file.lines:
        places = pl.Series("file_line", file.lines[1 : rows.height + 1], pl.UInt32)
        rows = rows.with_columns(places)
    else:
        rows = rows.with_columns(file_line=pl.col("row") + 2)
    if "commune" not in layout.columns:  # a sector council: `13055SR01`
        rows = rows.with_columns(commune=pl.col("sector").str.head(5))
    return rows


def _votes(layout: Layout, cells: pl.DataFrame, first: int) -> pl.DataFrame:
    """One row per station and candidate, in the order of the file; `row` counts from `first`."""
    groups = []
    for order, group in enumerate(layout.groups):
        column = {name: pl.col(f"c{at}") for name, at in group.items()}
        groups.append(
            cells.select(
                row=pl.int_range(first, first + pl.len(), dtype=pl.UInt32),
                line=_line(column, order),
                votes=column["votes"],
                **_names(column),
            ).filter(pl.col("votes").is_not_null())
        )
    votes = pl.concat(groups).sort("row", maintain_order=True)
    long = [n for n in ("candidate", "party_list") if n in votes.columns]
    return votes.with_columns(_shared(votes[name]) for name in long)


def _names(column: dict[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Candidate, list and nuance: those that the layout has."""
    names = {
        "candidate": candidate_name(column),
        "party_list": party_list(column),
        "nuance_code": column.get("nuance_code"),
    }
    return {name: expression for name, expression in names.items() if expression is not None}


def _shared(names: pl.Series) -> pl.Series:
    """The same names, each written once in memory: lists stand in every station."""
    once = names.unique().drop_nulls()
    if once.len() * _MANY > names.len():
        return names
    fresh = pl.DataFrame({"name": once, names.name: pl.Series(once.to_list(), dtype=pl.String)})
    given = names.rename("name").to_frame()
    return given.join(fresh, on="name", how="left", maintain_order="left")[names.name]


_MANY: Final = 100
"""Names that come less often than that are not worth the search."""


def _line(column: dict[str, pl.Expr], order: int) -> pl.Expr:
    if "line" not in column:
        return pl.lit(order + 1, pl.Int64)
    return column["line"].cast(pl.UInt32, strict=False).cast(pl.Int64).fill_null(order + 1)


def candidate_name(column: dict[str, pl.Expr]) -> pl.Expr | None:
    """`NAME First name`, else the pair, else the head of the list."""
    if "surname" in column:
        first = column.get("first_name", pl.lit(""))
        return (column["surname"] + " " + first.fill_null("")).str.strip_chars()
    return column.get("pair", column.get("head"))


def party_list(column: dict[str, pl.Expr]) -> pl.Expr | None:
    """The short label of the list, else the long one; an empty cell is missing already."""
    return column.get("short_list", column.get("long_list"))
