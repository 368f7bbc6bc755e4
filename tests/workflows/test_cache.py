"""What is made again is made once, whole, by however many ask at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from targeting.config import PROJECT, Workspace
from targeting.reference.held import PAST_OF
from targeting.reference.sheets import Sheet
from targeting.reference.staging import staged
from targeting.reference.tables import put_sheet
from targeting.workflows import cache, making_buildings
from targeting.workflows.cache import BUNDLE, Bundle, cached
from targeting.workflows.matching import kept_buildings

ASKERS = 4


def ask(root: str) -> None:
    """What each process does."""
    found = cached(Workspace(Path(root)), "things", ["v1"], one_bundle, BUNDLE)
    print(json.dumps([found.tables["t"]["a"].tolist(), found.facts]))


def one_bundle() -> Bundle:
    return Bundle({"t": pd.DataFrame({"a": [1, 2, 3]})}, {"made": "once"})


def entries(workspace: Workspace) -> list[str]:
    return sorted(p.name for p in (workspace.root / "cache").glob("*things-*"))


@pytest.mark.slow
def test_several_processes_on_a_cold_cache_all_get_the_one_content(tmp_path: Path) -> None:
    program = "import sys; from tests.workflows.test_cache import ask; ask(sys.argv[1])"
    askers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE
        )
        for _ in range(ASKERS)
    ]
    said = {asker.communicate(timeout=120)[0] for asker in askers}
    assert [asker.returncode for asker in askers] == [0] * ASKERS
    assert said == {b'[[1, 2, 3], {"made": "once"}]\n'}
    assert len(entries(Workspace(tmp_path))) == 1


def test_threads_wait_for_the_one_that_builds(tmp_path: Path) -> None:
    built: list[int] = []

    def build() -> Bundle:
        built.append(1)
        return one_bundle()

    with ThreadPoolExecutor(ASKERS) as pool:
        asked = [
            pool.submit(cached, Workspace(tmp_path), "things", [], build, BUNDLE)
            for _ in range(ASKERS)
        ]
        assert all(a.result().tables["t"]["a"].tolist() == [1, 2, 3] for a in asked)
    assert built == [1]


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
def test_a_damaged_entry_is_made_again(tmp_path: Path, keep: float) -> None:
    workspace = Workspace(tmp_path)
    cached(workspace, "things", [], one_bundle, BUNDLE)
    [name] = entries(workspace)
    kept = workspace.root / "cache" / name
    whole = bytearray(kept.read_bytes())
    whole[len(whole) // 4] ^= 1
    kept.write_bytes(whole[: int(len(whole) * keep)])
    found = cached(workspace, "things", [], one_bundle, BUNDLE)
    assert found.tables["t"]["a"].tolist() == [1, 2, 3]
    assert BUNDLE.read(kept).facts == {"made": "once"}


def test_old_entries_go_and_what_killed_processes_left(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    cached(workspace, "things", [0], one_bundle, BUNDLE)
    fresh, stale = tmp_path / "cache" / "fresh.draft", tmp_path / "cache" / ".stale.draft"
    for left in (fresh, stale):
        left.write_bytes(b"half")
    long_ago = stale.stat().st_mtime - cache.STALE_SECONDS - 1
    os.utime(stale, (long_ago, long_ago))
    for n in range(1, 7):
        cached(workspace, "things", [n], one_bundle, BUNDLE)
    assert len(entries(workspace)) == cache.ENTRIES
    assert fresh.exists()
    assert not stale.exists()


def test_where_the_cache_cannot_be_written_the_answer_is_given_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    found = cached(Workspace(tmp_path), "things", [], one_bundle, BUNDLE)
    assert found.facts == {"made": "once"}
    assert list((tmp_path / "cache").iterdir()) == []


def put(workspace: Workspace, folder: str) -> None:
    with staged(workspace) as staging:
        name = f"reference/{folder}/more_2026"
        pd.DataFrame({"a": [1]}).to_parquet(staging.path(f"{name}.parquet"))
        put_sheet(staging, name, Sheet("", "", "", {}, 1, "2026-11-27"))


@pytest.mark.parametrize(
    "folder", [*(f for f in PAST_OF if f != "votes"), "voter_addresses", "doors"]
)
def test_buildings_are_made_again_after_whatever_tells_where_stations_are_now(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Their outlines and rolls are those of the past that all of these tell."""
    made: list[Bundle] = []

    def make(*_: object) -> Bundle:
        made.append(one_bundle())
        return made[-1]

    monkeypatch.setattr(making_buildings, "make_buildings", make)
    kept_buildings(workspace, None)
    kept_buildings(workspace, None)
    assert len(made) == 1
    put(workspace, folder)
    kept_buildings(workspace, None)
    assert len(made) == 2
