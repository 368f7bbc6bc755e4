"""Addresses that the map does not cover: a hamlet outside the extract is walked by its own numbers.

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

from targeting.turf.graph.model import FAR_M, StreetGraph, graph_from
from targeting.turf.graph.snapping import nearest_lines
from targeting.turf.kernels.arrays import Edges, Flags, Floats, Fronts, Ints, Rows, WalkNet

HAMLET: Final = 20
"""So many addresses together are a place that the map lacks, not wrong places; assumed."""


def uncovered_addresses(xy: Floats, lines: np.ndarray) -> Flags:
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


def mapped_and_uncovered(
    buildings: pd.DataFrame, mapped: StreetGraph, uncovered: StreetGraph
) -> StreetGraph:
    """One graph of two that no way joins; `buildings` sorted by building_id, all of both."""
    n = len(buildings)
    ids = pd.Index(buildings["building_id"])
    at = [
        np.concatenate(
            [ids.get_indexer(graph.building_ids), first + np.arange(len(graph.junctions))]
        )
        for graph, first in ((mapped, n), (uncovered, n + len(mapped.junctions)))
    ]
    place = np.argsort(np.concatenate([at[0][: len(mapped)], at[1][: len(uncovered)]]))
    return graph_from(
        buildings,
        mapped.basis,
        ladder=_both(_edges(mapped), _edges(uncovered), at),
        walk_net=_walk_net(mapped.walk_net, uncovered.walk_net).of(place),
        junctions=np.concatenate(
            [mapped.junctions.reshape(-1, 2), uncovered.junctions.reshape(-1, 2)]
        ),
        links=_both(mapped.links, uncovered.links, at),
        is_far=np.concatenate([mapped.is_far, uncovered.is_far])[place],
        fronts=_fronts(mapped.fronts, uncovered.fronts).of(place),
    )


def _walk_net(one: WalkNet, other: WalkNet) -> WalkNet:
    """The ways of both, junctions and segments numbered on, then the addresses of both."""
    nodes = one.rows.indptr.size - 1
    return WalkNet(
        rows=Rows(
            np.concatenate([one.rows.indptr, one.rows.indptr[-1] + other.rows.indptr[1:]]),
            np.concatenate([one.rows.indices, nodes + other.rows.indices]),
            np.concatenate([one.rows.lengths, other.rows.lengths]),
        ),
        anchors=np.concatenate([one.anchors, nodes + other.anchors]),
        anchor_m=np.concatenate([one.anchor_m, other.anchor_m]),
        segment=_numbered_on(one.segment, other.segment),
        offset_m=np.concatenate([one.offset_m, other.offset_m]),
        side=np.concatenate([one.side, other.side]),
        crossing_m=np.concatenate([one.crossing_m, other.crossing_m]),
        x=np.concatenate([one.x, other.x]),
        y=np.concatenate([one.y, other.y]),
        setback_m=np.concatenate([one.setback_m, other.setback_m]),
    )


def _fronts(one: Fronts, other: Fronts) -> Fronts:
    return Fronts(
        _numbered_on(one.front, other.front),
        np.concatenate([one.along_m, other.along_m]),
        np.concatenate([one.side, other.side]),
    )


def _numbered_on(one: Ints, other: Ints) -> Ints:
    """Numbers of one, then those of the other above them; -1 stays -1."""
    first = int(one.max(initial=-1)) + 1
    return np.concatenate([one, np.where(other < 0, -1, first + other)])


def _edges(graph: StreetGraph) -> Edges:
    """The ladder's edges, each once."""
    source = graph.ladder.source
    once = source < graph.ladder.indices
    return Edges(source[once], graph.ladder.indices[once], graph.ladder.lengths[once])


def _both(one: Edges, other: Edges, at: list[Ints]) -> Edges:
    """Edges of the two graphs, under the numbers that their nodes have in the whole."""
    return Edges(
        np.concatenate([at[0][one.a], at[1][other.a]]),
        np.concatenate([at[0][one.b], at[1][other.b]]),
        np.concatenate([one.metres, other.metres]),
    )
