"""The walk books of some turfs, gathered from their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from targeting.codes import station_label
from targeting.errors import TargetingError
from targeting.field.books import Door, PollingStation, Stop, WalkBook
from targeting.field.ground import Ground
from targeting.field.land import Land


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
