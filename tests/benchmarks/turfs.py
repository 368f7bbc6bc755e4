"""Turf cutting on an invented city: seconds, balance and walk, against two simple rules.

    python tests/benchmarks/turfs.py [--sizes 5000,50000,240000] [--minutes 120] [--polish] [--json]

The city is that of the published study: a warped irregular grid, numbers on both sides, a river
with two bridges, a railway with an underpass every 1.5 km. All rows of one size are measured in
one run, so that their ratios hold whatever the machine does meanwhile. `bound` is the least
spanning forest with as many trees as turfs: no set of walks is shorter.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse.csgraph import minimum_spanning_tree

sys.path.insert(0, str(Path(__file__).parents[2]))

from targeting.tables import Buildings, Streets
from targeting.turf import StreetGraph, TimeModel, build_street_graph, cut_turfs, warm_kernels
from targeting.turf.cut import TOWER_SHARE
from targeting.turf.kernels import fill_distances, spanning_forest
from targeting.turf.minutes import expected_minutes
from targeting.turf.walk import KICKS, walk_labels, walkable

RIVER_M, RAILWAY_M, UNDERPASS_M = 60.0, 25.0, 1500.0
ADDRESSES_PER_JUNCTION = 18.0


def grid_lines(count: int, rng: np.random.Generator, gap_m: float) -> np.ndarray:
    """Places of the streets of one direction, with a gap in the middle."""
    steps = rng.uniform(60, 150, count)
    steps[count // 2] += gap_m
    return np.cumsum(steps)


def make_city(size: int, seed: int = 1) -> tuple[pd.DataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Buildings, streets, and for each building its bank and its side of the railway."""
    rng = np.random.default_rng(seed)
    side = max(4, round((size / ADDRESSES_PER_JUNCTION) ** 0.5))
    across, up = grid_lines(side, rng, RIVER_M), grid_lines(side, rng, RAILWAY_M)
    column, row = (part.ravel() for part in np.meshgrid(np.arange(side), np.arange(side)))
    x = across[column] + 30 * np.sin(up[row] / 700) + rng.uniform(-6, 6, column.size)
    y = up[row] + 30 * np.sin(across[column] / 900) + rng.uniform(-6, 6, column.size)

    node = np.arange(side * side)
    east, north = node[column < side - 1], node[row < side - 1]
    u, v = np.concatenate([east, north]), np.concatenate([east + 1, north + side])
    kept = rng.random(u.size) > 0.13
    over_river = (column[u] == side // 2 - 1) & (column[v] == side // 2)
    over_railway = (row[u] == side // 2 - 1) & (row[v] == side // 2)
    kept[over_river] = np.isin(row[u[over_river]], [side // 4, 3 * side // 4])
    passes = np.searchsorted(across, np.arange(across[0] + 200, across[-1], UNDERPASS_M))
    kept[over_railway] = np.isin(column[u[over_railway]], passes)
    is_bridge = (over_river | over_railway)[kept]
    u, v = u[kept], v[kept]
    horizontal = v == u + 1
    grid_line = np.where(horizontal, row[u], column[u])
    stretch = np.where(horizontal, column[u], row[u]) // 8
    name = [
        f"{'Rue' if h else 'Avenue'} {line}-{part}"
        for h, line, part in zip(horizontal, grid_line, stretch, strict=True)
    ]
    kind = np.where(is_bridge, "bridge", "street")
    ends = np.stack([np.column_stack([x[u], y[u]]), np.column_stack([x[v], y[v]])], axis=1)
    streets = gpd.GeoDataFrame(
        {"street": name, "kind": kind, "is_noded": True}, geometry=shapely.linestrings(ends), crs="EPSG:2154"
    )
    buildings, sides = place_addresses(ends, name, is_bridge, size, rng)
    middle_x, middle_y = across[side // 2] - 60, up[side // 2] - 40
    banks = pd.DataFrame({"bank": (sides["column"] > middle_x), "side": (sides["row"] > middle_y)})
    return Buildings.check(buildings), Streets.check(streets), banks


def place_addresses(
    ends: np.ndarray, name: list[str], is_bridge: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers along both sides of each segment, 9 m off the line; none on bridges."""
    length = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    open_m = np.where(is_bridge, 0.0, length)
    per_side = np.maximum(0, np.round(open_m * size / (2 * open_m.sum()))).astype(int)
    segment = np.repeat(np.arange(len(ends)), 2 * per_side)
    at = np.arange(segment.size) - np.repeat(np.cumsum(2 * per_side) - 2 * per_side, 2 * per_side)
    share = (at // 2 + rng.uniform(0.2, 0.8, at.size)) / per_side[segment]
    way = (ends[segment, 1] - ends[segment, 0]) / length[segment, None]
    normal = np.column_stack([-way[:, 1], way[:, 0]]) * np.where(at % 2, 9.0, -9.0)[:, None]
    xy = ends[segment, 0] + way * (share * length[segment])[:, None] + normal
    table = pd.DataFrame({"street": np.array(name)[segment], "segment": segment, "at": at})
    first = table.groupby("street")["segment"].transform("min")
    number = 1 + at + 40 * (segment - first)
    doors = np.minimum(120, 1 + np.floor(rng.lognormal(0.0, 1.4, at.size))).astype(np.int64)
    kind = np.where(doors == 1, "house", np.where(doors < 30, "block", "tower"))
    buildings = pd.DataFrame(
        {
            "building_id": [f"99001_{k:07d}" for k in rng.permutation(at.size)],
            "street": table["street"],
            "number": number.astype(np.int64),
            "suffix": "",
            "x": xy[:, 0],
            "y": xy[:, 1],
            "dwellings": doors,
            "registered_estimate": doors * 1.6,
            "station_id": "99001_0001",
            "kind": kind,
        }
    )
    return buildings, pd.DataFrame({"column": xy[:, 0], "row": xy[:, 1]})


def hilbert(x: np.ndarray, y: np.ndarray, order: int = 16) -> np.ndarray:
    """Place of each point on a Hilbert curve over their square."""
    span = max(np.ptp(x), np.ptp(y)) or 1.0
    a = ((x - x.min()) / span * (2**order - 1)).astype(np.int64)
    b = ((y - y.min()) / span * (2**order - 1)).astype(np.int64)
    place = np.zeros(a.size, np.int64)
    for bit in 2 ** np.arange(order - 1, -1, -1):
        right, top = (a & bit) > 0, (b & bit) > 0
        place += bit * bit * ((3 * right) ^ top)
        mirror = right & ~top
        a, b = np.where(mirror, bit - 1 - a, a), np.where(mirror, bit - 1 - b, b)
        a, b = np.where(top, a, b), np.where(top, b, a)
        a, b = a & (bit - 1), b & (bit - 1)
    return place


def equal_split(order: np.ndarray, weights: np.ndarray, target: float) -> np.ndarray:
    """Cut an order each time another target is full."""
    labels = np.empty(order.size, np.int64)
    full = np.cumsum(weights[order]) - weights[order] / 2
    labels[order] = np.minimum(full // target, round(weights.sum() / target) - 1)
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def bound_m(graph: StreetGraph, places: np.ndarray, turfs: int) -> float:
    """Length of the least spanning forest with one tree a turf."""
    a, b, metres = graph.neighbours(places)
    kept = spanning_forest(places.size, a, b, np.argsort(metres, kind="stable"))
    edges = np.sort(metres[kept])
    return float(edges[: max(0, places.size - turfs)].sum())


def jumps(streets: tuple, labels: np.ndarray) -> float:
    """Share of turfs that cannot be walked without a leg above 250 m."""
    nodes = streets[0].size - 1
    scratch = (
        np.full(nodes, -1, np.int64), np.full(nodes, np.inf),
        np.empty(streets[1].size + 2), np.empty(streets[1].size + 2, np.int64),
    )  # fmt: skip
    members = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(labels))])
    far = 0
    for first, last in pairwise(starts):
        table = fill_distances(members[first:last].copy(), streets, *scratch)
        far += minimum_spanning_tree(table).data.max(initial=0.0) > 250
    return far / max(1, starts.size - 1)


def quality(
    labels: np.ndarray, weights: np.ndarray, streets: tuple, banks: pd.DataFrame, per_m: float
) -> dict[str, float]:
    """Balance, walk and barriers of a numbering; walked by the same kernel whoever made it."""
    started = time.perf_counter()
    _, walks, _ = walk_labels(streets, labels, kicks=KICKS, seed=0)
    walk_s = time.perf_counter() - started
    size = np.bincount(labels, weights) + walks * per_m
    both = banks.groupby(labels).nunique()
    return {
        "walk_s": walk_s,
        "turfs": size.size,
        "in10": float((np.abs(size / size.mean() - 1) <= 0.1).mean()),
        "max/mean": float(size.max() / size.mean()),
        "walk_km": float(walks.sum() / 1000),
        "gap250": jumps(streets, labels),
        "river": int((both["bank"] > 1).sum()),
        "railway": int((both["side"] > 1).sum()),
    }


def measure(
    size: int, minutes: float | None, *, polish: bool, drawn: bool
) -> list[dict[str, object]]:
    """All rows of one size."""
    buildings, streets, banks = make_city(size)
    started = time.perf_counter()
    graph = build_street_graph(buildings, streets if drawn else None)
    graph_s = time.perf_counter() - started
    judge = graph if drawn else build_street_graph(buildings, streets)
    model = TimeModel()
    doors = buildings["dwellings"].to_numpy().astype(float)
    budget = 50.0 if minutes is None else minutes
    weights = doors if minutes is None else expected_minutes(buildings, model).to_numpy()
    per_m = 0.0 if minutes is None else model.minutes_per_m
    asked = {"doors": 50.0} if minutes is None else {"minutes": minutes}

    runs: dict[str, tuple[float, np.ndarray]] = {}
    kept = np.flatnonzero(weights < TOWER_SHARE * budget)
    for name, fast in (("ours, fast", True), ("ours, polished", False))[: 1 + polish]:
        started = time.perf_counter()
        cut = cut_turfs(buildings, graph, fast=fast, **asked)
        seconds = time.perf_counter() - started
        of_turf = cut.stops.drop_duplicates("building_id").set_index("building_id")["turf_id"]
        turf = of_turf.reindex(buildings["building_id"].iloc[kept])
        runs[name] = seconds, pd.factorize(turf)[0].astype(np.int64)
    target = weights[kept].sum() / (runs["ours, fast"][1].max() + 1)
    orders = {
        "sort by street": lambda t: np.lexsort((t["number"], pd.factorize(t["street"])[0])),
        "Hilbert": lambda t: np.argsort(hilbert(t["x"].to_numpy(), t["y"].to_numpy())),
    }
    for name, order in orders.items():
        started = time.perf_counter()
        labels = equal_split(order(buildings.iloc[kept]), weights[kept], target)
        runs[name] = time.perf_counter() - started, labels

    places = judge.positions(buildings["building_id"].iloc[kept])
    ways = walkable(judge, places)
    bound_km = bound_m(judge, places, int(runs["ours, fast"][1].max()) + 1) / 1000
    rows: list[dict[str, object]] = []
    for name, (seconds, labels) in runs.items():
        row = quality(labels, weights[kept], ways, banks.iloc[kept], per_m)
        is_ours = name.startswith("ours")
        # ours walks inside the cut; the rules are charged the walk that they need as well
        total = seconds + (graph_s if is_ours else row["walk_s"])
        rows.append(
            {
                "addresses": len(buildings), "method": name,
                "graph_s": graph_s if is_ours else 0.0, "cut+walk_s": total - graph_s * is_ours,
                "total_s": total, **row, "x bound": row["walk_km"] / bound_km,
                "x ours": row["walk_km"] / float(rows[0]["walk_km"]) if rows else 1.0,  # type: ignore[arg-type]
            }
        )  # fmt: skip
    return rows


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sizes", default="5000,50000,240000")
    parser.add_argument("--minutes", type=float, help="balance minutes, not 50 doors")
    parser.add_argument("--polish", action="store_true", help="also the polished cut")
    parser.add_argument("--no-streets", action="store_true", help="graph from the addresses alone")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    started = time.perf_counter()
    warm_kernels()
    print(f"kernels warm in {time.perf_counter() - started:.1f} s", file=sys.stderr)
    rows: list[dict[str, object]] = []
    for size in map(int, given.sizes.split(",")):
        rows += measure(size, given.minutes, polish=given.polish, drawn=not given.no_streets)
    if given.json:
        print(json.dumps(rows))
    else:
        print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
