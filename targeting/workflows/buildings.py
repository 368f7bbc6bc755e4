"""The buildings of a workspace: made once, kept till a source moves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference.addresses import (
    has_addresses,
)
from targeting.stations.places import from_wgs84
from targeting.streetnames import street_key, suffix_of
from targeting.tables import Buildings
from targeting.workflows.matching import kept_buildings
from targeting.workflows.setup import campaign_card

MEETING_REACH_M: Final = 2000.0
"""A meeting point is at most this far from an address."""


def has_buildings(workspace: Workspace, communes: Sequence[str] | None = None) -> bool:
    """Whether addresses of these communes (of any) were imported."""
    return has_addresses(workspace, communes)


def load_buildings(workspace: Workspace, communes: Sequence[str] | None = None) -> pd.DataFrame:
    """Table Buildings of these communes, else of the campaign's, else of all imported.

    Made once, kept in the workspace's cache, and made again when a source moved.
    """
    wanted = list(communes or campaign_card(workspace).communes) or None
    return Buildings.check(kept_buildings(workspace, wanted).tables["buildings"])


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
