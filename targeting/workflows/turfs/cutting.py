"""Cut turfs over the stations chosen, and keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.exports.aside import ensure_writable
from targeting.exports.formats import known_format
from targeting.households.doors import COOLING_OFF_DAYS, door_ranges
from targeting.store.engine import open_store, reading, write
from targeting.store.turfs import load_stops, save_cut
from targeting.store.withdrawn import restore_cut, restore_turfs
from targeting.turf.cut import Cut, cut_turfs, with_closed
from targeting.turf.graph.model import StreetGraph
from targeting.workflows.access.asks import asks
from targeting.workflows.buildings import find_building, load_buildings
from targeting.workflows.progress import Progress, silent
from targeting.workflows.report import Report
from targeting.workflows.turfs.candidates import (
    Candidates,
    MovedOnError,
    chosen_stations,
    load_candidates,
)
from targeting.workflows.turfs.field_model import campaign_field_model
from targeting.workflows.turfs.files import export_turfs
from targeting.workflows.turfs.walking import told_links, walking_graph

DEFAULT_MINUTES: Final = 120.0

TRIES: Final = 3
"""Times that a cut is computed where others keep changing its doors meanwhile."""

CUT_OPTIONS: Final = (
    "minutes", "doors", "seed", "fast", "start", "one_side_first", "keep_stations",
)  # fmt: skip


@asks("turfs.cut")
def cut_campaign_turfs(
    workspace: Workspace,
    *,
    chosen: str = "top:20%",
    minutes: float | None = None,
    doors: int | None = None,
    seed: int = 0,
    fast: bool = False,
    exclude_contacted: int = COOLING_OFF_DAYS,
    start: str | None = None,
    one_side_first: bool = False,
    keep_stations: bool = False,
    expected: Mapping[str, int] | None = None,
    out: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """Cut the buildings of the stations chosen into turfs, keep them, and write them if asked.

    A cut adds: turfs of other stations stay. Those of the stations chosen that nobody began are
    replaced, whole: what they hold in other stations is cut too. Buildings of those being walked
    stay out of this cut, counted with that reason, and so do the doors of households met in the
    last `exclude_contacted` days, or who asked not to be called on.

    `expected`: the turfs (with their version) that whoever asks has been told will be withdrawn;
    raises TargetingError where they are others by now. Where others change these doors while it is
    computed, it is computed anew; it is refused if they do not stop.
    """
    check_asked(minutes, doors, out)
    parameters = {
        "stations": chosen, "doors": doors, "seed": seed, "fast": fast,
        "minutes": DEFAULT_MINUTES if minutes is None and doors is None else minutes,
        "exclude_contacted_days": exclude_contacted, "one_side_first": one_side_first,
        "keep_stations": keep_stations,
        "start": None if start is None else find_building(load_buildings(workspace), start),
    }  # fmt: skip
    for _ in range(TRIES):
        made = cut_as(workspace, parameters, progress=progress)
        if made.cut.turfs.empty:
            raise TargetingError(
                f"no door is left to knock at in {chosen}: {made.cut.identity.sentence()}. Choose "
                "other stations, or --exclude-contacted 0d."
            )
        if expected is not None and dict(expected) != made.found.replaced:
            raise TargetingError(
                "the turfs that this cut withdraws are no longer those you were told of: nothing "
                "was changed. Look at them again."
            )
        try:
            codes = write(open_store(workspace), partial(_keep, made, parameters))
        except MovedOnError as error:
            moved = error
            progress("turfs changed meanwhile: cutting again")
            continue
        written = export_turfs(workspace, out, turf_ids=list(codes.values())) if out else []
        return _report(made, codes, parameters, written)
    raise moved


def check_asked(minutes: float | None, doors: int | None, out: Path | None) -> None:
    """Raise TargetingError for two sizes of a turf, or a file that cannot be written."""
    if minutes is not None and doors is not None:
        raise TargetingError("give --minutes or --doors, not both: a turf has one size.")
    if out is not None:
        known_format(out)
        ensure_writable(out)


def _keep(made: CutMade, parameters: Mapping[str, Any], session: Any) -> dict[str, str]:
    """Keep a cut if its doors are still as they were when it was computed."""
    made.found.look_again(session)
    _, codes = save_cut(
        session, made.cut.turfs, made.stops, made.cut.excluded, parameters,
        replaced=made.found.replaced,
    )  # fmt: skip
    return codes


class CutPreview(NamedTuple):
    """What a cut would withdraw: turfs with their version, their doors, and how many of those lie
    in stations not asked for (they are cut anew with the others)."""

    replaced: dict[str, int]
    doors: int
    beyond: int


@asks("turfs.cut")
def preview_cut(
    workspace: Workspace, chosen: str, *, exclude_contacted: int = COOLING_OFF_DAYS
) -> CutPreview:
    """What a cut of these stations would withdraw; nothing is cut."""
    found = _found(workspace, chosen, chosen_stations(workspace, chosen), exclude_contacted)
    with reading(open_store(workspace)) as session:
        held = load_stops(session, list(found.replaced))
    return CutPreview(found.replaced, int(held["dwellings"].sum()), found.beyond)


@asks("turfs.cut")
def preview_report(
    workspace: Workspace, chosen: str, *, exclude_contacted: int = COOLING_OFF_DAYS
) -> Report:
    """What a cut would withdraw, in words."""
    told = preview_cut(workspace, chosen, exclude_contacted=exclude_contacted)
    facts = {"would_withdraw": list(told.replaced), "doors": told.doors, "beyond": told.beyond}
    if not told.replaced:
        return Report(facts, "this cut would withdraw no turf; nothing was cut.")
    more = f", {told.beyond:,} of them in stations not asked for" if told.beyond else ""
    return Report(
        facts,
        f"this cut would withdraw {len(told.replaced)} turfs that nobody began ({told.doors:,} "
        f"doors{more}), and cut their doors anew: {', '.join(told.replaced)}; nothing was cut.",
    )


@asks("turfs.cut")
def restore_report(workspace: Workspace, turf_ids: Sequence[str] | None = None) -> Report:
    """Call turfs back that a cut withdrew: those named, or all that the last such cut replaced (its
    own turfs, where nobody began them, are withdrawn)."""
    engine = open_store(workspace)
    if turf_ids:
        back = write(engine, lambda s: restore_turfs(s, turf_ids))
        return Report({"restored": back, "withdrawn": []}, f"back again: {', '.join(back)}.")
    done = write(engine, restore_cut)
    text = f"back again: {', '.join(done.restored)}; withdrawn: {', '.join(done.withdrawn)}."
    return Report(done._asdict(), text)


def _found(
    workspace: Workspace, chosen: str, stations: list[str] | None, met_days: int
) -> Candidates:
    return load_candidates(
        workspace, stations, named=not chosen.startswith("top:"), met_days=met_days
    )


class CutMade(NamedTuple):
    """A cut that nobody kept: its stops have `first_door` and `last_door`."""

    cut: Cut
    stops: pd.DataFrame
    graph: StreetGraph
    found: Candidates


@asks("turfs.cut")
def cut_as(
    workspace: Workspace, parameters: Mapping[str, Any], *, progress: Progress = silent
) -> CutMade:
    """Cut as a cut's parameters say, and keep nothing."""
    chosen = parameters["stations"]
    progress("buildings")
    stations = chosen_stations(workspace, chosen)
    found = _found(workspace, chosen, stations, parameters["exclude_contacted_days"])
    everyone = load_buildings(workspace)
    graph = walking_graph(workspace, everyone, progress=progress)
    progress("cutting")
    cut = cut_turfs(
        found.to_visit,
        graph,
        excluded=found.excluded,
        station_order=stations,
        time_model=campaign_field_model(workspace, found.visits).time,
        **{k: parameters[k] for k in CUT_OPTIONS},
    )
    cut = with_closed(cut, found.closed)
    dwellings = everyone.set_index("building_id")["dwellings"]
    return CutMade(cut, door_ranges(cut.stops, dwellings, found.closed), graph, found)


def _report(
    made: CutMade, codes: dict[str, str], parameters: dict[str, Any], written: list[Path]
) -> Report:
    cut, graph = made.cut, made.graph
    turfs = cut.turfs.assign(turf_id=cut.turfs["turf_id"].map(codes)).sort_values("rank")
    balanced = "n_doors" if parameters["doors"] else "minutes_expected"
    links = told_links(graph)
    facts = {
        "turfs": len(turfs),
        "minutes": float(turfs["minutes_expected"].sum()),
        "mean_minutes": float(turfs["minutes_expected"].mean()) if len(turfs) else None,
        "within_10_percent": cut.share_within(towers=True),
        "within_10_percent_without_big_buildings": cut.share_within(),
        "balanced_on": balanced,
        "doors_in": cut.identity.doors_in,
        "doors_in_turfs": cut.identity.doors_in_turfs,
        "doors_left_out": cut.identity.doors_left_out,
        "left_out_by_reason": cut.excluded.groupby("reason")["dwellings"].sum().to_dict(),
        "identity": cut.identity.sentence(),
        "withdrawn": list(made.found.replaced),
        "beyond_stations": made.found.beyond,
        "graph": graph.basis,
        "links": links,
        "written": [str(p) for p in written],
        "table": turfs.to_dict("records"),
    }
    lines = [
        *balance_lines(turfs),
        f"{len(turfs)} turfs, {facts['within_10_percent']:.1%} within ±10 % of the mean on "
        f"{balanced} ({facts['within_10_percent_without_big_buildings']:.1%} of those that are "
        "not one big building).",
        cut.identity.sentence(),
        *withdrawn_lines(list(made.found.replaced), made.found.beyond),
        *([links] if links else []),
    ]
    return Report(facts, "\n".join([*lines, *(f"written: {p}" for p in written)]))


def withdrawn_lines(turf_ids: Sequence[str], beyond: int = 0) -> list[str]:
    """What a cut withdrew, and the way back; nothing where it withdrew none."""
    if not turf_ids:
        return []
    more = f", with their {beyond:,} doors of other stations" if beyond else ""
    return [
        f"replaced {len(turf_ids)} turfs that nobody had begun{more}: {', '.join(turf_ids)} "
        "(back again: `turfs restore`)"
    ]


def balance_lines(turfs: pd.DataFrame) -> list[str]:
    """The balance table as text: a header, then a line a turf."""
    return [
        f"{'turf':<7} {'doors':>5} {'bldgs':>5} {'min':>5} {'walk m':>7} {'leg m':>6}  start",
        *(
            f"{t.turf_id:<7} {t.n_doors:>5} {t.n_buildings:>5} {t.minutes_expected:>5.0f} "
            f"{t.walk_m:>7.0f} {t.longest_leg_m:>6.0f}  {t.start_address}"
            for t in turfs.itertuples()
        ),
    ]
