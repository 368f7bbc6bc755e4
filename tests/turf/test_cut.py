"""The cut: equal turfs, no door lost, the same each time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.errors import TurfError
from targeting.turf import TimeModel, build_street_graph, cut_turfs, expected_minutes
from targeting.turf.identity import DoorsIdentity
from tests.examples import examples

from .conftest import buildings_at, grid_town, lines_at

houses = st.lists(
    st.tuples(st.integers(0, 600), st.integers(0, 600), st.sampled_from("ABC"), st.integers(1, 90)),
    min_size=1,
    max_size=50,
)


def table_of(rows):
    return buildings_at(
        [row[:2] for row in rows],
        street=[f"Rue {row[2]}" for row in rows],
        dwellings=[row[3] for row in rows],
    )


@settings(max_examples=examples(60), deadline=None)
@given(houses, st.sampled_from([{"minutes": 60}, {"minutes": 120}, {"doors": 50}]), st.booleans())
def test_doors_in_are_doors_in_turfs_and_doors_left_out(rows, size, fast):
    buildings = table_of(rows)
    out = pd.Series("visited_recently", index=buildings["building_id"].iloc[::7])
    buildings.loc[buildings.index[3:4], "x"] = np.nan
    cut = cut_turfs(buildings, build_street_graph(buildings), excluded=out, fast=fast, **size)

    assert cut.identity.holds
    assert cut.identity.doors_in == buildings["dwellings"].sum()
    assert cut.stops["dwellings"].sum() == cut.turfs["n_doors"].sum()
    listed = pd.concat([cut.stops, cut.excluded]).groupby("building_id")["dwellings"].sum()
    wanted = buildings.set_index("building_id")["dwellings"]
    assert (listed.reindex(wanted.index) == wanted).all()


@settings(max_examples=examples(40), deadline=None)
@given(houses, st.booleans())
def test_only_towers_are_split_and_only_their_rest_joins_other_buildings(rows, fast):
    buildings = table_of(rows)
    cut = cut_turfs(buildings, build_street_graph(buildings), doors=50, fast=fast)
    doors = cut.stops.groupby("building_id")["dwellings"].sum()
    parts = cut.stops.groupby("building_id").size()
    assert (doors[parts > 1] >= 45).all()
    company = cut.turfs.set_index("turf_id")["n_buildings"].loc[cut.stops["turf_id"]].to_numpy()
    for _, stops in cut.stops.assign(company=company).groupby("building_id"):
        if stops["dwellings"].sum() < 45:
            continue
        alone = stops[stops["company"] == 1]["dwellings"]
        assert (stops["company"] > 1).sum() <= 1, "one rest at most goes with other buildings"
        full = alone.nlargest(len(stops) - 1) if len(stops) > 1 else alone
        assert full.max() - full.min() <= 1 or len(full) == 1
    assert cut.turfs["n_doors"].max() <= 1.6 * 50


def test_the_rest_of_a_big_building_goes_with_its_neighbours():
    near = buildings_at([(0, 0), (12, 0), (24, 0)], dwellings=20)
    near.loc[0, "dwellings"] = 78
    cut = cut_turfs(near, build_street_graph(near), doors=50)
    assert sorted(cut.turfs["n_doors"]) == [50, 68] or sorted(cut.turfs["n_doors"]) == [28, 40, 50]
    far = buildings_at([(0, 0), (400, 0), (412, 0)], dwellings=20)
    far.loc[0, "dwellings"] = 78
    cut = cut_turfs(far, build_street_graph(far), doors=50)
    assert sorted(cut.turfs["n_doors"]) == [39, 39, 40], "nobody near: shared out evenly"


@settings(max_examples=examples(30), deadline=None)
@given(houses, st.integers(0, 9999))
def test_the_order_of_the_rows_does_not_change_the_turfs(rows, seed):
    buildings = table_of(rows)
    shuffled = buildings.sample(frac=1, random_state=seed)
    one = cut_turfs(buildings, build_street_graph(buildings), seed=3)
    other = cut_turfs(shuffled, build_street_graph(shuffled), seed=3)
    pd.testing.assert_frame_equal(one.turfs, other.turfs)
    pd.testing.assert_frame_equal(one.stops, other.stops)


@settings(max_examples=examples(30), deadline=None)
@given(houses)
def test_each_turf_is_walked_once_through(rows):
    buildings = table_of(rows)
    cut = cut_turfs(buildings, build_street_graph(buildings))
    for turf_id, stops in cut.stops.groupby("turf_id"):
        assert stops["visit_order"].tolist() == list(range(1, len(stops) + 1))
        assert stops["building_id"].is_unique
        turf = cut.turfs.set_index("turf_id").loc[turf_id]
        assert turf["n_buildings"] == len(stops)
        assert turf["longest_leg_m"] <= turf["walk_m"] + 0.1


def test_minutes_are_those_of_the_doors_and_of_the_walk(town):
    buildings, streets = town
    cut = cut_turfs(buildings, build_street_graph(buildings, streets))
    inside = expected_minutes(buildings).sum()
    walked = cut.turfs["walk_m"].sum() / (60 * TimeModel().walking_speed_m_s)
    assert cut.turfs["minutes_expected"].sum() == pytest.approx(inside + walked, abs=1)


@pytest.mark.parametrize("size", [{"minutes": 120}, {"doors": 50}])
@pytest.mark.parametrize("drawn", [True, False])
def test_turfs_of_a_town_are_within_ten_per_cent_of_their_mean(size, drawn):
    buildings, streets = grid_town(5)
    graph = build_street_graph(buildings, streets if drawn else None)
    cut = cut_turfs(buildings, graph, **size)
    column = cut.turfs[cut.balanced_on]
    assert cut.share_within(0.1) >= 0.9
    assert column.mean() <= 1.15 * next(iter(size.values()))
    assert column.max() <= 1.35 * next(iter(size.values()))


def test_the_polish_walks_no_more_for_turfs_as_equal():
    buildings, streets = grid_town(6)
    graph = build_street_graph(buildings, streets)
    quick, polished = (cut_turfs(buildings, graph, doors=50, fast=fast) for fast in (True, False))
    assert polished.share_within(0.1) >= quick.share_within(0.1)
    assert polished.turfs["walk_m"].sum() <= 1.01 * quick.turfs["walk_m"].sum()


def test_turfs_stay_on_their_bank_of_the_river():
    # two streets 100 m apart with water between; one bridge 600 m away
    rows = [(20.0 * k, y) for y in (0, 100) for k in range(30)]
    buildings = buildings_at(rows, street=["Quai Sud"] * 30 + ["Quai Nord"] * 30, dwellings=5)
    streets = lines_at(
        [(-10, 0), (610, 0)], [(-10, 100), (610, 100)], [(610, 0), (610, 100)],
        names=["Quai Sud", "Quai Nord", "Pont"], kinds=["street", "street", "bridge"],
    )  # fmt: skip
    cut = cut_turfs(buildings, build_street_graph(buildings, streets), doors=50)
    north = cut.stops["building_id"].isin(buildings["building_id"].iloc[30:])
    banks = north.groupby(cut.stops["turf_id"]).nunique()
    assert (banks == 1).all()
    assert len(cut.turfs) == 6


def test_stations_are_kept_whole_on_request_and_listed_else(town):
    buildings, streets = town
    west = buildings["x"] < buildings["x"].median()
    buildings = buildings.assign(station_id=np.where(west, "01001_0001", "01001_0002")).astype(
        {"station_id": "str"}
    )
    graph = build_street_graph(buildings, streets)
    kept = cut_turfs(buildings, graph, keep_stations=True)
    assert set(kept.turfs["station_ids"]) == {"01001_0001", "01001_0002"}
    free = cut_turfs(buildings, graph, doors=400)
    assert "01001_0001 01001_0002" in {
        " ".join(sorted(ids.split())) for ids in free.turfs["station_ids"]
    }


def test_the_best_station_is_served_first(town):
    buildings, streets = town
    west = buildings["x"] < buildings["x"].median()
    buildings = buildings.assign(station_id=np.where(west, "01001_0001", "01001_0002")).astype(
        {"station_id": "str"}
    )
    graph = build_street_graph(buildings, streets)
    for order in (["01001_0001", "01001_0002"], ["01001_0002", "01001_0001"]):
        cut = cut_turfs(buildings, graph, keep_stations=True, station_order=order, id_prefix="M")
        first = cut.turfs["station_ids"].tolist()
        assert first == sorted(first, key=order.index)
        assert cut.turfs["turf_id"].tolist() == [f"M{k:03d}" for k in cut.turfs["rank"]]
    by_size = cut_turfs(buildings, graph).turfs["n_doors"]
    assert by_size.is_monotonic_decreasing


def test_a_station_that_is_unknown_leaves_its_name_empty():
    buildings = buildings_at([(0, 0), (20, 0)]).assign(station_id=pd.array([None] * 2, dtype="str"))
    cut = cut_turfs(buildings, build_street_graph(buildings), keep_stations=True)
    assert cut.turfs["station_ids"].tolist() == [""]


def test_excluded_buildings_are_named_with_their_reason():
    buildings = buildings_at([(20 * k, 0) for k in range(6)], dwellings=3)
    buildings.loc[5, "x"] = np.nan
    out = pd.Series({"01001_00000": "visited", "elsewhere": "visited"})
    cut = cut_turfs(buildings, build_street_graph(buildings), excluded=out)
    assert cut.excluded["building_id"].tolist() == ["01001_00000", "01001_00005"]
    assert cut.excluded["reason"].tolist() == ["visited", "no_coordinates"]
    assert cut.identity.sentence() == (
        "18 doors in = 12 in 1 turfs + 6 left out (no_coordinates: 3, visited: 3)"
    )


def test_a_part_of_the_buildings_can_be_cut_on_the_graph_of_all(town):
    buildings, streets = town
    graph = build_street_graph(buildings, streets)
    some = buildings.iloc[::3]
    cut = cut_turfs(some, graph)
    assert set(cut.stops["building_id"]) == set(some["building_id"])


@pytest.mark.parametrize("drawn", [True, False])
def test_an_address_ten_kilometres_off_is_left_out_with_its_reason(drawn):
    buildings = buildings_at([(20 * k, 0) for k in range(20)] + [(10_000, 0)], dwellings=6)
    streets = lines_at([(0, 0), (400, 0)], names=["Rue A"]) if drawn else None
    cut = cut_turfs(buildings, build_street_graph(buildings, streets), doors=60)
    assert cut.excluded.values.tolist() == [["01001_00020", 6, "far_from_streets"]]
    assert cut.identity.sentence().endswith("6 left out (far_from_streets: 6)")
    assert cut.turfs["longest_leg_m"].max() < 1000


def test_two_farms_ten_kilometres_apart_are_two_turfs():
    buildings = buildings_at([(0, 0), (10_000, 0)], dwellings=6)
    cut = cut_turfs(buildings, build_street_graph(buildings), doors=60)
    assert cut.turfs["n_buildings"].tolist() == [1, 1]
    assert cut.excluded.empty


def test_streets_of_another_town_leave_every_door_out_and_say_so():
    buildings = buildings_at([(20 * k, 0) for k in range(5)], dwellings=6)
    elsewhere = lines_at([(50_000, 0), (50_400, 0)], names=["Rue A"])
    cut = cut_turfs(buildings, build_street_graph(buildings, elsewhere), doors=60)
    assert cut.turfs.empty
    assert cut.identity.left_out_by_reason == {"far_from_streets": 30}


def test_four_hundred_doors_at_one_address_make_equal_turfs():
    buildings = buildings_at([(0, 0)], dwellings=400, kind="tower")
    cut = cut_turfs(buildings, build_street_graph(buildings))
    assert cut.turfs["n_doors"].sum() == 400
    assert cut.turfs["n_doors"].max() - cut.turfs["n_doors"].min() <= 1
    assert cut.turfs["minutes_expected"].between(80, 135).all()
    assert cut.is_tower.all()
    assert cut.share_within(towers=True) == 1
    assert cut.turfs["start_address"].eq("1 Rue A").all()


def test_no_building_and_one_door_are_cuts_too():
    one = buildings_at([(0, 0)], dwellings=1)
    cut = cut_turfs(one, build_street_graph(one))
    assert cut.turfs[["turf_id", "n_doors", "walk_m"]].values.tolist() == [["T001", 1, 0.0]]
    none = cut_turfs(one.iloc[:0], build_street_graph(one.iloc[:0]))
    assert none.turfs.empty
    assert none.stops.empty
    assert none.identity.holds
    everything_out = pd.Series("closed", index=one["building_id"])
    assert cut_turfs(one, build_street_graph(one), excluded=everything_out).turfs.empty


def test_a_turf_that_is_no_outing_is_refused():
    one = buildings_at([(0, 0)])
    graph = build_street_graph(one)
    for wrong in ({"minutes": 0}, {"minutes": -3}, {"doors": 5000}, {"minutes": float("nan")}):
        with pytest.raises(TurfError, match="no outing"):
            cut_turfs(one, graph, **wrong)
    with pytest.raises(TurfError, match="choose one"):
        cut_turfs(one, graph, minutes=120, doors=50)
    with pytest.raises(TurfError, match="excluded twice"):
        cut_turfs(one, graph, excluded=pd.Series(["a", "b"], index=["01001_00000"] * 2))
    with pytest.raises(TurfError, match="not in the walking graph"):
        cut_turfs(one.assign(building_id="other"), graph)


def test_an_identity_that_does_not_hold_says_so():
    broken = DoorsIdentity(10, 8, 1, 1, {})
    assert not broken.holds
    assert "≠" in broken.sentence()
