"""Another method than T0, where the workspace's own past supports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference.held import list_elections
from targeting.reference.results import load_bloc_votes, load_turnout
from targeting.scoring.backtest import run_backtest
from targeting.scoring.basis import Basis
from targeting.scoring.boosted import build_features, on_scale_of
from targeting.scoring.cycles import trial_transition
from targeting.scoring.methods import ScoringMethod, learn, losses, method_named, scores_of_factors
from targeting.scoring.product import replace_score
from targeting.scoring.rankings import naive, product
from targeting.scoring.tallies import (
    build_tally,
    carry_constituencies,
)
from targeting.stations.carry import carry_bloc_votes, carry_turnout
from targeting.stations.history import History
from targeting.workflows.stations.tallies import load_tallies


@dataclass(frozen=True)
class Ranked:
    """What T0 was computed of: tables carried to the stations of now."""

    turnouts: dict[str, pd.DataFrame]
    bloc_votes: pd.DataFrame
    basis: Basis
    target: Sequence[str]
    history: History


def score_by_method(
    workspace: Workspace, scores: pd.DataFrame, ranked: Ranked, method: str, *, by: str
) -> tuple[pd.DataFrame, list[str]]:
    """The scores table by another method than T0, and what to tell of it.

    `shrunk` gives rates as T0 does. `boosted` and `ensemble` give T0's own values in another order;
    the reservoir stays T0's.
    """
    asked = method_named(method)
    if asked.factors is not None:
        tallies = {e: ranked.turnouts[e].set_index("station_id") for e in ranked.basis.low}
        tallies[ranked.basis.presidential] = build_tally(
            ranked.turnouts[ranked.basis.presidential], ranked.bloc_votes, ranked.target
        )
        drawn = scores_of_factors(scores, tallies, ranked.basis, asked.factors, by)
        return drawn, [asked.words] if asked.words else []
    return _learnt(workspace, scores, ranked, asked, by)


def _learnt(
    workspace: Workspace, scores: pd.DataFrame, ranked: Ranked, asked: ScoringMethod, by: str
) -> tuple[pd.DataFrame, list[str]]:
    """T3, alone or with T0, once it has held on the last election that came after the basis."""
    assert asked.learnt is not None
    method, basis = asked.name, ranked.basis
    tallies = load_tallies(workspace, list_elections(workspace), target=ranked.target)
    test = trial_transition(tallies, basis)
    if test is None:
        raise TargetingError(
            f"{method}: no election after {basis.latest_low} is imported to try it on (turnout "
            "must move by ten points): --method product needs none."
        )
    learnt, words = learn(tallies, test)
    if learnt is None:
        raise TargetingError(words)
    tried = {"naive": naive, "product": product, method: asked.learnt(learnt)}
    if lost := losses(run_backtest(tallies, test, tried), method):
        raise TargetingError(
            f"{method}: loses to product on {test.t0} to {test.t1} ({', '.join(lost)}): it is not "
            "offered here."
        )
    stations = pd.Index(scores["station_id"])
    second = basis.presidential.removesuffix("1") + "2"
    wanted = [e for e in (*basis.elections, second) if e in tallies]
    now = {e: _carried(workspace, ranked, e).reindex(stations) for e in wanted}
    features = build_features(
        now[basis.presidential],
        now[basis.latest_low],
        now[basis.low[1]] if len(basis.low) > 1 else None,
        carry_constituencies(now, stations),
        second=now.get(second),
    )
    found = learnt.model.predict(features)
    base = scores.set_index("station_id")["score"]
    score = on_scale_of(base, asked.joined(base, found))
    held = f"{method}: holds against product on {test.t0} to {test.t1}."
    return replace_score(scores, score, by), [words, held]


def _carried(workspace: Workspace, ranked: Ranked, election_id: str) -> pd.DataFrame:
    """Tally of one election in the stations of now."""
    flows = ranked.history.of(election_id)
    turnout = carry_turnout(load_turnout(workspace, election_id), flows)
    votes = carry_bloc_votes(load_bloc_votes(workspace, election_id), flows)
    return build_tally(turnout, votes, ranked.target)
