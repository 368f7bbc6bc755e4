"""Intervals: they cover what they promise where the past is like the future, and widen in doubt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.errors import TargetingError
from targeting.scoring.backtest import build_transition, label
from targeting.scoring.basis import Basis
from targeting.scoring.boosted import blend, on_scale_of
from targeting.scoring.cycles import learning_transition
from targeting.scoring.intervals import (
    calibrate,
    coverage,
    draw_again,
    first_ones,
    interval,
    rank_interval,
    top_k_probability,
)
from targeting.scoring.rankings import gap_left, product
from tests.scoring.test_backtest import invented_past

BASIS = Basis("2022_pres_t1", ("2022_legi_t1",), (0.3,))


@pytest.fixture(scope="module")
def past():
    return invented_past(1600)


@pytest.fixture(scope="module")
def calibration(past):
    return calibrate(past, learning_transition(past, BASIS), gap_left)


def test_the_next_cycle_of_an_unchanging_region_is_covered(past, calibration) -> None:
    test = build_transition(past, BASIS, "2024_legi_t1")
    now, then = (past[e].reindex(test.stations) for e in ("2024_legi_t1", "2022_legi_t1"))
    gain = label(then, now, "G") / test.registered
    level = float(np.average(gain, weights=test.registered))
    density = gap_left(past, test).reindex(test.stations)
    bounds = interval(calibration, density, test.registered, level=level)
    share, by = coverage(bounds, gain, test.communes)
    assert 0.75 <= share <= 0.95
    assert len(by) == 40
    assert by.between(0, 1).all()


def test_a_past_that_is_not_the_stations_own_widens_its_interval(calibration) -> None:
    density = pd.Series([0.08, 0.08, 0.08])
    people = pd.Series([900.0, 900, 90])
    own = pd.Series([1.0, 0.5, 1.0])
    bounds = interval(calibration, density, people, own=own)
    width = bounds["high"] - bounds["low"]
    assert width[1] > width[0]
    assert width[2] > width[0]
    assert (bounds["low"] <= density).all()
    assert (bounds["high"] >= density).all()


def test_what_is_missing_stays_missing(calibration) -> None:
    bounds = interval(calibration, pd.Series([0.1, np.nan]), pd.Series([900.0, 900]))
    assert bounds["low"].isna().to_list() == [False, True]


def test_a_chance_to_be_first_adds_up_to_k_in_each_arena(calibration) -> None:
    chance = np.random.default_rng(1)
    score = pd.Series(chance.uniform(0.1, 0.5, 80))
    score.iloc[3] = np.nan
    people = pd.Series(chance.integers(400, 1200, 80)).astype(float)
    arena = pd.Series(["a"] * 40 + ["b"] * 40)
    found = top_k_probability(calibration, score, people, arena, k=5)
    assert found.groupby(arena).sum().to_list() == pytest.approx([5, 5])
    assert found.isna().sum() == 1
    assert first_ones(40, None) == 8
    best, worst = score.idxmax(), score.idxmin()
    assert found[best] > found[worst]


def test_other_arenas_change_no_chance(calibration) -> None:
    chance = np.random.default_rng(1)
    score = pd.Series(chance.uniform(0.1, 0.5, 80))
    people = pd.Series(900.0, index=score.index)
    arena = pd.Series(["a"] * 40 + ["b"] * 40)
    both = top_k_probability(calibration, score, people, arena)
    alone = top_k_probability(calibration, score[:40], people[:40], arena[:40])
    pd.testing.assert_series_equal(both[:40], alone)


def test_rank_intervals_hold_the_rank_of_most(calibration) -> None:
    score = pd.Series(np.linspace(0.5, 0.1, 50))
    people = pd.Series(1000.0, index=score.index)
    bounds = rank_interval(calibration, score, people)
    rank = score.rank(ascending=False)
    assert ((bounds["low"] <= rank) & (rank <= bounds["high"])).mean() >= 0.8
    assert (bounds["low"] >= 1).all()
    assert (bounds["high"] <= 50).all()
    assert draw_again(calibration, score, people).shape == (200, 50)


def test_too_few_stations_calibrate_nothing() -> None:
    few = invented_past(120)
    with pytest.raises(TargetingError, match="200 are wanted"):
        calibrate(few, learning_transition(few, BASIS), product)


def test_another_order_keeps_the_scale_of_the_score() -> None:
    score = pd.Series([0.1, 0.4, 0.3, np.nan])
    dealt = on_scale_of(score, pd.Series([3.0, 1.0, 2.0, 9.0]))
    assert dealt.to_list()[:3] == [0.4, 0.1, 0.3]
    assert np.isnan(dealt[3])
    assert blend(score[:3], score[:3]).rank().to_list() == score[:3].rank().to_list()


@given(
    scores=st.lists(st.floats(0, 1, width=32) | st.none(), min_size=1, max_size=40).filter(
        lambda values: sum(v or 0 for v in values) > 0
    ),
    seed=st.integers(0, 5),
)
@settings(max_examples=25)
def test_an_interval_always_holds_its_own_point(calibration, scores, seed) -> None:
    score = pd.Series(scores, dtype="float64")
    people = pd.Series(np.linspace(60.0, 1500.0, len(score)))
    bounds = interval(calibration, score, people)
    known = score.notna()
    close = 1e-9 * (1 + score)
    assert (bounds["low"] <= score + close)[known].all()
    assert (bounds["high"] >= score - close)[known].all()
    ranks = rank_interval(calibration, score, people, draws=20, seed=seed)
    own = score.rank(method="first", ascending=False)
    assert ((ranks["low"] <= own) & (ranks["high"] >= own))[known].all()
    assert ranks[~known].isna().all(axis=None)
