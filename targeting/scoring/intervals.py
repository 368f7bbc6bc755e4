"""How sure a reservoir and a rank are: widths that a past transition has set, checked on the next.

Densities are relative to their mean, so that the level (how far turnout comes back) is the
scenario's matter and the interval says how stations differ. The residual of each station is
normalised by a spread that grows with the level and shrinks with the size; the split-conformal
quantile of half of the stations then sets the width (Papadopoulos et al. 2002; Lei et al. 2018).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from targeting.errors import TargetingError
from targeting.scoring.backtest import Method, Tallies, Transition, label, label_noise
from targeting.scoring.thinning import thin_tally

NOMINAL: Final = 0.80

LEAST_STATIONS: Final = 200
"""Under so many stations of a past transition a quantile of 80 % is not worth its name."""

LEAST_OWN: Final = 0.25
"""A past of which less is the station's own widens no further: twice the width."""

TOP_SHARE: Final = 0.20
"""Part of the ranked stations that “the first ones” are unless the user says how many."""

RANK_DRAWS: Final = 200


@dataclass(frozen=True)
class Calibration:
    """What one past transition says of a score's errors; densities relative to their mean.

    slope: of the realised on the predicted; constant, level: the spread's two parts, the variance
    being constant + level × predicted² + binomial noise; width: spreads that cover `nominal`;
    quantiles: of the normalised residuals, at 1/200 to 199/200; mean: realised gain per registered.
    """

    t0: str
    t1: str
    stations: int
    slope: float
    constant: float
    level: float
    width: float
    quantiles: tuple[float, ...]
    mean: float
    nominal: float = NOMINAL

    def centre(self, relative: pd.Series) -> pd.Series:
        """Expected relative density, from the predicted one."""
        return 1 + self.slope * (relative - 1)

    def spread(
        self,
        relative: pd.Series,
        mean: float,
        noise: pd.Series | float = 0.0,
        own: pd.Series | None = None,
    ) -> pd.Series:
        """Standard deviation of a station's relative density where the mean to come is `mean`.

        The variance of a share grows as the share (a beta of fixed dispersion), so that relative
        errors grow as the mean falls: with the root of mean then / mean to come. Wider as the past
        is less the station's own: divided by the root of that part.
        """
        shift = self.mean / mean if mean > 0 else 1.0
        variance = (self.constant + self.level * relative**2) * shift + noise
        share = 1.0 if own is None else own.clip(LEAST_OWN, 1.0)
        return np.sqrt(variance / share)


def relative_to_mean(density: pd.Series, registered: pd.Series) -> pd.Series:
    """Density over its mean, weighted by registered voters; missing where the density is."""
    known = density.notna()
    mean = np.average(density[known], weights=registered[known]) if known.any() else np.nan
    return density / (mean if mean > 0 else np.nan)


def calibrate(
    tallies: Tallies,
    transition: Transition,
    method: Method,
    *,
    nominal: float = NOMINAL,
    seed: int = 0,
) -> Calibration:
    """Set the width of a score's intervals on a past transition, t0 thinned by halves.

    Raises TargetingError for a transition of too few stations.
    """
    if len(transition.stations) < LEAST_STATIONS:
        raise TargetingError(
            f"{transition.t0} to {transition.t1} has {len(transition.stations)} stations alike: "
            f"{LEAST_STATIONS} are wanted to calibrate an interval."
        )
    now = tallies[transition.t1].reindex(transition.stations)
    known = {e: t.reindex(transition.stations) for e, t in tallies.items() if e != transition.t1}
    seen, unseen = thin_tally(known[transition.t0], seed=seed, part=0.5)
    predicted = method({**known, transition.t0: seen}, transition)
    registered = transition.registered
    gain = label(unseen, now, "G", sign=transition.sign) / registered
    mean = float(np.average(gain, weights=registered))
    if mean <= 0:
        raise TargetingError(
            f"the target lost votes from {transition.t0} to {transition.t1} as a whole: no "
            "interval can be calibrated on it."
        )
    realised = gain / mean
    noise = label_noise(unseen, now, "G", sign=transition.sign) / mean**2
    relative = relative_to_mean(predicted, registered)
    usable = relative.notna().to_numpy()
    x, y, v = (s.to_numpy()[usable] for s in (relative, realised, noise))
    weight = registered.to_numpy()[usable]
    slope = float(np.clip((weight * (x - 1) * (y - 1)).sum() / (weight * (x - 1) ** 2).sum(), 0, 1))
    residual = y - (1 + slope * (x - 1))
    half = np.random.default_rng(seed).random(len(x)) < 0.5
    constant, level = _spread(x[half], residual[half], v[half])
    normal = residual[~half] / np.sqrt(constant + level * x[~half] ** 2 + v[~half])
    count = len(normal)
    rank = min(np.ceil((count + 1) * nominal) / count, 1.0)
    width = float(np.quantile(np.abs(normal), rank))
    quantiles = tuple(float(q) for q in np.quantile(normal, np.arange(1, 200) / 200))
    return Calibration(
        transition.t0,
        transition.t1,
        len(x),
        slope,
        constant,
        level,
        width,
        quantiles,
        mean,
        nominal,
    )


def _spread(x: np.ndarray, residual: np.ndarray, noise: np.ndarray) -> tuple[float, float]:
    """Variance of the residual beyond the binomial one: constant + level × x², neither negative."""
    from scipy.optimize import nnls

    clipped = np.minimum(residual**2, np.quantile(residual**2, 0.99))
    design = np.column_stack([np.ones_like(x), x**2])
    (constant, level), _ = nnls(design, np.maximum(clipped - noise, 0))
    return max(float(constant), 1e-6), float(level)


def interval(
    calibration: Calibration,
    density: pd.Series,
    registered: pd.Series,
    *,
    own: pd.Series | None = None,
    noise: pd.Series | None = None,
    level: float | None = None,
) -> pd.DataFrame:
    """Interval of each station's density, per registered voter.

    Parameters
    ----------
    density
        Predicted, per registered voter; missing where not known.
    registered
        People, on the same index.
    own
        Share of the past that is the station's own.
    noise
        Binomial variance of the density to come, relative to the squared mean; by default that of
        a rate of the mean's size in a roll of this size.
    level
        Mean density to come (the scenario's); that of `density` by default.

    Returns
    -------
    DataFrame
        `low`, `high`: never negative; missing where the density is.
    """
    known = density.notna()
    mean = float(np.average(density[known], weights=registered[known])) if known.any() else np.nan
    relative = relative_to_mean(density, registered)
    scale = mean if level is None else level
    if noise is None:
        noise = relative_noise(scale, registered)
    half = calibration.width * calibration.spread(relative, scale, noise, own)
    centre = calibration.centre(relative)
    low = np.minimum(centre - half, relative)  # the figure shown is never outside its interval
    high = np.maximum(centre + half, relative)
    return pd.DataFrame({"low": (scale * low).clip(lower=0), "high": (scale * high).clip(lower=0)})


def relative_noise(mean: float, registered: pd.Series) -> pd.Series:
    """Binomial variance of a difference of two rates of some 20 %, relative to the squared mean."""
    people = registered.where(registered > 0).astype("float64")
    return 2 * 0.2 * 0.8 / people / max(mean, 1e-6) ** 2


def coverage(
    bounds: pd.DataFrame, realised: pd.Series, groups: pd.Series, *, least: int = 15
) -> tuple[float, pd.Series]:
    """Share of stations whose realised density lies in its interval; and the same by group of at
    least so many stations."""
    inside = (realised >= bounds["low"]) & (realised <= bounds["high"])
    inside = inside[bounds["low"].notna() & realised.notna()]
    by = inside.groupby(groups.reindex(inside.index)).agg(["mean", "size"])
    return float(inside.mean()), by.loc[by["size"] >= least, "mean"]


# -- ranks -----------------------------------------------------------------------------------------


def draw_again(
    calibration: Calibration,
    score: pd.Series,
    registered: pd.Series,
    *,
    own: pd.Series | None = None,
    draws: int = RANK_DRAWS,
    seed: int = 0,
) -> np.ndarray:
    """What a score's stations may turn out to be, with the errors of the past: draw × station.

    `score` without missing values, all of one arena; only their order within a draw has a meaning.
    """
    return np.stack(list(_draws(calibration, score, registered, own, draws, seed)))


def _draws(
    calibration: Calibration,
    score: pd.Series,
    registered: pd.Series,
    own: pd.Series | None,
    draws: int,
    seed: int,
) -> Iterator[np.ndarray]:
    """The draws of `draw_again`, one at a time: those of all France together are 400 MB."""
    relative = relative_to_mean(score, registered)
    noise = relative_noise(calibration.mean, registered)
    spread = calibration.spread(relative, calibration.mean, noise, own).to_numpy()
    centre = calibration.centre(relative).to_numpy()
    chance = np.random.default_rng(seed)
    errors = np.asarray(calibration.quantiles, dtype="float32")
    for drawn in chance.integers(0, len(errors), (draws, len(score)), dtype="int16"):
        yield centre + spread * errors[drawn]


def first_ones(count: int, k: int | None) -> int:
    """How many stations “the first ones” are, of `count`: K if given, else TOP_SHARE of them."""
    return min(max(1, round(TOP_SHARE * count)) if k is None else k, count)


def top_k_probability(
    calibration: Calibration,
    score: pd.Series,
    registered: pd.Series,
    arena: pd.Series,
    *,
    k: int | None = None,
    own: pd.Series | None = None,
    draws: int = RANK_DRAWS,
    seed: int = 0,
) -> pd.Series:
    """How often each station is among the first K of its arena, drawn with the errors of the past.

    Missing where the score is: stations without rank.
    """
    ranked = score.dropna()
    found = pd.Series(np.nan, index=score.index, name="top_k_probability")
    for _, members in ranked.groupby(arena.reindex(ranked.index)):
        first = first_ones(len(members), k)
        share = None if own is None else own.reindex(members.index)
        people = registered.reindex(members.index)
        hits = np.zeros(len(members))
        for row in _draws(calibration, members, people, share, draws, seed):
            hits[np.argpartition(-row, first - 1)[:first]] += 1
        found.loc[members.index] = hits / draws
    return found


def rank_interval(
    calibration: Calibration,
    score: pd.Series,
    registered: pd.Series,
    *,
    own: pd.Series | None = None,
    draws: int = RANK_DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """`low` and `high` rank of each station of one arena at the calibration's nominal level.

    Missing where the score is. The rank that is shown is never outside its interval: the errors of
    the past draw the first ones towards the middle, and none of the draws may have one first.
    """
    ranked = score.dropna()
    share = None if own is None else own.reindex(ranked.index)
    people = registered.reindex(ranked.index)
    values = draw_again(calibration, ranked, people, own=share, draws=draws, seed=seed)
    ranks = np.argsort(np.argsort(-values, axis=1), axis=1) + 1
    tail = (1 - calibration.nominal) / 2
    low, high = np.quantile(ranks, [tail, 1 - tail], axis=0)
    own_rank = ranked.rank(method="first", ascending=False).to_numpy()
    table = pd.DataFrame(
        {"low": np.minimum(np.floor(low), own_rank), "high": np.maximum(np.ceil(high), own_rank)},
        index=ranked.index,
    )
    return table.reindex(score.index)
