"""Cut turfs over the stations chosen, keep them, and write them to files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.exports.files import (
    MAP_FORMATS,
    TABLE_FORMATS,
    ensure_writable,
    known_format,
    write_table,
)
from targeting.exports.print_list import TurfSheet, write_print_list
from targeting.households.doors import (
    COOLING_OFF_DAYS,
    closed_doors,
    door_ranges,
)
from targeting.households.shapes import turf_ribbons
from targeting.scoring.priorities import SMALLEST_CELL
from targeting.stations.places import to_wgs84
from targeting.store import reference
from targeting.store.engine import open_store, reading, write
from targeting.store.queries import (
    doors_done,
    latest_cut,
    load_excluded,
    load_stops,
    load_turfs,
    load_visits,
    save_cut,
)
from targeting.turf.cut import Cut, cut_turfs
from targeting.turf.graph import StreetGraph
from targeting.workflows.buildings import find_building, load_buildings
from targeting.workflows.candidates import (
    campaign_cooling_off,
    chosen_stations,
    load_candidates,
)
from targeting.workflows.field_model import campaign_time_model
from targeting.workflows.progress import Progress, silent
from targeting.workflows.reports import Report
from targeting.workflows.scores import score_stations, station_priorities
from targeting.workflows.setup import campaign_card
from targeting.workflows.walking import told_links, walking_graph

DEFAULT_MINUTES: Final = 120.0
NO_TURF: Final = "no turf yet: cut some with `python -m targeting turfs cut`."

TURF_FORMATS: Final = (*TABLE_FORMATS, *MAP_FORMATS, ".html")

STOP_COLUMNS: Final = [
    "turf_id", "visit_order", "building_id", "station_id", "street", "number", "suffix",
    "longitude", "latitude", "dwellings", "registered_estimate",
]  # fmt: skip
TURF_COLUMNS: Final = [
    "turf_id", "version", "rank", "station_ids", "priority", "n_doors", "n_buildings",
    "registered_estimate", "minutes_expected", "walk_m", "longest_leg_m", "start_address",
    "end_address", "status", "doors_done",
]  # fmt: skip


@dataclass(frozen=True)
class CampaignTurfs:
    """Turfs kept in a workspace, with what screens and files show of them.

    turfs: table Turfs with status, doors_done and priority; stops: table TurfStops with the
    buildings' columns; excluded: table Excluded of the last cut; identity: in words.
    """

    turfs: pd.DataFrame
    stops: pd.DataFrame
    excluded: pd.DataFrame
    identity: str
    parameters: dict[str, Any]
    cut_id: int


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
    stations = chosen_stations(workspace, chosen)
    progress("buildings")
    found = load_candidates(
        workspace, stations, named=not chosen.startswith("top:"), met_days=exclude_contacted
    )
    everyone, closed = load_buildings(workspace), found.closed
    graph = walking_graph(workspace, everyone, progress=progress)
    size = DEFAULT_MINUTES if minutes is None and doors is None else minutes
    start = None if start is None else find_building(everyone, start)
    progress("cutting")
    cut = cut_turfs(
        found.to_visit, graph, minutes=size, doors=doors, seed=seed, excluded=found.excluded,
        station_order=stations, fast=fast, time_model=campaign_time_model(workspace), start=start,
        one_side_first=one_side_first, keep_stations=keep_stations,
    )  # fmt: skip
    cut = _with_closed(cut, closed)
    if cut.turfs.empty:
        raise TargetingError(
            f"no door is left to knock at in {chosen}: {cut.identity.sentence()}. Choose other "
            "stations, or --exclude-contacted 0d."
        )
    parameters = {
        "stations": chosen, "minutes": size, "doors": doors, "seed": seed, "fast": fast,
        "exclude_contacted_days": exclude_contacted, "start": start,
        "one_side_first": one_side_first, "keep_stations": keep_stations,
    }  # fmt: skip
    dwellings = everyone.set_index("building_id")["dwellings"]
    stops = door_ranges(cut.stops, dwellings, closed)
    engine = open_store(workspace)
    _, codes = write(engine, lambda s: save_cut(s, cut.turfs, stops, cut.excluded, parameters))
    written = export_turfs(workspace, out, turf_ids=list(codes.values())) if out else []
    return _report(cut, codes, parameters, written, graph)


def _with_closed(cut: Cut, closed: pd.DataFrame) -> Cut:
    """The cut with the closed doors among those left out: the identity counts every door."""
    counts = closed.groupby(["building_id", "reason"]).size().rename("dwellings").reset_index()
    shut = counts[["building_id", "dwellings", "reason"]]
    excluded = pd.concat([cut.excluded, shut], ignore_index=True)
    more = int(shut["dwellings"].sum())
    identity = replace(
        cut.identity,
        doors_in=cut.identity.doors_in + more,
        doors_left_out=cut.identity.doors_left_out + more,
        left_out_by_reason={
            str(k): int(v) for k, v in excluded.groupby("reason")["dwellings"].sum().items()
        },
    )
    return replace(cut, excluded=excluded, identity=identity)


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


# -- what is kept ----------------------------------------------------------------------------------


def load_campaign_turfs(
    workspace: Workspace, turf_ids: Sequence[str] | None = None
) -> CampaignTurfs:
    """Turfs kept, not withdrawn; all or those named. Raises WorkspaceError when there is none."""
    with reading(open_store(workspace)) as session:
        cut = latest_cut(session)
        if cut is None:
            raise WorkspaceError(NO_TURF)
        turfs, stops = load_turfs(session), load_stops(session)
        excluded, done = load_excluded(session, cut.id), doors_done(session)
        parameters, cut_id = dict(cut.parameters), cut.id
        closed = closed_doors(
            load_visits(session), now=datetime.now(UTC), cooling_off=campaign_cooling_off(workspace)
        )
        identity = (
            f"{cut.doors_in:,} doors in = {cut.doors_in_turfs:,} in turfs + "
            f"{cut.doors_left_out:,} left out"
        )
    if turf_ids is not None:
        if unknown := sorted(set(turf_ids) - set(turfs["turf_id"])):
            raise TargetingError(f"no open turf {', '.join(unknown[:5])}: see `turfs cut`.")
        turfs = turfs[turfs["turf_id"].isin(list(turf_ids))]
        stops = stops[stops["turf_id"].isin(list(turf_ids))]
    if turfs.empty:
        raise WorkspaceError(NO_TURF)
    buildings = load_buildings(workspace).rename(columns={"dwellings": "all_dwellings"})
    stops = stops.merge(buildings, on="building_id", how="left", validate="many_to_one")
    stops["registered_estimate"] *= stops["dwellings"] / stops["all_dwellings"]
    stops["closed"] = _closed_in(stops, closed)
    degrees = to_wgs84(stops["x"], stops["y"])
    stops = stops.assign(longitude=degrees["longitude"], latitude=degrees["latitude"])
    turfs = turfs.assign(
        doors_done=turfs["turf_id"].map(done).fillna(0).astype("int64"),
        priority=_turf_priority(workspace, stops, turfs["turf_id"]),
    )
    return CampaignTurfs(
        turfs.reset_index(drop=True),
        stops.reset_index(drop=True),
        excluded,
        identity,
        parameters,
        cut_id,
    )


def _closed_in(stops: pd.DataFrame, closed: pd.DataFrame) -> pd.Series:
    """Numbers of the doors not to knock at in each stop's range, as they are today."""
    shut = closed.groupby("building_id")["door"].agg(list).to_dict()
    numbers = [
        [n for n in shut.get(b, []) if first <= n <= last]
        for b, first, last in zip(
            stops["building_id"], stops["first_door"], stops["last_door"], strict=True
        )
    ]
    return pd.Series(numbers, index=stops.index, dtype=object)


def _turf_priority(workspace: Workspace, stops: pd.DataFrame, turf_ids: pd.Series) -> pd.Series:
    """Mean priority of the doors' stations; missing without results."""
    try:
        priorities = station_priorities(workspace, score_stations(workspace))
    except TargetingError:
        return pd.Series(float("nan"), index=turf_ids.index)
    of_station = priorities.set_index("station_id")["priority"]
    doors = stops["dwellings"]
    weighted = stops["station_id"].map(of_station).fillna(0.0) * doors
    mean = weighted.groupby(stops["turf_id"]).sum() / doors.groupby(stops["turf_id"]).sum()
    return turf_ids.map(mean).astype("float64")


def export_turfs(
    workspace: Workspace,
    out: Path,
    *,
    turf_ids: Sequence[str] | None = None,
    language: str = "fr",
) -> list[Path]:
    """Write turfs: CSV of stops in walking order, GeoJSON/GPKG of turfs, HTML lists to print.

    Without `turf_ids`, all that are not done. When they are all of the last cut, `X.excluded.csv`
    beside it holds every building left out of it, with its reason.
    """
    suffix = known_format(out, TURF_FORMATS)
    kept = load_campaign_turfs(workspace, turf_ids)
    if turf_ids is None:
        kept = open_only(kept)
    credits = reference.credits(workspace)
    if suffix == ".html":
        return [write_print_list(out, turf_sheets(workspace, kept), credits, language=language)]
    if suffix in MAP_FORMATS:
        shapes = turf_ribbons(kept.stops)
        done = kept.turfs["doors_done"].astype("Int64")
        few = (done > 0) & (done < SMALLEST_CELL)
        table = kept.turfs.assign(doors_done=done.mask(few))[TURF_COLUMNS]
        geometry = gpd.GeoSeries(
            shapes.reindex(table["turf_id"]).to_numpy(), index=table.index, crs=shapes.crs
        )
        written = write_table(table, out, credits=credits, geometry=geometry)
    else:
        stops = kept.stops.assign(
            turf_rank=kept.stops["turf_id"].map(kept.turfs.set_index("turf_id")["rank"])
        ).sort_values(["turf_rank", "turf_id", "visit_order"])
        table = stops[STOP_COLUMNS].reset_index(drop=True)
        table = table.round({"longitude": 6, "latitude": 6, "registered_estimate": 2})
        written = write_table(table, out, credits=credits)
    if set(kept.turfs["cut_id"]) == {kept.cut_id}:
        beside = out.with_name(out.stem + ".excluded.csv")
        written += write_table(kept.excluded, beside)
    return written


def open_only(kept: CampaignTurfs) -> CampaignTurfs:
    """Turfs still to walk. Raises WorkspaceError when all are done."""
    turfs = kept.turfs[kept.turfs["status"] != "done"]
    if turfs.empty:
        raise WorkspaceError("every turf is done: cut new ones with `turfs cut`, or name some.")
    stops = kept.stops[kept.stops["turf_id"].isin(turfs["turf_id"])]
    return replace(kept, turfs=turfs.reset_index(drop=True), stops=stops.reset_index(drop=True))


def turf_sheets(workspace: Workspace, kept: CampaignTurfs) -> list[TurfSheet]:
    """What is printed of each turf: places and doors, nothing of the voters (PRIV-14)."""
    name = campaign_card(workspace).name
    streets = reference.load_streets(workspace, barriers=False)
    return [
        TurfSheet.of(name, turf, kept.stops[kept.stops["turf_id"] == turf["turf_id"]], streets)
        for turf in kept.turfs.to_dict("records")
    ]
