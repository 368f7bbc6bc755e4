"""Stations as cities and the State publish them: outlines, or a point each, from any layer.

Each publication names its stations in its own way; `RECIPES` says how, one line each. What is
changed on the way (codes respelled, rings mended) is told, never silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj.exceptions import CRSError, ProjError

from targeting.codes import COMMUNE_CODE, commune_of_arrondissement, station_id, station_number
from targeting.errors import SourceError
from targeting.sources.layers import Layer, Properties, read_layer
from targeting.tables import METRIC_CRS, Stations

MAINLAND: Final = (0.0, 6_000_000.0, 1_350_000.0, 7_200_000.0)
"""Lambert-93 metres between which mainland France and Corsica lie: west, south, east, north."""

MOST_INVALID: Final = 0.2
"""Above this share of invalid rings the layer is damaged: mending would invent outlines…"""

MOST_AREA_CHANGED: Final = 0.01
"""…unless mending changes no area by more than this: a ring that only touches itself."""

MOST_CROSSINGS: Final = 1_000
"""Sides of one outline that may cross each other, in pairs: honest rings have a few, and GEOS
mends 1,000 in two seconds, 2,000 in six."""

SAMPLED_SIDES: Final = 500
MOST_HOLES: Final = 1_000
"""In one outline: a town's have a few, for other stations."""

SHORT_NAME: Final = 10
"""A shapefile cuts the names of its columns to so many letters."""

TOLD: Final = 3
"""Examples in a note on respelled codes."""


@dataclass(frozen=True)
class Recipe:
    """How one publication names a station: the properties it has, its commune and number.

    code: what is published (`19-5`); rule: how it becomes our number, in words, where it does.
    """

    name: str
    needs: frozenset[str]
    commune: Callable[[Properties], str]
    number: Callable[[Properties], str]
    code: Callable[[Properties], str]
    rule: str = ""
    credit: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Outlines:
    """Stations read, and what was mended on the way (told to the user, never silent).

    registered: voters that the publication itself gives, indexed by station_id.
    """

    stations: gpd.GeoDataFrame
    recipe: str
    notes: list[str] = field(default_factory=list)
    sha256: str = ""
    credit: str = ""
    licence: str = ""
    registered: pd.Series | None = None

    @property
    def origin(self) -> str:
        """`published` for polygons, `points` for a point a station."""
        return str(self.stations["origin"].iloc[0])


def _text(value: Any) -> str:
    """A property as text: `101`, `101.0` and `"0101"` lose nothing but the `.0`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value if value is not None else "").strip()


def _of(column: str) -> Callable[[Properties], str]:
    return lambda p: _text(p[column])


def _paris_number(code: str) -> str:
    """`19-5` → `1905`: arrondissement and number, two digits each."""
    arrondissement, _, number = code.partition("-")
    return f"{int(arrondissement):02d}{int(number):02d}"


RECIPES: Final = (
    Recipe(
        "national outlines (data.gouv.fr)",
        frozenset({"codeBureauVote"}),
        lambda p: commune_of_arrondissement(_text(p["codeBureauVote"]).partition("_")[0]),
        lambda p: _text(p["codeBureauVote"]).partition("_")[2],
        _of("codeBureauVote"),
        "",
        "Contours des bureaux de vote: data.gouv.fr / Insee",
        "Licence Ouverte 2.0",
    ),
    Recipe(
        "Paris (arrondissement-number)",
        frozenset({"arrondissement", "num_bv", "id_bv"}),
        lambda p: "75056",
        lambda p: _paris_number(f"{_text(p['arrondissement'])}-{_text(p['num_bv'])}"),
        _of("id_bv"),
        "arrondissement and number, two digits each",
        "Ville de Paris, secteurs des bureaux de vote",
        "ODbL",
    ),
    Recipe(
        "Paris, polling places",
        frozenset({"Identifiant du bureau de vote", "Numéro du bureau de vote"}),
        lambda p: "75056",
        lambda p: _paris_number(_text(p["Identifiant du bureau de vote"])),
        _of("Identifiant du bureau de vote"),
        "arrondissement and number, two digits each",
        "Ville de Paris, bureaux de vote",
        "ODbL",
    ),
    Recipe(
        "Cartelec",
        frozenset({"BUREAU", "CODE"}),
        lambda p: commune_of_arrondissement(_text(p["CODE"]).zfill(5)),
        _of("BUREAU"),
        _of("BUREAU"),
        "",
        "Cartelec 2007-10 (Colange, Beauguitte, Freire-Diaz 2013)",
        "ODbL",
    ),
    Recipe(
        "commune and number of each station",
        frozenset({"commune", "bureau"}),
        lambda p: commune_of_arrondissement(_text(p["commune"])),
        _of("bureau"),
        _of("bureau"),
    ),
)

NAME_COLUMNS: Final = (
    "NOM", "nom", "nomBureauVote", "NOM_LIEU_VOTE", "Libellé du bureau de vote", "libelle",
    "LIBELLE",
)  # fmt: skip
ROLL_COLUMNS: Final = ("nbr_elect_f", "inscrits", "INSCRITS")


def read_outlines(
    path: Path,
    *,
    commune_code: str | None = None,
    code_property: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
) -> Outlines:
    """Read stations as published into the Stations table (EPSG:2154).

    Polygons give outlines (origin `published`), points a place each (origin `points`).

    Parameters
    ----------
    path
        Any file of `layers.read_layer`; `layer` and `crs` are as there.
    commune_code
        The commune, where the file does not say (single-city files).
    code_property
        The property that holds the station number, where no recipe knows the file.

    Raises
    ------
    SourceError
        If the file cannot be read, has no station code, lies outside mainland France and Corsica,
        or has more than a fifth of invalid rings.
    """
    read = read_layer(path, layer=layer, crs=crs)
    properties = _full_names(read.properties)
    recipe = _recipe(read.name, properties, commune_code, code_property)
    table, notes = _table(recipe, properties, read)
    origin = "points" if read.is_points else "published"
    table, more = _mend(read.name, table.assign(origin=origin))
    registered = _registered(properties, table)
    stations = Stations.check(table.drop(columns="row"))
    return Outlines(
        stations, recipe.name, read.notes + notes + more, read.sha256, recipe.credit,
        recipe.licence, registered,
    )  # fmt: skip


def _full_names(properties: list[Properties]) -> list[Properties]:
    """Properties under the names that recipes know, where a shapefile cut them short.

    Counts of voters are not among them: Paris has four whose first ten letters are the same.
    """
    known = set(NAME_COLUMNS).union(*(recipe.needs for recipe in RECIPES))
    there = set(properties[0]) if properties else set()
    full = {n[:SHORT_NAME]: n for n in known if len(n) > SHORT_NAME and n not in there}
    if not there & set(full):
        return properties
    return [{full.get(key, key): value for key, value in p.items()} for p in properties]


def _recipe(
    name: str, properties: list[Properties], commune_code: str | None, code_property: str | None
) -> Recipe:
    present = set.intersection(*(set(p) for p in properties))
    if code_property is None:
        for recipe in RECIPES:
            if recipe.needs <= present:
                return recipe
    column = code_property or _guess_code(properties, present)
    if column is None or column not in present:
        raise SourceError(
            name,
            "no property holds a station number, as far as we can tell; properties: "
            f"{', '.join(sorted(present)[:30])}.",
            way_out="Say which with --code-property NAME, and the commune with --commune 44109. "
            "Is it a layer of stations?",
        )
    codes = [_split_code(_text(p[column])) for p in properties]
    has_commune = all(commune for commune, _ in codes)
    if commune_code is None and not has_commune:
        raise SourceError(
            name,
            f"station numbers are in “{column}”, but the file does not say the commune.",
            way_out="Add --commune 44109 (the INSEE code of the city).",
        )
    code = commune_code or ""
    return Recipe(
        f"numbers in “{column}”",
        frozenset({column}),
        lambda p: (
            commune_of_arrondissement(_split_code(_text(p[column]))[0]) if has_commune else code
        ),
        lambda p: _split_code(_text(p[column]))[1],
        _of(column),
        "the words and the commune before the number dropped",
    )


_CODE: Final = re.compile(
    r"(?i)(?:(?:secteur|bureau(?: de vote)?|bv)\s*(?:n[o°])?\s*)?"
    r"(?:(?P<commune>\d{5}|2[AB]\d{3})[-_ /])?(?P<number>[\dA-Za-z.\-]{1,8})"
)


def _split_code(text: str) -> tuple[str, str]:
    """Commune, where written, and number: `13055-0101`, `Secteur 10`, `BV n° 3`, `12A`.

    >>> _split_code("13055-0101"), _split_code("Secteur 10"), _split_code("12A")
    (('13055', '0101'), ('', '10'), ('', '12A'))
    """
    match = _CODE.fullmatch(text)
    return (match["commune"] or "", match["number"]) if match else ("", text)


def _guess_code(properties: list[Properties], present: set[str]) -> str | None:
    """The one property that looks like station numbers: short, different for each feature."""
    likely = re.compile(r"(?i)bur|bv|associant|vote|num|secteur")
    other = re.compile(r"(?i)commune|insee|postal|dep|iris|canton|circ|lieu|date")
    number = re.compile(r"\d{1,4}(?:-?\d{1,3})?[A-Za-z]{0,3}|[A-Za-z]\d{1,4}")

    def is_code(column: str, least: float) -> bool:
        texts = [_text(p[column]) for p in properties]
        short = all(number.fullmatch(_split_code(text)[1]) for text in texts)
        return short and len(set(texts)) >= least * len(texts)

    columns = [c for c in sorted(present) if not other.search(c)]
    named = [c for c in columns if likely.search(c) and is_code(c, 0.7)]
    return next(iter(named), None) or next((c for c in columns if is_code(c, 0.95)), None)


def _table(
    recipe: Recipe, properties: list[Properties], layer: Layer
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """One row a feature, in Lambert-93; `row` is its place in the file."""
    rows, respelled = [], _Respelled()
    for i, p in enumerate(properties, 1):
        try:
            commune, number, code = recipe.commune(p), recipe.number(p), recipe.code(p)
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                layer.name, f"feature {i} has no readable station code ({error}).",
                way_out="Correct the feature, or give --code-property.",
            ) from error  # fmt: skip
        if not re.fullmatch(COMMUNE_CODE, commune) or not re.fullmatch(r"[0-9A-Za-z.\-]+", number):
            raise SourceError(
                layer.name,
                f"feature {i}: “{commune[:20]}”, “{number[:20]}” is no commune and station number.",
                way_out="Correct the feature, or give --commune and --code-property.",
            )
        respelled.add(code, commune, number, recipe.rule)
        label = next((p[c] for c in NAME_COLUMNS if isinstance(p.get(c), str)), None)
        rows.append((station_id(commune, number), commune, station_number(number), label, i - 1))
    table = pd.DataFrame(rows, columns=["station_id", "commune_code", "number", "name", "row"])
    placed = gpd.GeoDataFrame(table, geometry=layer.geometry, crs=layer.crs)
    placed, notes = _without_overseas(layer.name, placed)
    try:
        placed = placed.to_crs(METRIC_CRS)
    except (ProjError, CRSError) as error:
        raise SourceError(
            layer.name,
            "its coordinate system does not lead to Lambert-93.",
            way_out="Say which it is with --crs, as --crs EPSG:2154.",
        ) from error
    _refuse_outside_france(layer.name, placed)
    placed["name"] = placed["name"].astype("str")
    return placed, respelled.notes() + notes


class _Respelled:
    """Codes that are not written as published, by the rule that changed them."""

    def __init__(self) -> None:
        self.by_rule: dict[str, dict[str, str]] = {}

    def add(self, code: str, commune: str, number: str, rule: str) -> None:
        final = station_number(number)
        if code in (final, station_id(commune, number)):
            return
        padded = code.rpartition("_")[2] == number
        told = "padded to four digits" if padded else rule or "taken from their own columns"
        self.by_rule.setdefault(told, {})[code] = final

    def notes(self) -> list[str]:
        return [
            f"{len(codes)} codes: {rule} ({examples(codes)})"
            for rule, codes in sorted(self.by_rule.items())
        ]


def examples(codes: dict[str, str]) -> str:
    """`101 → 0101, 102 → 0102 …`: the first of the codes that were respelled."""
    text = ", ".join(f"{old} → {new}" for old, new in sorted(codes.items())[:TOLD])
    return text + (" …" if len(codes) > TOLD else "")


def _without_overseas(name: str, layer: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Stations of the departments that Lambert-93 does not hold are left out of national files."""
    overseas = layer["commune_code"].str.match(r"9[78]|Z")
    if not overseas.any():
        return layer, []
    if overseas.all():
        raise SourceError(name, "overseas departments are not read yet.")
    note = f"{int(overseas.sum()):,} stations overseas left out: not read yet"
    return layer[~overseas], [note]


def _refuse_outside_france(name: str, layer: gpd.GeoDataFrame) -> None:
    """Swapped coordinates and a wrong system both show in where the outlines fall."""
    west, south, east, north = MAINLAND
    bounds = layer.geometry.bounds
    inside = (bounds["minx"] >= west) & (bounds["miny"] >= south)
    inside &= (bounds["maxx"] <= east) & (bounds["maxy"] <= north)
    outside = layer[_has_shape(layer) & ~inside]
    if len(outside):
        raise SourceError(
            name,
            f"{len(outside)} outlines lie outside mainland France and Corsica (first: feature "
            f"{outside['row'].iloc[0] + 1}, {outside['station_id'].iloc[0]}).",
            way_out="Are latitude and longitude swapped, or is the system another one? Export it "
            "in WGS 84 (longitude first). Overseas departments are not read yet.",
        )


def _mend(name: str, layer: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Valid polygons, one row a station; says what was done and to which."""
    notes = []
    is_points = layer["origin"].iloc[0] == "points"
    empty = ~_has_shape(layer)
    if empty.any():
        notes.append(f"left out, no geometry: {_named(layer[empty])}")
        layer = layer[~empty]
    layer, mended = _mend_rings(name, layer)
    notes += mended
    flat = ~_has_shape(layer)
    if flat.any():
        notes.append(f"left out, an outline without area: {_named(layer[flat])}")
        layer = layer[~flat]
    if layer.empty:
        raise SourceError(name, "no station has an outline.", way_out="Export the layer again.")
    twice = layer["station_id"].duplicated(keep=False)
    if twice.any():
        points, parts = (
            "points of one station: their middle taken",
            "outlines in several parts joined",
        )
        done = points if is_points else parts
        notes.append(f"{done}: {_named(layer[twice].drop_duplicates())}")
        layer = layer.dissolve("station_id", as_index=False, aggfunc="first")
    if is_points:
        layer["geometry"] = layer.geometry.centroid
    layer = layer.sort_values("station_id", ignore_index=True)
    layer = layer.assign(vintage="", polling_place=_no_text(layer.index))
    columns = [c for c in Stations.to_schema().columns if c != "geometry"]
    return layer[[*columns, "row", "geometry"]], notes


def _has_shape(layer: gpd.GeoDataFrame) -> np.ndarray:
    """Which rows have a geometry with something in it."""
    shapes = layer.geometry.to_numpy()
    there: np.ndarray = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    return there


def _mend_rings(name: str, layer: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Valid rings, empty where a ring encloses nothing; too many that are not are refused."""
    _refuse_many_holes(name, layer)
    invalid = ~layer.geometry.is_valid
    if not invalid.any():
        return layer, []
    broken = layer.geometry[invalid]
    _refuse_tangles(name, layer[invalid])
    valid = [_polygons(g) for g in shapely.make_valid(broken.to_numpy())]
    mended = gpd.GeoSeries(valid, broken.index, layer.crs)
    changed = (mended.area - broken.area).abs() > MOST_AREA_CHANGED * mended.area
    changed |= mended.area == 0
    named = _named(layer[invalid])
    if invalid.sum() > MOST_INVALID * len(layer) and changed.any():
        raise SourceError(
            name,
            f"{int(invalid.sum())} of {len(layer)} rings are invalid: {named}.",
            way_out="The layer is damaged: mend it in a GIS, or export it again.",
        )
    layer.loc[invalid, "geometry"] = mended
    return layer, [f"{int(invalid.sum())} invalid rings mended: {named}"]


def _refuse_many_holes(name: str, layer: gpd.GeoDataFrame) -> None:
    """Outlines with more holes than a town has squares: looking at them takes for ever."""
    shapes, row = shapely.get_parts(layer.geometry.to_numpy(), return_index=True)
    holes = np.bincount(row, np.maximum(shapely.get_num_interior_rings(shapes), 0), len(layer))
    if (holes > MOST_HOLES).any():
        at = int(holes.argmax())
        raise SourceError(
            name,
            f"the outline of {layer['station_id'].iloc[at]} has {int(holes[at]):,} holes: more "
            f"than the {MOST_HOLES:,} that one may have.",
            way_out="The layer is damaged: export it again.",
        )


def _refuse_tangles(name: str, broken: gpd.GeoDataFrame) -> None:
    """Rings that cross themselves so often that mending them would never end."""
    crossings = 0
    for station, shape in zip(broken["station_id"], broken.geometry, strict=True):
        crossings += _near_pairs(shape)
        if crossings > MOST_CROSSINGS:
            raise SourceError(
                name,
                f"the outline of {station} crosses itself too often: the file has more than the "
                f"{MOST_CROSSINGS:,} crossings that can be mended.",
                way_out="The layer is damaged: export it again.",
            )


def _near_pairs(shape: shapely.Geometry) -> int:
    """How many pairs of a shape's sides cross, told from a sample of them."""
    rings = shapely.get_rings(shape)
    if shapely.get_type_id(shape) not in (3, 6) or not len(rings):
        return 0
    places, ring = shapely.get_coordinates(rings, return_index=True)
    within = ring[1:] == ring[:-1]
    sides = shapely.linestrings(np.stack([places[:-1], places[1:]], axis=1)[within])
    sample = np.linspace(0, len(sides) - 1, min(len(sides), SAMPLED_SIDES)).astype(int)
    tree = shapely.STRtree(sides)
    beside = 3 * len(sample)  # each side meets itself and its neighbours
    near, enough = 0, beside + 4 * MOST_CROSSINGS * len(sample) / len(sides)
    for side in sides[sample]:
        near += len(tree.query(side, predicate="intersects"))
        if near > enough:
            break
    return int(max(0, near - beside) / 2 * len(sides) / len(sample))


def _no_text(index: pd.Index) -> pd.Series:
    return pd.Series(pd.NA, index=index, dtype="str")


def _polygons(geometry: shapely.Geometry) -> shapely.Geometry:
    """The areas of a mended geometry: lines and points that mending leaves are dropped."""
    parts = [g for g in shapely.get_parts(geometry) if g.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _named(rows: pd.DataFrame, most: int = 12) -> str:
    ids = sorted(set(rows["station_id"]))
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")


def _registered(properties: list[Properties], layer: gpd.GeoDataFrame) -> pd.Series | None:
    """Registered voters that the outlines themselves give, where they do."""
    column = next((c for c in ROLL_COLUMNS if c in properties[0]), None)
    if column is None:
        return None
    counts = pd.to_numeric(
        pd.Series([properties[row].get(column) for row in layer["row"]]), errors="coerce"
    )
    return pd.Series(counts.to_numpy(), index=layer["station_id"].to_list(), name="registered")
