"""Reference files come in together or not at all, even through a crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference import staging as module
from targeting.reference.staging import ASIDE, JOURNAL, recover, staged
from targeting.store.engine import open_store

NAMES = ["reference/turnout/e.parquet", "reference/votes/e.parquet", "reference/turnout/e.json"]


def content(workspace: Workspace) -> dict[str, str]:
    files = [p for p in workspace.root.rglob("*") if p.is_file() and "relance.db" not in p.name]
    return {str(p.relative_to(workspace.root)): p.read_text() for p in files}


def stage(workspace: Workspace, text: str) -> None:
    with staged(workspace) as staging:
        for name in NAMES:
            staging.path(name).write_text(text)


def test_files_appear_together(workspace: Workspace) -> None:
    stage(workspace, "new")
    assert all((workspace.root / name).read_text() == "new" for name in NAMES)
    assert not (workspace.root / ASIDE).exists()


def test_an_error_leaves_nothing(workspace: Workspace) -> None:
    before = content(workspace)

    def write_half() -> None:
        with staged(workspace) as staging:
            staging.path(NAMES[0]).write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert content(workspace) == before


@pytest.mark.parametrize("moves_done", [0, 1, 2, 3])
def test_a_crash_between_two_moves_is_mended_at_the_next_opening(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, moves_done: int
) -> None:
    stage(workspace, "old")
    moved: list[str] = []
    move = module._move

    def move_then_die(root: Path, name: str) -> None:
        if len(moved) == moves_done:
            raise KeyboardInterrupt
        move(root, name)
        moved.append(name)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_move", move_then_die)
        if moves_done < len(NAMES):
            with pytest.raises(KeyboardInterrupt):
                stage(workspace, "new")
        else:
            stage(workspace, "new")
    assert recover(workspace.root) is (moves_done < len(NAMES))
    assert all((workspace.root / name).read_text() == "new" for name in NAMES)
    assert not (workspace.root / JOURNAL).exists()


def test_a_crash_before_the_journal_leaves_the_old_files(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(workspace, "old")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", die)
        with pytest.raises(KeyboardInterrupt):
            stage(workspace, "new")
    recover(workspace.root)
    assert all((workspace.root / name).read_text() == "old" for name in NAMES)


def test_two_writers_do_not_mix(workspace: Workspace) -> None:
    with staged(workspace), pytest.raises(WorkspaceError, match="another command is writing"):
        stage(workspace, "other")


@pytest.mark.parametrize("name", ["../out.txt", "reference/../../out.txt", "/tmp/out.txt"])
def test_no_name_leads_out_of_the_workspace(workspace: Workspace, name: str) -> None:
    with pytest.raises(WorkspaceError, match="no name of a file"), staged(workspace) as staging:
        staging.path(name)


def test_an_import_that_a_crash_interrupted_is_finished_before_anything_is_read(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(workspace, "old")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_move", die)
        with pytest.raises(KeyboardInterrupt):
            stage(workspace, "new")
    assert (workspace.root / NAMES[0]).read_text() == "old"
    open_store(workspace)
    assert all((workspace.root / name).read_text() == "new" for name in NAMES)


@pytest.mark.parametrize(
    "journal",
    [
        '["../.bashrc"]', '["/tmp/relance-x"]', '["relance.db"]', '["reference/../../.bashrc"]',
        '["reference/link/.bashrc"]', "not json", "", "[1]", '{"a": 1}', '["reference"]', "null",
    ],
)  # fmt: skip
def test_a_journal_that_is_not_ours_is_put_aside_and_told_and_commands_go_on(
    workspace: Workspace, journal: str, caplog: pytest.LogCaptureFixture
) -> None:
    outside = workspace.root.parent / ".bashrc"
    outside.write_text("mine")
    (workspace.root / ".bashrc").write_text("theirs")
    (workspace.root / "reference" / "link").symlink_to(workspace.root.parent)
    (workspace.root / ASIDE / "reference" / "link").mkdir(parents=True)
    (workspace.root / ASIDE / "reference" / "link" / ".bashrc").write_text("theirs")
    (workspace.root / JOURNAL).write_text(journal)
    before = (workspace.root / "relance.db").read_bytes()
    open_store(workspace)
    assert "put aside" in caplog.text
    caplog.clear()
    open_store(workspace)
    assert caplog.text == ""
    assert outside.read_text() == "mine"
    assert (workspace.root / "relance.db").read_bytes() == before
    [kept] = (workspace.root / "backups").glob("refused-*")
    assert (kept / "journal.json").read_text() == journal


@pytest.mark.parametrize("name", ["reference", "cache", "backups", "jobs", ".staging", "logs"])
def test_a_folder_that_is_a_link_out_of_the_workspace_is_refused(
    workspace: Workspace, name: str
) -> None:
    place = workspace.root / name
    outside = workspace.root.with_name("outside")
    if place.exists():
        place.rename(outside)
    else:
        outside.mkdir()
    place.symlink_to(outside)
    with pytest.raises(WorkspaceError, match="leads out of the workspace"):
        open_store(workspace)
