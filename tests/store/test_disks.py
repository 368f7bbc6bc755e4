"""A full or read-only disk is named, readers still read, and a server that went away is no damage."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference import checksums
from targeting.store import disks, engine, opening
from targeting.store.engine import open_store, reading, write
from targeting.store.queries import load_campaign, save_campaign
from targeting.workflows.setup import campaign_card, init_workspace


def forget() -> None:
    checksums._seen.clear()
    engine._opened.clear()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    made = subprocess.run(mount, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no disk of its own can be made here: a really full disk is NOT tried")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    room = os.statvfs(disk)
    (disk / "ballast").write_bytes(b"x" * room.f_bavail * room.f_frsize)
    assert os.statvfs(disk).f_bavail == 0


def test_on_a_full_disk_what_is_there_is_read_and_writing_says_so(small_disk: Path) -> None:
    workspace = Workspace(small_disk / "w")
    init_workspace(workspace, communes=["13055"], name="before")
    fill(small_disk)
    forget()
    assert campaign_card(workspace).name == "before"
    done = CliRunner().invoke(cli, ["--workspace", str(workspace.root), "init", "--name", "after"])
    assert done.exit_code == 2, done.output
    assert "is full: free some space" in done.output
    assert "backup" not in done.output
    (small_disk / "ballast").unlink()
    forget()
    init_workspace(workspace, name="after")
    assert campaign_card(workspace).name == "after"


def test_on_a_read_only_disk_what_is_there_is_read(small_disk: Path) -> None:
    workspace = Workspace(small_disk / "w")
    init_workspace(workspace, communes=["13055"], name="before")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    forget()
    assert campaign_card(workspace).name == "before"
    done = CliRunner().invoke(cli, ["--workspace", str(workspace.root), "init", "--name", "after"])
    assert done.exit_code == 2, done.output
    assert "cannot be written (a read-only disk" in done.output


def test_what_lies_in_the_log_of_a_database_is_not_passed_over(workspace: Workspace) -> None:
    log = workspace.root / "relance.db-wal"
    log.write_bytes(b"the last visits")
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(WorkspaceError, match=r"is full.*last visits are in relance\.db-wal"):
        opening.readable_anyway(workspace, full)
    log.unlink()
    found = opening.readable_anyway(workspace, full)
    assert found is not None
    with reading(found) as session:
        assert load_campaign(session) is not None
    with pytest.raises(OperationalError, match="readonly"):
        write(found, lambda s: save_campaign(s, name="no").id)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "full"),
        (OSError(errno.EROFS, "Read-only file system"), "cannot be written"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written"),
        (sqlite3.OperationalError("database or disk is full"), "full"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "cannot be written"),
        (OperationalError("s", {}, sqlite3.OperationalError("database or disk is full")), "full"),
    ],
)
def test_what_a_disk_says_is_named(tmp_path: Path, error: Exception, said: str) -> None:
    told = disks.disk_trouble(error, tmp_path)
    assert told is not None
    assert said in told
    assert disks.disk_trouble(ValueError("else"), tmp_path) is None


def test_an_unclear_error_is_the_disks_only_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    assert disks.disk_trouble(error, tmp_path) is None
    for free, is_full in ((disks.FEW_BYTES, False), (disks.FEW_BYTES - 1, True)):
        stat = os.statvfs_result((1, 1, 0, 0, free, 0, 0, 0, 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda _, stat=stat: stat)
        assert (disks.disk_trouble(error, tmp_path) is not None) is is_full


def test_a_fault_is_told_even_where_the_log_cannot_be_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    shutil.rmtree(workspace.root / "logs", ignore_errors=True)
    (workspace.root / "logs").write_text("in the way")
    monkeypatch.setattr("targeting.workflows.setup.init_workspace", fault)
    done = CliRunner().invoke(cli, ["--workspace", str(workspace.root), "init"])
    assert done.exit_code == 1
    assert "Internal error" in done.output
    assert "The trace is in" not in done.output


def test_a_server_that_breaks_off_is_not_a_damaged_file(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(WorkspaceError, match=r"server .* went away") as told:
        open_store(workspace)
    assert "relance.db" not in str(told.value)
    assert "secret" not in str(told.value)


def test_a_network_drive_is_known_by_its_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = "/dev/sda / ext4 rw 0 0\nhost:/a /net nfs4 rw 0 0\n/dev/sdb /net/local ext4 rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda _: mounts)
    assert disks.network_drive(Path("/net/w")) == "nfs4"
    assert disks.network_drive(Path("/net/local/w")) is None
    assert disks.network_drive(Path("/w")) is None
