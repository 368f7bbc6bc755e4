"""How the buildings of a workspace are made: from addresses, voters and outlines."""

from __future__ import annotations

import pandas as pd

from targeting.config import Workspace
from targeting.households.buildings import build_buildings
from targeting.households.matching import STEPS, match_voters
from targeting.reference.addresses import load_addresses, load_door_layouts, load_voter_addresses
from targeting.reference.held import list_elections
from targeting.stations.places import assign_stations
from targeting.workflows.cache import Bundle
from targeting.workflows.stations.history import find_outlines, station_past


def make_buildings(workspace: Workspace, communes: list[str] | None) -> Bundle:
    """Table Buildings of these communes, else of all; facts: how the roll was found, as counted.

    The facts are those of `matching.MatchReport`, and none where there is no roll.
    """
    addresses = load_addresses(workspace, communes)
    voters = load_voter_addresses(workspace, communes)
    voters_at, station_at, found = _on_addresses(voters, addresses)
    drawn = find_outlines(workspace, communes)
    if drawn is not None:
        station_of = assign_stations(addresses["x"], addresses["y"], drawn.outlines)
    else:
        station_of = addresses["address_id"].map(station_at).astype("str")
    registered = _registered(workspace, communes, voters)
    counted = load_door_layouts(workspace).groupby("building_id").size()
    table = build_buildings(addresses, station_of, registered, voters_at, counted=counted)
    return Bundle({"buildings": table}, found)


def _on_addresses(
    voters: pd.DataFrame, addresses: pd.DataFrame
) -> tuple[pd.Series, pd.Series, dict[str, dict[str, int]]]:
    if voters.empty:
        return pd.Series(dtype="float64"), pd.Series(dtype="str"), {}
    rows = match_voters(voters, addresses).rows
    by_step = rows.groupby("step")["registered"].agg(["size", "sum"]).reindex(list(STEPS))
    counts = by_step.fillna(0).astype(int)
    found = rows.dropna(subset="address_id")
    largest = found.sort_values("registered", ascending=False).drop_duplicates("address_id")
    return (
        found.groupby("address_id")["registered"].sum().astype("float64"),
        largest.set_index("address_id")["station_id"],
        {"addresses": counts["size"].to_dict(), "voters": counts["sum"].to_dict()},
    )


def _registered(
    workspace: Workspace, communes: list[str] | None, voters: pd.DataFrame
) -> pd.Series:
    """Registered per station: the roll of now, as scores use it, else the voters' own."""
    if not list_elections(workspace):
        return voters.groupby("station_id")["registered"].sum().astype("float64")
    return station_past(workspace, communes).registered.astype("float64")
