"""Jobs: looked at, imported, stopped, killed, undone, asked; one at a time, the same file once."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from targeting.config import PROJECT, Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.reference.held import list_elections
from targeting.reference.results import load_turnout
from targeting.reference.staging import JOURNAL, staged
from targeting.workflows.imports.results import import_results
from targeting.workflows.jobs import acts, desk, town, worker
from targeting.workflows.jobs.questions import as_parameters, question_of
from targeting.workflows.jobs.records import (
    STOP,
    Job,
    folder_of,
    given_files,
    is_working,
    list_jobs,
    read_job,
    worker_lock,
    write_job,
)
from targeting.workflows.setup import campaign_card, init_workspace
from tests.official import (
    DUEL,
    PRES_2022,
    Ballot,
    geojson,
    marseille_rows,
    native,
    square,
)

PRES = native(marseille_rows(), Ballot.of_names(PRES_2022)).encode("latin-1")
OTHER = native(marseille_rows(scale=0.8), Ballot.of_names(PRES_2022)).encode("latin-1")
AMBIGUOUS = native(
    [row.with_(votes=[300, 200]) for row in marseille_rows()], Ballot.of_names(DUEL)
).encode("latin-1")
OUTLINES = geojson(
    [
        ({"CODE": "13201", "BUREAU": f"13201_{n}"}, square(5.37 + i / 100, 43.29))
        for i, n in enumerate(("0101", "0102", "0103"))
    ]
).encode()


@pytest.fixture
def by_hand(monkeypatch):
    """No process is started: the test is the worker."""
    monkeypatch.setattr(desk, "poke", lambda _workspace: False)
    monkeypatch.setattr(worker, "LINGER_SECONDS", 0.0)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)


def drop(workspace, content, name="resultats.txt"):
    return desk.drop_file(workspace, name, io.BytesIO(content))


def work(workspace, job):
    """Do all that waits, and give back the job as it is then."""
    worker.work_through(workspace)
    return read_job(workspace, job.id)


def imported(workspace, content, name="resultats.txt"):
    job = work(workspace, drop(workspace, content, name))
    assert job.phase == "looked", job.refusal
    desk.ask_import(workspace, job.id)
    return work(workspace, job)


def files_of(workspace):
    """Every file of the open data, with its bytes."""
    found = workspace.reference.rglob("*.*")
    return {str(p.relative_to(workspace.root)): p.read_bytes() for p in found}


# -- look, import ----------------------------------------------------------------------------------


def test_a_look_tells_what_the_import_would_change_and_changes_nothing(workspace, by_hand):
    before = files_of(workspace)
    job = work(workspace, drop(workspace, PRES))
    assert (job.phase, job.kind) == ("looked", "results")
    assert job.found[0]["election_id"] == "2022_pres_t1"
    assert [(c["before"], c["after"], c["ours"]) for c in job.changes] == [(0, 4, 4)]
    assert files_of(workspace) == before
    assert not (workspace.root / ".staging").exists()


def test_an_import_does_what_the_command_does_and_deletes_the_file(
    workspace, presidential, tmp_path, by_hand
):
    job = imported(workspace, presidential.read_bytes())
    assert job.phase == "done"
    assert given_files(workspace, job) == []
    twin = init_twin(tmp_path)
    import_results(twin, [presidential])
    ours, theirs = files_of(workspace), files_of(twin)
    assert ours.keys() == theirs.keys()
    assert load_turnout(workspace, "2022_pres_t1").equals(load_turnout(twin, "2022_pres_t1"))


def init_twin(folder):
    init_workspace(Workspace(folder / "twin"), communes=["13055"])
    return Workspace(folder / "twin")


def test_a_second_file_over_the_first_says_what_it_replaces(workspace, by_hand):
    imported(workspace, PRES)
    job = work(workspace, drop(workspace, OTHER))
    [change] = job.changes
    assert (change["before"], change["after"], change["added"], change["gone"]) == (4, 4, 0, 0)


def test_the_same_file_twice_is_one_job_and_already_there(workspace, by_hand):
    job = imported(workspace, PRES)
    again = drop(workspace, PRES, "under another name.txt")
    assert again == job
    assert len(list_jobs(workspace)) == 1
    desk.forget_job(workspace, job.id)
    assert work(workspace, drop(workspace, PRES)).phase == "already"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("no idea", PRES, "results"),
        ("resultats.csv", OUTLINES, "stations"),
        ("x.txt", b"id;numero;rep;nom_voie;code_postal;code_insee;x;y;lon;lat\n", "addresses"),
        ("x.json", b'{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": '
         b'{"type": "LineString", "coordinates": [[5, 43], [5.1, 43]]}}]}', "streets"),
        ("x.csv", b"<?xml version='1.0'?><osm version='0.6'></osm>", "streets"),
    ],
)  # fmt: skip
def test_a_file_is_told_from_its_content_whatever_its_name(tmp_path, name, content, kind):
    from targeting.sources.kinds import likely_kinds

    (tmp_path / name).write_bytes(content)
    assert likely_kinds(tmp_path / name)[0] == kind


def test_a_list_of_people_is_refused_and_nothing_of_it_is_told(workspace, by_hand):
    people = b"Nom;Prenom;Telephone\nDURAND;Zebulon;0612345678\n"
    job = work(workspace, drop(workspace, people, "contacts.csv"))
    assert job.phase == "refused"
    assert "list of people" in job.refusal
    assert "0612345678" not in (folder_of(workspace, job.id) / "state.json").read_text()


def test_what_is_no_file_of_ours_is_refused_in_words_with_its_name(workspace, by_hand):
    for content in (b"", b"\x89PNG\r\n\x1a\n" + b"x" * 50, b"\x1f\x8bcut", b"PK\x03\x04cut"):
        job = work(workspace, drop(workspace, content, "../..//é <b>.txt"))
        assert job.phase == "refused", job
        assert "Internal error" not in job.refusal
        assert job.refusal.startswith("é _b_.txt")


# -- questions -------------------------------------------------------------------------------------


def test_a_question_is_answered_on_the_page_and_the_import_goes_on(workspace, by_hand):
    job = work(workspace, drop(workspace, AMBIGUOUS, "duel.txt"))
    assert job.phase == "asked"
    assert job.question == {
        "option": "election", "choices": ["2017_pres_t2", "2022_pres_t2"],
    }  # fmt: skip
    desk.answer(workspace, job.id, "election", "2022_pres_t2")
    job = work(workspace, job)
    assert job.phase == "looked"
    desk.ask_import(workspace, job.id)
    assert work(workspace, job).phase == "done"
    assert list_elections(workspace) == ["2022_pres_t2"]


def test_a_wrong_answer_is_asked_again(workspace, by_hand):
    job = work(workspace, drop(workspace, PRES))
    desk.answer(workspace, job.id, "election", "2017_pres_t1")
    job = work(workspace, job)
    assert (job.phase, job.question["choices"]) == ("asked", ["2022_pres_t1"])


def test_outlines_before_any_result_ask_their_year(workspace, by_hand):
    job = work(workspace, drop(workspace, OUTLINES, "contours.geojson"))
    assert (job.phase, job.question["option"]) == ("asked", "vintage")
    desk.answer(workspace, job.id, "vintage", "2022")
    job = work(workspace, job)
    assert (job.phase, job.found[0]["vintage"]) == ("looked", "2022")


def test_outlines_that_came_first_are_looked_at_again_once_results_are_in(workspace, by_hand):
    numbers = ("0101", "0102", "0103", "069A")
    whole = geojson(
        [({"CODE": "13201", "BUREAU": f"13201_{n}"}, square(5.37 + i / 100, 43.29))
         for i, n in enumerate(numbers)]
    ).encode()  # fmt: skip
    outlines = work(workspace, drop(workspace, whole, "contours.geojson"))
    assert outlines.question["option"] == "vintage"
    imported(workspace, PRES)
    outlines = read_job(workspace, outlines.id)
    assert (outlines.phase, outlines.found[0]["vintage"]) == ("looked", "2022")


@pytest.mark.parametrize(
    ("kind", "refusal", "option", "choices"),
    [
        ("stations", "a: several properties may be the station number, and they differ: “NUM”, "
         "“BV”. Say which with --code-property NAME.", "code-property", ["NUM", "BV"]),
        ("stations", "a: no property holds a station number, as far as we can tell; properties: "
         "x, y. Say which with --code-property NAME. Is it a layer of stations?",
         "code-property", ["x", "y"]),
        ("stations", "a: several layers: bv, iris. Say which with --layer NAME.",
         "layer", ["bv", "iris"]),
        ("streets", "a: the file does not tell its coordinate system, and its numbers are no "
         "degrees. Say which with --crs, as --crs EPSG:2154 (Lambert-93) or EPSG:3857 (Web).",
         "crs", ["EPSG:2154", "EPSG:3857"]),
        ("stations", "a: its outlines fit 2017 and 2022 equally (99.8%), and the stations of these "
         "years differ. Say which with --vintage 2022.", "vintage", ["2017", "2022"]),
        ("addresses", "a: the table does not say its commune. Add --commune 72181 (the INSEE code "
         "of the city).", "commune", ["72181"]),
        ("results", "a: several recipes fit: paris or nantes. Say which with --recipe.",
         "recipe", ["paris", "nantes"]),
    ],
)  # fmt: skip
def test_every_refusal_that_asks_is_a_question_with_its_choices(kind, refusal, option, choices):
    found = question_of(kind, refusal, communes=["72181"])
    assert (found["option"], found["choices"]) == (option, choices)


def test_answers_of_another_kind_are_left_aside():
    answers = {"election": "2022_pres_t1", "commune": " 13055 ", "vintage": ""}
    assert as_parameters("results", answers) == {"election_id": "2022_pres_t1"}
    assert as_parameters("addresses", answers) == {"communes": ["13055"]}


def test_a_file_dropped_before_there_is_a_campaign_waits_for_its_commune(tmp_path, by_hand):
    here = Workspace(tmp_path / "new")
    job = drop(here, PRES)
    assert (job.phase, job.question["option"]) == ("asked", "campaign")
    assert not here.exists
    init_workspace(here, communes=["13055"])
    desk.campaign_is_made(here)
    assert work(here, job).phase == "looked"


def test_a_folder_of_something_else_takes_no_file(tmp_path, by_hand):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match="something else"):
        drop(Workspace(tmp_path), PRES)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


# -- undo ------------------------------------------------------------------------------------------


def test_undoing_an_import_puts_back_what_was_there_byte_for_byte(workspace, by_hand):
    imported(workspace, PRES)
    before = files_of(workspace)
    job = imported(workspace, OTHER)
    assert files_of(workspace) != before
    desk.ask_undo(workspace, job.id)
    assert work(workspace, job).phase == "undone"
    assert files_of(workspace) == before


def test_undoing_the_first_import_leaves_none_of_its_files(workspace, by_hand):
    before = files_of(workspace)
    job = imported(workspace, PRES)
    desk.ask_undo(workspace, job.id)
    assert work(workspace, job).phase == "undone"
    assert files_of(workspace) == before
    assert imported(workspace, PRES).phase == "done"


def test_an_import_under_another_is_not_undone_first(workspace, by_hand):
    first = imported(workspace, PRES)
    second = imported(workspace, OTHER)
    now = files_of(workspace)
    desk.ask_undo(workspace, first.id)
    first = work(workspace, first)
    assert (first.phase, "another import" in first.refusal) == ("done", True)
    assert files_of(workspace) == now
    for job in (second, first):
        desk.ask_undo(workspace, job.id)
        assert work(workspace, job).phase == "undone"


def test_an_import_that_turfs_stand_on_is_not_undone(workspace, by_hand, monkeypatch):
    job = imported(workspace, PRES)
    cuts = {1: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5))}
    monkeypatch.setattr("targeting.store.turfs.cut_dates", lambda _session: cuts)
    now = files_of(workspace)
    desk.ask_undo(workspace, job.id)
    job = work(workspace, job)
    assert (job.phase, "turfs were cut" in job.refusal) == ("done", True)
    assert files_of(workspace) == now


def test_a_crash_between_the_moves_of_an_undo_is_carried_out(workspace, by_hand):
    before = files_of(workspace)
    job = imported(workspace, PRES)
    names = list(acts.read_moves(workspace, job.id))
    (workspace.root / JOURNAL).write_text(json.dumps([f"-{n}" for n in names]))
    (workspace.root / names[0]).unlink()
    with staged(workspace):
        assert files_of(workspace) == before


# -- stop, kill --------------------------------------------------------------------------------------


def test_what_waits_is_stopped_at_once_and_may_be_asked_again(workspace, by_hand):
    job = drop(workspace, PRES)
    desk.stop(workspace, job.id)
    assert read_job(workspace, job.id).phase == "stopped"
    desk.ask_again(workspace, job.id)
    assert work(workspace, job).phase == "looked"


def test_work_that_is_going_on_is_stopped_and_nothing_is_written(workspace, by_hand, monkeypatch):
    job = imported(workspace, PRES)
    before = files_of(workspace)
    begun, forever = threading.Event(), threading.Event()

    def endless(_bench):
        begun.set()
        forever.wait(60)
        return "done"

    monkeypatch.setitem(acts.ACTS, "look", endless)
    other = drop(workspace, OTHER)
    asking = threading.Thread(
        target=lambda: begun.wait(30) and desk.stop(workspace, other.id), daemon=True
    )
    asking.start()
    assert work(workspace, other).phase == "stopped"
    asking.join()
    assert files_of(workspace) == before
    assert not (folder_of(workspace, other.id) / STOP).exists()
    assert read_job(workspace, job.id).phase == "done"


def test_once_it_moves_in_an_import_is_no_longer_stopped(workspace, by_hand, monkeypatch):
    job = work(workspace, drop(workspace, PRES))
    kept = acts.keep_before

    def too_late(here, one, staging):
        kept(here, one, staging)
        threading.Timer(0.0, desk.stop, (here, one.id))
        work_now.settle()
        (folder_of(here, one.id) / STOP).touch()
        assert not work_now._may_stop()

    work_now = worker.Work(workspace, job)
    monkeypatch.setattr(acts, "keep_before", too_late)
    job.act = "import"
    assert acts.bring_in(acts.Bench(workspace, job, work_now.tell, work_now.settle)) == "done"
    assert list_elections(workspace) == ["2022_pres_t1"]


def test_a_stop_that_came_first_keeps_an_import_out(workspace, by_hand):
    job = work(workspace, drop(workspace, PRES))
    work_now = worker.Work(workspace, job)
    assert work_now._may_stop()
    bench = acts.Bench(workspace, job, work_now.tell, work_now.settle)
    with pytest.raises(worker.Stopped):
        acts.bring_in(bench)
    assert list_elections(workspace) == []


KILLED_AT = {  # where the process dies
    "written aside": "targeting.workflows.jobs.acts.keep_before",
    "before the moves": "targeting.reference.staging.recover",
    "between the moves": "targeting.reference.staging.sync_folder",
}
DYING = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from targeting.config import Workspace
from targeting.workflows.jobs import acts, worker
names = sys.argv[2].split(".")
here = Workspace(Path(sys.argv[1]))
nth = int(sys.argv[3])
place = import_module(".".join(names[:-1]))
real = getattr(place, names[-1])
calls = [0]
def die(*args, **options):
    calls[0] += 1
    if calls[0] == nth:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)
setattr(place, names[-1], die)
worker.work_through(here)
"""


@pytest.mark.parametrize(
    ("where", "nth", "phase"),
    [("written aside", 1, "interrupted"), ("before the moves", 2, "done"),
     ("between the moves", 4, "done")],
)  # fmt: skip
def test_a_worker_killed_anywhere_leaves_all_or_nothing_and_that_is_told(
    workspace, by_hand, where, nth, phase
):
    imported(workspace, PRES)
    before = files_of(workspace)
    job = work(workspace, drop(workspace, OTHER))
    desk.ask_import(workspace, job.id)
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", DYING, str(workspace.root), KILLED_AT[where], str(nth)]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert read_job(workspace, job.id).phase == "running"
    [told] = [j for j in desk.jobs_now(workspace) if j.id == job.id]
    assert told.phase == phase
    is_new = load_turnout(workspace, "2022_pres_t1")["valid_votes"].sum() < 2300
    assert is_new == (phase == "done")
    if phase == "interrupted":
        assert files_of(workspace) == before
        desk.ask_again(workspace, job.id)
        assert work(workspace, job).phase == "done"


# -- one at a time -----------------------------------------------------------------------------------


def test_two_windows_at_once_start_one_worker_and_one_job(workspace, monkeypatch):
    started, held = [], []

    def launched(_command, *, pass_fds, **_options):
        started.append(pass_fds)
        held.append(os.dup(pass_fds[0]))  # as the child keeps it

    monkeypatch.setattr(desk.subprocess, "Popen", launched)
    barrier = threading.Barrier(4)

    def window():
        barrier.wait()
        drop(workspace, PRES)

    windows = [threading.Thread(target=window) for _ in range(4)]
    for one in windows:
        one.start()
    for one in windows:
        one.join()
    assert len(started) == 1
    assert len(list_jobs(workspace)) == 1
    assert is_working(workspace)
    os.close(held[0])
    assert not is_working(workspace)


def test_a_job_asked_for_while_another_works_waits_for_its_turn(workspace, by_hand):
    one, other = drop(workspace, PRES), drop(workspace, OTHER)
    with worker_lock(workspace) as handle:
        assert handle is not None
        with worker_lock(workspace) as second:
            assert second is None
    worker.work_through(workspace)
    looked = [read_job(workspace, j.id) for j in (one, other)]
    assert [j.phase for j in looked] == ["looked", "looked"]
    assert looked[0].begun < looked[1].begun


def test_importing_twice_from_two_windows_imports_once(workspace, by_hand):
    job = work(workspace, drop(workspace, PRES))
    for _ in range(2):
        desk.ask_import(workspace, job.id)
    assert sum(j.phase == "waiting" for j in list_jobs(workspace)) == 1
    assert work(workspace, job).phase == "done"
    desk.ask_import(workspace, job.id)
    assert read_job(workspace, job.id).phase == "done"


def test_while_a_command_writes_the_job_says_so_and_changes_nothing(workspace, by_hand):
    job = work(workspace, drop(workspace, PRES))
    desk.ask_import(workspace, job.id)
    with staged(workspace):
        job = work(workspace, job)
    assert (job.phase, "another command" in job.refusal) == ("refused", True)
    desk.ask_again(workspace, job.id)
    assert work(workspace, job).phase == "done"


def test_a_real_worker_looks_imports_and_leaves(workspace, monkeypatch):
    job = drop(workspace, PRES)
    assert wait_for(workspace, job).phase == "looked"
    pid = read_job(workspace, job.id).pid
    desk.ask_import(workspace, job.id)
    assert wait_for(workspace, job).phase == "done"
    assert read_job(workspace, job.id).pid == pid  # it stayed for the answer
    assert list_elections(workspace) == ["2022_pres_t1"]


def wait_for(workspace, job):
    until = time.monotonic() + 120
    while time.monotonic() < until:
        [now] = [j for j in desk.jobs_now(workspace) if j.id == job.id]
        if not now.is_active:
            return now
        time.sleep(0.05)
    raise AssertionError(f"still {now}")


# -- fetch, town, housekeeping -------------------------------------------------------------------------


def test_without_the_internet_a_fetch_fails_in_words(workspace, by_hand, monkeypatch):
    from targeting.sources.fetching import download

    monkeypatch.setattr(
        download.Policy, "check", lambda *_: (_ for _ in ()).throw(TargetingError("no way there.")),
        raising=False,
    )  # fmt: skip
    monkeypatch.setattr(
        "targeting.workflows.imports.fetch.Download",
        lambda *_a, **_k: (_ for _ in ()).throw(download.FetchError("no answer: no network?")),
    )
    job = work(workspace, desk.order(workspace, "2022_pres_t1"))
    assert (job.phase, job.refusal) == ("refused", "no answer: no network?")
    desk.ask_again(workspace, job.id)
    assert read_job(workspace, job.id).act == "fetch"


def test_what_was_fetched_is_looked_at_at_once_and_stays_in_the_downloads(
    workspace, presidential, by_hand, monkeypatch
):
    from targeting.workflows.imports.fetch import Fetched

    place = workspace.root / "downloads" / "2022_pres_t1.txt"
    place.parent.mkdir()
    place.write_bytes(presidential.read_bytes())
    got = Fetched("2022_pres_t1", place, "https://example.org", 10, "", "", 0)
    monkeypatch.setattr("targeting.workflows.imports.fetch.fetch_source", lambda *_a, **_k: [got])
    job = work(workspace, desk.order(workspace, "2022_pres_t1"))
    assert (job.phase, job.found[0]["election_id"]) == ("looked", "2022_pres_t1")
    desk.ask_import(workspace, job.id)
    assert work(workspace, job).phase == "done"
    assert place.exists()


def test_the_town_is_moved_in_whole_even_after_a_crash(tmp_path, by_hand, demo_folder):
    import shutil

    here = Workspace(tmp_path / "new")
    job = desk.order_town(here)
    job.phase, job.act = "running", "demo"
    folder = folder_of(here, job.id)
    shutil.copytree(demo_folder, folder / town.TOWN)
    (folder / town.MOVING).touch()
    os.replace(folder / town.TOWN / "relance.db", here.root / "relance.db")  # and then it died
    write_job(here, job)
    assert not here.exists
    [told] = desk.jobs_now(here)
    assert told.phase == "done"
    assert campaign_card(here).is_demo
    os.rename(here.reference, here.jobs / "left")  # it is left, and that dies too
    (here.jobs / town.LEAVING).write_text("left")
    (here.jobs / "left").rename(here.jobs / "moved")
    (here.jobs / "left").mkdir()
    (here.jobs / "moved").rename(here.jobs / "left" / "reference")
    desk.jobs_now(here)
    assert [p.name for p in here.root.iterdir()] == ["jobs"]
    assert init_workspace(here, communes=["13055"]).is_demo is False


def test_a_campaign_is_never_put_aside_as_a_town(workspace):
    with pytest.raises(WorkspaceError, match="holds a campaign"):
        town.leave_town(workspace)
    assert workspace.exists


def test_leaving_the_town_makes_room_and_keeps_it_aside(tmp_path, demo_folder):
    import shutil

    shutil.copytree(demo_folder, tmp_path / "demo")
    here = Workspace(tmp_path / "demo")
    town.leave_town(here)
    assert [p.name for p in here.root.iterdir()] == ["jobs"]
    [aside] = here.jobs.glob(f"{town.LEFT}-*")
    assert campaign_card(Workspace(aside)).is_demo
    assert not init_workspace(here, communes=["13055"]).is_demo


def test_a_town_that_was_stopped_leaves_an_empty_place(tmp_path, by_hand):
    here = Workspace(tmp_path / "new")
    job = desk.order_town(here)
    desk.stop(here, job.id)
    assert [p.name for p in here.root.iterdir()] == ["jobs"]
    init_workspace(here, communes=["13055"])
    assert here.exists


def test_files_looked_at_and_forgotten_are_deleted_and_imports_stay(workspace, by_hand):
    kept = imported(workspace, PRES)
    forgotten = work(workspace, drop(workspace, OTHER))
    later = time.time() + desk_day() + 60
    from targeting.workflows.jobs.records import sweep

    sweep(workspace, now=later - 120)
    assert read_job(workspace, forgotten.id) is not None
    sweep(workspace, now=later)
    assert [j.id for j in list_jobs(workspace)] == [kept.id]
    assert not folder_of(workspace, forgotten.id).exists()


def desk_day():
    from targeting.workflows.jobs.records import FORGOTTEN_AFTER

    return FORGOTTEN_AFTER


def test_a_damaged_state_or_a_strangers_folder_is_no_job(workspace, by_hand):
    job = drop(workspace, PRES)
    (folder_of(workspace, job.id) / "state.json").write_text('{"id": ')
    (workspace.jobs / "notes").mkdir()
    assert list_jobs(workspace) == []
    with pytest.raises(ValueError, match="no id"):
        folder_of(workspace, "../../etc")
    assert read_job(workspace, job.id) is None
    assert drop(workspace, PRES).phase == "waiting"


def test_jobs_are_for_their_owner_alone(workspace, by_hand):
    job = drop(workspace, PRES)
    assert workspace.jobs.stat().st_mode & 0o077 == 0
    assert not str(workspace.jobs).startswith(str(workspace.maps))
    assert given_files(workspace, job)


@pytest.mark.parametrize("act", ["look", "import", "undo", "fetch", "demo"])
def test_the_share_grows_and_never_says_the_end_by_itself(act):
    job = Job("0" * 16, act, names=["a.gz"], bytes=7_000_000, took={"look": 4.0})
    expected = worker.expected_seconds(job)
    shares = [worker._share(part / 10) for part in range(200)]
    assert expected > 0
    assert shares == sorted(shares)
    assert 0 == shares[0] < shares[-1] < 1
