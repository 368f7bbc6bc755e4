"""Other ways to cut the same addresses: METIS, k-means, PyVRP, and two rules of thumb.

Each takes the same addresses and target, and gives the turf of each, numbered 0, 1, 2… A rival that
is not installed raises ModuleNotFoundError; one that cannot do a size says so by `most`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from targeting.turf import StreetGraph
from targeting.turf.balance import side_by_side
from targeting.turf.kernels.arrays import Floats, Ints, scratch_of
from targeting.turf.kernels.paths import fill_distances

EDGE_M = 40.0
"""Scale of METIS' edge weights: 20 to 80 m change its walk by under 1 % (TURFS 2.1)."""

METIS_UFACTOR = 100  # parts up to 10 % above the mean
VRP_ROOM = 1.1
FREE_M = 10_000_000


@dataclass(frozen=True)
class Task:
    """Addresses to cut: their rows, places in the graph, doors, and the doors a turf should have."""

    rows: pd.DataFrame
    graph: StreetGraph
    places: Ints
    doors: Floats
    turfs: int
    seconds: float  # for those that search until told to stop

    @property
    def target(self) -> float:
        return float(self.doors.sum()) / self.turfs


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


def equal_split(order: np.ndarray, weights: np.ndarray, target: float) -> Ints:
    """Cut an order each time another target is full."""
    labels = np.empty(order.size, np.int64)
    full = np.cumsum(weights[order]) - weights[order] / 2
    labels[order] = np.minimum(full // target, round(weights.sum() / target) - 1)
    return labels


def by_hilbert(task: Task) -> Ints:
    place = hilbert(task.rows["x"].to_numpy(), task.rows["y"].to_numpy())
    return equal_split(np.argsort(place, kind="stable"), task.doors, task.target)


def by_street(task: Task) -> Ints:
    """As a list is cut by hand: by street, then number."""
    order = np.lexsort((task.rows["number"], pd.factorize(task.rows["street"])[0]))
    return equal_split(order, task.doors, task.target)


def by_kmeans(task: Task) -> Ints:
    from sklearn.cluster import KMeans

    model = KMeans(task.turfs, init="random", n_init=1, random_state=0)
    xy = task.rows[["x", "y"]].to_numpy()
    return model.fit_predict(xy, sample_weight=task.doors).astype(np.int64)


def by_metis(task: Task) -> Ints:
    """k-way, contiguous, on the very street graph that ours is cut on."""
    return part_graph(task, *task.graph.neighbours(task.places))


def by_metis_zipped(task: Task) -> Ints:
    """The same, two sides of a street being as near as two numbers of one."""
    near = task.graph.neighbours(task.places)
    return part_graph(task, *side_by_side(near, task.graph.fronts.of(task.places)))


def part_graph(task: Task, a: Ints, b: Ints, metres: Floats) -> Ints:
    """METIS on these neighbours; the shortest of parallel edges counts."""
    import pymetis
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = task.places.size
    order = np.lexsort((metres, b, a))
    first = np.concatenate([[True], (np.diff(a[order]) != 0) | (np.diff(b[order]) != 0)])
    a, b, metres = a[order][first], b[order][first], metres[order][first]
    weight = np.maximum(1, np.round(1000 * np.exp(-metres / EDGE_M))).astype(np.int64)
    ends = np.concatenate([a, b]), np.concatenate([b, a])
    matrix = coo_array((np.concatenate([weight, weight]), ends), shape=(n, n)).tocsr()
    parts, _ = connected_components(matrix, directed=False)
    options = pymetis.Options(ufactor=METIS_UFACTOR, seed=1)
    _, label = pymetis.part_graph(
        task.turfs, xadj=matrix.indptr, adjncy=matrix.indices, vweights=task.doors.astype(int),
        eweights=matrix.data, recursive=False, contiguous=parts == 1, options=options,
    )  # fmt: skip
    return np.asarray(label, dtype=np.int64)


def by_pyvrp(task: Task) -> Ints:
    """Routes of bounded doors from a depot that is nowhere: its ways cost nothing."""
    import pyvrp

    n = task.places.size
    walk_net = task.graph.walk_net.of(task.places)
    table = np.zeros((n + 1, n + 1), np.int64)
    between = fill_distances(np.arange(n), walk_net, scratch_of(walk_net))
    table[1:, 1:] = np.minimum(np.round(between), FREE_M)
    xy = task.rows[["x", "y"]].to_numpy()
    where = [pyvrp.Location(*xy.mean(axis=0)), *(pyvrp.Location(x, y) for x, y in xy)]
    capacity = int(VRP_ROOM * task.target)
    data = pyvrp.ProblemData(
        where,
        [pyvrp.Client(k + 1, delivery=[int(doors)]) for k, doors in enumerate(task.doors)],
        [pyvrp.Depot(0)],
        [pyvrp.VehicleType(task.turfs, [capacity])],
        [table],
        [np.zeros_like(table)],
    )
    found = pyvrp.solve(data, pyvrp.stop.MaxRuntime(task.seconds), seed=1, collect_stats=False)
    return labels_of_routes(found.best.routes(), n)


def labels_of_routes(routes: list, n: int) -> Ints:
    """Route of each client."""
    from pyvrp import ActivityType

    labels = np.full(n, -1, np.int64)
    for number, route in enumerate(routes):
        for stop in route:
            if stop.type == ActivityType.CLIENT:
                labels[stop.idx] = number
    if (labels < 0).any():
        raise RuntimeError(f"PyVRP left {int((labels < 0).sum())} addresses out")
    return labels


RIVALS = {
    "METIS": (by_metis, None),
    "METIS, zipped": (by_metis_zipped, None),
    "k-means": (by_kmeans, 60_000),
    "Hilbert": (by_hilbert, None),
    "street + number": (by_street, None),
    "PyVRP": (by_pyvrp, 6_000),
}
"""What makes the labels, and the most addresses it is tried on: beyond, minutes or gigabytes."""
