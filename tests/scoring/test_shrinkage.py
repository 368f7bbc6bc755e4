"""T1: a shrunk rate lies between the station and its group, and nearer the group where it is small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.errors import TargetingError
from targeting.scoring.shrinkage import groups_of, level_reservoir, shrunk_rate

STATIONS = st.lists(st.tuples(st.integers(1, 2000), st.floats(0, 1)), min_size=3, max_size=30)


def town(n: int) -> pd.Index:
    return pd.Index([f"13055_{i:04d}" for i in range(n)], name="station_id")


@given(STATIONS)
def test_a_shrunk_rate_lies_between_the_station_and_its_group(rows) -> None:
    index = town(len(rows))
    people = pd.Series([n for n, _ in rows], index=index, dtype=float)
    rate = pd.Series([r for _, r in rows], index=index)
    found = shrunk_rate(rate, people, groups_of(index))
    overall = np.average(rate, weights=people)
    assert (found >= np.minimum(rate, overall) - 1e-9).all()
    assert (found <= np.maximum(rate, overall) + 1e-9).all()


def test_the_small_station_and_the_borrowed_past_are_drawn_most() -> None:
    index = town(6)
    people = pd.Series([50.0, 5000, 1000, 1000, 1000, 1000], index=index)
    rate = pd.Series([0.7, 0.7, 0.3, 0.35, 0.45, 0.7], index=index)
    own = pd.Series([1.0, 1, 1, 1, 1, 0], index=index)
    found = shrunk_rate(rate, people, groups_of(index), own=own)
    assert rate.iloc[0] - found.iloc[0] > rate.iloc[1] - found.iloc[1]
    assert found.iloc[5] < found.iloc[1]


def test_by_hand() -> None:
    index = town(3)
    people = pd.Series([100.0, 100, 100], index=index)
    rate = pd.Series([0.2, 0.5, 0.8], index=index)
    # mean .5, variance .06, noise .5×.5/100 = .0025, signal .0575, trust .0575/.06
    found = shrunk_rate(rate, people, groups_of(index))
    assert found.to_list() == pytest.approx([0.5 - 0.3 * 0.0575 / 0.06, 0.5, 0.5 + 0.3 * 0.0575 / 0.06])  # fmt: skip


def test_a_lone_station_is_drawn_to_its_department() -> None:
    index = pd.Index(["13001_0001", "13002_0001", "13003_0001", "13003_0002", "13003_0003"])
    assert groups_of(index).to_list() == ["13", "13", "13003", "13003", "13003"]


def test_a_missing_rate_stays_missing_and_an_impossible_one_is_refused() -> None:
    index = town(3)
    people = pd.Series([100.0, 100, 100], index=index)
    found = shrunk_rate(pd.Series([0.2, np.nan, 0.4], index=index), people, groups_of(index))
    assert found.isna().to_list() == [False, True, False]
    with pytest.raises(TargetingError, match="outside 0 to 1"):
        shrunk_rate(pd.Series([0.2, 1.2, 0.4], index=index), people, groups_of(index))


def test_the_reservoir_by_hand_with_its_parameters() -> None:
    one = [pd.Series([v]) for v in (0.75, 0.5, 0.4, 1000.0)]
    assert level_reservoir(*one).to_list() == pytest.approx([100])
    assert level_reservoir(*one, realised=0.6, elsewhere=0.3).to_list() == pytest.approx([42])
