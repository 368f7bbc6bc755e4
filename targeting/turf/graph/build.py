"""The walking graph of some buildings: from street lines where they are, from numbers elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from targeting.turf.graph.from_numbers import graph_of_addresses
from targeting.turf.graph.from_streets import graph_of_streets, walked_lines
from targeting.turf.graph.model import StreetGraph, check_buildings, has_coordinates
from targeting.turf.graph.uncovered import mapped_and_uncovered, uncovered_addresses

if TYPE_CHECKING:
    import geopandas as gpd


def build_street_graph(
    buildings: pd.DataFrame, streets: gpd.GeoDataFrame | None = None
) -> StreetGraph:
    """Build the walking graph of all buildings that have coordinates.

    Parameters
    ----------
    buildings
        Table `Buildings`; x and y in EPSG:2154. A building without coordinates is left out here,
        and counted as excluded by `cut_turfs`.
    streets
        Table `Streets` (EPSG:2154); without it, the graph is made of the addresses' own numbers,
        and so is that of the places that the streets do not cover.

    Raises
    ------
    TurfError
        If a building_id comes twice, or coordinates are degrees.
    CrsError
        If `streets` is not in EPSG:2154.
    """
    check_buildings(buildings)
    placed = buildings[has_coordinates(buildings)].sort_values("building_id")
    if streets is None or len(placed) == 0:
        return graph_of_addresses(placed)
    is_lost = uncovered_addresses(placed[["x", "y"]].to_numpy(dtype=float), walked_lines(streets))
    if not is_lost.any():
        return graph_of_streets(placed, streets)
    if is_lost.all():
        return graph_of_addresses(placed)
    mapped = graph_of_streets(placed[~is_lost], streets)
    uncovered = graph_of_addresses(placed[is_lost])
    return mapped_and_uncovered(placed, mapped, uncovered)
