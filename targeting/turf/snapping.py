"""Addresses put on the street they stand on: by name, by nearness, never across a barrier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

from targeting.turf.kernels import Floats, Ints
from targeting.turf.noding import Flags, Network

NAME_REACH_M: Final = 100.0
"""How far an address looks for its own street before it takes the nearest line."""

DETOUR_REACH_M: Final = 300.0
"""How far it looks for a line on its own bank when the nearest lies across a barrier."""


@dataclass(frozen=True)
class Snaps:
    """Where each address stands on the network.

    line, offset_m: its place; access_m: how far that is; on_own_street: whether the line has its
    street's name; is_moved: the line it would have taken lies across a barrier, and it was given
    one on its side; is_stranded: there is none within reach, so that it stands on none.
    """

    line: Ints
    offset_m: Floats
    access_m: Floats
    on_own_street: Flags
    is_moved: Flags
    is_stranded: Flags


class Walls:
    """Barriers, and what lies across them."""

    def __init__(self, barriers: np.ndarray) -> None:
        self.tree = shapely.STRtree(barriers)

    def between(self, one: np.ndarray, other: np.ndarray) -> Flags:
        """Whether a barrier lies between each point (or line) and the other, as the crow flies."""
        across = np.zeros(len(one), bool)
        if len(self.tree) and len(one):
            ways = shapely.shortest_line(one, other)
            across[self.tree.query(ways, predicate="intersects")[0]] = True
        return across


class Fronts:
    """Lines that addresses may be put on, looked up by nearness."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.tree = shapely.STRtree(network.lines[network.fronting])

    def nearest(self, points: np.ndarray) -> Ints:
        """The nearest line of each point."""
        found = self.tree.query_nearest(points, all_matches=False)[1]
        lines: Ints = self.network.fronting[found]
        return lines

    def within(self, points: np.ndarray, who: Ints, reach_m: float) -> tuple[Ints, Ints]:
        """Pairs of a point, by its number, and a line within reach of it."""
        at, line = self.tree.query(points[who], predicate="dwithin", distance=reach_m)
        return who[at], self.network.fronting[line].astype(np.int64)


def snap_addresses(xy: Floats, code: Ints, network: Network, walls: Walls) -> Snaps:
    """Put each address on the nearest line of its street's name, else on the nearest line.

    `code` numbers the addresses' streets as `network.line_key` does.
    """
    points = shapely.points(xy)
    fronts = Fronts(network)
    line = fronts.nearest(points)
    named = np.isin(code, network.line_key)
    if (strays := np.flatnonzero(named & (network.line_key[line] != code))).size:
        who, near = fronts.within(points, strays, NAME_REACH_M)
        same = network.line_key[near] == code[who]
        take_nearest(line, points, who[same], near[same], network)
    wrong = walls.between(points, network.lines[line])
    is_stranded = wrong.copy()
    if wrong.any():
        is_stranded[send_back(line, points, code, np.flatnonzero(wrong), fronts, walls)] = False
    return Snaps(
        line=line,
        offset_m=shapely.line_locate_point(network.lines[line], points),
        access_m=shapely.distance(network.lines[line], points),
        on_own_street=(network.line_key[line] == code) & ~is_stranded,
        is_moved=wrong & ~is_stranded,
        is_stranded=is_stranded,
    )


def take_nearest(
    line: Ints,
    points: np.ndarray,
    who: Ints,
    candidate: Ints,
    network: Network,
    *,
    handicap_m: Floats | float = 0.0,
) -> Ints:
    """Give each address the nearest of its candidates, in place; the lower line on a tie.

    Gives back those that had a candidate.
    """
    metres = shapely.distance(points[who], network.lines[candidate]) + handicap_m
    order = np.lexsort((candidate, metres, who))
    first = np.concatenate([[True], np.diff(who[order]) > 0]) if who.size else np.empty(0, bool)
    moved: Ints = who[order][first]
    line[moved] = candidate[order][first]
    return moved


def send_back(
    line: Ints, points: np.ndarray, code: Ints, wrong: Ints, fronts: Fronts, walls: Walls
) -> Ints:
    """Send addresses that were put across a barrier to a line on their own side, in place.

    Gives back those for which there is one.
    """
    network = fronts.network
    who, near = fronts.within(points, wrong, DETOUR_REACH_M)
    clear = ~walls.between(points[who], network.lines[near])
    who, near = who[clear], near[clear]
    handicap_m = np.where(network.line_key[near] == code[who], 0.0, NAME_REACH_M)
    return take_nearest(line, points, who, near, network, handicap_m=handicap_m)


def side_of(xy: Floats, network: Network, line: Ints, offset_m: Floats) -> Ints:
    """0 to the left of the line, 1 to its right (and on it); looked up at the straight bit."""
    corner, of_line = shapely.get_coordinates(network.lines, return_index=True)
    bit = np.flatnonzero(of_line[1:] == of_line[:-1])
    way = corner[bit + 1] - corner[bit]
    travelled = np.cumsum(np.hypot(*way.T))
    first = np.searchsorted(of_line[bit], np.arange(network.lines.size))
    before = np.concatenate([[0.0], travelled])
    at = np.searchsorted(travelled, before[first[line]] + offset_m)
    at = np.clip(at, first[line], np.append(first[1:], bit.size)[line] - 1)
    off = xy - corner[bit[at]]
    return np.where(way[at, 0] * off[:, 1] - way[at, 1] * off[:, 0] > 0, 0, 1).astype(np.int64)
