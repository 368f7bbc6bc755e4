"""Layers of features, whatever their file: properties, geometry and coordinate system.

GeoJSON and TopoJSON, plain or wrapped in JavaScript, and tables of points are read by us, never by
GDAL; GeoPackages, zipped shapefiles and Parquet in `packages`. The kind of a file is told from its
bytes, never from its name.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from targeting.errors import SourceError
from targeting.sources import packages
from targeting.sources.files import TextFile, as_text, read_bounded, read_bytes
from targeting.sources.topojson import read_topology, refuse_many_points
from targeting.tables import WGS84

FRANCE_LON_LAT: Final = (-180.0, -90.0, 180.0, 90.0)

LONGITUDES: Final = ("longitude", "lon", "long", "lng", "x")
LATITUDES: Final = ("latitude", "lat", "y")
POINT_COLUMNS: Final = ("geo_point_2d", "geo_point", "geopoint", "coordonnees_geo")
"""One cell with `latitude, longitude`, as Opendatasoft's portals write it."""

_WRAPPER: Final = re.compile(rb"^\s*(?:var|let|const|window\.)\s*\w[\w.]*\s*=\s*")

Properties = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """Features of one file. notes: what was done to read them, in words."""

    name: str
    properties: list[Properties]
    geometry: np.ndarray
    crs: CRS
    sha256: str
    notes: list[str] = field(default_factory=list)

    @property
    def is_points(self) -> bool:
        """Whether every geometry is a point (or several points)."""
        kinds = shapely.get_type_id(self.geometry[_present(self.geometry)])
        return bool(np.isin(kinds, (0, 4)).all())


def read_layer(
    path: Path, *, layer: str | None = None, crs: str | None = None, lines: bool = False
) -> Layer:
    """Read the features of a file, in two dimensions.

    Parameters
    ----------
    path
        GeoJSON, TopoJSON (also as JavaScript), GeoPackage, zipped shapefile, GeoParquet, Parquet
        with WKB, or a table of points; plain or compressed.
    layer
        The layer or object to read, where the file has several.
    crs
        The coordinate system, where the file does not tell or tells it wrong.
    lines
        Whether lines are wanted, as of streets, and not outlines.

    Raises
    ------
    SourceError
        If the file is none of these, is damaged, or if its features are not what is wanted: all
        lines, or all polygons, or all points.
    """
    given = _given_crs(path.name, crs)
    sha256, package = _open(path, layer)
    refuse_many_points(path.name, int(shapely.get_num_coordinates(package.geometry).sum()))
    crs_found = given or package.crs or _guess_crs(path.name, package.geometry)
    geometry, notes = _flat(path.name, package.geometry, lines=lines)
    _refuse_wrong_degrees(path.name, geometry, crs_found)
    return Layer(path.name, package.properties, geometry, crs_found, sha256, package.notes + notes)


def _open(path: Path, layer: str | None) -> tuple[str, packages.Package]:
    if packages.is_shapefile_zip(path):
        content = read_bounded(path)
        sha256 = hashlib.sha256(content).hexdigest()
        return sha256, packages.read_shapefile_zip(path.name, content, layer)
    content, sha256 = read_bytes(path)
    if content.startswith(packages.SQLITE):
        return sha256, packages.read_geopackage(path.name, content, layer)
    if content.startswith(packages.PARQUET):
        return sha256, packages.read_parquet(path.name, content)
    if content.startswith(b"\x00\x00\x27\x0a"):
        raise SourceError(
            path.name, "a shapefile comes in several files.",
            way_out="Zip the .shp with its .dbf, .shx and .prj, and give the zip.",
        )  # fmt: skip
    file = as_text(path.name, content, sha256)
    wrapper = _WRAPPER.match(file.text)
    if wrapper or file.text.lstrip()[:1] in (b"{", b"["):
        return sha256, _read_json(file, layer, wrapper.end() if wrapper else 0)
    return sha256, _read_point_table(file)


# -- JSON ----------------------------------------------------------------------------------------


def _read_json(file: TextFile, layer: str | None, start: int) -> packages.Package:
    notes = ["taken out of its JavaScript wrapper"] if start else []
    text = file.text[start:].rstrip().rstrip(b";") if start else file.text
    document = _parse_json(file.name, text)
    if isinstance(document, dict) and document.get("type") == "Topology":
        properties, geometry, more = read_topology(file.name, document, layer)
        return packages.Package(properties, geometry, CRS.from_user_input(WGS84), notes + more)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise SourceError(
            file.name,
            "no GeoJSON features inside.",
            way_out="A layer is a FeatureCollection with one feature a station, or a street.",
        )
    properties = [_properties(file.name, i, f) for i, f in enumerate(features, 1)]
    crs = _declared_crs(file.name, document)
    return packages.Package(properties, _from_geojson(file.name, features), crs, notes)


def _parse_json(name: str, text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise SourceError(name, "JSON nested too deep to be outlines.") from None
    except ValueError as error:
        raise SourceError(
            name,
            f"not a GeoJSON file, or cut short ({error}).",
            line=getattr(error, "lineno", None),
            way_out="Download it again; of other formats, export GeoJSON.",
        ) from error


def _no_constant(constant: str) -> float:
    raise ValueError(f"{constant} is no coordinate")


def _declared_crs(name: str, document: dict[str, Any]) -> CRS:
    declared = document.get("crs")
    if not declared:
        return CRS.from_user_input(WGS84)
    try:
        return CRS.from_user_input(declared["properties"]["name"])
    except (CRSError, KeyError, TypeError) as error:
        raise SourceError(
            name,
            "its coordinate system is not understood.",
            way_out="Export it in WGS 84 (longitude, latitude) or Lambert-93.",
        ) from error


def _properties(name: str, number: int, feature: Any) -> Properties:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        raise SourceError(name, f"feature {number} has no properties.", way_out="Export it again.")
    return properties


def _from_geojson(name: str, features: list[Any]) -> np.ndarray:
    texts = [json.dumps(f.get("geometry")) if f.get("geometry") else None for f in features]
    try:
        geometry: np.ndarray = shapely.from_geojson(texts)
    except (shapely.errors.GEOSException, TypeError) as error:
        raise SourceError(
            name, f"a geometry is damaged ({str(error)[:80]}).", way_out="Export the layer again."
        ) from error
    return geometry


# -- tables of points ----------------------------------------------------------------------------


def _read_point_table(file: TextFile) -> packages.Package:
    """A CSV with a longitude and a latitude, or one cell with both, on each line."""
    text = file.text.decode()
    first = text.split("\n", 1)[0].lstrip("\ufeff")
    separator = max(";,\t", key=first.count)
    lines = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=separator)
    try:
        header = [c.strip() for c in next(lines, [])]
    except csv.Error as error:
        raise SourceError(
            file.name, f"not a table: {error}.", line=1, way_out="Download the file again."
        ) from error
    position = _position_reader(header)
    if position is None:
        raise SourceError(
            file.name,
            f"neither a layer nor a table of points: headers found are {first.strip()[:120]}.",
            line=1,
            way_out="Give outlines (GeoJSON, TopoJSON, GeoPackage, zipped shapefile, Parquet), or "
            "a CSV with columns longitude and latitude.",
        )
    rows, places = [], []
    try:
        for row in lines:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise ValueError(f"{len(row)} fields where the header has {len(header)}")
            cells = dict(zip(header, row, strict=True))
            places.append(position(cells))
            rows.append({key: value or None for key, value in cells.items()})
    except (ValueError, csv.Error) as error:
        raise SourceError(
            file.name, f"{error}.", line=lines.line_num,
            way_out="Correct the line, or download the file again.",
        ) from error  # fmt: skip
    if not rows:
        raise SourceError(file.name, "headers and not one point.", line=1)
    return packages.Package(rows, shapely.points(places), None, [])


def _position_reader(header: list[str]) -> Callable[[dict[str, str]], tuple[float, float]] | None:
    """How to read a line's position: longitude then latitude, whatever the file's order."""
    lower = {c.lower(): c for c in header}
    lon = next((lower[c] for c in LONGITUDES if c in lower), None)
    lat = next((lower[c] for c in LATITUDES if c in lower), None)
    if lon is not None and lat is not None:
        return lambda row: (_degree(row[lon], lon), _degree(row[lat], lat))
    point = next((lower[c] for c in POINT_COLUMNS if c in lower), None)
    if point is None:
        return None

    def both(row: dict[str, str]) -> tuple[float, float]:
        parts = row[point].split(",")
        if len(parts) != 2:
            raise ValueError(f"“{row[point][:40]}” is no latitude and longitude")
        return _degree(parts[1], point), _degree(parts[0], point)

    return both


def _degree(text: str, column: str) -> float:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        raise ValueError(f"“{text[:40]}” in “{column}” is no coordinate") from None
    if not np.isfinite(value):
        raise ValueError(f"“{text[:40]}” in “{column}” is no coordinate")
    return value


# -- geometry and its system ---------------------------------------------------------------------


def _present(geometry: np.ndarray) -> np.ndarray:
    present: np.ndarray = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    return present


def _flat(name: str, geometry: np.ndarray, *, lines: bool) -> tuple[np.ndarray, list[str]]:
    """All lines, or all polygons or all points, flat; says when a third coordinate was dropped."""
    there = _present(geometry)
    if not there.any():
        raise SourceError(name, "no feature has a geometry.", way_out="Export the layer again.")
    kinds = shapely.get_type_id(geometry[there])
    if lines and not np.isin(kinds, (1, 5)).all():
        raise SourceError(
            name,
            f"streets are lines, and {int((~np.isin(kinds, (1, 5))).sum()):,} of {kinds.size:,} "
            "features are not.",
            way_out="Give the layer of street lines (with --layer, where the file has several).",
        )
    if not lines and not (np.isin(kinds, (3, 6)).all() or np.isin(kinds, (0, 4)).all()):
        raise SourceError(
            name,
            "outlines are polygons, and some features are not.",
            way_out="A layer is polygons, or points of stations; lines and mixtures are neither.",
        )
    notes = []
    if shapely.has_z(geometry).any():
        geometry = shapely.force_2d(geometry)
        notes.append("third coordinate dropped")
    if not np.isfinite(shapely.total_bounds(geometry[there])).all():
        raise SourceError(name, "a coordinate is not a number.", way_out="Export the layer again.")
    return geometry, notes


def _given_crs(name: str, crs: str | None) -> CRS | None:
    if crs is None:
        return None
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        raise SourceError(
            name, f"“{crs[:40]}” is no coordinate system.", way_out="Write --crs EPSG:2154."
        ) from error


def _guess_crs(name: str, geometry: np.ndarray) -> CRS:
    """Degrees where the numbers can be degrees; nothing else is guessed."""
    if _in_degrees(shapely.total_bounds(geometry)):
        return CRS.from_user_input(WGS84)
    raise SourceError(
        name,
        "the file does not tell its coordinate system, and its numbers are no degrees.",
        way_out="Say which with --crs, as --crs EPSG:2154 for Lambert-93.",
    )


def _in_degrees(bounds: np.ndarray) -> bool:
    west, south, east, north = FRANCE_LON_LAT
    within = west <= bounds[0] and south <= bounds[1] and bounds[2] <= east and bounds[3] <= north
    return bool(within)


def _refuse_wrong_degrees(name: str, geometry: np.ndarray, crs: CRS) -> None:
    bounds = shapely.total_bounds(geometry)
    if crs.is_geographic and not _in_degrees(bounds):
        raise SourceError(
            name,
            f"coordinates up to {bounds[2]:.0f} are no degrees, and the file names no other "
            "system.",
            way_out="Export it in WGS 84 (longitude, latitude), or say which with --crs.",
        )
