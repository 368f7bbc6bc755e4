"""Scores, coverage and priorities of a workspace's stations, from what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from targeting.codes import commune_of_arrondissement
from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.scoring.basis import Basis, choose_basis
from targeting.scoring.measures import abstention_rate
from targeting.scoring.priorities import build_coverage, build_priorities
from targeting.scoring.product import build_scores
from targeting.stations.carry import carry_bloc_votes, carry_turnout
from targeting.store import reference
from targeting.store.engine import open_store, reading
from targeting.store.queries import load_visits
from targeting.workflows.buildings import has_buildings, load_buildings
from targeting.workflows.history import station_past
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import campaign_card


@dataclass(frozen=True)
class Scored:
    """Scores of an arena, with the elections they rest on.

    abstentions: rate at each low election of `basis`, carried to the stations of now, indexed by
    station_id.
    """

    scores: pd.DataFrame
    abstentions: pd.DataFrame
    basis: Basis
    communes: list[str] | None
    by: str


def campaign_basis(workspace: Workspace) -> Basis:
    """The elections that scores rest on: chosen on all stations imported, whatever is shown."""
    elections = reference.list_elections(workspace)
    if not elections:
        raise WorkspaceError(
            "no results imported: run `python -m targeting import results FILE…` with the "
            "ministry's files per polling station."
        )
    return choose_basis(reference.turnout_levels(workspace))


def score_stations(
    workspace: Workspace,
    *,
    communes: Sequence[str] | None = None,
    by: str | None = None,
    target: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Scored:
    """Score the stations of now of `communes`, else of the campaign's, else of all imported.

    Each election used is carried to the stations of now by their history.

    `by` is the arena of the rank: each commune, each constituency, or all stations together (the
    default, the same as the commune for a campaign of one).
    """
    campaign = campaign_card(workspace)
    wanted = [commune_of_arrondissement(c) for c in communes or campaign.communes] or None
    basis = campaign_basis(workspace)
    published = {e: reference.load_turnout(workspace, e, wanted) for e in basis.elections}
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
        reference.load_bloc_votes(workspace, basis.presidential, wanted), flows[basis.presidential]
    )
    arena = by or "national"
    scores = build_scores(
        turnouts,
        bloc_votes,
        basis,
        target=tuple(target or campaign.target),
        by=arena,
        past={e: past.of(e) for e in basis.elections},
        registered=past.registered,
    )
    rates = {e: abstention_rate(turnouts[e]) for e in basis.low}
    abstentions = pd.DataFrame(rates).reindex(scores["station_id"])
    return Scored(scores, abstentions, basis, wanted, arena)


def station_coverage(workspace: Workspace, communes: Sequence[str] | None = None) -> pd.DataFrame:
    """What was done in each station (table Coverage); empty before addresses are imported."""
    if not has_buildings(workspace, communes):
        return build_coverage(_no_buildings(), _no_visits())
    with reading(open_store(workspace)) as session:
        visits = load_visits(session)
    return build_coverage(load_buildings(workspace, communes), visits)


def station_priorities(workspace: Workspace, scored: Scored) -> pd.DataFrame:
    """Where to knock next (table Priorities)."""
    return build_priorities(scored.scores, station_coverage(workspace, scored.communes))


def _no_buildings() -> pd.DataFrame:
    return pd.DataFrame({"building_id": [], "station_id": [], "dwellings": []}).astype(
        {"building_id": "str", "station_id": "str", "dwellings": "int64"}
    )


def _no_visits() -> pd.DataFrame:
    columns = ["building_id", "door_id", "turf_id", "outcome"]
    visits = pd.DataFrame({c: pd.Series([], dtype="str") for c in columns})
    return visits.assign(visited_at=pd.to_datetime([], utc=True))
