"""Which quarter a station is of: where most of its outline lies, or its point."""

from __future__ import annotations

import re
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from targeting.crs import require_metric_crs

PLAIN_M: Final = 2.0
"""Outlines are made plainer by so much before they are cut: shares stay within a hundredth."""

LEAST_SHARE: Final = 0.05
"""A smaller share of a station is the roughness of two drawings, and no quarter of its own."""

SMALL_WORDS: Final = frozenset({
    "à", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "lès", "sous",
    "sur",
})  # fmt: skip
"""Written small within a name; the first word never is."""


def shown_names(names: pd.Series) -> pd.Series:
    """Names as a map writes them: a layer that shouts is put in small letters.

    >>> shown_names(pd.Series(["SAINT-JEAN-DU-DESERT", "LA POINTE ROUGE", "L'ESTAQUE"])).to_list()
    ['Saint-Jean-du-Desert', 'La Pointe Rouge', "L'Estaque"]
    >>> shown_names(pd.Series(["ZAC Nord", "LE PANIER"])).to_list()
    ['ZAC Nord', 'LE PANIER']
    """
    if any(c.islower() for name in names for c in name):
        return names
    return names.map(_in_small_letters).astype("str")


def _in_small_letters(name: str) -> str:
    parts = re.split(r"([\W_]+)", name.lower())
    words = [part if at and part in SMALL_WORDS else part.capitalize()
             for at, part in enumerate(parts)]  # fmt: skip
    return "".join(words)


def quarter_labels(quarters: gpd.GeoDataFrame) -> pd.Series:
    """What each quarter is called here: its name, with its commune where two communes have one."""
    labels = shown_names(quarters["name"])
    if quarters["name"].duplicated().any():
        labels = labels + " (" + quarters["commune_code"] + ")"
    return labels.astype("str").rename("quarter")


def assign_quarters(quarters: gpd.GeoDataFrame, *layers: gpd.GeoDataFrame | None) -> pd.Series:
    """The quarter that has the largest share of each station's outline, else its point.

    Parameters
    ----------
    quarters
        Table Quarters (EPSG:2154; CrsError otherwise). Where two have the same share, one lies in
        the other: the smaller is taken.
    layers
        Tables Stations (EPSG:2154), outlines before points: the first that has a station tells.

    Returns
    -------
    quarter
        Label of the quarter (see `quarter_labels`), indexed by station_id; missing where no quarter
        has a twentieth of the station.
    """
    drawn = [require_metric_crs(layer, "stations") for layer in layers if layer is not None]
    if not drawn:
        return pd.Series(index=pd.Index([], name="station_id"), dtype="str", name="quarter")
    both = pd.concat([layer[["station_id", "geometry"]] for layer in drawn], ignore_index=True)
    places = both.drop_duplicates("station_id")
    areas = require_metric_crs(quarters, "quarters")
    index = pd.Index(places["station_id"], name="station_id")
    share = _shares(places.geometry.to_numpy(), areas.geometry.to_numpy())
    share = share[share["share"] >= LEAST_SHARE]
    share["area"] = areas.geometry.area.to_numpy()[share["quarter"]]
    share["label"] = quarter_labels(areas).to_numpy()[share["quarter"]]
    order = share.sort_values(
        ["station", "share", "area", "label"], ascending=[True, False, True, True]
    )
    best = order.drop_duplicates("station").set_index("station")["label"]
    found = best.reindex(range(len(index))).set_axis(index)
    return found.astype("str").rename("quarter")


def _shares(places: np.ndarray, areas: np.ndarray) -> pd.DataFrame:
    """Share of each station (its place in `places`) in each quarter it meets, to the thousandth."""
    parts = shapely.simplify(areas, PLAIN_M)
    shapely.prepare(parts)
    station, quarter = shapely.STRtree(parts).query(places)
    near, plain = np.unique(station), places.copy()
    plain[near] = shapely.simplify(places[near], PLAIN_M)
    meets = shapely.intersects(parts[quarter], plain[station])
    station, quarter = station[meets], quarter[meets]
    size = shapely.area(plain[station])
    whole = (size == 0) | shapely.covers(parts[quarter], plain[station])
    share = np.ones(len(station))
    cut = ~whole
    common = shapely.area(shapely.intersection(plain[station[cut]], parts[quarter[cut]]))
    share[cut] = common / size[cut]
    return pd.DataFrame({"station": station, "quarter": quarter, "share": share.round(3)})
