"""Communes that joined another one are found again by their stations."""

from __future__ import annotations

import pandas as pd

from targeting.stations.history import build_history
from targeting.stations.mergers import find_absorbed
from tests.stations.towns import round_of, some_years_later, town_of


def department(*, villages: int = 12) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A department whose commune 49200 joined 49007: what was there, what is, the joined one."""
    others = pd.concat(
        [town_of(n, 3, commune=f"49{n:03d}") for n in range(1, villages)], ignore_index=True
    )
    joined = town_of(99, 3, commune="49200")
    then = pd.concat([others, joined], ignore_index=True)
    codes = {s: f"49007_{10 + n:04d}" for n, s in enumerate(joined["station_id"])}
    return then, some_years_later(then, codes=codes), joined


def test_a_commune_is_found_under_the_name_of_the_one_it_joined_in_the_order_of_its_numbers() -> (
    None
):
    then, now, joined = department()
    stayed = then[~then["station_id"].isin(joined["station_id"])]
    flows = find_absorbed(joined, now, stayed)
    assert flows["station_id"].to_list() == ["49007_0010", "49007_0011", "49007_0012"]
    assert set(flows["basis"]) == {"renumbered"}


def test_the_chain_of_rounds_carries_a_joined_commune_and_loses_one_that_nothing_tells_of() -> None:
    then, now, _ = department()
    vanished = town_of(123, 2, commune="49300")
    rounds = [
        round_of("2017_pres_t1", then, vanished),
        round_of("2022_pres_t1", now),
    ]
    flows = build_history(rounds).of("2017_pres_t1").set_index("station_id_then")
    assert flows.loc["49200_0002", "station_id"] == "49007_0011"
    assert flows.loc[["49300_0001", "49300_0002"], "basis"].to_list() == ["lost", "lost"]


def test_the_stations_of_a_commune_found_again_in_another_one_are_no_stations_of_now() -> None:
    """Their voters are counted where they are now, and nowhere else."""
    then, now, joined = department()
    history = build_history([round_of("2017_pres_t1", then), round_of("2022_pres_t1", now)])
    assert set(history.now["station_id"]) == set(now["station_id"])
    assert not set(joined["station_id"]) & set(history.now["station_id"])
    assert history.now["registered"].sum() == now["registered"].sum()


def test_nothing_is_found_where_no_station_is_new() -> None:
    then, now, joined = department()
    stayed = then[~then["station_id"].isin(joined["station_id"])]
    old = now[now["station_id"].isin(stayed["station_id"])]
    assert find_absorbed(joined, old, stayed).empty


def test_two_new_stations_that_are_alike_tell_nothing() -> None:
    """A village of one station, and its like twice in the department: no guess is made."""
    then, now, _ = department()
    village = town_of(7, 1, commune="49400")
    twins = [
        village.assign(station_id=pd.Series([f"{c}_0090"], dtype="str")) for c in ("49001", "49002")
    ]
    after = pd.concat([now, *twins], ignore_index=True)
    assert find_absorbed(village, after, then).empty
