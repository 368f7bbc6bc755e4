"""What is left of begun turfs cut anew: what was answered stays away, nothing disappears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from targeting.errors import TurfError
from targeting.turf.cut import cut_turfs
from targeting.turf.describe import describe_turfs
from targeting.turf.graph.model import StreetGraph
from targeting.turf.identity import DoorsIdentity, doors_by_reason
from targeting.turf.minutes import TimeModel
from targeting.turf.remainder import Remainder, ranges_of

ADDRESS_GONE: Final = "address_gone"
"""Reason of a building that the addresses imported since no longer hold."""


@dataclass(frozen=True)
class Recut:
    """Remainder turfs: tables Turfs and TurfStops (with `first_door`, `last_door`, `parent_ids`),
    table Excluded, and the identity of the doors."""

    turfs: pd.DataFrame
    stops: pd.DataFrame
    excluded: pd.DataFrame
    identity: DoorsIdentity


def recut_turfs(
    buildings: pd.DataFrame,
    graph: StreetGraph,
    remainder: Remainder,
    *,
    minutes: float | None = None,
    doors: float | None = None,
    time_model: TimeModel | None = None,
    seed: int = 0,
    fast: bool = False,
    start: str | None = None,
) -> Recut:
    """Cut the doors to knock at into turfs as `cut_turfs` does; the others are left out, counted.

    `buildings` is table Buildings, `graph` holds them. A building that a kept turf shares is cut
    with its largest run; its other runs are turfs of their own.
    """
    known = remainder.runs["building_id"].isin(buildings["building_id"])
    runs = remainder.runs[known]
    largest = runs.sort_values(["dwellings", "run"], ascending=[False, True])
    is_main = ~largest["building_id"].duplicated()
    main, apart = largest[is_main].sort_index(), largest[~is_main].sort_index()
    rows = buildings.set_index(pd.Index(buildings["building_id"], name="id"))
    to_visit = rows.loc[main["building_id"]].assign(dwellings=main["dwellings"].to_numpy())
    cut = cut_turfs(
        to_visit.reset_index(drop=True), graph, minutes=minutes, doors=doors, seed=seed, fast=fast,
        time_model=time_model, start=start,
    )  # fmt: skip
    run_of = main.set_index("building_id")["run"]
    stops = cut.stops.assign(run=cut.stops["building_id"].map(run_of))
    turfs = cut.turfs
    if len(apart):
        more = apart.assign(turf_id=[f"U{n:05d}" for n in range(len(apart))])
        alone, walked = describe_turfs(
            buildings, graph, more[["turf_id", "building_id", "dwellings", "run"]],
            time_model=time_model,
        )  # fmt: skip
        alone["rank"] += len(turfs)
        turfs = pd.concat([turfs, alone], ignore_index=True)
        stops = pd.concat([stops, walked], ignore_index=True)
    stops = ranges_of(stops, remainder) if len(stops) else stops
    excluded = _left_out(remainder, cut.excluded, remainder.runs[~known])
    identity = DoorsIdentity(
        doors_in=remainder.doors_in,
        doors_in_turfs=int(turfs["n_doors"].sum()),
        doors_left_out=int(excluded["dwellings"].sum()),
        turfs=len(turfs),
        left_out_by_reason=doors_by_reason(excluded),
    )
    if not identity.holds:
        raise TurfError(
            f"the new cut lost count: {identity.sentence()}. This is our fault: nothing was kept."
        )
    return Recut(turfs, stops, excluded, identity)


def _left_out(remainder: Remainder, cut: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    waiting = remainder.left_out.groupby(["building_id", "reason"]).size().rename("dwellings")
    parts = [
        waiting.reset_index(),
        cut,
        gone[["building_id", "dwellings"]].assign(reason=ADDRESS_GONE),
    ]
    table = pd.concat([p for p in parts if len(p)] or [cut], ignore_index=True)
    return table[["building_id", "dwellings", "reason"]]
