"""Buildings from addresses: who is registered there, how many dwellings, which station.

The BAN knows no dwellings. Registered voters come from a roll without names where there is one,
else from the station's registered spread over its addresses; dwellings follow from them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from targeting.tables import Buildings

VOTERS_PER_DWELLING: Final = 1.6
"""Registered voters per dwelling: assumed (DESIGN 3), shown and editable."""

TOWER_DWELLINGS: Final = 40
HOUSE_DWELLINGS: Final = 2

ROLL_COVERS: Final = 0.5
"""A roll is used in a station where it speaks of at least half of the voters one expects."""

NOBODY_REGISTERED: Final = "nobody_registered"
"""Reason of an address left out of turfs: a roll covers its station and knows nobody there."""


def registered_estimate(
    addresses: pd.DataFrame, registered: pd.Series, voters_at: pd.Series
) -> pd.Series:
    """Registered voters per address, so that each station's addresses sum to its registered.

    Parameters
    ----------
    addresses
        `address_id`, `station_id` (missing: outside all outlines).
    registered
        Registered voters per station (indexed by station_id), of the latest roll.
    voters_at
        Voters that a roll without names puts at each address (indexed by address_id); may be old
        and may be empty. Used as weights where it covers the station, else all weigh the same.

    Returns
    -------
    registered_estimate
        People, on the index of `addresses`; 0 outside the stations.
    """
    roll = addresses["address_id"].map(voters_at).fillna(0.0)
    station = addresses["station_id"]
    wanted = station.map(registered).astype("float64")
    on_roll = roll.groupby(station).transform("sum").fillna(0.0)
    weights = roll.where(on_roll >= ROLL_COVERS * wanted, 1.0)
    total = weights.groupby(station).transform("sum")
    return (weights / total * wanted).fillna(0.0).rename("registered_estimate")


def dwellings(
    registered: pd.Series, *, voters_per_dwelling: float = VOTERS_PER_DWELLING
) -> pd.Series:
    """Dwellings per building: `max(1, round(registered / 1.6))`."""
    counts = np.floor(registered / voters_per_dwelling + 0.5).clip(lower=1)
    return counts.astype("int64").rename("dwellings")


def build_buildings(
    addresses: pd.DataFrame,
    station_of: pd.Series,
    registered: pd.Series,
    voters_at: pd.Series,
    *,
    counted: pd.Series | None = None,
    voters_per_dwelling: float = VOTERS_PER_DWELLING,
) -> pd.DataFrame:
    """The buildings table, one row per address, in the order of building_id.

    Parameters
    ----------
    addresses
        Table Addresses.
    station_of
        Station of each address, on the index of `addresses` (see `assign_stations`).
    registered, voters_at
        See `registered_estimate`.
    counted
        Dwellings that somebody counted there, by address_id: they win over the estimate.
    """
    located = addresses.assign(station_id=station_of)
    estimate = registered_estimate(located, registered, voters_at)
    homes = dwellings(estimate, voters_per_dwelling=voters_per_dwelling)
    if counted is not None:
        seen = located["address_id"].map(counted)
        homes = homes.where(seen.isna(), seen.fillna(1).astype("int64"))
    kind = pd.Series(
        np.select(
            [homes >= TOWER_DWELLINGS, homes <= HOUSE_DWELLINGS], ["tower", "house"], "block"
        ),
        index=homes.index,
        dtype="str",
    )
    table = pd.DataFrame(
        {
            "building_id": located["address_id"],
            "street": located["street"],
            "number": located["number"],
            "suffix": located["suffix"],
            "x": located["x"],
            "y": located["y"],
            "dwellings": homes,
            "registered_estimate": estimate,
            "station_id": located["station_id"],
            "kind": kind,
        }
    )
    return Buildings.check(table.sort_values("building_id", ignore_index=True))


def uninhabited(buildings: pd.DataFrame) -> pd.Series:
    """Addresses of a station where nobody is registered, by the roll: shops, offices, new builds.

    Boolean, on the index of `buildings`. They are left out of turfs, with their reason.
    """
    return (buildings["registered_estimate"] == 0) & buildings["station_id"].notna()
