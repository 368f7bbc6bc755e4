"""500 damaged files a reader: never anything but a clear refusal or a right read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.workflows.imports import import_results
from tests.fuzz.mutate import mutated
from tests.fuzz.readers import READERS, Reader
from tests.fuzz.run import a_folder, fuzz

ROUNDS = 500


@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.name)
def test_a_damaged_file_is_refused_in_words_or_read_rightly(reader: Reader) -> None:
    with a_folder() as folder:
        told = fuzz(reader, ROUNDS, folder)
    assert told.total() == ROUNDS
    assert told["refused"] > ROUNDS // 20, "the mutations do damage"


def test_the_same_seed_gives_the_same_damage() -> None:
    sound = READERS[0].make()
    assert mutated(sound, "a 1") == mutated(sound, "a 1") != mutated(sound, "a 2")


def fingerprint(workspace: Workspace) -> dict[str, str]:
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in workspace.root.rglob("*")
        if p.is_file() and not p.name.endswith(("-wal", "-shm"))
    }


@pytest.mark.parametrize(
    "reader", [r for r in READERS if "results" not in r.name][::4], ids=lambda r: r.name
)
def test_a_refused_import_leaves_the_workspace_as_it_was(
    reader: Reader, workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / f"damaged{reader.suffix}"
    refused = 0
    for number in range(12):
        path.write_bytes(reader.wrap(mutated(reader.make(), f"{reader.name} {number}")))
        before = fingerprint(workspace)
        try:
            import_results(workspace, [path])
        except SourceError:
            refused += 1
            assert fingerprint(workspace) == before
    assert refused
