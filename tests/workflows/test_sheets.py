"""What is shown, handed on: sheets of the map and of a card, files of stations."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pypdfium2
import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.maps.filters import Filters
from targeting.maps.listing import DOWNLOADED
from targeting.maps.measures import METRICS
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations.board import campaign_quarters
from targeting.workflows.stations.sheets.card import card_sheet
from targeting.workflows.stations.sheets.files import shown_file, write_shown
from targeting.workflows.stations.sheets.map import held_boxes, map_sheet
from targeting.workflows.stations.sheets.parts import AtHand, load_at_hand

pytestmark = pytest.mark.slow  # the invented town, scored

DAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def town(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The invented town, one copy for all: what is asked here changes its cache alone."""
    return Workspace(shutil.copytree(demo_folder, tmp_path_factory.mktemp("sheets") / "town"))


@pytest.fixture(scope="module")
def at_hand(town: Workspace) -> AtHand:
    return load_at_hand(town)


def printed(lines):
    """Lines as a PDF's text has them: every space is plain."""
    return [line.replace("\xa0", " ") for line in lines]


def text_of(made: bytes) -> str:
    pdf = pypdfium2.PdfDocument(made)
    assert len(pdf) == 1
    return re.sub(r"\s+", " ", pdf[0].get_textpage().get_text_range())


def call(workspace: Workspace, *arguments: object):
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])


def test_the_map_of_the_campaign_says_what_it_shows(town, at_hand):
    told = text_of(map_sheet(town, at_hand=at_hand, today=DAY))
    count = len(at_hand.board.table)
    for words in (
        "Où sont les abstentionnistes de gauche · Campagne de démonstration", "27 novembre 2026", f"{count} bureaux",
        "abstentionnistes de gauche pour 100 inscrits", "très prioritaire :", "hachuré : passé incertain",
        *printed(at_hand.board.credits),
    ):  # fmt: skip
        assert words in told
    assert "choisi" not in told
    assert "sans couleur" not in told


@pytest.mark.parametrize("metric", METRICS)
def test_every_measure_has_its_sheet(town, at_hand, metric):
    french = text_of(map_sheet(town, metric, at_hand=at_hand, today=DAY))
    english = text_of(map_sheet(town, metric, at_hand=at_hand, today=DAY, language="en"))
    assert french != english
    assert "never to a person" in english


def test_filters_and_the_choice_are_told_with_their_total(town, at_hand):
    table = at_hand.board.table
    chosen = list(table.index[:2])
    filters = Filters(min_abstention=0.55)
    told = text_of(map_sheet(town, "abstention", filters, chosen, at_hand=at_hand, today=DAY))
    left = len(filters.passing(at_hand.board))
    assert "sans couleur : hors du filtre (abstention d’au moins 55 %)" in told
    assert f"2 bureaux choisis : {table['registered'].iloc[:2].sum():,}".replace(",", " ") in told
    assert f"{left} bureaux sur {len(table)}" in told


def test_an_area_is_looked_at_and_the_rest_left_pale(town, at_hand):
    area = list(at_hand.board.table.index[:5])
    told = text_of(map_sheet(town, area=area, at_hand=at_hand, today=DAY))
    assert "5 bureaux sur" in told
    assert "hors de la zone choisie" in told


def test_a_filter_that_leaves_nothing_gives_a_sheet_that_says_so(town, at_hand):
    told = text_of(map_sheet(town, filters=Filters(min_abstention=1.0), at_hand=at_hand, today=DAY))
    assert "0 bureau sur" in told


def test_a_station_that_is_gone_is_refused_in_words(town, at_hand):
    for ask in (
        lambda: map_sheet(town, chosen=["99001_9999"], at_hand=at_hand),
        lambda: card_sheet(town, "99001_9999", at_hand=at_hand),
        lambda: write_shown(town, Path("x.csv"), chosen=["99001_9999"], at_hand=at_hand),
    ):
        with pytest.raises(
            TargetingError, match="no station 99001_9999 in this campaign: it is gone"
        ):
            ask()


def test_what_is_no_measure_paper_or_kind_is_refused_before_anything_is_read(tmp_path):
    nowhere = Workspace(tmp_path / "nowhere")
    for given in ({"metric": "faith"}, {"paper": "A0"}, {"kind": "gif"}):
        with pytest.raises(TargetingError, match="write one of"):
            map_sheet(nowhere, **given)


def test_without_outlines_the_map_is_refused_and_the_card_and_the_table_are_not(
    town, at_hand, tmp_path
):
    bare = AtHand(
        replace(at_hand.board, join=None, dots=None),
        replace(at_hand.kept, outlines=None, points=None),
    )
    with pytest.raises(WorkspaceError, match="no outlines are imported"):
        map_sheet(town, at_hand=bare)
    with pytest.raises(WorkspaceError, match="no outlines are imported"):
        write_shown(town, tmp_path / "a.geojson", at_hand=bare)
    assert "pas de contour" in text_of(
        card_sheet(town, bare.board.table.index[0], at_hand=bare, today=DAY)
    )
    assert write_shown(town, tmp_path / "a.csv", at_hand=bare)
    others = AtHand(replace(at_hand.board, join=None), at_hand.kept)
    with pytest.raises(WorkspaceError, match="of other stations than the results"):
        map_sheet(town, at_hand=others)


def test_a_sheet_asked_again_is_read_from_the_cache_until_something_on_it_changes(town, at_hand):
    first = map_sheet(town, kind="png", at_hand=at_hand, today=DAY)
    (kept,) = [p for p in (town.root / "cache").glob("map-sheet-*.png") if p.read_bytes() == first]
    kept.write_bytes(b"kept")
    assert map_sheet(town, kind="png", at_hand=at_hand, today=DAY) == b"kept"
    assert map_sheet(town, kind="png", at_hand=at_hand, today=date(2026, 11, 28)) != b"kept"
    table = at_hand.board.table.copy()
    table.iloc[0, table.columns.get_loc("priority")] = 0.0
    moved = AtHand(replace(at_hand.board, table=table), at_hand.kept)
    assert map_sheet(town, kind="png", at_hand=moved, today=DAY) != b"kept"
    kept.unlink()
    assert map_sheet(town, kind="png", at_hand=at_hand, today=DAY) == first


def test_a_card_is_one_page_with_its_figures_and_its_past(town, at_hand):
    board = at_hand.board
    station = board.table.index[0]
    told = text_of(card_sheet(town, station, at_hand=at_hand, today=DAY))
    for words in (
        board.places[station], "Pourquoi", "En chiffres", "Le passé du bureau", "Inscrits",
        "légis. 24-1", "tirets : toute la campagne", *printed(board.credits),
    ):  # fmt: skip
        assert words in told
    assert "**" not in told


def test_the_card_of_a_doubtful_station_tells_its_hatching(town, at_hand):
    told = text_of(card_sheet(town, at_hand.board.doubtful[0], at_hand=at_hand, today=DAY))
    assert "hachuré : passé incertain" in told


def test_a_hill_is_seen_in_part_and_a_usual_station_whole():
    usual = [[n, 0.0, n + 1.0, 1.0] for n in range(9)]
    held = held_boxes(np.array([*usual, [9.0, 0.0, 29.0, 2.0]]))
    assert held[:9].tolist() == usual
    assert held[9].tolist() == [17.5, 0.0, 20.5, 2.0]  # three times as wide as usual, and no wider


def test_every_station_has_a_card(town, at_hand):
    for station in (at_hand.board.table.index[-1], *at_hand.board.doubtful[:1]):
        assert f"Bureau {station.split('_')[1].lstrip('0')}" in text_of(
            card_sheet(town, station, at_hand=at_hand, today=DAY)
        )


def test_files_of_what_is_shown_hold_the_stations_that_pass(town, at_hand, tmp_path):
    filters = Filters(min_abstention=0.55)
    passing = list(filters.passing(at_hand.board))
    write_shown(town, tmp_path / "a.csv", filters, at_hand=at_hand)
    table = pd.read_csv(tmp_path / "a.csv", dtype={"station_id": str})
    assert list(table["station_id"]) == passing
    assert list(table.columns) == DOWNLOADED
    layer = json.loads(shown_file(town, ".geojson", filters, at_hand=at_hand))
    assert [f["properties"]["station_id"] for f in layer["features"]] == passing
    assert layer["attribution"] == at_hand.board.credits
    write_shown(town, tmp_path / "a.xlsx", filters, passing[:1], at_hand=at_hand)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["Bureaux", "Données", "credits"]
    heads = [c.value for c in book["Bureaux"][1]]
    assert heads[:5] == ["Rang", "Bureau", "Lieu de vote", "Choisi", "Priorité (pour 100 inscrits)"]
    assert book["Bureaux"].max_row == len(passing) + 1


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://x")', "#panic() *a* $x$", "<script>", "\u202egauche", "R" * 200]
)
def test_a_hostile_place_goes_through_card_and_files_as_text(town, at_hand, tmp_path, name):
    table = at_hand.board.table.copy()
    table["place"] = name
    hostile = AtHand(replace(at_hand.board, table=table), at_hand.kept)
    station = table.index[0]
    told = text_of(card_sheet(town, station, at_hand=hostile, today=DAY))
    assert "\u202e" not in told
    if len(name) < 60:
        assert name.removeprefix("\u202e") in told
    write_shown(town, tmp_path / "a.xlsx", at_hand=hostile)
    rows = openpyxl.load_workbook(tmp_path / "a.xlsx")["Bureaux"]
    assert all(c.data_type != "f" for row in rows.iter_rows() for c in row)
    write_shown(town, tmp_path / "a.csv", at_hand=hostile)
    cell = pd.read_csv(tmp_path / "a.csv")["place"].iloc[0]
    assert cell == ("'" + name if name.startswith("=") else name)


def test_the_campaigns_quarters_are_dashed_and_named_unless_they_are_left_out(
    town, at_hand, tmp_path
):
    quarters = campaign_quarters(town)
    told = text_of(map_sheet(town, at_hand=at_hand, today=DAY, quarters=quarters))
    assert "limite de quartier" in told
    assert sum(name in told for name in quarters["name"]) >= len(quarters) / 2
    assert "limite de quartier" not in text_of(map_sheet(town, at_hand=at_hand, today=DAY))
    for options, is_told in (([], True), (["--no-quarters"], False)):
        assert call(town, "map", *options, "--out", tmp_path / "q.pdf").exit_code == 0
        assert ("border of a quarter" in text_of((tmp_path / "q.pdf").read_bytes())) == is_told


def test_commands_write_sheets_and_files(town, tmp_path):
    for name in ("a.pdf", "a.png", "a.csv"):
        done = call(town, "map", "--paper", "A3", "--min-abstention", 55, "--out", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert "stations shown ->" in done.output
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    done = call(town, "--json", "card", "99001_0048", "--out", tmp_path / "c.pdf")
    assert json.loads(done.stdout)["station"] == "99001_0048"
    assert "Station 48" in text_of((tmp_path / "c.pdf").read_bytes())


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["map", "--out", "a.doc"], "unknown format “.doc”"),
        (["map", "--out", "a.pdf", "--area", "13"], "no station's id begins with 13"),
        (["map", "--out", "a.pdf", "--stations", "99001_9999"], "no station 99001_9999"),
        (["map", "--out", "a.pdf", "--metric", "faith"], "'faith' is not one of"),
        (["map", "--out", "a.pdf", "--min-left", "101"], "101"),
        (["card", "99001_9999", "--out", "a.pdf"], "no station 99001_9999"),
        (["card", "99001_0048", "--out", "a.png"], "a card is a PDF"),
    ],
)
def test_a_command_that_cannot_be_done_says_why_and_writes_nothing(
    town, tmp_path, monkeypatch, asked, why
):
    monkeypatch.chdir(tmp_path)
    done = call(town, *asked)
    assert done.exit_code == 2
    assert why in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_before_any_results_a_map_is_refused_in_words(tmp_path):
    empty = Workspace(tmp_path / "empty")
    init_workspace(empty, communes=["13055"])
    done = call(empty, "map", "--out", tmp_path / "a.pdf")
    assert done.exit_code == 2
    assert "no results imported" in done.stderr
