import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString

from targeting.errors import CrsError
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


def test_the_map_file_has_what_layers_read(tmp_path, board, outlines):
    file = station_map_file(tmp_path, board, outlines)
    features = json.loads(file.path.read_text())["features"]
    first = features[0]["properties"]
    assert [f["properties"]["id"] for f in features] == list(outlines["station_id"])
    assert first["fill_priority"][3] == 215
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
