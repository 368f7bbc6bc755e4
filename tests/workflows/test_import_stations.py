"""Stations imported beside results: codes reconciled, points kept apart from outlines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from targeting.config import Workspace
from targeting.errors import JoinError, WorkspaceError
from targeting.reference.held import list_stations
from targeting.reference.stations import load_stations
from targeting.workflows.imports.results import import_results
from targeting.workflows.imports.stations import import_stations
from targeting.workflows.reports import score_report
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations.board import load_board, write_station_map
from targeting.workflows.stations.health import health_report
from tests.official import (
    PRES_2022,
    Ballot,
    Row,
    geojson,
    marseille_files,
    native,
    square,
    write_latin,
)

pytestmark = pytest.mark.slow  # outlines of several towns, put in and judged

CODES = ["0101", "0102", "0103", "069A"]


@pytest.fixture
def results(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Two elections of four invented stations."""
    import_results(workspace, marseille_files(tmp_path))
    return workspace


def outlines(
    tmp_path: Path, codes: list[str], *, side: float = 0.01, **columns: list[object]
) -> Path:
    features = []
    for i, code in enumerate(codes):
        properties = {"NUM_BV": code, **{key: values[i] for key, values in columns.items()}}
        features.append((properties, square(5.38 + 0.02 * i, 43.29, side)))
    path = tmp_path / "outlines.geojson"
    path.write_text(geojson(features))
    return path


def points(tmp_path: Path, codes: list[str]) -> Path:
    path = tmp_path / "points.csv"
    lines = [f"13055_{code},{5.385 + 0.02 * i},43.295" for i, code in enumerate(codes)]
    path.write_text("\n".join(["codeBureauVote,longitude,latitude", *lines]) + "\n")
    return path


def test_codes_are_respelled_as_the_results_write_them_and_told(
    results: Workspace, tmp_path: Path
) -> None:
    path = outlines(tmp_path, ["101", "0102", "1-03", "0069A"], inscrits=[1000, 1000, 1000, 990])
    told = import_stations(results, path, commune_code="13055")
    assert [round(j.rate, 2) for j in told.joins] == [1.0, 1.0]
    assert load_stations(results)["station_id"].to_list() == [f"13055_{c}" for c in CODES]
    assert load_stations(results)["number"].to_list() == CODES
    assert [note for note in told.notes if "results" in note] == [
        "1 codes as the results write them: leading zeros and capitals (0069A → 069A)",
        "1 codes as the results write them: separators (1-03 → 0103)",
    ]
    assert any("padded to four digits (101 → 0101)" in note for note in told.notes)
    assert all(join.gap is not None and join.gap < 0.01 for join in told.joins)
    [(_, _, sheet)] = list_stations(results)
    assert sheet.notes == told.notes
    assert import_stations(results, path, commune_code="13055").unchanged


def test_respelling_does_not_save_outlines_of_other_stations(
    results: Workspace, tmp_path: Path
) -> None:
    path = outlines(tmp_path, ["0901", "0902", "0101", "0904"])
    with pytest.raises(JoinError, match=r"1 of 4 stations have an outline \(25\.0%\)"):
        import_stations(results, path, commune_code="13055")
    assert list_stations(results) == []


def test_a_refusal_says_which_features_had_no_geometry(results: Workspace, tmp_path: Path) -> None:
    path = outlines(tmp_path, CODES)
    layer = json.loads(path.read_text())
    for feature in layer["features"][:2]:
        feature["geometry"]["coordinates"] = []
    path.write_text(json.dumps(layer))
    with pytest.raises(JoinError, match=r"left out, no geometry: 13055_0101, 13055_0102"):
        import_stations(results, path, commune_code="13055")


def test_the_same_file_read_by_another_property_is_another_layer(
    results: Workspace, tmp_path: Path
) -> None:
    path = outlines(tmp_path, CODES, NUM_ANCIEN=[*CODES[1:], CODES[0]])
    first = import_stations(results, path, commune_code="13055", code_property="NUM_ANCIEN")
    assert not first.unchanged
    again = import_stations(results, path, commune_code="13055", code_property="NUM_BV")
    assert not again.unchanged
    west = load_stations(results).set_index("station_id").geometry.centroid.x
    assert west.idxmin() == "13055_0101"


def test_years_that_fit_alike_are_asked_where_their_stations_differ(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Stations 1 to 4 and 5 of one year, 1 to 4 and 6 of the other; outlines of 1 to 4."""
    ballots = [("2022.txt", Ballot.of_names(PRES_2022), [50, 60, 40, 30, 20], "0205"),
               ("2024.txt", Ballot.of_nuances("UG", "ENS", "RN", "LR", "EXG"), [60, 80, 70, 40, 30],
                "0206")]  # fmt: skip
    for name, ballot, votes, last in ballots:
        rows = [Row(n, votes, department="13") for n in ("0101", "0102", "0103", "0104", last)]
        path = write_latin(tmp_path / name, native(rows, ballot))
        import_results(workspace, [path])
    path = outlines(tmp_path, ["0101", "0102", "0103", "0104"])
    with pytest.raises(JoinError, match=r"fit 2022 and 2024 equally .*--vintage 2024"):
        import_stations(workspace, path, commune_code="13055")
    told = import_stations(workspace, path, commune_code="13055", vintage="2022")
    assert told.vintage == "2022"


def test_renumbered_outlines_are_refused_painted_nowhere_and_told_by_health(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Twelve stations side by side, six a constituency; their codes dealt out anew."""
    codes = [f"01{n:02d}" for n in range(1, 13)]
    rows = [Row(code, [50, 60, 40, 30, 20], constituency="04" if i < 6 else "05")
            for i, code in enumerate(codes)]  # fmt: skip
    mixed = outlines(tmp_path, [*codes[1::2], *codes[::2]], side=0.02)
    import_stations(workspace, mixed, commune_code="13055", vintage="2022")
    for name, ballot, votes in (
        ("pres.txt", Ballot.of_names(PRES_2022), [150, 160, 140, 30, 20]),
        ("legi.txt", Ballot.of_nuances("NUP", "ENS", "RN", "LR", "DXG"), [20, 20, 20, 10, 5]),
    ):
        path = write_latin(tmp_path / name, native([r.with_(votes=votes) for r in rows], ballot))
        import_results(workspace, [path])
    board = load_board(workspace)
    assert not board.is_painted
    assert board.join is not None
    assert board.join.rate == 1.0
    assert write_station_map(workspace, board) is None
    assert "but the codes are others'" in health_report(workspace, communes=["13055"]).text
    out = tmp_path / "scores.geojson"
    with pytest.raises(WorkspaceError, match="lie elsewhere than the stations of their codes"):
        score_report(workspace, communes=("13055",), by=None, table="scores", out=out, top=3)
    with pytest.raises(JoinError, match="the city numbered its stations anew"):
        import_stations(workspace, mixed, commune_code="13055")
    right = outlines(tmp_path, codes, side=0.02)
    assert import_stations(workspace, right, commune_code="13055").joins[0].pieces == 1.0
    assert load_board(workspace).is_painted


def test_of_two_communes_the_one_numbered_otherwise_is_left_out_with_its_best_figure(
    tmp_path: Path,
) -> None:
    workspace = Workspace(tmp_path / "two")
    init_workspace(workspace, communes=["13055", "13001"])
    codes = [f"{n:04d}" for n in range(1, 13)]
    communes = ["13055"] * 12 + ["13001"] * 12
    path = outlines(tmp_path, codes * 2, insee_com=communes)
    kept = {"pres.txt": 9, "legi.txt": 3}  # codes of 13001 that are the outlines' own
    for name, ballot, votes in (
        ("pres.txt", Ballot.of_names(PRES_2022), [150, 160, 140, 30, 20]),
        ("legi.txt", Ballot.of_nuances("NUP", "ENS", "RN", "LR", "DXG"), [20, 20, 20, 10, 5]),
    ):
        others = [*codes[: kept[name]], *(f"05{n:02d}" for n in range(12 - kept[name]))]
        rows = [Row(c, votes, commune="055") for c in codes]
        rows += [Row(c, votes, commune="001") for c in others]
        import_results(workspace, [write_latin(tmp_path / name, native(rows, ballot))])
    told = import_stations(workspace, path)
    assert told.stations == 12
    left_out = next(note for note in told.notes if "numbered otherwise" in note)
    assert left_out.endswith("13001 (75% of the codes at best)")


def test_outlines_of_a_part_of_the_commune_are_refused_as_such(
    results: Workspace, tmp_path: Path
) -> None:
    path = outlines(tmp_path, CODES[:2])
    with pytest.raises(JoinError, match="a part of the commune: of its 2, 2 are stations"):
        import_stations(results, path, commune_code="13055")
    assert list_stations(results) == []


def test_maps_paint_outlines_although_points_were_imported_later(
    results: Workspace, tmp_path: Path
) -> None:
    import_stations(results, outlines(tmp_path, CODES), commune_code="13055", vintage="2017")
    told = import_stations(results, points(tmp_path, CODES), vintage="2022")
    assert (told.origin, told.stations) == ("points", 4)
    assert len(list_stations(results)) == 2, "neither takes the place of the other"
    out = tmp_path / "scores.geojson"
    score_report(results, communes=("13055",), by=None, table="scores", out=out, top=3)
    kinds = {f["geometry"]["type"] for f in json.loads(out.read_text())["features"]}
    assert kinds == {"Polygon"}
    assert set(load_stations(results)["vintage"]) == {"2017"}
    for path in (tmp_path / "outlines.geojson", tmp_path / "points.csv"):
        assert import_stations(results, path, commune_code="13055").unchanged
    assert write_station_map(results, load_board(results)) is not None


def test_points_alone_paint_no_area_but_dots_and_score_all_the_same(
    results: Workspace, tmp_path: Path
) -> None:
    import_stations(results, points(tmp_path, CODES))
    report = score_report(results, communes=("13055",), by=None, table="scores", out=None, top=3)
    assert report.facts["top"][0]["station_id"] == "13055_0101"
    board = load_board(results)
    assert not board.is_painted
    file = write_station_map(results, board)
    features = json.loads(file.path.read_text())["features"]
    assert {f["geometry"]["type"] for f in features} == {"Point"}
