"""Would it have been right: the answer and what did better, judged on made-up captures."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from targeting.maps.backtests import verdict_lines, verdict_of, where_it_loses


def backtest(best=0.4, spread=0.01, **taken):
    """Captures of the first fifth by method, in one arena."""
    index = pd.MultiIndex.from_tuples(
        [("commune", "G", name) for name in taken], names=["arena", "label", "method"]
    )
    figures = pd.DataFrame({"capture_20": taken.values(), "capture_20_sd": spread}, index=index)
    oracle = SimpleNamespace(at=lambda _: best)
    return SimpleNamespace(figures=figures, oracles={("commune", "G"): oracle})


@pytest.mark.parametrize(
    ("taken", "answer"),
    [(0.40, "yes"), (0.325, "yes"), (0.3, "partly"), (0.265, "partly"), (0.25, "no"), (0.1, "no")],
)
def test_the_answer_follows_the_way_from_chance_to_the_best(taken, answer):
    assert verdict_of(backtest(product=taken), "commune").answer == answer


def test_a_simpler_ranking_that_does_better_is_named_best_first():
    result = backtest(product=0.3, naive=0.32, left_presidential=0.35, abstention=0.2, boosted=0.39)
    found = verdict_of(result, "commune")
    assert found.better == ["left_presidential", "naive"]
    lines = verdict_lines(found, "fr")
    assert "part de gauche, présidentielle, produit usuel" in lines[2]
    assert lines[0] == "En partie, et un classement plus simple fait mieux."


def test_one_group_alone_is_not_said_to_be_a_hundred_per_cent_of_them():
    one, even, two = (
        SimpleNamespace(
            figures=pd.DataFrame(
                {"beats_naive": [1.0, 0.0], "capture_20": [ours, 0.31]},
                index=pd.MultiIndex.from_tuples(
                    [("commune", "G", m) for m in ("product", "naive")]
                ),
            ),
            groups={("commune", "G", m): np.full(n, v) for m, v in (("product", 9), ("naive", 5))},
            transition=SimpleNamespace(
                arenas=[SimpleNamespace(name="commune", labels=["99001", "99002"])]
            ),
        )
        for n, ours in ((1, 0.33), (1, 0.31), (2, 0.33))
    )
    assert where_it_loses(one, "commune", "en") == [
        "The score of Relance takes more than the usual product: 33.0% of the votes won against 31.0%."
    ]
    assert "takes no more than" in where_it_loses(even, "commune", "en")[0]
    assert "100\u00a0%" in where_it_loses(two, "commune", "fr")[0]


def test_what_the_draws_differ_by_is_no_better():
    assert verdict_of(backtest(product=0.3, naive=0.309), "commune").better == []


def test_no_best_possible_above_chance_is_no_answer_of_yes():
    assert verdict_of(backtest(best=0.2, product=0.2), "commune").answer == "no"
