"""A grid typed by hand comes in however it was saved, in the words of the books, and says no name."""

from __future__ import annotations

import io
import itertools
import shutil
import uuid
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.locale import text_in
from targeting.outcomes import OUTCOMES
from targeting.sources.grids import read_grid_text
from targeting.store.engine import open_store, reading, write
from targeting.store.models import Visit
from targeting.store.visits import bind_books, load_visits, record_visits, withdraw_visits
from targeting.workflows.outings.grid_words import COLUMNS, header_names, outcome_words, when
from targeting.workflows.outings.grids import Line, as_visits, once_each, read_visits
from targeting.workflows.outings.phone_secret import make_secret
from targeting.workflows.outings.returns import import_returns
from targeting.workflows.setup import init_workspace
from targeting.workflows.turfs.board import load_campaign_turfs
from tests.field.phones import Phone
from tests.races.at_once import at_once

pytestmark = pytest.mark.slow  # a town of its own for many grids

ONE, TWO = "29061_00aa_00001", "29061_00aa_00002"
DWELLINGS = {ONE: 1, TWO: 12}
ORDERS = {"S0001": {1: ONE, 2: TWO}}
HEADER = "building_id;door;outcome;visited_at\n"
PLAIN = f"{HEADER}{ONE};1;absent;10/03/2026 18:30\n{TWO};2;échange;10/03/2026 18:34\n"
AT = [datetime(2026, 3, 10, 17, minute, tzinfo=UTC) for minute in (30, 34)]
NAME = "Jean DUPONT 0612345678"


def lines_of(content: str | bytes, tmp_path: Path, name: str = "grid.csv") -> list[Line]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_visits(read_grid_text(path), DWELLINGS, ORDERS)


def told(lines: list[Line]) -> list[tuple[str, str, datetime | None]]:
    return [(line.door_id, line.outcome, line.when.at) for line in lines]


WANTED = [(f"{ONE}/1", "not_home", AT[0]), (f"{TWO}/2", "talked", AT[1])]


def workbook(rows: list[list[object]], *, sheets: int = 1) -> bytes:
    book = openpyxl.Workbook()
    for number in range(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        for row in rows:
            sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_grid_comes_in_with_any_separator_and_encoding(tmp_path, separator, codec, newline):
    text = PLAIN.replace(";", separator).replace("\n", newline)
    content = b"\xfe\xff" + text.encode("utf-16-be") if "be" in codec else text.encode(codec)
    assert told(lines_of(content, tmp_path)) == WANTED


@pytest.mark.parametrize(
    "content",
    [
        f"sep=;\r\n{PLAIN}",
        f'"sep=;"\n{PLAIN}',
        f"Retours du 10 mars;;;\n;;;\n{PLAIN}",
        PLAIN.replace("\n", ";;\n") + ";;;;;\n",
        PLAIN + "\n\n;;;\n",
        PLAIN + "Total;2;;\n",
        PLAIN.replace(";", '";"').replace("\n", '"\n').replace("building", '"building')
        .replace(f"{ONE}", f'"{ONE}').replace(f"{TWO}", f'"{TWO}'),
        PLAIN.replace("absent", "  ABSENT\u00a0").replace("échange", "Echange"),
        PLAIN.replace(";1;", ";1,0;").replace(";2;", ";2.0;"),
        PLAIN.replace(";door", ";Porte").replace("outcome", "Résultat").replace(
            "visited_at", "Date et heure").replace("building_id", "Bâtiment"),
        PLAIN.replace("10/03/2026 18:30", "10/3/26 18h30").replace("10/03/2026 18:34", "46091,773611"),
        "Secteur;N° d'ordre;Porte;Résultat;Date;Heure\n"
        "s0001;1;1;absent;10/03/2026;18h30\nS0001;2;2;échange;10.03.2026;18:34:00\n",
        PLAIN.replace("visited_at\n", "visited_at;note\n"),
    ],
)  # fmt: skip
def test_a_grid_comes_in_as_excel_or_a_hand_leaves_it(tmp_path, content):
    assert told(lines_of(content, tmp_path)) == WANTED


def test_a_workbook_comes_in_with_its_dates(tmp_path):
    rows = [
        ["building_id", "door", "outcome", "visited_at"],
        [ONE, 1, "absent", datetime(2026, 3, 10, 18, 30)],
        [None, None, None, None],
        [TWO, 2, "échange", 46091 + (18 * 60 + 34) / 1440],
        [TWO, 3, "refus", datetime(2026, 3, 10)],
    ]
    found = lines_of(workbook(rows), tmp_path, "grid.xlsx")
    assert told(found)[:2] == WANTED
    assert (found[2].when.at, found[2].when.day) == (None, date(2026, 3, 10))
    assert [line.number for line in found] == [2, 4, 5]
    with pytest.raises(SourceError, match="2 sheets"):
        lines_of(workbook(rows, sheets=2), tmp_path, "two.xlsx")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_word_printed_on_a_book_is_read_back(language):
    words = outcome_words()
    for outcome in OUTCOMES:
        printed = text_in(language, f"outcome.{outcome}")
        for spelling in (printed, printed.upper(), f" {printed.replace(' ', '  ')} "):
            from targeting.workflows.outings.grid_words import outcome_of

            assert outcome_of(spelling) == outcome
    assert set(words.values()) == set(OUTCOMES)
    assert set(header_names().values()) == set(COLUMNS)


@pytest.mark.parametrize(
    ("text", "hour", "wanted"),
    [
        ("10/03/2026 18:30", "", AT[0]), ("10/3/26 18h30", "", AT[0]), ("10-03-2026 18:30:00", "", AT[0]),
        ("2026-03-10 18:30", "", AT[0]), ("2026-03-10T18:30:00+01:00", "", AT[0]),
        ("2026-03-10T17:30:00Z", "", AT[0]), ("mardi 10 mars 2026 à 18h30", "", AT[0]),
        ("10 March 2026, 6:30 PM", "", AT[0]), ("10/03/2026 à 18 h 30", "", AT[0]),
        ("10/03/2026", "18h30", AT[0]), ("10/03/2026 00:00", "18:30", AT[0]),
        ("10/03/2026", "0,770833333", AT[0]), ("46091.770833333", "", AT[0]),
        ("10/07/2026 18h", "", datetime(2026, 7, 10, 16, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_dates_are_day_first_with_the_hour_of_france(text, hour, wanted):
    assert when(text, hour).at == wanted


@pytest.mark.parametrize("text", ["10/03/2026", "10/03/26", "2026-03-10", "10 mars 2026", "46091",
                                  "2026-03-10 00:00:00"])  # fmt: skip
def test_a_day_without_its_hour_is_taken(text):
    assert when(text) == (date(2026, 3, 10), None)


@pytest.mark.parametrize(
    "text",
    ["", "03/25/2026", "31/02/2026", "10/03", "hier", NAME, "10/03/2026 25:00", "18:30", "12345",
     "10/03/2026 18", "10/03/2026 18:30 Jean", "99999", "10/03/2026 0612345678"],
)  # fmt: skip
def test_what_is_no_date_is_none(text):
    assert when(text) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER + f"{ONE};1;{NAME};10/03/2026\n", ["line 2", "outcome", "absent", "ne plus revenir"]),
        (HEADER + f"{ONE};1;absent;{NAME}\n", ["line 2", "visited_at"]),
        (HEADER + f"{ONE};{NAME};absent;10/03/2026\n", ["line 2", "door"]),
        (HEADER + f"{NAME};1;absent;10/03/2026\n", ["line 2", "building_id"]),
        (HEADER + f"{ONE};1;absent;10/03/2026;{NAME}\n", ["line 2", "cells"]),
        (HEADER.replace("\n", ";\n") + f"{ONE};1;absent;10/03/2026;{NAME}\n", ["column E", "line 2"]),
        (HEADER.replace("\n", f";{NAME}\n") + f"{ONE};1;absent;10/03/2026;x\n", ["column E"]),
        (f"{ONE};1;absent;{NAME}\n", ["line 1", "headers"]),
        (f"turf_id;visit_order;door;outcome;visited_at\n{NAME};1;1;absent;10/03/2026\n", ["turf_id"]),
        (f"turf_id;visit_order;door;outcome;visited_at\nS0001;{NAME};1;absent;10/03/2026\n",
         ["visit_order"]),
        (HEADER + f"\n\n{ONE};1;absent;10/03/2026\n{ONE};2;absent;10/03/2026\n", ["line 5", "door"]),
        (HEADER + f"{ONE};1;;10/03/2026\n", ["line 2", "empty"]),
        (HEADER + f"{ONE};1;absent;01/01/1901\n", ["line 2", "visited_at"]),
        ("building_id;door;porte;outcome;visited_at\n", ["two columns are door"]),
        (PLAIN.replace(";", "|"), ["headers"]),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_line_and_never_a_person(tmp_path, content, said):
    with pytest.raises(SourceError) as trouble:
        lines_of(content, tmp_path)
    assert all(word in str(trouble.value) for word in said), str(trouble.value)
    assert "DUPONT" not in str(trouble.value)
    assert "0612345678" not in str(trouble.value)


# -- one knock, one visit ---------------------------------------------------------------------------


def once(content: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    lines = lines_of(content, tmp_path)
    return once_each(read_grid_text(tmp_path / "grid.csv"), lines)


def test_lines_that_say_the_same_are_one_visit_and_told(tmp_path):
    line = f"{TWO};2;absent;10/03/2026 18:30\n"
    kept, repeated, overruled = once(HEADER + line + line, tmp_path)
    assert ([x.number for x in kept], repeated, overruled) == ([2], [[2, 3]], [])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_opposition_wins_over_the_lines_of_its_moment_in_any_order(tmp_path, order):
    words = ["absent", "ne plus revenir", "refus"]
    content = HEADER + "".join(f"{TWO};2;{words[n]};10/03/2026 18:30\n" for n in order)
    kept, _, overruled = once(content, tmp_path)
    assert [x.outcome for x in kept] == ["do_not_contact"]
    assert len(overruled[0]) == 3


@pytest.mark.parametrize("visit_id", ["", "5ba7b810-9dad-41d1-80b4-00c04fd430c8"])
def test_two_outcomes_of_one_knock_are_refused_with_both_lines(tmp_path, visit_id):
    header = "visit_id;building_id;door;outcome;visited_at\n"
    rows = [f"{visit_id};{TWO};2;{word};10/03/2026 18:30\n" for word in ("absent", "refus")]
    with pytest.raises(SourceError, match="line 3: lines 2 and 3 are one visit"):
        once(header + "".join(rows), tmp_path)


def test_without_an_hour_a_day_may_have_seen_several_knocks_in_the_order_of_the_lines(tmp_path):
    rows = ["absent", "ne plus revenir", "absent"]
    content = HEADER + "".join(f"{TWO};2;{word};10/03/2026\n" for word in rows)
    kept, repeated, _ = once(content, tmp_path)
    visits = as_visits(kept)
    assert [v["outcome"] for v in visits] == ["not_home", "do_not_contact"]
    assert repeated == [[2, 4]]
    assert visits[0]["visited_at"] < visits[1]["visited_at"]
    assert len({v["visit_id"] for v in visits}) == 2


def test_a_visit_id_that_is_no_uuid_counts_for_none(tmp_path):
    header = "visit_id;building_id;door;outcome;visited_at\n"
    kept, _, _ = once(header + f"{NAME};{TWO};2;refus;10/03/2026 18:30\n", tmp_path)
    (visit,) = as_visits(kept)
    assert uuid.UUID(visit["visit_id"]).version == 5
    (plain,) = as_visits(once(HEADER + f"{TWO};2;refus;10/03/2026 18:30\n", tmp_path)[0])
    assert visit == plain


# -- in a workspace ---------------------------------------------------------------------------------


@pytest.fixture
def town(demo_folder: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(demo_folder, tmp_path / "town")
    return Workspace(tmp_path / "town")


def typed(workspace: Workspace, name: str, *rows: str) -> Result:
    path = workspace.root / name
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), "returns", str(path)])


def at_door(workspace: Workspace, door_id: str) -> list[str]:
    with reading(open_store(workspace)) as session:
        visits = load_visits(session)
    return sorted(visits.loc[visits["door_id"] == door_id, "outcome"])


def free_doors(workspace: Workspace, count: int) -> list[tuple[str, int]]:
    """Doors that nobody knocked at."""
    with reading(open_store(workspace)) as session:
        known = set(load_visits(session)["door_id"])
    stops = load_campaign_turfs(workspace).stops
    every = (
        (building, door)
        for building, first, last in zip(
            stops["building_id"], stops["first_door"], stops["last_door"], strict=True
        )
        for door in range(int(first), int(last) + 1)
    )
    return list(itertools.islice((d for d in every if f"{d[0]}/{d[1]}" not in known), count))


def test_an_opposition_is_kept_whatever_file_comes_first_and_again(town):
    for number, order in enumerate([("absent", "ne plus revenir"), ("ne plus revenir", "absent")]):
        ((building, door),) = free_doors(town, 1)
        for n, word in enumerate([*order, *order]):
            row = f"{building};{door};{word};10/03/2026 18:30"
            done = typed(town, f"g{number}{n}.csv", row, *[""] * n)
            assert done.exit_code == 0, done.output
        assert at_door(town, f"{building}/{door}") == ["do_not_contact", "not_home"]


def test_a_file_in_another_order_and_an_older_workspaces_ids_give_nothing_new(town):
    doors = free_doors(town, 4)
    rows = [f"{b};{d};absent;10/03/2026 18:3{n}" for n, (b, d) in enumerate(doors)]
    old = [
        {
            "visit_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{b}/{d} {at.isoformat()}")),
            "building_id": b, "door_id": f"{b}/{d}", "outcome": "not_home", "visited_at": at,
        }
        for n, (b, d) in enumerate(doors[:2])
        for at in [datetime(2026, 3, 10, 17, 30 + n, tzinfo=UTC)]
    ]  # fmt: skip
    write(open_store(town), lambda s: record_visits(s, old))
    assert "4 visits read, 2 recorded" in typed(town, "a.csv", *rows).output
    assert "4 visits read, 0 recorded" in typed(town, "b.csv", *reversed(rows)).output
    assert "already imported" in typed(town, "b.csv", *reversed(rows)).output


def test_the_line_told_is_the_files_whatever_was_known_before(town):
    doors = free_doors(town, 3)
    rows = [f"{b};{d};absent;10/03/2026 18:3{n}" for n, (b, d) in enumerate(doors)]
    assert typed(town, "a.csv", rows[0]).exit_code == 0
    late = rows[2].replace("10/03/2026", f"10/03/{date.today().year + 2}")
    told_ = typed(town, "b.csv", rows[0], rows[1], late)
    assert (told_.exit_code, "b.csv, line 4: its date is in the future" in told_.stderr) == (
        2,
        True,
    )


# -- two at once ------------------------------------------------------------------------------------


def knock(outcome: str = "not_home", **more: object) -> dict[str, object]:
    return {
        "visit_id": "5ba7b810-9dad-41d1-80b4-00c04fd430c8", "building_id": "b", "door_id": "b/1",
        "outcome": outcome, "visited_at": AT[0],
    } | more  # fmt: skip


def test_one_file_given_twice_at_once_is_recorded_once(engine):
    rows = [knock()]
    work = lambda: write(engine, lambda s: record_visits(s, rows))  # noqa: E731
    for _ in range(5):
        assert sum(at_once(work, work, work)) <= 1
    with reading(engine) as session:
        assert len(load_visits(session)) == 1


def test_an_opposition_beside_another_return_of_its_id_is_kept(engine):
    def mine():  # type: ignore[no-untyped-def]
        return write(engine, lambda s: record_visits(s, [knock("do_not_contact")]))

    def theirs():  # type: ignore[no-untyped-def]
        return write(engine, lambda s: record_visits(s, [knock()]))

    at_once(mine, theirs)
    with reading(engine) as session:
        assert "do_not_contact" in set(load_visits(session)["outcome"])


def test_a_visit_taken_back_beside_its_return_stays_out_in_any_order(engine):
    book = "ab" * 16
    visit_id = str(knock()["visit_id"])

    def given():  # type: ignore[no-untyped-def]
        return write(engine, lambda s: record_visits(s, [knock(book_id=book)]))

    def undone():  # type: ignore[no-untyped-def]
        return write(engine, lambda s: withdraw_visits(s, [visit_id], AT[0], book))

    at_once(given, undone)
    given()
    with reading(engine) as session:
        assert session.get(Visit, visit_id) is None


def test_one_phones_file_handed_in_at_two_desks_at_once_is_one(
    engine, database_url, tmp_path, monkeypatch
):
    monkeypatch.setenv("RELANCE_DATABASE_URL", database_url)
    workspace = Workspace(tmp_path / "desk")
    init_workspace(workspace, communes=["13055"])
    phone = Phone(make_secret(workspace), "S0001", ["b1"])
    write(engine, lambda s: bind_books(s, [phone.bound()]))
    phone.tap(0, 1)
    phone.tap(0, 2, "do_not_contact")
    path = phone.file(tmp_path / "a.json")

    def hand_in() -> int:
        return import_returns(workspace, path)[0].recorded

    assert sorted(at_once(hand_in, hand_in, hand_in)) == [0, 0, 2]
