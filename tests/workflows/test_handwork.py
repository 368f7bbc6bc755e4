"""Turfs changed by hand: no door lost, no building split, everything undone and redone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.store.engine import open_store, reading
from targeting.store.turfs import load_stops, load_turfs
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.outings.returns import import_returns
from targeting.workflows.setup import init_workspace
from targeting.workflows.turfs import edits as handwork
from targeting.workflows.turfs.board import load_campaign_turfs
from targeting.workflows.turfs.cutting import cut_campaign_turfs
from targeting.workflows.turfs.recut import recut_campaign_turfs
from tests.workflows.test_import_streets import along, ban

pytestmark = pytest.mark.slow  # a town cut and changed, many times over

FIELDS = ["turf_id", "building_id", "first_door", "last_door", "dwellings"]


@pytest.fixture
def town(tmp_path: Path) -> Workspace:
    """Three parallel streets of twenty doors, cut into turfs of ten."""
    workspace = Workspace(tmp_path / "workspace")
    init_workspace(workspace, communes=["13055"])
    rows = [r for k, name in enumerate("ABC") for r in along(f"Rue {name}", y=9.0 + 100 * k)]
    import_addresses(workspace, ban(tmp_path / "ban.csv", rows))
    cut_campaign_turfs(workspace, chosen="all", doors=10)
    return workspace


def held(workspace: Workspace) -> pd.DataFrame:
    with reading(open_store(workspace)) as session:
        return load_stops(session)


def turfs(workspace: Workspace) -> pd.DataFrame:
    with reading(open_store(workspace)) as session:
        return load_turfs(session).set_index("turf_id")


def where(workspace: Workspace) -> dict[str, str]:
    """Turf of each building."""
    return held(workspace).set_index("building_id")["turf_id"].to_dict()


def all_doors(workspace: Workspace) -> list[tuple[str, int, int]]:
    rows = held(workspace)[["building_id", "first_door", "last_door"]].itertuples(index=False)
    return sorted((str(b), int(f), int(n)) for b, f, n in rows)


def test_a_building_moves_to_its_neighbours_turf_and_both_are_walked_anew(town: Workspace) -> None:
    before, ids = all_doors(town), list(turfs(town).index)
    moved = next(b for b, t in where(town).items() if t == ids[0])
    told = handwork.move_buildings(town, [moved], ids[1])
    assert (told.kind, told.turf_ids) == ("move", sorted(ids[:2]))
    assert where(town)[moved] == ids[1]
    assert all_doors(town) == before
    assert turfs(town).loc[ids[1], "n_doors"] == 11
    stops = held(town)
    for _, mine in stops.groupby("turf_id"):
        assert mine["visit_order"].tolist() == list(range(1, len(mine) + 1))


def test_a_move_takes_the_minutes_that_it_told_and_none_are_told_where_it_is_refused(
    town: Workspace,
) -> None:
    before, ids = turfs(town)["minutes_expected"], list(turfs(town).index)
    moved = next(b for b, t in where(town).items() if t == ids[0])
    told = handwork.forecast_move(town, [moved], ids[1])
    assert [f.turf_id for f in told] == ids[:2]
    assert [f.before for f in told] == before[ids[:2]].tolist()
    assert turfs(town)["minutes_expected"].tolist() == before.tolist(), "nothing was moved"
    handwork.move_buildings(town, [moved], ids[1])
    after = turfs(town)["minutes_expected"]
    assert [f.after for f in told] == pytest.approx(after[ids[:2]].tolist())
    for what in ([moved, "nowhere"], ["nowhere"]):
        for ask in (handwork.forecast_move, handwork.move_buildings):
            with pytest.raises(TargetingError, match="nowhere is in no turf"):
                ask(town, what, ids[1])


def test_a_selection_becomes_a_turf_of_its_own_with_a_code_never_given_before(
    town: Workspace,
) -> None:
    old = set(turfs(town).index)
    chosen = list(where(town))[:7]
    told = handwork.move_buildings(town, chosen, handwork.NEW)
    (fresh,) = set(told.turf_ids) - old
    assert {b for b, t in where(town).items() if t == fresh} == set(chosen)
    handwork.undo(town)
    handwork.move_buildings(town, chosen, handwork.NEW)
    (again,) = set(turfs(town).index) - old
    assert again != fresh, "a code is never given twice"


def test_a_street_moves_whole(town: Workspace) -> None:
    kept = load_campaign_turfs(town)
    of_turf = kept.stops.groupby("turf_id")["street"].agg(list)
    turf_id, streets = next((t, s) for t, s in of_turf.items())
    other = next(t for t in of_turf.index if t != turf_id)
    handwork.move_street(town, turf_id, streets[0], other)
    left = load_campaign_turfs(town).stops
    assert streets[0] not in set(left.loc[left["turf_id"] == turf_id, "street"])
    assert (left.loc[left["street"] == streets[0], "turf_id"] == other).sum() >= streets.count(
        streets[0]
    )


def test_a_turf_split_in_two_is_two_even_halves_and_merged_it_is_what_it_was(
    town: Workspace,
) -> None:
    before, turf_id = held(town)[FIELDS], turfs(town).index[0]
    told = handwork.split(town, turf_id, 2)
    sizes = turfs(town).loc[told.turf_ids, "n_doors"]
    assert sorted(sizes) == [5, 5]
    handwork.merge(town, told.turf_ids)
    pd.testing.assert_frame_equal(
        held(town)[FIELDS].sort_values(FIELDS, ignore_index=True),
        before.sort_values(FIELDS, ignore_index=True),
    )
    assert set(told.turf_ids) - set(turfs(town).index), "the emptied turf is withdrawn"


def test_a_locked_turf_stays_through_hand_and_new_cut_until_it_is_unlocked(town: Workspace) -> None:
    ids = list(turfs(town).index)
    mine = [b for b, t in where(town).items() if t == ids[0]]
    handwork.lock(town, [ids[0]])
    with pytest.raises(TargetingError, match="in no turf that can be changed"):
        handwork.move_buildings(town, mine[:1], ids[1])
    with pytest.raises(TargetingError, match="locked: unlock"):
        handwork.split(town, ids[0])
    facts = cut_campaign_turfs(town, chosen="all", doors=10).facts
    assert {b for b, t in where(town).items() if t == ids[0]} == set(mine)
    assert facts["left_out_by_reason"] == {"in_another_turf": len(mine)}
    handwork.lock(town, [ids[0]], locked=False)
    handwork.split(town, ids[0])


def test_a_walk_sets_out_where_the_pair_meets(town: Workspace) -> None:
    turf_id = turfs(town).index[0]
    mine = held(town).query("turf_id == @turf_id")["building_id"]
    for place in (mine.iloc[3], mine.iloc[0]):
        handwork.start_at(town, turf_id, place)
        assert held(town).query("turf_id == @turf_id")["building_id"].iloc[0] == place
    with pytest.raises(TargetingError, match="no address “99 Rue Z”"):
        handwork.start_at(town, turf_id, "99 Rue Z")


def test_what_somebody_else_changed_meanwhile_is_not_changed_unseen(town: Workspace) -> None:
    ids = list(turfs(town).index)
    seen = turfs(town)["version"].to_dict()
    first, second = [b for b, t in where(town).items() if t == ids[0]][:2]
    handwork.move_buildings(town, [first], ids[1], versions=seen)
    before = held(town)
    with pytest.raises(TargetingError, match="changed meanwhile"):
        handwork.move_buildings(town, [second], ids[1], versions=seen)
    pd.testing.assert_frame_equal(held(town), before)


def test_a_turf_begun_cannot_be_changed_and_its_change_no_longer_undone(
    town: Workspace, tmp_path: Path
) -> None:
    ids = list(turfs(town).index)
    moved = next(b for b, t in where(town).items() if t == ids[0])
    handwork.move_buildings(town, [moved], ids[1])
    grid = tmp_path / "grid.csv"
    grid.write_text(
        f"building_id,turf_id,door,outcome,visited_at\n{moved},{ids[1]},1,talked,2026-03-10 18:30\n"
    )
    import_returns(town, grid)
    before = held(town)
    with pytest.raises(TargetingError, match="moved on since"):
        handwork.undo(town)
    with pytest.raises(TargetingError, match="recut"):
        handwork.merge(town, ids[:2])
    pd.testing.assert_frame_equal(held(town), before)
    recut = recut_campaign_turfs(town).facts
    assert recut["recut_of"] == [ids[1]]
    assert recut["doors_in"] == 11


def test_nothing_to_undo_is_said(town: Workspace) -> None:
    with pytest.raises(TargetingError, match="nothing to undo"):
        handwork.undo(town)
    with pytest.raises(TargetingError, match="nothing to redo"):
        handwork.redo(town)


@pytest.mark.parametrize("seed", range(6))
def test_any_row_of_changes_is_undone_to_the_first_state_and_redone_to_the_last(
    town: Workspace, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    doors, trail = all_doors(town), [where(town)]
    for _ in range(6):
        ids = list(turfs(town).index)
        kind = chance.choice(["move", "new", "split", "merge"])
        buildings = list(chance.choice(list(where(town)), 4, replace=False))
        try:
            if kind == "move":
                handwork.move_buildings(town, buildings, str(chance.choice(ids)))
            elif kind == "new":
                handwork.move_buildings(town, buildings, handwork.NEW)
            elif kind == "split":
                handwork.split(town, str(chance.choice(ids)), 2)
            else:
                handwork.merge(town, [str(t) for t in chance.choice(ids, 2, replace=False)])
        except TargetingError:  # one building is not parted, or is there already
            assert where(town) == trail[-1]
            continue
        assert all_doors(town) == doors
        trail.append(where(town))
    last = turfs(town).drop(columns="version")
    for state in trail[-2::-1]:
        handwork.undo(town)
        assert where(town) == state
    for state in trail[1:]:
        handwork.redo(town)
        assert where(town) == state
    pd.testing.assert_frame_equal(turfs(town).drop(columns="version"), last)
