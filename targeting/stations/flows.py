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

RANK: Final = {basis: rank for rank, basis in enumerate(BASES)}

RANKED: Final = ["then", "now", "weight", "rank", "confidence"]
"""Columns of ranked flows, what is composed and tidied: `then` and `now` are ids, or their keys in
a catalogue (null where lost); `rank` is the place of the basis in BASES."""


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


def tidy_flows(flows: pd.DataFrame) -> pd.DataFrame:
    """One row a pair, crumbs given to the station's other flows, weights of each summing to 1."""
    return _named(tidy_ranked(ranked(flows)))


def compose(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Flows of then → now, from then → between and between → now.

    A basis is that of the weaker step, a confidence the product of both. A station of between
    that `second` does not know is lost. Weights stay conserved.
    """
    return _named(compose_ranked(ranked(first), ranked(second)))


def unconserved(flows: pd.DataFrame, *, tolerance: float = 1e-9) -> pd.Series:
    """Stations of then whose weights do not sum to 1, with their sums: empty when all is kept."""
    sums = flows.groupby("station_id_then")["weight"].sum()
    return sums[(sums - 1).abs() > tolerance]


# -- ranked flows: of ids, or of keys --------------------------------------------------------------


def ranked(flows: pd.DataFrame) -> pl.DataFrame:
    """Ranked flows (columns RANKED) of a flow table, by ids."""
    names = {"station_id_then": "then", "station_id": "now"}
    rank = pl.col("basis").replace_strict(RANK, return_dtype=pl.Int8)
    return pl.from_pandas(flows[COLUMNS]).rename(names).with_columns(rank=rank).select(RANKED)


def keyed_flows(
    then: np.ndarray,
    now: np.ndarray | None,
    weight: np.ndarray | float,
    rank: np.ndarray | int,
    confidence: np.ndarray | float,
) -> pl.DataFrame:
    """Ranked flows of equally long columns by key; a single value serves all. `now` None: lost."""
    count = len(then)

    def column(values: Any, dtype: str) -> np.ndarray:
        return np.ascontiguousarray(np.broadcast_to(np.asarray(values, dtype=dtype), (count,)))

    to = pl.Series(column(now, "int32")) if now is not None else pl.Series([None] * count)
    return pl.DataFrame(
        {
            "then": column(then, "int32"),
            "now": to.cast(pl.Int32),
            "weight": column(weight, "float64"),
            "rank": column(rank, "int8"),
            "confidence": column(confidence, "float64"),
        }
    )


def tidy_ranked(flows: pl.DataFrame) -> pl.DataFrame:
    """`tidy_flows` of ranked flows, sorted by then and now."""
    weight = pl.col("weight")
    return (  # sorted first: sums are then the same to the last digit at each run
        _one_row_a_pair(flows)
        .sort("then", "now")
        .filter(weight > 0)
        .filter((weight >= SMALLEST_WEIGHT) | (weight == weight.max().over("then")))
        .with_columns(weight=weight / weight.sum().over("then"))
        .select(RANKED)
    )


def compose_ranked(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """`compose` of ranked flows, sorted by then and now."""
    joined = first.join(second, left_on="now", right_on="then", how="left", suffix="_two",
                        maintain_order="left_right")  # fmt: skip
    unknown = pl.col("weight_two").is_null()
    lost = pl.lit(RANK["lost"], dtype=pl.Int8)
    steps = joined.select(
        "then",
        now="now_two",
        weight=pl.col("weight") * pl.col("weight_two").fill_null(1.0),
        confidence=pl.col("confidence") * pl.col("confidence_two").fill_null(0.0),
        rank=pl.when(unknown).then(lost).otherwise(pl.max_horizontal("rank", "rank_two")),
    )
    return _one_row_a_pair(steps).select(RANKED).sort("then", "now")


def named_bases(rank: pl.Series) -> pd.Series:
    """Name of each basis, from its rank."""
    return pl.Series(BASES).gather(rank.cast(pl.UInt32)).to_pandas().astype("str")


def _one_row_a_pair(flows: pl.DataFrame) -> pl.DataFrame:
    """Weights added up per pair; the basis is that of the largest part, the confidence the mean."""
    weight = pl.col("weight")
    return flows.group_by("then", "now").agg(
        confidence=(pl.col("confidence") * weight).sum() / weight.sum(),
        rank=pl.col("rank").sort_by("weight").last(),
        weight=weight.sum(),
    )


def _named(flows: pl.DataFrame) -> pd.DataFrame:
    """The flow table of ranked flows by ids."""
    table = flows.rename({"then": "station_id_then", "now": "station_id"}).to_pandas()
    return _typed(table.assign(basis=named_bases(flows["rank"]))[COLUMNS])


def _typed(flows: pd.DataFrame) -> pd.DataFrame:
    return flows.astype({"station_id_then": "str", "station_id": "str", "basis": "str"})
