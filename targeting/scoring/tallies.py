"""One election as scores and labels read it: people of each station, and the rates they make."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import pandas as pd
import polars as pl

from targeting.codes import held_on, parse_election_id

OVERSEAS_OR_ABROAD: Final = ("97", "98", "99", "ZX", "ZZ")
"""Beginnings of commune codes outside metropolitan France."""


def build_tally(
    turnout: pd.DataFrame, bloc_votes: pd.DataFrame, target: Collection[str]
) -> pd.DataFrame:
    """Counts of each station, indexed by station_id and sorted by it.

    `registered`, `votes_cast`, `valid_votes`, `left` (votes for the target blocs; 0 where none of
    their candidates got a vote), `far_right`, in people; `constituency_code`, missing where not
    published.
    """
    tally = turnout.set_index("station_id")[
        ["registered", "votes_cast", "valid_votes", "constituency_code"]
    ].sort_index()
    rows = pl.from_pandas(bloc_votes[["station_id", "bloc", "votes"]])
    stations = pl.from_pandas(tally.index.to_frame(index=False))
    for at, (column, blocs) in enumerate(
        {"left": list(target), "far_right": ["far_right"]}.items()
    ):
        sums = rows.filter(pl.col("bloc").is_in(blocs)).group_by("station_id").agg(pl.sum("votes"))
        found = stations.join(sums, on="station_id", how="left", maintain_order="left")
        votes = pd.Series(found["votes"].fill_null(0).to_numpy(), index=tally.index)
        tally.insert(3 + at, column, votes.clip(upper=tally["valid_votes"]))
    return tally


def turnout_of(tally: pd.DataFrame) -> pd.Series:
    """Votes cast per registered voter; missing where nobody is registered."""
    return tally["votes_cast"] / tally["registered"].where(tally["registered"] > 0)


def abstention_of(tally: pd.DataFrame) -> pd.Series:
    """One less `turnout_of`."""
    return 1 - turnout_of(tally)


def share_of(tally: pd.DataFrame) -> pd.Series:
    """Votes for the target per valid vote; missing where there is none."""
    return tally["left"] / tally["valid_votes"].where(tally["valid_votes"] > 0)


def support_of(tally: pd.DataFrame) -> pd.Series:
    """Votes for the target per registered voter; missing where nobody is registered."""
    return tally["left"] / tally["registered"].where(tally["registered"] > 0)


def is_metropolitan(stations: pd.Index) -> pd.Series:
    """Whether each station lies in metropolitan France."""
    return ~stations.to_series().str.slice(0, 2).isin(OVERSEAS_OR_ABROAD)


def carry_constituencies(tallies: Mapping[str, pd.DataFrame], stations: pd.Index) -> pd.Series:
    """Constituency of each station: of the last election that publishes it, by station_id."""
    found = pd.Series(pd.NA, index=stations, dtype="str")
    for election in sorted(tallies, key=lambda e: held_on(parse_election_id(e)), reverse=True):
        codes = tallies[election]["constituency_code"].reindex(stations)
        found = found.fillna(codes.astype("str"))
    return found.rename("constituency_code")


def unclassified_share(bloc_votes: pd.DataFrame) -> float:
    """Share of votes in the bloc `other`: those that the bloc table puts in no camp."""
    total = bloc_votes["votes"].sum()
    other = bloc_votes.loc[bloc_votes["bloc"] == "other", "votes"].sum()
    return float(other / total) if total else 0.0
