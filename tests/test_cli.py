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

from targeting.cli import cli
from targeting.config import Workspace
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
    """Hash of every file of the workspace; logs and SQLite's own side files aside."""
    digest = hashlib.sha256()
    for path in sorted(workspace.root.rglob("*")):
        if (
            path.is_file()
            and path.parent.name != "logs"
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
