"""A turf that can be drawn: two crossing streets and the buildings of a test's choice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import geopandas as gpd
import pandas as pd
from shapely import LineString, box

from targeting.crs import METRIC_CRS
from targeting.field.books import WalkBook
from targeting.field.gathering import build_books
from targeting.households.layouts import doors_in_order, number_doors
from targeting.tables import DoorLayouts

WEST, SOUTH = 652_000.0, 6_862_000.0
DAY = date(2026, 9, 1)

Place = tuple[str, int, int, tuple[float, float]]
"""Street, number, dwellings, metres east and north of the corner."""

HOUSES: Sequence[Place] = (
    ("Rue Basse", 1, 1, (20, 30)), ("Rue Basse", 2, 1, (30, 48)), ("Rue Basse", 4, 3, (60, 48)),
    ("Cours Haut", 7, 14, (108, 80)),
)  # fmt: skip


def streets(*named: tuple[str | None, LineString]) -> gpd.GeoDataFrame:
    """Lines in metres from the corner, as the table Streets."""
    shapes = [LineString([(WEST + x, SOUTH + y) for x, y in line.coords]) for _, line in named]
    table = {"street": [name for name, _ in named], "kind": "residential"}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=METRIC_CRS)


CROSSING = streets(
    ("Rue Basse", LineString([(-200, 40), (400, 40)])),
    ("Cours Haut", LineString([(100, -200), (100, 300)])),
    ("Rue d'Ailleurs", LineString([(-200, 120), (400, 130)])),
    (None, LineString([(0, -200), (0, 300)])),
)


def visits(*knocks: tuple[str, int, str]) -> pd.DataFrame:
    """Visits as (door_id, days before DAY, outcome)."""
    noon = datetime(DAY.year, DAY.month, DAY.day, 12)
    return pd.DataFrame(
        {
            "building_id": [door.rsplit("/", 1)[0] for door, _, _ in knocks],
            "door_id": [door for door, _, _ in knocks],
            "visited_at": pd.to_datetime(
                [noon - timedelta(days=d) for _, d, _ in knocks], utc=True
            ),
            "outcome": [outcome for _, _, outcome in knocks],
        }
    )


def book(
    places: Sequence[Place] = HOUSES,
    *,
    turf_id: str = "S0001",
    closed: dict[int, list[int]] | None = None,
    ranges: dict[int, tuple[int, int]] | None = None,
    described: pd.DataFrame | None = None,
    seen: pd.DataFrame | None = None,
    ways: gpd.GeoDataFrame | None = CROSSING,
    campaign: str = "Une campagne",
    ballot_date: date | None = date(2027, 4, 18),
) -> WalkBook:
    """The book of these places, walked as they come; building `b1` is the first.

    `closed`, `ranges`: by order, the doors to leave alone, and the first and last of the turf.
    """
    order = range(1, len(places) + 1)
    span = {n: (ranges or {}).get(n, (1, places[n - 1][2])) for n in order}
    stops = pd.DataFrame(
        {
            "turf_id": turf_id,
            "visit_order": list(order),
            "building_id": [f"b{n}" for n in order],
            "station_id": "99001_0012",
            "street": [street for street, *_ in places],
            "number": [number for _, number, *_ in places],
            "suffix": "",
            "x": [WEST + at[0] for *_, at in places],
            "y": [SOUTH + at[1] for *_, at in places],
            "all_dwellings": [dwellings for _, _, dwellings, _ in places],
            "first_door": [span[n][0] for n in order],
            "last_door": [span[n][1] for n in order],
            "closed": [(closed or {}).get(n, []) for n in order],
        }
    )
    layouts = number_doors(described) if described is not None else DoorLayouts.empty()
    doors = doors_in_order(stops, layouts, visits() if seen is None else seen)
    turf = {
        "turf_id": turf_id, "version": 3, "minutes_expected": 118.6, "walk_m": 412.0,
        "start_address": f"{places[0][1]} {places[0][0]}", "end_address": "end",
    }  # fmt: skip
    pond = gpd.GeoDataFrame(
        {"name": ["l'Orvette"]},
        geometry=[box(WEST - 80, SOUTH - 80, WEST + 500, SOUTH - 20)],
        crs=METRIC_CRS,
    )
    (built,) = build_books(
        pd.DataFrame([turf]),
        stops,
        doors,
        campaign=campaign,
        ballot_date=ballot_date,
        polling_places={"99001_0012": "École des Tanneurs"},
        streets=ways,
        backdrop={"water": pond},
        credits=["© OpenStreetMap contributors, ODbL"],
    )
    return built
