"""What a walk book holds, whatever it is written on: paper and phone have the same doors, in the
same order, under the same ids.

Places and doors only: no name, no phone, no theme, no score (TRUST PRIV-14). A door that is not to
be knocked at today stays in the book without a reason; of an open one, the last visit is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from targeting.field.ground import Ground
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
