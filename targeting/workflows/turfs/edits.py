"""Turfs changed by hand: move, split, merge, lock, start elsewhere; undone and redone.

Each change touches few turfs, walks them anew and keeps how they were. Only turfs that nobody has
begun can be changed: paper is out for the others (they are cut anew with `turfs recut`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from targeting.codes import turf_order
from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.store.engine import open_store, reading, write
from targeting.store.turf_states import (
    State,
    Undoable,
    change_turfs,
    load_states,
    redo_change,
    undo_change,
    undoable,
)
from targeting.store.turfs import load_stops, load_turfs, reserve_codes, turf_versions
from targeting.streetnames import address_line
from targeting.turf.describe import describe_turfs, pieces
from targeting.turf.edits import merge_turfs, move_stops, split_turf
from targeting.turf.graph.model import StreetGraph
from targeting.turf.minutes import TimeModel
from targeting.workflows.access.asks import asks
from targeting.workflows.buildings import find_building, load_buildings
from targeting.workflows.turfs.board import NO_TURF, load_campaign_turfs
from targeting.workflows.turfs.drafts import draft_states, name_new
from targeting.workflows.turfs.field_model import campaign_time_model
from targeting.workflows.turfs.walking import walking_graph

NEW: Final = "new"
"""Where a selection goes to make a turf of its own."""

MOST_PARTS: Final = 20

NEIGHBOURHOOD_M: Final = 1000.0
"""Turfs farther from each other are not looked at together."""

STOP_COLUMNS: Final = ["turf_id", "building_id", "first_door", "last_door", "dwellings"]


@dataclass(frozen=True)
class Ground:
    """What turfs are walked on: table Buildings, their graph, and how long doors take."""

    buildings: pd.DataFrame
    graph: StreetGraph
    time_model: TimeModel


Change = Callable[[pd.DataFrame, Ground], pd.DataFrame]
"""Stops of the turfs touched, as they are to become."""


@dataclass(frozen=True)
class Changed:
    """What one change did: its kind, and the turfs it touched (new ones under their codes)."""

    kind: str
    turf_ids: list[str]


@dataclass(frozen=True)
class HandBoard:
    """What is looked at while turfs are changed.

    turfs: those of `load_campaign_turfs` not done, with `pieces`, and `deviation` from the mean
    size (0.1: a tenth more), as `balanced_on` says; versions: what the user has seen of them.
    """

    turfs: pd.DataFrame
    stops: pd.DataFrame
    balanced_on: str
    undoable: Undoable

    @property
    def versions(self) -> dict[str, int]:
        return dict(zip(*_versions(self.turfs), strict=True))

    @property
    def turf_ids(self) -> list[str]:
        return list(self.turfs["turf_id"])

    @property
    def can_change(self) -> list[str]:
        """Turfs that nobody has begun and that are not locked."""
        is_open = (self.turfs["status"] == "ready") & ~self.turfs["is_locked"].astype(bool)
        return list(self.turfs.loc[is_open, "turf_id"])

    def stops_of(self, turf_ids: Sequence[str]) -> pd.DataFrame:
        """Stops of these turfs."""
        return self.stops[self.stops["turf_id"].isin(list(turf_ids))]

    def addresses(self, turf_id: str) -> dict[str, str]:
        """building_id → order and address of a turf's stops, as its lists show them."""
        return {
            str(s.building_id): f"{s.visit_order}. {address_line(s.number, s.suffix, s.street)}"
            for s in self.stops_of([turf_id]).itertuples()
        }

    def streets(self, turf_id: str) -> dict[str, list[str]]:
        """Street → building_ids of what a turf has of it, by name."""
        mine = self.stops_of([turf_id])
        return {str(k): list(v) for k, v in mine.groupby("street")["building_id"]}

    def doors(self, building_ids: Sequence[str]) -> int:
        """Doors to knock at in these buildings."""
        held = self.stops["building_id"].isin(list(building_ids))
        return int(self.stops.loc[held, "dwellings"].sum())

    def movable(self, building_ids: Sequence[str]) -> list[str]:
        """Those of these buildings that stand in turfs that can change, each once."""
        there = set(self.stops_of(self.can_change)["building_id"])
        return [b for b in dict.fromkeys(building_ids) if b in there]

    def around(self, turf_id: str, count: int) -> list[str]:
        """This turf and the nearest others, at most `count`, by the middle of their stops."""
        middles = self.stops.groupby("turf_id")[["x", "y"]].mean()
        apart = middles - middles.loc[turf_id]
        metres = np.hypot(apart["x"], apart["y"]).sort_values(kind="stable")
        return list(metres[metres <= NEIGHBOURHOOD_M].index[:count])


@asks("turfs.cut")
def load_hand_board(workspace: Workspace) -> HandBoard:
    """Look at the turfs that are not done. Raises WorkspaceError when there is none."""
    kept = load_campaign_turfs(workspace)
    turfs = kept.turfs[kept.turfs["status"] != "done"]
    if turfs.empty:
        raise WorkspaceError(NO_TURF)
    stops = kept.stops[kept.stops["turf_id"].isin(turfs["turf_id"])].reset_index(drop=True)
    balanced_on = "n_doors" if kept.parameters.get("doors") else "minutes_expected"
    size = turfs[balanced_on].astype(float)
    told = turfs.assign(
        pieces=turfs["turf_id"].map(turf_pieces(workspace, stops)),
        deviation=size / size.mean() - 1,
    )
    return HandBoard(told.reset_index(drop=True), stops, balanced_on, what_can_be_undone(workspace))


@asks("turfs.cut")
def move_buildings(
    workspace: Workspace,
    building_ids: Collection[str],
    turf_id: str,
    *,
    versions: Mapping[str, int] | None = None,
) -> Changed:
    """Give buildings to a turf, or to a new one (`new`), whoever has them now.

    `versions` are those that the user has seen (turf_id → version): a turf changed since is not
    changed again unseen. Raises TargetingError for a building in no open turf.
    """
    touched = _touched_by_move(workspace, building_ids, turf_id)
    return _change(
        workspace, "move", touched, lambda s, _: move_stops(s, building_ids, turf_id), versions
    )


def _touched_by_move(
    workspace: Workspace, building_ids: Collection[str], turf_id: str
) -> list[str]:
    """Turfs that hold these buildings, and the one they go to."""
    with reading(open_store(workspace)) as session:
        turfs, stops = load_turfs(session), load_stops(session)
    is_open = (turfs["status"] == "ready") & ~turfs["is_locked"].astype(bool)
    held = stops[
        stops["building_id"].isin(list(building_ids))
        & stops["turf_id"].isin(turfs.loc[is_open, "turf_id"])
    ]
    if missing := sorted(set(building_ids) - set(held["building_id"])):
        raise TargetingError(
            f"{', '.join(missing[:3])} is in no turf that can be changed: it is being walked, "
            "locked, or was left out of the cut."
        )
    return sorted(set(held["turf_id"]) | ({turf_id} - {NEW}), key=turf_order)


class Forecast(NamedTuple):
    """Minutes of a turf, as it is and as a change would make it; 0 where there is none."""

    turf_id: str
    before: float
    after: float


@asks("turfs.cut")
def forecast_move(
    workspace: Workspace, building_ids: Collection[str], turf_id: str
) -> list[Forecast]:
    """How long the turfs of such a move would take, walked anew; nothing is changed.

    Raises TargetingError where the move would be refused.
    """
    touched = _touched_by_move(workspace, building_ids, turf_id)
    with reading(open_store(workspace)) as session:
        states = load_states(session, touched)
    _refuse(states, touched)
    ground, after = _ground(workspace), move_stops(_stops_of(states), building_ids, turf_id)
    turfs, _ = describe_turfs(
        ground.buildings, ground.graph, after, time_model=ground.time_model, starts=_starts(states)
    )
    was = {s["turf"]["id"]: float(s["turf"]["minutes_expected"]) for s in states}
    will = dict(zip(turfs["turf_id"], turfs["minutes_expected"].astype(float), strict=True))
    return [Forecast(t, was.get(t, 0.0), will.get(t, 0.0)) for t in {**was, **will}]


@asks("turfs.cut")
def move_street(
    workspace: Workspace,
    from_turf: str,
    street: str,
    turf_id: str,
    *,
    versions: Mapping[str, int] | None = None,
) -> Changed:
    """Give what a turf has of a street to another turf, or to a new one."""
    with reading(open_store(workspace)) as session:
        stops = load_stops(session, [from_turf])
    buildings = load_buildings(workspace).set_index("building_id")["street"]
    there = stops[stops["building_id"].map(buildings) == street]
    if there.empty:
        raise TargetingError(f"{from_turf} has nothing in “{street[:80]}”.")
    ids = set(there["building_id"])
    touched = sorted({from_turf, turf_id} - {NEW}, key=turf_order)

    def change(stops: pd.DataFrame, _ground: Ground) -> pd.DataFrame:
        mine = stops["turf_id"] == from_turf
        moved = move_stops(stops[mine | (stops["turf_id"] == turf_id)], ids, turf_id)
        return moved.reset_index(drop=True)

    return _change(workspace, "move", touched, change, versions)


@asks("turfs.cut")
def split(
    workspace: Workspace, turf_id: str, parts: int = 2, *, versions: Mapping[str, int] | None = None
) -> Changed:
    """Make several turfs of one, of equal time; the first stretch of its walk keeps the code."""
    if not 2 <= parts <= MOST_PARTS:
        raise TargetingError(f"a turf is split in 2 to {MOST_PARTS}, not in {parts}.")
    names = [turf_id, *(f"{NEW}{n}" for n in range(1, parts))]

    def change(stops: pd.DataFrame, ground: Ground) -> pd.DataFrame:
        return split_turf(
            ground.buildings, ground.graph, stops, names, time_model=ground.time_model
        )

    return _change(workspace, "split", [turf_id], change, versions)


@asks("turfs.cut")
def merge(
    workspace: Workspace, turf_ids: Sequence[str], *, versions: Mapping[str, int] | None = None
) -> Changed:
    """Make one turf of several, under the first code; the others are withdrawn."""
    ids = sorted(set(turf_ids), key=turf_order)
    if len(ids) < 2:
        raise TargetingError("choose two turfs or more to merge.")
    return _change(workspace, "merge", ids, lambda s, _: merge_turfs(s, ids, ids[0]), versions)


@asks("turfs.cut")
def lock(
    workspace: Workspace,
    turf_ids: Sequence[str],
    *,
    locked: bool = True,
    versions: Mapping[str, int] | None = None,
) -> Changed:
    """Lock turfs against changes by hand and new cuts, or unlock them."""
    engine = open_store(workspace)
    ids = sorted(set(turf_ids), key=turf_order)
    with reading(engine) as session:
        states = load_states(session, ids)
        found = turf_versions(session)
    _refuse(states, ids, locked_too=True)
    after = [s | {"turf": s["turf"] | {"is_locked": locked}} for s in states]
    kind = "lock" if locked else "unlock"
    seen = {i: found[i] for i in ids} | dict(versions or {})
    write(engine, lambda s: change_turfs(s, kind, after, seen))
    return Changed(kind, ids)


@asks("turfs.cut")
def start_at(
    workspace: Workspace, turf_id: str, place: str, *, versions: Mapping[str, int] | None = None
) -> Changed:
    """Let a turf's walk set out from a place (see `find_building`)."""
    start = find_building(load_buildings(workspace), place)
    return _change(workspace, "start", [turf_id], lambda s, _: s, versions, starts={turf_id: start})


@asks("turfs.cut")
def undo(workspace: Workspace) -> Changed:
    """Take the last change back."""
    return Changed(*write(open_store(workspace), undo_change))


@asks("turfs.cut")
def redo(workspace: Workspace) -> Changed:
    """Make again the change that was taken back last."""
    return Changed(*write(open_store(workspace), redo_change))


@asks("turfs.cut")
def what_can_be_undone(workspace: Workspace) -> Undoable:
    """What undo and redo would do next."""
    with reading(open_store(workspace)) as session:
        return undoable(session)


def turf_pieces(workspace: Workspace, stops: pd.DataFrame) -> pd.Series:
    """In how many pieces each turf lies, indexed by turf_id (see `turf.describe.pieces`)."""
    return pieces(walking_graph(workspace, load_buildings(workspace)), stops)


def _change(
    workspace: Workspace,
    kind: str,
    touched: Sequence[str],
    change: Change,
    versions: Mapping[str, int] | None,
    *,
    starts: Mapping[str, str] | None = None,
) -> Changed:
    """Change the stops of the turfs touched, walk them anew, keep all of it or nothing."""
    engine = open_store(workspace)
    with reading(engine) as session:
        states = load_states(session, touched)
        found = turf_versions(session)
    _refuse(states, touched)
    before = _stops_of(states)
    ground = _ground(workspace)
    after = change(before, ground)
    if after["dwellings"].sum() != before["dwellings"].sum():
        raise TargetingError(f"{kind}: the doors do not add up; nothing was changed. Tell us.")
    starts = _starts(states) | dict(starts or {})
    turfs, walked = describe_turfs(
        ground.buildings, ground.graph, after, time_model=ground.time_model, starts=starts
    )
    drafts = draft_states(states, turfs, walked, starts)
    fresh = [s["turf"]["id"] for s in drafts if s["turf"]["id"].startswith(NEW)]

    def work(session: Any) -> list[str]:
        codes = dict(zip(fresh, reserve_codes(session, len(fresh)), strict=True))
        named = name_new(drafts, codes)
        change_turfs(session, kind, named, {i: found[i] for i in touched} | dict(versions or {}))
        return [s["turf"]["id"] for s in named]

    return Changed(kind, write(engine, work))


def _ground(workspace: Workspace) -> Ground:
    buildings = load_buildings(workspace)
    graph = walking_graph(workspace, buildings)
    return Ground(buildings, graph, campaign_time_model(workspace))


def _versions(turfs: pd.DataFrame) -> tuple[list[str], list[int]]:
    return list(turfs["turf_id"]), [int(v) for v in turfs["version"]]


def _refuse(states: Sequence[State], touched: Sequence[str], *, locked_too: bool = False) -> None:
    """Raise TargetingError unless all these turfs can be changed."""
    known = {s["turf"]["id"]: s["turf"] for s in states if s["turf"]["status"] != "withdrawn"}
    if unknown := [t for t in touched if t not in known]:
        raise TargetingError(f"no open turf {', '.join(unknown[:5])}.")
    if begun := [t for t in touched if known[t]["status"] != "ready"]:
        raise TargetingError(
            f"{', '.join(begun[:5])} was begun: its list is out. Cut what is left of it anew with "
            "`turfs recut`."
        )
    if not locked_too and (shut := [t for t in touched if known[t]["is_locked"]]):
        raise TargetingError(f"{', '.join(shut[:5])} is locked: unlock it first.")


def _stops_of(states: Sequence[State]) -> pd.DataFrame:
    rows = [{"turf_id": s["turf"]["id"], **d} for s in states for d in s["doors"]]
    return pd.DataFrame(rows)[STOP_COLUMNS].astype({"turf_id": "str", "building_id": "str"})


def _starts(states: Sequence[State]) -> dict[str, str]:
    starts = {s["turf"]["id"]: s["turf"]["start_building_id"] for s in states}
    return {turf_id: start for turf_id, start in starts.items() if start}
