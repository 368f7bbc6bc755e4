"""Which station became which, seen on a map: by voters' addresses, by dwellings, else by area.

`w_ab` = what lies in both a (then) and b (now) / what lies in a: the share of a's votes that b
inherits (SCIENCE 4). Voters known by address are the truth; dwellings stand for them where the
outlines of both vintages and the addresses are known; the area where nothing else is.
"""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import pandas as pd

from targeting.crs import require_metric_crs
from targeting.stations.flows import as_flows, tidy_flows
from targeting.stations.places import assign_stations

CONFIDENCE: Final = {"voters": 0.97, "addresses": 0.9, "area": 0.7}
"""Confidence in a flow seen on a map. Paris 2012 → 2017: the voters' addresses predict the rolls
of 2017 within 3.1 % (weighted), growth of each arrondissement taken off."""

LEAST_SEEN: Final = 0.5
"""A station less than half of which is found on the map of now is not told by it."""


def cross_points(then: pd.DataFrame, now: gpd.GeoDataFrame, *, basis: str) -> pd.DataFrame:
    """Flows from stations whose voters' places are known to outlines of now.

    Parameters
    ----------
    then
        `station_id` (of then), `x`, `y` (EPSG:2154 metres), `weight` (voters or dwellings).
    now
        Table Stations with outlines (EPSG:2154; CrsError otherwise).
    basis
        `voters` or `addresses`: what the weights count.

    Returns
    -------
    flows
        Stations of then of which at least LEAST_SEEN lies in outlines; the confidence is less by
        what does not.
    """
    target = assign_stations(then["x"], then["y"], now)
    return _flows(then["station_id"], target, then["weight"], basis)


def cross_common(then: pd.DataFrame, now: pd.DataFrame, *, basis: str) -> pd.DataFrame:
    """Flows between two rolls by address: the same place, `address_id`, in both.

    `then`, `now`: `station_id`, `address_id`, `weight`. An address that two stations of now share
    gives to both, by their weights.
    """
    to = now.dropna(subset="address_id")[["address_id", "station_id", "weight"]]
    to = to.assign(part=to["weight"] / to.groupby("address_id")["weight"].transform("sum"))
    both = then.merge(to, on="address_id", how="left", suffixes=("", "_now"))
    weight = both["weight"] * both["part"].fillna(1.0)
    return _flows(both["station_id"], both["station_id_now"], weight, basis)


def cross_places(then: gpd.GeoDataFrame, now: pd.DataFrame, *, basis: str) -> pd.DataFrame:
    """Flows from outlines of then to stations whose voters' places are known now.

    `now`: `station_id` (of now), `x`, `y` (EPSG:2154 metres), `weight`, in `basis` units. Points
    outside the outlines of then say nothing of them. Raises CrsError as `cross_points`.
    """
    source = assign_stations(now["x"], now["y"], then, near_m=0)
    inside = source.notna()
    return _flows(source[inside], now["station_id"][inside], now["weight"][inside], basis)


def cross_outlines(
    then: gpd.GeoDataFrame, now: gpd.GeoDataFrame, dwellings: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Flows between outlines of two vintages: by the dwellings in both, else by area.

    `dwellings`: `x`, `y` (EPSG:2154), `weight`, one row an address. Raises CrsError for outlines
    in another system.
    """
    for layer, name in ((then, "outlines of then"), (now, "outlines of now")):
        require_metric_crs(layer, name)
    if dwellings is not None and len(dwellings):
        source = assign_stations(dwellings["x"], dwellings["y"], then, near_m=0)
        inside = source.notna()
        points = dwellings[inside].assign(station_id=source[inside])
        return cross_points(points, now, basis="addresses")
    one = then[["station_id", "geometry"]]
    two = now[["station_id", "geometry"]].rename(columns={"station_id": "station_id_now"})
    pieces = one.overlay(two, how="intersection", keep_geom_type=True)
    covered = pieces.assign(weight=pieces.area)[["station_id", "station_id_now", "weight"]]
    missing = one.set_index("station_id").area - covered.groupby("station_id")["weight"].sum()
    rest = missing.fillna(0).clip(lower=0).rename("weight").reset_index()
    both = pd.concat([covered, rest.assign(station_id_now=None)], ignore_index=True)
    return _flows(both["station_id"], both["station_id_now"], both["weight"], "area")


def _flows(source: pd.Series, target: pd.Series, weight: pd.Series, basis: str) -> pd.DataFrame:
    pairs = pd.DataFrame({"then": source, "now": target, "weight": weight})
    total = pairs.groupby("then")["weight"].sum()
    seen = pairs.dropna(subset="now").groupby(["then", "now"])["weight"].sum().reset_index()
    part = seen.groupby("then")["weight"].sum() / total
    seen = seen[seen["then"].map(part).astype("float64") >= LEAST_SEEN]
    share = seen["weight"] / seen.groupby("then")["weight"].transform("sum")
    sure = CONFIDENCE[basis] * seen["then"].map(part).astype("float64")
    return tidy_flows(as_flows(seen["then"].to_numpy(), seen["now"].to_numpy(), share, basis, sure))
