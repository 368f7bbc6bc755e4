import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, box, shape

from targeting.errors import CrsError
from targeting.maps import streets as map_streets
from targeting.maps.files import (
    KEPT,
    backdrop_file,
    bounds_of,
    dense_bounds,
    station_map_file,
    station_point,
    station_rings,
    write_features,
)
from targeting.maps.streets import named_streets
from targeting.maps.workbench import quarters_file


def test_the_map_file_has_what_layers_read(tmp_path, board, outlines):
    file = station_map_file(tmp_path, board, outlines)
    features = json.loads(file.path.read_text())["features"]
    first = features[0]["properties"]
    assert [f["properties"]["id"] for f in features] == list(outlines["station_id"])
    assert first["fill_priority"][3] == 255
    assert {k for k in first if k.startswith("fill_")} == {
        "fill_priority", "fill_tide", "fill_abstention", "fill_left", "fill_coverage",
    }  # fmt: skip
    assert (first["abstention"], first["left"]) == (0.8, 0.5)
    assert first["tip_fr"].startswith("Bureau 101 · École <b>Jaurès</b>\nPriorité")
    assert file.url == f"/assets/{file.path.name}"
    west, south, east, north = file.bounds
    assert 5.3 < west < east < 5.5
    assert 43.2 < south < north < 43.4


def test_a_station_without_outline_is_a_dot_and_one_with_neither_is_left_out(
    tmp_path, board, outlines
):
    points = outlines.assign(geometry=outlines.centroid)
    file = station_map_file(tmp_path, board, outlines.iloc[:1], points.iloc[:2])
    features = json.loads(file.path.read_text())["features"]
    kinds = {f["properties"]["id"]: f["geometry"]["type"] for f in features}
    assert kinds == {"13055_0101": "Polygon", "13055_0102": "Point"}
    assert station_rings(file.path, "13055_0102") == []
    assert station_point(file.path, "13055_0101") is None
    at = station_point(file.path, "13055_0102")
    assert bounds_of(file, pd.Index(["13055_0102"])) == (*at, *at)
    assert bounds_of(file, pd.Index(["13055_0104"])) == file.bounds
    alone = station_map_file(tmp_path, board, None, points)
    assert len(json.loads(alone.path.read_text())["features"]) == 3


def test_the_first_view_is_of_the_dense_part():
    town = [[x / 100, y / 100, x / 100, y / 100] for x in range(10) for y in range(10)]
    island = [9.0, -50.0, 9.0, -50.0]
    assert dense_bounds(np.array([*town, island])) == (0, 0, 0.09, 0.09)
    assert dense_bounds(np.array([[1.0, 2.0, 3.0, 4.0]])) == (1, 2, 3, 4)


def test_coordinates_have_five_decimals(tmp_path, board, outlines):
    file = station_map_file(tmp_path, board, outlines)
    rings = station_rings(file.path, "13055_0101")
    assert all(round(v, 5) == v for ring in rings for point in ring for v in point)
    assert station_rings(file.path, "13055_9999") == []


def test_same_content_same_name_and_another_when_it_changes(tmp_path, board, outlines):
    one = station_map_file(tmp_path, board, outlines)
    assert station_map_file(tmp_path, board, outlines).path == one.path
    board.table.loc["13055_0101", "priority"] = 0.1
    assert station_map_file(tmp_path, board, outlines).path != one.path


def test_old_files_are_taken_away_and_others_left(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    shape = gpd.GeoSeries([LineString([(0, 0), (1, 1)])], crs="EPSG:4326")
    last = [write_features(tmp_path, "stations", shape, {"n": [n]}) for n in range(KEPT + 5)][-1]
    assert len(list(tmp_path.glob("stations-*.json"))) == KEPT
    assert last.path.exists()
    assert (tmp_path / "other.json").exists()


def test_degrees_are_refused(tmp_path, board, outlines):
    with pytest.raises(CrsError):
        station_map_file(tmp_path, board, outlines.to_crs(4326))


def test_no_backdrop_no_file(tmp_path):
    assert backdrop_file(tmp_path, {}) is None
    rail = gpd.GeoDataFrame(geometry=[LineString([(893000, 6247000), (893400, 6247000)])], crs=2154)
    file = backdrop_file(tmp_path, {"rail": rail})
    assert json.loads(file.path.read_text())["features"][0]["properties"] == {"kind": "rail"}


def test_quarters_are_drawn_with_a_point_for_their_name_the_widest_first(tmp_path):
    shapes = [box(893000, 6247000, 893400, 6247400), box(893400, 6247000, 894400, 6247400)]
    table = {"name": ["LE PANIER", "L'ESTAQUE"], "commune_code": "13055"}
    file = quarters_file(tmp_path, gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:2154"))
    features = json.loads(file.path.read_text())["features"]
    assert [f["properties"] for f in features] == [
        {"name": "Le Panier"}, {"name": "L'Estaque"},
        {"name": "Le Panier", "rank": 2}, {"name": "L'Estaque", "rank": 1},
    ]  # fmt: skip
    outlines, points = features[:2], features[2:]
    assert {f["geometry"]["type"] for f in points} == {"Point"}
    for outline, point in zip(outlines, points, strict=True):
        assert shape(outline["geometry"]).contains(Point(point["geometry"]["coordinates"]))


def ways(*rows):
    """Pieces of streets of 100 m, end to end from west to east: name and kind."""
    lines = [LineString([(100 * n, 0), (100 * n + 100, 0)]) for n in range(len(rows))]
    table = pd.DataFrame(rows, columns=["street", "kind"]).astype({"street": "str"})
    return gpd.GeoDataFrame(table, geometry=lines, crs="EPSG:2154")


def test_a_street_is_one_line_with_its_name_and_the_unnamed_are_one_without(tmp_path):
    town = ways(("Rue A", "residential"), ("Rue A", "bridge"), (None, "path"), ("Rue B", "primary"),
                ("Escalier C", "stairs"), (" ", "path"))  # fmt: skip
    drawn = named_streets(town)
    told = {w or "": g.length for w, g in zip(drawn["written"], drawn.geometry, strict=True) if w}
    assert told == {"Rue A": 200, "Rue B": 100}
    assert drawn.geometry.length.sum() == 600
    assert drawn.geometry[drawn["written"] == "Rue A"].iloc[0].geom_type == "LineString"
    file = backdrop_file(tmp_path, {"streets": drawn})
    kept = [f["properties"] for f in json.loads(file.path.read_text())["features"]]
    assert [p for p in kept if "name" in p] == [
        {"kind": "streets", "name": "Rue B"}, {"kind": "streets", "name": "Rue A"},
    ], "the one that crosses the town comes first"  # fmt: skip
    assert len(named_streets(town.iloc[:0])) == 0


def test_a_town_of_many_streets_has_the_names_of_its_larger_ones(monkeypatch):
    town = ways(("Rue A", "residential"), ("Rue B", "primary"), ("Rue C", "street"))
    monkeypatch.setattr(map_streets, "MOST_WRITTEN", 3)
    assert set(named_streets(town)["written"]) == {"Rue A", "Rue B", "Rue C"}
    monkeypatch.setattr(map_streets, "MOST_WRITTEN", 2)
    assert set(named_streets(town)["written"].dropna()) == {"Rue B"}
    without_classes = town.assign(kind="street")
    assert len(named_streets(without_classes)["written"].dropna()) == 3
