"""Bring quarters in: named polygons, compared with the campaign's stations, put in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from targeting.codes import commune_of_arrondissement
from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.reference.addresses import has_addresses, load_addresses
from targeting.reference.held import OUTLINED
from targeting.reference.quarters import load_quarters, quarter_sheets, write_quarters
from targeting.reference.sheets import Sheet, whole_file
from targeting.reference.stations import find_stations
from targeting.reference.tables import today
from targeting.sources.apart import read_apart
from targeting.sources.outlines.quarters import QuarterFile, clean_name, read_quarters
from targeting.stations.quarters import assign_quarters
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import logged_moves
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import campaign_card, refuse_demo

FAR_M: Final = 1_000.0
"""Quarters of a file that names no commune, farther than this from all that is known of the
campaign's, are of another; where all are, so is the file."""

LONGEST_CREDIT: Final = 200


@dataclass(frozen=True)
class ImportedQuarters:
    """What one file of quarters gave. stations: of those known, how many lie in one of them."""

    file: str
    quarters: int
    communes: list[str]
    recipe: str
    stations: int
    stations_inside: int
    notes: list[str] = field(default_factory=list)
    unchanged: bool = False


@asks("files.import")
def import_quarters(
    workspace: Workspace,
    file: Path,
    *,
    name_column: str | None = None,
    commune_code: str | None = None,
    commune_property: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
    credit: str = "",
    progress: Progress = silent,
) -> ImportedQuarters:
    """Import named polygons as the quarters of their communes, in place of those of before.

    Features of other communes than `commune_code`, else the campaign's, are left out and counted;
    where the file does not name its commune, the campaign's single one is taken, and what lies far
    from its stations (else its addresses) is left out. Quarters already in place change nothing.
    `credit`: whose drawing it is, for maps; other options as in `read_quarters`. Raises SourceError
    for a file that cannot be read, or is of elsewhere.
    """
    refuse_demo(workspace)
    asked = [commune_code] if commune_code else campaign_card(workspace).communes
    wanted = list(dict.fromkeys(commune_of_arrondissement(c) for c in asked))
    progress(f"{file.name}: reading")
    read = read_apart(
        read_quarters, file, name_column=name_column,
        commune_code=wanted[0] if len(wanted) == 1 else None, commune_property=commune_property,
        layer=layer, crs=crs, communes=wanted,
    )  # fmt: skip
    quarters, notes = _on_the_ground(workspace, file.name, read)
    communes = sorted(set(quarters["commune_code"]))
    layers = [find_stations(workspace, communes, origins=o) for o in (OUTLINED, ("points",))]
    inside = assign_quarters(quarters, *layers)
    before = quarter_sheets(workspace)
    credit = clean_name(credit)[:LONGEST_CREDIT]
    told = ImportedQuarters(
        file=file.name,
        quarters=len(quarters),
        communes=communes,
        recipe=read.recipe,
        stations=len(inside),
        stations_inside=int(inside.notna().sum()),
        notes=[*read.notes, *notes, *_in_place_of(before, communes, read.sha256)],
    )
    if _are_in_place(workspace, before, quarters, read.sha256, credit):
        return ImportedQuarters(**{**vars(told), "unchanged": True})
    with logged_moves(workspace, "quarters") as staging:
        for commune in communes:
            own = quarters[quarters["commune_code"] == commune].reset_index(drop=True)
            sheet = Sheet(
                publisher=credit or "unstated",
                licence="unstated",
                credit=credit,
                files=whole_file(file.name, read.sha256, [commune]),
                rows=len(own),
                imported_on=today(),
                notes=told.notes,
                facts={"names": read.recipe},
            )
            write_quarters(staging, commune, own, sheet)
    return told


def _on_the_ground(
    workspace: Workspace, name: str, read: QuarterFile
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """The quarters that lie where the campaign's communes do, and what is told of the others.

    Raises SourceError where none does. A file that names communes is believed, but for its place.
    """
    quarters = read.quarters
    communes = sorted(set(quarters["commune_code"]))
    places, what = _known_places(workspace, communes)
    if not len(places):
        return quarters, ["neither stations nor addresses to compare its place with"]
    shapes = quarters.geometry.to_numpy()
    tree = shapely.STRtree(places)
    nearest = tree.nearest(shapes)
    away = shapely.distance(shapes, places[nearest])
    if away.min() > FAR_M:
        raise SourceError(
            name,
            f"its quarters lie {away.min() / 1000:,.0f} km from the nearest station or "
            f"address of {', '.join(communes[:3])}.",
            way_out="Their coordinate system is another one: say which with --crs. Or is it the "
            "file of another town?",
        )
    far = np.zeros(len(shapes), dtype=bool) if read.names_commune else away > FAR_M
    if not read.names_commune and what == "station":
        far |= ~_shares_ground(shapes, places, tree)
    if not far.any():
        return quarters, []
    named = sorted(quarters["name"][far])
    shown = ", ".join(named[:6]) + (" …" if len(named) > 6 else "")
    note = (
        f"{len(named):,} quarters without a station or an address of {communes[0]} left out: "
        f"{shown}"
    )
    if far.all():
        raise SourceError(
            name, f"none of its quarters has a station or an address of {communes[0]} in it.",
            way_out="Is it the file of another town? Name its commune with --commune.",
        )  # fmt: skip
    return quarters[~far].reset_index(drop=True), [note]


LEAST_GROUND: Final = 0.01
"""Share of a quarter that outlines of stations cover, under which it is a neighbour's: borders of
two drawings differ by so much."""


def _shares_ground(shapes: np.ndarray, places: np.ndarray, tree: shapely.STRtree) -> np.ndarray:
    """Whether stations (outlines or points) lie in each quarter, by more than a rough border."""
    at, place = tree.query(shapes, predicate="intersects")
    common = shapely.area(shapely.intersection(shapes[at], places[place]))
    covered = np.bincount(at, common, len(shapes)) / np.maximum(shapely.area(shapes), 1.0)
    is_point = shapely.area(places[place]) == 0
    points = np.bincount(at, is_point.astype(float), len(shapes))
    there: np.ndarray = (covered > LEAST_GROUND) | (points > 0)
    return there


def _known_places(workspace: Workspace, communes: list[str]) -> tuple[np.ndarray, str]:
    """Outlines or points of these communes' stations, else their addresses; and what they are."""
    for origins in (OUTLINED, ("points",)):
        stations = find_stations(workspace, communes, origins=origins)
        if stations is not None:
            return stations.geometry.to_numpy(), "station"
    if has_addresses(workspace, communes):
        addresses = load_addresses(workspace, communes)[["x", "y"]].dropna()
        return shapely.points(addresses.to_numpy(dtype=float)), "address"
    return np.empty(0, dtype=object), ""


def _in_place_of(before: Mapping[str, Sheet], communes: list[str], sha256: str) -> list[str]:
    """What is told where other files of the same communes were there."""
    files = {
        str(file.get("name", ""))
        for commune in communes if commune in before and sha256 not in before[commune].files
        for file in before[commune].files.values()
    }  # fmt: skip
    return [f"takes the place of {', '.join(sorted(files))}"] if files else []


def _are_in_place(
    workspace: Workspace,
    before: Mapping[str, Sheet],
    quarters: gpd.GeoDataFrame,
    sha256: str,
    credit: str,
) -> bool:
    """Whether this file, read this way, is what each of its communes has."""
    communes = sorted(set(quarters["commune_code"]))
    if not all(c in before and sha256 in before[c].files for c in communes):
        return False
    if credit and any(before[c].credit != credit for c in communes):
        return False
    stored = load_quarters(workspace, communes)
    if stored is None or len(stored) != len(quarters):
        return False
    keys = ["commune_code", "name"]
    one, two = (t.sort_values(keys, ignore_index=True) for t in (stored, quarters))
    return bool(
        one[keys].equals(two[keys])
        and shapely.equals_exact(one.geometry.to_numpy(), two.geometry.to_numpy(), 0.01).all()
    )
