"""Walk books of the invented town: all its open turfs, nobody's name, no score."""

from __future__ import annotations

import json
import re
import shutil
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pypdfium2
import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.exports.walk_pages import count_pages
from targeting.store.engine import open_store, reading
from targeting.store.models import Contact
from targeting.workflows.outings import walkbooks
from targeting.workflows.outings.walkbooks import (
    load_walk_books,
    packets,
    walk_book_pdf,
    write_walk_files,
)
from targeting.workflows.turfs.board import load_campaign_turfs
from targeting.workflows.turfs.cutting import cut_campaign_turfs
from tests.conftest import DEMO_DAY as DAY
from tests.field.turfs import book

pytestmark = pytest.mark.slow  # a town's books are written in full


@pytest.fixture
def town(town_folder: Path, tmp_path: Path) -> Workspace:
    copy = tmp_path / "town"
    shutil.copytree(town_folder, copy)
    return Workspace(copy)


def call(workspace: Workspace, *arguments: object):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])


def text_of(pdf: Path | bytes) -> str:
    return "\n".join(p.get_textpage().get_text_range() for p in pypdfium2.PdfDocument(pdf))


def test_the_command_writes_a_packet_and_a_book_for_each_open_turf(town, tmp_path):
    kept = load_campaign_turfs(town)
    wanted = kept.turfs.loc[kept.turfs["status"] != "done", "turf_id"].tolist()
    told = call(town, "walkbook", "--out", tmp_path / "books", "--json")
    assert told.exit_code == 0, told.output
    facts = json.loads(told.stdout)
    assert facts["turfs"] == len(wanted)
    assert {Path(p).stem for p in facts["written"]} == {*wanted, "carnets"}
    assert all(Path(p).read_bytes().startswith(b"%PDF") for p in facts["written"])
    pages = pypdfium2.PdfDocument(facts["packets"][0])
    books = load_walk_books(town)
    assert len(pages) == -(-len(books) // 33) + sum(count_pages(b) for b in books)


def test_a_book_has_the_doors_of_its_turf_and_marks_those_to_leave_alone(town):
    books = load_walk_books(town)
    kept = load_campaign_turfs(town)
    ranges = kept.stops.set_index(["turf_id", "building_id"])
    marked = [b for b in books if b.n_closed]
    assert marked
    for built in books:
        for stop in built.stops:
            row = ranges.loc[(built.turf_id, stop.building_id)]
            assert [d.number for d in stop.doors] == [
                *range(row["first_door"], row["last_door"] + 1)
            ]
            assert [d.number for d in stop.doors if d.is_closed] == row["closed"]
    text = text_of(walk_book_pdf(town, [marked[0].turf_id], language="fr", today=DAY))
    assert text.count("NE PAS FRAPPER") == marked[0].n_closed


def test_nobody_and_no_score_is_in_the_books(town):
    books = load_walk_books(town)[:40]
    pdf = walk_book_pdf(town, [b.turf_id for b in books], language="fr", today=DAY)
    text = text_of(pdf)
    with reading(open_store(town)) as session:
        people = [
            (c.first_name, c.last_name, c.phone, c.email) for c in session.query(Contact).all()
        ]
    said = {value for *_, phone, email in people for value in (phone, email) if value}
    said |= {f"{first} {last}" for first, last, *_ in people if first and last}
    assert len(said) > 1000
    assert [value for value in said if value in text] == []
    assert not re.search(r"score|priorit|abstention|gauche|\b0[67](?: ?\d\d){4}\b", text)
    kept = load_campaign_turfs(town).turfs
    shown = {f"{p:.{n}f}" for p in kept["priority"].dropna() for n in (2, 3, 4)}
    assert not [p for p in shown if p in text or p.replace(".", ",") in text]


def test_the_polling_place_is_where_the_turf_votes(town):
    first = load_walk_books(town)[0]
    assert all(s.polling_place for s in first.stations)
    assert {s.station_id for s in first.stations} == {
        s.station_id for s in first.stops if s.station_id
    }


def test_refusals_say_the_way_out(town, workspace, tmp_path):
    out = tmp_path / "books"
    for arguments, said in (
        (("--turf", "S9999"), "no open turf S9999"),
        (("--format", "docx"), "is no format: write pdf"),
        (("--format", ","), "is no format: write pdf"),
    ):
        told = call(town, "walkbook", *arguments, "--out", out)
        assert (told.exit_code, said in told.stderr) == (2, True), told.stderr
    told = call(workspace, "walkbook", "--out", out)
    assert (told.exit_code, "no turf yet" in told.stderr) == (2, True)
    (tmp_path / "taken").write_text("")
    told = call(town, "walkbook", "--out", tmp_path / "taken")
    assert (told.exit_code, "is a file" in told.stderr) == (2, True)
    assert not out.exists() or list(out.iterdir()) == []


def test_turfs_can_be_named_and_the_language_chosen(town, tmp_path):
    one, two, three = (b.turf_id for b in load_walk_books(town)[:3])
    told = call(
        town, "walkbook", "--turf", f"{one},{two}", "--turf", three, "--lang", "en",
        "--out", tmp_path / "b",
    )  # fmt: skip
    assert told.exit_code == 0, told.stderr
    assert {p.stem for p in (tmp_path / "b").iterdir()} == {"carnets", one, two, three}
    assert "Polling stations:" in text_of(tmp_path / "b" / f"{one}.pdf")


def test_phone_books_are_written_beside_the_paper_and_their_phrase_is_told_once(town, tmp_path):
    out = tmp_path / "b"
    first, second = (b.turf_id for b in load_walk_books(town)[:2])
    told = call(
        town,
        "walkbook",
        "--turf",
        f"{first},{second}",
        "--format",
        "pdf,html",
        "--out",
        out,
        "--json",
    )
    assert told.exit_code == 0, told.output
    facts = json.loads(told.stdout)
    assert {p.name for p in out.iterdir()} == {
        "carnets.pdf", f"{first}.pdf", f"{second}.pdf", f"{first}.html", f"{second}.html",
    }  # fmt: skip
    assert [Path(p).stem for p in facts["phone_books"]] == [first, second]
    assert len(facts["phrase"].split()) == 5
    kept = [p for p in (*out.iterdir(), *town.root.rglob("*")) if p.is_file()]
    assert not [p for p in kept if facts["phrase"].encode() in p.read_bytes()]
    assert (town.root / "phone-books.key").stat().st_mode & 0o077 == 0


def test_a_phrase_of_the_users_own_is_taken_and_not_repeated(town, tmp_path):
    turf_id = load_walk_books(town)[0].turf_id
    asked = ("walkbook", "--turf", turf_id, "--format", "html", "--out", tmp_path / "b")
    told = call(town, *asked, "--passphrase", "les cerises du jardin")
    assert told.exit_code == 0, told.output
    assert "cerises" not in told.stdout
    short = call(town, *asked[:-1], tmp_path / "c", "--passphrase", "court")
    assert (short.exit_code, "at least 12" in short.stderr) == (2, True)
    weak = call(town, *asked[:-1], tmp_path / "c", "--passphrase", "aaaaaaaaaaaa")
    assert (weak.exit_code, "easily guessed" in weak.stderr) == (2, True)
    assert not list((tmp_path / "c").glob("*"))


# -- packets ---------------------------------------------------------------------------------------


def test_packets_keep_the_order_and_stay_under_their_pages(monkeypatch):
    pages = 36
    monkeypatch.setattr(walkbooks, "PACKET_PAGES", pages)
    books = [book(turf_id=f"S{n:04d}") for n in range(1, 40)]
    parts = packets(books)
    assert [b.turf_id for part in parts for b in part] == [b.turf_id for b in books]
    sizes = [sum(count_pages(b) for b in part) for part in parts]
    assert max(sizes) <= pages
    assert len(sizes) == -(-sum(sizes) // pages) > 2


def test_many_turfs_are_written_by_two_processes_as_by_one(tmp_path, monkeypatch):
    books = [book(turf_id=f"S{n:04d}") for n in range(1, 8)]
    monkeypatch.setattr(walkbooks, "PACKET_PAGES", 12)
    page = tmp_path / "page.py"  # as where a screen's script runs as `__main__`
    page.write_text("raise SystemExit(3)\n")
    script = ModuleType("__main__")
    script.__file__ = str(page)
    monkeypatch.setitem(sys.modules, "__main__", script)
    files = write_walk_files(tmp_path / "two", books, today=DAY, language="fr")
    assert [p.name for p in files.packets] == ["carnets-1.pdf", "carnets-2.pdf", "carnets-3.pdf"]
    monkeypatch.undo()
    alone = write_walk_files(tmp_path / "one", books, today=DAY, language="fr")
    assert [p.read_bytes() for p in files.turfs] == [p.read_bytes() for p in alone.turfs]


def test_more_than_a_packet_is_not_made_for_a_screen(town, monkeypatch):
    monkeypatch.setattr(walkbooks, "PACKET_PAGES", 20)
    with pytest.raises(TargetingError, match="Trop de pages pour un seul fichier"):
        walk_book_pdf(town, None, language="fr")


def test_a_book_of_the_day_leaves_alone_who_was_met_since_the_cut(town):
    report = cut_campaign_turfs(town, chosen="top:1", minutes=60, fast=True)
    first = load_walk_books(town, [report.facts["table"][0]["turf_id"]])[0]
    stop, door = next((s, d) for s in first.stops for d in s.doors if not d.is_closed)
    path = town.root / "grid.csv"
    path.write_text(
        "turf_id,visit_order,door,outcome,visited_at\n"
        f"{first.turf_id},{stop.order},{door.number},refused,{date.today().isoformat()} 00:01\n"
    )
    told = call(town, "returns", path)
    assert told.exit_code == 0, told.stderr
    of_stop = load_walk_books(town, [first.turf_id])[0].stops[stop.order - 1].doors
    again = next(d for d in of_stop if d.door_id == door.door_id)
    assert (again.is_closed, again.last_outcome) == (True, None)
