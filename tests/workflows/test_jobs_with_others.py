"""Jobs while somebody else acts: stopped as they begin, undone twice, the town that goes."""

import shutil
import threading

import pytest

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.held import list_elections
from targeting.reference.staging import staged
from targeting.workflows.jobs import acts, desk, town, worker
from targeting.workflows.jobs.records import (
    STOP,
    at_the_desk,
    folder_of,
    list_jobs,
    read_job,
    worker_lock,
    write_job,
)
from tests.workflows.dropped import OTHER, PRES, drop, files_of, imported, work


@pytest.mark.parametrize("also_taken_away", [False, True])
def test_work_stopped_before_it_is_taken_is_not_done(workspace, by_hand, also_taken_away):
    """A worker had seen that it waits; what counts is how it is when it is taken."""
    job = work(workspace, drop(workspace, PRES))
    desk.ask_import(workspace, job.id)
    with at_the_desk(workspace):  # the worker comes to the desk, behind somebody who stops
        taken = []
        coming = threading.Thread(target=lambda: taken.append(worker.take(workspace)), daemon=True)
        coming.start()
        stopped = read_job(workspace, job.id)
        stopped.phase = "stopped"
        write_job(workspace, stopped)
        if also_taken_away:
            shutil.rmtree(folder_of(workspace, job.id))
    coming.join(30)
    assert taken == [None]
    assert list_elections(workspace) == []
    assert len(list_jobs(workspace)) == (not also_taken_away)


def test_a_word_to_stop_that_was_left_over_does_not_stop_the_next_work(workspace, by_hand):
    job = work(workspace, drop(workspace, PRES))
    (folder_of(workspace, job.id) / STOP).touch()  # the process ended at once on it
    job.phase = "stopped"
    write_job(workspace, job)
    assert work(workspace, drop(workspace, PRES)).phase == "looked"


def test_two_who_undo_at_once_undo_once(workspace, by_hand):
    before = files_of(workspace)
    job = imported(workspace, PRES)
    for _ in range(2):
        desk.ask_undo(workspace, job.id)
    assert work(workspace, job).phase == "undone"
    desk.ask_undo(workspace, job.id)
    assert work(workspace, job).phase == "undone"
    assert files_of(workspace) == before


def test_an_undo_while_a_command_imports_changes_nothing_and_may_be_asked_again(workspace, by_hand):
    before = files_of(workspace)
    job = imported(workspace, PRES)
    now = files_of(workspace)
    desk.ask_undo(workspace, job.id)
    with staged(workspace):
        job = work(workspace, job)
    assert (job.phase, "another command" in job.refusal) == ("done", True)
    assert files_of(workspace) == now
    desk.ask_undo(workspace, job.id)
    assert work(workspace, job).phase == "undone"
    assert files_of(workspace) == before


@pytest.mark.parametrize("died", ["before it began", "after its moves", "under another import"])
def test_an_undo_whose_worker_died_is_told_by_what_is_there(workspace, by_hand, died):
    job = imported(workspace, PRES)
    if died == "under another import":
        imported(workspace, OTHER)
    if died == "after its moves":
        desk.ask_undo(workspace, job.id)
        work(workspace, job)
    job = read_job(workspace, job.id)
    job.act, job.phase = "undo", "running"
    write_job(workspace, job)
    told = {j.id: j.phase for j in desk.jobs_now(workspace)}
    assert told[job.id] == ("undone" if died == "after its moves" else "done")


def town_here(folder, demo_folder):
    shutil.copytree(demo_folder, folder / "demo")
    return Workspace(folder / "demo")


def test_the_town_does_not_go_while_a_job_is_done_or_a_command_writes(tmp_path, demo_folder):
    here = town_here(tmp_path, demo_folder)
    with worker_lock(here), pytest.raises(WorkspaceError, match="work is going on"):
        town.leave_town(here)
    with staged(here), pytest.raises(WorkspaceError, match="another command"):
        town.leave_town(here)
    assert here.exists
    assert not town.is_leaving(here)


def test_a_file_dropped_while_the_town_goes_is_kept_for_the_campaign(
    tmp_path, demo_folder, by_hand, monkeypatch
):
    here = town_here(tmp_path, demo_folder)
    left, dropped = town.finish_leaving, []
    dropping = threading.Thread(target=lambda: dropped.append(drop(here, PRES)), daemon=True)

    def leaving(workspace):
        done = left(workspace)
        dropping.start()  # the place is empty now: it comes in behind the town
        dropping.join(0.3)
        return done

    monkeypatch.setattr(town, "finish_leaving", leaving)
    town.leave_town(here)
    dropping.join(30)
    assert [j.id for j in list_jobs(here)] == [dropped[0].id]


def test_a_town_asked_for_while_somebody_makes_a_campaign_does_not_come_in(
    workspace, by_hand, monkeypatch
):
    now = files_of(workspace)

    class Made:
        returncode, stderr = 0, iter(["made"])
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *_: None  # noqa: E731

    monkeypatch.setattr(acts.subprocess, "Popen", lambda *_a, **_k: Made())
    job = work(workspace, desk.order_town(workspace))
    assert (job.phase, "holds a campaign" in job.refusal) == ("refused", True)
    assert files_of(workspace) == now
