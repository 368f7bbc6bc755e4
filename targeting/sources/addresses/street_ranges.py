"""Which numbers of each street vote where: a city's table of streets, as Le Mans publishes it.

Latin-1, columns `RIVOLI;VOIE;MINIMUM_PAIR;MAXIMUM_PAIR;MINIMUM_IMPAIR;MAXIMUM_IMPAIR;NUM_BV;…`.
`VOIE` has its type last, in brackets (`11 NOVEMBRE (RUE DU)`); bounds may have a suffix (`70BIS`);
a row without any bound is the whole street, a side without bounds has no number.
"""

from __future__ import annotations

import re
from typing import Final

import pandas as pd
import polars as pl

from targeting.codes import station_id
from targeting.errors import SourceError
from targeting.sources.delimited import parse, refuse_holes, refuse_where
from targeting.sources.files import TextFile
from targeting.streetnames import suffix_of

RANGE_COLUMNS: Final = (
    "VOIE", "MINIMUM_PAIR", "MAXIMUM_PAIR", "MINIMUM_IMPAIR", "MAXIMUM_IMPAIR", "NUM_BV",
)  # fmt: skip
SIDES: Final = (("even", "PAIR", 0), ("odd", "IMPAIR", 1))
WHOLE_SIDE: Final = (0, 99_999)
LISTED: Final = 3
_SUFFIXES_IN_ORDER: Final = ("", "A", "bis", "ter", "quater")

_BOUND: Final = re.compile(r"(\d{1,5})\s*([A-Za-z]{0,6})")
_TYPE_LAST: Final = re.compile(r"(.+?)\s*\(([^()]+)\)")

Side = tuple[str, int, str, int, str]


def read_ranges(
    file: TextFile, separator: str, commune_code: str | None
) -> tuple[pd.DataFrame, list[str]]:
    """Table StreetRanges, and what was left out; the commune is the user's to say.

    Raises SourceError where the commune is not said, and naming the line of a street or a station
    number that is missing.
    """
    if commune_code is None:
        raise SourceError(
            file.name,
            "a table of streets and stations, but it does not say of which commune.",
            way_out="Add --commune 72181 (the INSEE code of the city).",
        )
    rows = parse(file, separator).select(RANGE_COLUMNS).with_row_index("line", offset=2)
    rows = rows.with_columns(pl.col(RANGE_COLUMNS).str.strip_chars())
    rows = rows.with_columns(pl.when(pl.col(c) != "").then(pl.col(c)) for c in RANGE_COLUMNS)
    refuse_holes(file, rows, ("VOIE", "NUM_BV"))
    refuse_where(
        file, rows, ~pl.col("NUM_BV").str.contains(r"^[0-9A-Za-z]{1,8}$"), "NUM_BV",
        "{cell} is no station number.",
    )  # fmt: skip
    found, unread = [], []
    for row in rows.iter_rows(named=True):
        try:
            sides = _sides(row)
        except ValueError as error:
            unread.append(f"line {row['line']}: {error}")
            continue
        station = station_id(commune_code, row["NUM_BV"])
        street = street_name(row["VOIE"])
        found += [(station, commune_code, street, *side) for side in sides]
    if not found:
        raise SourceError(file.name, "not one range of numbers could be read.")
    columns = ["station_id", "commune_code", "street", "side", "first_number", "first_suffix",
               "last_number", "last_suffix"]  # fmt: skip
    table = pd.DataFrame(found, columns=columns)
    read = rows.height - len(unread)
    notes = [f"{read:,} of {rows.height:,} rows read, {len(table):,} sides of streets"]
    if unread:
        more = f" and {len(unread) - LISTED} more" if len(unread) > LISTED else ""
        notes.append(f"{len(unread)} rows left out: {'; '.join(unread[:LISTED])}{more}")
    return table, notes + overlaps(table)


def street_name(published: str) -> str:
    """The street as it is said: its type, written last in brackets, goes first.

    >>> street_name("11 NOVEMBRE (RUE DU)"), street_name("AGADIR (RUE D')")
    ('RUE DU 11 NOVEMBRE', "RUE D' AGADIR")
    """
    match = _TYPE_LAST.fullmatch(published)
    return f"{match[2]} {match[1]}" if match else published


def _sides(row: dict[str, str | None]) -> list[Side]:
    """Sides of the street that have numbers. Raises ValueError for a bound that is none."""
    bounds = {name: (row[f"MINIMUM_{name}"], row[f"MAXIMUM_{name}"]) for _, name, _ in SIDES}
    if not any(bound for pair in bounds.values() for bound in pair):
        return [(side, WHOLE_SIDE[0], "", WHOLE_SIDE[1], "") for side, *_ in SIDES]
    sides = []
    for side, name, remainder in SIDES:
        low, high = bounds[name]
        if low is None and high is None:
            continue
        first, last = _bound(low, remainder), _bound(high, remainder)
        if range_key(*first) > range_key(*last):
            raise ValueError(f"from {low} down to {high}")
        sides.append((side, *first, *last))
    return sides


def _bound(text: str | None, remainder: int) -> tuple[int, str]:
    match = _BOUND.fullmatch(text or "")
    if not match:
        raise ValueError(f"“{(text or '')[:20]}” is no number")
    number = int(match[1])
    if number % 2 != remainder:
        raise ValueError(f"“{text}” is on the other side of the street")
    return number, suffix_of(match[2])


def range_key(number: int, suffix: str) -> int:
    """A number and its suffix in the order they stand in the street; `B` is written bis.

    >>> range_key(70, "") < range_key(70, "bis") < range_key(70, "ter") < range_key(72, "")
    True
    >>> range_key(2, "A") < range_key(2, "bis") < range_key(2, "D")
    True
    """
    if suffix in _SUFFIXES_IN_ORDER:
        return number * 100 + _SUFFIXES_IN_ORDER.index(suffix)
    return number * 100 + min(10 + max(ord(suffix[0]) - ord("A"), 0), 99)


def overlaps(ranges: pd.DataFrame) -> list[str]:
    """A note on ranges of two stations that share numbers: each is told, none is dropped."""
    shared = []
    for (street, side), there in ranges.groupby(["street", "side"]):
        spans = sorted(
            (range_key(r.first_number, r.first_suffix), range_key(r.last_number, r.last_suffix),
             r.station_id)
            for r in there.itertuples()
        )  # fmt: skip
        reach, holder = -1, ""
        for first, last, station in spans:
            if first <= reach and station != holder:
                shared.append(f"{street}, {side} side: {holder} and {station}")
            if last > reach:
                reach, holder = last, station
    if not shared:
        return []
    more = f" and {len(shared) - LISTED} more" if len(shared) > LISTED else ""
    return [f"{len(shared)} overlaps of two stations: {'; '.join(shared[:LISTED])}{more}"]
