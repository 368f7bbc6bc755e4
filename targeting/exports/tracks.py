"""Walks for maps and phones: KML and GPX, by the standard library's XML writer (all escaped)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from targeting.exports.aside import write_aside
from targeting.exports.lines import one_line

KML: Final = "http://www.opengis.net/kml/2.2"
LONGEST: Final = 500

GPX: Final = "http://www.topografix.com/GPX/1/1"


@dataclass(frozen=True)
class TrackStop:
    """One stop of a walk: degrees (WGS 84), its order, its address, its doors."""

    order: int
    longitude: float
    latitude: float
    address: str
    doors: int


@dataclass(frozen=True)
class Track:
    """One turf as a walk: its code, a line about it, its stops in order."""

    turf_id: str
    told: str
    stops: tuple[TrackStop, ...]


def write_kml(path: Path, tracks: Sequence[Track], *, title: str, credits: Sequence[str]) -> Path:
    """One folder a turf: its walk as a line, its stops as points."""
    root = ET.Element("kml", xmlns=KML)
    document = ET.SubElement(root, "Document")
    _text(document, "name", title)
    _text(document, "description", "; ".join(credits))
    for track in tracks:
        folder = ET.SubElement(document, "Folder")
        _text(folder, "name", track.turf_id)
        _text(folder, "description", track.told)
        if len(track.stops) > 1:
            line = ET.SubElement(folder, "Placemark")
            _text(line, "name", track.turf_id)
            places = " ".join(f"{s.longitude:.6f},{s.latitude:.6f}" for s in track.stops)
            way = ET.SubElement(line, "LineString")
            ET.SubElement(way, "coordinates").text = places
        for stop in track.stops:
            mark = ET.SubElement(folder, "Placemark")
            _text(mark, "name", f"{stop.order}. {stop.address}")
            _text(mark, "description", str(stop.doors))
            place = f"{stop.longitude:.6f},{stop.latitude:.6f}"
            _text(ET.SubElement(mark, "Point"), "coordinates", place)
    return _write(path, root)


def write_gpx(path: Path, tracks: Sequence[Track], *, title: str, credits: Sequence[str]) -> Path:
    """One route a turf, its stops as route points in walking order."""
    root = ET.Element("gpx", xmlns=GPX, version="1.1", creator="Relance")
    about = ET.SubElement(root, "metadata")
    _text(about, "name", title)
    _text(about, "desc", "; ".join(credits))
    for track in tracks:
        route = ET.SubElement(root, "rte")
        _text(route, "name", track.turf_id)
        _text(route, "desc", track.told)
        for stop in track.stops:
            point = ET.SubElement(
                route, "rtept", lat=f"{stop.latitude:.6f}", lon=f"{stop.longitude:.6f}"
            )
            _text(point, "name", f"{stop.order}. {stop.address}")
            _text(point, "desc", str(stop.doors))
    return _write(path, root)


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = one_line(text, LONGEST)


def _write(path: Path, root: ET.Element) -> Path:
    tree = ET.ElementTree(root)
    ET.indent(tree, " ")
    write_aside(path, lambda to: tree.write(to, encoding="utf-8", xml_declaration=True))
    return path
