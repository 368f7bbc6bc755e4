"""Doors at the bound: the last day that a door is closed, the last door that a turf has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from targeting.errors import SourceError
from targeting.households.doors import (
    LONGEST_DAYS,
    closed_doors,
    door_ranges,
    load_cooling_off,
    open_dwellings,
)
from targeting.outcomes import OUTCOMES
from targeting.turf.remainder import ranges_of, remaining_doors

from .test_doors import NOW, knocks


@pytest.mark.parametrize("outcome", ["talked", "refused"])
@pytest.mark.parametrize(("seconds_left", "closed"), [(1, 1), (0, 0), (-1, 0)])
def test_a_household_met_is_left_alone_sixty_days_to_the_second(
    outcome, seconds_left, closed
) -> None:
    met = knocks(("b/1", 60, outcome))
    met["visited_at"] += timedelta(seconds=seconds_left)
    assert len(closed_doors(met, now=NOW)) == closed


def test_who_asked_not_to_be_called_on_is_left_alone_for_ever() -> None:
    for days in (0, 60, 3650, 20_000):
        assert closed_doors(knocks(("b/1", days, "do_not_contact")), now=NOW)["door"].tolist() == [
            1
        ]
    shorter = dict.fromkeys(OUTCOMES, 0) | {"do_not_contact": None}
    met = knocks(("b/1", 0, "talked"), ("b/2", 900, "do_not_contact"))
    assert closed_doors(met, now=NOW, cooling_off=shorter)["door"].tolist() == [2]
    assert load_cooling_off(met_days=0)["do_not_contact"] is None


@pytest.mark.parametrize(
    ("days", "lawful"),
    [("0", True), (str(LONGEST_DAYS), True), (str(LONGEST_DAYS + 1), False), ("-1", False),
     ("true", False), ("1.5", False), ("'never'", True), ("'always'", False)],
)  # fmt: skip
def test_days_of_a_door_left_alone_are_none_to_ten_years(tmp_path: Path, days, lawful) -> None:
    own = tmp_path / "outcomes.toml"
    rows = dict.fromkeys(OUTCOMES, "3") | {"do_not_contact": "'never'", "moved": days}
    own.write_text("[days]\n" + "\n".join(f"{o} = {d}" for o, d in rows.items()))
    if lawful:
        assert load_cooling_off(own)["moved"] == (None if days == "'never'" else int(days))
    else:
        with pytest.raises(SourceError, match="moved cannot be used"):
            load_cooling_off(own)


def shut(building: str, *doors: int) -> pd.DataFrame:
    return pd.DataFrame({"building_id": building, "door": list(doors), "reason": "already_met"})


def test_more_doors_closed_than_dwellings_known_leave_none_open() -> None:
    buildings = pd.DataFrame({"building_id": ["a", "b"], "dwellings": [2, 2]})
    assert open_dwellings(buildings, shut("a", 1, 2, 3)).tolist() == [0, 2]


def test_a_towers_ranges_count_the_doors_that_are_open_and_no_closed_one() -> None:
    """Ten doors, 2, 3 and 10 are closed: seven open ones are shared as four and three."""
    stops = pd.DataFrame(
        {"turf_id": ["S2", "S1", "S1"], "building_id": ["t", "t", "house"], "dwellings": [3, 4, 1]}
    )
    ranges = door_ranges(stops, pd.Series({"t": 10, "house": 1}), shut("t", 2, 3, 10))
    assert ranges[["first_door", "last_door"]].to_numpy().tolist() == [[7, 9], [1, 6], [1, 1]]


def test_a_building_of_one_turf_is_its_own_from_the_first_door_to_the_last() -> None:
    stops = pd.DataFrame({"turf_id": ["S1"], "building_id": ["b"], "dwellings": [2]})
    ranges = door_ranges(stops, pd.Series({"b": 4}), shut("b", 1, 4))
    assert ranges[["first_door", "last_door"]].to_numpy().tolist() == [[1, 4]]


def test_what_is_left_of_a_tower_is_handed_out_by_open_doors_up_to_its_last() -> None:
    """Of ten doors 2, 3 and 10 are closed; each turf's range ends where the next one's begins."""
    whole = pd.DataFrame({"turf_id": ["S1"], "building_id": ["t"], "first_door": [1], "last_door": [10]})  # fmt: skip
    left = remaining_doors(whole, whole.iloc[:0], shut("t", 2, 3, 10))
    assert left.doors["door"].tolist() == [1, 4, 5, 6, 7, 8, 9]
    assert left.left_out["door"].tolist() == [2, 3, 10]
    assert left.doors_in == 10
    cut = pd.DataFrame({"turf_id": ["A", "B"], "building_id": "t", "run": 0, "dwellings": [1, 6]})
    ranges = ranges_of(cut, left)
    assert ranges[["first_door", "last_door"]].to_numpy().tolist() == [[1, 3], [4, 10]]


def test_doors_on_both_sides_of_a_kept_turf_are_two_runs() -> None:
    whole = pd.DataFrame({"turf_id": ["S1"], "building_id": ["t"], "first_door": [1], "last_door": [9]})  # fmt: skip
    kept = pd.DataFrame({"turf_id": ["S2"], "building_id": ["t"], "first_door": [4], "last_door": [6]})  # fmt: skip
    left = remaining_doors(whole, kept, shut("t", 9))
    assert left.runs[["first_door", "last_door", "dwellings"]].to_numpy().tolist() == [[1, 3, 3], [7, 9, 2]]  # fmt: skip
