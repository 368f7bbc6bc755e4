"""Addresses along the streets of the invented town, and the dwellings and voters behind them."""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import LineString

from targeting.demo.ground import Ground
from targeting.demo.parameters import chance_of, parameters

CORNER_M: Final = 13.0
"""No address this near a junction: the corner house has its number in one street only."""

CLEARANCE_M: Final = 6.5
"""An address stands at least this far from any street."""

BUILT_BESIDE: Final = ("primary", "residential", "living_street", "track")

SKIPPED_NUMBERS: Final = 0.03
SECOND_DOORS: Final = {"bis": 0.022, "ter": 0.005}
"""Share of addresses that take the number before them, with a suffix."""

EMPTY: Final = 0.02
"""Share of addresses where nobody is registered: shops, offices, empty houses."""

LARGEST: Final = 192
"""Registered voters of the largest tower: 120 dwellings at 1.6 voters each."""


def build_housing(ground: Ground, seed: int) -> pd.DataFrame:
    """One row an address, in order of street and number, with its block, dwellings and voters.

    Columns of `Addresses`, and `block`, `quarter`, `kind`, `dwellings`, `registered`.
    """
    chance = chance_of("housing", seed)
    lots = pd.concat(
        [lots_beside(ground, side, chance) for side in ("left", "right")], ignore_index=True
    )
    lots = keep_buildable(lots, ground)
    lots = lots.sort_values(["street", "parity", "line", "along_m"], ignore_index=True)
    number_lots(lots, chance)
    lots = lots.sort_values(["street", "number", "suffix"], ignore_index=True)
    code = lots["street"].map({name: i + 1 for i, name in enumerate(sorted(set(lots["street"])))})
    commune = parameters()["commune"]
    ids = [
        f"{commune['commune_code']}_{c:04d}_{n:05d}" + (f"_{s}" if s else "")
        for c, n, s in zip(code, lots["number"], lots["suffix"], strict=True)
    ]
    lots.insert(0, "address_id", ids)
    lots["commune_code"] = commune["commune_code"]
    lots["postcode"] = commune["postcode"]
    lots["dwellings"] = draw_dwellings(lots["kind"], chance)
    lots["registered"] = draw_registered(lots, chance)
    return lots


def lots_beside(ground: Ground, side: str, chance: np.random.Generator) -> pd.DataFrame:
    """Places for houses on one side of each street, a frontage of the quarter apart."""
    edges = ground.edges
    streets = edges[(edges["role"] == "street") & edges["kind"].isin(BUILT_BESIDE)]
    frontage = frontages(streets, side, ground.blocks)
    rows = []
    for edge, width in zip(streets.itertuples(), frontage, strict=True):
        line, room = edge.geometry, edge.geometry.length - 2 * CORNER_M
        n = max(0, int(room / width + 0.35))
        away = CORNER_M + room * (np.arange(n) + chance.uniform(0.3, 0.7, n)) / max(n, 1)
        setback = parameters()["layout"]["setback_m"] + chance.normal(0, 0.7, n)
        rows.append((edge.street, edge.line, edge.along_m, away, beside(line, away, setback, side)))
    size = [len(row[3]) for row in rows]
    return pd.DataFrame(
        {
            "street": np.repeat([row[0] for row in rows], size),
            "line": np.repeat([row[1] for row in rows], size),
            "along_m": np.concatenate([row[2] + row[3] for row in rows]),
            "x": np.concatenate([row[4][:, 0] for row in rows]).round(2),
            "y": np.concatenate([row[4][:, 1] for row in rows]).round(2),
            "parity": 1 if side == "left" else 0,
        }
    ).astype({"street": "str"})


def beside(line: LineString, away: np.ndarray, back: np.ndarray, side: str) -> np.ndarray:
    """Points along a line, set back from it to its left or right."""
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, away))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, away + 0.1))
    normal = np.stack([-(ahead - here)[:, 1], (ahead - here)[:, 0]], axis=1)
    normal /= np.maximum(np.hypot(*normal.T), 1e-9)[:, None]
    points: np.ndarray = here + normal * (back if side == "left" else -back)[:, None]
    return points


def frontages(streets: gpd.GeoDataFrame, side: str, blocks: gpd.GeoDataFrame) -> np.ndarray:
    """Metres between two houses on one side of each street; infinite where none may stand."""
    middles = [
        beside(line, np.array([line.length / 2]), np.array([8.0]), side)[0]
        for line in streets.geometry
    ]
    edge, block = shapely.STRtree(blocks.geometry.values).query(
        shapely.points(middles), predicate="within"
    )
    widths = blocks["kind"].map({k: v["frontage_m"] for k, v in parameters()["kinds"].items()})
    frontage = np.full(len(streets), np.inf)
    frontage[edge] = widths.mask(blocks["is_bank"], np.inf).to_numpy(dtype=float)[block]
    return frontage


def keep_buildable(lots: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    """Lots that stand in a block and off the streets, each with its block and quarter."""
    points = shapely.points(lots["x"], lots["y"])
    blocks = ground.blocks
    lot, block = shapely.STRtree(blocks.geometry.values).query(points, predicate="within")
    lots, points = lots.iloc[lot].copy(), points[lot]
    lots["block"] = block
    lots["quarter"] = blocks["quarter"].to_numpy()[block]
    lots["kind"] = blocks["kind"].astype("str").to_numpy()[block]
    _, street_m = shapely.STRtree(ground.edges.geometry.values).query_nearest(
        points, return_distance=True, all_matches=False
    )
    free = (street_m >= CLEARANCE_M) & ~blocks["is_bank"].to_numpy()[block]
    return lots[free].reset_index(drop=True)


def number_lots(lots: pd.DataFrame, chance: np.random.Generator) -> None:
    """Number each side of each street from its start: odd on the left, even on the right."""
    draws = chance.uniform(size=(len(lots), 2))
    numbers, suffixes = [], []
    last, count, suffix = None, 0, ""
    for street, parity, draw in zip(lots["street"], lots["parity"], draws, strict=True):
        same = (street, parity) == last
        last = (street, parity)
        if same and draw[0] < SECOND_DOORS["bis"] + SECOND_DOORS["ter"] and suffix != "ter":
            suffix = "ter" if suffix == "bis" else "bis"
        else:
            count = (count + 1 if same else 1) + int(draw[1] < SKIPPED_NUMBERS)
            suffix = ""
        numbers.append(2 * count - parity)
        suffixes.append(suffix)
    lots["number"] = numbers
    lots["suffix"] = pd.Series(suffixes, dtype="str")


def draw_dwellings(kinds: pd.Series, chance: np.random.Generator) -> np.ndarray:
    """Dwellings at each address, after the kind of its quarter."""
    class_draw, size_draw = chance.uniform(size=(2, len(kinds)))
    dwellings = np.zeros(len(kinds), dtype=int)
    for kind, built in parameters()["kinds"].items():
        here = (kinds == kind).to_numpy()
        shares, least, most = np.array(built["sizes"], dtype=float).T
        row = np.minimum(np.searchsorted(np.cumsum(shares), class_draw[here]), len(shares) - 1)
        dwellings[here] = (least[row] + size_draw[here] * (most[row] - least[row] + 1)).astype(int)
    return dwellings


def draw_registered(lots: pd.DataFrame, chance: np.random.Generator) -> np.ndarray:
    """Registered voters at each address at the last election."""
    rates = {k: v["registered_per_dwelling"] for k, v in parameters()["kinds"].items()}
    more = (lots["kind"].map(rates) - 1.0).to_numpy()
    dwellings = lots["dwellings"].to_numpy()
    registered = np.minimum(dwellings + chance.poisson(dwellings * more), LARGEST)
    registered[chance.uniform(size=len(lots)) < EMPTY] = 0
    result: np.ndarray = registered
    return result
