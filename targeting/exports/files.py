"""Tables to files, the format told by the extension: CSV, Parquet, GeoJSON, GeoPackage.

Written aside and moved into place: a file that exists is whole. Credits go inside where the format
has room for them, and beside a CSV (`X.credits.txt`) where it has none.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from targeting.cells import safe_table
from targeting.errors import TargetingError
from targeting.tables import WGS84

TABLE_FORMATS: Final = (".csv", ".parquet")
MAP_FORMATS: Final = (".geojson", ".gpkg")


def write_table(
    table: pd.DataFrame,
    path: Path,
    *,
    credits: Sequence[str] = (),
    geometry: gpd.GeoSeries | None = None,
) -> list[Path]:
    """Write `table` to `path` in the format of its extension; gives the files written.

    `geometry` is on the table's index, with a CRS: map formats need it, in WGS 84 for GeoJSON.
    Raises TargetingError for an unknown extension, or a map without outlines.
    """
    suffix = known_format(path, (*TABLE_FORMATS, *MAP_FORMATS))
    if suffix in MAP_FORMATS and geometry is None:
        raise TargetingError(
            f"{path.name}: no outlines to draw: import them with `import stations FILE`, or write "
            "a .csv or a .parquet."
        )
    if suffix == ".csv":
        write_aside(path, lambda to: safe_table(table).to_csv(to, index=False, lineterminator="\n"))
        return [path, *_credits_beside(path, credits)]
    if suffix == ".parquet":
        write_aside(path, lambda to: _write_parquet(table, to, credits))
        return [path]
    assert geometry is not None
    layer = gpd.GeoDataFrame(table, geometry=geometry)
    write = _write_geojson if suffix == ".geojson" else _write_gpkg
    write_aside(path, lambda to: write(layer, to, credits))
    return [path]


def known_format(path: Path, formats: Sequence[str]) -> str:
    """The extension of `path`, in lower case; raises TargetingError if it is none of `formats`.

    Long work asks before it begins: nothing is computed for a file that cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in formats:
        known = ", ".join(formats)
        raise TargetingError(f"{path.name}: unknown format “{suffix}”: end the name with {known}.")
    return suffix


def ensure_writable(path: Path) -> None:
    """Raise TargetingError if nothing can be written beside `path`; asked before long work."""
    write_aside(path.with_name(f".{path.name}.probe"), lambda to: to.write_text(""))
    path.with_name(f".{path.name}.probe").unlink(missing_ok=True)


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write to a name beside `path`, then move it there: whole, or not at all.

    Raises TargetingError when the disk says no.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace_with(path, write)
    except OSError as error:
        raise TargetingError(
            f"{path} cannot be written ({error.strerror or error}): check the folder, its rights "
            "and the room left on the disk."
        ) from error


def _replace_with(path: Path, write: Callable[[Path], object]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    aside = Path(name)
    try:
        aside.unlink()
        write(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


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
