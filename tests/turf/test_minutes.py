"""The time model."""

import pytest

from targeting.errors import TurfError
from targeting.turf import TimeModel, expected_minutes

from .conftest import buildings_at


def test_a_tower_takes_twenty_four_doors_an_hour():
    assert 60 / TimeModel().minutes_per_door("tower") == pytest.approx(24, abs=0.6)


def test_minutes_of_a_building_are_its_access_and_its_doors():
    buildings = buildings_at([(0, 0), (20, 0)], dwellings=[1, 10], kind="house")
    model = TimeModel(access_minutes=1, knock_minutes=1, house_indoor_minutes=0, opening_rate=0)
    assert expected_minutes(buildings, model).tolist() == [2, 11]


def test_a_model_out_of_range_is_refused():
    for wrong in ({"opening_rate": 1.2}, {"knock_minutes": -1}, {"walking_speed_m_s": 0}):
        with pytest.raises(TurfError, match=next(iter(wrong))):
            TimeModel(**wrong)
