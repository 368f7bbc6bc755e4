"""Streets of real towns: seconds to read and to graph, kilometres, parts, how addresses stand.

    python tests/benchmarks/osm.py [FILE…] [--json]

Without files, all those of ../shared/data/osm; each in a process of its own, for its peak memory.
Addresses are those that the file itself has (`addr:housenumber`), for Paris those of the BAN.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Transformer

sys.path.insert(0, str(Path(__file__).parents[2]))

from targeting.crs import METRIC_CRS, WGS84
from targeting.sources.addresses.reading import read_addresses
from targeting.sources.streets.reading import read_streets
from targeting.tables import Buildings
from targeting.turf import build_street_graph, warm_kernels
from targeting.turf.graph.from_streets import SPUR_M, put_on_streets

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
BAN = DATA / "addresses" / "ban-adresses-75-2024.csv.gz"
DWELLINGS = 3


def read_osm_addresses(path: Path, *, dwellings: int = DWELLINGS) -> pd.DataFrame:
    """Table Buildings of a file's own `addr:housenumber`: points, and the middle of outlines.

    Numbers that are no numbers are 0; an address without street has an empty one.
    """
    import osmium

    with_number = osmium.filter.KeyFilter("addr:housenumber")
    rows = []
    for thing in osmium.FileProcessor(str(path)).with_locations().with_filter(with_number):
        if thing.is_node():
            places = [(thing.lon, thing.lat)]
        elif thing.is_way():
            places = [(n.lon, n.lat) for n in thing.nodes if n.location.valid()]
        else:
            continue
        if places:
            tags = thing.tags
            rows.append(
                (tags["addr:housenumber"], tags.get("addr:street", ""), *np.mean(places, 0))
            )
    found = pd.DataFrame(rows, columns=["number", "street", "lon", "lat"])
    return as_buildings(found, dwellings)


def as_buildings(found: pd.DataFrame, dwellings: int) -> pd.DataFrame:
    """Rows with `number` (text), `street`, `lon`, `lat` as table Buildings."""
    to_metric = Transformer.from_crs(WGS84, METRIC_CRS, always_xy=True)
    x, y = to_metric.transform(found["lon"].to_numpy(float), found["lat"].to_numpy(float))
    number = pd.to_numeric(found["number"].astype(str).str.extract(r"^(\d+)")[0]).fillna(0)
    n = len(found)
    table = pd.DataFrame(
        {
            "building_id": pd.Series([f"00000_{k:06d}" for k in range(n)], dtype="str"),
            "street": found["street"].astype("str"),
            "number": number.astype("int64"),
            "suffix": pd.Series([""] * n, dtype="str"),
            "x": x,
            "y": y,
            "dwellings": np.full(n, dwellings, dtype=np.int64),
            "registered_estimate": np.full(n, 1.6 * dwellings),
            "station_id": pd.Series(["00000_0001"] * n, dtype="str"),
            "kind": pd.Series(["house"] * n, dtype="str"),
        }
    )
    return Buildings.check(table)


def ban_buildings(path: Path = BAN, *, dwellings: int = DWELLINGS) -> pd.DataFrame:
    """Table Buildings of a BAN file, so many dwellings each."""
    rows = read_addresses(path).table
    table = rows.rename(columns={"address_id": "building_id"})[
        ["building_id", "street", "number", "suffix", "x", "y"]
    ].assign(dwellings=dwellings, registered_estimate=1.6 * dwellings, kind="house")
    table["station_id"] = pd.Series(["75056_0001"] * len(table), dtype="str")
    table["kind"] = table["kind"].astype("str")
    return Buildings.check(table[list(Buildings.to_schema().columns)])


def buildings_of(path: Path, streets: pd.DataFrame) -> pd.DataFrame:
    """Addresses to try a file with: its own, Paris' BAN, else one at its first corner."""
    if path.name.startswith("paris") and BAN.exists():
        table = ban_buildings()
        west, south, east, north = streets.total_bounds
        inside = table["x"].between(west, east) & table["y"].between(south, north)
        return table[inside].reset_index(drop=True)
    if ".osm" in path.name and len(found := read_osm_addresses(path)):
        return found
    corner = streets.to_crs(WGS84).geometry.iloc[0].coords[0]
    one = pd.DataFrame({"number": ["1"], "street": [""], "lon": corner[0], "lat": corner[1]})
    return as_buildings(one, DWELLINGS)


def measure(path: Path) -> dict[str, object]:
    """Figures of one file, read and graphed in this process."""
    warm_kernels()
    start = time.perf_counter()
    read = read_streets(path)
    read_s = time.perf_counter() - start
    buildings = buildings_of(path, read.walked)
    start = time.perf_counter()
    graph = build_street_graph(buildings, read.streets)
    graph_s = time.perf_counter() - start
    network, snaps, _ = put_on_streets(buildings, read.streets)
    parts, near = network.parts(), snaps.access_m <= SPUR_M
    return {
        "file": path.name,
        "read_s": round(read_s, 2),
        "graph_s": round(graph_s, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "ways": read.read,
        "walk_km": round(float(read.walked.length.sum()) / 1000, 1),
        "segments": int(network.u.size),
        "parts": int(parts.size),
        "main_share": round(float(parts[0] / parts.sum()), 4),
        "gaps": read.gaps,
        "addresses": len(buildings),
        "near": int(near.sum()),
        "median_m": round(float(np.median(snaps.access_m[near])), 1) if near.any() else None,
        "p95_m": round(float(np.quantile(snaps.access_m[near], 0.95)), 1) if near.any() else None,
        "own_share": round(float(snaps.on_own_street[near].mean()), 3) if near.any() else None,
        "moved": int(snaps.is_moved.sum()),
        "stranded": int(snaps.is_stranded.sum()),
        "far": int(graph.is_far.sum()),
        "links": len(graph.links.a),
        "links_m": round(float(graph.links_m.sum())),
        "km": {
            kind: round(m / 1000, 1)
            for kind, m in read.streets.length.groupby(read.streets["kind"]).sum().items()
        },
    }


def main() -> None:
    """Measure each file in a process of its own, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure(given.files[0])))
        return
    files = given.files or sorted([*DATA.glob("osm/*.osm*"), *DATA.glob("osm/*.graphml*")])
    for path in files:
        run = [sys.executable, __file__, "--here", str(path)]
        row = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
        print(json.dumps(row) if given.json else "  ".join(f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
