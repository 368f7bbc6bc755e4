"""How long doors take: the time model of a pair of canvassers, without the way between buildings.

A door costs the way to it inside the building, the knock and the wait, and now and then a talk
(SCIENCE 5: `t = w + k + o d`). The way between buildings is not guessed here: it is added from
the walk itself. Priors are assumed; a campaign replaces them by what its own log says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import pandas as pd

from targeting.errors import TurfError
from targeting.shipped import OUR_DATA

OUR_MODEL: Final = OUR_DATA / "field_model.toml"
_OURS: Final[dict[str, Any]] = tomllib.loads(OUR_MODEL.read_text())

KINDS: Final = ("house", "block", "tower")


def _ours(name: str) -> float:
    return float(_OURS["time"][name])


@dataclass(frozen=True)
class TimeModel:
    """Minutes of a pair of canvassers; every number may be replaced.

    The defaults and their sources are in `data/field_model.toml`.

    >>> round(TimeModel().minutes_per_door("tower"), 2)
    2.45
    """

    knock_minutes: float = _ours("knock_minutes")
    opening_rate: float = float(_OURS["opening"]["rate"])
    talk_minutes: float = _ours("talk_minutes")
    house_indoor_minutes: float = _ours("house_indoor_minutes")
    block_indoor_minutes: float = _ours("block_indoor_minutes")
    tower_indoor_minutes: float = _ours("tower_indoor_minutes")
    access_minutes: float = _ours("access_minutes")
    walking_speed_m_s: float = _ours("walking_speed_m_s")
    opening_by_kind: Mapping[str, float] = field(default_factory=dict)
    """Opening rate of the kinds of which it is known apart."""

    def __post_init__(self) -> None:
        numbers = [f.name for f in fields(self) if f.name != "opening_by_kind"]
        wrong = [name for name in numbers if not 0 <= getattr(self, name) < float("inf")]
        if self.opening_rate > 1:
            wrong.append("opening_rate")
        if not all(k in KINDS and 0 <= v <= 1 for k, v in self.opening_by_kind.items()):
            wrong.append("opening_by_kind")
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
        return indoor + self.knock_minutes + self.opening_of(kind) * self.talk_minutes

    def opening_of(self, kind: str) -> float:
        """Share of the doors of a `house`, `block` or `tower` that open."""
        return self.opening_by_kind.get(kind, self.opening_rate)


def expected_minutes(buildings: pd.DataFrame, model: TimeModel | None = None) -> pd.Series:
    """Expected minutes in each building: access once, then each of its doors.

    Same index as `buildings` (columns `kind`, `dwellings`); the way there is not in it.
    """
    model = model or TimeModel()
    per_door = {kind: model.minutes_per_door(kind) for kind in KINDS}
    doors = buildings["kind"].map(per_door).astype(float) * buildings["dwellings"]
    return (model.access_minutes + doors).rename("expected_minutes")
