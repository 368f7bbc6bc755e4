"""What turfs are worth: doors that open, conversations, extra voters; each with its interval.

`extra voters = conversations × voters reached × effect on turnout` (SCIENCE 1.3). The effect is
drawn from its prior, not cut at zero: the interval may lie on both sides of it. What the plan
maximises is `value`: conversations weighed by the priority of their place, relative to the mean
door's, less where a door was visited before. No vote is promised without interval.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from targeting.turf.learning import FieldModel, draws
from targeting.turf.minutes import KINDS

DRAWS: Final = 1000
TURFS_AT_ONCE: Final = 512
"""Turfs whose draws are held together: 4 MB a table of draws, whatever the city."""

LOW, MIDDLE, HIGH = 10, 50, 90
"""Percentiles: the interval is one of 80 %."""

VALUE_COLUMNS: Final = [
    "expected_open", "expected_talks", "talks_p10", "talks_p90", "votes_p10", "votes_p50",
    "votes_p90", "value", "minutes_low", "minutes_high",
]  # fmt: skip


def value_turfs(
    stops: pd.DataFrame, turfs: pd.DataFrame, model: FieldModel, *, seed: int = 0
) -> pd.DataFrame:
    """Expected doors open, conversations and extra voters of each turf, on the index of `turfs`.

    Parameters
    ----------
    stops
        turf_id, kind, dwellings (doors of the turf there), and `weight`: priority of the
        place over the mean door's (1 where nothing is known), `visits`: earlier visits a door.
    turfs
        turf_id, minutes_expected, walk_m.
    """
    chance = np.random.default_rng(seed)
    opening = {k: draws(model.opening_by_kind[k], chance, DRAWS) for k in KINDS}
    talking = draws(model.talking, chance, DRAWS)
    effect = model.effect
    points = chance.normal(effect.turnout_points, effect.turnout_points_sd, DRAWS) / 100
    doors = _doors_by_kind(stops, turfs["turf_id"])
    # a turf's draws follow those of the turf before it, however many are held at once
    spread = np.empty((5, len(doors)))
    for first in range(0, len(doors), TURFS_AT_ONCE):
        some = doors.iloc[first : first + TURFS_AT_ONCE]
        all_doors = some.sum(axis=1).to_numpy()
        opened = sum(np.outer(some[k], opening[k]) for k in KINDS)
        talks = chance.binomial(
            all_doors.astype(np.int64)[:, None],
            np.clip(opened / np.maximum(all_doors, 1)[:, None], 0, 1) * talking,
        )
        votes = talks * effect.voters_reached * points
        here = slice(first, first + len(some))
        spread[:2, here] = np.percentile(talks, [LOW, HIGH], axis=1)
        spread[2:, here] = np.percentile(votes, [LOW, MIDDLE, HIGH], axis=1)
    table = pd.DataFrame(index=turfs.index)
    mean_open = sum(doors[k] * model.opening_by_kind[k].mean for k in KINDS)
    table["expected_open"] = mean_open.to_numpy()
    table["expected_talks"] = mean_open.to_numpy() * model.talking.mean
    names = ("talks_p10", "talks_p90", "votes_p10", "votes_p50", "votes_p90")
    table[list(names)] = spread.T
    table["value"] = _weighed_talks(stops, turfs["turf_id"], model)
    talk_minutes = model.time.talk_minutes
    for name, side in (("minutes_low", "talks_p10"), ("minutes_high", "talks_p90")):
        away = (table[side] - table["expected_talks"]) * talk_minutes
        table[name] = np.maximum(turfs["minutes_expected"].to_numpy() + away.to_numpy(), 0.0)
    return table[VALUE_COLUMNS]


def valued_stops(
    stops: pd.DataFrame, buildings: pd.DataFrame, visits: pd.DataFrame, priority: pd.Series
) -> pd.DataFrame:
    """Stops with what `value_turfs` asks for: kind, weight of the place, earlier visits a door.

    A door weighs what its station's priority is to the mean door's: the product ranks left
    abstainers better than their estimated number does (SCIENCE 3.2).

    Parameters
    ----------
    buildings
        Table Buildings, of all the places that could be visited.
    visits
        building_id of every knock recorded.
    priority
        By station_id; a station without one weighs nothing.
    """
    rows = buildings.set_index("building_id")
    doors = rows.groupby("station_id")["dwellings"].sum()
    of_station = priority.astype(float).reindex(doors.index).fillna(0.0)
    mean = (of_station * doors).sum() / doors.sum()
    weight = of_station / mean if mean > 0 else of_station
    knocks = visits.groupby("building_id").size()
    all_doors = rows["dwellings"].clip(lower=1)
    a_door = (knocks.reindex(rows.index).fillna(0) / all_doors).rename("visits")
    at = stops["building_id"]
    return stops.assign(
        kind=at.map(rows["kind"]),
        station_id=at.map(rows["station_id"]),
        weight=at.map(rows["station_id"]).map(weight).astype(float),
        visits=at.map(a_door).astype(float),
    )


def total_value(stops: pd.DataFrame, model: FieldModel, *, seed: int = 0) -> dict[str, float]:
    """The same of all these stops together: doubts about rates are shared, chance is not."""
    whole = stops.assign(turf_id="all")
    turfs = pd.DataFrame({"turf_id": ["all"], "minutes_expected": [0.0], "walk_m": [0.0]})
    row = value_turfs(whole, turfs, model, seed=seed).iloc[0]
    return {k: float(row[k]) for k in VALUE_COLUMNS if not k.startswith("minutes")}


def _doors_by_kind(stops: pd.DataFrame, turf_ids: pd.Series) -> pd.DataFrame:
    doors = stops.pivot_table(
        index="turf_id", columns="kind", values="dwellings", aggfunc="sum", fill_value=0
    )
    return doors.reindex(index=turf_ids, columns=list(KINDS), fill_value=0)


def _weighed_talks(stops: pd.DataFrame, turf_ids: pd.Series, model: FieldModel) -> np.ndarray:
    """Conversations of each turf, weighed by place and by earlier visits."""
    rate = stops["kind"].map({k: r.mean for k, r in model.opening_by_kind.items()}).astype(float)
    again = worth_again(stops["visits"], model)
    talks = stops["dwellings"] * rate * model.talking.mean * stops["weight"] * again
    value: np.ndarray = talks.groupby(stops["turf_id"]).sum().reindex(turf_ids).to_numpy()
    return value


def worth_again(visits: pd.Series, model: FieldModel) -> pd.Series:
    """What a visit is worth after so many earlier ones a door, between whole numbers too.

    1 for none, then `second_visit`, then `third_visit` and no less.
    """
    steps = [1.0, model.effect.second_visit, model.effect.third_visit]
    worth = np.interp(visits.astype(float), [0, 1, 2], steps)
    return pd.Series(worth, index=visits.index, name="worth_again")
