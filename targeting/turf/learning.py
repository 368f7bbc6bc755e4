"""What a campaign's own log teaches: how many doors open, how long they take; little by little.

Rates are Beta posteriors: the campaign's own starts at the prior of `data/field_model.toml`, and
each kind of building, and each part of the day, at what the level above has learnt (partial
pooling, SCIENCE 5). Times are shrunk means: the prior counts as `worth` gaps between two knocks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import tzinfo
from typing import Any, Final

import numpy as np
import pandas as pd

from targeting.codes import FRANCE
from targeting.errors import TurfError
from targeting.outcomes import KNOCKED, OPENED, TALKED
from targeting.turf.minutes import KINDS, TimeModel

LONGEST_GAP: Final = 15.0
"""Minutes: more between two knocks is a break, not a door."""

OUR_TIMES: Final = tuple(
    f.name for f in fields(TimeModel) if f.name not in ("opening_rate", "opening_by_kind")
)

HOURS: Final = {
    "morning": (0, 12),
    "afternoon": (12, 17),
    "early_evening": (17, 19),
    "evening": (19, 24),
}
"""Parts of the day that are told apart, local time."""


@dataclass(frozen=True)
class Rate:
    """A share learnt: Beta(yes, no)."""

    yes: float
    no: float

    @property
    def mean(self) -> float:
        return self.yes / (self.yes + self.no)

    def after(self, hits: int, tries: int) -> Rate:
        """What is known once `hits` of `tries` more were seen."""
        return Rate(self.yes + hits, self.no + tries - hits)

    def worth(self, observations: float) -> Rate:
        """The same mean, worth so many observations: what the next level starts from."""
        return Rate(self.mean * observations, (1 - self.mean) * observations)


@dataclass(frozen=True)
class Effect:
    """What a conversation is worth; see SCIENCE 1.3."""

    voters_reached: float
    turnout_points: float
    turnout_points_sd: float
    second_visit: float
    third_visit: float
    source: str


@dataclass(frozen=True)
class FieldModel:
    """All that a plan rests on, learnt as far as there is a log.

    opening: of doors knocked at, in all and by kind; talking: of doors that open; knocks, gaps: how
    much of the log is in it; by_hour: kind, hours, knocked, opened, opening_rate (shrunk).
    """

    time: TimeModel
    opening: Rate
    opening_by_kind: dict[str, Rate]
    talking: Rate
    effect: Effect
    knocks: int
    gaps: int
    by_hour: pd.DataFrame


def learn_field_model(
    prior: dict[str, Any], visits: pd.DataFrame, *, zone: tzinfo = FRANCE
) -> FieldModel:
    """Learn from the visits of a campaign; without any, the prior.

    Parameters
    ----------
    prior
        Tables `time`, `opening`, `talking`, `effect` of `data/field_model.toml`.
    visits
        turf_id, building_id, door_id, visited_at (UTC), outcome, and `kind` of the building.

    Raises
    ------
    TurfError
        If the prior lacks a number, or one is out of range.
    """
    start, start_talking, effect, time, worth = _read(prior)
    knocked = visits[visits["outcome"].isin(KNOCKED)]
    opened = knocked[knocked["outcome"].isin(OPENED)]
    everywhere = start.after(len(opened), len(knocked))
    by_kind = {}
    for kind in KINDS:
        of_kind = knocked["kind"] == kind
        base = everywhere.worth(prior["opening"]["kind_worth"])
        by_kind[kind] = base.after(int((opened["kind"] == kind).sum()), int(of_kind.sum()))
    talks = int((opened["outcome"] == TALKED).sum())
    model = replace(
        time,
        opening_rate=everywhere.mean,
        opening_by_kind={k: r.mean for k, r in by_kind.items()} if len(knocked) else {},
    )
    gaps = door_gaps(visits)
    return FieldModel(
        time=learn_minutes(model, gaps, worth),
        opening=everywhere,
        opening_by_kind=by_kind,
        talking=start_talking.after(talks, len(opened)),
        effect=effect,
        knocks=len(knocked),
        gaps=len(gaps),
        by_hour=opening_by_hour(knocked, by_kind, prior["opening"]["kind_worth"], zone),
    )


def _read(prior: dict[str, Any]) -> tuple[Rate, Rate, Effect, TimeModel, float]:
    try:
        times: dict[str, Any] = {k: float(v) for k, v in prior["time"].items() if k != "worth"}
        opening, talking = prior["opening"], prior["talking"]
        rates = (
            Rate(opening["rate"], 1 - opening["rate"]).worth(opening["worth"]),
            Rate(talking["share"], 1 - talking["share"]).worth(talking["worth"]),
        )
        effect = Effect(**prior["effect"])
        worth = float(prior["time"]["worth"])
        if not (0 < opening["rate"] < 1 and 0 < talking["share"] < 1):
            raise ValueError("a share lies between 0 and 1")
        if min(worth, opening["worth"], talking["worth"], opening["kind_worth"]) <= 0:
            raise ValueError("a worth is above 0")
        if set(times) != set(OUR_TIMES):
            raise ValueError(f"[time] has {', '.join(OUR_TIMES)} and worth")
        model = replace(TimeModel(opening_rate=float(opening["rate"])), **times)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TurfError(
            f"field_model.toml: {error}: give all the numbers that data/field_model.toml has, in "
            "their ranges."
        ) from error
    return *rates, effect, model, worth


def door_gaps(visits: pd.DataFrame) -> pd.DataFrame:
    """Minutes from one knock to the next in one building of one turf: `kind`, `outcome`, `minutes`.

    A gap is the way to the second door, its knock and its talk. Breaks are left out, and so are
    knocks typed in under one moment.
    """
    ordered = visits.dropna(subset=["turf_id"]).sort_values(["turf_id", "visited_at"])
    same = (ordered["turf_id"] == ordered["turf_id"].shift()) & (
        ordered["building_id"] == ordered["building_id"].shift()
    )
    minutes = ordered["visited_at"].diff().dt.total_seconds() / 60
    kept = same & (minutes > 0) & (minutes <= LONGEST_GAP) & ordered["outcome"].isin(KNOCKED)
    gaps = ordered.loc[kept, ["kind", "outcome"]].assign(minutes=minutes[kept])
    return gaps.reset_index(drop=True)


def learn_minutes(model: TimeModel, gaps: pd.DataFrame, worth: float) -> TimeModel:
    """Knock and talk minutes after these gaps; the way inside stays the prior's."""
    indoor = gaps["kind"].map({k: getattr(model, f"{k}_indoor_minutes") for k in KINDS})
    inside = gaps["minutes"] - indoor.astype(float)
    talked = gaps["outcome"] == TALKED
    knock = _shrunk(inside[~talked & gaps["kind"].isin(KINDS)], model.knock_minutes, worth)
    talk = _shrunk(inside[talked & gaps["kind"].isin(KINDS)] - knock, model.talk_minutes, worth)
    return replace(model, knock_minutes=knock, talk_minutes=talk)


def _shrunk(seen: pd.Series, prior: float, worth: float) -> float:
    mean = (prior * worth + float(seen.sum())) / (worth + len(seen))
    return max(mean, 0.05)


def opening_by_hour(
    knocked: pd.DataFrame, by_kind: dict[str, Rate], worth: float, zone: tzinfo
) -> pd.DataFrame:
    """Opening rate by kind of building and part of the day, drawn towards the kind's own."""
    hour = knocked["visited_at"].dt.tz_convert(zone).dt.hour
    rows = []
    for kind in KINDS:
        for name, (first, last) in HOURS.items():
            mine = knocked[(knocked["kind"] == kind) & (hour >= first) & (hour < last)]
            opened = int(mine["outcome"].isin(OPENED).sum())
            rate = by_kind[kind].worth(worth).after(opened, len(mine)).mean
            rows.append((kind, name, len(mine), opened, rate))
    return pd.DataFrame(rows, columns=["kind", "hours", "knocked", "opened", "opening_rate"])


def draws(rate: Rate, chance: np.random.Generator, count: int) -> np.ndarray:
    """So many draws of a rate."""
    drawn: np.ndarray = chance.beta(rate.yes, rate.no, count)
    return drawn
