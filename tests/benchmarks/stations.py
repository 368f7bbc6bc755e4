"""Outlines built from addresses, and stations through time, each against the usual way.

Outlines of 100,000 addresses against shapely's cells and geopandas' dissolve; six national rounds
followed to now against the same codes taken for the same stations.

An invented city: addresses along streets, fifty to a hundred stations of a thousand addresses drawn
around centres, a share of addresses in a neighbour's station. The baseline dissolves the cells of
all points by station and clips each to the city: no islands absorbed, no check. Seconds are the
processor's, of one core: both ways have one thread.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from targeting.config import Workspace
from targeting.stations.built import build_outlines
from targeting.stations.flows import communes_of
from targeting.stations.history import Round, build_history
from targeting.stations.ledger import build_ledger, carried_error, ledger_counts
from targeting.workflows.imports.results import import_results
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations.history import load_rounds

NATIONAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "results" / "national"
ADDRESSES = 100_000
PER_STATION = 1000
ASTRAY = 0.005
BUDGET_S = 10.0
"""Asked for: a city of 100,000 addresses in ten seconds on one core."""


def city(addresses: int, seed: int = 7) -> tuple[pd.DataFrame, shapely.Polygon]:
    """Points on streets every 80 m, a number every 12 m or so, in a square city."""
    chance = np.random.default_rng(seed)
    side = float(np.sqrt(addresses * 12 * 80 / 2))
    along, across = (
        chance.uniform(0, side, addresses),
        chance.integers(0, int(side / 80), addresses) * 80,
    )
    turned = chance.random(addresses) < 0.5
    x = np.where(turned, along, across) + chance.normal(0, 6, addresses)
    y = np.where(turned, across, along) + chance.normal(0, 6, addresses)
    centres = chance.uniform(0, side, (addresses // PER_STATION, 2))
    _, near = cKDTree(centres).query(np.column_stack([x, y]), k=2)
    astray = (chance.random(addresses) < ASTRAY).astype(int)
    station = near[np.arange(addresses), astray]
    points = pd.DataFrame(
        {
            "station_id": pd.Series([f"99001_{n:04d}" for n in station], dtype="str"),
            "vintage": "2022",
            "commune_code": "99001",
            "x": 600_000 + np.round(x, 2),
            "y": 6_600_000 + np.round(y, 2),
            "address_id": [
                f"99001_{int(t)}{int(line):06d}_{int(number):05d}"
                for t, line, number in zip(turned, across, along // 6, strict=True)
            ],
            "weight": chance.integers(1, 30, addresses).astype(float),
        }
    )
    commune = shapely.box(599_950, 6_599_950, 600_050 + side, 6_600_050 + side)
    return points, commune


def by_dissolve(points: pd.DataFrame, commune: shapely.Polygon) -> gpd.GeoDataFrame:
    """The same outlines, the obvious way."""
    one = points.drop_duplicates(["x", "y"]).reset_index(drop=True)
    places = shapely.MultiPoint(one[["x", "y"]].to_numpy())
    cells = shapely.get_parts(shapely.voronoi_polygons(places, extend_to=commune, ordered=True))
    layer = gpd.GeoDataFrame(one[["station_id"]], geometry=cells, crs="EPSG:2154")
    return layer.dissolve("station_id").clip(commune)


def main() -> int:
    points, commune = city(ADDRESSES)
    started = time.process_time()
    built = build_outlines(points, commune)
    ours = time.process_time() - started
    started = time.process_time()
    plain = by_dissolve(points, commune)
    theirs = time.process_time() - started
    exact = built.is_coverage and max(built.gap, built.overlap) < 1e-6
    their_parts = len(shapely.get_parts(plain.geometry.to_numpy()))
    our_parts = len(shapely.get_parts(built.stations.geometry.to_numpy()))
    print(
        f"{'outlines of ' + format(ADDRESSES, ',') + ' addresses':<34} {'CPU s':>7} {'parts':>7} partition"
    )
    print(f"{'shapely cells, geopandas dissolve':<34} {theirs:>7.2f} {their_parts:>7,}")
    print(f"{'ours':<34} {ours:>7.2f} {our_parts:>7,} {'exact' if exact else 'NOT EXACT'}")
    print(
        f"dissolve/ours {theirs / ours:.1f}; {len(built.stations)} stations, "
        f"{built.inside_share:.2%} of voters inside their own, {built.fragments} fragments absorbed; "
        f"budget {BUDGET_S:.0f} s {'held' if ours <= BUDGET_S else 'MISSED'}"
    )
    return max(int(not exact or ours > BUDGET_S), history_of_france())


# -- history ---------------------------------------------------------------------------------------

ROUNDS = {
    "2017_pres_t1": "PR17_BVot_T1_FE.txt.gz",
    "2017_legi_t2": "Leg_2017_Resultats_BVT_T2_c.txt.gz",
    "2022_pres_t1": "pr2022/resultats-par-niveau-burvot-t1-france-entiere.txt.gz",
    "2022_legi_t1": "lg2022/resultats-par-niveau-burvot-t1-france-entiere.txt.gz",
    "2022_legi_t2": "lg2022/resultats-par-niveau-burvot-t2-france-entiere.txt.gz",
    "2024_legi_t1": "lg2024_t1/resultats-definitifs-par-bureau-de-vote.csv.gz",
}
HISTORY_BUDGET_S = 30.0
"""Asked for: 70,000 stations over six rounds in half a minute."""


def by_code(rounds: list[Round], now: pd.DataFrame) -> dict[str, float]:
    """The usual way: a station is its code. Error of the rolls it predicts, per vintage."""
    errors = {}
    communes = communes_of(now["station_id"])
    for of in rounds:
        there = now[communes.isin(of.communes)]
        registered = there.set_index("station_id")["registered"]
        then = of.rolls.set_index("station_id")["registered"].reindex(registered.index)
        table = pd.DataFrame({"registered": registered, "registered_carried": then.fillna(0.0)})
        errors[of.vintage] = carried_error(table.reset_index())
    return errors


def history_of_france() -> int:
    """Six national rounds followed to now, beside the same codes taken for the same stations."""
    if not NATIONAL.is_dir():
        print("history: the official files (../shared/data) are absent: NOT measured")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        init_workspace(workspace)
        import_results(workspace, [NATIONAL / file for file in ROUNDS.values()])
        started = time.perf_counter()
        rounds = load_rounds(workspace)
        loaded = time.perf_counter() - started
    started = time.perf_counter()
    history = build_history(rounds)
    built = time.perf_counter() - started
    started = time.perf_counter()
    counts = ledger_counts(build_ledger(history, rounds))
    told = time.perf_counter() - started
    started = time.perf_counter()
    plain = by_code(rounds, history.now)
    theirs = time.perf_counter() - started
    print(
        f"history of {sum(len(r.rolls) for r in rounds):,} stations of six rounds: rolls and votes "
        f"{loaded:.1f} s, history {built:.1f} s, ledger {told:.1f} s (same codes: {theirs:.1f} s); "
        f"budget {HISTORY_BUDGET_S:.0f} s {'held' if built <= HISTORY_BUDGET_S else 'MISSED'}"
    )
    print(f"{'vintage':<14} {'error':>7} {'sure':>7} {'by code':>8} {'uncertain':>10}")
    for row in counts.itertuples():
        print(
            f"{row.Index:<14} {row.error:>7.1%} {row.error_sure:>7.1%} {plain[row.Index]:>8.1%} "
            f"{row.uncertain_share:>10.1%}"
        )
    return int(built > HISTORY_BUDGET_S)


if __name__ == "__main__":
    sys.exit(main())
