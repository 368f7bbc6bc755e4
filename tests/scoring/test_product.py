"""T0 by hand: abstention of low-turnout elections × left share of the presidential one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.errors import TargetingError
from targeting.scoring.basis import Basis, choose_basis
from targeting.scoring.product import _constituency, build_scores, reachable
from tests.scoring.toy import bloc_votes, turnout

BASIS = Basis("2022_pres_t1", ("2022_legi_t1", "2017_legi_t2"), (0.3, 0.3))


def scores_of(registered, presidential, recent, older, left, *, basis=BASIS, by="national"):
    turnouts = {
        "2022_pres_t1": turnout("2022_pres_t1", registered, presidential),
        "2022_legi_t1": turnout("2022_legi_t1", registered, recent),
        "2017_legi_t2": turnout("2017_legi_t2", registered, older),
    }
    blocs = bloc_votes(turnouts["2022_pres_t1"], left)
    return build_scores(turnouts, blocs, basis, by=by).set_index("station_id")


def test_the_score_of_three_stations_by_hand() -> None:
    scores = scores_of(
        registered=[1000, 1000, 500], presidential=[600, 800, 400], recent=[300, 500, 200],
        older=[200, 600, 100], left=[300, 200, 300],
    )  # fmt: skip
    # abstention: (.7+.8)/2, (.5+.4)/2, (.6+.8)/2; left share: .5, .25, .75
    assert scores["score"].to_list() == pytest.approx([0.375, 0.1125, 0.525])
    assert scores["rank"].to_list() == [2, 3, 1]
    # reservoir: (turnout presidential - latest low) × left share × registered
    assert scores["reservoir"].to_list() == pytest.approx([150.0, 75.0, 150.0])
    assert reachable(scores["reservoir"]).to_list() == pytest.approx([105.0, 52.5, 105.0])
    assert scores["history_share"].to_list() == [1.0, 1.0, 1.0]
    assert scores["reasons"].to_list() == ["", "", ""]


def test_more_votes_at_the_low_election_than_at_the_presidential_leave_no_reservoir() -> None:
    scores = scores_of([1000], [400], [500], [500], [100])
    assert scores["reservoir"].to_list() == [0.0]


def test_a_station_without_valid_votes_has_no_score_no_rank_and_a_reason() -> None:
    scores = scores_of([1000, 300], [600, 0], [300, 10], [200, 10], [300, 0])
    assert np.isnan(scores.loc["13055_0002", "score"])
    assert pd.isna(scores.loc["13055_0002", "rank"])
    assert "no_valid_votes" in scores.loc["13055_0002", "reasons"]
    assert scores.loc["13055_0001", "rank"] == 1


def test_a_small_station_is_scored_but_not_ranked() -> None:
    scores = scores_of([99, 1000], [90, 600], [10, 300], [10, 200], [90, 300])
    assert scores["score"].iloc[0] > scores["score"].iloc[1]
    assert scores["rank"].to_list() == [pd.NA, 1]
    assert scores["reasons"].iloc[0] == "small_station"


def test_a_station_without_a_past_takes_the_elections_it_has() -> None:
    turnouts = {
        "2022_pres_t1": turnout("2022_pres_t1", [1000, 1000], [600, 600]),
        "2022_legi_t1": turnout("2022_legi_t1", [1000, 1000], [300, 300]),
        "2017_legi_t2": turnout("2017_legi_t2", [1000], [100]),
    }
    blocs = bloc_votes(turnouts["2022_pres_t1"], [300, 300])
    scores = build_scores(turnouts, blocs, BASIS).set_index("station_id")
    assert scores["abstention_rate"].to_list() == pytest.approx([0.8, 0.7])
    assert scores["history_share"].to_list() == [1.0, 0.5]
    assert scores["reasons"].to_list() == ["", "no_past:2017_legi_t2"]


def test_a_roll_that_jumped_is_told() -> None:
    turnouts = {
        "2022_pres_t1": turnout("2022_pres_t1", [1000], [600]),
        "2022_legi_t1": turnout("2022_legi_t1", [1010], [300]),
        "2017_legi_t2": turnout("2017_legi_t2", [800], [100]),
    }
    scores = build_scores(turnouts, bloc_votes(turnouts["2022_pres_t1"], [300]), BASIS)
    assert scores["reasons"].to_list() == ["roll_moved:2017_legi_t2"]
    assert scores["history_share"].to_list() == [0.5]


def test_ranks_are_within_the_arena_asked_for() -> None:
    turnouts = {
        e: turnout(e, [1000] * 4, [600 - 50 * i for i in range(4)]) for e in BASIS.elections
    }
    for table in turnouts.values():
        table["station_id"] = ["13055_0001", "13055_0002", "13001_0001", "13001_0002"]
    blocs = bloc_votes(turnouts["2022_pres_t1"], [300, 300, 100, 100])
    ranks = {
        by: build_scores(turnouts, blocs, BASIS, by=by).set_index("station_id")["rank"]
        for by in ("national", "commune", "constituency")
    }
    assert sorted(ranks["national"]) == sorted(ranks["constituency"]) == [1, 2, 3, 4]
    assert ranks["commune"][["13055_0002", "13001_0002"]].to_list() == [1, 1]


station = st.integers(100, 1500).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(1, n), st.integers(0, n), st.integers(0, n))
)


@given(st.lists(station, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_a_score_never_depends_on_which_other_stations_are_there(rows, random) -> None:
    registered, presidential, recent, older = zip(*rows, strict=True)
    left = [random.randint(0, p) for p in presidential]
    whole = scores_of(registered, presidential, recent, older, left)
    head = max(1, len(rows) // 2)
    part = scores_of(*(c[:head] for c in (registered, presidential, recent, older)), left[:head])
    measures = ["score", "reservoir", "abstention_rate", "left_share"]
    pd.testing.assert_frame_equal(whole.head(head)[measures], part[measures])
    assert whole["score"].between(0, 1).all()
    assert (whole["reservoir"] <= whole["registered"]).all()


@given(st.lists(station, min_size=1, max_size=12), st.integers(2, 9))
def test_a_station_ten_times_as_large_has_the_same_score(rows, times) -> None:
    registered, presidential, recent, older = (list(c) for c in zip(*rows, strict=True))
    left = [p // 2 for p in presidential]
    once = scores_of(registered, presidential, recent, older, left)
    many = scores_of(*([n * times for n in c] for c in (registered, presidential, recent, older)),
                     [n * times for n in left])  # fmt: skip
    assert many["score"].to_list() == pytest.approx(once["score"].to_list())
    assert many["reservoir"].to_list() == pytest.approx((once["reservoir"] * times).to_list())


# -- the elections it rests on ---------------------------------------------------------------------


def levels(**turnouts: float) -> pd.DataFrame:
    base = turnouts.get("e2022_pres_t1", 0.74)
    return pd.DataFrame(
        [
            {"election_id": e[1:], "turnout": t, "turnout_presidential": base}
            for e, t in turnouts.items()
        ]
    )


def test_the_last_two_distinct_low_elections_are_taken_first_round_first() -> None:
    basis = choose_basis(levels(
        e2017_pres_t1=0.77, e2017_legi_t2=0.43, e2019_euro_t1=0.50, e2022_pres_t1=0.74,
        e2022_legi_t1=0.48, e2022_legi_t2=0.46, e2024_legi_t1=0.67,
    ))  # fmt: skip
    assert basis.presidential == "2022_pres_t1"
    assert basis.low == ("2022_legi_t1", "2019_euro_t1"), "2024 lies only 7 points lower"
    assert basis.gaps == pytest.approx((0.26, 0.24))


def test_a_second_round_serves_where_the_first_is_missing() -> None:
    basis = choose_basis(levels(e2017_legi_t2=0.43, e2022_pres_t1=0.74, e2022_legi_t2=0.46))
    assert basis.low == ("2022_legi_t2", "2017_legi_t2")


def test_one_low_election_alone_will_do() -> None:
    assert choose_basis(levels(e2022_pres_t1=0.74, e2022_legi_t1=0.48)).low == ("2022_legi_t1",)


@pytest.mark.parametrize(
    ("turnouts", "words"),
    [({"e2022_legi_t1": 0.48}, "needs a presidential first round"),
     ({"e2022_pres_t1": 0.74}, "no election lies ten points"),
     ({"e2022_pres_t1": 0.74, "e2024_legi_t1": 0.67}, "2024_legi_t1 -7.0%")],
)  # fmt: skip
def test_what_is_missing_is_said(turnouts: dict[str, float], words: str) -> None:
    with pytest.raises(TargetingError, match=words):
        choose_basis(levels(**turnouts))


def test_the_constituency_is_the_latest_elections_that_publishes_it() -> None:
    turnouts = {
        e: turnout(e, [1000, 900], [600, 500]).assign(constituency_code=pd.Series(codes, dtype="str"))
        for e, codes in {
            "2022_pres_t1": ["1301", "1301"],
            "2024_legi_t1": ["1302", None],
            "2022_legi_t1": ["1303", "1304"],
        }.items()
    }  # fmt: skip
    stations = pd.Index(turnouts["2022_pres_t1"]["station_id"])
    assert _constituency(turnouts, stations).to_list() == ["1302", "1304"]
