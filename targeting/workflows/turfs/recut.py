"""Cut the remainder of begun turfs anew: what was answered stays away, nothing disappears."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.codes import turf_order
from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.households.doors import CoolingOff, closed_doors
from targeting.store.engine import open_store, reading, write
from targeting.store.turfs import handed_on, latest_cut, load_stops, load_turfs, save_remainder
from targeting.store.visits import last_knocks
from targeting.turf.cut import share_within
from targeting.turf.recut import Recut, recut_turfs
from targeting.turf.remainder import Remainder, remaining_doors
from targeting.workflows.access.asks import asks
from targeting.workflows.buildings import find_building, load_buildings
from targeting.workflows.progress import Progress, silent
from targeting.workflows.report import Report
from targeting.workflows.turfs.board import NO_TURF
from targeting.workflows.turfs.candidates import MovedOnError, campaign_cooling_off, require_same
from targeting.workflows.turfs.cutting import DEFAULT_MINUTES, TRIES, balance_lines, check_asked
from targeting.workflows.turfs.field_model import campaign_time_model
from targeting.workflows.turfs.files import export_turfs
from targeting.workflows.turfs.walking import walking_graph


@asks("turfs.cut")
def recut_campaign_turfs(
    workspace: Workspace,
    turf_ids: Sequence[str] | None = None,
    *,
    minutes: float | None = None,
    doors: int | None = None,
    seed: int = 0,
    fast: bool = False,
    start: str | None = None,
    now: datetime | None = None,
    out: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """Cut what is left of begun turfs into remainder turfs, keep them, write them if asked.

    Takes the turfs named, else all that were begun or finished and are not locked; the turfs nobody
    has begun stay as they are, under their codes. Each remainder turf knows the turfs it continues
    (`parent_ids`). Of the size of the last cut, where no size is given. Where visits come or others
    cut meanwhile, it is computed anew.
    """
    check_asked(minutes, doors, out)
    engine = open_store(workspace)
    moment = now or datetime.now(UTC)
    look = partial(
        look_at_remainder, cooling_off=campaign_cooling_off(workspace), now=moment,
        turf_ids=turf_ids,
    )  # fmt: skip
    buildings = load_buildings(workspace)
    start = None if start is None else find_building(buildings, start)
    for _ in range(TRIES):
        with reading(engine) as session:
            last = latest_cut(session)
            if last is None:
                raise WorkspaceError(NO_TURF)
            asked = dict(last.parameters)
            seen = look(session)
        remainder = seen.remainder
        if remainder.runs.empty:
            raise TargetingError(
                f"nothing is left to knock at in {len(seen.chosen)} turfs: "
                f"{len(remainder.left_out):,} doors were answered or wait for their date, the "
                "others are in open turfs. Cut new turfs with `turfs cut`."
            )
        progress(f"{len(remainder.doors):,} doors left of {len(seen.chosen)} turfs")
        size = {"minutes": minutes, "doors": doors}
        if minutes is None and doors is None:
            size = {k: asked.get(k) for k in size}
            if size["minutes"] is None and size["doors"] is None:
                size["minutes"] = DEFAULT_MINUTES
        graph = walking_graph(workspace, buildings, progress=progress)
        progress("cutting")
        recut = recut_turfs(
            buildings, graph, remainder, seed=seed, fast=fast,
            time_model=campaign_time_model(workspace), start=start, **size,
        )  # fmt: skip
        parameters = {
            "recut_of": seen.chosen, **size, "seed": seed, "fast": fast, "start": start,
            "at": moment.isoformat(),
        }  # fmt: skip
        try:
            codes = write(engine, partial(_keep, recut, parameters, seen, look))
        except MovedOnError as error:
            moved = error
            progress("turfs or visits changed meanwhile: cutting again")
            continue
        written = export_turfs(workspace, out, turf_ids=list(codes.values())) if out else []
        return _report(recut, codes, parameters, written)
    raise moved


def _keep(
    recut: Recut,
    parameters: Mapping[str, Any],
    seen: LeftOver,
    look: Callable[[Any], LeftOver],
    session: Any,
) -> dict[str, str]:
    """Keep the remainder turfs if what is left is still what they were cut from."""
    require_same(seen.same_as(look(session)))
    return save_remainder(
        session, recut.turfs, recut.stops, recut.excluded, parameters, begun=seen.chosen
    )


@dataclass(frozen=True)
class LeftOver:
    """What is left of turfs: those looked at, and their doors told apart."""

    chosen: list[str]
    remainder: Remainder

    def same_as(self, other: LeftOver) -> bool:
        """Whether the same doors are left of the same turfs."""
        one, two = self.remainder, other.remainder
        return (
            self.chosen == other.chosen
            and one.doors.equals(two.doors)
            and one.runs.equals(two.runs)
            and one.left_out.equals(two.left_out)
        )


def look_at_remainder(
    session: Any,
    *,
    cooling_off: CoolingOff,
    now: datetime,
    turf_ids: Sequence[str] | None = None,
) -> LeftOver:
    """What is left of these turfs, or of all that were begun, as the database stands."""
    turfs, stops, knocks = load_turfs(session), load_stops(session), last_knocks(session)
    gone_on = handed_on(session)
    chosen = _candidates(turfs, gone_on, turf_ids)
    living = turfs["turf_id"].isin(list(gone_on))
    kept = set(turfs.loc[~living, "turf_id"]) - set(chosen)
    closed = closed_doors(knocks, now=now, cooling_off=cooling_off)
    remainder = remaining_doors(
        stops[stops["turf_id"].isin(chosen)], stops[stops["turf_id"].isin(kept)], closed
    )
    return LeftOver(chosen, remainder)


def turfs_with_doors_left(workspace: Workspace) -> int:
    """How many begun turfs have a door that can be cut anew today."""
    with reading(open_store(workspace)) as session:
        left = look_at_remainder(
            session, cooling_off=campaign_cooling_off(workspace), now=datetime.now(UTC)
        )
    return int(left.remainder.doors["turf_id"].nunique())


def _candidates(
    turfs: pd.DataFrame, gone_on: set[str], turf_ids: Sequence[str] | None
) -> list[str]:
    """Turfs whose doors are looked at. Raises TargetingError for one that cannot be."""
    if turf_ids is None:
        begun = turfs["status"].isin(["in_progress", "done"]) & ~turfs["is_locked"]
        looked_at = turfs.loc[begun | turfs["turf_id"].isin(list(gone_on)), "turf_id"]
        return sorted(looked_at, key=turf_order)
    rows = turfs.set_index("turf_id")
    if unknown := sorted(set(turf_ids) - set(rows.index)):
        raise TargetingError(f"no open turf {', '.join(unknown[:5])}: see `turfs cut`.")
    if locked := sorted(t for t in turf_ids if rows.loc[t, "is_locked"]):
        raise TargetingError(f"{', '.join(locked[:5])} is locked: unlock it first.")
    if moved := sorted(set(turf_ids) & gone_on):
        raise TargetingError(
            f"{', '.join(moved[:5])} was already cut anew: name the turfs that took its doors over."
        )
    return sorted(set(turf_ids), key=turf_order)


def _report(
    recut: Recut, codes: dict[str, str], parameters: dict[str, Any], written: list[Path]
) -> Report:
    turfs = recut.turfs.assign(turf_id=recut.turfs["turf_id"].map(codes)).sort_values("rank")
    balanced = "n_doors" if parameters["doors"] else "minutes_expected"
    facts = {
        "turfs": len(turfs),
        "recut_of": parameters["recut_of"],
        "within_10_percent": share_within(turfs[balanced]),
        "balanced_on": balanced,
        "doors_in": recut.identity.doors_in,
        "doors_in_turfs": recut.identity.doors_in_turfs,
        "doors_left_out": recut.identity.doors_left_out,
        "left_out_by_reason": recut.identity.left_out_by_reason,
        "identity": recut.identity.sentence(),
        "written": [str(p) for p in written],
        "table": turfs.to_dict("records"),
    }
    lines = [*balance_lines(turfs), recut.identity.sentence(), *(f"written: {p}" for p in written)]
    return Report(facts, "\n".join(lines))
