"""Spreadsheet files (XLSX): text stays text, whatever it begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xlsxwriter

from targeting.cells import safe_table
from targeting.exports.aside import write_aside

WIDEST: Final = 40
A4: Final = 9
"""XLSX's number for the paper."""

PLAIN: Final = {
    "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}  # fmt: skip


def write_workbook(
    path: Path, sheets: Mapping[str, pd.DataFrame], *, credits: Sequence[str] = ()
) -> Path:
    """One sheet a table, headers frozen; the credits on a sheet of their own.

    Text cells are written as text, guarded as in our CSV (`exports.cells`), so that the file says
    the same in both formats and no cell is ever a formula.
    """
    write_aside(path, lambda to: _write(to, sheets, credits))
    return path


def _write(path: Path, sheets: Mapping[str, pd.DataFrame], credits: Sequence[str]) -> None:
    with xlsxwriter.Workbook(str(path), PLAIN) as book:
        bold = book.add_format({"bold": True})
        for name, table in sheets.items():
            _fill(book.add_worksheet(name), safe_table(table), bold)
        if credits:
            _fill(book.add_worksheet("credits"), pd.DataFrame({"credits": list(credits)}), bold)


def _fill(sheet: Any, table: pd.DataFrame, bold: Any) -> None:
    for column, name in enumerate(table.columns):
        sheet.write_string(0, column, str(name), bold)
        values = list(table[name])
        for row, value in enumerate(values, 1):
            _cell(sheet, row, column, value)
        longest = max([len(str(name)), *(len(str(v)) for v in values[:200])])
        sheet.set_column(column, column, min(longest + 2, WIDEST))
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)  # one page wide, as many as it takes in length
    sheet.repeat_rows(0)
    if len(table.columns):
        sheet.print_area(0, 0, len(table), len(table.columns) - 1)


def _cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None or pd.isna(value):
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, str):
        sheet.write_string(row, column, value)
    elif hasattr(value, "isoformat"):
        sheet.write_string(row, column, value.isoformat())
    else:
        sheet.write_number(row, column, float(value))
