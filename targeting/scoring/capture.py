"""What a ranking captures: gain curves in arenas, the oracle's ceiling, and figures made of them.

The budget is a share of registered voters, spent inside each group of an arena (each commune, each
constituency, or all stations together) from the highest score down. Formulas of SCIENCE 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

BUDGETS: Final = (0.05, 0.10, 0.20, 0.30, 0.50)
"""Shares of registered voters at which captures are told."""

HEADLINE: Final = 0.20

GRID: Final = np.linspace(0, 1, 101)
"""Where gain curves are read; areas between them are sums over it."""

ARENAS: Final = ("national", "constituency", "commune")

SMALLEST_GROUP: Final = 30
"""A constituency or commune is an arena from so many stations on."""

LEAST_KEPT: Final = 15
"""A commune counts when so many of its stations passed the filters."""


@dataclass(frozen=True)
class Arena:
    """Stations of one arena, in its groups.

    rows: positions of its stations in the table of the transition; group: number of the group of
    each, from 0; registered: people of each at t1.
    """

    name: str
    rows: np.ndarray
    group: np.ndarray
    registered: np.ndarray
    labels: tuple[str, ...]

    @property
    def totals(self) -> np.ndarray:
        """Registered voters of each group."""
        return np.bincount(self.group, self.registered, len(self.labels))


def build_arena(
    name: str, groups: pd.Series, whole: pd.Series, registered: pd.Series, *, least: int = 0
) -> Arena:
    """An arena of the groups that are large enough.

    Parameters
    ----------
    groups
        Group of each station kept; a missing one is in no group.
    whole
        Group of each station before the filters: groups under SMALLEST_GROUP of them are left out.
    registered
        People at t1, on the index of `groups`.
    least
        Fewest stations kept of a group.
    """
    size, kept = whole.value_counts(), groups.value_counts()
    large = size[size >= (SMALLEST_GROUP if name != "national" else 1)].index
    large = large[kept.reindex(large).fillna(0).to_numpy() >= max(least, 1)]
    labels = tuple(sorted(map(str, large)))
    number = groups.map({label: i for i, label in enumerate(labels)})
    rows = np.flatnonzero(number.notna().to_numpy())
    return Arena(
        name,
        rows,
        number.iloc[rows].to_numpy(dtype="int64"),
        registered.to_numpy(dtype="float64")[rows],
        labels,
    )


@dataclass(frozen=True)
class Ranking:
    """One score's order of an arena's stations.

    order: positions in the arena, groups one after the other, highest score first;
    start, end: share of the group's registered voters before and after each of them.
    """

    arena: Arena
    order: np.ndarray
    start: np.ndarray
    end: np.ndarray

    @property
    def place(self) -> np.ndarray:
        """Middle of each station's part of the budget, in the arena's own order: 0 is first."""
        place = np.empty(len(self.order))
        place[self.order] = (self.start + self.end) / 2
        return place


def rank_stations(arena: Arena, score: np.ndarray) -> Ranking:
    """Order an arena's stations by a score (one value a row of the arena), missing ones last.

    Ties stand in the order of the rows.
    """
    order = np.lexsort((-np.where(np.isfinite(score), score, -np.inf), arena.group))
    people, group = arena.registered[order], arena.group[order]
    totals = arena.totals
    before = np.concatenate([[0.0], np.cumsum(totals)])[group]
    end = (np.cumsum(people) - before) / totals[group]
    return Ranking(arena, order, end - people / totals[group], end)


def captured(ranking: Ranking, gains: np.ndarray, budget: float) -> np.ndarray:
    """Part of each group's gains taken with a budget, in people; the station at the edge counts
    for the part of it that is paid for."""
    width = np.maximum(ranking.end - ranking.start, 1e-12)
    part = np.clip((budget - ranking.start) / width, 0, 1)
    arena = ranking.arena
    taken = part * gains[ranking.order]
    return np.asarray(np.bincount(arena.group[ranking.order], taken, len(arena.labels)))


def capture(ranking: Ranking, gains: np.ndarray, budget: float) -> float:
    """Pooled capture: gains taken over all groups / all gains."""
    return float(captured(ranking, gains, budget).sum() / gains.sum())


def gain_curve(ranking: Ranking, gains: np.ndarray) -> np.ndarray:
    """Pooled capture at each budget of GRID, as `capture` gives it one by one.

    Σ over stations of density × ((x − start)+ − (x − end)+), density being gains per share of the
    budget: sums over those that begin (or end) before each point of the grid.
    """
    density = gains[ranking.order] / np.maximum(ranking.end - ranking.start, 1e-12)
    curve = np.zeros(len(GRID))
    for sign, at in ((1.0, ranking.start), (-1.0, ranking.end)):
        first = np.ceil(np.clip(at, 0, 1) * (len(GRID) - 1)).astype("int64")
        slopes = np.cumsum(np.bincount(first, density, len(GRID)))
        offsets = np.cumsum(np.bincount(first, density * at, len(GRID)))
        curve += sign * (GRID * slopes - offsets)
    return np.asarray(curve / gains.sum(), dtype="float64")


def rank_agreement(one: Ranking, other: Ranking) -> float:
    """Spearman's correlation within groups, weighted by registered voters."""
    weight = one.arena.registered
    return _correlation(one.place, other.place, weight)


def _correlation(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    x, y = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    spread = np.sqrt((weight * x * x).sum() * (weight * y * y).sum())
    return float((weight * x * y).sum() / spread) if spread > 0 else 0.0


def slope(arena: Arena, score: np.ndarray, density: np.ndarray) -> float:
    """Slope of the realised density on the score within groups, by least squares weighted by
    registered voters; 1 is calibrated."""
    known = np.isfinite(score)
    x, weight, group = score[known], arena.registered[known], arena.group[known]
    totals = np.bincount(group, weight, len(arena.labels))
    mean = np.bincount(group, weight * x, len(arena.labels)) / np.where(totals > 0, totals, 1)
    x = x - mean[group]
    spread = (weight * x * x).sum()
    return float((weight * x * density[known]).sum() / spread) if spread > 0 else float("nan")


# -- the ceiling -----------------------------------------------------------------------------------


def denoise(density: np.ndarray, noise: np.ndarray, arena: Arena) -> np.ndarray:
    """Draw each station's density to the mean of its arena by the part of it that is noise.

    s² = weighted variance − mean noise; x~ = m + s² / (s² + v) (x − m) (SCIENCE 3.1).
    `density`, `noise`: one value a row of the arena; deviations are from the mean of each group.
    """
    weight = arena.registered
    mean = (np.bincount(arena.group, weight * density, len(arena.labels)) / arena.totals)[
        arena.group
    ]
    variance = np.average((density - mean) ** 2, weights=weight)
    signal = max(variance - np.average(noise, weights=weight), 0.0)
    return np.asarray(mean + signal / (signal + noise) * (density - mean))


@dataclass(frozen=True)
class Oracle:
    """What no score can beat: the best order of gains with the noise of the label taken off.

    Curves on GRID: `full` takes off the whole binomial noise, `half` half of it.
    """

    full: np.ndarray
    half: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        return np.asarray((self.full + self.half) / 2)

    def at(self, budget: float) -> float:
        return float(np.interp(budget, GRID, self.middle))


def build_oracle(arena: Arena, density: np.ndarray, noise: np.ndarray) -> Oracle:
    """The ceiling of an arena, from the whole label (not thinned): gains per registered voter and
    their noise variance, one value a row of the arena."""

    def ceiling(noise: np.ndarray) -> np.ndarray:
        clean = denoise(density, noise, arena)
        return gain_curve(rank_stations(arena, clean), np.asarray(clean * arena.registered))

    return Oracle(ceiling(noise), ceiling(noise / 2))


def efficiency(found: float, ceiling: float, budget: float) -> float:
    """TE@x = (C − x) / (C* − x): 0 for chance, 1 for the ceiling."""
    return (found - budget) / (ceiling - budget)


def qini(curve: np.ndarray, ceiling: np.ndarray) -> float:
    """Area between the gain curve and chance, over that of the ceiling."""
    return float(np.sum(curve - GRID) / np.sum(ceiling - GRID))
