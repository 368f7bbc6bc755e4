"""The tables of turfs: minutes of stops, sums, stations, ranks and names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from targeting.tables import Turfs
from targeting.turf.kernels.arrays import Floats
from targeting.turf.minutes import TimeModel, expected_minutes
from targeting.turf.walk import address_lines


def minutes_of_stops(buildings: pd.DataFrame, stops: pd.DataFrame, model: TimeModel) -> Floats:
    """Minutes inside at each stop, for the doors that the stop has."""
    kind = buildings["kind"].iloc[stops["row"]].to_numpy()
    at_stop = pd.DataFrame({"kind": kind, "dwellings": stops["dwellings"].to_numpy()})
    return np.array(expected_minutes(at_stop, model))


def summed_turfs(
    buildings: pd.DataFrame, stops: pd.DataFrame, walks: Floats, longest: Floats, model: TimeModel
) -> pd.DataFrame:
    """One row a turf, in the order of their numbers; stops are in walking order."""
    of_row = buildings.iloc[stops["row"]].reset_index(drop=True)
    share = stops["dwellings"] / of_row["dwellings"]
    each = pd.DataFrame(
        {
            "turf": stops["turf"],
            "n_doors": stops["dwellings"],
            "registered_estimate": of_row["registered_estimate"] * share,
            "minutes": stops["minutes"],
        }
    ).groupby("turf")
    total = each.sum()
    turf = stops["turf"].to_numpy()
    ends = {keep: ~stops["turf"].duplicated(keep=keep).to_numpy() for keep in ("first", "last")}
    line = {
        keep: address_lines(of_row[is_end]).set_axis(turf[is_end]) for keep, is_end in ends.items()
    }
    return pd.DataFrame(
        {
            "n_buildings": each.size().astype(np.int64),
            "n_doors": total["n_doors"].astype(np.int64),
            "registered_estimate": total["registered_estimate"].astype(float),
            "minutes_expected": (total["minutes"] + walks * model.minutes_per_m).round(2),
            "walk_m": np.round(walks, 1),
            "longest_leg_m": np.round(longest, 1),
            "start_address": line["first"].astype("str"),
            "end_address": line["last"].astype("str"),
        }
    )


def main_stations(buildings: pd.DataFrame, stops: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Station that most doors of each turf are in; and, of turfs that lie in several, all of them.

    Both indexed by the number of the turf; the list is joined by a space, most doors first.
    """
    served = pd.DataFrame(
        {
            "turf": stops["turf"],
            "station_id": buildings["station_id"].iloc[stops["row"]].to_numpy(),
            "dwellings": stops["dwellings"],
        }
    ).dropna(subset="station_id")
    by_station = (
        served.groupby(["turf", "station_id"], as_index=False)["dwellings"].sum()
        .sort_values(["turf", "dwellings", "station_id"], ascending=[True, False, True])
    )  # fmt: skip
    mostly = by_station.drop_duplicates("turf").set_index("turf")["station_id"]
    several = by_station[by_station["turf"].duplicated(keep=False)]
    return mostly, several.groupby("turf")["station_id"].agg(" ".join)


def station_lists(buildings: pd.DataFrame, stops: pd.DataFrame) -> pd.Series:
    """Stations of each turf, joined by a space; empty where none is known."""
    return listed_stations(stops, *main_stations(buildings, stops))


def listed_stations(stops: pd.DataFrame, mostly: pd.Series, spanning: pd.Series) -> pd.Series:
    """The same, from the main station of each turf and the list of those in several."""
    turfs = pd.Index(stops["turf"].unique())
    return spanning.reindex(turfs).fillna(mostly.reindex(turfs)).fillna("")


def ranked(
    buildings: pd.DataFrame,
    turfs: pd.DataFrame,
    stops: pd.DataFrame,
    station_order: Sequence[str] | None,
    id_prefix: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank and name the turfs; both tables as the contract has them, in the order of rank."""
    mostly, spanning = main_stations(buildings, stops)
    station_ids = listed_stations(stops, mostly, spanning).reindex(turfs.index)
    priority_of = {station: k for k, station in enumerate(dict.fromkeys(station_order or ()))}
    priority = mostly.map(priority_of).reindex(turfs.index).fillna(len(priority_of))
    in_rank = pd.DataFrame(
        {"priority": priority, "size": -turfs["n_doors"], "number": turfs.index}
    ).sort_values(["priority", "size", "number"]).index  # fmt: skip

    width = max(3, len(str(len(turfs))))
    rank = pd.Series(np.arange(1, len(turfs) + 1), index=in_rank)
    turf_id = (id_prefix + rank.astype(str).str.zfill(width)).astype("str")
    table = turfs.loc[in_rank].assign(
        turf_id=turf_id,
        rank=rank,
        station_ids=station_ids.loc[in_rank].astype("str"),
    )
    visit_order = stops.groupby("turf").cumcount().to_numpy() + 1
    listed = pd.DataFrame(
        {
            "turf_id": turf_id.reindex(stops["turf"]).to_numpy(),
            "visit_order": visit_order.astype(np.int64),
            "building_id": buildings["building_id"].iloc[stops["row"]].to_numpy(),
            "dwellings": stops["dwellings"].to_numpy().astype(np.int64),
        }
    ).astype({"turf_id": "str", "building_id": "str"})
    by_rank = np.argsort(rank.reindex(stops["turf"]).to_numpy(), kind="stable")
    columns = list(Turfs.to_schema().columns)
    return table[columns].reset_index(drop=True), listed.iloc[by_rank].reset_index(drop=True)
