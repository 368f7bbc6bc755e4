"""What a walk book holds, whatever it is written on: paper and phone have the same doors, in the
same order, under the same ids.

Places and doors only: no name, no phone, no theme, no score (TRUST PRIV-14). A door that is not to
be knocked at today stays in the book without a reason; of an open one, the last visit is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from targeting.codes import station_label
from targeting.errors import TargetingError
from targeting.field.ground import Ground, Land
from targeting.streetnames import address_line, street_key

SIDES: Final = ("even", "odd")


@dataclass(frozen=True)
class Door:
    """One door. `number` is its place in the building: its id is building/number.

    `last_visit` and `last_outcome` are known of open doors only.
    """

    door_id: str
    number: int
    staircase: str
    floor: int | None
    label: str
    is_closed: bool
    last_visit: date | None
    last_outcome: str | None


@dataclass(frozen=True)
class Stop:
    """One building of the walk, with the doors that this turf has of it, in order.

    `order` is its number on the map and on the list; `dwellings` are all those of the building;
    `x`, `y` are metres in the frame of the book's ground.
    """

    order: int
    building_id: str
    station_id: str | None
    street: str
    number: int
    suffix: str
    dwellings: int
    x: float
    y: float
    doors: tuple[Door, ...]

    @property
    def address(self) -> str:
        return address_line(self.number, self.suffix, self.street)

    @property
    def street_key(self) -> str:
        """The street's spelling, as `Way.key` has it."""
        return street_key(self.street) or self.street

    @property
    def side(self) -> str | None:
        """`even` or `odd`; None where there is no number."""
        return SIDES[self.number % 2] if self.number else None

    @property
    def is_house(self) -> bool:
        """One dwelling, one door: nothing else to find out there."""
        return len(self.doors) == 1 and self.dwellings == 1

    @property
    def is_part(self) -> bool:
        """Whether another turf has doors of this building."""
        return len(self.doors) < self.dwellings


@dataclass(frozen=True)
class PollingStation:
    """Where the people of a turf vote."""

    station_id: str
    number: str
    polling_place: str | None


@dataclass(frozen=True)
class WalkBook:
    """All that one pair needs for one turf; `version` is the stored turf's.

    `edition` is what is printed: the version, and a mark that changes only when the order does.
    """

    campaign: str
    ballot_date: date | None
    turf_id: str
    version: int
    minutes: int
    walk_m: int
    start: str
    end: str
    stations: tuple[PollingStation, ...]
    stops: tuple[Stop, ...]
    ground: Ground
    credits: tuple[str, ...]

    @property
    def edition(self) -> str:
        return f"{self.version}-{order_mark(s.building_id for s in self.stops)}"

    @property
    def n_open(self) -> int:
        """Doors to knock at today."""
        return sum(not d.is_closed for s in self.stops for d in s.doors)

    @property
    def n_closed(self) -> int:
        """Doors of the turf to leave alone today."""
        return sum(d.is_closed for s in self.stops for d in s.doors)


def order_mark(building_ids: Iterable[str]) -> str:
    """Four signs that tell one walking order from another: numbers typed from paper mean buildings
    only while it stands.

    >>> order_mark(["b1", "b2"]), order_mark(["b2", "b1"])
    ('a513', '12f6')
    """
    return hashlib.sha256("\n".join(building_ids).encode()).hexdigest()[:4]


def build_books(
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    doors: pd.DataFrame,
    *,
    campaign: str,
    ballot_date: date | None = None,
    polling_places: Mapping[str, str] | None = None,
    streets: gpd.GeoDataFrame | None = None,
    backdrop: Mapping[str, gpd.GeoDataFrame] | None = None,
    credits: Sequence[str] = (),
) -> list[WalkBook]:
    """One book a turf, in the order of `turfs`.

    Parameters
    ----------
    turfs
        Table Turfs, with `version`.
    stops
        turf_id, visit_order, building_id, station_id, street, number, suffix, x, y (EPSG:2154)
        and `all_dwellings`, those of the whole building.
    doors
        Table TurfDoors of these stops.
    polling_places
        station_id → where it votes; streets: table Streets; backdrop: layers by kind (EPSG:2154).

    Raises TargetingError if a building of a turf is no longer among the addresses.
    """
    if (lost := stops.loc[stops["street"].isna() | stops["x"].isna(), "building_id"]).any():
        raise TargetingError(
            f"building {lost.iloc[0]} of turf {stops.loc[lost.index[0], 'turf_id']} is not among "
            "the addresses any more: import them again, or cut new turfs."
        )
    places = polling_places or {}
    of_turf: dict[str, list[dict[Any, Any]]] = {}
    for row in stops.sort_values("visit_order").to_dict("records"):
        of_turf.setdefault(row["turf_id"], []).append(row)
    behind = _doors_by_stop(doors)
    land = Land(streets, backdrop or {})
    books = []
    for turf in turfs.to_dict("records"):
        own = of_turf[turf["turf_id"]]
        ground = land.around(*(np.array([s[axis] for s in own], dtype=float) for axis in "xy"))
        stations = {s["station_id"] for s in own if not pd.isna(s["station_id"])}
        books.append(
            WalkBook(
                campaign=campaign,
                ballot_date=ballot_date,
                turf_id=str(turf["turf_id"]),
                version=int(turf["version"]),
                minutes=round(turf["minutes_expected"]),
                walk_m=int(round(turf["walk_m"], -1)),
                start=str(turf["start_address"]),
                end=str(turf["end_address"]),
                stations=tuple(_station(s, places) for s in sorted(stations)),
                stops=tuple(_stop(s, behind, ground) for s in own),
                ground=ground,
                credits=tuple(credits),
            )
        )
    return books


def _station(station_id: str, places: Mapping[str, str]) -> PollingStation:
    return PollingStation(station_id, station_label(station_id), places.get(station_id))


def _stop(
    row: Mapping[Any, Any], behind: Mapping[tuple[str, int], tuple[Door, ...]], ground: Ground
) -> Stop:
    order = int(row["visit_order"])
    return Stop(
        order=order,
        building_id=row["building_id"],
        station_id=None if pd.isna(row["station_id"]) else row["station_id"],
        street=row["street"],
        number=int(row["number"]),
        suffix=row["suffix"],
        dwellings=int(row["all_dwellings"]),
        x=round(row["x"] - ground.west, 1),
        y=round(row["y"] - ground.south, 1),
        doors=behind[row["turf_id"], order],
    )


def _doors_by_stop(doors: pd.DataFrame) -> dict[tuple[str, int], tuple[Door, ...]]:
    """Doors of each turf and stop, in the order of the table."""
    found: dict[tuple[str, int], list[Door]] = {}
    for row in doors.itertuples():
        known = not (row.is_closed or pd.isna(row.last_visit_date))
        door = Door(
            door_id=f"{row.building_id}/{row.door}",
            number=int(row.door),
            staircase=row.staircase,
            floor=None if pd.isna(row.floor) else int(row.floor),
            label=row.label,
            is_closed=bool(row.is_closed),
            last_visit=row.last_visit_date if known else None,
            last_outcome=str(row.last_outcome) if known else None,
        )
        found.setdefault((str(row.turf_id), int(row.visit_order)), []).append(door)
    return {stop: tuple(rows) for stop, rows in found.items()}
