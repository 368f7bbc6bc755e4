"""An import is undone whole, the latest first, or not at all."""

import json
import time

from targeting.reference.staging import JOURNAL, staged
from targeting.workflows.jobs import acts, desk
from tests.workflows.dropped import OTHER, PRES, files_of, imported, work


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
