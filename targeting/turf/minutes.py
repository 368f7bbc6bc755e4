"""How long doors take: the time model of a pair of canvassers, without the way between buildings.

A door costs the way to it inside the building, the knock and the wait, and now and then a talk
(SCIENCE 5: `t = w + k + o d`). The way between buildings is not guessed here: it is added from
the walk itself. Priors are assumed; a campaign replaces them by what its own log says.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import pandas as pd

from targeting.errors import TurfError


@dataclass(frozen=True)
class TimeModel:
    """Minutes of a pair of canvassers; every number may be replaced.

    >>> round(TimeModel().minutes_per_door("tower"), 2)
    2.45
    """

    knock_minutes: float = 0.75  # knock and wait, prior of SCIENCE 5
    opening_rate: float = 0.35  # prior of SCIENCE 5; 0.304 measured in Toulouse in 2020
    talk_minutes: float = 4.0  # French talks last 3 to 5 minutes (SCIENCE 5, S4)
    house_indoor_minutes: float = 0.2  # gate to door; the street is in the walk; assumed
    block_indoor_minutes: float = 0.4  # stairs on foot; assumed, between house and tower
    tower_indoor_minutes: float = 0.3  # lift, many doors a landing; prior of SCIENCE 5
    access_minutes: float = 1 / 3  # getting in, once a building: 20 s as in TURFS 1
    walking_speed_m_s: float = 1.2  # TURFS 1

    def __post_init__(self) -> None:
        wrong = [f.name for f in fields(self) if not 0 <= getattr(self, f.name) < float("inf")]
        if self.opening_rate > 1:
            wrong.append("opening_rate")
        if self.walking_speed_m_s == 0:
            wrong.append("walking_speed_m_s")
        if wrong:
            raise TurfError(
                f"time model: {', '.join(wrong)} out of range; minutes are zero or more, the "
                "opening rate lies between 0 and 1, the speed is above 0 (usually 1.2 m/s)."
            )

    @property
    def minutes_per_m(self) -> float:
        """Minutes to walk one metre."""
        return 1 / (60 * self.walking_speed_m_s)

    def minutes_per_door(self, kind: str) -> float:
        """Expected minutes at one door of a `house`, `block` or `tower`."""
        indoor: float = getattr(self, f"{kind}_indoor_minutes")
        return indoor + self.knock_minutes + self.opening_rate * self.talk_minutes


def expected_minutes(buildings: pd.DataFrame, model: TimeModel | None = None) -> pd.Series:
    """Expected minutes in each building: access once, then each of its doors.

    Same index as `buildings` (columns `kind`, `dwellings`); the way there is not in it.
    """
    model = model or TimeModel()
    per_door = {kind: model.minutes_per_door(kind) for kind in ("house", "block", "tower")}
    doors = buildings["kind"].map(per_door).astype(float) * buildings["dwellings"]
    return (model.access_minutes + doors).rename("expected_minutes")
