"""Do outlines lie where the stations of their codes lie? What tells, without another map.

Codes alone do not: a city that numbers its stations anew keeps most of its codes. A constituency
is one piece of ground: stations of one that lie scattered over the city bear others' codes.
Neighbours vote alike: where they do not at all, the codes are others' too.
"""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

GAP_M: Final = 50.0
"""Outlines this near are neighbours: Paris draws its own without the streets between them (touching
ones alone: .29 of the stations in one piece; at 25 m and more: 1.00)."""

PLAIN_M: Final = 5.0
"""Outlines are made plainer by so much first: the search for neighbours is then quick."""

FEWEST: Final = 10
"""A commune of fewer stations tells nothing: one island more or less is a tenth of it."""

FEWEST_VOTES: Final = 30
"""Stations from which how neighbours vote tells something."""

IN_ONE_PIECE: Final = 0.8
"""Least share of stations in the largest piece of their own constituency: .99 to 1.00 in six intact
cities, .55 to .66 in the one that was renumbered (Nantes, 2014)."""

ALIKE: Final = 0.1
"""Least Moran's I of the left share between neighbours."""


def neighbours(outlines: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Places of the pairs of outlines that are neighbours, each pair both ways round."""
    shapes = shapely.simplify(outlines.geometry.to_numpy(), PLAIN_M)
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=GAP_M)
    other = a != b
    return a[other], b[other]


def pieces_share(outlines: gpd.GeoDataFrame, constituency: pd.Series) -> pd.Series:
    """Per commune: share of the stations in the largest piece of their own constituency.

    Parameters
    ----------
    outlines
        Table Stations (metres).
    constituency
        Constituency of each station, indexed by station_id; missing where unknown.

    Returns
    -------
    pd.Series
        Indexed by commune; of communes with FEWEST stations and two constituencies at least, which
        alone tell something.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    known = outlines["station_id"].map(constituency)
    table = outlines[["station_id", "commune_code", "geometry"]].assign(constituency=known)
    table = table.dropna(subset="constituency")
    by = table.groupby("commune_code")
    tells = (by.size() >= FEWEST) & (by["constituency"].nunique() >= 2)
    table = table[table["commune_code"].isin(set(tells.index[tells]))].reset_index(drop=True)
    if table.empty:
        return pd.Series(dtype="float64")
    a, b = neighbours(gpd.GeoDataFrame(table, geometry="geometry"))
    own = (table["commune_code"] + table["constituency"]).to_numpy()
    same = own[a] == own[b]
    links = coo_matrix((np.ones(same.sum()), (a[same], b[same])), shape=(len(table),) * 2)
    table["piece"] = connected_components(links, directed=False)[1]
    sizes = table.groupby(["commune_code", "constituency", "piece"]).size()
    largest = sizes.groupby(["commune_code", "constituency"]).max().groupby("commune_code").sum()
    share: pd.Series = (largest / table.groupby("commune_code").size()).rename("pieces_share")
    return share


def likeness(outlines: gpd.GeoDataFrame, left_share: pd.Series) -> float | None:
    """Moran's I of the left share between neighbours; nothing where too few stations have both.

    1: neighbours vote the same; 0: as if the codes had been drawn by lot. Outlines of several
    communes are compared within each, from its own mean.
    """
    values = outlines["station_id"].map(left_share).astype("float64")
    there = outlines.assign(value=values).dropna(subset="value").reset_index(drop=True)
    if len(there) < FEWEST_VOTES:
        return None
    a, b = neighbours(there)
    communes = there["commune_code"].to_numpy()
    inside = communes[a] == communes[b]
    a, b = a[inside], b[inside]
    apart = (there["value"] - there.groupby("commune_code")["value"].transform("mean")).to_numpy()
    spread = float((apart**2).mean())
    if not len(a) or spread == 0:
        return None
    return float((apart[a] * apart[b]).mean() / spread)
