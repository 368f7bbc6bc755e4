"""Tables to files: CSV, Parquet, GeoJSON, GeoPackage (`formats` tells them by the extension).

Written aside and moved into place: a file that exists is whole. Credits go inside where the format
has room for them, and beside a CSV (`X.credits.txt`) where it has none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from targeting.cells import safe_table
from targeting.crs import WGS84
from targeting.exports.aside import write_aside


def write_csv(table: pd.DataFrame, path: Path, credits: Sequence[str]) -> list[Path]:
    """A table with safe cells; its credits beside it."""
    write_aside(path, lambda to: safe_table(table).to_csv(to, index=False, lineterminator="\n"))
    return [path, *_credits_beside(path, credits)]


def write_parquet(table: pd.DataFrame, path: Path, credits: Sequence[str]) -> list[Path]:
    """A table, its credits among its metadata."""
    write_aside(path, lambda to: _write_parquet(table, to, credits))
    return [path]


def write_geojson(layer: gpd.GeoDataFrame, path: Path, credits: Sequence[str]) -> list[Path]:
    """A layer in WGS 84, its credits as `attribution`."""
    write_aside(path, lambda to: _write_geojson(layer, to, credits))
    return [path]


def write_gpkg(layer: gpd.GeoDataFrame, path: Path, credits: Sequence[str]) -> list[Path]:
    """A layer in its own CRS, its credits among its metadata."""
    write_aside(path, lambda to: _write_gpkg(layer, to, credits))
    return [path]


def _credits_beside(path: Path, credits: Sequence[str]) -> list[Path]:
    if not credits:
        return []
    beside = path.with_name(path.name + ".credits.txt")
    write_aside(beside, lambda to: to.write_text("\n".join(credits) + "\n"))
    return [beside]


def _write_parquet(table: pd.DataFrame, path: Path, credits: Sequence[str]) -> None:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    notes = {b"credits": json.dumps(list(credits), ensure_ascii=False).encode()}
    pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **notes}), path)


def _plain(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Missing values that every format understands, dates as text."""
    plain = table.copy()
    for column in plain.columns.drop(plain.geometry.name):
        if plain[column].dtype == object:
            plain[column] = plain[column].astype("str")
        elif str(plain[column].dtype) == "Int64":
            plain[column] = plain[column].astype("float64")
    return plain


def _write_geojson(layer: gpd.GeoDataFrame, path: Path, credits: Sequence[str]) -> None:
    features = json.loads(_plain(layer.to_crs(WGS84)).to_json(drop_id=True, na="null"))
    document = {"type": "FeatureCollection", "attribution": list(credits)}
    path.write_text(
        json.dumps(document | {"features": features["features"]}, ensure_ascii=False) + "\n"
    )


def _write_gpkg(layer: gpd.GeoDataFrame, path: Path, credits: Sequence[str]) -> None:
    from pyogrio import write_dataframe

    notes = {"CREDITS": "; ".join(credits)} if credits else None
    write_dataframe(_plain(layer), path, driver="GPKG", layer="relance", layer_metadata=notes)
