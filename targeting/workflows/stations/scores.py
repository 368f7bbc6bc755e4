"""Scores, coverage and priorities of a workspace's stations, from what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from targeting.codes import commune_of_arrondissement
from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.outcomes import MET
from targeting.reference.held import list_elections
from targeting.reference.moments import one_moment
from targeting.reference.results import load_bloc_votes, load_turnout, turnout_levels
from targeting.scoring.basis import Basis, choose_basis, given_basis, refuse_no_candidate
from targeting.scoring.calibration import Calibrations, add_intervals, bounds_of
from targeting.scoring.measures import abstention_rate
from targeting.scoring.methods import method_named
from targeting.scoring.priorities import build_coverage, build_priorities, coverage_of
from targeting.scoring.product import build_scores
from targeting.scoring.ranks import rank_errors
from targeting.scoring.tallies import unclassified_share
from targeting.stations.carry import carry_bloc_votes, carry_turnout
from targeting.store.engine import open_store, reading
from targeting.store.visits import count_knocks
from targeting.workflows.access.asks import asks
from targeting.workflows.buildings import has_buildings, load_buildings
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.calibration import workspace_calibrations
from targeting.workflows.stations.history import station_past
from targeting.workflows.stations.methods import Ranked, score_by_method


@dataclass(frozen=True)
class Scored:
    """Scores of an arena, with the elections they rest on.

    abstentions: rate at each low election of `basis`, carried to the stations of now, indexed by
    station_id. told: what to know of the choice, the method and the intervals, a line each.
    errors: `x` and `sigma` of the rank of each station (`scoring.ranks`), same index; None where
    the method's order is not one of the stock. calibrations: where intervals come from.
    """

    scores: pd.DataFrame
    abstentions: pd.DataFrame
    basis: Basis
    communes: list[str] | None
    by: str
    method: str = "product"
    told: tuple[str, ...] = ()
    errors: pd.DataFrame | None = None
    calibrations: Calibrations | None = None


def campaign_basis(
    workspace: Workspace, *, presidential: str | None = None, low: Sequence[str] = ()
) -> Basis:
    """The elections that scores rest on: chosen on all stations imported, whatever is shown; or the
    pair given."""
    elections = list_elections(workspace)
    if not elections:
        raise WorkspaceError(
            "no results imported: run `python -m targeting import results FILE…` with the "
            "ministry's files per polling station."
        )
    levels = turnout_levels(workspace)
    if presidential is None and not low:
        return choose_basis(levels)
    if presidential is None or not low:
        raise TargetingError("give --presidential and --low together, or neither.")
    return given_basis(levels, presidential, tuple(low))


@one_moment
@asks("places.see")
def score_stations(
    workspace: Workspace,
    *,
    communes: Sequence[str] | None = None,
    by: str | None = None,
    target: Sequence[str] | None = None,
    method: str = "product",
    presidential: str | None = None,
    low: Sequence[str] = (),
    k: int | None = None,
    progress: Progress = silent,
) -> Scored:
    """Score the stations of now of `communes`, else of the campaign's, else of all imported.

    Each election used is carried to the stations of now by their history.

    `by` is the arena of the rank: each commune, each constituency, or all stations together (the
    default, the same as the commune for a campaign of one). `method`: one of
    `scoring.methods.OFFERED`; what is learnt is refused where it loses to T0 on the workspace's own
    past. `k`: how many stations count as the first ones of an arena (default a fifth of those
    ranked). Intervals come from the past imported, else from what is shipped: that is told.
    """
    campaign = campaign_card(workspace)
    wanted = [commune_of_arrondissement(c) for c in communes or campaign.communes] or None
    basis = campaign_basis(workspace, presidential=presidential, low=low)
    blocs_wanted = tuple(target or campaign.target)
    published = {e: load_turnout(workspace, e, wanted) for e in basis.elections}
    if published[basis.presidential].empty:
        raise WorkspaceError(
            f"{basis.presidential} has no station of {' '.join(wanted or [])}: check the commune "
            "code, or import the file that holds it."
        )
    if all(published[e].empty for e in basis.low):
        raise WorkspaceError(
            f"no station of {' '.join(wanted or [])} in {' or '.join(basis.low)}: import the file "
            "of one of these elections that holds them."
        )
    past = station_past(workspace, wanted, progress=progress)
    flows = {e: past.history.of(e) for e in basis.elections}
    turnouts = {e: carry_turnout(published[e], flows[e]) for e in basis.elections}
    bloc_votes = carry_bloc_votes(
        load_bloc_votes(workspace, basis.presidential, wanted), flows[basis.presidential]
    )
    refuse_no_candidate(bloc_votes, blocs_wanted, basis)
    arena = by or "national"
    scores = build_scores(
        turnouts,
        bloc_votes,
        basis,
        target=blocs_wanted,
        by=arena,
        past={e: past.of(e) for e in basis.elections},
        registered=past.registered,
    )
    told = [basis.told, *_unclassified(bloc_votes, basis)]
    if method != "product":
        ranking = Ranked(turnouts, bloc_votes, basis, blocs_wanted, past.history)
        scores, words = score_by_method(workspace, scores, ranking, method, by=arena)
        told += words
    calibrations = workspace_calibrations(workspace, basis, blocs_wanted, progress=progress)
    told += calibrations.why
    errors = None
    if method_named(method).learnt is None:
        pasts = {e: past.of(e) for e in basis.elections}
        errors = rank_errors(scores, turnouts, basis, calibrations.tau, past=pasts)
    else:
        told[-1] = (
            f"{method}: no interval on ranks, it foresees who comes back, and such errors do not "
            "travel from one kind of election to the next."
        )
    scores = add_intervals(scores, calibrations, errors, by=arena, k=k)
    rates = {e: abstention_rate(turnouts[e]) for e in basis.low}
    abstentions = pd.DataFrame(rates).reindex(scores["station_id"])
    return Scored(
        scores, abstentions, basis, wanted, arena, method, tuple(told), errors, calibrations
    )


UNCLASSIFIED: Final = 0.05
"""From this share of votes in the bloc `other` on, the bloc table is told to be incomplete."""


def _unclassified(bloc_votes: pd.DataFrame, basis: Basis) -> list[str]:
    share = unclassified_share(bloc_votes)
    if share < UNCLASSIFIED:
        return []
    return [
        f"warning: {share:.1%} of the votes of {basis.presidential} are in the bloc `other`: fill "
        "blocs.csv in the workspace."
    ]


def score_bounds(scored: Scored) -> pd.DataFrame | None:
    """Between what the score and the rank of each station lie (`scoring.calibration`)."""
    return bounds_of(scored.scores, scored.errors, by=scored.by)


def station_coverage(workspace: Workspace, communes: Sequence[str] | None = None) -> pd.DataFrame:
    """What was done in each station (table Coverage); empty before addresses are imported."""
    if not has_buildings(workspace, communes):
        return build_coverage(_no_buildings(), _no_visits())
    with reading(open_store(workspace)) as session:
        knocks = count_knocks(session, met=MET)
    return coverage_of(load_buildings(workspace, communes), knocks)


@asks("places.see")
def station_priorities(
    workspace: Workspace, scored: Scored, coverage: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Where to knock next (table Priorities). `coverage`: of these stations, if it is at hand."""
    if coverage is None:
        coverage = station_coverage(workspace, scored.communes)
    return build_priorities(scored.scores, coverage)


def _no_buildings() -> pd.DataFrame:
    return pd.DataFrame({"building_id": [], "station_id": [], "dwellings": []}).astype(
        {"building_id": "str", "station_id": "str", "dwellings": "int64"}
    )


def _no_visits() -> pd.DataFrame:
    columns = ["building_id", "door_id", "turf_id", "outcome"]
    visits = pd.DataFrame({c: pd.Series([], dtype="str") for c in columns})
    return visits.assign(visited_at=pd.to_datetime([], utc=True))
