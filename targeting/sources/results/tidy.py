"""Tidy results of third parties: one line a station, one column a nuance (or a list).

As aktiur/resultats-electoraux gives European 2014 and 2019 and legislative 2017 (first round):
UTF-8, commas, `departement,commune,bureau,…,inscrits,votants,(blancs,)exprimes`, then the nuances.
Several candidates of one nuance are added up there, and a nuance that nobody bears in a station is
0: such zeros are left out. Where blank votes are given, null votes are what remains of votes cast.
"""

from __future__ import annotations

import csv
import re
from typing import Final

import polars as pl

from targeting.errors import SourceError
from targeting.sources.files import TextFile, without_blank_end
from targeting.sources.results.counts import (
    AS_PUBLISHED,
    COUNTS,
    Origin,
    Results,
    checked_tables,
    count_fault,
    place_stations,
    refuse_cut_line,
    short,
)
from targeting.sources.results.totals import without_totals
from targeting.sources.results.wide_layouts import header_of

FIXED: Final = {
    "departement": "department", "commune": "commune", "bureau": "number",
    "circonscription": "constituency", "commune_libelle": "commune_name",
    "inscrits": "registered", "votants": "votes_cast", "blancs": "blank_votes",
    "nuls": "null_votes", "exprimes": "valid_votes",
}  # fmt: skip
SIGNATURE: Final = ("departement", "commune", "bureau", "inscrits", "votants", "exprimes")
ORIGIN: Final = Origin(
    publisher="Ministère de l'Intérieur, arranged by aktiur/resultats-electoraux",
    credit="Résultats: Ministère de l'Intérieur, Licence Ouverte 2.0 (mise en forme: aktiur)",
)
_NUANCE: Final = re.compile(r"(BC-)?[A-Z]{2,5}")


def is_tidy(file: TextFile) -> bool:
    """Whether the header is that of a tidy file."""
    return set(SIGNATURE) <= set(_headers(file))


def _headers(file: TextFile) -> list[str]:
    return [c.strip().strip('"') for c in header_of(file).split(",")]


def parse_tidy_results(file: TextFile) -> Results:
    """Read a tidy file. Raises SourceError naming file, line, reason and way out."""
    file = without_blank_end(file)
    headers = _headers(file)
    parties = [h for h in headers if h and h not in FIXED]
    _refuse_headers(file, headers, parties)
    rows = _parse(file, headers, parties)
    if rows.is_empty():
        raise SourceError(file.name, "headers and not one station.", line=1)
    counts = rows.rename({k: v for k, v in FIXED.items() if k in headers})
    if "blank_votes" in counts.columns and "null_votes" not in counts.columns:
        left = pl.col("votes_cast") - pl.col("blank_votes") - pl.col("valid_votes")
        counts = counts.with_columns(null_votes=left)
    counts = counts.with_row_index("row")
    sifted = without_totals(file.name, counts, _unpivoted(counts, parties))
    stations = place_stations(file.name, sifted.rows)
    nuances = all(_NUANCE.fullmatch(p) for p in parties)
    label = {"nuance_code" if nuances else "party_list": pl.col("party")}
    missing = pl.lit(None, pl.String)
    votes = (
        _unpivoted(stations, parties)
        .join(stations.select("row", "station_id"), on="row", maintain_order="left")
        .with_columns(line=pl.col("party").replace_strict(_order(parties), return_dtype=pl.Int64))
        .filter((pl.col("votes") != 0) | (not nuances))
        .sort("row", "line")
        .with_columns(candidate=missing, party_list=missing, nuance_code=missing)
        .with_columns(**label)
    )
    turnout, votes, told = checked_tables(file.name, stations, votes)
    refuse_cut_line(file, turnout)
    kinds = ("legi",) if "circonscription" in headers else ("euro", "regi", "muni")
    layout = "tidy, a column a nuance" if nuances else "tidy, a column a list"
    return Results(
        file.name, file.sha256, layout, file.encoding, turnout, votes, kinds=kinds,
        declared=frozenset(parties), origin=ORIGIN, notes=(*sifted.notes, *told),
    )  # fmt: skip


def _unpivoted(rows: pl.DataFrame, parties: list[str]) -> pl.DataFrame:
    """One row a station and party, in the stations' order."""
    return (
        rows.select("row", *parties)
        .unpivot(parties, index="row", variable_name="party", value_name="votes")
        .with_columns(candidate=pl.col("party"))
        .sort("row", maintain_order=True)
    )


def _order(parties: list[str]) -> dict[str, int]:
    return {party: at for at, party in enumerate(parties, 1)}


def _refuse_headers(file: TextFile, headers: list[str], parties: list[str]) -> None:
    twice = next((h for h in headers if headers.count(h) > 1), None)
    if twice is not None:
        raise SourceError(
            file.name, f"column “{short(twice, 40)}” stands twice.", line=1, way_out=AS_PUBLISHED
        )
    if not parties:
        raise SourceError(
            file.name, "no column of votes after “exprimes”.", line=1, way_out=AS_PUBLISHED
        )


def _parse(file: TextFile, headers: list[str], parties: list[str]) -> pl.DataFrame:
    typed = {h for h in headers if FIXED.get(h) in COUNTS} | set(parties)
    named = [h or f"_{at}" for at, h in enumerate(headers)]
    schema = {h: pl.Int64 if h in typed else pl.String for h in named}
    try:
        rows = pl.read_csv(file.text, schema=schema, separator=",", has_header=True)
    except pl.exceptions.PolarsError as error:
        raise _diagnosed(file, headers, typed) or SourceError(
            file.name, "the table cannot be parsed.", way_out=AS_PUBLISHED
        ) from error
    holes = rows.select(pl.any_horizontal(pl.col(list(typed)).is_null())).to_series()
    if holes.any():
        fault = _diagnosed(file, headers, typed)
        at = file.line_of(int(holes.arg_max() or 0) + 2)
        raise fault or SourceError(
            file.name, "a count is empty.", line=at, way_out=AS_PUBLISHED
        )  # fmt: skip
    return rows.with_row_index("file_line", offset=2)


def _diagnosed(file: TextFile, headers: list[str], typed: set[str]) -> SourceError | None:
    """First line whose width or whose counts are wrong, if any."""
    lines = file.text.decode("utf-8", "replace").splitlines()
    try:
        for number, cells in enumerate(csv.reader(lines), 1):
            if number == 1:
                continue
            if len(cells) != len(headers):
                fault = f"{len(cells)} fields where the header has {len(headers)}."
                return SourceError(file.name, fault, line=number, way_out=AS_PUBLISHED)
            for name, cell in zip(headers, cells, strict=True):
                if name in typed and (fault := count_fault(cell.strip())):
                    return SourceError(
                        file.name, fault, line=number, column=name, way_out=AS_PUBLISHED
                    )
    except csv.Error as error:
        return SourceError(file.name, f"quotes do not match ({error}).", way_out=AS_PUBLISHED)
    return None
