"""Outlines and points of stations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.held import OUTLINED, list_stations
from targeting.reference.sheets import Sheet, load_sheet
from targeting.reference.staging import Staging
from targeting.reference.tables import load_tables, open_table, put_sheet, write_table
from targeting.tables import StationPoints


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
    put_sheet(staging, name, sheet)


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
        layer = open_table(workspace, path, gpd.read_parquet)
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
    return open_table(workspace, path, gpd.read_parquet)


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
    write_table(staging, f"reference/station_points/{name}", StationPoints.check(points), sheet)


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
    parts = load_tables(workspace, "station_points", communes)
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
