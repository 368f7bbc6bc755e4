"""Geometries written as text or mixed up: cells of a table, collections, rings left open.

What is dropped from a feature is said of the feature, so that its station can be named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from targeting.errors import SourceError

LOOKED_AT: Final = 20
"""Cells looked at to tell whether a column holds geometries."""

FULL_CELL: Final = 32_700
"""Excel keeps 32,767 letters of a cell: a shape cut about there was cut by it."""

KINDS: Final = {0: "a point", 1: "a line", 2: "a line", 3: "a polygon", 4: "points", 5: "lines",
                6: "polygons", 7: "a collection"}  # fmt: skip

_WKT: Final = re.compile(
    r"(?is)\s*(?:SRID=(?P<srid>\d+);)?\s*"
    r"(?:(?:MULTI)?(?:POINT|POLYGON|LINESTRING|SURFACE|CURVE)|GEOMETRYCOLLECTION|CURVEPOLYGON)"
    r"\s*(?:Z|M|ZM)?\s*(?:\(|EMPTY)"
)
_HEX: Final = re.compile(r"(?:\\x)?0[01](?:[0-9A-Fa-f]{2}){8,}")
_POLYGON_WORD: Final = re.compile(r"(?i)polygon|surface")


# -- geometries in cells --------------------------------------------------------------------------


def shape_columns(rows: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """Columns whose cells are geometries in words → whether they are areas.

    GeoJSON (text, or an object as portals nest it), WKT, EWKT, and WKB in hexadecimal.
    """
    found = {}
    for column in rows[0] if rows else ():
        cells = [c for c in (r.get(column) for r in rows) if not _is_blank(c)][:LOOKED_AT]
        if cells and all(_looks_like_a_shape(c) for c in cells):
            found[column] = any(_is_area(c) for c in cells)
    return found


def read_shapes(
    name: str, rows: Sequence[dict[str, Any]], column: str
) -> tuple[np.ndarray, CRS | None]:
    """The geometries of a column, missing where a cell is blank, and the system that they say.

    Raises SourceError naming the first cell that is no geometry.
    """
    shapes: list[shapely.Geometry | None] = []
    said: set[int] = set()
    for at, row in enumerate(rows):
        cell = row.get(column)
        try:
            shape, srid = (None, 0) if _is_blank(cell) else _parsed(cell)
        except (ValueError, TypeError, KeyError, shapely.errors.ShapelyError) as error:
            cut = isinstance(cell, str) and len(cell) >= FULL_CELL
            raise SourceError(
                name,
                f"row {at + 1}: the shape in “{column[:40]}” is "
                + ("cut short, as Excel does at 32,767 letters" if cut else "no geometry")
                + ".",
                way_out="Take the publisher's own file, never saved by a spreadsheet, or its "
                "GeoJSON export.",
            ) from error
        shapes.append(shape)
        said |= {srid} if srid else set()
    if len(said) > 1:
        raise SourceError(
            name, f"its shapes say several systems: {', '.join(map(str, sorted(said)))}.",
            way_out="Export it in one system, as WGS 84.",
        )  # fmt: skip
    try:
        crs = CRS.from_epsg(said.pop()) if said else None
    except CRSError as error:
        raise SourceError(
            name, "the system that its shapes say (SRID) is not known.",
            way_out="Say which with --crs EPSG:2154.",
        ) from error  # fmt: skip
    return np.array(shapes, dtype=object), crs


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _looks_like_a_shape(cell: Any) -> bool:
    if isinstance(cell, bytes):
        return cell[:1] in (b"\x00", b"\x01") and len(cell) >= 9
    if isinstance(cell, dict):
        return isinstance(cell.get("type"), str) and ("coordinates" in cell or "geometry" in cell
                                                      or "geometries" in cell)  # fmt: skip
    if not isinstance(cell, str):
        return False
    text = cell.lstrip()
    if text.startswith("{"):
        head = text[:400] + text[-400:]
        return '"type"' in head and any(f'"{w}"' in head for w in ("coordinates", "geometry",
                                                                  "geometries"))  # fmt: skip
    return bool(_WKT.match(text) or _HEX.fullmatch(text.strip()))


def _is_area(cell: Any) -> bool:
    if isinstance(cell, dict) or (isinstance(cell, str) and not _HEX.fullmatch(cell.strip())):
        text = json.dumps(cell)[:2000] if isinstance(cell, dict) else cell[:2000] + cell[-200:]
        return bool(_POLYGON_WORD.search(text))
    try:
        return bool(shapely.get_dimensions(_parsed(cell)[0]) == 2)
    except (ValueError, TypeError, shapely.errors.ShapelyError):
        return False


def _parsed(cell: Any) -> tuple[shapely.Geometry | None, int]:
    if isinstance(cell, bytes):
        shape = shapely.from_wkb(cell)
        return shape, int(shapely.get_srid(shape))
    if isinstance(cell, str) and not cell.lstrip().startswith("{"):
        text = cell.strip()
        if _HEX.fullmatch(text):
            shape = shapely.from_wkb(text.removeprefix("\\x"))
            return shape, int(shapely.get_srid(shape))
        match = _WKT.match(text)
        if match is None:
            raise ValueError("no geometry")
        return shapely.from_wkt(text.partition(";")[2] if match["srid"] else text), int(
            match["srid"] or 0
        )
    shape = json.loads(cell) if isinstance(cell, str) else cell
    if shape.get("type") == "Feature":
        shape = shape["geometry"]
    if not shape:
        return None, 0
    return from_geojson(shape), 0


def from_geojson(shape: dict[str, Any]) -> shapely.Geometry:
    """One GeoJSON geometry; a ring left open is closed, one of no more than two points is empty,
    and of a position the first two numbers are taken.

    Raises ValueError, TypeError, KeyError or ShapelyError for what is none.
    """
    try:
        return shapely.from_geojson(json.dumps(shape))
    except shapely.errors.GEOSException:
        closed = _closed(shape)
        if closed is None:
            raise
        return shapely.from_geojson(json.dumps(closed))


def _closed(shape: dict[str, Any]) -> dict[str, Any] | None:
    """The same polygon with its rings closed; nothing where it is none."""
    kind = shape.get("type")
    if kind == "Polygon":
        return {"type": kind, "coordinates": _closed_rings(shape["coordinates"])}
    if kind == "MultiPolygon":
        parts = [_closed_rings(rings) for rings in shape["coordinates"]]
        return {"type": kind, "coordinates": [rings for rings in parts if rings]}
    if kind == "GeometryCollection":
        inner = [_closed(g) or g for g in shape["geometries"]]
        return {"type": kind, "geometries": inner}
    return None


def _closed_rings(rings: list[Any]) -> list[Any]:
    closed = []
    for at, points in enumerate(rings):
        ring = [list(p[:2]) for p in points]
        whole = [*ring, ring[0]] if ring and ring[0] != ring[-1] else ring
        if len(whole) >= 4:
            closed.append(whole)
        elif at == 0:
            return []  # the shell encloses nothing, and its holes neither
    return closed


# -- mixtures -------------------------------------------------------------------------------------


def only_areas(geometry: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """Geometries with what is no area dropped, and what was: place of the feature → in words.

    A feature without any area becomes missing.
    """
    kept = geometry.copy()
    dropped: dict[int, str] = {}
    there = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    kinds = shapely.get_type_id(geometry)
    for at in np.flatnonzero(there & ~np.isin(kinds, (3, 6))):
        parts = _leaves(geometry[at])
        areas = [g for g in parts if g.geom_type in ("Polygon", "MultiPolygon")]
        flat = [g for g in parts if shapely.get_dimensions(g) < 2]
        others = [KINDS[int(shapely.get_type_id(g))] for g in flat]
        kept[at] = _united(areas)
        words = " and ".join(_counted(others)) or "an empty collection"
        dropped[int(at)] = words if areas else f"{words}, and no polygon"
        if areas and not others:
            del dropped[int(at)]
    return kept, dropped


def _leaves(geometry: shapely.Geometry) -> list[shapely.Geometry]:
    """The parts of a collection that are none themselves."""
    waiting, leaves = [geometry], []
    while waiting:
        one = waiting.pop(0)
        if one.geom_type == "GeometryCollection":
            waiting += list(one.geoms)
        elif not one.is_empty:
            leaves.append(one)
    return leaves


def _united(areas: list[shapely.Geometry]) -> shapely.Geometry | None:
    if not areas:
        return None
    if len(areas) == 1:
        return areas[0]
    parts = [p for g in areas for p in (g.geoms if g.geom_type == "MultiPolygon" else [g])]
    return shapely.MultiPolygon(parts)


def _counted(words: list[str]) -> list[str]:
    """`a line` once, `2 × a line` where there are two."""
    return [w if words.count(w) == 1 else f"{words.count(w)} × {w}" for w in dict.fromkeys(words)]
