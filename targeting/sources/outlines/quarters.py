"""Quarters as a city, or a campaign, draws them: polygons with a name, from any layer.

Which property is the name is told from its own name and its values; two that differ are a question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.codes import commune_of_arrondissement
from targeting.crs import METRIC_CRS
from targeting.errors import SourceError
from targeting.sources.layers.reading import Layer, Properties, read_layer
from targeting.sources.outlines.identity import (
    COMMUNE_NAME,
    EXAMPLE,
    Communes,
    columns_of,
    find_communes,
    is_record,
    name_the_commune,
    refuse_communes_by_name,
    told_elsewhere,
    told_without,
)
from targeting.sources.outlines.reading import placed_in_france
from targeting.sources.outlines.rings import named_rows, with_outlines
from targeting.streetnames import plain
from targeting.tables import Quarters

MOST_QUARTERS: Final = 3_000
"""Of one campaign: Paris has 80 quarters and 992 IRIS; more are buildings, or parcels."""

LONGEST_NAME: Final = 80
"""Letters of a name on a map; longer texts are descriptions."""

MOST_UNNAMED: Final = 0.5
"""Share of the features without a name from which a property is no name of theirs."""

IN_WORDS: Final = 0.8
"""Least share of names with three letters in a row: others are codes."""

DISTINCT: Final = 0.5
"""More than this share of different names: what repeats is the name of something larger."""

OVERLAP: Final = 0.02
"""Share of the smaller of two quarters that lies in the other, from which it is told."""

MOST_MET: Final = 30
"""Pairs that meet, per quarter: neighbours side by side are three, with nested ones ten."""

PLAIN_M: Final = 5.0
"""Outlines are made plainer by so much before they are laid over each other."""

TOLD: Final = 6

NAMING: Final = ("nom", "name", "lib", "label", "intitul", "denom", "appell", "desig", "topo",
                 "titre", "quart", "conseil", "village", "hameau")  # fmt: skip
"""How words begin that publications call a name by…"""

NAMING_WORDS: Final = frozenset({"qua", "qu", "qrt", "qtr", "nm"})
"""…and such words whole: `nom_qua` (Marseille), `l_qu` (Paris), `nm_quart`."""

OF_OTHERS: Final = frozenset({
    "adresse", "agent", "auteur", "canton", "categorie", "circo", "civilite", "co", "code", "com",
    "commune", "communes", "contact", "couche", "createur", "dep", "departement", "dept", "elu",
    "elus", "epci", "fichier", "file", "gestionnaire", "insee", "layer", "mail", "maire", "prenom",
    "president", "proprietaire", "referent", "reg", "region", "responsable", "rue", "source",
    "statut", "tel", "typ", "type", "url", "user", "utilisateur", "ville", "voie",
})  # fmt: skip
"""Words beside them that make it the name of something else, or of somebody."""

BLANK: Final = frozenset(
    {"", "-", "--", "?", "none", "null", "nan", "n/a", "nc", "(null)", "<null>"}
)
NO_NAME: Final = re.compile(
    r"(?i)https?://|www\.|\S@\S|\d{4}-\d\d-\d\d|[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{4}-|"
    r"[A-Z]{1,6}[-_ ]?\d+$"
)
"""What a value is that is no name: a link, an address, a date, a number of record, a code."""


@dataclass(frozen=True)
class QuarterFile:
    """Quarters read (table Quarters), how they were told, what was mended or left out."""

    quarters: gpd.GeoDataFrame
    recipe: str
    names_commune: bool
    notes: list[str] = field(default_factory=list)
    sha256: str = ""


class Names(NamedTuple):
    """The names of the features (empty: none), and the property that holds them."""

    column: str
    names: list[str]


def read_quarters(
    path: Path,
    *,
    name_column: str | None = None,
    commune_code: str | None = None,
    commune_property: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
    communes: Collection[str] = (),
) -> QuarterFile:
    """Read named polygons into table Quarters (EPSG:2154).

    Parameters
    ----------
    path
        Any file of `layers.read_layer` that holds polygons; `layer` and `crs` are as there.
    name_column, commune_property
        The properties that hold the name and the INSEE code, where they cannot be told.
    commune_code
        The commune, where the file does not say.
    communes
        Those wanted: features of others are left out and counted. Empty: all.

    Raises
    ------
    SourceError
        If the file cannot be read, is none of polygons, says no name (or two that differ) or no
        commune, lies outside mainland France and Corsica, or is of other communes.
    """
    read = read_layer(path, layer=layer, crs=crs)
    if read.is_points:
        raise SourceError(
            read.name, "quarters are polygons, and its features are points.",
            way_out="Give the layer of their outlines (with --layer, where the file has several).",
        )  # fmt: skip
    told = _communes(read, commune_code, commune_property, communes)
    whole = [commune_of_arrondissement(c) for c in told.codes]
    if name_column is None:
        found = find_names(read.name, read.properties, told.codes)
    else:
        found = _named_by_user(read.name, read.properties, name_column)
    rows, notes = _wanted(read.name, found, whole, communes)
    placed = _placed(read, found, whole, rows)
    notes = [*read.notes, *notes, *_dropped(read, found, rows)]
    quarters, more = _one_a_name(read.name, placed)
    where = f", communes in “{told.column}”" if told.are_said else ""
    return QuarterFile(
        quarters=quarters,
        recipe=f"names in “{found.column}”{where}",
        names_commune=told.are_said,
        notes=notes + more,
        sha256=read.sha256,
    )


def _communes(
    read: Layer, given: str | None, column: str | None, wanted: Collection[str]
) -> Communes:
    """The commune of each feature: as the file says, else as the user does."""
    example = given or min(wanted, default=EXAMPLE)
    expected = {*wanted, *([given] if given else [])}
    said = find_communes(read.name, read.properties, expected, given=column, example=example)
    if said.are_said:
        return said
    refuse_communes_by_name(read.name, read.properties)
    if not given:
        raise SourceError(
            read.name,
            "the file does not say the commune of its quarters.",
            way_out=name_the_commune(example),
        )
    return Communes([given] * len(read.properties))


# -- names ----------------------------------------------------------------------------------------


def clean_name(text: str) -> str:
    """A name without signs that do not show, or that turn the reading round.

    >>> clean_name(" Le\\u202e  Panier\\n")
    'Le Panier'
    """
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    shown = "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))
    shown = " ".join(shown.split())
    return "" if shown.casefold() in BLANK else shown


def find_names(name: str, properties: Sequence[Properties], communes: Sequence[str]) -> Names:
    """The property that holds the name of each feature, told from its own name and its values.

    Two that say the same but for capitals, accents and signs are no question: the one in small
    letters is taken. Raises SourceError where none can be told, or two that differ can.
    """
    columns = {c: [clean_name(t) for t in texts] for c, texts in columns_of(properties).items()}
    there = {c: texts for c, texts in columns.items() if _are_names(texts)}
    named = {c: texts for c, texts in there.items() if _is_naming(c)}
    single = {c: texts for c, texts in named.items() if _are_distinct(texts, communes)}
    answers: dict[tuple[str, ...], list[str]] = {}
    for column, texts in single.items():
        answers.setdefault(tuple(_folded(t) for t in texts), []).append(column)
    if len(answers) == 1:
        ((*same,),) = answers.values()
        best = max(same, key=lambda c: (_small_letters(single[c]), _is_of_quarters(c)))
        return Names(best, single[best])
    if answers:
        shown = sorted(f"“{c[0]}” ({_first(single[c[0]])} first)" for c in answers.values())
        raise SourceError(
            name, f"several properties may be the name, and they differ: {', '.join(shown)}.",
            way_out="Say which with --name-column NAME.",
        )  # fmt: skip
    maybe = sorted(c for c, texts in there.items() if _are_distinct(texts, communes))
    repeated = sorted(set(named) - set(single))
    raise SourceError(
        name,
        "no property holds the name of a quarter, as far as we can tell"
        + (f" (“{repeated[0][:40]}” repeats its names)" if repeated else "")
        + (f" (“{maybe[0][:40]}” might, but nothing in it says so)" if maybe else "")
        + f"; properties: {', '.join(sorted(columns)[:30])}.",
        way_out="Say which with --name-column NAME. Is it a layer of quarters?",
    )


def _named_by_user(name: str, properties: Sequence[Properties], column: str) -> Names:
    columns = columns_of(properties)
    if column not in columns:
        raise SourceError(
            name, f"no property “{column[:40]}”; properties: {', '.join(sorted(columns)[:30])}.",
            way_out="Give one of them with --name-column.",
        )  # fmt: skip
    return Names(column, [clean_name(text) for text in columns[column]])


def _are_names(texts: Sequence[str]) -> bool:
    """Whether values are texts that name something, on half of the features at least."""
    there = [t for t in texts if t]
    if not there or len(there) < (1 - MOST_UNNAMED) * len(texts):
        return False
    words = [t for t in there if re.search(r"[^\W\d_]{3}", t) and not NO_NAME.match(t)]
    return len(words) >= IN_WORDS * len(there)


def _is_naming(column: str) -> bool:
    """Whether a property is called a name, and not that of a commune, a street or somebody.

    >>> [_is_naming(c) for c in ("nom_qua", "l_qu", "NOM_IRIS", "nmquart", "LIBQUART")]
    [True, True, True, True, True]
    >>> [_is_naming(c) for c in ("nom_co", "NOM_COM", "nom_elu", "gestionnaire", "typ_iris")]
    [False, False, False, False, False]
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column)
    words = plain(re.sub(r"[_\d]+", " ", spaced)).lower().split()
    if is_record(column) or COMMUNE_NAME.fullmatch(column) or OF_OTHERS & set(words):
        return False
    return _is_of_quarters(column) or any(
        w in NAMING_WORDS or w.startswith(NAMING) or w.endswith(("nom", "name")) for w in words
    )


def _is_of_quarters(column: str) -> bool:
    return "quart" in column.casefold()


def _are_distinct(texts: Sequence[str], communes: Sequence[str]) -> bool:
    """Whether most names are of one feature of their commune."""
    there = [(c, _folded(t)) for c, t in zip(communes, texts, strict=True) if t]
    return len(set(there)) > DISTINCT * len(there)


def _folded(text: str) -> str:
    """A text whatever its capitals, accents and signs."""
    return plain(text) or text.casefold()


def _small_letters(texts: Iterable[str]) -> int:
    return sum(any(c.islower() for c in text) for text in texts)


def _first(texts: Sequence[str]) -> str:
    return next(text for text in texts if text)[:40]


# -- rows -----------------------------------------------------------------------------------------


def _wanted(
    name: str, found: Names, communes: Sequence[str], wanted: Collection[str]
) -> tuple[list[int], list[str]]:
    """The features of the communes wanted that have a name, and what is told of the others."""
    there = [i for i, c in enumerate(communes) if not wanted or c in wanted]
    notes = told_elsewhere(name, communes, wanted)
    named = [i for i in there if found.names[i]]
    if len(named) < (1 - MOST_UNNAMED) * len(there):
        raise SourceError(
            name,
            f"“{found.column[:40]}” names {len(named):,} of {len(there):,} features.",
            way_out="Say which property holds the name with --name-column NAME.",
        )
    notes += told_without(
        lambda count, which: f"{count:,} features without a name left out: {which}",
        [i for i in there if not found.names[i]],
    )
    if len(named) > MOST_QUARTERS:
        raise SourceError(
            name,
            f"{len(named):,} features: more than the {MOST_QUARTERS:,} quarters that a campaign "
            "may have.",
            way_out="Is it a layer of quarters, and not of buildings or parcels?",
        )
    long = [i for i in named if len(found.names[i]) > LONGEST_NAME]
    if long:
        raise SourceError(
            name,
            f"feature {long[0] + 1}: a name of {len(found.names[long[0]]):,} letters, and "
            f"{LONGEST_NAME} are the most.",
            way_out="Say which property holds the name with --name-column NAME, or shorten it.",
        )
    return named, notes


def _placed(
    layer: Layer, found: Names, communes: Sequence[str], rows: Sequence[int]
) -> gpd.GeoDataFrame:
    """One row a feature of `rows`, in Lambert-93; `row` is its place in the file."""
    table = pd.DataFrame(
        {
            "name": pd.Series([found.names[i] for i in rows], dtype="str"),
            "commune_code": pd.Series([communes[i] for i in rows], dtype="str"),
            "row": list(rows),
        }
    )
    return placed_in_france(layer, table, by="name")


def _dropped(layer: Layer, found: Names, rows: Sequence[int]) -> list[str]:
    """What was left out of features that are not all of polygons."""
    kept = set(rows)
    told = [
        f"left out of {found.names[i]}: {what}"
        for i, what in sorted(layer.dropped.items()) if i in kept
    ]  # fmt: skip
    return told[:TOLD]


def _one_a_name(name: str, layer: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Valid polygons, one row a name and commune; says what was done and to which."""
    layer, notes = with_outlines(name, layer, by="name", nothing="no quarter has an outline.")
    layer = layer.assign(key=[_folded(n) for n in layer["name"]])
    keys = ["commune_code", "key"]
    twice = layer.duplicated(keys, keep=False)
    if twice.any():
        notes.append(f"outlines in several parts joined: {named_rows(layer[twice], 'name')}")
        layer = layer.dissolve(keys, as_index=False, aggfunc="first")
    layer = layer.sort_values(keys, ignore_index=True)
    columns = list(Quarters.to_schema().columns)
    table = gpd.GeoDataFrame(Quarters.check(layer[columns]), geometry="geometry", crs=METRIC_CRS)
    return table, notes + _overlaps(name, table)


def _overlaps(name: str, quarters: gpd.GeoDataFrame) -> list[str]:
    """Pairs of quarters that lie over each other, with the share of the smaller one.

    Raises SourceError where there are so many that no map of them could be read.
    """
    shapes = shapely.simplify(quarters.geometry.to_numpy(), PLAIN_M)
    a, b = shapely.STRtree(shapes).query(shapes)
    first, second = a[a < b], b[a < b]
    if len(first) > MOST_MET * len(shapes):
        raise SourceError(
            name,
            f"its {len(shapes):,} features lie over each other ({len(first):,} pairs).",
            way_out="Is it a layer of quarters, and not of buildings or parcels?",
        )
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    smaller = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    share = shared / np.maximum(smaller, 1.0)
    order = np.lexsort((second, first, -share.round(2)))
    over = [int(i) for i in order if share[i] > OVERLAP]
    if not over:
        return []
    names = quarters["name"]
    told = ", ".join(
        f"{names.iloc[first[i]]} / {names.iloc[second[i]]} ({share[i]:.0%})" for i in over[:TOLD]
    )
    told += " …" if len(over) > TOLD else ""
    return [f"{len(over):,} pairs of quarters lie over each other: {told}"]
