"""Turf cutting: seconds, memory, balance, walk, barriers and sides, ours beside its rivals.

    python -m tests.benchmarks.turfs [--quick] [--worlds 5000,50000,240000,50000:sparse,marais,…]
        [--engines "ours, fast,METIS"] [--seconds 30] [--repeat 3] [--no-streets] [--json]

Each engine cuts each world in a process of its own, so that its memory is its own. Turfs of 50
doors; buildings of 0.9 turf and more are taken out first, the same for all. `graph` and `cut` are
seconds (best of --repeat), `cut` with the walking order, for rivals found by our kernel; `polish`
is what the polish adds to the fast cut. `bound` is the least spanning forest with as many trees as
turfs: no set of walks is shorter.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from targeting.turf import build_street_graph, cut_turfs, warm_kernels
from targeting.turf.cut import Cut
from targeting.turf.kernels.arrays import scratch_of
from targeting.turf.towers import TOWER_SHARE
from targeting.turf.walk import FEW_KICKS, KICKS, walk_labels

from .city import World, world_of
from .measures import (
    barred_turfs,
    bound_m,
    fill_all,
    jump_share,
    leg_lengths,
    misses,
    one_piece_share,
    runs_of,
    side_shares,
)
from .rivals import RIVALS, Task

DOORS = 50.0
WORLDS = "5000,50000,240000,50000:sparse,marais,monaco,lemans"
QUICK = "5000,marais"
OURS = ("ours, fast", "ours, polished")
GOALS = {"in10": 0.98, "x_bound": 1.20, "no_way": 0, "split": 0, "lost": 0, "fast_50k_s": 1.0,
         "fast_240k_s": 4.0, "polish_240k_s": 40.0, "peak_240k_mb": 700.0, "matrices_s": 0.5}  # fmt: skip


def memory_mb(field: str) -> float:
    """A figure of this process: VmRSS now, VmHWM at its highest since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return float(status.split(f"{field}:")[1].split()[0]) / 1024


def forget_peak() -> None:
    """Count the peak of memory from now."""
    Path("/proc/self/clear_refs").write_text("5")


def best_time(repeat: int, do: Callable[[], Any]) -> tuple[float, Any]:
    """Least seconds of some runs, and what the last gave."""
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        given = do()
        seconds.append(time.perf_counter() - started)
    return min(seconds), given


def measure(name: str, engine: str, options: argparse.Namespace) -> dict[str, object]:
    """One engine on one world, in this process."""
    world = world_of(name)
    warm_kernels()
    forget_peak()
    before_mb = memory_mb("VmRSS")
    streets = None if options.no_streets else world.streets
    is_ours = engine in OURS
    graph_s, graph = best_time(
        options.repeat if is_ours else 1, lambda: build_street_graph(world.buildings, streets)
    )
    doors = world.buildings["dwellings"].to_numpy().astype(float)
    kept = np.flatnonzero(world.visited & (doors < TOWER_SHARE * DOORS) & ~graph.is_far)
    rows = world.buildings.iloc[kept]
    places = graph.positions(rows["building_id"])
    row: dict[str, object] = {"world": name, "engine": engine, "addresses": int(kept.size)}
    if is_ours:
        row |= cut_by_us(world, graph, rows, engine, options)
    else:
        row |= cut_by_rival(graph, rows, places, doors[kept], engine, options)
    row["extra_mb"] = memory_mb("VmHWM") - before_mb
    row["peak_mb"] = memory_mb("VmHWM")
    row["graph"] = graph_s if is_ours or engine.startswith("METIS") or engine == "PyVRP" else 0.0
    labels = np.unique(row.pop("labels"), return_inverse=True)[1].astype(np.int64)  # type: ignore[call-overload]
    size = np.bincount(labels, doors[kept])
    if is_ours:  # with the doors of big buildings that go with others, of which rivals have none
        size = row.pop("sizes").reindex(range(size.size)).to_numpy()  # type: ignore[attr-defined]
        row["misses"] = misses(size, doors[kept], labels, rows)
    row |= balance(size)
    return row | judged(world, labels, rows, places, graph if streets is not None else None)


def balance(size: np.ndarray) -> dict[str, object]:
    """How equal turfs are, in doors."""
    off = np.abs(size / size.mean() - 1) - 1e-9
    return {
        "turfs": size.size,
        "in10": float((off <= 0.1).mean()),
        "in20": float((off <= 0.2).mean()),
        "max_mean": float(size.max() / size.mean()),
    }


def excluded_of(world: World) -> pd.Series:
    """Those not to be visited, with their reason."""
    ids = world.buildings.loc[~world.visited, "building_id"]
    return pd.Series("not_chosen", index=ids)


def cut_by_us(
    world: World, graph: Any, rows: pd.DataFrame, engine: str, options: argparse.Namespace
) -> dict[str, object]:
    """Labels of ours, seconds, and what must never be: split buildings, lost doors."""

    def cut(*, fast: bool) -> Cut:
        return cut_turfs(
            world.buildings, graph, doors=DOORS, fast=fast, excluded=excluded_of(world)
        )

    fast_s, found = best_time(options.repeat, lambda: cut(fast=True))
    cut_s = fast_s
    if engine == "ours, polished":
        again = options.repeat if len(rows) < 100_000 else 1
        cut_s, found = best_time(again, lambda: cut(fast=False))
    stops = found.stops.merge(
        world.buildings[["building_id", "dwellings"]], on="building_id", suffixes=("", "_all")
    )
    parts = stops[stops["dwellings_all"] < TOWER_SHARE * DOORS].groupby("building_id").size()
    turf = found.stops.drop_duplicates("building_id").set_index("building_id")["turf_id"]
    labels, turf_ids = pd.factorize(turf.reindex(rows["building_id"]), sort=True)
    there = found.stops["dwellings"].sum() + found.excluded["dwellings"].sum()
    return {
        "labels": labels,
        "sizes": found.turfs.set_index("turf_id")["n_doors"].loc[turf_ids].reset_index(drop=True),
        "cut": fast_s,
        "polish": cut_s - fast_s if engine == "ours, polished" else 0.0,
        "split": int((parts > 1).sum()),
        "lost": int(world.buildings["dwellings"].sum() - there),
        "longest_m": float(found.turfs["longest_leg_m"].max()),
    }


def cut_by_rival(
    graph: Any,
    rows: pd.DataFrame,
    places: np.ndarray,
    doors: np.ndarray,
    engine: str,
    options: argparse.Namespace,
) -> dict[str, object]:
    """Labels of a rival, and seconds with the walking order that it needs as well."""
    turfs = max(1, round(doors.sum() / DOORS))
    task = Task(rows, graph, places, doors, turfs, options.seconds)
    cut_s, labels = best_time(1, lambda: RIVALS[engine][0](task))
    tidy = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    ways = graph.walk_net.of(places)
    walk_s, _ = best_time(1, lambda: walk_labels(ways, tidy, kicks=FEW_KICKS, seed=0))
    return {"labels": labels, "cut": cut_s + walk_s, "polish": 0.0, "split": 0, "lost": 0}


def judged(
    world: World, labels: np.ndarray, rows: pd.DataFrame, places: np.ndarray, graph: Any
) -> dict[str, object]:
    """What the cut is worth, on the drawn streets whatever it was cut on."""
    graph = graph or build_street_graph(world.buildings, world.streets)
    ways = graph.walk_net.of(places)
    order, walks, _ = walk_labels(ways, labels, kicks=KICKS, seed=0)
    facing, sides = side_shares(graph, places, labels)
    xy = rows[["x", "y"]].to_numpy()
    barred = barred_turfs(xy, order, labels, leg_lengths(ways, order, labels), world.barriers)
    members, starts = runs_of(labels)
    scratch = scratch_of(ways)
    fill_all(members[: starts[1]], starts[:2], ways, scratch)
    matrices_s, _ = best_time(3, lambda: fill_all(members, starts, ways, scratch))
    return {
        "one_piece": one_piece_share(graph, places, labels),
        "gap250": jump_share(ways, labels),
        "walk_km": float(walks.sum()) / 1000,
        "x_bound": float(walks.sum()) / bound_m(graph, places, walks.size),
        "over": barred[0],
        "no_way": barred[1],
        "sides": sides,
        "facing": facing,
        "matrices": matrices_s,
    }


def in_own_process(world: str, engine: str, given: list[str]) -> dict[str, object] | str:
    """The row of an engine, or one line that says why there is none."""
    run = [sys.executable, "-m", "tests.benchmarks.turfs", *given, "--here", world, engine]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    last = (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
    if "ModuleNotFoundError" in last:
        return f"{world}: {engine}: NOT RUN, not installed ({last.split(':', 1)[1].strip()}; requirements-bench.txt)"
    if "FileNotFoundError" in last:
        return f"{world}: {engine}: NOT RUN, real file absent ({last.split(':', 1)[1].strip()})"
    return f"{world}: {engine}: FAILED: {last}"


SHOWN = {
    "world": "world", "engine": "engine", "graph": "graph", "cut": "cut", "polish": "polish",
    "extra_mb": "MB", "turfs": "turfs", "in10": "in10", "in20": "in20", "max_mean": "max/mean",
    "one_piece": "1 piece", "gap250": "gap250", "walk_km": "walk km", "x_bound": "x bound",
    "over": "over", "no_way": "no way", "split": "split", "lost": "lost", "sides": "sides",
    "facing": "facing",
}  # fmt: skip
ROUND = {"graph": 2, "cut": 2, "polish": 1, "MB": 0, "in10": 3, "in20": 3, "max/mean": 2,
         "1 piece": 3, "gap250": 4, "walk km": 1, "x bound": 3, "sides": 3, "facing": 3}  # fmt: skip


def verdicts(rows: list[dict[str, Any]]) -> list[str]:
    """Each goal: held, or missed by how much."""
    lines = []

    def say(name: str, value: float, goal: float, *, least: bool = False) -> None:
        held = value >= goal if least else value <= goal
        lines.append(
            f"  {'held  ' if held else 'MISSED'}  {name}: {value:.4g} (goal {'≥' if least else '≤'} {goal:g})"
        )

    for row in rows:
        world, size = str(row["world"]), str(row["world"])
        if row["engine"] == "ours, polished":
            say(f"{world}: share within 10 %", row["in10"], GOALS["in10"], least=True)
            if ":" not in world:
                say(f"{world}: walk over bound", row["x_bound"], GOALS["x_bound"])
            for name in ("no_way", "split", "lost"):
                say(f"{world}: {name}", row[name], GOALS[name])
            if size == "240000":
                say("240000: polish, s", row["polish"], GOALS["polish_240k_s"])
                say("240000: peak of the whole, MB", row["peak_mb"], GOALS["peak_240k_mb"])
                say("240000: matrices inside all turfs, s", row["matrices"], GOALS["matrices_s"])
        elif row["engine"] == "ours, fast" and size in ("50000", "240000"):
            goal = GOALS["fast_50k_s" if size == "50000" else "fast_240k_s"]
            say(f"{size}: graph + cut + walk, s", row["graph"] + row["cut"], goal)
    return lines


def shown(rows: list[dict[str, Any]]) -> None:
    """The table, why turfs are out of balance, the goals."""
    pd.set_option("display.width", 250)
    table = pd.DataFrame(rows).reindex(columns=list(SHOWN)).rename(columns=SHOWN).round(ROUND)
    print(table.to_string(index=False))
    for row in rows:
        if row["engine"] == "ours, polished":
            print(
                f"{row['world']}, polished: {row['misses']}; longest leg {row['longest_m']:.0f} m"
            )
    print(f"goals (load of the machine now: {os.getloadavg()[0]:.1f}):")
    print("\n".join(verdicts(rows)))


def main() -> int:
    """Measure each engine on each world, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--worlds", default=WORLDS)
    parser.add_argument("--engines", help="all, unless told; with ';' between")
    parser.add_argument("--quick", action="store_true", help=f"worlds {QUICK}")
    parser.add_argument("--seconds", type=float, default=30.0, help="PyVRP's search")
    parser.add_argument("--repeat", type=int, default=3, help="ours is timed so often, best shown")
    parser.add_argument("--no-streets", action="store_true", help="graph from the addresses alone")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--here", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        row = measure(*options.here, options)
        print(json.dumps(row, default=float))
        return 0
    passed_on = [f"--seconds={options.seconds}", f"--repeat={options.repeat}"]
    passed_on += ["--no-streets"] * options.no_streets
    engines = options.engines.split(";") if options.engines else [*OURS, *RIVALS]
    rows: list[dict[str, Any]] = []
    for world in (QUICK if options.quick else options.worlds).split(","):
        for engine in engines:
            most = RIVALS[engine][1] if engine in RIVALS else None
            if (
                most is not None
                and world.split(":")[0].isdigit()
                and int(world.split(":")[0]) > most
            ):
                print(f"{world}: {engine}: not tried above {most:,} addresses", file=sys.stderr)
                continue
            found = in_own_process(world, engine, passed_on)
            if isinstance(found, str):
                print(found, flush=True)
            else:
                rows.append(found)
                print(f"{world}: {engine}: done", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps(rows))
    elif rows:
        shown(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
