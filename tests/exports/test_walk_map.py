"""Names and numbers on a walk book's map: all there, none over another where there is room."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box
from shapely.affinity import rotate, translate

from targeting.exports.map_chips import CHIP_H
from targeting.exports.map_labels import MM_A_POINT, Label, text_width
from targeting.exports.map_shapes import HEIGHT, WIDTH
from targeting.exports.walk_map import MapSheet, draw_map
from tests.examples import examples
from tests.field.turfs import HOUSES, book, streets


def drawn(*places, **options) -> MapSheet:
    return draw_map(book(places or HOUSES, **options), start="DÉPART", end="ARRIVÉE")


def shape(label: Label):
    half = text_width(label.text, label.size_pt) / 2, label.size_pt * MM_A_POINT / 2
    bar = rotate(box(-half[0], -half[1], *half), label.angle, origin=(0, 0))
    return translate(bar, label.x, label.y)


def numbers(sheet: MapSheet) -> list[int]:
    """Every order number that the chips tell, ranges spelled out."""
    ends = [[int(n) for n in chip.text.split("–")] for chip in sheet.chips]
    return [n for pair in ends for n in range(pair[0], pair[-1] + 1)]


def test_every_street_of_the_frame_is_named_once():
    texts = [label.text for label in drawn().labels]
    assert sorted(texts) == ["ARRIVÉE", "Cours Haut", "DÉPART", "Rue Basse", "Rue d'Ailleurs"]


def test_a_name_stands_in_its_street_and_turns_with_it():
    found = {label.text: label for label in drawn().labels}
    assert found["Rue Basse"].is_along
    assert abs(found["Rue Basse"].angle) < 1
    assert found["Cours Haut"].is_along
    assert abs(abs(found["Cours Haut"].angle) - 90) < 1


def test_nothing_lies_on_anything_where_there_is_room():
    sheet = drawn()
    shapes = [shape(label) for label in sheet.labels]
    shapes += [
        box(c.x - c.width / 2, c.y - CHIP_H / 2, c.x + c.width / 2, c.y + CHIP_H / 2)
        for c in sheet.chips
    ]
    assert [(a, b) for a, b in combinations(shapes, 2) if a.intersects(b)] == []
    assert all(box(0, 0, WIDTH, HEIGHT).covers(s) for s in shapes)


def test_both_ends_of_the_walk_and_both_sides_can_be_told():
    chips = drawn().chips
    assert [(c.text, c.shape, c.role) for c in chips] == [
        ("1", "odd", "start"), ("2", "even", ""), ("3", "even", ""), ("4", "odd", "end"),
    ]  # fmt: skip
    (alone,) = drawn(("Rue Basse", 2, 1, (20, 48))).chips
    assert alone.role == "both"


def test_a_street_that_no_layer_has_is_still_named():
    sheet = drawn(("Impasse Perdue", 3, 1, (20, 30)), ways=None)
    assert [label.text for label in sheet.labels if label.text == "Impasse Perdue"]
    assert sheet.svg.count("<polyline") == 0


def test_crowded_numbers_share_a_range_and_none_is_lost():
    rows = [("Rue Basse", n, 1, (n * 4.0, 30 + 18 * (n % 2))) for n in range(1, 121)]
    sheet = drawn(*rows, ("Cours Haut", 7, 1, (1300, 80)))
    assert numbers(sheet) == list(range(1, 122))
    assert any(chip.shape == "range" for chip in sheet.chips)
    assert len(sheet.chips) < 121


def test_buildings_at_one_point_all_keep_their_number():
    sheet = drawn(*[("Rue Basse", n, 1, (20, 30)) for n in range(1, 13)])
    assert numbers(sheet) == list(range(1, 13))
    assert sheet.scale_m in (20, 50)
    assert sheet.scale_mm <= 46


def test_a_winding_street_bears_its_name_where_it_is_straight():
    bends = [(x, 40 + 6 * (x // 6 % 2)) for x in range(-60, 100, 6)]
    ways = streets(("Rue Basse", LineString([*bends, (100, 40), (330, 40)])))
    (label,) = [x for x in drawn(ways=ways).labels if x.text == "Rue Basse"]
    assert abs(label.angle) < 1


place = st.tuples(
    st.sampled_from(["Rue Basse", "Cours Haut", "Impasse Perdue", "#let *x* $y$"]),
    st.integers(0, 300), st.integers(1, 4),
    st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
)  # fmt: skip


@settings(max_examples=examples(25))
@given(st.lists(place, min_size=1, max_size=60))
def test_whatever_the_turf_every_number_and_street_of_it_is_on_the_map(places):
    sheet = drawn(*places)
    assert numbers(sheet) == list(range(1, len(places) + 1))
    texts = [label.text for label in sheet.labels]
    assert {street for street, *_ in places} <= set(texts)
    frame = box(0, 0, WIDTH, HEIGHT)
    assert all(frame.covers(Point(c.x, c.y)) for c in sheet.chips)
