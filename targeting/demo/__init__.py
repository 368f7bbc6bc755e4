"""The invented town: a whole campaign's data where nothing is real, the same bytes each time.

>>> town = build_town(seed=2026)
>>> town.name, len(town.stations), sorted(town.results)[0]
('Clairvigne-sur-Orvette', 63, '2017_legi_t1')
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from targeting.crs import METRIC_CRS
from targeting.demo.ballots import (
    Results,
    build_blocs,
    build_results,
    build_truth,
    expected_voters,
)
from targeting.demo.ground import Ground, build_ground, streets_of
from targeting.demo.housing import build_housing
from targeting.demo.outlines import assign_blocks, build_stations
from targeting.demo.parameters import parameters
from targeting.demo.people import build_contacts, build_visits
from targeting.tables import (
    Addresses,
    BlocRows,
    Quarters,
    Stations,
    Streets,
    TurfStops,
    Turnout,
    VoterAddresses,
    Votes,
)

__all__ = ["DEMO_DAY", "Town", "build_town", "visit_rows"]

DEMO_DAY: Final = date(2026, 11, 23)
"""The town's own today, unless told otherwise: dates of contacts and of the ballot follow it."""


@dataclass(frozen=True)
class Town:
    """The invented town. Tables keep the contracts of `tables.py`; layers are in EPSG:2154.

    Layers of background have a `name` (may be missing) and a geometry: `outline` (the commune),
    `water`, `rail`, `parks`. `results` gives (turnout, votes) for each election_id.

    `truth` (building_id, left_voters, left_abstainers, opening_rate) is the planted answer: it
    is for tests only, and nothing may write it into a workspace or show it.
    """

    name: str
    commune_code: str
    seed: int
    today: date
    ballot_date: date
    outline: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    rail: gpd.GeoDataFrame
    parks: gpd.GeoDataFrame
    quarters: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    addresses: pd.DataFrame
    stations: gpd.GeoDataFrame
    voter_addresses: pd.DataFrame
    results: Results
    blocs: pd.DataFrame
    contacts: pd.DataFrame
    truth: pd.DataFrame = field(repr=False)


def build_town(*, seed: int = 2026, today: date = DEMO_DAY) -> Town:
    """Build the town: no file but its parameters, no clock, no network.

    `seed` changes streets, people and votes; `today` moves the dates of contacts alone.
    """
    commune: dict[str, Any] = parameters()["commune"]
    ballot = next_sunday(today + timedelta(days=commune["days_to_ballot"]))
    ground = build_ground(seed)
    housing = build_housing(ground, seed)
    voters = np.bincount(housing["block"], housing["registered"], minlength=len(ground.blocks))
    numbers = assign_blocks(ground, voters.astype(int))
    stations = build_stations(ground, numbers, housing)
    housing["station_id"] = stations["station_id"].to_numpy()[numbers[housing["block"]]]
    truth = build_truth(housing, seed)
    results = build_results(housing, stations, truth, seed)
    for turnout, votes in results.values():
        Turnout.check(turnout)
        Votes.check(votes)
    return Town(
        name=commune["name"],
        commune_code=commune["commune_code"],
        seed=seed,
        today=today,
        ballot_date=ballot,
        outline=layer([commune["name"]], [ground.outline]),
        water=layer([commune["river"]], [ground.water]),
        rail=rail_of(ground),
        parks=parks_of(ground),
        quarters=Quarters.check(quarters_of(ground)),
        streets=Streets.check(streets_of(ground)),
        addresses=Addresses.check(addresses_of(housing)),
        stations=Stations.check(stations),
        voter_addresses=VoterAddresses.check(voter_addresses_of(housing)),
        results=results,
        blocs=BlocRows.check(build_blocs()),
        contacts=build_contacts(housing, today, ballot, seed),
        truth=expected_voters(housing, truth, seed),
    )


def next_sunday(day: date) -> date:
    """The day itself if a Sunday, else the Sunday after: ballots are held on Sundays."""
    return day + timedelta(days=(6 - day.weekday()) % 7)


def layer(names: list[str | None], shapes: list[BaseGeometry]) -> gpd.GeoDataFrame:
    """A background layer: names and shapes."""
    return gpd.GeoDataFrame(
        {"name": pd.Series(names, dtype="str")}, geometry=shapes, crs=METRIC_CRS
    )


def rail_of(ground: Ground) -> gpd.GeoDataFrame:
    """The railway, in one line."""
    track = ground.edges.loc[ground.edges["role"] == "rail"].geometry.union_all()
    return layer(["Voie ferrée"], [track])


def parks_of(ground: Ground) -> gpd.GeoDataFrame:
    """The parks, one row each."""
    green = ground.blocks[(ground.blocks["kind"] == "park") & ~ground.blocks["is_bank"]]
    parks = green.dissolve("quarter")
    names = [parameters()["quarters"][quarter]["name"] for quarter in parks.index]
    return layer(names, list(parks.geometry))


def quarters_of(ground: Ground) -> gpd.GeoDataFrame:
    """The `Quarters` table: the blocks of each quarter together, in the order of their names."""
    merged = ground.blocks.dissolve("quarter")
    commune = parameters()["commune"]["commune_code"]
    table = gpd.GeoDataFrame(
        {
            "name": [parameters()["quarters"][quarter]["name"] for quarter in merged.index],
            "commune_code": commune,
        },
        geometry=list(shapely.normalize(merged.geometry.values)),
        crs=METRIC_CRS,
    )
    return table.astype({"name": "str", "commune_code": "str"}).sort_values(
        "name", ignore_index=True
    )


def addresses_of(housing: pd.DataFrame) -> pd.DataFrame:
    """The `Addresses` table."""
    columns = ["address_id", "commune_code", "postcode", "street", "number", "suffix", "x", "y"]
    text = [name for name in columns if name not in ("number", "x", "y")]
    return housing[columns].astype(dict.fromkeys(text, "str"))


def voter_addresses_of(housing: pd.DataFrame) -> pd.DataFrame:
    """The `VoterAddresses` table: the roll without names, at the last election."""
    lived_in = housing[housing["registered"] > 0].reset_index(drop=True)
    columns = [
        "station_id", "commune_code", "arrondissement_code", "street", "number", "suffix",
        "registered",
    ]  # fmt: skip
    text = [name for name in columns if name not in ("number", "registered")]
    lived_in["arrondissement_code"] = lived_in["commune_code"]
    return lived_in[columns].astype(dict.fromkeys(text, "str"))


def visit_rows(town: Town, stops: pd.DataFrame, *, seed: int, today: date) -> pd.DataFrame:
    """Invent the visits of about half the turfs of `stops`, a `TurfStops` table of the town.

    Gives visit_id, building_id, door_id, turf_id, visited_at (UTC) and outcome.
    Outcomes are drawn alike everywhere: they tell nothing of the planted truth.
    """
    TurfStops.check(stops)
    known = stops[stops["building_id"].isin(town.addresses["address_id"])]
    return build_visits(known, seed=seed, today=today)
