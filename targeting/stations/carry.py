"""Votes of then, counted in the stations of now: moved by weights, nothing lost, nothing made."""

from __future__ import annotations

from typing import Final

import pandas as pd
import polars as pl

TURNOUT_COUNTS: Final = ("registered", "votes_cast", "blank_votes", "null_votes", "valid_votes")


def carry_turnout(turnout: pd.DataFrame, flows: pd.DataFrame) -> pd.DataFrame:
    """Turnout of one round (table Turnout) in the stations of now: counts in fractions of people.

    `flows`: of that round (see `flows`). Blank and null votes stay missing where they were not
    published. Rates are computed from these counts; only whole stations have whole numbers.
    """
    moved = _moved(turnout, flows)
    weight = pl.col("weight")
    sums = [
        pl.when(pl.col(c).is_not_null().all()).then((pl.col(c) * weight).sum()).alias(c)
        for c in TURNOUT_COUNTS
    ]
    carried = moved.group_by("now").agg(
        pl.col("constituency_code").sort_by(pl.col("weight") * pl.col("registered")).last(),
        pl.col("election_id").first(),
        pl.col("flag").first(),
        *sums,
    )
    table = carried.rename({"now": "station_id"}).sort("station_id").collect()
    return (
        table.select(list(turnout.columns))
        .to_pandas()
        .astype(
            {"station_id": "str", "constituency_code": "str", "election_id": "str", "flag": "str"}
        )
    )


def carry_bloc_votes(bloc_votes: pd.DataFrame, flows: pd.DataFrame) -> pd.DataFrame:
    """Votes per bloc of one round (table BlocVotes) in the stations of now, in fractions."""
    moved = _moved(bloc_votes, flows)
    carried = moved.group_by("now", "bloc").agg(
        pl.col("election_id").first(), votes=(pl.col("votes") * pl.col("weight")).sum()
    )
    table = carried.rename({"now": "station_id"}).sort("station_id", "bloc").collect()
    return (
        table.select(list(bloc_votes.columns))
        .to_pandas()
        .astype({"station_id": "str", "bloc": "str", "election_id": "str"})
    )


def _moved(rows: pd.DataFrame, flows: pd.DataFrame) -> pl.LazyFrame:
    """Rows of then beside each station of now that they go to; columns not asked for are not
    copied there."""
    to = pl.from_pandas(flows[["station_id_then", "station_id", "weight"]])
    to = to.drop_nulls("station_id").rename({"station_id": "now"})
    then = pl.from_pandas(rows).lazy()
    return then.join(to.lazy(), left_on="station_id", right_on="station_id_then", how="inner")
