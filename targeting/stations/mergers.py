"""Communes that became part of another one: their stations, found under the other's name.

The results of then have a code that is in no later file (543 communes of 2017 are not in 2022);
those of now have, in another commune, stations that were not there. A station that came with its
voters keeps its size and its way of voting: enough of them, all pointing to one commune, tell
which it was.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import polars as pl

from targeting.stations.catalogue import Catalogue, name_flows
from targeting.stations.flows import RANK, keyed_flows
from targeting.stations.rolls import FARTHEST_ALIKE, PROFILE, SIZE_SPREAD, VOTES_SPREAD, key_rolls

LEAST_MARGIN: Final = 4.0
"""How much farther the next best home must be, summed over the commune's stations, to believe the
best (units of the look-alikes' distance)."""

ABSORBED: Final = 0.9
"""Confidence in a commune found again. Measured by giving 600 communes that stayed to another one
of their department, presidential 2017 → 2022: 340 were found, 97 % of them where they were (95 % of
those of one station, all of the larger ones)."""


def find_absorbed(gone: pd.DataFrame, now: pd.DataFrame, stayed: pd.DataFrame) -> pd.DataFrame:
    """Flows of the stations of vanished communes to the communes that took them in.

    A commune keeps its stations in the order of their numbers when it joins another: its list is
    slid along each commune's list of new stations, and lies where sizes and votes agree best.

    Parameters
    ----------
    gone
        Stations of the vanished communes: `station_id`, `registered`, the columns of PROFILE.
    now
        Stations of the later round, of the same departments.
    stayed
        The other stations of the earlier round: what is among them was there already, and how they
        changed is what a department's rolls and votes did meanwhile.

    Returns
    -------
    flows
        Of the communes that were found, one to one; the others are left out. A department at a
        time: voters do not leave theirs.
    """
    catalogue = Catalogue.of([t["station_id"] for t in (gone, now, stayed)])
    then, there, others = (key_rolls(rolls, catalogue) for rolls in (gone, now, stayed))
    return name_flows(absorbed_by_key(then, there, others, catalogue), catalogue)


def absorbed_by_key(
    gone: pd.DataFrame, now: pd.DataFrame, stayed: pd.DataFrame, catalogue: Catalogue
) -> pl.DataFrame:
    """`find_absorbed` by keys: rolls from `rolls.key_rolls`, ranked flows out (see `flows`)."""
    new = now[~catalogue.among(stayed["key"].to_numpy())[now["key"]]]
    of_gone, of_new = (catalogue.department[t["key"]] for t in (gone, new))
    shifts = _shifts(stayed, now, catalogue)
    candidates = dict(list(new.groupby(of_new)))
    parts = [
        _of_department(rows, candidates[department], shifts.loc[department], catalogue)
        for department, rows in gone.groupby(of_gone)
        if department in candidates and department in shifts.index
    ]
    return pl.concat([_one_to_one([], []), *parts])


def _shifts(stayed: pd.DataFrame, now: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """What a department's typical station did between the rounds: log roll, and votes."""
    both = stayed.merge(now, on="key", suffixes=("_then", "_now"))
    moves = {"size": _log(both["registered_now"]) - _log(both["registered_then"])}
    moves |= {c: both[f"{c}_now"] - both[f"{c}_then"] for c in PROFILE}
    department = catalogue.department[now["key"]]
    spreads = {f"{c}_spread": now[c].groupby(department).std() for c in PROFILE}
    medians = pd.DataFrame(moves).groupby(catalogue.department[both["key"]]).median()
    return medians.join(pd.DataFrame(spreads))


def _of_department(
    gone: pd.DataFrame, new: pd.DataFrame, shift: pd.Series, catalogue: Catalogue
) -> pl.DataFrame:
    gone, new = (t.sort_values("key", ignore_index=True) for t in (gone, new))
    cost = _distance(gone, new, shift)
    homes = _by_commune(new, catalogue)
    offers = []
    for commune, rows in _by_commune(gone, catalogue).items():
        offers += _offers(commune, rows, homes, cost)
    taken: set[int] = set()
    settled: set[int] = set()
    then, to = [], []
    for _, commune, rows, places in sorted(offers, key=lambda offer: offer[0]):
        if commune in settled or not taken.isdisjoint(places):
            continue
        settled.add(commune)
        taken |= set(places)
        then += gone.loc[rows, "key"].to_list()
        to += new.loc[places, "key"].to_list()
    return _one_to_one(then, to)


def _one_to_one(then: list[int], to: list[int]) -> pl.DataFrame:
    return keyed_flows(np.array(then, "int32"), np.array(to, "int32"), 1.0, RANK["renumbered"],
                       ABSORBED)  # fmt: skip


def _by_commune(stations: pd.DataFrame, catalogue: Catalogue) -> dict[int, np.ndarray]:
    """Rows of each commune, by its key."""
    groups = stations.groupby(catalogue.commune[stations["key"]]).groups
    return {int(commune): rows.to_numpy() for commune, rows in groups.items()}


def _offers(
    commune: int, rows: np.ndarray, homes: dict[int, np.ndarray], cost: np.ndarray
) -> list[tuple[float, int, np.ndarray, list[int]]]:
    """The best place for a commune's list, if it is near and much better than in any other home."""
    best: dict[int, tuple[float, list[int]]] = {}
    for home, columns in homes.items():
        for start in range(len(columns) - len(rows) + 1):
            places = columns[start : start + len(rows)]
            total = float(cost[rows, places].sum())
            if home not in best or total < best[home][0]:
                best[home] = (total, places.tolist())
    if not best:
        return []
    ranked = sorted(best.values(), key=lambda found: found[0])
    margin = (ranked[1][0] if len(ranked) > 1 else np.inf) - ranked[0][0]
    near = ranked[0][0] <= FARTHEST_ALIKE * len(rows)
    if not near or margin < LEAST_MARGIN:
        return []
    return [(ranked[0][0] / len(rows), commune, rows, ranked[0][1])]


def _distance(gone: pd.DataFrame, new: pd.DataFrame, shift: pd.Series) -> np.ndarray:
    """How unlike two stations are, what their department did taken off."""
    size = _log(new["registered"])[None, :] - _log(gone["registered"])[:, None] - shift["size"]
    cost: np.ndarray = (size / SIZE_SPREAD) ** 2
    for column in PROFILE:
        if not shift[f"{column}_spread"] > 0:
            continue
        apart = new[column].to_numpy()[None, :] - gone[column].to_numpy()[:, None] - shift[column]
        cost = cost + np.nan_to_num(apart / shift[f"{column}_spread"] / VOTES_SPREAD) ** 2
    return cost


def _log(registered: pd.Series) -> np.ndarray:
    log: np.ndarray = np.log(np.maximum(registered.to_numpy(dtype="float64"), 1.0))
    return log
