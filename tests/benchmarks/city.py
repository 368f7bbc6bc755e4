"""Towns to cut: the invented city of the published study, and real streets with invented doors.

The city is a warped irregular grid, numbers on both sides, a river with two bridges, a railway with
an underpass every 1.5 km. Real towns take their streets from ../shared/data/osm, their addresses
from the BAN (Paris) or from the file; where it has few (Monaco), from numbers set along its ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.codes import BARRIER_KINDS
from targeting.sources.streets.reading import read_streets
from targeting.tables import Buildings, Streets

from .osm import BAN, DATA, buildings_of

RIVER_M, RAILWAY_M, UNDERPASS_M = 60.0, 25.0, 1500.0
ADDRESSES_PER_JUNCTION = 18.0


def grid_lines(count: int, rng: np.random.Generator, gap_m: float) -> np.ndarray:
    """Places of the streets of one direction, with a gap in the middle."""
    steps = rng.uniform(60, 150, count)
    steps[count // 2] += gap_m
    return np.cumsum(steps)


def make_city(size: int, seed: int = 1) -> tuple[pd.DataFrame, gpd.GeoDataFrame, np.ndarray]:
    """Buildings, streets, and the middle of the river and of the railway."""
    rng = np.random.default_rng(seed)
    side = max(4, round((size / ADDRESSES_PER_JUNCTION) ** 0.5))
    across, up = grid_lines(side, rng, RIVER_M), grid_lines(side, rng, RAILWAY_M)
    column, row = (part.ravel() for part in np.meshgrid(np.arange(side), np.arange(side)))
    x = across[column] + 30 * np.sin(up[row] / 700) + rng.uniform(-6, 6, column.size)
    y = up[row] + 30 * np.sin(across[column] / 900) + rng.uniform(-6, 6, column.size)

    node = np.arange(side * side)
    east, north = node[column < side - 1], node[row < side - 1]
    u, v = np.concatenate([east, north]), np.concatenate([east + 1, north + side])
    kept = rng.random(u.size) > 0.13
    over_river = (column[u] == side // 2 - 1) & (column[v] == side // 2)
    over_railway = (row[u] == side // 2 - 1) & (row[v] == side // 2)
    kept[over_river] = np.isin(row[u[over_river]], [side // 4, 3 * side // 4])
    passes = np.searchsorted(across, np.arange(across[0] + 200, across[-1], UNDERPASS_M))
    kept[over_railway] = np.isin(column[u[over_railway]], passes)
    is_bridge = (over_river | over_railway)[kept]
    u, v = u[kept], v[kept]
    horizontal = v == u + 1
    grid_line = np.where(horizontal, row[u], column[u])
    stretch = np.where(horizontal, column[u], row[u]) // 8
    name = [
        f"{'Rue' if h else 'Avenue'} {line}-{part}"
        for h, line, part in zip(horizontal, grid_line, stretch, strict=True)
    ]
    kind = np.where(is_bridge, "bridge", "street")
    ends = np.stack([np.column_stack([x[u], y[u]]), np.column_stack([x[v], y[v]])], axis=1)
    streets = gpd.GeoDataFrame(
        {"street": name, "kind": kind, "is_noded": True},
        geometry=shapely.linestrings(ends),
        crs="EPSG:2154",
    )
    buildings = place_addresses(ends, name, is_bridge, size, rng)
    buildings = buildings.sort_values("building_id", ignore_index=True)
    half = side // 2
    river = np.column_stack([(x[node[column == half - 1]] + x[node[column == half]]) / 2, up])
    railway = np.column_stack([across, (y[node[row == half - 1]] + y[node[row == half]]) / 2])
    barriers = shapely.linestrings([river, railway]) if side > 1 else np.empty(0, object)
    return Buildings.check(buildings), Streets.check(streets), barriers


def place_addresses(
    ends: np.ndarray, name: list[str], is_bridge: np.ndarray, size: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Numbers along both sides of each segment, 9 m off the line; none on bridges."""
    length = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    open_m = np.where(is_bridge, 0.0, length)
    per_side = np.maximum(0, np.round(open_m * size / (2 * open_m.sum()))).astype(int)
    segment = np.repeat(np.arange(len(ends)), 2 * per_side)
    at = np.arange(segment.size) - np.repeat(np.cumsum(2 * per_side) - 2 * per_side, 2 * per_side)
    share = (at // 2 + rng.uniform(0.2, 0.8, at.size)) / per_side[segment]
    way = (ends[segment, 1] - ends[segment, 0]) / length[segment, None]
    normal = np.column_stack([-way[:, 1], way[:, 0]]) * np.where(at % 2, 9.0, -9.0)[:, None]
    xy = ends[segment, 0] + way * (share * length[segment])[:, None] + normal
    table = pd.DataFrame({"street": np.array(name)[segment], "segment": segment, "at": at})
    first = table.groupby("street")["segment"].transform("min")
    number = 1 + at + 40 * (segment - first)
    doors = np.minimum(120, 1 + np.floor(rng.lognormal(0.0, 1.4, at.size))).astype(np.int64)
    kind = np.where(doors == 1, "house", np.where(doors < 30, "block", "tower"))
    return pd.DataFrame(
        {
            "building_id": [f"99001_{k:07d}" for k in rng.permutation(at.size)],
            "street": table["street"],
            "number": number.astype(np.int64),
            "suffix": "",
            "x": xy[:, 0],
            "y": xy[:, 1],
            "dwellings": doors,
            "registered_estimate": doors * 1.6,
            "station_id": "99001_0001",
            "kind": kind,
        }
    )


@dataclass(frozen=True)
class World:
    """Buildings (table Buildings, by building_id), streets, the barriers, and which to visit."""

    name: str
    buildings: pd.DataFrame
    streets: gpd.GeoDataFrame
    barriers: np.ndarray
    visited: np.ndarray


FILES = {
    "marais": "paris-marais-republique.osm.pbf",
    "monaco": "monaco-2021.osm.pbf",
    "lemans": "lemans-centre-2020.osm.pbf",
}
STEP_M = 22.0
"""Between two numbers of a side, where we set them ourselves."""

FEW = 1500
"""A file with fewer addresses than this gets ours."""


def world_of(name: str) -> World:
    """`5000`: the city at that size; `50000:sparse`: its best 30 % only; else a town of FILES.

    Raises FileNotFoundError where a real file is absent.
    """
    size, _, part = name.partition(":")
    if size.isdigit():
        buildings, streets, barriers = make_city(int(size))
        visited = best_doors(buildings) if part == "sparse" else np.ones(len(buildings), bool)
        return World(name, buildings, streets, barriers, visited)
    path = DATA / "osm" / FILES[name]
    if not path.exists() or (name == "marais" and not BAN.exists()):
        raise FileNotFoundError(path.name)
    read = read_streets(path)
    buildings = buildings_of(path, read.walked)
    if len(buildings) < FEW:
        buildings = numbers_along(read.walked)
    buildings = with_doors(buildings.sort_values("building_id", ignore_index=True))
    walls = np.asarray(read.streets.geometry[read.streets["kind"].isin(list(BARRIER_KINDS))])
    return World(name, buildings, read.streets, walls, np.ones(len(buildings), bool))


def best_doors(buildings: pd.DataFrame, share: float = 0.3) -> np.ndarray:
    """The best by a priority that goes up and down over some 400 m, with chance in it."""
    rng = np.random.default_rng(3)
    x, y = buildings["x"].to_numpy(), buildings["y"].to_numpy()
    priority = np.sin(x / 400) + np.cos(y / 310) + rng.normal(0, 1.5, len(buildings))
    return priority >= np.quantile(priority, 1 - share)


def with_doors(buildings: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Invented doors, as a town has them: some 6 a number, 60 at most."""
    rng = np.random.default_rng(seed)
    doors = np.minimum(60, 1 + np.floor(rng.lognormal(1.5, 0.9, len(buildings)))).astype(np.int64)
    kind = pd.Series(np.where(doors == 1, "house", np.where(doors < 30, "block", "tower")))
    table = buildings.assign(dwellings=doors, kind=kind.astype("str"))
    return Buildings.check(table.assign(registered_estimate=doors * 1.6))


def numbers_along(walked: gpd.GeoDataFrame) -> pd.DataFrame:
    """Table Buildings of numbers set along named ways, both sides, 8 m off the line."""
    named = walked[walked["street"].notna() & ~walked["kind"].isin(["tunnel", "bridge", "stairs"])]
    lines = np.asarray(named.geometry)
    count = np.floor(shapely.length(lines) / STEP_M).astype(int)
    at = np.repeat(np.arange(lines.size), 2 * count)
    place = np.arange(at.size) - np.repeat(2 * np.cumsum(count) - 2 * count, 2 * count)
    along = (place // 2 + 0.5) * STEP_M
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines[at], along))
    way = shapely.get_coordinates(shapely.line_interpolate_point(lines[at], along + 1)) - here
    normal = np.column_stack([-way[:, 1], way[:, 0]]) * np.where(place % 2, 8.0, -8.0)[:, None]
    street = named["street"].astype("str").iloc[at].reset_index(drop=True)
    xy = here + normal
    n = at.size
    table = pd.DataFrame(
        {
            "building_id": pd.Series([f"00000_{k:06d}" for k in range(n)], dtype="str"),
            "street": street, "number": (street.groupby(street).cumcount() + 1).astype("int64"),
            "suffix": pd.Series([""] * n, dtype="str"), "x": xy[:, 0], "y": xy[:, 1],
            "dwellings": np.ones(n, np.int64), "registered_estimate": np.full(n, 1.6),
            "station_id": pd.Series(["00000_0001"] * n, dtype="str"),
            "kind": pd.Series(["house"] * n, dtype="str"),
        }
    )  # fmt: skip
    return Buildings.check(table)
