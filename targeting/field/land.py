"""Streets and backdrop of a campaign, cut to the frame of each turf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from shapely import LineString
from shapely.geometry.base import BaseGeometry

from targeting.field.ground import MAP_ASPECT, Ground, Way
from targeting.streetnames import street_key

Box = tuple[float, float, float, float]
"""West, south, east, north."""

MARGIN_SHARE: Final = 0.07
MARGIN_M: Final = 45.0
SMALLEST_M: Final = 220.0
"""A turf of one building still shows the crossings around it."""


class Land:
    """All the streets and the backdrop of a campaign, ready to be cut to the frame of each turf."""

    def __init__(
        self, streets: gpd.GeoDataFrame | None, backdrop: Mapping[str, gpd.GeoDataFrame]
    ) -> None:
        self._streets = _Layer.of(streets.geometry if streets is not None else None)
        self._names = [] if streets is None else streets["street"].fillna("").astype(str).tolist()
        self._kinds = [] if streets is None else streets["kind"].astype(str).tolist()
        spelled = {name: street_key(name) or name for name in set(self._names)}
        self._keys = [spelled[name] for name in self._names]
        self._backdrop = {kind: _Layer.of(layer.geometry) for kind, layer in backdrop.items()}

    def around(self, x: np.ndarray, y: np.ndarray) -> Ground:
        """The ground around some stops (EPSG:2154 metres)."""
        west, south, width, height = _frame(x, y)
        box = (west, south, west + width, south + height)
        ways, paths = self._ways(box)
        shapes = {kind: tuple(layer.cut(box)[0]) for kind, layer in self._backdrop.items()}
        kept = {kind: own for kind, own in shapes.items() if own}
        return Ground(west, south, width, height, ways, paths, kept)

    def _ways(self, box: Box) -> tuple[tuple[Way, ...], tuple[LineString, ...]]:
        """Named ways, the lines of one spelling together, then the lines without a name."""
        lines: dict[str, list[LineString]] = {}
        names: dict[str, Counter[str]] = {}
        kinds: dict[str, Counter[str]] = {}
        for shape, row in zip(*self._streets.cut(box), strict=True):
            if shape.geom_type == "LineString" and shape.length:
                key = self._keys[row]
                lines.setdefault(key, []).append(shape)
                names.setdefault(key, Counter())[self._names[row]] += 1
                kinds.setdefault(key, Counter())[self._kinds[row]] += 1
        ways = tuple(
            Way(_commonest(names[key]), key, _commonest(kinds[key]), _merged(lines[key]))
            for key in sorted(lines)
            if key
        )
        return ways, _merged(lines.get("", []))


@dataclass(frozen=True)
class _Layer:
    """Shapes with an index, each part on its own; `rows`: the row that each comes from."""

    parts: np.ndarray
    rows: np.ndarray
    tree: shapely.STRtree

    @classmethod
    def of(cls, shapes: gpd.GeoSeries | None) -> _Layer:
        whole = np.empty(0, dtype=object) if shapes is None else shapes.to_numpy()
        parts, rows = shapely.get_parts(whole, return_index=True)
        return cls(parts, rows, shapely.STRtree(parts))

    def cut(self, box: Box) -> tuple[list[BaseGeometry], list[int]]:
        """What of the layer is in the box, in local metres, and the row of each part."""
        near = np.sort(self.tree.query(shapely.box(*box)))
        pieces = shapely.clip_by_rect(self.parts[near], *box)
        parts, which = shapely.get_parts(pieces, return_index=True)
        kept = ~shapely.is_empty(parts)
        local = shapely.transform(parts[kept], lambda xy: np.round(xy - [box[0], box[1]], 1))
        return list(local), self.rows[near][which[kept]].tolist()


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda text: (-counts[text], text))


def _merged(lines: list[LineString]) -> tuple[LineString, ...]:
    """Lines end to end, longest first."""
    if not lines:
        return ()
    merged = shapely.get_parts(shapely.line_merge(shapely.MultiLineString(lines)))
    return tuple(sorted(merged, key=lambda line: (-line.length, line.coords[0])))


def _frame(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """West, south, width and height: the stops with a margin, in the map's proportions."""
    spread = np.array([np.ptp(x), np.ptp(y)])
    margin = max(MARGIN_M, MARGIN_SHARE * spread.max())
    wanted = np.maximum(spread + 2 * margin, (SMALLEST_M * MAP_ASPECT, SMALLEST_M))
    width = np.ceil(max(wanted[0], wanted[1] * MAP_ASPECT))
    height = width / MAP_ASPECT
    middle = np.array([x.min() + x.max(), y.min() + y.max()]) / 2
    return float(middle[0] - width / 2), float(middle[1] - height / 2), float(width), float(height)
