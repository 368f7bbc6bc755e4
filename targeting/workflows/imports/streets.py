"""Bring streets in: kept around the campaign's addresses, compared with them, put in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.codes import commune_of_arrondissement
from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.households.streets import around_addresses, beside, ground_mark
from targeting.reference.addresses import has_addresses, load_addresses
from targeting.reference.sheets import Sheet
from targeting.reference.streets import load_streets, write_streets
from targeting.reference.tables import list_layers, today
from targeting.sources.apart import read_apart
from targeting.sources.streets.reading import StreetFile, read_streets
from targeting.sources.streets.ways import PRIVATE
from targeting.turf.graph.from_streets import SPUR_M, put_on_streets, walked_lines
from targeting.turf.graph.model import FAR_M
from targeting.turf.graph.noding import Network, node_streets
from targeting.turf.graph.uncovered import uncovered_addresses
from targeting.turf.kernels.arrays import Ints
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import logged_moves
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import campaign_card, refuse_demo

PLACE: Final = "campaign_latest"
"""Streets of all files stand in one table: a town in two extracts has one network."""

FEWEST_COVERED, SMALLEST_SHARE = 10, 0.01
"""Fewer addresses than the first, and a smaller share than the second: the file is of elsewhere."""

NAMES_AGREE: Final = 0.2
ENOUGH_COVERED: Final = 20
"""Of so many addresses, a fifth stand on a street of their name, or it is another town's file."""


@dataclass(frozen=True)
class SnapFigures:
    """How the campaign's addresses stand on the streets.

    covered: addresses within 60 m of their way, of which the other figures speak; median_m, p95_m:
    how far they are from it; own_street: on a street of their name; moved: what they would have
    taken lay across a barrier, and another was found on their side; stranded: none was found, they
    are linked dearly; private: on a way that is closed to strangers, reached from its entrance and
    by no other way; beyond: of all, those out of any way's reach in places that the file lacks,
    which are walked by their own numbers; far: those out of reach by themselves, which no turf has.
    """

    addresses: int
    covered: int
    median_m: float | None
    p95_m: float | None
    own_street: int
    moved: int
    stranded: int
    beyond: int
    far: int
    private: int = 0

    def sentence(self) -> str:
        """The figures in one line."""
        if not self.covered:
            return f"0 of {self.addresses:,} addresses within {SPUR_M:.0f} m of a way"
        share, own = self.covered / self.addresses, self.own_street / self.covered
        private = (
            f"; {self.private:,} on private ways, walked from their entrance only"
            if self.private
            else ""
        )
        return (
            f"{self.covered:,} of {self.addresses:,} addresses ({share:.1%}) within {SPUR_M:.0f} m "
            f"of a way: median {self.median_m:.1f} m, p95 {self.p95_m:.0f} m; {own:.1%} on a "
            f"street of their name; {self.moved:,} across a barrier and moved to their side, "
            f"{self.stranded:,} with no way on their side; farther than {FAR_M:.0f} m: "
            f"{self.beyond:,} in places that the file lacks, walked by their own numbers, and "
            f"{self.far:,} by themselves, which no turf will have{private}"
        )


@dataclass(frozen=True)
class ImportedStreets:
    """What one file of streets gave.

    ways: looked at; left_out: private ones on which no address stands, and those that are
    not walked; gaps: ways cut where the file lacks their nodes; km: of each kind; parts: pieces
    that no way joins, with the share of the length in the largest; snaps: missing before addresses
    are imported.
    """

    file: str
    format: str
    ways: int
    rows: int
    km: dict[str, float]
    walked_km: float
    left_out: dict[str, int]
    gaps: int
    parts: int
    main_share: float
    published: str
    credit: str
    snaps: SnapFigures | None
    notes: list[str] = field(default_factory=list)
    unchanged: bool = False

    def lines(self) -> list[str]:
        """The report, in lines."""
        kept = " (already imported: nothing changed)" if self.unchanged else ""
        kinds = ", ".join(f"{kind} {km:,.1f}" for kind, km in self.km.items())
        others = sum(self.left_out.values()) - self.left_out.get(PRIVATE, 0)
        lines = [
            f"{self.file}: {self.ways:,} ways read, {self.walked_km:,.1f} km to walk{kept}",
            f"km by kind: {kinds}",
            f"left out: {self.left_out.get(PRIVATE, 0):,} private ways without address, "
            f"{others:,} not for walking",
            f"{self.parts:,} parts that no way joins; the largest has {self.main_share:.1%} of the "
            "length",
        ]
        if self.gaps:
            lines.append(f"{self.gaps:,} ways cut where the file lacks their nodes")
        lines.append(
            self.snaps.sentence() if self.snaps else "no addresses imported yet: not compared"
        )
        return [*lines, *self.notes, self.credit or "credit: not stated in the file"]


@asks("files.import")
def import_streets(
    workspace: Workspace,
    file: Path,
    *,
    communes: Sequence[str] = (),
    layer: str | None = None,
    crs: str | None = None,
    progress: Progress = silent,
) -> ImportedStreets:
    """Import streets: OpenStreetMap, OSMnx's GraphML, or a layer of lines.

    Kept around the addresses of `communes` (else of the campaign's, else whole). On the ground that
    the file covers it takes the place of what was imported before; elsewhere that stays. Raises
    SourceError for a file that cannot be read, or is of another town.
    """
    refuse_demo(workspace)
    progress(f"{file.name}: reading")
    read = read_apart(read_streets, file, layer=layer, crs=crs)
    addresses = _addresses(workspace, [commune_of_arrondissement(c) for c in communes])
    mark = "whole"
    if addresses is not None:
        read, mark = _kept_around(read, addresses), ground_mark(addresses)
    progress(f"{file.name}: {len(read.streets):,} ways, cut where they meet")
    told = _told(read, addresses)
    sheet = _sheet_in_place(workspace)
    if sheet is not None and sheet.files.get(read.sha256, {}).get("ground") == mark:
        return replace(told, unchanged=True)
    _put_in_place(workspace, read, told, sheet, mark, addresses)
    return told


def _addresses(workspace: Workspace, communes: list[str]) -> pd.DataFrame | None:
    """Placed addresses to compare with; none is no error unless the commune was named."""
    wanted = communes or list(campaign_card(workspace).communes) or None
    if not communes and not has_addresses(workspace, wanted):
        return None
    found = load_addresses(workspace, wanted)
    there = np.isfinite(found[["x", "y"]].to_numpy(dtype=float)).all(axis=1)
    return found[there].reset_index(drop=True) if there.any() else None


def _kept_around(read: StreetFile, addresses: pd.DataFrame) -> StreetFile:
    kept = replace(read, streets=around_addresses(addresses, read.streets))
    if len(kept.walked):
        return kept
    lines = read.walked.geometry.to_numpy()
    corner = shapely.points(shapely.get_coordinates(lines)[::7])
    middle = shapely.points(*addresses[["x", "y"]].median().to_numpy())
    away_km = float(shapely.distance(corner, middle).min()) / 1000
    raise SourceError(
        read.name,
        f"no street within 2 km of any of the {len(addresses):,} addresses of the campaign: the "
        f"nearest is some {away_km:,.0f} km from their middle.",
        way_out=_WAY_OUT,
    )


_WAY_OUT: Final = (
    "Is it another town's? Give the extract of the campaign's communes, or name the commune with "
    "--commune."
)


def _told(read: StreetFile, addresses: pd.DataFrame | None) -> ImportedStreets:
    if addresses is None:
        network, snaps, used = node_streets(read.walked, {}), None, np.empty(0, np.int64)
    else:
        network, snaps, used = _compared(read, addresses)
    is_private = (read.walked["kind"] == PRIVATE).to_numpy()
    idle = is_private.copy()
    idle[used] = False
    parts = network.parts(idle[network.row])
    metres = read.streets.length.groupby(read.streets["kind"]).sum().sort_values(ascending=False)
    return ImportedStreets(
        file=read.name,
        format=read.format,
        ways=read.read,
        rows=len(read.streets),
        km={str(kind): round(m / 1000, 2) for kind, m in metres.items()},
        walked_km=round(float(read.walked.length[~idle].sum()) / 1000, 2),
        left_out=dict(read.left_out) | {PRIVATE: int(idle.sum())},
        gaps=read.gaps,
        parts=parts.size,
        main_share=float(parts[0] / parts.sum()),
        published=read.published,
        credit=read.credit,
        snaps=snaps,
        notes=read.notes,
    )


def _compared(read: StreetFile, addresses: pd.DataFrame) -> tuple[Network, SnapFigures, Ints]:
    """The network with the addresses on it, and the rows of the private ways on which some stand.

    Raises SourceError when it is another town's.
    """
    network, snaps, _ = put_on_streets(addresses, read.streets)
    covered = snaps.access_m <= SPUR_M
    uncovered = uncovered_addresses(addresses[["x", "y"]].to_numpy(), walked_lines(read.streets))
    row = network.row[snaps.line]
    is_private = (read.walked["kind"] == PRIVATE).to_numpy()[row] & (snaps.access_m <= FAR_M)
    figures = SnapFigures(
        addresses=len(addresses),
        covered=int(covered.sum()),
        median_m=float(np.median(snaps.access_m[covered])) if covered.any() else None,
        p95_m=float(np.quantile(snaps.access_m[covered], 0.95)) if covered.any() else None,
        own_street=int(snaps.on_own_street[covered].sum()),
        moved=int(snaps.is_moved[covered].sum()),
        stranded=int(snaps.is_stranded[covered].sum()),
        beyond=int(uncovered.sum()),
        far=int((~uncovered & (snaps.access_m > FAR_M)).sum()),
        private=int(is_private.sum()),
    )
    share = figures.covered / figures.addresses
    has_names = bool(read.walked["street"].notna().any())
    strangers = figures.own_street < NAMES_AGREE * figures.covered
    if figures.covered == 0 or (figures.covered < FEWEST_COVERED and share < SMALLEST_SHARE):
        raise SourceError(read.name, f"{figures.sentence()}.", way_out=_WAY_OUT)
    if has_names and figures.covered >= ENOUGH_COVERED and strangers:
        raise SourceError(
            read.name,
            f"the names are not those of the addresses: {figures.sentence()}.",
            way_out=_WAY_OUT,
        )
    return network, figures, np.unique(row[is_private])


def _sheet_in_place(workspace: Workspace) -> Sheet | None:
    layers = list_layers(workspace, "streets")
    return next((sheet for *place, sheet in layers if "_".join(place) == PLACE), None)


def _put_in_place(
    workspace: Workspace,
    read: StreetFile,
    told: ImportedStreets,
    before: Sheet | None,
    mark: str,
    addresses: pd.DataFrame | None,
) -> None:
    communes = sorted(addresses["commune_code"].unique()) if addresses is not None else []
    files: dict[str, Any] = {read.sha256: {"name": read.name, "communes": communes, "ground": mark}}
    sheet = Sheet(
        publisher=read.publisher,
        licence=read.licence,
        credit=read.credit,
        files=files,
        rows=len(read.streets),
        imported_on=today(),
        notes=read.notes,
        facts={k: v for k, v in asdict(told).items() if k not in ("notes", "unchanged")},
    )
    streets = read.streets
    with logged_moves(workspace, "streets") as staging:
        if before is not None:
            old = load_streets(workspace)
            kept = beside(old, streets) if old is not None else streets.iloc[:0]
            if len(kept):
                streets = gpd.GeoDataFrame(pd.concat([streets, kept], ignore_index=True))
                sheet = _over(sheet, before, whole=old is not None and len(kept) == len(old))
        write_streets(staging, PLACE, streets, replace(sheet, rows=len(streets)))


def _over(sheet: Sheet, before: Sheet, *, whole: bool) -> Sheet:
    """The sheet of a table in which older streets stay; `whole`: all of them do."""

    def both(one: str, other: str) -> str:
        return " · ".join(dict.fromkeys([*one.split(" · "), *other.split(" · ")])).strip(" ·")

    return replace(
        sheet,
        publisher=both(sheet.publisher, before.publisher),
        licence=both(sheet.licence, before.licence),
        credit=both(sheet.credit, before.credit),
        files={**(before.files if whole else {}), **sheet.files},
        notes=list(dict.fromkeys([*before.notes, *sheet.notes])),
    )
