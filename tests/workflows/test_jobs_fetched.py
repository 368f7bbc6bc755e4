"""Publications that are fetched; the invented town that comes in and goes out."""

import os

import pytest

from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.workflows.jobs import desk, town
from targeting.workflows.jobs.records import (
    folder_of,
    read_job,
    write_job,
)
from targeting.workflows.setup import campaign_card, init_workspace
from tests.workflows.dropped import work


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
