"""Codes are respelled only where one station of the outlines answers one of the results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.stations.spelling import respell


def ids(*numbers: str, commune: str = "13055") -> list[str]:
    return [f"{commune}_{number}" for number in numbers]


@pytest.mark.parametrize(
    ("ours", "theirs", "rule"),
    [("0069A", "069A", "leading zeros and capitals"), ("69a", "069A", "leading zeros"),
     ("0101", "101", "leading zeros"), ("19-5", "1905", "separators"),
     ("01.05", "0105", "separators"), ("13055-0101", "0101", "the commune before"),
     ("130550101", "0101", "the commune before"), ("055-101", "0101", "the commune before")],
)  # fmt: skip
def test_a_code_takes_the_results_spelling_and_it_is_told(
    ours: str, theirs: str, rule: str
) -> None:
    found = respell(ids(ours, "0002"), ids(theirs, "0002"))
    assert found.ids == {f"13055_{ours}": f"13055_{theirs}"}
    assert len(found.notes) == 1
    assert found.notes[0].startswith("1 codes as the results write them")
    assert rule in found.notes[0]
    assert f"{ours} → {theirs}" in found.notes[0]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(["0069A", "69A"], ["069A"]), (["0069A"], ["069A", "69A"]), (["0001"], ["0002"]),
     (["0069A", "069A"], ["069A"]), (["1-11", "11-1"], ["0111"]), (["19-5"], ["0195", "1905"])],
)  # fmt: skip
def test_two_candidates_are_none(ours: list[str], theirs: list[str]) -> None:
    assert respell(ids(*ours), ids(*theirs)).ids == {}


def test_stations_of_another_commune_are_no_candidates() -> None:
    assert respell(ids("0069A"), ids("069A", commune="13001")).ids == {}


numbers = st.lists(st.from_regex(r"[0-9]{1,4}[A-B]?|[0-9]{1,2}-[0-9]{1,2}", fullmatch=True),
                   min_size=1, max_size=12)  # fmt: skip


@given(numbers, numbers)
def test_no_station_is_lost_or_shared(ours: list[str], theirs: list[str]) -> None:
    found = respell(ids(*ours), ids(*theirs)).ids
    after = [found.get(station, station) for station in set(ids(*ours))]
    assert len(after) == len(set(after))
    assert set(found.values()) <= set(ids(*theirs))
    assert not set(found) & set(ids(*theirs))
