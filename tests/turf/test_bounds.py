"""What the docstrings of turfs promise, at the bound: the last that is in, the first that is out."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from targeting.errors import TurfError
from targeting.turf import build_street_graph, cut_turfs, walk_order
from targeting.turf.balance import OVER_BUDGET, numbered, parted_at_gaps, turf_target
from targeting.turf.cut import checked_budget
from targeting.turf.graph.from_numbers import GAP_M, alone, number_runs, side_rungs
from targeting.turf.graph.from_streets import SPUR_DETOUR, SPUR_M
from targeting.turf.graph.model import CROSSING_M, FACING_M, LINK_DETOUR, facing_doors, link_cost
from targeting.turf.identity import checked_identity
from targeting.turf.kernels.objective import felt
from targeting.turf.kernels.split import split_order
from targeting.turf.learning import door_gaps, learn_field_model
from targeting.turf.minutes import KINDS, TimeModel
from targeting.turf.plan import choose_turfs, in_order
from targeting.turf.towers import has_company, tower_parts
from targeting.turf.value import worth_again

from .conftest import buildings_at, lines_at
from .test_plan import EVENING, NOTHING, PRIOR, log

# -- the size of turfs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "target"),
    [(0.0, 0.0), (50.0, 50.0), (120.0, 120.0), (131.9, 131.9), (132.1, 66.05), (168.0, 84.0),
     (179.9, 89.95), (180.0, 90.0), (250.0, 125.0), (264.1, 264.1 / 3)],
)  # fmt: skip
def test_the_mean_turf_is_hardly_above_what_was_asked(total, target) -> None:
    assert turf_target(total, 120.0) == pytest.approx(target)
    assert turf_target(total, 120.0) <= OVER_BUDGET * 120 + 1e-9


@pytest.mark.parametrize(("asked", "lawful"), [(600, True), (600.1, False), (0.1, True), (0, False)])  # fmt: skip
def test_an_outing_is_more_than_nothing_and_at_most_six_hundred(asked, lawful) -> None:
    for size in ({"minutes": asked, "doors": None}, {"minutes": None, "doors": asked}):
        if lawful:
            assert checked_budget(**size) == asked
        else:
            with pytest.raises(TurfError, match="at most 600"):
                checked_budget(**size)


@pytest.mark.parametrize(("doors", "towers"), [(44, 0), (45, 1), (46, 1)])
def test_a_building_makes_its_own_turfs_from_nine_tenths_of_one_on(doors, towers) -> None:
    buildings = buildings_at([(0, 0), (15, 0), (30, 0)], dwellings=[doors, 20, 20])
    cut = cut_turfs(buildings, build_street_graph(buildings), doors=50, fast=True)
    assert int(cut.is_tower.sum()) == towers


def parts_of(doors: int, *, company: bool = True) -> tuple[list[int], int]:
    """Turfs of fifty that one building fills, and the doors it leaves."""
    building = buildings_at([(0, 0)], dwellings=doors)
    stops, rest = tower_parts(
        building, np.array([float(doors)]), np.array([0]), 50.0, np.array([company])
    )
    return stops["dwellings"].tolist(), int(rest[0])


@pytest.mark.parametrize(
    ("doors", "filled", "left"),
    [(45, [45], 0), (55, [55], 0), (56, [50], 6), (78, [50], 28), (89, [50], 39), (90, [45, 45], 0),
     (110, [55, 55], 0), (111, [50, 50], 11)],
)  # fmt: skip
def test_a_big_building_within_a_tenth_of_whole_turfs_is_shared_out_evenly(
    doors, filled, left
) -> None:
    assert parts_of(doors) == (filled, left)


@pytest.mark.parametrize(("doors", "filled"), [(55, [55]), (56, [28, 28]), (78, [39, 39]), (111, [37] * 3)])  # fmt: skip
def test_a_big_building_with_nobody_near_leaves_no_door_and_no_turf_over_the_budget(
    doors, filled
) -> None:
    assert parts_of(doors, company=False) == (filled, 0)


@pytest.mark.parametrize(("metres", "near"), [(99, True), (100, True), (101, False)])
def test_company_is_at_most_a_hundred_metres_away(metres, near) -> None:
    buildings = buildings_at([(0, 0), (metres, 0)], number=[1, 3])
    assert has_company(build_street_graph(buildings), np.array([0, 1])).all() == near


def test_a_building_left_out_is_no_company() -> None:
    buildings = buildings_at([(0, 0), (50, 0)], number=[1, 3])
    assert not has_company(build_street_graph(buildings), np.array([0, -1])).any()


# -- the walk ------------------------------------------------------------------------------------


def row_of_houses(n: int = 12, apart: float = 20.0):
    buildings = buildings_at([(apart * k, 0) for k in range(n)], number=list(range(1, 2 * n, 2)))
    return buildings, build_street_graph(buildings)


def places(walk) -> list[int]:
    return [int(b[-2:]) for b in walk.building_ids]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("stops", [1, 2, 3, 4, 8])
def test_a_walk_sets_out_at_the_end_nearest_to_a_meeting_point_that_is_no_stop(
    stops, apart
) -> None:
    buildings, graph = row_of_houses()
    chosen = buildings.iloc[2 : 2 + stops]
    there = list(range(2, 2 + stops))
    for meeting, order in ((0, there), (11, there[::-1])):
        walk = walk_order(
            graph, chosen, start=buildings["building_id"].iloc[meeting], one_side_first=apart
        )
        assert places(walk) == order
        assert walk.walk_m == pytest.approx(20 * (stops - 1)), "the way there is in no figure"


def test_each_turf_of_a_cut_sets_out_at_its_end_nearest_to_the_meeting_point() -> None:
    buildings, graph = row_of_houses()
    for meeting, ascending in ((0, True), (11, False)):
        cut = cut_turfs(buildings, graph, doors=16, start=buildings["building_id"].iloc[meeting])
        for _, mine in cut.stops.groupby("turf_id"):
            order = [int(b[-2:]) for b in mine.sort_values("visit_order")["building_id"]]
            assert order == sorted(order, reverse=not ascending)


def test_a_meeting_point_that_is_no_stop_is_on_no_side_of_a_street() -> None:
    """Read by the kernel in plain Python, where a place outside its table is an error."""
    words = (
        "from tests.turf.conftest import buildings_at\n"
        "from targeting.turf import build_street_graph, walk_order\n"
        "b = buildings_at([(20 * k, y) for k in range(3) for y in (4, -4)])\n"
        "walk = walk_order(build_street_graph(b), b.iloc[2:], start=b['building_id'].iloc[0],"
        " one_side_first=True)\n"
        "print(*(x[-1] for x in walk.building_ids))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=False,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert told.stderr == ""
    assert told.stdout.split() == ["2", "4", "5", "3"]


def test_a_turf_with_a_leg_above_the_longest_is_parted_there_and_nowhere_else() -> None:
    xy = [(0, 0), (20, 0), (40, 0), (1041, 0), (1061, 0), (2061, 0)]
    buildings = buildings_at(xy, number=[1, 3, 5, 7, 9, 11])
    graph = build_street_graph(buildings, lines_at([(-10, 0), (3000, 0)], names=["Rue A"]))
    walk_net = graph.walk_net.of(graph.positions(buildings["building_id"]))
    order, one = np.arange(6), np.zeros(6, np.int64)
    parted = parted_at_gaps(walk_net, order, one, np.array([1001.0]), 1000.0)
    assert numbered(parted).tolist() == [0, 0, 0, 1, 1, 1], "a leg of 1,000 m stays, of 1,001 not"
    assert one.tolist() == [0] * 6, "what was given is left as it was"
    other = parted_at_gaps(walk_net, order, np.array([0, 0, 0, 0, 1, 1]), np.array([1001.0, 1000.0]), 1000.0)  # fmt: skip
    assert numbered(other).tolist() == [0, 0, 0, 2, 1, 1]


@pytest.mark.parametrize(("gap", "turfs"), [(999, 1), (1000, 1), (1001, 2)])
@pytest.mark.parametrize("fast", [True, False])
def test_a_turf_never_jumps_more_than_a_kilometre(gap, turfs, fast) -> None:
    xy = [(0, 0), (20, 0), (20 + gap, 0), (40 + gap, 0)]
    buildings = buildings_at(xy, number=[1, 3, 5, 7])
    graph = build_street_graph(buildings, lines_at([(-10, 0), (2000, 0)], names=["Rue A"]))
    cut = cut_turfs(buildings, graph, minutes=120, fast=fast)
    assert len(cut.turfs) == turfs


def test_the_last_walk_of_a_turf_finds_no_way_with_a_leg_that_is_too_long() -> None:
    """Twelve houses where the best way through one turf has such a leg, and others have none."""
    xy = [(800, 320), (640, 240), (160, 160), (80, 560), (320, 160), (720, 240), (640, 320), (320, 880),
          (560, 160), (720, 320), (0, 320), (480, 720)]  # fmt: skip
    buildings = buildings_at(xy, street=[f"Rue {k}" for k in "222202101102"])
    cut = cut_turfs(buildings, build_street_graph(buildings), doors=40, max_leg_m=400)
    assert cut.turfs["longest_leg_m"].max() <= 400


def test_no_run_of_a_split_holds_a_leg_above_the_longest() -> None:
    legs = np.array([np.inf, 10.0, 1000.0, 1000.1])
    labels = split_order(np.ones(4), legs, np.zeros(4), 4.0, 1000.0)
    assert labels.tolist() == [0, 0, 0, 1]


def test_a_leg_is_felt_as_longer_from_a_hundred_and_fifty_metres_on() -> None:
    assert [felt(m) for m in (0.0, 149.0, 150.0, 151.0, 250.0)] == [0, 149, 150, 156, 750]


def test_the_size_aimed_at_counts_the_walk_that_was_measured() -> None:
    """On one long road the walk is the way through the tree, not the three quarters first guessed."""
    buildings = buildings_at([(140.0 * k, 0) for k in range(60)], number=list(range(1, 121, 2)), dwellings=1)  # fmt: skip
    graph = build_street_graph(buildings, lines_at([(-10, 0), (9000, 0)], names=["Rue A"]))
    cut = cut_turfs(buildings, graph, minutes=60, fast=True)
    walked = cut.turfs["minutes_expected"]
    assert cut.target == pytest.approx(walked.mean(), rel=0.03)
    assert walked.mean() <= OVER_BUDGET * 60


# -- who is next to whom -------------------------------------------------------------------------


@pytest.mark.parametrize(("along_m", "faces"), [(FACING_M, True), (FACING_M + 0.1, False)])
def test_two_doors_face_each_other_at_most_forty_metres_along_the_street(along_m, faces) -> None:
    fronts = (np.zeros(2, np.int64), np.array([0.0, along_m]), np.array([0, 1]))
    assert (facing_doors(fronts) >= 0).any(axis=1).tolist() == [faces, faces]


def test_doors_of_one_side_of_no_street_or_of_two_streets_face_nobody() -> None:
    for front, side in (([0, 0], [1, 1]), ([-1, -1], [0, 1]), ([0, 1], [0, 1])):
        fronts = (np.array(front), np.array([0.0, 5.0]), np.array(side))
        assert (facing_doors(fronts) == -1).all()


@pytest.mark.parametrize("basis", ["streets", "addresses"])
def test_a_link_that_nobody_drew_costs_no_more_than_its_most_detour(basis) -> None:
    metres = np.array([0.0, 50.0, 1000.0, 5000.0])
    most = LINK_DETOUR[basis]
    assert link_cost(metres, basis).tolist() == pytest.approx([0, 100, 1000 * most, 5000 * most])


def test_a_house_far_behind_its_street_is_reached_by_a_path_that_is_capped() -> None:
    buildings = buildings_at([(20, SPUR_M), (20, SPUR_M + 1), (60, 9)], street="Rue 0")
    graph = build_street_graph(buildings, lines_at([(0, 0), (100, 0)]))
    own = graph.walk_net.segment >= 1  # a segment of its own, after the one that is drawn
    assert own.tolist() == [False, True, False]
    assert graph.walk_net.offset_m[1] == pytest.approx(SPUR_DETOUR * (SPUR_M + 1) + 20)


@pytest.mark.parametrize(("gap", "joined"), [(GAP_M, True), (GAP_M + 0.1, False)])
def test_two_numbers_are_neighbours_at_most_a_hundred_and_fifty_metres_apart(gap, joined) -> None:
    xy = np.array([[0.0, 0.0], [gap, 0.0]])
    nothing = np.zeros(2, np.int64)
    (a, _, _), ends = number_runs(xy, nothing, nothing, np.array([2, 4]), nothing)
    assert a.size == joined
    assert ends.tolist() == [0, 1]


@pytest.mark.parametrize(("width", "rungs"), [(4.0, 2), (10.0, 2), (79.9, 2), (80.1, 0)])
def test_a_street_is_crossed_for_its_width_and_for_ten_metres_at_least(width, rungs) -> None:
    xy = np.array([[0.0, 0.0], [0.0, width]])
    a, _, metres = side_rungs(xy, np.zeros(2, np.int64), np.array([0, 1]))
    assert a.size == rungs
    assert metres.tolist() == pytest.approx([max(width, CROSSING_M)] * rungs)


@pytest.mark.parametrize(("metres", "far"), [(5000.0, False), (5000.1, True)])
def test_an_address_is_alone_beyond_five_kilometres(metres, far) -> None:
    assert alone(np.array([[0.0, 0], [1, 0], [metres + 1, 0]])).tolist() == [False, False, far]


# -- no door lost --------------------------------------------------------------------------------


def test_a_door_lost_here_and_found_there_is_no_identity() -> None:
    buildings = buildings_at([(0, 0), (20, 0)], dwellings=[3, 5])
    cut = cut_turfs(buildings, build_street_graph(buildings))
    kept = np.array([True, True])
    right = checked_identity(buildings, cut.turfs, cut.excluded, np.array([3.0, 5.0]), kept)
    assert right.holds
    with pytest.raises(TurfError, match="2 buildings differ"):
        checked_identity(buildings, cut.turfs, cut.excluded, np.array([4.0, 4.0]), kept)


# -- what the log teaches ------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "kept"), [(0.0, 0), (0.1, 1), (15.0, 1), (15.1, 0)])
def test_a_gap_of_at_most_a_quarter_of_an_hour_is_a_door(minutes, kept) -> None:
    gaps = door_gaps(log([("b/1", "not_home", 0.0), ("b/2", "not_home", minutes)]))
    assert len(gaps) == kept


@pytest.mark.parametrize(
    ("hour", "part"),
    [(10, "morning"), (11, "afternoon"), (15, "afternoon"), (16, "early_evening"), (17, "early_evening"),
     (18, "evening"), (22, "evening"), (23, "morning")],
)  # fmt: skip
def test_parts_of_the_day_are_those_of_the_clock_on_the_wall(hour, part) -> None:
    """18 h UTC on a March evening is 19 h in France, where 17 h UTC is in July."""
    for at in (datetime(2026, 3, 2, hour, tzinfo=UTC), datetime(2026, 7, 2, hour - 1, tzinfo=UTC)):
        rows = log([("b/1", "talked", (at - EVENING).total_seconds() / 60)])
        table = learn_field_model(PRIOR, rows).by_hour
        assert table.loc[table["knocked"] > 0, "hours"].tolist() == [part]


def test_a_time_learnt_is_never_nothing() -> None:
    rows = log([(f"b/{k}", "not_home", 0.01 * k) for k in range(4000)])
    assert learn_field_model(PRIOR, rows).time.knock_minutes == pytest.approx(0.05)


@pytest.mark.parametrize(("rate", "lawful"), [(-0.01, False), (0.0, True), (1.0, True), (1.01, False)])  # fmt: skip
def test_a_rate_of_the_time_model_lies_between_nobody_and_everybody(rate, lawful) -> None:
    for given in ({"opening_rate": rate}, {"opening_by_kind": {"tower": rate}}):
        if lawful:
            assert TimeModel(**given).opening_of("tower") == rate
        else:
            with pytest.raises(TurfError, match="out of range"):
                TimeModel(**given)


def test_visits_after_the_third_are_worth_no_less_than_the_third() -> None:
    model = learn_field_model(PRIOR, NOTHING)
    worth = worth_again(pd.Series([0, 1, 1.5, 2, 3, 50]), model).tolist()
    second, third = model.effect.second_visit, model.effect.third_visit
    assert worth == pytest.approx([1, second, (second + third) / 2, third, third, third])
    assert set(model.opening_by_kind) == set(KINDS)


# -- the plan ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "planned"), [(150.0, True), (150.1, False)])
def test_a_turf_is_planned_up_to_an_evening_and_a_quarter(minutes, planned) -> None:
    turfs = pd.DataFrame({"minutes_expected": [minutes], "value": [1.0]})
    told = {"minutes": 1000.0, "slots": 1, "evening": 120.0}
    assert choose_turfs(turfs, **told).is_chosen.tolist() == [planned]
    assert in_order(turfs, pd.Series([1]), **told).tolist() == [planned]


@pytest.mark.parametrize(("minutes", "slots", "planned"), [(120.0, 1, 1), (119.9, 1, 0), (240.0, 1, 1), (240.0, 2, 2)])  # fmt: skip
def test_a_plan_fits_its_minutes_and_its_evenings_exactly(minutes, slots, planned) -> None:
    turfs = pd.DataFrame({"minutes_expected": [120.0, 120.0, 120.0], "value": [1.0, 1.0, 1.0]})
    told = {"minutes": minutes, "slots": slots, "evening": 120.0}
    assert choose_turfs(turfs, **told).is_chosen.sum() == planned
    assert in_order(turfs, pd.Series([1, 2, 3]), **told).sum() == planned
