"""Sheets of the map, read back: all that makes a map readable far from the screen is on them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from itertools import combinations

import pypdfium2
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from targeting.exports.map_sheet import (
    CHOSEN,
    HATCH,
    PAPERS,
    QUARTERS,
    UNKNOWN,
    LegendRow,
    MapSheet,
    write_map_sheet,
)
from targeting.exports.station_map import NOTHING, Ground, StationMap, draw_stations
from targeting.exports.station_map import UNKNOWN as UNKNOWN_CLASS
from targeting.palette import LIGHT, LIGHT_THEME
from tests.examples import examples
from tests.exports.towns_on_paper import SIDE_M, town

DAY = date(2026, 11, 27)
MM = 72 / 25.4
LEGEND = (78.0, 62.0)
HOSTILE = (
    '"x" #let x = 1 $y$ *gras* _it_ @ref <label> \\ // [c]', "#panic()", "\u202erue de droite",
    "شارع الحرية", "רחוב", "=CMD()", "<script>alert(1)</script>", "</svg> & ]]> {accolade}",
    "R" * 200, "Rue\nà\tla\rligne", "- tiret", "= titre", "1. liste", "https://exemple.fr/a",
)  # fmt: skip


def sheet_of(shown: StationMap, **given) -> MapSheet:
    rows = [LegendRow(LIGHT[4], "très prioritaire : 33 à 42 abstentionnistes de gauche pour 100 inscrits"),
            LegendRow(LIGHT[0], "très peu prioritaire : 6 à 16")]  # fmt: skip
    plain = {
        "title": "Où aller d’abord · Ville",
        "legend_title": "Priorité",
        "legend": rows,
        "credits": ["Une source"],
    }
    return MapSheet(shown, **(plain | given))


def page_of(made: bytes) -> pypdfium2.PdfPage:
    pdf = pypdfium2.PdfDocument(made)
    assert len(pdf) == 1
    return pdf[0]


def text_of(made: bytes) -> str:
    return re.sub(r"\s+", " ", page_of(made).get_textpage().get_text_range())


def letters_outside(page: pypdfium2.PdfPage, margin: float) -> list[str]:
    """Letters whose middle is not on the page, its margin off."""
    width, height = page.get_size()
    text, out = page.get_textpage(), []
    for n in range(text.count_chars()):
        left, bottom, right, top = text.get_charbox(n)
        x, y = (left + right) / 2, (bottom + top) / 2
        inside = margin - 1 <= x <= width - margin + 1 and margin - 1 <= y <= height - margin + 1
        if right > left and not inside:
            out.append(text.get_text_range(n, 1))
    return out


def test_a_sheet_says_its_title_its_day_its_legend_with_units_its_scale_and_its_sources():
    notes = ["14 bureaux n’ont pas de contour"]
    told = text_of(write_map_sheet(sheet_of(town(), about="6 bureaux", notes=notes), today=DAY))
    for words in (
        "Où aller d’abord · Ville", "27 novembre 2026", "6 bureaux", "Priorité",
        "très prioritaire : 33 à 42 abstentionnistes de gauche pour 100 inscrits",
        "très peu prioritaire : 6 à 16", notes[0], "Une source", "un score porte sur un lieu",
    ):  # fmt: skip
        assert words in told
    assert re.search(r"\b(50|100|200) m\b", told)
    assert re.search(r"\bN\b", told)


@pytest.mark.parametrize("paper", sorted(PAPERS))
@pytest.mark.parametrize(("across", "up", "lying"), [(9, 2, True), (2, 9, False)])
def test_a_sheet_lies_or_stands_as_the_town_does_and_a_picture_has_the_same_layout(
    paper, across, up, lying
):
    sheet = sheet_of(town(across, up))
    width, height = page_of(write_map_sheet(sheet, paper=paper, today=DAY)).get_size()
    sides = (PAPERS[paper].width, PAPERS[paper].height)
    assert (round(width / MM), round(height / MM)) == (sides if lying else sides[::-1])
    picture = Image.open(io.BytesIO(write_map_sheet(sheet, paper=paper, kind="png", today=DAY)))
    assert picture.size == pytest.approx((width * 150 / 72, height * 150 / 72), abs=1)


@pytest.mark.parametrize("kind", ["pdf", "png"])
def test_the_same_map_and_day_give_the_same_bytes(kind):
    sheet = sheet_of(town(quarters=["Le Port"]))
    assert write_map_sheet(sheet, kind=kind, today=DAY) == write_map_sheet(
        sheet, kind=kind, today=DAY
    )


@settings(max_examples=examples(15))
@given(st.integers(1, 9), st.integers(1, 9))
def test_the_legend_lies_on_no_station(across, up):
    ground = Ground(town(across, up))
    place = ground.place(277, 165, LEGEND)
    w, h = LEGEND
    left = 0 if "left" in place.corner else place.width - w
    top = 0 if "top" in place.corner else place.height - h
    legend = shapely.box(left, top, left + w, top + h)
    assert not shapely.intersects(place.on_paper(ground.shapes), legend).any()


def test_a_chosen_station_that_a_filter_leaves_out_is_not_under_the_legend_either():
    shown = town(6, 4, is_shown=[n != 0 for n in range(24)], is_chosen=[n == 0 for n in range(24)])
    ground = Ground(shown)
    place = ground.place(277, 165, LEGEND)
    west, _, _, south = shapely.bounds(place.on_paper(ground.shapes[0]))
    assert not (place.corner == "bottom left" and west < LEGEND[0] and south > 165 - LEGEND[1])


def test_the_scale_bar_is_as_long_as_what_it_says():
    ground = Ground(town(5, 1))
    place = ground.place(277, 165, (0, 0))
    drawing = draw_stations(ground, place, (0, 0))
    west, _, east, _ = shapely.total_bounds(place.on_paper(ground.shapes))
    assert (east - west) / (5 * SIDE_M) == pytest.approx(
        drawing.scale_mm / drawing.scale_m, rel=0.01
    )


def test_there_is_one_path_a_class_and_north_is_up():
    ground = Ground(town(5, 4))
    drawing = draw_stations(ground, ground.place(277, 165, (0, 0)), (0, 0))
    for colour in LIGHT:
        assert drawing.svg.count(f'<g fill="{colour}"><path') == 1
    at = {name["text"]: name for name in drawing.names}
    assert at["1"]["y"] > at["6"]["y"]
    assert at["1"]["x"] < at["2"]["x"]


def test_what_is_chosen_is_outlined_black_under_yellow_and_named_whatever_the_room():
    shown = town(9, 9, is_chosen=[n in (0, 40) for n in range(81)])
    ground = Ground(shown)
    drawing = draw_stations(ground, ground.place(60, 40, LEGEND), LEGEND)
    black, yellow = (
        drawing.svg.index(f'stroke="{c}"') for c in (LIGHT_THEME.chosen_casing, LIGHT_THEME.chosen)
    )
    assert black < yellow
    assert {n["text"] for n in drawing.names if n["role"] == "chosen"} == {"1", "41"}


def test_what_a_filter_leaves_out_is_pale_and_has_no_number():
    shown = town(3, 2, is_shown=[n != 2 for n in range(6)])
    ground = Ground(shown)
    drawing = draw_stations(ground, ground.place(277, 165, LEGEND), LEGEND)
    assert f'<g fill="{LIGHT_THEME.left_out}"><path' in drawing.svg
    assert f'<g fill="{LIGHT[2]}">' not in drawing.svg
    assert {n["text"] for n in drawing.names} == set("12456")


def test_hatching_is_white_on_the_strongest_class_and_dark_on_the_others():
    def hatches(klass: int) -> list[str]:
        shown = town(1, 1, class_number=[klass], is_hatched=True)
        ground = Ground(shown)
        svg = draw_stations(ground, ground.place(90, 90, (0, 0)), (0, 0)).svg
        return re.findall(r'fill="url\(#([a-z-]+)\)"', svg)

    assert [hatches(n) for n in range(5)] == [["hatch"]] * 4 + [["hatch-strong"]]


def test_nothing_yet_and_unknown_have_their_own_fill():
    shown = town(2, 1, class_number=[NOTHING, UNKNOWN_CLASS])
    ground = Ground(shown)
    svg = draw_stations(ground, ground.place(90, 90, (0, 0)), (0, 0)).svg
    assert f'<g fill="{LIGHT_THEME.nothing}"><path' in svg
    assert f'<g fill="{LIGHT_THEME.unknown}"><path' in svg
    assert 'fill="url(#unknown)"' in svg


def test_a_station_without_outline_is_a_dot_with_its_number():
    shown = town(3, 1)
    shown.stations.loc["13055_0002", "geometry"] = shown.stations.geometry.iloc[1].centroid
    ground = Ground(shown)
    drawing = draw_stations(ground, ground.place(277, 165, (0, 0)), (0, 0))
    assert f'<g fill="{LIGHT[1]}"><circle' in drawing.svg
    assert "2" in {n["text"] for n in drawing.names}


def test_dots_are_smaller_where_they_are_many_and_then_have_neither_edge_nor_number():
    def drawn(across: int) -> tuple[float, bool, int]:
        shown = town(across, across)
        shown.stations["geometry"] = shown.stations.geometry.centroid
        ground = Ground(shown)
        drawing = draw_stations(ground, ground.place(190, 190, (0, 0)), (0, 0))
        radius = float(
            re.search(rf'<g fill="{LIGHT[0]}"><circle[^>]* r="([0-9.]+)"', drawing.svg)[1]
        )
        return radius, 'stroke="#ffffff"' in drawing.svg, len(drawing.names)

    assert drawn(4) == (1.1, True, 16)
    radius, is_ringed, names = drawn(90)
    assert 0.35 <= radius < 0.7
    assert not is_ringed
    assert names == 0


def test_names_keep_inside_the_frame_and_off_each_other():
    shown = town(14, 9, quarters=["Le Port", "SAINT-JEAN DU DÉSERT", "L’Estaque"])
    ground = Ground(shown)
    place = ground.place(190, 130, LEGEND)
    names = draw_stations(ground, place, LEGEND).names
    assert {"Le Port", "Saint-Jean du Désert", "L’Estaque"} <= {n["text"] for n in names}
    assert all(0 <= n["x"] <= 190 and 0 <= n["y"] <= 130 for n in names)
    spots = [(n["x"], n["y"]) for n in names]
    assert min(abs(a - c) + abs(b - d) for (a, b), (c, d) in combinations(spots, 2)) > 1.5


def test_what_lies_outside_the_frame_is_counted_and_told():
    shown = town(6, 1)
    west, south, east, north = shown.view
    shown = replace(shown, view=(west, south, west + (east - west) / 20, north))
    ground = Ground(shown)
    assert draw_stations(ground, ground.place(60, 90, (0, 0)), (0, 0)).outside > 0
    far = StationMap(shown.stations, LIGHT, LIGHT_THEME, (2.0, 48.0, 2.01, 48.01))
    assert "6 bureaux sont hors du cadre." in text_of(write_map_sheet(sheet_of(far), today=DAY))


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_place_is_called_a_sheet_says_it_as_text_and_keeps_it_on_the_page(name):
    shown = town(names=[name] * 6, quarters=[name], is_chosen=[True] + [False] * 5)
    rows = [LegendRow(LIGHT[4], name), LegendRow(HATCH, name), LegendRow(UNKNOWN, name),
            LegendRow(CHOSEN, name), LegendRow(QUARTERS, name)]  # fmt: skip
    sheet = sheet_of(
        shown, title=name, about=name, legend_title=name, legend=rows, notes=[name], credits=[name]
    )
    page = page_of(write_map_sheet(sheet, today=DAY))
    assert letters_outside(page, 10 * MM) == []
    told = page.get_textpage().get_text_range()
    assert "\u202e" not in told
    assert {"27", "novembre", "2026"} <= set(told.split()), (
        "an Arabic line is read back from its other end"
    )
    if name.isascii() and len(name) < 90:
        assert re.sub(r"[\s\u200b]+", "", told).count(re.sub(r"\s+", "", name)) >= 8


def test_a_sheet_with_nothing_shown_is_still_a_sheet():
    shown = town(is_shown=False)
    rows = [LegendRow(LIGHT_THEME.left_out, "sans couleur : hors du filtre")]
    told = text_of(write_map_sheet(sheet_of(shown, legend=rows, about="0 bureau sur 6"), today=DAY))
    assert "0 bureau sur 6" in told
    assert "hors du filtre" in told
