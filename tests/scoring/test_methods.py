"""The methods that may be asked for are declared once: a row has its words and its kind."""

from __future__ import annotations

import pytest

from targeting.errors import TargetingError
from targeting.locale import texts
from targeting.scoring.methods import LEARNT, METHODS, OFFERED, method_named
from targeting.scoring.rankings import BASELINES


def test_each_method_is_a_baseline_a_product_of_rates_or_a_model_and_no_two_of_these() -> None:
    assert len(set(OFFERED)) == len(METHODS)
    for method in METHODS:
        kinds = [method.name in BASELINES, method.factors is not None, method.learnt is not None]
        assert sum(kinds) == 1, method.name
        assert f"method.{method.name}" in texts("fr").keys() & texts("en").keys()
        assert method.factors or not method.words
    assert OFFERED[0] == "product"
    assert {"shrunk", "boosted", "ensemble"} <= set(OFFERED)
    assert {"boosted", "ensemble"} <= set(LEARNT)


def test_an_unknown_method_is_refused_with_those_that_are_known() -> None:
    assert method_named("shrunk").name == "shrunk"
    with pytest.raises(TargetingError, match=r"unknown method magic: product, .*ensemble"):
        method_named("magic")
