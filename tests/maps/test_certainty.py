"""What a card answers: among the first ones or not, told apart or not, three reasons, one bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.errors import TargetingError
from targeting.locale import LANGUAGES, texts
from targeting.maps.board import Board
from targeting.maps.cards.card import build_card
from targeting.maps.cards.certainty import (
    bar_of,
    first_step,
    how_apart,
    how_first,
    rank_words,
    source_words,
    standing_of,
    steps_of,
)
from targeting.maps.cards.compare import compare, sum_bounds, total_of
from targeting.maps.cards.reasons import reasons_of, to_do
from targeting.maps.classes import build_classes, tide_words, value_in
from targeting.maps.legend import legend_lines
from targeting.maps.measures import COLUMNS, LAYERS, METRICS, metric_key
from targeting.scoring.basis import Basis
from targeting.scoring.calibration import Calibrations
from targeting.scoring.intervals import SHIPPED as RESERVOIR
from targeting.scoring.ranks import SHIPPED, Tau, rank_bounds

NBSP = "\u00a0"


def city(count: int = 100, sigma: float = 0.1) -> Board:
    """Stations a tenth of a sigma apart or more: 0001 is first."""
    names = pd.Index([f"13055_{n:04d}" for n in range(1, count + 1)], name="station_id")
    priority = pd.Series(0.5 * np.exp(-0.02 * np.arange(count)), index=names)
    errors = pd.DataFrame({"x": np.log(priority), "sigma": sigma}, index=names)
    rank = pd.Series(range(1, count + 1), index=names, dtype="Int64")
    table = pd.DataFrame(
        {
            "registered": 1000, "abstention_rate": priority, "left_share": 0.5, "score": priority,
            "rank": rank, "reservoir": 200.0, "reservoir_low": 100.0, "reservoir_high": 250.0,
            "top_k_probability": 0.5, "history_share": 1.0, "reservoir_left": 200.0,
            "contacted_rate": 0.0, "priority": priority, "priority_rank": rank, "tide": 0.3,
            "households": 500, "households_visited": 0, "households_contacted": 0,
            "last_visit_date": None, "reasons": "", "place": "", "vintage": "2022",
            "origin": "published",
        },
        index=names,
    )  # fmt: skip
    bounds = rank_bounds(errors["x"], errors["sigma"], rank).add_prefix("priority_rank_")
    basis = Basis("2022_pres_t1", ("2022_legi_t1",), (0.3,))
    abstentions = pd.DataFrame({"2022_legi_t1": priority})
    return Board(
        table.join(bounds), abstentions, basis, ["left"], [], True, errors=errors,
        calibrations=Calibrations(RESERVOIR, SHIPPED, ()),
    )  # fmt: skip


def changed(board: Board, station: str, **values: object) -> Board:
    table = board.table.copy()
    for column, value in values.items():
        table[column] = table[column].astype("object").where(table.index != station, value)
        table[column] = table[column].infer_objects()
    return replace(board, table=table)


# -- among the first ones --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chance", "how"),
    [(1, "sure"), (0.95, "sure"), (0.949, "likely"), (0.5, "likely"), (0.499, "open"),
     (0.05, "open"), (0.049, "not"), (0, "not")],
)  # fmt: skip
def test_how_surely_among_the_first_ones(chance, how) -> None:
    assert how_first(chance) == how


@pytest.mark.parametrize(
    ("chance", "how"), [(0.95, "sure"), (0.949, "likely"), (0.8, "likely"), (0.799, "open")]
)
def test_how_surely_ahead(chance, how) -> None:
    assert how_apart(chance) == how


def test_the_first_ones_are_a_round_number_up_to_half() -> None:
    assert first_step(497) == 100
    assert first_step(62) == 10
    assert steps_of(5) == []
    assert first_step(5) is None
    assert steps_of(6) == [3]
    assert max(steps_of(100)) == 50


def test_an_answer_says_how_sure_the_rank_and_what_to_do() -> None:
    board = city()
    first = build_card(board, "13055_0001", "fr")
    assert first.answer.startswith("Presque sûrement parmi les 10 premiers. 1er sur 100, entre le")
    assert "(4 fois sur 5)" in first.answer
    assert first.answer.endswith(f"À faire d’abord{NBSP}: environ 200 personnes à aller chercher.")
    last = build_card(board, "13055_0100", "en")
    assert last.answer.startswith("Almost surely not among the first 20. 100th of 100")
    assert "Not now" in last.answer


def test_a_sure_station_is_told_among_the_fewest_it_is_sure_of() -> None:
    board = city()
    for station in board.table.index[:40]:
        standing = standing_of(board, station)
        assert standing is not None
        if standing.how == "sure":
            fewer = [k for k in steps_of(100) if k < standing.k]
            assert all(board.first_chance(station, k) < 0.95 for k in fewer)
            assert board.first_chance(station, standing.k) >= 0.95


def test_an_order_without_interval_says_its_rank_alone_and_why() -> None:
    board = city()
    flow = replace(
        board, errors=None,
        table=board.table.assign(priority_rank_low=np.nan, priority_rank_high=np.nan),
    )  # fmt: skip
    assert rank_words(flow, "13055_0003", "fr") == "3e sur 100."
    assert "Sans intervalle" in source_words(flow, "fr")
    bar = bar_of(flow, "13055_0003", "fr")
    assert bar is not None
    assert bar.low is None
    assert "entre" not in bar.words
    assert "pas les comparer" in compare(flow, ["13055_0001", "13055_0002"], "fr").sentences[0]


def test_what_is_not_ranked_says_so_and_what_to_do_about_it(board) -> None:
    assert to_do(board, "13055_0104", "fr").startswith("Trop petit")
    unknown = changed(board, "13055_0104", registered=900)
    assert to_do(unknown, "13055_0104", "en") == "A result is missing to rank it."
    assert rank_words(board, "13055_0104", "en") == "Not ranked."
    assert build_card(board, "13055_0104", "fr").bar is None


def test_the_source_of_an_interval_is_always_told() -> None:
    board = city()
    assert "livrés avec Relance" in source_words(board, "fr")
    own = Calibrations(RESERVOIR, Tau(0.09, "2024_legi_t1", 4245, 60), ())
    told = source_words(replace(board, calibrations=own), "en")
    assert "2024 legislative" in told
    assert "4,245" in told


@given(st.floats(0.001, 0.9), st.floats(0.0, 2.0))
@settings(max_examples=15)
def test_a_bar_always_holds_its_point_and_stays_a_share(priority, sigma) -> None:
    board = city(10, sigma)
    board = changed(board, "13055_0001", priority=priority)
    bar = bar_of(board, "13055_0001", "fr")
    assert bar is not None
    assert bar.low is not None
    assert bar.high is not None
    assert 0 <= bar.low <= bar.point <= bar.high <= 100


# -- reasons ---------------------------------------------------------------------------------------


def test_reasons_are_three_and_the_most_telling_first() -> None:
    board = city()
    lines = reasons_of(board, "13055_0001", "fr")
    assert len(lines) == 3
    assert lines[0].startswith("On s’y abstient plus qu’ailleurs")
    assert lines[1].startswith("Part de la gauche comme ailleurs")
    assert "entre 100 et 250" in lines[2]
    met = changed(board, "13055_0100", contacted_rate=0.9)
    assert "Déjà rencontrés" in reasons_of(met, "13055_0100", "fr")[0]
    lent = changed(board, "13055_0100", history_share=0.1)
    assert "ses voisins" in reasons_of(lent, "13055_0100", "fr")[0]
    assert "ses voisins" not in " ".join(
        reasons_of(changed(board, "13055_0100", history_share=0.5), "13055_0100", "fr")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_are_three_whatever_is_missing(board, language) -> None:
    for station in board.table.index:
        card = build_card(board, station, language)
        assert len(card.reasons) == 3
        assert all(card.reasons)
        assert card.answer
        assert "card.people" in card.rest
    nothing = changed(
        board, "13055_0101", abstention_rate=np.nan, left_share=0.0, reservoir_left=np.nan
    )
    assert len(reasons_of(nothing, "13055_0101", language)) == 3


@pytest.mark.parametrize(("rate", "told"), [(0.49, False), (0.5, True), (1.0, True)])
def test_a_station_mostly_met_is_left_for_others(rate, told) -> None:
    board = changed(city(), "13055_0001", contacted_rate=rate)
    assert ("déjà rencontrés" in to_do(board, "13055_0001", "fr")) == told


# -- several stations ------------------------------------------------------------------------------


def test_stations_side_by_side_are_told_apart_or_not() -> None:
    board = city()
    found = compare(board, ["13055_0001", "13055_0002", "13055_0080"], "fr")
    assert found.sentences == [
        f"Le bureau 1 et le bureau 2{NBSP}: on ne peut pas les départager.",
        "Le bureau 1 est sûrement devant le bureau 80.",
        "Le bureau 2 est sûrement devant le bureau 80.",
    ]
    assert all(len(row.values) == 3 for row in found.rows)
    tops = {bar.top for bar in found.bars if bar is not None}
    assert len(tops) == 1, "one scale"
    turned = compare(board, ["13055_0080", "13055_0001"], "fr")
    assert turned.sentences == ["Le bureau 1 est sûrement devant le bureau 80."]


@pytest.mark.parametrize(("count", "lawful"), [(1, False), (2, True), (4, True), (5, False)])
def test_two_to_four_stations_are_compared(count, lawful) -> None:
    board = city(10)
    ids = list(board.table.index[:count])
    if lawful:
        assert len(compare(board, [*ids, ids[0]], "fr").titles) == count
    else:
        with pytest.raises(TargetingError, match="choose 2 to 4"):
            compare(board, ids, "fr")


def test_a_station_that_is_gone_is_refused_in_a_comparison_and_in_a_total() -> None:
    board = city(10)
    with pytest.raises(TargetingError, match="no station 13055_9999"):
        compare(board, ["13055_0001", "13055_9999"], "fr")
    with pytest.raises(TargetingError, match="no station 13055_9999"):
        total_of(board, ["13055_9999"], "fr")


def test_a_total_by_hand_counts_each_station_once() -> None:
    board = city(10)
    ids = list(board.table.index[:4])
    total = total_of(board, [*ids, ids[0]], "fr", doors_an_evening=300)
    assert (total.stations, total.registered, total.people) == (4, 4000, 800)
    half = (0.38 * 4 * 75**2 + 0.62 * (4 * 75) ** 2) ** 0.5  # one commune: .62 is shared
    assert (total.low, total.high) == pytest.approx((700 - half, 800 if half < 100 else 700 + half))
    assert (total.doors, total.evenings) == (2000, 7)
    assert "4 bureaux" in total.words
    assert total_of(board, [], "en").words.startswith("0 stations")
    assert total_of(replace(board, has_addresses=False), ids, "fr").doors is None


def test_households_met_are_taken_off_a_total() -> None:
    board = changed(city(10), "13055_0001", contacted_rate=0.5, reservoir_left=100.0)
    total = total_of(board, ["13055_0001"], "fr")
    assert (total.low, total.people, total.high) == pytest.approx((50, 100, 125))
    assert total.doors == 250


@given(
    st.lists(
        st.tuples(st.floats(0, 500), st.floats(0, 300), st.floats(0, 300), st.integers(0, 3)),
        min_size=1, max_size=12,
    ),
    st.floats(0, 1),
)  # fmt: skip
@settings(max_examples=40)
def test_the_interval_of_a_sum_holds_it_and_more_in_common_is_wider(rows, shared) -> None:
    point, under, over, group = (list(column) for column in zip(*rows, strict=True))
    bounds = pd.DataFrame({"point": point})
    bounds["low"] = (bounds["point"] - under).clip(lower=0)
    bounds["high"] = bounds["point"] + over
    low, high = sum_bounds(bounds, pd.Series(group), shared)
    assert low is not None
    assert high is not None
    total = bounds["point"].sum()
    assert 0 <= low <= total + 1e-6
    assert high >= total - 1e-6
    least, most = (sum_bounds(bounds, pd.Series(0, index=bounds.index), s) for s in (0.0, 1.0))
    assert most[1] - most[0] >= least[1] - least[0] - 1e-6  # type: ignore[operator]


def test_a_sum_with_a_part_that_has_no_interval_has_none() -> None:
    bounds = pd.DataFrame({"point": [1.0, 2.0], "low": [0.5, np.nan], "high": [2.0, np.nan]})
    assert sum_bounds(bounds, pd.Series(["a", "a"]), 0.5) == (None, None)
    unknown = bounds.assign(point=[1.0, np.nan])
    assert sum_bounds(unknown, pd.Series(["a", "a"]), 0.5) == pytest.approx((0.5, 2.0))


# -- layers ----------------------------------------------------------------------------------------


def test_the_stock_comes_first_and_it_alone_ranks() -> None:
    assert METRICS == ("priority", "tide", "abstention", "left", "coverage")
    assert [layer.name for layer in LAYERS if layer.is_ranked] == ["priority"]
    assert set(COLUMNS) == set(METRICS)


@pytest.mark.parametrize("share", ["left", "target"])
def test_each_layer_has_its_words_in_both_languages(share) -> None:
    for language in LANGUAGES:
        for layer in LAYERS:
            for part in ("label", "title", "unit", "help"):
                assert metric_key(layer.name, part, share) in texts(language)


def test_the_tide_is_told_in_classes_and_never_by_a_figure() -> None:
    classes = build_classes("tide", pd.Series(np.linspace(0.1, 0.6, 50)))
    words = [line.words for line in legend_lines(classes, "fr", "left")]
    assert words[0] == "monte le plus"
    assert words[-1] == "monte le moins"
    assert len(set(words)) == 5
    assert not any(any(sign.isdigit() for sign in line) for line in words)
    assert value_in("fr", "tide", 0.3) == "—"
    assert tide_words(1, "en") == ["rises as elsewhere"]
    assert tide_words(2, "en") == ["rises least", "rises most"]
