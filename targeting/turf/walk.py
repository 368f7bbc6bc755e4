"""The order in which a pair walks its stops, how far that is, and how addresses are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from targeting.turf.graph import StreetGraph
from targeting.turf.kernels import Floats, Ints, Walkable, walk_turfs

KICKS: Final = 10
"""Random kicks of each walk: within 0.5 % of the best known up to 100 stops (TURFS 3)."""


@dataclass(frozen=True)
class Walk:
    """Buildings in walking order; the walk starts at the first and ends at the last."""

    building_ids: pd.Series
    walk_m: float
    longest_leg_m: float


def walk_order(graph: StreetGraph, building_ids: pd.Series, *, seed: int = 0) -> Walk:
    """Put the buildings of one turf in walking order, for instance those left from an outing.

    Same buildings and seed, same walk, in whatever order they are given. Raises TurfError if a
    building is not in the graph.
    """
    ids = building_ids.sort_values(ignore_index=True)
    labels = np.zeros(len(ids), dtype=np.int64)
    order, walks, longest = walk_labels(
        walkable(graph, graph.positions(ids)), labels, kicks=KICKS, seed=seed
    )
    return Walk(ids.iloc[order].reset_index(drop=True), float(walks.sum()), float(longest.sum()))


def walkable(graph: StreetGraph, positions: Ints) -> Walkable:
    """What distances between these addresses are read from; they are numbered as given."""
    indptr, indices, lengths, anchors, anchor_m, segment, offset_m, side = graph.streets
    at = positions
    return (
        indptr, indices, lengths, anchors[at], anchor_m[at], segment[at], offset_m[at], side[at],
    )  # fmt: skip


def walk_labels(
    streets: Walkable, labels: Ints, *, kicks: int, seed: int
) -> tuple[Ints, Floats, Floats]:
    """Walk each turf of a numbering 0, 1, 2…: members in walking order, turf after turf;
    then length and longest leg of each turf, metres.
    """
    members = np.argsort(labels, kind="stable").astype(np.int64)
    starts = np.zeros(int(labels.max(initial=-1)) + 2, np.int64)
    np.cumsum(np.bincount(labels, minlength=starts.size - 1), out=starts[1:])
    order, walks, longest = walk_turfs(members, starts, streets, kicks, seed)
    return order, walks, longest


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
