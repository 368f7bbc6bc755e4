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

import pandas as pd

from targeting.config import Workspace
from targeting.workflows.imports import import_results, import_stations
from targeting.workflows.scores import score_stations, station_priorities
from targeting.workflows.setup import init_workspace

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"
NATIONAL = REAL / "results" / "national"


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
    low = [table("turnout", e).set_index("station_id") for e in ("2022_legi_t1", "2017_legi_t2")]
    absent = [1 - t["votes_cast"] / t["registered"].where(t["registered"] > 0) for t in low]
    mean = pd.concat(absent, axis=1).reindex(pres.index).mean(axis=1)
    return mean * ours / pres["valid_votes"].where(pres["valid_votes"] > 0)


def main() -> int:
    if not NATIONAL.is_dir():
        print("scores: the official files (../shared/data) are absent: NOT measured")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        init_workspace(workspace)
        files = sorted(NATIONAL.rglob("*.gz"))
        started = time.perf_counter()
        import_results(workspace, files)
        print(f"import of {len(files)} national files: {time.perf_counter() - started:.1f} s")
        import_stations(workspace, REAL / "cities/marseille/contours/bureaux_marseille.geojson")
        print(f"{'work':<34} {'ours s':>7} {'pandas s':>8} {'pandas/ours':>11} equal")
        wrong = 0
        for name, communes in (
            ("France, 69,682 stations", None),
            ("Marseille, 481 stations", ["13055"]),
        ):
            ours = median(lambda c=communes: score_stations(workspace, communes=c))
            plain = median(lambda c=communes: by_pandas(workspace, c[0] if c else None))
            scores = score_stations(workspace, communes=communes).scores.set_index("station_id")[
                "score"
            ]
            other = by_pandas(workspace, communes[0] if communes else None).reindex(scores.index)
            equal = bool(((scores - other).abs().fillna(0) < 1e-12).all())
            wrong += not equal
            print(
                f"{name:<34} {ours:>7.2f} {plain:>8.2f} {plain / ours:>11.1f} {'yes' if equal else 'NO'}"
            )
        scored = score_stations(workspace, communes=["13055"])
        print(
            f"{'priorities, Marseille':<34} {median(lambda: station_priorities(workspace, scored)):>7.2f}"
        )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
