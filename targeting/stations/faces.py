"""Fragments: parts of a station cut off from its main part, given to a neighbour.

A map of Voronoi cells has crumbs: one address of another station across a street is an island. An
island with few voters goes to the neighbour it shares the longest border with, the emptiest first,
within a budget of voters who then lie in a neighbour's outline.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

FEW: Final = 0.02
"""A fragment is absorbed where it has at most this share of its station's voters…"""

MOST_MOVED: Final = 0.004
"""…and while all those absorbed have at most this share of the commune's: more than 99 % stay
inside their own outline."""


@dataclass(frozen=True)
class Absorbed:
    """Station of each face after absorption; how many fragments went, with how much weight."""

    labels: np.ndarray
    fragments: int
    moved: float


def borders_between(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of faces that share edges, and the length they share, in metres.

    The faces share their vertices exactly, as polygonised linework does.
    """
    rings, face_of_ring = shapely.get_rings(faces, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    follows = ring[1:] == ring[:-1]
    start, end = coordinates[:-1][follows], coordinates[1:][follows]
    face = face_of_ring[ring[1:][follows]]
    backwards = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    edges = np.hstack([start, end])
    edges[backwards] = np.hstack([end, start])[backwards]
    order = np.lexsort(edges.T)
    edges, face = edges[order], face[order]
    same = (edges[1:] == edges[:-1]).all(axis=1)
    one, other = face[:-1][same], face[1:][same]
    length = np.hypot(*(edges[:-1][same, 2:] - edges[:-1][same, :2]).T)
    return one, other, length


def absorb_fragments(
    labels: np.ndarray,
    weight: np.ndarray,
    area: np.ndarray,
    borders: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Absorbed:
    """Give the fragments of each station to their neighbours, within the budget.

    Parameters
    ----------
    labels, weight, area
        Station of each face, the weight of its own station there, square metres.
    borders
        As `borders_between` gives them. A fragment without neighbour (an island of the sea) stays.
    """
    work = _Mosaic(labels, weight, borders)
    order = np.lexsort((area, weight))  # the fullest last, the larger of equals
    for face in order:
        work.main[labels[face]] = int(face)
    totals = np.bincount(labels, weight)
    budget = MOST_MOVED * float(weight.sum())
    queue = [(float(weight[f]), float(area[f]), int(f)) for f in order]
    heapq.heapify(queue)
    fragments, moved = 0, 0.0
    while queue:
        carried, _, face = heapq.heappop(queue)
        if not work.is_fragment(face) or carried != work.weight[face]:
            continue
        few = carried <= FEW * totals[work.label[face]] and moved + carried <= budget
        neighbour = work.longest_neighbour(face)
        if neighbour is None or not few:
            continue
        for grown in work.absorb(face, neighbour):
            heapq.heappush(queue, (work.weight[grown], 0.0, grown))
        fragments, moved = fragments + 1, moved + carried
    return Absorbed(work.labels(), fragments, moved)


class _Mosaic:
    """Faces that grow together, with the borders between them."""

    def __init__(
        self,
        labels: np.ndarray,
        weight: np.ndarray,
        borders: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        self.label = [int(label) for label in labels]
        self.weight = [float(w) for w in weight]
        self.parent = list(range(len(labels)))
        self.main: dict[int, int] = {}
        self.beside: list[dict[int, float]] = [{} for _ in labels]
        for one, other, length in zip(*(b.tolist() for b in borders), strict=True):
            if one != other:
                self._touch(one, other, length)

    def _touch(self, one: int, other: int, length: float) -> None:
        self.beside[one][other] = self.beside[one].get(other, 0.0) + length
        self.beside[other][one] = self.beside[other].get(one, 0.0) + length

    def root(self, face: int) -> int:
        while self.parent[face] != face:
            self.parent[face] = self.parent[self.parent[face]]
            face = self.parent[face]
        return face

    def is_fragment(self, face: int) -> bool:
        """A part of its own that is not the one where most of its station's voters live."""
        return self.parent[face] == face and self.root(self.main[self.label[face]]) != face

    def longest_neighbour(self, face: int) -> int | None:
        beside = self.beside[face]
        return max(beside, key=lambda n: (beside[n], -n), default=None)

    def absorb(self, face: int, into: int) -> list[int]:
        """Make `face` a part of `into`, and of what its station has beyond; gives what grew."""
        self._join(face, into, self.weight[into])
        alike = [n for n in self.beside[into] if self.label[n] == self.label[into]]
        for part in alike:
            self._join(part, into, self.weight[into] + self.weight[part])
        return [into]

    def _join(self, face: int, into: int, weight: float) -> None:
        beside = self.beside[face]
        self.beside[face] = {}
        for other, length in beside.items():
            del self.beside[other][face]
            if other != into:
                self._touch(into, other, length)
        self.parent[face] = into
        self.weight[into] = weight

    def labels(self) -> np.ndarray:
        return np.array([self.label[self.root(f)] for f in range(len(self.parent))])
