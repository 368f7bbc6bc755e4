"""The methods that a user may ask for, and which of them the past supports.

product: T0, always there. shrunk: T1. boosted: T3 alone. ensemble: T0 + T3 in standard deviations.
What is learnt is learnt on the cycle before (`cycles.learning_transition`) and offered only where
it does not lose to T0 on the user's own backtest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import pandas as pd

from targeting.errors import TargetingError
from targeting.scoring.backtest import LABELS, Backtest, Method, Tallies, Transition
from targeting.scoring.basis import Basis
from targeting.scoring.boosted import Boosted, blend, features_of, train_boosted
from targeting.scoring.cycles import learning_transition
from targeting.scoring.ecological import explain_abstention
from targeting.scoring.product import replace_score
from targeting.scoring.rankings import BASELINES, product
from targeting.scoring.shrinkage import shrunk_product
from targeting.scoring.tallies import abstention_of, share_of

LEAST_TO_LEARN: Final = 2000
"""Fewest stations to learn on: ten leaves of the trees (`boosted.SETTINGS`)."""

TOLERANCE: Final = 0.003
"""A method that captures so much less than T0 anywhere is not offered (SCIENCE 8)."""


Factors = tuple[pd.Series, pd.Series]
"""Abstention and share of the target, on the stations of the presidential round."""


def shrunk_factors(tallies: Tallies, basis: Basis) -> Factors:
    """T1's: T0's factors drawn to their neighbours' by the part of them that is noise."""
    high = tallies[basis.presidential]
    low = [tallies[e].reindex(high.index) for e in basis.low]
    return shrunk_product(
        [abstention_of(t) for t in low],
        [t["registered"] for t in low],
        share_of(high),
        high["valid_votes"],
    )


def ecological(tallies: Tallies, transition: Transition) -> pd.Series:
    """Voters of the target at the presidential round who stayed home at the last low-turnout one,
    by IPF-EM in each department, per registered voter."""
    high, low = (tallies[e] for e in (transition.basis.presidential, transition.basis.latest_low))
    department = transition.stations.to_series().str.slice(0, 2)
    went = explain_abstention(high, low, department)
    return went["abstained"] / low["registered"]


@dataclass
class Learnt:
    """A model applied to whatever transition it is handed; one prediction for each set of counts.

    A blend of it and T0 asks for the same prediction: the last one is kept.
    """

    model: Boosted
    last: tuple[pd.DataFrame, pd.Series] | None = None

    def alone(self, tallies: Tallies, transition: Transition) -> pd.Series:
        """T3: what the model expects."""
        counts = tallies[transition.basis.latest_low]
        if self.last is None or self.last[0] is not counts:
            self.last = counts, self.model.predict(features_of(tallies, transition))
        return self.last[1]

    def with_product(self, tallies: Tallies, transition: Transition) -> pd.Series:
        """T0 and T3 together, each in its standard deviations."""
        return blend(product(tallies, transition), self.alone(tallies, transition))


class ScoringMethod(NamedTuple):
    """One method that a user may ask for: T0, a product of two rates, or a model's order."""

    name: str
    factors: Callable[[Tallies, Basis], Factors] | None = None
    """Of a product of two rates; None for T0, whose rates the scores table has, and for a model."""

    learnt: Callable[[Learnt], Method] | None = None
    """Of a model: what it foresees of a transition."""

    joined: Callable[[pd.Series, pd.Series], pd.Series] = lambda _product, found: found
    """Of a model: its order once T0's values are at hand."""

    words: str = ""
    """What to tell of it beside its scores."""

    def over(self, tallies: Tallies, transition: Transition) -> pd.Series:
        """The product of its rates, as a backtest asks for it."""
        assert self.factors is not None
        abstention, share = self.factors(tallies, transition.basis)
        return abstention * share


METHODS: Final = (
    ScoringMethod("product"),
    ScoringMethod("shrunk", factors=shrunk_factors,
                  words="shrunk: rates drawn to their commune's."),
    ScoringMethod("boosted", learnt=lambda model: model.alone),
    ScoringMethod("ensemble", learnt=lambda model: model.with_product, joined=blend),
)  # fmt: skip
"""Another is a row here and its word in each language (`method.…`); the first is the default."""

OFFERED: Final = tuple(method.name for method in METHODS)
"""`--method` of `score` and `backtest`."""

LEARNT: Final = tuple(method.name for method in METHODS if method.learnt)


def method_named(name: str) -> ScoringMethod:
    """The method of that name. Raises TargetingError for an unknown one."""
    found = next((method for method in METHODS if method.name == name), None)
    if found is None:
        raise TargetingError(f"unknown method {name}: {', '.join(OFFERED)}.")
    return found


def learn(tallies: Tallies, transition: Transition, *, seed: int = 0) -> tuple[Learnt | None, str]:
    """A model learnt on the cycle before a transition's, or nothing; and what to tell of it."""
    past = learning_transition(tallies, transition.basis)
    if past is None:
        return None, (
            "boosted, ensemble: not offered, no earlier cycle to learn on (a presidential first "
            "round, a low-turnout election after it, and a later first round of ten points more)."
        )
    if len(past.stations) < LEAST_TO_LEARN:
        return None, (
            f"boosted, ensemble: not offered, {past.t0} to {past.t1} holds {len(past.stations):,} "
            f"stations alike and {LEAST_TO_LEARN:,} are wanted: import the national files."
        )
    model = train_boosted(tallies, past, seed=seed)
    return Learnt(model), (
        f"boosted: learnt on {past.t0} to {past.t1}, {model.stations:,} stations."
    )


def all_methods(
    tallies: Tallies, transition: Transition, *, wanted: tuple[str, ...] | None = None
) -> tuple[dict[str, Method], list[str]]:
    """Baselines and the methods wanted (all if not said), and what to tell about them.

    Raises TargetingError for a method that is unknown or that the past cannot support.
    """
    asked = OFFERED if wanted is None else wanted
    if unknown := set(asked) - set(OFFERED):
        raise TargetingError(f"unknown method {', '.join(sorted(unknown))}: {', '.join(OFFERED)}.")
    methods: dict[str, Method] = {**BASELINES, "ecological": ecological}
    told = []
    wanted_rows = [method for method in METHODS if method.name in asked]
    methods |= {method.name: method.over for method in wanted_rows if method.factors}
    if of_models := [method for method in wanted_rows if method.learnt]:
        model, words = learn(tallies, transition)
        told.append(words)
        if model is not None:
            methods |= {m.name: m.learnt(model) for m in of_models if m.learnt}
        elif wanted is not None:
            raise TargetingError(words)
    return methods, told


def losses(result: Backtest, method: str) -> list[str]:
    """Where a method captures less than T0 by more than TOLERANCE, in words; nothing: it is fit."""
    table = result.figures["capture_20"]
    found = []
    for arena in result.transition.arenas:
        for label in LABELS:
            less = table[arena.name, label, "product"] - table[arena.name, label, method]
            if less > TOLERANCE:
                found.append(f"{arena.name} {label} −{less:.3f}")
    return found


def scores_of_factors(
    scores: pd.DataFrame,
    tallies: Tallies,
    basis: Basis,
    factors: Callable[[Tallies, Basis], Factors],
    by: str,
) -> pd.DataFrame:
    """The scores table with a product of two other rates, over the stations of now.

    `tallies`: those of `basis`, indexed by station_id; of the low elections the turnout is enough.
    """
    high = tallies[basis.presidential].reindex(pd.Index(scores["station_id"]))
    abstention, share = factors({**tallies, basis.presidential: high}, basis)
    return replace_score(
        scores, abstention * share, by, abstention_rate=abstention, left_share=share
    )
