"""Turfs in every format, read back: the same doors, text that stays text, nobody's name."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import LineString

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.turf.describe import barriers_crossed
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.setup import init_workspace
from targeting.workflows.turfs.cutting import cut_campaign_turfs
from targeting.workflows.turfs.files import (
    STOP_COLUMNS,
    TURF_COLUMNS,
    export_turfs,
)
from tests.workflows.test_import_streets import along, ban

pytestmark = pytest.mark.slow  # a town cut and written in every format

HOSTILE = '=HYPERLINK("http://x")&<script>'
FIELD_6_2 = """turf_id, version, rank, station_ids, priority, priority_low, priority_high, n_doors,
n_buildings, n_excluded, minutes_expected, minutes_low, minutes_high, walk_m, barriers_crossed,
start_address, end_address, expected_open, expected_talks, votes_p10, votes_p50, votes_p90,
assigned_to, session_date, status, doors_done, doors_redo, last_visit, created_by, created_at,
inputs_hash"""


@pytest.fixture
def town(tmp_path: Path) -> Workspace:
    """Forty doors in two streets, one of them with a hostile name."""
    workspace = Workspace(tmp_path / "workspace")
    init_workspace(workspace, communes=["13055"])
    rows = [*along("Rue Basse"), *along(HOSTILE, y=109.0)]
    import_addresses(workspace, ban(tmp_path / "ban.csv", rows))
    cut_campaign_turfs(workspace, chosen="all", doors=10)
    return workspace


def stops(town: Workspace, tmp_path: Path) -> pd.DataFrame:
    export_turfs(town, tmp_path / "stops.csv")
    return pd.read_csv(tmp_path / "stops.csv", dtype=str, keep_default_na=False)


def test_the_turf_table_has_the_fields_agreed_and_no_hold_out() -> None:
    wanted = [c.strip() for c in FIELD_6_2.replace("\n", " ").split(",")]
    assert set(wanted) <= set(TURF_COLUMNS)
    assert "arm" not in TURF_COLUMNS


def test_a_workbook_has_both_tables_and_not_one_formula(town: Workspace, tmp_path: Path) -> None:
    export_turfs(town, tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames[:2] == ["turfs", "stops"]
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert {c.data_type for c in cells} <= {"s", "n", "b"}
    assert [c.value for c in book["turfs"][1]] == TURF_COLUMNS
    assert [c.value for c in book["stops"][1]] == STOP_COLUMNS
    assert book["stops"].max_row == 41
    for sheet in book:  # printed one page wide, whatever its columns
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert f"'{HOSTILE}" in {c.value for c in cells}, "guarded as in the CSV"


def test_maps_have_one_row_a_turf_with_every_field(town: Workspace, tmp_path: Path) -> None:
    for name in ("t.geojson", "t.gpkg"):
        export_turfs(town, tmp_path / name)
        table = gpd.read_file(tmp_path / name)
        assert set(TURF_COLUMNS) <= set(table.columns)
        assert table["n_doors"].sum() == 40
        assert (table["votes_p10"] < table["votes_p90"]).all()
        assert table["inputs_hash"].nunique() == 1


def test_a_route_on_a_phone_has_the_stops_in_walking_order(town: Workspace, tmp_path: Path) -> None:
    export_turfs(town, tmp_path / "t.gpx")
    wanted = stops(town, tmp_path)
    space = {"g": "http://www.topografix.com/GPX/1/1"}
    routes = ET.parse(tmp_path / "t.gpx").getroot().findall("g:rte", space)
    found = [
        (r.findtext("g:name", namespaces=space), int(p.findtext("g:name", namespaces=space).split(".")[0]),
         p.get("lat"), p.get("lon"))
        for r in routes for p in r.findall("g:rtept", space)
    ]  # fmt: skip
    assert [(t, n) for t, n, _, _ in found] == [
        (t, int(n)) for t, n in zip(wanted["turf_id"], wanted["visit_order"], strict=True)
    ]
    assert [float(lat) for *_, lat, _ in found] == pytest.approx(
        wanted["latitude"].astype(float).tolist()
    )


def test_a_map_file_says_hostile_names_as_text(town: Workspace, tmp_path: Path) -> None:
    export_turfs(town, tmp_path / "t.kml")
    root = ET.parse(tmp_path / "t.kml").getroot()
    space = {"k": "http://www.opengis.net/kml/2.2"}
    points = root.findall(".//k:Placemark[k:Point]", space)
    assert len(points) == 40
    assert any(HOSTILE in p.findtext("k:name", namespaces=space) for p in points)
    assert not root.findall(".//{*}script")


def test_other_systems_get_addresses_in_their_words_and_nobodys_name(
    town: Workspace, tmp_path: Path
) -> None:
    export_turfs(town, tmp_path / "van.csv", layout="van")
    van = pd.read_csv(tmp_path / "van.csv", encoding="utf-8-sig")
    assert list(van.columns) == [
        "Turf", "Sequence", "StreetNo", "StreetNoHalf", "StreetName", "City", "Zip5", "Units",
        "Latitude", "Longitude",
    ]  # fmt: skip
    assert len(van) == 40
    export_turfs(town, tmp_path / "nb.csv", layout="nationbuilder")
    nb = pd.read_csv(tmp_path / "nb.csv", encoding="utf-8-sig", dtype=str)
    assert len(nb) == nb["external_id"].nunique() == 40
    assert nb["tag_list"].str.fullmatch(r"turf S\d{4}, order \d{3}").all()
    assert not any(c in nb.columns for c in ("first_name", "last_name", "email", "support_level"))


def test_an_unknown_layout_or_format_is_refused_before_anything_is_written(
    town: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(TargetingError, match="van or nationbuilder"):
        export_turfs(town, tmp_path / "x.csv", layout="qomon")
    with pytest.raises(TargetingError, match=r"as a \.csv"):
        export_turfs(town, tmp_path / "x.xlsx", layout="van")
    with pytest.raises(TargetingError, match="unknown format"):
        export_turfs(town, tmp_path / "x.doc")
    assert not list(tmp_path.glob("x.*"))


def test_the_same_turfs_have_the_same_hash_and_other_parameters_another(
    town: Workspace, tmp_path: Path
) -> None:
    def hashed(name: str) -> str:
        export_turfs(town, tmp_path / name)
        return str(gpd.read_file(tmp_path / name)["inputs_hash"].iloc[0])

    first = hashed("a.geojson")
    cut_campaign_turfs(town, chosen="all", doors=10)
    assert hashed("b.geojson") == first
    cut_campaign_turfs(town, chosen="all", doors=12)
    assert hashed("c.geojson") != first


def test_legs_over_water_are_counted_and_those_beside_it_are_not() -> None:
    walk = pd.DataFrame(
        {
            "turf_id": ["A", "A", "A", "B", "B"], "visit_order": [1, 2, 3, 1, 2],
            "x": [0.0, 10, 20, 0, 5], "y": [0.0, 0, 0, 50, 50],
        }
    )  # fmt: skip
    river = gpd.GeoSeries([LineString([(15, -20), (15, 100)])], crs="EPSG:2154")
    assert barriers_crossed(walk, river).to_dict() == {"A": 1, "B": 0}
    assert barriers_crossed(walk, None).to_dict() == {"A": 0, "B": 0}
