"""Outlines of then under the names of now: nothing is painted with a neighbour's number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import pandas as pd

from targeting.stations.flows import communes_of

MOSTLY: Final = 0.5
"""An outline is that of the station of now that most of its voters are in; of none, if none has
more than half."""

SURE_ENOUGH: Final = 0.7
"""An outline takes another id only where the change is surer than this: a guess paints nothing."""


@dataclass(frozen=True)
class Renamed:
    """Outlines under the ids of now, and what was done: ids of then.

    renamed: then → now where the id changed; joined: outlines that became part of one; dropped:
    outlines that no station of now has most of; refused: those that do not lie where the stations
    of their codes lie, and are painted nowhere.
    """

    outlines: gpd.GeoDataFrame
    renamed: dict[str, str]
    joined: list[str]
    dropped: list[str]
    refused: gpd.GeoDataFrame | None = None

    @property
    def everything(self) -> gpd.GeoDataFrame:
        """All outlines, those refused with them: what is to be judged."""
        if self.refused is None or self.refused.empty:
            return self.outlines
        both = pd.concat([self.outlines, self.refused], ignore_index=True)
        return gpd.GeoDataFrame(both, geometry="geometry", crs=self.refused.crs)


def name_as_now(outlines: gpd.GeoDataFrame, flows: pd.DataFrame) -> Renamed:
    """Give each outline the id that its station has now.

    Parameters
    ----------
    outlines
        Table Stations, of one vintage.
    flows
        Flows (see `flows`) from the round of that vintage to now. An outline whose id is not among
        them keeps it.

    Returns
    -------
    Renamed
        Outlines of stations that were merged are united; an outline shared out among several is
        dropped, and counted: painting it with one of them would be wrong.
    """
    to = flows.dropna(subset="station_id").sort_values("weight", ascending=False)
    to = to.drop_duplicates("station_id_then").set_index("station_id_then")
    known = set(flows["station_id_then"])
    then = outlines["station_id"]
    target = then.map(to["station_id"])
    clear = then.map(to["weight"]).astype("float64") > MOSTLY
    clear &= (target == then) | (then.map(to["confidence"]).astype("float64") >= SURE_ENOUGH)
    now = target.where(clear).where(then.isin(list(known)), then)
    kept = outlines[now.notna()].assign(station_id=now[now.notna()].astype("str"))
    sources = then[now.notna()]
    changed = sources[sources != kept["station_id"]]
    renamed = dict(zip(changed, kept.loc[changed.index, "station_id"], strict=True))
    twice = kept["station_id"].duplicated(keep=False)
    joined = sources[twice].to_list()
    if twice.any():
        kept = kept.dissolve("station_id", as_index=False, aggfunc="first")
    kept = kept.assign(
        number=kept["station_id"].str.slice(6), commune_code=communes_of(kept["station_id"])
    )[list(outlines.columns)]
    layer = gpd.GeoDataFrame(kept, geometry="geometry", crs=outlines.crs)
    dropped = then[now.isna()].to_list()
    return Renamed(layer.sort_values("station_id", ignore_index=True), renamed, joined, dropped)
