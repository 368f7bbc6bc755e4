"""Transactions: nothing acknowledged is lost, nothing half done stays."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, inspect, text

from targeting.config import PROJECT, Workspace
from targeting.errors import WorkspaceError
from targeting.store.engine import (
    check_integrity,
    downgrade,
    open_engine,
    open_store,
    reading,
    upgrade,
    write,
)
from targeting.store.queries import load_campaign, save_campaign
from targeting.store.turfs import load_stops, load_turfs, save_cut
from targeting.store.visits import load_visits, record_visits

WRITERS, EACH = 6, 15

ENCRYPTED_TOO = True


def test_sqlite_has_the_habits_of_the_house(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'relance.db'}")
    with engine.connect() as connection:

        def pragma(name: str) -> object:
            return connection.execute(text(f"PRAGMA {name}")).scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("foreign_keys") == 1
        assert pragma("busy_timeout") == 5000
        assert pragma("secure_delete") == 1


def test_a_writing_transaction_begins_immediate(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'relance.db'}")
    upgrade(engine)
    said: list[str] = []
    raw = sqlite3.connect(tmp_path / "relance.db", timeout=0, isolation_level=None)

    def work(session) -> None:  # type: ignore[no-untyped-def]
        session.execute(text("SELECT 1"))  # has only read so far, and holds the write lock already
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            raw.execute("BEGIN IMMEDIATE")
        said.append("held")

    write(engine, work)
    assert said == ["held"]
    with reading(engine) as session:
        session.execute(text("SELECT 1"))
        raw.execute("BEGIN IMMEDIATE")  # a reader holds nobody up
        raw.execute("ROLLBACK")


def test_an_error_takes_everything_back_ddl_too(engine: Engine) -> None:
    def work(session) -> None:  # type: ignore[no-untyped-def]
        session.execute(text("CREATE TABLE half_done (id INTEGER)"))
        save_campaign(session, name="x")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="middle"):
        write(engine, work)
    assert "half_done" not in inspect(engine).get_table_names()
    with reading(engine) as session:
        assert load_campaign(session) is None


def knock_often(url: str, writer: str) -> None:
    """What one writing process does."""
    engine = open_engine(url)
    for n in range(EACH):
        row = {
            "visit_id": f"w{writer}-{n}", "building_id": "b", "door_id": f"b/{n + 1}",
            "outcome": "not_home", "visited_at": datetime(2026, 3, 1, tzinfo=UTC),
        }  # fmt: skip
        write(engine, lambda s, row=row: record_visits(s, [row]))
        write(engine, lambda s, row=row: record_visits(s, [row]))  # a double click


@pytest.mark.slow
def test_no_acknowledged_visit_is_lost_when_many_write_at_once(
    engine: Engine, database_url: str
) -> None:
    program = "import sys; from tests.store.test_engine import knock_often as k; k(*sys.argv[1:])"
    writers = [
        subprocess.Popen([sys.executable, "-c", program, database_url, str(w)], cwd=PROJECT)
        for w in range(WRITERS)
    ]
    assert [writer.wait(120) for writer in writers] == [0] * WRITERS
    with reading(engine) as session:
        assert len(load_visits(session)) == WRITERS * EACH


def test_migrations_go_up_down_and_up_again_and_data_stays_out_of_the_way(engine: Engine) -> None:
    downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    upgrade(engine)
    write(engine, lambda s: save_campaign(s, name="again").id)
    upgrade(engine)  # nothing to do
    with reading(engine) as session:
        campaign = load_campaign(session)
        assert campaign is not None
        assert campaign.name == "again"


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    with sqlite3.connect(workspace.root / "relance.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorkspaceError, match="newer Relance"):
        open_store(workspace)


def test_a_sound_database_says_so(workspace: Workspace) -> None:
    assert check_integrity(open_store(workspace)) == "ok"


def test_a_folder_without_a_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="init --commune"):
        open_store(Workspace(tmp_path / "nowhere"))


def test_a_file_that_is_no_database_says_what_to_do(workspace: Workspace) -> None:
    (workspace.root / "relance.db").write_bytes(b"not a database at all, only text" * 100)
    with pytest.raises(WorkspaceError, match="restore a backup"):
        open_store(workspace)


def test_an_address_that_is_no_database_says_what_to_do(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_DATABASE_URL", "foo://bar")
    with pytest.raises(WorkspaceError, match="RELANCE_DATABASE_URL"):
        open_store(workspace)


def test_turfs_and_their_doors_survive_the_migrations_up_and_down(engine: Engine) -> None:
    write(engine, lambda s: save_campaign(s, name="here").id)
    turfs = pd.DataFrame(
        {
            "turf_id": ["A"], "rank": [1], "station_ids": [""], "n_buildings": [1],
            "n_doors": [3], "registered_estimate": [4.8], "minutes_expected": [9.0],
            "walk_m": [0.0], "longest_leg_m": [0.0], "start_address": ["1 Rue A"],
            "end_address": ["1 Rue A"],
        }
    )  # fmt: skip
    stops = pd.DataFrame(
        {
            "turf_id": ["A"], "visit_order": [1], "building_id": ["b"], "dwellings": [3],
            "first_door": [1], "last_door": [3],
        }
    )  # fmt: skip
    nothing = pd.DataFrame({"building_id": [], "dwellings": [], "reason": []})
    write(engine, lambda s: save_cut(s, turfs, stops, nothing, {}))
    downgrade(engine, "0001")
    upgrade(engine)
    with reading(engine) as session:
        assert load_turfs(session)[["turf_id", "is_locked", "parent_ids"]].values.tolist() == [
            ["S0001", False, ""]
        ]
        assert load_stops(session)["last_door"].tolist() == [3]
