"""Which doors are closed to another knock, in which order the others are walked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.errors import SourceError
from targeting.households.doors import closed_doors, load_cooling_off
from targeting.households.layouts import doors_in_order, number_doors
from targeting.households.natural import natural_key, number_key
from targeting.outcomes import OUTCOMES

NOW = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)


def knocks(*rows: tuple[str, int, str]) -> pd.DataFrame:
    """Visits as (door_id, days ago, outcome)."""
    return pd.DataFrame(
        {
            "building_id": [door.rsplit("/", 1)[0] for door, _, _ in rows],
            "door_id": [door for door, _, _ in rows],
            "visited_at": pd.to_datetime([NOW - timedelta(days=d) for _, d, _ in rows], utc=True),
            "outcome": [outcome for _, _, outcome in rows],
        }
    )


@pytest.mark.parametrize(
    ("outcome", "days_ago", "reason"),
    [
        ("talked", 59, "already_met"), ("talked", 60, None), ("refused", 59, "already_met"),
        ("do_not_contact", 3000, "do_not_contact"), ("not_home", 0, None), ("come_back", 0, None),
        ("inaccessible", 6, "inaccessible"), ("inaccessible", 7, None), ("moved", 29, "moved"),
        ("bad_address", 3000, "bad_address"),
    ],
)  # fmt: skip
def test_each_outcome_closes_its_door_for_its_own_days(outcome, days_ago, reason) -> None:
    closed = closed_doors(knocks(("b/1", days_ago, outcome)), now=NOW)
    assert closed["reason"].tolist() == ([reason] if reason else [])


def test_a_later_absence_does_not_open_a_door_that_refused() -> None:
    closed = closed_doors(knocks(("b/2", 20, "refused"), ("b/2", 3, "not_home")), now=NOW)
    assert closed.to_dict("records") == [{"building_id": "b", "door": 2, "reason": "already_met"}]


def test_who_asked_not_to_be_called_on_is_told_before_all_else() -> None:
    closed = closed_doors(
        knocks(("b/1", 1, "inaccessible"), ("b/1", 90, "do_not_contact")), now=NOW
    )
    assert closed["reason"].tolist() == ["do_not_contact"]


def test_a_campaign_may_choose_other_days_but_never_forget_an_objection(tmp_path: Path) -> None:
    own = tmp_path / "outcomes.toml"
    lines = [o + (" = 'never'" if o == "do_not_contact" else " = 3") for o in OUTCOMES]
    own.write_text("[days]\n" + "\n".join(lines))
    assert load_cooling_off(own)["talked"] == 3
    own.write_text("[days]\n" + "\n".join(lines).replace("'never'", "5"))
    with pytest.raises(SourceError, match="do_not_contact is always"):
        load_cooling_off(own)
    own.write_text("[days]\n" + "\n".join(lines[1:]))
    with pytest.raises(SourceError, match="not_home"):
        load_cooling_off(own)


def test_days_after_a_meeting_are_those_asked_for() -> None:
    days = load_cooling_off(met_days=10)
    assert (days["talked"], days["refused"], days["inaccessible"]) == (10, 10, 7)


def described(*rows: tuple[str, str, int | None, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["building_id", "staircase", "floor", "label"])
    return table.assign(commune_code="99001", floor=table["floor"].astype("Int64"))


def test_doors_are_numbered_by_staircase_from_the_top_floor_down() -> None:
    doors = number_doors(
        described(
            ("b", "B", 0, ""), ("b", "A", 0, "12"), ("b", "A", 10, "2"), ("b", "A", 10, "10"),
            ("b", "A", 2, "O12"), ("b", "A", 2, "012"),
        )
    )  # fmt: skip
    assert doors[["staircase", "floor", "label"]].to_numpy().tolist() == [
        ["A", 10, "2"], ["A", 10, "10"], ["A", 2, "012"], ["A", 2, "O12"], ["A", 0, "12"],
        ["B", 0, ""],
    ]  # fmt: skip
    assert doors["door"].tolist() == [1, 2, 3, 4, 5, 6]


@given(st.lists(st.integers(0, 3000)), st.sampled_from(["", "bis", "ter", "A"]))
def test_labels_sort_as_their_numbers_do(numbers: list[int], suffix: str) -> None:
    labels = [f"{n} {suffix}" for n in numbers]
    assert sorted(labels, key=natural_key) == [f"{n} {suffix}" for n in sorted(numbers)]


def test_the_letter_o_is_no_zero_and_bis_comes_before_the_next_number() -> None:
    assert natural_key("O12") != natural_key("012")
    assert number_key(12, "") < number_key(12, "bis") < number_key(12, "B") < number_key(13, "")


def test_every_door_of_a_stop_is_listed_once_the_closed_ones_marked_and_mute() -> None:
    stops = pd.DataFrame(
        {
            "turf_id": ["S2", "S1", "S1"], "visit_order": [1, 2, 1],
            "building_id": ["tower", "house", "tower"], "first_door": [4, 1, 1],
            "last_door": [5, 1, 3], "closed": [[], [], [2]],
        }
    )  # fmt: skip
    visits = knocks(("tower/1", 3, "not_home"), ("tower/2", 2, "refused"), ("tower/4", 9, "moved"))
    doors = doors_in_order(stops, number_doors(described(("other", "", 1, ""))), visits)
    assert (doors["turf_id"] + " " + doors["building_id"] + "/" + doors["door"].astype(str)).tolist() == [
        "S1 tower/1", "S1 tower/2", "S1 tower/3", "S1 house/1", "S2 tower/4", "S2 tower/5",
    ]  # fmt: skip
    assert doors["is_closed"].tolist() == [False, True, False, False, False, False]
    assert doors["last_outcome"].fillna("").tolist() == ["not_home", "", "", "", "moved", ""]
