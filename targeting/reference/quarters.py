"""Quarters of communes: a table a commune, each replaced whole."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from targeting.config import Workspace
from targeting.reference.sheets import Sheet
from targeting.reference.staging import Staging
from targeting.reference.tables import list_layers, open_table, put_sheet

FOLDER = "quarters"


def write_quarters(
    staging: Staging, commune: str, quarters: gpd.GeoDataFrame, sheet: Sheet
) -> None:
    """Put the quarters of one commune in place (table Quarters, EPSG:2154)."""
    name = f"reference/{FOLDER}/{commune}_latest"
    quarters.to_parquet(staging.path(f"{name}.parquet"))
    put_sheet(staging, name, sheet)


def load_quarters(
    workspace: Workspace, communes: Sequence[str] | None = None
) -> gpd.GeoDataFrame | None:
    """Quarters of these communes (table Quarters), or nothing where none was imported."""
    parts = [
        open_table(workspace, path, gpd.read_parquet)
        for path in sorted((workspace.reference / FOLDER).glob("*_latest.parquet"))
        if communes is None or path.stem.removesuffix("_latest") in communes
    ]
    if not parts:
        return None
    both = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(both, geometry="geometry", crs=parts[0].crs)


def quarter_sheets(workspace: Workspace) -> dict[str, Sheet]:
    """Commune → the sheet of its quarters."""
    return {source: sheet for source, _, sheet in list_layers(workspace, FOLDER)}
