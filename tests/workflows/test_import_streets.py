"""`import streets`: what is kept, told and refused, and the graph that is kept between cuts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.reference.credits import credits
from targeting.reference.streets import load_streets
from targeting.workflows.buildings import load_buildings
from targeting.workflows.cache import damage
from targeting.workflows.setup import init_workspace
from targeting.workflows.turfs.walking import read_graph, told_links, walking_graph
from tests.osm_files import ORIGIN, cross_town, osm_xml, write_pbf

pytestmark = pytest.mark.slow  # streets built anew again and again

HEADER = "id;numero;rep;nom_voie;code_postal;code_insee;x;y;lon;lat"
HOUSE = {"highway": "residential"}

Row = tuple[str, int, float, float]


def call(workspace: Workspace, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])


def done(workspace: Workspace, *arguments: object) -> dict:
    result = call(workspace, *arguments, "--json")
    assert result.exit_code == 0, result.output
    told: dict = json.loads(result.stdout)
    return told


def refused(workspace: Workspace, *arguments: object) -> str:
    """The one line of a refusal, after which the streets are as they were."""
    before = {p.name: p.read_bytes() for p in (workspace.reference / "streets").glob("*")}
    result = call(workspace, *arguments)
    assert result.exit_code == 2, result.output
    after = {p.name: p.read_bytes() for p in (workspace.reference / "streets").glob("*")}
    assert after == before
    return next(line for line in result.stderr.splitlines() if line.startswith("Error"))


def ban(path: Path, rows: list[Row], commune: str = "13055") -> Path:
    """A BAN file: street, number, metres from the invented town's corner."""
    lines = [
        f"{commune}_{k:04d}_{number:05d};{number};;{street};13001;{commune};{ORIGIN[0] + x:.2f};"
        f"{ORIGIN[1] + y:.2f};5.4;43.3"
        for k, (street, number, x, y) in enumerate(rows)
    ]
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def along(street: str = "Rue Basse", *, y: float = 9.0, shift: float = 0.0) -> list[Row]:
    """Twenty numbers of a street that runs west-east, both sides."""
    return [(street, n, shift + 10.0 + 18 * n, y if n % 2 else y - 18) for n in range(1, 21)]


@pytest.fixture
def town(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Twenty numbers of Rue Basse, ten on the quay, of which four on the wrong bank's side."""
    quay = [("Quai Haut", n, 30.0 * n, 131.0) for n in range(1, 7)]
    wet = [("Quai Haut", n, 120 + 10.0 * n, 92.0) for n in range(7, 11)]
    done(workspace, "import", "addresses", ban(tmp_path / "ban.csv", [*along(), *quay, *wet]))
    return workspace


@pytest.fixture
def osm(tmp_path: Path) -> Path:
    path = tmp_path / "town.osm"
    path.write_text(cross_town())
    return path


def test_the_report_tells_kilometres_names_and_who_was_moved(town: Workspace, osm: Path) -> None:
    told = done(town, "import", "streets", osm)
    assert (told["ways"], told["parts"], told["main_share"]) == (5, 1, 1.0)
    assert told["walked_km"] == pytest.approx(1.3, abs=0.01)
    assert told["km"]["bridge"] == pytest.approx(0.04, abs=0.001)
    assert told["snaps"] | {"median_m": 0, "p95_m": 0} == {
        "addresses": 30, "covered": 30, "median_m": 0, "p95_m": 0, "own_street": 26, "moved": 4,
        "stranded": 0, "beyond": 0, "far": 0, "private": 0,
    }  # fmt: skip
    assert told["snaps"]["median_m"] == pytest.approx(9, abs=0.1)
    text = call(town, "import", "streets", osm).stdout
    assert "30 of 30 addresses (100.0%)" in text
    assert "4 across a barrier and moved to their side" in text
    assert "© OpenStreetMap contributors, ODbL" in text
    assert credits(town)[-1] == "© OpenStreetMap contributors, ODbL"


def test_the_same_file_twice_changes_nothing(town: Workspace, osm: Path) -> None:
    first = done(town, "import", "streets", osm)
    place = town.reference / "streets/campaign_latest.parquet"
    before = place.stat().st_mtime_ns
    again = done(town, "import", "streets", osm)
    assert again == first | {"unchanged": True}
    assert place.stat().st_mtime_ns == before


def test_a_file_of_another_town_is_refused_with_the_figures(
    town: Workspace, osm: Path, tmp_path: Path
) -> None:
    away = {"a": (30_000, 0), "b": (30_400, 0)}
    far = tmp_path / "far.osm"
    far.write_text(osm_xml(away, [("ab", HOUSE | {"name": "Rue Basse"})]))
    message = refused(town, "import", "streets", far)
    assert "none" not in message
    assert "no street within 2 km of any of the 30 addresses" in message
    assert "some 30 km" in message
    assert "--commune" in message
    names = tmp_path / "names.osm"
    names.write_text(cross_town().replace("Rue Basse", "Rua Direita").replace("Quai", "Cais"))
    message = refused(town, "import", "streets", names)
    assert "the names are not those of the addresses" in message
    assert "0.0% on a street of their name" in message


def test_a_neighbour_that_touches_the_town_by_nine_addresses_of_a_thousand_is_refused(
    workspace: Workspace, osm: Path, tmp_path: Path
) -> None:
    many = [(f"Rue {k}", n, 1500 + 10.0 * n, 20.0 * k) for k in range(50) for n in range(1, 21)]
    done(workspace, "import", "addresses", ban(tmp_path / "ban.csv", [*along()[:9], *many]))
    message = refused(workspace, "import", "streets", osm)
    assert "9 of 1,009 addresses (0.9%) within 60 m" in message


def test_a_file_of_a_part_of_the_town_is_taken_and_told(
    workspace: Workspace, osm: Path, tmp_path: Path
) -> None:
    rows = [*along(), *along("Rue Lointaine", shift=3000), ("Le Mas", 1, 9000.0, 9000.0)]
    done(workspace, "import", "addresses", ban(tmp_path / "ban.csv", rows))
    told = done(workspace, "import", "streets", osm)["snaps"]
    assert [told[k] for k in ("addresses", "covered", "beyond", "far")] == [41, 20, 20, 1]
    cut = done(workspace, "turfs", "cut", "--stations", "all", "--doors", "10")
    assert cut["left_out_by_reason"] == {"far_from_streets": 1}
    assert (cut["doors_in"], cut["doors_in_turfs"]) == (41, 40)
    streets = {t["start_address"].split(" ", 1)[1] for t in cut["table"]}
    assert streets == {"Rue Basse", "Rue Lointaine"}


def test_streets_are_kept_around_the_addresses_alone(
    town: Workspace, osm: Path, tmp_path: Path
) -> None:
    nodes = {"a": (0, 0), "b": (400, 0), "c": (9000, 0), "d": (9400, 0)}
    path = tmp_path / "region.osm"
    path.write_text(osm_xml(nodes, [("ab", HOUSE | {"name": "Rue Basse"}), ("cd", HOUSE)]))
    assert done(town, "import", "streets", path)["rows"] == 1


def test_before_any_address_streets_are_taken_whole_and_not_compared(
    workspace: Workspace, osm: Path
) -> None:
    told = done(workspace, "import", "streets", osm)
    assert told["snaps"] is None
    assert told["rows"] == 6
    assert "import addresses" in refused(workspace, "import", "streets", osm, "--commune", "13001")


def test_addresses_imported_since_make_the_same_file_kept_anew(
    workspace: Workspace, osm: Path, tmp_path: Path
) -> None:
    done(workspace, "import", "streets", osm)
    done(workspace, "import", "addresses", ban(tmp_path / "ban.csv", along()))
    assert not done(workspace, "import", "streets", osm)["unchanged"]
    assert done(workspace, "import", "streets", osm)["unchanged"]


def test_a_newer_file_takes_the_place_of_the_older_on_its_ground_and_no_farther(
    workspace: Workspace, osm: Path, tmp_path: Path
) -> None:
    rows = [*along(), *along("Rue Lointaine", shift=1500)]
    done(workspace, "import", "addresses", ban(tmp_path / "ban.csv", rows))
    done(workspace, "import", "streets", osm)
    nodes = {"a": (1500, 0), "b": (1900, 0)}
    east = tmp_path / "east.osm"
    east.write_text(osm_xml(nodes, [("ab", HOUSE | {"name": "Rue Lointaine"})]))
    done(workspace, "import", "streets", east)
    streets = load_streets(workspace)
    assert len(streets) == 7
    assert done(workspace, "import", "streets", osm)["unchanged"]
    renamed = tmp_path / "renamed.osm"
    renamed.write_text(cross_town().replace("Quai Haut", "Quai Neuf"))
    done(workspace, "import", "streets", renamed)
    names = load_streets(workspace)["street"].dropna().tolist()
    assert names.count("Quai Neuf") == 1
    assert "Rue Lointaine" in names
    assert len(names) == 7


def test_the_demo_takes_no_real_streets(tmp_path: Path, osm: Path) -> None:
    demo = Workspace(tmp_path / "demo")
    init_workspace(demo, communes=["99001"], kind="demo")
    assert "invented town" in refused(demo, "import", "streets", osm)


def test_a_damaged_file_is_refused_in_one_line(town: Workspace, tmp_path: Path) -> None:
    whole = write_pbf(tmp_path / "whole.osm.pbf", cross_town()).read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[:-30])
    message = refused(town, "import", "streets", tmp_path / "cut.osm.pbf")
    assert "cut.osm.pbf: the OpenStreetMap file is damaged or cut short" in message


def test_maps_draw_the_ways_and_not_the_barriers(town: Workspace, osm: Path) -> None:
    done(town, "import", "streets", osm)
    assert "water" in set(load_streets(town)["kind"])
    assert "water" not in set(load_streets(town, barriers=False)["kind"])


# -- the graph that is kept ----------------------------------------------------------------------


def test_the_graph_is_built_once_and_is_the_same_when_loaded(town: Workspace, osm: Path) -> None:
    done(town, "import", "streets", osm)
    buildings = load_buildings(town)
    steps: list[str] = []
    built = walking_graph(town, buildings, progress=steps.append)
    loaded = walking_graph(town, buildings, progress=steps.append)
    assert steps == ["street graph of 30 buildings"]
    assert loaded.building_ids.equals(built.building_ids)
    assert loaded.basis == "streets"
    for one, other in zip(
        (*built.ladder, *built.walk_net.rows, *built.walk_net[1:], *built.links, *built.fronts),
        (
            *loaded.ladder,
            *loaded.walk_net.rows,
            *loaded.walk_net[1:],
            *loaded.links,
            *loaded.fronts,
        ),
        strict=True,
    ):
        assert np.array_equal(one, other)
        assert one.dtype == other.dtype
    assert np.array_equal(loaded.is_far, built.is_far)


def test_the_graph_is_built_again_when_streets_or_addresses_move(
    town: Workspace, osm: Path, tmp_path: Path
) -> None:
    steps: list[str] = []
    assert walking_graph(town, load_buildings(town), progress=steps.append).basis == "addresses"
    done(town, "import", "streets", osm)
    assert walking_graph(town, load_buildings(town), progress=steps.append).basis == "streets"
    done(town, "import", "addresses", ban(tmp_path / "more.csv", along(shift=1)))
    assert len(walking_graph(town, load_buildings(town), progress=steps.append)) == 20
    assert len(steps) == 3


def test_a_damaged_graph_is_built_again(town: Workspace, osm: Path) -> None:
    done(town, "import", "streets", osm)
    buildings = load_buildings(town)
    walking_graph(town, buildings)
    [kept] = (town.root / "cache").glob("walking-*.npz")
    whole = kept.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"PK nonsense"):
        kept.write_bytes(damaged)
        with pytest.raises(damage()):
            read_graph(kept)
        assert len(walking_graph(town, buildings)) == 30
        assert len(read_graph(kept)) == 30


def test_links_that_nobody_drew_are_told_with_their_metres(town: Workspace, tmp_path: Path) -> None:
    nodes = {"a": (0, 0), "b": (400, 0), "g": (0, 120), "h": (400, 120)}
    ways = [("ab", HOUSE | {"name": "Rue Basse"}), ("gh", HOUSE | {"name": "Quai Haut"})]
    path = tmp_path / "apart.osm"
    path.write_text(osm_xml(nodes, ways))
    done(town, "import", "streets", path)
    told = told_links(walking_graph(town, load_buildings(town)))
    assert told is not None
    assert told.startswith("1 links where no way is drawn, 120 m in all (longest 120 m)")
    cut = done(town, "turfs", "cut", "--stations", "all", "--doors", "10")
    assert cut["links"] == told
