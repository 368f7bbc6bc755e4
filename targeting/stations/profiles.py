"""How each station voted, as one line of shares: what tells stations apart where codes do not."""

from __future__ import annotations

import pandas as pd
import polars as pl

from targeting.codes import DEFAULT_TARGET


def with_votes(turnout: pd.DataFrame, bloc_votes: pd.DataFrame) -> pd.DataFrame:
    """Rolls with how each station voted: the columns of stations.rolls.PROFILE."""
    by_bloc = pl.from_pandas(bloc_votes[["station_id", "bloc", "votes"]])
    ours, theirs = (
        by_bloc.filter(pl.col("bloc").is_in(blocs))
        .group_by("station_id")
        .agg(pl.col("votes").sum())
        for blocs in (list(DEFAULT_TARGET), ["far_right"])
    )
    counts = pl.from_pandas(turnout[["station_id", "registered", "votes_cast", "valid_votes"]])
    valid = pl.when(pl.col("valid_votes") > 0).then(pl.col("valid_votes"))
    registered = pl.when(pl.col("registered") > 0).then(pl.col("registered"))
    table = (
        counts.join(ours.rename({"votes": "left"}), on="station_id", how="left")
        .join(theirs.rename({"votes": "far_right"}), on="station_id", how="left")
        .select(
            "station_id",
            "registered",
            turnout_rate=pl.col("votes_cast") / registered,
            left_share=pl.col("left").fill_null(0) / valid,
            far_right_share=pl.col("far_right").fill_null(0) / valid,
        )
    )
    return table.to_pandas().astype({"station_id": "str"})
