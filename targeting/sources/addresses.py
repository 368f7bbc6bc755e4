"""Addresses as published: the BAN's departmental files, and voters per address without names.

BAN (Licence Ouverte 2.0): 23 columns, `;`, UTF-8, one position an address, `x`/`y` in Lambert-93 on
the mainland. Voters per address: Paris 2012 (Baptiste Coulmont): arrondissement, station, number,
street type, street name, voters. Layouts are told from the headers.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd
import polars as pl

from targeting.codes import COMMUNE_CODE, commune_of_arrondissement
from targeting.errors import SourceError, TargetingError
from targeting.sources.files import TextFile, read_text, without_blank_end
from targeting.sources.outlines import MAINLAND
from targeting.streetnames import suffix_of
from targeting.tables import Addresses, VoterAddresses

BAN_COLUMNS: Final = (
    "id", "numero", "rep", "nom_voie", "code_postal", "code_insee", "x", "y", "lon", "lat",
)  # fmt: skip
PARIS_VOTERS: Final = ("arrondissement", "bureau", "numero", "voie", "nom", "nb")

MOST_VOTERS: Final = 5_000
"""No address has more voters on the roll; the largest of Paris 2012 has 705."""

LARGEST_NUMBER: Final = 99_999
"""Numbers have five digits at most; the BAN writes 9000 and above for places without number."""


@dataclass(frozen=True)
class AddressFile:
    """Addresses read: one of two tables, and what was left out or noticed."""

    kind: str
    table: pd.DataFrame
    sha256: str
    publisher: str
    licence: str
    credit: str
    notes: list[str] = field(default_factory=list)


def read_addresses(path: Path) -> AddressFile:
    """Read a file of addresses, of a layout told from its headers.

    `kind` is `addresses` (table Addresses) or `voters` (table VoterAddresses). Raises SourceError
    naming file, line, reason and way out.
    """
    file = without_blank_end(read_text(path))
    header = file.text.split(b"\n", 1)[0].decode("utf-8", "replace").strip().strip('"')
    for separator in (";", ","):
        columns = [c.strip().strip('"') for c in header.split(separator)]
        if set(BAN_COLUMNS) <= set(columns):
            return _read_ban(file, separator)
        if set(PARIS_VOTERS) <= set(columns):
            return _read_paris_voters(file, separator)
    raise SourceError(
        file.name,
        f"not an address layout known here: headers found are {header[:200]}.",
        line=1,
        way_out="Known: the BAN's adresses-XX.csv (23 columns) and voters per address "
        f"({', '.join(PARIS_VOTERS)}).",
    )


def _refuse_broken_lines(file: TextFile, separator: str) -> None:
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
    row = next(csv.reader([line.decode("utf-8", "replace")], delimiter=separator), [])
    return len(row)


def _refuse_where(
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


def _checked(
    file: TextFile, table: pd.DataFrame, contract: type[Addresses] | type[VoterAddresses]
) -> pd.DataFrame:
    """The table, once it keeps its contract: what the reader did not name itself is told here."""
    try:
        return contract.check(table)
    except TargetingError as error:
        raise SourceError(
            file.name,
            "a column has cells that cannot be right.",
            way_out="Use the file as published, with all its columns.",
        ) from error


def _parse(file: TextFile, separator: str) -> pl.DataFrame:
    _refuse_broken_lines(file, separator)
    try:
        return pl.read_csv(file.text, separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise SourceError(
            file.name,
            "the table cannot be parsed: a quote is not closed, or a column stands twice.",
            way_out="The file is damaged or cut short: download it again.",
        ) from error


def _numbers(
    file: TextFile, rows: pl.DataFrame, column: str, dtype: type[pl.DataType]
) -> pl.Series:
    """A column as numbers; the first cell that is none is named with its line."""
    numbers = rows[column].cast(dtype, strict=False)
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


def _refuse_holes(file: TextFile, rows: pl.DataFrame, columns: tuple[str, ...]) -> None:
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


def _read_ban(file: TextFile, separator: str) -> AddressFile:
    rows = _parse(file, separator).select(BAN_COLUMNS).with_row_index("line", offset=2)
    _refuse_holes(file, rows, ("id", "numero", "nom_voie", "code_insee"))
    rows = rows.with_columns(
        **{c: _numbers(file, rows, c, pl.Float64) for c in ("x", "y")},
        numero=_numbers(file, rows, "numero", pl.Int64),
    )
    _refuse_where(
        file, rows, ~pl.col("code_insee").str.contains(COMMUNE_CODE), "code_insee",
        "{cell} is no commune.",
    )  # fmt: skip
    _refuse_where(
        file, rows, ~pl.col("numero").is_between(0, LARGEST_NUMBER), "numero",
        "{cell} is no number of an address.",
    )  # fmt: skip
    notes = []
    no_place = rows.filter(pl.col("x").is_null() | pl.col("y").is_null())
    if not no_place.is_empty():
        notes.append(f"{no_place.height} addresses without position left out: they cannot be found")
        rows = rows.filter(pl.col("x").is_not_null() & pl.col("y").is_not_null())
    west, south, east, north = MAINLAND
    outside = rows.filter(
        ~(pl.col("x").is_between(west, east) & pl.col("y").is_between(south, north))
    )
    if not outside.is_empty():
        raise SourceError(
            file.name,
            f"{outside.height} addresses lie outside mainland France in Lambert-93 "
            f"(first: x={outside['x'][0]}, y={outside['y'][0]}).",
            line=int(outside["line"][0]),
            way_out="Overseas departments have another projection, not read yet.",
        )
    numberless = rows.filter(pl.col("numero") >= 9000)
    if not numberless.is_empty():
        notes.append(f"{numberless.height} streets or places without number left out")
        rows = rows.filter(pl.col("numero") < 9000)
    twice = rows.filter(pl.col("id").is_duplicated())
    if not twice.is_empty():
        notes.append(f"{twice.height} rows share an id: the first of each is kept")
        rows = rows.unique("id", keep="first", maintain_order=True)
    communes = {c: commune_of_arrondissement(c) for c in rows["code_insee"].unique()}
    suffixes = {s: suffix_of(s) for s in rows["rep"].unique()}
    table = rows.select(
        address_id="id",
        commune_code=pl.col("code_insee").replace(communes),
        postcode="code_postal",
        street=pl.col("nom_voie").str.strip_chars(),
        number="numero",
        suffix=pl.col("rep").replace_strict(suffixes, return_dtype=pl.String),
        x="x",
        y="y",
    ).to_pandas()
    if table.empty:
        raise SourceError(
            file.name, "headers and not one address.", line=1, way_out="Download it again."
        )
    return AddressFile(
        "addresses", _checked(file, table, Addresses), file.sha256, "BAN", "Licence Ouverte 2.0",
        "BAN / Licence Ouverte 2.0", notes,
    )  # fmt: skip


def _read_paris_voters(file: TextFile, separator: str) -> AddressFile:
    rows = _parse(file, separator).select(PARIS_VOTERS).with_row_index("line", offset=2)
    _refuse_holes(file, rows, PARIS_VOTERS)
    numbers = _numbers(file, rows, "numero", pl.Int64)
    voters = _numbers(file, rows, "nb", pl.Int64)
    counted = rows.with_columns(numero=numbers, nb=voters)
    _refuse_where(
        file, rows, ~pl.col("bureau").str.contains(r"^[0-9A-Za-z]+$"), "bureau",
        "{cell} is no station number.",
    )  # fmt: skip
    _refuse_where(
        file, counted, ~pl.col("numero").is_between(0, LARGEST_NUMBER), "numero",
        "{cell} is no number of an address.",
    )  # fmt: skip
    _refuse_where(
        file, counted, pl.col("nb") > MOST_VOTERS, "nb",
        "{cell} voters are more than an address can have.",
    )  # fmt: skip
    arrondissement = pl.col("arrondissement").str.zfill(2)
    wrong = rows.filter(~arrondissement.is_in([f"{n:02d}" for n in range(1, 21)]) | (voters < 0))
    if not wrong.is_empty():
        raise SourceError(
            file.name,
            "no arrondissement of Paris (01 to 20), or a negative count.",
            line=int(wrong["line"][0]),
            way_out="Correct the line.",
        )
    table = rows.select(
        station_id=pl.lit("75056_") + arrondissement + pl.col("bureau").str.zfill(2),
        commune_code=pl.lit("75056"),
        arrondissement_code=pl.lit("751") + arrondissement,
        street=pl.col("voie") + " " + pl.col("nom"),
        number=numbers,
        suffix=pl.lit(""),
        registered=voters,
    ).to_pandas()
    return AddressFile(
        "voters",
        _checked(file, table, VoterAddresses),
        file.sha256,
        "Baptiste Coulmont, via banR",
        "unstated",
        "Électeurs par adresse de Paris 2012: Baptiste Coulmont",
    )
