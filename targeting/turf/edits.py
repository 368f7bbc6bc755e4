"""Changes to turfs made by hand: who holds which stop. Pure: stops in, stops out, no door lost.

Stops are rows of `turf_id, building_id, first_door, last_door, dwellings`: whole stops move, so
that no change splits a building.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from targeting.errors import TurfError
from targeting.turf.graph.model import StreetGraph
from targeting.turf.minutes import TimeModel, expected_minutes
from targeting.turf.walk import walk_order


def move_stops(stops: pd.DataFrame, building_ids: Collection[str], turf_id: str) -> pd.DataFrame:
    """All stops at these buildings in one turf; two parts of a tower that touch become one stop.

    Raises TurfError if there is nothing to move, or parts of a building would leave a gap between
    them that another turf holds.
    """
    chosen = stops["building_id"].isin(list(building_ids))
    if not (chosen & (stops["turf_id"] != turf_id)).any():
        raise TurfError(f"every building chosen is already in {turf_id}.")
    return joined_parts(stops.assign(turf_id=stops["turf_id"].mask(chosen, turf_id)))


def merge_turfs(stops: pd.DataFrame, turf_ids: Sequence[str], into: str) -> pd.DataFrame:
    """All stops of these turfs in `into`, one of them."""
    merged = stops["turf_id"].isin(list(turf_ids))
    return joined_parts(stops.assign(turf_id=stops["turf_id"].mask(merged, into)))


def joined_parts(stops: pd.DataFrame) -> pd.DataFrame:
    """Stops of one turf at one building made one, where their doors follow each other.

    Raises TurfError where they do not: doors in between are in another turf.
    """
    key = ["turf_id", "building_id"]
    ordered = stops.sort_values([*key, "first_door"], ignore_index=True)
    again = ordered.duplicated(key)
    gap = again & (ordered["first_door"] != ordered["last_door"].shift() + 1)
    if gap.any():
        row = ordered[gap].iloc[0]
        raise TurfError(
            f"{row['building_id']}: doors between its two parts are in another turf; move "
            f"that part to {row['turf_id']} as well."
        )
    if not again.any():
        return stops
    first = ordered.drop_duplicates(key).set_index(key)
    rows = ordered.groupby(key)
    whole = first.assign(last_door=rows["last_door"].max(), dwellings=rows["dwellings"].sum())
    return whole.reset_index()[list(stops.columns)]


def split_turf(
    buildings: pd.DataFrame,
    graph: StreetGraph,
    stops: pd.DataFrame,
    names: Sequence[str],
    *,
    time_model: TimeModel | None = None,
) -> pd.DataFrame:
    """One turf as so many of equal time, each a stretch of its walk; `names` are their turf_ids.

    A building stays whole. Raises TurfError if the turf has fewer buildings than parts asked for.
    """
    if len(stops) < len(names):
        raise TurfError(
            f"{stops['turf_id'].iloc[0]} has {len(stops)} buildings: it cannot make {len(names)} "
            "turfs without parting one."
        )
    model = time_model or TimeModel()
    rows = buildings.set_index(pd.Index(buildings["building_id"], name="id"))
    walk = walk_order(graph, rows.loc[stops["building_id"]])
    mine = stops.set_index(pd.Index(stops["building_id"], name="id")).loc[walk.building_ids]
    kind = rows.loc[walk.building_ids, "kind"].to_numpy()
    at = pd.DataFrame({"kind": kind, "dwellings": mine["dwellings"].to_numpy()})
    weights = expected_minutes(at, model).to_numpy()
    part = even_parts(weights, len(names))
    return mine.assign(turf_id=np.array(names, dtype=object)[part]).reset_index(drop=True)


def even_parts(weights: np.ndarray, parts: int) -> np.ndarray:
    """Cut a row of weights into so many runs, the heaviest being as light as can be.

    >>> even_parts(np.array([5.0, 1.0, 1.0, 1.0, 4.0]), 2).tolist()
    [0, 0, 1, 1, 1]
    """
    n = weights.size
    total = np.concatenate([[0.0], np.cumsum(weights)])
    best = np.full((parts + 1, n + 1), np.inf)
    best[0, 0] = 0.0
    begin = np.zeros((parts + 1, n + 1), np.int64)
    for k in range(1, parts + 1):
        for end in range(k, n - parts + k + 1):
            starts = np.arange(k - 1, end)
            worst = np.maximum(best[k - 1, starts], total[end] - total[starts])
            begin[k, end] = starts[np.argmin(worst)]
            best[k, end] = worst.min()
    labels = np.empty(n, np.int64)
    end = n
    for k in range(parts, 0, -1):
        labels[begin[k, end] : end] = k - 1
        end = int(begin[k, end])
    return labels
