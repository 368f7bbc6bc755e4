"""The straight bit of street nearest to each point, looked up by squares."""

from __future__ import annotations

import numpy as np

from targeting.turf.kernels.arrays import Floats, Ints
from targeting.turf.kernels.compiled import kernel


@kernel
def fill_squares(
    begin: Floats, end: Floats, corner: Floats, square_m: float, wide: int, high: int
) -> tuple[Ints, Ints]:
    """Straight bits by the squares that their boxes touch: where each square's row starts, bits."""
    starts = np.zeros(wide * high + 1, np.int64)
    bits = np.empty(0, np.int64)
    for fill in range(2):  # 1: count; 2: fill, each square from its end
        for k in range(begin.shape[0] - 1, -1, -1):
            left = int((min(begin[k, 0], end[k, 0]) - corner[0]) / square_m)
            right = int((max(begin[k, 0], end[k, 0]) - corner[0]) / square_m)
            low = int((min(begin[k, 1], end[k, 1]) - corner[1]) / square_m)
            top = int((max(begin[k, 1], end[k, 1]) - corner[1]) / square_m)
            for row in range(low, top + 1):
                for column in range(left, right + 1):
                    square = row * wide + column
                    if fill == 0:
                        starts[square] += 1
                    else:
                        starts[square] -= 1
                        bits[starts[square]] = k
        if fill == 0:
            for square in range(wide * high):
                starts[square + 1] += starts[square]
            bits = np.empty(starts[wide * high], np.int64)
    return starts, bits


@kernel
def nearest_bits(
    points: Floats, begin: Floats, end: Floats, square_m: float, reach_m: float
) -> tuple[Ints, Floats, Floats]:
    """The straight bit nearest to each point, the lower one on a tie; -1 beyond `reach_m`.

    Then which share of the bit the place is at, and how far off.
    """
    corner = np.array(
        [min(begin[:, 0].min(), end[:, 0].min()), min(begin[:, 1].min(), end[:, 1].min())]
    )
    wide = int((max(begin[:, 0].max(), end[:, 0].max()) - corner[0]) / square_m) + 1
    high = int((max(begin[:, 1].max(), end[:, 1].max()) - corner[1]) / square_m) + 1
    starts, bits = fill_squares(begin, end, corner, square_m, wide, high)
    # ring after ring of squares round each point, as long as a bit there could be nearer
    found = np.full(points.shape[0], -1, np.int64)
    shares = np.zeros(points.shape[0])
    metres = np.full(points.shape[0], np.inf)
    for i in range(points.shape[0]):
        x = points[i, 0]
        y = points[i, 1]
        column = int(np.floor((x - corner[0]) / square_m))
        row = int(np.floor((y - corner[1]) / square_m))
        best = reach_m * reach_m
        ring = 0
        while ring == 0 or ((ring - 1) * square_m) ** 2 <= best:  # nearer than the ring can be
            for r in range(max(0, row - ring), min(high - 1, row + ring) + 1):
                step = 1 if abs(r - row) == ring else max(1, 2 * ring)
                for c in range(column - ring, column + ring + 1, step):
                    if c < 0 or c >= wide:
                        continue
                    for at in range(starts[r * wide + c], starts[r * wide + c + 1]):
                        k = bits[at]
                        along_x = end[k, 0] - begin[k, 0]
                        along_y = end[k, 1] - begin[k, 1]
                        to_x = x - begin[k, 0]
                        to_y = y - begin[k, 1]
                        share = (to_x * along_x + to_y * along_y) / max(
                            along_x * along_x + along_y * along_y, 1e-12
                        )
                        share = min(1.0, max(0.0, share))
                        away = (to_x - share * along_x) ** 2 + (to_y - share * along_y) ** 2
                        if away < best or (away == best and (found[i] < 0 or k < found[i])):
                            best = away
                            found[i] = k
                            shares[i] = share
                            metres[i] = np.sqrt(away)
            ring += 1
    return found, shares, metres
