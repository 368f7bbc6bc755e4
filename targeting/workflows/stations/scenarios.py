"""What a campaign could win back if turnout moved so: ranges, from the board of stations."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from targeting.config import Workspace
from targeting.maps.board import Board
from targeting.reference.results import load_turnout
from targeting.scoring.product import ELSEWHERE
from targeting.scoring.scenario import Scenario, scenario_range, total_range
from targeting.workflows.access.asks import asks
from targeting.workflows.setup import campaign_card


@dataclass(frozen=True)
class ScenarioBoard:
    """A scenario over the campaign's stations.

    turnout_low, turnout_high: turnouts of the latest low-turnout election and of the presidential
    round; total, reachable: lowest and highest number of votes, of all, and of those who live
    where they are registered; stations: `low`, `high` (people) by station_id, highest first.
    """

    turnout_low: float
    turnout_high: float
    total: tuple[float, float]
    reachable: tuple[float, float]
    stations: pd.DataFrame


@asks("places.see")
def turnout_levels(workspace: Workspace, board: Board) -> tuple[float, float]:
    """Turnouts of the latest low election and of the presidential round, in the campaign."""
    communes = campaign_card(workspace).communes or None
    rates = []
    for election_id in (board.basis.latest_low, board.basis.presidential):
        turnout = load_turnout(workspace, election_id, communes)
        rates.append(float(turnout["votes_cast"].sum() / max(turnout["registered"].sum(), 1)))
    return rates[0], rates[1]


def load_scenario(
    board: Board,
    levels: tuple[float, float],
    *,
    turnout: tuple[float, float],
    transfer: tuple[float, float],
) -> ScenarioBoard:
    """Votes to win back under a scenario. Raises TargetingError where turnout did not fall.

    levels: see `turnout_levels`; turnout, transfer: lowest and highest, as shares.
    """
    scenario = Scenario(turnout, transfer)
    reservoir = board.table["reservoir"].fillna(0.0)
    bounds = board.table[["reservoir_low", "reservoir_high"]].set_axis(["low", "high"], axis=1)
    known = bounds["low"].notna().any()
    each = scenario_range(
        reservoir, scenario, turnout_low=levels[0], turnout_high=levels[1],
        bounds=bounds if known else None,
    )  # fmt: skip
    total = total_range(reservoir, scenario, turnout_low=levels[0], turnout_high=levels[1])
    there = (total[0] * (1 - ELSEWHERE), total[1] * (1 - ELSEWHERE))
    order = each["high"].sort_values(ascending=False, kind="stable").index
    return ScenarioBoard(*levels, total, there, each.loc[order])
