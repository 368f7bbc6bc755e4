"""Counts of a workspace's elections as backtests and models read them: under codes of then."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from targeting.config import Workspace
from targeting.reference.moments import one_moment
from targeting.reference.results import load_bloc_votes, load_blocs, load_turnout
from targeting.scoring.tallies import build_tally


@one_moment
def load_tallies(
    workspace: Workspace,
    elections: Sequence[str],
    *,
    target: Collection[str],
    communes: Sequence[str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Tallies of these elections, of these communes or of all imported."""
    blocs = load_blocs(workspace)
    tallies = {}
    for election_id in elections:
        turnout = load_turnout(workspace, election_id, communes)
        if len(turnout):
            votes = load_bloc_votes(workspace, election_id, communes, blocs=blocs)
            tallies[election_id] = build_tally(turnout, votes, target)
    return tallies
