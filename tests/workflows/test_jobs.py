"""Jobs: a file is looked at and imported; one at a time, the same file once."""

import gzip
import os
import threading
import time

import pytest

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.held import list_elections
from targeting.reference.results import load_turnout
from targeting.reference.staging import staged
from targeting.workflows.imports.results import import_results
from targeting.workflows.jobs import desk, worker
from targeting.workflows.jobs.records import (
    Job,
    folder_of,
    given_files,
    is_working,
    list_jobs,
    read_job,
    worker_lock,
)
from targeting.workflows.setup import init_workspace
from tests.workflows.dropped import OTHER, OUTLINES, PRES, drop, files_of, imported, work


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


@pytest.mark.parametrize(
    ("magic", "above", "is_taken"),
    [(b"PK\x03\x04", 0, True), (b"PK\x03\x04", 1, False), (b"\x1f\x8b\x08", 1, False),
     (b"\xfd7zXZ\x00", 1, False), (b"Code;B", 1, True), (b"P", 1, True)],
)  # fmt: skip
def test_a_compressed_file_has_a_bound_of_its_own_and_a_plain_one_the_page_s(
    tmp_path, magic, above, is_taken
):
    with open(tmp_path / "sparse", "w+b") as file:  # a hole: no byte of it is on the disk
        file.write(magic)
        file.truncate(25 * 1024**2 + above)
        if is_taken:
            desk.refuse_large_archive(file)
        else:
            with pytest.raises(WorkspaceError, match="larger than 25 MB"):
                desk.refuse_large_archive(file)


def test_a_compressed_file_too_large_leaves_nothing_and_its_name_does_not_matter(
    workspace, by_hand, monkeypatch
):
    monkeypatch.setattr(desk, "MOST_ARCHIVE_BYTES", 10)
    with pytest.raises(WorkspaceError, match="compressed"):
        drop(workspace, gzip.compress(PRES), "resultats.txt")
    assert list_jobs(workspace) == []
    assert work(workspace, drop(workspace, PRES, "resultats.txt.gz")).phase == "looked"
