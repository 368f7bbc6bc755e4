"""Where the voters of each station live: a roll without names put on the BAN's addresses."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from targeting.households.matching import match_voters
from targeting.stations.ranges import assign_by_ranges
from targeting.tables import StationPoints


@dataclass(frozen=True)
class PlacedVoters:
    """Table StationPoints, and what of the source it holds: voters (or addresses) of how many."""

    points: pd.DataFrame
    given: float
    placed: float

    @property
    def placed_share(self) -> float:
        return self.placed / self.given if self.given else 0.0


def station_points_of_voters(
    voters: pd.DataFrame, addresses: pd.DataFrame, *, vintage: str
) -> PlacedVoters:
    """Put registered voters at the BAN address that `match_voters` finds for them.

    Parameters
    ----------
    voters, addresses
        Tables VoterAddresses and Addresses, of the same communes.
    vintage
        Year of the roll.
    """
    rows = match_voters(voters, addresses).rows.dropna(subset="address_id")
    rows = rows[rows["registered"] > 0]
    at = rows.groupby(["station_id", "commune_code", "address_id"], as_index=False)
    points = _at_addresses(
        at["registered"].sum().rename(columns={"registered": "weight"}), addresses
    )
    return PlacedVoters(
        StationPoints.check(_of(points, vintage, "voters")),
        float(voters["registered"].sum()),
        float(points["weight"].sum()),
    )


def station_points_of_ranges(
    ranges: pd.DataFrame, addresses: pd.DataFrame, *, vintage: str
) -> PlacedVoters:
    """Give each BAN address to its station by street and number; each weighs one.

    Parameters
    ----------
    ranges, addresses
        Tables StreetRanges and Addresses, of the same communes.
    """
    station = assign_by_ranges(addresses, ranges)
    rows = addresses[["commune_code", "address_id"]].assign(station_id=station, weight=1.0)
    points = _at_addresses(rows.dropna(subset="station_id"), addresses)
    return PlacedVoters(
        StationPoints.check(_of(points, vintage, "addresses")), len(addresses), len(points)
    )


def _at_addresses(rows: pd.DataFrame, addresses: pd.DataFrame) -> pd.DataFrame:
    place = addresses.set_index("address_id")[["x", "y"]]
    return rows.join(place, on="address_id").reset_index(drop=True)


def _of(points: pd.DataFrame, vintage: str, basis: str) -> pd.DataFrame:
    named = points.assign(vintage=vintage, basis=basis).astype(
        {"vintage": "str", "basis": "str", "weight": "float64"}
    )
    return named[list(StationPoints.to_schema().columns)]
