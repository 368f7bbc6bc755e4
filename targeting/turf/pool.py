"""Kernels on all cores: they let go of the interpreter, so that plain threads do.

Not numba's own parallel loops: theirs may be entered by one thread at a time, and a server has
several.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import numpy as np

from targeting.turf.kernels.arrays import Floats, Scratch, WalkNet, scratch_of

MOST_THREADS: Final = 8
"""A core has work for 50,000 addresses a second: more threads would wait for each other."""

WORTH_A_THREAD: Final = 64
"""Fewer turfs than this are done sooner than a thread wakes up."""


def cores() -> int:
    """Cores that this process may use."""
    return min(MOST_THREADS, len(os.sched_getaffinity(0)))


class Pool:
    """Threads, each with its own scratch for shortest paths in one graph."""

    def __init__(self, walk_net: WalkNet, threads: int, executor: Executor | None) -> None:
        self.scratches: list[Scratch] = [scratch_of(walk_net) for _ in range(threads)]
        self.executor = executor

    def share_out(self, sizes: Floats, work: Callable[[int, int, Scratch], None]) -> None:
        """Call `work(first, last, scratch)` on runs of about equal size that make up the whole.

        What it does for one must not depend on the others of another run.
        """
        threads = len(self.scratches)
        if self.executor is None or sizes.size < WORTH_A_THREAD:
            work(0, sizes.size, self.scratches[0])
            return
        so_far = np.cumsum(sizes)
        ends = np.searchsorted(so_far, so_far[-1] * np.arange(1, threads) / threads)
        bounds = [0, *(int(end) for end in ends), sizes.size]
        waiting = [
            self.executor.submit(work, first, last, scratch)
            for first, last, scratch in zip(bounds[:-1], bounds[1:], self.scratches, strict=True)
        ]
        for done in waiting:
            done.result()


@contextmanager
def pool_on(walk_net: WalkNet, threads: int | None = None) -> Iterator[Pool]:
    """As many threads as there are cores, unless told."""
    count = cores() if threads is None else threads
    if count < 2:
        yield Pool(walk_net, 1, None)
        return
    with ThreadPoolExecutor(count) as executor:
        yield Pool(walk_net, count, executor)
