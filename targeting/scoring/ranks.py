"""How sure a rank is, by the closed form of SCIENCE 9.4: no draw, no seed.

The later stock of a station (abstainers × the share of the target) is its score in logarithm, give
or take `sigma`: what a past transition has shown beyond the luck of the draw (`tau`), and that luck
(`sampling_variance`). The expected number of stations above a level is then a sum of normal
integrals, and a rank is read on it. For the stock alone: a flow (who comes back by itself) has no
rank and no interval, its errors do not travel from one kind of election to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pandas as pd

from targeting.codes import commune_of, held_on, parse_election_id
from targeting.errors import TargetingError
from targeting.scoring.backtest import Tallies, kept_stations
from targeting.scoring.basis import ROUNDING, Basis
from targeting.scoring.cycles import basis_before
from targeting.scoring.product import OWN_PAST, SAME_ROLL, low_rates
from targeting.scoring.tallies import abstention_of, share_of

NOMINAL: Final = 0.80
Z: Final = NormalDist().inv_cdf(0.5 + NOMINAL / 2)
"""1.2816: as many sigmas on each side hold four in five."""

SHIPPED_TAU: Final = 0.095
"""Learnt on European 2024, tested on legislative 2024: covered .88 of ranks in the departments kept
aside (SCIENCE 9.4)."""

WIDER: Final = 2.0
"""Times tau where the roll moved by more than a tenth (SCIENCE 9.4: .75 of ranks covered without
it, .87 with it) or, where the history is followed, where less than half of the past is the
station's own; twice again under a quarter. Legislative 2024 in 45 cities: .85 covered from half
on without it, even where the roll grew; below, .90 and .85 so widened, .66 and .61 without
(tests/benchmarks/ranks.py)."""

HARDLY_OWN: Final = 0.25

TOP_SHARE: Final = 0.20
"""Part of the ranked stations that “the first ones” are unless the user says how many."""

LEAST_IN_COMMUNE: Final = 30
"""A commune teaches tau from so many stations on: residuals are taken inside communes."""

FEW: Final = 200
"""Under so many stations tau may be learnt wider than the shipped one, and no narrower: a quantile
of 80 % of so few may be small by luck."""

LEAST_SLOPE: Final = 0.1
"""A past that hardly orders its stations widens tau by ten at most: then no rank is told apart."""

EXACT: Final = 1500
"""Up to so many stations every pair is counted; beyond, the curve is read between its knots."""

KNOTS_A_SIGMA: Final = 4
"""Knots of the curve in the smallest sigma: within a hundredth of a rank at 65,000 stations
(tests/benchmarks/ranks.py)."""

MOST_KNOTS: Final = 1000

TEACHING: Final = ("pres", "legi", "euro", "regi")
"""Kinds of elections whose result is that of the same camps everywhere."""

SURE: Final = 0.95
LIKELY: Final = 0.80
"""Two stations are told apart from here on: surely, probably; below, they are not."""


# -- sigma -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tau:
    """How far stations' later stock strays from their score, in logarithm, beyond sampling.

    t1: the round it was learnt at; empty for the one shipped. stations, communes: how many taught.
    """

    value: float
    t1: str = ""
    stations: int = 0
    communes: int = 0

    @property
    def is_own(self) -> bool:
        """Whether the workspace's own past taught it."""
        return bool(self.t1)

    @property
    def told(self) -> str:
        """Where it comes from, in one line."""
        if not self.is_own:
            return (
                f"80 % intervals on ranks: spread {self.value:.3f}, shipped (European to "
                "legislative 2024, SCIENCE 9.4): no later result here has taught a spread of "
                "its own."
            )
        return (
            f"80 % intervals on ranks: spread {self.value:.3f}, learnt on {self.t1} "
            f"({self.stations:,} stations of communes of {LEAST_IN_COMMUNE} or more)."
        )


SHIPPED: Final = Tau(SHIPPED_TAU)


def _cdf(value: Any) -> Any:
    """The normal integral up to a value, or up to each of an array."""
    from scipy.special import ndtr

    return ndtr(value)


def sampling_variance(
    abstention: pd.DataFrame, rolls: pd.DataFrame, share: pd.Series, valid_votes: pd.Series
) -> pd.Series:
    """Variance of log(a l) that the luck of the draw explains (SCIENCE 9.4).

    Parameters
    ----------
    abstention, rolls
        Rate and registered voters at each low-turnout round, a column each, stations in rows; a
        rate is missing where the round does not count for the station.
    share, valid_votes
        Share of the target and valid votes of the presidential round, on the same index.

    Returns
    -------
    Series
        Σ a_e(1−a_e)/R_e / (k² a²) + (1−l)/(l E); a rate of nobody counts as half a person.
        Missing where no rate or no share is known.
    """
    known = abstention.notna() & (rolls > 0)
    people = rolls.where(known)
    rates = abstention.where(known)
    count = known.sum(axis=1)
    mean = at_least_half(rates.mean(axis=1), people.mean(axis=1))
    drawn = (rates * (1 - rates) / people).sum(axis=1) / (count.where(count > 0) * mean) ** 2
    voters = valid_votes.where(valid_votes > 0).astype("float64")
    part = at_least_half(share, voters)
    return (drawn + (1 - part) / (part * voters)).rename("variance")


def at_least_half(rate: pd.Series, people: pd.Series) -> pd.Series:
    """A rate of nobody as one of half a person: its logarithm is then a number."""
    half = 0.5 / people.where(people > 0).astype("float64")
    return rate.astype("float64").clip(lower=half.fillna(0.0), upper=1.0)


def log_stock(
    abstention: pd.Series, share: pd.Series, registered: pd.Series, valid_votes: pd.Series
) -> pd.Series:
    """x = log(a l), the order of the score; missing where a rate is."""
    a, part = at_least_half(abstention, registered), at_least_half(share, valid_votes)
    stock = a * part
    return np.log(stock.where(stock > 0)).rename("x")


def sigma_of(tau: float, variance: pd.Series, times: pd.Series | float = 1.0) -> pd.Series:
    """Standard deviation of log stock: sqrt((times × tau)² + v); `times`: see `widening`."""
    return np.sqrt((tau * times) ** 2 + variance).rename("sigma")


# -- the curve -------------------------------------------------------------------------------------


def expected_above(levels: np.ndarray, x: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """How many stations are expected above each level: Σ_j Φ((x_j − t) / σ_j), every pair counted.

    A sigma of 0 is a station that is where it is: above a level or not, half at it.
    """
    found = np.empty(len(levels))
    block = max(1, 2_000_000 // max(len(x), 1))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for start in range(0, len(levels), block):
            gap = x[None, :] - levels[start : start + block, None]
            ratio = np.where(gap == 0, 0.0, gap / sigma[None, :])
            found[start : start + block] = _cdf(ratio).sum(axis=1)
    return found


def read_above(levels: np.ndarray, x: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """The same for many levels and stations: the curve is smooth over a sigma, so that it is
    counted at knots, with its slope, and read between them.

    No more than MOST_KNOTS: a sigma too small for them is widened to KNOTS_A_SIGMA of their steps,
    four hundredths in logarithm over a range of ten.
    """
    low, high = float(levels.min()), float(levels.max())
    if not high > low:
        return expected_above(levels, x, sigma)
    step = max(float(sigma.min()) / KNOTS_A_SIGMA, (high - low) / MOST_KNOTS)
    width = np.maximum(sigma, KNOTS_A_SIGMA * step)
    knots = np.linspace(low, high, int(np.ceil((high - low) / step)) + 1)
    values, slopes = np.empty(len(knots)), np.empty(len(knots))
    weight = 1 / (width * np.sqrt(2 * np.pi))
    block = max(1, 1_000_000 // len(x))
    for start in range(0, len(knots), block):
        ratio = (x[None, :] - knots[start : start + block, None]) / width[None, :]
        values[start : start + block] = _cdf(ratio).sum(axis=1)
        slopes[start : start + block] = -(np.exp(-0.5 * ratio**2) @ weight)
    from scipy.interpolate import CubicHermiteSpline

    return np.asarray(CubicHermiteSpline(knots, values, slopes)(levels))


def rank_bounds(
    x: pd.Series, sigma: pd.Series, rank: pd.Series | None = None, *, z: float = Z
) -> pd.DataFrame:
    """Between which ranks each station of one arena lies, four times in five.

    low, high = 1 + Σ_{j≠i} Φ((x_j − x_i ∓ z σ_i) / σ_j), floored and ceiled (SCIENCE 9.4).

    Parameters
    ----------
    x, sigma
        Log stock and its standard deviation; a station without both has no rank and is no rival.
    rank
        The rank shown, which its interval always holds; by default that of x, ties in the order
        of the index.

    Returns
    -------
    DataFrame
        `low`, `high` on the index of `x`: from 1 to the number of ranked stations; missing where
        there is no rank.
    """
    known = x.notna() & sigma.notna()
    if rank is not None:
        known &= rank.notna()
    place, width = x[known], sigma[known].to_numpy(dtype="float64")
    own = place.rank(method="first", ascending=False) if rank is None else rank[known]
    at, shown = place.to_numpy(dtype="float64"), own.to_numpy(dtype="float64")
    count = len(at)
    if not count:
        return pd.DataFrame(np.nan, index=x.index, columns=["low", "high"])
    levels = np.concatenate([at + z * width, at - z * width])
    counted = expected_above if count <= EXACT else read_above
    above = counted(levels, at, width)
    itself = np.repeat([_cdf(-z), _cdf(z)], count)  # each station is no rival of its own
    itself = np.where(np.tile(width, 2) > 0, itself, 0.5)
    low, high = np.split(1 + above - itself, 2)
    low = np.minimum(np.floor(np.round(low, 6)), shown)
    high = np.maximum(np.ceil(np.round(high, 6)), shown)
    last = max(count, shown.max())
    found = {"low": np.clip(low, 1, last), "high": np.clip(high, 1, last)}
    return pd.DataFrame(found, index=place.index).reindex(x.index)


def threshold_of(x: pd.Series, sigma: pd.Series, k: float) -> float:
    """t_K: the level above which K stations are expected, Σ_j Φ((x_j − t) / σ_j) = K.

    −∞ where there are no more than K, ∞ for none.
    """
    at, width = _both(x, sigma)
    if k >= len(at):
        return -np.inf
    if k <= 0:
        return np.inf

    def too_many(level: float) -> float:
        return float(expected_above(np.array([level]), at, width)[0]) - k

    from scipy.optimize import brentq

    low = high = float(np.partition(at, len(at) - ceil(k))[len(at) - ceil(k)])  # near the K-th
    step = max(float(np.median(width)), 1e-6)
    while too_many(low) < 0:
        low, step = low - step, 2 * step
    while too_many(high) > 0:
        high, step = high + step, 2 * step
    return low if low == high else float(brentq(too_many, low, high, xtol=1e-9))


def first_chance(x: pd.Series, sigma: pd.Series, k: float) -> pd.Series:
    """How likely each station of one arena is among the first K: Φ((x − t_K) / σ).

    They add up to K (to the number of stations where there are fewer); missing without x or sigma.
    """
    gap = x - threshold_of(x, sigma, k)
    ratio = (gap / sigma.where(sigma > 0)).fillna(np.sign(gap) * np.inf)
    chance = pd.Series(_cdf(ratio.where(gap != 0, 0.0)), index=x.index)
    return chance.where(x.notna() & sigma.notna()).rename("top_k_probability")


def chance_above(x: float, sigma: float, other_x: float, other_sigma: float) -> float:
    """How likely a station's later stock is above another's: Φ((x_i − x_j) / √(σ_i² + σ_j²))."""
    gap, width = x - other_x, float(np.hypot(sigma, other_sigma))
    if not width > 0:
        return float(0.5 + np.sign(gap) / 2)
    return float(_cdf(gap / width))


def _both(x: pd.Series, sigma: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    known = x.notna() & sigma.notna()
    return x[known].to_numpy(dtype="float64"), sigma[known].to_numpy(dtype="float64")


# -- learning tau ----------------------------------------------------------------------------------


def learn_tau(
    tallies: Tallies, t1: str, basis: Basis, *, least: int = LEAST_IN_COMMUNE
) -> Tau | None:
    """What t1 shows of the errors of the score that `basis`, of before, gives; nothing where no
    commune of `least` stations is alike in all its rounds.

    Log LA (abstainers × share of the target at t1) is regressed on x inside communes, weighted by
    registered voters: slope b, s the 80 % quantile of |residual| / 1.2816, tau² = (s / b)² − v.
    """
    try:
        stations, _ = kept_stations(tallies, [*basis.elections, t1])
    except TargetingError:  # no station is alike
        return None
    x, variance = score_of_tallies(tallies, basis, stations)
    now = tallies[t1].reindex(stations)
    stock = abstention_of(now) * share_of(now)
    table = pd.DataFrame(
        {"x": x, "y": np.log(stock.where(stock > 0)), "v": variance, "weight": now["registered"]}
    ).dropna()
    commune = table.index.to_series().map(commune_of)
    table = table[commune.map(commune.value_counts()) >= least]
    if table.empty:
        return None
    commune = commune.reindex(table.index)
    across, up = (_within(table[c], table["weight"], commune) for c in ("x", "y"))
    spread = float((table["weight"] * across**2).sum())
    if spread <= ROUNDING * float(table["weight"].sum()):
        return None  # all stations have one score: nothing to learn on
    slope = float((table["weight"] * across * up).sum()) / spread
    wide = float(np.quantile((up - slope * across).abs(), NOMINAL)) / Z
    square = (wide / max(slope, LEAST_SLOPE)) ** 2 - float(table["v"].mean())
    value = float(np.sqrt(max(square, 0.0)))
    if len(table) < FEW:
        value = max(value, SHIPPED_TAU)
    return Tau(value, t1, len(table), int(commune.nunique()))


def _within(values: pd.Series, weight: pd.Series, commune: pd.Series) -> pd.Series:
    """Values less their commune's mean."""
    sums = (values * weight).groupby(commune).transform("sum")
    return values - sums / weight.groupby(commune).transform("sum")


def score_of_tallies(
    tallies: Tallies, basis: Basis, stations: pd.Index
) -> tuple[pd.Series, pd.Series]:
    """x and its sampling variance at these stations, of the counts under their codes of then."""
    low = [tallies[e].reindex(stations) for e in basis.low]
    high = tallies[basis.presidential].reindex(stations)
    rates = pd.concat([abstention_of(t) for t in low], axis=1, keys=basis.low)
    rolls = pd.concat([t["registered"] for t in low], axis=1, keys=basis.low)
    share, valid = share_of(high), high["valid_votes"]
    x = log_stock(rates.mean(axis=1), share, rolls.mean(axis=1), valid)
    return x, sampling_variance(rates, rolls, share, valid)


def find_tau(tallies: Tallies) -> Tau:
    """Tau of the last first round whose earlier rounds make a score; else the one shipped."""
    for t1 in sorted(map(parse_election_id, tallies), key=held_on, reverse=True):
        if t1.kind not in TEACHING or t1.round_number != 1:
            continue
        try:
            basis = basis_before(tallies, t1.election_id)
        except TargetingError:  # no presidential round before it, or none low
            continue
        found = learn_tau(tallies, t1.election_id, basis)
        if found is not None:
            return found
    return SHIPPED


# -- stations of a campaign ------------------------------------------------------------------------


def rank_errors(
    scores: pd.DataFrame,
    turnouts: Mapping[str, pd.DataFrame],
    basis: Basis,
    tau: Tau,
    *,
    past: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """`x` and `sigma` of each station of a scores table, indexed by station_id.

    `turnouts`, `past`: as `product.build_scores` took them; the scores, of a product of two rates.
    Missing where the station has no rank: it is nobody's rival.
    """
    table = scores.set_index("station_id")
    stations = table.index
    rates = low_rates(turnouts, basis, stations, past)
    counts = {e: turnouts[e].set_index("station_id").reindex(stations) for e in basis.elections}
    rolls = pd.concat([counts[e]["registered"] for e in basis.elections], axis=1)
    low = rolls.iloc[:, 1:].set_axis(rates.columns, axis=1)
    share, valid = table["left_share"], counts[basis.presidential]["valid_votes"]
    x = log_stock(table["abstention_rate"], share, table["registered"], valid)
    sigma = sigma_of(
        tau.value,
        sampling_variance(rates, low, share, valid),
        widening(rolls, table["registered"], table["history_share"] if past else None),
    )
    found = pd.DataFrame({"x": x, "sigma": sigma})
    return found.where(table["rank"].notna(), axis=0)


def widening(rolls: pd.DataFrame, registered: pd.Series, own: pd.Series | None = None) -> pd.Series:
    """How many times tau a station strays: 1, WIDER, or WIDER twice.

    `rolls`: registered voters at each round of the score; `own`: how much of the past is the
    station's own where its history is followed, else rolls alone tell (see WIDER).
    """
    times = pd.Series(1.0, index=registered.index)
    if own is None:
        far = rolls.sub(registered, axis=0).abs().gt(SAME_ROLL * registered, axis=0)
        return times.mask(far.any(axis=1), WIDER)
    return times.mask(own < OWN_PAST, WIDER).mask(own < HARDLY_OWN, WIDER**2)


def score_bounds(score: pd.Series, errors: pd.DataFrame, *, z: float = Z) -> pd.DataFrame:
    """Between what a score lies, four times in five, `low` and `high`: exp(x ∓ z σ), never apart
    from the score itself. The level moves with turnout, and is the scenario's matter."""
    x, sigma = errors["x"].reindex(score.index), errors["sigma"].reindex(score.index)
    low, high = np.exp(x - z * sigma), np.exp(x + z * sigma).clip(upper=1.0)
    return pd.DataFrame({"low": low.clip(upper=score), "high": high.clip(lower=score)})


def first_ones(count: int, k: int | None) -> int:
    """How many stations “the first ones” are, of `count`: K if given, else TOP_SHARE of them."""
    return min(max(1, round(TOP_SHARE * count)) if k is None else k, count)


def in_arenas(
    errors: pd.DataFrame, rank: pd.Series, arena: pd.Series | None, *, k: int | None = None
) -> pd.DataFrame:
    """`rank_low`, `rank_high` and `top_k_probability` of each station in its own arena.

    `errors`: `x`, `sigma`; `arena`: all together if not given; `k`: see `first_ones`.
    """
    known = errors[["x", "sigma"]].notna().all(axis=1) & rank.notna()
    group = pd.Series("all", index=errors.index) if arena is None else arena
    parts = []
    for _, members in errors[known].groupby(group.reindex(errors.index[known])):
        x, sigma = members["x"], members["sigma"]
        bounds = rank_bounds(x, sigma, rank.reindex(members.index))
        chance = first_chance(x, sigma, first_ones(len(members), k))
        parts.append(bounds.add_prefix("rank_").join(chance))
    columns = ["rank_low", "rank_high", "top_k_probability"]
    if not parts:
        return pd.DataFrame(np.nan, index=errors.index, columns=columns)
    return pd.concat(parts).reindex(errors.index)
