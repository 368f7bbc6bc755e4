"""What a plan rests on: rates learnt from the log, value with intervals, the best choice in time."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.errors import TurfError
from targeting.turf import value
from targeting.turf.learning import Rate, door_gaps, learn_field_model
from targeting.turf.minutes import OUR_MODEL, TimeModel
from targeting.turf.plan import choose_turfs, in_order, reach
from targeting.turf.value import total_value, value_turfs, worth_again
from tests.examples import examples

PRIOR = tomllib.loads(OUR_MODEL.read_text())
EVENING = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


def log(rows: list[tuple[str, str, float]], *, turf: str = "S0001") -> pd.DataFrame:
    """Visits as (building/door, outcome, minutes after the evening began), all in towers."""
    return pd.DataFrame(
        {
            "turf_id": turf,
            "building_id": [r[0].split("/")[0] for r in rows],
            "door_id": [r[0] for r in rows],
            "visited_at": pd.to_datetime(
                [EVENING + timedelta(minutes=r[2]) for r in rows], utc=True
            ),
            "outcome": [r[1] for r in rows],
            "kind": "tower",
        }
    )


NOTHING = log([])


def test_without_a_log_the_model_is_the_prior():
    model = learn_field_model(PRIOR, NOTHING)
    assert model.opening.mean == pytest.approx(0.35)
    assert model.time == TimeModel()
    assert (model.knocks, model.gaps) == (0, 0)


def test_a_short_log_moves_the_rate_a_little_and_a_long_one_all_the_way():
    def rate(n: int) -> float:
        rows = [(f"b/{k}", "talked" if k % 10 else "not_home", 2.0 * k) for k in range(n)]
        return learn_field_model(PRIOR, log(rows)).opening.mean

    assert 0.35 < rate(10) < 0.45
    assert rate(5000) == pytest.approx(0.9, abs=0.02)


def test_a_kind_of_building_of_which_little_is_known_is_drawn_to_the_campaign():
    rows = [(f"b/{k}", "refused", 2.0 * k) for k in range(400)]
    model = learn_field_model(PRIOR, log(rows))
    assert model.opening_by_kind["house"].mean == pytest.approx(model.opening.mean)
    assert model.opening_by_kind["tower"].mean > model.opening.mean
    assert model.time.opening_by_kind["tower"] == model.opening_by_kind["tower"].mean


def test_doors_that_could_not_be_knocked_at_say_nothing_of_opening():
    rows = [
        (f"b/{k}", outcome, 2.0 * k)
        for k, outcome in enumerate(["inaccessible", "bad_address"] * 30)
    ]
    assert learn_field_model(PRIOR, log(rows)).opening.mean == pytest.approx(0.35)


def test_minutes_are_learnt_from_the_gaps_between_two_knocks_of_one_building():
    knocks = [(f"b/{k}", "not_home", 2.0 * k) for k in range(2000)]
    talks = [(f"c/{k}", "talked", 10_000 + 9.0 * k) for k in range(2000)]
    model = learn_field_model(PRIOR, log(knocks + talks))
    assert model.time.knock_minutes == pytest.approx(2.0 - 0.3, abs=0.05)
    assert model.time.talk_minutes == pytest.approx(9.0 - 2.0, abs=0.3)


def test_breaks_other_buildings_and_one_moment_for_all_teach_no_minutes():
    rows = [
        ("b/1", "not_home", 0.0),
        ("b/2", "not_home", 40.0),
        ("c/1", "not_home", 42.0),
        ("c/2", "not_home", 42.0),
    ]
    assert door_gaps(log(rows)).empty


def test_the_evening_is_told_from_the_afternoon():
    rows = [(f"b/{k}", "talked", 60.0 + k / 10) for k in range(100)]  # 20 h in France
    rows += [(f"b/{k}", "not_home", -240.0 + k / 10) for k in range(100, 200)]  # 15 h
    table = learn_field_model(PRIOR, log(rows)).by_hour.set_index(["kind", "hours"])
    assert table.loc[("tower", "evening"), "knocked"] == 100
    assert (
        table.loc[("tower", "evening"), "opening_rate"]
        > table.loc[("tower", "afternoon"), "opening_rate"]
    )


@pytest.mark.parametrize(
    "wrong",
    [{"opening": {"rate": 1.4, "worth": 1, "kind_worth": 1}}, {"effect": {}}, {"time": {"worth": 1}},
     {"opening": {"rate": "many", "worth": 1, "kind_worth": 1}}],
)  # fmt: skip
def test_a_model_file_that_lacks_a_number_is_refused(wrong):
    with pytest.raises(TurfError, match=r"field_model\.toml"):
        learn_field_model(PRIOR | wrong, NOTHING)


def stops_of(doors: list[int], kind: str = "block", visits: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "turf_id": [f"T{k}" for k in range(len(doors))], "kind": kind, "dwellings": doors,
            "weight": 1.0, "visits": visits,
        }
    )  # fmt: skip


def turfs_of(doors: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "turf_id": [f"T{k}" for k in range(len(doors))],
            "minutes_expected": [2.0 * d for d in doors], "walk_m": 0.0,
        }
    )  # fmt: skip


def test_votes_come_with_an_interval_that_lies_on_both_sides_of_nothing():
    model = learn_field_model(PRIOR, NOTHING)
    row = value_turfs(stops_of([100]), turfs_of([100]), model).iloc[0]
    assert row["expected_open"] == pytest.approx(35)
    assert row["expected_talks"] == pytest.approx(35 * 0.7)
    assert row["talks_p10"] < row["expected_talks"] < row["talks_p90"]
    assert row["votes_p10"] < 0 < row["votes_p50"] < row["votes_p90"]
    # SCIENCE 1.3: 0.7 extra voters per 100 doors where every opened door is a talk
    assert row["votes_p50"] == pytest.approx(0.7 * 0.7, abs=0.15)


def test_an_interval_covers_what_the_model_itself_draws():
    model = learn_field_model(PRIOR, NOTHING)
    low, high = value_turfs(stops_of([80]), turfs_of([80]), model)[["talks_p10", "talks_p90"]].iloc[
        0
    ]
    chance = np.random.default_rng(7)
    rate = chance.beta(model.opening_by_kind["block"].yes, model.opening_by_kind["block"].no, 4000)
    talking = chance.beta(model.talking.yes, model.talking.no, 4000)
    talks = chance.binomial(80, rate * talking)
    assert np.mean((talks >= low) & (talks <= high)) == pytest.approx(0.83, abs=0.06)


def test_doubts_about_a_rate_do_not_average_out_over_turfs():
    model = learn_field_model(PRIOR, NOTHING)
    stops = stops_of([50] * 40)
    together = total_value(stops, model)
    assert together["expected_talks"] == pytest.approx(40 * 50 * 0.35 * 0.7)
    apart = value_turfs(stops, turfs_of([50] * 40), model)
    independent = np.sqrt(((apart["talks_p90"] - apart["talks_p10"]) ** 2).sum())
    assert together["talks_p90"] - together["talks_p10"] > independent


@pytest.mark.parametrize("at_once", [1, 4, 5, 6])
def test_what_turfs_are_worth_is_the_same_however_many_are_drawn_at_once(at_once, monkeypatch):
    model = learn_field_model(PRIOR, NOTHING)
    doors = [50, 3, 120, 1, 77]
    together = value_turfs(stops_of(doors), turfs_of(doors), model, seed=3)
    monkeypatch.setattr(value, "TURFS_AT_ONCE", at_once)
    assert value_turfs(stops_of(doors), turfs_of(doors), model, seed=3).equals(together)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=20))
def test_a_visit_is_worth_less_each_time_and_never_nothing(visits):
    model = learn_field_model(PRIOR, NOTHING)
    worth = worth_again(pd.Series(sorted(visits)), model)
    assert worth.is_monotonic_decreasing
    assert worth.between(0.2, 1.0).all()


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(st.integers(10, 60), st.integers(1, 90)), min_size=1, max_size=9),
    st.integers(20, 200), st.integers(1, 6),
)  # fmt: skip
def test_the_plan_is_the_best_of_all_choices(rows, minutes, slots):
    turfs = pd.DataFrame(rows, columns=["minutes_expected", "value"]).astype(float)
    choice = choose_turfs(turfs, minutes=minutes, slots=slots, evening=60)
    picked = turfs[choice.is_chosen]
    assert picked["minutes_expected"].sum() <= minutes + 1e-6
    assert len(picked) <= slots
    best = max(
        turfs.loc[list(subset), "value"].sum()
        for subset in product([False, True], repeat=len(turfs))
        if sum(subset) <= slots and turfs.loc[list(subset), "minutes_expected"].sum() <= minutes
    )
    assert picked["value"].sum() == pytest.approx(best, rel=1e-6)
    by_rule = in_order(turfs, -turfs["value"], minutes=minutes, slots=slots, evening=60)
    assert turfs.loc[by_rule, "value"].sum() <= best + 1e-6


def test_a_turf_longer_than_an_evening_is_planned_by_nobody():
    turfs = pd.DataFrame({"minutes_expected": [200.0, 50.0], "value": [90.0, 1.0]})
    for chosen in (
        choose_turfs(turfs, minutes=1000, slots=10, evening=100).is_chosen,
        in_order(turfs, pd.Series([0, 1]), minutes=1000, slots=10, evening=100),
    ):
        assert chosen.tolist() == [False, True]


def test_whom_a_plan_never_visits_adds_up():
    stations = pd.DataFrame(
        {"registered": [900, 900, 400], "reservoir": [80.0, 40.0, 30.0], "doors": [500, 500, 200]},
        index=["a", "b", "c"],
    )
    doors = pd.DataFrame({"station_id": ["a", "a"], "dwellings": [100, 150]})
    table = reach(stations, doors, pd.Series(["north", "north", "south"], index=stations.index))
    assert table.loc["north", ["stations", "stations_never", "doors_planned"]].tolist() == [
        2,
        1,
        250,
    ]
    assert table.loc["north", "outside_share"] == pytest.approx((40 + 40) / 120)
    assert table.loc["south", ["reservoir_never", "outside_share"]].tolist() == [30.0, 1.0]
    assert table["registered"].sum() == stations["registered"].sum()


def test_a_rate_is_its_counts():
    assert Rate(3, 7).after(7, 10).mean == pytest.approx(0.5)
    assert Rate(3, 7).worth(100).mean == pytest.approx(0.3)


def test_standard_output_is_back_when_solvers_overlap_in_threads() -> None:
    import os
    import threading

    from targeting.turf.plan import _solver_kept_quiet

    before = os.fstat(1)
    inside, leave = threading.Event(), threading.Event()

    def solve() -> None:
        with _solver_kept_quiet():
            inside.set()
            assert leave.wait(60)

    other = threading.Thread(target=solve)
    with _solver_kept_quiet():
        other.start()
        assert inside.wait(60)
        assert os.path.samestat(os.fstat(1), os.fstat(2))
    assert os.path.samestat(os.fstat(1), os.fstat(2))  # the other one still solves
    leave.set()
    other.join()
    after = os.fstat(1)
    assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)
