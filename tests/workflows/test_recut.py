"""Re-cut with memory: nothing answered comes back before its date, nothing disappears."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from targeting.households.doors import closed_doors, load_cooling_off
from targeting.turf import build_street_graph, cut_turfs
from targeting.turf.recut import Recut, recut_turfs
from targeting.turf.remainder import each_door, remaining_doors

from ..turf.conftest import buildings_at, grid_town

WORLDS = int(os.environ.get("RELANCE_WORLDS", "20"))
"""Histories tried: twenty here, the thousand by RELANCE_WORLDS=1000 (about ten minutes)."""
DAY_ONE = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
DAYS = load_cooling_off()
OUTCOME_SHARES = {
    "not_home": 0.45, "talked": 0.2, "come_back": 0.08, "refused": 0.1, "do_not_contact": 0.04,
    "inaccessible": 0.05, "bad_address": 0.04, "moved": 0.04,
}  # fmt: skip
NO_VISIT = pd.DataFrame(
    {
        "building_id": pd.Series(dtype="str"), "door_id": pd.Series(dtype="str"),
        "visited_at": pd.Series(dtype="datetime64[us, UTC]"), "outcome": pd.Series(dtype="str"),
    }
)  # fmt: skip


class World:
    """A small town, its turfs over time, and everybody's knocks."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.buildings, streets = grid_town(1, seed=seed % 7)
        self.buildings = self.buildings.copy()
        tower = int(self.chance.integers(len(self.buildings)))
        self.buildings.loc[tower, "dwellings"] = int(self.chance.integers(1, 120))
        self.graph = build_street_graph(self.buildings, streets)
        self.size = int(self.chance.integers(15, 60))
        self.now = DAY_ONE
        self.visits = NO_VISIT
        cut = cut_turfs(self.buildings, self.graph, doors=self.size, fast=True, id_prefix="A")
        first = cut.stops.groupby("building_id")["dwellings"].cumsum() - cut.stops["dwellings"] + 1
        ordered = cut.stops.assign(first_door=first)
        self.stops = ordered.assign(last_door=ordered["first_door"] + ordered["dwellings"] - 1)
        self.ready = set(cut.turfs["turf_id"])
        self.generation = 0

    def walk_some(self) -> None:
        """Pairs walk a few turfs, most of them not to the end."""
        walked = [t for t in sorted(self.ready) if self.chance.random() < 0.6]
        self.ready -= set(walked)
        closed = self.closed()
        shut = set(zip(closed["building_id"], closed["door"], strict=True))
        doors = each_door(self.stops[self.stops["turf_id"].isin(walked)])
        knocked = doors[self.chance.random(len(doors)) < 0.7]
        rows = [
            (b, f"{b}/{d}", self.now + timedelta(minutes=n), str(self.chance.choice(list(OUTCOME_SHARES), p=list(OUTCOME_SHARES.values()))))
            for n, (b, d) in enumerate(zip(knocked["building_id"], knocked["door"], strict=True))
            if (b, d) not in shut
        ]  # fmt: skip
        if rows:
            more = pd.DataFrame(rows, columns=list(NO_VISIT)).astype(NO_VISIT.dtypes.to_dict())
            self.visits = pd.concat([self.visits, more], ignore_index=True)

    def closed(self) -> pd.DataFrame:
        return closed_doors(self.visits, now=self.now, cooling_off=DAYS)

    def recut(self, *, shuffled: bool = False) -> Recut | None:
        """The remainder of the turfs begun; nothing where no door is left."""
        begun = self.stops[~self.stops["turf_id"].isin(self.ready)]
        kept = self.stops[self.stops["turf_id"].isin(self.ready)]
        buildings = self.buildings
        if shuffled:
            begun, buildings = (
                begun.sample(frac=1, random_state=1),
                buildings.sample(frac=1, random_state=2),
            )
        left = remaining_doors(begun, kept, self.closed())
        if left.runs.empty:
            return None
        return recut_turfs(buildings, self.graph, left, doors=self.size, fast=True)

    def keep(self, recut: Recut) -> None:
        self.generation += 1
        letter = chr(ord("A") + self.generation)
        stops = recut.stops.assign(turf_id=letter + recut.stops["turf_id"])
        self.ready |= set(stops["turf_id"])
        self.stops = pd.concat([self.stops, stops[self.stops.columns]], ignore_index=True)


def ids_of(doors: pd.DataFrame) -> set[tuple[str, int]]:
    return set(zip(doors["building_id"], doors["door"], strict=True))


def check_memory(world: World, recut: Recut | None) -> None:
    """Each door ever handed out is in one place, and none is knocked at before its date."""
    kept = ids_of(each_door(world.stops[world.stops["turf_id"].isin(world.ready)]))
    ever = ids_of(each_door(world.stops))
    closed = ids_of(world.closed())
    looked_at = ever - kept
    if recut is None:
        assert looked_at <= closed
        return
    held = each_door(recut.stops)
    assert len(held) == (recut.stops["last_door"] - recut.stops["first_door"] + 1).sum(), "twice"
    assert not ids_of(held) & kept
    to_knock = ids_of(held) - closed
    assert to_knock == looked_at - closed, "every open door comes back, no other"
    assert len(to_knock) == recut.stops["dwellings"].sum() == recut.turfs["n_doors"].sum()
    assert recut.excluded["dwellings"].sum() == len(looked_at & closed)
    assert recut.identity.holds
    assert recut.identity.doors_in == len(looked_at)


def check_no_split(world: World, recut: Recut) -> None:
    """A building lies in one turf, unless it alone fills one or a kept turf stands between."""
    parts = recut.stops.groupby("building_id")
    doors = parts["dwellings"].sum()
    several = parts["turf_id"].nunique() > 1
    shared = set(world.stops.loc[world.stops["turf_id"].isin(world.ready), "building_id"])
    for building_id in doors.index[several]:
        assert doors[building_id] >= 0.9 * world.size or building_id in shared


@pytest.mark.slow
@pytest.mark.parametrize("tenth", range(10))
def test_over_random_histories_no_door_is_lost_and_none_comes_back_early(tenth: int) -> None:
    recuts = 0
    for seed in range(tenth * WORLDS // 10, (tenth + 1) * WORLDS // 10):
        world = World(seed)
        for _ in range(3):
            world.walk_some()
            world.now += timedelta(days=int(world.chance.choice([0, 1, 7, 30, 61])))
            recut = world.recut()
            check_memory(world, recut)
            if recut is not None:
                check_no_split(world, recut)
                world.keep(recut)
                recuts += 1
    assert recuts > WORLDS / 10, "the worlds were walked"


@pytest.mark.parametrize("seed", range(5))
def test_the_same_remainder_gives_the_same_turfs_in_whatever_order_it_comes(seed: int) -> None:
    world = World(seed)
    world.walk_some()
    one, other = world.recut(), world.recut(shuffled=True)
    assert one is not None
    assert other is not None
    pd.testing.assert_frame_equal(one.turfs, other.turfs)
    pd.testing.assert_frame_equal(one.stops, other.stops)


def test_a_building_no_longer_in_the_addresses_is_left_out_by_name() -> None:
    buildings = buildings_at([(20 * k, 0) for k in range(3)], number=[1, 3, 5])
    stops = pd.DataFrame(
        {
            "turf_id": "A1", "building_id": [*buildings["building_id"], "gone"],
            "first_door": 1, "last_door": 4,
        }
    )  # fmt: skip
    left = remaining_doors(stops, stops[:0], closed_doors(NO_VISIT, now=DAY_ONE))
    recut = recut_turfs(buildings, build_street_graph(buildings), left, doors=12)
    assert recut.excluded.to_dict("records") == [
        {"building_id": "gone", "dwellings": 4, "reason": "address_gone"}
    ]
    assert recut.identity.sentence() == "16 doors in = 12 in 1 turfs + 4 left out (address_gone: 4)"


def test_a_building_shared_with_a_turf_that_stays_keeps_its_runs_apart() -> None:
    buildings = buildings_at([(0, 0), (20, 0)], number=[1, 3], dwellings=[30, 4])
    tower = buildings["building_id"].iloc[0]
    begun = pd.DataFrame(
        {"turf_id": ["A", "C"], "building_id": tower, "first_door": [1, 21], "last_door": [10, 30]}
    )
    kept = pd.DataFrame(
        {"turf_id": ["B"], "building_id": tower, "first_door": [11], "last_door": [20]}
    )
    left = remaining_doors(begun, kept, closed_doors(NO_VISIT, now=DAY_ONE))
    recut = recut_turfs(buildings, build_street_graph(buildings), left, doors=20)
    assert sorted(
        recut.stops[["first_door", "last_door", "parent_ids"]].to_numpy().tolist()
    ) == [[1, 10, "A"], [21, 30, "C"]]  # fmt: skip
