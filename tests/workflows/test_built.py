"""Outlines built by the command line, from each source, in an invented town of the Sarthe."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.reference.held import list_stations
from targeting.reference.stations import load_station_points, load_stations
from targeting.workflows.setup import init_workspace
from tests.official import geojson, square
from tests.sources.test_addresses import BAN_HEADER, PARIS_HEADER
from tests.sources.test_voter_places import RANGES, REU, reu

pytestmark = pytest.mark.slow  # outlines built of towns

STREETS = ("Rue des Tanneurs", "Rue Basse", "Rue Haute")
NUMBERS = range(1, 21)
WEST, SOUTH = 652_000, 6_862_000


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "workspace")
    init_workspace(made, communes=["75056"])
    return made


def call(workspace: Workspace, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])


def done(workspace: Workspace, *arguments: object) -> dict[str, object]:
    result = call(workspace, *arguments, "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, object] = json.loads(result.stdout)
    return told


def ban(folder: Path) -> Path:
    """Three parallel streets 100 m apart, twenty numbers each, 20 m apart."""
    lines = [BAN_HEADER]
    for s, street in enumerate(STREETS):
        for n in NUMBERS:
            lines.append(
                f"75101_{s:04d}_{n:05d};;{n};;{street};75001;75101;Paris;;;{WEST + 20 * n};"
                f"{SOUTH + 100 * s};2.3;48.8;entrée;;;PARIS;RUE;commune;commune;1;"
            )
    path = folder / "ban.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def voters(folder: Path) -> Path:
    """Station 01 has the low numbers of every street, station 02 the high ones."""
    lines = [PARIS_HEADER]
    for street in STREETS:
        kind, _, name = street.upper().partition(" ")
        lines += [f"01,{'01' if n <= 10 else '02'},{n},{kind},{name},{n},x" for n in NUMBERS]
    path = folder / "voters.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def assert_built(workspace: Workspace, told: dict[str, object], stations: list[str]) -> dict:
    [built] = told["built"]
    assert max(built["gap"], built["overlap"]) < 1e-6
    layer = load_stations(workspace, [built["commune_code"]], origins=("built",))
    assert layer["station_id"].to_list() == stations
    assert set(layer["origin"]) == {"built"}
    assert layer.geometry.is_valid.all()
    return built


@pytest.mark.parametrize("first", ["ban", "voters"])
def test_voters_and_addresses_give_points_whichever_comes_first_and_outlines(
    workspace: Workspace, tmp_path: Path, first: str
) -> None:
    files = [ban(tmp_path), voters(tmp_path)]
    if first == "voters":
        files.reverse()
    assert done(workspace, "import", "addresses", files[0])["placed"] is None
    assert load_station_points(workspace).empty
    assert done(workspace, "import", "addresses", files[1])["placed"] == 3 * 210
    points = load_station_points(workspace, ["75056"])
    assert len(points) == 60
    assert points["weight"].sum() == 630
    assert set(points["vintage"]) == {"2012"}
    assert points["address_id"].str.startswith("75101_").all()
    told = done(workspace, "stations", "build")
    built = assert_built(workspace, told, ["75056_0101", "75056_0102"])
    assert (built["source"], built["vintage"], built["inside_share"]) == ("voters", "2012", 1.0)
    assert "no polygon of the commune" in built["ground"]
    border = load_stations(workspace).geometry
    assert border[0].intersection(border[1]).centroid.x == pytest.approx(WEST + 210, abs=1)
    [(_, _, sheet)] = list_stations(workspace)
    assert "BAN" in sheet.credit
    assert "Coulmont" in sheet.credit


def test_published_outlines_give_the_ground_and_stay_beside(
    workspace: Workspace, tmp_path: Path
) -> None:
    done(workspace, "import", "addresses", ban(tmp_path))
    done(workspace, "import", "addresses", voters(tmp_path))
    path = tmp_path / "outlines.geojson"
    paris = {"arrondissement": 1, "num_bv": 1, "id_bv": "1-1"}
    path.write_text(geojson([(paris, square(2.34, 48.85, 0.02))]))
    done(workspace, "import", "stations", path, "--vintage", "2017")
    built = done(workspace, "stations", "build", "--from", "voters")["built"][0]
    assert built["ground"] == "what the published outlines of 2017 cover"
    ground = load_stations(workspace, vintage="2017").geometry.area.sum()
    area = load_stations(workspace, vintage="2012").geometry.area.sum()
    assert area == pytest.approx(ground, rel=1e-6)
    assert set(load_stations(workspace)["origin"]) == {"published"}, "the newest vintage"


def test_outlines_of_a_part_of_the_commune_are_not_its_ground(
    workspace: Workspace, tmp_path: Path
) -> None:
    done(workspace, "import", "addresses", ban(tmp_path))
    done(workspace, "import", "addresses", voters(tmp_path))
    path = tmp_path / "outlines.geojson"
    paris = {"arrondissement": 1, "num_bv": 1, "id_bv": "1-1"}
    path.write_text(geojson([(paris, square(2.34, 48.85, 0.001))]))
    done(workspace, "import", "stations", path, "--vintage", "2017")
    built = done(workspace, "stations", "build")["built"][0]
    assert "the published outlines of 2017 hold only 0%" in built["ground"]
    assert built["inside_share"] == 1.0


def test_addresses_of_the_roll_give_outlines(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "reu.csv"
    lines = [reu(f"29039_{1 + (i > 9)}", f"{-3.92 + i / 1000}", "47.87") for i in range(20)]
    path.write_text("\n".join([REU, *lines]) + "\n")
    assert done(workspace, "import", "addresses", path)["kind"] == "points"
    assert done(workspace, "import", "addresses", path)["unchanged"] is True
    told = done(workspace, "stations", "build", "--commune", "29039")
    built = assert_built(workspace, told, ["29039_0001", "29039_0002"])
    assert (built["source"], built["weight"], built["inside_share"]) == ("points", 40.0, 1.0)


def test_other_communes_of_the_same_file_are_imported_later(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "reu.csv"
    path.write_text("\n".join([REU, reu(), reu("29116_1", commune="29116")]) + "\n")
    for commune in ("29039", "29116"):
        told = done(workspace, "import", "addresses", path, "--commune", commune)
        assert told["unchanged"] is False
    points = load_station_points(workspace)
    assert sorted(points["commune_code"]) == ["29039", "29116"]


def test_a_point_a_station_gives_outlines(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(
        "codeBureauVote,longitude,latitude\n72181_0001,0.19,48.01\n72181_0002,0.2,48.0\n"
    )
    done(workspace, "import", "stations", path, "--vintage", "2022")
    told = done(workspace, "stations", "build", "--commune", "72181", "--from", "points")
    assert_built(workspace, told, ["72181_0001", "72181_0002"])


def test_a_table_of_streets_gives_outlines(workspace: Workspace, tmp_path: Path) -> None:
    done(workspace, "import", "addresses", ban(tmp_path))
    path = tmp_path / "streets.csv"
    lines = ["1;TANNEURS (RUE DES);2;10;1;11;1;E", "1;TANNEURS (RUE DES);12;20;13;19;2;E",
             "1;BASSE (RUE);2;10;1;11;1;E", "1;BASSE (RUE);12;20;13;19;2;E", "1;HAUTE (RUE);;;;;2;E"]  # fmt: skip
    path.write_text("\n".join([RANGES, *lines]) + "\n")
    assert done(workspace, "import", "addresses", path)["kind"] == "ranges"
    asked = call(workspace, "stations", "build", "--from", "ranges")
    assert asked.exit_code == 2
    assert "--vintage 2022" in asked.stderr
    told = done(workspace, "stations", "build", "--from", "ranges", "--vintage", "2014")
    built = assert_built(workspace, told, ["75056_0001", "75056_0002"])
    assert (built["points"], built["inside_share"], built["vintage"]) == (60, 1.0, "2014")


@pytest.mark.parametrize(
    ("options", "words"),
    [([], "table-adresses-reu"), (["--from", "voters"], r"\(voters\)"),
     (["--vintage", "22"], "four digits"), (["--from", "maps"], "maps")],
)  # fmt: skip
def test_without_points_nothing_is_built_and_the_way_is_told(
    workspace: Workspace, options: list[str], words: str
) -> None:
    result = call(workspace, "stations", "build", *options)
    assert result.exit_code == 2
    assert re.search(words, result.stderr)
    assert list_stations(workspace) == []
