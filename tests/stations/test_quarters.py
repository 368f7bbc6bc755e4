"""Stations in quarters: two squares of 1 km side by side, and what lies over their border."""

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point, box

from targeting.errors import CrsError
from targeting.stations.quarters import assign_quarters, quarter_labels


def quarters(*more: tuple[str, str, object]) -> gpd.GeoDataFrame:
    rows = [("Ouest", "13055", box(0, 0, 1000, 1000)), ("Est", "13055", box(1000, 0, 2000, 1000))]
    table = pd.DataFrame([*rows, *more], columns=["name", "commune_code", "geometry"])
    return gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:2154")


def stations(**shapes: object) -> gpd.GeoDataFrame:
    ids = [f"13055_{name}" for name in shapes]
    return gpd.GeoDataFrame({"station_id": ids}, geometry=list(shapes.values()), crs="EPSG:2154")


def found(layer: gpd.GeoDataFrame, *drawn: gpd.GeoDataFrame | None) -> dict[str, str | None]:
    told = assign_quarters(layer, *drawn)
    assert told.name == "quarter"
    return {s.split("_")[1]: None if pd.isna(q) else q for s, q in told.items()}


def test_a_station_is_of_the_quarter_with_the_largest_share_of_its_outline():
    drawn = stations(
        whole=box(100, 100, 200, 200), most=box(960, 0, 1060, 100), out=box(0, 2000, 10, 2010)
    )
    assert found(quarters(), drawn) == {"whole": "Ouest", "most": "Est", "out": None}


def test_a_twentieth_of_a_station_is_a_quarter_and_less_is_a_rough_border():
    at, under = box(1905, 0, 3805, 100), box(1914, 0, 3914, 100)  # 95 m of 1,900; 86 m of 2,000
    assert found(quarters(), stations(at=at, under=under)) == {"at": "Est", "under": None}


def test_of_quarters_one_in_the_other_the_smaller_is_taken():
    inner = ("Cité", "13055", box(400, 400, 600, 600))
    drawn = stations(inside=box(450, 450, 550, 550), half=box(300, 450, 500, 550))
    assert found(quarters(inner), drawn) == {"inside": "Cité", "half": "Ouest"}


def test_a_point_tells_where_no_outline_does():
    points = stations(a=Point(1500, 500), b=Point(1500, 500), far=Point(9000, 0))
    assert found(quarters(), stations(a=box(0, 0, 10, 10)), points) == {
        "a": "Ouest", "b": "Est", "far": None,
    }  # fmt: skip
    assert found(quarters(), None, points)["a"] == "Est"
    assert found(quarters(), None, None) == {}


def test_names_that_two_communes_share_are_told_apart_by_their_commune():
    twin = ("Est", "13001", box(0, 5000, 1000, 6000))
    assert quarter_labels(quarters()).to_list() == ["Ouest", "Est"]
    assert found(quarters(twin), stations(a=box(0, 5000, 10, 5010))) == {"a": "Est (13001)"}


def test_degrees_are_refused():
    with pytest.raises(CrsError):
        assign_quarters(quarters().to_crs(4326), stations(a=Point(0, 0)))
