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
    SHARED,
    calibrate,
    coverage,
    interval,
    shared_part,
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
)
@settings(max_examples=25)
def test_an_interval_always_holds_its_own_point(calibration, scores) -> None:
    score = pd.Series(scores, dtype="float64")
    people = pd.Series(np.linspace(60.0, 1500.0, len(score)))
    bounds = interval(calibration, score, people)
    known = score.notna()
    close = 1e-9 * (1 + score)
    assert (bounds["low"] <= score + close)[known].all()
    assert (bounds["high"] >= score - close)[known].all()


def test_what_stations_of_a_commune_share_of_their_errors_is_learnt_on_twenty_communes() -> None:
    chance = np.random.default_rng(4)
    group = pd.Series(np.repeat(np.arange(40), 10))
    common = chance.normal(0, 1, 40)[group] * 0.6**0.5
    errors = pd.Series(common + chance.normal(0, 1, 400) * 0.4**0.5)
    assert shared_part(errors, group) == pytest.approx(0.6, abs=0.15)
    apart = pd.Series(chance.normal(0, 1, 400))
    assert shared_part(apart, group) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("communes", "stations", "learns"), [(19, 5, False), (20, 5, True), (20, 4, False)])  # fmt: skip
def test_too_few_communes_or_stations_share_what_is_shipped(communes, stations, learns) -> None:
    group = pd.Series(np.repeat(np.arange(communes), stations))
    errors = pd.Series(np.random.default_rng(5).normal(0, 1, len(group)))
    assert (shared_part(errors, group) != SHARED) == learns
