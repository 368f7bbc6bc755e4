"""What the docstrings of scoring promise, at the bound: the last that is in, the first that is out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from targeting.errors import TargetingError
from targeting.scoring import capture as cap
from targeting.scoring.backtest import _reference, build_transition
from targeting.scoring.basis import Basis, choose_basis
from targeting.scoring.ecological import balance, fit_cells
from targeting.scoring.intervals import (
    Calibration,
    calibrate,
    coverage,
    interval,
)
from targeting.scoring.measures import left_share, turnout_rate
from targeting.scoring.methods import TOLERANCE, losses
from targeting.scoring.priorities import contacted_rate, publish_coverage
from targeting.scoring.product import (
    mean_rate,
    rank_of,
    replace_score,
    same_roll_share,
    with_intervals,
)
from targeting.scoring.scenario import Scenario, update_from_counted
from targeting.scoring.shrinkage import groups_of, shrunk_rate
from targeting.scoring.tallies import build_tally, carry_constituencies
from tests.scoring.test_backtest import BASIS, arena, tally
from tests.scoring.test_product import levels, scores_of
from tests.scoring.toy import bloc_votes, turnout

SURE = Calibration("a", "b", 999, 0.0, 1e-6, 0.0, 0.01, 0.1, 0.5)
"""A past that says: all stations alike, whatever was foreseen."""


def town(n: int) -> pd.Index:
    return pd.Index([f"13055_{i:04d}" for i in range(1, n + 1)], name="station_id")


# -- ranks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("registered", "rank"), [(99, None), (100, 1), (101, 1)])
def test_a_station_is_ranked_from_a_hundred_registered_on(registered, rank) -> None:
    found = rank_of(pd.Series([0.5]), pd.Series([registered]))
    assert found.isna().tolist() == [rank is None]
    assert found.dropna().tolist() == ([] if rank is None else [rank])
    scores = scores_of([registered], [90], [30], [30], [30])
    assert ("small_station" in scores["reasons"].iloc[0]) == (rank is None)


def test_what_is_not_a_number_has_no_rank_and_takes_nobodys() -> None:
    ranks = rank_of(pd.Series([np.inf, 0.2, np.nan, 0.3]), pd.Series([500] * 4))
    assert ranks.to_list() == [pd.NA, 2, pd.NA, 1]


def test_ties_are_ranked_in_the_order_of_the_index_in_whatever_order_rows_come() -> None:
    score = pd.Series(0.5, index=["c", "a", "b"])
    assert rank_of(score, pd.Series(500, index=score.index)).to_dict() == {"a": 1, "b": 2, "c": 3}


def test_another_methods_score_leaves_without_score_what_had_none() -> None:
    scores = scores_of([1000, 1000], [600, 0], [300, 300], [300, 300], [300, 0]).reset_index()
    both = pd.Series([0.1, 0.9], index=scores["station_id"])
    changed = replace_score(scores, both, "national")
    assert changed["score"].isna().to_list() == [False, True]
    assert changed["rank"].to_list() == [1, pd.NA]


# -- the past that is a station's own ------------------------------------------------------------


@pytest.mark.parametrize(("own", "mean"), [(0.49, 0.2), (0.5, 0.4), (0.51, 0.4)])
def test_a_past_counts_from_half_its_own_on_where_another_does_better(own, mean) -> None:
    index = town(1)
    rates = [pd.Series([0.2], index=index), pd.Series([0.6], index=index)]
    shares = [pd.Series([1.0], index=index), pd.Series([own], index=index)]
    assert mean_rate(rates, index, own=shares).to_list() == pytest.approx([mean])


def test_a_past_that_is_hardly_its_own_is_taken_where_there_is_no_better() -> None:
    index = town(1)
    rates = [pd.Series([0.2], index=index), pd.Series([np.nan], index=index)]
    shares = [pd.Series([0.1], index=index), pd.Series([1.0], index=index)]
    assert mean_rate(rates, index, own=shares).to_list() == pytest.approx([0.2])


@pytest.mark.parametrize(("then", "share", "told"), [(900, 1, False), (1100, 1, False), (899, 0, True), (1101, 0, True)])  # fmt: skip
def test_a_roll_is_the_same_up_to_a_tenth_more_or_less(then, share, told) -> None:
    index = town(1)
    now, roll = (pd.Series([n], index=index) for n in (1000, then))
    assert same_roll_share(now, [roll]).to_list() == [share]
    scores = scores_of([1000], [600], [300], [300], [300])
    moved = scores_of_rolls(1000, then)
    assert scores["reasons"].iloc[0] == ""
    assert ("roll_moved:2022_legi_t1" in moved["reasons"].iloc[0]) == told


def scores_of_rolls(now: int, then: int) -> pd.DataFrame:
    """One station whose roll was another at the low-turnout elections."""
    from targeting.scoring.product import build_scores

    turnouts = {
        "2022_pres_t1": turnout("2022_pres_t1", [now], [600]),
        "2022_legi_t1": turnout("2022_legi_t1", [then], [300]),
        "2017_legi_t2": turnout("2017_legi_t2", [now], [300]),
    }
    basis = Basis("2022_pres_t1", ("2022_legi_t1", "2017_legi_t2"), (0.3, 0.3))
    return build_scores(turnouts, bloc_votes(turnouts["2022_pres_t1"], [300]), basis)


def test_a_past_of_others_is_drawn_half_way_further_by_hand() -> None:
    index = town(3)
    people = pd.Series([100.0] * 3, index=index)
    rate = pd.Series([0.2, 0.5, 0.8], index=index)
    own = pd.Series([1.0, 1.0, 0.0], index=index)
    # variance .06, noise .0025, signal .0575; a past of others: signal / (signal + noise + signal)
    found = shrunk_rate(rate, people, groups_of(index), own=own)
    assert found.to_list() == pytest.approx(
        [0.5 - 0.3 * 0.0575 / 0.06, 0.5, 0.5 + 0.3 * 0.0575 / (0.06 + 0.0575)]
    )
    unknown = shrunk_rate(rate, people, groups_of(index), own=own.iloc[:2])
    assert unknown.to_list() == pytest.approx(found.to_list()), "not told: not its own"


@pytest.mark.parametrize(("stations", "group"), [(2, "13"), (3, "13055"), (4, "13055")])
def test_a_commune_is_a_group_from_three_stations_on(stations, group) -> None:
    assert set(groups_of(town(stations))) == {group}


# -- people already met --------------------------------------------------------------------------


def met(count: int, *, visited: int | None = None, households: int = 100) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "station_id": ["13055_0001"], "households": [households],
            "households_visited": [count if visited is None else visited],
            "households_contacted": [count], "last_visit_date": [pd.Timestamp("2026-03-01").date()],
        }
    )  # fmt: skip


@pytest.mark.parametrize(("count", "rate"), [(0, 0), (1, 0), (10, 0), (11, 0.11), (12, 0.12)])
def test_households_met_move_a_priority_from_eleven_on(count, rate) -> None:
    assert contacted_rate(met(count), town(1)).to_list() == pytest.approx([rate])


@pytest.mark.parametrize("count", [0, 1, 10, 11, 12])
def test_a_count_is_shown_at_none_and_from_eleven_on(count) -> None:
    shown = publish_coverage(met(count))
    hidden = 1 <= count <= 10
    for column in ("households_visited", "households_contacted"):
        assert shown[column].isna().to_list() == [hidden]
    assert shown["last_visit_date"].isna().to_list() == [hidden], "a date would tell of a visit"


def test_more_doors_met_than_households_known_are_all_of_them() -> None:
    from tests.scoring.test_priorities import BUILDINGS, SCORES, build_coverage, build_priorities
    from tests.scoring.test_priorities import visits as knocks

    small = BUILDINGS.assign(dwellings=[12, 0, 100, 5]).iloc[[0, 2, 3]]
    coverage = build_coverage(small, knocks(*(("a", n, "talked") for n in range(1, 15))))
    first = coverage.set_index("station_id").loc["13055_0001"]
    assert first["households"] == 12
    assert first["households_contacted"] == 12
    assert first["households_visited"] == 12
    priorities = build_priorities(SCORES, coverage).set_index("station_id")
    assert priorities.loc["13055_0001", ["contacted_rate", "reservoir_left"]].to_list() == [1, 0]
    assert contacted_rate(met(14, households=12), town(1)).to_list() == [1]
    assert contacted_rate(met(14, households=0), town(1)).to_list() == [0]


# -- intervals -----------------------------------------------------------------------------------


def test_a_reservoir_is_never_above_the_roll_nor_outside_its_interval() -> None:
    scores = scores_of([1000, 1000], [600, 600], [300, 300], [300, 300], [300, 300]).reset_index()
    stations = pd.Index(scores["station_id"])
    bounds = pd.DataFrame({"low": [0.5, 0.0], "high": [1.7, 0.01]}, index=stations)
    sure = with_intervals(scores, bounds, pd.Series([1.2, -0.1], index=stations))
    assert sure["reservoir"].to_list() == pytest.approx([150, 150])
    assert sure["reservoir_low"].to_list() == pytest.approx([150, 0])
    assert sure["reservoir_high"].to_list() == pytest.approx([1000, 150])
    assert sure["top_k_probability"].to_list() == [1, 0]


def test_an_interval_holds_its_own_figure_however_sure_the_past_is_of_another() -> None:
    density = pd.Series([0.02, 0.1, 0.18])
    people = pd.Series([1e6, 1e6, 1e6])
    bounds = interval(SURE, density, people)
    assert bounds["low"].iloc[0] == pytest.approx(0.02)
    assert bounds["high"].iloc[2] == pytest.approx(0.18)
    assert (bounds["low"] <= density).all()
    assert (density <= bounds["high"]).all()


def test_an_interval_goes_no_lower_than_nobody() -> None:
    wide = Calibration("a", "b", 999, 1.0, 4.0, 1.0, 2.0, 0.1, 0.5)
    assert (interval(wide, pd.Series([0.02, 0.1]), pd.Series([900, 900]))["low"] == 0).all()


@pytest.mark.parametrize(("own", "times"), [(1.0, 1.0), (0.5, 2**0.5), (0.25, 2.0), (0.1, 2.0), (0.0, 2.0)])  # fmt: skip
def test_a_past_of_which_less_than_a_quarter_is_its_own_widens_no_further(own, times) -> None:
    one = pd.Series([1.0])
    narrow, wide = (SURE.spread(one, 0.1, 0.01, pd.Series([o])) for o in (1.0, own))
    assert (wide / narrow).to_list() == pytest.approx([times])


@pytest.mark.parametrize(("size", "groups"), [(14, 0), (15, 1), (16, 1)])
def test_a_group_is_told_from_fifteen_stations_on_and_the_ends_of_an_interval_are_in_it(
    size, groups
) -> None:
    realised = pd.Series([0.1] * size)
    bounds = pd.DataFrame({"low": [0.1] * size, "high": [0.1] * size})
    share, by = coverage(bounds, realised, pd.Series(["a"] * size))
    assert share == 1
    assert len(by) == groups


@pytest.mark.parametrize(("stations", "enough"), [(199, False), (200, True)])
def test_an_interval_is_calibrated_from_two_hundred_stations_on(stations, enough) -> None:
    low = tally([1000] * stations, [400] * stations, [400] * stations, [100] * stations)
    high = low.assign(votes_cast=700, valid_votes=700, left=[200 + i % 50 for i in range(stations)])
    past = {"2022_pres_t1": high, "2022_legi_t1": low, "2024_legi_t1": high}
    transition = build_transition(past, BASIS, "2024_legi_t1")
    score = pd.Series(np.linspace(0.1, 0.4, stations), index=low.index)
    if enough:
        assert calibrate(past, transition, lambda *_: score).stations == stations
    else:
        with pytest.raises(TargetingError, match="200 are wanted"):
            calibrate(past, transition, lambda *_: score)


# -- backtests -----------------------------------------------------------------------------------


def test_a_missing_score_is_ranked_last_in_a_backtest_whatever_the_others() -> None:
    for missing in (np.nan, np.inf, -np.inf):
        ranking = cap.rank_stations(arena([100, 100, 100]), np.array([missing, -5.0, 0.2]))
        assert ranking.order.tolist() == [2, 1, 0]
        assert cap.capture(ranking, np.array([90.0, 5.0, 5.0]), 1 / 3) == pytest.approx(0.05)


def test_missing_scores_are_last_within_each_group() -> None:
    place = arena([100] * 4, [0, 0, 1, 1])
    ranking = cap.rank_stations(place, np.array([np.nan, 0.1, np.nan, 0.2]))
    assert ranking.order.tolist() == [1, 0, 3, 2]


@pytest.mark.parametrize(("stations", "least", "groups"), [(29, 0, 0), (30, 0, 1), (31, 0, 1), (30, 30, 1), (30, 31, 0)])  # fmt: skip
def test_a_commune_is_an_arena_from_thirty_stations_on_and_enough_kept(
    stations, least, groups
) -> None:
    place = pd.Series(["13055"] * stations)
    people = pd.Series([100] * stations)
    assert len(cap.build_arena("commune", place, place, people, least=least).labels) == groups
    assert len(cap.build_arena("national", place, place, people).labels) == 1


def past_of(change: int, **odd: int) -> dict[str, pd.DataFrame]:
    """Two stations of a thousand: turnout rises by `change` votes each; the second one is odd."""
    second = {"registered": 1000, "valid": 20, "then": 1000} | odd
    low = tally([1000, second["then"]], [400, 400], [400, second["valid"]], [100, 5])
    high = tally([1000, second["registered"]], [700, 700], [700, 700], [200, 20])
    after = tally([1000, second["registered"]], [400 + change] * 2, [400, 400], [200, 20])
    return {"2022_pres_t1": high, "2022_legi_t1": low, "2024_legi_t1": after}


@pytest.mark.parametrize(
    ("odd", "kept"),
    [({"valid": 19}, 1), ({"valid": 20}, 2), ({"then": 900}, 2), ({"then": 1100}, 2),
     ({"then": 899}, 1), ({"then": 1101}, 1)],
)  # fmt: skip
def test_the_filters_of_a_backtest_at_their_bounds(odd, kept) -> None:
    assert len(build_transition(past_of(200, **odd), BASIS, "2024_legi_t1").stations) == kept


@pytest.mark.parametrize(("people", "kept"), [(99, 1), (100, 2)])
def test_a_station_is_in_a_backtest_from_a_hundred_registered_on(people, kept) -> None:
    def held(cast: int) -> pd.DataFrame:
        return tally([1000, people], [cast, cast // 10], [cast, cast // 10], [100, 10])

    past = {"2022_pres_t1": held(700), "2022_legi_t1": held(400), "2024_legi_t1": held(600)}
    assert len(build_transition(past, BASIS, "2024_legi_t1").stations) == kept


def test_ten_points_exactly_are_enough_for_a_backtest_and_nine_are_not() -> None:
    assert build_transition(past_of(100), BASIS, "2024_legi_t1", t0="2022_legi_t1").sign == 1
    with pytest.raises(TargetingError, match=r"moves by \+9\.9 points"):
        build_transition(past_of(99), BASIS, "2024_legi_t1", t0="2022_legi_t1")


@pytest.mark.parametrize(("rise", "t0"), [(100, "2022_legi_t1"), (99, "2022_pres_t1")])
def test_a_label_subtracts_the_low_round_from_a_rise_of_ten_points_on(rise, t0) -> None:
    assert _reference(past_of(rise), BASIS, "2024_legi_t1") == t0


@pytest.mark.parametrize(("low", "taken"), [(0.64, True), (0.6401, False), (0.6399, True)])
def test_an_election_ten_points_under_the_presidential_one_is_low(low, taken) -> None:
    table = levels(e2022_pres_t1=0.74, e2022_legi_t1=0.5, e2024_euro_t1=low)
    assert ("2024_euro_t1" in choose_basis(table).low) == taken


@pytest.mark.parametrize(("less", "offered"), [(0.0029, True), (0.0031, False), (10 * TOLERANCE, False)])  # fmt: skip
def test_a_method_that_captures_three_thousandths_less_anywhere_is_not_offered(
    less, offered
) -> None:
    keys = [
        (a, k, m) for a in ("national", "commune") for k in "GM" for m in ("product", "boosted")
    ]
    index = pd.MultiIndex.from_tuples(keys, names=["arena", "label", "method"])
    figures = pd.DataFrame({"capture_20": 0.3}, index=index.sort_values())
    figures.loc[("commune", "M", "boosted"), "capture_20"] = 0.3 - less
    arenas = (SimpleNamespace(name="national"), SimpleNamespace(name="commune"))
    result = SimpleNamespace(figures=figures, transition=SimpleNamespace(arenas=arenas))
    assert losses(result, "boosted") == ([] if offered else [f"commune M −{less:.3f}"])


# -- counts --------------------------------------------------------------------------------------


def test_a_unit_that_is_empty_at_one_round_has_no_margins_at_the_other() -> None:
    then, now = np.array([[0.0, 0], [10, 20], [5, 5]]), np.array([[5.0, 5], [0, 0], [5, 15]])
    before, after = balance(then, now)
    assert before.tolist() == [[0, 0], [0, 0], [10, 10]]
    assert after.tolist() == [[0, 0], [0, 0], [5, 15]]
    assert (fit_cells(np.full((2, 2), 0.5), then, now)[:2] == 0).all()


def test_nobody_registered_or_no_valid_vote_is_missing_and_votes_are_no_more_than_valid() -> None:
    table = turnout("2022_pres_t1", [0, 1000, 1000], [0, 0, 100])
    votes = bloc_votes(table, [0, 0, 120])
    assert turnout_rate(table).isna().to_list() == [True, False, False]
    share = left_share(table, votes, ["left"])
    assert share.isna().to_list() == [True, True, False]
    assert share.iloc[2] == 1
    assert build_tally(table, votes, ["left"])["left"].to_list() == [0, 0, 100]


def test_a_constituency_is_that_of_the_last_election_that_publishes_one() -> None:
    old, new = tally([1, 1], [1, 1], [1, 1], [1, 1]), tally([1, 1], [1, 1], [1, 1], [1, 1])
    codes = pd.Series(["1302", None], index=new.index, dtype="str")
    both = {"2024_legi_t1": new.assign(constituency_code=codes), "2017_legi_t1": old}
    assert carry_constituencies(both, old.index).to_list() == ["1302", "1304"]


# -- election night ------------------------------------------------------------------------------


def night(counted: int, stations: int = 100) -> tuple[pd.Series, pd.Series, pd.Series]:
    """All in one commune, all as expected but a little: departures of ±1 point."""
    index = town(stations)
    expected = pd.Series(0.5, index=index)
    departs = pd.Series(np.where(np.arange(stations) % 2, 0.01, -0.01), index=index)
    found = (expected + departs).where(np.arange(stations) < counted)
    return expected, found, pd.Series(1000, index=index)


@pytest.mark.parametrize(("counted", "enough"), [(4, False), (5, True), (6, True)])
def test_others_are_foreseen_from_five_stations_counted_on(counted, enough) -> None:
    if enough:
        assert update_from_counted(*night(counted), spread=0.03).counted == counted
    else:
        with pytest.raises(TargetingError, match="4 stations counted: 5 are wanted"):
            update_from_counted(*night(counted), spread=0.03)


def test_what_was_feared_before_weighs_as_much_as_is_not_counted() -> None:
    def width(counted: int, spread: float) -> float:
        rates = update_from_counted(*night(counted), spread=spread).rates.iloc[-1]
        return float(rates["high"] - rates["low"])

    assert width(6, 0.2) == pytest.approx(2 * 1.2816 * (0.94 * 0.2**2) ** 0.5, rel=0.02)
    assert width(90, 0.2) == pytest.approx(2 * 1.2816 * (0.1 * 0.2**2 + 0.9e-4) ** 0.5, rel=0.05)
    assert width(6, 0.001) == pytest.approx(width(6, 0.0)), "no surer than the counts are"


def test_foreseen_rates_stay_shares() -> None:
    expected, counted, people = night(10)
    rates = update_from_counted(expected * 0, counted, people, spread=2.0).rates
    assert rates["low"].min() >= 0
    assert rates["high"].max() <= 1


@pytest.mark.parametrize(("transfer", "lawful"), [((0.0, 2.0), True), ((0.0, 2.01), False), ((-0.01, 1.0), False)])  # fmt: skip
def test_a_scenarios_sliders_at_their_ends(transfer, lawful) -> None:
    assert Scenario((0.0, 1.0)).turnout == (0, 1)
    if lawful:
        assert Scenario((0.5, 0.5), transfer).transfer == transfer
    else:
        with pytest.raises(TargetingError, match="transfer goes from"):
            Scenario((0.5, 0.5), transfer)
