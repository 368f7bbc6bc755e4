"""T2: where the voters of then went, cell by cell: ecological inference for explanation.

Two methods that fail differently, both shown. Constrained Goodman: one table of transfers for all
units, by least squares under the laws of shares. IPF-EM: each unit's cells fitted to its margins
from the shared table, the shared table made again of the cells, till it stays. Neither improves the
ranking (SCIENCE 3.2): they tell, and every cell adds up to the unit's own margins. On homogeneous
towns IPF-EM leans to the diagonal and Goodman is right; on real ones the first errs less (SCIENCE
2.2); both overstate who stays home when neighbourhoods differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from targeting.errors import TargetingError

EM_ROUNDS: Final = 30
"""Passes of IPF-EM: stopped early, not converged. On simulated tables of 90 and 2,000 units, 6 × 6,
one pass more moves the shared table by 0.002 at most, thirty more by 0.04."""

FIT_ROUNDS: Final = 12
"""Passes of the last proportional fitting; what is left is put right exactly on the columns."""

GOODMAN_ROUNDS: Final = 3000
"""Most steps of the least squares; it stops where a step moves no share by 1e-9."""

START_ROUNDS: Final = 100
"""Steps enough for a table that IPF-EM only starts from."""

TINY: Final = 1e-12


@dataclass(frozen=True)
class Transfers:
    """Where each group of then went.

    shares: origin × destination, rows sum to 1 over the people of the origin.
    cells: unit × origin × destination in people; sums over destinations are the unit's margins of
    then (scaled to its people of now), sums over origins its margins of now.
    """

    shares: np.ndarray
    cells: np.ndarray


def balance(then: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Margins of then scaled to each unit's people of now, so that both sides hold as many.

    Both are unit × group, in people. Raises TargetingError for a missing or negative count; a unit
    that is empty at either round has no cells (all zero).
    """
    for name, counts in (("then", then), ("now", now)):
        if not np.isfinite(counts).all() or (counts < 0).any():
            raise TargetingError(
                f"ecological inference needs counts of people, none missing or negative: the "
                f"margins of {name} are not. Leave such stations out."
            )
    before, after = then.sum(axis=1, keepdims=True), now.sum(axis=1, keepdims=True)
    alive = (before > 0) & (after > 0)
    scale = np.where(alive, after / np.where(before > 0, before, 1), 0.0)
    return then * scale, np.where(alive, now, 0.0)


def goodman_shares(
    then: np.ndarray, now: np.ndarray, *, rounds: int = GOODMAN_ROUNDS
) -> np.ndarray:
    """One table of transfers for all units: constrained least squares (Goodman 1953).

    Minimises Σ ‖now − then P‖² / people over P ≥ 0 with rows that sum to 1, by accelerated
    projected gradient on the Gram matrices, once made: few operations however many units.
    """
    weight = 1 / np.sqrt(np.maximum(then.sum(axis=1, keepdims=True), 1))
    x, y = then * weight, now * weight
    gram, cross = x.T @ x, x.T @ y
    step = 1 / max(float(np.linalg.norm(gram, 2)), TINY)
    table = np.full(cross.shape, 1 / cross.shape[1])
    ahead, momentum = table, 1.0
    for _ in range(rounds):
        moved = _to_simplex(ahead - step * (gram @ ahead - cross))
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - table)
        still = np.abs(moved - table).max() < 1e-9
        table, momentum = moved, following
        if still:
            break
    return np.asarray(table)


def _to_simplex(rows: np.ndarray) -> np.ndarray:
    """Nearest shares to each row: not negative, sum 1 (Held, Wolfe and Crowder 1974)."""
    ordered = -np.sort(-rows, axis=1)
    excess = np.cumsum(ordered, axis=1) - 1
    number = np.arange(1, rows.shape[1] + 1)
    last = (ordered - excess / number > 0).sum(axis=1) - 1
    shift = excess[np.arange(len(rows)), last] / (last + 1)
    return np.asarray(np.maximum(rows - shift[:, None], 0))


def fit_cells(
    shares: np.ndarray, then: np.ndarray, now: np.ndarray, *, rounds: int = FIT_ROUNDS
) -> np.ndarray:
    """Cells of each unit, from a shared table to the unit's own margins, by proportional fitting.

    Unit × origin × destination. Margins are balanced first (see `balance`) and are both kept to
    rounding: what the last pass leaves on the origins is moved between destinations in proportion
    to what the margins still want.
    """
    then, now = balance(then, now)
    cells = _fitted(np.maximum(shares, 1e-6), then.T.copy(), now.T.copy(), rounds)
    cells = np.moveaxis(cells, 2, 0)
    # what proportional fitting has not reached yet: a correction of rank one, not negative
    kept = np.minimum(1, then / np.maximum(cells.sum(axis=2), TINY))[:, :, None] * cells
    left, wanted = then - kept.sum(axis=2), now - kept.sum(axis=1)
    total = np.maximum(left.sum(axis=1), TINY)[:, None, None]
    return np.asarray(
        kept + np.maximum(left, 0)[:, :, None] * np.maximum(wanted, 0)[:, None, :] / total
    )


def _fitted(shares: np.ndarray, then: np.ndarray, now: np.ndarray, rounds: int) -> np.ndarray:
    """Proportional fitting that ends on the columns; group × unit arrays, cells r × c × unit."""
    origin, kernel = then, shares.astype(then.dtype)
    # cells = origin factor × share × destination factor: only the factors are iterated
    for _ in range(rounds):
        destination = now / np.maximum(kernel.T @ origin, TINY)
        origin = then / np.maximum(kernel @ destination, TINY)
    destination = now / np.maximum(kernel.T @ origin, TINY)
    return np.asarray(origin[:, None, :] * kernel[:, :, None] * destination[None, :, :])


def ipf_em_shares(then: np.ndarray, now: np.ndarray, *, rounds: int = EM_ROUNDS) -> np.ndarray:
    """The shared table of IPF-EM: expected cells from it, then it from them, in turn.

    Starts from the neighbourhood model (each origin goes as its unit does) mixed with Goodman's.
    """
    then, now = balance(then, now)
    x, y = then.T.copy(), now.T.copy()
    neighbours = (x / np.maximum(x.sum(axis=0), 1)) @ y.T
    neighbours /= np.maximum(neighbours.sum(axis=1, keepdims=True), TINY)
    table = (neighbours + goodman_shares(then, now, rounds=START_ROUNDS)) / 2
    for _ in range(rounds):
        kernel = np.maximum(table, 1e-6)
        origin = x
        for _ in range(2):
            destination = y / np.maximum(kernel.T @ origin, TINY)
            origin = x / np.maximum(kernel @ destination, TINY)
        # sum over units of origin × share × destination: the expected cells of all, never stored
        expected = kernel * (origin @ destination.T)
        table = expected / np.maximum(expected.sum(axis=1, keepdims=True), TINY)
    return np.asarray(table)


def infer_transfers(then: np.ndarray, now: np.ndarray, *, method: str = "ipf_em") -> Transfers:
    """Where each group of then went, unit by unit.

    Parameters
    ----------
    then, now
        Unit × group, in people; abstainers are a group.
    method
        `ipf_em`, `goodman`, or `neighbours` (each origin goes as its unit does: what the naive
        product supposes; a yardstick).
    """
    if method == "neighbours":
        x, y = balance(then, now)
        cells = x[:, :, None] * (y / np.maximum(y.sum(axis=1, keepdims=True), TINY))[:, None, :]
    else:
        shared = {"ipf_em": ipf_em_shares, "goodman": goodman_shares}
        if method not in shared:
            raise TargetingError(f"“{method}” is no ecological inference: ipf_em or goodman.")
        cells = fit_cells(shared[method](*balance(then, now)), then, now)
    whole = cells.sum(axis=0)
    return Transfers(whole / np.maximum(whole.sum(axis=1, keepdims=True), TINY), cells)


def misplaced(found: np.ndarray, true: np.ndarray) -> float:
    """Share of people put in the wrong cell (SCIENCE 2.2): half the absolute differences."""
    return float(np.abs(found - true).sum() / 2 / true.sum())


# -- by station ------------------------------------------------------------------------------------

GROUPS: Final = ("left", "others", "blank", "abstained")
"""Groups of a round as a tally tells them apart."""


def margins_of(tally: pd.DataFrame) -> np.ndarray:
    """People of each of GROUPS, station by station."""
    left, valid, cast, all_ = (
        tally[c].to_numpy(dtype="float64")
        for c in ("left", "valid_votes", "votes_cast", "registered")
    )
    return np.stack([left, valid - left, cast - valid, all_ - cast], axis=1)


def explain_abstention(
    then: pd.DataFrame, now: pd.DataFrame, regions: pd.Series, *, method: str = "ipf_em"
) -> pd.DataFrame:
    """Where the target's voters of then went, per station, in people of now's roll.

    Parameters
    ----------
    then, now
        Tallies of two rounds on one index.
    regions
        Region of each station (its department): transfers are supposed alike within one.

    Returns
    -------
    DataFrame
        Columns GROUPS: of the voters of the target then, how many voted for it again, for others,
        blank, or stayed home. They sum to the target's votes then, scaled to the roll of now.
        Missing where a station has no count.
    """
    rows = pd.DataFrame(np.nan, index=then.index, columns=list(GROUPS))
    before, after = margins_of(then), margins_of(now)
    known = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
    codes, _ = pd.factorize(regions)
    out = rows.to_numpy(copy=True)
    for region in range(codes.max() + 1):
        here = np.flatnonzero((codes == region) & known)
        if len(here):
            found = infer_transfers(before[here], after[here], method=method)
            out[here] = found.cells[:, 0, :]
    return pd.DataFrame(out, index=then.index, columns=list(GROUPS))
