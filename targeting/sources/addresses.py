"""Addresses as published: the BAN, voters per address without names, streets and stations.

BAN (Licence Ouverte 2.0): 23 columns, `;`, UTF-8, one position an address, `x`/`y` in Lambert-93 on
the mainland. Voters per address: Paris 2012 (Baptiste Coulmont): arrondissement, station, number,
street type, street name, voters. Insee's addresses of voters are in `reu`, cities' tables of
streets in `street_ranges`. Layouts are told from the headers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pandas as pd
import polars as pl

from targeting.codes import COMMUNE_CODE, commune_of_arrondissement
from targeting.errors import SourceError
from targeting.sources.delimited import checked, numbers, parse, refuse_holes, refuse_where
from targeting.sources.files import TextFile, as_text, read_bytes, without_blank_end
from targeting.sources.packages import PARQUET
from targeting.sources.reu import REU_COLUMNS, REU_VINTAGE, read_reu_parquet, read_reu_text
from targeting.sources.street_ranges import RANGE_COLUMNS, read_ranges
from targeting.sources.systems import MAINLAND
from targeting.streetnames import suffix_of
from targeting.tables import Addresses, StationPoints, StreetRanges, VoterAddresses

BAN_COLUMNS: Final = (
    "id", "numero", "rep", "nom_voie", "code_postal", "code_insee", "x", "y", "lon", "lat",
)  # fmt: skip
PARIS_VOTERS: Final = ("arrondissement", "bureau", "numero", "voie", "nom", "nb")

PARIS_VINTAGE: Final = "2012"
"""Year of the one roll published in this layout."""

MOST_VOTERS: Final = 5_000
"""No address has more voters on the roll; the largest of Paris 2012 has 705."""

LARGEST_NUMBER: Final = 99_999
"""Numbers have five digits at most; the BAN writes 9000 and above for places without number."""


@dataclass(frozen=True)
class AddressFile:
    """Addresses read: one of four tables, and what was left out or noticed.

    kind: `addresses` (table Addresses), `voters` (VoterAddresses), `points` (StationPoints) or
    `ranges` (StreetRanges). vintage: year of the roll, where the layout or the user tells it.
    """

    kind: str
    table: pd.DataFrame
    sha256: str
    publisher: str
    licence: str
    credit: str
    notes: list[str] = field(default_factory=list)
    vintage: str = ""


def read_addresses(
    path: Path,
    *,
    communes: Collection[str] | None = None,
    commune_code: str | None = None,
    vintage: str | None = None,
) -> AddressFile:
    """Read a file of addresses, of a layout told from its headers.

    Parameters
    ----------
    path
        The BAN, voters per address, Insee's addresses of voters (CSV or Parquet), or a table of
        streets and stations.
    communes
        Of Insee's table, which is national, the communes to keep.
    commune_code
        The commune of a table of streets, which does not say it.
    vintage
        Year of the roll, where it is not the layout's own.

    Raises
    ------
    SourceError
        Naming file, line, reason and way out.
    """
    content, sha256 = read_bytes(path)
    if content.startswith(PARQUET):
        table, notes = read_reu_parquet(path.name, content, communes)
        return _of_reu(path.name, table, notes, sha256, vintage)
    file = without_blank_end(as_text(path.name, content, sha256))
    header = file.text.split(b"\n", 1)[0].decode("utf-8", "replace").strip().strip('"')
    for separator in (";", ","):
        columns = {c.strip().strip('"') for c in header.split(separator)}
        if set(BAN_COLUMNS) <= columns:
            return _read_ban(file, separator)
        if set(PARIS_VOTERS) <= columns:
            read = _read_paris_voters(file, separator)
            return replace(read, vintage=vintage or PARIS_VINTAGE)
        if set(REU_COLUMNS) <= columns:
            table, notes = read_reu_text(file, separator, communes)
            return _of_reu(file.name, table, notes, sha256, vintage)
        if set(RANGE_COLUMNS) <= columns:
            return _read_ranges(file, separator, commune_code, vintage)
    raise SourceError(
        file.name,
        f"not an address layout known here: headers found are {header[:200]}.",
        line=1,
        way_out="Known: the BAN's adresses-XX.csv (23 columns), voters per address "
        f"({', '.join(PARIS_VOTERS)}), Insee's table-adresses-reu, and streets by station "
        f"({', '.join(RANGE_COLUMNS)}).",
    )


def _of_reu(
    name: str, table: pd.DataFrame, notes: list[str], sha256: str, vintage: str | None
) -> AddressFile:
    year = vintage or REU_VINTAGE
    table = table.assign(vintage=pd.Series(year, index=table.index, dtype="str"))
    table = table[list(StationPoints.to_schema().columns)]
    return AddressFile(
        "points", checked(name, table, StationPoints), sha256, "Insee", "Licence Ouverte 2.0",
        "Bureaux de vote et adresses de leurs électeurs: Insee, Licence Ouverte 2.0", notes, year,
    )  # fmt: skip


def _read_ranges(
    file: TextFile, separator: str, commune_code: str | None, vintage: str | None
) -> AddressFile:
    table, notes = read_ranges(file, separator, commune_code)
    return AddressFile(
        "ranges", checked(file.name, table, StreetRanges), file.sha256, "the city", "unstated",
        f"Voies par bureau de vote: {file.name}", notes, vintage or "",
    )  # fmt: skip


def _read_ban(file: TextFile, separator: str) -> AddressFile:
    rows = parse(file, separator).select(BAN_COLUMNS).with_row_index("line", offset=2)
    refuse_holes(file, rows, ("id", "numero", "nom_voie", "code_insee"))
    rows = rows.with_columns(
        **{c: numbers(file, rows, c, pl.Float64) for c in ("x", "y")},
        numero=numbers(file, rows, "numero", pl.Int64),
    )
    refuse_where(
        file, rows, ~pl.col("code_insee").str.contains(COMMUNE_CODE), "code_insee",
        "{cell} is no commune.",
    )  # fmt: skip
    refuse_where(
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
        "addresses", checked(file.name, table, Addresses), file.sha256, "BAN",
        "Licence Ouverte 2.0", "BAN / Licence Ouverte 2.0", notes,
    )  # fmt: skip


def _read_paris_voters(file: TextFile, separator: str) -> AddressFile:
    rows = parse(file, separator).select(PARIS_VOTERS).with_row_index("line", offset=2)
    refuse_holes(file, rows, PARIS_VOTERS)
    number = numbers(file, rows, "numero", pl.Int64)
    voters = numbers(file, rows, "nb", pl.Int64)
    counted = rows.with_columns(numero=number, nb=voters)
    refuse_where(
        file, rows, ~pl.col("bureau").str.contains(r"^[0-9A-Za-z]+$"), "bureau",
        "{cell} is no station number.",
    )  # fmt: skip
    refuse_where(
        file, counted, ~pl.col("numero").is_between(0, LARGEST_NUMBER), "numero",
        "{cell} is no number of an address.",
    )  # fmt: skip
    refuse_where(
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
        number=number,
        suffix=pl.lit(""),
        registered=voters,
    ).to_pandas()
    if table.empty:
        raise SourceError(
            file.name, "headers and not one address.", line=1, way_out="Download it again."
        )
    return AddressFile(
        "voters",
        checked(file.name, table, VoterAddresses),
        file.sha256,
        "Baptiste Coulmont, via banR",
        "unstated",
        "Électeurs par adresse de Paris 2012: Baptiste Coulmont",
    )
