"""Households met go up to the station; the score stays what it is."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.outcomes import OUTCOMES
from targeting.scoring.priorities import (
    SMALLEST_CELL,
    build_coverage,
    build_priorities,
    priority_errors,
    publish_coverage,
)
from targeting.scoring.ranks import rank_bounds

BUILDINGS = pd.DataFrame(
    {
        "building_id": pd.Series(["a", "b", "c", "d"], dtype="str"),
        "station_id": pd.Series(["13055_0001", "13055_0001", "13055_0002", None], dtype="str"),
        "dwellings": [60, 40, 100, 5],
    }
)
SCORES = pd.DataFrame(
    {
        "station_id": ["13055_0001", "13055_0002"], "score": [0.5, 0.4],
        "reservoir": [100.0, 60.0], "registered": [800, 700],
    }
)  # fmt: skip


def visits(*knocks: tuple[str, int, str]) -> pd.DataFrame:
    rows = [
        {"building_id": b, "door_id": f"{b}/{n}", "outcome": o,
         "visited_at": pd.Timestamp(datetime(2026, 3, 1 + i % 20, 18, tzinfo=UTC))}
        for i, (b, n, o) in enumerate(knocks)
    ]  # fmt: skip
    columns = ["building_id", "door_id", "outcome", "visited_at"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(visited_at=pd.to_datetime(table["visited_at"], utc=True))


def test_coverage_counts_households_not_knocks() -> None:
    knocks = visits(("a", 1, "not_home"), ("a", 1, "talked"), ("a", 2, "not_home"),
                    ("b", 1, "refused"), ("d", 1, "talked"))  # fmt: skip
    coverage = build_coverage(BUILDINGS, knocks).set_index("station_id")
    first = coverage.loc["13055_0001"]
    assert first["households"] == 100
    assert first["households_visited"] == 3
    assert first["households_contacted"] == 2
    assert first["last_visit_date"] == date(2026, 3, 4)
    assert coverage.loc["13055_0002", "households_visited"] == 0
    assert pd.isna(coverage.loc["13055_0002", "last_visit_date"])


def test_households_met_lower_the_priority_and_leave_the_score() -> None:
    knocks = visits(*(("a", n, "talked") for n in range(1, 41)))
    before = build_priorities(SCORES, build_coverage(BUILDINGS, visits()))
    after = build_priorities(SCORES, build_coverage(BUILDINGS, knocks))
    assert before["priority"].to_list() == [0.5, 0.4]
    assert after["score"].to_list() == [0.5, 0.4]
    assert after["contacted_rate"].to_list() == [0.4, 0.0]
    assert after["priority"].to_list() == pytest.approx([0.3, 0.4])
    assert after["reservoir_left"].to_list() == pytest.approx([60.0, 60.0])
    assert before["priority_rank"].to_list() == [1, 2]
    assert after["priority_rank"].to_list() == [2, 1]


def test_a_rank_of_priority_lies_in_its_interval_whoever_was_met() -> None:
    """Twelve stations of like scores, two by two; of some nobody, of some half, of three all."""
    stations = [f"13055_{n:04d}" for n in range(1, 13)]
    score = np.repeat([0.5, 0.45, 0.4, 0.35, 0.3, 0.25], 2)
    scores = pd.DataFrame(
        {"station_id": stations, "score": score, "reservoir": 100.0, "registered": 800}
    )
    met = np.array([0, 100, 50, 0, 11, 10, 100, 100, 50, 0, 0, 99])
    coverage = pd.DataFrame(
        {"station_id": stations, "households": 100, "households_contacted": met}
    )
    errors = pd.DataFrame({"x": np.log(score), "sigma": 0.05}, index=pd.Index(stations))
    table = build_priorities(scores, coverage).set_index("station_id")
    left = priority_errors(errors, table["contacted_rate"])
    bounds = rank_bounds(left["x"], left["sigma"], table["priority_rank"])
    rank = table["priority_rank"].astype(float)
    assert (bounds["low"] <= rank).all()
    assert (rank <= bounds["high"]).all()
    assert bounds.loc["13055_0001"].to_list() == [1, 2], "its equal was met: the next is its rival"
    everybody = rank[met == 100].index
    assert (bounds.loc[everybody, "low"] > 9).all(), "after all the others, surely"
    assert left["sigma"].to_list() == errors["sigma"].to_list()


def test_a_door_where_nobody_answered_is_visited_and_not_met() -> None:
    knocks = visits(*(("a", n, "not_home") for n in range(1, 41)))
    coverage = build_coverage(BUILDINGS, knocks).set_index("station_id")
    assert coverage.loc["13055_0001", ["households_visited", "households_contacted"]].to_list() == [40, 0]  # fmt: skip


def test_stations_no_campaign_went_to_have_their_whole_reservoir() -> None:
    nothing = build_coverage(BUILDINGS.head(0), visits())
    assert build_priorities(SCORES, nothing)["reservoir_left"].to_list() == [100.0, 60.0]


knocks = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 40), st.sampled_from(OUTCOMES)), max_size=80
)


@given(knocks)
def test_no_published_figure_tells_a_count_under_eleven(rows) -> None:
    coverage = build_coverage(BUILDINGS, visits(*rows))
    shown = publish_coverage(coverage)
    for column in ("households_visited", "households_contacted"):
        few = coverage[column].between(1, SMALLEST_CELL - 1)
        assert shown.loc[few, column].isna().all()
        assert (shown.loc[~few, column] == coverage.loc[~few, column]).all()
    few = coverage["households_contacted"] < SMALLEST_CELL
    priorities = build_priorities(SCORES, coverage)
    rate = priorities.set_index("station_id")["contacted_rate"]
    assert (rate.reindex(coverage.loc[few, "station_id"]) == 0).all(), "the rate would tell it"


@given(knocks, st.randoms(use_true_random=False))
def test_whose_door_opened_within_a_building_changes_nothing(rows, random) -> None:
    """Exchanging doors of one building moves people, not counts."""
    doors = list(range(1, 41))
    random.shuffle(doors)
    swapped = [(b, doors[n - 1], o) for b, n, o in rows]
    pd.testing.assert_frame_equal(
        build_coverage(BUILDINGS, visits(*rows)), build_coverage(BUILDINGS, visits(*swapped))
    )
