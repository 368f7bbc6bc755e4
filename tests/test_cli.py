"""The command line as scripts see it: exit codes, one line, JSON, and nothing written when wrong."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.reference.addresses import load_addresses, load_voter_addresses
from targeting.reference.stations import load_stations
from tests.official import (
    DUEL,
    PRES_2022,
    Ballot,
    Row,
    geojson,
    marseille_rows,
    native,
    square,
    write_latin,
)

GOOD = native(marseille_rows(), Ballot.of_names(PRES_2022))
LEGISLATIVE = native(
    [Row(r.number, [60, 80, 70, 40, 30], department="13") for r in marseille_rows()],
    Ballot.of_nuances("NUP", "ENS", "RN", "LR", "DXG"),
)


def call(workspace: Workspace, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])


def done(workspace: Workspace, *arguments: object) -> Result:
    result = call(workspace, *arguments)
    assert result.exit_code == 0, result.output
    return result


def fingerprint(workspace: Workspace) -> str:
    """Hash of every file of the workspace; logs, caches and SQLite's own side files aside."""
    digest = hashlib.sha256()
    for path in sorted(workspace.root.rglob("*")):
        if (
            path.is_file()
            and path.parent.name not in ("logs", "cache")
            and not path.name.endswith(("-wal", "-shm"))
        ):
            digest.update(str(path.relative_to(workspace.root)).encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.fixture
def imported(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Two elections and the outlines of four invented stations."""
    pres = write_latin(tmp_path / "pres.txt", GOOD)
    legi = write_latin(tmp_path / "legi.txt", LEGISLATIVE)
    done(workspace, "import", "results", pres, legi)
    codes = [101, 102, 103]
    features = [
        ({"BUREAU": code, "CODE": 13055}, square(5.38 + 0.02 * i, 43.29))
        for i, code in enumerate(codes)
    ]
    features.append(({"BUREAU": "069A", "CODE": 13055}, square(5.48, 43.29)))
    outlines = tmp_path / "outlines.geojson"
    outlines.write_text(geojson(features))
    done(workspace, "import", "stations", outlines)
    return workspace


def test_init_makes_a_workspace_and_again_changes_only_what_is_said(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "new")
    first = json.loads(done(workspace, "init", "--commune", "13201", "--json").stdout)
    assert first["communes"] == ["13055"], "an arrondissement goes up to its commune"
    assert first["target"] == ["left", "ecologist", "far_left"]
    again = json.loads(done(workspace, "init", "--target", "left", "--json").stdout)
    assert (again["communes"], again["target"]) == (["13055"], ["left"])


@pytest.mark.parametrize(
    "options", [["--commune", "Marseille"], ["--target", "martian"], ["--election", "2022"]]
)
def test_init_refuses_nonsense_and_makes_nothing(tmp_path: Path, options: list[str]) -> None:
    workspace = Workspace(tmp_path / "new")
    result = call(workspace, "init", *options)
    assert result.exit_code == 2
    assert not workspace.root.exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    result = call(Workspace(tmp_path), "init", "--commune", "13055")
    assert result.exit_code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.docx"]


def test_results_are_imported_and_the_same_file_twice_changes_nothing(
    workspace: Workspace, presidential: Path
) -> None:
    told = json.loads(done(workspace, "import", "results", presidential, "--json").stdout)
    assert told["imported"][0]["election_id"] == "2022_pres_t1"
    assert told["imported"][0]["registered"] == 4000
    before = fingerprint(workspace)
    again = json.loads(done(workspace, "import", "results", presidential, "--json").stdout)
    assert again["imported"][0]["unchanged"] is True
    assert fingerprint(workspace) == before


def test_a_second_department_joins_the_first_and_a_correction_replaces_its_commune(
    workspace: Workspace, tmp_path: Path
) -> None:
    ballot = Ballot.of_names(PRES_2022)
    elsewhere = [r.with_(commune="001") for r in marseille_rows()[:2]]
    one = write_latin(tmp_path / "one.txt", GOOD)
    two = write_latin(tmp_path / "two.txt", native(elsewhere, ballot))
    corrected = [marseille_rows()[0].with_(registered=1111)]
    three = write_latin(tmp_path / "three.txt", native(corrected, ballot))
    done(workspace, "import", "results", one, two)
    done(workspace, "import", "results", three)
    turnout = pd.read_parquet(workspace.reference / "turnout" / "2022_pres_t1.parquet")
    assert turnout["station_id"].to_list() == ["13001_0101", "13001_0102", "13055_0101"]
    assert turnout["registered"].to_list() == [1000, 1000, 1111]
    votes = pd.read_parquet(workspace.reference / "votes" / "2022_pres_t1.parquet")
    assert len(votes) == 3 * 7


def bad_inputs(folder: Path) -> dict[str, Path]:
    """Each kind of bad file, with the word its refusal must have."""
    rows, ballot = marseille_rows(), Ballot.of_names(PRES_2022)

    def file(name: str, data: bytes | str) -> Path:
        path = folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode("latin-1"))
        return path

    def changed(**changes: object) -> str:
        return native([rows[0], rows[1].with_(**changes)], ballot)

    book = folder / "book.csv"
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    packed = gzip.compress(GOOD.encode("latin-1"))
    return {
        "cut": file("truncated.txt", GOOD[: len(GOOD) - 60]),
        "archive is broken": file("truncated.gz", packed[:-20]),
        "UTF-16": file("utf16.txt", GOOD.encode("utf-16")),
        "accents": file("accents.txt", GOOD.encode("mac-roman")),
        "commas": file("commas.txt", GOOD.replace(",", ".").replace(";", ",")),
        "spreadsheet": book,
        "web page": file("error.csv", "<!DOCTYPE html><title>404</title>"),
        "“Votants”": file("column.txt", GOOD.replace(";Votants;", ";Voters;", 1)),
        "stands twice": file("twice.txt", native([rows[0], rows[0]], ballot)),
        "negative": file("negative.txt", changed(null=-4)),
        "more valid votes": file("valid.txt", changed(valid=700, cast=600)),
        "more votes cast": file("cast.txt", changed(registered=10)),
        "French department": file("department.txt", changed(department="ZQ")),
        "0 bytes": file("empty.txt", b""),
        "(0 bytes)": file("empty.gz", b""),
        "unknown candidate": file("unknown.txt", GOOD.replace("JADOT", "NOBODY")),
        "same candidates": file("duel.txt", native([Row("0101", [9, 8])], Ballot.of_names(DUEL))),
    }


BAD = [
    "cut", "archive is broken", "UTF-16", "accents", "commas", "spreadsheet", "web page",
    "“Votants”", "stands twice", "negative", "more valid votes", "more votes cast",
    "French department", "0 bytes", "(0 bytes)", "unknown candidate", "same candidates",
]  # fmt: skip


@pytest.mark.parametrize("words", BAD)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "after a good file"])
def test_a_bad_file_exits_2_with_one_line_and_nothing_written(
    workspace: Workspace, tmp_path: Path, words: str, beside: bool
) -> None:
    bad = bad_inputs(tmp_path)[words]
    legislative = write_latin(tmp_path / "good.txt", LEGISLATIVE)
    before = fingerprint(workspace)
    files = [legislative, bad] if beside else [bad]
    result = call(workspace, "import", "results", *files)
    assert result.exit_code == 2, result.output
    told = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert len(told) == 1
    assert bad.name in told[0]
    assert words in told[0]
    assert result.stdout == ""
    assert fingerprint(workspace) == before


def test_every_kind_of_bad_file_is_tried(tmp_path: Path) -> None:
    assert set(bad_inputs(tmp_path)) == set(BAD)


def test_outlines_of_another_numbering_exit_2_and_are_not_kept(
    imported: Workspace, tmp_path: Path
) -> None:
    features = [
        ({"BUREAU": 901 + i, "CODE": 13055}, square(5.3 + 0.02 * i, 43.3)) for i in range(4)
    ]
    outlines = tmp_path / "other.geojson"
    outlines.write_text(geojson(features))
    before = fingerprint(imported)
    result = call(imported, "import", "stations", outlines)
    assert result.exit_code == 2
    assert "0 of 4 stations have an outline (0.0%)" in result.stderr
    assert fingerprint(imported) == before


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".geojson", ".gpkg"])
def test_scores_are_written_in_each_format_with_their_credits(
    imported: Workspace, tmp_path: Path, suffix: str
) -> None:
    import geopandas as gpd

    out = tmp_path / f"scores{suffix}"
    told = json.loads(done(imported, "score", "--out", out, "--json").stdout)
    assert told["basis"]["low"] == ["2022_legi_t1"]
    if suffix == ".csv":
        table = pd.read_csv(out)
        assert "Ministère" in out.with_name(out.name + ".credits.txt").read_text()
    elif suffix == ".parquet":
        table = pd.read_parquet(out)
    else:
        table = gpd.read_file(out)
        assert table.crs.to_epsg() == (4326 if suffix == ".geojson" else 2154)
        assert table.geometry.is_valid.all()
        assert "Minist" in out.read_bytes().decode("utf-8", "replace")
    assert table["station_id"].to_list() == ["13055_0101", "13055_0102", "13055_0103", "13055_069A"]
    assert table["score"].to_list() == sorted(table["score"], reverse=True)


def test_score_prints_the_stations_in_order(imported: Workspace) -> None:
    lines = done(imported, "score", "--top", 2).stdout.splitlines()
    assert [line.split()[:2] for line in lines[-2:]] == [["1", "13055_0101"], ["2", "13055_0102"]]


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--commune", "13001"], "no station of 13001"), (["--out", "x.pdf"], "unknown format"),
     (["--commune", "13055", "--out", "/nowhere/else/x.csv"], "cannot be written")],
)  # fmt: skip
def test_score_says_what_it_cannot_do(
    imported: Workspace,
    options: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    if "/nowhere/else/x.csv" in options:
        blocked = tmp_path / "file"
        blocked.write_text("")
        options = [*options[:-1], str(blocked / "x.csv")]
    result = call(imported, "score", *options)
    assert result.exit_code == 2, result.output
    assert words in result.stderr


def test_without_a_workspace_every_command_says_how_to_make_one(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "nowhere")
    good = write_latin(tmp_path / "good.txt", GOOD)
    for command in (["import", "results", good], ["score"], ["turfs", "cut"]):
        result = call(workspace, *command)
        assert result.exit_code == 2
        assert "init --commune" in result.stderr
    assert not workspace.root.exists()


def test_our_own_fault_exits_1_with_an_id_and_the_trace_in_the_log(
    imported: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import targeting.workflows.reports

    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(targeting.workflows.reports, "score_stations", break_down)
    result = call(imported, "score")
    assert result.exit_code == 1
    assert "secret detail" not in result.output
    identifier = result.stderr.split("Internal error ")[1].split(":")[0]
    log = imported.log.read_text()
    assert identifier in log
    assert "secret detail" in log


def test_doctor_says_what_is_there_and_what_is_missing(imported: Workspace) -> None:
    told = json.loads(done(imported, "doctor", "--json").stdout)
    assert told["database"] == "ok"
    assert told["elections"] == ["2022_pres_t1", "2022_legi_t1"]
    assert any("import addresses" in note for note in told["notes"])


# -- several files, corrections, and what stays in place -------------------------------------------


def files_of(workspace: Workspace, place: str) -> list[str]:
    sheet = json.loads((workspace.reference / f"{place}.json").read_text())
    return sorted(file["name"] for file in sheet["files"].values())


def results_told(workspace: Workspace, *arguments: object) -> list[tuple[str, str, bool]]:
    told = json.loads(done(workspace, "import", "results", *arguments, "--json").stdout)
    return [(t["file"], t["election_id"], t["unchanged"]) for t in told["imported"]]


def test_a_file_given_twice_is_imported_once(workspace: Workspace, tmp_path: Path) -> None:
    one = write_latin(tmp_path / "one.txt", GOOD)
    copy = write_latin(tmp_path / "copy.txt", GOOD)
    assert results_told(workspace, one, copy) == [
        ("one.txt", "2022_pres_t1", False), ("copy.txt", "2022_pres_t1", True),
    ]  # fmt: skip
    assert files_of(workspace, "turnout/2022_pres_t1") == ["one.txt"]


def test_two_files_of_one_election_and_commune_are_refused_with_both_names(
    workspace: Workspace, tmp_path: Path
) -> None:
    one = write_latin(tmp_path / "one.txt", GOOD)
    other = [marseille_rows()[0].with_(registered=1111)]
    two = write_latin(tmp_path / "two.txt", native(other, Ballot.of_names(PRES_2022)))
    before = fingerprint(workspace)
    result = call(workspace, "import", "results", one, two)
    assert result.exit_code == 2
    assert "two.txt: one.txt is given too, and both have 2022_pres_t1 in 13055" in result.stderr
    assert fingerprint(workspace) == before


def duel(path: Path, registered: int = 1000) -> Path:
    rows = [Row(r.number, [300, 200], registered=registered) for r in marseille_rows()]
    return write_latin(path, native(rows, Ballot.of_names(DUEL)))


@pytest.mark.parametrize("last", [False, True])
def test_a_first_round_tells_its_second_apart_in_whatever_order(
    workspace: Workspace, tmp_path: Path, last: bool
) -> None:
    first = write_latin(tmp_path / "first.txt", GOOD)
    second = duel(tmp_path / "second.txt")
    files = [second, first] if last else [first, second]
    told = results_told(workspace, *files)
    assert [name for name, *_ in told] == [f.name for f in files]
    assert dict(t[:2] for t in told) == {
        "first.txt": "2022_pres_t1", "second.txt": "2022_pres_t2",
    }  # fmt: skip


def test_a_forced_year_that_the_roll_denies_is_refused(imported: Workspace, tmp_path: Path) -> None:
    second = duel(tmp_path / "second.txt")
    before = fingerprint(imported)
    result = call(imported, "import", "results", second, "--election", "2017_pres_t2")
    assert result.exit_code == 2
    assert "registered voters are those of 2022_pres_t2" in result.stderr
    assert fingerprint(imported) == before


def test_a_corrected_file_is_no_longer_in_place_and_can_be_put_back(
    workspace: Workspace, tmp_path: Path
) -> None:
    ballot = Ballot.of_names(PRES_2022)
    wrong = marseille_rows()
    wrong[1] = wrong[1].with_(valid=wrong[1].valid_votes + 1)
    elsewhere = wrong[1].with_(commune="001")
    far = marseille_rows()[0].with_(department="2A", commune="004")
    (tmp_path / "other").mkdir()
    one = write_latin(tmp_path / "one.txt", native([*wrong, elsewhere], ballot))
    same_name = write_latin(tmp_path / "other/one.txt", native([far], ballot))
    fixed = write_latin(tmp_path / "fixed.txt", native(marseille_rows(), ballot))
    place = "turnout/2022_pres_t1"
    results_told(workspace, one, same_name)
    assert files_of(workspace, place) == ["one.txt", "one.txt"]
    results_told(workspace, fixed)
    assert files_of(workspace, place) == ["fixed.txt", "one.txt"]
    sheet = json.loads((workspace.reference / f"{place}.json").read_text())
    assert sheet["facts"]["departments"] == ["13", "2A"]
    assert [note.split()[0] for note in sheet["notes"]] == ["13001_0102"]
    assert results_told(workspace, same_name)[0][2], "untouched by the correction"
    assert not results_told(workspace, one)[0][2], "its Marseille was replaced"
    assert results_told(workspace, one)[0][2]
    assert not results_told(workspace, fixed)[0][2]


def ban_file(path: Path, *codes: str) -> Path:
    header = "id;numero;rep;nom_voie;code_postal;code_insee;x;y;lon;lat"
    lines = [f"{c}_1_{path.stem};12;;Rue Basse;13001;{c};892000;6247000;5.3;43.2" for c in codes]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_second_file_of_addresses_leaves_the_other_communes(
    workspace: Workspace, tmp_path: Path
) -> None:
    one = ban_file(tmp_path / "one.csv", "13001", "13002")
    two = ban_file(tmp_path / "two.csv", "13002", "13003", "83001")
    done(workspace, "import", "addresses", one)
    done(workspace, "import", "addresses", two)
    ids = sorted(load_addresses(workspace)["address_id"])
    assert ids == ["13001_1_one", "13002_1_two", "13003_1_two", "83001_1_two"]
    assert files_of(workspace, "addresses/13_latest") == ["two.csv"]
    assert json.loads(done(workspace, "import", "addresses", two, "--json").stdout)["unchanged"]
    one_again = json.loads(done(workspace, "import", "addresses", one, "--json").stdout)
    assert not one_again["unchanged"]


def test_voters_of_one_commune_are_never_counted_twice(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "voters.csv"
    for voters in (17, 18):
        path.write_text(
            f"arrondissement,bureau,numero,voie,nom,nb,ID\n06,09,4,RUE,BASSE,{voters},1\n"
        )
        done(workspace, "import", "addresses", path)
    assert load_voter_addresses(workspace)["registered"].to_list() == [18]


def national(path: Path, *codes: str, side: float = 0.01) -> Path:
    features = [
        ({"codeBureauVote": f"{code}_0001"}, square(5.0 + 0.02 * i, 43.5, side))
        for i, code in enumerate(codes)
    ]
    path.write_text(geojson(features))
    return path


def test_outlines_of_other_communes_of_one_vintage_stand_beside_each_other(
    workspace: Workspace, tmp_path: Path
) -> None:
    one = national(tmp_path / "one.geojson", "13001", "13002")
    two = national(tmp_path / "two.geojson", "13002", "13003", side=0.005)
    for path in (one, two):
        done(workspace, "import", "stations", path, "--vintage", "2022")
    stations = load_stations(workspace)
    assert sorted(stations["station_id"]) == ["13001_0001", "13002_0001", "13003_0001"]
    areas = stations.set_index("commune_code").geometry.area
    assert areas["13002"] == pytest.approx(areas["13001"] / 4, rel=0.01), "the last one imported"
    again = done(workspace, "import", "stations", two, "--vintage", "2019", "--json")
    told = json.loads(again.stdout)
    assert (told["unchanged"], told["vintage"]) == (True, "2022")
    first = done(workspace, "import", "stations", one, "--vintage", "2022", "--json")
    assert json.loads(first.stdout)["unchanged"] is False, "the second had taken one commune"
    areas = load_stations(workspace).set_index("commune_code").geometry.area
    assert areas["13002"] == pytest.approx(areas["13001"], rel=0.01)


def test_a_vintage_that_is_no_year_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = national(tmp_path / "one.geojson", "13001")
    result = call(workspace, "import", "stations", path, "--vintage", "../22")
    assert result.exit_code == 2
    assert "four digits" in result.stderr


def test_a_group_without_its_command_shows_its_help_line_by_line() -> None:
    shown = CliRunner().invoke(cli, ["turfs"])
    assert shown.exit_code == 2
    assert "Error" not in shown.output
    assert [line.split()[0] for line in shown.output.splitlines() if line.startswith("  cut")] == [
        "cut"
    ]
