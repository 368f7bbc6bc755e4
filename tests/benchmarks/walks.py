"""Walking orders against OR-Tools: the gap of ours to the better of both, on turfs of the Marais.

    python -m tests.benchmarks.walks [--turfs 20] [--seconds 30]

Each address counts as one door, so that turfs have some 45 stops: the hardest the product meets.
OR-Tools searches an open path (a free dummy node at both ends) by guided local search.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import pandas as pd

from targeting.sources.streets.reading import read_streets
from targeting.turf import build_street_graph, cut_turfs, warm_kernels
from targeting.turf.kernels.arrays import scratch_of
from targeting.turf.kernels.objective import path_length
from targeting.turf.kernels.paths import fill_distances
from targeting.turf.kernels.walking import open_path
from targeting.turf.walk import FEW_KICKS, KICKS

from .osm import BAN, DATA, buildings_of

MARAIS = DATA / "osm" / "paris-marais-republique.osm.pbf"
GOAL = 0.01


def turf_tables(count: int) -> list[np.ndarray]:
    """Walking distances inside `count` turfs, from the fewest stops to the most."""
    read = read_streets(MARAIS)
    buildings = buildings_of(MARAIS, read.walked).assign(dwellings=1)
    graph = build_street_graph(buildings, read.streets)
    stops = cut_turfs(buildings, graph).stops
    by_size = stops.groupby("turf_id").size().sort_values(kind="stable").index
    chosen = by_size[np.linspace(0, len(by_size) - 1, count).round().astype(int)]
    tables = []
    for turf_id in chosen:
        places = graph.positions(stops.loc[stops["turf_id"] == turf_id, "building_id"])
        walk_net = graph.walk_net.of(np.sort(places))
        tables.append(fill_distances(np.arange(places.size), walk_net, scratch_of(walk_net)))
    return tables


def search_path(table: np.ndarray, seconds: float) -> float:
    """Length in metres of the best open path that OR-Tools finds in this time; rounds to 1 cm."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    n = len(table)
    cost = np.zeros((n + 1, n + 1), np.int64)
    cost[:n, :n] = np.round(table * 100)
    manager = pywrapcp.RoutingIndexManager(n + 1, 1, n)
    routing = pywrapcp.RoutingModel(manager)
    rows = cost.tolist()
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(rows))
    how = pywrapcp.DefaultRoutingSearchParameters()
    how.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    how.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    how.time_limit.FromMilliseconds(round(seconds * 1000))
    found = routing.SolveWithParameters(how)
    if found is None:
        return float("inf")
    at, path = routing.Start(0), []
    while not routing.IsEnd(at):
        at = found.Value(routing.NextVar(at))
        path.append(manager.IndexToNode(at))
    return path_length(table, np.array(path[:-1], dtype=np.int64))


def main() -> int:
    """Measure each turf, print a row for it, then the gaps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turfs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0, help="OR-Tools, each turf")
    given = parser.parse_args()
    try:
        import ortools
    except ModuleNotFoundError:
        print("walks: OR-Tools is not installed (requirements-bench.txt): nothing to compare with")
        return 0
    if not (MARAIS.exists() and BAN.exists()):
        print(f"walks: NOT MEASURED, real files absent ({MARAIS.name}, {BAN.name})")
        return 0
    warm_kernels()
    rows = []
    for number, table in enumerate(turf_tables(given.turfs), start=1):
        started = time.perf_counter()
        ours = path_length(table, open_path(table, KICKS, 0))
        ours_ms = (time.perf_counter() - started) * 1000
        quick = path_length(table, open_path(table, FEW_KICKS, 0))
        theirs = search_path(table, given.seconds)
        gaps = np.array([ours, quick, theirs]) / min(ours, quick, theirs) - 1
        rows.append((len(table), ours, quick, theirs, *gaps, ours_ms))
        print(f"{number}/{given.turfs}: {len(table)} stops", file=sys.stderr)
    lengths, gaps = ["ours", "ours_fast", "ortools"], ["gap", "gap_fast", "gap_ortools"]
    walks = pd.DataFrame(rows, columns=["stops", *lengths, *gaps, "ours_ms"])
    print(walks.round(dict.fromkeys(lengths, 1) | dict.fromkeys(gaps, 4)).to_string(index=False))
    print(
        f"gap to the best of the three (OR-Tools {ortools.__version__}, {given.seconds:g} s a turf)"
    )
    for name, column in zip(lengths, gaps, strict=True):
        print(f"  {name}: mean {walks[column].mean():.2%}, max {walks[column].max():.2%}")
    held = walks["gap"].mean() <= GOAL
    print(
        f"ours takes {walks['ours_ms'].median():.2f} ms (median); goal: mean gap of at most {GOAL:.0%}: {'held' if held else 'MISSED'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
