"""What a file dropped without a word may be: told from its first bytes, never from its name.

Only the beginning is looked at, out of its wrapping; whether the file is really that, its reader
says.
"""

from __future__ import annotations

import gzip
import lzma
import re
import zipfile
from pathlib import Path
from typing import IO, Final, Protocol

from targeting.errors import SourceError
from targeting.sources.addresses.reading import BAL_COLUMNS, BAL_NAMES, BAN_COLUMNS, PARIS_VOTERS
from targeting.sources.addresses.reu import REU_COLUMNS
from targeting.sources.addresses.street_ranges import RANGE_COLUMNS
from targeting.sources.files import BROKEN_ARCHIVE, GZIP, LONGEST_MAGIC, XZ, ZIP

KINDS: Final = ("results", "stations", "addresses", "streets", "doors")
"""What `import` takes, as its commands are called."""

PEEKED: Final = 256 * 1024
"""Bytes of the beginning that are looked at: a layer's first features, a table's headers."""

SHAPE_LINES: Final = (3, 13, 23)
"""Types of a shapefile whose shapes are lines (at byte 32 of its .shp)."""

ADDRESS_COLUMNS: Final = tuple(
    {column.lower() for column in columns}
    for columns in (BAN_COLUMNS, BAL_COLUMNS, PARIS_VOTERS, REU_COLUMNS, RANGE_COLUMNS)
)
DOOR_COLUMNS: Final = ({"building_id", "floor"}, {"building_id", "door"}, {"street", "door"})
SHAPE_COLUMNS: Final = re.compile(
    r"(?i)^(geo[ _]?shape|geometry|geom|wkt|the_geom|geo[ _]?point(_2d)?)$"
)
PERSON_COLUMNS: Final = re.compile(
    r"(?i)^(t[eé]l([eé]phone|[_ ]?mobile)?|mobile|phone.*|e-?mail.*|courriel|adresse[ _]mail"
    r"|date[ _]de[ _]naissance|nom[ _]de[ _]naissance|birth.*|pr[eé]noms?[ _]d.+[eé]lect.+"
    r"|num[eé]ro[ _]d.?[eé]lecteur)$"
)
"""Columns that only a list of people has; results have `Nom` and `Prénom`, of candidates."""

_VECTOR_TYPES: Final = re.compile(rb'"type"\s*:\s*"(Multi)?(LineString|Polygon|Point)"')


class Readable(Protocol):
    """What bytes come out of, plain or unwrapped."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer at the end."""


def likely_kinds(path: Path) -> list[str]:
    """Kinds of `KINDS` that the file may be, likeliest first; all of them where nothing tells.

    Raises SourceError for a list of people, which comes in by another door.
    """
    head, names = _beginning(path)
    if found := _by_bytes(head, names):
        return found
    text = head.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    if text.startswith(("{", "[")):
        return _of_json(head)
    if text.startswith("<"):
        return ["streets"]
    return _of_table(path.name, text)


def _by_bytes(head: bytes, names: list[str]) -> list[str] | None:
    """What magic bytes and the members of an archive tell."""
    if b"OSMHeader" in head[:64] or head.startswith(b"\xff\xe0"):
        return ["streets"]
    if head.startswith(b"SQLite format 3"):
        return ["stations", "streets"]
    if head.startswith(b"PAR1"):
        return ["stations", "addresses", "streets"]
    if any(name.startswith("xl/") for name in names):
        return ["results"]
    if any(name.endswith(".shp") for name in names):
        kind = int.from_bytes(head[32:36], "little") if len(head) > 36 else 0
        return ["streets", "stations"] if kind in SHAPE_LINES else ["stations", "streets"]
    return None


def _beginning(path: Path) -> tuple[bytes, list[str]]:
    """The first bytes out of their wrapping, and the names in an archive; what is broken is
    nothing."""
    try:
        with open(path, "rb") as file:
            magic = file.read(LONGEST_MAGIC)
            file.seek(0)
            if magic.startswith(GZIP):
                with gzip.open(file) as inner:
                    return _some(inner), []
            if magic.startswith(XZ):
                with lzma.open(file) as inner:
                    return _some(inner), []
            if magic.startswith(ZIP):
                return _in_archive(file)
            return _some(file), []
    except BROKEN_ARCHIVE:
        return b"", []


def _in_archive(file: IO[bytes]) -> tuple[bytes, list[str]]:
    with zipfile.ZipFile(file) as archive:
        names = [name.lower() for name in archive.namelist()[:200]]
        places = [n for n, name in enumerate(names) if name.endswith(".shp")] or [0]
        if not names:
            return b"", []
        with archive.open(archive.infolist()[places[0]]) as inner:
            return _some(inner), names


def _some(file: Readable) -> bytes:
    """What can be read of the beginning: of an archive cut short, less than asked for."""
    found = b""
    try:
        while len(found) < PEEKED and (piece := file.read(16 * 1024)):
            found += piece
    except BROKEN_ARCHIVE:
        return found
    return found


def _of_json(head: bytes) -> list[str]:
    if b'"elements"' in head and re.search(rb'"(node|way)"', head):
        return ["streets"]
    if b'"Topology"' in head:
        return ["stations"]
    if b'"FeatureCollection"' in head or b'"Feature"' in head:
        types = [kind.decode() for _, kind in _VECTOR_TYPES.findall(head)]
        lines = types.count("LineString")
        return ["streets", "stations"] if lines * 2 > len(types) else ["stations", "streets"]
    return ["results", "stations"]


def _of_table(name: str, text: str) -> list[str]:
    """What the headers of a table tell. Raises SourceError for a list of people."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(";,\t", key=header.count)
    columns = {_plain(cell) for cell in header.split(separator)}
    if any(PERSON_COLUMNS.match(column) for column in columns):
        raise SourceError(
            name,
            "it seems to be a list of people (telephones, addresses, dates of birth).",
            way_out="This screen takes public data only: results, outlines, addresses without "
            "names, streets.",
        )
    if any(wanted <= columns for wanted in ADDRESS_COLUMNS):
        return ["addresses"]
    if any(wanted <= columns for wanted in DOOR_COLUMNS):
        return ["doors"]
    if any(SHAPE_COLUMNS.match(column) for column in columns):
        return ["stations", "results"]
    return ["results", "addresses", "stations"]


def _plain(cell: str) -> str:
    bare = cell.strip().strip('"').strip().lower()
    return BAL_NAMES.get(bare, bare)
