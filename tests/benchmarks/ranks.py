"""Ranks and their intervals on official results: do they hold what they say, and what they cost.

`python -m tests.benchmarks.ranks [WORKSPACE]`: a workspace that holds the national results, else
they are imported once into a temporary one. Legislative 2024 is foreseen with what was known before
it. Nothing is written to a workspace given but its cache.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from targeting.codes import commune_of
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.maps.board import Board
from targeting.maps.cards.certainty import rank_words
from targeting.maps.cards.reasons import to_do
from targeting.reference.held import list_elections
from targeting.scoring.backtest import LEAST_REGISTERED, LEAST_VALID, Tallies
from targeting.scoring.basis import Basis
from targeting.scoring.cycles import basis_before, learning_transition
from targeting.scoring.intervals import calibrate
from targeting.scoring.rankings import gap_left
from targeting.scoring.ranks import (
    LEAST_IN_COMMUNE,
    SHIPPED_TAU,
    TOP_SHARE,
    WIDER,
    Z,
    expected_above,
    find_tau,
    first_chance,
    rank_bounds,
    read_above,
    score_of_tallies,
    sigma_of,
    widening,
)
from targeting.scoring.tallies import abstention_of, is_metropolitan, share_of
from targeting.workflows.imports.results import import_results
from targeting.workflows.setup import campaign_card, init_workspace
from targeting.workflows.stations.board import load_board, load_scored
from targeting.workflows.stations.scores import score_stations
from targeting.workflows.stations.tallies import load_tallies

REAL: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
NATIONAL: Final = REAL / "results" / "national"
T1: Final = "2024_legi_t1"
CITIES: Final = 45
"""Largest communes whose history is followed."""

CITY_MS, COUNTRY_S = 50, 3.0
"""What a city of 900 and a country may cost, in CPU."""


def by_codes(tallies: Tallies, basis: Basis) -> pd.DataFrame:
    """Stations of large communes by their codes of then: `x`, `v`, `later` stock, roll, `moved`."""
    now = tallies[T1]
    rows = pd.concat({e: tallies[e].reindex(now.index) for e in basis.elections}, axis=1)
    rolls = pd.concat([rows[e]["registered"] for e in basis.elections], axis=1)
    valid = pd.concat([rows[e]["valid_votes"] for e in basis.elections], axis=1)
    alike = (rolls >= LEAST_REGISTERED).all(axis=1) & (valid >= LEAST_VALID).all(axis=1)
    alike &= is_metropolitan(now.index) & (now["registered"] >= LEAST_REGISTERED)
    stations = now.index[alike]
    x, variance = score_of_tallies(tallies, basis, stations)
    times = widening(rolls.loc[stations], now["registered"].loc[stations])
    later = (abstention_of(now) * share_of(now)).loc[stations]
    table = pd.DataFrame(
        {"x": x, "v": variance, "later": later, "registered": now["registered"].loc[stations],
         "moved": times > 1, "commune": stations.to_series().map(commune_of)}
    )  # fmt: skip
    table = table[table["later"] > 0].dropna()
    sizes = table["commune"].map(table["commune"].value_counts())
    return table[sizes >= LEAST_IN_COMMUNE]


def ranked(table: pd.DataFrame, tau: float, times: pd.Series | float = 1.0) -> pd.DataFrame:
    """The interval of each station in its commune, whether its later rank lies in it, the chance to
    be among the first fifth and whether it was."""
    sigma = sigma_of(tau, table["v"], times)
    parts = []
    for _, rows in table.groupby("commune"):
        bounds = rank_bounds(rows["x"], sigma[rows.index])
        true = rows["later"].rank(ascending=False, method="first")
        k = max(1, round(TOP_SHARE * len(rows)))
        parts.append(
            pd.DataFrame(
                {"held": (true >= bounds["low"]) & (true <= bounds["high"]),
                 "width": (bounds["high"] - bounds["low"] + 1) / len(rows),
                 "said": first_chance(rows["x"], sigma[rows.index], k), "was": true <= k}
            )
        )  # fmt: skip
    return pd.concat(parts).reindex(table.index)


def show_coverage(tallies: Tallies) -> None:
    """Nominal four in five: by tau, by size, and where the roll moved; said → was."""
    basis = basis_before(tallies, T1)
    table = by_codes(tallies, basis)
    before = find_tau(tallies, before=T1)
    steady = table[~table["moved"]]
    print(
        f"legislative 2024 from {', '.join(basis.elections)}: {len(table):,} stations of "
        f"{table['commune'].nunique()} communes of {LEAST_IN_COMMUNE} or more, "
        f"{len(steady):,} of steady roll"
    )
    known = {
        "0 (sampling alone)": 0.0,
        f"{before.value:.3f} ({before.t1}, strictly before)": before.value,
        f"{SHIPPED_TAU} (shipped)": SHIPPED_TAU,
    }
    print(f"{'tau, steady rolls':<42} {'covered':>8} {'first fifth':>11} {'median width':>12}")
    for name, tau in known.items():
        found = ranked(steady, tau)
        first = found.loc[found["was"], "held"].mean()
        print(
            f"{name:<42} {found['held'].mean():>8.3f} {first:>11.3f} {found['width'].median():>12.1%}"
        )
    print("by size (registered), tau strictly before")
    found = ranked(steady, before.value)
    size = pd.cut(steady["registered"], [0, 600, 800, 1000, 1200, np.inf])
    for name, held in found["held"].groupby(size, observed=True):
        print(f"  {name!s:<20} {held.mean():.3f} ({len(held):,})")
    moved = table["moved"]
    for name, times in (("tau", 1.0), ("doubled", WIDER)):
        held = ranked(table, before.value, moved.map({True: times, False: 1.0}))["held"]
        print(f"rolls moved by over 10 %, {name:<8} {held[moved].mean():.3f} ({moved.sum():,})")
    print("said → was, among the first fifth, ten classes (tau strictly before)")
    classes = pd.cut(found["said"], np.linspace(0, 1, 11), include_lowest=True)
    for name, rows in found.groupby(classes, observed=True):
        said, was = rows["said"].mean(), rows["was"].mean()
        print(f"  {name!s:<14} {said:.2f} → {was:.2f} ({len(rows):,})")


def show_followed(workspace: Workspace, tallies: Tallies) -> None:
    """The same where histories are followed, as the map has them: by how much is a station's own."""
    tau = find_tau(tallies, before=T1).value
    now = tallies[T1]
    later = abstention_of(now) * share_of(now)
    metropolitan = now.index[is_metropolitan(now.index)]
    sizes = metropolitan.to_series().map(commune_of).value_counts()
    parts = []
    for commune in sizes.index[:CITIES]:
        try:
            scored = score_stations(workspace, communes=[commune])
        except TargetingError:  # no history to follow
            continue
        assert scored.errors is not None
        assert scored.calibrations is not None
        table = scored.scores.set_index("station_id").join(scored.errors)
        table["later"] = later.reindex(table.index)
        table = table.dropna(subset=["x", "sigma", "later"])
        table = table[table["later"] > 0]
        times = widening(table[["registered"]], table["registered"], table["history_share"])
        table["v"] = table["sigma"] ** 2 - (scored.calibrations.tau.value * times) ** 2
        table["times"], table["commune"] = times, commune
        parts.append(table)
    table = pd.concat(parts)
    one, wide = ranked(table, tau), ranked(table, tau, table["times"])
    print(f"histories followed, {table['commune'].nunique()} cities, {len(table):,} stations")
    print(f"{'past of its own':<18} {'stations':>8} {'tau':>6} {'widened':>8}")
    own = pd.cut(table["history_share"], [-1, 0.25, 0.5, 0.75, 0.9, 1.0], right=False)
    own = own.fillna(own.cat.categories[-1])
    for name, rows in table.groupby(own, observed=True):
        held = [found.loc[found.index.isin(rows.index), "held"].mean() for found in (one, wide)]
        print(f"{name!s:<18} {len(rows):>8,} {held[0]:>6.3f} {held[1]:>8.3f}")
    print(f"{'all':<18} {len(table):>8,} {one['held'].mean():>6.3f} {wide['held'].mean():>8.3f}")


def first_twenty(board: Board) -> None:
    """The twenty first of a board, with what is said of them."""
    for station in board.table.index[:20]:
        print(f"  {station}  {rank_words(board, station, 'fr')} {to_do(board, station, 'fr')}")


def cost(x: pd.Series, sigma: pd.Series) -> float:
    """CPU seconds of the intervals and chances of these stations; the least of three."""
    times = []
    for _ in range(3):
        started = time.process_time()
        rank_bounds(x, sigma)
        first_chance(x, sigma, round(TOP_SHARE * len(x)))
        times.append(time.process_time() - started)
    return min(times)


def show_cost(tallies: Tallies, basis: Basis) -> bool:
    """A city of 900 and France; how far the curve read between knots is from counting all pairs."""
    stations = tallies[basis.presidential].index
    x, variance = score_of_tallies(tallies, basis, stations)
    people = tallies[basis.presidential]["registered"]
    sigma = sigma_of(SHIPPED_TAU, variance)
    known = x.notna() & sigma.notna() & (people >= LEAST_REGISTERED)
    x, sigma = x[known], sigma[known]
    city, country = cost(x[:900], sigma[:900]), cost(x, sigma)
    at, width = x.to_numpy(), sigma.to_numpy()
    some = np.random.default_rng(0).choice(len(x), 500, replace=False)
    levels = np.concatenate([at[some] - Z * width[some], at[some] + Z * width[some]])
    ends = np.array([at.min() - 2, at.max() + 2])
    read = read_above(np.concatenate([levels, ends]), at, width)[: len(levels)]
    error = np.abs(read - expected_above(levels, at, width)).max()
    print(f"city of 900: {1000 * city:.0f} ms CPU (≤ {CITY_MS})")
    print(f"France, {len(x):,}: {country:.2f} s CPU (≤ {COUNTRY_S:.0f}); 500 stations against all "
          f"pairs: {error:.4f} of a rank at most")  # fmt: skip
    return 1000 * city <= CITY_MS and country <= COUNTRY_S and error < 0.5


def filled(folder: Path) -> Workspace:
    """A workspace with the national results and 2017's first round of legislatives."""
    workspace = Workspace(folder)
    init_workspace(workspace)
    tidy = REAL / "results/tidy_thirdparty/2017-legislatives-1_par_bureau_large.csv.gz"
    import_results(workspace, [*sorted(NATIONAL.rglob("*.gz")), tidy])
    return workspace


def main() -> int:
    if len(sys.argv) < 2 and not NATIONAL.is_dir():
        print("ranks: the official files (../shared/data) are absent: NOT measured")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        workspace = (
            Workspace(Path(sys.argv[1])) if len(sys.argv) > 1 else filled(Path(folder) / "w")
        )
        target = campaign_card(workspace).target
        tallies = load_tallies(workspace, list_elections(workspace), target=target)
        print(find_tau(tallies).told)
        show_coverage(tallies)
        show_followed(workspace, tallies)
        scored = score_stations(workspace, communes=["13055"])
        past = learning_transition(tallies, scored.basis)
        if past is not None:
            print(
                f"reservoir, as shipped from the same files: {calibrate(tallies, past, gap_left)}"
            )
        if campaign_card(workspace).communes == ["13055"]:
            print("Marseille, the twenty first")
            first_twenty(load_board(workspace, load_scored(workspace)))
        fine = show_cost(tallies, scored.basis)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
