"""The polish: two neighbouring turfs are merged, walked as one, and cut anew where that is better.

In rounds of pairs that share no turf, so that threads may take any of them: the turfs are the same
with one thread as with many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from targeting.turf.kernels.arrays import Edges, Floats, Ints, Scratch, WalkNet
from targeting.turf.kernels.polishing import cost_turfs, cut_pairs, rounds_of, touching_pairs
from targeting.turf.pool import Pool, pool_on

POLISH_SWEEPS: Final = 8
POLISH_KICKS: Final = 3
"""More of either gains nothing that can be measured (`make bench ONLY=turfs`)."""


@dataclass(frozen=True)
class Aim:
    """What turfs are to be: how big, what a metre weighs, no leg longer than that."""

    target: float
    minutes_per_m: float
    max_leg_m: float


def polish_turfs(
    labels: Ints,
    near: Edges,
    faces: Ints,
    weights: Floats,
    walk_net: WalkNet,
    aim: Aim,
    *,
    sweeps: int = POLISH_SWEEPS,
    kicks: int = POLISH_KICKS,
    seed: int = 0,
    threads: int | None = None,
) -> Ints:
    """Turfs (0, 1, 2…; some may come out empty) that cost less than those given, or as much.

    `near` are neighbours on foot: turfs that touch are tried, again and again while one of them
    has changed, so that a building left alone travels from turf to turf to its own. `faces` are
    the addresses across the street from each (-1: none), held together where it costs little.
    """
    turfs = _Turfs(labels, aim, kicks, seed)
    with pool_on(walk_net, threads) as pool:
        turfs.price(weights, walk_net, pool)
        for sweep in range(1, sweeps + 1):
            pairs = touching_pairs(turfs.labels, near.a, near.b, turfs.head.size)
            fresh = np.maximum(
                turfs.changed[pairs // turfs.head.size], turfs.changed[pairs % turfs.head.size]
            )
            pairs = pairs[fresh >= sweep - 1]
            if pairs.size == 0:
                break
            rounds = rounds_of(pairs, turfs.head.size)
            for number in range(int(rounds.max()) + 1):
                turfs.recut(pairs[rounds == number], sweep, weights, faces, walk_net, pool)
    return turfs.labels


class _Turfs:
    """Turfs while they are polished: who is in which (linked lists), and what each costs."""

    def __init__(self, labels: Ints, aim: Aim, kicks: int, seed: int) -> None:
        n_turfs = int(labels.max(initial=-1)) + 1
        self.labels, self.aim, self.kicks, self.seed = labels.copy(), aim, kicks, seed
        self.count = np.bincount(labels, minlength=n_turfs).astype(np.int64)
        self.cost = np.full(n_turfs, np.inf)
        self.changed = np.zeros(n_turfs, np.int64)
        members = np.argsort(labels, kind="stable")
        goes_on = labels[members[1:]] == labels[members[:-1]]
        self.after = np.full(labels.size, -1, np.int64)
        self.after[members[:-1][goes_on]] = members[1:][goes_on]
        self.head = np.full(n_turfs, -1, np.int64)
        first = np.concatenate([[True], ~goes_on])[: labels.size]
        self.head[labels[members[first]]] = members[first]

    def price(self, weights: Floats, walk_net: WalkNet, pool: Pool) -> None:
        """What each turf costs as it is."""

        def work(first: int, last: int, scratch: Scratch) -> None:
            cost_turfs(
                first, last, self.head, self.after, self.count, self.cost, weights, walk_net,
                self.aim.target, self.aim.minutes_per_m, self.kicks, self.seed, scratch,
            )  # fmt: skip

        pool.share_out(self.count.astype(np.float64) ** 2, work)

    def recut(
        self,
        pairs: Ints,
        sweep: int,
        weights: Floats,
        faces: Ints,
        walk_net: WalkNet,
        pool: Pool,
    ) -> None:
        """Try each of these pairs, none of which has a turf in common with another."""

        def work(first: int, last: int, scratch: Scratch) -> None:
            cut_pairs(
                pairs[first:last], sweep, self.labels, self.head, self.after, self.count,
                self.cost, self.changed, weights, faces, walk_net, self.aim.target,
                self.aim.minutes_per_m, self.aim.max_leg_m, self.kicks, self.seed, scratch,
            )  # fmt: skip

        n_turfs = self.head.size
        stops = self.count[pairs // n_turfs] + self.count[pairs % n_turfs]
        pool.share_out(stops.astype(np.float64) ** 2, work)
