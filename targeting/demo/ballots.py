"""Votes of the invented town: a truth is planted in each building, then ballots are drawn from it.

The truth says who leans left and who comes to vote; candidates and turnout levels come from the
parameters. Counts are drawn (binomial, multinomial), so that results carry an honest noise.
"""

from __future__ import annotations

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from targeting.demo.parameters import chance_of, parameters

LEFT_BLOCS: Final = ("far_left", "left", "ecologist")
OTHER_BLOCS: Final = ("centre", "right", "far_right", "regionalist", "other")

MOOD_SPREAD: Final = 0.20
"""How far blocks of one quarter differ in leaning (standard deviation, log-odds)."""

CIVIC_SPREAD: Final = 0.16
"""How far blocks of one quarter differ in turnout (standard deviation, log-odds)."""

ROUND_SPREAD: Final = 0.12
"""How far one round departs from what a block usually does (standard deviation, log-odds)."""

CAMP_SPREAD: Final = 0.40
"""How far a quarter's left comes to vote more than its others do, at one round (log-odds).
No score that looks at totals can see it: this is what keeps T0 from being the truth."""

TOWER_EFFECT: Final = -0.07
"""Turnout lost each time a building's dwellings double (log-odds)."""

LOW_ROUND: Final = "2022_legi_t1"
HIGH_ROUND: Final = "2022_pres_t1"

NEW_HOUSING_GROWTH: Final = 0.31
"""Registered voters that one station gained between 2017 and 2022: a building site opened."""

STATION_GROWTH_SPREAD: Final = 0.012

Results = dict[str, tuple[pd.DataFrame, pd.DataFrame]]


def build_truth(housing: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What is planted in each building, in log-odds: `lean` to the left, `civic` habit."""
    chance = chance_of("ballots", seed)
    quarters = pd.DataFrame(parameters()["quarters"])
    blocks = int(housing["block"].max()) + 1
    mood, habit = chance.normal(0, [[MOOD_SPREAD], [CIVIC_SPREAD]], (2, blocks))
    quarter, block = housing["quarter"].to_numpy(), housing["block"].to_numpy()
    size = np.log2(np.maximum(housing["dwellings"].to_numpy(), 1))
    return pd.DataFrame(
        {
            "lean": log_odds(quarters["left"].to_numpy()[quarter]) + mood[block] + 0.03 * size,
            "civic": quarters["civic"].to_numpy()[quarter] + habit[block] + TOWER_EFFECT * size,
            "is_estate": housing["kind"].to_numpy() == "estate",
            "block": block,
            "quarter": quarter,
        }
    )


def log_odds(share: np.ndarray | float) -> Any:
    """Log-odds of a share."""
    return np.log(share / (1 - np.asarray(share)))


def from_log_odds(value: np.ndarray) -> Any:
    """Share from its log-odds."""
    return 1 / (1 + np.exp(-value))


def chances_of_voting(
    truth: pd.DataFrame, registered: np.ndarray, election_id: str, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per building: share that leans left, their turnout, and the turnout of the others.

    Turnout is set so that the whole town expects that of the parameters.
    """
    day = parameters()["rounds"][election_id]
    order = list(parameters()["rounds"]).index(election_id)
    chance = np.random.default_rng([seed, 100 + order])
    blocks = int(truth["block"].max()) + 1
    twist, zest = chance.normal(0, ROUND_SPREAD, (2, blocks))[:, truth["block"].to_numpy()]
    left = from_log_odds(truth["lean"].to_numpy() + day["left_shift"] + twist)
    others = day["spread"] * truth["civic"].to_numpy() + zest
    camp = chance.normal(0, CAMP_SPREAD, len(parameters()["quarters"]))[truth["quarter"]]
    zeal = day["left_zeal"] + day["estate_zeal"] * truth["is_estate"].to_numpy() + camp
    low, high = -6.0, 6.0
    for _ in range(40):
        level = (low + high) / 2
        voting = left * from_log_odds(level + others + zeal)
        voting += (1 - left) * from_log_odds(level + others)
        too_many = (voting * registered).sum() / registered.sum() > day["turnout"]
        low, high = (low, level) if too_many else (level, high)
    return left, from_log_odds(level + others + zeal), from_log_odds(level + others)


def expected_voters(housing: pd.DataFrame, truth: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The planted answer, per building: for tests only, never shown nor written to a workspace.

    `left_voters` expected at the presidential round, `left_abstainers` at the low-turnout one,
    in people; `opening_rate`, the share of doors that open to a knock.
    """
    registered = housing["registered"].to_numpy()
    left_then, left_turnout, _ = chances_of_voting(truth, registered, HIGH_ROUND, seed)
    left_low, low_turnout, _ = chances_of_voting(truth, registered, LOW_ROUND, seed)
    opening = housing["kind"].map({k: v["opening_rate"] for k, v in parameters()["kinds"].items()})
    size = np.log2(np.maximum(housing["dwellings"].to_numpy(), 1))
    return pd.DataFrame(
        {
            "building_id": housing["address_id"],
            "left_voters": registered * left_then * left_turnout,
            "left_abstainers": registered * left_low * (1 - low_turnout),
            "opening_rate": (opening - 0.008 * size).clip(0, 1),
        }
    )


def build_results(
    housing: pd.DataFrame, stations: gpd.GeoDataFrame, truth: pd.DataFrame, seed: int
) -> Results:
    """Turnout and votes of each round, as the ministry would publish them."""
    constituencies = constituency_of(housing, stations)
    return {
        election_id: draw_round(election_id, housing, constituencies, truth, seed)
        for election_id in parameters()["rounds"]
    }


def constituency_of(housing: pd.DataFrame, stations: gpd.GeoDataFrame) -> pd.Series:
    """Constituency of each station: 9901 in the west, 9902 in the east, voters halved."""
    weight = housing.groupby("station_id")["registered"].sum().reindex(stations["station_id"])
    east = stations.geometry.centroid.x.to_numpy()
    order = np.argsort(east, kind="stable")
    west = np.zeros(len(stations), dtype=bool)
    west[order[weight.to_numpy()[order].cumsum() <= weight.sum() / 2]] = True
    codes = pd.Series(np.where(west, "9901", "9902"), dtype="str")
    return codes.set_axis(pd.Index(stations["station_id"], name="station_id"))


def registered_then(
    housing: pd.DataFrame, election_id: str, chance: np.random.Generator, seed: int
) -> np.ndarray:
    """Registered voters of each building at a past round: fewer than today, most of all in the
    station where a new quarter was built between 2017 and 2022."""
    now: np.ndarray = housing["registered"].to_numpy()
    growth = parameters()["rounds"][election_id]["town_growth"]
    if growth == 0:
        return now
    names = sorted(set(housing["station_id"]))
    drift = np.random.default_rng([seed, 200]).normal(0, STATION_GROWTH_SPREAD, len(names))
    change = pd.Series(growth + np.clip(drift, -0.02, 0.02), index=names)
    if election_id.startswith("2017"):
        change[new_housing_station(housing)] = -NEW_HOUSING_GROWTH
    lost = np.abs(housing["station_id"].map(change).to_numpy(dtype=float))
    result: np.ndarray = now - chance.binomial(now, lost)
    return result


def new_housing_station(housing: pd.DataFrame) -> str:
    """The station of the new river front: the one with most voters of its quarter."""
    quarters = [q["name"] for q in parameters()["quarters"]]
    fresh = housing[housing["quarter"] == quarters.index("Rives Neuves")]
    return str(fresh.groupby("station_id")["registered"].sum().idxmax())


def draw_round(
    election_id: str,
    housing: pd.DataFrame,
    constituencies: pd.Series,
    truth: pd.DataFrame,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw who came and for whom, building by building, then count by station."""
    day = parameters()["rounds"][election_id]
    order = list(parameters()["rounds"]).index(election_id)
    chance = np.random.default_rng([seed, 300 + order])
    registered = registered_then(housing, election_id, np.random.default_rng([seed, 201]), seed)
    left, left_turnout, other_turnout = chances_of_voting(truth, registered, election_id, seed)
    leaning = chance.binomial(registered, left)
    left_came = chance.binomial(leaning, left_turnout)
    others_came = chance.binomial(registered - leaning, other_turnout)
    valid = 1 - day["blank"] - day["null"]
    counts = pd.DataFrame(
        {
            "registered": registered,
            "votes_cast": left_came + others_came,
            "left": chance.binomial(left_came, valid),
            "others": chance.binomial(others_came, valid),
        }
    )
    by_station = counts.groupby(housing["station_id"].to_numpy()).sum()
    by_station = by_station.reindex(constituencies.index)
    turnout = count_turnout(election_id, by_station, constituencies, chance)
    votes = count_votes(election_id, by_station, constituencies, bloc_mix(housing), chance)
    return turnout, votes


def count_turnout(
    election_id: str,
    by_station: pd.DataFrame,
    constituencies: pd.Series,
    chance: np.random.Generator,
) -> pd.DataFrame:
    """The `Turnout` table of one round."""
    day = parameters()["rounds"][election_id]
    valid = by_station["left"] + by_station["others"]
    lost = (by_station["votes_cast"] - valid).to_numpy()
    blank = chance.binomial(lost, day["blank"] / (day["blank"] + day["null"]))
    n = len(by_station)
    return pd.DataFrame(
        {
            "election_id": pd.Series([election_id] * n, dtype="str"),
            "station_id": pd.Series(by_station.index.tolist(), dtype="str"),
            "constituency_code": pd.Series(constituencies.tolist(), dtype="str"),
            "registered": by_station["registered"].to_numpy(),
            "votes_cast": by_station["votes_cast"].to_numpy(),
            "blank_votes": pd.Series(blank, dtype="Int64"),
            "null_votes": pd.Series(lost - blank, dtype="Int64"),
            "valid_votes": valid.to_numpy(),
            "flag": pd.Series([None] * n, dtype="str"),
        }
    )


def bloc_mix(housing: pd.DataFrame) -> pd.DataFrame:
    """Per station, how each camp's votes fall between its blocs: left, then the others."""
    kinds = parameters()["kinds"]
    names = [*LEFT_BLOCS, *OTHER_BLOCS]
    mix = np.array([kinds[k]["left_mix"] + kinds[k]["right_mix"] for k in housing["kind"]])
    weighted = pd.DataFrame(mix * housing["registered"].to_numpy()[:, None], columns=names)
    total = weighted.groupby(housing["station_id"].to_numpy()).sum()
    return total.div(housing.groupby("station_id")["registered"].sum(), axis=0)


def candidates_of(election_id: str, constituency_code: str) -> pd.DataFrame:
    """Those who stand, in the order of their panels: candidate, nuance_code, bloc, weight."""
    if election_id in parameters()["presidential"]:
        listed = parameters()["presidential"][election_id]
        table = pd.DataFrame(listed, columns=["candidate", "bloc", "weight"])
        return table.assign(nuance_code=pd.Series([None] * len(table), dtype="str"))
    listed = parameters()["legislative"][election_id][constituency_code]
    table = pd.DataFrame(listed, columns=["candidate", "nuance_code", "weight"])
    return table.assign(bloc=table["nuance_code"].map(parameters()["nuances"]))


def appeal(standing: pd.DataFrame) -> pd.DataFrame:
    """Share of each bloc's voters (rows) that goes to each candidate (columns)."""
    weight = {
        bloc: standing["weight"].where(standing["bloc"] == bloc, 0.0)
        for bloc in (*LEFT_BLOCS, *OTHER_BLOCS)
    }
    own = pd.DataFrame(weight, dtype=float).T
    own = own.div(own.sum(axis=1).replace(0, 1), axis=0)
    pulled = own.copy()
    for bloc in own.index[own.sum(axis=1) == 0]:
        for target, share in parameters()["transfers"][bloc].items():
            pulled.loc[bloc] += share * own.loc[target]
    return pulled.div(pulled.sum(axis=1), axis=0)


def count_votes(
    election_id: str,
    by_station: pd.DataFrame,
    constituencies: pd.Series,
    mix: pd.DataFrame,
    chance: np.random.Generator,
) -> pd.DataFrame:
    """The `Votes` table of one round: each camp's valid votes fall on the candidates."""
    tables = []
    for code, members in constituencies.groupby(constituencies):
        standing = candidates_of(election_id, str(code))
        pull = appeal(standing)
        votes = np.zeros((len(members), len(standing)), dtype=int)
        for camp, blocs in (("left", LEFT_BLOCS), ("others", OTHER_BLOCS)):
            shares = mix.loc[members.index, list(blocs)].to_numpy()
            wanted = shares @ pull.loc[list(blocs)].to_numpy()
            wanted /= wanted.sum(axis=1, keepdims=True)
            votes += chance.multinomial(by_station.loc[members.index, camp].to_numpy(), wanted)
        panels = standing[["candidate", "nuance_code"]].assign(line=range(1, len(standing) + 1))
        table = panels.loc[np.tile(panels.index, len(members))].reset_index(drop=True)
        table["station_id"] = np.repeat(members.index.to_numpy(), len(standing))
        tables.append(table.assign(votes=votes.ravel()))
    votes_table = pd.concat(tables).sort_values(["station_id", "line"], ignore_index=True)
    votes_table["election_id"] = election_id
    votes_table["party_list"] = None
    columns = ["election_id", "station_id", "line", "candidate", "party_list", "nuance_code"]
    text = [name for name in columns if name != "line"]
    return votes_table[[*columns, "votes"]].astype(dict.fromkeys(text, "str"))


def build_blocs() -> pd.DataFrame:
    """The `BlocRows` table: candidates at presidential rounds, nuances at the others."""
    tables = []
    for election_id in parameters()["rounds"]:
        codes = parameters()["legislative"].get(election_id, {"": None})
        standing = pd.concat([candidates_of(election_id, code) for code in codes])
        if election_id in parameters()["legislative"]:
            standing = standing.drop_duplicates("nuance_code").assign(candidate=None)
        tables.append(standing.assign(election_id=election_id, source="invented town"))
    blocs = pd.concat(tables, ignore_index=True)
    columns = ["election_id", "nuance_code", "candidate", "bloc", "source"]
    return blocs[columns].astype("str")
