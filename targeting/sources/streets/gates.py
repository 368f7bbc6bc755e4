"""Closed gates on ways: what lies beyond is reached otherwise, or by those who call there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SET_BACK: Final = 90
"""How far from the gate a way ends that does not go through, in 1e-7 degree: a metre or less."""


@dataclass(frozen=True)
class Held:
    """Ways cut at their gates.

    at: for each point, which of the given ones it is; x, y: its place; way: which of the new ways
    it is of; parent: for each new way, which of the given ones it is; is_private: whether it is
    reached by a gate only.
    """

    at: Ints
    x: Ints
    y: Ints
    way: Ints
    parent: Ints
    is_private: Flags


def hold_at_gates(ref: Ints, x: Ints, y: Ints, way: Ints, is_gate: Flags, is_open: Flags) -> Held:
    """Cut open ways at closed gates, given the points of all ways, one after another.

    Of the ways that a gate parts, the one of the larger part of town goes up to it. Another of that
    part ends a metre before; a smaller part, which no open way reaches, is private. Where ways end
    at a gate that stands on a way that goes on, they alone are stopped: it is at their entrance.

    Parameters
    ----------
    ref, x, y
        Id of each point, and place in 1e-7 degree.
    way
        Its way, numbered from 0 in their order.
    is_gate
        Whether it is a closed gate.
    is_open
        Of each way, whether one walks on it freely.
    """
    first = np.concatenate([[True], way[1:] != way[:-1]])
    last = np.concatenate([way[1:] != way[:-1], [True]])
    inner = is_gate & is_open[way] & ~first & ~last
    ending = is_gate & is_open[way] & (first | last)
    inner &= ~np.isin(ref, ref[ending])
    at = np.repeat(np.arange(ref.size), 1 + inner)
    again = np.concatenate([[False], at[1:] == at[:-1]])
    cut = np.cumsum(first[at] | again) - 1
    begins = np.concatenate([[True], cut[1:] != cut[:-1]])
    parent = way[at][begins]
    held = np.flatnonzero((inner | ending)[at])

    node = np.unique(ref[at], return_inverse=True)[1].reshape(-1).astype(np.int64)
    held = (inner | ending)[at]
    passing = is_gate[at] & is_open[parent][cut] & ~held
    gate = node.copy()
    node[held] = node.max() + 1 + np.arange(int(held.sum()))
    part = _parts(cut, node, is_open[parent])
    size = np.bincount(part[cut[1:]], _steps(x[at], y[at]) * (cut[1:] == cut[:-1]), part.max() + 1)
    standing = {int(gate[k]): int(part[cut[k]]) for k in np.flatnonzero(passing)}
    is_private, moved = np.zeros(parent.size, bool), []
    arms = np.flatnonzero(held)
    for k in arms[np.argsort(-size[part[cut[arms]]], kind="stable")].tolist():
        own = int(part[cut[k]])
        if int(gate[k]) not in standing:
            standing[int(gate[k])] = own
        elif standing[int(gate[k])] == own:
            moved.append(k)
        else:
            is_private |= part == own
    is_private &= is_open[parent]
    new_x, new_y = x[at].astype(np.int64), y[at].astype(np.int64)
    _set_back(new_x, new_y, np.array(moved, np.int64), begins)
    return Held(at, new_x, new_y, cut, parent, is_private)


def _parts(way: Ints, node: Ints, is_open: Flags) -> Ints:
    """Number of the part of town of each way, which open ways join; closed ways are their own."""
    n = is_open.size
    of_open = is_open[way]
    ones = np.ones(int(of_open.sum()), np.int8)
    pairs = (way[of_open], n + node[of_open])
    graph = coo_array((ones, pairs), shape=(n + int(node.max()) + 1,) * 2)
    part: Ints = connected_components(graph, directed=False)[1][:n].astype(np.int64)
    return part


def _steps(x: Ints, y: Ints) -> npt.NDArray[np.float64]:
    """From each point to the next, in 1e-7 degree."""
    return np.hypot(np.diff(x.astype(np.float64)), np.diff(y.astype(np.float64)))


def _set_back(x: Ints, y: Ints, ends: Ints, begins: Flags) -> None:
    """Move these ends of ways towards their neighbour, halfway at most."""
    neighbour = np.where(begins[ends], ends + 1, ends - 1)
    dx, dy = x[neighbour] - x[ends], y[neighbour] - y[ends]
    share = np.minimum(SET_BACK / np.maximum(np.hypot(dx, dy), 1.0), 0.5)
    x[ends] += np.rint(dx * share).astype(np.int64)
    y[ends] += np.rint(dy * share).astype(np.int64)
