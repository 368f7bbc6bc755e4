"""300 damaged files a reader: never anything but a clear refusal or a right read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.imports.results import import_results
from targeting.workflows.imports.stations import import_stations
from tests.examples import examples
from tests.fuzz.mutate import mutated
from tests.fuzz.readers import READERS, Reader
from tests.fuzz.run import a_folder, fuzz

pytestmark = pytest.mark.slow  # each reader on many damaged files

ROUNDS = 300
"""The big run is `make fuzz`: 20,000."""


@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.name)
def test_a_damaged_file_is_refused_in_words_or_read_rightly(reader: Reader) -> None:
    rounds = examples(ROUNDS)
    with a_folder() as folder:
        told = fuzz(reader, rounds, folder)
    assert told.total() == rounds
    assert told["refused"] > rounds // 20, "the mutations do damage"


def test_the_same_seed_gives_the_same_damage() -> None:
    sound = READERS[0].make()
    assert mutated(sound, "a 1") == mutated(sound, "a 1") != mutated(sound, "a 2")


def fingerprint(workspace: Workspace) -> dict[str, str]:
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in workspace.root.rglob("*")
        if p.is_file() and p.parent.name != "cache" and not p.name.endswith(("-wal", "-shm"))
    }


def by_name(name: str) -> Reader:
    return next(r for r in READERS if r.name == name)


@pytest.mark.parametrize(
    ("name", "bring_in"),
    [(name, lambda w, p: import_results(w, [p])) for name in
     ("native presidential", "European 2024", "long with a header", "city counts", "workbook")]
    + [(name, import_stations) for name in ("GeoJSON", "shapefile, its files")]
    + [(name, import_addresses) for name in ("BAN addresses", "voters per address")],
)  # fmt: skip
def test_a_refused_import_leaves_the_workspace_as_it_was(
    name: str, bring_in: Callable[[Workspace, Path], object], workspace: Workspace, tmp_path: Path
) -> None:
    reader = by_name(name)
    path = tmp_path / f"damaged{reader.suffix}"
    refused = 0
    for number in range(examples(12)):
        path.write_bytes(reader.wrap(mutated(reader.make(), f"{reader.name} {number}")))
        before = fingerprint(workspace)
        try:
            bring_in(workspace, path)
        except TargetingError:
            refused += 1
            assert fingerprint(workspace) == before
    assert refused
