"""Cut buildings into turfs that take the same time, each one walk, and lose no door.

Towers first; then the minimum spanning tree of the street graph, put in depth-first order, is
split at its best places; neighbours are merged and cut anew where that is better; then each turf
gets its walking order (TURFS 0 and 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from targeting.errors import TurfError
from targeting.tables import Excluded, Turfs, TurfStops
from targeting.turf.graph import (
    Edges,
    Fronts,
    StreetGraph,
    check_buildings,
    facing_doors,
    has_coordinates,
    joined,
)
from targeting.turf.kernels import (
    Floats,
    Ints,
    Walkable,
    fill_distances,
    forest_order,
    rows_of,
    scratch_of,
    spanning_forest,
    split_order,
)
from targeting.turf.minutes import TimeModel, expected_minutes
from targeting.turf.polish import Aim, polish_turfs
from targeting.turf.walk import (
    FEW_KICKS,
    KICKS,
    address_lines,
    walk_labels,
    walk_rows,
    walkable,
)

DEFAULT_MINUTES: Final = 120.0
"""One outing: 90 to 120 minutes a pair (FIELD 6.2)."""

LONGEST_OUTING: Final = 600.0
"""Minutes, or doors, above which a turf is no outing."""

EVEN_SHARE: Final = 0.1
"""A big building this near a whole number of turfs is shared out evenly among them."""

COMPANY_M: Final = 100.0
"""The rest of a big building goes with another one only this near."""

TOWER_SHARE: Final = 0.9
"""A building with this share of a turf makes its own turfs (TURFS 1)."""

OVER_BUDGET: Final = 1.1
"""The mean turf is at most this many times what was asked."""

MAX_LEG_M: Final = 1000.0
"""A turf never jumps a gap this wide between two groups of doors: a quarter of an hour."""

FIRST_GUESS: Final = 0.75
"""A walk over the way through the tree, before any is measured (0.7 to 0.8 on real towns)."""

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
    model = time_model or TimeModel()
    buildings = buildings.sort_values("building_id", ignore_index=True)
    reason = left_out(buildings, graph, excluded)
    inside = expected_minutes(buildings, model).to_numpy()
    weights = inside if doors is None else buildings["dwellings"].to_numpy().astype(float)

    is_kept = reason.isna().to_numpy()
    is_tower = is_kept & (weights >= TOWER_SHARE * budget)
    towers, rest = tower_parts(
        buildings, weights, np.flatnonzero(is_tower), budget, has_company(buildings, graph, is_kept)
    )
    doors_there = buildings["dwellings"].to_numpy().copy()
    doors_there[is_tower] = rest
    weights = weights * doors_there / buildings["dwellings"].to_numpy()
    rows = np.flatnonzero(is_kept & (doors_there > 0))
    places = graph.positions(buildings["building_id"].iloc[rows])
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


def turf_target(total: float, budget: float) -> float:
    """Size of the mean turf: as near the budget as whole turfs allow, hardly above it.

    >>> turf_target(700.0, 120.0), turf_target(50.0, 120.0)
    (116.66666666666667, 50.0)
    """
    count = max(1, round(total / budget))
    while total > OVER_BUDGET * budget * count:
        count += 1
    return total / count


def balanced_labels(
    near: tuple[Ints, Ints, Floats],
    streets: Walkable,
    fronts: Fronts,
    weights: Floats,
    *,
    budget: float,
    minutes_per_m: float,
    max_leg_m: float,
    fast: bool,
    seed: int,
    threads: int | None = None,
) -> tuple[Ints, float]:
    """Number the turf of each building, 0, 1, 2…, and the size aimed at.

    When minutes are balanced, the walk is guessed from the tree, the first cut measured, and the
    second cut made with what was measured.
    """
    n = weights.size
    if n == 0:
        return np.empty(0, np.int64), budget
    order, legs = tree_order(n, *side_by_side(near, fronts))
    inner = np.where(np.isinf(legs), 0.0, legs)
    factor = np.full(n, FIRST_GUESS)
    aim = Aim(
        turf_target(weights.sum() + FIRST_GUESS * inner.sum() * minutes_per_m, budget),
        minutes_per_m,
        max_leg_m,
    )
    labels = split_tree(order, legs, weights, factor, aim)
    if minutes_per_m > 0:
        factor, walk_m = measured_walk(order, labels, inner, streets, threads)
        aim = replace(aim, target=turf_target(weights.sum() + walk_m * minutes_per_m, budget))
        labels = split_tree(order, legs, weights, factor, aim)
    if not fast and labels.max() > 0:
        labels = polish_turfs(
            labels, near[:2], facing_doors(fronts), weights, streets, aim, seed=seed,
            threads=threads,
        )  # fmt: skip
    return numbered(labels), aim.target


def numbered(labels: Ints) -> Ints:
    """The same turfs, numbered 0, 1, 2… in the order of their numbers."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def fronts_of(graph: StreetGraph, places: Ints) -> Fronts:
    """What tells which of these addresses face each other."""
    front, along_m, side = graph.fronts
    return front[places], along_m[places], side[places]


def side_by_side(near: Edges, fronts: Fronts) -> Edges:
    """Neighbours, for the order alone: across a street that is not wide, as near as along it.

    So that the tree takes a street's numbers in the order they come, whatever their side, and a
    run of that order has both.
    """
    a, b, metres = near
    front, along_m, side = fronts
    faces = (front[a] >= 0) & (front[a] == front[b]) & (side[a] != side[b])
    return a, b, np.where(faces, np.minimum(np.abs(along_m[a] - along_m[b]), metres), metres)


def tree_order(n: int, a: Ints, b: Ints, metres: Floats) -> tuple[Ints, Floats]:
    """Depth-first order of the minimum spanning tree, and the way through it to each building."""
    kept = spanning_forest(n, a, b, np.argsort(metres, kind="stable"))
    order, legs = forest_order(*rows_of(n, *joined((a[kept], b[kept], metres[kept]))))
    return order, legs


def split_tree(order: Ints, legs: Floats, weights: Floats, factor: Floats, aim: Aim) -> Ints:
    """Turf of each building from the best split of the order, legs being worth `factor`."""
    inner = np.where(np.isinf(legs), 0.0, legs) * factor
    labels = np.empty(order.size, np.int64)
    labels[order] = split_order(
        weights[order], legs * factor, inner * aim.minutes_per_m, aim.target, aim.max_leg_m
    )
    return labels


def measured_walk(
    order: Ints, labels: Ints, inner: Floats, streets: Walkable, threads: int | None
) -> tuple[Floats, float]:
    """Real walk over the way through the tree, around each building, and all walks together."""
    _, walks, _ = walk_labels(streets, labels, kicks=0, seed=0, threads=threads)
    turf = labels[order]
    first = np.concatenate([[True], np.diff(turf) != 0])
    through = np.bincount(turf, np.where(first, 0.0, inner))
    ratio = np.clip(walks / np.maximum(through, 1.0), 0.3, 1.2)
    ratio[through < 1.0] = FIRST_GUESS
    return ratio[turf], float(walks.sum())


def parted_at_gaps(
    streets: Walkable, order: Ints, labels: Ints, longest: Floats, max_leg_m: float
) -> Ints:
    """The turfs, those with a leg that is too long cut there into several.

    The tree and the polish keep such legs out, but the last walk of a turf may find a shorter way
    in all that has one. `order` is the walking order, turf after turf.
    """
    labels, scratch = labels.copy(), scratch_of(streets)
    for turf in np.flatnonzero(longest > max_leg_m):
        mine = order[labels[order] == turf]
        legs = np.diagonal(fill_distances(mine, streets, scratch), 1)
        part = np.concatenate([[0], np.cumsum(legs > max_leg_m)])
        labels[mine[part > 0]] = labels.max() + part[part > 0]
    return labels


def has_company(
    buildings: pd.DataFrame, graph: StreetGraph, is_kept: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Whether another building to visit stands within a short walk; as the rows of `buildings`."""
    rows = np.flatnonzero(is_kept)
    a, b, metres = graph.neighbours(graph.positions(buildings["building_id"].iloc[rows]))
    near = metres <= COMPANY_M
    company = np.zeros(len(buildings), dtype=bool)
    company[rows[a[near]]] = company[rows[b[near]]] = True
    return company


def tower_parts(
    buildings: pd.DataFrame,
    weights: Floats,
    rows: Ints,
    budget: float,
    company: NDArray[np.bool_],
) -> tuple[pd.DataFrame, Ints]:
    """Turfs that a big building fills alone, and the doors it leaves to its neighbours' turfs.

    A building within a tenth of whole turfs, or with no other near, is shared out evenly; else it
    fills as many turfs of the budget as it can, and the rest of its doors are cut with the
    buildings around.

    Returns
    -------
    stops
        One row a turf: `row` of the building, `turf` from 0, `dwellings`.
    rest
        Doors left to share, for each of `rows`.
    """
    doors = buildings["dwellings"].to_numpy()[rows]
    turfs = weights[rows] / budget
    whole = np.maximum(np.round(turfs), 1).astype(np.int64)
    even = np.abs(turfs / whole - 1) <= EVEN_SHARE + 1e-9
    alone = ~even & ~company[rows]
    whole = np.where(alone, np.ceil(turfs / OVER_BUDGET - 1e-9).astype(np.int64), whole)
    even |= alone
    parts = np.where(even, whole, np.maximum(np.floor(turfs), 1).astype(np.int64))
    parts = np.clip(parts, 1, doors)
    filled = np.where(even, doors, np.minimum(np.round(parts * doors / turfs), doors))
    filled = np.maximum(filled.astype(np.int64), parts)
    row, taken, n_parts = (np.repeat(column, parts) for column in (rows, filled, parts))
    part = np.arange(row.size) - np.repeat(np.cumsum(parts) - parts, parts)
    share = taken // n_parts + (part < taken % n_parts)
    return (
        pd.DataFrame({"row": row, "turf": np.arange(row.size), "dwellings": share}),
        doors - filled,
    )


def minutes_of_stops(buildings: pd.DataFrame, stops: pd.DataFrame, model: TimeModel) -> Floats:
    """Minutes inside at each stop, for the doors that the stop has."""
    kind = buildings["kind"].iloc[stops["row"]].to_numpy()
    at_stop = pd.DataFrame({"kind": kind, "dwellings": stops["dwellings"].to_numpy()})
    return np.array(expected_minutes(at_stop, model))


def summed_turfs(
    buildings: pd.DataFrame, stops: pd.DataFrame, walks: Floats, longest: Floats, model: TimeModel
) -> pd.DataFrame:
    """One row a turf, in the order of their numbers; stops are in walking order."""
    of_row = buildings.iloc[stops["row"]].reset_index(drop=True)
    share = stops["dwellings"] / of_row["dwellings"]
    each = pd.DataFrame(
        {
            "turf": stops["turf"],
            "n_doors": stops["dwellings"],
            "registered_estimate": of_row["registered_estimate"] * share,
            "minutes": stops["minutes"],
        }
    ).groupby("turf")
    total = each.sum()
    turf = stops["turf"].to_numpy()
    ends = {keep: ~stops["turf"].duplicated(keep=keep).to_numpy() for keep in ("first", "last")}
    line = {
        keep: address_lines(of_row[is_end]).set_axis(turf[is_end]) for keep, is_end in ends.items()
    }
    return pd.DataFrame(
        {
            "n_buildings": each.size().astype(np.int64),
            "n_doors": total["n_doors"].astype(np.int64),
            "registered_estimate": total["registered_estimate"].astype(float),
            "minutes_expected": (total["minutes"] + walks * model.minutes_per_m).round(2),
            "walk_m": np.round(walks, 1),
            "longest_leg_m": np.round(longest, 1),
            "start_address": line["first"].astype("str"),
            "end_address": line["last"].astype("str"),
        }
    )


def main_stations(buildings: pd.DataFrame, stops: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Station that most doors of each turf are in; and, of turfs that lie in several, all of them.

    Both indexed by the number of the turf; the list is joined by a space, most doors first.
    """
    served = pd.DataFrame(
        {
            "turf": stops["turf"],
            "station_id": buildings["station_id"].iloc[stops["row"]].to_numpy(),
            "dwellings": stops["dwellings"],
        }
    ).dropna(subset="station_id")
    by_station = (
        served.groupby(["turf", "station_id"], as_index=False)["dwellings"].sum()
        .sort_values(["turf", "dwellings", "station_id"], ascending=[True, False, True])
    )  # fmt: skip
    mostly = by_station.drop_duplicates("turf").set_index("turf")["station_id"]
    several = by_station[by_station["turf"].duplicated(keep=False)]
    return mostly, several.groupby("turf")["station_id"].agg(" ".join)


def station_lists(buildings: pd.DataFrame, stops: pd.DataFrame) -> pd.Series:
    """Stations of each turf, joined by a space; empty where none is known."""
    return listed_stations(stops, *main_stations(buildings, stops))


def listed_stations(stops: pd.DataFrame, mostly: pd.Series, spanning: pd.Series) -> pd.Series:
    """The same, from the main station of each turf and the list of those in several."""
    turfs = pd.Index(stops["turf"].unique())
    return spanning.reindex(turfs).fillna(mostly.reindex(turfs)).fillna("")


def ranked(
    buildings: pd.DataFrame,
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    station_order: Sequence[str] | None,
    id_prefix: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank and name the turfs; both tables as the contract has them, in the order of rank."""
    mostly, spanning = main_stations(buildings, stops)
    station_ids = listed_stations(stops, mostly, spanning).reindex(turfs.index)
    priority_of = {station: k for k, station in enumerate(dict.fromkeys(station_order or ()))}
    priority = mostly.map(priority_of).reindex(turfs.index).fillna(len(priority_of))
    in_rank = pd.DataFrame(
        {"priority": priority, "size": -turfs["n_doors"], "number": turfs.index}
    ).sort_values(["priority", "size", "number"]).index  # fmt: skip

    width = max(3, len(str(len(turfs))))
    rank = pd.Series(np.arange(1, len(turfs) + 1), index=in_rank)
    turf_id = (id_prefix + rank.astype(str).str.zfill(width)).astype("str")
    table = turfs.loc[in_rank].assign(
        turf_id=turf_id,
        rank=rank,
        station_ids=station_ids.loc[in_rank].astype("str"),
    )
    visit_order = stops.groupby("turf").cumcount().to_numpy() + 1
    listed = pd.DataFrame(
        {
            "turf_id": turf_id.reindex(stops["turf"]).to_numpy(),
            "visit_order": visit_order.astype(np.int64),
            "building_id": buildings["building_id"].iloc[stops["row"]].to_numpy(),
            "dwellings": stops["dwellings"].to_numpy().astype(np.int64),
        }
    ).astype({"turf_id": "str", "building_id": "str"})
    by_rank = np.argsort(rank.reindex(stops["turf"]).to_numpy(), kind="stable")
    columns = list(Turfs.to_schema().columns)
    return table[columns].reset_index(drop=True), listed.iloc[by_rank].reset_index(drop=True)


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
