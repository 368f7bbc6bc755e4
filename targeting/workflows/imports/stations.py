"""Bring outlines and points of stations in, where they go with the results."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from targeting.codes import check_year, commune_of_arrondissement, parse_election_id
from targeting.config import Workspace
from targeting.errors import JoinError, SourceError, WorkspaceError
from targeting.reference.addresses import has_addresses, load_addresses
from targeting.reference.held import list_elections, list_stations
from targeting.reference.results import load_turnout
from targeting.reference.sheets import Sheet, whole_file
from targeting.reference.stations import load_layer, write_stations
from targeting.reference.tables import today
from targeting.sources.apart import read_apart
from targeting.sources.outlines.reading import Outlines, read_outlines
from targeting.stations.joins import LEAST_JOIN, Evidence, Join, best_sound_join, equally_good
from targeting.stations.spelling import respell
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import logged_moves
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import campaign_card, refuse_demo
from targeting.workflows.stations.history import MANY_COMMUNES, judge_outlines, load_evidence

MANY_STATIONS: Final = 10
"""A commune of so many stations is judged by itself in a file of several communes."""


FAR_FROM_ADDRESSES_M: Final = 1_000.0
"""Outlines no nearer than this to any address of their communes are in another system."""


@dataclass(frozen=True)
class ImportedStations:
    """What one file of outlines gave, and how it joins with each election."""

    file: str
    stations: int
    vintage: str
    recipe: str
    notes: list[str]
    joins: list[Join]
    unchanged: bool = False
    origin: str = "published"


@asks("files.import")
def import_stations(
    workspace: Workspace,
    file: Path,
    *,
    vintage: str | None = None,
    commune_code: str | None = None,
    code_property: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
    commune_property: str | None = None,
    progress: Progress = silent,
) -> ImportedStations:
    """Import station outlines, or a point a station; refused when they are not the results' own.

    Features of other communes than `commune_code`, else the campaign's, are left out and counted;
    where the file does not name its commune, the campaign's single one is taken. The vintage, when
    not given, is the year of the election that fits best, both ways; a tie of elections with other
    stations is a question. Codes are respelled as the results have them where that is beyond doubt,
    and told. Stations already imported change nothing and keep their vintage. `code_property`,
    `commune_property`, `layer` and `crs` are as in `read_outlines`.
    """
    refuse_demo(workspace)
    check_year(vintage)
    asked = [commune_code] if commune_code else campaign_card(workspace).communes
    wanted = list(dict.fromkeys(commune_of_arrondissement(c) for c in asked))
    turnouts = {e: load_turnout(workspace, e, wanted or None) for e in list_elections(workspace)}
    progress(f"{file.name}: reading")
    outlines = read_apart(
        read_outlines,
        file,
        commune_code=wanted[0] if len(wanted) == 1 else None,
        code_property=code_property,
        layer=layer,
        crs=crs,
        commune_property=commune_property,
        communes=wanted,
        known=sorted({s for turnout in turnouts.values() for s in turnout["station_id"]}),
        others_too=commune_code is None,
    )
    if wanted and not set(outlines.stations["commune_code"]) & set(wanted):
        turnouts = {e: load_turnout(workspace, e) for e in turnouts}
    outlines = _as_results_write(outlines, turnouts)
    _refuse_far_from_addresses(workspace, file.name, outlines)
    communes = sorted(set(outlines.stations["commune_code"]))
    evidence = load_evidence(workspace, communes if len(communes) <= MANY_COMMUNES else None)
    outlines = _without_misfits(outlines, turnouts, evidence)
    communes = sorted(set(outlines.stations["commune_code"]))
    joins = judge_outlines(
        workspace, outlines.stations, turnouts, registered=outlines.registered, evidence=evidence
    )
    stored = _stored_vintage(workspace, outlines, communes)
    vintage = stored or vintage
    notes = outlines.notes
    if joins:
        best = best_sound_join(file.name, joins, outlines.notes)
        if vintage is None:
            vintage = str(parse_election_id(best.election_id).year)
            notes = notes + _same_in_other_years(file.name, best, joins, turnouts, communes)
    elif vintage is None:
        raise WorkspaceError(
            f"{file.name}: no results of {', '.join(communes[:5])} to compare its codes with. "
            "Import the results first, or say the year of the outlines with --vintage 2022."
        )
    stations = outlines.stations.assign(vintage=vintage)
    source = _named_for(communes) + ("-points" if outlines.origin == "points" else "")
    notes = notes + _in_place_of(workspace, source, vintage, outlines.sha256)
    told = ImportedStations(
        file.name, len(stations), vintage, outlines.recipe, notes, joins, origin=outlines.origin
    )
    if stored:
        return replace(told, unchanged=True)
    sheet = Sheet(
        publisher=outlines.credit or outlines.recipe,
        licence=outlines.licence or "unstated",
        credit=outlines.credit and f"{outlines.credit}, {outlines.licence}",
        files=whole_file(file.name, outlines.sha256, communes),
        rows=len(stations),
        imported_on=today(),
        notes=notes,
        facts={"join_rates": {j.election_id: round(j.rate, 4) for j in joins}},
    )
    with logged_moves(workspace, "stations") as staging:
        write_stations(staging, source, vintage, stations, sheet)
    return told


def _in_place_of(workspace: Workspace, source: str, vintage: str, sha256: str) -> list[str]:
    """What is told where another file of the same stations and year was there."""
    for name, year, sheet in list_stations(workspace):
        if (name, year) == (source, vintage) and sha256 not in sheet.files:
            files = ", ".join(str(f.get("name", "")) for f in sheet.files.values())
            return [f"takes the place of {files}, of {vintage} too (another year: --vintage)"]
    return []


def _same_in_other_years(
    name: str,
    best: Join,
    joins: Sequence[Join],
    turnouts: dict[str, pd.DataFrame],
    communes: Sequence[str],
) -> list[str]:
    """What is told where the outlines fit several years alike.

    Raises JoinError where the stations of these years differ: which year it is, the user says.
    """
    equals = equally_good([j for j in joins if j.is_sound])
    years = sorted({j.election_id[:4] for j in equals})
    if len(years) < 2:
        return []
    stations = {}
    for join in equals:
        there = turnouts[join.election_id]["station_id"]
        here = there[there.str.split("_").str[0].isin(list(communes))]
        stations[join.election_id[:4]] = frozenset(here)
    if len(set(stations.values())) > 1:
        raise JoinError(
            f"{name}: its outlines fit {' and '.join(years)} equally ({best.rate:.1%}), and the "
            f"stations of these years differ. Say which with --vintage {years[-1]}."
        )
    return [f"the same stations in {', '.join(years)}: called of {best.election_id[:4]}"]


def _without_misfits(
    outlines: Outlines, turnouts: dict[str, pd.DataFrame], evidence: Evidence
) -> Outlines:
    """Of several communes, those with the codes or the place of no election left out and told."""
    stations = outlines.stations
    sizes = stations.groupby("commune_code").size()
    if len(sizes) < 2 or outlines.origin == "points":
        return outlines
    fitting: set[str] = set()
    known: set[str] = set()
    rates: dict[str, float] = {}
    for election_id, turnout in turnouts.items():
        commune = turnout["station_id"].str.split("_").str[0]
        rate = turnout["station_id"].isin(stations["station_id"]).groupby(commune).mean()
        rate = rate[rate.index.isin(sizes.index)]
        known |= set(rate.index)
        rates |= {c: max(share, rates.get(c, 0.0)) for c, share in rate.items()}
        elsewhere = evidence.misplaced(stations, int(election_id[:4]))
        fitting |= set(rate.index[rate >= LEAST_JOIN]) - elsewhere
    bad = sorted(c for c in known - fitting if sizes[c] >= MANY_STATIONS)
    if not bad or len(bad) == len(sizes):
        return outlines
    told = ", ".join(f"{c} ({rates[c]:.0%} of the codes at best)" for c in bad[:6])
    note = f"{len(bad)} communes left out, numbered otherwise than the results: {told}"
    kept = stations[~stations["commune_code"].isin(bad)].reset_index(drop=True)
    return replace(outlines, stations=kept, notes=[*outlines.notes, note])


def _refuse_far_from_addresses(workspace: Workspace, name: str, outlines: Outlines) -> None:
    """A wrong coordinate system puts a town elsewhere: its addresses, where imported, tell."""
    communes = sorted(set(outlines.stations["commune_code"]))
    if len(communes) > MANY_COMMUNES or not has_addresses(workspace, communes):
        return
    addresses = load_addresses(workspace, communes)
    west, south, east, north = outlines.stations.total_bounds
    x, y = addresses["x"].to_numpy(), addresses["y"].to_numpy()
    away = np.hypot(
        np.maximum(np.maximum(west - x, x - east), 0),
        np.maximum(np.maximum(south - y, y - north), 0),
    )
    nearest = float(np.nanmin(away)) if len(away) else 0.0
    if nearest > FAR_FROM_ADDRESSES_M:
        raise SourceError(
            name,
            f"its outlines lie {nearest / 1000:,.0f} km from the nearest address of "
            f"{', '.join(communes[:3])}.",
            way_out="Their coordinate system is another one: say which with --crs. Or is it the "
            "file of another town?",
        )


def _as_results_write(outlines: Outlines, turnouts: dict[str, pd.DataFrame]) -> Outlines:
    """The same outlines under the results' codes; what an election has already is left alone."""
    known = {s for turnout in turnouts.values() for s in turnout["station_id"]}
    found = respell(outlines.stations["station_id"], known)
    if not found.ids:
        return outlines
    stations = outlines.stations.copy()
    stations["station_id"] = stations["station_id"].replace(found.ids)
    stations["number"] = stations["station_id"].str.partition("_")[2]
    registered = outlines.registered
    return replace(
        outlines,
        stations=stations.sort_values("station_id", ignore_index=True),
        notes=outlines.notes + found.notes,
        registered=None if registered is None else registered.rename(index=found.ids),
    )


def _stored_vintage(workspace: Workspace, outlines: Outlines, communes: list[str]) -> str | None:
    """Vintage under which these outlines are in place, if no later file took their communes.

    The same file read otherwise (another property, another system) is another layer.
    """
    layers = list_stations(workspace, origins=(outlines.origin,))
    for place, (source, vintage, sheet) in enumerate(layers):
        if outlines.sha256 in sheet.files:
            later = [s for _, v, s in layers[:place] if v == vintage]
            taken = {c for s in later for f in s.files.values() for c in f.get("communes", ())}
            stored = load_layer(workspace, source, vintage)
            is_same = _are_same(stored, outlines.stations) and taken.isdisjoint(communes)
            return vintage if is_same else None
    return None


def _are_same(stored: gpd.GeoDataFrame, read: gpd.GeoDataFrame) -> bool:
    """Whether each station has the same outline in both (to a centimetre)."""
    one, two = (layer.set_index("station_id").geometry.sort_index() for layer in (stored, read))
    if not one.index.equals(two.index):
        return False
    gap = np.abs(one.bounds.to_numpy() - two.bounds.to_numpy())
    return bool(np.nanmax(gap, initial=0.0) < 0.01)


def _named_for(communes: list[str]) -> str:
    """Name of a layer: its commune, or the department and a hash of the communes it has."""
    if len(communes) == 1:
        return communes[0]
    code = hashlib.sha256(" ".join(communes).encode()).hexdigest()[:8]
    return f"{communes[0][:2]}-{len(communes)}communes-{code}"
