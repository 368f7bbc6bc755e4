import json
from datetime import date

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box
from shapely.ops import unary_union

from targeting.maps.classes import build_classes
from targeting.maps.files import metric_classes
from targeting.maps.legend import legend_lines, place_of
from targeting.maps.workbench import looks, map_legend, map_words, workbench_file
from tests.maps.conftest import IDS

METRICS = ("priority", "tide", "abstention", "left", "coverage")


def read(file):
    features = json.loads(file.path.read_text())["features"]
    return (
        {f["properties"]["id"]: f for f in features if f["properties"]["k"] == "s"},
        {f["properties"]["of"]: f for f in features if f["properties"]["k"] == "n"},
    )


def test_each_shape_has_its_place_in_the_palette_for_each_measure(tmp_path, board, outlines):
    shapes, numbers = read(workbench_file(tmp_path, board, board.table.index, outlines))
    assert list(shapes) == list(numbers) == IDS[:3]
    first = shapes[IDS[0]]["properties"]
    assert {k for k in first if k.startswith("c_")} >= {f"c_{m}" for m in METRICS}
    assert first["c_abstention"] == 4  # the highest value has the strongest colour
    assert shapes[IDS[2]]["properties"]["c_abstention"] < 4
    assert first["tip_fr"].startswith("Bureau 101 · École <b>Jaurès</b>\nPriorité")
    assert [n["properties"]["n"] for n in numbers.values()] == ["101", "102", "103"]
    assert [n["properties"]["rank"] for n in numbers.values()] == [1, 2, 3]


def test_a_doubtful_station_is_hatched_and_no_other(tmp_path, board, outlines):
    board.table.loc[IDS[1], "reasons"] = "uncertain:2017_legi_t2"
    shapes, _ = read(workbench_file(tmp_path, board, board.table.index, outlines))
    assert [s["properties"]["hatch"] for s in shapes.values()] == [0, 1, 0]


def test_an_area_has_its_own_stations_in_the_colours_of_the_whole(tmp_path, board, outlines):
    whole, _ = read(workbench_file(tmp_path, board, board.table.index, outlines))
    part, _ = read(workbench_file(tmp_path, board, pd.Index([IDS[2], IDS[0]]), outlines))
    said = {i: part[i]["properties"] for i in part}
    assert said == {i: whole[i]["properties"] for i in (IDS[0], IDS[2])}


def test_a_station_without_outline_is_a_dot_with_its_number_on_it(tmp_path, board, outlines):
    points = gpd.GeoDataFrame(
        {"station_id": [IDS[3]]}, geometry=[Point(893100, 6247500)], crs="EPSG:2154"
    )
    shapes, numbers = read(workbench_file(tmp_path, board, board.table.index, outlines, points))
    assert shapes[IDS[3]]["geometry"]["type"] == "Point"
    assert shapes[IDS[3]]["properties"]["c_priority"] == -1
    assert numbers[IDS[3]]["geometry"] == shapes[IDS[3]]["geometry"]


def test_nothing_drawn_is_no_file(tmp_path, board, outlines):
    assert workbench_file(tmp_path, board, pd.Index([IDS[3]]), outlines) is None


def test_the_number_stands_well_within_the_largest_part(tmp_path, board):
    small, horseshoe = (
        box(893000, 6247000, 893020, 6247020),
        unary_union(
            [
                box(893100, 6247000, 893400, 6247030),
                box(893100, 6247000, 893130, 6247300),
                box(893370, 6247000, 893400, 6247300),
            ]
        ),
    )
    both = gpd.GeoDataFrame(
        {"station_id": [IDS[0]]}, geometry=[unary_union([small, horseshoe])], crs="EPSG:2154"
    )
    _, numbers = read(workbench_file(tmp_path, board, board.table.index, both))
    at = gpd.GeoSeries([Point(numbers[IDS[0]]["geometry"]["coordinates"])], crs="EPSG:4326")
    assert horseshoe.buffer(-5).contains(at.to_crs("EPSG:2154").iloc[0])


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=40))
def test_the_legend_counts_the_stations_that_the_map_paints(values):
    series = pd.Series(values, dtype="float64")
    for metric in ("priority", "coverage"):
        classes = build_classes(metric, series)
        painted = place_of(series, classes).value_counts().to_dict()
        told = {r.place: r.stations for r in legend_lines(classes, "en", "left") if r.stations}
        assert told == painted
        assert (place_of(series, classes)[series.isna()] == -1).all()


def test_the_legend_says_its_classes_in_words_strongest_first(board):
    legend = map_legend(metric_classes(board)["abstention"], "fr", share="left", title="Abstention")
    first = legend["entries"][0]
    assert first["at"] == 4
    assert legend["unit"] == "% d’abstention"
    assert first["words"].startswith("très forte\u00a0: ")
    assert legend["entries"][-1] == {"at": -1, "words": "inconnu", "count": "1 bureau"}


def test_both_themes_have_five_colours_and_every_word_of_the_map_is_there():
    assert {name: len(look["classes"]) for name, look in looks().items()} == {"light": 5, "dark": 5}
    for language in ("fr", "en"):
        assert all(map_words(language, "alt").values())


@pytest.mark.parametrize(
    ("since", "kept"),
    [(date(2026, 3, 1), IDS[1:]), (date(2026, 3, 2), IDS), (date(2026, 2, 28), IDS[1:])],
)
def test_stations_not_visited_since_a_day_are_kept_at_its_bound(board, since, kept):
    assert list(board.passing(not_visited_since=since)) == list(kept)


def test_only_sure_pasts_pass_when_asked(board):
    board.table.loc[IDS[1], "reasons"] = "uncertain:2017_legi_t2"
    assert list(board.passing(is_sure=True)) == [IDS[0], IDS[2], IDS[3]]
