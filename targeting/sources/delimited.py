"""Tables of text under one header line; a wrong line or cell is named by line and column."""

from __future__ import annotations

import csv

import pandas as pd
import polars as pl

from targeting.errors import SourceError, TargetingError
from targeting.sources.files import TextFile
from targeting.tables import Table


def refuse_broken_lines(file: TextFile, separator: str) -> None:
    """The first line that has not as many fields as the header."""
    lines = file.text.removesuffix(b"\n").split(b"\n")
    width = _fields(lines[0], separator)
    for number, line in enumerate(lines, 1):
        if (fields := _fields(line, separator)) != width:
            raise SourceError(
                file.name,
                f"{fields} fields where the header has {width}.",
                line=number,
                way_out="The line is damaged or cut short: download the file again.",
            )


def _fields(line: bytes, separator: str) -> int:
    if b'"' not in line:
        return line.count(separator.encode()) + 1
    try:
        row = next(csv.reader([line.decode("utf-8", "replace")], delimiter=separator), [])
    except csv.Error:
        return 0  # a lone return within a quote: no line of fields
    return len(row)


def refuse_where(
    file: TextFile, rows: pl.DataFrame, wrong: pl.Expr, column: str, reason: str
) -> None:
    """Name the first of the rows that are `wrong`; `reason` may hold `{cell}`."""
    found = rows.filter(wrong)
    if not found.is_empty():
        raise SourceError(
            file.name,
            reason.format(cell=f"“{str(found[column][0])[:40]}”"),
            line=int(found["line"][0]),
            column=column,
            way_out="Correct the line, or download the file again.",
        )


def parse(file: TextFile, separator: str) -> pl.DataFrame:
    """The table as text; `line` is not among its columns yet."""
    refuse_broken_lines(file, separator)
    try:
        rows = pl.read_csv(file.text, separator=separator, infer_schema=False)
        return rows.rename({column: column.strip() for column in rows.columns})
    except pl.exceptions.PolarsError as error:
        raise SourceError(
            file.name,
            "the table cannot be parsed: a quote is not closed, or a column stands twice.",
            way_out="The file is damaged or cut short: download it again.",
        ) from error


def numbers(file: TextFile, rows: pl.DataFrame, column: str, dtype: type[pl.DataType]) -> pl.Series:
    """A column as numbers; the first cell that is none is named with its line.

    Spreadsheets write `149223,41` and `163,0000000000`: decimal commas, and whole numbers so.
    """
    numbers = rows[column].cast(dtype, strict=False)
    if numbers.null_count() > rows[column].null_count():
        cells = rows[column].str.strip_chars().str.replace(r"^([+-]?\d+),(\d+)$", "${1}.${2}")
        if dtype.is_integer():
            cells = cells.str.replace(r"\.0+$", "")
        numbers = cells.cast(dtype, strict=False)
    wrong = numbers.is_null() & rows[column].is_not_null()
    if wrong.any():
        at = int(wrong.arg_true()[0])
        raise SourceError(
            file.name,
            f"“{str(rows[column][at])[:40]}” is not a number.",
            line=int(rows["line"][at]),
            column=column,
            way_out="Correct the cell, or download the file again.",
        )
    return numbers


def refuse_holes(file: TextFile, rows: pl.DataFrame, columns: tuple[str, ...]) -> None:
    """The first empty cell of these columns."""
    for column in columns:
        holes = rows[column].is_null()
        if holes.any():
            raise SourceError(
                file.name,
                "the cell is empty.",
                line=int(rows["line"][int(holes.arg_true()[0])]),
                column=column,
                way_out="The line is damaged or cut short: download the file again.",
            )


def checked(name: str, table: pd.DataFrame, contract: type[Table]) -> pd.DataFrame:
    """The table, once it keeps its contract: what the reader did not name itself is told here."""
    try:
        return contract.check(table)
    except TargetingError as error:
        raise SourceError(
            name,
            "a column has cells that cannot be right.",
            way_out="Use the file as published, with all its columns.",
        ) from error
