"""Jobs that are stopped, or whose worker is killed: all or nothing, and that is told."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from targeting.config import PROJECT
from targeting.reference.held import list_elections
from targeting.reference.results import load_turnout
from targeting.workflows.jobs import acts, desk, worker
from targeting.workflows.jobs.records import (
    STOP,
    folder_of,
    is_working,
    read_job,
    worker_lock,
    write_job,
)
from tests.workflows.dropped import OTHER, PRES, drop, files_of, imported, work


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


DEAF = """
import os, signal, sys
from pathlib import Path
from targeting.config import Workspace
from targeting.reference.staging import staged
from targeting.workflows.jobs import acts, worker
here = Workspace(Path(sys.argv[1]))
def deaf(bench):
    with staged(here) as staging:
        staging.path("reference/turnout/half.parquet").write_bytes(b"half")
        if sys.argv[2] == "settled":
            bench.settle()
        os.kill(os.getpid(), signal.SIGSTOP)  # none of its threads looks any more
    return "done"
acts.ACTS[sys.argv[3]] = deaf
worker.work_through(here)
"""


def deaf_worker(workspace, word, act):
    """A worker that has begun and hears nothing; when this gives back, it stands still."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with worker_lock(workspace) as handle:
        command = [sys.executable, "-c", DEAF, str(workspace.root), word, act]
        process = subprocess.Popen(
            command, env=env, pass_fds=(handle,), start_new_session=True, stderr=subprocess.PIPE
        )
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    return process


@pytest.mark.parametrize(("act", "phase"), [("look", "stopped"), ("undo", "done")])
def test_work_that_hears_nothing_is_ended_by_who_asked_and_nothing_is_half_written(
    workspace, by_hand, monkeypatch, act, phase
):
    monkeypatch.setattr(desk, "STOP_SECONDS", 0.5)
    job = imported(workspace, PRES)
    before = files_of(workspace)
    if act == "undo":
        desk.ask_undo(workspace, job.id)
    else:
        job = drop(workspace, OTHER)
    process = deaf_worker(workspace, "not settled", act)
    desk.stop(workspace, job.id)
    assert read_job(workspace, job.id).phase == phase
    assert process.wait(10) == -signal.SIGKILL
    process.stderr.close()
    assert not is_working(workspace)
    assert files_of(workspace) == before
    if act == "look":  # it is there to be looked at again
        desk.ask_again(workspace, job.id)
        assert work(workspace, job).phase == "looked"
        assert not (workspace.root / ".staging").exists()


def test_who_comes_too_late_ends_no_worker(workspace, by_hand, monkeypatch):
    monkeypatch.setattr(desk, "STOP_SECONDS", 0.0)
    imported(workspace, PRES)
    job = drop(workspace, OTHER)
    process = deaf_worker(workspace, "settled", "look")
    desk.stop(workspace, job.id)
    assert read_job(workspace, job.id).phase == "running"
    assert not (folder_of(workspace, job.id) / STOP).exists()
    os.kill(process.pid, signal.SIGCONT)
    process.communicate(timeout=30)
    assert read_job(workspace, job.id).phase == "done"


def test_a_worker_elsewhere_or_whose_number_is_another_s_now_is_let_be(
    workspace, by_hand, monkeypatch
):
    monkeypatch.setattr(desk, "STOP_SECONDS", 0.0)
    ended = []
    monkeypatch.setattr(os, "killpg", lambda *args: ended.append(args))
    job = drop(workspace, PRES)
    process = deaf_worker(workspace, "not settled", "look")
    job = read_job(workspace, job.id)
    for host, pid in (("elsewhere", job.pid), (job.host, os.getpid())):
        job.host, job.pid = host, pid
        write_job(workspace, job)
        desk.stop(workspace, job.id)
        assert read_job(workspace, job.id).phase == "running"
    assert ended == []
    process.kill()
    process.communicate()
    [told] = desk.jobs_now(workspace)
    assert told.phase == "stopped"
