"""Polling stations drawn for paper: shapes as SVG in millimetres, names and numbers apart.

One path a class of colour, not one a station. The plane is Mercator's, true to scale in the middle
of the view: north is straight up, and a scale bar can be laid on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from targeting.crs import WGS84
from targeting.exports.lines import one_line
from targeting.exports.map_labels import (
    Label,
    Room,
    bar_discs,
    label_discs,
    least_covering,
    text_width,
)
from targeting.palette import Theme

EARTH_M: Final = 6_378_137.0
Bounds = tuple[float, float, float, float]

NOTHING: Final = -1
UNKNOWN: Final = -2
"""Classes of stations with nothing yet, and of those without a value."""

LINE_MM: Final = 0.06
"""Outlines are drawn within this much: less than a printer's dot."""

MARGIN: Final = 0.03
"""Kept free around what is looked at, of its length and height."""

DOT_MM: Final = (0.35, 1.1)
DOT_ROOM: Final = 0.3
"""Radius of a dot, of the room that each has where they lie evenly; and within what it is held."""

LONE_MM: Final = 10.0
"""Room around the outermost dots: one alone has it too."""

RINGED_MM: Final = 0.7
"""From this radius on a dot has its edge and its number: smaller ones lie too near each other."""

NUMBER_MM2: Final = 9.0
"""From this area on a station's number is tried on it; the smallest would hide what they name."""

NUMBER_PT: Final = (7.0, 6.2, 5.6)
NUMBER_SHARE: Final = (0.3, 0.3, 1.0)
"""Points of a number, and how much of its station's width it may take in them."""

CHOSEN_PT: Final = 7.0
QUARTER_PT: Final = (7.6, 6.8, 6.0)
QUARTER_WIDER: Final = 1.25
"""A name may stand out of its quarter on both sides by so much of its width."""

LONGEST_QUARTER: Final = 28
LONGEST_NUMBER: Final = 12
NORTH_MM: Final = (8.0, 13.0)
SCALE_BAR: Final = (
    200_000, 100_000, 50_000, 20_000, 10_000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10,
)  # fmt: skip
BAR_MM: Final = 38.0
SMALL: Final = frozenset(
    ["a", "à", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "sur"]
)
"""Words that keep small letters inside a name."""

SHRINK: Final = tuple(1 - n * 0.04 for n in range(13))
"""How much of the frame the stations may give up for the legend to cover none of them."""

CORNERS: Final = ("bottom left", "bottom right", "top left", "top right")


@dataclass(frozen=True)
class StationMap:
    """What a sheet shows.

    stations: indexed by station_id, those to name first; polygons, or points where there is no
    outline; `number` as it is read, `class_number` (0 is the least; NOTHING, UNKNOWN),
    `is_hatched`, `is_shown` (else left pale), `is_chosen`. colours: of the classes, least first.
    view: what is looked at (west, south, east, north; degrees). quarters: polygons, their `name`.
    """

    stations: gpd.GeoDataFrame
    colours: Sequence[str]
    paint: Theme
    view: Bounds
    quarters: gpd.GeoDataFrame | None = None


class Place(NamedTuple):
    """Where the ground lies in a frame: mm a metre, the ground at its lower left corner, and the
    corner that is left to the legend."""

    width: float
    height: float
    scale: float
    x: float
    y: float
    corner: str

    @property
    def ground(self) -> Bounds:
        """What of the ground the frame shows, in metres of the plane."""
        return (self.x, self.y, self.x + self.width / self.scale, self.y + self.height / self.scale)

    def on_paper(self, shapes: Any) -> Any:
        """Shapes of the plane in millimetres, y downwards."""
        shift = np.array([-self.x * self.scale, self.height + self.y * self.scale])
        return shapely.transform(shapes, lambda xy: xy * [self.scale, -self.scale] + shift)


@dataclass(frozen=True)
class Drawing:
    """A map as it is set: SVG, names, the scale bar, where the legend goes.

    outside: stations shown that lie outside the frame.
    """

    svg: str
    names: list[dict[str, Any]]
    scale_m: int
    scale_mm: float
    corner: str
    outside: int


class Ground:
    """The stations of a map in the plane of its view, in metres."""

    def __init__(self, shown: StationMap) -> None:
        west, south, east, north = shown.view
        self._origin = ((west + east) / 2, (south + north) / 2)
        self.shown = shown
        self.shapes = self._flat(shown.stations)
        self.quarters = None if shown.quarters is None else self._flat(shown.quarters)
        (left, right), (low, high) = self._plane(np.array([[west, south], [east, north]])).T
        dx, dy = max(right - left, 50.0) * MARGIN, max(high - low, 50.0) * MARGIN
        self.view: Bounds = (left - dx, low - dy, right + dx, high + dy)
        told = (shown.stations["is_shown"] | shown.stations["is_chosen"]).to_numpy(bool)
        self._tree = shapely.STRtree(self.shapes[told] if told.any() else self.shapes)

    def _plane(self, degrees: np.ndarray) -> np.ndarray:
        (lon, lat), out = self._origin, np.empty((len(degrees), 2))
        metres = EARTH_M * np.cos(np.radians(lat))
        out[:, 0] = metres * np.radians(degrees[:, 0] - lon)
        north = np.arcsinh(np.tan(np.radians(np.clip(degrees[:, 1], -85, 85))))
        out[:, 1] = metres * (north - np.arcsinh(np.tan(np.radians(lat))))
        return out

    def _flat(self, layer: gpd.GeoDataFrame) -> np.ndarray:
        degrees = layer.geometry.to_crs(WGS84).to_numpy()
        return np.asarray(shapely.transform(degrees, self._plane))

    def place(self, width: float, height: float, legend: tuple[float, float]) -> Place:
        """Where the view lies in a frame: as large as may be with no station under the legend.

        legend: its width and height; nothing is kept free where it has none.
        """
        places = list(self._places(width, height, legend))
        for place in places:
            if not self._covered(place, legend):
                return place
        return min(places, key=lambda p: self._covered(p, legend))

    def _places(self, width: float, height: float, legend: tuple[float, float]) -> Iterator[Place]:
        west, south, east, north = self.view
        largest = min(width / (east - west), height / (north - south))
        if not any(legend):
            yield self._at(width, height, largest, (0.5, 0.5), "")
            return
        for shrink, aside, corner in product(SHRINK, (0.5, 0.75, 1.0), CORNERS):
            across = aside if "left" in corner else 1 - aside
            up = aside if "bottom" in corner else 1 - aside
            yield self._at(width, height, largest * shrink, (across, up), corner)

    def _at(
        self, width: float, height: float, scale: float, aside: tuple[float, float], corner: str
    ) -> Place:
        west, south, east, north = self.view
        spare_x, spare_y = width / scale - (east - west), height / scale - (north - south)
        return Place(
            width, height, scale, west - spare_x * aside[0], south - spare_y * aside[1], corner
        )

    def _covered(self, place: Place, legend: tuple[float, float]) -> int:
        """Stations of the view, shown or chosen, that the legend would lie on."""
        if not any(legend):
            return 0
        x1, y1, x2, y2 = place.ground
        w, h = (side / place.scale for side in legend)
        box = shapely.box(
            x1 if "left" in place.corner else x2 - w,
            y1 if "bottom" in place.corner else y2 - h,
            x1 + w if "left" in place.corner else x2,
            y1 + h if "bottom" in place.corner else y2,
        )
        box = shapely.intersection(box, shapely.box(*self.view))  # an island afar may lie under it
        return len(self._tree.query(box, predicate="intersects"))


def draw_stations(ground: Ground, place: Place, legend: tuple[float, float]) -> Drawing:
    """The map as it lies at `place`; names keep clear of the legend and of the north arrow."""
    shown, frame = ground.shown, shapely.box(0, 0, place.width, place.height)
    drawn = _on_frame(ground.shapes, place, frame)
    quarters = None if ground.quarters is None else _on_frame(ground.quarters, place, frame)
    scale_m = next((m for m in SCALE_BAR if m * place.scale <= BAR_MM), SCALE_BAR[-1])
    told = shown.stations["is_shown"].to_numpy(bool)
    return Drawing(
        svg=_svg(shown, drawn, quarters, place),
        names=_names(shown, drawn, quarters, _room(place, legend), place),
        scale_m=scale_m,
        scale_mm=scale_m * place.scale,
        corner=place.corner,
        outside=int((told & shapely.is_empty(drawn)).sum()),
    )


def _on_frame(shapes: np.ndarray, place: Place, frame: Any) -> np.ndarray:
    """Shapes in millimetres, cut a little outside the frame; empty where they lie beyond."""
    drawn = np.asarray(place.on_paper(shapes))
    areas = shapely.get_dimensions(drawn) == 2
    drawn[areas] = shapely.coverage_simplify(drawn[areas], LINE_MM)
    west, south, east, north = shapely.bounds(shapely.buffer(frame, 2)).tolist()
    boxes = shapely.bounds(drawn)
    over = (boxes[:, :2] < [west, south]).any(axis=1) | (boxes[:, 2:] > [east, north]).any(axis=1)
    drawn[over] = shapely.clip_by_rect(shapely.make_valid(drawn[over]), west, south, east, north)
    drawn[~shapely.intersects(drawn, frame)] = shapely.Polygon()
    return drawn


# -- shapes ----------------------------------------------------------------------------------------


def _svg(shown: StationMap, drawn: np.ndarray, quarters: np.ndarray | None, place: Place) -> str:
    """Fill, hatching, edges, quarters, what is chosen: from the lowest to the highest."""
    table, paint = shown.stations, shown.paint
    classes = table["class_number"].to_numpy(int)
    told = table["is_shown"].to_numpy(bool)
    hatched = told & table["is_hatched"].to_numpy(bool)
    chosen = table["is_chosen"].to_numpy(bool)
    edge, dot = _edge_mm(drawn), _dot_mm(drawn[told], place)
    parts = [_patterns(paint), _path(drawn[~told], dot, fill=paint.left_out)]
    for number, colour in [*enumerate(shown.colours), (NOTHING, paint.nothing)]:
        parts.append(_path(drawn[told & (classes == number)], dot, fill=colour))
    unknown = drawn[told & (classes == UNKNOWN)]
    parts += [_path(unknown, dot, fill=f) for f in (paint.unknown, "url(#unknown)")]
    strong = classes == len(shown.colours) - 1
    parts.append(_path(drawn[hatched & ~strong], dot, fill="url(#hatch)"))
    parts.append(_path(drawn[hatched & strong], dot, fill="url(#hatch-strong)"))
    ringed = dot if dot >= RINGED_MM else None
    parts.append(_lines(drawn[~told], paint.casing, edge * 0.7, ringed, opacity=0.3))
    for colour, width, opacity in ((paint.casing, edge * 1.7, 0.45), (paint.edge, edge, 1.0)):
        parts.append(_lines(drawn[told], colour, width, ringed, opacity=opacity))
    if quarters is not None:
        parts.append(_lines(quarters, paint.ink, 0.26, None, dash="1.6 1"))
    for colour, width in ((paint.chosen_casing, 1.3), (paint.chosen, 0.65)):
        parts.append(_lines(drawn[chosen], colour, width, dot))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {place.width:g} {place.height:g}" '
        f'width="{place.width:g}mm" height="{place.height:g}mm">{"".join(parts)}</svg>'
    )


def _edge_mm(drawn: np.ndarray) -> float:
    """How wide a white edge is: thin where stations are small."""
    areas = shapely.area(drawn)
    areas = areas[areas > 0]
    across = float(np.sqrt(np.median(areas))) if areas.size else 10.0
    return float(np.clip(across * 0.035, 0.08, 0.22))


def _dot_mm(drawn: np.ndarray, place: Place) -> float:
    """Radius of the dots: small where they are many, so that each is seen."""
    dots = (shapely.get_dimensions(drawn) == 0) & ~shapely.is_empty(drawn)
    if not dots.any():
        return DOT_MM[1]
    west, north, east, south = shapely.total_bounds(drawn[dots])
    wide, high = east - west + LONE_MM, south - north + LONE_MM
    room = min(wide, place.width) * min(high, place.height)
    return float(np.clip(DOT_ROOM * np.sqrt(room / dots.sum()), *DOT_MM))


def swatch_svg(fill: str, paint: Theme, under: str) -> str:
    """A box of a legend: `fill` is a colour, or a pattern drawn over the colour `under`."""
    under = fill if fill.startswith("#") else paint.unknown if fill == "unknown" else under
    over = f'<rect width="7" height="4" fill="url(#{fill})"/>' if not fill.startswith("#") else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 7 4" width="7mm" height="4mm">'
        f'{_patterns(paint)}<rect width="7" height="4" fill="{under}"/>{over}</svg>'
    )


def _patterns(paint: Theme) -> str:
    """Hatching for pale classes and for the strongest, dots for what is unknown."""
    tile = 'patternUnits="userSpaceOnUse"'
    hatches = "".join(
        f'<pattern id="{name}" {tile} width="1.3" height="1.3" patternTransform="rotate(45)">'
        f'<rect width="0.28" height="1.3" fill="{colour}" fill-opacity="{opacity}"/></pattern>'
        for name, colour, opacity in (
            ("hatch", paint.hatch, 0.6), ("hatch-strong", paint.hatch_strong, 0.85),
        )
    )  # fmt: skip
    dots = (
        f'<pattern id="unknown" {tile} width="1.8" height="1.8"><circle cx="0.9" cy="0.9" r="0.25" '
        f'fill="{paint.unknown_dots}"/></pattern>'
    )
    return f"<defs>{hatches}{dots}</defs>"


def _path(shapes: np.ndarray, dot: float, *, fill: str) -> str:
    """Shapes as one path; points as dots."""
    dots = shapes[shapely.get_dimensions(shapes) == 0]
    dots = dots[~shapely.is_empty(dots)]
    spots = "".join(
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{dot:.2f}"/>'
        for x, y in shapely.get_coordinates(dots)
    )
    outline = _rings(shapes)
    path = f'<path d="{outline}" fill-rule="evenodd"/>' if outline else ""
    return f'<g fill="{fill}">{path}{spots}</g>' if path or spots else ""


def _lines(
    shapes: np.ndarray,
    colour: str,
    width: float,
    dot: float | None,
    *,
    opacity: float = 1.0,
    dash: str = "",
) -> str:
    """Borders of shapes as one path; of points, as rings around dots of that radius."""
    dots = shapes[shapely.get_dimensions(shapes) == 0]
    dots = dots[:0] if dot is None else dots[~shapely.is_empty(dots)]
    radius = (dot or 0) + width / 2
    spots = "".join(
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}"/>'
        for x, y in shapely.get_coordinates(dots)
    )
    outline = _rings(shapes)
    path = f'<path d="{outline}"/>' if outline else ""
    if not path and not spots:
        return ""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<g fill="none" stroke="{colour}" stroke-width="{width:.2f}" stroke-linejoin="round" '
        f'stroke-opacity="{opacity:g}"{dashed}>{path}{spots}</g>'
    )


def _rings(shapes: np.ndarray) -> str:
    """The rings of all polygons as one path's data."""
    rings = shapely.get_rings(shapely.get_parts(shapes[shapely.get_dimensions(shapes) == 2]))
    if not len(rings):
        return ""
    coords, of_ring = shapely.get_coordinates(rings, return_index=True)
    pieces = np.split(coords, np.flatnonzero(np.diff(of_ring)) + 1)
    return "".join(
        "M" + " ".join(f"{x:.2f},{y:.2f}" for x, y in piece[:-1].tolist()) + "Z" for piece in pieces
    )


# -- names -----------------------------------------------------------------------------------------


def _room(place: Place, legend: tuple[float, float]) -> Room:
    """The frame with its legend and its north."""
    room = Room(place.width, place.height)
    w, h = legend
    if w and h:
        left = 0.0 if "left" in place.corner else place.width - w
        top = place.height - h if "bottom" in place.corner else 0.0
        bars = max(int(np.ceil(h / 8)), 1)
        for n in range(bars):
            room.take(bar_discs(left + w / 2, top + (n + 0.5) * h / bars, w, h / bars))
        north_w, north_h = NORTH_MM
        x = north_w if place.corner == "top right" else place.width - north_w
        room.take(bar_discs(x, north_h / 2 + 2, north_h + 4, north_w + 2, 90))
    return room


def _names(
    shown: StationMap, drawn: np.ndarray, quarters: np.ndarray | None, room: Room, place: Place
) -> list[dict[str, Any]]:
    """Chosen stations, then quarters from the largest, then stations in the order given."""
    table = shown.stations
    numbers = [one_line(str(n), LONGEST_NUMBER) for n in table["number"]]
    seen = table["is_shown"].to_numpy(bool) & ~shapely.is_empty(drawn)
    chosen = table["is_chosen"].to_numpy(bool) & ~shapely.is_empty(drawn)
    names = [
        _as_set(least_covering(room, _spots(drawn[at], numbers[at], CHOSEN_PT, room)), "chosen")
        for at in np.flatnonzero(chosen)
    ]
    if quarters is not None and shown.quarters is not None:
        called = [
            _cased(one_line(str(n), LONGEST_QUARTER)) for n in shown.quarters["name"].fillna("")
        ]
        areas = shapely.area(quarters)
        for at in sorted(np.flatnonzero(areas > 0), key=lambda at: -areas[at]):
            found = (
                label
                for size in QUARTER_PT
                for label in _spots(quarters[at], called[at], size, room, most=QUARTER_WIDER)
            )
            if called[at] and (label := _first(room, found)):
                names.append(_as_set(label, "quarter"))
    areas = shapely.area(drawn)
    is_dot = shapely.get_dimensions(drawn) == 0
    is_dot &= _dot_mm(drawn[seen], place) >= RINGED_MM
    for at in np.flatnonzero(seen & ~chosen & ((areas >= NUMBER_MM2) | is_dot)):
        spots = (
            label
            for size, most in zip(NUMBER_PT, NUMBER_SHARE, strict=True)
            for label in _spots(drawn[at], numbers[at], size, room, most=most)[:1]
        )
        if label := _first(room, spots):
            names.append(_as_set(label, "station"))
    return names


def _first(room: Room, labels: Any) -> Label | None:
    for label in labels:
        discs = label_discs(label)
        if room.free(discs):
            room.take(discs)
            return label  # type: ignore[no-any-return]
    return None


def _spots(
    shape: Any, text: str, size_pt: float, room: Room, *, most: float = float("inf")
) -> list[Label]:
    """Where the name of a shape may stand: in its middle, else a little above or below.

    most: nowhere when the name takes more than this share of the shape's width.
    """
    if shapely.get_dimensions(shape) == 0:
        ((x, y),) = shapely.get_coordinates(shape)[:1].tolist()
        return [
            Label(text, x, y - 2.4, 0, size_pt, False),
            Label(text, x, y + 2.4, 0, size_pt, False),
        ]
    parts = shapely.get_parts(shape)
    largest = parts[np.argmax(shapely.area(parts))]
    seen = shapely.clip_by_rect(largest, 0, 0, room.width, room.height)
    middle = shapely.centroid(seen)
    if shapely.is_empty(middle) or not shapely.contains(largest, middle):
        middle = shapely.point_on_surface(largest)
    width = text_width(text, size_pt)
    west, _, east, _ = shapely.bounds(largest)
    if width > (east - west) * most:
        return []
    half, line = width / 2 + 0.7, size_pt * 0.36
    x = float(
        np.clip(
            shapely.get_x(middle), min(half, room.width / 2), max(room.width - half, room.width / 2)
        )
    )
    y = float(np.clip(shapely.get_y(middle), line, room.height - line))
    steps = (0.0, -line * 1.3, line * 1.3)
    return [Label(text, x, y + step, 0.0, size_pt, False) for step in steps]


def _cased(name: str) -> str:
    """A name published in capitals, as it is read: `Saint-Jean du Désert`."""
    if not name.isupper():
        return name
    words = re.split(r"([\s'’-]+)", name.lower())
    said = [w if n and w in SMALL else w[:1].upper() + w[1:] for n, w in enumerate(words)]
    return "".join(said)


def _as_set(label: Label, role: str) -> dict[str, Any]:
    return {"text": label.text, "x": label.x, "y": label.y, "size": label.size_pt, "role": role}
