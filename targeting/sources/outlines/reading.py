"""Stations as cities and the State publish them: outlines, or a point each, from any layer.

Each publication names its stations in its own way; `RECIPES` says how, one line each. What is
changed on the way (codes respelled, rings mended) is told, never silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.codes import (
    COMMUNE_CODE,
    commune_of,
    commune_of_arrondissement,
    station_id,
    station_number,
)
from targeting.crs import METRIC_CRS
from targeting.errors import SourceError
from targeting.sources.layers.reading import Layer, Properties, read_layer
from targeting.sources.layers.systems import MAINLAND, spoken_systems, to_lambert93
from targeting.sources.outlines.identity import (
    EXAMPLE,
    Communes,
    find_communes,
    find_station,
    is_insee,
    name_the_commune,
    number_of,
    read_column,
    refuse_communes_by_name,
    text_of,
    told_elsewhere,
    told_without,
)
from targeting.sources.outlines.rings import has_shape, named_stations, with_outlines
from targeting.tables import Stations

SHORT_NAME: Final = 10
"""A shapefile cuts the names of its columns to so many letters."""

TOLD: Final = 3
"""Examples in a note on respelled codes."""

MOST_UNREADABLE: Final = 0.1
"""Features without a readable number up to this share are left out, counted and told."""

APART_M: Final = 1_000.0
"""Parts of one station farther from each other are told, with the distance…"""

FAR_APART_M, MOST_FAR_APART = 2_000.0, 0.1
"""…and refused where more than so many stations have parts so far apart and the file names no
commune: it has several."""


@dataclass(frozen=True)
class Recipe:
    """How one publication names a station: the properties it has, its commune and number.

    code: what is published (`19-5`); rule: how it becomes our number, in words, where it does;
    knows: whether a feature is written as this publication writes it.
    """

    name: str
    needs: frozenset[str]
    commune: Callable[[Properties], str]
    number: Callable[[Properties], str]
    code: Callable[[Properties], str]
    rule: str = ""
    credit: str = ""
    licence: str = ""
    knows: Callable[[Properties], bool] = lambda _: True


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


_text = text_of


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
        lambda p: is_insee(_text(p["codeBureauVote"]).partition("_")[0]),
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
        lambda p: (
            is_insee(_text(p["CODE"]).zfill(5))
            and re.fullmatch(r"\d{0,4}[A-Za-z]{0,2}", _text(p["BUREAU"])) is not None
        ),
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
    commune_property: str | None = None,
    communes: Collection[str] = (),
    known: Collection[str] = (),
    others_too: bool = False,
) -> Outlines:
    """Read stations as published into the Stations table (EPSG:2154).

    Polygons give outlines (origin `published`), points a place each (origin `points`).

    Parameters
    ----------
    path
        Any file of `layers.read_layer`; `layer` and `crs` are as there.
    commune_code
        The commune, where the file does not say (single-city files).
    code_property, commune_property
        The properties that hold the station number and the INSEE code, where they cannot be told.
    communes
        Those wanted: features of others are left out and counted. Empty: all.
    others_too
        Whether a file that has none of them is taken whole, and told, rather than refused.
    known
        station_ids of the results, with which what may be a station number is compared.

    Raises
    ------
    SourceError
        If the file cannot be read, has no station code (or two that differ), lies outside mainland
        France and Corsica, is of other communes, or has more than a fifth of invalid rings.
    """
    read = read_layer(path, layer=layer, crs=crs)
    properties = _full_names(read.properties)
    found = _identify(
        read.name, properties, commune_code, code_property, commune_property, communes, known
    )
    wanted = communes
    if others_too and not set(found.communes) & set(communes):
        wanted = ()
    placed, notes = _table(found, properties, read, wanted)
    if communes and not wanted:
        notes.append(f"none of its features is of the campaign's {', '.join(sorted(communes)[:5])}")
    notes = read.notes + notes + _dropped(read, placed)
    origin = "points" if read.is_points else "published"
    table, more = _mend(read.name, placed.assign(origin=origin), names_commune=found.names_commune)
    registered = _registered(properties, table)
    stations = Stations.check(table.drop(columns="row"))
    return Outlines(
        stations, found.recipe, notes + more, read.sha256, found.credit, found.licence, registered
    )


def _dropped(read: Layer, placed: pd.DataFrame) -> list[str]:
    """What was left out of features that are not all of polygons, each with its station."""
    ids = dict(zip(placed["row"], placed["station_id"], strict=True))
    return [
        f"left out of {ids.get(row) or f'feature {row + 1}'}: {what}"
        for row, what in sorted(read.dropped.items())
        if row in ids or "no polygon" in what
    ][:MOST_NAMED]


MOST_NAMED: Final = 12


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


@dataclass(frozen=True)
class _Identified:
    """Commune (as a whole), number, and code as published of each feature; number may be empty."""

    recipe: str
    communes: list[str]
    numbers: list[str]
    codes: list[str]
    rule: str
    names_commune: bool
    credit: str = ""
    licence: str = ""


def _identify(
    name: str,
    properties: list[Properties],
    commune_code: str | None,
    code_property: str | None,
    commune_property: str | None,
    wanted: Collection[str],
    known: Collection[str],
) -> _Identified:
    """Whose each feature is: as its publication says, else as its values do."""
    present = set.intersection(*(set(p) for p in properties))
    if code_property is None and commune_property is None:
        for recipe in RECIPES:
            if recipe.needs <= present and all(recipe.knows(p) for p in properties):
                return _by_recipe(name, properties, recipe)
    expected = {*wanted, *(commune_of(s) for s in known)}
    if commune_code is not None:
        expected.add(commune_code)
    shown = wanted or (expected if len(expected) == 1 else ())
    example = commune_code or min(shown, default=EXAMPLE)
    said = find_communes(name, properties, expected, given=commune_property, example=example)
    told = said if said.are_said else Communes([commune_code or ""] * len(properties))
    if code_property is not None:
        found = read_column(name, properties, code_property, told, known)
    else:
        found = find_station(name, properties, told, known, example=example)
    if not all(found.communes):
        raise SourceError(
            name,
            f"station numbers are in “{found.column}”, but the file does not say the commune.",
            way_out=name_the_commune(example),
        )
    is_composed = found.standing == "composed"
    if not said.are_said and not is_composed:
        refuse_communes_by_name(name, properties)
    where = f", communes in “{said.column}”" if said.are_said and not is_composed else ""
    return _Identified(
        f"numbers in “{found.column}”{where}",
        [commune_of_arrondissement(c) for c in found.communes],
        list(found.numbers),
        list(found.codes),
        found.rule or "as the results number arrondissements",
        said.are_said or is_composed,
    )


def _by_recipe(name: str, properties: list[Properties], recipe: Recipe) -> _Identified:
    communes, numbers, codes = [], [], []
    for i, p in enumerate(properties, 1):
        try:
            communes.append(recipe.commune(p))
            numbers.append(number_of(communes[-1], recipe.number(p)))
            codes.append(recipe.code(p))
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                name, f"feature {i} has no readable station code ({error}).",
                way_out="Correct the feature, or give --code-property.",
            ) from error  # fmt: skip
    return _Identified(
        recipe.name, communes, numbers, codes, recipe.rule, True, recipe.credit, recipe.licence
    )


def _table(
    found: _Identified, properties: list[Properties], layer: Layer, wanted: Collection[str]
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """One row a feature of the communes wanted, in Lambert-93; `row` is its place in the file."""
    elsewhere = [bool(wanted) and c not in wanted for c in found.communes]
    unreadable = [
        not re.fullmatch(COMMUNE_CODE, c) or not re.fullmatch(r"[0-9A-Za-z.\-]+", n)
        for c, n in zip(found.communes, found.numbers, strict=True)
    ]
    notes = _left_out(layer.name, found, elsewhere, unreadable, wanted)
    rows, respelled = [], _Respelled()
    for i, p in enumerate(properties):
        if elsewhere[i] or unreadable[i]:
            continue
        commune, number = found.communes[i], found.numbers[i]
        respelled.add(found.codes[i], commune, number, found.rule)
        label = next((p[c] for c in NAME_COLUMNS if isinstance(p.get(c), str)), None)
        rows.append((station_id(commune, number), commune, station_number(number), label, i))
    table = pd.DataFrame(rows, columns=["station_id", "commune_code", "number", "name", "row"])
    table, overseas = _without_overseas(layer.name, table.astype({"name": "str"}))
    return placed_in_france(layer, table), respelled.notes() + overseas + notes


def _left_out(
    name: str,
    found: _Identified,
    elsewhere: Sequence[bool],
    unreadable: Sequence[bool],
    wanted: Collection[str],
) -> list[str]:
    """What is told of features of other communes, and of those without a number.

    Raises SourceError where nothing is left, or where too many numbers cannot be read.
    """
    notes = told_elsewhere(name, found.communes, wanted)
    bad = [i for i, (no, out) in enumerate(zip(unreadable, elsewhere, strict=True))
           if no and not out]  # fmt: skip
    if len(bad) > MOST_UNREADABLE * (len(elsewhere) - sum(elsewhere)):
        commune, number = found.communes[bad[0]], found.numbers[bad[0]]
        raise SourceError(
            name,
            f"feature {bad[0] + 1}: “{commune[:20]}”, “{number[:20]}” is no commune and station "
            "number.",
            way_out="Correct the feature, or give --commune and --code-property.",
        )
    return notes + told_without(
        lambda count, which: f"{count:,} features without a station number left out: {which}", bad
    )


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


def _without_overseas(name: str, layer: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Stations of the departments that Lambert-93 does not hold are left out of national files."""
    overseas = layer["commune_code"].str.match(r"9[78]|Z")
    if not overseas.any():
        return layer, []
    if overseas.all():
        raise SourceError(name, "overseas departments are not read yet.")
    note = f"{int(overseas.sum()):,} stations overseas left out: not read yet"
    return layer[~overseas], [note]


def placed_in_france(
    layer: Layer, table: pd.DataFrame, *, by: str = "station_id"
) -> gpd.GeoDataFrame:
    """Rows of a file with the outlines of their features, in Lambert-93.

    `table`: `row` is the place of the feature in the file, `by` the column that names it. Raises
    SourceError where an outline lies elsewhere.
    """
    shapes = layer.geometry[table["row"].to_numpy(dtype=int)]
    metric = gpd.GeoSeries(to_lambert93(layer.name, shapes, layer.crs), table.index, METRIC_CRS)
    placed = gpd.GeoDataFrame(table, geometry=metric)
    _refuse_outside(layer.name, placed, spoken_systems(shapely.total_bounds(layer.geometry)), by)
    return placed


def _refuse_outside(name: str, layer: gpd.GeoDataFrame, systems: str, by: str) -> None:
    """Swapped coordinates and a wrong system both show in where the outlines fall."""
    west, south, east, north = MAINLAND
    bounds = layer.geometry.bounds
    inside = (bounds["minx"] >= west) & (bounds["miny"] >= south)
    inside &= (bounds["maxx"] <= east) & (bounds["maxy"] <= north)
    outside = layer[has_shape(layer) & ~inside]
    if len(outside):
        raise SourceError(
            name,
            f"{len(outside)} outlines lie outside mainland France and Corsica (first: feature "
            f"{outside['row'].iloc[0] + 1}, {outside[by].iloc[0]}).",
            way_out="Are latitude and longitude swapped, or is the system another one? Its numbers "
            f"may be {systems} (--crs); else export it in WGS 84 (longitude first). Overseas "
            "departments are not read yet.",
        )


def _mend(
    name: str, layer: gpd.GeoDataFrame, *, names_commune: bool
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Valid polygons, one row a station; says what was done and to which.

    Raises SourceError where parts of many stations lie kilometres apart and no commune is told.
    """
    is_points = layer["origin"].iloc[0] == "points"
    layer, notes = with_outlines(name, layer, by="station_id", nothing="no station has an outline.")
    twice = layer["station_id"].duplicated(keep=False)
    if twice.any():
        points, parts = (
            "points of one station: their middle taken",
            "outlines in several parts joined",
        )
        done = points if is_points else parts
        notes.append(f"{done}: {named_stations(layer[twice])}")
        notes += _apart(name, layer[twice], layer["station_id"].nunique(), names_commune)
        layer = layer.dissolve("station_id", as_index=False, aggfunc="first")
    if is_points:
        layer["geometry"] = layer.geometry.centroid
    layer = layer.sort_values("station_id", ignore_index=True)
    layer = layer.assign(vintage="", polling_place=_no_text(layer.index))
    columns = [c for c in Stations.to_schema().columns if c != "geometry"]
    return layer[[*columns, "row", "geometry"]], notes


def _apart(name: str, parts: gpd.GeoDataFrame, stations: int, names_commune: bool) -> list[str]:
    """Stations whose parts lie far from each other, with the distance.

    Raises SourceError where there are many, and the file does not name its communes.
    """
    gaps = parts.groupby("station_id")["geometry"].agg(lambda g: _widest_gap(g.to_numpy()))
    far = gaps[gaps > APART_M].sort_values(ascending=False)
    if far.empty:
        return []
    told = ", ".join(f"{s} ({m / 1000:.1f} km)" for s, m in far.iloc[:TOLD].items())
    told += f" and {len(far) - TOLD} more" if len(far) > TOLD else ""
    if not names_commune and (far > FAR_APART_M).sum() > MOST_FAR_APART * stations:
        raise SourceError(
            name,
            f"outlines of one number lie kilometres apart: {told}. It seems to hold several "
            "communes, and says of none which feature is whose.",
            way_out="Name the property with the INSEE code (--commune-property), or export the "
            "features of one commune.",
        )
    return [f"parts of one station lie far apart, to be looked at: {told}"]


def _widest_gap(parts: np.ndarray) -> float:
    """Metres of the widest step of the shortest chain through all parts."""
    left, widest = list(range(1, len(parts))), 0.0
    nearest = shapely.distance(parts[0], parts)
    while left:
        at = min(left, key=lambda i: nearest[i])
        widest = max(widest, float(nearest[at]))
        left.remove(at)
        nearest = np.minimum(nearest, shapely.distance(parts[at], parts))
    return widest


def _no_text(index: pd.Index) -> pd.Series:
    return pd.Series(pd.NA, index=index, dtype="str")


def _registered(properties: list[Properties], layer: gpd.GeoDataFrame) -> pd.Series | None:
    """Registered voters that the outlines themselves give, where they do."""
    column = next((c for c in ROLL_COLUMNS if c in properties[0]), None)
    if column is None:
        return None
    counts = pd.to_numeric(
        pd.Series([properties[row].get(column) for row in layer["row"]]), errors="coerce"
    )
    return pd.Series(counts.to_numpy(), index=layer["station_id"].to_list(), name="registered")
