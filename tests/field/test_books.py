"""A walk book holds every door of its turf once, in order, and nothing of anybody."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from targeting.errors import TargetingError
from targeting.field.books import Door, Stop, WalkBook
from targeting.field.gathering import build_books
from targeting.field.ground import MAP_ASPECT
from targeting.field.land import Land
from tests.field.turfs import CROSSING, DAY, HOUSES, SOUTH, WEST, book, streets, visits


def test_every_door_is_there_once_in_the_order_of_the_walk():
    built = book()
    assert [d.door_id for s in built.stops for d in s.doors] == [
        "b1/1", "b2/1", "b3/1", "b3/2", "b3/3", *(f"b4/{n}" for n in range(1, 15)),
    ]  # fmt: skip
    assert [s.order for s in built.stops] == [1, 2, 3, 4]
    assert [s.side for s in built.stops] == ["odd", "even", "even", "odd"]
    assert (built.n_open, built.n_closed, built.minutes, built.version) == (19, 0, 119, 3)


def test_a_part_of_a_tower_keeps_the_numbers_of_its_doors():
    stop = book(ranges={4: (9, 14)}).stops[3]
    assert [d.number for d in stop.doors] == list(range(9, 15))
    assert stop.is_part
    assert not stop.is_house
    assert stop.dwellings == 14
    assert book().stops[0].is_house


def test_a_closed_door_tells_nothing_and_an_open_one_its_last_visit():
    seen = visits(("b3/1", 3, "refused"), ("b3/2", 20, "refused"), ("b3/2", 8, "not_home"))
    one, two, three = book(closed={3: [1]}, seen=seen).stops[2].doors
    assert (one.is_closed, one.last_visit, one.last_outcome) == (True, None, None)
    assert (two.is_closed, two.last_outcome) == (False, "not_home")
    assert two.last_visit is not None
    assert (DAY - two.last_visit).days == 8
    assert (three.last_visit, three.last_outcome) == (None, None)
    assert book(closed={3: [1]}).n_open == 18


def test_a_described_building_is_walked_by_its_staircases():
    described = pd.DataFrame(
        {
            "building_id": "b3", "commune_code": "99001", "staircase": ["B", "A", "A"],
            "floor": pd.array([1, 0, 2], dtype="Int64"), "label": ["gauche", "", "12"],
        }
    )  # fmt: skip
    doors = book(described=described).stops[2].doors
    assert [(d.staircase, d.floor, d.label) for d in doors] == [
        ("A", 2, "12"), ("A", 0, ""), ("B", 1, "gauche"),
    ]  # fmt: skip


def test_no_field_of_a_book_is_about_a_person_or_a_score():
    named = {f.name for kind in (Door, Stop, WalkBook) for f in fields(kind)}
    words = ("name", "phone", "mail", "age", "theme", "score", "priority", "registered", "contact")
    assert [n for n in named if any(w in n.split("_") for w in words)] == []


def test_a_building_whose_address_is_gone_is_told():
    stops = pd.DataFrame(
        {"turf_id": ["S0001"], "visit_order": [1], "building_id": ["gone"], "street": [None],
         "x": [np.nan], "y": [np.nan]}
    )  # fmt: skip
    with pytest.raises(TargetingError, match="gone of turf S0001 is not among the addresses"):
        build_books(pd.DataFrame(), stops, pd.DataFrame(), campaign="c")


# -- ground ----------------------------------------------------------------------------------------


def test_streets_of_one_spelling_are_one_way_and_cut_at_the_frame():
    half = streets(
        ("Av. du Gal Leclerc", shapely.LineString([(-500, 0), (0, 0)])),
        ("Avenue du Général Leclerc", shapely.LineString([(0, 0), (500, 0)])),
        ("Rue Loin", shapely.LineString([(3000, 0), (3000, 100)])),
    )
    ground = Land(half, {}).around(np.array([WEST]), np.array([SOUTH]))
    (way,) = ground.ways
    assert (way.name, len(way.lines)) == ("Av. du Gal Leclerc", 1)
    assert way.lines[0].length == pytest.approx(ground.width_m, abs=0.2)
    assert ground.paths == ()
    assert ground.backdrop == {}


def test_a_line_without_a_name_is_a_path_and_the_backdrop_is_cut():
    ground = book().ground
    assert [w.name for w in ground.ways] == ["Cours Haut", "Rue d'Ailleurs", "Rue Basse"]
    assert len(ground.paths) == 1
    frame = shapely.box(-0.1, -0.1, ground.width_m + 0.1, ground.height_m + 0.1)
    assert all(frame.covers(s) for shapes in ground.backdrop.values() for s in shapes)
    assert set(ground.backdrop) == {"water"}


points = st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000))


@given(st.lists(points, min_size=1, max_size=30))
def test_every_stop_lies_well_inside_a_frame_of_the_maps_proportions(at):
    xy = np.array(at) + np.array([WEST, SOUTH])
    ground = Land(CROSSING, {}).around(xy[:, 0], xy[:, 1])
    local = xy - [ground.west, ground.south]
    assert ground.width_m / ground.height_m == pytest.approx(MAP_ASPECT)
    assert ground.height_m >= 220 - 1e-6
    assert (local >= 44).all()
    assert (local <= np.array([ground.width_m, ground.height_m]) - 44).all()


def test_the_same_turf_gives_the_same_book():
    assert book().ground.ways == book().ground.ways
    assert book(HOUSES).stops == book(HOUSES).stops
