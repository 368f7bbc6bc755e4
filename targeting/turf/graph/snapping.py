"""Addresses put on the street they stand on: by name, by nearness, never across a barrier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import shapely

from targeting.turf.graph.noding import Lines, Network
from targeting.turf.kernels.arrays import Flags, Floats, Ints
from targeting.turf.kernels.nearest import nearest_bits

NAME_REACH_M: Final = 100.0
"""How far an address looks for its own street before it takes the nearest line."""

SQUARE_M: Final = 100.0
MOST_SQUARES: Final = 4000
"""Lines are looked up by squares of a block; wider ones where a side has more than so many."""

LOOK_M: Final = 1000.0
"""Farther than this from any line, the tree of all lines is asked."""

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

    def between(self, xy: Floats, other: np.ndarray) -> Flags:
        """Whether a barrier lies between each place and the shape, as the crow flies."""
        across = np.zeros(len(xy), bool)
        if len(self.tree) and len(xy):
            ways = shapely.shortest_line(shapely.points(xy), other)
            across[self.tree.query(ways, predicate="intersects")[0]] = True
        return across


def nearest_lines(xy: Floats, lines: Lines, reach_m: float) -> tuple[Ints, Floats, Floats]:
    """The nearest of these lines to each place, the first on a tie; -1 where none is in reach.

    Then the offset on the line, and how far that is.
    """
    corner, of_line = shapely.get_coordinates(lines, return_index=True)
    bit = np.flatnonzero(of_line[1:] == of_line[:-1])
    if bit.size == 0 or len(xy) == 0:
        return np.full(len(xy), -1, np.int64), np.zeros(len(xy)), np.full(len(xy), np.inf)
    origin = corner.min(axis=0)
    begin, end = corner[bit] - origin, corner[bit + 1] - origin
    square_m = max(SQUARE_M, float(np.ptp(corner, axis=0).max()) / MOST_SQUARES)
    rows = np.ascontiguousarray(xy - origin)  # in the one layout that kernels are compiled for
    found, share, access_m = nearest_bits(rows, begin, end, square_m, reach_m)
    length = np.hypot(*(end - begin).T)
    before = np.cumsum(length) - length
    start = before[np.searchsorted(of_line[bit], np.arange(lines.size))]
    line = np.where(found >= 0, of_line[bit[found]], -1).astype(np.int64)
    offset_m = before[found] - start[line] + share * length[found]
    return line, offset_m, access_m


class FrontingLines:
    """Lines that addresses may be put on, looked up by nearness."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.tree = shapely.STRtree(network.lines[network.fronting])

    def nearest(self, xy: Floats) -> tuple[Ints, Floats, Floats]:
        """The nearest line of each place, however far; the offset on it, and how far that is."""
        lines = self.network.lines[self.network.fronting]
        found, offset_m, access_m = nearest_lines(xy, lines, LOOK_M)
        if (far := np.flatnonzero(found < 0)).size:
            points = shapely.points(xy[far])
            found[far] = self.tree.query_nearest(points, all_matches=False)[1]
            offset_m[far] = shapely.line_locate_point(lines[found[far]], points)
            access_m[far] = shapely.distance(lines[found[far]], points)
        return self.network.fronting[found].astype(np.int64), offset_m, access_m

    def within(self, xy: Floats, who: Ints, reach_m: float) -> tuple[Ints, Ints]:
        """Pairs of a place, by its number, and a line within reach of it."""
        at, line = self.tree.query(shapely.points(xy[who]), predicate="dwithin", distance=reach_m)
        return who[at], self.network.fronting[line].astype(np.int64)


def snap_addresses(xy: Floats, code: Ints, network: Network, walls: Walls) -> Snaps:
    """Put each address on the nearest line of its street's name, else on the nearest line.

    `code` numbers the addresses' streets as `network.line_key` does.
    """
    fronts = FrontingLines(network)
    line, offset_m, access_m = fronts.nearest(xy)
    nearest = line.copy()
    named = np.isin(code, network.line_key)
    if (strays := np.flatnonzero(named & (network.line_key[line] != code))).size:
        who, near = fronts.within(xy, strays, NAME_REACH_M)
        same = network.line_key[near] == code[who]
        take_nearest(line, xy, who[same], near[same], network)
    wrong = walls.between(xy, network.lines[line])
    is_stranded = wrong.copy()
    if wrong.any():
        is_stranded[send_back(line, xy, code, np.flatnonzero(wrong), fronts, walls)] = False
    if (other := np.flatnonzero(line != nearest)).size:
        points = shapely.points(xy[other])
        offset_m[other] = shapely.line_locate_point(network.lines[line[other]], points)
        access_m[other] = shapely.distance(network.lines[line[other]], points)
    return Snaps(
        line=line,
        offset_m=offset_m,
        access_m=access_m,
        on_own_street=(network.line_key[line] == code) & ~is_stranded,
        is_moved=wrong & ~is_stranded,
        is_stranded=is_stranded,
    )


def take_nearest(
    line: Ints,
    xy: Floats,
    who: Ints,
    candidate: Ints,
    network: Network,
    *,
    handicap_m: Floats | float = 0.0,
) -> Ints:
    """Give each address the nearest of its candidates, in place; the lower line on a tie.

    Gives back those that had a candidate.
    """
    metres = shapely.distance(shapely.points(xy[who]), network.lines[candidate]) + handicap_m
    order = np.lexsort((candidate, metres, who))
    first = np.concatenate([[True], np.diff(who[order]) > 0]) if who.size else np.empty(0, bool)
    moved: Ints = who[order][first]
    line[moved] = candidate[order][first]
    return moved


def send_back(
    line: Ints, xy: Floats, code: Ints, wrong: Ints, fronts: FrontingLines, walls: Walls
) -> Ints:
    """Send addresses that were put across a barrier to a line on their own side, in place.

    Gives back those for which there is one.
    """
    network = fronts.network
    who, near = fronts.within(xy, wrong, DETOUR_REACH_M)
    clear = ~walls.between(xy[who], network.lines[near])
    who, near = who[clear], near[clear]
    handicap_m = np.where(network.line_key[near] == code[who], 0.0, NAME_REACH_M)
    return take_nearest(line, xy, who, near, network, handicap_m=handicap_m)


class Bits(NamedTuple):
    """A straight bit of a line for each of some addresses: where it begins, and the way it goes."""

    corner: Floats
    way: Floats


def bits_at(network: Network, line: Ints, offset_m: Floats) -> Bits:
    """The straight bit at each place of a line."""
    corner, of_line = shapely.get_coordinates(network.lines, return_index=True)
    bit = np.flatnonzero(of_line[1:] == of_line[:-1])
    way = corner[bit + 1] - corner[bit]
    travelled = np.cumsum(np.hypot(*way.T))
    first = np.searchsorted(of_line[bit], np.arange(network.lines.size))
    before = np.concatenate([[0.0], travelled])
    at = np.searchsorted(travelled, before[first[line]] + offset_m)
    at = np.clip(at, first[line], np.append(first[1:], bit.size)[line] - 1)
    return Bits(corner[bit[at]], way[at])


def side_of(xy: Floats, bits: Bits) -> Ints:
    """0 to the left of the line, 1 to its right (and on it)."""
    return np.where(_across(xy, bits) > 0, 0, 1).astype(np.int64)


def setback_of(xy: Floats, bits: Bits, access_m: Floats) -> Floats:
    """How far each address stands back from its street, metres: square to the straight bit it is
    at. What `access_m` has more, past the end of a line or round a bend, is along the street."""
    length = np.hypot(*bits.way.T)
    back_m = np.abs(_across(xy, bits)) / np.where(length > 0, length, 1.0)
    return np.where(length > 0, np.minimum(back_m, access_m), access_m)


def _across(xy: Floats, bits: Bits) -> Floats:
    """How far each address is to the left of its bit, times the length of the bit."""
    off = xy - bits.corner
    across: Floats = bits.way[:, 0] * off[:, 1] - bits.way[:, 1] * off[:, 0]
    return across
