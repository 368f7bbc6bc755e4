"""The walking graph: neighbours are neighbours on foot."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree

from targeting.errors import CrsError, TurfError
from targeting.streetnames import street_key
from targeting.turf import build_street_graph, walk_order
from targeting.turf.graph.from_streets import put_on_streets
from targeting.turf.graph.noding import named_codes
from targeting.turf.kernels.arrays import scratch_of
from targeting.turf.kernels.paths import fill_distances

from .conftest import ORIGIN, buildings_at, grid_town, lines_at

points = st.lists(
    st.tuples(
        st.integers(0, 400), st.integers(0, 400), st.sampled_from("ABCD"), st.integers(0, 60)
    ),
    min_size=1,
    max_size=40,
)


def table_of(rows):
    return buildings_at(
        [row[:2] for row in rows],
        street=[f"Rue {row[2]}" for row in rows],
        number=[row[3] for row in rows],
    )


def distances(graph, places):
    """In-turf walking distances, by the kernel."""
    walk_net = graph.walk_net.of(places)
    return fill_distances(np.arange(places.size), walk_net, scratch_of(walk_net))


def ladder_distances(graph):
    """The same between all addresses, by scipy on the ladder."""
    indptr, indices, lengths = graph.ladder
    # scipy drops parallel edges' minimum: keep the shortest of each pair first
    source = graph.ladder.source
    order = np.lexsort((lengths, indices, source))
    first = np.concatenate([[True], np.diff(source[order]) + np.abs(np.diff(indices[order])) > 0])
    order = order[first] if order.size else order
    shape = (indptr.size - 1,) * 2
    matrix = csr_array((lengths[order] + 1e-9, (source[order], indices[order])), shape=shape)
    return dijkstra(matrix, indices=np.arange(len(graph)))[:, : len(graph)]


def test_two_sides_of_a_street_are_a_crossing_apart():
    buildings = buildings_at([(20, 9), (20, -9), (60, 9)], street="Rue 0")
    graph = build_street_graph(buildings, lines_at([(0, 0), (100, 0)]))
    table = distances(graph, np.arange(3))
    assert table[0, 1] == pytest.approx(10)
    assert table[0, 2] == pytest.approx(40)
    assert table[1, 2] == pytest.approx(50)


def test_houses_back_to_back_are_not_neighbours():
    # two parallel streets, 40 m apart, meeting 200 m away: gardens touch, doors do not
    buildings = buildings_at([(20, 9), (20, 31)], street=["Rue 0", "Rue 1"])
    streets = lines_at([(0, 0), (200, 0)], [(0, 40), (200, 40)], [(200, 0), (200, 40)])
    table = distances(build_street_graph(buildings, streets), np.arange(2))
    assert table[0, 1] == pytest.approx(180 + 40 + 180)


def test_an_address_goes_to_the_street_of_its_name_even_if_another_is_nearer():
    buildings = buildings_at([(50, 12), (150, 12)], street=["Rue de l'Hôpital", "RUE DE L HOPITAL"])
    streets = lines_at([(0, 0), (200, 0)], [(0, 20), (200, 20)], names=["Rue de l’Hopital", "Quai"])
    graph = build_street_graph(buildings, streets)
    assert distances(graph, np.arange(2))[0, 1] == pytest.approx(100)
    assert graph.walk_net.segment[0] == 0


def test_an_address_never_goes_to_its_street_across_a_barrier():
    buildings = buildings_at([(50, 30)], street="Rue A")
    streets = lines_at(
        [(0, 0), (200, 0)], [(0, 15), (200, 15)], [(0, 80), (200, 80)],
        names=["Rue A", "", "Rue B"], kinds=["street", "railway", "street"],
    )  # fmt: skip
    graph = build_street_graph(buildings, streets)
    on_line = graph.junctions[graph.walk_net.anchors[0]]
    assert (on_line[:, 1] - ORIGIN[1] == 80).all()


def test_a_bridge_does_not_meet_the_quay_beneath_it():
    buildings = buildings_at([(5, 0), (50, 45)], street=["Quai", "Pont"])
    lines = [(0, 0), (200, 0)], [(50, -50), (50, 50)]
    flat = build_street_graph(buildings, lines_at(*lines, names=["Quai", "Pont"]))
    over = build_street_graph(
        buildings, lines_at(*lines, names=["Quai", "Pont"], kinds=["street", "bridge"])
    )
    assert distances(flat, np.arange(2))[0, 1] == pytest.approx(90)
    assert distances(over, np.arange(2))[0, 1] > 90


def test_a_line_that_ends_on_another_meets_it_within_the_drawing_tolerance():
    buildings = buildings_at([(100, 60), (160, 5)], street=["Rue 1", "Rue 0"])
    streets = lines_at([(0, 0), (200, 0)], [(100, 0.3), (100, 80)])
    table = distances(build_street_graph(buildings, streets), np.arange(2))
    assert table[0, 1] == pytest.approx(120, abs=1)


def test_parts_of_a_town_that_no_street_joins_are_linked_once_and_dearly():
    near = [(x, y) for x in (20, 60, 100) for y in (9, -9)]
    far = [(x, y + 120) for x, y in near]
    buildings = buildings_at(near + far, street=["Rue 0"] * 6 + ["Rue 1"] * 6)
    graph = build_street_graph(buildings, lines_at([(0, 0), (120, 0)], [(0, 120), (120, 120)]))
    assert len(graph.links.a) == 1
    assert distances(graph, np.arange(12))[0, 6] > 3 * 120


def test_without_streets_numbers_follow_each_other_and_the_river_is_crossed_once():
    south = [(20.0 * k, 0) for k in range(10)]
    north = [(20.0 * k, 140) for k in range(10)]
    buildings = buildings_at(
        south + north, street=["Quai Sud"] * 10 + ["Quai Nord"] * 10, number=[*range(1, 20, 2)] * 2
    )
    graph = build_street_graph(buildings)
    table = distances(graph, np.arange(20))
    assert table[0, 9] == pytest.approx(180)
    assert len(graph.links.a) == 1
    assert table[5, 15] > 2 * 140


def test_without_streets_one_name_in_two_communes_is_two_streets():
    here = [(20.0 * k, 0) for k in range(5)]
    there = [(20.0 * k, 5000) for k in range(5)]
    buildings = buildings_at(here + there, number=[*range(1, 10, 2)] * 2)
    table = distances(build_street_graph(buildings), np.arange(10))
    assert table[0, 4] == pytest.approx(80)
    assert table[0, 5] > 5000


def test_without_streets_two_streets_that_cross_have_a_crossing():
    rue = [(x, 9 if odd else -9) for x in range(-90, 91, 20) for odd in (1, 0)]
    avenue = [(-9 if odd else 9, y) for y in range(-90, 91, 20) for odd in (1, 0)]
    buildings = buildings_at(
        rue + avenue, street=["Rue"] * 20 + ["Avenue"] * 20, number=[*range(1, 21)] * 2
    )
    graph = build_street_graph(buildings)
    assert len(graph.links.a) == 0
    assert distances(graph, np.array([0, 39]))[0, 1] < 1.4 * 180


def test_without_streets_houses_back_to_back_are_far_apart():
    # two streets 50 m apart, 200 m long, joined at both ends by a third and a fourth
    rows = [(20.0 * k + 10, y) for y in (0, 50) for k in range(10)]
    ends = [(x, y) for x in (-12, 212) for y in (5, 25, 45)]
    buildings = buildings_at(
        rows + ends,
        street=["Rue Sud"] * 10 + ["Rue Nord"] * 10 + ["Rue Ouest"] * 3 + ["Rue Est"] * 3,
        number=[*range(1, 20, 2)] * 2 + [1, 3, 5] * 2,
    )
    table = distances(build_street_graph(buildings), np.arange(26))
    assert table[5, 15] > 150


@settings(deadline=None)
@given(points)
def test_in_turf_distances_are_those_of_scipy_on_the_ladder_without_streets(rows):
    graph = build_street_graph(table_of(rows))
    assert np.allclose(distances(graph, np.arange(len(rows))), ladder_distances(graph), atol=1e-4)


@settings(deadline=None)
@given(st.lists(st.integers(0, 143), min_size=2, max_size=30, unique=True), st.integers(0, 3))
def test_in_turf_distances_are_those_of_scipy_on_the_ladder_with_streets(rows, seed):
    buildings, streets = grid_town(2, seed=seed)
    graph = build_street_graph(buildings, streets)
    chosen = np.array(rows) % len(buildings)
    chosen = np.unique(chosen)
    expected = ladder_distances(graph)[np.ix_(chosen, chosen)]
    assert np.allclose(distances(graph, chosen), expected, atol=1e-4)


@settings(deadline=None)
@given(points)
def test_neighbours_hold_a_minimum_spanning_tree_of_the_walking_distances(rows):
    graph = build_street_graph(table_of(rows))
    n = len(rows)
    a, b, metres = graph.neighbours(np.arange(n))
    table = distances(graph, np.arange(n)) + 1e-6
    order = np.lexsort((-metres, b, a))  # the shortest of parallel pairs is written last
    pairs = np.zeros((n, n))
    pairs[a[order], b[order]] = metres[order] + 1e-6
    ours = minimum_spanning_tree(pairs).sum()
    assert connected_components(csr_array(pairs), directed=False)[0] == 1
    assert ours == pytest.approx(minimum_spanning_tree(np.triu(table, 1)).sum(), abs=1e-3)


@settings(deadline=None)
@given(points, st.randoms())
def test_the_order_of_the_rows_does_not_matter_to_the_graph(rows, random):
    table = table_of(rows)
    shuffled = table.sample(frac=1, random_state=random.randint(0, 10_000))
    one, other = build_street_graph(table), build_street_graph(shuffled)
    assert one.building_ids.equals(other.building_ids)
    assert np.array_equal(one.ladder[1], other.ladder[1])
    assert np.array_equal(one.ladder[2], other.ladder[2])


def test_one_building_and_none_make_a_graph():
    one = buildings_at([(3, 4)])
    assert len(build_street_graph(one)) == 1
    assert len(build_street_graph(one, lines_at([(0, 0), (10, 0)]))) == 1
    assert len(build_street_graph(one.iloc[:0])) == 0
    assert len(build_street_graph(one.iloc[:0], lines_at([(0, 0), (10, 0)]))) == 0


def test_buildings_at_one_point_are_no_walk_apart():
    buildings = buildings_at([(5, 5)] * 12 + [(45, 5)], street=["Rue A"] * 6 + ["Rue B"] * 7)
    walk = walk_order(build_street_graph(buildings), buildings)
    assert walk.walk_m < 60


def test_a_house_far_from_any_street_keeps_a_path_of_its_own():
    buildings = buildings_at([(20, 9), (60, 2000), (60, 2030)], street="Rue 0")
    graph = build_street_graph(buildings, lines_at([(0, 0), (100, 0)]))
    table = distances(graph, np.arange(3))
    assert table[0, 1] > 2000
    assert table[1, 2] == pytest.approx(39)


def test_a_building_without_coordinates_is_not_in_the_graph():
    buildings = buildings_at([(0, 0), (20, 0)])
    buildings.loc[0, "x"] = np.nan
    graph = build_street_graph(buildings)
    assert list(graph.building_ids) == ["01001_00001"]
    with pytest.raises(TurfError, match="not in the walking graph"):
        graph.positions(pd.Series(["01001_00000"]))


def test_bad_input_is_refused_with_the_way_out():
    buildings, streets = grid_town(1)
    with pytest.raises(TurfError, match="come twice"):
        build_street_graph(pd.concat([buildings, buildings.iloc[:1]]))
    with pytest.raises(TurfError, match="longitudes and latitudes"):
        build_street_graph(buildings.assign(x=2.35, y=48.85))
    with pytest.raises(CrsError, match="to_crs"):
        build_street_graph(buildings, streets.to_crs("EPSG:4326"))
    with pytest.raises(TurfError, match="no line one can walk on"):
        build_street_graph(buildings, streets.assign(kind="river"))
    with pytest.raises(TurfError, match="no dwelling"):
        build_street_graph(buildings.assign(dwellings=0))


def test_a_street_name_has_one_key_however_it_is_written():
    assert street_key("AV. du Gal Leclerc") == street_key("avenue du Général-Leclerc")
    assert street_key("R St Ouen") == street_key("Rue Saint-Ouen")
    assert street_key("Rue Saint-Ouen") != street_key("Rue Sainte-Ouen")


# -- streets of a map ----------------------------------------------------------------------------


def noded(*lines, names=None, kinds=None):
    """Lines as OpenStreetMap has them: they meet where they share a vertex."""
    return lines_at(*lines, names=names, kinds=kinds).assign(is_noded=True)


def test_noded_lines_that_cross_without_a_shared_vertex_do_not_meet():
    buildings = buildings_at([(5, 0), (50, 45)], street=["Rue 0", "Rue 1"])
    over = noded([(0, 0), (200, 0)], [(50, -50), (50, 50)])
    meets = noded([(0, 0), (50, 0), (200, 0)], [(50, -50), (50, 0), (50, 50)])
    assert distances(build_street_graph(buildings, over), np.arange(2))[0, 1] > 90
    table = distances(build_street_graph(buildings, meets), np.arange(2))
    assert table[0, 1] == pytest.approx(90)


def test_a_noded_line_and_a_drawn_one_meet_as_drawn_ones_do():
    buildings = buildings_at([(5, 0), (50, 45)], street=["Rue 0", "Rue 1"])
    streets = noded([(0, 0), (200, 0)], [(50, -50), (50, 50)])
    streets["is_noded"] = [True, False]
    table = distances(build_street_graph(buildings, streets), np.arange(2))
    assert table[0, 1] == pytest.approx(90)


def test_a_loop_of_a_noded_line_is_walked_the_short_way_round():
    # a square drawn from its corner, entered there: 10 m along the last side, not 390 round
    square = [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]
    buildings = buildings_at([(-20, 0), (0, 10)], street=["Rue 1", "Rue 0"])
    streets = noded(square, [(-50, 0), (0, 0)])
    table = distances(build_street_graph(buildings, streets), np.arange(2))
    assert table[0, 1] == pytest.approx(30)


def test_a_metre_of_stairs_is_walked_as_two():
    buildings = buildings_at([(5, 0), (195, 0)], street=["Rue 0", "Rue 2"])
    lines = [(0, 0), (50, 0)], [(50, 0), (150, 0)], [(150, 0), (200, 0)]
    flat = build_street_graph(buildings, noded(*lines))
    steep = build_street_graph(buildings, noded(*lines, kinds=["path", "stairs", "path"]))
    assert distances(flat, np.arange(2))[0, 1] == pytest.approx(190)
    assert distances(steep, np.arange(2))[0, 1] == pytest.approx(190 + 100)


def test_the_longer_way_is_taken_where_the_stairs_cost_more():
    buildings = buildings_at([(0, 0), (100, 0)], street="Quai")
    round_way = [(0, 0), (50, 60), (100, 0)]
    streets = noded([(0, 0), (100, 0)], round_way, names=["", ""], kinds=["stairs", "path"])
    table = distances(build_street_graph(buildings, streets), np.arange(2))
    assert table[0, 1] == pytest.approx(2 * np.hypot(50, 60))


def test_nobody_lives_in_a_tunnel():
    buildings = buildings_at([(50, 3)], street="Rue 9")
    streets = noded([(0, 0), (100, 0)], [(0, 40), (100, 40)], kinds=["tunnel", "residential"])
    graph = build_street_graph(buildings, streets)
    assert (graph.junctions[graph.walk_net.anchors[0]][:, 1] - ORIGIN[1] == 40).all()


@pytest.mark.parametrize(
    ("address", "drawn", "same"),
    [
        ("Rue Saint-Exupéry", "Rue Saint Exupery", True),
        ("Rue Voltère", "Rue Voltaire", False),  # too short a name for a guess
        ("Avenue du Maréchal de Lattre de Tassigny", "Avenue Maréchal de Latre de Tassigny", True),
        ("Rue du 8 Mai 1945", "Rue du 9 Mai 1945", False),
    ],
)
def test_a_street_is_known_through_a_slip_of_the_pen(address, drawn, same):
    buildings = buildings_at([(50, 12), (150, 12)], street=address)
    streets = noded([(0, 0), (200, 0)], [(0, 20), (200, 20)], names=[drawn, "Quai"])
    _, snaps, _ = put_on_streets(buildings, streets)
    assert snaps.on_own_street.tolist() == [same, same]
    assert snaps.line.tolist() == ([0, 0] if same else [1, 1])


def test_a_name_that_exists_as_it_is_is_no_slip_of_the_pen():
    assert named_codes(["Rue Saint-Ouen", "Rue Sainte-Ouen"], {"RUE SAINTE OUEN": 4}) == {
        "Rue Sainte-Ouen": 4
    }


def test_an_address_whose_bank_has_no_way_is_an_island_linked_dearly():
    buildings = buildings_at([(50, 40), (50, 8), (90, 8)], street=["Île", "Rue 0", "Rue 0"])
    streets = noded([(0, 0), (100, 0)], [(-500, 20), (500, 20)], kinds=["path", "water"])
    _, snaps, _ = put_on_streets(buildings, streets)
    assert snaps.is_stranded.tolist() == [True, False, False]
    graph = build_street_graph(buildings, streets)
    assert len(graph.links.a) == 1
    assert graph.links_m.tolist() == pytest.approx([np.hypot(50, 40)])
    assert distances(graph, np.arange(3))[0, 1] > 2 * np.hypot(50, 40)
    assert not graph.is_far.any()


def test_islands_near_each_other_but_across_the_water_have_no_path_between_them():
    buildings = buildings_at([(50, 40), (50, 80), (50, 0)], street=["Île", "Rue 0", "Rue 0"])
    streets = noded(
        [(0, 0), (100, 0)], [(-500, 20), (500, 20)], [(-500, 60), (500, 60)],
        kinds=["path", "water", "rail"],
    )  # fmt: skip
    graph = build_street_graph(buildings, streets)
    assert len(graph.links.a) == 2
    assert distances(graph, np.arange(3))[0, 1] == pytest.approx(40 * (1 + (40 / 50) ** 2))
    dry = build_street_graph(buildings, streets[streets["kind"] != "rail"])
    assert distances(dry, np.arange(3))[0, 1] == pytest.approx(1.3 * 40)


def test_an_address_sent_to_its_own_bank_is_counted():
    buildings = buildings_at([(50, 30), (50, 8)], street=["Rue 0", "Rue 0"])
    streets = noded(
        [(0, 0), (100, 0)], [(-500, 20), (500, 20)], [(0, 120), (100, 120)],
        kinds=["path", "water", "path"],
    )  # fmt: skip
    _, snaps, _ = put_on_streets(buildings, streets)
    assert snaps.is_moved.tolist() == [True, False]
    assert snaps.line.tolist()[0] == 1  # barriers are not numbered: the far bank's path


def test_an_address_far_from_any_street_is_known_to_be():
    buildings = buildings_at([(50, 8), (50, 499), (50, 501)], street="Rue 0")
    graph = build_street_graph(buildings, noded([(0, 0), (100, 0)]))
    assert graph.far_ids.tolist() == ["01001_00002"]


def test_a_hamlet_beyond_the_map_is_walked_by_its_own_numbers():
    here = [(10.0 + 40 * k, 9) for k in range(3)]
    there = [(3000.0 + 20 * k, 0) for k in range(20)]
    buildings = buildings_at(there[:10] + here + there[10:], street="Rue 0")
    graph = build_street_graph(buildings, noded([(0, 0), (120, 0)]))
    alone = build_street_graph(buildings.iloc[[*range(10), *range(13, 23)]])
    hamlet = np.array([*range(10), *range(13, 23)])
    assert not graph.is_far.any()
    assert np.allclose(distances(graph, hamlet), distances(alone, np.arange(20)))
    assert distances(graph, np.array([10, 12]))[0, 1] == pytest.approx(80)
    assert np.isinf(distances(graph, np.array([0, 10]))[0, 1])
    expected = ladder_distances(graph)
    assert np.allclose(distances(graph, np.arange(23)), expected, atol=1e-4)
    a, b, _ = graph.neighbours(np.arange(23))
    assert (np.isin(a, hamlet) == np.isin(b, hamlet)).all()


def test_nineteen_addresses_out_of_reach_are_no_hamlet():
    there = [(3000.0 + 20 * k, 0) for k in range(19)]
    buildings = buildings_at([(10, 9), *there], street="Rue 0")
    graph = build_street_graph(buildings, noded([(0, 0), (120, 0)]))
    assert int(graph.is_far.sum()) == 19


def test_two_buildings_at_one_point_and_a_street_of_one_address_are_walked():
    buildings = buildings_at(
        [(50, 9), (50, 9), (130, 9)], street=["Rue 0", "Rue 0", "Impasse"], number=[1, 1, 2]
    )
    streets = noded([(0, 0), (100, 0)], [(100, 0), (200, 0)], names=["Rue 0", "Impasse"])
    for drawn in (streets, None):
        table = distances(build_street_graph(buildings, drawn), np.arange(3))
        assert table[0, 1] == 0
        assert np.isfinite(table).all()
