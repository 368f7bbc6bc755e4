"""Open data of a workspace: Parquet files with their sheets, replaced whole, never edited.

Results of one election may come in several files (a department each): the communes of a new file
replace the same communes, the others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

import geopandas as gpd
import pandas as pd
import polars as pl

from targeting.codes import held_on, parse_election_id
from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.checksums import checked, is_sound, sealed_with, sheet_path, told_as_damage
from targeting.reference.sheets import Sheet, load_sheet
from targeting.reference.staging import Staging
from targeting.sources.results.blocs import OUR_BLOCS, build_bloc_votes, merge_blocs, read_blocs
from targeting.tables import (
    BARRIER_KINDS,
    Addresses,
    DoorLayouts,
    Shares,
    StationPoints,
    StreetRanges,
    Turnout,
    VoterAddresses,
    Votes,
)

Read = TypeVar("Read")

LOST: Final = "to_import_again"

TURNOUT_COLUMNS: Final = list(Turnout.to_schema().columns)
SHARES_COLUMNS: Final = list(Shares.to_schema().columns)
VOTES_COLUMNS: Final = list(Votes.to_schema().columns)


# -- elections ---------------------------------------------------------------------------------


def list_elections(workspace: Workspace) -> list[str]:
    """Elections imported, oldest first."""
    folder = workspace.reference / "turnout"
    # by table or by sheet: one whose table is gone is told, not left out
    found = {p.stem for kind in ("parquet", "json") for p in folder.glob(f"*.{kind}")}
    return sorted(found, key=lambda e: held_on(parse_election_id(e)))


def election_sheet(workspace: Workspace, election_id: str) -> Sheet:
    """The sheet of one election's results."""
    return _sheet_of(workspace, workspace.reference / "turnout" / f"{election_id}.json")


def write_results(
    staging: Staging,
    election_id: str,
    turnout: pl.DataFrame,
    votes: pl.DataFrame,
    sheet: Sheet,
) -> None:
    """Put one election in place, keeping what is already there of other communes.

    `turnout` and `votes` are in the columns of tables Turnout and Votes, whole for their communes.
    """
    old_turnout = staging.current(f"reference/turnout/{election_id}.parquet")
    sheet = _told_lost(staging, old_turnout, sheet)
    if _is_kept(staging, old_turnout):
        communes = turnout["station_id"].str.head(5).unique()
        commune = pl.col("station_id").str.head(5)
        kept = ~commune.is_in(communes.implode())
        old = pl.read_parquet(old_turnout)
        replaced = old.filter(~kept).select(commune).to_series().unique().to_list()
        old = old.filter(kept)
        if not old.is_empty():
            before = load_sheet(staging.current(f"reference/turnout/{election_id}.json"))
            old_votes = staging.current(f"reference/votes/{election_id}.parquet")
            turnout = pl.concat([old, turnout], how="vertical_relaxed")
            votes = pl.concat(
                [pl.read_parquet(old_votes).filter(kept), votes], how="vertical_relaxed"
            )
            sheet = sheet.over(before, replaced, rows=len(turnout))
    place = f"reference/turnout/{election_id}"
    turnout.sort("station_id").write_parquet(
        staging.path(f"{place}.parquet"), statistics=True, row_group_size=8192
    )
    votes.sort("station_id", maintain_order=True).write_parquet(
        staging.path(f"reference/votes/{election_id}.parquet"),
        statistics=True,
        row_group_size=65536,
    )
    _put_sheet(staging, place, sheet, "turnout", "votes")


def write_shares(staging: Staging, election_id: str, shares: pl.DataFrame, sheet: Sheet) -> None:
    """Put one election's shares in place (columns of table Shares); other communes stay.

    They are kept apart from the counts: no score reads them.
    """
    place = f"reference/shares/{election_id}"
    old_shares = staging.current(f"{place}.parquet")
    sheet = _told_lost(staging, old_shares, sheet)
    if _is_kept(staging, old_shares):
        commune = pl.col("station_id").str.head(5)
        taken = shares.select(commune.unique()).to_series()
        old = pl.read_parquet(old_shares)
        replaced = old.filter(commune.is_in(taken.implode())).select(commune.unique())
        old = old.filter(~commune.is_in(taken.implode()))
        if not old.is_empty():
            shares = pl.concat([old, shares], how="vertical_relaxed")
            before = load_sheet(staging.current(f"{place}.json"))
            sheet = sheet.over(before, replaced.to_series().to_list(), rows=len(shares))
    shares.sort("station_id", maintain_order=True).write_parquet(staging.path(f"{place}.parquet"))
    _put_sheet(staging, place, sheet)


def list_shares(workspace: Workspace) -> dict[str, Sheet]:
    """Elections of which shares without counts are imported, with their sheets."""
    folder = workspace.reference / "shares"
    return {p.stem: _sheet_of(workspace, p) for p in sorted(folder.glob("*.json"))}


def load_shares(workspace: Workspace, election_id: str) -> pd.DataFrame:
    """Shares of one election (table Shares). Raises WorkspaceError if none is imported."""
    rows = _read(workspace, "shares", election_id, None).select(SHARES_COLUMNS)
    texts = dict.fromkeys(("candidate", "party_list", "nuance_code"), "str")
    counts = dict.fromkeys(("registered", "votes_cast", "valid_votes"), "Int64")
    return rows.to_pandas().astype({**texts, **counts})


def load_turnout(
    workspace: Workspace, election_id: str, communes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Turnout of one election (table Turnout), of these communes or of all imported."""
    rows = _read(workspace, "turnout", election_id, communes).select(TURNOUT_COLUMNS)
    texts = dict.fromkeys(("constituency_code", "flag"), "str")
    counts = dict.fromkeys(("blank_votes", "null_votes"), "Int64")
    return rows.to_pandas().astype({**texts, **counts})


def turnout_levels(workspace: Workspace) -> pd.DataFrame:
    """Turnout of each election and of the last presidential first round where both have stations.

    Columns `election_id`, `turnout`, `turnout_presidential` (rates); the latter is missing before
    a presidential first round is imported.
    """
    elections = list_elections(workspace)
    presidential = [e for e in elections if e.endswith("_pres_t1")]
    folder = workspace.reference / "turnout"
    counts = {
        e: pl.scan_parquet(checked(workspace, folder / f"{e}.parquet")).select(
            "station_id", "registered", "votes_cast"
        )
        for e in elections
    }
    if not presidential:
        return pd.DataFrame(
            {"election_id": elections, "turnout": None, "turnout_presidential": None}
        )
    base = counts[presidential[-1]]
    sums = pl.collect_all(
        rows.join(base, on="station_id", suffix="_base").select(
            turnout=pl.col("votes_cast").sum() / pl.col("registered").sum(),
            turnout_presidential=pl.col("votes_cast_base").sum() / pl.col("registered_base").sum(),
        )
        for rows in counts.values()
    )
    return pl.concat(sums).to_pandas().assign(election_id=list(counts))


def load_bloc_votes(
    workspace: Workspace,
    election_id: str,
    communes: Sequence[str] | None = None,
    *,
    blocs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Votes per station and bloc (table BlocVotes) of one election."""
    table = load_blocs(workspace) if blocs is None else blocs
    votes = _read(workspace, "votes", election_id, communes)
    return build_bloc_votes(votes, table, election_id).to_pandas()


def sound_elections(workspace: Workspace) -> list[str]:
    """Elections whose tables are what was imported, oldest first."""
    folder = workspace.reference
    return [
        e
        for e in list_elections(workspace)
        if all(is_sound(workspace, folder / t / f"{e}.parquet") for t in ("turnout", "votes"))
    ]


def load_rolls(
    workspace: Workspace, elections: Sequence[str] | None = None
) -> dict[str, pd.Series]:
    """Registered voters per station of every election imported, or of these."""
    rolls = {}
    for election_id in list_elections(workspace) if elections is None else elections:
        table = _read(workspace, "turnout", election_id, None).select("station_id", "registered")
        rolls[election_id] = table.to_pandas().set_index("station_id")["registered"]
    return rolls


def _read(
    workspace: Workspace, table: str, election_id: str, communes: Sequence[str] | None
) -> pl.DataFrame:
    path = workspace.reference / table / f"{election_id}.parquet"
    if not path.exists():
        has = ", ".join(list_elections(workspace)) or "none"
        raise WorkspaceError(
            f"{election_id} is not imported (imported: {has}): run `python -m targeting import "
            "results FILE` with its official file."
        )
    rows = _open(workspace, path, pl.scan_parquet)
    if communes is not None:
        # strings between: row groups without the commune are skipped
        wanted = [
            pl.col("station_id").is_between(pl.lit(f"{c}_"), pl.lit(f"{c}`")) for c in communes
        ]
        rows = rows.filter(pl.any_horizontal(wanted) if wanted else pl.lit(False))
    return _open(workspace, path, lambda _: rows.collect())


# -- blocs -------------------------------------------------------------------------------------


def load_blocs(workspace: Workspace) -> pd.DataFrame:
    """Our bloc table with the workspace's rows over it (table BlocRows)."""
    ours = read_blocs(OUR_BLOCS)
    return merge_blocs(ours, read_blocs(workspace.blocs)) if workspace.blocs.exists() else ours


# -- stations ----------------------------------------------------------------------------------

OUTLINED: Final = ("published", "built")
"""Origins of stations that have a polygon; those of origin `points` are never painted."""


def write_stations(
    staging: Staging, source: str, vintage: str, stations: gpd.GeoDataFrame, sheet: Sheet
) -> None:
    """Put one file of stations in place (table Stations, EPSG:2154), all of one origin.

    Of one vintage, the file written last is taken first: see `load_stations`.
    """
    name = f"reference/stations/{source}_{vintage}"
    orders = [
        load_sheet(path).facts.get("order", 0)
        for path in (staging.root / "reference/stations").glob("*.json")
        if path.stem != Path(name).name
    ]
    sheet.facts["order"] = max(orders, default=0) + 1
    sheet.facts["origin"] = stations["origin"].iloc[0]
    stations.to_parquet(staging.path(f"{name}.parquet"))
    _put_sheet(staging, name, sheet)


def list_stations(
    workspace: Workspace, *, origins: Sequence[str] | None = None
) -> list[tuple[str, str, Sheet]]:
    """Layers of stations: source, vintage, sheet; newest vintage first, then last written.

    All of them, or those of these origins (`OUTLINED`: the ones with polygons).
    """
    layers = [
        row
        for row in _layers(workspace, "stations")
        if origins is None or row[2].facts.get("origin", "published") in origins
    ]
    return sorted(layers, key=lambda row: (row[1], row[2].facts.get("order", 0)), reverse=True)


def load_stations(
    workspace: Workspace,
    communes: Sequence[str] | None = None,
    *,
    vintage: str | None = None,
    origins: Sequence[str] = OUTLINED,
) -> gpd.GeoDataFrame:
    """Stations of these communes (table Stations, EPSG:2154): the newest vintage of each.

    Those with an outline, unless `origins` says otherwise (`("points",)`: a point a station). A
    commune that two files of one vintage have is taken once, from the one written last.
    Raises WorkspaceError if there is none.
    """
    parts = []
    seen: set[str] = set()
    for source, year, _ in list_stations(workspace, origins=origins):
        if vintage is not None and year != vintage:
            continue
        path = workspace.reference / "stations" / f"{source}_{year}.parquet"
        layer = _open(workspace, path, gpd.read_parquet)
        wanted = ~layer["commune_code"].isin(list(seen))
        if communes is not None:
            wanted &= layer["commune_code"].isin(list(communes))
        parts.append(layer[wanted])
        seen |= set(layer.loc[wanted, "commune_code"])
    parts = [p for p in parts if len(p)]
    if not parts:
        where = " ".join(communes) if communes else "any commune"
        raise WorkspaceError(
            f"no station outlines for {where}: run `python -m targeting import stations FILE`."
        )
    both = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(both, geometry="geometry", crs=parts[0].crs)


def load_layer(workspace: Workspace, source: str, vintage: str) -> gpd.GeoDataFrame:
    """One layer of `list_stations`, whole (table Stations)."""
    path = workspace.reference / "stations" / f"{source}_{vintage}.parquet"
    return _open(workspace, path, gpd.read_parquet)


def find_stations(
    workspace: Workspace,
    communes: Sequence[str] | None = None,
    *,
    vintage: str | None = None,
    origins: Sequence[str] = OUTLINED,
) -> gpd.GeoDataFrame | None:
    """`load_stations`, or nothing where none of these communes was imported."""
    try:
        return load_stations(workspace, communes, vintage=vintage, origins=origins)
    except WorkspaceError:
        return None


def write_station_points(staging: Staging, name: str, points: pd.DataFrame, sheet: Sheet) -> None:
    """Put the voters' points of one vintage and basis in place (table StationPoints).

    `name` is `<department>-<basis>_<vintage>`; other communes of it stay.
    """
    _write_table(staging, f"reference/station_points/{name}", StationPoints.check(points), sheet)


def load_station_points(
    workspace: Workspace,
    communes: Sequence[str] | None = None,
    vintage: str | None = None,
    *,
    basis: str | None = None,
) -> pd.DataFrame:
    """Where the voters of these communes' stations live (table StationPoints).

    Of each commune one vintage (the newest, unless `vintage` says which: `list_station_points`
    has them all) and one basis: the one asked for, else voters where they are counted, else
    addresses; weights of two bases do not add up. Empty when there is none.
    """
    parts = _tables(workspace, "station_points", communes)
    parts = [p if vintage is None else p[p["vintage"] == vintage] for p in parts]
    parts = [p if basis is None else p[p["basis"] == basis] for p in parts]
    parts = [p for p in parts if len(p)]
    if not parts:
        return pd.DataFrame(columns=list(StationPoints.to_schema().columns))
    points = pd.concat(parts, ignore_index=True)
    kinds = points[["commune_code", "vintage", "basis"]].drop_duplicates()
    # `voters` sorts after `addresses`, a later year after an earlier one
    best = kinds.sort_values(["vintage", "basis"]).drop_duplicates("commune_code", keep="last")
    return points.merge(best, on=list(best.columns)).reset_index(drop=True)


def list_station_points(workspace: Workspace) -> list[tuple[str, str, Sheet]]:
    """Voters' points in place: `<department>-<basis>`, vintage, sheet; newest vintage first."""
    return _layers(workspace, "station_points")


# -- addresses and streets -----------------------------------------------------------------------


def write_addresses(staging: Staging, name: str, addresses: pd.DataFrame, sheet: Sheet) -> None:
    """Put numbered addresses in place (table Addresses); other communes of `name` stay."""
    _write_table(staging, f"reference/addresses/{name}", Addresses.check(addresses), sheet)


def write_voter_addresses(staging: Staging, name: str, voters: pd.DataFrame, sheet: Sheet) -> None:
    """Put voters per address in place (table VoterAddresses); other communes of `name` stay."""
    _write_table(staging, f"reference/voter_addresses/{name}", VoterAddresses.check(voters), sheet)


def write_street_ranges(staging: Staging, name: str, ranges: pd.DataFrame, sheet: Sheet) -> None:
    """Put numbers of streets per station in place (table StreetRanges)."""
    _write_table(staging, f"reference/street_ranges/{name}", StreetRanges.check(ranges), sheet)


def load_street_ranges(workspace: Workspace, communes: Sequence[str] | None = None) -> pd.DataFrame:
    """Which numbers of a street vote where (table StreetRanges); empty when none was imported."""
    parts = _tables(workspace, "street_ranges", communes)
    if not parts:
        return pd.DataFrame(columns=list(StreetRanges.to_schema().columns))
    return pd.concat(parts, ignore_index=True)


def write_door_layouts(staging: Staging, layouts: pd.DataFrame, sheet: Sheet) -> None:
    """Put doors of buildings in place (table DoorLayouts); other communes stay."""
    _write_table(staging, "reference/doors/campaign_latest", DoorLayouts.check(layouts), sheet)


def load_door_layouts(workspace: Workspace) -> pd.DataFrame:
    """Doors of the buildings that somebody described (table DoorLayouts); may be empty."""
    parts = _tables(workspace, "doors", None)
    if not parts:
        return DoorLayouts.empty()
    return DoorLayouts.check(pd.concat(parts, ignore_index=True))


def write_streets(staging: Staging, name: str, streets: gpd.GeoDataFrame, sheet: Sheet) -> None:
    """Put a layer of ways in place (table Streets)."""
    streets.to_parquet(staging.path(f"reference/streets/{name}.parquet"))
    _put_sheet(staging, f"reference/streets/{name}", sheet)


def write_backdrop(staging: Staging, name: str, layer: gpd.GeoDataFrame) -> None:
    """Put a layer that maps draw under the data (water, rail) in place."""
    layer.to_parquet(staging.path(f"reference/backdrop/{name}.parquet"))
    sheet = Sheet("", "", "", {}, len(layer), today())
    _put_sheet(staging, f"reference/backdrop/{name}", sheet)


def load_backdrop(workspace: Workspace) -> dict[str, gpd.GeoDataFrame]:
    """Layers drawn under the data, by name; empty when none was imported."""
    folder = workspace.reference / "backdrop"
    paths = sorted(folder.glob("*.parquet"))
    return {p.stem: _open(workspace, p, gpd.read_parquet) for p in paths}


def has_addresses(workspace: Workspace, communes: Sequence[str] | None = None) -> bool:
    """Whether addresses of these communes (of any) were imported."""
    filters = [("commune_code", "in", list(communes))] if communes is not None else None

    def rows(path: Path) -> int:
        return len(pd.read_parquet(path, columns=["commune_code"], filters=filters))

    paths = (workspace.reference / "addresses").glob("*.parquet")
    return any(_open(workspace, path, rows) for path in paths)


def load_addresses(workspace: Workspace, communes: Sequence[str] | None = None) -> pd.DataFrame:
    """Numbered addresses of these communes (table Addresses).

    Raises WorkspaceError if there is none.
    """
    parts = _tables(workspace, "addresses", communes)
    if not parts:
        where = " ".join(communes) if communes else "any commune"
        raise WorkspaceError(
            f"no addresses for {where}: run `python -m targeting import addresses FILE` with the "
            "department's BAN file (adresses-XX.csv.gz)."
        )
    return pd.concat(parts, ignore_index=True).drop_duplicates("address_id", ignore_index=True)


def load_voter_addresses(
    workspace: Workspace, communes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Registered voters per address (table VoterAddresses); empty when none was imported."""
    parts = _tables(workspace, "voter_addresses", communes)
    if not parts:
        return pd.DataFrame(columns=list(VoterAddresses.to_schema().columns))
    return pd.concat(parts, ignore_index=True)


def load_streets(workspace: Workspace, *, barriers: bool = True) -> gpd.GeoDataFrame | None:
    """Ways on foot (table Streets), or nothing when no layer was imported.

    Without `barriers`, the ways alone: what maps draw as streets.
    """
    paths = sorted((workspace.reference / "streets").glob("*.parquet"))
    if not paths:
        return None
    layers = [_open(workspace, p, gpd.read_parquet) for p in paths]
    joined = pd.concat(layers, ignore_index=True)
    if "is_noded" in joined:
        joined["is_noded"] = joined["is_noded"].eq(True)  # missing where a layer has no such column
    if not barriers:
        joined = joined[~joined["kind"].isin(list(BARRIER_KINDS))].reset_index(drop=True)
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=layers[0].crs)


def credits(workspace: Workspace) -> list[str]:
    """Credits of every source in the workspace, each once: they go under each map and export.

    What was made of several sources credits them on one line, parted by ` · `.
    """
    sheets = [election_sheet(workspace, e) for e in list_elections(workspace)]
    sheets += list_shares(workspace).values()
    for folder in (
        "stations", "addresses", "voter_addresses", "station_points", "street_ranges", "streets",
    ):  # fmt: skip
        sheets += [sheet for _, _, sheet in _layers(workspace, folder)]
    named = [" ".join(part.split()) for s in sheets for part in s.credit.split(" · ")]
    first: dict[str, str] = {}
    for name in filter(None, named):
        first.setdefault(_as_said(name), name)
    return list(first.values())


def _as_said(credit: str) -> str:
    """A credit whatever its capitals and apostrophes."""
    return credit.casefold().replace("’", "'").rstrip(".")


def known_file(sheets: Iterable[Sheet], sha256: str) -> bool:
    """Whether a file with this SHA-256 is wholly in place, by one of the sheets."""
    return any(sha256 in sheet.files for sheet in sheets)


def today() -> str:
    """Date written on a sheet."""
    return date.today().isoformat()


def list_layers(workspace: Workspace, folder: str) -> list[tuple[str, str, Sheet]]:
    """Sheets of one kind of reference (`addresses`, `voter_addresses`, `streets`, `stations`)."""
    return _layers(workspace, folder)


def _write_table(staging: Staging, name: str, table: pd.DataFrame, sheet: Sheet) -> None:
    old_table = staging.current(f"{name}.parquet")
    sheet = _told_lost(staging, old_table, sheet)
    if _is_kept(staging, old_table):
        old = pd.read_parquet(old_table)
        taken = old["commune_code"].isin(table["commune_code"].unique().tolist())
        if not taken.all():
            replaced = set(old.loc[taken, "commune_code"])
            table = pd.concat([old[~taken], table], ignore_index=True)
            before = load_sheet(staging.current(f"{name}.json"))
            sheet = sheet.over(before, replaced, rows=len(table))
            sheet.facts["communes"] = table["commune_code"].nunique()
    table.to_parquet(staging.path(f"{name}.parquet"), index=False)
    _put_sheet(staging, name, sheet)


def _put_sheet(staging: Staging, name: str, sheet: Sheet, *folders: str) -> None:
    """Write the sheet with the checksums of its tables, as they were staged."""
    stem, own = name.rpartition("/")[2], name.split("/")[1]
    tables = {
        f"{folder}/{stem}.parquet": staging.path(f"reference/{folder}/{stem}.parquet")
        for folder in folders or (own,)
    }
    staging.path(f"{name}.json").write_text(sealed_with(sheet, tables).dump())


def _is_kept(staging: Staging, old_table: Path) -> bool:
    """Whether rows of the table of before stay: it is there, and is what was written."""
    return old_table.exists() and not _is_damaged(staging, old_table)


def _is_damaged(staging: Staging, old_table: Path) -> bool:
    if old_table.is_relative_to(staging.aside) or not old_table.exists():
        return False
    workspace = Workspace(staging.root)
    tables = [old_table]
    if old_table.parent.name == "turnout":
        tables.append(old_table.parent.with_name("votes") / old_table.name)
    return not all(is_sound(workspace, t) for t in tables)


def _told_lost(staging: Staging, old_table: Path, sheet: Sheet) -> Sheet:
    """The sheet, saying which files are to be imported again after a damaged table was replaced."""
    lost: dict[str, str] = {}
    if old_table.exists() and sheet_path(old_table).exists():
        try:
            before = load_sheet(sheet_path(old_table))
        except WorkspaceError:
            return sheet
        lost = dict(before.facts.get(LOST, {}))
        if _is_damaged(staging, old_table):
            lost |= {sha: str(file.get("name", "")) for sha, file in before.files.items()}
    lost = {sha: name for sha, name in lost.items() if sha not in sheet.files}
    return replace(sheet, facts={**sheet.facts, LOST: lost}) if lost else sheet


def lost_files(workspace: Workspace) -> dict[str, list[str]]:
    """Tables that were damaged and replaced, with the files still to be imported again."""
    found = {}
    for path in sorted(workspace.reference.glob("*/*.json")):
        if lost := load_sheet(path).facts.get(LOST):
            found[f"{path.parent.name}/{path.stem}"] = sorted(set(lost.values()))
    return found


def _open(workspace: Workspace, table: Path, read: Callable[[Path], Read]) -> Read:
    """A table of `reference/`, once it is known to be what was written."""
    with told_as_damage(checked(workspace, table)):
        return read(table)


def _tables(
    workspace: Workspace, folder: str, communes: Sequence[str] | None
) -> list[pd.DataFrame]:
    filters = [("commune_code", "in", list(communes))] if communes is not None else None
    paths = sorted((workspace.reference / folder).glob("*.parquet"))
    tables = [
        _open(workspace, p, lambda path: pd.read_parquet(path, filters=filters)) for p in paths
    ]
    return [t for t in tables if len(t)]


def _sheet_of(workspace: Workspace, path: Path) -> Sheet:
    """A sheet; none of its files is in place where a table of its is damaged."""
    sheet = load_sheet(path)
    tables = [workspace.reference / name for name in sheet.checksums]
    return sheet if all(is_sound(workspace, t) for t in tables) else replace(sheet, files={})


def _layers(workspace: Workspace, folder: str) -> list[tuple[str, str, Sheet]]:
    found = []
    for path in (workspace.reference / folder).glob("*.json"):
        source, _, vintage = path.stem.rpartition("_")
        found.append((source or vintage, vintage, _sheet_of(workspace, path)))
    return sorted(found, key=lambda row: (row[1], row[0]), reverse=True)
