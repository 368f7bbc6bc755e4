"""The buildings of a workspace: made from addresses, voters and outlines, kept till they move."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.households.buildings import build_buildings
from targeting.households.matching import STEPS, match_voters
from targeting.reference.addresses import (
    has_addresses,
    load_addresses,
    load_door_layouts,
    load_voter_addresses,
)
from targeting.reference.moments import one_moment
from targeting.reference.results import list_elections
from targeting.stations.places import assign_stations, from_wgs84
from targeting.streetnames import street_key, suffix_of
from targeting.tables import Buildings
from targeting.workflows.cache import BUNDLE, Bundle, cached, content_of
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.history import find_outlines, station_past

CACHE_VERSION: Final = "v3"

MEETING_REACH_M: Final = 2000.0
"""A meeting point is at most this far from an address."""


@dataclass(frozen=True)
class MatchReport:
    """How the roll's addresses were found in the BAN: rows and voters per step."""

    addresses: dict[str, int]
    voters: dict[str, int]

    @property
    def rate(self) -> float:
        """Share of the addresses found (not by a neighbouring number)."""
        return self._share(self.addresses)

    @property
    def voter_rate(self) -> float:
        """Share of the voters whose address was found."""
        return self._share(self.voters)

    @staticmethod
    def _share(counts: dict[str, int]) -> float:
        found = sum(counts.get(step, 0) for step in ("exact", "suffix", "across"))
        return found / max(sum(counts.values()), 1)


def has_buildings(workspace: Workspace, communes: Sequence[str] | None = None) -> bool:
    """Whether addresses of these communes (of any) were imported."""
    return has_addresses(workspace, communes)


def load_buildings(workspace: Workspace, communes: Sequence[str] | None = None) -> pd.DataFrame:
    """Table Buildings of these communes, else of the campaign's, else of all imported.

    Made once, kept in the workspace's cache, and made again when a source moved.
    """
    wanted = list(communes or campaign_card(workspace).communes) or None
    return Buildings.check(_kept(workspace, wanted).tables["buildings"])


def find_building(buildings: pd.DataFrame, place: str) -> str:
    """The building meant by a building_id, an address (`12 bis rue X`) or `longitude,latitude`.

    Raises TargetingError if there is none, or more than one address is meant.
    """
    text = place.strip()
    if (buildings["building_id"] == text).any():
        return text
    if match := re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*[,;]\s*(-?\d+(?:\.\d+)?)", text):
        return _nearest(buildings, float(match[1]), float(match[2]))
    match = re.fullmatch(r"(\d+)\s*(bis|ter|quater|[A-Za-z])?\s+(.+)", text, re.IGNORECASE)
    if match is None:
        raise TargetingError(
            f"“{text[:80]}” is no place: write a number and a street, a building's id, or "
            "longitude,latitude."
        )
    key, suffix = street_key(match[3]), suffix_of(match[2])
    there = buildings[buildings["number"] == int(match[1])]
    found = there[(there["street"].map(street_key) == key) & (there["suffix"] == suffix)]
    if len(found) == 1:
        return str(found["building_id"].iloc[0])
    raise TargetingError(
        f"“{text[:80]}” is the address of {len(found)} buildings: give the building's id."
        if len(found)
        else f"no address “{text[:80]}” here: look it up in the list of a turf."
    )


def _nearest(buildings: pd.DataFrame, longitude: float, latitude: float) -> str:
    x, y = from_wgs84(longitude, latitude)
    metres = np.hypot(buildings["x"] - x, buildings["y"] - y)
    if not len(metres) or not metres.min() <= MEETING_REACH_M:
        raise TargetingError(
            f"no address within {MEETING_REACH_M:.0f} m of {longitude:g},{latitude:g}: longitude "
            "first, in degrees, as 5.37,43.30."
        )
    return str(buildings["building_id"].loc[metres.idxmin()])


def match_report(workspace: Workspace, communes: Sequence[str] | None = None) -> MatchReport | None:
    """How the roll was matched, or nothing where there is no roll."""
    wanted = list(communes or campaign_card(workspace).communes) or None
    facts = _kept(workspace, wanted).facts
    return MatchReport(**facts) if facts else None


@one_moment
def _kept(workspace: Workspace, communes: list[str] | None) -> Bundle:
    def build() -> Bundle:
        table, report = _build(workspace, communes)
        return Bundle({"buildings": table}, vars(report) if report else {})

    made_of = ("addresses", "voter_addresses", "stations", "turnout", "doors")
    parts = [CACHE_VERSION, communes, *content_of(workspace, made_of)]
    return cached(workspace, "buildings", parts, build, BUNDLE)


def _build(
    workspace: Workspace, communes: list[str] | None
) -> tuple[pd.DataFrame, MatchReport | None]:
    addresses = load_addresses(workspace, communes)
    voters = load_voter_addresses(workspace, communes)
    voters_at, station_at, report = _on_addresses(voters, addresses)
    drawn = find_outlines(workspace, communes)
    if drawn is not None:
        station_of = assign_stations(addresses["x"], addresses["y"], drawn.outlines)
    else:
        station_of = addresses["address_id"].map(station_at).astype("str")
    registered = _registered(workspace, communes, voters)
    counted = load_door_layouts(workspace).groupby("building_id").size()
    return build_buildings(addresses, station_of, registered, voters_at, counted=counted), report


def _on_addresses(
    voters: pd.DataFrame, addresses: pd.DataFrame
) -> tuple[pd.Series, pd.Series, MatchReport | None]:
    if voters.empty:
        return pd.Series(dtype="float64"), pd.Series(dtype="str"), None
    rows = match_voters(voters, addresses).rows
    by_step = rows.groupby("step")["registered"].agg(["size", "sum"]).reindex(list(STEPS))
    counts = by_step.fillna(0).astype(int)
    report = MatchReport(counts["size"].to_dict(), counts["sum"].to_dict())
    found = rows.dropna(subset="address_id")
    largest = found.sort_values("registered", ascending=False).drop_duplicates("address_id")
    return (
        found.groupby("address_id")["registered"].sum().astype("float64"),
        largest.set_index("address_id")["station_id"],
        report,
    )


def _registered(
    workspace: Workspace, communes: list[str] | None, voters: pd.DataFrame
) -> pd.Series:
    """Registered per station: the roll of now, as scores use it, else the voters' own."""
    if not list_elections(workspace):
        return voters.groupby("station_id")["registered"].sum().astype("float64")
    return station_past(workspace, communes).registered.astype("float64")
