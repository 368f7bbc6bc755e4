"""The races, small: a re-cut and a cut begun at once, lists coming in meanwhile, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from targeting.config import Workspace
from targeting.store.engine import open_store, reading
from targeting.store.turfs import load_stops, load_turfs
from targeting.workflows.turfs.cutting import cut_campaign_turfs
from tests.races.__main__ import race
from tests.races.doors import doors_in_two_open_turfs
from tests.workflows.worlds import found_town


@pytest.mark.slow
def test_two_commands_at_once_put_no_door_in_two_turfs(tmp_path: Path, unmade: Workspace) -> None:
    found_town(unmade, tmp_path)
    cut_campaign_turfs(unmade, chosen="all", doors=40, fast=True)
    ended = race(
        unmade,
        [["turfs", "recut", "--fast"], ["turfs", "cut", "--stations", "all", "--fast"]],
        seed=1,
    )
    assert set(ended) <= {0, 2}, "done, or refused in a sentence"
    with reading(open_store(unmade)) as session:
        turfs, stops = load_turfs(session), load_stops(session)
    assert doors_in_two_open_turfs(turfs, stops) == 0
