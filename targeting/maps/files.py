"""Map files in the workspace's cache: named by their content, so that browsers keep them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.config import ASSETS
from targeting.crs import WGS84, require_metric_crs
from targeting.maps.board import Board, tooltips
from targeting.maps.classes import Classes, build_classes, fill_colours
from targeting.maps.measures import COLUMNS, METRICS

SIMPLIFIED_M: Final = 5.0
"""Outlines are drawn within five metres: under a pixel at the scale of a city."""

DECIMALS: Final = 5
"""About a metre."""

KEPT: Final = 8
"""Map files kept of each kind: those that open screens may still ask for."""

UNFILTERED: Final = -1.0
"""Filter value of a station without the measure: it shows until the filter is moved."""


@dataclass(frozen=True)
class MapFile:
    """A map file, where it is served, what it spans (west, south, east, north; degrees)."""

    path: Path
    bounds: tuple[float, float, float, float]

    @property
    def url(self) -> str:
        return f"{ASSETS}/{self.path.name}"


def metric_classes(board: Board) -> dict[str, Classes]:
    """Classes of every measure over the whole campaign, whatever filters hide."""
    return board.once.of(
        "classes", lambda: {m: build_classes(m, board.table[COLUMNS[m]]) for m in METRICS}
    )


def station_map_file(
    folder: Path,
    board: Board,
    outlines: gpd.GeoDataFrame | None,
    points: gpd.GeoDataFrame | None = None,
    *,
    shown: Sequence[str] | None = None,
) -> MapFile:
    """Write the stations' outlines with colours, filter values and tooltips; gives the file.

    `shown`: these stations alone, in the classes of all, with those borders that all have.
    `outlines`, `points`: tables Stations (EPSG:2154); a point is drawn for a station without
    outline. Stations with neither are left to the table, as shapes without results are. Outlines
    are simplified as a coverage: neighbours keep one border. Its bounds are of the dense part.
    """
    shapes = station_shapes(board, outlines, points)
    if shown is not None:
        shapes = shapes[shapes.index.isin(shown)]
    rows = board.table.loc[shapes.index]
    layer = shapes.to_crs(WGS84)
    properties: dict[str, list[Any]] = {"id": list(rows.index)}
    for metric, classes in metric_classes(board).items():
        properties[f"fill_{metric}"] = fill_colours(rows[COLUMNS[metric]], classes)
    for name in ("abstention", "left"):
        properties[name] = list(rows[COLUMNS[name]].fillna(UNFILTERED).astype(float).round(4))
    for language, texts in tooltips(board).items():
        properties[f"tip_{language}"] = list(texts.reindex(rows.index))
    file = write_features(folder, "stations", layer, properties)
    return MapFile(file.path, dense_bounds(layer.bounds.to_numpy()))


def station_shapes(
    board: Board, outlines: gpd.GeoDataFrame | None, points: gpd.GeoDataFrame | None
) -> gpd.GeoSeries:
    """The outline of each station of the board, else its point, in the board's order (EPSG:2154).

    Outlines are simplified as a coverage: neighbours keep one border.
    """
    parts: list[gpd.GeoSeries] = []
    left = board.table.index
    for name, layer in (("outlines", outlines), ("points", points)):
        if layer is None:
            continue
        known = require_metric_crs(layer, name).drop_duplicates("station_id")
        drawn = known.set_index("station_id").geometry
        drawn = drawn.reindex(left[left.isin(drawn.index)])
        if name == "outlines":
            simple = shapely.coverage_simplify(drawn.to_numpy(), SIMPLIFIED_M)
            drawn = gpd.GeoSeries(simple, index=drawn.index, crs=drawn.crs)
        parts.append(drawn)
        left = left.difference(drawn.index, sort=False)
    both = pd.concat(parts)
    return gpd.GeoSeries(both.reindex(board.table.index[board.table.index.isin(both.index)]))


def dense_bounds(boxes: np.ndarray) -> tuple[float, float, float, float]:
    """Bounds of all shapes but the far ones: islands and overseas are a way off the first view.

    `boxes`: west, south, east, north of each. Far is further from nine tenths of the shapes than
    nine tenths are across.
    """
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    low, high = np.quantile(middle, [0.05, 0.95], axis=0)
    margin = np.maximum(high - low, 1e-9)
    near = ((middle >= low - margin) & (middle <= high + margin)).all(axis=1)
    kept = boxes[near] if near.any() else boxes
    west, south = kept[:, :2].min(axis=0)
    east, north = kept[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)


def bounds_of(file: MapFile, stations: pd.Index) -> tuple[float, float, float, float]:
    """Bounds of these stations on the map; of the whole where none of them is drawn."""
    boxes = _boxes(file.path).reindex(stations).dropna()
    return file.bounds if boxes.empty else dense_bounds(boxes.to_numpy())


@lru_cache(maxsize=4)
def _boxes(path: Path) -> pd.DataFrame:
    shapes = {k: shapely.geometry.shape(g) for k, g in _geometries(path).items()}
    boxes = shapely.bounds(np.array(list(shapes.values()), dtype=object))
    return pd.DataFrame(boxes, index=list(shapes))


def station_rings(path: Path, station_id: str) -> list[list[list[float]]]:
    """Borders of one station in a map file, in degrees; empty when it has none in it."""
    geometry = _geometries(path).get(station_id)
    if geometry is None or geometry["type"] == "Point":
        return []
    parts = geometry["coordinates"]
    polygons = [parts] if geometry["type"] == "Polygon" else parts
    return [ring for polygon in polygons for ring in polygon]


def station_point(path: Path, station_id: str) -> list[float] | None:
    """Where the dot of one station is, in degrees; nothing when it is drawn by its outline."""
    geometry = _geometries(path).get(station_id)
    if geometry is None or geometry["type"] != "Point":
        return None
    return list(geometry["coordinates"])


@lru_cache(maxsize=4)
def _geometries(path: Path) -> dict[str, Any]:
    features = json.loads(path.read_bytes())["features"]
    return {f["properties"]["id"]: f["geometry"] for f in features}


def backdrop_file(folder: Path, layers: Mapping[str, gpd.GeoDataFrame]) -> MapFile | None:
    """Write what is drawn for orientation (water, parks, rail, streets) in one file.

    Properties: `kind`; of streets, `name` where their layer tells which to write (`written`).
    """
    parts: list[Any] = []
    kinds: list[str] = []
    names: list[str | None] = []
    for name, layer in layers.items():
        shapes = require_metric_crs(layer, name).geometry.dropna()
        # lines need no topology, and joined ones of a city are slow to keep it
        has_areas = bool((shapely.get_dimensions(shapes.to_numpy()) > 1).any())
        simple = shapes.simplify(SIMPLIFIED_M / 2, preserve_topology=has_areas)
        simple = simple[~simple.is_empty].to_crs(WGS84)
        parts += list(simple)
        kinds += [name] * len(simple)
        written = layer["written"] if "written" in layer else pd.Series(dtype="object")
        names += [n if isinstance(n, str) else None for n in written.reindex(simple.index)]
    if not parts:
        return None
    drawn = gpd.GeoSeries(parts, crs=WGS84)
    return write_features(folder, "backdrop", drawn, {"kind": kinds, "name": names})


def write_features(
    folder: Path, kind: str, shapes: gpd.GeoSeries, properties: Mapping[str, Sequence[Any]]
) -> MapFile:
    """Write compact GeoJSON named `<kind>-<hash>.json`, unless it is there; older ones go.

    A property that is None is left out of its feature.
    """
    rounded = shapely.transform(shapes.to_numpy(), lambda xy: np.round(xy, DECIMALS))
    names = list(properties)
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(shape),
            "properties": {
                name: value for name, value in zip(names, values, strict=True) if value is not None
            },
        }
        for shape, *values in zip(rounded, *properties.values(), strict=True)
    ]
    document = {"type": "FeatureCollection", "features": features}
    content = json.dumps(
        document, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()
    path = folder / f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}.json"
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.touch()
    else:
        _put(path, content)
    prune(folder, kind, keep=[path])
    west, south, east, north = shapely.total_bounds(rounded)
    return MapFile(path, (float(west), float(south), float(east), float(north)))


def _put(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(name, path)


def prune(folder: Path, kind: str, *, keep: Iterable[Path] = (), most: int = KEPT) -> None:
    """Take away all but the newest map files of a kind."""
    spared = set(keep)
    dated = [(p.stat().st_mtime_ns, p) for p in folder.glob(f"{kind}-*.json")]
    for _, path in sorted(dated, reverse=True)[most:]:
        if path not in spared:
            path.unlink(missing_ok=True)
