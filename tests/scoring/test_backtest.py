"""The backtest's protocol by hand, and the laws that its figures keep."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.errors import TargetingError
from targeting.scoring import capture as cap
from targeting.scoring.backtest import build_transition, label, run_backtest
from targeting.scoring.basis import Basis
from targeting.scoring.cycles import basis_before, before, learning_transition, trial_transition
from targeting.scoring.methods import all_methods, losses
from targeting.scoring.rankings import BASELINES
from targeting.scoring.thinning import COUNTS, thin_tally

BASIS = Basis("2022_pres_t1", ("2022_legi_t1",), (0.3,))


def tally(registered, cast, valid, left, *, ids=None) -> pd.DataFrame:
    index = ids or [f"13055_{i:04d}" for i in range(1, len(registered) + 1)]
    return pd.DataFrame(
        {
            "registered": registered, "votes_cast": cast, "valid_votes": valid, "left": left,
            "far_right": 0, "constituency_code": pd.Series(["1304"] * len(registered), dtype="str", index=index),
        },
        index=pd.Index(index, name="station_id"),
    )  # fmt: skip


def invented_past(stations: int = 400, seed: int = 7) -> dict[str, pd.DataFrame]:
    """Two cycles of an invented region: who leans left and votes little comes back."""
    chance = np.random.default_rng(seed)
    ids = [f"{13000 + i // 40:05d}_{i % 40 + 1:04d}" for i in range(stations)]
    people = chance.integers(500, 1200, stations)
    lean, habit = chance.beta(4, 8, stations), chance.normal(0, 0.06, stations)

    def held(turnout: float, zeal: float) -> pd.DataFrame:
        cast = chance.binomial(people, np.clip(turnout + habit + zeal * (lean - 0.33), 0.05, 0.95))
        left = chance.binomial(cast, np.clip(lean * (1 + zeal), 0.02, 0.95))
        return tally(people, cast, cast, left, ids=ids)

    return {
        "2017_pres_t1": held(0.78, 0.0), "2017_legi_t1": held(0.48, -0.3),
        "2022_pres_t1": held(0.75, 0.0), "2022_legi_t1": held(0.47, -0.3),
        "2024_legi_t1": held(0.67, -0.05),
    }  # fmt: skip


# -- thinning ------------------------------------------------------------------------------------

counts = st.integers(0, 900).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n), st.integers(0, n))
)


@given(st.lists(counts, min_size=1, max_size=20), st.integers(0, 5))
def test_the_two_parts_of_a_thinned_tally_are_the_whole(rows, seed) -> None:
    nested = [sorted(row, reverse=True) for row in rows]
    whole = tally(*(list(c) for c in zip(*nested, strict=True)))
    one, other = thin_tally(whole, seed=seed)
    assert ((one + other)[COUNTS].to_numpy() == whole[COUNTS].to_numpy()).all()
    for part in (one, other):
        assert (part.to_numpy() >= 0).all()
        assert (np.diff(part[COUNTS].to_numpy(), axis=1) <= 0).all(), "no more left than valid"


def test_thinning_keeps_expectations_and_shares_no_noise() -> None:
    whole = tally([1000] * 4000, [600] * 4000, [580] * 4000, [200] * 4000, ids=[f"13055_{i:04d}" for i in range(4000)])  # fmt: skip
    one, other = thin_tally(whole, seed=1, part=0.9)
    assert one["left"].mean() == pytest.approx(180, abs=0.5)
    assert other["votes_cast"].mean() == pytest.approx(60, abs=0.5)
    assert (other["registered"] > 60).all()


def test_the_two_parts_share_no_noise() -> None:
    left = np.random.default_rng(2).binomial(1000, 0.2, 6000)
    whole = tally([1000] * 6000, [1000] * 6000, [1000] * 6000, left, ids=[f"13055_{i:04d}" for i in range(6000)])  # fmt: skip
    one, other = (t["left"] / t["registered"] for t in thin_tally(whole, seed=1, part=0.5))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    assert np.corrcoef(one, whole["left"])[0, 1] > 0.6


# -- labels and filters --------------------------------------------------------------------------


def test_labels_by_hand() -> None:
    then = tally([1000, 800], [400, 400], [400, 400], [100, 200])
    now = tally([1100, 800], [770, 480], [770, 480], [330, 240])
    # G: 330 − 100×1.1 = 220; 240 − 200 = 40. M: (770 − 440) × 3/7; (480 − 400) × 1/2
    assert label(then, now, "G").to_list() == pytest.approx([220, 40])
    assert label(then, now, "M").to_list() == pytest.approx([330 * 3 / 7, 40])
    assert label(now, then, "G", sign=-1).to_list() == pytest.approx([200, 40])


def test_filters_take_away_what_they_say() -> None:
    ids = ["13055_0001", "13055_0002", "13055_0003", "13055_0004", "97411_0001"]
    low = tally([1000, 1000, 90, 1000, 1000], [400] * 2 + [40] + [400] * 2, [400] * 2 + [15] + [400] * 2, [100, 100, 5, 100, 100], ids=ids)  # fmt: skip
    high = tally([1000, 1000, 90, 1000, 1000], [700] * 2 + [70] + [700] * 2, [700] * 2 + [70] + [700] * 2, [200, 200, 20, 200, 200], ids=ids)  # fmt: skip
    after = tally([1000, 1200, 90, 1000, 1000], [680] * 2 + [70] + [680] * 2, [680] * 2 + [70] + [680] * 2, [200, 200, 20, 200, 200], ids=ids)  # fmt: skip
    tallies = {"2022_pres_t1": high, "2022_legi_t1": low.drop("13055_0004"), "2024_legi_t1": after}
    found = build_transition(tallies, BASIS, "2024_legi_t1")
    assert list(found.stations) == ["13055_0001"]
    assert found.dropped == {
        "outside metropolitan France": 1, "code not found before": 1,
        "fewer than 100 registered": 1, "fewer than 20 valid votes": 0,
        "roll moved by more than 10 %": 1,
    }  # fmt: skip
    assert (found.t0, found.sign) == ("2022_legi_t1", 1)
    assert found.change == pytest.approx(0.28)


def test_a_transition_where_turnout_hardly_moves_is_refused_with_its_figure() -> None:
    past = invented_past()
    with pytest.raises(TargetingError, match=r"turnout moves by [-+]\d\.\d points from 2017_legi_t1 to 2022_legi_t1.*swing"):  # fmt: skip
        build_transition(past, BASIS, "2022_legi_t1", t0="2017_legi_t1")


def test_a_fall_of_turnout_counts_what_was_lost_since_the_presidential_round() -> None:
    past = invented_past()
    basis = basis_before({e: past[e] for e in list(past)[:4]}, "2022_legi_t1")
    found = build_transition(past, basis, "2022_legi_t1")
    assert (found.t0, found.sign) == ("2022_pres_t1", -1)


def test_the_past_alone_is_known_before_an_election() -> None:
    elections = ["2022_legi_t2", "2022_legi_t1", "2024_legi_t1", "2024_legi_t2", "2017_pres_t1"]
    assert before(elections, "2024_legi_t2") == ["2017_pres_t1", "2022_legi_t1", "2022_legi_t2"]
    past = invented_past()
    learnt = learning_transition(past, BASIS)
    assert (learnt.t0, learnt.t1) == ("2017_legi_t1", "2022_pres_t1")
    assert trial_transition(past, BASIS).t1 == "2024_legi_t1"


# -- captures ------------------------------------------------------------------------------------


def arena(registered, group=None) -> cap.Arena:
    n = len(registered)
    group = np.zeros(n, int) if group is None else np.asarray(group)
    labels = tuple(str(i) for i in range(group.max() + 1))
    return cap.Arena("x", np.arange(n), group, np.asarray(registered, float), labels)


def test_capture_by_hand_with_the_station_at_the_edge() -> None:
    ranking = cap.rank_stations(arena([100, 100, 200]), np.array([0.1, 0.9, 0.5]))
    gains = np.array([10.0, 60.0, 30.0])
    # first the second station (a quarter of the roll), then half of the third
    assert cap.capture(ranking, gains, 0.25) == pytest.approx(0.6)
    assert cap.capture(ranking, gains, 0.5) == pytest.approx(0.75)
    assert cap.capture(ranking, gains, 1.0) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.integers(50, 900), st.integers(0, 3), st.floats(0, 1), st.floats(0, 80)), min_size=8, max_size=60))  # fmt: skip
def test_the_curve_is_the_capture_at_every_budget(rows) -> None:
    people, group, score, gain = (np.array(c) for c in zip(*rows, strict=True))
    _, group = np.unique(group, return_inverse=True)
    gains = gain + 1.0
    ranking = cap.rank_stations(arena(people, group), score)
    curve = cap.gain_curve(ranking, gains)
    found = [cap.capture(ranking, gains, x) for x in cap.GRID]
    assert curve == pytest.approx(found, abs=1e-9)
    assert curve[0] == pytest.approx(0)
    assert curve[-1] == pytest.approx(1)


def test_chance_captures_its_budget_and_no_score_beats_the_gains_themselves() -> None:
    chance = np.random.default_rng(3)
    place = arena(chance.integers(300, 1200, 3000), np.repeat(np.arange(50), 60))
    gains = place.registered * chance.uniform(0, 0.2, 3000)
    found = [
        cap.capture(cap.rank_stations(place, chance.random(3000)), gains, 0.2) for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(0.2, abs=0.005)
    best = cap.capture(cap.rank_stations(place, gains / place.registered), gains, 0.2)
    assert best > max(found)
    clean = cap.build_oracle(place, gains / place.registered, np.zeros(3000))
    assert clean.at(0.2) == pytest.approx(best, abs=1e-6)
    assert cap.efficiency(best, clean.at(0.2), 0.2) == pytest.approx(1, abs=1e-4)


def test_noise_taken_off_lowers_the_ceiling() -> None:
    chance = np.random.default_rng(4)
    place = arena(chance.integers(300, 1200, 2000))
    density = 0.1 + 0.02 * chance.normal(size=2000)
    raw = cap.build_oracle(place, density, np.zeros(2000)).at(0.2)
    taken = cap.build_oracle(place, density, np.full(2000, 0.02**2 / 2))
    assert 0.2 < taken.full[20] < taken.half[20] < raw


# -- the whole -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result():
    past = invented_past()
    transition = build_transition(past, BASIS, "2024_legi_t1")
    methods, told = all_methods(past, transition, wanted=("product", "shrunk"))
    return run_backtest(past, transition, methods, draws=3), told


def test_every_baseline_is_in_the_table(result) -> None:
    backtest, _ = result
    names = set(backtest.figures.index.get_level_values("method"))
    assert {*BASELINES, "ecological", "shrunk"} <= names
    assert backtest.figures.notna().all().all()


def test_the_planted_region_is_found_again(result) -> None:
    backtest, _ = result
    te = backtest.figures["te_20"]
    assert te["national", "G", "product"] > te["national", "G", "random"] + 0.3
    assert losses(backtest, "random")


def test_the_same_seed_gives_the_same_figures() -> None:
    past = invented_past(160)
    transition = build_transition(past, BASIS, "2024_legi_t1")
    once, twice = (run_backtest(past, transition, BASELINES, draws=2).figures for _ in range(2))
    pd.testing.assert_frame_equal(once, twice)


def test_what_comes_after_changes_no_score() -> None:
    past = invented_past(160)
    transition = build_transition(past, BASIS, "2024_legi_t1")
    seen = []

    def spy(tallies, _):
        seen.append(set(tallies))
        return BASELINES["product"](tallies, transition)

    run_backtest(past, transition, {"naive": spy}, draws=1)
    assert all("2024_legi_t1" not in known for known in seen)


def test_learning_on_few_stations_is_refused_with_the_reason() -> None:
    past = invented_past(160)
    transition = build_transition(past, BASIS, "2024_legi_t1")
    with pytest.raises(TargetingError, match="2,000 are wanted"):
        all_methods(past, transition, wanted=("ensemble",))
    with pytest.raises(TargetingError, match="unknown method magic"):
        all_methods(past, transition, wanted=("magic",))
    methods, told = all_methods(past, transition)
    assert "ensemble" not in methods
    assert "not offered" in told[0]
