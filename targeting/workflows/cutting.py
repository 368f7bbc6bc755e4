"""Cut turfs over the stations chosen, and keep them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.exports.files import (
    ensure_writable,
    known_format,
)
from targeting.households.doors import (
    COOLING_OFF_DAYS,
    door_ranges,
)
from targeting.store.engine import open_store, write
from targeting.store.turfs import save_cut
from targeting.turf.cut import Cut, cut_turfs
from targeting.turf.graph import StreetGraph
from targeting.workflows.buildings import find_building, load_buildings
from targeting.workflows.candidates import (
    chosen_stations,
    load_candidates,
    with_closed,
)
from targeting.workflows.field_model import campaign_field_model
from targeting.workflows.progress import Progress, silent
from targeting.workflows.reports import Report
from targeting.workflows.turf_files import TURF_FORMATS, export_turfs
from targeting.workflows.walking import told_links, walking_graph

DEFAULT_MINUTES: Final = 120.0

CUT_OPTIONS: Final = (
    "minutes", "doors", "seed", "fast", "start", "one_side_first", "keep_stations",
)  # fmt: skip


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
    out: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """Cut the buildings of the stations chosen into turfs, keep them, and write them if asked.

    Turfs of earlier cuts that nobody began are withdrawn; buildings of those being walked stay
    out of this cut, counted with that reason, and so do the doors of households met in the last
    `exclude_contacted` days, or who asked not to be called on.
    """
    if minutes is not None and doors is not None:
        raise TargetingError("give --minutes or --doors, not both: a turf has one size.")
    if out is not None:
        known_format(out, TURF_FORMATS)
        ensure_writable(out)
    parameters = {
        "stations": chosen, "doors": doors, "seed": seed, "fast": fast,
        "minutes": DEFAULT_MINUTES if minutes is None and doors is None else minutes,
        "exclude_contacted_days": exclude_contacted, "one_side_first": one_side_first,
        "keep_stations": keep_stations,
        "start": None if start is None else find_building(load_buildings(workspace), start),
    }  # fmt: skip
    cut, stops, graph = cut_as(workspace, parameters, progress=progress)
    if cut.turfs.empty:
        raise TargetingError(
            f"no door is left to knock at in {chosen}: {cut.identity.sentence()}. Choose other "
            "stations, or --exclude-contacted 0d."
        )
    _, codes = write(
        open_store(workspace),
        lambda s: save_cut(s, cut.turfs, stops, cut.excluded, parameters),
    )
    written = export_turfs(workspace, out, turf_ids=list(codes.values())) if out else []
    return _report(cut, codes, parameters, written, graph)


def cut_as(
    workspace: Workspace, parameters: Mapping[str, Any], *, progress: Progress = silent
) -> tuple[Cut, pd.DataFrame, StreetGraph]:
    """Cut as a cut's parameters say, and keep nothing.

    Gives the cut, its stops with `first_door` and `last_door`, and the walking graph.
    """
    chosen = parameters["stations"]
    stations = chosen_stations(workspace, chosen)
    progress("buildings")
    found = load_candidates(
        workspace, stations, named=not chosen.startswith("top:"),
        met_days=parameters["exclude_contacted_days"],
    )  # fmt: skip
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
    return cut, door_ranges(cut.stops, dwellings, found.closed), graph


def _report(
    cut: Cut,
    codes: dict[str, str],
    parameters: dict[str, Any],
    written: list[Path],
    graph: StreetGraph,
) -> Report:
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
        *([links] if links else []),
    ]
    return Report(facts, "\n".join([*lines, *(f"written: {p}" for p in written)]))


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
