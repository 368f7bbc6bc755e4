"""Commands of the team: accounts, sessions, the log, a turf in somebody's hands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.store.engine import open_store, write
from targeting.workflows.access import door

SENTENCE = "girafe-balcon-tournevis"
LINK = re.compile(r"/join\?k=([\w-]{43})")


def call(workspace: Workspace, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *arguments])


def facts(workspace: Workspace, *arguments: str) -> dict[str, object]:
    result = call(workspace, *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def secret_in(told: str) -> str:
    (secret,) = LINK.findall(told)
    return str(secret)


def test_a_team_is_made_changed_and_closed_from_the_command_line(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no account" in call(workspace, "users", "list").stdout
    first = call(workspace, "users", "first", "--origin", "https://Relance.example:443/").stdout
    assert "24 hours" in first
    assert "https://relance.example/join?k=" in first
    monkeypatch.setenv("RELANCE_ORIGINS", "https://one.example https://two.example")
    again = call(workspace, "users", "first").stdout
    assert "https://one.example/join?k=" in again
    assert door.welcome(workspace, secret_in(first)) is None, "the one before is good no more"
    anne = door.take_link(
        workspace, secret_in(again), SENTENCE, login="anne", name="Anne Exemple", browser="Firefox"
    )
    refused = call(workspace, "users", "first")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "has an administrator" in refused.stderr

    made = facts(workspace, "users", "invite", "Paul", "--name", "Paul Exemple", "--role",
                 "canvasser")  # fmt: skip
    assert (made["login"], made["role"], made["hours"]) == ("paul", "canvasser", 168)
    link = secret_in(str(made["link"]))
    seen = door.welcome(workspace, link)
    assert seen is not None
    assert (seen.kind, seen.name) == ("join", "Paul Exemple")
    assert link not in call(workspace, "users", "list").output, "told this once"
    renewed = secret_in(call(workspace, "users", "renew", "paul").stdout)
    assert door.welcome(workspace, link) is None
    paul = door.take_link(workspace, renewed, SENTENCE)

    shown = call(workspace, "users", "sessions").stdout
    assert {anne.session_id, paul.session_id} == set(
        re.findall(r"^[0-9a-f]{32}", shown, re.MULTILINE)
    )
    assert (
        "sessions ended: 1" in call(workspace, "users", "sessions", "--end", paul.session_id).stdout
    )
    assert door.who_is(workspace, paul.secret) is None
    assert facts(workspace, "users", "sessions", "--end-all")["ended"] == 1
    assert "nobody is logged in" in call(workspace, "users", "sessions").stdout

    assert facts(workspace, "users", "role", "paul", "team_lead")["role"] == "team_lead"
    assert "codes are taken away" in call(workspace, "users", "reset-code", "paul").stdout
    assert facts(workspace, "users", "disable", "paul")["state"] == "disabled"
    assert "Paul Exemple (closed)" in call(workspace, "users", "list").stdout
    assert facts(workspace, "users", "enable", "PAUL")["state"] == "active"
    last = call(workspace, "users", "disable", "anne")
    assert (last.exit_code, "last administrator" in last.stderr) == (2, True)
    people = facts(workspace, "users", "list")["accounts"]
    assert isinstance(people, list)
    assert [(p["login"], p["role"], p["state"]) for p in people] == [
        ("anne", "administrator", "active"), ("paul", "team_lead", "active"),
    ]  # fmt: skip
    assert not {"password_hash", "code_secret", "id"} & set(people[0])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["users", "role", "nobody", "canvasser"], "no account has this login"),
        (["users", "role", "nobody", "king"], "king"),
        (["users", "disable", "x"], "a login is made of"),
        (["users", "invite", "рaul", "--name", "P", "--role", "canvasser"], "a login is made of"),
        (["users", "invite", "paul", "--name", "\u202e", "--role", "canvasser"], "a name has"),
        (["users", "first", "--origin", "relance"], "no address of a server"),
        (["turfs", "assign", "S0001", "nobody"], "no open account"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    workspace: Workspace, arguments: list[str], why: str
) -> None:
    result = call(workspace, *arguments)
    assert result.exit_code == 2, result.output
    assert why in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_commands_of_the_team_want_a_workspace(tmp_path: Path) -> None:
    nowhere = Workspace(tmp_path / "none")
    for arguments in (["users", "list"], ["users", "first"], ["privacy", "verify-log"],
                      ["serve", "--team"]):  # fmt: skip
        result = call(nowhere, *arguments)
        assert (result.exit_code, "there is no workspace" in result.stderr) == (2, True)


def test_serve_for_a_team_asks_for_accounts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, str] = {}

    def become(_program: str, _command: list[str]) -> None:
        import os

        said.update(os.environ)

    for name in ("RELANCE_TEAM", "RELANCE_WORKSPACE", "RELANCE_LANG"):
        monkeypatch.setenv(name, "")  # put back as they were once the server has set them
    monkeypatch.setattr("targeting.web.serve.os.execv", become)
    monkeypatch.setattr("targeting.web.serve.os.chdir", lambda _folder: None)
    call(workspace, "serve")
    assert said["RELANCE_TEAM"] == ""
    call(workspace, "serve", "--team")
    assert said["RELANCE_TEAM"] == "1"


def test_a_log_that_somebody_changed_by_hand_is_told_with_its_line(workspace: Workspace) -> None:
    call(workspace, "users", "invite", "paul", "--name", "Paul", "--role", "canvasser")
    assert facts(workspace, "privacy", "verify-log") == {"lines": 2, "whole": True}
    write(open_store(workspace), lambda s: s.execute(text("UPDATE audit SET role='x' WHERE id=2")))
    result = call(workspace, "privacy", "verify-log")
    assert result.exit_code == 2
    assert "does not hold at line 2 (a line was changed)" in result.stderr
