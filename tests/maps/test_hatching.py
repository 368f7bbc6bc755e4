"""Hatching: parallel lines inside the doubtful stations alone."""

from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry import box

from targeting.maps.hatching import hatch_file, hatch_layer, hatch_lines


def test_lines_lie_inside_their_shape_at_45_degrees_and_evenly_apart() -> None:
    shapes = gpd.GeoSeries([box(0, 0, 100, 100), box(100, 0, 180, 40)], index=["a", "b"], crs=2154)
    lines = hatch_lines(shapes, spacing_m=10)
    assert lines.index.to_list() == ["a", "b"]
    for name, shape in shapes.items():
        assert shape.buffer(1e-6).covers(lines[name])
        for line in shapely.get_parts(lines[name]):
            (x0, y0), (x1, y1) = line.coords[0], line.coords[-1]
            assert np.isclose(abs(x1 - x0), abs(y1 - y0))
    assert np.isclose(lines["a"].length, 100 * 100 / 10, rtol=0.1), "area / spacing"


def test_only_doubtful_stations_are_hatched_and_the_filters_know_them(
    tmp_path, board, outlines
) -> None:
    assert hatch_file(tmp_path, board, outlines) is None, "nothing to doubt"
    first = board.table.index[0]
    table = board.table.assign(reasons="")
    table.loc[first, "reasons"] = "recut:2022_legi_t1|uncertain:2022_legi_t1"
    doubted = replace(board, table=table)
    assert doubted.doubtful.to_list() == [first]
    file = hatch_file(tmp_path, doubted, outlines)
    assert file is not None
    (feature,) = json.loads(file.path.read_text())["features"]
    assert feature["geometry"]["type"] in ("LineString", "MultiLineString")
    assert feature["properties"]["left"] == round(float(table.loc[first, "left_share"]), 4)
    layer = json.loads(hatch_layer(file, min_left=0.3).to_json())
    assert layer["filterRange"] == [[-2.0, 1.0], [0.3, 1.0]]
