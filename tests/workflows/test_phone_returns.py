"""What phones give back: once however often, in the phone's own order, and nothing lost."""

from __future__ import annotations

import base64
import json
import random
import re
import shutil
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.field.books import order_mark
from targeting.field.phone_return import Knock, parse_return, sealed_of_frames
from targeting.field.sealing import book_id_of
from targeting.store.engine import open_store, reading, write
from targeting.store.models import PhoneBook, Visit, VisitUndone
from targeting.store.visits import bind_books, due_to_be_forgotten
from targeting.workflows.outings.phone_secret import KEY_FILE, load_secret, make_secret
from targeting.workflows.outings.phones import in_order
from targeting.workflows.outings.returns import import_returns
from targeting.workflows.turfs.board import load_campaign_turfs
from targeting.workflows.turfs.edits import move_buildings
from tests.field.phones import PHRASE_TEXT, Phone, frames

pytestmark = pytest.mark.slow  # the whole invented town


@pytest.fixture
def town(demo_folder: Path, tmp_path: Path) -> Workspace:
    copy = tmp_path / "town"
    shutil.copytree(demo_folder, copy)
    return Workspace(copy)


def call(workspace: Workspace, *arguments: object):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])


def told(workspace: Workspace, *arguments: object) -> dict:  # type: ignore[type-arg]
    result = call(workspace, "returns", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def kept(workspace: Workspace) -> dict[str, Visit]:
    with reading(open_store(workspace)) as session:
        found = {v.id: v for v in session.query(Visit).all()}
        session.expunge_all()
        return found


def phone(workspace: Workspace, turf_id: str = "S0001", **options: object) -> Phone:
    """A phone with a book of the turf; with "", of three buildings that nothing else knows."""
    stops = load_campaign_turfs(workspace, [turf_id]).stops if turf_id else None
    buildings = ["b1", "b2", "b3"] if stops is None else stops["building_id"].tolist()
    made = Phone(make_secret(workspace), turf_id or "S0001", buildings, **options)  # type: ignore[arg-type]
    doors = None
    if stops is not None:
        ranges = zip(stops["first_door"], stops["last_door"], strict=True)
        doors = dict(zip(buildings, [(int(a), int(b)) for a, b in ranges], strict=True))
    write(open_store(workspace), lambda s: bind_books(s, [made.bound(doors)]))
    return made


@pytest.fixture
def alone(workspace: Workspace) -> Phone:
    """A phone whose turf the campaign no longer has."""
    return phone(workspace, "")


# -- files -----------------------------------------------------------------------------------------


def test_the_same_return_twice_is_one_and_so_is_a_second_export(workspace, alone, tmp_path):
    first = alone.tap(0, 1)
    path = alone.file(tmp_path / "a.json")
    assert told(workspace, path)["recorded"] == 1
    again = told(workspace, path)
    assert (again["recorded"], again["unchanged"]) == (0, True)
    second = alone.tap(1, 1, "talked")
    facts = told(workspace, alone.file(tmp_path / "b.json"))
    assert (facts["rows"], facts["recorded"], facts["unchanged"]) == (2, 1, False)
    assert set(kept(workspace)) == {first, second}


def test_two_phones_on_one_turf_merge_and_a_difference_is_told(workspace, alone, tmp_path):
    other = phone(workspace, "")
    ids = {alone.tap(0, 1), alone.tap(0, 2, "refused"), other.tap(0, 1), other.tap(0, 2, "talked")}
    told(workspace, alone.file(tmp_path / "a.json"))
    facts = told(workspace, other.file(tmp_path / "b.json"))
    assert set(kept(workspace)) == ids
    assert facts["conflicts"] == [{"door_id": "b1/2", "outcomes": ["refused", "talked"]}]
    shown = call(workspace, "returns", phone(workspace, "").file(tmp_path / "c.json"))
    assert "0 visits read" in shown.stdout


def test_a_visit_undone_after_an_export_is_withdrawn_for_good(town, tmp_path):
    own = phone(town)
    slip, kept_id = own.tap(0, 1, "refused"), own.tap(0, 1, "not_home")
    early = own.file(tmp_path / "early.json")
    told(town, early)
    own.undo(slip)
    assert told(town, own.file(tmp_path / "late.json"))["withdrawn"] == 1
    early.write_text(early.read_text() + "\n")  # other bytes, same visits
    assert told(town, early)["recorded"] == 0
    assert slip not in kept(town)
    assert kept_id in kept(town)
    with reading(open_store(town)) as session:
        (row,) = session.query(VisitUndone).all()
        assert row.id == slip
        assert slip not in due_to_be_forgotten(session, date.today())
        assert slip in due_to_be_forgotten(session, date.today() + timedelta(days=4000))


def test_a_late_export_that_comes_first_keeps_the_older_one_out(workspace, alone, tmp_path):
    slip = alone.tap(0, 1)
    early = alone.file(tmp_path / "early.json")
    alone.undo(slip)
    told(workspace, alone.file(tmp_path / "late.json"))
    assert told(workspace, early)["recorded"] == 0
    assert kept(workspace) == {}


def test_a_done_turf_with_a_door_withdrawn_is_in_progress_again(town, tmp_path):
    turfs = load_campaign_turfs(town).turfs
    turf_id = turfs[turfs["status"] == "ready"].sort_values("n_doors")["turf_id"].iloc[0]
    own = phone(town, turf_id)
    stops = load_campaign_turfs(town, [turf_id]).stops
    ids = [
        own.tap(n, door)
        for n, (first, last) in enumerate(zip(stops["first_door"], stops["last_door"], strict=True))
        for door in range(first, last + 1)
    ]
    told(town, own.file(tmp_path / "a.json"))

    def status() -> str:
        return load_campaign_turfs(town).turfs.set_index("turf_id").loc[turf_id, "status"]

    assert status() == "done"
    for visit_id in ids[: len(ids) - stops["dwellings"].sum() + 1]:
        own.undo(visit_id)
    told(town, own.file(tmp_path / "b.json"))
    assert status() == "in_progress"


def test_a_two_weeks_old_book_still_comes_in(workspace, tmp_path):
    before = datetime.now(UTC) - timedelta(days=14)
    old = phone(workspace, "", clock=before, made_on=before.date().isoformat())
    visit_id = old.tap(0, 1)
    told(workspace, old.file(tmp_path / "a.json"))
    assert kept(workspace)[visit_id].visited_at.date() == old.clock.date()


def test_visits_of_a_building_moved_by_hand_go_to_the_turf_that_holds_it(town, tmp_path):
    turfs = load_campaign_turfs(town).turfs
    one, other = turfs[turfs["status"] == "ready"]["turf_id"].iloc[:2]
    own = phone(town, one)
    moved = load_campaign_turfs(town, [one]).stops.iloc[0]
    stays, goes = own.tap(1, 1), own.tap(0, int(moved["first_door"]))
    move_buildings(town, [moved["building_id"]], other)
    facts = told(town, own.file(tmp_path / "a.json"))
    visits = kept(town)
    assert (visits[goes].turf_id, visits[stays].turf_id) == (other, one)
    assert (facts["recorded"], facts["elsewhere"]) == (2, 1)


def test_themes_and_corrections_are_told_and_not_kept(workspace, alone, tmp_path):
    alone.tap(0, 1, "talked")
    alone.themes = {"housing": 12}
    alone.corrections = [[2, "demolished"]]
    path = alone.file(tmp_path / "a.json")
    database = workspace.root / "relance.db"
    in_the_rules = database.read_bytes().count(b"housing")
    shown = call(workspace, "returns", path)
    assert "housing 12" in shown.stdout
    assert "list to mend at b3: demolished" in shown.stdout
    assert database.read_bytes().count(b"housing") == in_the_rules


def test_several_files_at_once_are_told_one_by_one_and_summed(workspace, alone, tmp_path):
    other = phone(workspace, "")
    alone.tap(0, 1)
    other.tap(1, 1)
    facts = told(workspace, alone.file(tmp_path / "a.json"), other.file(tmp_path / "b.json"))
    assert (facts["rows"], facts["recorded"]) == (2, 2)
    assert [f["file"] for f in facts["files"]] == ["a.json", "b.json"]


# -- clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [-4000, 40, 4000])
def test_a_wrong_clock_is_refused_with_the_way_out_and_then_set_right(workspace, tmp_path, days):
    clock = datetime.now(UTC) + timedelta(days=days)
    wrong = phone(workspace, "", clock=clock, made_on="2026-03-01")
    first, second = wrong.tap(0, 1), wrong.tap(0, 2, later=600)
    path = wrong.file(tmp_path / "a.json")
    refused = call(workspace, "returns", path)
    assert refused.exit_code == 2
    assert "--received-at" in refused.stderr
    assert kept(workspace) == {}
    told(workspace, path, "--received-at", "2026-03-10 20:30")
    visits = kept(workspace)
    assert visits[second].visited_at == datetime(2026, 3, 10, 19, 30, tzinfo=UTC)
    assert visits[second].visited_at - visits[first].visited_at == timedelta(seconds=600)


@given(st.lists(st.integers(-10_000, 10_000), max_size=30), st.randoms())
def test_knocks_follow_the_phones_order_whatever_its_clock_did(seconds, chance):
    start = datetime(2026, 3, 10, tzinfo=UTC)
    knocks = [
        Knock(str(n), "b", 1, "not_home", start + timedelta(seconds=s), n)
        for n, s in enumerate(seconds)
    ]
    chance.shuffle(shuffled := list(knocks))
    ordered = in_order(shuffled)
    assert [k.sequence for k in ordered] == list(range(len(knocks)))
    moments = [k.at for k in ordered]
    assert moments == sorted(set(moments))
    assert in_order(ordered) == ordered
    assert all(k.at >= knocks[k.sequence].at for k in ordered)


# -- keys ------------------------------------------------------------------------------------------


def test_the_secret_is_read_by_its_owner_alone_and_made_once(workspace):
    secret = make_secret(workspace)
    path = workspace.root / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert make_secret(workspace) == load_secret(workspace) == secret
    path.write_text("beef")
    with pytest.raises(TargetingError, match="damaged"):
        load_secret(workspace)


def test_another_desk_needs_the_phrase(town, tmp_path):
    workspace = town
    stranger = Phone(b"x" * 32, "S0001", [load_campaign_turfs(town).stops["building_id"].iloc[0]])
    (town.root / KEY_FILE).unlink(missing_ok=True)
    stranger.tap(0, 1)
    path = stranger.file(tmp_path / "a.json")
    without = call(workspace, "returns", path)
    assert (without.exit_code, "--passphrase" in without.stderr) == (2, True)
    make_secret(workspace)
    refused = call(workspace, "returns", path, "--passphrase", "another phrase here")
    assert (refused.exit_code, "phrase is not that" in refused.stderr) == (2, True)
    assert told(workspace, path, "--passphrase", PHRASE_TEXT)["recorded"] == 1


def test_damaged_files_are_refused_in_one_line(workspace, alone, tmp_path):
    alone.tap(0, 1)
    whole = alone.file(tmp_path / "a.json").read_text()
    for number, text in enumerate(
        (whole[:-40], whole.replace('"sealed"', '"other"'), whole.replace("A", "B", 3))
    ):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        result = call(workspace, "returns", path)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
        assert path.name in result.stderr


@pytest.mark.parametrize(
    "change",
    [{"visits": [["x", 0, 1, "not_home", "2026-03-10T10:00:00Z", 1]]}, {"visits": 3},
     {"buildings": []}, {"made_on": "yesterday"}, {"themes": {"housing": -1}}, {"turf": "S" * 90},
     {"corrections": [[0, "the old lady of the third floor"]]}, {"undone": ["1"]}],
)  # fmt: skip
def test_what_no_page_writes_is_refused(workspace, alone, tmp_path, change):
    alone.tap(0, 1)
    path = alone.file(tmp_path / "a.json", alone.content() | change)
    result = call(workspace, "returns", path)
    assert (result.exit_code, "cannot be read" in result.stderr) == (2, True), result.output
    assert kept(workspace) == {}


@settings(max_examples=150)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inside:
       st.lists(inside, max_size=4) | st.dictionaries(st.sampled_from(
           ["turf", "made_on", "visits", "undone", "themes"]), inside, max_size=5)))  # fmt: skip
def test_any_json_is_read_or_refused_in_words(content):
    with pytest.raises(TargetingError):
        parse_return(json.dumps(content).encode())


# -- frames ----------------------------------------------------------------------------------------


def test_scanned_frames_come_in_any_order_over_several_files(workspace, alone, tmp_path):
    for n in range(40):
        alone.tap(n % 3, n + 1)
    chain = frames(alone.sealed())
    assert len(chain) > 3
    random.Random(3).shuffle(chain)
    (tmp_path / "a.txt").write_text("\r\n".join(chain[:2]))
    (tmp_path / "b.txt").write_text("scan: " + "\n".join(chain[1:]))
    lost = call(workspace, "returns", tmp_path / "b.txt")
    assert lost.exit_code == 2
    assert "1 of" in lost.stderr
    assert chain[0].split(":")[2] in lost.stderr
    assert told(workspace, tmp_path / "a.txt", tmp_path / "b.txt")["recorded"] == 40
    assert told(workspace, tmp_path / "b.txt", tmp_path / "a.txt")["unchanged"]


def test_a_frame_typed_wrong_is_as_good_as_missing(alone):
    alone.tap(0, 1)
    first, *others = frames(alone.sealed())
    spoilt = first[:-1] + ("A" if first[-1] != "A" else "B")
    with pytest.raises(TargetingError, match=r"missing|none readable"):
        sealed_of_frames("\n".join([spoilt, *others]))


# -- the grid of an old list ------------------------------------------------------------------------


def test_numbers_of_a_list_whose_order_moved_are_refused_with_the_way_out(town, tmp_path):
    turfs = load_campaign_turfs(town).turfs
    one, other = turfs[turfs["status"] == "ready"]["turf_id"].iloc[:2]
    stops = load_campaign_turfs(town, [one]).stops
    edition = f"3-{order_mark(stops['building_id'])}"
    grid = tmp_path / "grid.csv"

    def typed(version: str, minute: int) -> Path:
        grid.write_text(
            "turf_id,version,visit_order,door,outcome,visited_at\n"
            f"{one},{version},2,{stops['first_door'].iloc[1]},not_home,2026-10-20 18:{minute}\n"
        )
        return grid

    assert told(town, typed(edition, 10))["recorded"] == 1, "a visit does not change the order"
    assert told(town, typed(edition.upper(), 11))["recorded"] == 1
    assert "version" in call(town, "returns", typed("3", 12)).stderr
    ready = load_campaign_turfs(town).turfs.set_index("turf_id").loc[one, "status"]
    assert ready == "in_progress"
    two = load_campaign_turfs(town, [other]).stops
    old = f"1-{order_mark(two['building_id'])}"
    move_buildings(
        town, [two["building_id"].iloc[0]], turfs[turfs["status"] == "ready"]["turf_id"].iloc[2]
    )
    grid.write_text(
        "turf_id,version,visit_order,door,outcome,visited_at\n"
        f"{other},{old},1,1,not_home,2026-10-20 18:13\n"
    )
    refused = call(town, "returns", grid)
    assert refused.exit_code == 2
    assert "line 2" in refused.stderr
    assert "Give the building_id" in refused.stderr


# -- the book --------------------------------------------------------------------------------------


def test_what_is_not_of_the_book_is_counted_and_not_recorded(workspace, alone, tmp_path):
    alone.buildings = ["b1", "Jean-DUPONT-0612345678", "b3"]
    inside = alone.tap(0, 60)
    alone.tap(0, 61)
    alone.tap(1, 1, "do_not_contact")
    facts = told(workspace, alone.file(tmp_path / "a.json"))
    assert set(kept(workspace)) == {inside}
    assert (facts["rows"], facts["recorded"], facts["outside"]) == (3, 1, 2)
    assert facts["outside_buildings"] == ["b1"]
    assert "DUPONT" not in call(workspace, "returns", tmp_path / "a.json").output


@pytest.mark.parametrize("building", ["Jean DUPONT 0612345678 vote X", "", "b" * 61])
def test_a_building_that_is_no_id_is_refused_and_not_repeated(workspace, alone, tmp_path, building):
    alone.buildings = [building, "b2", "b3"]
    alone.tap(0, 1)
    refused = call(workspace, "returns", alone.file(tmp_path / "a.json"))
    assert (refused.exit_code, "cannot be read" in refused.stderr) == (2, True)
    assert "DUPONT" not in refused.output


def test_a_return_cannot_speak_for_another_turf(town, tmp_path):
    own = phone(town, "S0001")
    own.tap(0, 1)
    for turf_id in ("S9999", "S0002"):
        content = own.content() | {"turf": turf_id}
        refused = call(town, "returns", own.file(tmp_path / f"{turf_id}.json", content))
        assert (refused.exit_code, "another turf than its book" in refused.stderr) == (2, True)


def test_a_phone_takes_back_nothing_that_came_from_elsewhere(workspace, alone, tmp_path):
    other = phone(workspace, "")
    theirs = other.tap(0, 1)
    told(workspace, other.file(tmp_path / "a.json"))
    alone.undone.append(theirs)
    assert told(workspace, alone.file(tmp_path / "b.json"))["withdrawn"] == 0
    assert set(kept(workspace)) == {theirs}
    alone.undone.append(str(uuid.uuid5(uuid.NAMESPACE_URL, "b1/1 2026-03-10")))
    refused = call(workspace, "returns", alone.file(tmp_path / "c.json"))
    assert (refused.exit_code, "cannot be read" in refused.stderr) == (2, True)


def test_a_grid_is_not_kept_out_by_what_a_phone_took_back(town, tmp_path):
    own = phone(town, "S0001")
    own.undone.append(slip := str(uuid.uuid4()))
    told(town, own.file(tmp_path / "a.json"))
    stop = load_campaign_turfs(town, ["S0001"]).stops.iloc[0]
    grid = tmp_path / "grid.csv"
    grid.write_text(
        "visit_id,building_id,door,outcome,visited_at\n"
        f"{slip},{stop['building_id']},{stop['first_door']},not_home,2026-10-20 18:30\n"
    )
    assert told(town, grid)["recorded"] == 1


def test_the_desks_own_date_of_a_book_counts_and_not_the_phones(workspace, tmp_path):
    old = phone(workspace, "", clock=datetime(1901, 1, 1, tzinfo=UTC))
    old.tap(0, 1)
    content = old.content() | {"made_on": "1901-01-01"}
    refused = call(workspace, "returns", old.file(tmp_path / "a.json", content))
    assert (refused.exit_code, "older than their book" in refused.stderr) == (2, True)
    again = call(workspace, "returns", tmp_path / "a.json", "--received-at", "1901-01-02 10:00")
    assert (again.exit_code, "--received-at is wrong" in again.stderr) == (2, True)
    assert kept(workspace) == {}


@pytest.mark.parametrize(("days", "taken"), [(182, True), (183, False)])
def test_a_book_that_was_not_noted_is_believed_half_a_year(town, tmp_path, days, taken):
    before = datetime.now(UTC) - timedelta(days=days)
    stop = load_campaign_turfs(town, ["S0001"]).stops.iloc[0]
    old = Phone(make_secret(town), "S0001", [stop["building_id"], "b1"], clock=before)
    old.made_on = before.date().isoformat()
    old.tap(0, int(stop["first_door"]))
    old.tap(1, 1)
    result = call(town, "returns", old.file(tmp_path / "a.json"), "--json")
    assert result.exit_code == (0 if taken else 2), result.output
    if taken:
        facts = json.loads(result.stdout)
        assert (facts["recorded"], facts["outside"]) == (1, 1)


def test_books_that_are_written_are_bound_to_their_doors(town, tmp_path):
    out = tmp_path / "books"
    done = call(town, "walkbook", "--turf", "S0001", "--format", "html", "--out", out)
    assert done.exit_code == 0, done.output
    with reading(open_store(town)) as session:
        (row,) = session.query(PhoneBook).all()
        doors = {b: (first, last) for b, first, last in row.doors}
        book_id, turf_id = row.id, row.turf_id
    stops = load_campaign_turfs(town, ["S0001"]).stops.set_index("building_id")
    assert turf_id == "S0001"
    assert doors == {
        b: (s["first_door"], s["last_door"]) for b, s in stops.to_dict("index").items()
    }
    (path,) = out.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = base64.b64decode(json.loads(page_data(path.read_text()))["sealed"])
    assert book_id_of(sealed).hex() == book_id


def page_data(page: str) -> str:
    return re.search(r'id="held">(.*?)</script>', page, re.DOTALL)[1]


# -- any history ------------------------------------------------------------------------------------

STEP = st.tuples(
    st.integers(0, 1), st.sampled_from(["tap", "tap", "tap", "undo", "export", "import"]),
    st.integers(0, 99),
)  # fmt: skip


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEP, max_size=30), st.randoms())
def test_any_history_of_two_phones_leaves_what_was_not_undone(workspace, tmp_path, steps, chance):
    phones = [phone(workspace, ""), phone(workspace, "")]
    ever: set[str] = set()
    exports: list[Path] = []
    for number, (who, what, n) in enumerate(steps):
        own = phones[who]
        if what == "tap":
            ever.add(own.tap(n % 3, n % 7 + 1, ["not_home", "talked", "refused"][n % 3]))
        elif what == "undo" and own.visits:
            own.undo(own.visits[-1][0])
        elif what == "export":
            exports.append(own.file(tmp_path / f"{number}-{chance.random()}.json"))
        elif what == "import" and exports:
            import_returns(workspace, exports[n % len(exports)])
    last = [p.file(tmp_path / f"last-{n}-{chance.random()}.json") for n, p in enumerate(phones)]
    every = [*exports, *last, *exports]
    chance.shuffle(every)
    for path in [*every, *last]:
        import_returns(workspace, path)
    found = {v.id: (v.door_id, v.outcome) for v in kept(workspace).values() if v.id in ever}
    wanted = {v[0]: (f"{p.buildings[v[1]]}/{v[2]}", v[3]) for p in phones for v in p.visits}
    assert found == wanted
