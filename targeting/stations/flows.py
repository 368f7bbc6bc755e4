"""Flows: which share of the voters of a station of then belongs to which station of now.

A flow table has one row per pair of stations that share voters: `station_id_then`, `station_id`
(missing where the voters are lost from sight), `weight`, `basis`, `confidence`. The weights of one
station of then always sum to 1: votes carried along a flow are conserved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl

from targeting.codes import ARRONDISSEMENT_COMMUNES

BASES: Final = (
    "same_code", "renumbered", "code_alone", "voters", "addresses", "area", "rolls", "commune",
    "lost",
)  # fmt: skip
"""What a flow rests on, from the surest to nothing. same_code: the code and the size of the roll
stayed; renumbered: the size, the order or the votes stayed under another code; code_alone: the
roll of then was not published; voters, addresses, area: seen on a map of both vintages; rolls:
inferred from which rolls shrank and which grew; commune: spread over the commune; lost:
the commune is not there any more."""

COLUMNS: Final = ["station_id_then", "station_id", "weight", "basis", "confidence"]
SMALLEST_WEIGHT: Final = 0.005
"""Flows under half a percent of a station are noise of matching: they go to its other flows."""

_RANK: Final = {basis: rank for rank, basis in enumerate(BASES)}
_BASIS: Final = dict(enumerate(BASES))


def communes_of(stations: pd.Series) -> pd.Series:
    """Commune code of each station id."""
    return stations.str.slice(0, 5)


def zones_of(stations: pd.Series) -> pd.Series:
    """Inside what voters move: the commune; in Paris, Lyon and Marseille the arrondissement."""
    commune = communes_of(stations)
    divided = commune.isin(list(ARRONDISSEMENT_COMMUNES))
    return commune.where(~divided, stations.str.slice(0, 8))


def as_flows(
    then: Sequence[str] | np.ndarray,
    now: Sequence[str | None] | np.ndarray,
    weight: Sequence[float] | np.ndarray | float,
    basis: Sequence[str] | np.ndarray | str,
    confidence: Sequence[float] | np.ndarray | float,
) -> pd.DataFrame:
    """A flow table of equally long columns; a single weight, basis or confidence serves all."""

    def column(values: Any, dtype: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, dtype=dtype), (len(then),))

    flows = pd.DataFrame(
        {
            "station_id_then": column(then, object),
            "station_id": column(now, object),
            "weight": column(weight, "float64"),
            "basis": column(basis, object),
            "confidence": column(confidence, "float64"),
        }
    )
    return _typed(flows)


def identity_flows(stations: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """Stations that are themselves."""
    return as_flows(stations, stations, 1.0, "same_code", 1.0)


def tidy_flows(flows: pd.DataFrame) -> pd.DataFrame:
    """One row a pair, crumbs given to the station's other flows, weights of each summing to 1."""
    ranked = pl.from_pandas(flows).with_columns(rank=pl.col("basis").replace_strict(_RANK))
    weight = pl.col("weight")
    kept = (
        _one_row_a_pair(ranked)
        .filter(weight > 0)
        .filter((weight >= SMALLEST_WEIGHT) | (weight == weight.max().over("station_id_then")))
        .with_columns(weight=weight / weight.sum().over("station_id_then"))
    )
    return _named(kept)


def compose(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Flows of then → now, from then → between and between → now.

    A basis is that of the weaker step, a confidence the product of both. A station of between
    that `second` does not know is lost. Weights stay conserved.
    """
    one = pl.from_pandas(first).with_columns(rank=pl.col("basis").replace_strict(_RANK))
    two = (
        pl.from_pandas(second)
        .with_columns(rank=pl.col("basis").replace_strict(_RANK))
        .rename({"station_id": "now", "station_id_then": "between"})
    )
    joined = one.join(two, left_on="station_id", right_on="between", how="left", suffix="_two")
    unknown = pl.col("weight_two").is_null()
    steps = joined.select(
        "station_id_then",
        station_id="now",
        weight=pl.col("weight") * pl.col("weight_two").fill_null(1.0),
        confidence=pl.col("confidence") * pl.col("confidence_two").fill_null(0.0),
        rank=pl.when(unknown).then(_RANK["lost"]).otherwise(pl.max_horizontal("rank", "rank_two")),
    )
    return _named(_one_row_a_pair(steps))


def unconserved(flows: pd.DataFrame, *, tolerance: float = 1e-9) -> pd.Series:
    """Stations of then whose weights do not sum to 1, with their sums: empty when all is kept."""
    sums = flows.groupby("station_id_then")["weight"].sum()
    return sums[(sums - 1).abs() > tolerance]


def _one_row_a_pair(ranked: pl.DataFrame) -> pl.DataFrame:
    """Weights added up per pair; the basis is that of the largest part, the confidence the mean."""
    weight = pl.col("weight")
    return ranked.group_by("station_id_then", "station_id").agg(
        confidence=(pl.col("confidence") * weight).sum() / weight.sum(),
        rank=pl.col("rank").sort_by("weight").last(),
        weight=weight.sum(),
    )


def _named(ranked: pl.DataFrame) -> pd.DataFrame:
    named = ranked.with_columns(
        basis=pl.col("rank").replace_strict(_BASIS, return_dtype=pl.String)
    ).sort("station_id_then", "station_id")
    return _typed(named.select(COLUMNS).to_pandas())


def _typed(flows: pd.DataFrame) -> pd.DataFrame:
    return flows.astype({"station_id_then": "str", "station_id": "str", "basis": "str"})
