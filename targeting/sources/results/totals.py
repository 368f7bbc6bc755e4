"""Rows that are no polling station: totals that spreadsheets and portals put among the stations.

A row is a total by its word (TOTAL, Ensemble, S/T), or because its counts, every one of them and
each candidate's votes, are the sum of other rows: all the others of its commune (or constituency,
department, file), or the run of rows just before or after it. Totals of totals are found too. A
commune of one station and its total bear the same counts: only a number that is none (blank, 0000,
9999) tells which is the total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from targeting.errors import SourceError
from targeting.sources.results.counts import CANNOT_BE_A_NUMBER, COUNTS, short

TOTAL_WORD: Final = (
    r"(?i)^\W*((sous|s)\W*)?(tot|total|totaux|totale|ensemble|somme|sommes|cumul|r[ée]cap\w*"
    r"|s\s*/\s*t|tous( les)? bureaux|g[ée]n[ée]ral)(\W|_|$)"
)
"""What a total begins with; communes may (Somme-Vesle), where a station has its number."""

TELLTALE: Final = r"^(0+|9{2,})$"
"""Numbers that no station has: a row that is a sum and bears one is a total, even of one row."""

LISTED: Final = 5
_PASSES: Final = 6
_PLACES: Final = ("department", "commune", "number")


@dataclass(frozen=True)
class WithoutTotals:
    """Rows that are stations; votes, their `row` renumbered; what was left out, in words; the
    `row`s left out."""

    rows: pl.DataFrame
    votes: pl.DataFrame
    notes: tuple[str, ...] = ()
    left_out: tuple[int, ...] = ()


def without_totals(name: str, rows: pl.DataFrame, votes: pl.DataFrame | None) -> WithoutTotals:
    """Leave totals out, before codes are made of what is published.

    Parameters
    ----------
    rows
        `row` (from 0), `file_line`, `number`, `commune`, the counts there are; `department`,
        `constituency` and `commune_name` where published. One row a station.
    votes
        `row`, `votes` and names of lines; None where only counts can be compared.

    Raises
    ------
    SourceError
        When nothing is left.
    """
    cells = _Cells(rows, votes)
    worded = cells.worded.copy()
    sums = _find_sums(cells)
    is_total = worded | sums
    given = votes if votes is not None else pl.DataFrame()
    notes = tuple(_pairs_told(cells, ~is_total))
    if not is_total.any():
        return WithoutTotals(rows, given, notes)
    if is_total.all():
        raise SourceError(
            name, "totals and not one station.", line=int(rows["file_line"][0]),
            way_out="Give the results by polling station.",
        )  # fmt: skip
    notes += tuple(_told(cells, worded & ~sums, sums))
    kept = rows.filter(pl.Series(~is_total)).with_columns(
        row=pl.int_range(pl.len()).cast(rows["row"].dtype)
    )
    if votes is not None:
        places = pl.Series(np.cumsum(~is_total) - 1)
        alive = pl.Series(~is_total).gather(votes["row"])
        given = votes.filter(alive)
        given = given.with_columns(row=places.gather(given["row"]).cast(votes["row"].dtype))
    return WithoutTotals(kept, given, notes, tuple(np.flatnonzero(is_total).tolist()))


class _Cells:
    """The rows as arrays: places, counts, and what their number says."""

    def __init__(self, rows: pl.DataFrame, votes: pl.DataFrame | None) -> None:
        self.rows, self.votes = rows, votes
        texts = {
            c: rows[c].str.strip_chars().fill_null("") if c in rows.columns else None
            for c in (*_PLACES, "constituency", "commune_name")
        }
        n = rows.height
        number = texts["number"]
        assert number is not None
        self.number = number
        impossible = _matching(number, CANNOT_BE_A_NUMBER)
        blank = (number == "").to_numpy()
        self.telltale = _matching(number, TELLTALE)
        self.worded = np.zeros(n, bool)
        for column, text in texts.items():
            if text is not None and column != "commune_name":
                self.worded |= _matching(text, TOTAL_WORD)
        name = texts["commune_name"]
        if name is not None:  # Somme-Vesle is a commune: its stations have numbers
            no_number = impossible | blank | self.telltale | self.worded
            self.worded |= no_number & _matching(name, TOTAL_WORD)
        self.special = self.worded | impossible | blank | self.telltale
        self.unnumbered = self.worded | impossible | blank
        there = [c for c in COUNTS if c in rows.columns]
        self.counts = (
            rows.select(pl.col(there).fill_null(0)).to_numpy().astype(np.int64)
            if there
            else np.zeros((n, 1), np.int64)
        )
        self.keys = {
            level: _codes([texts[c] for c in level], n)
            for level in (
                ("department", "commune", "constituency"), ("department", "commune"),
                ("department", "constituency"), ("department",), (),
            )
        }  # fmt: skip
        self._by_row: dict[int, tuple[dict[str, int], dict[int, int]]] | None = None

    @property
    def commune(self) -> np.ndarray:
        return self.keys["department", "commune"]

    def same_votes(self, row: int, parts: np.ndarray) -> bool:
        """Whether each candidate's votes are the sum of the parts', by name or by panel."""
        if self.votes is None:
            return True
        if self._by_row is None:
            self._by_row = {}
        named, panels = self._votes_of(row)
        if not any(named.values()):
            return True  # a total of turnout alone
        sums: dict[str, int] = defaultdict(int)
        places: dict[int, int] = defaultdict(int)
        for part in parts.tolist():
            for key, votes in self._votes_of(part)[0].items():
                sums[key] += votes
            for at, votes in self._votes_of(part)[1].items():
                places[at] += votes
        return _nonzero(named) == _nonzero(sums) or _nonzero(panels) == _nonzero(places)

    def _votes_of(self, row: int) -> tuple[dict[str, int], dict[int, int]]:
        assert self.votes is not None
        assert self._by_row is not None
        if row not in self._by_row:
            column = self.votes["row"]
            start, end = column.search_sorted(row, "left"), column.search_sorted(row, "right")
            lines = self.votes.slice(int(start), int(end) - int(start))
            named: dict[str, int] = defaultdict(int)
            panels: dict[int, int] = {}
            labels = [c for c in ("candidate", "party_list", "nuance_code") if c in lines.columns]
            keys = lines.select(pl.coalesce(*labels, pl.lit(""))).to_series() if labels else None
            for at, votes in enumerate(lines["votes"].to_list()):
                named[(keys[at] if keys is not None else "") or f"\0{at}"] += votes
                panels[at] = votes
            self._by_row[row] = named, panels
        return self._by_row[row]


def _nonzero(votes: Mapping[Any, int]) -> dict[Any, int]:
    return {k: v for k, v in votes.items() if v}


def _matching(texts: pl.Series, pattern: str) -> np.ndarray:
    """Which texts have the pattern; a national file has few different ones."""
    different = texts.unique()
    found = different.filter(different.str.contains(pattern))
    return texts.is_in(found.implode()).to_numpy()


def _codes(texts: Sequence[pl.Series | None], n: int) -> np.ndarray:
    """A whole number for each group of equal texts."""
    code = np.zeros(n, np.int64)
    for text in texts:
        if text is not None:
            own = text.cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
            both = code * (int(own.max(initial=0)) + 1) + own
            code = pl.Series(both).rank("dense").to_numpy().astype(np.int64) - 1
    return code


# -- sums ------------------------------------------------------------------------------------------


def _find_sums(cells: _Cells) -> np.ndarray:
    """Which rows are sums of others; those found are put aside, and the search begins again."""
    found = np.zeros(cells.rows.height, bool)
    for _ in range(_PASSES):
        new = _one_pass(cells, np.flatnonzero(~found))
        if not new:
            break
        found[new] = True
    return found


def _one_pass(cells: _Cells, alive: np.ndarray) -> list[int]:
    """Totals among the rows `alive`: the finest level at which there are any."""
    for level in (0, 1):
        keys = list(cells.keys.values())[level]
        if new := _sums_of_groups(cells, alive, keys):
            return new
    if new := sorted({*_sums_of_runs(cells, alive), *_sums_of_runs(cells, alive[::-1])}):
        return new
    for keys in list(cells.keys.values())[2:]:
        if new := _sums_of_groups(cells, alive, keys):
            return new
    return []


def _sums_of_groups(cells: _Cells, alive: np.ndarray, keys: np.ndarray) -> list[int]:
    """Rows that are the sum of all the others of their group."""
    registered = cells.counts[alive, 0]
    groups = keys[alive]
    half = (registered > 0) & (2 * registered == np.bincount(groups, registered)[groups])
    alive = alive[np.isin(groups, groups[half])]  # few: the rest is looked at in these alone
    groups, counts = keys[alive], cells.counts[alive]
    size = np.bincount(groups)
    fits = counts[:, 0] > 0
    for column in counts.T:
        fits &= 2 * column == np.bincount(groups, weights=column)[groups].astype(np.int64)
    special = cells.special[alive]
    fits &= (size[groups] >= 3) | ((size[groups] == 2) & special)
    rivals = np.bincount(groups[fits], minlength=size.size)
    special_rivals = np.bincount(groups[fits & special], minlength=size.size)
    fits &= (rivals[groups] == 1) | (special & (special_rivals[groups] == 1))
    new = []
    for at in np.flatnonzero(fits).tolist():
        parts = alive[(groups == groups[at]) & (np.arange(groups.size) != at)]
        if cells.same_votes(int(alive[at]), parts):
            new.append(int(alive[at]))
    return new


def _sums_of_runs(cells: _Cells, order: np.ndarray) -> Iterator[int]:
    """Rows that are the sum of the rows just before them, in this order.

    The rows of a run are of the row's commune, unless its number is none. A run of one row tells
    nothing, unless the number is none.
    """
    counts, commune = cells.counts[order], cells.commune[order]
    registered = counts[:, 0]
    sums = np.concatenate([[0], np.cumsum(registered)])
    at = np.arange(order.size)
    first = np.searchsorted(sums, sums[:-1] - registered, "left")
    fits = (registered > 0) & (first < at)
    fits &= sums[at] - sums[np.minimum(first, at)] == registered
    for i in np.flatnonzero(fits).tolist():
        if (counts[first[i] : i].sum(axis=0) != counts[i]).any():
            continue
        row, start = int(order[i]), int(first[i])
        unnumbered = bool(cells.unnumbered[row])
        one_commune = bool((commune[start:i] == commune[i]).all())
        long_enough = i - start >= 2 or (cells.special[row] and one_commune) or unnumbered
        plausible = (one_commune or unnumbered) and long_enough
        if plausible and cells.same_votes(row, order[start:i]):
            yield row


# -- words -----------------------------------------------------------------------------------------


def _told(cells: _Cells, worded: np.ndarray, sums: np.ndarray) -> Iterator[str]:
    if sums.any():
        one = int(sums.sum()) == 1
        yield (
            f"{int(sums.sum()):,} row{'' if one else 's'} left out, no station but the sum of "
            f"others: {_places(cells, sums)}"
        )
    if worded.any():
        one = int(worded.sum()) == 1
        yield (
            f"{int(worded.sum()):,} row{'' if one else 's'} left out, a total by "
            f"{'its' if one else 'their'} word, whose counts are not the sum of the rows beside: "
            f"stations may be missing ({_places(cells, worded)})"
        )


def _places(cells: _Cells, which: np.ndarray) -> str:
    rows = np.flatnonzero(which)
    lines = cells.rows["file_line"].to_list()
    told = [f"line {lines[r]} (“{short(cells.number[int(r)], 30)}”)" for r in rows[:LISTED]]
    return ", ".join(told) + (" …" if rows.size > LISTED else "")


def _pairs_told(cells: _Cells, alive: np.ndarray) -> Iterator[str]:
    """Communes of two stations with the same counts and votes: one may be the other's total."""
    rows = np.flatnonzero(alive)
    rows = rows[np.argsort(cells.commune[rows], kind="stable")]
    begins = np.unique(cells.commune[rows], return_index=True)[1]
    pairs = begins[np.diff([*begins, rows.size]) == 2]
    firsts, seconds = rows[pairs], rows[pairs + 1]
    same = (cells.counts[firsts] == cells.counts[seconds]).all(axis=1)
    same &= cells.counts[firsts, 0] > 0
    lines = cells.rows["file_line"]
    for first, second in zip(firsts[same].tolist(), seconds[same].tolist(), strict=True):
        if cells.same_votes(first, np.array([second])):
            yield (
                f"lines {lines[first]} and {lines[second]} have the same counts: one may be the "
                "other's total; both are kept"
            )
