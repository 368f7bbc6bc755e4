"""Scoring from imported data: France and one city, against ten lines of pandas on the same Parquet.

The files are imported once into a temporary workspace; what is timed begins at the Parquet files.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from targeting.config import Workspace
from targeting.scoring.ecological import infer_transfers
from targeting.workflows.imports.results import import_results
from targeting.workflows.imports.stations import import_stations
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations.backtest import backtest_workspace
from targeting.workflows.stations.scores import score_stations, station_priorities

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"
NATIONAL = REAL / "results" / "national"
LEAST_SAME = 0.99
"""Share of the stations without a note whose score is the plain one's: the others hold less than a
tenth of a neighbour's past."""


def median(work: Callable[[], object], repeat: int = 3) -> float:
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def by_pandas(workspace: Workspace, commune: str | None) -> pd.Series:
    """The same score, the obvious way: whole files, then filters."""
    left = ("MÉLENCHON", "JADOT", "ROUSSEL", "HIDALGO", "POUTOU", "ARTHAUD")

    def table(kind: str, election: str) -> pd.DataFrame:
        rows = pd.read_parquet(workspace.reference / kind / f"{election}.parquet")
        return rows[rows["station_id"].str.startswith(f"{commune}_")] if commune else rows

    pres = table("turnout", "2022_pres_t1").set_index("station_id")
    votes = table("votes", "2022_pres_t1")
    ours = votes[votes["candidate"].str.startswith(left)].groupby("station_id")["votes"].sum()
    low = [table("turnout", e).set_index("station_id") for e in ("2022_legi_t1", "2017_legi_t1")]
    absent = [1 - t["votes_cast"] / t["registered"].where(t["registered"] > 0) for t in low]
    mean = pd.concat(absent, axis=1).reindex(pres.index).mean(axis=1)
    return mean * ours / pres["valid_votes"].where(pres["valid_votes"] > 0)


def once(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def tiers(workspace: Workspace) -> None:
    """Methods, backtest and ecological inference, each against the plain pandas score of France."""
    yard = median(lambda: by_pandas(workspace, None))
    rng = np.random.default_rng(0)
    then = rng.multinomial(850, rng.dirichlet(np.full(6, 3.0)), 70_000).astype(float)
    now = np.stack([rng.permutation(row) for row in then[:1000]])[rng.integers(0, 1000, 70_000)]
    works = {
        "T0 + T1, France (≤ 5 s)": lambda: score_stations(workspace, method="shrunk"),
        "all tiers, France (≤ 20 s)": lambda: score_stations(workspace, method="ensemble"),
        "backtest 2022 → 2024 (≤ 30 s)": lambda: backtest_workspace(workspace, "2024_legi_t1"),
        "EI, 70,000 × 6 × 6 (≤ 4 s)": lambda: infer_transfers(then, now),
    }
    print(f"{'work':<34} {'ours s':>7} {'pandas score of France s':>25} {'ours/pandas':>11}")
    for name, work in works.items():
        ours = once(work)
        print(f"{name:<34} {ours:>7.2f} {yard:>25.2f} {ours / yard:>11.1f}")


def main() -> int:
    if not NATIONAL.is_dir():
        print("scores: the official files (../shared/data) are absent: NOT measured")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        init_workspace(workspace)
        tidy = REAL / "results/tidy_thirdparty/2017-legislatives-1_par_bureau_large.csv.gz"
        files = [*sorted(NATIONAL.rglob("*.gz")), tidy]
        started = time.perf_counter()
        import_results(workspace, files)
        print(f"import of {len(files)} national files: {time.perf_counter() - started:.1f} s")
        import_stations(workspace, REAL / "cities/marseille/contours/bureaux_marseille.geojson")
        print(
            f"{'work':<34} {'ours s':>7} {'pandas s':>8} {'pandas/ours':>11} equal (stations that stayed)"
        )
        wrong = 0
        for name, communes in (
            ("France, 69,682 stations", None),
            ("Marseille, 481 stations", ["13055"]),
        ):
            ours = median(lambda c=communes: score_stations(workspace, communes=c))
            plain = median(lambda c=communes: by_pandas(workspace, c[0] if c else None))
            table = score_stations(workspace, communes=communes).scores.set_index("station_id")
            scores = table.loc[table["reasons"] == "", "score"]  # no past to carry: same codes
            other = by_pandas(workspace, communes[0] if communes else None).reindex(scores.index)
            # the plain score takes codes for stations: equal where nothing was carried
            same = ((scores - other).abs() < 1e-12) | scores.isna()
            equal = bool(same.mean() >= LEAST_SAME)
            wrong += not equal
            print(
                f"{name:<34} {ours:>7.2f} {plain:>8.2f} {plain / ours:>11.1f} {same.mean():.1%} {'' if equal else 'TOO FEW'}"
            )
        scored = score_stations(workspace, communes=["13055"])
        tiers(workspace)
        print(
            f"{'priorities, Marseille':<34} {median(lambda: station_priorities(workspace, scored)):>7.2f}"
        )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
