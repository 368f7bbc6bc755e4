"""The order in which a pair walks its stops, how far that is, and how addresses are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from targeting.turf.graph.model import StreetGraph, street_codes
from targeting.turf.kernels.arrays import Floats, Ints, Scratch, WalkNet
from targeting.turf.kernels.walking import walk_turfs
from targeting.turf.pool import pool_on

KICKS: Final = 30
"""Random kicks of each walk: some two milliseconds for 40 stops (`make bench ONLY=walks`)."""

FEW_KICKS: Final = 6
"""Those of a cut at once."""

OTHER_SIDE_M: Final = 400.0
"""What changing sides costs where one side is done after the other: longer than most streets."""


class Walks(NamedTuple):
    """Walks of turfs 0, 1, 2…: `order`, their addresses turf after turf; length and longest leg of
    each, metres."""

    order: Ints
    walk_m: Floats
    longest_m: Floats


@dataclass(frozen=True)
class Walk:
    """Buildings in walking order; the walk starts at the first and ends at the last."""

    building_ids: pd.Series
    walk_m: float
    longest_leg_m: float


def walk_order(
    graph: StreetGraph,
    buildings: pd.DataFrame,
    *,
    start: str | None = None,
    one_side_first: bool = False,
    seed: int = 0,
) -> Walk:
    """Put the buildings of one turf in walking order, for instance those left from an outing.

    Same buildings and seed, same walk, in whatever order they are given.

    Parameters
    ----------
    buildings
        building_id, street, number: the rows to visit, all of them in the graph.
    start
        A building of the graph near the meeting point: the walk sets out from there, whether it is
        to be visited or not.
    one_side_first
        The odd numbers of a street, then the even ones (or the other way round), instead of the
        shortest walk.

    Raises
    ------
    TurfError
        If a building is not in the graph.
    """
    rows = buildings.sort_values("building_id", ignore_index=True)
    labels = np.zeros(len(rows), dtype=np.int64)
    walks = walk_rows(graph, rows, labels, start=start, one_side_first=one_side_first, seed=seed)
    ids = rows["building_id"].iloc[walks.order].reset_index(drop=True)
    return Walk(ids, float(walks.walk_m.sum()), float(walks.longest_m.sum()))


def walk_rows(
    graph: StreetGraph,
    rows: pd.DataFrame,
    labels: Ints,
    *,
    positions: Ints | None = None,
    start: str | None = None,
    one_side_first: bool = False,
    kicks: int = KICKS,
    seed: int = 0,
    threads: int | None = None,
) -> Walks:
    """Walk the turfs that `labels` (0, 1, 2…) makes of these buildings, as `walk_order` does.

    `positions` are those of the rows in the graph, where they are known. The order is of `rows`.
    """
    if positions is None:
        positions = graph.positions(rows["building_id"])
    first = -1
    if start is not None:
        of_start = graph.positions(pd.Series([start]))
        among = np.flatnonzero(positions == of_start[0])
        first = int(among[0]) if among.size else len(rows)
        positions = positions if among.size else np.concatenate([positions, of_start])
    sides = None
    if one_side_first:
        street, is_odd = street_codes(rows["street"])[0], np.array(rows["number"] % 2, np.int64)
        # a meeting point that is no stop comes after the rows: on no street's side
        guests = positions.size - len(rows)
        sides = (
            np.concatenate([street, np.full(guests, -1, np.int64)]),
            np.concatenate([is_odd, np.zeros(guests, np.int64)]),
        )
    return walk_labels(
        graph.walk_net.of(positions),
        labels,
        kicks=kicks,
        seed=seed,
        threads=threads,
        firsts=np.full(int(labels.max(initial=-1)) + 1, first, np.int64),
        sides=sides,
    )


def walk_labels(
    walk_net: WalkNet,
    labels: Ints,
    *,
    kicks: int,
    seed: int,
    firsts: Ints | None = None,
    sides: tuple[Ints, Ints] | None = None,
    threads: int | None = None,
) -> Walks:
    """Walk each turf of a numbering 0, 1, 2….

    `firsts` are the addresses that walks set out from (-1: wherever is best), one a turf; `sides`,
    street and parity of each address, makes walks do one side of a street after the other.
    """
    members = np.argsort(labels, kind="stable").astype(np.int64)
    n_turfs = int(labels.max(initial=-1)) + 1
    starts = np.zeros(n_turfs + 1, np.int64)
    np.cumsum(np.bincount(labels, minlength=n_turfs), out=starts[1:])
    if firsts is None:
        firsts = np.full(n_turfs, -1, np.int64)
    street, is_odd = sides or (np.zeros(0, np.int64), np.zeros(0, np.int64))
    penalty_m = 0.0 if sides is None else OTHER_SIDE_M
    order, walks, longest = np.empty_like(members), np.zeros(n_turfs), np.zeros(n_turfs)

    def work(first: int, last: int, scratch: Scratch) -> None:
        some = slice(starts[first], starts[last])
        order[some], walks[first:last], longest[first:last] = walk_turfs(
            members[some], starts[first : last + 1] - starts[first], walk_net, kicks, seed,
            firsts[first:last], street, is_odd, penalty_m, scratch,
        )  # fmt: skip

    with pool_on(walk_net, threads) as pool:
        pool.share_out(np.diff(starts).astype(np.float64) ** 2, work)
    return Walks(order, walks, longest)


def address_lines(buildings: pd.DataFrame) -> pd.Series:
    """Addresses as written on a door list; the number is left out where there is none.

    >>> rows = {"number": [12, 0], "suffix": ["bis", ""], "street": ["Rue des Lilas", "Le Bourg"]}
    >>> address_lines(pd.DataFrame(rows)).tolist()
    ['12 bis Rue des Lilas', 'Le Bourg']
    """
    number = buildings["number"].astype(str).where(buildings["number"] > 0, "")
    suffix = buildings["suffix"].fillna("").astype(str)
    line = number + " " + suffix + " " + buildings["street"].fillna("").astype(str)
    return line.str.replace(r" {2,}", " ", regex=True).str.strip().rename("address")
