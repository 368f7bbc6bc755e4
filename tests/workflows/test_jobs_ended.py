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
    read_job,
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
