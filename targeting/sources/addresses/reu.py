"""Addresses of the voters of each station, as Insee publishes them from the electoral roll (REU).

`table-adresses-reu` (bureaux-de-vote-et-adresses-de-leurs-electeurs, data.gouv.fr, Licence Ouverte
2.0): one row per station and address found by the State's geocoder, 12 columns, CSV or Parquet.
`id_brut_bv_reu` is the commune and the number unpadded (`29039_1`); `nb_adresses` counts addresses,
not voters. One point has several rows: they are put together.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Final

import pandas as pd
import polars as pl
from pyproj import Transformer

from targeting.codes import STATION_ID, commune_of_arrondissement, station_id
from targeting.crs import METRIC_CRS, WGS84
from targeting.errors import SourceError
from targeting.sources.delimited import numbers, parse, refuse_where
from targeting.sources.files import TextFile
from targeting.sources.layers.systems import MAINLAND

REU_COLUMNS: Final = ("id_brut_bv_reu", "code_commune_ref", "longitude", "latitude", "nb_adresses")
PARQUET_TYPES: Final = {
    "id_brut_bv_reu": "string", "code_commune_ref": "string", "geo_type": "string",
    "longitude": "double", "latitude": "double", "nb_adresses": "int64",
}  # fmt: skip
REU_VINTAGE: Final = "2022"
"""The table published in 2023 is made from the roll of September 2022."""

VAGUE: Final = ("municipality", "locality")
"""`geo_type` of addresses that the geocoder put at the town hall, or in a hamlet's middle."""

MOST_OUTSIDE: Final = 0.01
"""Above this share of points outside the mainland, the coordinates are something else."""

MOST_ROWS: Final = 25_000_000
"""The national table has some 20 million rows…"""

MOST_ROWS_PER_BYTE: Final = 1
"""…of some ten bytes each: a file with more rows than bytes was made to swell."""


def read_reu_text(
    file: TextFile, separator: str, communes: Collection[str] | None
) -> tuple[pd.DataFrame, list[str]]:
    """Points of the voters' addresses (columns of StationPoints, without vintage), and notes."""
    rows = parse(file, separator)
    kept = [c for c in (*REU_COLUMNS, "geo_type") if c in rows.columns]
    rows = rows.select(kept).with_row_index("line", offset=2)
    for column in ("longitude", "latitude"):
        rows = rows.with_columns(numbers(file, rows, column, pl.Float64))
    rows = rows.with_columns(numbers(file, rows, "nb_adresses", pl.Int64))
    return _points(file, rows, communes)


def read_reu_parquet(
    name: str, content: bytes, communes: Collection[str] | None
) -> tuple[pd.DataFrame, list[str]]:
    """The same from Parquet. Raises SourceError for a damaged file and for other columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:  # by pyarrow: Polars panics on some damaged files
        file = pq.ParquetFile(io.BytesIO(content))
        there = file.schema_arrow.names
        if missing := [c for c in REU_COLUMNS if c not in there]:
            raise SourceError(
                name,
                f"a Parquet file without {', '.join(missing)}: it has {', '.join(there[:20])}.",
                way_out="Known: Insee's table-adresses-reu.parquet; outlines go through "
                "`import stations`.",
            )
        if file.metadata.num_rows > min(MOST_ROWS, MOST_ROWS_PER_BYTE * len(content)):
            raise SourceError(
                name,
                f"{file.metadata.num_rows:,} rows in {len(content):,} bytes: refused as an archive "
                "bomb.",
            )
        table = file.read([c for c in (*REU_COLUMNS, "geo_type") if c in there])
        table.validate(full=True)
        # plain columns, without the metadata that damaged files have: Polars panics on it too
        plain = {c: table[c].cast(PARQUET_TYPES[c]) for c in table.column_names}
        rows = pl.DataFrame(pl.from_arrow(pa.table(plain)))
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise SourceError(
            name,
            f"the Parquet file is damaged or cut short ({' '.join(str(error).split())[:80]}).",
            way_out="Download it again.",
        ) from error
    file_like = TextFile(name, b"", "parquet", "")
    return _points(file_like, rows.with_row_index("line", offset=1), communes)


def _points(
    file: TextFile, rows: pl.DataFrame, communes: Collection[str] | None
) -> tuple[pd.DataFrame, list[str]]:
    notes: list[str] = []
    rows = _leave_out(rows, pl.col("id_brut_bv_reu").is_null(), "without station", notes)
    refuse_where(
        file, rows, ~pl.col("id_brut_bv_reu").str.contains(STATION_ID), "id_brut_bv_reu",
        "{cell} is no commune and station number.",
    )  # fmt: skip
    refuse_where(
        file, rows, pl.col("nb_adresses").is_null() | (pl.col("nb_adresses") < 1), "nb_adresses",
        "{cell} is no number of addresses.",
    )  # fmt: skip
    rows = _with_codes(rows)
    if communes is not None:
        other = ~pl.col("commune_code").is_in(list(communes))
        rows = _leave_out(rows, other, "of other communes", notes)
    rows = _leave_out(
        rows, pl.col("commune_code").str.contains("^(9[78]|Z)"), "overseas, not read yet,", notes
    )
    nowhere = pl.col("longitude").is_null() | pl.col("latitude").is_null()
    rows = _leave_out(rows, nowhere, "without position", notes)
    if "geo_type" in rows.columns:
        vague = pl.col("geo_type").is_in(VAGUE)
        rows = _leave_out(rows, vague, "that the geocoder put in a town's middle", notes)
    elsewhere = rows.filter(pl.col("commune_code") != pl.col("reference_code"))
    if not elsewhere.is_empty():
        notes.append(
            f"{elsewhere.height:,} rows in another commune than their station's: kept in the "
            "station's"
        )
    if rows.is_empty():
        raise SourceError(
            file.name, "not one address with a station and a position.",
            way_out="Give Insee's table as published, and communes that it has.",
        )  # fmt: skip
    return _grouped(file, rows, notes), notes


def _leave_out(rows: pl.DataFrame, which: pl.Expr, what: str, notes: list[str]) -> pl.DataFrame:
    kept = rows.filter(~which.fill_null(value=False))
    if lost := rows.height - kept.height:
        notes.append(f"{lost:,} rows {what} left out")
    return kept


def _with_codes(rows: pl.DataFrame) -> pl.DataFrame:
    """Our station_id (number padded, arrondissements gone up to their commune)."""
    raw = rows["id_brut_bv_reu"].unique().to_list()
    ours = {}
    for code in raw:
        commune, _, number = code.partition("_")
        ours[code] = station_id(commune_of_arrondissement(commune), number)
    reference = {
        c: commune_of_arrondissement(c) for c in rows["code_commune_ref"].unique() if c is not None
    }
    return rows.with_columns(
        station_id=pl.col("id_brut_bv_reu").replace_strict(ours, return_dtype=pl.String),
        reference_code=pl.col("code_commune_ref").replace_strict(
            reference, default=None, return_dtype=pl.String
        ),
    ).with_columns(commune_code=pl.col("station_id").str.head(5))


def _grouped(file: TextFile, rows: pl.DataFrame, notes: list[str]) -> pd.DataFrame:
    """One row per station and point, in Lambert-93."""
    points = (
        rows.group_by("station_id", "commune_code", "longitude", "latitude")
        .agg(weight=pl.col("nb_adresses").sum().cast(pl.Float64))
        .sort("station_id", "longitude", "latitude")
        .to_pandas()
    )
    to_metres = Transformer.from_crs(WGS84, METRIC_CRS, always_xy=True)
    x, y = to_metres.transform(points["longitude"].to_numpy(), points["latitude"].to_numpy())
    west, south, east, north = MAINLAND
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    if (~inside).mean() > MOST_OUTSIDE:
        raise SourceError(
            file.name,
            f"{int((~inside).sum()):,} points lie outside mainland France and Corsica.",
            way_out="Longitude and latitude are in degrees, in that order: is the file as "
            "published?",
        )
    if not inside.all():
        notes.append(f"{int((~inside).sum()):,} points outside mainland France left out")
    notes.append(f"{rows.height:,} rows are {len(points):,} points of a station")
    return (
        points.assign(x=x, y=y, basis="addresses", address_id=pd.Series(pd.NA, dtype="str"))
        .loc[inside, ["station_id", "commune_code", "x", "y", "weight", "basis", "address_id"]]
        .reset_index(drop=True)
        .astype({"basis": "str", "address_id": "str"})
    )
