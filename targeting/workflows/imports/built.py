"""Build outlines of communes that publish none, from where the workspace knows voters to live."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from targeting.codes import check_year, commune_of_arrondissement
from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.households.points import PlacedVoters, station_points_of_ranges
from targeting.households.points import station_points_of_voters as points_of_voters
from targeting.reference.addresses import load_addresses, load_street_ranges, load_voter_addresses
from targeting.reference.held import list_elections, list_station_points, list_stations
from targeting.reference.results import load_turnout
from targeting.reference.sheets import Sheet
from targeting.reference.stations import find_stations, load_station_points, write_stations
from targeting.reference.tables import list_layers, today
from targeting.sources.addresses.reading import PARIS_VINTAGE
from targeting.stations.built import Built, build_outlines, commune_of
from targeting.stations.joins import Join, join_outlines
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import logged_moves
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import campaign_card

SOURCES: Final = ("voters", "points", "ranges")
"""voters: registered voters per address; points: Insee's addresses of voters, else a point a
station; ranges: the city's table of streets and numbers with the BAN."""

COVERED: Final = 0.95
"""Outlines that hold less than this share of the voters are of a part of the commune (a
constituency, say), or of another one: they are not its ground."""

PARIS: Final = "75056"
EXACT: Final = 1e-6
"""Gap and overlap of a partition, as shares of the commune's area."""


@dataclass(frozen=True)
class BuiltCommune:
    """What was built of one commune."""

    commune_code: str
    vintage: str
    source: str
    stations: int
    points: int
    weight: float
    inside_share: float
    fragments: int
    moved: float
    shared_points: int
    shared: float
    gap: float
    overlap: float
    ground: str
    without: list[str]
    joins: list[Join]
    seconds: float

    def lines(self) -> list[str]:
        """What the command prints."""
        first, *others = self.notes()
        return [f"{first} in {self.seconds:.1f} s", *others]

    def notes(self) -> list[str]:
        """The same for the sheet: nothing in it changes when the same is built again."""
        unit = "registered voters" if self.source == "voters" else "addresses"
        lines = [
            f"{self.commune_code}: {self.stations:,} outlines of {self.vintage} built from "
            f"{self.points:,} points ({self.source})",
            f"  ground: {self.ground}; of its area, gaps {self.gap:.1e} and overlaps "
            f"{self.overlap:.1e}",
            f"  {self.inside_share:.2%} of {self.weight:,.0f} {unit} are inside their own outline; "
            f"{self.fragments:,} fragments absorbed ({self.moved:,.0f} {unit}), "
            f"{self.shared_points:,} points of several stations ({self.shared:,.0f} {unit})",
        ]
        if self.without:
            lines.append(f"  no outline, all their points are others': {', '.join(self.without)}")
        return lines + [f"  {join.sentence()}" for join in self.joins]


@dataclass(frozen=True)
class _Points:
    """Points of one commune's stations and the sheets they come from."""

    table: pd.DataFrame
    source: str
    sheets: list[Sheet]


@asks("files.import")
def build_stations(
    workspace: Workspace,
    *,
    communes: Sequence[str] = (),
    source: str | None = None,
    vintage: str | None = None,
    progress: Progress = silent,
) -> list[BuiltCommune]:
    """Build outlines of these communes (the campaign's, where none is given), all or none.

    The commune is what published outlines of any year cover; where there are none, the hull of the
    points, told. Outlines built stand beside published ones: of one commune, maps take the newest
    vintage, and of one vintage what came last.

    Raises
    ------
    WorkspaceError
        If there is nothing to build them from, with the way to import it.
    TargetingError
        If what was built is no exact partition of the commune.
    """
    check_year(vintage)
    wanted = [commune_of_arrondissement(c) for c in communes] or campaign_card(workspace).communes
    if not wanted:
        raise WorkspaceError("which commune? Add --commune 29039 (its INSEE code).")
    told = []
    with logged_moves(workspace, "stations") as staging:
        for commune_code in dict.fromkeys(wanted):
            started = time.perf_counter()
            points = _points(workspace, commune_code, source, vintage, progress)
            published = find_stations(workspace, [commune_code], origins=("published",))
            progress(f"{commune_code}: {len(points.table):,} points, building outlines")
            ground, ground_text = _ground(points.table, published)
            built = build_outlines(points.table, ground)
            _refuse_what_is_no_partition(commune_code, built)
            report = _report(workspace, commune_code, points, built, ground_text, started)
            sheet = _sheet(workspace, report, points, published if ground is not None else None)
            write_stations(staging, f"{commune_code}-built", report.vintage, built.stations, sheet)
            told.append(report)
    return told


def _ground(
    points: pd.DataFrame, published: gpd.GeoDataFrame | None
) -> tuple[shapely.Geometry | None, str]:
    """The commune's polygon, where one is known, and what it is, in words."""
    if published is None:
        return None, "hull of the points and 100 m around (no polygon of the commune is known)"
    ground = commune_of(published)
    year = published["vintage"].iloc[0]
    there = shapely.contains_xy(ground, points["x"].to_numpy(), points["y"].to_numpy())
    covered = points["weight"].to_numpy()[there].sum() / points["weight"].sum()
    if covered < COVERED:
        return None, (
            f"hull of the points and 100 m around (the published outlines of {year} hold only "
            f"{covered:.0%} of them)"
        )
    return ground, f"what the published outlines of {year} cover"


def _refuse_what_is_no_partition(commune_code: str, built: Built) -> None:
    if max(built.gap, built.overlap) > EXACT or not built.is_coverage:
        raise TargetingError(
            f"{commune_code}: the outlines built leave gaps of {built.gap:.1e} and overlaps of "
            f"{built.overlap:.1e} of the commune: nothing is written. Its published outlines may "
            "be damaged: import others."
        )


# -- where the points come from ------------------------------------------------------------------


def _points(
    workspace: Workspace,
    commune_code: str,
    source: str | None,
    vintage: str | None,
    progress: Progress,
) -> _Points:
    finders = {"voters": _of_voters, "points": _of_points, "ranges": _of_ranges}
    lacking: WorkspaceError | None = None
    for kind in SOURCES if source is None else (source,):
        progress(f"{commune_code}: looking for {kind}")
        try:
            found = finders[kind](workspace, commune_code, vintage)
        except WorkspaceError as error:
            lacking = lacking or error
            continue
        if found is not None and len(found.table):
            return found
    if lacking is not None:
        raise lacking
    what = source or "voters, addresses of voters or streets"
    year = f" of {vintage}" if vintage else ""
    raise WorkspaceError(
        f"nothing to build the outlines of {commune_code} from ({what}{year}): run `python -m "
        "targeting import addresses FILE` with voters per address and the BAN, Insee's "
        "table-adresses-reu, or the city's table of streets; or `import stations FILE` with a "
        "point a station."
    )


def _stored(
    workspace: Workspace, commune_code: str, basis: str, vintage: str | None
) -> _Points | None:
    table = load_station_points(workspace, [commune_code], vintage, basis=basis)
    if table.empty:
        return None
    name = (f"{commune_code[:2]}-{basis}", str(table["vintage"].iloc[0]))
    sheets = [s for kind, year, s in list_station_points(workspace) if (kind, year) == name]
    return _Points(table, "voters" if basis == "voters" else "points", sheets)


def _of_voters(workspace: Workspace, commune_code: str, vintage: str | None) -> _Points | None:
    stored = _stored(workspace, commune_code, "voters", vintage)
    voters = load_voter_addresses(workspace, [commune_code])
    if stored is not None or voters.empty:
        return stored
    sheets = _sheets(workspace, commune_code, "voter_addresses", "addresses")
    year = vintage or str(sheets[0].facts.get("vintage", ""))
    if not year and commune_code == PARIS:
        year = PARIS_VINTAGE
    if not year:
        raise WorkspaceError(
            "the table of voters does not say its year: add --vintage 2022, the year of its roll."
        )
    if sheets[0].facts.get("vintage", year) != year:
        return None
    addresses = load_addresses(workspace, [commune_code])
    return _placed(points_of_voters(voters, addresses, vintage=year), "voters", sheets)


def _of_points(workspace: Workspace, commune_code: str, vintage: str | None) -> _Points | None:
    stored = _stored(workspace, commune_code, "addresses", vintage)
    if stored is not None:
        return stored
    stations = find_stations(workspace, [commune_code], vintage=vintage, origins=("points",))
    if stations is None:
        return None
    table = stations[["station_id", "vintage", "commune_code"]].assign(
        x=stations.geometry.x, y=stations.geometry.y, weight=1.0
    )
    year = str(stations["vintage"].iloc[0])
    layers = list_stations(workspace, origins=("points",))
    return _Points(pd.DataFrame(table), "points", [s for _, v, s in layers if v == year][:1])


def _of_ranges(workspace: Workspace, commune_code: str, vintage: str | None) -> _Points | None:
    ranges = load_street_ranges(workspace, [commune_code])
    if ranges.empty:
        return None
    sheets = _sheets(workspace, commune_code, "street_ranges", "addresses")
    year = vintage or str(sheets[0].facts.get("vintage", ""))
    if not year:
        raise WorkspaceError(
            "the table of streets does not say its year: add --vintage 2022, the year of its roll."
        )
    addresses = load_addresses(workspace, [commune_code])
    return _placed(station_points_of_ranges(ranges, addresses, vintage=year), "ranges", sheets)


def _placed(found: PlacedVoters, source: str, sheets: list[Sheet]) -> _Points:
    return _Points(found.points, source, sheets)


def _sheets(workspace: Workspace, commune_code: str, *folders: str) -> list[Sheet]:
    """Sheets of these folders for the commune or its department, in order.

    Raises WorkspaceError where the first folder has none: a table without its sheet is nobody's.
    """
    near = (commune_code, commune_code[:2])
    found = [
        [s for source, _, s in list_layers(workspace, folder) if source in near]
        for folder in folders
    ]
    if not found[0]:
        raise WorkspaceError(
            f"no sheet says where the {folders[0].replace('_', ' ')} of {commune_code} come from: "
            "import them again with `python -m targeting import addresses FILE`."
        )
    return [sheet for sheets in found for sheet in sheets]


# -- what is told --------------------------------------------------------------------------------


def _report(
    workspace: Workspace,
    commune_code: str,
    points: _Points,
    built: Built,
    ground: str,
    started: float,
) -> BuiltCommune:
    joins = []
    for election_id in list_elections(workspace):
        turnout = load_turnout(workspace, election_id, [commune_code])
        join = join_outlines(built.stations, turnout, election_id=election_id)
        joins += [join] if join.stations else []
    return BuiltCommune(
        commune_code=commune_code,
        vintage=str(built.stations["vintage"].iloc[0]),
        source=points.source,
        stations=len(built.stations),
        points=len(points.table),
        weight=built.weight,
        inside_share=built.inside_share,
        fragments=built.fragments,
        moved=built.moved,
        shared_points=built.shared_points,
        shared=built.shared,
        gap=built.gap,
        overlap=built.overlap,
        ground=ground,
        without=built.without,
        joins=joins,
        seconds=time.perf_counter() - started,
    )


def _sheet(
    workspace: Workspace,
    report: BuiltCommune,
    points: _Points,
    published: gpd.GeoDataFrame | None,
) -> Sheet:
    """A built layer owes credit to its points' sources and to the outlines that gave its ground."""
    sheets = list(points.sheets)
    if published is not None:
        layers = list_stations(workspace, origins=("published",))
        year = published["vintage"].iloc[0]
        near = (report.commune_code, report.commune_code[:2])
        sheets += [s for source, v, s in layers if v == year and source.startswith(near)][:1]
    facts: dict[str, Any] = {
        "source": report.source,
        "inside_share": round(report.inside_share, 5),
        "gap": report.gap,
        "overlap": report.overlap,
    }
    return Sheet(
        publisher="built here",
        licence=" · ".join(dict.fromkeys(s.licence for s in sheets)) or "unstated",
        credit=" · ".join(dict.fromkeys(s.credit for s in sheets if s.credit)),
        files={},
        rows=report.stations,
        imported_on=today(),
        notes=[line.strip() for line in report.notes()],
        facts=facts,
    )
