"""Streets, and the backdrop of maps."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from targeting.codes import BARRIER_KINDS
from targeting.config import Workspace
from targeting.reference.sheets import Sheet
from targeting.reference.staging import Staging
from targeting.reference.tables import open_table, put_sheet, today


def write_streets(staging: Staging, name: str, streets: gpd.GeoDataFrame, sheet: Sheet) -> None:
    """Put a layer of ways in place (table Streets)."""
    streets.to_parquet(staging.path(f"reference/streets/{name}.parquet"))
    put_sheet(staging, f"reference/streets/{name}", sheet)


def write_backdrop(staging: Staging, name: str, layer: gpd.GeoDataFrame) -> None:
    """Put a layer that maps draw under the data (water, rail) in place."""
    layer.to_parquet(staging.path(f"reference/backdrop/{name}.parquet"))
    sheet = Sheet("", "", "", {}, len(layer), today())
    put_sheet(staging, f"reference/backdrop/{name}", sheet)


def load_backdrop(workspace: Workspace) -> dict[str, gpd.GeoDataFrame]:
    """Layers drawn under the data, by name; empty when none was imported."""
    folder = workspace.reference / "backdrop"
    paths = sorted(folder.glob("*.parquet"))
    return {p.stem: open_table(workspace, p, gpd.read_parquet) for p in paths}


def load_streets(workspace: Workspace, *, barriers: bool = True) -> gpd.GeoDataFrame | None:
    """Ways on foot (table Streets), or nothing when no layer was imported.

    Without `barriers`, the ways alone: what maps draw as streets.
    """
    paths = sorted((workspace.reference / "streets").glob("*.parquet"))
    if not paths:
        return None
    layers = [open_table(workspace, p, gpd.read_parquet) for p in paths]
    joined = pd.concat(layers, ignore_index=True)
    if "is_noded" in joined:
        joined["is_noded"] = joined["is_noded"].eq(True)  # missing where a layer has no such column
    if not barriers:
        joined = joined[~joined["kind"].isin(list(BARRIER_KINDS))].reset_index(drop=True)
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=layers[0].crs)
