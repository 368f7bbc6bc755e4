"""Files that speak of people, and those that others forget: their copies do not stay."""

import errno
import gzip
import os
import time

import pytest

from targeting.errors import WorkspaceError
from targeting.workflows.jobs import desk
from targeting.workflows.jobs.records import (
    FORGOTTEN_AFTER,
    GIVEN,
    can_be_done_again,
    folder_of,
    given_files,
    list_jobs,
    read_job,
    write_job,
)
from tests.workflows.dropped import OTHER, PRES, drop, imported, work

PEOPLE = b"Nom;Prenom;Telephone\nDURAND;Zebulon;0639980012\n"
NAMELESS = b"Nom;Prenom;Rue\nDURAND;Zebulon;3 rue Inventee\n"
"""People, though no column says so."""


def bytes_kept(workspace):
    """All that lies with the jobs."""
    return b"".join(p.read_bytes() for p in workspace.jobs.rglob("*") if p.is_file())


@pytest.mark.parametrize("content", [PEOPLE, NAMELESS, gzip.compress(PEOPLE)])
def test_the_copy_of_a_list_of_people_is_deleted_as_it_is_refused(workspace, by_hand, content):
    job = work(workspace, drop(workspace, content, "contacts.csv"))
    assert job.phase == "refused"
    kept = bytes_kept(workspace)
    assert content not in kept
    assert b"Zebulon" not in kept
    assert not (folder_of(workspace, job.id) / GIVEN).exists()
    assert not can_be_done_again(workspace, job)


def test_a_list_of_people_whose_reader_died_is_deleted_by_the_next_look(workspace, by_hand):
    job = drop(workspace, PEOPLE, "contacts.csv")
    job.phase = "running"  # and then its worker was killed
    write_job(workspace, job)
    [told] = desk.jobs_now(workspace)
    assert told.phase == "interrupted"
    assert b"Zebulon" not in bytes_kept(workspace)
    assert drop(workspace, PRES).phase == "waiting"


def test_a_drop_that_was_cut_short_leaves_no_bytes_after_the_next_look(workspace, by_hand):
    kept = imported(workspace, PRES)
    cut = workspace.jobs / ("0" * 16) / GIVEN
    cut.mkdir(parents=True)
    (cut / ".part").write_bytes(PEOPLE)
    assert [j.id for j in desk.jobs_now(workspace)] == [kept.id]
    assert not cut.parent.exists()


@pytest.mark.parametrize(("seconds", "stays"), [(-60, True), (60, False)])
def test_a_file_that_was_forgotten_a_day_is_deleted_by_whoever_looks(
    workspace, by_hand, seconds, stays
):
    job = work(workspace, drop(workspace, OTHER))
    job.asked_at = job.ended = time.time() - FORGOTTEN_AFTER - seconds
    write_job(workspace, job)
    broken = folder_of(workspace, drop(workspace, PRES).id)
    (broken / "state.json").write_text("{")
    os.utime(broken / "state.json", (job.ended, job.ended))
    assert [j.id for j in desk.jobs_now(workspace)] == [job.id] * stays
    assert broken.exists() is stays


def test_a_link_under_the_name_of_a_file_is_no_file_of_the_job(workspace, by_hand, tmp_path):
    (tmp_path / "elsewhere.txt").write_bytes(PRES)
    job = drop(workspace, OTHER)
    [given] = given_files(workspace, job)
    given.unlink()
    given.symlink_to(tmp_path / "elsewhere.txt")
    job = work(workspace, job)
    assert (job.phase, "no longer here" in job.refusal) == ("refused", True)


@pytest.mark.parametrize("at", ["_copied", "write_job"])
def test_a_full_disk_is_told_and_leaves_nothing_of_the_file(workspace, by_hand, monkeypatch, at):
    first = imported(workspace, PRES)
    imported(workspace, OTHER)  # over it: dropped again, the first would be looked at again
    before = folder_of(workspace, first.id) / "moves.json"
    real = getattr(desk, at)

    def full(*given):
        if at == "_copied":
            real(*given)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(desk, at, full)
    for content in (PEOPLE, PRES):
        with pytest.raises(WorkspaceError, match=r"could not be kept \(No space left"):
            drop(workspace, content)
    assert len(list_jobs(workspace)) == 2
    assert before.exists()  # what it replaced is still to be put back
    assert len(list(workspace.jobs.glob("[0-9a-f]*"))) == 2
    assert b"Zebulon" not in bytes_kept(workspace)
    assert given_files(workspace, read_job(workspace, first.id)) == []


@pytest.mark.parametrize(
    "name", ["é" * 200 + ".csv", "\U00020000" * 200 + ".csv", "\u202e\u05d0<img>`*_.csv", "a/" * 99]
)
def test_a_name_of_any_letters_is_kept_under_one_that_a_disk_takes(workspace, by_hand, name):
    job = work(workspace, drop(workspace, PRES, name))
    assert job.phase == "looked"
    [kept] = job.names
    assert len(kept.encode()) <= 255
    assert not set("<>/`*\u202e") & set(kept)
    assert kept.endswith(".csv") == name.endswith(".csv")
