"""Toy towns whose stations change hands between two rounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from targeting.stations.history import Round


def rolls(commune: str = "13055", **registered: float) -> pd.DataFrame:
    """`rolls(s0101=900)` : one station, 900 registered, no votes known."""
    ids = [f"{commune}_{name.removeprefix('s')}" for name in registered]
    return pd.DataFrame(
        {
            "station_id": pd.Series(ids, dtype="str"),
            "registered": list(registered.values()),
        }
    )


def round_of(vintage: str, *tables: pd.DataFrame) -> Round:
    return Round(vintage, pd.concat(tables, ignore_index=True))


def weights(flows: pd.DataFrame) -> dict[tuple[str, str | None], float]:
    """(then, now) → weight, numbers only: `{("0101", "0102"): 0.25}`."""

    def number(station: object) -> str | None:
        return None if pd.isna(station) else str(station).partition("_")[2]

    return {
        (number(row.station_id_then) or "", number(row.station_id)): round(row.weight, 4)
        for row in flows.itertuples()
    }


def town_of(seed: int, stations: int, *, commune: str = "31555") -> pd.DataFrame:
    """A town of many stations, each with its own size and its own way of voting."""
    rng = np.random.default_rng(seed)
    ids = [f"{commune}_{n:04d}" for n in range(1, stations + 1)]
    return pd.DataFrame(
        {
            "station_id": pd.Series(ids, dtype="str"),
            "registered": rng.integers(600, 1500, stations),
            "turnout_rate": rng.uniform(0.4, 0.9, stations),
            "left_share": rng.uniform(0.1, 0.8, stations),
            "far_right_share": rng.uniform(0.1, 0.5, stations),
        }
    )


def some_years_later(town: pd.DataFrame, *, seed: int = 1, codes: Mapping[str, str] | None = None):
    """The same stations with what five years change, under the same codes or others."""
    rng = np.random.default_rng(seed)
    later = town.copy()
    later["registered"] = (town["registered"] * rng.normal(1.03, 0.01, len(town))).round()
    for share in ("turnout_rate", "left_share", "far_right_share"):
        later[share] = (town[share] + rng.normal(0, 0.01, len(town))).clip(0, 1)
    if codes is not None:
        later["station_id"] = later["station_id"].replace(dict(codes)).astype("str")
    return later.sort_values("station_id", ignore_index=True)
