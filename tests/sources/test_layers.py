"""Layers in every format: the same geometry comes back, and no file leads to another file."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import stat
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targeting.errors import SourceError
from targeting.sources.layers.reading import read_layer
from targeting.sources.outlines.reading import read_outlines
from tests.official import geojson, square

NAMES = ["École Jean-Zay", "Mairie"]


@pytest.fixture
def town() -> gpd.GeoDataFrame:
    """Two invented stations side by side, in degrees."""
    return gpd.GeoDataFrame(
        {"codeBureauVote": ["44001_0001", "44001_0002"], "nomBureauVote": NAMES},
        geometry=[shapely.box(-1.5, 47.2, -1.49, 47.21), shapely.box(-1.49, 47.2, -1.48, 47.21)],
        crs="EPSG:4326",
    )


def shapefile_zip(path: Path, town: gpd.GeoDataFrame, *, without: tuple[str, ...] = (),
                  encoding: str = "UTF-8", folder: str = "") -> Path:  # fmt: skip
    place = path.with_suffix("")
    place.mkdir()
    short = {column: column[:10] for column in town.columns}  # as the format cuts them
    town.rename(columns=short).to_file(place / "stations.shp", encoding=encoding)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(place.iterdir()):
            if part.suffix not in without:
                archive.write(part, f"{folder}{part.name}")
    return path


def write_as(kind: str, town: gpd.GeoDataFrame, folder: Path) -> Path:
    path = folder / f"stations.{kind}"
    if kind == "geojson":
        path.write_text(town.to_json())
    elif kind == "gpkg":
        town.to_file(path, layer="stations")
    elif kind == "zip":
        return shapefile_zip(path, town)
    elif kind == "parquet":
        town.to_parquet(path)
    elif kind == "wkb.parquet":
        table = town.drop(columns="geometry").assign(geom=town.geometry.to_wkb())
        pq.write_table(pa.Table.from_pandas(table), path)
    return path


@pytest.mark.parametrize("kind", ["geojson", "gpkg", "zip", "parquet", "wkb.parquet"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2154"])
def test_every_format_gives_the_same_stations(
    town: gpd.GeoDataFrame, tmp_path: Path, kind: str, crs: str
) -> None:
    tells = kind != "wkb.parquet" or crs == "EPSG:4326"
    path = write_as(kind, town.to_crs(crs), tmp_path)
    read = read_outlines(path, crs=None if tells else crs).stations
    assert read["station_id"].to_list() == ["44001_0001", "44001_0002"]
    assert read["name"].to_list() == NAMES
    expected = town.to_crs("EPSG:2154").geometry
    apart = read.geometry.symmetric_difference(expected).area
    assert (apart < 1e-3 * 10).all(), "ten square millimetres over 800,000 m²"
    if not tells:
        with pytest.raises(SourceError, match="--crs EPSG:2154"):
            read_outlines(path)


@pytest.mark.parametrize("kind", ["gpkg", "zip", "parquet"])
def test_a_file_cut_or_scrambled_is_refused_in_one_line(
    town: gpd.GeoDataFrame, tmp_path: Path, kind: str
) -> None:
    path = write_as(kind, town, tmp_path)
    whole = path.read_bytes()
    for size in (20, len(whole) // 4, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:size])
        with pytest.raises(SourceError, match=path.name) as caught:
            read_outlines(path)
        assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.sampled_from(["gpkg", "zip", "parquet"]), st.data())
def test_bytes_changed_anywhere_are_read_or_refused_and_nothing_else(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    path = tmp_path / f"whole.{kind}"
    if not path.exists():
        town = gpd.GeoDataFrame({"codeBureauVote": ["44001_0001"]},
                                geometry=[shapely.box(-1.5, 47.2, -1.49, 47.21)], crs="EPSG:4326")  # fmt: skip
        write_as(kind, town, tmp_path).rename(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    changed = tmp_path / f"changed.{kind}"
    changed.write_bytes(content)
    with contextlib.suppress(SourceError):
        assert read_outlines(changed).stations.crs.to_epsg() == 2154


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.sampled_from([".shp", ".shx", ".dbf", ".prj", ".cpg"]), st.data())
def test_bytes_changed_within_a_shapefile_are_read_or_refused_and_nothing_else(
    tmp_path: Path, part: str, data: st.DataObject
) -> None:
    whole = tmp_path / "whole.zip"
    if not whole.exists():
        town = gpd.GeoDataFrame({"codeBureauVote": ["44001_0001"]},
                                geometry=[shapely.box(-1.5, 47.2, -1.49, 47.21)], crs="EPSG:4326")  # fmt: skip
        shapefile_zip(whole, town)
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = bytearray(source.read(name))
            for _ in range(data.draw(st.integers(1, 6)) if name.endswith(part) else 0):
                at = data.draw(st.integers(0, len(content) - 1))
                content[at] = data.draw(st.integers(0, 255))
            target.writestr(name, bytes(content))
    with contextlib.suppress(SourceError):
        assert read_outlines(changed).stations.crs.to_epsg() == 2154


def test_a_coordinate_that_is_no_number_within_a_ring_is_refused(tmp_path: Path) -> None:
    ring = shapely.Polygon([(-1.5, 47.2), (-1.49, 47.2), (-1.49, 47.21), (-1.5, 47.21)])
    holed = shapely.transform(ring, lambda xy: np.where(xy == 47.21, np.nan, xy))
    town = gpd.GeoDataFrame({"codeBureauVote": ["44001_0001"]}, geometry=[holed], crs="EPSG:4326")
    path = tmp_path / "holed.gpkg"
    town.to_file(path)
    with pytest.raises(SourceError, match="a coordinate is not a number"):
        read_outlines(path)


# -- GeoPackage ----------------------------------------------------------------------------------


def test_a_sqlite_file_that_is_no_geopackage_is_named_so(tmp_path: Path) -> None:
    path = tmp_path / "people.gpkg"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE person (name TEXT)")
    db.close()
    with pytest.raises(SourceError, match="SQLite database, but no GeoPackage"):
        read_layer(path)


def test_a_geopackage_of_several_layers_asks_which(town: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    town.to_file(path, layer="stations")
    town.assign(idcar="a").drop(columns="codeBureauVote").to_file(path, layer="squares")
    with pytest.raises(SourceError, match=r"several layers: squares, stations.*--layer"):
        read_layer(path)
    with pytest.raises(SourceError, match="no layer “other”"):
        read_layer(path, layer="other")
    read = read_outlines(path, layer="stations")
    assert len(read.stations) == 2
    assert "layer “stations” of 2" in read.notes
    with pytest.raises(SourceError, match="idcar"):
        read_outlines(path, layer="squares", commune_code="44001")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["two.gpkg"], "nothing beside the file"


def test_a_view_of_a_geopackage_is_no_layer(town: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = tmp_path / "view.gpkg"
    town.to_file(path, layer="stations")
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE stations RENAME TO hidden")
        db.execute("CREATE VIEW stations AS SELECT * FROM hidden")
        db.execute("UPDATE gpkg_contents SET table_name = 'stations'")
    db.close()
    with pytest.raises(SourceError, match="no layer of features"):
        read_layer(path)


@pytest.mark.parametrize("name", ["layer.gpkg", "layer.geojson", "layer.shp", "layer.parquet"])
@pytest.mark.parametrize(
    "text",
    ["<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>{secret}</SrcDataSource>"
     "</OGRVRTLayer></OGRVRTDataSource>",
     '{{"type":"gdal_streamed_alg","command_line":"gdal vector read {secret}"}}',
     "/vsicurl/http://127.0.0.1:9/x.geojson", "/vsizip/{secret}", "CSV:{secret}", "{secret}"],
)  # fmt: skip
def test_text_that_gdal_would_follow_is_never_followed(
    tmp_path: Path, name: str, text: str
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("name,longitude,latitude\nAda,2.3,48.8\n")
    path = tmp_path / name
    path.write_text(text.format(secret=secret))
    with pytest.raises(SourceError) as caught:
        read_layer(path)
    assert "Ada" not in str(caught.value)


# -- zipped shapefile ----------------------------------------------------------------------------


def test_a_shapefile_without_its_system_asks_for_it(town: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = shapefile_zip(tmp_path / "a.zip", town.to_crs("EPSG:2154"), without=(".prj",))
    with pytest.raises(SourceError, match="--crs EPSG:2154"):
        read_layer(path)
    assert len(read_outlines(path, crs="EPSG:2154").stations) == 2
    with pytest.raises(SourceError, match="“lambert” is no coordinate system"):
        read_layer(path, crs="lambert")


@pytest.mark.parametrize("encoding", ["UTF-8", "CP1252"])
def test_names_of_a_shapefile_without_cpg_keep_their_accents(
    town: gpd.GeoDataFrame, tmp_path: Path, encoding: str
) -> None:
    path = shapefile_zip(tmp_path / "a.zip", town, without=(".cpg",), encoding=encoding,
                         folder="contours/2022/")  # fmt: skip
    with zipfile.ZipFile(path) as archive:  # the language byte of the table is cleared too
        parts = {n: bytearray(archive.read(n)) for n in archive.namelist()}
    for name, content in parts.items():
        if name.endswith(".dbf"):
            content[29] = 0
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, bytes(content))
    assert read_outlines(path).stations["name"].to_list() == NAMES


def test_a_shapefile_without_its_table_is_refused(town: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = shapefile_zip(tmp_path / "a.zip", town, without=(".dbf",))
    with pytest.raises(SourceError, match=r"no \.dbf"):
        read_layer(path)
    bare = tmp_path / "a" / "stations.shp"
    with pytest.raises(SourceError, match=r"Zip the \.shp"):
        read_layer(bare)


def member(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("members", "words"),
    [([(member("a.shp"), b"x"), (member("../../evil.dbf"), b"x")], "leads out"),
     ([(member("/etc/a.shp"), b"x")], "leads out"),
     ([(member("a.shp", stat.S_IFLNK | 0o777), b"/etc/passwd")], "is a link"),
     ([(member(f"{i}.shp"), b"x") for i in range(201)], "archive bomb"),
     ([(member("a.shp"), b"0" * 30_000_000)], "archive bomb"),
     ([(member("a.shp"), b"x"), (member("a.shx"), b"x"), (member("a.dbf"), b"x")], "no shapefile"),
     ([(member("a.shp"), b"x"), (member("b.shp"), b"x")], "several layers: a, b")],
)  # fmt: skip
def test_an_archive_out_of_bounds_is_refused(
    tmp_path: Path, members: list[tuple[zipfile.ZipInfo, bytes]], words: str
) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    with pytest.raises(SourceError, match=words):
        read_layer(path)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.zip"]


# -- Parquet -------------------------------------------------------------------------------------


def test_a_parquet_file_without_geometry_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"codeBureauVote": ["44001_0001"]}), path)
    with pytest.raises(SourceError, match=r"no one column of geometry .*codeBureauVote"):
        read_layer(path)
    pq.write_table(pa.table({"geometry": [b"not a geometry"]}), path)
    with pytest.raises(SourceError, match="a geometry is damaged"):
        read_layer(path)


def test_a_parquet_file_that_swells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    zeros = pa.array([bytes(1_000_000)] * 40)
    pq.write_table(pa.table({"geometry": zeros}), path, compression="zstd", use_dictionary=False)
    with pytest.raises(SourceError, match="archive bomb"):
        read_layer(path)


# -- TopoJSON ------------------------------------------------------------------------------------


def topology(**members: object) -> dict[str, object]:
    """Two squares that share a border; quantised: integers, each a step from the one before."""
    return {
        "type": "Topology",
        "transform": {"scale": [0.01, 0.01], "translate": [-1.5, 47.2]},
        "arcs": [[[1, 0], [0, 1]], [[1, 1], [-1, 0], [0, -1], [1, 0]], [[1, 0], [1, 0], [0, 1], [-1, 0]]],
        "objects": {"stations": {"type": "GeometryCollection", "geometries": [
            {"type": "Polygon", "arcs": [[0, 1]], "id": "44001-0001"},
            {"type": "MultiPolygon", "arcs": [[[2, -1]]], "id": "44001-0002", "properties": {"NOM": "Mairie"}}]}},
        **members,
    }  # fmt: skip


def test_arcs_become_polygons_that_share_their_border(tmp_path: Path) -> None:
    path = tmp_path / "a.topojson"
    path.write_text(json.dumps(topology()))
    layer = read_layer(path)
    expected = [shapely.box(-1.5, 47.2, -1.49, 47.21), shapely.box(-1.49, 47.2, -1.48, 47.21)]
    for ours, theirs in zip(layer.geometry, expected, strict=True):
        assert ours.symmetric_difference(theirs).area < 1e-15
    outlines = read_outlines(path)
    assert outlines.stations["station_id"].to_list() == ["44001_0001", "44001_0002"]
    assert "44001-0001 → 0001" in outlines.notes[0]


def test_a_topology_of_several_objects_gives_the_one_with_polygons_or_asks(tmp_path: Path) -> None:
    path = tmp_path / "a.topojson"
    whole = topology()
    stations = whole["objects"]["stations"]
    whole["objects"] = {"borders": {"type": "LineString", "arcs": [0]}, "stations": stations}
    path.write_text(json.dumps(whole))
    assert len(read_layer(path).geometry) == 2
    with pytest.raises(SourceError, match="LineString where a polygon"):
        read_layer(path, layer="borders")
    whole["objects"] = {"old": stations, "new": stations}
    path.write_text(json.dumps(whole))
    with pytest.raises(SourceError, match="several objects hold polygons: old, new"):
        read_layer(path)
    assert len(read_layer(path, layer="new").geometry) == 2


@pytest.mark.parametrize(
    "change",
    [{"arcs": []}, {"arcs": [[[1]]]}, {"arcs": None}, {"arcs": [[["a", 0], [0, 1]]]},
     {"transform": {"scale": [0.01]}}, {"objects": {"a": {"type": "Polygon", "arcs": [[9]]}}},
     {"objects": {"a": {"type": "Polygon", "arcs": [[0]]}}}, {"objects": {"a": 3}},
     {"objects": {"a": {"type": "Polygon", "arcs": []}}}],
)  # fmt: skip
def test_a_damaged_topology_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "a.topojson"
    path.write_text(json.dumps(topology(**change)))
    with pytest.raises(SourceError, match="topology is damaged"):
        read_layer(path)


# -- points --------------------------------------------------------------------------------------


def test_a_table_of_points_gives_stations_without_outline(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("codeBureauVote,codeCommune,longitude,latitude\n"
                    "44001_0001,44001,-1.5,47.2\n44001_0002,44001,-1.49,47.2\n\n"
                    "97101_0001,97101,-61.5,16.2\n")  # fmt: skip
    outlines = read_outlines(path)
    assert outlines.origin == "points"
    assert outlines.stations["station_id"].to_list() == ["44001_0001", "44001_0002"]
    assert outlines.stations.geometry.geom_type.unique().tolist() == ["Point"]
    assert "1 stations overseas left out: not read yet" in outlines.notes


def test_a_portals_point_has_its_latitude_first(tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_text("Numéro du bureau de vote;Libellé du bureau de vote;Identifiant du bureau de vote;"
                    'geo_point_2d\n5;Ecole;19-5;"48.88, 2.38"\n7;Ecole;19-7;"48.87, 2.37"\n')  # fmt: skip
    stations = read_outlines(path).stations
    assert stations["station_id"].to_list() == ["75056_1905", "75056_1907"]
    place = stations.to_crs("EPSG:4326").geometry.iloc[0]
    assert (place.x, place.y) == (pytest.approx(2.38), pytest.approx(48.88))


def test_points_of_geojson_are_stations_and_mixtures_are_refused(tmp_path: Path) -> None:
    point = {"type": "Feature", "properties": {"codeBureauVote": "44001_0003"},
             "geometry": {"type": "Point", "coordinates": [-1.5, 47.2, 12.0]}}  # fmt: skip
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [point]}))
    assert read_outlines(path).origin == "points"
    both = json.loads(geojson([({"codeBureauVote": "44001_0001"}, square(-1.5, 47.2))]))
    both["features"].append(point)
    path.write_text(json.dumps(both))
    with pytest.raises(SourceError, match="1 of 2 features are not"):
        read_layer(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [("a;b\n1;2\n", "neither a layer nor a table of points"),
     ("\ufeff\ufeff", "neither a layer nor a table of points"),
     ("codeBureauVote,lon,lat\n44001_0001,-1.5\n", "line 2: 2 fields where the header has 3"),
     ("codeBureauVote,lon,lat\n44001_0001,-1.5,nord\n", "line 2: “nord” in “lat” is no coordinate"),
     ("codeBureauVote,lon,lat\n44001_0001,-1.5,inf\n", "line 2: “inf”"),
     ("codeBureauVote,lon,lat\n", "not one point"),
     ("codeBureauVote,geo_point_2d\n44001_0001,47.2\n", "is no latitude and longitude"),
     ("codeBureauVote,x,y\n44001_0001,355000,6690000\n", "--crs EPSG:2154"),
     ("codeBureauVote,lon,lat\n44001_0001,47.2,-1.5\n", "latitude and longitude are swapped")],
)  # fmt: skip
def test_a_wrong_table_of_points_is_refused_by_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=words):
        read_outlines(path)


def test_a_layer_in_gzip_is_read_by_what_is_inside(town: gpd.GeoDataFrame, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "stations.gz"
    path.write_bytes(gzip.compress(write_as("gpkg", town, tmp_path).read_bytes()))
    assert len(read_outlines(path).stations) == 2
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(write_as("geojson", town, tmp_path), "stations.geojson")
    path.write_bytes(inner.getvalue())
    assert np.isclose(read_outlines(path).stations.geometry.area.sum(), 1_686_000, rtol=0.01)
