"""TopoJSON: polygons that share their borders, written once as arcs.

Read after the TopoJSON specification 1.0 (github.com/topojson/topojson-specification): arcs, one
transform for the whole file (with it, positions are integers, each the step from the one before),
objects by name. An arc `~i` is arc `i` walked backwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import shapely

from targeting.errors import SourceError

DEEPEST: Final = 16
"""Collections within collections: publications have one or two."""

MOST_POINTS: Final = 5_000_000
"""Points of a layer; a region's outlines have some 600,000, whichever the format."""

Properties = dict[str, Any]
Arcs = list[np.ndarray]


def read_topology(
    name: str, document: dict[str, Any], layer: str | None
) -> tuple[list[Properties], np.ndarray, list[str]]:
    """Properties, geometry and notes of the object that holds polygons, or of the one named.

    A feature's `id` becomes a property where it has none of that name. Raises SourceError where
    several objects hold polygons and none is named, and for arcs that do not exist.
    """
    objects = document.get("objects")
    if not isinstance(objects, dict) or not objects:
        raise SourceError(name, "a topology without objects.", way_out="Export the layer again.")
    chosen = _choose(name, objects, layer)
    try:
        arcs = _arcs(document)
        features = list(_features(objects[chosen]))
        refuse_many_points(name, sum(_points_of(f.get("arcs"), arcs) for f in features))
        geometry = np.array([_geometry(f, arcs) for f in features], dtype=object)
        properties = [_properties(f) for f in features]
    except (
        KeyError, TypeError, ValueError, IndexError, AttributeError, shapely.errors.GEOSException,
    ) as error:  # fmt: skip
        raise SourceError(
            name,
            f"the topology is damaged: {str(error)[:80] or 'a member is missing'}.",
            way_out="Export the layer again, as GeoJSON if need be.",
        ) from error
    notes = [f"object “{chosen}” of {len(objects)}"] if len(objects) > 1 else []
    return properties, geometry, notes


def _choose(name: str, objects: dict[str, Any], layer: str | None) -> str:
    if layer is not None:
        if layer not in objects:
            raise SourceError(
                name, f"no object “{layer}”: it has {', '.join(objects)}.",
                way_out="Give one of them with --layer.",
            )  # fmt: skip
        return layer
    polygons = [key for key, value in objects.items() if _has_polygons(value)]
    if len(polygons) == 1:
        return polygons[0]
    if polygons:
        raise SourceError(
            name, f"several objects hold polygons: {', '.join(polygons)}.",
            way_out="Say which with --layer NAME.",
        )  # fmt: skip
    return next(iter(objects))


def _has_polygons(value: Any, depth: int = 0) -> bool:
    if not isinstance(value, dict) or depth > DEEPEST:
        return False
    inner = value.get("geometries")
    if isinstance(inner, list):
        return any(_has_polygons(v, depth + 1) for v in inner)
    return value.get("type") in ("Polygon", "MultiPolygon")


def _features(value: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > DEEPEST:
        raise ValueError("collections nested too deep")
    if value["type"] == "GeometryCollection" and "properties" not in value:
        for inner in value["geometries"]:
            yield from _features(inner, depth + 1)
    else:
        yield value


def _properties(feature: dict[str, Any]) -> Properties:
    properties = dict(feature.get("properties") or {})
    if "id" in feature:
        properties.setdefault("id", feature["id"])
    return properties


def _arcs(document: dict[str, Any]) -> Arcs:
    """Arcs as positions: with a transform, running sums of integer steps, scaled and moved."""
    transform = document.get("transform")
    arcs = [np.asarray([p[:2] for p in arc], dtype=float) for arc in document["arcs"]]
    for arc in arcs:
        if arc.ndim != 2 or arc.shape[0] < 2:
            raise ValueError("an arc has fewer than two positions")
    if transform is None:
        return arcs
    scale, move = np.asarray(transform["scale"], float), np.asarray(transform["translate"], float)
    return [arc.cumsum(axis=0) * scale + move for arc in arcs]


def refuse_many_points(name: str, points: int) -> None:
    """Raises SourceError above MOST_POINTS."""
    if points > MOST_POINTS:
        raise SourceError(
            name, f"{points:,} points: more than the {MOST_POINTS:,} that a layer may have.",
            way_out="Give a part of it (a department, say), or simplify it.",
        )  # fmt: skip


def _points_of(indices: Any, arcs: Arcs) -> int:
    """Points of a geometry once its arcs are laid end to end: one arc may be used many times."""
    if isinstance(indices, list):
        return sum(_points_of(inner, arcs) for inner in indices)
    return len(arcs[indices if indices >= 0 else ~indices]) if isinstance(indices, int) else 0


def _ring(indices: list[int], arcs: Arcs) -> np.ndarray:
    """Arcs laid end to end; the position that two of them share is written once."""
    parts: list[np.ndarray] = []
    for index in indices:
        at = index if index >= 0 else ~index
        arc = arcs[at] if index >= 0 else arcs[at][::-1]
        parts.append(arc[1:] if parts else arc)
    return np.concatenate(parts)


def _polygon(rings: list[list[int]], arcs: Arcs) -> shapely.Polygon:
    shell, *holes = (_ring(ring, arcs) for ring in rings)
    return shapely.Polygon(shell, holes)


def _geometry(feature: dict[str, Any], arcs: Arcs) -> shapely.Geometry | None:
    kind = feature["type"]
    if kind == "Polygon":
        return _polygon(feature["arcs"], arcs)
    if kind == "MultiPolygon":
        return shapely.MultiPolygon([_polygon(rings, arcs) for rings in feature["arcs"]])
    if kind is None:
        return None
    raise ValueError(f"a {kind} where a polygon was awaited")
