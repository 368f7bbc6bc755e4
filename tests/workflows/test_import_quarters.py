"""Quarters imported beside stations: once, in place of others, and where the campaign is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import SourceError, WorkspaceError
from targeting.reference.credits import credits
from targeting.reference.quarters import load_quarters, quarter_sheets
from targeting.workflows.imports.quarters import import_quarters
from targeting.workflows.imports.results import import_results
from targeting.workflows.imports.stations import import_stations
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations.board import load_board, write_quarters
from tests.official import (
    geojson,
    marseille_files,
    square,
)

CODES = ["0101", "0102", "0103", "069A"]


@pytest.fixture(scope="module")
def town_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four stations, a square of 1 km every 2 km, and two elections of theirs."""
    tmp_path = tmp_path_factory.mktemp("town")
    workspace = Workspace(tmp_path / "workspace")
    init_workspace(workspace, communes=["13055"])
    import_results(workspace, marseille_files(tmp_path))
    squares = [({"NUM_BV": c}, square(5.38 + 0.02 * i, 43.29)) for i, c in enumerate(CODES)]
    path = tmp_path / "outlines.geojson"
    path.write_text(geojson(squares))
    import_stations(workspace, path, commune_code="13055")
    return workspace.root


@pytest.fixture
def town(town_folder: Path, tmp_path: Path) -> Workspace:
    """A copy of the town."""
    return Workspace(shutil.copytree(town_folder, tmp_path / "town"))


def layer(tmp_path: Path, *rows: tuple[str, float, float], **more: object) -> Path:
    """Squares of a given side from a given longitude on, by name."""
    path = tmp_path / "quarters.geojson"
    features = [({"nom": n, **more}, square(west, 43.29, side)) for n, west, side in rows]
    path.write_text(geojson(features))
    return path


WEST, EAST = ("LE PANIER", 5.375, 0.03), ("BELSUNCE", 5.415, 0.03)


def call(workspace: Workspace, *arguments: object) -> Result:
    words = ["--workspace", str(workspace.root), "import", "quarters", *map(str, arguments)]
    return CliRunner().invoke(cli, words)


def test_stations_know_their_quarter_and_a_second_import_changes_nothing(
    town: Workspace, tmp_path: Path
) -> None:
    path = layer(tmp_path, WEST, EAST)
    first = call(town, path, "--credit", "Ville d’Essai, ODbL")
    assert first.exit_code == 0, first.output
    assert first.output.splitlines()[-2:] == [
        "quarters.geojson: 2 quarters of 13055, names in “nom”",
        "  4 of 4 stations lie in a quarter",
    ]
    board = load_board(town)
    assert dict(board.table["quarter"].sort_index()) == {
        "13055_0101": "Le Panier", "13055_0102": "Le Panier",
        "13055_0103": "Belsunce", "13055_069A": "Belsunce",
    }  # fmt: skip
    assert "Ville d’Essai, ODbL" in credits(town)
    drawn = write_quarters(town)
    assert drawn is not None
    names = [f["properties"]["name"] for f in json.loads(drawn.path.read_text())["features"]]
    assert names == ["Belsunce", "Le Panier"] * 2
    before = {p: p.stat().st_mtime_ns for p in town.reference.rglob("quarters/*")}
    assert len(before) == 2
    assert "(already imported: nothing changed)" in call(town, path).output
    assert {p: p.stat().st_mtime_ns for p in town.reference.rglob("quarters/*")} == before


def test_another_file_takes_the_place_of_the_whole(town: Workspace, tmp_path: Path) -> None:
    import_quarters(town, layer(tmp_path, WEST, EAST))
    other = layer(tmp_path, ("Arenc", 5.375, 0.03)).rename(tmp_path / "arenc.geojson")
    told = import_quarters(town, other)
    assert told.notes == ["takes the place of quarters.geojson"]
    assert (told.stations, told.stations_inside) == (4, 2)
    quarters = load_quarters(town, ["13055"])
    assert quarters is not None
    assert quarters["name"].to_list() == ["Arenc"]
    assert load_quarters(town, ["13001"]) is None
    assert next(iter(quarter_sheets(town)["13055"].files.values()))["name"] == "arenc.geojson"


def test_the_same_file_read_by_another_property_is_another_layer(
    town: Workspace, tmp_path: Path
) -> None:
    path = layer(tmp_path, WEST, alias="Vieux Port")
    assert not import_quarters(town, path, name_column="nom").unchanged
    assert not import_quarters(town, path, name_column="alias").unchanged
    assert import_quarters(town, path, name_column="alias").unchanged


def test_neighbours_in_a_file_that_names_no_commune_are_left_out(
    town: Workspace, tmp_path: Path
) -> None:
    """East ends where the last station does: its neighbour has a hundredth of a station at most."""
    neighbour, far = ("AUBAGNE", 5.44995, 0.03), ("CASSIS", 5.6, 0.03)
    told = import_quarters(town, layer(tmp_path, WEST, EAST, neighbour, far))
    assert told.quarters == 2
    assert told.notes == [
        "2 quarters without a station or an address of 13055 left out: AUBAGNE, CASSIS"
    ]
    kept = import_quarters(town, layer(tmp_path, WEST, EAST, neighbour, insee="13055"))
    assert kept.quarters == 3


def test_quarters_of_elsewhere_are_refused_and_nothing_is_written(
    town: Workspace, tmp_path: Path
) -> None:
    path = layer(tmp_path, ("Vieux Lille", 3.05, 0.03))
    refused = call(town, path)
    assert refused.exit_code == 2
    assert "its quarters lie 187 km from the nearest station or address of 13055" in refused.output
    with pytest.raises(SourceError, match="has a station or an address of 13055 in it"):
        import_quarters(town, layer(tmp_path, ("Voisin", 5.4505, 0.01)))
    assert load_quarters(town) is None
    assert quarter_sheets(town) == {}


def test_quarters_before_any_station_go_in_and_say_that_nothing_was_compared(
    workspace: Workspace, tmp_path: Path
) -> None:
    told = import_quarters(workspace, layer(tmp_path, WEST))
    assert told.notes == ["neither stations nor addresses to compare its place with"]
    assert told.stations == 0


def test_real_quarters_do_not_go_into_the_invented_town(demo_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="real data must not mix"):
        import_quarters(Workspace(demo_folder), layer(tmp_path, WEST))
