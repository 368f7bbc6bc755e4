"""The second layer: its formula by hand, what stands in where nobody stood, an odd low round."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from targeting.scoring.tide import is_abnormal, rising_tide, share_where_stood

NAMES = ["13055_0001", "13055_0002", "13055_0003"]


def series(*values: float) -> pd.Series:
    return pd.Series(values, index=NAMES[: len(values)], dtype="float64")


def test_the_tide_by_hand_and_the_presidential_share_where_the_low_one_is_missing() -> None:
    found = rising_tide(series(0.49, 0.36, np.nan), series(0.4, 0.5, 0.3), series(0.2, np.nan, 0.1))
    assert found.to_list()[:2] == pytest.approx([0.7 * 0.3, 0.6 * 0.5])
    assert np.isnan(found.iloc[2])
    assert found.name == "tide"


def test_after_an_abnormal_round_who_stayed_home_more_than_usual_comes_back() -> None:
    usual, share = series(0.5, 0.6), series(0.4, 0.4)
    found = rising_tide(usual, share, share, latest=series(0.7, 0.65))
    assert found.to_list() == pytest.approx([0.6, 0.45])


def test_where_nobody_of_the_target_stood_its_share_is_not_nothing_but_unknown() -> None:
    group = pd.Series(["1301", "1301", "1302"], index=NAMES)
    found = share_where_stood(series(0.0, 0.3, 0.0), group)
    assert found.isna().to_list() == [False, False, True]
    assert found.iloc[0] == 0, "nobody voted for who stood: that is a share"


@pytest.mark.parametrize(
    ("before", "now", "abnormal"), [(0.635, 0.45, True), (0.55, 0.47, False), (0.5501, 0.47, True)]
)
def test_a_low_round_is_abnormal_over_eight_points_under_the_last_of_its_kind(
    before, now, abnormal
) -> None:
    levels = pd.DataFrame(
        {"election_id": ["2014_muni_t1", "2020_muni_t1", "2020_muni_t2", "2019_euro_t1"],
         "turnout": [before, now, 0.9, 0.9]}
    )  # fmt: skip
    assert is_abnormal(levels, "2020_muni_t1") == abnormal


def test_the_first_round_of_its_kind_is_not_abnormal() -> None:
    levels = pd.DataFrame({"election_id": ["2022_legi_t1"], "turnout": [0.2]})
    assert not is_abnormal(levels, "2022_legi_t1")
