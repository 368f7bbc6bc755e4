"""Station outlines as cities and the State publish them: GeoJSON, plain or wrapped in JavaScript.

Each publication names its stations in its own way; `RECIPES` says how, one line each. Read by us
from JSON, never by GDAL: nothing in the file can open another file (TRUST SEC-01).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from targeting.codes import commune_of_arrondissement, station_id, station_number
from targeting.errors import SourceError
from targeting.sources.files import read_text
from targeting.tables import METRIC_CRS, WGS84, Stations

FRANCE_LON_LAT: Final = (-180.0, -90.0, 180.0, 90.0)
MAINLAND: Final = (0.0, 6_000_000.0, 1_350_000.0, 7_200_000.0)
"""Lambert-93 metres between which mainland France and Corsica lie: west, south, east, north."""

MOST_INVALID: Final = 0.2
"""Above this share of invalid rings the layer is damaged: mending would invent outlines."""

_WRAPPER: Final = re.compile(rb"^\s*(?:var|let|const|window\.)\s*\w[\w.]*\s*=\s*")

Properties = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How one publication names a station: the properties it has, its commune and number."""

    name: str
    needs: frozenset[str]
    commune: Callable[[Properties], str]
    number: Callable[[Properties], str]
    credit: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Outlines:
    """Outlines read, and what was mended on the way (told to the user, never silent)."""

    stations: gpd.GeoDataFrame
    recipe: str
    notes: list[str] = field(default_factory=list)
    sha256: str = ""
    credit: str = ""
    licence: str = ""
    registered: pd.Series | None = None


def _text(value: Any) -> str:
    """A property as text: `101`, `101.0` and `"0101"` lose nothing but the `.0`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value if value is not None else "").strip()


def _national_number(p: Properties) -> str:
    return _text(p["codeBureauVote"]).partition("_")[2]


RECIPES: Final = (
    Recipe(
        "national outlines (data.gouv.fr)",
        frozenset({"codeBureauVote"}),
        lambda p: commune_of_arrondissement(_text(p["codeBureauVote"]).partition("_")[0]),
        _national_number,
        "Contours des bureaux de vote: data.gouv.fr / Insee",
        "Licence Ouverte 2.0",
    ),
    Recipe(
        "Paris (arrondissement-number)",
        frozenset({"arrondissement", "num_bv", "id_bv"}),
        lambda p: "75056",
        lambda p: f"{int(p['arrondissement']):02d}{int(p['num_bv']):02d}",
        "Ville de Paris, secteurs des bureaux de vote",
        "ODbL",
    ),
    Recipe(
        "Cartelec",
        frozenset({"BUREAU", "CODE"}),
        lambda p: commune_of_arrondissement(_text(p["CODE"]).zfill(5)),
        lambda p: _text(p["BUREAU"]),
        "Cartelec 2007-10 (Colange, Beauguitte, Freire-Diaz 2013)",
        "ODbL",
    ),
)

NAME_COLUMNS: Final = ("NOM", "nom", "nomBureauVote", "libelle", "LIBELLE")
ROLL_COLUMNS: Final = ("nbr_elect_f", "inscrits", "INSCRITS")


def read_outlines(
    path: Path, *, commune_code: str | None = None, code_property: str | None = None
) -> Outlines:
    """Read station outlines as published into the Stations table (EPSG:2154).

    Parameters
    ----------
    path
        GeoJSON, plain or compressed, with or without a JavaScript wrapper.
    commune_code
        The commune, where the file does not say (single-city files).
    code_property
        The property that holds the station number, where no recipe knows the file.

    Raises
    ------
    SourceError
        If the file is no GeoJSON, is cut, has no station code, lies outside mainland France and
        Corsica, or has more than a fifth of invalid rings.
    """
    file = read_text(path)
    document, notes = _parse_geojson(file.name, file.text)
    crs = _declared_crs(file.name, document)
    features = document["features"]
    properties = [_properties(file.name, i, f) for i, f in enumerate(features, 1)]
    recipe = _recipe(file.name, properties, commune_code, code_property)
    geometry, mended = _geometries(file.name, features)
    notes += mended
    layer = _table(file.name, recipe, properties, geometry, crs)
    layer, more = _mend(file.name, layer)
    registered = _registered(properties, layer)
    layer = layer.drop(columns="row")
    return Outlines(
        Stations.check(layer), recipe.name, notes + more, file.sha256, recipe.credit,
        recipe.licence, registered,
    )  # fmt: skip


def _parse_geojson(name: str, text: bytes) -> tuple[dict[str, Any], list[str]]:
    notes = []
    if wrapper := _WRAPPER.match(text):
        notes.append("taken out of its JavaScript wrapper")
        text = text[wrapper.end() :].rstrip().rstrip(b";")
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise SourceError(name, "JSON nested too deep to be outlines.") from None
    except ValueError as error:
        line = getattr(error, "lineno", None)
        raise SourceError(
            name,
            f"not a GeoJSON file, or cut short ({error}).",
            line=line,
            way_out="Download it again; of other formats, export GeoJSON.",
        ) from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise SourceError(
            name,
            "no GeoJSON features inside.",
            way_out="Station outlines are a FeatureCollection with one feature a station.",
        )
    return document, notes


def _no_constant(constant: str) -> float:
    raise ValueError(f"{constant} is no coordinate")


def _declared_crs(name: str, document: dict[str, Any]) -> str:
    declared = document.get("crs")
    if not declared:
        return WGS84
    try:
        crs = CRS.from_user_input(declared["properties"]["name"])
    except (CRSError, KeyError, TypeError) as error:
        raise SourceError(
            name,
            "its coordinate system is not understood.",
            way_out="Export it in WGS 84 (longitude, latitude) or Lambert-93.",
        ) from error
    epsg = crs.to_epsg()
    return WGS84 if epsg in (None, 4326) else f"EPSG:{epsg}"


def _properties(name: str, number: int, feature: Any) -> Properties:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        raise SourceError(name, f"feature {number} has no properties.", way_out="Export it again.")
    return properties


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
            way_out="Say which with --code-property NAME, and the commune with --commune 44109.",
        )
    if commune_code is None:
        raise SourceError(
            name,
            f"station numbers are in “{column}”, but the file does not say the commune.",
            way_out="Add --commune 44109 (the INSEE code of the city).",
        )
    code = commune_code
    return Recipe(
        f"numbers in “{column}”", frozenset({column}), lambda p: code, lambda p: _text(p[column])
    )


def _guess_code(properties: list[Properties], present: set[str]) -> str | None:
    """The one property that looks like station numbers: short, different for each feature."""
    likely = re.compile(r"(?i)bur|bv|associant|vote|num|code")

    def is_code(column: str) -> bool:
        values = [_text(p[column]) for p in properties]
        short = all(re.fullmatch(r"[\dA-Za-z.]{1,6}", v) for v in values)
        return (
            short and len(set(values)) > 0.9 * len(values) and any(c.isdigit() for c in values[0])
        )

    found = [c for c in sorted(present) if is_code(c)]
    named = [c for c in found if likely.search(c)]
    return next(iter(named or found), None)


def _geometries(name: str, features: list[Any]) -> tuple[np.ndarray, list[str]]:
    """Polygons in two dimensions."""
    texts = [json.dumps(f.get("geometry")) if f.get("geometry") else None for f in features]
    try:
        geometry = shapely.from_geojson(texts)
    except (shapely.errors.GEOSException, TypeError) as error:
        raise SourceError(
            name, f"a geometry is damaged ({str(error)[:80]}).", way_out="Export the layer again."
        ) from error
    notes = []
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    if empty.all():
        raise SourceError(name, "no feature has a geometry.", way_out="Export the layer again.")
    kinds = shapely.get_type_id(geometry[~empty])
    if not np.isin(kinds, (3, 6)).all():
        raise SourceError(
            name,
            "outlines are polygons, and some features are not.",
            way_out="Points and lines are another kind of layer.",
        )
    if shapely.has_z(geometry).any():
        geometry = shapely.force_2d(geometry)
        notes.append("third coordinate dropped")
    bounds = shapely.total_bounds(geometry[~empty])
    if not np.isfinite(bounds).all():
        raise SourceError(name, "a coordinate is not a number.", way_out="Export the layer again.")
    return geometry, notes


def _table(
    name: str,
    recipe: Recipe,
    properties: list[Properties],
    geometry: np.ndarray,
    crs: str,
) -> gpd.GeoDataFrame:
    bounds = shapely.total_bounds(geometry)
    west, south, east, north = FRANCE_LON_LAT
    if crs == WGS84 and not (west <= bounds[0] and east >= bounds[2] and south <= bounds[1]
                             and north >= bounds[3]):  # fmt: skip
        raise SourceError(
            name,
            f"coordinates up to {bounds[2]:.0f} are no degrees, and the file names no system.",
            way_out="Export it in WGS 84 (longitude, latitude).",
        )
    rows = []
    for i, p in enumerate(properties, 1):
        try:
            commune, number = recipe.commune(p), recipe.number(p)
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                name, f"feature {i} has no readable station code ({error}).",
                way_out="Correct the feature, or give --code-property.",
            ) from error  # fmt: skip
        if not re.fullmatch(r"[0-9A-Z]{5}", commune) or not re.fullmatch(r"[\w.\-]+", number):
            raise SourceError(
                name,
                f"feature {i}: “{commune[:20]}”, “{number[:20]}” is no commune and station number.",
                way_out="Correct the feature, or give --commune and --code-property.",
            )
        label = next((p[c] for c in NAME_COLUMNS if isinstance(p.get(c), str)), None)
        rows.append((station_id(commune, number), commune, station_number(number), label, i - 1))
    table = pd.DataFrame(rows, columns=["station_id", "commune_code", "number", "name", "row"])
    layer = gpd.GeoDataFrame(table, geometry=geometry, crs=crs).to_crs(METRIC_CRS)
    _refuse_outside_france(name, layer)
    layer["name"] = layer["name"].astype("str")
    return layer


def _refuse_outside_france(name: str, layer: gpd.GeoDataFrame) -> None:
    """Swapped coordinates and a wrong system both show in where the outlines fall."""
    west, south, east, north = MAINLAND
    bounds = layer.geometry.bounds
    inside = (bounds["minx"] >= west) & (bounds["miny"] >= south)
    inside &= (bounds["maxx"] <= east) & (bounds["maxy"] <= north)
    there = layer.geometry.notna() & ~layer.geometry.is_empty
    outside = layer[there & ~inside]
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
    empty = layer.geometry.isna() | layer.geometry.is_empty
    if empty.any():
        notes.append(f"left out, no geometry: {_named(layer[empty])}")
        layer = layer[~empty]
    invalid = ~layer.geometry.is_valid
    if invalid.sum() > MOST_INVALID * len(layer):
        raise SourceError(
            name,
            f"{int(invalid.sum())} of {len(layer)} rings are invalid: {_named(layer[invalid])}.",
            way_out="The layer is damaged: mend it in a GIS, or export it again.",
        )
    if invalid.any():
        notes.append(f"{int(invalid.sum())} invalid rings mended: {_named(layer[invalid])}")
        layer.loc[invalid, "geometry"] = [
            _polygons(shapely.make_valid(g)) for g in layer.geometry[invalid]
        ]
    twice = layer["station_id"].duplicated(keep=False)
    if twice.any():
        notes.append(f"outlines in several parts joined: {_named(layer[twice].drop_duplicates())}")
        layer = layer.dissolve("station_id", as_index=False, aggfunc="first")
    layer = layer.sort_values("station_id", ignore_index=True)
    layer = layer.assign(vintage="", origin="published", polling_place=_no_text(layer.index))
    columns = [c for c in Stations.to_schema().columns if c != "geometry"]
    return layer[[*columns, "row", "geometry"]], notes


def _no_text(index: pd.Index) -> pd.Series:
    return pd.Series(pd.NA, index=index, dtype="str")


def _polygons(geometry: shapely.Geometry) -> shapely.Geometry:
    """The areas of a mended geometry: lines and points that mending leaves are dropped."""
    parts = [g for g in shapely.get_parts(geometry) if g.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else geometry


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
