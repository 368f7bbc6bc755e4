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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from targeting.crs import WGS84
from targeting.errors import SourceError
from targeting.sources import packages
from targeting.sources.files import TextFile, as_text, read_bounded, read_bytes
from targeting.sources.layers.shapes import from_geojson, only_areas, read_shapes, shape_columns
from targeting.sources.layers.strangers import (
    refuse_archive_by_name,
    refuse_by_name,
    refuse_incomplete,
)
from targeting.sources.layers.systems import is_in_degrees, refuse_other_numbers, spoken_systems
from targeting.sources.layers.topojson import read_topology, refuse_many_points

LONGEST_CELL: Final = 64 * 1024**2
"""A cell of a table may hold the outline of a whole commune."""

LONGITUDES: Final = ("longitude", "lon", "long", "lng", "x")
LATITUDES: Final = ("latitude", "lat", "y")
POINT_COLUMNS: Final = ("geo_point_2d", "geo_point", "geopoint", "coordonnees_geo")
"""One cell with `latitude, longitude`, as Opendatasoft's portals write it."""

_WRAPPER: Final = re.compile(rb"^\s*(?:var|let|const|window\.)\s*\w[\w.]*\s*=\s*")

Properties = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """Features of one file. notes: what was done to read them, in words.

    dropped: of features whose geometry was not all of polygons, what was left out, by their place.
    """

    name: str
    properties: list[Properties]
    geometry: np.ndarray
    crs: CRS
    sha256: str
    notes: list[str] = field(default_factory=list)
    dropped: dict[int, str] = field(default_factory=dict)

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
        The layer or object to read, where the file has several; of a table, its column of shapes.
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
    if not lines:
        package = _second_geometry(path.name, package, layer)
    crs_found = given or package.crs or _guess_crs(path.name, package.geometry)
    if lines:
        package = _lines_of(package)
    geometry, notes, dropped = _flat(path.name, package.geometry, lines=lines)
    refuse_other_numbers(path.name, geometry, crs_found)
    notes = package.notes + notes
    if given is None and package.crs is None and packages.is_shapefile_zip(path):
        notes.append(packages.shapefile_without_system(path.name))
    return Layer(path.name, package.properties, geometry, crs_found, sha256, notes, dropped)


def _second_geometry(name: str, package: packages.Package, layer: str | None) -> packages.Package:
    """The areas that stand in a column beside points, where there are some: they are the outlines.

    Such columns are no properties. Raises SourceError where two columns hold areas.
    """
    columns = shape_columns(package.properties)
    if not columns:
        return package
    plain = [{k: v for k, v in p.items() if k not in columns} for p in package.properties]
    there = _present(package.geometry)
    is_points = there.any() and np.isin(shapely.get_type_id(package.geometry[there]), (0, 4)).all()
    column = _one_shape(name, columns, layer) if is_points else None
    if column is None or not columns[column]:
        return replace(package, properties=plain)
    geometry, crs = read_shapes(name, package.properties, column)
    told = [f"outlines read from “{column}”, not the points beside them"]
    return packages.Package(plain, geometry, crs or package.crs, package.notes + told)


def _one_shape(name: str, columns: dict[str, bool], layer: str | None) -> str | None:
    """The column of shapes to read: the one named, else the one of areas, else one of points."""
    if layer in columns:
        return layer
    areas = [c for c, is_area in columns.items() if is_area]
    if len(areas) > 1:
        raise SourceError(
            name, f"several columns hold outlines: {', '.join(areas)}.",
            way_out="Say which with --layer NAME.",
        )  # fmt: skip
    return next(iter(areas), None) or next(iter(columns), None)


def _open(path: Path, layer: str | None) -> tuple[str, packages.Package]:
    if packages.is_shapefile_zip(path):
        content = read_bounded(path)
        sha256 = hashlib.sha256(content).hexdigest()
        return sha256, packages.read_shapefile_zip(path.name, content, layer)
    refuse_archive_by_name(path.name, packages.zip_members(path))
    content, sha256 = read_bytes(path)
    if content.startswith(packages.SQLITE):
        return sha256, packages.read_geopackage(path.name, content, layer)
    if content.startswith(packages.PARQUET):
        return sha256, packages.read_parquet(path.name, content)
    refuse_by_name(path.name, content[:8192])
    file = as_text(path.name, content, sha256)
    wrapper = _WRAPPER.match(file.text)
    if wrapper or file.text.lstrip()[:1] in (b"{", b"[", b"\x1e"):
        return sha256, _read_json(file, layer, wrapper.end() if wrapper else 0)
    return sha256, _read_point_table(file, layer)


# -- JSON ----------------------------------------------------------------------------------------


def _read_json(file: TextFile, layer: str | None, start: int) -> packages.Package:
    notes = ["taken out of its JavaScript wrapper"] if start else []
    text = file.text[start:].rstrip().rstrip(b";") if start else file.text
    document = _parse_json(file.name, text)
    if isinstance(document, dict) and document.get("type") == "Topology":
        properties, geometry, more = read_topology(file.name, document, layer)
        return packages.Package(properties, geometry, CRS.from_user_input(WGS84), notes + more)
    if (records := _records(document)) is not None:
        refuse_incomplete(file.name, document, len(records))
        return _shapes_of_records(file.name, records, layer, notes)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise SourceError(
            file.name,
            f"no GeoJSON features inside{_what_it_is(document)}.",
            way_out="A layer is a FeatureCollection with one feature a station, or a street.",
        )
    refuse_incomplete(file.name, document, len(features))
    properties = [_properties(file.name, i, f) for i, f in enumerate(features, 1)]
    if "spatialReference" in document or _is_esri(features[0]):
        return _read_esri(file.name, document, features, notes)
    crs = _declared_crs(file.name, document)
    geometry, closed = _from_geojson(file.name, features)
    if closed:
        places = ", ".join(map(str, closed[:6])) + (" …" if len(closed) > 6 else "")
        notes.append(f"rings closed, or taken out where they enclose nothing: feature {places}")
    return packages.Package(properties, geometry, crs, notes)


def _records(document: Any) -> list[dict[str, Any]] | None:
    """Rows of a portal's JSON export; nothing where it is none."""
    rows = document
    if isinstance(document, dict):
        rows = document.get("results", document.get("records"))
    if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
        return None
    if any(r.get("type") == "Feature" for r in rows[:1]):
        return None
    return [r["fields"] if isinstance(r.get("fields"), dict) else r for r in rows]


def _shapes_of_records(
    name: str, rows: list[dict[str, Any]], layer: str | None, notes: list[str]
) -> packages.Package:
    columns = shape_columns(rows)
    column = _one_shape(name, columns, layer)
    if column is None:
        raise SourceError(
            name, "rows of a table, and none of their cells is an outline or a point.",
            way_out="Ask the portal for its GeoJSON export.",
        )  # fmt: skip
    geometry, crs = read_shapes(name, rows, column)
    plain = [{k: v for k, v in row.items() if k not in columns} for row in rows]
    system = crs or CRS.from_user_input(WGS84)
    return packages.Package(plain, geometry, system, [*notes, f"shapes read from “{column}”"])


def _what_it_is(document: Any) -> str:
    """What a JSON document without features is, where it can be told."""
    if isinstance(document, dict):
        if "elements" in document and "osm3s" in document:
            return ": this is an Overpass answer"
        if "error" in document:
            return ": this is a server's error message"
        if "currentVersion" in document or "serviceDescription" in document:
            return (
                ": this is the description of an ArcGIS layer (ask for query?where=1=1&f=geojson)"
            )
        if document.get("type") in ("Polygon", "MultiPolygon", "GeometryCollection"):
            return ": a geometry alone, without the number of its station"
    return ""


def _is_esri(feature: Any) -> bool:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return isinstance(geometry, dict) and "type" not in geometry and "attributes" in feature


def _read_esri(
    name: str, document: dict[str, Any], features: list[Any], notes: list[str]
) -> packages.Package:
    """Features as an ArcGIS server writes them (`attributes`, `rings`)."""
    system = document.get("spatialReference") or {}
    code = system.get("latestWkid", system.get("wkid")) if isinstance(system, dict) else None
    crs = packages._crs_of(name, f"EPSG:{code}") if isinstance(code, int) else None
    shapes = []
    for number, feature in enumerate(features, 1):
        try:
            shapes.append(_esri_shape(feature.get("geometry") or {}))
        except (KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
            raise SourceError(
                name, f"feature {number}: its geometry is damaged.",
                way_out="Ask the server for f=geojson.",
            ) from error  # fmt: skip
    properties = [dict(f.get("attributes") or {}) for f in features]
    told = [*notes, "read as ArcGIS writes features"]
    return packages.Package(properties, np.array(shapes, dtype=object), crs, told)


def _esri_shape(geometry: dict[str, Any]) -> shapely.Geometry | None:
    """Rings laid over each other by the even-odd rule, as ArcGIS means them; points; lines."""
    if "rings" in geometry:
        rings = [shapely.Polygon([p[:2] for p in ring]) for ring in geometry["rings"]]
        area: shapely.Geometry = shapely.Polygon()
        for ring in sorted(rings, key=lambda r: -r.area):
            area = area.symmetric_difference(ring if ring.is_valid else ring.buffer(0))
        return area
    if "paths" in geometry:
        return shapely.MultiLineString([[p[:2] for p in path] for path in geometry["paths"]])
    if "points" in geometry:
        return shapely.MultiPoint([p[:2] for p in geometry["points"]])
    if geometry.get("x") is None or geometry.get("y") is None:
        return None
    return shapely.Point(float(geometry["x"]), float(geometry["y"]))


def _parse_json(name: str, text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise SourceError(name, "JSON nested too deep to be outlines.") from None
    except ValueError as error:
        if (features := _feature_lines(text)) is not None:
            return {"type": "FeatureCollection", "features": features}
        raise SourceError(
            name,
            f"not a GeoJSON file, or cut short ({error}).",
            line=getattr(error, "lineno", None),
            way_out="Download it again; of other formats, export GeoJSON.",
        ) from error


def _feature_lines(text: bytes) -> list[Any] | None:
    """Features of a file that has one a line (GeoJSON lines, or a sequence); nothing otherwise."""
    lines = [line.strip(b"\x1e\r ") for line in text.replace(b"\x1e{", b"\n{").split(b"\n")]
    try:
        features = [json.loads(line, parse_constant=_no_constant) for line in lines if line]
    except (ValueError, RecursionError):
        return None
    whole = all(isinstance(f, dict) and f.get("type") == "Feature" for f in features)
    return features if whole else None


def _no_constant(constant: str) -> float:
    raise ValueError(f"{constant} is no coordinate")


def _declared_crs(name: str, document: dict[str, Any]) -> CRS:
    declared = document.get("crs")
    if not declared:
        return CRS.from_user_input(WGS84)
    try:
        said = declared["properties"]
        if str(declared.get("type")).upper() == "EPSG":
            return CRS.from_epsg(said["code"])
        return CRS.from_user_input(said["name"])
    except (CRSError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            name,
            "its coordinate system is not understood.",
            way_out="Export it in WGS 84 (longitude, latitude) or Lambert-93.",
        ) from error


def _properties(name: str, number: int, feature: Any) -> Properties:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if properties is None and _is_esri(feature):
        properties = feature["attributes"]
    if not isinstance(properties, dict):
        raise SourceError(name, f"feature {number} has no properties.", way_out="Export it again.")
    return properties


def _from_geojson(name: str, features: list[Any]) -> tuple[np.ndarray, list[int]]:
    """Geometries, and the features (from 1) whose rings were not closed."""
    shapes = [f.get("geometry") for f in features]
    at, closed = 0, []
    try:
        texts = [json.dumps(s) if s else None for s in shapes]
        geometry: np.ndarray = shapely.from_geojson(texts, on_invalid="ignore")
        for at in np.flatnonzero(shapely.is_missing(geometry)).tolist():
            if shapes[at]:
                geometry[at] = from_geojson(shapes[at])
                closed.append(at + 1)
    except (shapely.errors.GEOSException, TypeError, ValueError, KeyError, AttributeError) as error:
        raise SourceError(
            name, f"the geometry of feature {at + 1} is damaged ({str(error)[:80]}).",
            way_out="Export the layer again.",
        ) from error  # fmt: skip
    return geometry, closed


# -- tables of points ----------------------------------------------------------------------------


def _read_point_table(file: TextFile, layer: str | None = None) -> packages.Package:
    """A CSV with an outline in a cell of each line, else a longitude and a latitude."""
    header, rows, places = _cells(file)
    columns = shape_columns(rows)
    column = _one_shape(file.name, columns, layer)
    position = _position_reader(header)
    if column is not None and (columns[column] or position is None):
        geometry, crs = read_shapes(file.name, rows, column)
        told = [f"shapes read from “{column}”"]
        others: list[dict[str, Any]] = [
            {k: v for k, v in row.items() if k not in columns} for row in rows
        ]
        return packages.Package(others, geometry, crs, told)
    if position is None:
        raise _no_table(file.name, header)
    found = []
    for row, place in zip(rows, places, strict=True):
        try:
            found.append(position(row))
        except ValueError as error:
            raise SourceError(
                file.name, f"{error}.", line=place,
                way_out="Correct the line, or download the file again.",
            ) from error  # fmt: skip
    plain: list[dict[str, Any]] = [
        {k: v or None for k, v in row.items() if k not in columns} for row in rows
    ]
    return packages.Package(plain, shapely.points(found), None, [])


def _cells(file: TextFile) -> tuple[list[str], list[dict[str, str]], list[int]]:
    """Header, rows that are not blank, and the line that each ends on."""
    text = file.text.decode().lstrip("\ufeff")
    first = text.split("\n", 1)[0]
    separator = max(";,\t|", key=first.count)
    longest = csv.field_size_limit(LONGEST_CELL)
    lines = csv.reader(io.StringIO(text), delimiter=separator)
    rows, places = [], []
    header: list[str] = []
    try:
        header = [c.strip() for c in next(lines, [])]
        for row in lines:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise ValueError(f"{len(row)} fields where the header has {len(header)}")
            rows.append(dict(zip(header, row, strict=True)))
            places.append(lines.line_num)
    except (ValueError, csv.Error) as error:
        if _position_reader(header) is None and not _looks_like_shapes(header):
            raise _no_table(file.name, header) from error
        raise SourceError(
            file.name, f"{error}.", line=max(lines.line_num, 1),
            way_out="Correct the line, or download the file again.",
        ) from error  # fmt: skip
    finally:
        csv.field_size_limit(longest)
    if not rows:
        if _position_reader(header) is None and not _looks_like_shapes(header):
            raise _no_table(file.name, header)
        raise SourceError(file.name, "headers and not one point.", line=1)
    return header, rows, places


def _looks_like_shapes(header: Sequence[str]) -> bool:
    return any(re.search(r"(?i)shape|wkt|wkb|geom", column) for column in header)


def _no_table(name: str, header: Sequence[str]) -> SourceError:
    return SourceError(
        name,
        f"neither a layer nor a table of points: headers found are {', '.join(header)[:120]}.",
        line=1,
        way_out="Give outlines (GeoJSON, TopoJSON, GeoPackage, zipped shapefile, Parquet), or "
        "a CSV with columns longitude and latitude, or with an outline a line (geo_shape, WKT).",
    )


def _position_reader(header: list[str]) -> Callable[[dict[str, str]], tuple[float, float]] | None:
    """How to read a line's position: longitude then latitude, whatever the file's order."""
    lower = {c.lower(): c for c in header}
    lon = next((lower[c] for c in LONGITUDES if c in lower), None)
    lat = next((lower[c] for c in LATITUDES if c in lower), None)
    if lon is not None and lat is not None:
        return lambda row: (_degree(row[lon], lon), _degree(row[lat], lat))
    spoken = {re.sub(r"[ _-]+", "_", c.lower()): c for c in header}
    point = next((spoken[c] for c in POINT_COLUMNS if c in spoken), None)
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


def _flat(
    name: str, geometry: np.ndarray, *, lines: bool
) -> tuple[np.ndarray, list[str], dict[int, str]]:
    """All lines, or all polygons or all points, flat; what was dropped is told.

    Among polygons, what is none is dropped from its feature.
    """
    there = _present(geometry)
    if not there.any():
        raise SourceError(name, "no feature has a geometry.", way_out="Export the layer again.")
    kinds = shapely.get_type_id(geometry[there])
    dropped: dict[int, str] = {}
    if lines and not np.isin(kinds, (1, 5)).all():
        raise SourceError(
            name,
            f"streets are lines, and {int((~np.isin(kinds, (1, 5))).sum()):,} of {kinds.size:,} "
            "features are not.",
            way_out="Give the layer of street lines (with --layer, where the file has several).",
        )
    if not lines and not np.isin(kinds, (0, 4)).all():
        geometry, dropped = only_areas(geometry)
        areas = int(_present(geometry).sum())
        if areas <= MOSTLY * kinds.size:
            raise SourceError(
                name,
                f"outlines are polygons, and {kinds.size - areas:,} of {kinds.size:,} features are "
                "not.",
                way_out="A layer is polygons, or points of stations; lines and mixtures are "
                "neither: export the polygons alone.",
            )
        there = _present(geometry)
    notes = []
    flat = np.array([shapely.has_z(geometry).any(), shapely.has_m(geometry).any()])
    if flat.any():
        geometry = shapely.force_2d(geometry)
        notes.append("third coordinate dropped" if flat[0] else "measures (M) dropped")
    if not np.isfinite(shapely.get_coordinates(geometry[there])).all():
        raise SourceError(name, "a coordinate is not a number.", way_out="Export the layer again.")
    return geometry, notes, dropped


MOSTLY: Final = 0.5
"""A layer of which no more is polygons is a mixture, and no layer of outlines."""


def _lines_of(package: packages.Package) -> packages.Package:
    """Of a layer that has lines among other shapes, the lines, and the edges of walked areas.

    Overpass turbo gives tagged points and pedestrian areas (`highway` on a polygon) with its ways.
    """
    kinds = shapely.get_type_id(package.geometry)
    is_line, is_area = np.isin(kinds, (1, 5)), np.isin(kinds, (3, 6))
    if not is_line.any() or is_line.all():
        return package
    is_area &= np.array([bool(p.get("highway")) for p in package.properties], dtype=bool)
    geometry = package.geometry.copy()
    geometry[is_area] = shapely.boundary(geometry[is_area])
    kept = is_line | is_area
    notes = []
    if not kept.all():
        notes.append(f"{int((~kept).sum()):,} features that are no lines left out")
    if is_area.any():
        notes.append(f"{int(is_area.sum()):,} areas that one walks: their edges are taken")
    properties = [p for p, keep in zip(package.properties, kept, strict=True) if keep]
    return packages.Package(properties, geometry[kept], package.crs, [*package.notes, *notes])


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
    bounds = shapely.total_bounds(geometry)
    if is_in_degrees(bounds):
        return CRS.from_user_input(WGS84)
    raise SourceError(
        name,
        "the file does not tell its coordinate system, and its numbers are no degrees.",
        way_out=f"Say which with --crs, as --crs {spoken_systems(bounds)}.",
    )
