"""What is fuzzed: one line a reader. A new reader registers itself by adding its line to READERS.

name; make: a small valid file; read: the reader, given the file's path; check: asserts that what
was read is right, given the content that the text had (`inner` is what was damaged, before wrapping).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl

from targeting.codes import STATION_ID
from targeting.errors import SourceError
from targeting.sources.addresses.reading import read_addresses
from targeting.sources.fetching.filtering import Features, Rows
from targeting.sources.outlines.reading import read_outlines
from targeting.sources.results.blocs import read_blocs, refuse_unknown_lines
from targeting.sources.results.counts import Results
from targeting.sources.results.elections import recognise_election
from targeting.sources.results.reading import read_results
from targeting.sources.streets.reading import read_streets
from tests import layouts
from tests.fuzz import places
from tests.layouts import LEGI_2024, PRES_2012, TEXTS, THREE
from tests.osm_files import cross_town


@dataclass(frozen=True)
class Reader:
    """One reader, a small file for it, and what a right read is.

    wrap: what is done to the damaged content before it is read (a workbook of its rows, say).
    """

    name: str
    make: Callable[[], bytes]
    read: Callable[[Path], Any]
    check: Callable[[Any, bytes], None]
    wrap: Callable[[bytes], bytes] = bytes
    suffix: str = ".csv"


BLOCS = read_blocs()
NUMBER = re.compile(rb"\d+")


def read_all(path: Path) -> list[Results]:
    return list(read_results(path))


def check_results(read: list[Results], inner: bytes) -> None:
    """Counts are those of the text, sums hold or are flagged, and no person's error is ours."""
    assert read, "a file read gives at least one round"
    numbers = {int(n) for n in NUMBER.findall(inner) if len(n) < 19}
    for results in read:
        if results.shares is not None:
            _check_shares(results)
        else:
            _check_counts(results, numbers)
        _check_election(results)


def _check_counts(results: Results, numbers: set[int]) -> None:
    turnout, votes = (
        results.turnout.to_dict(as_series=False),
        results.votes.to_dict(as_series=False),
    )
    stations = turnout["station_id"]
    assert stations
    assert len(set(stations)) == len(stations)
    assert all(re.match(STATION_ID, station) for station in stations)
    assert set(votes["station_id"]) <= set(stations)
    for column in ("registered", "votes_cast", "valid_votes"):
        assert set(turnout[column]) <= numbers, f"a {column} that the text has not"
    assert set(votes["votes"]) <= numbers, "votes that the text has not"
    given = Counter[str]()
    for station, count in zip(votes["station_id"], votes["votes"], strict=True):
        given[station] += count
    columns = (
        turnout[c] for c in ("station_id", "registered", "votes_cast", "valid_votes", "flag")
    )
    for station, registered, cast, valid, flag in zip(*columns, strict=True):
        assert 0 <= valid <= cast <= registered
        assert flag is not None or given[station] == valid, "sums that do not hold are flagged"


def _check_shares(results: Results) -> None:
    assert results.shares is not None
    assert results.turnout.is_empty()
    assert results.votes.is_empty()
    assert results.shares["share"].is_between(0, 1).all()


def _check_election(results: Results) -> None:
    """The election is told, or refused in words."""
    with suppress(SourceError):
        election = recognise_election(results, BLOCS, {})
        if results.shares is None:
            refuse_unknown_lines(results.name, results.votes, BLOCS, election)


def text(layout: str) -> Callable[[], bytes]:
    """The small file of a layout, as bytes."""
    maker, encoding, _ = TEXTS[layout]

    def make() -> bytes:
        made = maker()
        return made if isinstance(made, bytes) else made.encode(encoding)

    return make


def long_text() -> bytes:
    second = [r.with_(votes=[0, 0, *r.votes[:2]]) for r in THREE]
    return layouts.long_headerless({1: THREE, 2: second}, PRES_2012).encode("latin-1")


def as_workbook(content: bytes) -> bytes:
    """Rows of a damaged text as a workbook; what no cell can hold is left out."""
    kept = re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", b"", content).decode("latin-1")
    rows = "".join(
        f"<row>{''.join(map(_cell, line.split(';')))}</row>" for line in kept.splitlines()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, part in EMPTY_BOOK.items():
            sheet = part.replace(
                b"<sheetData></sheetData>", f"<sheetData>{rows}</sheetData>".encode()
            )
            archive.writestr(name, sheet)
    return buffer.getvalue()


def _cell(text: str) -> str:
    if text.isascii() and text.isdigit():
        return f"<c><v>{text}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _parts(book: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _empty_book() -> bytes:
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    return buffer.getvalue()


EMPTY_BOOK = _parts(_empty_book())
"""The parts of a workbook without rows: the library's writer takes longer than our reader."""


ELECTIONS = {"2024_legi_t1": THREE, "2022_legi_t1": THREE}
GENERAL, CANDIDATES = (t.encode() for t in layouts.aggregated(ELECTIONS, LEGI_2024))


def read_beside(other: bytes) -> Callable[[Path], list[Results]]:
    """Read one half with the other, sound one beside it."""

    def read(path: Path) -> list[Results]:
        beside = path.with_name("other-half.csv")
        beside.write_bytes(other)
        try:
            return list(read_results(path, beside))
        finally:
            beside.unlink()

    return read


def check_half(other: bytes) -> Callable[[list[Results], bytes], None]:
    return lambda read, inner: check_results(read, inner + other) if read else None


def read_by_recipe(path: Path) -> list[Results]:
    """Read sound columns by a damaged recipe."""
    data = path.with_name("columns.csv")
    data.write_text(layouts.COLUMNS)
    try:
        return list(read_results(data, recipe=str(path)))
    finally:
        data.unlink()


def check_by_recipe(read: list[Results], _inner: bytes) -> None:
    """A damaged recipe may take one column for another, never invent a number."""
    for results in read:
        if results.shares is None:
            _check_counts(results, {int(n) for n in NUMBER.findall(layouts.COLUMNS.encode())})


READERS = [
    *(Reader(name, text(name), read_all, check_results) for name in TEXTS),
    Reader("long without header", long_text, read_all, check_results),
    Reader("city groups", lambda: layouts.city_groups().encode(), read_all, check_results),
    Reader("recipe", layouts.RECIPE_OF_COLUMNS.encode, read_by_recipe, check_by_recipe,
           suffix=".toml"),
    Reader("workbook", text("departmental 2021"), read_all, check_results, as_workbook, ".xlsx"),
    Reader("workbook, its bytes", lambda: as_workbook(text("departmental 2021")()), read_all,
           lambda read, _: check_results(read, text("departmental 2021")()), suffix=".xlsx"),
    Reader("general_results", lambda: GENERAL, read_beside(CANDIDATES), check_half(CANDIDATES)),
    Reader("candidats_results", lambda: CANDIDATES, read_beside(GENERAL), check_half(GENERAL)),
    Reader("general_results, Parquet bytes", lambda: layouts.as_parquet(GENERAL.decode()),
           read_beside(CANDIDATES), lambda read, _: check_results(read, GENERAL + CANDIDATES),
           suffix=".parquet"),
    Reader("bloc table", places.BLOC_TABLE.encode, read_blocs, places.check_blocs),
    Reader("GeoJSON", places.town_lines, places.read_with_layer, places.check_outlines),
    Reader("GeoJSON in JavaScript", places.town_script, places.read_with_layer,
           places.check_outlines, suffix=".js"),
    Reader("TopoJSON", places.topology, read_outlines, places.check_outlines),
    Reader("table of points", places.POINTS.encode, places.read_with_layer, places.check_outlines),
    Reader("GeoPackage, its bytes", places.geopackage, read_outlines, places.check_outlines,
           suffix=".gpkg"),
    Reader("GeoPackage, a geometry", places.first_geometry, read_outlines,
           places.check_damaged_member("stations.gpkg"), places.with_geometry, ".gpkg"),
    Reader("shapefile, its files", places.shapefile, read_outlines, places.check_outlines,
           places.zipped, ".zip"),
    Reader("shapefile, bytes of the zip", lambda: places.zipped(places.shapefile()),
           read_outlines, places.check_damaged_member("stations.shp"), suffix=".zip"),
    Reader("GeoParquet, its bytes", places.geoparquet, read_outlines, places.check_outlines,
           suffix=".parquet"),
    Reader("GeoParquet, a geometry", places.first_wkb, read_outlines,
           places.check_damaged_member("stations.gpkg"), places.with_wkb, ".parquet"),
    Reader("GeoParquet, its metadata", places.geo_metadata, read_outlines,
           places.check_damaged_member("stations.gpkg"), places.with_geo_metadata, ".parquet"),
    Reader("quarters", places.town_lines, places.read_named, places.check_quarters),
    Reader("BAN addresses", places.BAN.encode, read_addresses, places.check_addresses),
    Reader("voters per address", places.PARIS.encode, read_addresses, places.check_addresses),
    Reader("addresses of the roll", places.REU.encode, read_addresses, places.check_addresses),
    Reader("addresses of the roll, Parquet bytes", places.reu_parquet, read_addresses,
           places.check_addresses, suffix=".parquet"),
    Reader("streets, OSM XML", lambda: cross_town().encode(), read_streets, places.check_streets,
           suffix=".osm"),
    Reader("streets, OSM pbf", places.osm_pbf, read_streets, places.check_streets,
           suffix=".osm.pbf"),
    Reader("streets, GraphML", places.street_graph, read_streets, places.check_streets,
           suffix=".graphml"),
    Reader("doors of buildings", places.DOORS.encode, places.read_door_rows, places.check_doors,
           suffix=".csv"),
    Reader("streets by station", lambda: places.RANGES.encode("latin-1"), places.read_le_mans,
           places.check_addresses),
    Reader("visits", places.VISITS.encode, places.read_visits, places.check_visits),
    Reader("features kept", places.national_features,
           places.kept_by(lambda: Features("f", places.WANTED, "codeBureauVote")),
           places.check_features),
    Reader("rows kept", places.NATIONAL_ROWS.encode,
           places.kept_by(lambda: Rows("f", places.WANTED, "id_brut_bv_reu")),
           places.check_rows),
]  # fmt: skip
