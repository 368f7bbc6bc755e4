"""Small invented OpenStreetMap files: nodes by name, ways by the names of their nodes."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

from pyproj import Transformer

ORIGIN = (895_000.0, 6_247_000.0)
"""Lambert-93 of the invented town's corner: the middle of nowhere in Provence."""

_TO_DEGREES = Transformer.from_crs("EPSG:2154", "EPSG:4326", always_xy=True)

Way = tuple[str, dict[str, str]]


def degrees(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a place given in metres from the corner."""
    lon, lat = _TO_DEGREES.transform(ORIGIN[0] + x, ORIGIN[1] + y)
    return float(lon), float(lat)


def osm_xml(
    nodes: dict[str, tuple[float, float]],
    ways: list[Way],
    *,
    relations: list[tuple[list[int], dict[str, str]]] = (),  # type: ignore[assignment]
    ways_first: bool = False,
    missing: str = "",
    head: str = '<osm version="0.6">',
) -> str:
    """An OSM document. A way is `("abc", tags)`: its nodes are `a`, `b`, `c`.

    Ways are numbered from 1 in their order; nodes in `missing` are left out of the file.
    """
    number = {name: 1000 + k for k, name in enumerate(nodes)}
    points = [
        f'<node id="{number[name]}" lon="{lon:.7f}" lat="{lat:.7f}"/>'
        for name, place in nodes.items()
        if name not in missing
        for lon, lat in [degrees(*place)]
    ]
    lines = [
        f'<way id="{k}">'
        + "".join(f'<nd ref="{number[name]}"/>' for name in path)
        + _tags(tags)
        + "</way>"
        for k, (path, tags) in enumerate(ways, 1)
    ]
    areas = [
        f'<relation id="{k}">'
        + "".join(f'<member type="way" ref="{ref}" role="outer"/>' for ref in members)
        + _tags(tags)
        + "</relation>"
        for k, (members, tags) in enumerate(relations, 1)
    ]
    body = lines + points if ways_first else points + lines
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *body, *areas, "</osm>"])


def _tags(tags: dict[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())


def write_pbf(path: Path, document: str) -> Path:
    """The same document as PBF."""
    import osmium

    with osmium.SimpleWriter(str(path)) as writer:
        for thing in osmium.FileProcessor(osmium.io.FileBuffer(document.encode(), "osm")):
            writer.add(thing)
    return path


def cross_town() -> str:
    """A town that can be drawn: two streets that cross, a river north of them with a bridge.

    `Rue Basse` runs west-east through the crossing o, `Rue du Pont` south-north; the quay lies over
    the river. Numbers of nodes are metres.
    """
    nodes = {
        "a": (0, 0), "o": (200, 0), "b": (400, 0), "c": (200, -200), "d": (200, 80),
        "e": (200, 120), "f": (200, 300), "r": (-100, 100), "s": (500, 100),
        "g": (0, 120), "h": (400, 120),
    }  # fmt: skip
    ways = [
        ("aob", {"highway": "residential", "name": "Rue Basse"}),
        ("cod", {"highway": "residential", "name": "Rue du Pont"}),
        ("de", {"highway": "residential", "name": "Rue du Pont", "bridge": "yes"}),
        ("ef", {"highway": "residential", "name": "Rue du Pont"}),
        ("geh", {"highway": "tertiary", "name": "Quai Haut"}),
        ("rs", {"waterway": "river", "name": "La Lente"}),
    ]
    return osm_xml(nodes, ways)


def graphml(edges: str, *, nodes: str = "", head: str = "") -> str:
    keys = "".join(
        f'<key id="{k}" for="{of}" attr.name="{name}" attr.type="string"/>'
        for k, of, name in [
            ("x", "node", "x"), ("y", "node", "y"), ("g", "edge", "geometry"),
            ("n", "edge", "name"), ("h", "edge", "highway"), ("c", "graph", "crs"),
            ("t", "graph", "created_date"),
        ]
    )  # fmt: skip
    places = nodes or "".join(
        f'<node id="{name}"><data key="x">{lon}</data><data key="y">{lat}</data></node>'
        for name, place in {"1": (0, 0), "2": (100, 0), "3": (100, 100)}.items()
        for lon, lat in [degrees(*place)]
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{head}'
        f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{keys}<graph>'
        f'<data key="c">epsg:4326</data><data key="t">2025-06-01 10:00:00</data>'
        f"{places}{edges}</graph></graphml>"
    )


def edge(u: str, v: str, **values: str) -> str:
    data = "".join(f'<data key="{k}">{v}</data>' for k, v in values.items())
    return f'<edge source="{u}" target="{v}" id="0">{data}</edge>'
