"""What is behind buildings' doors comes in, and is walked from the top floor down."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.reference.addresses import load_door_layouts
from targeting.workflows.buildings import load_buildings
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.imports.layouts import import_doors
from targeting.workflows.outings.returns import import_returns
from targeting.workflows.setup import init_workspace
from tests.workflows.test_import_streets import along, ban

HEADER = "number;suffix;street;staircase;floor;door;doors\n"
LINES = "1;;rue basse;B;RDC;;2\n1;;rue basse;A;3e;;2\n1;;rue basse;A;1;gauche;\n"


@pytest.fixture
def town(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "workspace")
    init_workspace(workspace, communes=["13055"])
    import_addresses(workspace, ban(tmp_path / "ban.csv", along()))
    return workspace


def written(tmp_path: Path, text: str, name: str = "doors.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_counted_doors_win_over_the_estimate_and_are_numbered_as_walked(
    town: Workspace, tmp_path: Path
) -> None:
    before = load_buildings(town)
    told = import_doors(town, written(tmp_path, HEADER + LINES))
    assert (told.buildings, told.doors, told.rejected) == (1, 5, [])
    doors = load_door_layouts(town)
    assert doors[["staircase", "floor", "label"]].to_numpy().tolist() == [
        ["A", 3, ""], ["A", 3, ""], ["A", 1, "gauche"], ["B", 0, ""], ["B", 0, ""],
    ]  # fmt: skip
    after = load_buildings(town).set_index("building_id")["dwellings"]
    was = before.set_index("building_id")["dwellings"]
    assert after[doors["building_id"].iloc[0]] == 5
    assert (
        after.drop(doors["building_id"].iloc[0]) == was.drop(doors["building_id"].iloc[0])
    ).all()


def test_the_same_file_twice_changes_nothing_and_another_adds_to_it(
    town: Workspace, tmp_path: Path
) -> None:
    path = written(tmp_path, HEADER + LINES)
    import_doors(town, path)
    assert import_doors(town, path).unchanged
    import_doors(town, written(tmp_path, HEADER + "2;;Rue Basse;;1;;4\n", "more.csv"))
    assert load_door_layouts(town).groupby("building_id").size().tolist() == [5, 4]


def test_a_building_already_visited_keeps_its_doors_and_is_named(
    town: Workspace, tmp_path: Path
) -> None:
    first = load_buildings(town).query("number == 1")["building_id"].iloc[0]
    grid = f"building_id,door,outcome,visited_at\n{first},1,talked,2026-03-10 18:30\n"
    import_returns(town, written(tmp_path, grid, "grid.csv"))
    told = import_doors(
        town, written(tmp_path, HEADER + LINES + "2;;Rue Basse;;1;;4\n9;;Rue Haute;;;;\n")
    )
    assert told.buildings == 1
    assert [(r["line"], r["reason"]) for r in told.rejected] == [
        (2, "doors were knocked at under other numbers"), (6, "no such address here"),
    ]  # fmt: skip
    assert first not in set(load_door_layouts(town)["building_id"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + "1;;Rue Basse;A;x;;\n", "line 2, column “floor”: no floor"),
        (HEADER + "1;;Rue Basse;A;1;;0\n", "column “doors”: no number of doors"),
        (HEADER + "1;;Rue Basse;A;1;Famille Dupont-Durand;\n", "too long for a label"),
        (HEADER + "a;;Rue Basse;A;1;;\n", "no house number"),
        (HEADER + "1;;Rue Basse;A;1;;\n1;;Rue Basse;A;1;M. DUPONT;\n", "line 3, column “door”"),
        (HEADER + "1;;Rue Basse;A;1;0612345678;\n", "line 2, column “door”: no label"),
        (HEADER + "1;;Rue Basse;Mme LI;1;;\n", "line 2, column “staircase”: no label"),
        (HEADER + ";;;A;1;;\n", "does not tell its building"),
        (HEADER, "not one door"),
        ("number;street;nom\n1;Rue Basse;X\n", "1 of its columns are not known here"),
        ("staircase;floor\nA;1\n", "no column that tells the building"),
        (HEADER + "99;;Rue Basse;A;1;;\n", "no such address here"),
    ],
)
def test_a_wrong_file_is_named_by_line_and_nothing_is_kept(
    town: Workspace, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SourceError) as trouble:
        import_doors(town, written(tmp_path, text))
    assert said in str(trouble.value)
    assert not re.search(r"dupont|0612345678|mme|nom", str(trouble.value), re.IGNORECASE)
    assert load_door_layouts(town).empty


def test_the_command_lists_what_it_left(town: Workspace, tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + LINES + "9;;Rue Haute;;;;\n")
    result = CliRunner().invoke(cli, ["--workspace", str(town.root), "import", "doors", str(path)])
    assert result.exit_code == 0, result.output
    assert "5 doors of 1 buildings" in result.output
    assert "line 5:  no such address here" in result.output
