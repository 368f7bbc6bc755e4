"""Polish a fast cut behind the scenes; its turfs change only if they become better.

The page shows the fast cut at once. Meanwhile the same doors are cut again with polish; turfs keep
the codes of those whose doors they mostly hold. What somebody did meanwhile always wins.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.store.engine import open_store, reading, write
from targeting.store.turf_states import change_turfs, load_states
from targeting.store.turfs import latest_cut, load_stops, load_turfs, mark_polished, reserve_codes
from targeting.turf.cut import share_within
from targeting.turf.objective import cut_cost
from targeting.workflows.access.asks import asks
from targeting.workflows.turfs.cutting import cut_as
from targeting.workflows.turfs.drafts import draft_states, name_new

NEW: Final = "new"


@dataclass(frozen=True)
class Polished:
    """What came of it: `better`, `as_good` (nothing changed) or `moved_on` (somebody was faster).

    within: share of turfs within ten percent of the mean, before and after; walk_m: all walks;
    cost_m: what the cut costs by the objective that it lowers (`turf.objective`).
    """

    outcome: str
    within: tuple[float, float] = (float("nan"), float("nan"))
    walk_m: tuple[float, float] = (float("nan"), float("nan"))
    cost_m: tuple[float, float] = (float("nan"), float("nan"))


@asks("turfs.cut")
def polish_latest_cut(workspace: Workspace) -> Polished:
    """Cut the doors of the last cut again, with polish, and keep that if it is better."""
    engine = open_store(workspace)
    with reading(engine) as session:
        cut = latest_cut(session)
        if cut is None or not cut.parameters.get("fast") or "stations" not in cut.parameters:
            return Polished("as_good")
        cut_id, parameters = cut.id, dict(cut.parameters)
        turfs = load_turfs(session)
        stops = load_stops(session)
    mine = turfs[turfs["cut_id"] == cut_id]
    held = stops[stops["turf_id"].isin(mine["turf_id"])]
    made = cut_as(workspace, parameters | {"fast": False})
    fresh, ranged = made.cut, made.stops
    if (mine["status"] != "ready").any() or not _same_doors(held, ranged):
        return Polished("moved_on")
    size = "n_doors" if parameters.get("doors") else "minutes_expected"
    within = share_within(mine[size]), share_within(fresh.turfs[size])
    walks = float(mine["walk_m"].sum()), float(fresh.turfs["walk_m"].sum())
    costs = (
        cut_cost(made.graph, held, mine.set_index("turf_id")[size], fresh.target),
        cut_cost(made.graph, ranged, fresh.turfs.set_index("turf_id")[size], fresh.target),
    )
    if costs[1] >= costs[0]:
        write(engine, lambda s: mark_polished(s, cut_id))
        return Polished("as_good", within, walks, costs)
    names = keep_codes(held, ranged)
    told = fresh.turfs.assign(turf_id=fresh.turfs["turf_id"].map(names))
    walked = ranged.assign(turf_id=ranged["turf_id"].map(names))
    versions = dict(zip(mine["turf_id"], mine["version"].astype(int), strict=True))

    def work(session: Any) -> None:
        made.found.look_again(session)
        states = load_states(session, mine["turf_id"])
        drafts = draft_states(states, told, walked, {})
        new = [n for n in names.values() if n.startswith(NEW)]
        codes = dict(zip(new, reserve_codes(session, len(new)), strict=True))
        change_turfs(session, "polish", name_new(drafts, codes), versions)
        mark_polished(session, cut_id)

    try:
        write(engine, work)
    except TargetingError:  # changed by hand, or begun, between our look and our change
        return Polished("moved_on")
    return Polished("better", within, walks, costs)


def keep_codes(held: pd.DataFrame, ranged: pd.DataFrame) -> dict[str, str]:
    """A name for each new turf: the code of the old one that it shares most doors with, each once;
    `new1`, `new2`… for those left over."""
    shared = held.merge(ranged, on="building_id", suffixes=("_old", "_new"))
    pairs = shared.groupby(["turf_id_new", "turf_id_old"], as_index=False)["dwellings_new"].sum()
    ordered = pairs.sort_values(
        ["dwellings_new", "turf_id_old", "turf_id_new"], ascending=[False, True, True]
    )
    names: dict[str, str] = {}
    taken: set[str] = set()
    for new, old in zip(ordered["turf_id_new"], ordered["turf_id_old"], strict=True):
        if new not in names and old not in taken:
            names[str(new)] = str(old)
            taken.add(str(old))
    left = [t for t in sorted(ranged["turf_id"].unique()) if t not in names]
    return names | {str(t): f"{NEW}{n}" for n, t in enumerate(left, 1)}


def _same_doors(held: pd.DataFrame, ranged: pd.DataFrame) -> bool:
    one, other = (t.groupby("building_id")["dwellings"].sum().sort_index() for t in (held, ranged))
    return one.index.equals(other.index) and bool((one == other).all())


# -- in the background -----------------------------------------------------------------------------

_POOL: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="polish")
_JOBS: Final[dict[str, Future[Polished]]] = {}


@asks("turfs.cut")
def start_polish(workspace: Workspace) -> None:
    """Begin to polish the last cut of this workspace; the newest job is the one asked about."""
    _JOBS[str(workspace.root)] = _POOL.submit(polish_latest_cut, workspace)


@asks("turfs.cut")
def polish_state(workspace: Workspace) -> Polished | None:
    """`working` while a polish goes on, then what came of it; None where none was begun.

    A polish that broke down changed nothing: its error is raised here, once.
    """
    job = _JOBS.get(str(workspace.root))
    if job is None:
        return None
    if not job.done():
        return Polished("working")
    _JOBS.pop(str(workspace.root), None)
    return job.result()
