"""Whatever a desk and its phones do, in whatever order: no visit is lost or doubled, no door stands in
two open turfs, none leaves without a word, and an opposition stays."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from targeting.config import Workspace
from tests.workflows.worlds import World, found_town

WORLDS = int(os.environ.get("RELANCE_WORLDS", "10"))
"""Worlds tried: ten here, the thousand by RELANCE_WORLDS=1000."""

DAYS = 14


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town before its first cut, to take copies of."""
    folder = tmp_path_factory.mktemp("founded")
    found_town(Workspace(folder / "town"), folder)
    return folder / "town"


def live(world: World) -> None:
    world.act("first_cut")
    for _ in range(DAYS):
        world.act()


@pytest.mark.slow
@pytest.mark.parametrize("tenth", range(10))
def test_in_random_worlds_nothing_is_lost_doubled_or_in_two_places(
    founded: Path, tmp_path: Path, tenth: int
) -> None:
    did: Counter[str] = Counter()
    for seed in range(tenth * WORLDS // 10, (tenth + 1) * WORLDS // 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = World(Workspace(shutil.copytree(founded, folder / "town")), folder, seed)
        try:
            live(world)
        except AssertionError as error:
            raise AssertionError(f"world {seed}: {error}") from error
        did += world.did
        shutil.rmtree(folder)
    assert did["first_cut"] == (tenth + 1) * WORLDS // 10 - tenth * WORLDS // 10


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_in_a_random_world_on_postgresql_too(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_DATABASE_URL", database_url)
    workspace = Workspace(tmp_path / "town")
    found_town(workspace, tmp_path)
    live(World(workspace, tmp_path, 1001))
