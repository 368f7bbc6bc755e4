"""Ranks with an interval: closed forms against counting by hand, and the laws that they keep."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from targeting.scoring import ranks as module
from targeting.scoring.basis import Basis
from targeting.scoring.product import build_scores
from targeting.scoring.ranks import (
    SHIPPED,
    SHIPPED_TAU,
    WIDER,
    Tau,
    Z,
    chance_above,
    expected_above,
    find_tau,
    first_chance,
    first_ones,
    in_arenas,
    learn_tau,
    rank_bounds,
    rank_errors,
    read_above,
    sampling_variance,
    score_bounds,
    sigma_of,
    threshold_of,
    widening,
)
from tests.scoring.test_backtest import BASIS, invented_past
from tests.scoring.toy import bloc_votes, turnout

placed = st.lists(
    st.tuples(st.floats(-6, 0), st.floats(0.01, 1.5)), min_size=1, max_size=25
)  # fmt: skip


def town(rows) -> tuple[pd.Series, pd.Series]:
    names = [f"13055_{n:04d}" for n in range(1, len(rows) + 1)]
    x, sigma = (
        pd.Series(list(column), index=names, dtype=float) for column in zip(*rows, strict=True)
    )
    return x, sigma


# -- the closed form -------------------------------------------------------------------------------


def test_two_stations_by_hand() -> None:
    x, sigma = town([(-1.0, 0.1), (-1.2, 0.1)])
    bounds = rank_bounds(x, sigma)
    # the first: 1 + Φ((−.2 ∓ .128) / .1) is 1.0005 to 1.24: between the 1st and the 2nd
    assert bounds["low"].to_list() == [1, 1]
    assert bounds["high"].to_list() == [2, 2]
    assert chance_above(-1.0, 0.1, -1.2, 0.1) == pytest.approx(ndtr(0.2 / 0.02**0.5))
    assert first_chance(x, sigma, 1).to_list() == pytest.approx([ndtr(1), ndtr(-1)])


@given(placed)
@settings(max_examples=60)
def test_an_interval_always_holds_its_own_rank_and_no_rank_beyond_the_last(rows) -> None:
    x, sigma = town(rows)
    rank = x.rank(method="first", ascending=False)
    bounds = rank_bounds(x, sigma, rank)
    assert (bounds["low"] <= rank).all()
    assert (rank <= bounds["high"]).all()
    assert (bounds["low"] >= 1).all()
    assert (bounds["high"] <= len(x)).all()
    assert (bounds == bounds.round()).all(axis=None)


@given(placed, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_rows_changes_nothing(rows, chance) -> None:
    x, sigma = town(rows)
    rank = x.rank(method="first", ascending=False)
    order = list(x.index)
    chance.shuffle(order)
    dealt = rank_bounds(x[order], sigma[order], rank[order])
    pd.testing.assert_frame_equal(dealt.reindex(x.index), rank_bounds(x, sigma, rank))


@given(placed, st.floats(1.0, 4.0))
@settings(max_examples=60)
def test_who_is_less_sure_has_the_wider_interval(rows, times) -> None:
    x, sigma = town(rows)
    doubtful = sigma.copy()
    doubtful.iloc[0] *= times
    narrow, wide = (rank_bounds(x, s).iloc[0] for s in (sigma, doubtful))
    assert wide["low"] <= narrow["low"]
    assert wide["high"] >= narrow["high"]


@given(placed, st.integers(0, 27))
@settings(max_examples=60)
def test_chances_to_be_among_the_first_k_add_up_to_k(rows, k) -> None:
    x, sigma = town(rows)
    assert first_chance(x, sigma, k).sum() == pytest.approx(min(k, len(x)), abs=1e-5)


@given(placed)
@settings(max_examples=40)
def test_more_first_ones_never_make_a_chance_smaller(rows) -> None:
    x, sigma = town(rows)
    chances = [first_chance(x, sigma, k) for k in range(len(x) + 1)]
    for fewer, more in pairwise(chances):
        assert (more >= fewer - 1e-6).all()
    levels = [threshold_of(x, sigma, k) for k in range(len(x) + 1)]
    assert levels[0] == np.inf
    assert levels[-1] == -np.inf


def test_ties_share_one_interval_and_each_holds_its_own_rank() -> None:
    x, sigma = town([(-1.0, 0.1)] * 5)
    bounds = rank_bounds(x, sigma)
    assert bounds["low"].to_list() == [1] * 5
    assert bounds["high"].to_list() == [5] * 5
    assert first_chance(x, sigma, 2).to_list() == pytest.approx([0.4] * 5)


def test_a_station_alone_is_first_and_none_is_ranked_without_any() -> None:
    x, sigma = town([(-1.0, 0.1)])
    assert rank_bounds(x, sigma).iloc[0].to_list() == [1, 1]
    assert first_chance(x, sigma, 1).to_list() == [1]
    nobody = x * np.nan
    assert rank_bounds(nobody, sigma).isna().all(axis=None)
    assert first_chance(nobody, sigma, 1).isna().all()


def test_where_nothing_is_unsure_an_interval_is_the_rank() -> None:
    x, sigma = town([(-1.0, 0.0), (-2.0, 0.0), (-3.0, 0.0)])
    bounds = rank_bounds(x, sigma)
    assert bounds["low"].to_list() == bounds["high"].to_list() == [1, 2, 3]
    assert first_chance(x, sigma, 1).to_list() == [1, 0, 0]
    assert chance_above(-1.0, 0.0, -2.0, 0.0) == 1
    assert chance_above(-1.0, 0.0, -1.0, 0.0) == 0.5


def test_a_station_without_rank_is_nobodys_rival() -> None:
    x, sigma = town([(-1.0, 0.2), (-1.1, 0.2), (-0.5, 0.2)])
    rank = pd.Series([1, 2, pd.NA], index=x.index, dtype="Int64")
    bounds = rank_bounds(x, sigma, rank)
    assert bounds["high"].to_list()[:2] == [2, 2]
    assert bounds.iloc[2].isna().all()
    missing = x.where(x < -0.6)
    pd.testing.assert_frame_equal(rank_bounds(missing, sigma), bounds)


def test_a_country_read_between_knots_is_a_country_counted_pair_by_pair() -> None:
    chance = np.random.default_rng(3)
    x = chance.normal(-2, 0.5, 4000)
    sigma = np.sqrt(0.095**2 + chance.gamma(2, 0.003, 4000))
    levels = np.concatenate([x - Z * sigma, x + Z * sigma])
    assert np.abs(read_above(levels, x, sigma) - expected_above(levels, x, sigma)).max() < 0.01
    sure = np.full(4000, 1e-9)  # too narrow for the knots: widened, and still within a hundredth
    far = np.abs(read_above(levels, x, sure) - expected_above(levels, x, sure))
    assert far.max() < 4000 * 0.02


@pytest.mark.parametrize("more", [0, 1])
def test_a_city_is_counted_exactly_and_more_stations_are_read(monkeypatch, more) -> None:
    used = []
    monkeypatch.setattr(module, "EXACT", 30)
    for name in ("expected_above", "read_above"):
        true = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given, true=true, name=name: used.append(name) or true(*given)
        )
    x, sigma = town([(-n / 10, 0.1) for n in range(30 + more)])
    rank_bounds(x, sigma)
    assert used == (["read_above"] if more else ["expected_above"])


# -- sigma -----------------------------------------------------------------------------------------


def test_the_luck_of_the_draw_by_hand() -> None:
    rates = pd.DataFrame({0: [0.5, 0.5], 1: [0.7, np.nan]})
    rolls = pd.DataFrame({0: [1000.0, 1000.0], 1: [900.0, 900.0]})
    found = sampling_variance(rates, rolls, pd.Series([0.4, 0.4]), pd.Series([600, 600]))
    of_share = 0.6 / (0.4 * 600)
    both = (0.25 / 1000 + 0.21 / 900) / (2 * 0.6) ** 2
    one = 0.25 / 1000 / 0.5**2
    assert found.to_list() == pytest.approx([both + of_share, one + of_share])


def test_nobody_of_the_target_is_half_a_vote_and_very_unsure() -> None:
    rates, rolls = pd.DataFrame({0: [0.5, 0.0]}), pd.DataFrame({0: [1000.0, 1000.0]})
    found = sampling_variance(rates, rolls, pd.Series([0.0, 0.5]), pd.Series([500, 500]))
    assert found.iloc[0] == pytest.approx(0.25 / 1000 / 0.25 + 0.999 / 0.5)
    assert np.isfinite(found).all()
    gone = sampling_variance(rates * np.nan, rolls, pd.Series([0.2, 0.2]), pd.Series([500, 0]))
    assert gone.isna().all()


def test_sigma_is_tau_widened_and_the_luck_of_the_draw() -> None:
    found = sigma_of(0.1, pd.Series([0.0, 0.03]), pd.Series([1.0, 2.0]))
    assert found.to_list() == pytest.approx([0.1, (0.04 + 0.03) ** 0.5])


@pytest.mark.parametrize(("then", "times"), [(900, 1), (899, WIDER), (1100, 1), (1101, WIDER)])
def test_a_roll_that_moved_by_more_than_a_tenth_doubles_tau(then, times) -> None:
    rolls = pd.DataFrame({0: [1000.0], 1: [float(then)]})
    assert widening(rolls, pd.Series([1000])).to_list() == [times]


@pytest.mark.parametrize(
    ("own", "times"), [(1, 1), (0.5, 1), (0.49, 2), (0.25, 2), (0.24, 4), (0, 4)]
)
def test_a_past_that_is_mostly_of_others_widens_tau(own, times) -> None:
    rolls = pd.DataFrame({0: [500.0]})
    assert widening(rolls, pd.Series([1000]), pd.Series([own])).to_list() == [times]


# -- tau -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def past():
    return invented_past(1600)


def known_before_2024(past):
    return {e: tally for e, tally in past.items() if e < "2024"}


def test_tau_is_learnt_on_the_last_first_round_that_a_score_could_foresee(past) -> None:
    tau = find_tau(past)
    assert tau.is_own
    assert tau.t1 == "2024_legi_t1"
    assert tau.communes == 40
    assert 0.01 < tau.value < 0.3
    assert "learnt on 2024_legi_t1" in tau.told
    assert find_tau(known_before_2024(past)).t1 == "2022_legi_t1"


def test_without_a_later_result_tau_is_the_shipped_one_and_says_so(past) -> None:
    alone = {e: past[e] for e in ("2022_pres_t1", "2022_legi_t1")}
    assert find_tau(alone) == SHIPPED
    assert find_tau({}) == SHIPPED
    assert "shipped" in SHIPPED.told
    assert not SHIPPED.is_own


@pytest.mark.parametrize(("stations", "learns"), [(29, False), (30, True), (31, True)])
def test_a_commune_teaches_from_thirty_stations_on(stations, learns) -> None:
    tau = learn_tau(invented_past(stations), "2024_legi_t1", BASIS)
    assert (tau is not None) == learns
    assert tau is None or tau.stations == stations


@pytest.mark.parametrize(("stations", "floor"), [(199, True), (200, False)])
def test_few_stations_may_widen_tau_and_never_narrow_it(stations, floor) -> None:
    quiet = invented_past(stations)
    one = quiet["2022_legi_t1"]  # a later result that is the score's own counts
    quiet |= {"2024_legi_t1": one, "2022_pres_t1": one}
    tau = learn_tau(quiet, "2024_legi_t1", BASIS)
    assert tau is not None
    assert (tau.value == SHIPPED_TAU) == floor
    assert tau.value <= SHIPPED_TAU


def test_a_past_that_orders_nothing_makes_no_rank_sure() -> None:
    past = invented_past(200)
    dealt = past["2024_legi_t1"].sample(frac=1, random_state=1)
    past["2024_legi_t1"] = dealt.set_axis(past["2022_legi_t1"].index)
    past["2024_legi_t1"]["registered"] = past["2022_legi_t1"]["registered"]
    tau = learn_tau(past, "2024_legi_t1", BASIS)
    assert tau is not None
    assert tau.value > 1


def test_stations_of_one_score_teach_nothing() -> None:
    past = invented_past(40)
    flat = {e: t.assign(registered=1000, votes_cast=500, valid_votes=500, left=200)
            for e, t in past.items()}  # fmt: skip
    assert learn_tau(flat, "2024_legi_t1", BASIS) is None
    assert find_tau(flat) == SHIPPED


def test_nine_in_ten_later_ranks_lie_in_intervals_learnt_before(past) -> None:
    """Tau of 2022 tested on 2024, in communes of forty: at least the nominal four in five."""
    tau = find_tau(known_before_2024(past))
    stations = past["2024_legi_t1"].index
    basis = Basis("2022_pres_t1", ("2022_legi_t1", "2017_legi_t1"), (0.3, 0.3))
    x, variance = module.score_of_tallies(past, basis, stations)
    now = past["2024_legi_t1"]
    later = (1 - now["votes_cast"] / now["registered"]) * now["left"] / now["valid_votes"]
    commune = stations.to_series().str.slice(0, 5)
    held = []
    for _, members in commune.groupby(commune):
        bounds = rank_bounds(x[members.index], sigma_of(tau.value, variance[members.index]))
        true = later[members.index].rank(ascending=False)
        held.append((true >= bounds["low"]) & (true <= bounds["high"]))
    assert 0.78 <= pd.concat(held).mean() <= 0.99


# -- stations of a campaign ------------------------------------------------------------------------


def campaign(registered, left, *, past_rolls=None):
    """Scores and their errors of stations alike but for their roll and their left."""
    count = len(registered)
    turnouts = {
        "2022_pres_t1": turnout("2022_pres_t1", registered, [r // 2 for r in registered]),
        "2022_legi_t1": turnout(
            "2022_legi_t1", past_rolls or registered, [r // 3 for r in registered]
        ),
    }
    votes = bloc_votes(turnouts["2022_pres_t1"], left)
    basis = Basis("2022_pres_t1", ("2022_legi_t1",), (0.3,))
    scores = build_scores(turnouts, votes, basis)
    assert len(scores) == count
    return scores, rank_errors(scores, turnouts, basis, Tau(0.1))


def test_a_small_station_has_no_error_as_it_has_no_rank() -> None:
    scores, errors = campaign([1000, 99, 800], [200, 20, 300])
    assert errors["sigma"].isna().to_list() == [False, True, False]
    both = in_arenas(errors, scores.set_index("station_id")["rank"], None, k=1)
    assert both["top_k_probability"].sum() == pytest.approx(1)
    assert both["rank_high"].max() <= 2


def test_a_share_of_nobody_has_a_rank_and_an_interval_that_holds_it() -> None:
    scores, errors = campaign([1000, 900, 800], [0, 100, 300])
    assert scores["score"].iloc[0] == 0
    assert np.isfinite(errors).all(axis=None)
    found = in_arenas(errors, scores.set_index("station_id")["rank"], None)
    rank = scores.set_index("station_id")["rank"].astype(float)
    assert (found["rank_low"] <= rank).all()
    assert (rank <= found["rank_high"]).all()
    bounds = score_bounds(scores.set_index("station_id")["score"], errors)
    assert bounds["low"].iloc[0] == 0
    assert bounds["high"].iloc[0] > 0


def test_without_a_followed_history_the_roll_alone_widens() -> None:
    _, steady = campaign([1000, 1000], [200, 300])
    _, moved = campaign([1000, 1000], [200, 300], past_rolls=[1000, 1200])
    assert moved["sigma"].iloc[0] == pytest.approx(steady["sigma"].iloc[0])
    assert moved["sigma"].iloc[1] > 1.5 * steady["sigma"].iloc[1]


def test_each_arena_has_its_own_ranks_and_its_own_first_ones() -> None:
    x, sigma = town([(-n / 20, 0.1) for n in range(20)])
    arena = pd.Series(["a", "b"] * 10, index=x.index)
    rank = x.groupby(arena).rank(ascending=False)
    errors = pd.DataFrame({"x": x, "sigma": sigma})
    found = in_arenas(errors, rank, arena, k=3)
    assert found["top_k_probability"].groupby(arena).sum().to_list() == pytest.approx([3, 3])
    assert found["rank_high"].max() <= 10
    alone = in_arenas(errors[arena == "a"], rank[arena == "a"], None, k=3)
    pd.testing.assert_frame_equal(found[arena == "a"], alone)


@pytest.mark.parametrize(("count", "k", "first"), [(1, None, 1), (2, None, 1), (10, None, 2), (3, 5, 3), (3, 2, 2)])  # fmt: skip
def test_the_first_ones_are_one_at_least_and_no_more_than_there_are(count, k, first) -> None:
    assert first_ones(count, k) == first
