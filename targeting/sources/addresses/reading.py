"""Addresses as published: the BAN, voters per address without names, streets and stations.

BAN (Licence Ouverte 2.0): 23 columns, `;`, UTF-8, one position an address, `x`/`y` in Lambert-93 on
the mainland. Voters per address: Paris 2012 (Baptiste Coulmont): arrondissement, station, number,
street type, street name, voters. Insee's addresses of voters are in `reu`, cities' tables of
streets in `street_ranges`. Layouts are told from the headers.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import polars as pl
from pyproj import Transformer

from targeting.codes import COMMUNE_CODE, commune_of_arrondissement
from targeting.crs import METRIC_CRS, WGS84
from targeting.errors import SourceError
from targeting.sources.addresses.reu import (
    REU_COLUMNS,
    REU_VINTAGE,
    read_reu_parquet,
    read_reu_text,
)
from targeting.sources.addresses.street_ranges import RANGE_COLUMNS, read_ranges
from targeting.sources.delimited import checked, numbers, parse, refuse_holes, refuse_where
from targeting.sources.files import TextFile, as_text, read_bytes, without_blank_end
from targeting.sources.layers.systems import MAINLAND
from targeting.sources.packages import PARQUET
from targeting.streetnames import street_key, suffix_of
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
"""Numbers have five digits at most."""

FIRST_FICTITIOUS: Final = 5_000
"""The BAN's rule: numbers from 5000 on stand for places without number; 0 is `sans numéro`."""

MOST_STRAYS: Final = 0.01
"""Above this share of rows outside the mainland, the file is of another place, or projection."""

WIDEST_COMMUNE_M: Final = 50_000
"""No address is so far, east or north, from the middle of its commune: Arles is 45 km wide."""

SAME_DOOR_M: Final = 100.0
LISTED: Final = 3

BAL_COLUMNS: Final = ("cle_interop", "voie_nom", "numero", "suffixe", "x", "y", "long", "lat")
"""Of a BAL (base adresse locale), versions 1.1 to 1.5."""

BAL_NAMES: Final = {"toponyme": "voie_nom"}
"""Columns of BAL 1.5 that had another name before."""

NAMED: Final = {  # pattern of the first line: what the file is
    r"(?i)\bresult_(label|score|id)\b": "what a geocoder answered, not a register of addresses",
    r"^[0-9AB]{5}[0-9A-Z]{5}-[^,;]*,": "BANO, which has no positions in Lambert-93 and no headers",
    r"(?i)^(lat,lon|nom,adresse),": "a list of places for a geocoder, not a register of addresses",
}

BY_EXCEL: Final = r"^[0-9]+([.,][0-9]+)?[Ee][+][0-9]+$"
"""Ids that a spreadsheet took for numbers: what they were is lost."""

POSITIONS: Final = {"entrée": 0, "entree": 0, "bâtiment": 1, "cage d’escalier": 2}
"""Positions of one address in a BAL, best first; others after."""


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
    for separator in (";", ",", "\t"):
        columns = {c.strip().strip('"') for c in header.split(separator)}
        plain = {BAL_NAMES.get(c.lower(), c.lower()) for c in columns}
        if set(BAN_COLUMNS) <= plain or set(BAL_COLUMNS) <= plain:
            return _read_ban(file, separator)
        if set(PARIS_VOTERS) <= columns:
            read = _read_paris_voters(file, separator)
            return replace(read, vintage=vintage or PARIS_VINTAGE)
        if set(REU_COLUMNS) <= columns:
            table, notes = read_reu_text(file, separator, communes)
            return _of_reu(file.name, table, notes, sha256, vintage)
        if set(RANGE_COLUMNS) <= columns:
            return _read_ranges(file, separator, commune_code, vintage)
    if found := next((what for sign, what in NAMED.items() if re.search(sign, header)), None):
        raise SourceError(
            file.name, f"this is {found}.", line=1,
            way_out="Give the BAN's adresses-XX.csv, or the commune's BAL.",
        )  # fmt: skip
    raise SourceError(
        file.name,
        f"not an address layout known here: headers found are {header[:200]}.",
        line=1,
        way_out="Known: the BAN's adresses-XX.csv (23 columns), a commune's BAL, voters by address "
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
    """The BAN's addresses; of a BAL (a commune's own file), the same under the BAN's names."""
    rows = parse(file, separator).with_row_index("line", offset=2)
    rows = rows.rename({c: BAL_NAMES.get(c.lower(), c.lower()) for c in rows.columns})
    is_bal = "cle_interop" in rows.columns
    if is_bal:
        rows = _as_ban(rows)
    rows = rows.select("line", *BAN_COLUMNS, *(["position"] if is_bal else []))
    refuse_holes(file, rows, ("id", "nom_voie", "code_insee"))
    refuse_where(
        file, rows, pl.col("id").str.contains(BY_EXCEL), "id",
        "{cell} was an id before a spreadsheet took it for a number.",
    )  # fmt: skip
    rows = rows.with_columns(
        **{c: numbers(file, rows, c, pl.Float64).fill_nan(None) for c in ("x", "y", "lon", "lat")},
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
    notes: list[str] = []
    rows = _placed_by_degrees(rows, notes)
    no_place = rows.filter(pl.col("x").is_null() | pl.col("y").is_null())
    if not no_place.is_empty():
        notes.append(f"{no_place.height} addresses without position left out: they cannot be found")
        rows = rows.filter(pl.col("x").is_not_null() & pl.col("y").is_not_null())
    rows = _without_strays(file, rows, notes)
    rows = _without_numberless(rows, notes)
    rows = _each_door_once(rows, notes)
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
    publisher = "BAL" if is_bal else "BAN"
    return AddressFile(
        "addresses", checked(file.name, table, Addresses), file.sha256, publisher,
        "Licence Ouverte 2.0", f"{publisher} / Licence Ouverte 2.0", notes,
    )  # fmt: skip


def _as_ban(rows: pl.DataFrame) -> pl.DataFrame:
    """A BAL's rows under the BAN's names; positions of one address by what tells a door best."""
    commune = pl.col("cle_interop").str.head(5)
    if "commune_insee" in rows.columns:
        commune = pl.coalesce("commune_insee", commune)
    position = pl.col("position").str.to_lowercase().str.strip_chars().replace_strict(
        POSITIONS, default=len(POSITIONS), return_dtype=pl.Int64
    )  # fmt: skip
    rows = rows.select(
        "line", "numero", "x", "y", "lat",
        id="cle_interop", rep="suffixe", nom_voie="voie_nom", lon="long",
        code_postal=pl.lit(None, pl.String), code_insee=commune,
        position=position if "position" in rows.columns else pl.lit(0, pl.Int64),
    )  # fmt: skip
    return rows.sort("position", maintain_order=True)


def _placed_by_degrees(rows: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Metres from degrees, for a file that has degrees alone."""
    if rows["x"].count() or rows["y"].count() or not rows["lon"].count():
        return rows
    to_metres = Transformer.from_crs(WGS84, METRIC_CRS, always_xy=True)
    places = to_metres.transform(rows["lon"].to_numpy(), rows["lat"].to_numpy())
    x, y = (pl.Series(np.where(np.isfinite(p), p, np.nan)).fill_nan(None) for p in places)
    notes.append("no x and y in it: positions from lon and lat")
    return rows.with_columns(x=x, y=y)


def _without_strays(file: TextFile, rows: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Rows that lie nowhere near their commune left out and named; refused where they are many."""
    west, south, east, north = MAINLAND
    inside = pl.col("x").is_between(west, east) & pl.col("y").is_between(south, north)
    overseas = pl.col("code_insee").str.contains("^(9[78]|Z)")
    middle = (pl.col(c) - pl.col(c).filter(inside).median().over("code_insee") for c in ("x", "y"))
    near = pl.max_horizontal(*(m.abs() for m in middle)) <= WIDEST_COMMUNE_M
    stray = ~inside | overseas | ~near.fill_null(value=False)
    strays = rows.filter(stray)
    if strays.is_empty():
        return rows
    first = strays.row(0, named=True)
    if strays.height > MOST_STRAYS * rows.height:
        raise SourceError(
            file.name,
            f"{strays.height:,} addresses of {rows.height:,} lie outside mainland France in "
            f"Lambert-93, or far from their commune (first: x={first['x']}, y={first['y']}).",
            line=int(first["line"]),
            way_out="x and y must be metres in Lambert-93 (EPSG:2154), x first. Overseas "
            "departments have another projection, not read yet.",
        )
    told = ", ".join(
        f"{row['id']} (line {row['line']}: x={row['x']:g}, y={row['y']:g})"
        for row in strays.head(LISTED).iter_rows(named=True)
    )
    notes.append(
        f"{strays.height:,} addresses outside mainland France or far from their commune left out: "
        f"{told}{' …' if strays.height > LISTED else ''}"
    )
    return rows.filter(~stray)


def _without_numberless(rows: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Streets and places without number, by the BAN's rule: no number, 0, or 5000 and above."""
    number = pl.col("numero")
    without = number.is_null() | (number == 0)
    if count := rows.select(without.sum()).item():
        notes.append(f"{count:,} addresses without number (blank, or 0) left out")
    fictitious = number >= FIRST_FICTITIOUS
    if count := rows.select(fictitious.sum()).item():
        notes.append(
            f"{count:,} streets or places without number left out (by the BAN's rule, numbers from "
            f"{FIRST_FICTITIOUS} on are none)"
        )
    return rows.filter(~without & ~fictitious)


def _each_door_once(rows: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """One row an address: ids that come again, then spellings and names of one number at one place.

    One number of one street, however written, within SAME_DOOR_M is one door (a commune may have
    two streets of one name farther apart); so is one number at the very same point, whatever the
    street: an alias, or a place's name beside a street's.
    """
    twice = rows.filter(pl.col("id").is_duplicated())
    if not twice.is_empty():
        notes.append(f"{twice.height} rows share an id: the first of each is kept")
        rows = rows.unique(["id", "numero", "rep", "nom_voie"], keep="first", maintain_order=True)
    others = ~rows["id"].is_first_distinct()
    if others.any():
        notes.append(f"{others.sum():,} of them are other addresses, and are kept too")
        again = pl.int_range(pl.len()).over("id") + 1
        named = pl.when(again > 1).then(pl.format("{}_{}", "id", again)).otherwise("id")
        rows = rows.with_columns(id=named)
    rows = rows.sort("line")
    keys = {s: street_key(s) or s for s in rows["nom_voie"].unique()}
    suffixes = {s: suffix_of(s) for s in rows["rep"].unique()}
    keyed = rows.with_columns(
        street=pl.col("nom_voie").replace_strict(keys, return_dtype=pl.String),
        door=pl.col("rep").replace_strict(suffixes, return_dtype=pl.String),
        at=pl.concat_str(
            pl.col("x").round().cast(pl.Int64), pl.lit(" "), pl.col("y").round().cast(pl.Int64)
        ),
    )
    one = ["code_insee", "numero", "door", "street"]
    away = [(pl.col(c) - pl.col(c).first().over(one)).abs() for c in ("x", "y")]
    again = ~pl.struct(one).is_first_distinct() & (pl.max_horizontal(*away) <= SAME_DOOR_M)
    alias = ~pl.struct("code_insee", "numero", "door", "at").is_first_distinct()
    which = keyed.select(again | alias).to_series()
    if which.any():
        notes.append(
            f"{int(which.sum()):,} addresses that come again (the same number of the same street, "
            "or at the same point) are one door each"
        )
    return rows.filter(~which)


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
