"""What comes from portals, servers and other programs: read, asked, or named for what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from targeting.errors import SourceError
from targeting.sources.layers.reading import read_layer
from targeting.sources.outlines.reading import Outlines, read_outlines
from targeting.sources.streets.reading import read_streets
from tests.official import geojson, square

RINGS = [square(-1.5 + 0.01 * i, 47.2) for i in range(4)]
SHAPES = [shapely.Polygon(rings[0]) for rings in RINGS]
UNKNOWN_DATUM = (
    'PROJCS["Lambert_II",GEOGCS["unknown",DATUM["D_Unknown",SPHEROID["Clarke_1880_IGN",6378249.2,'
    '293.46602]],PRIMEM["Paris",2.337229166666667],UNIT["Grad",0.01570796326794897]],PROJECTION['
    '"Lambert_Conformal_Conic_1SP"],PARAMETER["latitude_of_origin",52],PARAMETER["central_meridian"'
    ',0],PARAMETER["scale_factor",0.99987742],PARAMETER["false_easting",600000],PARAMETER['
    '"false_northing",2200000],UNIT["Meter",1]]'
)


def read(folder: Path, text: str, name: str = "layer.geojson", **options: Any) -> Outlines:
    path = folder / name
    path.write_text(text)
    return read_outlines(path, commune_code="44001", **options)


def layer(geometries: list[Any] | None = None, **members: object) -> str:
    document = json.loads(geojson([({"num_bv": i + 1}, r) for i, r in enumerate(RINGS)], **members))
    for feature, geometry in zip(document["features"], geometries or [], strict=False):
        feature["geometry"] = geometry
    return json.dumps(document)


@pytest.mark.parametrize("write", [lambda s: s.wkt, lambda s: "SRID=4326;" + s.wkt,
                                   lambda s: s.wkb_hex, shapely.to_geojson])  # fmt: skip
@pytest.mark.parametrize("header", ["geo_shape", "Geo Shape", "WKT"])
def test_the_outlines_of_a_table_are_read_rather_than_its_points(
    tmp_path: Path, header: str, write: Any
) -> None:
    rows = "\n".join(f"{i + 1}|47.2, -1.5|{write(s)}" for i, s in enumerate(SHAPES))
    text = f"num_bv|Geo Point|{header}\n{rows}\n".replace('"', '""').replace("{", '"{')
    found = read(tmp_path, text.replace("}", '}"'), "table.csv")
    assert (len(found.stations), found.origin) == (4, "published")


def test_the_second_geometry_of_a_parquet_file_is_read(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame(
        {"num_bv": range(1, 5)}, geometry=[s.centroid for s in SHAPES], crs=4326
    )
    table.assign(shape=gpd.GeoSeries(SHAPES, crs=4326)).to_parquet(tmp_path / "a.parquet")
    assert read_outlines(tmp_path / "a.parquet", commune_code="44001").origin == "published"


def test_of_a_collection_the_polygons_are_kept_and_the_rest_is_told(tmp_path: Path) -> None:
    polygon = {"type": "Polygon", "coordinates": RINGS[0]}
    line = {"type": "LineString", "coordinates": [[-1.5, 47.2], [-1.4, 47.2]]}
    nested: dict[str, Any] = {"type": "GeometryCollection", "geometries": [polygon, line]}
    found = read(tmp_path, layer([{"type": "GeometryCollection", "geometries": [nested]}]))
    assert len(found.stations) == 4
    assert "left out of 44001_0001: a line" in found.notes
    found = read(tmp_path, layer([line]))
    assert len(found.stations) == 3
    assert "left out of 44001_0001: a line, and no polygon" in found.notes


def test_an_open_ring_is_closed_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, layer([{"type": "Polygon", "coordinates": [RINGS[0][0][:-1]]}]))
    assert found.stations.geometry.iloc[0].area == pytest.approx(843_000, rel=0.05)
    assert found.notes[0].startswith("rings closed")


@pytest.mark.parametrize(
    ("members", "words"),
    [({"exceededTransferLimit": True}, "server stopped after 4"),
     ({"properties": {"exceededTransferLimit": True}}, "server stopped after 4"),
     ({"numberMatched": 5, "numberReturned": 4}, "4 of 5 features"),
     ({"totalFeatures": 5}, "4 of 5 features"),
     ({"links": [{"rel": "next", "href": "x"}]}, "there is a next page")],
)  # fmt: skip
def test_a_layer_that_says_it_is_not_whole_is_not_taken_for_whole(
    tmp_path: Path, members: dict[str, Any], words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        read(tmp_path, layer(**members))
    assert len(read(tmp_path, layer(numberMatched=4, totalFeatures="unknown")).stations) == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [('<?xml version="1.0"?>\n<kml/>', "a KML file"), ("Version 300\nDelimiter \",\"\n", "MapInfo"),
     ("!table\n!version 300\n", "MapInfo .tab alone"), ("  0\nSECTION\n", "DXF"),
     ("<!DOCTYPE qgis><qgis/>", "a QGIS project"), ('<wfs:FeatureCollection xmlns:wfs="x"/>', "GML"),
     ('PROJCS["x"]', ".prj alone"), ("fgb\x03fgb", "FlatGeobuf"), ("<html>", "a web page"),
     ('{"error": {"code": 400}}', "a server's error message"), ('{"osm3s": {}, "elements": []}',
     "an Overpass answer"), ("<svg>", "SVG")],
)  # fmt: skip
def test_other_formats_are_named_for_what_they_are(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read(tmp_path, text)


def test_lines_of_features_and_arcgis_features_are_read(tmp_path: Path) -> None:
    document = json.loads(layer())
    lines = [json.dumps(f) for f in document["features"]]
    for text in ("\n".join(lines), "".join(f"\x1e{line}\n" for line in lines)):
        assert len(read(tmp_path, text).stations) == 4
    esri = {"spatialReference": {"wkid": 4326}, "features": [
        {"attributes": {"num_bv": i + 1}, "geometry": {"rings": r}} for i, r in enumerate(RINGS)
    ]}  # fmt: skip
    assert len(read(tmp_path, json.dumps(esri)).stations) == 4


def test_a_datum_that_is_not_known_is_a_question_for_outlines_points_and_streets(
    tmp_path: Path,
) -> None:
    crs = {"type": "name", "properties": {"name": UNKNOWN_DATUM}}
    shapes = gpd.GeoSeries(SHAPES, crs=4326).to_crs(27572)
    for shape in (lambda s: s, lambda s: s.centroid):
        text = layer([json.loads(shapely.to_geojson(shape(s))) for s in shapes], crs=crs)
        with pytest.raises(SourceError, match=r"by a guess.*--crs EPSG:27572"):
            read(tmp_path, text)
        found = read(tmp_path, text, crs="EPSG:27572").stations
        right = gpd.GeoSeries(SHAPES, crs=4326).to_crs(2154).centroid
        assert found.geometry.centroid.distance(right).max() < 1
    lines = [json.loads(shapely.to_geojson(s.exterior)) for s in shapes]
    path = tmp_path / "streets.geojson"
    path.write_text(layer(lines, crs=crs))
    with pytest.raises(SourceError, match=r"by a guess.*--crs EPSG:27572"):
        read_streets(path)
    assert len(read_streets(path, crs="EPSG:27572").streets) == 4


@pytest.mark.parametrize(
    ("said", "real", "words"),
    [("EPSG:2154", "EPSG:4326", "degrees, and it says that they are metres"),
     ("EPSG:4326", "EPSG:2154", r"no degrees.*EPSG:2154 \(Lambert-93\)"),
     ("EPSG:4326", "EPSG:3857", r"no degrees.*EPSG:3857 \(Web Mercator\)"),
     ("EPSG:2154", "EPSG:27572", r"outside mainland.*EPSG:27572")],
)  # fmt: skip
def test_numbers_that_cannot_be_in_the_system_claimed_are_named(
    tmp_path: Path, said: str, real: str, words: str
) -> None:
    moved = gpd.GeoSeries(SHAPES, crs=4326).to_crs(real)
    text = layer([json.loads(shapely.to_geojson(s)) for s in moved],
                 crs={"type": "name", "properties": {"name": said}})  # fmt: skip
    with pytest.raises(SourceError, match=words):
        read(tmp_path, text)


def test_latitude_first_is_named(tmp_path: Path) -> None:
    swapped = [{"type": "Polygon", "coordinates": [[[y, x] for x, y in r[0]]]} for r in RINGS]
    path = tmp_path / "a.geojson"
    path.write_text(layer(swapped))
    with pytest.raises(SourceError, match="latitude and longitude are swapped"):
        read_layer(path)
