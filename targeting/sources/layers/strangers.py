"""What laymen bring that is no layer we read, named for what it is, with the export to ask for.

And layers that say of themselves that they are not whole: they are not taken for whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Any, Final

from targeting.errors import SourceError

_GIS: Final = "Open it in QGIS and export the layer as GeoJSON (WGS 84)."

_BY_BYTES: Final = (
    (b"fgb\x03fgb", "a FlatGeobuf file", _GIS),
    (b"\x00\x00\x27\x0a", "a shapefile's .shp alone: a shapefile comes in several files",
     "Zip the .shp with its .dbf, .shx and .prj, and give the zip."),
    (b"\x1f\x8bTAB", "a MapInfo table", _GIS),
    (b"AC10", "an AutoCAD drawing (DWG)", _GIS),
    (b"AutoCAD Binary DXF", "an AutoCAD drawing (DXF)", _GIS),
    (b"Rar!", "a RAR archive", "Unpack it, and give the layer in it (a shapefile zipped)."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it, and give the layer in it (a shapefile zipped)."),
    (b"%PDF", "a PDF: a drawing of the map, not the map", "Ask the town hall for the layer itself "
     "(shapefile, GeoPackage or GeoJSON)."),
    (b"\x89PNG", "a picture", "Ask for the layer itself (shapefile, GeoPackage or GeoJSON)."),
    (b"\xff\xd8\xff", "a picture", "Ask for the layer itself (shapefile, GeoPackage or GeoJSON)."),
    (b"II*\x00", "a picture (TIFF)", "Ask for the layer itself (shapefile, GeoPackage, GeoJSON)."),
    (b"MM\x00*", "a picture (TIFF)", "Ask for the layer itself (shapefile, GeoPackage, GeoJSON)."),
)  # fmt: skip

_BY_TEXT: Final = (
    (r"\s*(?:<\?xml[^>]*>\s*)?(?:<!DOCTYPE qgis|<qgis)", "a QGIS project, which holds no data: it "
     "points to layers beside it", "In QGIS, export the layer of stations as GeoJSON."),
    (r"\s*(?:<\?xml[^>]*>\s*)?<(?:\w+:)?(?:ExceptionReport|ServiceExceptionReport)",
     "a map server's error message, not a layer", "Correct the request, or download the layer from "
     "its page."),
    (r"(?s)\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<kml", "a KML file", _GIS),
    (r"\s*(?:<\?xml[^>]*>\s*)?<(?:\w+:)?FeatureCollection", "a GML file",
     "Ask the server for GeoJSON (outputFormat=application/json), or export it with QGIS."),
    (r"\s*(?:<\?xml[^>]*>\s*)?<gpx", "a GPX file: tracks and points of a receiver", _GIS),
    (r"\s*(?:<\?xml[^>]*>\s*)?<(?:!DOCTYPE )?svg", "a picture (SVG): a drawing of the map, not the "
     "map", "Ask for the layer itself (shapefile, GeoPackage or GeoJSON)."),
    (r"(?i)version\s+\d+\s*[\r\n]+(?:charset|delimiter|unique|index|coordsys|transform|columns)",
     "a MapInfo interchange file (.mif)", _GIS),
    (r"(?i)!table\s*[\r\n]", "a MapInfo .tab alone: a MapInfo table comes in several files", _GIS),
    (r"\s*0\s*[\r\n]+\s*SECTION\s*[\r\n]", "an AutoCAD drawing (DXF)", _GIS),
    (r"\s*(?:PROJCS|GEOGCS|PROJCRS|GEOGCRS)\s*\[", "a shapefile's .prj alone, which only tells its "
     "coordinate system", "Zip it with its .shp, .dbf and .shx, and give the zip."),
)  # fmt: skip

_BY_MEMBER: Final = (
    (".kml", "a KMZ file"), (".qgs", "a QGIS project, which holds no data"),
    (".tab", "a zipped MapInfo table"), (".mif", "a zipped MapInfo interchange file"),
    (".gml", "a zipped GML file"), (".dxf", "a zipped AutoCAD drawing"),
    (".gdbtable", "an ESRI file geodatabase"),
)  # fmt: skip


def refuse_by_name(name: str, head: bytes) -> None:
    """Raise SourceError for the first bytes of a file of maps that is not read."""
    for magic, what, way_out in _BY_BYTES:
        if head.startswith(magic):
            raise SourceError(name, f"this is {what}.", way_out=way_out)
    if _is_dbf(head):
        raise SourceError(
            name, "this is a shapefile's table (.dbf) alone: it has the numbers and no outline.",
            way_out="Zip it with its .shp, .shx and .prj, and give the zip.",
        )  # fmt: skip
    text = head[:4096].removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    for pattern, what, way_out in _BY_TEXT:
        if re.match(pattern, text):
            raise SourceError(name, f"this is {what}.", way_out=way_out)


def refuse_archive_by_name(name: str, members: Collection[str]) -> None:
    """Raise SourceError for a zip whose members say that it is a format that is not read."""
    if "[content_types].xml" in members or "mimetype" in members:
        raise SourceError(
            name, "this is a spreadsheet: its cells keep 32,767 letters, and cut outlines short.",
            way_out="Take the portal's GeoJSON export; a table of points is saved as CSV.",
        )  # fmt: skip
    suffixes = {PurePosixPath(m).suffix for m in members}
    for suffix, what in _BY_MEMBER:
        if suffix in suffixes:
            raise SourceError(name, f"this is {what}.", way_out=_GIS)


def _is_dbf(head: bytes) -> bool:
    """A dBASE table: its version, a date, the length of its header and the mark of a field."""
    if len(head) < 68 or head[0] not in (0x03, 0x30, 0x83, 0x8B):
        return False
    month, day, length = head[2], head[3], int.from_bytes(head[8:10], "little")
    return 1 <= month <= 12 and 1 <= day <= 31 and length % 32 in (0, 1) and head[43] in b"CNDFLMI"


def refuse_incomplete(name: str, document: Any, read: int) -> None:
    """Raise SourceError for a document that says that it holds only a part of its layer."""
    if not isinstance(document, dict):
        return
    inner = document.get("properties")
    flags = [document, inner if isinstance(inner, dict) else {}]
    if any(f.get("exceededTransferLimit") is True for f in flags):
        raise SourceError(
            name,
            f"it says itself that it is not whole: the server stopped after {read:,} features "
            "(exceededTransferLimit).",
            way_out="Ask for the rest in pages (resultOffset=…), or download the layer from its "
            "page.",
        )
    for word in ("numberMatched", "totalFeatures", "total_count", "nhits", "totalCount"):
        total = document.get(word)
        if isinstance(total, int) and not isinstance(total, bool) and total > read:
            raise SourceError(
                name,
                f"it says itself that it is not whole: {read:,} of {total:,} features ({word}).",
                way_out="Ask for all of them (limit=-1, count=…), or download the layer from its "
                "page.",
            )
    links = document.get("links")
    if isinstance(links, list) and any(isinstance(k, dict) and k.get("rel") == "next"
                                       for k in links):  # fmt: skip
        raise SourceError(
            name,
            f"it says itself that it is not whole: after its {read:,} features there is a next "
            "page.",
            way_out="Ask for all of them (limit=…), or download the layer from its page.",
        )
