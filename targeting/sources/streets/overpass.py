"""What Overpass gives, put in the order that OpenStreetMap's files have: nodes, ways, relations.

Its JSON has elements; its `out geom` has the positions on the ways themselves, in JSON and in XML.
Both become a plain OSM document. An answer that the server cut short says so in a remark.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from targeting.errors import SourceError

WITH_NODES: Final = (
    "Ask for the nodes too: end the Overpass query with (._;>;); out; and export it again as .osm."
)
INCOMPLETE: Final = re.compile(r"(?i)error|timed? ?out|memory|abort|too (many|large|busy)")
_IS_JSON: Final = re.compile(rb'"(elements|osm3s)"\s*:')
_GEOM: Final = re.compile(rb"<nd\b[^>]*\slat=")
_REMARK: Final = re.compile(rb"<remark>([^<]{0,400})")

Place = tuple[float, float]


def is_overpass_json(head: bytes) -> bool:
    """Whether these first bytes are those of Overpass's JSON."""
    start = head[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"{") and _IS_JSON.search(start) is not None


def osm_of_json(name: str, text: bytes) -> tuple[bytes, list[str]]:
    """Overpass's JSON as an OSM document, and notes. Raises SourceError where it is cut short."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            name, f"Overpass's JSON is damaged or cut short ({str(error)[:80]}).",
            way_out="Download it again.",
        ) from error  # fmt: skip
    elements = answer.get("elements")
    if not isinstance(elements, list) or not all(isinstance(e, dict) for e in elements):
        raise SourceError(name, "Overpass's JSON without elements.", way_out="Download it again.")
    notes = _remarks(name, str(answer.get("remark") or ""))
    base = answer.get("osm3s")
    dated = str(base.get("timestamp_osm_base", "")) if isinstance(base, dict) else ""
    return _document(name, elements, dated), notes


def has_positions_on_ways(content: bytes) -> bool:
    """Whether an OSM document gives positions on the `nd` of its ways (`out geom`)."""
    return _GEOM.search(content) is not None


def osm_of_geom(name: str, content: bytes) -> bytes:
    """An `out geom` document with nodes of their own. Raises SourceError where it is damaged."""
    dated = re.search(rb'osm_base="([^"<]{1,40})"', content[:4096])
    try:
        elements = list(_elements(content))
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise SourceError(
            name, f"the OpenStreetMap file is damaged or cut short ({str(error)[:90]}).",
            way_out="Download it again: the transfer was probably cut.",
        ) from error  # fmt: skip
    return _document(name, elements, dated[1].decode("utf-8", "replace") if dated else "")


def remarks_of_xml(name: str, content: bytes) -> list[str]:
    """What the server remarked. Raises SourceError where it says that the answer is incomplete."""
    found = _REMARK.search(content, max(0, len(content) - 4096)) or _REMARK.search(content, 0, 4096)
    return _remarks(name, found[1].decode("utf-8", "replace") if found else "")


def _remarks(name: str, remark: str) -> list[str]:
    remark = " ".join(remark.split())[:160]
    if INCOMPLETE.search(remark):
        raise SourceError(
            name, f"Overpass says that its answer is incomplete: “{remark}”.",
            way_out="Ask again for a smaller area, or with a longer [timeout:…].",
        )  # fmt: skip
    return [f"Overpass remarks: “{remark}”"] if remark else []


def _elements(content: bytes) -> Iterator[dict[str, Any]]:
    """Nodes, ways and relations of an OSM document, as Overpass's JSON has them."""
    for _, element in iterparse(io.BytesIO(content), events=("end",), forbid_dtd=True):
        if element.tag not in ("node", "way", "relation"):
            continue
        found: dict[str, Any] = {
            "type": element.tag, "id": element.get("id"),
            "tags": {t.get("k", ""): t.get("v", "") for t in element.iter("tag")},
        }  # fmt: skip
        if element.tag == "node":
            found |= {"lat": element.get("lat"), "lon": element.get("lon")}
        elif element.tag == "way":
            points = list(element.iter("nd"))
            found["nodes"] = [p.get("ref") for p in points]
            found["geometry"] = [{"lat": p.get("lat"), "lon": p.get("lon")} for p in points]
        else:
            found["members"] = [dict(m.attrib) for m in element.iter("member")]
        yield found
        element.clear()


def _document(name: str, elements: list[dict[str, Any]], dated: str) -> bytes:
    """The elements as an OSM document, nodes first; places without a node are given one."""
    nodes: dict[int, Place] = {}
    tagged: dict[int, dict[str, Any]] = {}
    invented: dict[Place, int] = {}
    ways: dict[int, str] = {}
    relations: list[str] = []
    try:
        for element in elements:
            tags = element.get("tags") or {}
            kind = element.get("type")
            if kind == "node" and element.get("lat") is not None:
                nodes[int(element["id"])] = _place(element)
                tagged[int(element["id"])] = tags
            elif kind == "way":
                refs = _refs(element, nodes, invented)
                points = "".join(f'<nd ref="{ref}"/>' for ref in refs)
                number = int(element["id"])
                ways[number] = f'<way id="{number}">{points}{_tags(tags)}</way>'
            elif kind == "relation":
                relations.append(_relation(element, tags))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(
            name, f"an element of Overpass's answer is damaged ({str(error)[:60]}).",
            way_out="Download it again.",
        ) from error  # fmt: skip
    date = f"<meta osm_base={quoteattr(dated)}/>" if dated else ""
    head = f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">{date}'
    places = [
        f'<node id="{k}" lat="{nodes[k][0]:.7f}" lon="{nodes[k][1]:.7f}">'
        f"{_tags(tagged.get(k, {}))}</node>"
        for k in sorted(nodes)
    ]
    lines = [ways[k] for k in sorted(ways)]
    return "\n".join([head, *places, *lines, *relations, "</osm>"]).encode()


def _refs(
    element: dict[str, Any], nodes: dict[int, Place], invented: dict[Place, int]
) -> list[int]:
    """Ids of a way's nodes; a position without id gets one, the same for the same place."""
    places = element.get("geometry") or []
    ids = element.get("nodes") or [None] * len(places)
    refs = []
    for k, ref in enumerate(ids):
        place = places[k] if k < len(places) else None
        is_there = isinstance(place, dict) and place.get("lat") is not None
        if ref is None and not is_there:
            continue
        if ref is None:
            number = invented.setdefault(_place(place), _INVENTED + len(invented))
        else:
            number = int(ref)
        if is_there:
            nodes.setdefault(number, _place(place))
        refs.append(number)
    return refs


_INVENTED: Final = 10**15
"""Ids from here on are ours: OpenStreetMap has some 10**10 nodes."""


def _place(element: Any) -> Place:
    lat, lon = float(element["lat"]), float(element["lon"])
    if not (math.isfinite(lat) and abs(lat) <= 90 and math.isfinite(lon) and abs(lon) <= 180):
        raise ValueError("a position that is none")
    return lat, lon


def _relation(element: dict[str, Any], tags: dict[str, Any]) -> str:
    members = "".join(
        f'<member type={quoteattr(str(m["type"]))} ref="{int(m["ref"])}" '
        f"role={quoteattr(str(m.get('role', '')))}/>"
        for m in element.get("members") or []
    )
    return f'<relation id="{int(element["id"])}">{members}{_tags(tags)}</relation>'


def _tags(tags: dict[str, Any]) -> str:
    return "".join(f"<tag k={quoteattr(str(k))} v={quoteattr(str(v))}/>" for k, v in tags.items())
