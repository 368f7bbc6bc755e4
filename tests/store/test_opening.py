"""A database that is lost, another one or damaged is told; codes of turfs never begin again."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference import checksums
from targeting.reference.manifest import MANIFEST, changed_manifest, read_manifest
from targeting.store import engine, opening
from targeting.store.engine import last_write, open_store, reading, write
from targeting.store.queries import load_campaign, save_campaign
from targeting.store.turfs import reserve_codes
from targeting.workflows.setup import init_workspace


def forget() -> None:
    """As a new process would."""
    checksums._seen.clear()
    engine._opened.clear()


def lose(workspace: Workspace, how: str) -> None:
    database = workspace.root / "relance.db"
    if how == "gone":
        database.unlink()
    elif how == "empty":
        database.write_bytes(b"")
    elif how == "without tables":
        database.unlink()
        with sqlite3.connect(database) as raw:
            raw.execute("CREATE TABLE something (id INTEGER)")
    else:
        other = Workspace(workspace.root.with_name("other"))
        init_workspace(other, communes=["13055"])
        shutil.copy(other.root / "relance.db", database)


@pytest.mark.parametrize("how", ["gone", "empty", "without tables", "another"])
@pytest.mark.parametrize("in_a_new_process", [True, False])
def test_a_lost_database_is_told_and_codes_go_on_in_the_new_one(
    workspace: Workspace, how: str, in_a_new_process: bool
) -> None:
    assert write(open_store(workspace), lambda s: reserve_codes(s, 411))[-1] == "S0411"
    lose(workspace, how)
    if in_a_new_process:
        forget()
    for ask in (lambda: open_store(workspace), lambda: init_workspace(workspace)):
        with pytest.raises(WorkspaceError, match=r"--new-database`: codes of turfs go on at S0412"):
            ask()
    init_workspace(workspace, communes=["13055"], new_database=True)
    assert write(open_store(workspace), lambda s: reserve_codes(s, 1)) == ["S0412"]


def test_a_backup_of_before_gives_no_code_a_second_time(
    workspace: Workspace, tmp_path: Path
) -> None:
    write(open_store(workspace), lambda s: reserve_codes(s, 3))
    shutil.copy(workspace.root / "relance.db", tmp_path / "backup.db")
    write(open_store(workspace), lambda s: reserve_codes(s, 4))
    shutil.copy(tmp_path / "backup.db", workspace.root / "relance.db")
    forget()
    assert write(open_store(workspace), lambda s: reserve_codes(s, 1)) == ["S0008"]


def test_one_manifest_of_two_may_be_damaged(workspace: Workspace) -> None:
    known = read_manifest(workspace)
    assert known["database"]["where"] == "relance.db"
    (workspace.root / MANIFEST).write_text("{ not json")
    assert read_manifest(workspace) == known
    changed_manifest(workspace.root, next_turf=9)
    changed_manifest(workspace.root, next_turf=5)
    assert read_manifest(workspace)["next_turf"] == 9
    for place in (MANIFEST, f"backups/{MANIFEST}"):
        whole = (workspace.root / place).read_text()
        (workspace.root / place).write_text(whole.replace('"next_turf": 9', '"next_turf": 1'))
    with pytest.raises(WorkspaceError, match=r"workspace\.json is damaged"):
        read_manifest(workspace)


def test_a_workspace_of_before_remembers_its_database_at_the_first_opening(
    workspace: Workspace,
) -> None:
    (workspace.root / "backups" / MANIFEST).unlink()
    (workspace.root / MANIFEST).write_text('{"kind": "campaign"}\n')
    forget()
    open_store(workspace)
    assert set(read_manifest(workspace)) == {"kind", "database", "next_turf", "checksums"}


def test_a_changed_row_is_seen_wherever_the_change_is(workspace: Workspace) -> None:
    write(open_store(workspace), lambda s: save_campaign(s, name="Printemps de la ville").id)
    database = workspace.root / "relance.db"
    content = database.read_bytes()
    assert content.count(b"Printemps de la ville") == 2  # the row, and its second copy
    at = content.index(b"Printemps de la ville")
    database.write_bytes(content[:at] + b"Q" + content[at + 1 :])
    forget()
    with pytest.raises(WorkspaceError, match=r"is damaged \(row 1 missing.*left as it is"):
        open_store(workspace)
    assert database.read_bytes()[at : at + 1] == b"Q"


def test_each_transaction_that_wrote_has_a_sign_of_its_own_and_no_other(engine) -> None:  # type: ignore[no-untyped-def]
    def sign() -> tuple[int, str]:
        with reading(engine) as session:
            count, drawn = last_write(session).split()
            return int(count), drawn

    write(engine, lambda s: save_campaign(s, name="a").id)
    first = sign()
    assert first[0] == 1
    write(engine, load_campaign)
    with pytest.raises(RuntimeError):
        write(engine, _half)
    write(engine, lambda s: save_campaign(s, name="quiet").id, quiet=True)
    assert sign() == first
    write(engine, lambda s: save_campaign(s, name="b").id)
    assert sign()[0] == 2
    assert sign()[1] != first[1]


def _half(session) -> None:  # type: ignore[no-untyped-def]
    save_campaign(session, name="half")
    raise RuntimeError


def test_another_server_database_is_told(
    engine,
    database_url: str,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.setenv("RELANCE_DATABASE_URL", database_url)
    with pytest.raises(WorkspaceError, match="the database here is another one"):
        open_store(workspace)


def test_a_guard_follows_the_columns_of_its_table(workspace: Workspace) -> None:
    found = open_store(workspace)
    with found.connect() as connection:
        names = {n.rsplit("_", 1)[0] for n in opening._guard_names(connection)}
        assert names == {f"{opening.GUARD}{table}" for table in opening.GUARDED}
    with found.execution_options(writes=True, schema=True).begin() as connection:
        connection.execute(text("ALTER TABLE visit ADD COLUMN more TEXT"))
    opening.guard_rows(found)
    with found.connect() as connection:
        assert not opening._missing_guards(connection)


def test_a_log_that_goes_away_while_it_is_looked_at_is_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(workspace)
    stamp = checksums.stamp

    def gone(path: Path) -> checksums.Stamp:
        if path.name.endswith("-wal"):
            raise FileNotFoundError(path)
        return stamp(path)

    monkeypatch.setattr(checksums, "stamp", gone)
    assert open_store(workspace) is open_store(workspace)
