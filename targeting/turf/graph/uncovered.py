"""Addresses beyond the map: a hamlet outside the extract is walked by its own numbers.

A file of streets may cover a part of the town. Where many addresses stand together out of any
street's reach, the map lacks their streets, and their graph is made of themselves; a few are more
likely wrong places, and are left out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from targeting.turf.graph.model import FAR_M, Edges, Fronts, StreetGraph, graph_from
from targeting.turf.graph.noding import Flags
from targeting.turf.graph.snapping import nearest_lines
from targeting.turf.kernels.loops import Floats, Ints

HAMLET: Final = 20
"""So many addresses together are a place that the map lacks, not wrong places; assumed."""


def beyond_map(xy: Floats, lines: np.ndarray) -> Flags:
    """Addresses out of reach of these lines that stand together in some number.

    Together: in squares of the reach's side that touch each other.
    """
    is_far = np.full(len(xy), lines.size > 0)
    if not is_far.any():
        return is_far
    is_far &= nearest_lines(xy, lines, FAR_M)[0] < 0
    if not is_far.any():
        return is_far
    squares, square, count = np.unique(
        np.floor(xy[is_far] / FAR_M), axis=0, return_inverse=True, return_counts=True
    )
    pairs = cKDTree(squares).query_pairs(1.5, p=np.inf, output_type="ndarray")
    touching = coo_array(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(squares),) * 2
    )
    place = connected_components(touching, directed=False)[1]
    is_hamlet = np.bincount(place, count)[place] >= HAMLET
    is_far[is_far] = is_hamlet[square.reshape(-1)]
    return is_far


def side_by_side(buildings: pd.DataFrame, mapped: StreetGraph, beyond: StreetGraph) -> StreetGraph:
    """One graph of two that no way joins; `buildings` sorted by building_id, all of both."""
    n, nodes = len(buildings), mapped.streets[0].size - 1
    ids = pd.Index(buildings["building_id"])
    at = [
        np.concatenate(
            [ids.get_indexer(graph.building_ids), first + np.arange(len(graph.junctions))]
        )
        for graph, first in ((mapped, n), (beyond, n + len(mapped.junctions)))
    ]
    place = np.argsort(np.concatenate([at[0][: len(mapped)], at[1][: len(beyond)]]))
    one, other = mapped.streets, beyond.streets
    segments = int(one[5].max(initial=-1)) + 1
    return graph_from(
        buildings,
        mapped.basis,
        ladder=_both(_edges(mapped), _edges(beyond), at),
        streets=(
            np.concatenate([one[0], one[0][-1] + other[0][1:]]),
            np.concatenate([one[1], nodes + other[1]]),
            np.concatenate([one[2], other[2]]),
            np.concatenate([one[3], nodes + other[3]])[place],
            np.concatenate([one[4], other[4]])[place],
            np.concatenate([one[5], np.where(other[5] < 0, -1, segments + other[5])])[place],
            np.concatenate([one[6], other[6]])[place],
            np.concatenate([one[7], other[7]])[place],
            np.concatenate([one[8], other[8]])[place],
        ),
        junctions=np.concatenate(
            [mapped.junctions.reshape(-1, 2), beyond.junctions.reshape(-1, 2)]
        ),
        links=_both(mapped.links, beyond.links, at),
        is_far=np.concatenate([mapped.is_far, beyond.is_far])[place],
        fronts=_fronts(mapped, beyond, place),
    )


def _fronts(mapped: StreetGraph, beyond: StreetGraph, place: Ints) -> Fronts:
    """The fronts of both, numbered on."""
    one, other = mapped.fronts, beyond.fronts
    stretches = int(one[0].max(initial=-1)) + 1
    front = np.concatenate([one[0], np.where(other[0] < 0, -1, stretches + other[0])])
    return (
        front[place],
        np.concatenate([one[1], other[1]])[place],
        np.concatenate([one[2], other[2]])[place],
    )


def _edges(graph: StreetGraph) -> Edges:
    """The ladder's edges, each once."""
    indptr, indices, lengths = graph.ladder
    source = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    once = source < indices
    return source[once], indices[once], lengths[once]


def _both(one: Edges, other: Edges, at: list[Ints]) -> Edges:
    """Edges of the two graphs, under the numbers that their nodes have in the whole."""
    return (
        np.concatenate([at[0][one[0]], at[1][other[0]]]),
        np.concatenate([at[0][one[1]], at[1][other[1]]]),
        np.concatenate([one[2], other[2]]),
    )
