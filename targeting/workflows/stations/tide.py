"""Where the tide rises in a workspace: the second layer of the map, in classes."""

from __future__ import annotations

import pandas as pd

from targeting.codes import commune_of
from targeting.config import Workspace
from targeting.reference.results import load_bloc_votes, load_turnout, turnout_levels
from targeting.scoring.measures import left_share
from targeting.scoring.tide import is_abnormal, rising_tide, share_where_stood
from targeting.stations.carry import carry_bloc_votes, carry_turnout
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.history import station_past
from targeting.workflows.stations.scores import Scored


def station_tide(workspace: Workspace, scored: Scored) -> pd.Series:
    """Who comes back without the campaign (`scoring.tide`), indexed by station_id; for classes."""
    table = scored.scores.set_index("station_id")
    low = scored.basis.latest_low
    a, left = table["abstention_rate"], table["left_share"]
    if is_abnormal(turnout_levels(workspace), low):
        return rising_tide(a, left, left, latest=scored.abstentions[low])
    flows = station_past(workspace, scored.communes).history.of(low)
    turnout = carry_turnout(load_turnout(workspace, low, scored.communes), flows)
    votes = carry_bloc_votes(load_bloc_votes(workspace, low, scored.communes), flows)
    share = left_share(turnout, votes, campaign_card(workspace).target)
    ours = turnout.set_index("station_id")["constituency_code"]
    group = ours.fillna(ours.index.to_series().map(commune_of))
    return rising_tide(a, left, share_where_stood(share, group))
