"""Polling stations of the invented town: blocks put together, each station of one piece.

Blocks are linked where they touch on land, so that no station crosses the river; the town is
cut in two again and again, each part taking its share of voters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.codes import station_id
from targeting.crs import METRIC_CRS
from targeting.demo.ground import Ground, components
from targeting.demo.parameters import parameters

ANGLES: Final = 12
"""Directions in which a cut is tried."""

UNEVEN: Final = 12.0
"""How much an uneven share counts against a long border, when a cut is chosen."""

VINTAGE: Final = "2022"

SCHOOLS: Final = ("École élémentaire", "École maternelle", "Groupe scolaire", "Gymnase")


@dataclass(frozen=True)
class Fabric:
    """What a cut of the town looks at: where blocks are, their voters, and which ones touch."""

    places: np.ndarray
    registered: np.ndarray
    links: list[tuple[int, int]]

    def within(self, blocks: np.ndarray) -> Fabric:
        """The same, with the links inside some blocks only: cuts of a part read fewer of them."""
        mine = set(blocks.tolist())
        inside = [(a, b) for a, b in self.links if a in mine and b in mine]
        return Fabric(self.places, self.registered, inside)

    def pieces(self, blocks: np.ndarray) -> list[np.ndarray]:
        """The connected pieces of some blocks."""
        row = {int(block): i for i, block in enumerate(blocks)}
        inside = [(row[a], row[b]) for a, b in self.links if a in row and b in row]
        labels = components(len(blocks), inside) if inside else np.arange(len(blocks))
        return [blocks[labels == label] for label in range(labels.max() + 1)]

    def largest(self, blocks: np.ndarray) -> np.ndarray:
        """The connected piece with the most voters."""
        return max(self.pieces(blocks), key=lambda p: (self.registered[p].sum(), len(p)))


def assign_blocks(ground: Ground, registered: np.ndarray) -> np.ndarray:
    """Number of the station of each block (from 0), so that stations have voters alike.

    `registered`: voters of each block. The hamlet has a station of its own, a very small one.
    """
    places = shapely.get_coordinates(shapely.centroid(ground.blocks.geometry.values))
    fabric = Fabric(places, registered, ground.links)
    built = (ground.blocks["kind"] == "hamlet") & ~ground.blocks["is_bank"]
    hamlet = fabric.largest(np.flatnonzero(built))
    pieces = fabric.pieces(np.setdiff1d(np.arange(len(registered)), hamlet))
    shares = np.array([registered[piece].sum() for piece in pieces])
    counts = whole_shares(shares, parameters()["layout"]["stations"])
    parts: list[np.ndarray] = []
    for piece, count in zip(pieces, counts, strict=True):
        parts += cut_evenly(piece, int(count), fabric.within(piece))
    numbers = np.empty(len(registered), dtype=int)
    for number, part in enumerate([*parts, hamlet]):
        numbers[part] = number
    return numbers


def whole_shares(weights: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers that add up to `total`, in the proportion of weights, at least one each.

    >>> whole_shares(np.array([5, 1, 0]), 6)
    array([4, 1, 1])
    """
    exact = weights / weights.sum() * total
    counts = np.maximum(1, exact.round().astype(int))
    while counts.sum() != total:
        step = 1 if counts.sum() < total else -1
        gain = np.where(counts + step < 1, -np.inf, (exact - counts) * step)
        counts[gain.argmax()] += step
    result: np.ndarray = counts
    return result


def cut_evenly(blocks: np.ndarray, count: int, fabric: Fabric) -> list[np.ndarray]:
    """Cut a connected piece of town into `count` connected parts of nearly equal voters."""
    if count == 1:
        return [blocks]
    share = (count // 2) / count
    voters = fabric.registered
    tried: list[tuple[float, np.ndarray]] = []
    for angle in np.linspace(0, np.pi, ANGLES, endpoint=False):
        first = first_part(blocks, share, angle, fabric)
        uneven = abs(voters[first].sum() / voters[blocks].sum() - share) * count
        chosen = set(first.tolist())
        border = sum((a in chosen) != (b in chosen) for a, b in fabric.links)
        tried.append((UNEVEN * uneven**2 + border / np.sqrt(len(blocks)), first))
    first = min(tried, key=lambda attempt: attempt[0])[1]
    second = np.setdiff1d(blocks, first)
    return [
        *cut_evenly(first, count // 2, fabric.within(first)),
        *cut_evenly(second, count - count // 2, fabric.within(second)),
    ]


def first_part(blocks: np.ndarray, share: float, angle: float, fabric: Fabric) -> np.ndarray:
    """The blocks on one side of a straight cut, mended so that both sides are of one piece."""
    along = fabric.places[blocks] @ np.array([np.cos(angle), np.sin(angle)])
    order = blocks[np.argsort(along, kind="stable")]
    voters = fabric.registered[order].cumsum()
    n = int(np.abs(voters - share * voters[-1]).argmin()) + 1
    first = fabric.largest(order[: min(n, len(order) - 1)])
    second = fabric.largest(np.setdiff1d(blocks, first))
    return np.setdiff1d(blocks, second)


def build_stations(ground: Ground, numbers: np.ndarray, housing: pd.DataFrame) -> gpd.GeoDataFrame:
    """The `Stations` table, one row a station number, named after a school in its streets."""
    commune = parameters()["commune"]["commune_code"]
    merged = gpd.GeoDataFrame({"n": numbers}, geometry=ground.blocks.geometry).dissolve("n")
    schools = polling_places(numbers, housing)
    return gpd.GeoDataFrame(
        {
            "station_id": [station_id(commune, str(n + 1)) for n in merged.index],
            "vintage": VINTAGE,
            "commune_code": commune,
            "number": [f"{n + 1:04d}" for n in merged.index],
            "name": [
                f"Bureau {n + 1} – {school}"
                for n, school in zip(merged.index, schools, strict=True)
            ],
            "polling_place": schools,
            "origin": "published",
        },
        geometry=list(shapely.normalize(merged.geometry.values)),
        crs=METRIC_CRS,
    ).astype(dict.fromkeys(("vintage", "commune_code", "number", "name", "polling_place"), "str"))


def polling_places(numbers: np.ndarray, housing: pd.DataFrame) -> list[str]:
    """A school for each station, named after its street with most addresses; none twice."""
    station = numbers[housing["block"].to_numpy()]
    taken: list[str] = []
    for n in range(numbers.max() + 1):
        streets = housing.loc[station == n, "street"].value_counts(sort=False)
        ranked = streets.sort_index().sort_values(ascending=False, kind="stable").index
        stems = [stem_of(name) for name in ranked if not name.startswith("Voie")]
        taken.append(next((stem for stem in stems if stem not in taken), stems[0]))
    return [f"{SCHOOLS[n * 7 % 11 % len(SCHOOLS)]} {stem}" for n, stem in enumerate(taken)]


def stem_of(street: str) -> str:
    """What a street is named after, without the sort of way it is.

    >>> stem_of("Petite rue du Four-Banal")
    'du Four-Banal'
    """
    return street.removeprefix("Petite ").split(" ", 1)[1]
