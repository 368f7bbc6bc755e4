"""Results of elections, and the blocs of their candidates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
import polars as pl

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.checksums import checked
from targeting.reference.held import list_elections
from targeting.reference.sheets import Sheet, load_sheet
from targeting.reference.staging import Staging
from targeting.reference.tables import is_kept, open_table, put_sheet, told_lost
from targeting.shipped import OUR_BLOCS
from targeting.sources.results.blocs import build_bloc_votes, merge_blocs, read_blocs
from targeting.tables import Shares, Turnout, Votes

TURNOUT_COLUMNS: Final = list(Turnout.to_schema().columns)


SHARES_COLUMNS: Final = list(Shares.to_schema().columns)


VOTES_COLUMNS: Final = list(Votes.to_schema().columns)


def write_results(
    staging: Staging,
    election_id: str,
    turnout: pl.DataFrame,
    votes: pl.DataFrame,
    sheet: Sheet,
) -> None:
    """Put one election in place, keeping what is already there of other communes.

    `turnout` and `votes` are in the columns of tables Turnout and Votes, whole for their communes.
    """
    old_turnout = staging.current(f"reference/turnout/{election_id}.parquet")
    sheet = told_lost(staging, old_turnout, sheet)
    if is_kept(staging, old_turnout):
        communes = turnout["station_id"].str.head(5).unique()
        commune = pl.col("station_id").str.head(5)
        kept = ~commune.is_in(communes.implode())
        old = pl.read_parquet(old_turnout)
        replaced = old.filter(~kept).select(commune).to_series().unique().to_list()
        old = old.filter(kept)
        if not old.is_empty():
            before = load_sheet(staging.current(f"reference/turnout/{election_id}.json"))
            old_votes = staging.current(f"reference/votes/{election_id}.parquet")
            turnout = pl.concat([old, turnout], how="vertical_relaxed")
            votes = pl.concat(
                [pl.read_parquet(old_votes).filter(kept), votes], how="vertical_relaxed"
            )
            sheet = sheet.over(before, replaced, rows=len(turnout))
    place = f"reference/turnout/{election_id}"
    turnout.sort("station_id").write_parquet(
        staging.path(f"{place}.parquet"), statistics=True, row_group_size=8192
    )
    votes.sort("station_id", maintain_order=True).write_parquet(
        staging.path(f"reference/votes/{election_id}.parquet"),
        statistics=True,
        row_group_size=65536,
    )
    put_sheet(staging, place, sheet, "turnout", "votes")


def write_shares(staging: Staging, election_id: str, shares: pl.DataFrame, sheet: Sheet) -> None:
    """Put one election's shares in place (columns of table Shares); other communes stay.

    They are kept apart from the counts: no score reads them.
    """
    place = f"reference/shares/{election_id}"
    old_shares = staging.current(f"{place}.parquet")
    sheet = told_lost(staging, old_shares, sheet)
    if is_kept(staging, old_shares):
        commune = pl.col("station_id").str.head(5)
        taken = shares.select(commune.unique()).to_series()
        old = pl.read_parquet(old_shares)
        replaced = old.filter(commune.is_in(taken.implode())).select(commune.unique())
        old = old.filter(~commune.is_in(taken.implode()))
        if not old.is_empty():
            shares = pl.concat([old, shares], how="vertical_relaxed")
            before = load_sheet(staging.current(f"{place}.json"))
            sheet = sheet.over(before, replaced.to_series().to_list(), rows=len(shares))
    shares.sort("station_id", maintain_order=True).write_parquet(staging.path(f"{place}.parquet"))
    put_sheet(staging, place, sheet)


def load_shares(workspace: Workspace, election_id: str) -> pd.DataFrame:
    """Shares of one election (table Shares). Raises WorkspaceError if none is imported."""
    rows = _read(workspace, "shares", election_id, None).select(SHARES_COLUMNS)
    texts = dict.fromkeys(("candidate", "party_list", "nuance_code"), "str")
    counts = dict.fromkeys(("registered", "votes_cast", "valid_votes"), "Int64")
    return rows.to_pandas().astype({**texts, **counts})


def load_turnout(
    workspace: Workspace, election_id: str, communes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Turnout of one election (table Turnout), of these communes or of all imported."""
    rows = _read(workspace, "turnout", election_id, communes).select(TURNOUT_COLUMNS)
    texts = dict.fromkeys(("constituency_code", "flag"), "str")
    counts = dict.fromkeys(("blank_votes", "null_votes"), "Int64")
    return rows.to_pandas().astype({**texts, **counts})


def turnout_levels(workspace: Workspace) -> pd.DataFrame:
    """Turnout of each election and of the last presidential first round where both have stations.

    Columns `election_id`, `turnout`, `turnout_presidential` (rates); the latter is missing before
    a presidential first round is imported.
    """
    elections = list_elections(workspace)
    presidential = [e for e in elections if e.endswith("_pres_t1")]
    folder = workspace.reference / "turnout"
    counts = {
        e: pl.scan_parquet(checked(workspace, folder / f"{e}.parquet")).select(
            "station_id", "registered", "votes_cast"
        )
        for e in elections
    }
    if not presidential:
        return pd.DataFrame(
            {"election_id": elections, "turnout": None, "turnout_presidential": None}
        )
    base = counts[presidential[-1]]
    sums = pl.collect_all(
        rows.join(base, on="station_id", suffix="_base").select(
            turnout=pl.col("votes_cast").sum() / pl.col("registered").sum(),
            turnout_presidential=pl.col("votes_cast_base").sum() / pl.col("registered_base").sum(),
        )
        for rows in counts.values()
    )
    return pl.concat(sums).to_pandas().assign(election_id=list(counts))


def load_bloc_votes(
    workspace: Workspace,
    election_id: str,
    communes: Sequence[str] | None = None,
    *,
    blocs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Votes per station and bloc (table BlocVotes) of one election."""
    table = load_blocs(workspace) if blocs is None else blocs
    path, votes = _scan(workspace, "votes", election_id, communes)
    built = open_table(workspace, path, lambda _: build_bloc_votes(votes, table, election_id))
    return built.to_pandas()


def load_rolls(
    workspace: Workspace, elections: Sequence[str] | None = None
) -> dict[str, pd.Series]:
    """Registered voters per station of every election imported, or of these."""
    rolls = {}
    for election_id in list_elections(workspace) if elections is None else elections:
        table = _read(workspace, "turnout", election_id, None, ("station_id", "registered"))
        rolls[election_id] = table.to_pandas().set_index("station_id")["registered"]
    return rolls


def _read(
    workspace: Workspace,
    table: str,
    election_id: str,
    communes: Sequence[str] | None,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Rows of one table, of these communes or of all, in these columns or in all."""
    path, rows = _scan(workspace, table, election_id, communes)
    wanted = rows if columns is None else rows.select(columns)
    return open_table(workspace, path, lambda _: wanted.collect())


def _scan(
    workspace: Workspace, table: str, election_id: str, communes: Sequence[str] | None
) -> tuple[Path, pl.LazyFrame]:
    path = workspace.reference / table / f"{election_id}.parquet"
    if not path.exists():
        has = ", ".join(list_elections(workspace)) or "none"
        raise WorkspaceError(
            f"{election_id} is not imported (imported: {has}): run `python -m targeting import "
            "results FILE` with its official file."
        )
    rows = open_table(workspace, path, pl.scan_parquet)
    if communes is not None:
        # strings between: row groups without the commune are skipped
        wanted = [
            pl.col("station_id").is_between(pl.lit(f"{c}_"), pl.lit(f"{c}`")) for c in communes
        ]
        rows = rows.filter(pl.any_horizontal(wanted) if wanted else pl.lit(False))
    return path, rows


def load_blocs(workspace: Workspace) -> pd.DataFrame:
    """Our bloc table with the workspace's rows over it (table BlocRows)."""
    ours = read_blocs(OUR_BLOCS)
    return merge_blocs(ours, read_blocs(workspace.blocs)) if workspace.blocs.exists() else ours
