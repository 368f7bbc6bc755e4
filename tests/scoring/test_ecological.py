"""Ecological inference on planted tables: cells keep their margins, errors beat the naive model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from targeting.errors import TargetingError
from targeting.scoring.ecological import (
    GROUPS,
    balance,
    explain_abstention,
    goodman_shares,
    infer_transfers,
    misplaced,
)
from tests.scoring.test_backtest import invented_past

METHODS = ("neighbours", "goodman", "ipf_em")


def planted(units: int, context: float, seed: int = 0) -> np.ndarray:
    """Units of 850 people in five groups, who mostly stay; `context`: how units differ."""
    chance = np.random.default_rng(seed)
    stay = 0.6 * np.eye(5) + 0.4 * chance.dirichlet(np.full(5, 0.5), 5)
    people = np.rint(chance.dirichlet(np.full(5, 3.0), units) * 850).astype(int)
    cells = np.zeros((units, 5, 5))
    for origin in range(5):
        share = stay[origin] * np.exp(chance.normal(0, context, (units, 5)))
        share /= share.sum(axis=1, keepdims=True)
        cells[:, origin] = chance.multinomial(people[:, origin], share)
    return cells


margins = arrays(np.int64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.integers(0, 400))


@given(margins, st.randoms(use_true_random=False), st.sampled_from(METHODS))
def test_cells_add_up_to_both_margins(then, random, method) -> None:
    now = np.array([random.sample(list(row), 3) for row in then])
    found = infer_transfers(then.astype(float), now.astype(float), method=method)
    before, after = balance(then.astype(float), now.astype(float))
    assert (found.cells >= 0).all()
    assert found.cells.sum(axis=2) == pytest.approx(before, abs=1e-6)
    assert found.cells.sum(axis=1) == pytest.approx(after, abs=1e-6)


@pytest.mark.parametrize(("context", "worst"), [(0.0, 0.09), (0.3, 0.13)])
def test_planted_transfers_are_found_better_than_by_the_naive_model(context, worst) -> None:
    true = planted(300, context)
    then, now = true.sum(axis=2), true.sum(axis=1)
    error = {m: misplaced(infer_transfers(then, now, method=m).cells, true) for m in METHODS}
    assert error["neighbours"] > 0.3
    assert error["goodman"] < worst
    assert error["ipf_em"] < worst + 0.02


def test_goodman_finds_a_homogeneous_table() -> None:
    true = planted(3000, 0.0)
    shares = true.sum(axis=0) / true.sum(axis=(0, 2))[:, None]
    found = goodman_shares(true.sum(axis=2), true.sum(axis=1))
    assert found == pytest.approx(shares, abs=0.02)
    assert found.sum(axis=1) == pytest.approx(np.ones(5))
    assert (found >= 0).all()


def test_impossible_margins_are_refused() -> None:
    with pytest.raises(TargetingError, match="margins of now are not"):
        infer_transfers(np.ones((2, 2)), np.array([[1.0, np.nan], [1, 1]]))
    with pytest.raises(TargetingError, match="ipf_em or goodman"):
        infer_transfers(np.ones((2, 2)), np.ones((2, 2)), method="magic")


def test_an_empty_unit_has_no_cells() -> None:
    found = infer_transfers(np.array([[0.0, 0], [10, 20]]), np.array([[5.0, 5], [15, 15]]))
    assert (found.cells[0] == 0).all()


def test_where_voters_went_is_told_per_station_and_sums_to_their_votes() -> None:
    past = invented_past(160)
    then, now = past["2022_pres_t1"], past["2022_legi_t1"]
    region = pd.Series("13", index=then.index)
    told = explain_abstention(then, now, region)
    assert list(told.columns) == list(GROUPS)
    roll = now["registered"] / then["registered"]
    assert told.sum(axis=1).to_numpy() == pytest.approx((then["left"] * roll).to_numpy())
    assert (told["abstained"] <= now["registered"] - now["votes_cast"] + 1e-6).all()
