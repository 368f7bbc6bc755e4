"""The bloc table: which political bloc a nuance or a candidate belongs to, with a source each.

Ours is `data/blocs.csv`, versioned; a workspace keeps a copy that the user may edit, whose rows win
over ours. A row of one round (`2022_legi_t1`) wins over a row of its contest (`2022_legi`), and a
row of a candidate over a row of a nuance.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path
from typing import Final

import pandas as pd
import polars as pl

from targeting.codes import ELECTION_ID, KINDS
from targeting.errors import SourceError
from targeting.sources.files import read_text
from targeting.tables import BLOCS, BlocRows

OUR_BLOCS: Final = Path(__file__).resolve().parents[2] / "data" / "blocs.csv"
COLUMNS: Final = ["election_id", "nuance_code", "candidate", "bloc", "source"]


def read_blocs(path: Path = OUR_BLOCS) -> pd.DataFrame:
    """Read a bloc table (CSV, commas, `#` comments) as BlocRows.

    Raises SourceError naming the line for an unknown bloc or election, for a row that names
    neither nuance nor candidate, and for the same key twice.
    """
    text = read_text(path).text.decode()
    rows: list[dict[str, str | None]] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = next(csv.reader(io.StringIO(line)))
        if not rows and cells == COLUMNS:
            continue
        row = _bloc_row(path.name, number, cells)
        key = (row["election_id"], row["nuance_code"], _plain(row["candidate"]))
        if key in seen:
            raise SourceError(
                path.name, f"the same line as line {seen[key]}.", line=number, way_out="Keep one."
            )
        seen[key] = number
        rows.append({k: v or None for k, v in row.items()})
    return BlocRows.check(pd.DataFrame(rows, columns=COLUMNS, dtype="str"))


def _bloc_row(name: str, number: int, cells: list[str]) -> dict[str, str]:
    if len(cells) != len(COLUMNS):
        raise SourceError(
            name,
            f"{len(cells)} cells where {len(COLUMNS)} are wanted ({', '.join(COLUMNS)}).",
            line=number,
            way_out="Put a cell that holds a comma between quotes.",
        )
    row = dict(zip(COLUMNS, (c.strip() for c in cells), strict=True))
    if row["bloc"] not in BLOCS:
        raise SourceError(
            name, f"“{row['bloc']}” is not a bloc.", line=number, way_out=f"One of {BLOCS}."
        )
    year, _, rest = row["election_id"].partition("_")
    is_contest = year.isdigit() and rest in KINDS
    if not (is_contest or ELECTION_ID.match(row["election_id"])):
        raise SourceError(
            name,
            f"“{row['election_id']}” is no election.",
            line=number,
            way_out="Write 2022_legi for both rounds, or 2022_legi_t1 for one.",
        )
    if not row["nuance_code"] and not row["candidate"]:
        raise SourceError(
            name,
            "neither nuance nor candidate.",
            line=number,
            way_out="Fill one of the two cells.",
        )
    if not row["source"]:
        raise SourceError(name, "no source.", line=number, way_out="Say where the class is from.")
    return row


def merge_blocs(ours: pd.DataFrame, edited: pd.DataFrame) -> pd.DataFrame:
    """Our rows and the user's: on the same election, nuance and candidate, the user's win."""
    both = pd.concat([edited, ours], ignore_index=True)
    key = both["candidate"].map(_plain, na_action="ignore")
    duplicated = both.assign(key=key).duplicated(["election_id", "nuance_code", "key"])
    return both[~duplicated].reset_index(drop=True)


def contests(blocs: pd.DataFrame) -> dict[str, set[str]]:
    """For each contest, the keys it knows: nuance codes, or plain names of candidates."""
    known: dict[str, set[str]] = {}
    for row in blocs.itertuples():
        contest = "_".join(row.election_id.split("_")[:2])
        key = _plain(row.candidate) if pd.notna(row.candidate) else row.nuance_code
        known.setdefault(contest, set()).add(key)
    return known


def line_keys(votes: pl.DataFrame) -> pl.DataFrame:
    """Distinct lines of a file: key (nuance, else plain name), rows and votes."""
    lines = votes.group_by("nuance_code", "candidate").agg(
        rows=pl.len(), votes=pl.col("votes").sum()
    )
    plain = lines["candidate"].map_elements(_plain, return_dtype=pl.String)
    return lines.with_columns(plain=plain).with_columns(
        key=pl.coalesce(pl.col("nuance_code"), pl.col("plain"))
    )


def bloc_of_lines(votes: pl.DataFrame, blocs: pd.DataFrame, election_id: str) -> pl.DataFrame:
    """Distinct (nuance_code, candidate) of `votes` with their `bloc`, missing where unknown."""
    contest = election_id.rsplit("_", 1)[0]
    of_election = blocs[blocs["election_id"].isin([election_id, contest])]
    by_nuance, by_name = {}, {}
    for row in of_election.sort_values("election_id").itertuples():  # the round after its contest
        if pd.notna(row.candidate):
            by_name[_plain(row.candidate)] = row.bloc
        else:
            by_nuance[row.nuance_code] = row.bloc
    lines = line_keys(votes)
    bloc = [
        by_name.get(name) or by_nuance.get(nuance)
        for name, nuance in zip(lines["plain"], lines["nuance_code"], strict=True)
    ]
    return lines.with_columns(bloc=pl.Series(bloc, dtype=pl.String))


def refuse_unknown_lines(
    file: str, votes: pl.DataFrame, blocs: pd.DataFrame, election_id: str
) -> None:
    """Stop on a nuance (or a candidate without one) that the bloc table does not know."""
    lines = bloc_of_lines(votes, blocs, election_id)
    unknown = lines.filter(pl.col("bloc").is_null())
    if unknown.is_empty():
        return
    named = unknown.group_by("key").agg(pl.col("rows").sum(), pl.col("votes").sum())
    told = [f"“{key}” ({votes:,} votes)" for key, _, votes in named.sort("key").head(8).rows()]
    what = "nuance" if unknown["nuance_code"].is_not_null().any() else "candidate"
    raise SourceError(
        file,
        f"unknown {what} for {election_id}: {', '.join(told)}.",
        way_out="Add a line for it to blocs.csv in the workspace (election, nuance, candidate, "
        "bloc, source), then import again.",
    )


def build_bloc_votes(votes: pl.DataFrame, blocs: pd.DataFrame, election_id: str) -> pl.DataFrame:
    """Votes per station and bloc (columns of BlocVotes), from the votes of one election."""
    lines = bloc_of_lines(votes, blocs, election_id).select("nuance_code", "candidate", "bloc")
    return (
        votes.join(lines, on=["nuance_code", "candidate"], how="left", nulls_equal=True)
        .with_columns(bloc=pl.col("bloc").fill_null("other"))
        .group_by("station_id", "bloc", maintain_order=True)
        .agg(votes=pl.col("votes").sum())
        .select(
            election_id=pl.lit(election_id), station_id="station_id", bloc="bloc", votes="votes"
        )
    )


def _plain(name: object) -> str:
    """Upper case without accents, for names that publications spell differently."""
    if not isinstance(name, str):
        return ""
    decomposed = unicodedata.normalize("NFKD", name)
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(letters.upper().replace("-", " ").split())
