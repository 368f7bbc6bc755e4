"""Street graphs that OSMnx saved as GraphML: nodes with x and y, edges with OpenStreetMap's tags.

A graph for walking has each street in both directions: one is kept. A simplified graph joins ways,
and gives a list where they differed: the first is taken.
"""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import shapely
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from pyproj import CRS
from pyproj.exceptions import CRSError

from targeting.errors import SourceError
from targeting.sources.streets.ways import CLOSED, LEFT_OUT, Ways, way_kind

TAGS: Final[tuple[str, ...]] = (
    "highway", "access", "service", "tunnel", "bridge", "lanes", "oneway", "foot", "sidewalk",
)  # fmt: skip
_FIRST: Final = re.compile(r"\[\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")")
_EACH: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

Place = tuple[float, float]
Edge = tuple[str, str, dict[str, str]]


def read_graphml(name: str, content: bytes) -> Ways:
    """Ways of a GraphML document.

    Raises SourceError for XML that is damaged, cut short or has entities, and for a graph without
    the places of its nodes.
    """
    places, edges, facts = _parse(name, content)
    lines = _geometry(name, places, edges)
    tags = [{key: _value(key, edge[2][key]) for key in TAGS if key in edge[2]} for edge in edges]
    kinds = [way_kind(tag) or "street" for tag in tags]
    names = [first_of(edge[2].get("name", "")) or None for edge in edges]
    left_out = np.array([kind in LEFT_OUT for kind in kinds], dtype=bool)
    once = _one_direction(lines)
    dated = _DATE.match(facts.get("created_date", ""))
    return Ways(
        street=[names[k] for k in np.flatnonzero(once & ~left_out)],
        kind=[kinds[k] for k in np.flatnonzero(once & ~left_out)],
        geometry=lines[once & ~left_out],
        crs=_crs(name, facts.get("crs", "epsg:4326")),
        is_noded=True,
        read=int(once.sum()),
        left_out=Counter(kinds[k] for k in np.flatnonzero(once & left_out)),
        published=dated[0] if dated else "",
        notes=["a graph has no water and no rail: addresses may be put across them"],
    )


def first_of(text: str) -> str:
    """The value, or the first of a list that OSMnx wrote in Python's way.

    >>> first_of("['steps', 'footway']"), first_of('["Rue de l\\'Abbé", "Rue Basse"]')
    ('steps', "Rue de l'Abbé")
    """
    found = _FIRST.match(text)
    if not found:
        return text
    return re.sub(r"\\(.)", r"\1", found[1] if found[1] is not None else found[2])


def _value(key: str, text: str) -> str:
    """The first of a list, but of `access` and `foot` what closes: one walks the whole edge."""
    if key in ("access", "foot") and text.startswith("["):
        values = [re.sub(r"\\(.)", r"\1", a or b) for a, b in _EACH.findall(text)]
        return next((v for v in values if v in CLOSED), first_of(text))
    return first_of(text)


def _parse(name: str, content: bytes) -> tuple[dict[str, Place], list[Edge], dict[str, str]]:
    """Places of the nodes, edges with their values, values of the graph itself."""
    keys: dict[str, str] = {}
    places: dict[str, Place] = {}
    edges: list[Edge] = []
    facts: dict[str, str] = {}
    try:
        for _, element in iterparse(io.BytesIO(content), events=("end",), forbid_dtd=True):
            match element.tag.rpartition("}")[2]:
                case "key":
                    keys[element.get("id", "")] = element.get("attr.name", "")
                case "node":
                    values = _values(element, keys)
                    places[element.get("id", "")] = _number(values["x"]), _number(values["y"])
                    element.clear()
                case "edge":
                    ends = element.get("source", ""), element.get("target", "")
                    edges.append((*ends, _values(element, keys)))
                    element.clear()
                case "graph":
                    facts = _values(element, keys)
    except (ParseError, DefusedXmlException) as error:
        raise _damaged(name, error) from error
    except (KeyError, ValueError) as error:
        raise SourceError(
            name, f"a node {len(places) + 1:,} without its place ({str(error)[:60]}).",
            way_out="Street graphs have x and y on each node: save it with osmnx.save_graphml.",
        ) from error  # fmt: skip
    except LookupError as error:  # an encoding that nobody knows
        raise _damaged(name, error) from error
    if not edges:
        raise SourceError(name, "a graph without one edge.", way_out="Save it again with OSMnx.")
    return places, edges, facts


def _damaged(name: str, error: Exception) -> SourceError:
    return SourceError(
        name,
        f"the GraphML file is damaged or cut short ({str(error)[:80]}).",
        way_out="Save it again with osmnx.save_graphml.",
    )


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"“{text[:20]}” is no coordinate")
    return number


def _values(element: Element, keys: dict[str, str]) -> dict[str, str]:
    return {
        keys.get(data.get("key", ""), ""): data.text or ""
        for data in element
        if data.tag.endswith("data")
    }


def _geometry(name: str, places: dict[str, Place], edges: list[Edge]) -> Any:
    """The line of each edge: its own, else straight from node to node."""
    try:
        straight = shapely.linestrings([[places[u], places[v]] for u, v, _ in edges])
        texts = [values.get("geometry") or None for *_, values in edges]
        drawn = shapely.from_wkt(np.array(texts, dtype=object))
    except (KeyError, shapely.errors.GEOSException, ValueError) as error:
        raise SourceError(
            name, f"an edge of the graph is damaged ({str(error)[:80]}).",
            way_out="Save it again with osmnx.save_graphml.",
        ) from error  # fmt: skip
    return np.where(shapely.is_missing(drawn), straight, drawn)


def _one_direction(lines: Any) -> np.ndarray:
    """Which edges to keep: the first of each line, whichever way it is drawn."""
    with np.errstate(over="ignore"):  # what lies beyond the earth is refused with its bounds
        shapes = shapely.to_wkb(shapely.normalize(shapely.set_precision(lines, 1e-7)))
    once = np.zeros(len(lines), bool)
    first = {shape: at for at, shape in reversed(list(enumerate(shapes)))}
    once[list(first.values())] = True
    return once


def _crs(name: str, text: str) -> CRS:
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise SourceError(
            name, f"its coordinate system “{text[:40]}” is not understood.",
            way_out="Save the graph in EPSG:4326.",
        ) from error  # fmt: skip
