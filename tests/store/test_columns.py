"""Phones and e-mails on a team's server: sealed, each in its row, and under one key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.store import columns
from targeting.store.engine import open_store, reading, write
from targeting.store.models import Contact
from targeting.store.personal import export_person
from targeting.store.queries import add_contacts
from targeting.workflows.setup import init_workspace
from tests.store.test_models import RAW
from tests.store.test_personal import person
from tests.store.vaults import forget

KEY, OTHER = bytes(range(32)).hex(), bytes(range(1, 33)).hex()
PHONES = {"c1": "+33639981234", "c2": "+33639985678"}

pytestmark = pytest.mark.postgres


@pytest.fixture
def team(tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A team's campaign with two people in it, whose phones are still plain."""
    monkeypatch.setenv("RELANCE_DATABASE_URL", postgres_database)
    workspace = Workspace(tmp_path / "team")
    init_workspace(workspace, communes=["13055"])
    people = [person(one, phone=phone) for one, phone in PHONES.items()]
    write(open_store(workspace), lambda s: add_contacts(s, people))
    forget()
    return workspace


def stored(engine: Engine) -> dict[str, tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT id, phone, email FROM contact")).all()
    return {row.id: (row.phone, row.email) for row in rows}


def phones(engine: Engine) -> dict[str, Any]:
    with reading(engine) as session:
        return {one: export_person(session, one)["contact"][0]["phone"] for one in PHONES}


def test_what_was_plain_is_sealed_at_the_first_opening_with_a_key(
    team: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stored(open_store(team))["c1"] == (PHONES["c1"], "ada@example.org")
    assert "on the server are plain" in doctor(team)
    monkeypatch.setenv("RELANCE_COLUMN_KEY", KEY)
    forget()
    engine = open_store(team)
    for one, values in stored(engine).items():
        assert all(value.startswith(f"~1.{one}.") for value in values)
        assert not any("3363" in value or "ada" in value for value in values)
    assert phones(engine) == PHONES
    assert "phones and e-mails are encrypted" in doctor(team)
    write(engine, lambda s: add_contacts(s, [person("c3", phone="+33639980000")]))
    assert stored(engine)["c3"][0].startswith("~1.c3.")
    with reading(engine) as session:
        third = session.get(Contact, "c3")
        assert third is not None
        assert (third.phone, third.email) == ("+33639980000", "ada@example.org")


def doctor(workspace: Workspace) -> str:
    done = CliRunner().invoke(cli, ["--workspace", str(workspace.root), "doctor"])
    assert done.exit_code == 0, done.output
    return done.output


def test_another_key_or_none_is_refused_once_values_are_sealed(
    team: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_COLUMN_KEY", KEY)
    open_store(team)
    for key, said in ((OTHER, "is not the key"), ("", "are encrypted: give their key")):
        monkeypatch.setenv("RELANCE_COLUMN_KEY", key)
        forget()
        with pytest.raises(WorkspaceError, match=said):
            open_store(team)


def test_a_value_does_not_open_in_another_row_nor_changed(
    team: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_COLUMN_KEY", KEY)
    engine = open_store(team)
    with pytest.raises(IntegrityError, match="ck_contact"), engine.begin() as connection:
        connection.execute(text(
            "UPDATE contact SET phone = (SELECT phone FROM contact WHERE id = 'c2') WHERE id = 'c1'"
        ))  # fmt: skip
    moved = stored(engine)["c2"][0].replace("~1.c2.", "~1.c1.")
    for wrong in (moved, stored(engine)["c1"][1]):  # another row's, another column's
        with engine.begin() as connection:
            connection.execute(text("UPDATE contact SET phone = :p WHERE id = 'c1'"), {"p": wrong})
        with reading(engine) as session, pytest.raises(WorkspaceError, match="changed or moved"):
            session.scalars(select(Contact.phone)).all()


def test_no_path_writes_a_plain_phone_beside_a_key(
    team: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_COLUMN_KEY", KEY)
    engine, before = open_store(team), stored(open_store(team))
    for statement in (
        update(Contact).where(Contact.id == "c1").values(phone="+33639980001"),
        insert(Contact).values(**RAW | {"id": "c9", "phone": "+33639980001"}),
    ):
        with pytest.raises(StatementError, match="through its row alone"):
            write(engine, lambda s, statement=statement: s.execute(statement))  # type: ignore[misc]
    assert stored(engine) == before


@pytest.mark.parametrize("weak", ["00" * 32, "ab" * 31, "zz" * 32, "changeme"])
def test_a_weak_key_is_none(weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_COLUMN_KEY", weak)
    with pytest.raises(WorkspaceError, match="is no key"):
        columns.column_key()
