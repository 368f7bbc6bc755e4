"""GeoPackages, zipped shapefiles and Parquet: what they are is told from their bytes.

GDAL opens the first two, from a copy of ours in a folder of its own, once their bytes say what
they are and while it has no driver that follows a file to another (TRUST SEC-01). Parquet is read
by pyarrow. Archives are unpacked within bounds (TRUST SEC-07).
"""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import tempfile
import warnings
import zipfile
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from targeting.errors import SourceError
from targeting.sources.files import BROKEN_ARCHIVE, MAX_RATIO, MAX_TEXT_BYTES, refuse_locked

SQLITE: Final = b"SQLite format 3\x00"
PARQUET: Final = b"PAR1"

SAFE_DRIVERS: Final = frozenset({"GPKG", "ESRI Shapefile", "GeoJSON", "MEM", "Memory"})
"""All that GDAL may have loaded when it opens a user's file; `targeting/__init__.py` sees to it."""

MOST_MEMBERS: Final = 200
MOST_WARNINGS: Final = 3
SHAPEFILE_PARTS: Final = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_EXPORT: Final = "Export the layer again, as GeoPackage or GeoJSON."


@dataclass(frozen=True)
class Package:
    """A layer as its file has it. crs is missing where the file does not tell."""

    properties: list[dict[str, Any]]
    geometry: np.ndarray
    crs: CRS | None
    notes: list[str]


# -- GeoPackage ----------------------------------------------------------------------------------


def read_geopackage(name: str, content: bytes, layer: str | None) -> Package:
    """The layer of a GeoPackage, or the one named.

    Raises SourceError for a SQLite file that is no GeoPackage, a damaged one, and one of several
    layers where none is named.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "layer.gpkg"
        copy.write_bytes(content)
        layers = _geopackage_layers(name, copy)
        chosen = _one_layer(name, layers, layer)
        package = _by_gdal(name, copy, layer=chosen)
    notes = [f"layer “{chosen}” of {len(layers)}"] if len(layers) > 1 else []
    return replace(package, notes=notes + package.notes)


def _geopackage_layers(name: str, path: Path) -> list[str]:
    """Tables of features; a view could read what it likes, and is none."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            db.set_progress_handler(_Patience(), PATIENCE_STEPS)
            _refuse_views(name, db)
            rows = db.execute(
                "SELECT table_name FROM gpkg_contents WHERE data_type = 'features' AND table_name "
                "IN (SELECT name FROM sqlite_master WHERE type = 'table') ORDER BY table_name"
            ).fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        reason = (
            "a SQLite database, but no GeoPackage" if "no such table" in str(error)
            else "its catalogue takes for ever to read" if "interrupted" in str(error)
            else "the GeoPackage is damaged or cut short"
        )  # fmt: skip
        raise SourceError(
            name, f"{reason} ({str(error)[:80]}).", way_out="Download it again."
        ) from error
    if not rows:
        raise SourceError(name, "the GeoPackage has no layer of features.", way_out=_EXPORT)
    return [row[0] for row in rows]


PATIENCE: Final = 1_000
PATIENCE_STEPS: Final = 10_000
"""A catalogue of layers is read in some thousand steps of SQLite; ten million are a loop."""


class _Patience:
    """Breaks SQLite off after so many steps."""

    def __init__(self) -> None:
        self.left = PATIENCE

    def __call__(self) -> int:
        self.left -= 1
        return int(self.left < 0)


def _refuse_views(name: str, db: sqlite3.Connection) -> None:
    """The catalogue's tables must be tables: a view may never end, or read what it likes."""
    views = db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'view' AND lower(name) LIKE 'gpkg!_%' "
        "ESCAPE '!'"
    ).fetchall()
    if views:
        raise SourceError(
            name, f"“{str(views[0][0])[:40]}” is a view, where a GeoPackage has a table.",
            way_out=_EXPORT,
        )  # fmt: skip


def _one_layer(name: str, layers: list[str], wanted: str | None) -> str:
    if wanted is not None and wanted not in layers:
        raise SourceError(
            name, f"no layer “{wanted}”: it has {', '.join(layers)}.",
            way_out="Give one of them with --layer.",
        )  # fmt: skip
    if wanted is None and len(layers) > 1:
        raise SourceError(
            name, f"several layers: {', '.join(layers[:20])}.",
            way_out="Say which with --layer NAME.",
        )  # fmt: skip
    return wanted or layers[0]


# -- zipped shapefile ----------------------------------------------------------------------------


def zip_members(path: Path) -> list[str]:
    """Names in a zip, in small letters; none of a file that is no zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [m.filename.lower() for m in archive.infolist()]
    except BROKEN_ARCHIVE:
        return []


def is_shapefile_zip(path: Path) -> bool:
    """Whether a file is a zip with a shapefile among its members."""
    return any(member.endswith(".shp") for member in zip_members(path))


def read_shapefile_zip(name: str, content: bytes, layer: str | None) -> Package:
    """The shapefile of a zip, or the one named (without `.shp`).

    The dBASE text is in the encoding that the .cpg or the table says, else UTF-8 where the bytes
    are, else Windows-1252. Raises SourceError for an archive out of bounds, a shapefile without its
    .dbf or .shx, a damaged one, and several where none is named.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            place, notes = _unpack_one(name, content, layer, Path(folder))
        except BROKEN_ARCHIVE as error:
            raise SourceError(
                name, f"the archive is broken or cut short ({str(error)[:60]}).",
                way_out="Download it again: the transfer was probably cut.",
            ) from error  # fmt: skip
        package = _by_gdal(name, place, encoding=_dbf_encoding(place))
    return replace(package, notes=notes + package.notes)


def _unpack_one(
    name: str, content: bytes, layer: str | None, folder: Path
) -> tuple[Path, list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = _bounded_members(name, archive, len(content))
        stems = sorted({str(PurePosixPath(m).with_suffix("")) for m in members
                        if m.lower().endswith(".shp")})  # fmt: skip
        names = {PurePosixPath(stem).name: stem for stem in stems}
        chosen = _one_layer(name, sorted(names), layer)
        place = _unpack(name, archive, members, names[chosen], folder)
    return place, [f"shapefile “{chosen}” of {len(names)}"] if len(names) > 1 else []


def _bounded_members(name: str, archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Members by name; an archive that is out of bounds is refused before a byte is unpacked."""
    members = [m for m in archive.infolist() if not m.filename.endswith("/")]
    refuse_locked(name, members)
    total = sum(m.file_size for m in members)
    if len(members) > MOST_MEMBERS or total > min(MAX_TEXT_BYTES, max(size * MAX_RATIO, 1024**2)):
        raise SourceError(
            name,
            f"{len(members)} files of {total:,} bytes in an archive of {size:,}: refused as an "
            "archive bomb.",
            way_out="Unpack it yourself if you trust it, and zip the shapefile alone.",
        )
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in member.filename:
            raise SourceError(
                name, f"a member leads out of the archive: {member.filename[:60]}.",
                way_out="Zip the shapefile again.",
            )  # fmt: skip
        if stat.S_ISLNK(member.external_attr >> 16):
            raise SourceError(
                name, f"a member is a link: {member.filename[:60]}.",
                way_out="Zip the shapefile again.",
            )  # fmt: skip
    return {m.filename: m for m in members}


def _unpack(
    name: str,
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    stem: str,
    folder: Path,
) -> Path:
    """The parts of one shapefile, under a name of ours."""
    there = {m.lower(): m for m in members}
    for part in SHAPEFILE_PARTS:
        member = there.get(f"{stem.lower()}{part}")
        if member is None:
            if part in (".shx", ".dbf"):
                raise SourceError(
                    name, f"the shapefile has no {part} file.", way_out="Zip all its files."
                )
            continue
        info = members[member]
        with archive.open(info) as stream:
            content = stream.read(info.file_size + 1)
        if len(content) > info.file_size:
            raise SourceError(name, f"{member} is larger than it says: refused as an archive bomb.")
        (folder / f"layer{part}").write_bytes(content)
    place = folder / "layer.shp"
    if place.read_bytes()[:4] != b"\x00\x00\x27\x0a":
        raise SourceError(name, "its .shp file is no shapefile.", way_out=_EXPORT)
    return place


def _dbf_encoding(shp: Path) -> str | None:
    """Encoding of the table beside; None where GDAL finds it written (.cpg, language byte)."""
    table = shp.with_suffix(".dbf").read_bytes()
    if shp.with_suffix(".cpg").exists() or (len(table) > 29 and table[29]):
        return None
    try:
        table[32:].decode("utf-8")
    except UnicodeDecodeError:
        return "CP1252"
    return "UTF-8"


def _by_gdal(
    name: str, path: Path, *, layer: str | None = None, encoding: str | None = None
) -> Package:
    import pyogrio
    from pyogrio.errors import DataSourceError, FieldError, GeometryError

    if strangers := set(pyogrio.list_drivers()) - SAFE_DRIVERS:
        raise SourceError(
            name,
            f"GDAL has drivers that may follow a file to another ({', '.join(sorted(strangers))})"
            ": it does not open it.",
            way_out="Import `targeting` before geopandas or pyogrio.",
        )
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            meta, _, blobs, columns = pyogrio.raw.read(path, layer=layer, encoding=encoding)
    except (
        DataSourceError, FieldError, GeometryError, RuntimeError, ValueError, UnboundLocalError,
    ) as error:  # fmt: skip
        # the last one is pyogrio's own, for a .prj that cannot be written again
        raise SourceError(
            name, f"it is damaged or cut short ({' '.join(str(error).split())[:80]}).",
            way_out=_EXPORT,
        ) from error  # fmt: skip
    if blobs is None:
        raise SourceError(name, "the layer has no geometry.", way_out=_EXPORT)
    geometry = _from_wkb(name, blobs)
    table = {field: list(column) for field, column in zip(meta["fields"], columns, strict=True)}
    crs = _crs_of(name, meta["crs"]) if meta["crs"] else None
    said = dict.fromkeys(" ".join(str(w.message).split())[:120] for w in heard)
    notes = [f"GDAL says: {text}" for text in list(said)[:MOST_WARNINGS]]
    return Package(_records(table, len(geometry)), geometry, crs, notes)


# -- Parquet -------------------------------------------------------------------------------------

GEOMETRY_COLUMNS: Final = ("geometry", "geom", "wkb", "wkb_geometry", "the_geom", "geo_shape")


def read_parquet(name: str, content: bytes) -> Package:
    """A GeoParquet file, or a Parquet file with a column of WKB.

    Raises SourceError for a damaged file, and where no column is a geometry.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        swollen = sum(
            file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)
        )
        rows = file.metadata.num_rows
        if rows > len(content):
            raise SourceError(
                name, f"{rows:,} rows in {len(content):,} bytes: refused as an archive bomb."
            )
        if swollen > min(MAX_TEXT_BYTES, max(len(content) * MAX_RATIO, 1024**2)):
            raise SourceError(
                name, f"it swells to {swollen:,} bytes once opened: refused as an archive bomb."
            )
        geo = json.loads((file.metadata.metadata or {}).get(b"geo", b"{}"))
        column, crs = _geometry_column(name, file.schema_arrow, geo)
        table = file.read()
        blobs = table[column].to_pylist()
        plain = [f.name for f in table.schema if f.name != column]
        columns = table.select(
            [c for c in plain if not pa.types.is_nested(table.schema.field(c).type)]
        ).to_pydict()
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            name, f"the Parquet file is damaged or cut short ({str(error)[:80]}).",
            way_out="Download it again.",
        ) from error  # fmt: skip
    geometry = _from_wkb(name, np.array(blobs, dtype=object))
    return Package(_records(columns, len(geometry)), geometry, crs, [])


def shapefile_without_system(name: str) -> str:
    """What is told of a shapefile without .prj whose numbers are degrees."""
    return f"{name} says no coordinate system: its degrees taken as WGS 84"


def _geometry_column(name: str, schema: Any, geo: dict[str, Any]) -> tuple[str, CRS | None]:
    """The column of geometry and its system (OGC:CRS84 where GeoParquet leaves it out)."""
    import pyarrow as pa

    if geo:
        column = geo["primary_column"]
        facts = geo["columns"][column]
        if facts.get("encoding") != "WKB":
            raise SourceError(
                name, f"its geometry is in “{str(facts.get('encoding'))[:20]}”, not in WKB.",
                way_out="Write it as GeoParquet 1.0 (geopandas and QGIS do).",
            )  # fmt: skip
        if "crs" not in facts:
            return column, CRS.from_user_input("OGC:CRS84")
        return column, facts["crs"] and _crs_of(name, facts["crs"])
    binary = [f.name for f in schema if pa.types.is_binary(f.type) or
              pa.types.is_large_binary(f.type)]  # fmt: skip
    named = [c for c in binary if c.lower() in GEOMETRY_COLUMNS]
    found = named or binary
    if len(found) != 1:
        raise SourceError(
            name, f"no one column of geometry (WKB) among {', '.join(schema.names[:30])}.",
            way_out="Write the outlines as GeoParquet.",
        )  # fmt: skip
    return found[0], None


# -- shared --------------------------------------------------------------------------------------


def _from_wkb(name: str, blobs: np.ndarray) -> np.ndarray:
    try:
        with np.errstate(invalid="ignore"):  # coordinates that are no numbers: looked at later
            geometry: np.ndarray = shapely.from_wkb(blobs)
    except (shapely.errors.GEOSException, TypeError, ValueError) as error:
        raise SourceError(
            name, f"a geometry is damaged ({str(error)[:80]}).", way_out=_EXPORT
        ) from error
    return geometry


@lru_cache(maxsize=32)
def _parsed_crs(text: str) -> CRS:
    """A system in words (a parse takes as long as reading a city's outlines)."""
    return CRS.from_user_input(text)


def _crs_of(name: str, said: Any) -> CRS:
    try:
        return _parsed_crs(said if isinstance(said, str) else json.dumps(said))
    except CRSError as error:
        raise SourceError(
            name, "its coordinate system is not understood.",
            way_out="Say which with --crs EPSG:2154, or export it in WGS 84.",
        ) from error  # fmt: skip


def _records(columns: dict[str, list[Any]], rows: int) -> list[dict[str, Any]]:
    """One dictionary a feature; what is missing is None."""
    if not columns:
        return [{} for _ in range(rows)]
    table = pd.DataFrame({key: pd.Series(values, dtype=object) for key, values in columns.items()})
    records: list[dict[str, Any]] = table.where(table.notna(), None).to_dict("records")
    return records
