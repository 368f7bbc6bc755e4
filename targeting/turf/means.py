"""Figures of stations as figures of turfs."""

from __future__ import annotations

import pandas as pd


def mean_over_doors(stops: pd.DataFrame, of_station: pd.Series, turf_ids: pd.Series) -> pd.Series:
    """A figure of stations as the mean over each turf's doors, on the index of `turf_ids`.

    Doors in no station count as nothing; a turf with a station whose figure is missing has none.
    """
    known = stops["station_id"].isin(of_station.index)
    value = stops["station_id"].map(of_station).astype("float64").where(known, 0.0)
    total = (value * stops["dwellings"]).groupby(stops["turf_id"]).sum(min_count=1)
    missing = value.isna().groupby(stops["turf_id"]).any()
    mean = (total / stops.groupby("turf_id")["dwellings"].sum()).mask(missing)
    return turf_ids.map(mean).astype("float64")
