"""Outlines, addresses, blocs, visits and what is kept of national files: small ones, and checks."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from targeting.codes import BLOCS, COMMUNE_CODE, STATION_ID, commune_of_arrondissement
from targeting.outcomes import OUTCOMES
from targeting.sources.addresses.doors import LONGEST, read_doors
from targeting.sources.addresses.reading import (
    LARGEST_NUMBER,
    MOST_VOTERS,
    AddressFile,
    read_addresses,
)
from targeting.sources.fetching.filtering import Keeper
from targeting.sources.grids import read_grid_text
from targeting.sources.layers.reading import read_layer
from targeting.sources.outlines.quarters import QuarterFile, read_quarters
from targeting.sources.outlines.reading import MAINLAND, Outlines, read_outlines
from targeting.sources.streets.reading import StreetFile
from targeting.tables import Quarters, Stations, Streets
from targeting.workflows.outings.grids import as_visits, once_each
from targeting.workflows.outings.grids import read_visits as read_lines
from tests.official import geojson, square
from tests.osm_files import cross_town, edge, graphml, write_pbf

NUMBER = re.compile(rb"\d+")
DECIMALS = tuple(
    re.compile(rb"[+-]?\d+(?:[" + mark + rb"]\d+)?(?:[eE][+-]?\d+)?") for mark in (b".", b",")
)
Wrap = Callable[[bytes], bytes]


def integers(content: bytes) -> set[int]:
    """Whole numbers written in a content."""
    return {int(n) for n in NUMBER.findall(content) if len(n) < 19}


def decimals(content: bytes) -> set[float]:
    """Numbers written in a content, with a point or a comma, to nine places."""
    found = [n for spelling in DECIMALS for n in spelling.findall(content)]
    return {round(float(n.replace(b",", b".")), 9) for n in found if len(n) < 40}


def check_inside(x: Any, y: Any) -> None:
    """Finite metres, within mainland France and Corsica."""
    west, south, east, north = MAINLAND
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    assert np.isfinite(x).all()
    assert np.isfinite(y).all()
    assert ((x >= west) & (x <= east) & (y >= south) & (y <= north)).all()


def check_station_ids(ids: pd.Series, content: bytes) -> None:
    """Ids are spelt like ids, and their numbers stand in the content."""
    assert ids.str.match(STATION_ID).all()
    there = integers(content)
    for number in ids.str.partition("_")[2]:
        known = number.encode() in content or number.lstrip("0").encode() in content
        assert known or (number.isdigit() and int(number) in there), f"invented number {number}"


# -- outlines --------------------------------------------------------------------------------------

TOWN = [
    ({"codeBureauVote": f"44001_000{n}", "nomBureauVote": name}, square(-1.51 + n / 100, 47.2))
    for n, name in ((1, "École Jean-Zay"), (2, "Mairie"), (3, "Gymnase"))
]
TOPOLOGY = {
    "type": "Topology",
    "transform": {"scale": [0.01, 0.01], "translate": [-1.5, 47.2]},
    "arcs": [[[1, 0], [0, 1]], [[1, 1], [-1, 0], [0, -1], [1, 0]],
             [[1, 0], [1, 0], [0, 1], [-1, 0]]],
    "objects": {"stations": {"type": "GeometryCollection", "geometries": [
        {"type": "Polygon", "arcs": [[0, 1]], "id": "44001-0001"},
        {"type": "MultiPolygon", "arcs": [[[2, -1]]], "id": "44001-0002",
         "properties": {"NOM": "Mairie"}}]}},
}  # fmt: skip
POINTS = (
    "codeBureauVote,nomBureauVote,longitude,latitude,inscrits\n"
    "44001_0001,Mairie,-1.5,47.2,900\n44001_0002,Ecole,-1.49,47.21,1200\n"
    "44001_0003,Gymnase,-1.48,47.22,1100\n"
)


def town_lines() -> bytes:
    """Outlines as GeoJSON, a feature a line, so that rows can be cut and doubled."""
    return geojson(TOWN).replace('{"type": "Feature"', '\n{"type": "Feature"').encode()


def town_script() -> bytes:
    return b"var bureaux = " + town_lines() + b";\n"


def topology() -> bytes:
    return json.dumps(TOPOLOGY).encode()


@cache
def town() -> gpd.GeoDataFrame:
    shapes = [shapely.Polygon(rings[0]) for _, rings in TOWN]
    properties = pd.DataFrame([p for p, _ in TOWN])
    return gpd.GeoDataFrame(properties, geometry=shapes, crs="EPSG:4326")


@cache
def written_town(name: str) -> dict[str, bytes]:
    """The files that a writer of this kind makes of the town."""
    with tempfile.TemporaryDirectory() as folder:
        short = {column: column[:10] for column in town().columns} if name.endswith("shp") else {}
        town().rename(columns=short).to_file(Path(folder) / name)
        return {p.name: p.read_bytes() for p in sorted(Path(folder).iterdir())}


def geopackage() -> bytes:
    return written_town("stations.gpkg")["stations.gpkg"]


def with_geometry(blob: bytes) -> bytes:
    """The GeoPackage whose first feature has this geometry."""
    with sqlite3.connect(":memory:") as db:
        db.deserialize(geopackage())
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            db.execute(f'DROP TRIGGER "{trigger}"')
        db.execute("UPDATE stations SET geom = ? WHERE fid = 1", [blob])
        db.commit()
        return db.serialize()


def first_geometry() -> bytes:
    with sqlite3.connect(":memory:") as db:
        db.deserialize(geopackage())
        blob: bytes = db.execute("SELECT geom FROM stations WHERE fid = 1").fetchone()[0]
        return blob


BETWEEN = b"\x1d\x1emember\x1d\x1e"


def shapefile() -> bytes:
    """The files of a shapefile end to end; what damages the marks between loses whole files."""
    return BETWEEN.join(written_town("stations.shp").values())


def zipped(content: bytes) -> bytes:
    """The parts of a damaged `shapefile` as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        parts = zip(written_town("stations.shp"), content.split(BETWEEN), strict=False)
        for name, part in parts:
            archive.writestr(name, part)
    return buffer.getvalue()


@cache
def _town_table() -> pa.Table:
    buffer = io.BytesIO()
    town().to_parquet(buffer)
    return pq.read_table(buffer)


def _as_parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="none", use_dictionary=False)
    return buffer.getvalue()


def geoparquet() -> bytes:
    return _as_parquet(_town_table())


def first_wkb() -> bytes:
    return bytes(_town_table()["geometry"][0].as_py())


def with_wkb(blob: bytes) -> bytes:
    """The GeoParquet whose first feature has this geometry."""
    table = _town_table()
    shapes = pa.array([blob, *table["geometry"].to_pylist()[1:]], pa.binary())
    at = table.column_names.index("geometry")
    return _as_parquet(table.set_column(at, "geometry", shapes))


def geo_metadata() -> bytes:
    return bytes(_town_table().schema.metadata[b"geo"])


def with_geo_metadata(content: bytes) -> bytes:
    return _as_parquet(_town_table().replace_schema_metadata({b"geo": content}))


def read_town(path: Path) -> Outlines:
    return read_outlines(path)


def read_with_layer(path: Path) -> Outlines:
    """Outlines, whose published coordinates are checked against the text."""
    outlines = read_outlines(path)
    layer = read_layer(path)
    there = decimals(path.read_bytes())
    given = shapely.get_coordinates(layer.geometry).ravel()
    assert {round(float(c), 9) for c in given} <= there, "a coordinate that the text has not"
    return outlines


def check_outlines(read: Outlines, inner: bytes) -> None:
    """Ids from the text, valid shapes within France, voters from the text."""
    stations = read.stations
    assert list(stations.columns) == list(Stations.to_schema().columns)
    assert stations["station_id"].is_unique
    assert len(stations)
    assert stations.crs.to_epsg() == 2154
    check_station_ids(stations["station_id"], inner)
    assert stations["commune_code"].str.match(COMMUNE_CODE).all()
    assert stations.geometry.is_valid.all()
    assert not stations.geometry.is_empty.any()
    kinds = {"Point"} if read.origin == "points" else {"Polygon", "MultiPolygon"}
    assert set(stations.geometry.geom_type) <= kinds
    if read.origin == "published":
        assert (stations.geometry.area > 0).all()
    bounds = stations.geometry.bounds
    check_inside(bounds[["minx", "maxx"]], bounds[["miny", "maxy"]])
    if read.registered is not None:
        assert set(read.registered.index) <= set(stations["station_id"])
        counts = read.registered.dropna()
        assert np.isfinite(counts).all()
        assert (counts >= 0).all()
        assert {round(float(c), 9) for c in counts} <= decimals(inner)


def read_named(path: Path) -> QuarterFile:
    """The same town as quarters, its stations' names for theirs."""
    return read_quarters(path, name_column="nomBureauVote", commune_code="44001")


def check_quarters(read: QuarterFile, inner: bytes) -> None:
    """Names that show, one a commune, on valid areas within France."""
    quarters = Quarters.check(read.quarters)
    assert len(quarters)
    assert all(name.isprintable() and name == name.strip() for name in quarters["name"])
    assert quarters.geometry.is_valid.all()
    assert (quarters.geometry.area > 0).all()
    bounds = quarters.geometry.bounds
    check_inside(bounds[["minx", "maxx"]], bounds[["miny", "maxy"]])


def check_damaged_member(*sound: str) -> Callable[[Outlines, bytes], None]:
    """The same, where only a part of the file was damaged: ids are in the other parts."""

    def check(read: Outlines, inner: bytes) -> None:
        others = b"".join(part for name in sound for part in written_town(name).values())
        check_outlines(read, inner + others)

    return check


# -- addresses -------------------------------------------------------------------------------------

BAN = (
    "id;id_fantoir;numero;rep;nom_voie;code_postal;code_insee;nom_commune;"
    "code_insee_ancienne_commune;nom_ancienne_commune;x;y;lon;lat;type_position;alias;nom_ld;"
    "libelle_acheminement;nom_afnor;source_position;source_nom_voie;certification_commune;"
    "cad_parcelles\n"
    + "".join(
        f"{code}_0001_{n:05d};;{n};{suffix};Rue Basse;75001;{code};Paris;;;{650000.5 + n};"
        "6862000.1;2.3;48.8;entrée;;;PARIS;RUE BASSE;commune;commune;1;\n"
        for n, suffix, code in ((12, "", "75101"), (14, "bis", "75101"), (3, "ter", "13201"))
    )
)
PARIS = (
    "arrondissement,bureau,numero,voie,nom,nb,ID\n"
    "06,09,4,RUE,BASSE,17,0609\n06,10,6,RUE,HAUTE,23,0610\n19,05,8,AVENUE,LONGUE,230,1905\n"
)
REU = (
    "code_commune_ref,reconstitution_code_commune,id_brut_bv_reu,id,geo_adresse,geo_type,"
    "geo_score,longitude,latitude,api_line,nb_bv_commune,nb_adresses\n"
    '29039,,29039_1,7,"4 Rue Basse, Bourg",housenumber,0.96,-3.91,47.87,1,17,2\n'
    '29039,,29039_1,7,"6 Rue Basse, Bourg",housenumber,0.96,-3.91,47.87,1,17,3\n'
    '29039,,29039_12,8,"8 Rue Haute, Bourg",street,0.9,-3.92,47.88,1,17,1\n'
    '75101,,75101_3,9,"1 Rue de Rome, Paris",housenumber,0.9,2.34,48.86,1,17,4\n'
)
RANGES = (
    "RIVOLI;VOIE;MINIMUM_PAIR;MAXIMUM_PAIR;MINIMUM_IMPAIR;MAXIMUM_IMPAIR;NUM_BV;BUREAU_DE_VOTE\n"
    "3860;TANNEURS (RUE DES);2;74;15;89;47;ECOLE\n1648;BASSE (RUE);2;70BIS;;;7;ECOLE\n"
    "9;PÊCHE (ALLEE DE LA);;;;;8;ECOLE\n12;HAUTE (RUE);4;40;1;9;1;MAIRIE\n"
)


def reu_parquet() -> bytes:
    buffer = io.BytesIO()
    pl.read_csv(REU.encode()).write_parquet(buffer, compression="uncompressed")
    return buffer.getvalue()


def read_le_mans(path: Path) -> AddressFile:
    return read_addresses(path, commune_code="72181")


def check_addresses(read: AddressFile, inner: bytes) -> None:
    """Which of the four tables it is, and what a right one is."""
    assert len(read.table)
    {"addresses": check_ban, "voters": check_voters, "points": check_points,
     "ranges": check_ranges}[read.kind](read.table, inner)  # fmt: skip


def _words_in(texts: pd.Series, inner: bytes) -> None:
    written = inner.decode("utf-8", "replace") + inner.decode("cp1252", "replace")
    for text in texts.dropna():
        assert all(word.strip('"') in written for word in str(text).replace('"', " ").split())


def check_ban(table: pd.DataFrame, inner: bytes) -> None:
    check_inside(table["x"], table["y"])
    there = decimals(inner)
    assert {round(float(v), 9) for v in (*table["x"], *table["y"])} <= there
    assert set(table["number"]) <= integers(inner)
    _words_in(table["address_id"], inner)
    _words_in(table["street"], inner)
    communes = {commune_of_arrondissement(c.decode()) for c in re.findall(rb"\w{5}", inner)}
    assert set(table["commune_code"]) <= communes


def check_voters(table: pd.DataFrame, inner: bytes) -> None:
    there = integers(inner)
    assert set(table["registered"]) <= there
    assert set(table["number"]) <= there
    assert table["registered"].between(0, MOST_VOTERS).all()
    assert table["number"].between(0, LARGEST_NUMBER).all()
    assert table["station_id"].str.match(r"75056_(0[1-9]|1\d|20)\w{2,}").all()
    _words_in(table["street"], inner)


def check_points(table: pd.DataFrame, inner: bytes) -> None:
    """No station has more addresses than the rows of the text give it."""
    check_inside(table["x"], table["y"])
    check_station_ids(table["station_id"], inner)
    assert not table.duplicated(["station_id", "x", "y"]).any()
    if inner.startswith(b"PAR1"):
        assert (table["weight"] > 0).all()
        return
    separator = max(";,\t", key=inner.decode("latin-1").split("\n")[0].count)
    text = io.StringIO(inner.decode("utf-8", "replace").lstrip("\ufeff"))
    rows = csv.DictReader(text, delimiter=separator)
    given: dict[str, float] = {}
    for row in rows:
        cells = {(k or "").strip(): v for k, v in row.items()}
        commune, _, number = str(cells.get("id_brut_bv_reu")).partition("_")
        padded = number.zfill(4) if number.isdigit() else number
        key = f"{commune_of_arrondissement(commune)}_{padded}"
        given[key] = given.get(key, 0) + float(cells.get("nb_adresses") or 0)
    for station, weight in table.groupby("station_id")["weight"].sum().items():
        assert weight <= given[str(station)], f"{station} has more addresses than published"


def check_ranges(table: pd.DataFrame, inner: bytes) -> None:
    there = integers(inner) | {0, 99_999}
    assert set(table["first_number"]) | set(table["last_number"]) <= there
    assert (table["first_number"] <= table["last_number"]).all()
    whole = (table["first_number"] == 0) & (table["last_number"] == 99_999)
    remainder = (table["side"] == "odd").astype(int)
    for end in ("first_number", "last_number"):
        assert (whole | (table[end] % 2 == remainder)).all()
    check_station_ids(table["station_id"], inner)
    _words_in(table["street"], inner)


# -- blocs and visits ------------------------------------------------------------------------------

BLOC_TABLE = (
    "# our classes\nelection_id,nuance_code,candidate,bloc,source\n"
    "2022_legi,NUP,,left,Ministère\n2022_legi,ENS,,centre,Ministère\n2022_legi,RN,,far_right,M\n"
    '2022_pres_t1,,ARTHAUD Nathalie,far_left,"M, 2022"\n2022_pres_t1,,MACRON Emmanuel,centre,M\n'
)


def check_blocs(read: pd.DataFrame, inner: bytes) -> None:
    """One row a line, its cells those of the line."""
    assert read["bloc"].isin(BLOCS).all()
    assert not read.duplicated(["election_id", "nuance_code", "candidate"]).any()
    assert (read["nuance_code"].notna() | read["candidate"].notna()).all()
    _words_in(read["candidate"], inner)
    _words_in(read["nuance_code"], inner)
    assert len(read) <= len(inner.splitlines())


DWELLINGS = {"75101_0001_00012": 3, "75101_0001_00014": 1}
STOPS = {"S0001": {1: "75101_0001_00012", 2: "75101_0001_00014"}}
VISITS = (
    "turf_id,visit_order,door,outcome,visited_at\nS0001,1,1,talked,2026-03-10 18:30\n"
    "S0001,1,2,not_home,2026-03-10 18:32\nS0001,2,1,refused,2026-03-10T18:40:00+01:00\n"
)


def read_visits(path: Path) -> list[dict[str, Any]]:
    """The visits of a grid, as a campaign of two buildings and one turf reads them."""
    file = read_grid_text(path)
    kept, _, _ = once_each(file, read_lines(file, DWELLINGS, STOPS))
    return as_visits(kept)


def check_visits(read: list[dict[str, Any]], inner: bytes) -> None:
    assert read
    there = integers(inner)
    for visit in read:
        door = int(visit["door_id"].rpartition("/")[2])
        assert visit["building_id"] in DWELLINGS
        assert 1 <= door <= DWELLINGS[visit["building_id"]]
        assert door in there
        assert visit["outcome"] in OUTCOMES
        assert visit["visited_at"].tzinfo is not None
        local = {visit["visited_at"].year, visit["visited_at"].year + 1}
        assert local & there or visit["visited_at"].year % 100 in there


# -- streets ---------------------------------------------------------------------------------------


def osm_pbf() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_pbf(Path(folder) / "town.osm.pbf", cross_town()).read_bytes()


def street_graph() -> bytes:
    edges = edge("1", "2", h="residential", n="Rue Basse") + edge("2", "3", h="steps")
    return graphml(edges).encode()


def check_streets(read: StreetFile, inner: bytes) -> None:
    """Ways with an extent, in metres; no more of them than the file can name."""
    Streets.check(pd.DataFrame(read.streets))
    assert read.streets.crs.to_epsg() == 2154
    bounds = read.streets.geometry.total_bounds
    assert np.isfinite(bounds).all()
    assert (read.streets.geometry.length > 0).all()
    assert len(read.walked)


# -- what is behind doors --------------------------------------------------------------------------

DOORS = (
    "number;suffix;street;staircase;floor;door;doors\n1;;Rue Basse;A;RDC;;2\n"
    "1;bis;Rue Basse;B;3e;gauche;\n14;;Rue Haute;;-1;12;3\n"
)


def read_door_rows(path: Path) -> pd.DataFrame:
    return read_doors(path).rows


def check_doors(read: pd.DataFrame, inner: bytes) -> None:
    """Each row is a door of a line that is there, no label longer than a label."""
    assert len(read)
    assert read["line"].between(2, len(inner.splitlines()) + 1).all()
    assert (read["label"].str.len() <= LONGEST).all()
    assert (read["staircase"].str.len() <= LONGEST).all()
    assert read["floor"].dropna().between(-99, 99).all()
    assert (read.groupby("line").size() <= 999).all()
    assert ((read["building_id"] != "") | (read["street"] != "")).all()


# -- what is kept of a national file ---------------------------------------------------------------

WANTED = frozenset({"01001"})


def national_features() -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"codeBureauVote": f"{code}_{n}", "nom": 'É"{[}] \\ '},
            "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        }
        for code in ("01001", "01002", "01001")
        for n in (1, 2)
    ]
    collection = {"type": "FeatureCollection", "crs": None, "features": features}
    text = json.dumps(collection, ensure_ascii=False)
    return text.replace('{"type": "Feature"', '\n{"type": "Feature"').encode()


NATIONAL_ROWS = (
    'id,"id_brut_bv_reu",adresse,x\n1,01001_1,"4 Rue, Bourg",2.5\n2,"01002_1",5 Rue,3\n'
    "3,01001_12,6 Rue,4.5\n4,29039_1,7 Rue,1\n5,01001_3,8 Rue,9\n"
)


def kept_by(keeper: Callable[[], Keeper]) -> Callable[[Path], tuple[Keeper, bytes]]:
    """What a keeper keeps of a file that comes in pieces of any size."""

    def read(path: Path) -> tuple[Keeper, bytes]:
        content, keeping = path.read_bytes(), keeper()
        chance, out, at = random.Random(content), [], 0
        while at < len(content):
            size = chance.choice((1, 7, 64, 1000))
            out.append(keeping.feed(content[at : at + size]))
            at += size
        return keeping, b"".join(out) + keeping.finish()

    return read


def _strict(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def check_features(read: tuple[Keeper, bytes], inner: bytes) -> None:
    """Whole features of the communes asked for, as they stand in the text."""
    keeper, kept = read
    features = json.loads(kept, parse_constant=_strict)["features"]
    assert len(features) == keeper.kept
    for feature in features:
        code = feature["properties"]["codeBureauVote"]
        assert str(code)[:5] in WANTED
        assert feature in _objects(inner), "a feature that the text has not"
    try:
        given = json.loads(inner, parse_constant=_strict)["features"]
    except (ValueError, TypeError, KeyError):
        return  # damaged before or after its features, which came whole
    wanted = [f for f in given if str(f["properties"].get("codeBureauVote"))[:5] in WANTED]
    assert features == wanted, "all of them, in their order"


def _objects(content: bytes) -> list[Any]:
    """Each object that begins somewhere in the text and ends."""
    text, decoder, found = content.decode(), json.JSONDecoder(), []
    for match in re.finditer(r"\{", text):
        try:
            found.append(decoder.raw_decode(text, match.start())[0])
        except ValueError:
            continue
    return found


def check_rows(read: tuple[Keeper, bytes], inner: bytes) -> None:
    """Whole lines of the text, of the communes asked for, under its header."""
    keeper, kept = read
    header, *rows = kept.removesuffix(b"\n").split(b"\n")
    lines = inner.split(b"\n")
    assert header == lines[0]
    assert len(rows) == keeper.kept
    separator = ";" if header.count(b";") > header.count(b",") else ","
    cells = next(csv.reader([header.decode("utf-8-sig", "replace")], delimiter=separator))
    at = [c.strip().strip('"') for c in cells].index("id_brut_bv_reu")
    for row in rows:
        assert row in lines
        there = next(csv.reader([row.decode("utf-8", "replace")], delimiter=separator))
        assert len(there) == len(cells), "half a row"
        assert there[at].strip(' "\r')[:5] in WANTED
