"""Turfs as files: for spreadsheets, maps, phones and other canvassing systems."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from targeting.codes import BARRIER_KINDS, in_turf_order
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.exports.aside import write_aside
from targeting.exports.files import write_csv
from targeting.exports.formats import MAP, PAGES, SHEETS, TABLE, WALKS, About, known_format
from targeting.exports.lists import LIST_LAYOUTS, list_bytes, nationbuilder_list, van_list
from targeting.exports.print_list import TurfSheet
from targeting.exports.tracks import Track, TrackStop
from targeting.households.shapes import turf_ribbons
from targeting.outcomes import REDO
from targeting.reference.addresses import load_addresses
from targeting.reference.credits import credits
from targeting.reference.held import election_sheet, list_elections
from targeting.reference.streets import load_streets
from targeting.reference.tables import list_layers
from targeting.scoring.priorities import SMALLEST_CELL
from targeting.store.engine import open_store, reading
from targeting.store.turfs import cut_dates
from targeting.store.visits import load_visits
from targeting.streetnames import address_line
from targeting.turf.describe import barriers_crossed
from targeting.turf.means import mean_over_doors
from targeting.turf.value import value_turfs
from targeting.workflows.access.asks import asks, whose
from targeting.workflows.access.log import hand_out
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.scores import score_bounds, score_stations, station_priorities
from targeting.workflows.turfs.board import (
    CampaignTurfs,
    load_campaign_turfs,
    open_only,
)
from targeting.workflows.turfs.field_model import campaign_field_model

STOP_COLUMNS: Final = [
    "turf_id", "visit_order", "building_id", "station_id", "street", "number", "suffix",
    "longitude", "latitude", "dwellings", "registered_estimate",
]  # fmt: skip
TURF_COLUMNS: Final = [
    "turf_id", "version", "rank", "station_ids", "priority", "priority_low", "priority_high",
    "n_doors", "n_buildings", "n_excluded", "registered_estimate", "minutes_expected",
    "minutes_low", "minutes_high", "walk_m", "longest_leg_m", "barriers_crossed", "start_address",
    "end_address", "expected_open", "expected_talks", "votes_p10", "votes_p50", "votes_p90",
    "assigned_to", "session_date", "status", "parent_ids", "doors_done", "doors_redo",
    "last_visit", "created_by", "created_at", "inputs_hash",
]  # fmt: skip
"""FIELD 6.2's table. `arm` is not in it: a hold-out is never told to those who walk. Who and when
(`assigned_to`, `session_date`, `created_by`) are empty until outings are kept."""


@asks("turfs.print", own=True)
def export_turfs(
    workspace: Workspace,
    out: Path,
    *,
    turf_ids: Sequence[str] | None = None,
    layout: str | None = None,
    language: str = "fr",
) -> list[Path]:
    """Write turfs in the format of the extension.

    CSV and Parquet: stops in walking order. GeoJSON and GPKG: turfs. XLSX: both. KML and GPX:
    walks. HTML: lists to print. `layout` (`van`, `nationbuilder`): a CSV in that system's words.
    Without `turf_ids`, all that are not done. When they are all of the last cut, `X.excluded.csv`
    beside it holds every building left out of it, with its reason.

    Raises TargetingError for an unknown format or layout, before anything is written.
    """
    form = known_format(out)
    if layout is not None and (layout not in LIST_LAYOUTS or form.suffix != ".csv"):
        raise TargetingError(
            f"layout “{layout}” of {out.name}: {' or '.join(LIST_LAYOUTS)}, as a .csv."
        )
    kept = load_campaign_turfs(workspace, turf_ids)
    if turf_ids is None:
        kept = open_only(kept)
    kind = f"turfs{form.suffix}"
    hand_out(workspace, kind, action="turfs.print", count=len(kept.turfs))
    if layout is not None:
        listed = _addressed(workspace, kept.stops)
        table = van_list(listed) if layout == "van" else nationbuilder_list(listed)
        write_aside(out, lambda to: to.write_bytes(list_bytes(table)))
        return [out]
    about = About(credits(workspace), campaign_card(workspace).name, language)
    written = form.write(out, CONTENTS[form.holds](workspace, kept), about)
    sees_all = whose(workspace, "turfs.see") is None
    is_of_the_cut = sees_all and set(kept.turfs["cut_id"]) == {kept.cut_id}
    if form.holds in (TABLE, MAP, SHEETS) and is_of_the_cut:
        beside = out.with_name(out.stem + ".excluded.csv")
        written += write_csv(kept.excluded, beside, ())
    return written


def _turf_layer(workspace: Workspace, kept: CampaignTurfs) -> gpd.GeoDataFrame:
    """The turfs' table with their ribbons."""
    shapes = turf_ribbons(kept.stops)
    table = turf_table(workspace, kept)
    geometry = gpd.GeoSeries(
        shapes.reindex(table["turf_id"]).to_numpy(), index=table.index, crs=shapes.crs
    )
    return gpd.GeoDataFrame(table, geometry=geometry)


def stop_table(kept: CampaignTurfs) -> pd.DataFrame:
    """One row a building in walking order, turfs in the order of their rank."""
    rank = kept.turfs.set_index("turf_id")["rank"]
    stops = kept.stops.assign(turf_rank=kept.stops["turf_id"].map(rank))
    ordered = stops.sort_values(["turf_rank", "turf_id", "visit_order"])
    table = ordered[STOP_COLUMNS].reset_index(drop=True)
    return table.round({"longitude": 6, "latitude": 6, "registered_estimate": 2})


def turf_table(workspace: Workspace, kept: CampaignTurfs) -> pd.DataFrame:
    """One row a turf with the columns of FIELD 6.2; counts of 1 to 10 households are left empty."""
    with reading(open_store(workspace)) as session:
        visits, cut_at = load_visits(session), cut_dates(session)
    turfs = kept.turfs.reset_index(drop=True)
    model = campaign_field_model(workspace, visits)
    knocks = visits.groupby("building_id").size()
    stops = kept.stops.assign(
        weight=1.0, visits=kept.stops["building_id"].map(knocks).fillna(0) / kept.stops["dwellings"]
    )
    worth = value_turfs(stops, turfs, model).round(2)
    closed = kept.stops["last_door"] - kept.stops["first_door"] + 1 - kept.stops["dwellings"]
    n_excluded = closed.groupby(kept.stops["turf_id"]).sum()
    mine = visits.dropna(subset=["turf_id"]).sort_values("visited_at")
    latest = mine.drop_duplicates("door_id", keep="last")
    redo = latest[latest["outcome"].isin(REDO)].groupby("turf_id").size()
    last = mine.groupby("turf_id")["visited_at"].max().dt.strftime("%Y-%m-%d")
    table = turfs.assign(
        **_priority_bounds(workspace, kept.stops, turfs["turf_id"]),
        **{c: worth[c] for c in worth if c in TURF_COLUMNS},
        n_excluded=turfs["turf_id"].map(n_excluded).fillna(0).astype("int64"),
        barriers_crossed=turfs["turf_id"].map(barriers_crossed(kept.stops, _barriers(workspace))),
        doors_done=_published(turfs["doors_done"]),
        doors_redo=_published(turfs["turf_id"].map(redo).fillna(0)),
        last_visit=turfs["turf_id"].map(last).astype("str"),
        created_at=turfs["cut_id"].map(cut_at).astype("str"),
        inputs_hash=inputs_hash(workspace, kept.parameters),
        assigned_to="",
        session_date="",
        created_by="",
    )
    return table[TURF_COLUMNS]


def _priority_bounds(
    workspace: Workspace, stops: pd.DataFrame, turf_ids: pd.Series
) -> dict[str, pd.Series]:
    """Between which bounds each turf's priority lies; missing where the past is too small."""
    names = ("priority_low", "priority_high")
    bounds = None
    if workspace.actor.may("places.see"):
        with suppress(TargetingError):
            scored = score_stations(workspace)
            bounds = score_bounds(scored)
    if bounds is None:
        return dict.fromkeys(names, pd.Series(float("nan"), index=turf_ids.index))
    left = 1 - station_priorities(workspace, scored).set_index("station_id")["contacted_rate"]
    return {
        name: mean_over_doors(stops, bounds[name.replace("priority", "score")] * left, turf_ids)
        for name in names
    }


def _published(counts: pd.Series) -> pd.Series:
    whole = counts.astype("Int64")
    return whole.mask((whole > 0) & (whole < SMALLEST_CELL))


def _barriers(workspace: Workspace) -> gpd.GeoSeries | None:
    streets = load_streets(workspace)
    if streets is None:
        return None
    return streets.geometry[streets["kind"].isin(list(BARRIER_KINDS))]


def inputs_hash(workspace: Workspace, parameters: dict[str, Any]) -> str:
    """Twelve signs that stay the same while sources and parameters do: same inputs, same turfs."""
    files: set[str] = set()
    for folder in ("addresses", "voter_addresses", "stations", "streets", "doors"):
        for _, _, sheet in list_layers(workspace, folder):
            files |= set(sheet.files)
    for election_id in list_elections(workspace):
        files |= set(election_sheet(workspace, election_id).files)
    told = json.dumps([sorted(files), parameters], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _addressed(workspace: Workspace, stops: pd.DataFrame) -> pd.DataFrame:
    """Stops with postcode and the commune's code for want of its name."""
    addresses = load_addresses(workspace).set_index("address_id")
    at = stops["building_id"]
    located = stops.assign(
        postcode=at.map(addresses["postcode"]).fillna("").astype("str"),
        city=at.map(addresses["commune_code"]).fillna("").astype("str"),
    )
    return in_turf_order(located).round({"longitude": 6, "latitude": 6})


def _tracks(kept: CampaignTurfs) -> list[Track]:
    stops = kept.stops.sort_values("visit_order")
    tracks = []
    for turf in kept.turfs.to_dict("records"):
        mine = stops[stops["turf_id"] == turf["turf_id"]]
        told = (
            f"{turf['n_doors']} doors, {turf['minutes_expected']:.0f} min, {turf['walk_m']:.0f} m"
        )
        points = tuple(
            TrackStop(
                int(s.visit_order), float(s.longitude), float(s.latitude),
                address_line(s.number, s.suffix, s.street), int(s.dwellings),
            )
            for s in mine.itertuples()
        )  # fmt: skip
        tracks.append(Track(str(turf["turf_id"]), told, points))
    return tracks


def turf_sheets(workspace: Workspace, kept: CampaignTurfs) -> list[TurfSheet]:
    """What is printed of each turf: places and doors, nothing of the voters (PRIV-14)."""
    name = campaign_card(workspace).name
    streets = load_streets(workspace, barriers=False)
    return [
        TurfSheet.of(name, turf, kept.stops[kept.stops["turf_id"] == turf["turf_id"]], streets)
        for turf in kept.turfs.to_dict("records")
    ]


CONTENTS: Final[dict[str, Callable[[Workspace, CampaignTurfs], Any]]] = {
    TABLE: lambda _workspace, kept: stop_table(kept),
    MAP: _turf_layer,
    SHEETS: lambda here, kept: {"turfs": turf_table(here, kept), "stops": stop_table(kept)},
    WALKS: lambda _workspace, kept: _tracks(kept),
    PAGES: turf_sheets,
}
"""What a file of turfs holds, by what its format can."""
