"""What turfs are, once somebody has said which stops they hold: walked, summed, measured."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from targeting.codes import in_turf_order
from targeting.tables import Turfs, TurfStops
from targeting.turf.graph.model import StreetGraph
from targeting.turf.kernels.arrays import Ints
from targeting.turf.kernels.paths import nearest_source
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
    touch (see `touching_cells`). `stops` are those of all turfs of the place.
    """
    held = stops[["turf_id", "building_id"]].drop_duplicates().reset_index(drop=True)
    cell, ids = pd.factorize(held["building_id"])
    a, b = touching_cells(graph, graph.positions(pd.Series(ids)))
    held = held.assign(cell=cell, row=np.arange(len(held)))
    pairs = (
        pd.DataFrame({"a": a, "b": b})
        .merge(held, left_on="a", right_on="cell")
        .merge(held, left_on=["b", "turf_id"], right_on=["cell", "turf_id"])
    )
    links = coo_array(
        (np.ones(len(pairs), np.int8), (pairs["row_x"], pairs["row_y"])), shape=(len(held),) * 2
    )
    piece = connected_components(links, directed=False)[1]
    counts = held.assign(piece=piece).groupby("turf_id")["piece"].nunique()
    return counts.astype("int64").rename("pieces")


def touching_cells(graph: StreetGraph, places: Ints) -> tuple[Ints, Ints]:
    """Pairs of these addresses (as places in `places`) with nobody else's between them on foot.

    Their cells of the network Voronoi diagram touch, or meet at one junction (the cliques of TURFS
    2.1).
    """
    a, b, _ = graph.neighbours(places)
    _, cell = nearest_source(graph.ladder, places)
    node, indices = graph.ladder.source, graph.ladder.indices
    corner = (node >= len(graph)) & (cell[indices] >= 0)
    meets = pd.DataFrame({"at": node[corner], "cell": cell[indices[corner]]}).drop_duplicates()
    pairs = meets.merge(meets, on="at")
    pairs = pairs[pairs["cell_x"] < pairs["cell_y"]]
    return (
        np.concatenate([a, pairs["cell_x"].to_numpy()]).astype(np.int64),
        np.concatenate([b, pairs["cell_y"].to_numpy()]).astype(np.int64),
    )


def barriers_crossed(stops: pd.DataFrame, barriers: gpd.GeoSeries | None) -> pd.Series:
    """Legs of each turf's walk that lead across water, rail or a motorway (by a bridge, a tunnel or
    a crossing: there is always a way), by turf_id.

    `stops`: turf_id, visit_order, x, y (EPSG:2154, as `barriers`).
    """
    ordered = in_turf_order(stops)
    count = pd.Series(0, index=ordered["turf_id"].unique(), name="barriers_crossed")
    if barriers is None or barriers.empty or len(ordered) < 2:
        return count
    xy = ordered[["x", "y"]].to_numpy(dtype=float)
    same = (ordered["turf_id"].to_numpy()[1:] == ordered["turf_id"].to_numpy()[:-1]).nonzero()[0]
    legs = shapely.linestrings(np.stack([xy[same], xy[same + 1]], axis=1))
    hit = np.unique(shapely.STRtree(np.asarray(barriers)).query(legs, predicate="crosses")[0])
    crossed = ordered["turf_id"].iloc[same[hit]].value_counts()
    return count.add(crossed, fill_value=0).astype("int64")
