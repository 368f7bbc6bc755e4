"""Cut buildings into turfs that take the same time, each one walk, and lose no door.

Towers first; then the minimum spanning tree of the street graph, put in depth-first order, is
split at its best places; neighbours are merged and cut anew where that is better; then each turf
gets its walking order (TURFS 0 and 7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from targeting.errors import TurfError
from targeting.tables import Excluded, Turfs, TurfStops
from targeting.turf.balance import balanced_labels, parted_at_gaps
from targeting.turf.graph.model import StreetGraph, check_buildings, has_coordinates
from targeting.turf.identity import DoorsIdentity, checked_identity, doors_by_reason
from targeting.turf.kernels.arrays import Edges, Flags, Floats, Ints, WalkNet
from targeting.turf.listing import minutes_of_stops, ranked, summed_turfs
from targeting.turf.minutes import TimeModel, expected_minutes
from targeting.turf.towers import TOWER_SHARE, has_company, tower_parts
from targeting.turf.walk import FEW_KICKS, KICKS, Walks, walk_rows

DEFAULT_MINUTES: Final = 120.0
"""One outing: 90 to 120 minutes a pair (FIELD 6.2)."""

LONGEST_OUTING: Final = 600.0
"""Minutes, or doors, above which a turf is no outing."""

MAX_LEG_M: Final = 1000.0
"""A turf never jumps a gap this wide between two groups of doors: a quarter of an hour. (Where one
side is done after the other, the way back to its first door may be longer, and is told.)"""

NO_COORDINATES: Final = "no_coordinates"
FAR_FROM_STREETS: Final = "far_from_streets"


@dataclass(frozen=True)
class Cut:
    """What a cut gives: three tables, and the identity that says that no door was lost."""

    turfs: pd.DataFrame
    stops: pd.DataFrame
    excluded: pd.DataFrame
    identity: DoorsIdentity
    balanced_on: str  # the column of `turfs` that was made equal
    target: float  # what each turf was to have of it
    is_tower: pd.Series  # turfs that are one big building, or a part of one; as `turfs`

    def share_within(self, tolerance: float = 0.1, *, towers: bool = False) -> float:
        """Share of turfs within `tolerance` of the mean turf; missing without turfs.

        Towers are left out unless asked for: their size is that of the building, not a choice.
        """
        return share_within(
            self.turfs.loc[self.is_tower.to_numpy() <= towers, self.balanced_on], tolerance
        )


def share_within(size: pd.Series, tolerance: float = 0.1) -> float:
    """Share of turfs whose size is within `tolerance` of the mean; missing without turfs."""
    return float(((size - size.mean()).abs() <= tolerance * size.mean()).mean())


def cut_turfs(
    buildings: pd.DataFrame,
    graph: StreetGraph,
    *,
    minutes: float | None = None,
    doors: float | None = None,
    time_model: TimeModel | None = None,
    seed: int = 0,
    excluded: pd.Series | None = None,
    id_prefix: str = "T",
    station_order: Sequence[str] | None = None,
    keep_stations: bool = False,
    max_leg_m: float = MAX_LEG_M,
    start: str | None = None,
    one_side_first: bool = False,
    fast: bool = False,
    threads: int | None = None,
) -> Cut:
    """Cut the buildings into turfs of equal time (or doors), each in walking order.

    Same buildings and seed give the same turfs, in whatever order the rows come.

    Parameters
    ----------
    buildings
        Table `Buildings`, or some of its rows; all those with coordinates must be in `graph`.
    minutes, doors
        Size of a turf, one of the two; 120 minutes if neither. Minutes count the walk.
    excluded
        Reason, with the building_id as index, of each building to leave out; those of other
        places are passed over.
    id_prefix
        `T` gives T001, T002… in the order of `rank`.
    station_order
        Stations by priority: turfs are ranked as the station that most of their doors are in,
        then by size. Without it, by size.
    keep_stations
        No turf crosses the border of two stations.
    start, one_side_first
        Where each walk sets out from, and in which order it takes the sides: see `walk_order`.
    fast
        Leave out the polish, which takes about ten times the rest.
    threads
        As many as there are cores, unless told; the turfs are the same with any number.

    Raises
    ------
    TurfError
        If a building comes twice or is not in the graph, if the size is no outing, or if a door
        were lost.
    """
    check_buildings(buildings)
    budget = checked_budget(minutes, doors)
    max_leg_m = float(max_leg_m)  # a whole number would have kernels compiled again
    model = time_model or TimeModel()
    buildings = buildings.sort_values("building_id", ignore_index=True)
    reason = left_out(buildings, graph, excluded)
    weights = sizes_of(buildings, model, by_doors=doors is not None)
    shared = towers_apart(buildings, graph, reason.isna().to_numpy(), weights, budget)
    labels, target = balanced_labels(
        neighbours_to_cut(buildings, graph, shared, max_leg_m, keep_stations=keep_stations),
        graph.walk_net.of(shared.places),
        graph.fronts.of(shared.places),
        shared.weights,
        budget=budget,
        minutes_per_m=model.minutes_per_m if doors is None else 0.0,
        max_leg_m=max_leg_m,
        fast=fast,
        seed=seed,
        threads=threads,
    )
    walk = partial(
        walk_rows,
        graph,
        buildings.iloc[shared.rows],
        positions=shared.places,
        start=start,
        one_side_first=one_side_first,
        kicks=FEW_KICKS if fast else KICKS,
        seed=seed,
        threads=threads,
    )
    # one side after the other may lead back a long way: that is told, not parted
    longest_m = np.inf if one_side_first else max_leg_m
    labels, walks = walked_apart(walk, graph.walk_net.of(shared.places), labels, longest_m)
    stops = stops_of(buildings, shared, labels, walks, model)
    still = np.zeros(len(shared.towers))
    turfs = summed_turfs(
        buildings,
        stops,
        np.concatenate([walks.walk_m, still]),
        np.concatenate([walks.longest_m, still]),
        model,
    )
    found = np.bincount(stops["row"], stops["dwellings"], len(buildings)).astype(np.float64)
    turfs, stops = ranked(buildings, turfs, stops, station_order, id_prefix)
    out = excluded_of(buildings, reason)
    return Cut(
        turfs=Turfs.check(turfs),
        stops=TurfStops.check(stops),
        excluded=Excluded.check(out),
        identity=checked_identity(buildings, turfs, out, found, reason.isna().to_numpy()),
        balanced_on="minutes_expected" if doors is None else "n_doors",
        target=target,
        is_tower=tower_turfs(turfs, stops, buildings["building_id"][shared.is_tower]),
    )


class Shared(NamedTuple):
    """What is cut with what: big buildings fill turfs of their own, the rest is shared out.

    towers: turfs that one building fills (see `tower_parts`); is_tower: buildings that do; doors:
    of each building, those that are in no such turf; then, of the buildings with such doors, rows
    of the table, places in the graph, and weights.
    """

    towers: pd.DataFrame
    is_tower: Flags
    doors: Ints
    rows: Ints
    places: Ints
    weights: Floats


def sizes_of(buildings: pd.DataFrame, model: TimeModel, *, by_doors: bool) -> Floats:
    """What each building adds to the size of its turf: minutes inside, or doors."""
    size = buildings["dwellings"] if by_doors else expected_minutes(buildings, model)
    return np.array(size, dtype=np.float64)


def towers_apart(
    buildings: pd.DataFrame, graph: StreetGraph, is_kept: Flags, weights: Floats, budget: float
) -> Shared:
    """Turfs of big buildings set apart, and what is left to cut of all that is kept."""
    is_tower = is_kept & (weights >= TOWER_SHARE * budget)
    at = np.full(len(buildings), -1, np.int64)
    at[is_kept] = graph.positions(buildings.loc[is_kept, "building_id"])
    company = has_company(graph, at) if is_tower.any() else np.zeros(at.size, dtype=bool)
    towers, rest = tower_parts(buildings, weights, np.flatnonzero(is_tower), budget, company)
    doors = buildings["dwellings"].to_numpy().copy()
    doors[is_tower] = rest
    rows = np.flatnonzero(is_kept & (doors > 0))
    share = weights * doors / buildings["dwellings"].to_numpy()
    return Shared(towers, is_tower, doors, rows, at[rows], share[rows])


def neighbours_to_cut(
    buildings: pd.DataFrame,
    graph: StreetGraph,
    shared: Shared,
    max_leg_m: float,
    *,
    keep_stations: bool,
) -> Edges:
    """Neighbours that one turf may hold: not too far, and, where asked, of one station."""
    a, b, metres = graph.neighbours(shared.places)
    near = metres <= max_leg_m
    if keep_stations:
        station = pd.factorize(buildings["station_id"].iloc[shared.rows].fillna(""))[0]
        near &= station[a] == station[b]
    return Edges(a[near], b[near], metres[near])


def walked_apart(
    walk: Callable[[Ints], Walks], walk_net: WalkNet, labels: Ints, max_leg_m: float
) -> tuple[Ints, Walks]:
    """Turfs and their walks, those with a leg that is too long parted there until none is left."""
    walks = walk(labels)
    while (walks.longest_m > max_leg_m).any():
        labels = parted_at_gaps(walk_net, walks.order, labels, walks.longest_m, max_leg_m)
        walks = walk(labels)
    return labels, walks


def stops_of(
    buildings: pd.DataFrame, shared: Shared, labels: Ints, walks: Walks, model: TimeModel
) -> pd.DataFrame:
    """Row, turf, dwellings and minutes of each stop, in walking order; towers come last."""
    rows = shared.rows[walks.order]
    stops = pd.DataFrame(
        {"row": rows, "turf": labels[walks.order], "dwellings": shared.doors[rows]}
    )
    towers = shared.towers.assign(turf=shared.towers["turf"] + walks.walk_m.size)
    stops = pd.concat([stops, towers], ignore_index=True)
    return stops.assign(minutes=minutes_of_stops(buildings, stops, model))


def excluded_of(buildings: pd.DataFrame, reason: pd.Series) -> pd.DataFrame:
    """Table Excluded: the buildings that have a reason, with all their doors."""
    table = buildings[["building_id", "dwellings"]].assign(reason=reason.astype("str"))
    return table[reason.notna()].reset_index(drop=True)


def tower_turfs(turfs: pd.DataFrame, stops: pd.DataFrame, tower_ids: pd.Series) -> pd.Series:
    """Which turfs are one building that is as big as a turf, or a part of one."""
    alone = turfs.loc[turfs["n_buildings"] == 1, "turf_id"]
    of_tower = stops["turf_id"].isin(alone) & stops["building_id"].isin(tower_ids)
    return turfs["turf_id"].isin(stops.loc[of_tower, "turf_id"]).rename("is_tower")


def checked_budget(minutes: float | None, doors: float | None) -> float:
    """Size of a turf; raises TurfError if it is no outing, or asked in two ways."""
    if minutes is not None and doors is not None:
        raise TurfError(f"asked for {minutes} minutes and {doors} doors a turf: choose one.")
    budget = doors if doors is not None else DEFAULT_MINUTES if minutes is None else minutes
    if not 0 < budget <= LONGEST_OUTING:
        raise TurfError(
            f"a turf of {budget} {'minutes' if doors is None else 'doors'} is no outing; ask for "
            f"more than 0 and at most {LONGEST_OUTING:.0f} (usual: 120 minutes, or 50 doors)."
        )
    return float(budget)


def left_out(buildings: pd.DataFrame, graph: StreetGraph, excluded: pd.Series | None) -> pd.Series:
    """Why each building is left out; missing where it is kept."""
    if excluded is None:
        excluded = pd.Series(dtype="str")
    if excluded.index.has_duplicates:
        twice = excluded.index[excluded.index.duplicated()][0]
        raise TurfError(f"building {twice} is excluded twice; give one reason a building.")
    reason = buildings["building_id"].map(excluded.fillna("unspecified")).astype(object)
    reason = reason.where(reason.notna() | has_coordinates(buildings), NO_COORDINATES)
    is_far = buildings["building_id"].isin(graph.far_ids)
    return reason.where(reason.notna() | ~is_far, FAR_FROM_STREETS)


def with_closed(cut: Cut, closed: pd.DataFrame) -> Cut:
    """The cut with the closed doors among those left out: the identity counts every door."""
    counts = closed.groupby(["building_id", "reason"]).size().rename("dwellings").reset_index()
    shut = counts[["building_id", "dwellings", "reason"]]
    excluded = pd.concat([cut.excluded, shut], ignore_index=True)
    more = int(shut["dwellings"].sum())
    identity = replace(
        cut.identity,
        doors_in=cut.identity.doors_in + more,
        doors_left_out=cut.identity.doors_left_out + more,
        left_out_by_reason=doors_by_reason(excluded),
    )
    return replace(cut, excluded=excluded, identity=identity)
