"""Stations imported beside results: codes reconciled, points kept apart from outlines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from targeting.config import Workspace
from targeting.errors import JoinError
from targeting.store.reference import list_stations, load_stations
from targeting.workflows.imports import import_results, import_stations
from targeting.workflows.reports import score_report
from targeting.workflows.screens import load_board, write_station_map
from tests.official import (
    PRES_2022,
    Ballot,
    Row,
    geojson,
    marseille_rows,
    native,
    square,
    write_latin,
)

CODES = ["0101", "0102", "0103", "069A"]


@pytest.fixture
def results(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Two elections of four invented stations."""
    legislative = native(
        [Row(r.number, [60, 80, 70, 40, 30], department="13") for r in marseille_rows()],
        Ballot.of_nuances("NUP", "ENS", "RN", "LR", "DXG"),
    )
    presidential = native(marseille_rows(), Ballot.of_names(PRES_2022))
    import_results(workspace, [write_latin(tmp_path / "pres.txt", presidential),
                               write_latin(tmp_path / "legi.txt", legislative)])  # fmt: skip
    return workspace


def outlines(tmp_path: Path, codes: list[str], **columns: list[object]) -> Path:
    features = []
    for i, code in enumerate(codes):
        properties = {"NUM_BV": code, **{key: values[i] for key, values in columns.items()}}
        features.append((properties, square(5.38 + 0.02 * i, 43.29)))
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
