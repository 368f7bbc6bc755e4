"""What every reader of results gives, and the codes and checks that all of them share.

A reader knows its layout; here is what they have in common: how a published department, commune and
number make a station id, and which counts cannot be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from targeting.codes import COMMUNE_CODE, DEPARTMENTS, KINDS, OVERSEAS, STATION_ID
from targeting.errors import SourceError
from targeting.sources.files import TextFile

COUNTS: Final = ("registered", "votes_cast", "blank_votes", "null_votes", "valid_votes")
ALWAYS_PUBLISHED: Final = ("registered", "votes_cast", "valid_votes")

LONGEST_COUNT: Final = 12
"""Digits of a count, sign included: more would not fit, and no station has as many voters."""

VOTES_DO_NOT_ADD_UP: Final = "votes_do_not_add_up"
"""Flag of a row whose candidates' votes are not its valid votes: kept as published, told."""

NEGATIVE_COUNT: Final = "negative_count"
"""Flag of a row of which a count was published below zero: that count is missing, the row kept."""

MOST_NEGATIVE: Final = 0.01
"""Above this share of rows with a count below zero, the file is something else: refused. European
2024 has one such row of 70,000."""

CANNOT_BE_A_NUMBER: Final = (
    r"(?i)^(nan|null|none|nil|n/?a|n\.c\.?|inf(inity)?|true|false|vrai|faux|#.*|[-–—.?*]+)$"
    r"|^(?-i)\d+([.,]\d+)?e[+-]?\d+$|^\d+[.,]\d+E|^\d+E[+-]|^\d+E\d{3,}$"
    r"|^\d{1,2}[-./ ]\d{1,2}[-./ ](\d{2}|\d{4})$|^\d{4}[-./]\d{1,2}[-./]\d{1,2}(\D.*)?$"
    r"|^(?i)\d{1,2}[-./ ]?(janv?|f[ée]v?r?|mars?|avr|apr|mai|may|juin|jun|juil|jul"
    r"|ao[uû]t?|aug|sept?|oct|nov|d[ée]c)\.?([-./ ]\d{2,4})?$"
    r"|^(?i)(janv?|f[ée]v?r?|mars?|avr|apr|mai|may|juin|jun|juil|jul|ao[uû]t?|aug|sept?|oct|nov"
    r"|d[ée]c)\.?[-./ ]\d{1,4}$|^[-–—+]\d|^[^\d]{3,}$"
)
"""What a spreadsheet makes of a number, and words: dates, `1e400`, `#N/A`, `nan`. Real numbers have
a digit (`01.1`, `0E21`, `069A`, `JUS1`, `BV12`), or are one letter or two."""

DECIMAL: Final = r"^([1-9]\d*)\.0$"
"""`1.0` is what a spreadsheet makes of 1; stations such as `10.1` and `01.1` are real."""

SAINT_ISLANDS: Final = {"977": "ZX", "978": "ZX"}
"""Saint-Barthélemy and Saint-Martin vote together: `ZX` in nearly all publications, with communes
701 and 801, which the INSEE writes 97701 and 97801."""

AS_PUBLISHED: Final = "The line is damaged or cut short: use the file as published."
CORRECT: Final = "Correct the line after the published file, or remove it."


@dataclass(frozen=True)
class Origin:
    """Whose data it is, as its sheet will say."""

    publisher: str = "Ministère de l'Intérieur"
    licence: str = "Licence Ouverte 2.0"
    credit: str = "Résultats: Ministère de l'Intérieur, Licence Ouverte 2.0"


@dataclass(frozen=True)
class Results:
    """One round of one election as a file gives it, in our columns.

    turnout: station_id, department, commune_code, constituency_code, the five counts (blank and
    null votes missing where not published), `flag` and `file_line` (the line in the text, from 1);
    votes: station_id, line, candidate, party_list, nuance_code, votes; both in the file's order.
    shares: where the file gives percentages and no counts (columns of table Shares but the
    election); turnout and votes are then empty.
    kinds: kinds of election that the layout is published for; contest, round_number, election_id:
    where the file (or its recipe) says them; declared: nuances or lists that its columns name,
    voted for or not.
    """

    name: str
    sha256: str
    layout: str
    encoding: str
    turnout: pl.DataFrame
    votes: pl.DataFrame
    kinds: tuple[str, ...] = KINDS
    contest: str | None = None
    round_number: int | None = None
    election_id: str | None = None
    declared: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    shares: pl.DataFrame | None = None
    origin: Origin = field(default_factory=Origin)

    @property
    def flagged(self) -> pl.DataFrame:
        """Rows kept as published although they do not add up."""
        return self.turnout.filter(pl.col("flag").is_not_null())

    @property
    def stations(self) -> pl.DataFrame:
        """Rows of turnout, or of shares where there are no counts (one row a station)."""
        if self.shares is None:
            return self.turnout
        return self.shares.unique("station_id", maintain_order=True)


# -- stations --------------------------------------------------------------------------------------


def place_stations(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Published codes to ours, in the rows' order.

    Parameters
    ----------
    name
        The file, for messages.
    rows
        `file_line`, `commune` and `number` as published; `department` where published (else the
        commune's code has five digits), `constituency` where published, and COUNTS as integers
        (blank_votes and null_votes may be absent). Other columns stay.

    Returns
    -------
    stations
        The rows with station_id, department, commune_code, constituency_code and all COUNTS.

    Raises
    ------
    SourceError
        For an empty cell, a department that France has not, a commune or number spelt like none.
    """
    absent = [pl.lit(None, pl.Int64).alias(c) for c in COUNTS if c not in rows.columns]
    rows = rows.with_columns(*absent, pl.col("commune", "number").str.strip_chars())
    if "department" not in rows.columns:
        rows = rows.with_columns(department=_department_of_commune())
    _refuse_holes(name, rows)
    rows = rows.with_columns(published_department=pl.col("department").str.strip_chars())
    rows = rows.with_columns(
        department=pl.col("published_department").str.zfill(2).replace(OVERSEAS | SAINT_ISLANDS)
    )
    _refuse_departments(name, rows)
    number = pl.col("number").str.replace(DECIMAL, "$1")
    constituency = pl.lit(None, pl.String)
    if "constituency" in rows.columns:
        constituency = pl.col("department") + pl.col("constituency").str.zfill(2)
    rows = rows.with_columns(
        commune_code=_commune_code(),
        number=pl.when(number.str.contains(r"^\d+$")).then(number.str.zfill(4)).otherwise(number),
        constituency_code=constituency,
    )
    _refuse_codes(name, rows)
    return rows.with_columns(station_id=pl.col("commune_code") + "_" + pl.col("number"))


def _department_of_commune() -> pl.Expr:
    commune = pl.col("commune").str.zfill(5)
    length = pl.when(commune.str.starts_with("97") | commune.str.starts_with("98")).then(3)
    return commune.str.head(length.otherwise(2))


def _refuse_holes(name: str, rows: pl.DataFrame) -> None:
    needed = ["department", "commune", "number", *ALWAYS_PUBLISHED]
    needed += [c for c in COUNTS if c not in needed and rows[c].is_not_null().any()]
    holes = rows.filter(pl.any_horizontal(pl.col(needed).is_null()))
    if not holes.is_empty():
        row = holes.row(0, named=True)
        empty = next(c for c in needed if row[c] is None)
        raise SourceError(
            name, "the cell is empty.", line=row["file_line"], column=empty, way_out=AS_PUBLISHED
        )


def _refuse_departments(name: str, rows: pl.DataFrame) -> None:
    unknown = rows.filter(~pl.col("department").is_in(sorted(DEPARTMENTS)))
    if not unknown.is_empty():
        raise SourceError(
            name,
            f"“{short(unknown['published_department'][0], 20)}” is not a French department.",
            line=unknown["file_line"][0],
            column="department",
            way_out="Is it a file of this ministry? Leading zeros may be missing, letters not.",
        )


def _commune_code() -> pl.Expr:
    """INSEE code: `01`+`001`, `ZA`+`101` → `97101`, `1001` → `01001`, `ZZ`+`001` → `ZZ001`.

    Overseas, the published three digits begin with a digit that stands for the department (`101` of
    971, `601` of 976, which 2012 and 2014 wrote `501`; Wallis and Futuna `001`): the two others are
    the commune's. European 2014 writes them after the department's three (`971101`).
    """
    commune, department = pl.col("commune"), pl.col("department")
    native = commune.str.len_chars() <= 3
    overseas = department.str.len_chars() == 3
    return (
        pl.when(native & overseas)
        .then(department + commune.str.zfill(3).str.tail(2))
        .when(native)
        .then(department + commune.str.zfill(3))
        .when(overseas & (commune.str.len_chars() == 6))
        .then(commune.str.head(3) + commune.str.tail(2))
        .otherwise(commune.str.zfill(5).replace({"97701": "ZX701", "97801": "ZX801"}))
    )


def _refuse_codes(name: str, rows: pl.DataFrame) -> None:
    """Communes and station numbers that are spelt like none."""
    station = pl.col("commune_code") + "_" + pl.col("number")
    for column, published, is_code, what in (
        ("commune_code", "commune", pl.col("commune_code").str.contains(COMMUNE_CODE), "commune"),
        (
            "number",
            "number",
            station.str.contains(STATION_ID) & ~pl.col("number").str.contains(CANNOT_BE_A_NUMBER),
            "station number",
        ),
    ):
        wrong = rows.filter(~is_code)
        if not wrong.is_empty():
            raise SourceError(
                name,
                f"“{short(wrong[published][0], 40)}” is no {what}.",
                line=wrong["file_line"][0],
                column=column,
                way_out=AS_PUBLISHED,
            )


# -- what cannot be --------------------------------------------------------------------------------


def check_counts(name: str, turnout: pl.DataFrame) -> None:
    """Refuse counts that cannot be: each fault names its first line."""
    ballots = pl.col("blank_votes") + pl.col("null_votes") + pl.col("valid_votes")
    faults = (
        (pl.any_horizontal(pl.col(COUNTS) < 0), "a count is negative."),
        (
            pl.col("votes_cast") > pl.col("registered"),
            "more votes cast ({votes_cast}) than registered voters ({registered}).",
        ),
        (
            pl.col("valid_votes") > pl.col("votes_cast"),
            "more valid votes ({valid_votes}) than votes cast ({votes_cast}).",
        ),
        (
            ballots != pl.col("votes_cast"),
            "blank, null and valid votes make {ballots}, not the {votes_cast} votes cast.",
        ),
        (
            ~pl.col("station_id").is_first_distinct(),
            "station {station_id} stands twice in the file.",
        ),
    )
    found = turnout.select(pl.any_horizontal(False, *(f for f, _ in faults)).any()).item()
    if not found:
        return
    for fault, reason in faults:
        rows = turnout.with_columns(ballots=ballots).filter(fault)
        if not rows.is_empty():
            row = rows.row(0, named=True)
            raise SourceError(
                name, reason.format(**row), line=row["file_line"], way_out=CORRECT
            )  # fmt: skip


def check_votes(name: str, turnout: pl.DataFrame, votes: pl.DataFrame) -> None:
    """Refuse votes for one line that cannot be: below zero, or above the station's votes cast."""
    cast = turnout["votes_cast"].gather(votes["row"])
    wrong = ((votes["votes"] < 0) | (votes["votes"] > cast)).arg_true()
    if wrong.is_empty():
        return
    first = votes.row(int(wrong[0]), named=True)
    row = turnout.row(first["row"], named=True) | {"votes": first["votes"]}
    reason = (
        f"a candidate's votes are negative ({row['votes']})."
        if row["votes"] < 0
        else f"one candidate has {row['votes']} votes, of {row['votes_cast']} votes cast."
    )
    raise SourceError(name, reason, line=row["file_line"], column="votes", way_out=CORRECT)


def flag_sums(turnout: pl.DataFrame, votes: pl.DataFrame) -> pl.DataFrame:
    """`flag` the rows whose candidates' votes are not their valid votes, and keep them."""
    rows, counts = votes["row"].to_numpy(), votes["votes"].to_numpy()
    given = np.bincount(rows, weights=counts, minlength=turnout.height)  # exact below 2**53
    wrong = pl.Series(given.astype(np.int64)) != turnout["valid_votes"]
    known = pl.col("flag") if "flag" in turnout.columns else pl.lit(None, pl.String)
    flag = pl.when(wrong).then(pl.lit(VOTES_DO_NOT_ADD_UP)).otherwise(known)
    return turnout.with_columns(flag=flag)


def bear_negatives(
    turnout: pl.DataFrame, votes: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Rows with a count below zero, where they are few: that count is missing, and told.

    Blank or null votes, or a candidate's, are then missing and the row is flagged; a row whose
    registered voters, votes cast or valid votes are below zero can serve nothing and is left out.
    Where they are many, all is given back as it is, to be refused.
    """
    below = turnout.select(pl.col(COUNTS) < 0).fill_null(value=False)
    lines_below = votes["votes"] < 0
    rows_below = below.select(pl.any_horizontal(pl.all())).to_series().to_numpy().copy()
    rows_below[votes.filter(lines_below)["row"].unique().to_numpy()] = True
    count = int(rows_below.sum())
    if not count or count > MOST_NEGATIVE * turnout.height:
        return turnout, votes, []
    notes = []
    for row in turnout.filter(pl.Series(rows_below)).head(_LISTED).iter_rows(named=True):
        wrong = [f"{c} {row[c]}" for c in COUNTS if (row[c] or 0) < 0] or ["a candidate's votes"]
        useless = any((row[c] or 0) < 0 for c in ALWAYS_PUBLISHED)
        done = "left out" if useless else "kept, that count missing"
        notes.append(
            f"{row['station_id']} (line {row['file_line']}): below zero ({', '.join(wrong)}); "
            f"{done}"
        )
    if count > _LISTED:
        notes.append(f"{count - _LISTED:,} more rows have a count below zero, treated alike")
    useless_rows = below.select(pl.any_horizontal(ALWAYS_PUBLISHED)).to_series()
    turnout = turnout.with_columns(
        *(
            pl.when(pl.col(c) < 0).then(None).otherwise(pl.col(c)).alias(c)
            for c in COUNTS
            if c not in ALWAYS_PUBLISHED
        ),
        flag=pl.when(pl.Series(rows_below)).then(pl.lit(NEGATIVE_COUNT)).otherwise(None),
    )
    votes = votes.filter(~lines_below)
    if useless_rows.any():
        places = (~useless_rows).cum_sum().cast(pl.Int64) - 1
        votes = votes.filter(~useless_rows.gather(votes["row"]))
        votes = votes.with_columns(row=places.gather(votes["row"]).cast(votes["row"].dtype))
        turnout = turnout.filter(~useless_rows)
    return turnout, votes, notes


_LISTED: Final = 20


def refuse_cut_line(file: TextFile, turnout: pl.DataFrame) -> None:
    """A last line without its newline and without all its votes is a cut file."""
    last = turnout.row(-1, named=True)
    if not file.text.endswith(b"\n") and last["flag"] == VOTES_DO_NOT_ADD_UP:
        raise SourceError(
            file.name,
            "the last line is cut: its candidates' votes are not its valid votes.",
            line=last["file_line"],
            way_out="Download it again: the transfer was probably cut.",
        )


TURNOUT_OF_FILE: Final = (
    "station_id", "department", "commune_code", "constituency_code", *COUNTS, "flag", "file_line",
)  # fmt: skip
VOTES_OF_FILE: Final = ("station_id", "line", "candidate", "party_list", "nuance_code", "votes")


def checked_tables(
    name: str, turnout: pl.DataFrame, votes: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Both tables in the columns of Results, their counts checked and their sums flagged; notes.

    `row` numbers the stations in both: it is their place in `turnout`, from 0.
    """
    turnout, votes, notes = bear_negatives(turnout, votes)
    check_counts(name, turnout)
    check_votes(name, turnout, votes)
    flagged = flag_sums(turnout, votes)
    return flagged.select(TURNOUT_OF_FILE), votes.select(VOTES_OF_FILE), notes


def check_given(results: Results) -> None:
    """Look at the tables of a Results that another process made; SourceError for what is none."""
    turnout, votes = results.turnout, results.votes
    if results.shares is not None:
        stations, text = results.shares["station_id"], results.shares.schema["station_id"]
        if text != pl.String or not stations.str.contains(STATION_ID).all():
            raise SourceError(results.name, "shares of no station.")
        return
    kinds = {c: votes.schema[c] if c in votes.columns else turnout.schema.get(c) for c in (
        *TURNOUT_OF_FILE, "votes")}  # fmt: skip
    numbers = (*COUNTS, "file_line", "votes")
    sound = turnout.columns == list(TURNOUT_OF_FILE) and votes.columns == list(VOTES_OF_FILE)
    sound = sound and all(
        kind == pl.Null
        or (kind is not None and (kind.is_integer() if c in numbers else kind == pl.String))
        for c, kind in kinds.items()
    )
    if not sound:
        raise SourceError(results.name, "tables of other columns.")
    check_counts(results.name, turnout.with_columns(pl.col(COUNTS).cast(pl.Int64)))
    known = votes["station_id"].unique().is_in(turnout["station_id"].implode()).all()
    if not (known and turnout["station_id"].str.contains(STATION_ID).all()):
        raise SourceError(results.name, "votes of no station.")
    if votes["votes"].null_count() or (votes["votes"] < 0).any():
        raise SourceError(results.name, "votes below zero.")


def short(text: str, width: int = 120) -> str:
    """Text of a file fit for one line of a message."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= width else text[: width - 1] + "…"


_WHOLE: Final = re.compile(r"[+-]?[0-9]+")


def count_fault(cell: str, *, may_be_empty: bool = False) -> str:
    """What is wrong with a cell that is to be a count; nothing where it may be one."""
    if not _WHOLE.fullmatch(cell) and not (may_be_empty and not cell):
        return f"“{short(cell, 40)}” is not a whole number."
    if len(cell) > LONGEST_COUNT:
        return f"“{short(cell, 40)}” is too large to be a count."
    return ""
