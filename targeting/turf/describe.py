"""What turfs are, once somebody has said which stops they hold: walked, summed, measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from targeting.tables import Turfs, TurfStops
from targeting.turf.graph import StreetGraph
from targeting.turf.listing import minutes_of_stops, station_lists, summed_turfs
from targeting.turf.minutes import TimeModel
from targeting.turf.walk import walk_order

JUMP_M = 250.0
"""A leg above this is told as a jump (TURFS 1: `gap250`)."""


def describe_turfs(
    buildings: pd.DataFrame,
    graph: StreetGraph,
    stops: pd.DataFrame,
    *,
    time_model: TimeModel | None = None,
    starts: Mapping[str, str] | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Walk turfs given by their stops, and sum them up.

    Parameters
    ----------
    buildings
        Table Buildings, with at least those of the stops.
    stops
        turf_id, building_id, dwellings (doors of the turf there), one row a building of a turf; any
        order. Other columns come back untouched.
    starts
        Building that a turf's walk sets out from, by turf_id.

    Returns
    -------
    turfs
        Table Turfs in the order of turf_id, `rank` being that order.
    stops
        Those given, in walking order, with `visit_order` from 1 in each turf.
    """
    rows = buildings.set_index(pd.Index(buildings["building_id"], name="id"))
    parts, walks, longest = [], [], []
    for number, (turf_id, mine) in enumerate(stops.groupby("turf_id", sort=True)):
        start = (starts or {}).get(str(turf_id))
        walk = walk_order(graph, rows.loc[mine["building_id"]], start=start, seed=seed)
        in_order = mine.set_index(pd.Index(mine["building_id"], name="id")).loc[walk.building_ids]
        order = np.arange(1, len(mine) + 1)
        parts.append(in_order.assign(turf=number, visit_order=order).reset_index(drop=True))
        walks.append(walk.walk_m)
        longest.append(walk.longest_leg_m)
    walked = pd.concat(parts, ignore_index=True)
    row = pd.Index(buildings["building_id"]).get_indexer(pd.Index(walked["building_id"]))
    model = time_model or TimeModel()
    at = walked.assign(row=row)
    at["minutes"] = minutes_of_stops(buildings, at, model)
    table = summed_turfs(buildings, at, np.array(walks), np.array(longest), model)
    ids = walked.drop_duplicates("turf").set_index("turf")["turf_id"]
    table = table.assign(
        turf_id=ids.astype("str"),
        rank=np.arange(1, len(table) + 1),
        station_ids=station_lists(buildings, at).reindex(table.index).astype("str"),
    )
    columns = list(Turfs.to_schema().columns)
    walked = walked.drop(columns="turf")
    TurfStops.check(walked[list(TurfStops.to_schema().columns)])
    return Turfs.check(table[columns].reset_index(drop=True)), walked


def pieces(graph: StreetGraph, stops: pd.DataFrame) -> pd.Series:
    """In how many pieces each turf lies, indexed by turf_id; 1: all in one.

    Two stops of a turf hold together if nobody else's stop lies between them on foot: their cells
    of the street graph touch (TURFS 1: `contig`). `stops` are those of all turfs of the place.
    """
    stops = stops.drop_duplicates(["turf_id", "building_id"]).reset_index(drop=True)
    first = stops.drop_duplicates("building_id")
    places = graph.positions(first["building_id"])
    a, b, _ = graph.neighbours(places)
    same_place = stops["building_id"].map(
        dict(zip(first["building_id"], range(len(first)), strict=True))
    )
    counts = {}
    for turf_id, mine in stops.assign(place=same_place).groupby("turf_id", sort=True):
        member = np.full(len(first), -1, np.int64)
        member[mine["place"]] = np.arange(len(mine))
        kept = (member[a] >= 0) & (member[b] >= 0)
        links = coo_array(
            (np.ones(int(kept.sum()), np.int8), (member[a[kept]], member[b[kept]])),
            shape=(len(mine), len(mine)),
        )
        counts[str(turf_id)] = int(connected_components(links, directed=False)[0])
    return pd.Series(counts, dtype="int64", name="pieces")
