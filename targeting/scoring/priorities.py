"""Results joined with the households already met: counts go up to the station, never back down."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from targeting.outcomes import MET
from targeting.scoring.product import rank_of
from targeting.tables import Coverage, Priorities

SMALLEST_CELL: Final = 11
"""A count of households under eleven is not shown, nor does it move anything shown
(INSEE's practice; TRUST PRIV-17)."""


ALL_MET: Final = 1e-6
"""Where everybody was met this much is left: after all the others, and still a number."""


def count_knocks(visits: pd.DataFrame) -> pd.DataFrame:
    """What was done in each building, as `store.visits.count_knocks` counts it in the database.

    Parameters
    ----------
    visits
        `building_id`, `door_id`, `outcome`, `visited_at` (UTC), one row a knock. Nothing about
        who opened is needed, and nothing else is read.

    Gives `doors_visited`, `doors_met` (somebody talked, refused, or asked not to be called on
    again) and `last_visited_at`, indexed by `building_id`. Several knocks at one door are one.
    """
    met = visits[visits["outcome"].isin(MET)]
    by = visits.groupby("building_id")
    doors_met = met.groupby("building_id")["door_id"].nunique()
    table = pd.DataFrame(
        {"doors_visited": by["door_id"].nunique(), "last_visited_at": by["visited_at"].max()}
    )
    return table.assign(doors_met=doors_met.reindex(table.index).fillna(0).astype("int64"))


def build_coverage(buildings: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """What was done in each station (table Coverage), from visits: see `coverage_of`."""
    return coverage_of(buildings, count_knocks(visits))


def coverage_of(buildings: pd.DataFrame, knocks: pd.DataFrame) -> pd.DataFrame:
    """What was done in each station (table Coverage), from doors × visits.

    Parameters
    ----------
    buildings
        Table Buildings; those in no station count nowhere.
    knocks
        See `count_knocks`.

    A household is a dwelling; it is contacted once somebody talked, refused, or asked not to be
    called on again.
    """
    homes = buildings.dropna(subset="station_id")
    households = homes.groupby("station_id")["dwellings"].sum()
    station_of = homes.set_index("building_id")["station_id"]
    station = pd.Series(knocks.index.map(station_of), index=knocks.index)
    by = knocks[station.notna()].groupby(station.dropna())
    table = pd.DataFrame(
        {
            "households": households,
            "households_visited": by["doors_visited"].sum(),
            "households_contacted": by["doors_met"].sum(),
        },
        index=households.index,
    )
    table = table.fillna(0).astype("int64")
    for column in ("households_visited", "households_contacted"):
        table[column] = table[column].clip(upper=table["households"])
    dates = pd.to_datetime(by["last_visited_at"].max(), utc=True).reindex(table.index)
    table["last_visit_date"] = pd.Series(dates.dt.date, index=table.index, dtype=object)
    return Coverage.check(table.rename_axis("station_id").reset_index())


def contacted_rate(coverage: pd.DataFrame, stations: pd.Index) -> pd.Series:
    """Share of a station's households already met; 0 where fewer than eleven were.

    Counting few as none keeps the published priority from telling whether one household was met.
    """
    counts = coverage.set_index("station_id").reindex(stations)
    met = counts["households_contacted"].fillna(0)
    rate = met.where(met >= SMALLEST_CELL, 0) / counts["households"].where(counts["households"] > 0)
    return rate.fillna(0.0).clip(0, 1).rename("contacted_rate")


def build_priorities(scores: pd.DataFrame, coverage: pd.DataFrame) -> pd.DataFrame:
    """Where to knock next (table Priorities): the score, less the households already met.

    `priority` = score × (1 − contacted_rate), per registered voter as the score is;
    `reservoir_left` = reservoir × (1 − contacted_rate), in people. With no visit yet, the priority
    ranks as the score does.
    """
    table = scores.set_index("station_id")
    rate = contacted_rate(coverage, table.index)
    priority = (table["score"] * (1 - rate)).rename("priority")
    return Priorities.check(
        pd.DataFrame(
            {
                "score": table["score"],
                "reservoir": table["reservoir"],
                "contacted_rate": rate,
                "reservoir_left": table["reservoir"] * (1 - rate),
                "priority": priority,
                "priority_rank": rank_of(priority, table["registered"]).rename("priority_rank"),
            }
        ).reset_index()
    )


def priority_errors(errors: pd.DataFrame, contacted: pd.Series) -> pd.DataFrame:
    """`x` and `sigma` of the priority: the score's (`ranks.rank_errors`), less the households met.

    What was met is counted, not foreseen: it moves the place and widens nothing.
    """
    left = (1 - contacted.reindex(errors.index)).clip(lower=ALL_MET)
    return errors.assign(x=errors["x"] + np.log(left))


def publish_coverage(coverage: pd.DataFrame) -> pd.DataFrame:
    """Coverage as it may be shown: a count from 1 to 10 is missing (shown as “< 11”).

    Rates must be computed from `contacted_rate`, and totals from this table: then no difference
    of two published figures gives a masked one back.
    """
    shown = coverage.copy()
    for column in ("households_visited", "households_contacted"):
        count = shown[column].astype("Int64")
        shown[column] = count.mask((count > 0) & (count < SMALLEST_CELL))
    few = shown["households_visited"].isna()
    shown["last_visit_date"] = shown["last_visit_date"].mask(few, None)
    return shown
