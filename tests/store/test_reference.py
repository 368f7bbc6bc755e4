"""Stations of several origins and vintages in one workspace; where their voters live."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.reference.held import list_station_points
from targeting.reference.sheets import SOURCES, Sheet
from targeting.reference.staging import staged
from targeting.reference.stations import (
    find_stations,
    load_station_points,
    load_stations,
    write_station_points,
    write_stations,
)
from targeting.workflows.setup import init_workspace, readiness


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "workspace")
    init_workspace(made)
    return made


def sheet() -> Sheet:
    return Sheet("someone", "unstated", "someone", {}, 1, "2026-01-01")


def layer(origin: str, vintage: str, *, commune: str = "44001") -> gpd.GeoDataFrame:
    place = shapely.box(350_000, 6_690_000, 351_000, 6_691_000)
    table = pd.DataFrame(
        {
            "station_id": [f"{commune}_0001"],
            "vintage": [vintage],
            "commune_code": [commune],
            "number": ["0001"],
            "name": pd.Series([None], dtype="str"),
            "polling_place": pd.Series([None], dtype="str"),
            "origin": [origin],
        }
    )
    geometry = [place.centroid if origin == "points" else place]
    return gpd.GeoDataFrame(table, geometry=geometry, crs="EPSG:2154")


def put(workspace: Workspace, source: str, stations: gpd.GeoDataFrame) -> None:
    with staged(workspace) as staging:
        vintage = stations["vintage"].iloc[0]
        write_stations(staging, source, vintage, stations, sheet())


def test_a_layer_of_points_is_never_taken_for_outlines(workspace: Workspace) -> None:
    put(workspace, "44001-points", layer("points", "2022"))
    assert find_stations(workspace) is None
    assert not readiness(workspace).has_stations
    with pytest.raises(WorkspaceError, match="no station outlines"):
        load_stations(workspace, ["44001"])
    put(workspace, "44001", layer("published", "2012"))
    assert load_stations(workspace)["vintage"].to_list() == ["2012"]
    points = load_stations(workspace, origins=("points",))
    assert points.geometry.geom_type.to_list() == ["Point"]
    assert readiness(workspace).has_stations


def points(vintage: str, basis: str, *, commune: str = "44001", weight: float = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "station_id": [f"{commune}_0001", f"{commune}_0002"],
            "vintage": vintage,
            "commune_code": commune,
            "x": 350_000.0,
            "y": [6_690_000.0, 6_690_100.0],
            "weight": float(weight),
            "basis": basis,
            "address_id": pd.Series([None, None], dtype="str"),
        }
    )


def put_points(workspace: Workspace, table: pd.DataFrame) -> None:
    name = f"{table['commune_code'].iloc[0][:2]}-{table['basis'].iloc[0]}"
    with staged(workspace) as staging:
        write_station_points(staging, f"{name}_{table['vintage'].iloc[0]}", table, sheet())


def test_points_of_one_commune_are_of_one_vintage_and_one_basis(workspace: Workspace) -> None:
    assert load_station_points(workspace).empty
    for vintage, basis in (("2012", "voters"), ("2022", "addresses"), ("2012", "addresses")):
        put_points(workspace, points(vintage, basis))
    put_points(workspace, points("2012", "voters", commune="44002"))
    newest = load_station_points(workspace)
    kinds = set(zip(newest["commune_code"], newest["vintage"], newest["basis"], strict=True))
    assert kinds == {("44001", "2022", "addresses"), ("44002", "2012", "voters")}
    then = load_station_points(workspace, ["44001"], "2012")
    assert (len(then), set(then["basis"])) == (2, {"voters"})
    kinds = [(kind, year) for kind, year, _ in list_station_points(workspace)]
    assert kinds == [("44-addresses", "2022"), ("44-voters", "2012"), ("44-addresses", "2012")]


def test_a_point_without_weight_is_refused(workspace: Workspace) -> None:
    with pytest.raises(TargetingError, match="weight"):
        put_points(workspace, points("2012", "voters", weight=0))
    assert load_station_points(workspace).empty


def test_no_folder_of_open_data_is_forgotten_by_ways_out_credits_and_health(demo_folder):
    """What `reference` writes is in the one list, and each of its kinds has its words."""
    import re

    from targeting.locale import text_in
    from targeting.reference import quarters, sheets
    from targeting.shipped import PACKAGE

    code = "".join(p.read_text() for p in (PACKAGE / "reference").glob("*.py"))
    written = set(re.findall(r'"reference/(\w+)/', code)) | {quarters.FOLDER}
    assert written == set(sheets.COMMANDS)
    folders = demo_folder / "reference"
    sheeted = {p.parent.name for p in folders.glob("*/*.json")}
    assert {"turnout", "streets"} <= sheeted <= {*sheets.SOURCES, *sheets.NO_SOURCE}
    for lang in ("fr", "en"):
        assert all(text_in(lang, f"source.{folder}") for folder in sheets.SOURCES)


@pytest.mark.parametrize("folder", [f for f in SOURCES if f not in ("turnout", "shares")])
def test_every_folder_is_credited_and_told_by_health(workspace, folder):
    from targeting.reference.credits import credits
    from targeting.reference.staging import staged
    from targeting.reference.tables import put_sheet
    from targeting.workflows.stations.health import _sources

    with staged(workspace) as staging:
        staging.path(f"reference/{folder}/13055_2022.parquet").write_bytes(b"table")
        sheet = Sheet(
            publisher="somebody", licence="ours", credit=f"by {folder}", files={}, rows=1,
            imported_on="2026-01-01",
        )  # fmt: skip
        put_sheet(staging, f"reference/{folder}/13055_2022", sheet)
    assert credits(workspace) == [f"by {folder}"]
    assert list(_sources(workspace, date(2026, 1, 2))["kind"]) == [folder]
