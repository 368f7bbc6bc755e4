"""Cut buildings into turfs that take the same time, each one walk, and lose no door.

Towers first; then the minimum spanning tree of the street graph, put in depth-first order, is
split at its best places; neighbours are merged and cut anew where that is better; then each turf
gets its walking order (TURFS 0 and 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.errors import TurfError
from targeting.tables import Excluded, Turfs, TurfStops
from targeting.turf.balance import balanced_labels, fronts_of, parted_at_gaps
from targeting.turf.graph.model import StreetGraph, check_buildings, has_coordinates
from targeting.turf.kernels.loops import Floats
from targeting.turf.listing import minutes_of_stops, ranked, summed_turfs
from targeting.turf.minutes import TimeModel, expected_minutes
from targeting.turf.towers import TOWER_SHARE, has_company, tower_parts
from targeting.turf.walk import FEW_KICKS, KICKS, walk_rows, walkable

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
class DoorsIdentity:
    """Doors in = doors in turfs + doors left out: printed on each run."""

    doors_in: int
    doors_in_turfs: int
    doors_left_out: int
    turfs: int
    left_out_by_reason: dict[str, int]

    @property
    def holds(self) -> bool:
        return self.doors_in == self.doors_in_turfs + self.doors_left_out

    def sentence(self) -> str:
        """The identity in one line.

        >>> DoorsIdentity(90, 86, 4, 2, {"no_coordinates": 4}).sentence()
        '90 doors in = 86 in 2 turfs + 4 left out (no_coordinates: 4)'
        """
        reasons = ", ".join(f"{why}: {doors:,}" for why, doors in self.left_out_by_reason.items())
        return (
            f"{self.doors_in:,} doors in {'=' if self.holds else '≠'} {self.doors_in_turfs:,} in "
            f"{self.turfs:,} turfs + {self.doors_left_out:,} left out"
            + (f" ({reasons})" if reasons else "")
        )


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
    inside = expected_minutes(buildings, model).to_numpy()
    weights = inside if doors is None else buildings["dwellings"].to_numpy().astype(float)

    is_kept = reason.isna().to_numpy()
    is_tower = is_kept & (weights >= TOWER_SHARE * budget)
    at = np.full(len(buildings), -1, np.int64)
    at[is_kept] = graph.positions(buildings.loc[is_kept, "building_id"])
    company = has_company(graph, at) if is_tower.any() else np.zeros(at.size, dtype=bool)
    towers, rest = tower_parts(buildings, weights, np.flatnonzero(is_tower), budget, company)
    doors_there = buildings["dwellings"].to_numpy().copy()
    doors_there[is_tower] = rest
    weights = weights * doors_there / buildings["dwellings"].to_numpy()
    rows = np.flatnonzero(is_kept & (doors_there > 0))
    places = at[rows]
    streets = walkable(graph, places)
    group = (
        pd.factorize(buildings["station_id"].iloc[rows].fillna(""))[0]
        if keep_stations
        else np.zeros(rows.size, np.int64)
    )
    a, b, metres = graph.neighbours(places)
    near = (metres <= max_leg_m) & (group[a] == group[b])
    labels, target = balanced_labels(
        (a[near], b[near], metres[near]),
        streets,
        fronts_of(graph, places),
        weights[rows],
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
        buildings.iloc[rows],
        positions=places,
        start=start,
        one_side_first=one_side_first,
        kicks=FEW_KICKS if fast else KICKS,
        seed=seed,
        threads=threads,
    )
    order, walks, longest = walk(labels)
    while not one_side_first and (longest > max_leg_m).any():
        labels = parted_at_gaps(streets, order, labels, longest, max_leg_m)
        order, walks, longest = walk(labels)
    stops = pd.DataFrame(
        {
            "row": rows[order],
            "turf": labels[order],
            "dwellings": doors_there[rows[order]],
        }
    )
    towers["turf"] += walks.size
    stops = pd.concat([stops, towers], ignore_index=True)
    still = np.zeros(len(towers))
    stops["minutes"] = minutes_of_stops(buildings, stops, model)
    found = np.bincount(stops["row"], stops["dwellings"], len(buildings)).astype(np.float64)
    turfs = summed_turfs(
        buildings, stops, np.concatenate([walks, still]), np.concatenate([longest, still]), model
    )
    turfs, stops = ranked(buildings, turfs, stops, station_order, id_prefix)
    alone = turfs.loc[turfs["n_buildings"] == 1, "turf_id"]
    first = stops[stops["turf_id"].isin(alone)]
    of_tower = first["building_id"].isin(buildings["building_id"][is_tower])
    tower_ids = first.loc[of_tower, "turf_id"]
    out = pd.DataFrame(
        {
            "building_id": buildings["building_id"],
            "dwellings": buildings["dwellings"],
            "reason": reason.astype("str"),
        }
    )[~is_kept].reset_index(drop=True)
    return Cut(
        turfs=Turfs.check(turfs),
        stops=TurfStops.check(stops),
        excluded=Excluded.check(out),
        identity=checked_identity(buildings, turfs, out, found, is_kept),
        balanced_on="minutes_expected" if doors is None else "n_doors",
        target=target,
        is_tower=turfs["turf_id"].isin(tower_ids).rename("is_tower"),
    )


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


def checked_identity(
    buildings: pd.DataFrame,
    turfs: pd.DataFrame,
    excluded: pd.DataFrame,
    found: Floats,
    is_kept: NDArray[np.bool_],
) -> DoorsIdentity:
    """The identity of a cut; `found` are the doors that turfs have of each building.

    Raises TurfError if a building has gained or lost a door.
    """
    identity = DoorsIdentity(
        doors_in=int(buildings["dwellings"].sum()),
        doors_in_turfs=int(turfs["n_doors"].sum()),
        doors_left_out=int(excluded["dwellings"].sum()),
        turfs=len(turfs),
        left_out_by_reason={
            str(why): int(n) for why, n in excluded.groupby("reason")["dwellings"].sum().items()
        },
    )
    wrong = int((found != buildings["dwellings"].to_numpy() * is_kept).sum())
    if not identity.holds or wrong:
        raise TurfError(
            f"the cut lost count: {identity.sentence()}; {wrong} buildings differ. This is our "
            "fault: keep the input and tell us, and cut with other minutes meanwhile."
        )
    return identity
