"""Text cells that no spreadsheet takes for a formula (TRUST SEC-08)."""

from __future__ import annotations

from typing import Final

import pandas as pd

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""First characters that spreadsheets read as the beginning of a formula, full width included."""

GUARD: Final = "'"


def safe_text(text: str) -> str:
    """The text with a guard before it if it could be a formula; a guard of its own is doubled.

    >>> safe_text("=1+1"), safe_text("+33639981234"), safe_text("Rue Basse")
    ("'=1+1", "'+33639981234", 'Rue Basse')
    """
    return GUARD + text if text.startswith((*DANGEROUS, GUARD)) else text


def raw_text(cell: str) -> str:
    """The text that `safe_text` guarded: importers take the guard off again.

    >>> raw_text(safe_text("=1+1")), raw_text(safe_text("'tis")), raw_text("'t Kuipke")
    ('=1+1', "'tis", "'t Kuipke")
    """
    guarded = cell.startswith(GUARD) and cell[1:].startswith((*DANGEROUS, GUARD))
    return cell[1:] if guarded else cell


def safe_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its text cells made safe; numbers and dates stay what they are."""
    safe = table.copy()
    for column in safe.columns:
        if safe[column].dtype == object or pd.api.types.is_string_dtype(safe[column].dtype):
            safe[column] = safe[column].map(
                lambda v: safe_text(v) if isinstance(v, str) else v, na_action="ignore"
            )
    return safe
