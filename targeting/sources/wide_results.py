"""The wide official results: one line a polling station, one group of columns a candidate.

Two families (facts in FORMATS A §6, checked on the files themselves):
- *native*, until 2022: Latin-1, semicolons, the header names the first group only, lines of
  legislative files have as many groups as the constituency has candidates;
- *numbered*, since 2024: UTF-8, every group named (`Voix 1`, `Voix 2`…), first-round cells have
  lost their leading zeros, second-round cells are quoted when they hold anything but letters.

Counts only are read; published percentages are never trusted. The text is parsed once by Polars,
typed, with just the columns that count; a second, slow reading names line and column when it fails.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from targeting.codes import COMMUNE_CODE, DEPARTMENTS, OVERSEAS, STATION_ID
from targeting.errors import SourceError
from targeting.sources.files import TextFile, read_text, without_blank_end

COUNTS: Final = ("registered", "votes_cast", "blank_votes", "null_votes", "valid_votes")

NATIVE: Final = {
    "Code du département": "department",
    "Code de la circonscription": "constituency",
    "Code de la commune": "commune",
    "Code du b.vote": "number",
    "Inscrits": "registered",
    "Votants": "votes_cast",
    "Blancs": "blank_votes",
    "Nuls": "null_votes",
    "Exprimés": "valid_votes",
}
NATIVE_GROUP: Final = {
    "N°Panneau": "line",
    "Nom": "surname",
    "Prénom": "first_name",
    "Nuance": "nuance_code",
    "Voix": "votes",
}
NUMBERED: Final = {
    "Code département": "department",
    "Code commune": "commune",
    "Code BV": "number",
    "Inscrits": "registered",
    "Votants": "votes_cast",
    "Blancs": "blank_votes",
    "Nuls": "null_votes",
    "Exprimés": "valid_votes",
}
NUMBERED_GROUP: Final = {
    "Numéro de panneau": "line",
    "Nom candidat": "surname",
    "Prénom candidat": "first_name",
    "Nuance candidat": "nuance_code",
    "Voix": "votes",
}
OPTIONAL: Final = {"constituency", "nuance_code"}

MISREAD: Final = ("Ã", "�", "Ž", "ƒ", "¡", "‚")
"""What é, É and ° look like once read in a wrong encoding: no header has them."""

LONGEST_COUNT: Final = 12
"""Digits of a count, sign included: more would not fit, and no station has as many voters."""

VOTES_DO_NOT_ADD_UP: Final = "votes_do_not_add_up"
"""Flag of a row whose candidates' votes are not its valid votes: kept as published, told."""


@dataclass(frozen=True)
class Layout:
    """Where the columns that count stand in one file.

    columns: our name → position of the fixed columns; groups: the same for each candidate;
    ragged: lines may end after any whole group; quoted: cells may be quoted.
    """

    name: str
    columns: dict[str, int]
    groups: tuple[dict[str, int], ...]
    width: int
    group_width: int
    ragged: bool
    quoted: bool

    @property
    def first_group(self) -> int:
        return self.width - self.group_width * len(self.groups)


@dataclass(frozen=True)
class WideResults:
    """A results file in our columns, before its election is known.

    turnout: station_id, department, commune_code, constituency_code, the five counts and `flag`;
    votes: station_id, line, candidate, nuance_code, votes; both in the order of the file.
    `file_line` of turnout is the line in the text (the header is line 1).
    """

    name: str
    sha256: str
    layout: str
    encoding: str
    turnout: pl.DataFrame
    votes: pl.DataFrame

    @property
    def flagged(self) -> pl.DataFrame:
        """Rows kept as published although they do not add up."""
        return self.turnout.filter(pl.col("flag").is_not_null())


def read_wide_results(path: Path) -> WideResults:
    """Read one official wide results file, plain or compressed, into turnout and votes.

    Raises SourceError naming file, line, reason and way out for anything that is not such a file
    or whose counts are impossible (negative, more voters than registered, more valid votes or more
    votes for one candidate than votes cast, the same station twice, an unknown department).
    """
    return parse_wide_results(read_text(path))


def parse_wide_results(file: TextFile) -> WideResults:
    """`read_wide_results` on a text already opened."""
    file = without_blank_end(file)
    widths = _line_widths(file.text)
    layout = find_layout(file, widths)
    _refuse_broken_lines(file, layout, widths)
    cells = _parse(file, layout)
    turnout = _turnout(file, layout, cells)
    votes = _votes(layout, cells, turnout)
    _check_counts(file, turnout)
    _check_votes(file, turnout, votes)
    turnout = _flag_sums(turnout, votes)
    _refuse_cut_line(file, turnout)
    return WideResults(
        file.name, file.sha256, layout.name, file.encoding, turnout, votes.drop("row")
    )


def find_layout(file: TextFile, widths: np.ndarray) -> Layout:
    """Tell the layout from the header line; `widths` are the fields of each line.

    Raises SourceError with the headers found."""
    end = file.text.find(b"\n")
    first = file.text[: end if end >= 0 else len(file.text)].decode("utf-8", "replace").rstrip("\r")
    headers = [cell.strip().strip('"') for cell in first.split(";")]
    if len(headers) < 3:
        _refuse_separator(file, first)
    if any(mark in first for mark in MISREAD):
        raise SourceError(
            file.name,
            f"the accents of the header are unreadable (“{_short(first)}”).",
            line=1,
            way_out="The file was saved in a wrong encoding: use it as published, or save it as "
            "UTF-8.",
        )
    if NATIVE.keys() & set(headers) >= {"Code du b.vote"} or "N°Panneau" in headers:
        return _native_layout(file, headers, int(widths.max()))
    if "Code BV" in headers or "Numéro de panneau 1" in headers:
        return _numbered_layout(file, headers)
    raise SourceError(
        file.name,
        f"not a results layout known here: headers found are {_short('; '.join(headers), 300)}.",
        line=1,
        way_out="Known: the ministry's files per polling station, presidential and legislative, "
        "2017 to 2024.",
    )


def _refuse_separator(file: TextFile, first: str) -> None:
    for separator, name in ((",", "commas"), ("\t", "tabs"), ("|", "bars")):
        if first.count(separator) >= 5:
            raise SourceError(
                file.name,
                f"columns are separated by {name}; the official file uses semicolons.",
                line=1,
                way_out="Use the file as published, or save it again with semicolons.",
            )
    raise SourceError(
        file.name,
        f"no columns in the first line (“{_short(first)}”).",
        line=1,
        way_out="A results file begins with its headers, separated by semicolons.",
    )


def _locate(file: TextFile, headers: list[str], wanted: dict[str, str]) -> dict[str, int]:
    places = {ours: headers.index(theirs) for theirs, ours in wanted.items() if theirs in headers}
    missing = [t for t, ours in wanted.items() if ours not in places and ours not in OPTIONAL]
    if missing:
        raise SourceError(
            file.name,
            f"no column {', '.join(f'“{m}”' for m in missing)}; headers found: "
            f"{_short('; '.join(headers), 300)}.",
            line=1,
            way_out="Use the file as published, with all its columns.",
        )
    return places


def _native_layout(file: TextFile, headers: list[str], widest: int) -> Layout:
    if "N°Panneau" not in headers:
        _locate(file, headers, {**NATIVE, **NATIVE_GROUP})
    start = headers.index("N°Panneau")
    fixed = _locate(file, headers[:start], NATIVE)
    in_group = _locate(file, headers[start:], NATIVE_GROUP)
    group_width = len(headers) - start
    count = max(1, (widest - start) // group_width)
    groups = tuple(
        {ours: at + start + k * group_width for ours, at in in_group.items()} for k in range(count)
    )
    _refuse_quoted_cells(file, fixed)
    kind = "legislative" if "nuance_code" in in_group else "presidential"
    width = start + count * group_width
    return Layout(f"native {kind}", fixed, groups, width, group_width, ragged=True, quoted=False)


def _refuse_quoted_cells(file: TextFile, fixed: dict[str, int]) -> None:
    """Native files have no quotes around cells: a spreadsheet put them there."""
    start = file.text.find(b"\n") + 1
    end = file.text.find(b"\n", start)
    row = file.text[start : end if end >= 0 else None].decode("utf-8", "replace")
    cells = row.rstrip("\r").split(";") if start else []
    quoted = [c for at in fixed.values() if at < len(cells) and (c := cells[at]).startswith('"')]
    if quoted:
        raise SourceError(
            file.name,
            f"cells are quoted: {_short(quoted[0], 40)}; the official file has no quotes.",
            line=2,
            way_out="Use the file as published, or save it again without quotes around cells.",
        )


def _numbered_layout(file: TextFile, headers: list[str]) -> Layout:
    fixed = _locate(file, headers, NUMBERED)
    numbers = [h.removeprefix("Voix ") for h in headers if h.startswith("Voix ")]
    if not numbers:
        _locate(file, headers, {"Voix 1": "votes"})
    groups = tuple(
        _locate(file, headers, {f"{theirs} {n}": ours for theirs, ours in NUMBERED_GROUP.items()})
        for n in numbers
    )
    group_width = (
        groups[1]["votes"] - groups[0]["votes"]
        if len(groups) > 1
        else len(headers) - min(groups[0].values())
    )
    quoted = b'"' in file.text
    return Layout("numbered", fixed, groups, len(headers), group_width, ragged=False, quoted=quoted)


def _line_widths(text: bytes) -> np.ndarray:
    """Fields of each line, as if no cell were quoted; the last line may lack its newline."""
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return np.array([line.count(b";") + 1 for line in lines])


def _refuse_broken_lines(file: TextFile, layout: Layout, widths: np.ndarray) -> None:
    """Lines that are no whole number of candidates, or not as wide as the header."""
    start = layout.first_group
    if layout.ragged:
        broken = (widths < start + layout.group_width) | ((widths - start) % layout.group_width > 0)
    else:
        broken = widths != layout.width
    broken[0] = False
    if not broken.any() or (layout.quoted and _diagnosed(file, layout) is None):
        return
    at = int(np.argmax(broken))
    fault = _diagnosed(file, layout)
    raise fault or SourceError(file.name, "broken line.", line=at + 1, way_out=_AS_PUBLISHED)


def _schema(layout: Layout) -> dict[str, pl.DataType | type[pl.DataType]]:
    numbers = {layout.columns[c] for c in COUNTS} | {
        g[c] for g in layout.groups for c in ("votes",)
    }
    return {f"c{i}": pl.Int64 if i in numbers else pl.String for i in range(layout.width)}


def _parse(file: TextFile, layout: Layout) -> pl.DataFrame:
    """Cells that count, typed; one row a line. Falls back on a slow reading to name the fault."""
    wanted = sorted(set(layout.columns.values()).union(*(g.values() for g in layout.groups)))
    try:
        return (
            pl.scan_csv(
                file.text,
                separator=";",
                has_header=False,
                skip_rows=1,
                schema=_schema(layout),
                quote_char='"' if layout.quoted else None,
                missing_columns="insert",
            )
            .select(f"c{i}" for i in wanted)
            .collect()
        )
    except pl.exceptions.PolarsError:
        fault = _diagnosed(file, layout)
        raise fault or SourceError(
            file.name, "the table cannot be parsed.", way_out=_AS_PUBLISHED
        ) from None


def _diagnosed(file: TextFile, layout: Layout) -> SourceError | None:
    """Why a text cannot be parsed: first line whose width or whose counts are wrong, if any."""
    lines = file.text.decode("utf-8", "replace").split("\n")
    fixed = {at: name for name, at in layout.columns.items() if name in COUNTS}
    counts = fixed | {g["votes"]: "votes" for g in layout.groups}
    try:
        for number, cells in enumerate(_reader(lines, quoted=layout.quoted), 1):
            if number == 1 or (number == len(lines) and not cells):
                continue
            if fault := _width_fault(layout, len(cells)):
                return SourceError(file.name, fault, line=number, way_out=_AS_PUBLISHED)
            for at, name in counts.items():
                cell = cells[at].strip() if at < len(cells) else ""
                if cell and not _WHOLE.fullmatch(cell):
                    return SourceError(
                        file.name,
                        f"“{_short(cell, 40)}” is not a whole number.",
                        line=number,
                        column=name,
                        way_out=_AS_PUBLISHED,
                    )
                if len(cell) > LONGEST_COUNT:
                    return SourceError(
                        file.name,
                        f"“{_short(cell, 40)}” is too large to be a count.",
                        line=number,
                        column=name,
                        way_out=_AS_PUBLISHED,
                    )
    except csv.Error as error:
        return SourceError(file.name, f"quotes do not match ({error}).", way_out=_AS_PUBLISHED)
    return None


def _reader(lines: list[str], *, quoted: bool) -> Iterator[list[str]]:
    if quoted:
        return csv.reader(lines, delimiter=";")
    return csv.reader(lines, delimiter=";", quoting=csv.QUOTE_NONE)


_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_AS_PUBLISHED: Final = "The line is damaged or cut short: use the file as published."


def _width_fault(layout: Layout, width: int) -> str:
    if layout.ragged:
        start = layout.first_group
        whole = width >= start + layout.group_width and (width - start) % layout.group_width == 0
        return "" if whole else f"{width} fields do not make whole candidates."
    return "" if width == layout.width else f"{width} fields where the header has {layout.width}."


def _turnout(file: TextFile, layout: Layout, cells: pl.DataFrame) -> pl.DataFrame:
    """Fixed columns with our codes; `row` numbers the rows."""
    if cells.is_empty():
        raise SourceError(
            file.name, "headers and not one station.", line=1, way_out="Download it again."
        )
    columns = {name: pl.col(f"c{at}") for name, at in layout.columns.items()}
    turnout = cells.select(**columns).with_row_index("row")
    _refuse_damaged_lines(file, layout, turnout)
    text = pl.col("department", "commune", "number").str.strip_chars()
    turnout = turnout.with_columns(text).with_columns(
        department=pl.col("department").str.zfill(2).replace(OVERSEAS),
        published_department=pl.col("department"),
    )
    unknown = turnout.filter(~pl.col("department").is_in(sorted(DEPARTMENTS)))
    if not unknown.is_empty():
        code, row = unknown["published_department"][0], unknown["row"][0]
        raise SourceError(
            file.name,
            f"“{_short(str(code), 20)}” is not a French department.",
            line=row + 2,
            column="department",
            way_out="Is it a file of this ministry? Leading zeros may be missing, letters not.",
        )
    commune = _commune_code()
    number = (
        pl.when(pl.col("number").str.contains(r"^\d+$"))
        .then(pl.col("number").str.zfill(4))
        .otherwise(pl.col("number"))
    )
    constituency = (
        pl.col("department") + pl.col("constituency").str.zfill(2)
        if "constituency" in turnout.columns
        else pl.lit(None, pl.String)
    )
    turnout = turnout.with_columns(
        commune_code=commune, number=number, constituency_code=constituency
    )
    _refuse_codes(file, turnout)
    return turnout.select(
        "row",
        station_id=pl.col("commune_code") + "_" + pl.col("number"),
        department="department",
        commune_code="commune_code",
        constituency_code="constituency_code",
        **{c: pl.col(c) for c in COUNTS},
    )


def _refuse_codes(file: TextFile, turnout: pl.DataFrame) -> None:
    """Communes and station numbers that are spelt like none."""
    station = pl.col("commune_code") + "_" + pl.col("number")
    for column, published, is_code, what in (
        ("commune_code", "commune", pl.col("commune_code").str.contains(COMMUNE_CODE), "commune"),
        ("number", "number", station.str.contains(STATION_ID), "station number"),
    ):
        wrong = turnout.filter(~is_code)
        if not wrong.is_empty():
            raise SourceError(
                file.name,
                f"“{_short(wrong[published][0], 40)}” is no {what}.",
                line=wrong["row"][0] + 2,
                column=column,
                way_out=_AS_PUBLISHED,
            )


def _commune_code() -> pl.Expr:
    """INSEE code: `01`+`001`, `ZA`+`101` → `97101`, `1001` → `01001`, `ZZ`+`001` → `ZZ001`.

    Overseas, the published three digits begin with the department's third (`101` of 971); Wallis
    and Futuna alone is `001` there and 98601 at the INSEE.
    """
    commune, department = pl.col("commune"), pl.col("department")
    native = commune.str.len_chars() <= 3
    overseas = pl.col("published_department").is_in(sorted(OVERSEAS))
    return (
        pl.when(native & (pl.col("published_department") == "ZW"))
        .then(pl.lit("98601"))
        .when(native & overseas)
        .then(department.str.slice(0, 2) + commune.str.zfill(3))
        .when(native)
        .then(department + commune.str.zfill(3))
        .otherwise(commune.str.zfill(5))
    )


def _refuse_damaged_lines(file: TextFile, layout: Layout, turnout: pl.DataFrame) -> None:
    needed = [c for c in turnout.columns if c not in ("row", "constituency")]
    holes = turnout.filter(pl.any_horizontal(pl.col(needed).is_null()))
    if not holes.is_empty():
        row = holes.row(0, named=True)
        empty = next(c for c in needed if row[c] is None)
        raise SourceError(
            file.name, "the cell is empty.", line=row["row"] + 2, column=empty,
            way_out=_AS_PUBLISHED,
        )  # fmt: skip


def _votes(layout: Layout, cells: pl.DataFrame, turnout: pl.DataFrame) -> pl.DataFrame:
    """One row per station and candidate, in the order of the file."""
    groups = []
    for order, group in enumerate(layout.groups):
        column = {name: pl.col(f"c{at}") for name, at in group.items()}
        nuance = column.get("nuance_code", pl.lit(None, pl.String))
        groups.append(
            cells.select(
                row=pl.int_range(pl.len(), dtype=pl.UInt32),
                station_id=turnout["station_id"],
                line=column["line"].cast(pl.Int64, strict=False).fill_null(order + 1),
                candidate=(column["surname"] + " " + column["first_name"]).str.strip_chars(),
                nuance_code=nuance,
                votes=column["votes"],
            ).filter(pl.col("votes").is_not_null())
        )
    return pl.concat(groups).sort("row", maintain_order=True)


def _check_counts(file: TextFile, turnout: pl.DataFrame) -> None:
    """Counts that cannot be: each fault names its first line."""
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
        (pl.col("station_id").is_duplicated(), "station {station_id} stands twice in the file."),
    )
    found = turnout.select(pl.any_horizontal(False, *(f for f, _ in faults)).any()).item()
    if not found:
        return
    for fault, reason in faults:
        rows = turnout.with_columns(ballots=ballots).filter(fault)
        if not rows.is_empty():
            row = rows.row(min(rows.height - 1, 1 if "twice" in reason else 0), named=True)
            raise SourceError(
                file.name,
                reason.format(**row),
                line=row["row"] + 2,
                way_out="Correct the line after the published file, or remove it.",
            )


def _check_votes(file: TextFile, turnout: pl.DataFrame, votes: pl.DataFrame) -> None:
    """Votes for one candidate that cannot be: below zero, or above the station's votes cast."""
    cast = turnout.select("row", "votes_cast")
    wrong = votes.join(cast, on="row", how="left", maintain_order="left").filter(
        (pl.col("votes") < 0) | (pl.col("votes") > pl.col("votes_cast"))
    )
    if wrong.is_empty():
        return
    row = wrong.row(0, named=True)
    reason = (
        f"a candidate's votes are negative ({row['votes']})."
        if row["votes"] < 0
        else f"one candidate has {row['votes']} votes, of {row['votes_cast']} votes cast."
    )
    raise SourceError(
        file.name,
        reason,
        line=row["row"] + 2,
        column="votes",
        way_out="Correct the line after the published file, or remove it.",
    )


def _flag_sums(turnout: pl.DataFrame, votes: pl.DataFrame) -> pl.DataFrame:
    """`flag` the rows whose candidates' votes are not their valid votes, and keep them."""
    given = votes.group_by("row").agg(given=pl.col("votes").sum())
    wrong = pl.col("given").fill_null(0) != pl.col("valid_votes")
    return (
        turnout.join(given, on="row", how="left", maintain_order="left")
        .with_columns(
            flag=pl.when(wrong).then(pl.lit(VOTES_DO_NOT_ADD_UP)).otherwise(None),
            file_line=pl.col("row") + 2,
        )
        .drop("row", "given")
    )


def _refuse_cut_line(file: TextFile, turnout: pl.DataFrame) -> None:
    """A last line without its newline and without all its votes is a cut file."""
    last = turnout.row(-1, named=True)
    if not file.text.endswith(b"\n") and last["flag"] is not None:
        raise SourceError(
            file.name,
            "the last line is cut: its candidates' votes are not its valid votes.",
            line=last["file_line"],
            way_out="Download it again: the transfer was probably cut.",
        )


def _short(text: str, width: int = 120) -> str:
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= width else text[: width - 1] + "…"
