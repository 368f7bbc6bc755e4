"""Streets of any file: OpenStreetMap (PBF, XML), OSMnx's GraphML, a layer of lines.

What a file is is told from its bytes, never from its name. The table is in Lambert-93 wherever the
place: it is the CRS of the addresses. Its scale depends on the latitude only (+0.3 % in Porto,
+0.1 % in Andorra): lengths are told to be stretched from 0.5 % on, and refused from 2 % on.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Proj, Transformer

from targeting.codes import BARRIER_KINDS
from targeting.crs import METRIC_CRS, WGS84
from targeting.errors import SourceError
from targeting.sources.files import read_bytes
from targeting.sources.layers.reading import read_layer
from targeting.sources.layers.systems import to_lambert93
from targeting.sources.streets.graphml import read_graphml
from targeting.sources.streets.lines import ways_of_layer
from targeting.sources.streets.osm import is_pbf, read_o5m, read_osm_xml, read_pbf
from targeting.sources.streets.overpass import is_overpass_json, osm_of_json
from targeting.sources.streets.ways import LEFT_OUT, PRIVATE, Ways
from targeting.tables import Streets

OSM_CREDIT: Final = "© OpenStreetMap contributors, ODbL"

MOST_PBF_BYTES: Final = 1024**3
"""France has 5 GB: its nodes do not fit in a small machine's memory. A region has 300 MB."""

TOLD_STRETCH, MOST_STRETCH = 0.005, 0.02
"""Error of lengths in Lambert-93: told above the first, refused above the second (overseas)."""

LONGEST_HEAD: Final = 4096


@dataclass(frozen=True)
class StreetFile:
    """Streets of one file.

    streets: table Streets, walked ways and barriers; format: `osm`, `graphml` or `lines`; read,
    left_out, gaps, published: see `Ways`; stretch: relative error of lengths, at worst.
    """

    name: str
    format: str
    streets: gpd.GeoDataFrame
    sha256: str
    publisher: str
    licence: str
    credit: str
    read: int
    left_out: Counter[str]
    gaps: int
    published: str
    stretch: float
    notes: list[str] = field(default_factory=list)

    @property
    def walked(self) -> gpd.GeoDataFrame:
        """The ways, without the barriers."""
        return self.streets[~self.streets["kind"].isin(list(BARRIER_KINDS))]


def read_streets(path: Path, *, layer: str | None = None, crs: str | None = None) -> StreetFile:
    """Read the streets of a file; see `read_layer` for `layer` and `crs`, which lines alone have.

    Raises SourceError for a file that is damaged, cut short, too large, holds no way that one
    walks, or lies where Lambert-93 measures wrong.
    """
    head = _head(path)
    if is_pbf(head):
        sha256 = _sha256(path)
        return _street_file(path.name, "osm", read_pbf(path.name, str(path)), sha256)
    if head.startswith(b"BZh"):
        raise SourceError(path.name, "a bzip2 archive.", way_out="Unpack it, and give the .osm.")
    if head.startswith(O5M):
        return _street_file(path.name, "osm", read_o5m(path.name, str(path)), _sha256(path))
    found = _root_of(head) if not _is_wrapped(head) else None
    if found is None and head.startswith(b"\x1f\x8b"):
        content, sha256 = read_bytes(path)
        found = _root_of(content[:LONGEST_HEAD])
    elif found is not None:
        content, sha256 = read_bytes(path)
    if found in REFUSED:
        what, way_out = REFUSED[found]
        raise SourceError(path.name, f"this is {what}.", way_out=way_out)
    if found == "overpass":
        content, notes = osm_of_json(path.name, content)
        ways = read_osm_xml(path.name, content)
        ways = replace(ways, notes=[*notes, *ways.notes])
        return _street_file(path.name, "osm", ways, sha256)
    if found == "osm":
        return _street_file(path.name, "osm", read_osm_xml(path.name, content), sha256)
    if found == "graphml":
        return _street_file(path.name, "graphml", read_graphml(path.name, content), sha256)
    lines = read_layer(path, layer=layer, crs=crs, lines=True)
    return _street_file(path.name, "lines", ways_of_layer(lines), lines.sha256)


def _head(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LONGEST_HEAD)
    except OSError as error:
        raise SourceError(path.name, f"cannot be read ({error.strerror}).") from error


def _is_wrapped(head: bytes) -> bool:
    return head.startswith((b"\x1f\x8b", b"PK"))


def _root_of(head: bytes) -> str | None:
    """Name of the document's element, where it is one that is known; `overpass`: its JSON."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if is_overpass_json(text):
        return "overpass"
    if text.startswith(O5C):
        return "osmChange"
    found = _ROOT.search(text) if text.startswith(b"<") else None
    return found[1].decode() if found else None


_ROOT: Final = re.compile(
    rb"<(osmChange|osmAugmentedDiff|osm-script|osm|graphml|gpx|kml)(?=[\s>/])"
)
O5M: Final = b"\xff\xe0\x04o5m2"
O5C: Final = b"\xff\xe0\x04o5c2"
_CHANGES: Final = "Give the streets as they are (.osm.pbf or .osm), not their changes."
REFUSED: Final = {  # document's element: what it is, way out
    "osmChange": ("a file of changes (.osc)", _CHANGES),
    "osmAugmentedDiff": ("an augmented diff", _CHANGES),
    "osm-script": ("an Overpass query, and not its answer", "Run it, and give what it answers."),
    "gpx": ("a GPX track", "Give an OpenStreetMap extract, or street lines as GeoJSON."),
    "kml": ("a KML file", "Save its lines as GeoJSON, or give an OpenStreetMap extract."),
}


def _sha256(path: Path) -> str:
    if (size := path.stat().st_size) > MOST_PBF_BYTES:
        raise SourceError(
            path.name, f"{size / 1024**3:.1f} GB are too much to read at once.",
            way_out="Take the extract of your region or department.",
        )  # fmt: skip
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _street_file(name: str, form: str, ways: Ways, sha256: str) -> StreetFile:
    if not any(kind not in BARRIER_KINDS | {PRIVATE} for kind in ways.kind):
        private = ways.kind.count(PRIVATE)
        raise SourceError(
            name,
            f"{ways.read:,} ways and none that one walks on ({private:,} private).",
            way_out="Give an extract with the streets (highway=…) of your town.",
        )
    stretch = _stretch(name, ways)
    notes = list(ways.notes)
    if stretch > TOLD_STRETCH:
        notes.append(f"so far from France, Lambert-93 errs by {stretch:.1%} in lengths")
    table = _table(name, ways)
    if table["kind"].isin(list(BARRIER_KINDS)).all():
        raise SourceError(
            name, "none of its ways has a length that Lambert-93 can tell.",
            way_out="Its coordinates are damaged: save it again in EPSG:4326.",
        )  # fmt: skip
    dated = f" ({ways.published})" if ways.published else ""
    return StreetFile(
        name=name,
        format=form,
        streets=table,
        sha256=sha256,
        publisher="OpenStreetMap" if ways.of_osm else "unstated",
        licence="ODbL" if ways.of_osm else "unstated",
        credit=OSM_CREDIT + dated if ways.of_osm else "",
        read=ways.read,
        left_out=Counter({kind: ways.left_out[kind] for kind in sorted(LEFT_OUT)}),
        gaps=ways.gaps,
        published=ways.published,
        stretch=stretch,
        notes=notes,
    )


def _table(name: str, ways: Ways) -> gpd.GeoDataFrame:
    """Table Streets, in Lambert-93."""
    lines = to_lambert93(name, ways.geometry, ways.crs)
    table = gpd.GeoDataFrame(
        {
            "street": pd.Series(ways.street, dtype="str"),
            "kind": pd.Series(ways.kind, dtype="str"),
            "is_noded": np.full(len(lines), ways.is_noded),
        },
        geometry=lines,
        crs=METRIC_CRS,
    )
    drawn = np.isfinite(shapely.length(lines)) & (shapely.length(lines) > 0)
    return gpd.GeoDataFrame(Streets.check(table[drawn].reset_index(drop=True)))


def _stretch(name: str, ways: Ways) -> float:
    """Relative error of lengths in Lambert-93 where the file lies, at worst."""
    bounds = shapely.total_bounds(ways.geometry)
    if ways.crs.is_geographic and not (np.abs(bounds) <= [180, 90, 180, 90]).all():
        raise SourceError(
            name,
            f"coordinates up to {np.abs(bounds).max():.8g} are no degrees.",
            way_out="Save it again in EPSG:4326, or in the system that it says.",
        )
    to_degrees = Transformer.from_crs(ways.crs, CRS.from_user_input(WGS84), always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*bounds)
    factors = Proj(METRIC_CRS).get_factors([west, east], [south, north])
    error = float(np.max(np.abs(np.asarray(factors.meridional_scale) - 1)))
    if not error <= MOST_STRETCH:
        raise SourceError(
            name,
            f"it lies at {south:.1f}° to {north:.1f}° north, where Lambert-93 errs by {error:.0%} "
            "in lengths.",
            way_out="Overseas departments and places far from France are not read yet.",
        )
    return error
