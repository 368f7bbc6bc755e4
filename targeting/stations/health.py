"""Data health: for every station and election, whether its result is there and whose it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from targeting.codes import ELECTION_ID, parse_election_id
from targeting.crs import require_metric_crs
from targeting.stations.flows import communes_of

STATUSES: Final = ("complete", "carried", "uncertain", "settled", "lost", "absent")
"""complete: the station's own result; carried: moved from other stations, sure; uncertain: moved,
or of a station that may be another; settled: no second round was needed there; lost: the election
was held and no past was found; absent: the files imported do not cover the commune."""

NEAR_OUTLINE_M: Final = 150.0
"""A polling place's point this near its outline is taken as inside: points lie on a 100 m grid."""


def health_matrix(
    ledger: pd.DataFrame,
    stations: Sequence[str],
    elections: Sequence[str],
    departments: Mapping[str, Collection[str]],
) -> pd.DataFrame:
    """Status of each station of now (rows) at each election (columns): one of STATUSES.

    Parameters
    ----------
    ledger
        Table Ledger.
    stations, elections
        Station ids of now, and elections, in the order wanted.
    departments
        Departments that the files of each election cover.
    """
    index = pd.Index(stations, name="station_id", dtype="str")
    communes = communes_of(index.to_series())
    columns = {}
    for election in elections:
        rows = ledger[(ledger["vintage"] == election) & (ledger["kind"] != "gone")]
        rows = rows.set_index("station_id").reindex(index)
        of_election = list(departments.get(election, ()))
        covered = communes.str.slice(0, 2).isin(of_election)
        covered |= communes.str.slice(0, 3).isin(of_election)  # overseas: three figures
        covered |= communes.isin(set(communes_of(rows.dropna(subset="kind").index.to_series())))
        is_second = bool(ELECTION_ID.match(election)) and (
            parse_election_id(election).round_number == 2
        )
        kind = rows["kind"]
        columns[election] = np.select(
            [
                kind.isna() & ~covered.to_numpy(),
                kind.isna() & is_second,
                kind.isna() | (kind == "lost"),
                rows["is_uncertain"].fillna(value=True).astype(bool),
                kind == "identity",
            ],
            ["absent", "settled", "lost", "uncertain", "complete"],
            "carried",
        )
    return pd.DataFrame(columns, index=index).astype("str")


def count_statuses(matrix: pd.DataFrame) -> pd.DataFrame:
    """Stations of each status (columns, in the order of STATUSES) at each election (rows)."""
    counts = {election: matrix[election].value_counts() for election in matrix.columns}
    table = pd.DataFrame(counts).T.reindex(columns=list(STATUSES)).fillna(0).astype(int)
    return table.rename_axis("election_id")


def outline_gaps(outlines: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> pd.Series:
    """Metres between each station's point and its same-coded outline; 0 inside.

    Parameters
    ----------
    outlines, points
        Table Stations (EPSG:2154; CrsError otherwise): polygons, and a point a station. Stations
        that are not in both are left out.

    A far point means that the outline is another station's, or of another time: it is not to be
    trusted on a map (Marseille, outlines of 2007-10, points of 2022: 86 % inside, 95 % within
    150 m).
    """
    require_metric_crs(outlines, "outlines")
    require_metric_crs(points, "points")
    drawn = outlines.drop_duplicates("station_id").set_index("station_id").geometry
    placed = points.drop_duplicates("station_id").set_index("station_id").geometry
    both = drawn.index.intersection(placed.index).sort_values()
    gaps = drawn.loc[both].distance(placed.loc[both], align=False)
    return gaps.rename("outline_gap_m").astype("float64")
