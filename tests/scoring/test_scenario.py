"""Scenarios give ranges; election night widens where nothing near is counted."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from targeting.errors import TargetingError
from targeting.scoring.scenario import (
    BIAS,
    Scenario,
    came_back,
    scenario_range,
    total_range,
    update_from_counted,
)


def test_a_scenario_by_hand_is_a_range() -> None:
    reservoir = pd.Series([100.0, 200.0])
    half = Scenario(turnout=(0.6, 0.6))
    found = scenario_range(reservoir, half, turnout_low=0.5, turnout_high=0.7)
    assert found["low"].to_list() == pytest.approx([50 * BIAS[0], 100 * BIAS[0]])
    assert found["high"].to_list() == pytest.approx([50 * BIAS[1], 100 * BIAS[1]])
    low, high = total_range(reservoir, half, turnout_low=0.5, turnout_high=0.7)
    assert low < high


def test_wider_sliders_give_a_wider_range() -> None:
    reservoir = pd.Series([100.0])
    narrow, wide = (
        total_range(reservoir, s, turnout_low=0.5, turnout_high=0.7)
        for s in (Scenario((0.58, 0.62)), Scenario((0.55, 0.65), (0.8, 1.1)))
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_turnout_above_the_presidential_brings_back_no_more_than_was_lost() -> None:
    assert came_back(0.9, low=0.5, high=0.7) == 1
    assert came_back(0.4, low=0.5, high=0.7) == 0


@pytest.mark.parametrize("ends", [(0.7, 0.5), (-0.1, 0.5), (0.5, 1.5)])
def test_impossible_sliders_are_refused(ends) -> None:
    with pytest.raises(TargetingError, match="turnout goes from"):
        Scenario(ends)
    with pytest.raises(TargetingError, match="did not fall"):
        came_back(0.5, low=0.7, high=0.6)


def night(seed: int = 1, counted_share: float = 0.3):
    """Forty communes of twelve stations: a swing of −3 points, communes ±2, stations ±2."""
    chance = np.random.default_rng(seed)
    index = pd.Index([f"{13000 + c:05d}_{s:04d}" for c in range(40) for s in range(12)])
    expected = pd.Series(chance.uniform(0.3, 0.6, 480), index=index)
    swing = -0.03 + np.repeat(chance.normal(0, 0.02, 40), 12) + chance.normal(0, 0.02, 480)
    truth = expected + swing
    counted = truth.where(chance.random(480) < counted_share)
    counted[index.str.startswith("13039")] = np.nan
    people = pd.Series(chance.integers(500, 1200, 480), index=index)
    return expected, truth, counted, people


def test_counted_stations_move_the_others_and_the_interval_covers() -> None:
    covered, better = [], []
    for seed in range(8):
        expected, truth, counted, people = night(seed)
        found = update_from_counted(expected, counted, people, spread=0.03)
        out = counted.isna()
        rates = found.rates[out]
        covered.append(((truth[out] >= rates["low"]) & (truth[out] <= rates["high"])).mean())
        better.append((rates["expected"] - truth[out]).abs().mean() < 0.8 * (expected - truth)[out].abs().mean())  # fmt: skip
        assert found.shift == pytest.approx(-0.03, abs=0.012)
        assert (found.rates.loc[~out, "low"] == counted[~out]).all()
    assert 0.75 <= np.mean(covered) <= 0.95
    assert all(better)


def test_a_commune_without_a_count_is_wider_than_one_with() -> None:
    expected, _, counted, people = night()
    rates = update_from_counted(expected, counted, people, spread=0.0).rates
    width = (rates["high"] - rates["low"])[counted.isna()]
    nowhere = width.index.str.startswith("13039")
    assert width[nowhere].mean() > width[~nowhere].mean()


def test_more_counted_is_surer() -> None:
    expected, _, few, people = night(counted_share=0.05)
    _, _, many, _ = night(counted_share=0.8)
    width = {
        name: (r["high"] - r["low"])[c.isna()].mean()
        for name, c in (("few", few), ("many", many))
        for r in [update_from_counted(expected, c, people, spread=0.05).rates]
    }
    assert width["many"] < width["few"]


def test_too_few_counted_say_nothing() -> None:
    expected, _, counted, people = night()
    counted[:] = np.nan
    with pytest.raises(TargetingError, match="0 stations counted: 5 are wanted"):
        update_from_counted(expected, counted, people, spread=0.05)
    with pytest.raises(TargetingError, match="not of the same stations"):
        update_from_counted(expected, counted[:3], people, spread=0.05)


@pytest.mark.parametrize("nominal", [0.5, 0.8, 0.85, 0.99])
def test_an_interval_is_as_wide_as_the_normal_law_says_at_any_level(nominal: float) -> None:
    expected, _, counted, people = night()
    some, wide = (
        update_from_counted(expected, counted, people, spread=0.001, nominal=n).rates
        for n in (0.6, nominal)
    )
    free = counted.isna() & (some["low"] > 0) & (wide["low"] > 0)
    ratio = (wide["high"] - wide["low"])[free] / (some["high"] - some["low"])[free]
    law = NormalDist()
    assert ratio.median() == pytest.approx(law.inv_cdf((1 + nominal) / 2) / law.inv_cdf(0.8))


@pytest.mark.parametrize("nominal", [0.0, 1.0])
def test_a_level_that_is_no_share_is_refused(nominal: float) -> None:
    expected, _, counted, people = night()
    with pytest.raises(TargetingError, match="nominal"):
        update_from_counted(expected, counted, people, spread=0.03, nominal=nominal)
