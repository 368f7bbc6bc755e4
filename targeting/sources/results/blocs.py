"""The bloc table: which political bloc a nuance or a candidate belongs to, with a source each.

Ours is `data/blocs.csv`, versioned; a workspace keeps a copy that the user may edit, whose rows win
over ours. A row of one round (`2022_legi_t1`) wins over a row of its contest (`2022_legi`), and a
row of a candidate over a row of a nuance. Where lists stand (European 2019), the cell of the
candidate holds the list's name as the publication abridges it.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from typing import Final

import pandas as pd
import polars as pl

from targeting.codes import BLOCS, ELECTION_ID, KINDS
from targeting.errors import SourceError
from targeting.shipped import OUR_BLOCS
from targeting.sources.files import read_text
from targeting.tables import BlocRows

COLUMNS: Final = ["election_id", "nuance_code", "candidate", "bloc", "source"]


def read_blocs(path: Path = OUR_BLOCS) -> pd.DataFrame:
    """Read a bloc table (CSV, commas, `#` comments) as BlocRows.

    Raises SourceError naming the line for an unknown bloc or election, for a row that names
    neither nuance nor candidate, and for the same key twice.
    """
    return _blocs_of(path.name, read_text(path).text).copy()


@lru_cache(maxsize=4)
def _blocs_of(name: str, content: bytes) -> pd.DataFrame:
    """The rows of a bloc table: the same bytes, read for each election, are checked once."""
    text = content.decode()
    rows: list[dict[str, str | None]] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = next(csv.reader(io.StringIO(line)))
        if not rows and cells == COLUMNS:
            continue
        row = _bloc_row(name, number, cells)
        key = (row["election_id"], row["nuance_code"], _plain(row["candidate"]))
        if key in seen:
            raise SourceError(
                name, f"the same line as line {seen[key]}.", line=number, way_out="Keep one."
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


@dataclass
class Contest:
    """What the table knows of one contest: nuance codes, and plain names of candidates or lists."""

    nuances: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def contests(blocs: pd.DataFrame) -> dict[str, Contest]:
    """What the table knows, contest by contest."""
    known: dict[str, Contest] = {}
    for election_id, nuance_code, candidate, _ in _rows(blocs):
        contest = known.setdefault("_".join(election_id.split("_")[:2]), Contest())
        if candidate is not None:
            contest.names.add(_plain(candidate))
        else:
            contest.nuances.add(nuance_code)
    named = blocs[blocs["candidate"].notna()]
    for key, candidates in named.groupby(named["election_id"].str.split("_").str[:2].str.join("_")):
        known[str(key)].names |= set(_surnames(candidates["candidate"]))
    return known


def _surnames(candidates: Iterable[str]) -> dict[str, str]:
    """Plain surnames that one candidate alone has, with that candidate's plain name.

    Some files give no first name. A surname is the leading words in capitals, of a name that goes
    on: a list's name is none.

    >>> _surnames(["LE PEN Marine", "ROYAL Ségolène", "ROYAL Anne", "LISTE COMMUNE"])
    {'LE PEN': 'LE PEN MARINE'}
    """
    bearers: dict[str, set[str]] = {}
    for candidate in candidates:
        words = candidate.split()
        surname = list(takewhile(str.isupper, words))
        if 0 < len(surname) < len(words):
            bearers.setdefault(_plain(" ".join(surname)), set()).add(_plain(candidate))
    return {surname: min(names) for surname, names in bearers.items() if len(names) == 1}


def _rows(blocs: pd.DataFrame) -> Iterator[tuple[str, str, str | None, str]]:
    """Election, nuance, candidate (None where there is none) and bloc of each row."""
    candidates = blocs["candidate"].astype(object).where(blocs["candidate"].notna(), None)
    columns = (blocs[c].tolist() for c in ("election_id", "nuance_code", "bloc"))
    elections, nuances, known = columns
    yield from zip(elections, nuances, candidates.tolist(), known, strict=True)


def distinct_lines(votes: pl.DataFrame | pl.LazyFrame, *, by_name: bool) -> pl.DataFrame:
    """Distinct lines of a file: nuance_code (and names, if asked), rows and votes, in no order.

    With names: candidate, party_list, and both plain (`plain`, `plain_list`: upper case, no
    accents).
    """
    keys = ["nuance_code", "candidate", "party_list"] if by_name else ["nuance_code"]
    by_line = _with_columns(votes.lazy(), keys).group_by(keys)
    lines = by_line.agg(rows=pl.len(), votes=pl.col("votes").sum()).collect(engine="streaming")
    if by_name:
        plain = {
            "plain": lines["candidate"].map_elements(_plain, return_dtype=pl.String),
            "plain_list": lines["party_list"].map_elements(_plain, return_dtype=pl.String),
        }
        lines = lines.with_columns(**plain)
    return lines


def _with_columns(votes: pl.LazyFrame, wanted: Iterable[str]) -> pl.LazyFrame:
    """The votes, with those of the columns that are not there missing in each row."""
    has = votes.collect_schema().names()
    return votes.with_columns(pl.lit(None, pl.String).alias(c) for c in wanted if c not in has)


def bloc_of_lines(
    votes: pl.DataFrame | pl.LazyFrame, blocs: pd.DataFrame, election_id: str
) -> pl.DataFrame:
    """Distinct lines of `votes` (`distinct_lines`) with their `bloc`, missing where unknown."""
    contest = election_id.rsplit("_", 1)[0]
    rows = [row for row in _rows(blocs) if row[0] in (election_id, contest)]
    by_nuance: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for _, nuance, candidate, bloc_there in sorted(rows, key=itemgetter(0)):  # contest, then round
        if candidate is not None:
            by_name[_plain(candidate)] = bloc_there
        else:
            by_nuance[nuance] = bloc_there
    for surname, name in _surnames(c for _, _, c, _ in rows if c is not None).items():
        by_name.setdefault(surname, by_name[name])
    lines = distinct_lines(votes, by_name=bool(by_name))
    if by_name:
        named = zip(lines["plain"], lines["plain_list"], lines["nuance_code"], strict=True)
        bloc = [by_name.get(c) or by_name.get(p) or by_nuance.get(n) for c, p, n in named]
    else:
        bloc = [by_nuance.get(nuance) for nuance in lines["nuance_code"]]
    return lines.with_columns(bloc=pl.Series(bloc, dtype=pl.String))


LIST_KINDS: Final = ("muni", "sect")
"""Kinds where lines without nuance are published: small communes; they count under `other`."""


def refuse_unknown_lines(
    file: str, votes: pl.DataFrame, blocs: pd.DataFrame, election_id: str
) -> None:
    """Stop on a nuance (or a candidate without one) that the bloc table does not know.

    A municipal line without nuance is known: small communes have none.
    """
    lines = bloc_of_lines(votes, blocs, election_id)
    unknown = lines.filter(pl.col("bloc").is_null())
    if election_id.split("_")[1] in LIST_KINDS:
        unknown = unknown.filter(pl.col("nuance_code").is_not_null())
    if unknown.is_empty():
        return
    names = [pl.col(c) for c in ("candidate", "party_list") if c in unknown.columns]
    keys = unknown.with_columns(key=pl.coalesce("nuance_code", *names, pl.lit("no name")))
    named = keys.group_by("key").agg(pl.col("rows").sum(), pl.col("votes").sum())
    told = [f"“{key}” ({votes:,} votes)" for key, _, votes in named.sort("key").head(8).rows()]
    what = "nuance" if unknown["nuance_code"].is_not_null().any() else "candidate"
    raise SourceError(
        file,
        f"unknown {what} for {election_id}: {', '.join(told)}.",
        way_out="Add a line for it to blocs.csv in the workspace (election, nuance, candidate, "
        "bloc, source), then import again.",
    )


def build_bloc_votes(
    votes: pl.DataFrame | pl.LazyFrame, blocs: pd.DataFrame, election_id: str
) -> pl.DataFrame:
    """Votes per station and bloc (columns of BlocVotes), from the votes of one election, sorted.

    Votes that are only scanned are never held whole.
    """
    lines = bloc_of_lines(votes, blocs, election_id)
    keys = [c for c in ("nuance_code", "candidate", "party_list") if c in lines.columns]
    bloc_of = lines.lazy().select(*keys, "bloc")
    summed = (
        _with_columns(votes.lazy(), keys)
        .select("station_id", *keys, "votes")
        .join(bloc_of, on=keys, how="left", nulls_equal=True)
        .with_columns(bloc=pl.col("bloc").fill_null("other"))
        .group_by("station_id", "bloc")
        .agg(votes=pl.col("votes").sum())
        .sort("station_id", "bloc")
    )
    return summed.select(
        election_id=pl.lit(election_id), station_id="station_id", bloc="bloc", votes="votes"
    ).collect(engine="streaming")


@lru_cache(maxsize=100_000)
def _plain(name: object) -> str:
    """Upper case without accents, for names that publications spell differently."""
    if not isinstance(name, str):
        return ""
    decomposed = unicodedata.normalize("NFKD", name.replace("’", "'"))
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(letters.upper().replace("-", " ").split())
