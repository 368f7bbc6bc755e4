"""Terms of a score add up to it, and say what would change the rank."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.scoring.explain import explain_scores


def scores(registered, abstention, share) -> pd.DataFrame:
    a, share_ = np.array(abstention, dtype=float), np.array(share, dtype=float)
    score = pd.Series(a * share_)
    return pd.DataFrame(
        {
            "station_id": [f"13055_{n:04d}" for n in range(1, len(a) + 1)],
            "registered": registered, "abstention_rate": a, "left_share": share_, "score": score,
            "rank": score.rank(method="first", ascending=False).astype("Int64"),
        }
    )  # fmt: skip


def test_three_stations_by_hand() -> None:
    told = explain_scores(scores([1000, 1000, 1000], [0.8, 0.5, 0.5], [0.5, 0.5, 0.2]))
    # means: abstention .6, share .4; expected 1000 × .24
    assert told["expected"].to_list() == pytest.approx([240, 240, 240])
    assert told["from_abstention"].to_list() == pytest.approx([80, -40, -40])
    assert told["from_share"].to_list() == pytest.approx([60, 60, -120])
    assert told["from_both"].to_list() == pytest.approx([20, -10, 20])
    # the first, .4, would score .3 at the mean abstention: still before .25; .32 at the mean share
    assert told["rank_at_mean_abstention"].to_list() == [1, 2, 3]
    assert told["rank_at_mean_share"].to_list() == [1, 2, 3]


def test_a_station_that_owes_its_rank_to_one_term_would_lose_it_without() -> None:
    told = explain_scores(scores([1000] * 4, [0.9, 0.6, 0.6, 0.6], [0.3, 0.4, 0.4, 0.35]))
    assert told["rank_at_mean_abstention"].iloc[0] == 4
    assert told["rank_at_mean_share"].iloc[0] == 1


def test_a_station_without_score_explains_nothing() -> None:
    table = scores([1000, 800], [0.5, np.nan], [0.5, 0.4])
    table["rank"] = pd.array([1, None], dtype="Int64")
    told = explain_scores(table)
    assert told.iloc[1].isna().all()
    assert told["expected"].iloc[0] == pytest.approx(250)


rates = st.floats(0, 1)


@given(st.lists(st.tuples(st.integers(100, 3000), rates, rates), min_size=1, max_size=12))
def test_the_terms_sum_to_the_people_of_the_score(stations) -> None:
    registered, abstention, share = zip(*stations, strict=True)
    table = scores(list(registered), list(abstention), list(share))
    told = explain_scores(table)
    people = told[["expected", "from_abstention", "from_share", "from_both"]].sum(axis=1)
    expected = table["registered"] * table["score"]
    np.testing.assert_allclose(people, expected, atol=1e-6)
    ranked = told["rank_at_mean_abstention"].dropna()
    assert ranked.between(1, len(table)).all()
