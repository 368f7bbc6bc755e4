"""Outlines built from points: a partition of the commune, each voter inside their own station."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from targeting.errors import TargetingError
from targeting.stations.built import Built, build_outlines, commune_of, hull_of
from targeting.stations.faces import FEW, borders_between
from targeting.stations.sides import points_between_doors

WEST, SOUTH = 652_000.0, 6_862_000.0


def town(*rows: tuple[float, float, str], weight: float = 10) -> pd.DataFrame:
    """Points in metres from the town's corner, each with its station's number."""
    return pd.DataFrame(
        {
            "station_id": [f"44001_{number}" for *_, number in rows],
            "vintage": "2022",
            "commune_code": "44001",
            "x": [WEST + x for x, *_ in rows],
            "y": [SOUTH + y for _, y, _ in rows],
            "weight": float(weight),
        }
    )


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(WEST + west, SOUTH + south, WEST + east, SOUTH + north)


SQUARE = box(0, 0, 1000, 1000)


def assert_partition(built: Built, commune: shapely.Geometry) -> None:
    """No gap, no overlap, shared vertices, valid polygons, one row a station."""
    outlines = built.stations.geometry
    assert outlines.is_valid.all()
    assert shapely.coverage_is_valid(outlines.to_numpy())
    assert built.is_coverage
    assert outlines.area.sum() == pytest.approx(commune.area, rel=1e-6)
    union = shapely.union_all(outlines.to_numpy())
    assert shapely.symmetric_difference(union, commune).area <= 1e-6 * commune.area
    assert max(built.gap, built.overlap) <= 1e-6
    assert built.stations["station_id"].is_unique
    assert set(built.stations["origin"]) == {"built"}
    assert built.stations.crs.to_epsg() == 2154


def test_two_streets_part_the_town_half_way() -> None:
    rows = [(200, y, "0001") for y in range(50, 1000, 100)]
    rows += [(800, y, "0002") for y in range(50, 1000, 100)]
    built = build_outlines(town(*rows), SQUARE)
    assert_partition(built, SQUARE)
    west, east = built.stations.geometry
    assert west.area == pytest.approx(500_000) == east.area
    assert shapely.intersection(west, east).length == pytest.approx(1000)
    assert (built.inside_share, built.fragments, built.shared_points) == (1.0, 0, 0)


def test_a_few_points_in_a_corner_part_the_whole_commune() -> None:
    built = build_outlines(town((1, 50, "0001"), (50, 1, "0002")), SQUARE)
    assert_partition(built, SQUARE)
    assert built.stations.geometry.area.to_list() == [pytest.approx(500_000), pytest.approx(5e5)]
    assert built.inside_share == 1.0


def test_one_station_has_the_whole_commune_and_one_point_is_enough() -> None:
    for points in (town((5, 5, "0001")), town((5, 5, "0001"), (900, 900, "0001"))):
        built = build_outlines(points, SQUARE)
        assert_partition(built, SQUARE)
        assert len(built.stations) == 1


def test_points_on_one_line_part_it() -> None:
    built = build_outlines(town(*((100.0 * i, 500, f"000{i}") for i in range(1, 10))), SQUARE)
    assert_partition(built, SQUARE)
    assert len(built.stations) == 9
    assert built.inside_share == 1.0


def test_a_building_of_two_stations_goes_to_the_one_with_more_voters() -> None:
    points = town((100, 100, "0001"), (900, 900, "0002"), (100, 100, "0003"), (900, 900, "0001"))
    points["weight"] = [30.0, 20.0, 12.0, 5.0]
    built = build_outlines(points, SQUARE)
    assert_partition(built, SQUARE)
    assert (built.shared_points, built.shared) == (2, 17.0)
    assert built.without == ["44001_0003"]
    assert built.inside == 50.0
    assert built.inside_share == pytest.approx(50 / 67)


def crowd(number: str, west: float, east: float, weight: float = 100) -> pd.DataFrame:
    rows = [(x, y, number) for x in np.arange(west + 25, east, 50) for y in range(25, 1000, 50)]
    return town(*rows, weight=weight)


def test_a_lone_address_among_another_station_is_absorbed_and_told() -> None:
    points = pd.concat([crowd("0001", 0, 500), crowd("0002", 500, 1000),
                        town((240, 510, "0002"), weight=3)])  # fmt: skip
    built = build_outlines(points, SQUARE)
    assert_partition(built, SQUARE)
    assert set(built.stations.geometry.geom_type) == {"Polygon"}
    assert all(len(part.interiors) == 0 for part in built.stations.geometry)
    assert (built.fragments, built.moved) == (1, 3.0)
    assert built.weight - built.inside == 3.0


def test_an_island_with_many_voters_stays_its_stations() -> None:
    points = pd.concat([crowd("0001", 0, 500), crowd("0002", 500, 1000),
                        town((240, 510, "0002"), weight=2 * FEW * 20_000)])  # fmt: skip
    built = build_outlines(points, SQUARE)
    assert_partition(built, SQUARE)
    assert built.fragments == 0
    assert built.inside_share == 1.0
    assert built.stations.geometry.geom_type.to_list() == ["Polygon", "MultiPolygon"]


def test_an_island_of_the_sea_without_voters_stays_with_the_nearest_station() -> None:
    commune = shapely.union_all([SQUARE, box(1200, 100, 1300, 200)])
    built = build_outlines(pd.concat([crowd("0001", 0, 500), crowd("0002", 500, 1000)]), commune)
    assert_partition(built, commune)
    nearest = built.stations.set_index("station_id").geometry["44001_0002"]
    assert shapely.intersects(nearest, box(1210, 110, 1220, 120))


COMMUNES = {
    "square": SQUARE,
    "corner": shapely.difference(SQUARE, box(400, 300, 1000, 1000)),
    "pond": shapely.difference(SQUARE, box(400, 400, 620, 480)),
    "shores": shapely.union_all([SQUARE, box(1100, 0, 1400, 900)]),
    "tooth": shapely.Polygon(
        [(WEST + x, SOUTH + y) for x, y in ((0, 0), (1000, 7), (800, 950), (503, 33), (90, 990))]
    ),
}
place = st.integers(0, 20).map(lambda n: 50.0 * n) | st.floats(0, 1000, allow_nan=False)
points_of = st.lists(st.tuples(place, place, st.sampled_from(["0001", "0002", "0003", "004A"])),
                     min_size=1, max_size=60)  # fmt: skip


@given(points_of, st.sampled_from(sorted(COMMUNES)))
def test_whatever_the_points_the_outlines_part_the_commune(
    rows: list[tuple[float, float, str]], shape: str
) -> None:
    commune = COMMUNES[shape]
    points = town(*rows)
    built = build_outlines(points, commune)
    assert_partition(built, commune)
    assert set(built.stations["station_id"]) | set(built.without) == set(points["station_id"])
    there = shapely.contains_xy(shapely.buffer(commune, -0.01), points["x"], points["y"])
    lost = built.shared + built.moved + points["weight"][~there].sum()
    assert built.inside >= points["weight"].sum() - lost - 1e-9
    assert built.moved <= 0.004 * points["weight"].sum()


def test_without_a_polygon_the_hull_of_the_points_and_its_margin_stand_for_the_commune() -> None:
    points = pd.concat([crowd("0001", 0, 500), crowd("0002", 500, 1000)])
    built = build_outlines(points)
    assert built.from_hull
    assert_partition(built, hull_of(points))
    low, _, high, _ = shapely.total_bounds(built.commune) - WEST
    assert (low, high) == (pytest.approx(-75, abs=1), pytest.approx(1075, abs=1))
    assert build_outlines(town((5, 5, "0001"))).stations.geometry.area[0] == pytest.approx(
        np.pi * 100**2, rel=0.01
    )


def test_the_ground_between_two_doors_of_a_street_is_theirs() -> None:
    """A house of another station behind the street takes the middle, unless the street is known."""
    points = town((100, 500, "0001"), (170, 500, "0001"), (135, 507, "0002"), (900, 900, "0002"))
    spot = shapely.Point(WEST + 135, SOUTH + 502)
    ids = ["44001_0007_00002", "44001_0007_00004", "44001_0008_00001", "44001_0008_00003"]
    for known, expected in ((None, "44001_0002"), (ids, "44001_0001")):
        built = build_outlines(points.assign(address_id=known), SQUARE)
        assert_partition(built, SQUARE)
        holders = built.stations[shapely.contains(built.stations.geometry.to_numpy(), spot)]
        assert holders["station_id"].to_list() == [expected]
        assert built.inside_share == 1.0


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("44001_0007_00002", "44001_0007_00004", 1), ("44001_0007_00002_bis", "44001_0007_00006", 1),
     ("44001_0007_00002", "44001_0007_00003", 0), ("44001_0007_00002", "44001_0008_00004", 0),
     ("44001_0007_00002", None, 0), ("sans numéro", "44001_0007_00004", 0)],
)  # fmt: skip
def test_doors_follow_each_other_on_one_side_of_one_street(
    one: str, other: str | None, count: int
) -> None:
    rows = town((100, 500, "0001"), (150, 500, "0001"), (125, 520, "0002"))
    points = rows.assign(address_id=[one, other, "44001_0009_00001"])
    between = points_between_doors(points)
    assert len(between) == count
    assert between["x"].sub(WEST).to_list() == [125.0] * count
    apart = points.assign(station_id=["44001_0001", "44001_0002", "44001_0003"])
    assert points_between_doors(apart).empty
    assert points_between_doors(points.assign(x=[WEST, WEST + 500, WEST + 250])).empty
    assert points_between_doors(points.iloc[:2]).empty, "no other station near"


def test_outlines_drawn_apart_cover_one_commune() -> None:
    apart = [box(0, 0, 495, 1000), box(505, 0, 1000, 480), box(505, 520, 1000, 1000),
             box(3000, 0, 3050, 50)]  # fmt: skip
    commune = commune_of(gpd.GeoDataFrame(geometry=apart, crs="EPSG:2154"))
    assert commune.geom_type == "Polygon"
    closed = SQUARE.area - 495 * 40
    assert commune.area == pytest.approx(closed, rel=1e-3), "a street of 40 m is no gap to close"


def test_points_of_two_communes_or_none_are_refused() -> None:
    points = town((5, 5, "0001"), (9, 9, "0001"))
    with pytest.raises(TargetingError, match="have 2"):
        build_outlines(points.assign(commune_code=["44001", "44002"]), SQUARE)
    with pytest.raises(TargetingError, match="no area"):
        build_outlines(points, shapely.LineString([(WEST, SOUTH), (WEST + 9, SOUTH)]))
    with pytest.raises(TargetingError, match="have 0"):
        build_outlines(points.iloc[:0], SQUARE)


def test_borders_between_squares_of_a_row_are_their_shared_sides() -> None:
    row = np.array([shapely.box(i, 0, i + 1, 2) for i in range(4)])
    one, other, length = borders_between(row)
    pairs = {(min(p), max(p)): d for *p, d in zip(one, other, length, strict=True)}
    assert pairs == dict.fromkeys(pairwise(range(4)), 2.0)
