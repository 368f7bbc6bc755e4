"""Would the score have been right? Rank with what was known before an election, and look.

The protocol of SCIENCE 3.1: the counts of t0 are thinned so that score and label share no noise,
stations whose roll moved are left out, and captures are pooled in three arenas. Tables in, tables
out; the chance has a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from targeting.codes import commune_of, held_on, parse_election_id
from targeting.errors import TargetingError
from targeting.scoring import capture as cap
from targeting.scoring.basis import ROUNDING, Basis
from targeting.scoring.tallies import (
    carry_constituencies,
    is_metropolitan,
    share_of,
    support_of,
    turnout_of,
)
from targeting.scoring.thinning import thin_tally

LEAST_CHANGE: Final = 0.10
"""Points of turnout by which a transition must move: under that the label is swing, not
mobilisation, and every score is negative (SCIENCE 3.3, legislative 2017 to European 2019)."""

SAME_SIZE: Final = 0.10
LEAST_REGISTERED: Final = 100
LEAST_VALID: Final = 20
"""Filters of SCIENCE 3.1: |Δ registered| at most a tenth, R ≥ 100, E ≥ 20 at each round used."""

DRAWS: Final = 5
LABELS: Final = ("G", "M")
"""G: net additional votes for the target. M: added voters × later share of the target."""

Tallies = Mapping[str, pd.DataFrame]
"""election_id → counts of its stations (see `tallies.build_tally`)."""

Method = Callable[[Tallies, "Transition"], pd.Series]
"""A score of the stations of a transition, from tallies of before t1 alone, all on its index."""


@dataclass(frozen=True)
class Transition:
    """From the elections known (`basis`) to one that came after.

    t0 is what the label subtracts: the last low-turnout round when turnout rises (sign 1), the
    presidential one when it falls (sign −1: the label is then what was lost).
    change: points of turnout from t0 to t1, on the stations kept.
    """

    basis: Basis
    t0: str
    t1: str
    sign: int
    change: float
    stations: pd.Index
    registered: pd.Series
    constituency: pd.Series
    arenas: tuple[cap.Arena, ...]
    dropped: dict[str, int]

    @property
    def communes(self) -> pd.Series:
        """Commune of each station."""
        return self.stations.to_series().map(commune_of)

    @property
    def known(self) -> tuple[str, ...]:
        return self.basis.elections


def build_transition(
    tallies: Tallies, basis: Basis, t1: str, *, t0: str | None = None
) -> Transition:
    """Choose the stations and arenas of a transition.

    Parameters
    ----------
    tallies
        Of every election of `basis` and of t1, each station under its code of then.
    basis
        Elections known before t1.
    t1
        The election to foresee.
    t0
        What the label subtracts; chosen by how turnout moved if not given.

    Raises
    ------
    TargetingError
        If turnout moves by less than ten points, if t0 is not before t1, or if no station passes
        the filters.
    """
    _refuse_unknown(tallies, t1, t0)
    t0 = t0 or _reference(tallies, basis, t1)
    used = list(dict.fromkeys([basis.presidential, basis.latest_low, t0, t1]))
    stations, dropped = kept_stations(tallies, used)
    change = _turnout(tallies[t1], stations) - _turnout(tallies[t0], stations)
    if abs(change) < LEAST_CHANGE - ROUNDING:
        raise TargetingError(
            f"turnout moves by {100 * change:+.1f} points from {t0} to {t1}: under "
            f"{100 * LEAST_CHANGE:.0f} points what changes hands is swing, not abstention, and "
            "every score looks wrong. Choose an election with another turnout."
        )
    before = {e: tallies[e] for e in used if e != t1}
    constituency = carry_constituencies(before, stations)
    registered = tallies[t1]["registered"].reindex(stations).astype("float64")
    arenas = _arenas(tallies, used, constituency, registered)
    sign = 1 if change > 0 else -1
    return Transition(
        basis, t0, t1, sign, float(change), stations, registered, constituency, arenas, dropped
    )


def _refuse_unknown(tallies: Tallies, t1: str, t0: str | None) -> None:
    absent = [e for e in (t1, t0) if e is not None and e not in tallies]
    if absent:
        raise TargetingError(
            f"{', '.join(absent)} is not among the elections imported ({', '.join(tallies)})."
        )
    if t0 is not None and held_on(parse_election_id(t0)) >= held_on(parse_election_id(t1)):
        raise TargetingError(f"{t0} is not before {t1}: a backtest looks forward.")


def _reference(tallies: Tallies, basis: Basis, t1: str) -> str:
    """The low round if turnout rises from it by ten points or more, else the presidential one."""
    both = tallies[t1].index.intersection(tallies[basis.latest_low].index)
    rise = _turnout(tallies[t1], both) - _turnout(tallies[basis.latest_low], both)
    both = tallies[t1].index.intersection(tallies[basis.presidential].index)
    fall = _turnout(tallies[basis.presidential], both) - _turnout(tallies[t1], both)
    return basis.latest_low if rise >= min(LEAST_CHANGE, fall) - ROUNDING else basis.presidential


def _turnout(tally: pd.DataFrame, stations: pd.Index) -> float:
    rows = tally.reindex(stations)
    return float(rows["votes_cast"].sum() / max(rows["registered"].sum(), 1))


def kept_stations(tallies: Tallies, used: Sequence[str]) -> tuple[pd.Index, dict[str, int]]:
    """Stations alike in all the rounds used (t1 last), and how many each filter takes away, in
    order. Raises TargetingError if none is left."""
    *before, t1 = used
    now = tallies[t1]
    metropolitan = is_metropolitan(now.index)
    if not metropolitan.any():  # a workspace of one place overseas, or the invented town
        metropolitan[:] = True
    tests: dict[str, pd.Series] = {"outside metropolitan France": metropolitan}
    there = pd.Series(data=True, index=now.index)
    for election in before:
        there &= tallies[election]["registered"].reindex(now.index).notna()
    tests["code not found before"] = there
    large, valid, same = there.copy(), there.copy(), there.copy()
    for election in used:
        rows = tallies[election].reindex(now.index)
        large &= rows["registered"] >= LEAST_REGISTERED
        valid &= rows["valid_votes"] >= LEAST_VALID
        same &= (rows["registered"] - now["registered"]).abs() <= SAME_SIZE * now["registered"]
    tests["fewer than 100 registered"] = large
    tests["fewer than 20 valid votes"] = valid
    tests["roll moved by more than 10 %"] = same
    left, dropped = pd.Series(data=True, index=now.index), {}
    for name, passed in tests.items():
        dropped[name] = int((left & ~passed).sum())
        left &= passed
    if not left.any():
        raise TargetingError(
            f"no station of {t1} passes the filters of the backtest ({dropped}): import the "
            "elections before it for the same communes."
        )
    return pd.Index(now.index[left], name="station_id"), dropped


def _arenas(
    tallies: Tallies, used: Sequence[str], constituency: pd.Series, registered: pd.Series
) -> tuple[cap.Arena, ...]:
    t1 = tallies[used[-1]].index
    communes = registered.index.to_series().map(commune_of)
    everywhere = carry_constituencies({e: tallies[e] for e in used[:-1]}, t1)
    whole = pd.Series("all", index=registered.index)
    arenas = (
        cap.build_arena("national", whole, whole, registered),
        cap.build_arena("constituency", constituency, everywhere.dropna(), registered),
        cap.build_arena(
            "commune", communes, t1.to_series().map(commune_of), registered, least=cap.LEAST_KEPT
        ),
    )
    return tuple(a for a in arenas if len(a.rows))


# -- labels ----------------------------------------------------------------------------------------


def label(t0: pd.DataFrame, t1: pd.DataFrame, kind: str, *, sign: int = 1) -> pd.Series:
    """Gains of each station, in people (SCIENCE 3.1), t0 scaled to the roll of t1.

    G = L_t1 − L_t0 R_t1 / R_t0; M = (V_t1 − V_t0 R_t1 / R_t0) × L_t1 / E_t1. Where turnout falls
    (`sign` −1) both are counted as losses, and M takes the share of t0.
    """
    roll = t1["registered"]
    if kind == "G":
        return sign * roll * (support_of(t1) - support_of(t0))
    share = share_of(t1) if sign > 0 else share_of(t0)
    return (sign * roll * (turnout_of(t1) - turnout_of(t0)) * share).fillna(0.0)


def label_noise(t0: pd.DataFrame, t1: pd.DataFrame, kind: str, *, sign: int = 1) -> pd.Series:
    """Binomial variance of the label per registered voter, of the counts of both rounds."""
    if kind == "G":
        rates = [(support_of(t), t["registered"]) for t in (t0, t1)]
        return sum((p * (1 - p) / n for p, n in rates), start=pd.Series(0.0, index=t1.index))
    rates = [(turnout_of(t), t["registered"]) for t in (t0, t1)]
    moved = turnout_of(t1) - turnout_of(t0)
    source = t1 if sign > 0 else t0
    share = share_of(source).fillna(0.0)
    turnout = sum((p * (1 - p) / n for p, n in rates), start=pd.Series(0.0, index=t1.index))
    return share**2 * turnout + moved**2 * share * (1 - share) / source["valid_votes"].clip(lower=1)


# -- draws -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Backtest:
    """What each method captured.

    figures: one row an arena, label and method: mean and sd over draws of `capture_05` to
    `capture_50`, `te_20`, `qini`, `spearman`, `beats_naive`, `slope`.
    curves: mean gain curve on capture.GRID, same index. oracles: arena, label → Oracle.
    groups: per arena, label and method, gains captured at 20 % by group, mean over draws (people).
    """

    transition: Transition
    figures: pd.DataFrame
    curves: dict[tuple[str, str, str], np.ndarray]
    oracles: dict[tuple[str, str], cap.Oracle]
    groups: dict[tuple[str, str, str], np.ndarray]
    totals: dict[tuple[str, str], np.ndarray]
    draws: int


def run_backtest(
    tallies: Tallies,
    transition: Transition,
    methods: Mapping[str, Method],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Backtest:
    """Rank the stations of a transition by each method, `draws` times, and measure.

    Methods see the tallies of before t1 with t0 thinned; the label has the other voters of t0.
    `naive` must be among the methods for `beats_naive` to be told.
    """
    now = tallies[transition.t1].reindex(transition.stations)
    end = held_on(parse_election_id(transition.t1))
    known = {
        e: t.reindex(transition.stations)
        for e, t in tallies.items()
        if held_on(parse_election_id(e)) < end
    }
    then = known[transition.t0]
    oracles = _oracles(transition, then, now)
    rows: list[dict[str, object]] = []
    curves: dict[tuple[str, str, str], list[np.ndarray]] = {}
    groups: dict[tuple[str, str, str], list[np.ndarray]] = {}
    totals: dict[tuple[str, str], list[np.ndarray]] = {}
    for draw in range(draws):
        seen, unseen = thin_tally(then, seed=seed * 1000 + draw)
        world = {**known, transition.t0: seen}
        scores = {
            name: method(world, transition).to_numpy(dtype="float64")
            for name, method in methods.items()
        }
        gains = {k: label(unseen, now, k, sign=transition.sign).to_numpy() for k in LABELS}
        for arena in transition.arenas:
            best = {k: cap.rank_stations(arena, g[arena.rows]) for k, g in gains.items()}
            for name, score in scores.items():
                values = score[arena.rows]
                ranking = cap.rank_stations(arena, values)
                for kind, all_gains in gains.items():
                    key, mine = (arena.name, kind, name), all_gains[arena.rows]
                    curve = cap.gain_curve(ranking, mine)
                    curves.setdefault(key, []).append(curve)
                    taken = cap.captured(ranking, mine, cap.HEADLINE)
                    groups.setdefault(key, []).append(taken)
                    rows.append(
                        {
                            "arena": arena.name, "label": kind, "method": name, "draw": draw,
                            **_figures(ranking, values, mine, curve, oracles[arena.name, kind]),
                            "spearman": cap.rank_agreement(ranking, best[kind]),
                        }
                    )  # fmt: skip
            for kind, all_gains in gains.items():
                sums = np.bincount(arena.group, all_gains[arena.rows], len(arena.labels))
                totals.setdefault((arena.name, kind), []).append(sums)
    mean_groups = {k: np.mean(v, axis=0) for k, v in groups.items()}
    return Backtest(
        transition,
        _summary(pd.DataFrame(rows), mean_groups),
        {k: np.mean(v, axis=0) for k, v in curves.items()},
        oracles,
        mean_groups,
        {k: np.mean(v, axis=0) for k, v in totals.items()},
        draws,
    )


def _oracles(
    transition: Transition, then: pd.DataFrame, now: pd.DataFrame
) -> dict[tuple[str, str], cap.Oracle]:
    found = {}
    for kind in LABELS:
        gains = label(then, now, kind, sign=transition.sign) / now["registered"]
        noise = label_noise(then, now, kind, sign=transition.sign)
        for arena in transition.arenas:
            found[arena.name, kind] = cap.build_oracle(
                arena, gains.to_numpy()[arena.rows], noise.to_numpy()[arena.rows]
            )
    return found


def _figures(
    ranking: cap.Ranking,
    score: np.ndarray,
    gains: np.ndarray,
    curve: np.ndarray,
    oracle: cap.Oracle,
) -> dict[str, float]:
    figures = {
        f"capture_{round(100 * x):02d}": float(np.interp(x, cap.GRID, curve)) for x in cap.BUDGETS
    }
    top = cap.HEADLINE
    figures["te_20"] = cap.efficiency(figures["capture_20"], oracle.at(top), top)
    figures["qini"] = cap.qini(curve, oracle.middle)
    registered = ranking.arena.registered
    figures["slope"] = cap.slope(ranking.arena, score, gains / registered)
    return figures


def _summary(rows: pd.DataFrame, groups: dict[tuple[str, str, str], np.ndarray]) -> pd.DataFrame:
    keys = ["arena", "label", "method"]
    by = rows.drop(columns="draw").groupby(keys, sort=False)
    spread = by["capture_20"].std(ddof=1).rename("capture_20_sd")
    table = by.mean().join(spread)
    beats = {}
    for arena, kind, name in table.index:
        naive = groups.get((arena, kind, "naive"))
        mine = groups[arena, kind, name]
        if naive is not None:
            wins = (mine > naive + 1e-9).mean() + (np.abs(mine - naive) <= 1e-9).mean() / 2
            beats[arena, kind, name] = float(wins)
    table["beats_naive"] = pd.Series(beats, dtype="float64").reindex(table.index)
    return table
