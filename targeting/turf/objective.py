"""What a cut costs by the objective that it is made to lower, whoever made it or changed it since.

The formula is that of the kernels (`kernels.objective`): legs as they are felt, how far each turf
is from its size, facing doors parted. Two cuts of the same doors are compared by it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from targeting.codes import in_turf_order
from targeting.turf.graph.model import StreetGraph, facing_doors
from targeting.turf.kernels.arrays import scratch_of
from targeting.turf.kernels.objective import PARTED_M, felt_length, turf_cost
from targeting.turf.kernels.paths import fill_distances


def cut_cost(graph: StreetGraph, stops: pd.DataFrame, size: pd.Series, target: float) -> float:
    """What turfs cost together, in metres of walk.

    Parameters
    ----------
    graph
        Holds every building of the stops. Raises TurfError otherwise.
    stops
        turf_id, building_id, visit_order: each turf is walked in that order.
    size, target
        Minutes, or doors, of each turf (by turf_id), and what each was to have.
    """
    felt_m = felt_walks(graph, stops)
    sizes = size.astype(float).reindex(felt_m.index)
    costs = [
        turf_cost(float(weight), float(walk_m), float(target))
        for weight, walk_m in zip(sizes, felt_m, strict=True)
    ]
    return float(sum(costs)) + PARTED_M * parted_pairs(graph, stops)


def felt_walks(graph: StreetGraph, stops: pd.DataFrame) -> pd.Series:
    """Length of each turf's walk, its jumps counted as they are felt, by turf_id."""
    ordered = in_turf_order(stops)
    places = graph.positions(ordered["building_id"])
    scratch = scratch_of(graph.walk_net)
    felt_m = {}
    for turf_id, rows in ordered.groupby("turf_id", sort=False).indices.items():
        table = fill_distances(places[rows], graph.walk_net, scratch)
        felt_m[str(turf_id)] = felt_length(table, np.arange(rows.size))
    return pd.Series(felt_m, dtype="float64", name="felt_m")


def parted_pairs(graph: StreetGraph, stops: pd.DataFrame) -> int:
    """Pairs of doors that face each other across a street and are in no turf together."""
    held = stops[["turf_id", "building_id"]].drop_duplicates()
    cell, ids = pd.factorize(held["building_id"], sort=True)
    faces = facing_doors(graph.fronts.of(graph.positions(pd.Series(ids))))
    one, column = np.nonzero(faces >= 0)
    pairs = pd.DataFrame({"one": one, "other": faces[one, column]})
    pairs = pairs[pairs["one"] < pairs["other"]]
    turfs = pd.DataFrame({"cell": cell, "turf_id": held["turf_id"].to_numpy()})
    together = pairs.merge(turfs, left_on="one", right_on="cell").merge(
        turfs, left_on=["other", "turf_id"], right_on=["cell", "turf_id"]
    )
    return len(pairs) - len(together.drop_duplicates(["one", "other"]))
