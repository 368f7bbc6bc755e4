"""Workspaces with people in them, and what a crash leaves of them."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from targeting.config import Workspace
from targeting.reference import checksums
from targeting.store import cipher, engine
from targeting.store.engine import open_store, reading, write
from targeting.store.queries import add_contacts
from tests.store.test_personal import person

ANOTHER = "parapluie sardine octobre 19 velours"
Step = Callable[[str], None]


def forget() -> None:
    """As a new process would."""
    checksums._seen.clear()
    engine.forget_engines()
    cipher.forget_keys()


def names_of(n: int) -> list[str]:
    return [f"Zorglub{number:04d}" for number in range(n)]


def put_people(workspace: Workspace, n: int = 3) -> None:
    rows = [person(f"c{i}", last_name=name) for i, name in enumerate(names_of(n))]
    write(open_store(workspace), lambda s: add_contacts(s, rows))


def people(workspace: Workspace) -> list[str]:
    """Last names in the database, as a new process finds them."""
    forget()
    with reading(open_store(workspace)) as session:
        return sorted(session.execute(text("SELECT last_name FROM contact")).scalars())


def files_with(root: Path, words: list[str]) -> dict[str, int]:
    """Files under a folder in which any of the words can be read, and how many of them."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if many := sum(word.encode() in content for word in words):
                found[path.name] = many
    return found


def steps_of(act: Callable[[Step], Any]) -> list[str]:
    """The names of the steps that an act takes."""
    taken: list[str] = []
    act(taken.append)
    return taken


def killed_at(number: int, act: Callable[[Step], Any]) -> None:
    """Do it in a process of its own that dies at its n-th step, without a word."""
    child = os.fork()
    if child == 0:
        left = [number]

        def step(_name: str) -> None:
            if left[0] == 0:
                os._exit(9)
            left[0] -= 1

        try:
            act(step)
        finally:
            traceback.print_exc()
            os._exit(1)  # it did not come so far
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
