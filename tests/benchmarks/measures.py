"""What a cut is worth, whoever made it: balance, walk against its bound, pieces, jumps, barriers,
sides. All walks are found by the same kernel."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import shapely
from numba import njit
from scipy.sparse.csgraph import minimum_spanning_tree

from targeting.turf import StreetGraph
from targeting.turf.describe import pieces
from targeting.turf.graph.model import facing_doors
from targeting.turf.kernels.arrays import Floats, Ints, Scratch, WalkNet, scratch_of
from targeting.turf.kernels.paths import fill_distances
from targeting.turf.kernels.trees import spanning_forest

JUMP_M = 250.0
DETOUR_M = 250.0
"""A leg over a barrier that takes this much more than the straight line has no way across."""

LUMP = 0.2
"""A building with this share of a turf is a lump: no cut can put a part of it elsewhere."""


def bound_m(graph: StreetGraph, places: Ints, turfs: int) -> float:
    """Length of the least spanning forest with one tree a turf: no walks are shorter together."""
    a, b, metres = graph.neighbours(places)
    kept = spanning_forest(places.size, a, b, np.argsort(metres, kind="stable"))
    edges = np.sort(metres[kept])
    return float(edges[: max(0, places.size - turfs)].sum())


def runs_of(labels: Ints) -> tuple[Ints, Ints]:
    """Members turf after turf, and where each turf starts (one more at the end)."""
    members = np.argsort(labels, kind="stable").astype(np.int64)
    return members, np.concatenate([[0], np.cumsum(np.bincount(labels))]).astype(np.int64)


def jump_share(walk_net: WalkNet, labels: Ints) -> float:
    """Share of turfs that cannot be walked without a leg above JUMP_M."""
    scratch = scratch_of(walk_net)
    members, starts = runs_of(labels)
    far = 0
    for first, last in pairwise(starts):
        table = fill_distances(members[first:last].copy(), walk_net, scratch)
        far += minimum_spanning_tree(table).data.max(initial=0.0) > JUMP_M
    return far / max(1, starts.size - 1)


@njit
def fill_all(members: Ints, starts: Ints, walk_net: WalkNet, scratch: Scratch) -> float:
    """All distances inside all turfs; their sum, so that nothing is left out."""
    total = 0.0
    for t in range(starts.size - 1):
        total += fill_distances(members[starts[t] : starts[t + 1]], walk_net, scratch).sum()
    return total


def one_piece_share(graph: StreetGraph, places: Ints, labels: Ints) -> float:
    """Share of turfs that lie in one piece (`turf.describe.pieces`)."""
    ids = graph.building_ids[places].astype("str")
    stops = pd.DataFrame({"turf_id": labels, "building_id": ids})
    return float((pieces(graph, stops) == 1).mean())


def side_shares(graph: StreetGraph, places: Ints, labels: Ints) -> tuple[float, float]:
    """Of facing doors, the share in two turfs; of stretches of street with doors on both sides,
    the share where no turf has doors of both."""
    fronts = graph.fronts.of(places)
    one = np.flatnonzero(facing_doors(fronts)[:, 0] >= 0)
    other = facing_doors(fronts)[one, 0]
    parted = float((labels[one] != labels[other]).mean()) if one.size else 0.0
    doors = pd.DataFrame({"front": fronts.front, "side": fronts.side, "turf": labels})
    doors = doors[doors["front"] >= 0].drop_duplicates()
    sides = doors.groupby("front")["side"].nunique()
    served = doors.groupby(["front", "turf"])["side"].nunique().groupby("front").max()
    return parted, float((served[sides > 1] < 2).mean())


def barred_turfs(
    xy: Floats, order: Ints, labels: Ints, leg_m: Floats, barriers: np.ndarray
) -> tuple[int, int]:
    """Turfs with a leg over a barrier; and those of them where no way is near that crosses it.

    `leg_m` is the walk to each stop of `order` from the one before.
    """
    a, b = order[:-1], order[1:]
    same = labels[a] == labels[b]
    a, b, leg_m = a[same], b[same], leg_m[1:][same]
    if barriers.size == 0:
        return 0, 0
    lines = shapely.linestrings(np.stack([xy[a], xy[b]], axis=1))
    over = np.unique(shapely.STRtree(barriers).query(lines, predicate="intersects")[0])
    straight = np.hypot(*(xy[a[over]] - xy[b[over]]).T)
    no_way = leg_m[over] > straight + DETOUR_M
    return len(set(labels[a[over]])), len(set(labels[a[over][no_way]]))


def leg_lengths(walk_net: WalkNet, order: Ints, labels: Ints) -> Floats:
    """Walk to each stop of an order from the one before; 0 where a turf starts."""
    scratch = scratch_of(walk_net)
    legs = np.zeros(order.size)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(labels[order]) != 0]))
    for first, last in pairwise([*starts, order.size]):
        table = fill_distances(order[first:last].copy(), walk_net, scratch)
        legs[first + 1 : last] = np.diagonal(table, 1)
    return legs


def misses(size: Floats, doors: Floats, labels: Ints, rows: pd.DataFrame) -> str:
    """Why turfs are outside 10 %: how many hold a lump, or stand alone; the worst by name."""
    target = size.mean()
    out = np.flatnonzero(np.abs(size / target - 1) > 0.1)
    if not out.size:
        return "none outside 10 %"
    biggest = np.zeros(size.size)
    np.maximum.at(biggest, labels, doors)
    lumpy = int((biggest[out] >= LUMP * target).sum())
    every = float((biggest >= LUMP * target).mean())
    worst = out[np.argsort(-np.abs(size[out] / target - 1), kind="stable")[:3]]
    named = []
    for turf in worst:
        mine = np.flatnonzero(labels == turf)
        top = rows.iloc[mine[np.argmax(doors[mine])]]
        named.append(
            f"{size[turf]:.0f} doors round {top['number']} {top['street']} ({doors[mine].max():.0f} there)"
        )
    return (
        f"{out.size} of {size.size} outside 10 %: {lumpy} ({lumpy / out.size:.0%}) hold a building "
        f"of {LUMP:.0%} of a turf or more ({every:.0%} of all turfs do); worst: {'; '.join(named)}"
    )
