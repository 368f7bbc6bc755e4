"""Results of every kind by the command line: pairs, rounds, shares, partial files, all or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from targeting.cli.app import cli
from targeting.codes import DEPARTMENTS
from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.credits import credits
from targeting.reference.held import election_sheet, list_elections, list_shares
from targeting.reference.results import load_bloc_votes, load_shares, load_turnout
from targeting.tables import Shares
from tests import layouts
from tests.layouts import LEGI_2024, PRES_2012, RECIPE_OF_COLUMNS, TEXTS, THREE
from tests.official import Ballot, Row, native


def call(workspace: Workspace, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])


def imported(workspace: Workspace, *arguments: object) -> list[dict]:
    result = call(workspace, "import", "results", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["imported"]


def written(folder: Path, name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@pytest.mark.slow
def test_every_layout_goes_in_by_one_command(workspace: Workspace, tmp_path: Path) -> None:
    files, elections = [], []
    for number, (maker, encoding, election) in enumerate(TEXTS.values()):
        if election not in elections:
            files.append(written(tmp_path, f"{number}.txt", maker(), encoding))
            elections.append(election)
    told = imported(workspace, *files)
    assert [t["election_id"] for t in told] == elections
    counted = {t["election_id"] for t in told if not t["shares_only"]}
    assert set(list_elections(workspace)) == counted
    for election in counted:
        votes = load_bloc_votes(workspace, election)["votes"].sum()
        assert votes == load_turnout(workspace, election)["valid_votes"].sum()
    assert all(t["unchanged"] for t in imported(workspace, *files))


def test_both_rounds_of_one_file_are_two_elections(workspace: Workspace, tmp_path: Path) -> None:
    second = [r.with_(votes=[0, 0, *r.votes[:2]]) for r in THREE]
    text = layouts.long_headerless({1: THREE, 2: second}, PRES_2012)
    path = written(tmp_path, "PR12.txt", text, "latin-1")
    told = imported(workspace, path)
    assert [t["election_id"] for t in told] == ["2012_pres_t1", "2012_pres_t2"]
    assert all(t["unchanged"] for t in imported(workspace, path))
    assert all(t["unchanged"] for t in imported(workspace, path, "--election", "2012_pres_t2"))


def test_the_aggregated_pair_goes_in_together_and_one_half_is_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    elections = {"2024_legi_t1": THREE, "2024_legi_t2": THREE}
    general, candidates = layouts.aggregated(elections, LEGI_2024)
    halves = [written(tmp_path, "g.csv", general), written(tmp_path, "c.csv", candidates)]
    alone = call(workspace, "import", "results", halves[0])
    assert alone.exit_code == 2
    assert "candidats_results is missing" in alone.output
    assert list_elections(workspace) == []
    (told,) = imported(workspace, *halves, "--election", "2024_legi_t2")
    assert (told["election_id"], told["file"]) == ("2024_legi_t2", "g.csv + c.csv")
    assert list_elections(workspace) == ["2024_legi_t2"]
    assert len(imported(workspace, *halves)) == 2
    sheet = election_sheet(workspace, "2024_legi_t1")
    assert "data.gouv.fr" in sheet.credit


def test_shares_are_kept_apart_and_no_score_sees_them(workspace: Workspace, tmp_path: Path) -> None:
    path = written(tmp_path, "results.json", layouts.city_percentages())
    (told,) = imported(workspace, path)
    assert told["shares_only"]
    assert (told["stations"], told["registered"]) == (3, 0)
    assert "no counts are made of them" in told["notes"][-1]
    assert list_elections(workspace) == [], "a score reads counts, and there are none"
    shares = load_shares(workspace, "2014_muni_t1")
    Shares.check(shares)
    assert shares["share"].max() == pytest.approx(0.448)
    assert list_shares(workspace)["2014_muni_t1"].licence == "ODbL"
    assert "Résultats\u00a0: Ville de Marseille, ODbL" in credits(workspace)
    (again,) = imported(workspace, path)
    assert again["unchanged"]
    with pytest.raises(WorkspaceError, match="2012_pres_t1 is not imported"):
        load_shares(workspace, "2012_pres_t1")


def test_shares_of_another_commune_stand_beside(workspace: Workspace, tmp_path: Path) -> None:
    imported(workspace, written(tmp_path, "m.json", layouts.city_percentages()))
    lines = ", ".join(f'{{"{n}": {v}}}' for n, v in
                      (("rolland", 45.0), ("garnier", 30.0), ("chiron", 10.0), ("gobet", 5.0), ("nuls", 10.0)))  # fmt: skip
    nantes = written(tmp_path, "n.json", f'var results = {{"0101": [{lines}]}}')
    imported(workspace, nantes)
    assert set(load_shares(workspace, "2014_muni_t1")["station_id"].str[:5]) == {"13055", "44109"}
    assert len(list_shares(workspace)["2014_muni_t1"].files) == 2


def departments(codes: list[str]) -> str:
    rows = [
        Row("0001", [30, 20, 10, 9], department=d, commune="001", registered=100) for d in codes
    ]
    ballot = Ballot.of_names(
        [("ARTHAUD", "Nathalie"), ("ROUSSEL", "Fabien"), ("MACRON", "Emmanuel"), ("LE PEN", "Marine")]
    )  # fmt: skip
    return native(rows, ballot)


def test_a_national_file_in_part_is_imported_and_says_which_departments_it_lacks(
    workspace: Workspace, tmp_path: Path
) -> None:
    metropolitan = [d for d in sorted(DEPARTMENTS) if d < "96" and d not in ("13", "2A")]
    path = written(tmp_path, "most.txt", departments(metropolitan), "latin-1")
    result = call(workspace, "import", "results", path)
    assert result.exit_code == 0, result.output
    assert "partial: no station of 7 departments: 13, 2A, 971, 972, 973, 974, 976" in result.output
    facts = election_sheet(workspace, "2022_pres_t1").facts
    assert facts["missing_departments"] == ["13", "2A", "971", "972", "973", "974", "976"]
    rest = written(tmp_path, "rest.txt", departments(["13", "2A"]), "latin-1")
    (told,) = imported(workspace, rest)
    assert told["missing_departments"] == [], "two departments are no national file"
    facts = election_sheet(workspace, "2022_pres_t1").facts
    assert facts["missing_departments"] == ["971", "972", "973", "974", "976"]


def test_what_was_mended_is_told_and_kept_on_the_sheet(
    workspace: Workspace, tmp_path: Path
) -> None:
    text = layouts.municipal_2020(THREE, layouts.MUNI_2020).replace("ICI 1", "ICI\t1", 1)
    path = written(tmp_path, "mn20.txt", text, "latin-1")
    result = call(workspace, "import", "results", path)
    assert "line 2: 1 stray tab(s) mended" in result.output
    assert "line 2: 1 stray tab(s)" in election_sheet(workspace, "2020_muni_t1").notes[0]


def test_a_recipe_of_ones_own_is_named_on_the_command_line(
    workspace: Workspace, tmp_path: Path
) -> None:
    recipe = written(tmp_path, "mine.toml", RECIPE_OF_COLUMNS)
    path = written(tmp_path, "portal.csv", layouts.COLUMNS)
    given = ("import", "results", path, "--recipe", recipe)
    asked = call(workspace, *given)
    assert asked.exit_code == 2
    assert "--election 2014_muni_t1" in asked.output
    assert call(workspace, *given, "--election", "2014_muni_t1").exit_code == 0
    assert election_sheet(workspace, "2014_muni_t1").publisher == "Une ville"


def test_one_wrong_file_among_many_layouts_leaves_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    good = written(tmp_path, "good.txt", layouts.european_2019(THREE), "latin-1")
    shares = written(tmp_path, "shares.json", layouts.city_percentages())
    wrong = written(tmp_path, "wrong.csv", "a;b;c\n1;2;3\n")
    result = call(workspace, "import", "results", good, shares, wrong)
    assert result.exit_code == 2
    assert result.output.count("\n") <= 8
    assert list_elections(workspace) == []
    assert list_shares(workspace) == {}


def test_the_sector_councils_do_not_count_twice_in_a_score(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Sector and municipal ballots of 2026 have the same voters: one low-turnout election."""
    pres = native([r.with_(blank=500) for r in THREE], Ballot.of_names(
        [("ARTHAUD", "Nathalie"), ("ROUSSEL", "Fabien"), ("MACRON", "Emmanuel"), ("LE PEN", "Marine")]
    ))  # fmt: skip
    files = [
        written(tmp_path, "p.txt", pres, "latin-1"),
        written(tmp_path, "m.csv", layouts.numbered_lists(THREE, layouts.MUNI_2026, year=2026)),
        written(tmp_path, "s.csv",
                layouts.numbered_lists(THREE, layouts.MUNI_2026, year=2026, sector=True)),
    ]  # fmt: skip
    imported(workspace, *files)
    result = call(workspace, "score", "--out", tmp_path / "scores.csv", "--json")
    assert json.loads(result.stdout)["basis"]["low"] == ["2026_muni_t1"]
