"""The long official results: one line a station and candidate, often both rounds in one file.

- Presidential 2007 and 2012, legislative 2012: Latin-1, semicolons, no header, comment lines that
  begin with `--`, 15 fields (round; department; commune; its name; constituency; canton; station;
  registered; votes cast; valid votes; number of the candidate; surname; first name; nuance; votes);
- municipal and European 2014: the same without constituency and canton, 13 fields;
- the same with headers, with commas or from a workbook; and legislative 2022 as data.gouv's
  explorer gives it (headers of the native file, one line a candidate).

Blank and null votes were not counted apart in those years: missing.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from targeting.codes import KINDS
from targeting.errors import SourceError
from targeting.sources.files import TextFile, read_cells, without_blank_end
from targeting.sources.results.counts import (
    AS_PUBLISHED,
    CORRECT,
    COUNTS,
    VOTES_DO_NOT_ADD_UP,
    Results,
    checked_tables,
    count_fault,
    place_stations,
    short,
)
from targeting.sources.results.totals import without_totals
from targeting.sources.results.wide_layouts import SHEET, cells_of

FIELDS_15: Final = (
    "round", "department", "commune", "commune_name", "constituency", "canton", "number",
    "registered", "votes_cast", "valid_votes", "line", "surname", "first_name", "nuance_code",
    "votes",
)  # fmt: skip
FIELDS_13: Final = tuple(f for f in FIELDS_15 if f not in ("constituency", "canton"))

HEADERS: Final = {  # as published, without capitals, accents or signs: ours
    "n tour": "round", "no tour": "round", "tour": "round",
    "code departement": "department", "code du departement": "department",
    "code de la commune": "commune", "code commune": "commune",
    "code insee": "insee", "code insee commune": "insee", "codeinsee": "insee",
    "n de circonscription lg": "constituency", "code de la circonscription": "constituency",
    "code circonscription": "constituency",
    "n de canton": "canton", "no canton": "canton", "code du canton": "canton",
    "n de bureau de vote": "number", "no bureau vote": "number", "code du b vote": "number",
    "code b vote": "number", "code bv": "number", "bureau de vote": "number",
    "code du bureau de vote": "number", "numero de bureau de vote": "number",
    "inscrits": "registered", "votants": "votes_cast", "blancs": "blank_votes",
    "nuls": "null_votes", "exprimes": "valid_votes",
    "n de depot du candidat": "line", "no liste": "line", "n de depot de la liste": "line",
    "n panneau": "line", "npanneau": "line", "no panneau": "line", "n liste": "line",
    "ndegpanneau": "line", "numero de panneau": "line",
    "nom du candidat": "surname", "nom": "surname", "nom du candidat tete de liste": "surname",
    "nom tete de liste": "surname", "nom candidat": "surname",
    "prenom du candidat": "first_name", "prenom": "first_name", "prenom candidat": "first_name",
    "prenom du candidat tete de liste": "first_name",
    "code nuance du candidat": "nuance_code", "nuance": "nuance_code",
    "code nuance": "nuance_code", "nuance liste": "nuance_code", "nuance candidat": "nuance_code",
    "code nuance de la liste": "nuance_code",
    "libelle abrege liste": "party_list", "libelle abrege de liste": "party_list",
    "nombre de voix du candidat": "votes", "nombre de voix": "votes", "voix": "votes",
}  # fmt: skip
NEEDED: Final = (
    "commune",
    "number",
    "registered",
    "votes_cast",
    "valid_votes",
    "surname",
    "votes",
)
OWN_HEADERS: Final = ("round", "votes", "number")
"""With these, and no name that comes twice, a header is a long file's."""

EXPORTS: Final = (1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000)
"""Portals cut what they give at such a number of rows."""

LOOKED_AT: Final = 4_000
"""Lines in which some station comes again, in a file of one line a candidate, however shuffled."""

EXPLORER: Final = ("scrutin_code", "Code Officiel EPCI")
"""Columns that data.gouv's explorer adds to a native file it has cut into lines."""

MOST_LINES_OF_A_COMMUNE: Final = 15
"""European 2014 had 22 to 31 lists in each constituency; no commune had 15 municipal lists."""


@dataclass(frozen=True)
class LongLayout:
    """Columns of a long file: our name → position; `first` is the text's first line of data."""

    columns: dict[str, int]
    width: int
    separator: str
    first: int
    name: str


def find_long_layout(file: TextFile) -> LongLayout | None:
    """The layout of a long file, or nothing when it is none."""
    skipped, line = _first_line(file.text)
    if skipped and file.text.startswith(b"--") and len(line.split(";")) not in (13, 15):
        line = _whole_line(file.text, skipped) or line
    for separator in (SHEET, ";", ","):
        cells = line.split(separator)
        if len(cells) in (13, 15) and re.fullmatch(r"[0-9]", cells[0].strip()) and _is_data(cells):
            fields = FIELDS_15 if len(cells) == 15 else FIELDS_13
            columns = {name: at for at, name in enumerate(fields)}
            return LongLayout(columns, len(cells), separator, skipped + 1, f"long {len(cells)}")
        headers = cells_of(line, separator)
        names = [HEADERS.get(_plain(h)) for h in headers]
        known = [n for n in names if n]
        own = set(OWN_HEADERS) <= set(known) or bool(set(EXPLORER) & set(headers))
        columns = _columns(names)
        once = len(known) == len(set(known)) and set(NEEDED) <= set(columns)
        if once and (own or _stations_come_again(file, separator, columns, len(headers), skipped)):
            name = "long with headers" if "round" in columns else "long, native headers"
            return LongLayout(columns, len(headers), separator, skipped + 2, name)
    return None


def _columns(names: Sequence[str | None]) -> dict[str, int]:
    """Our name → position; an INSEE code stands for the commune's where that is not there."""
    columns = {n: at for at, n in enumerate(names) if n}
    insee = columns.pop("insee", None)
    if insee is not None and not {"department", "commune"} <= set(columns):
        columns.pop("department", None)
        columns["commune"] = insee
    return columns


def _stations_come_again(
    file: TextFile, separator: str, columns: dict[str, int], width: int, skipped: int
) -> bool:
    """Whether lines are as wide as the header and one station has several, as a mirror gives it.

    A wide file's header names one candidate too, but its lines hold several.
    """
    head = file.text[: _HEAD_BYTES * 16].decode("utf-8", "replace").splitlines()
    lines = head[skipped + 1 : skipped + 1 + LOOKED_AT]
    lines = lines[:-1] if len(file.text) > _HEAD_BYTES * 16 else lines
    places = [columns[c] for c in ("department", "commune", "number") if c in columns]
    seen: set[tuple[str, ...]] = set()
    again = False
    try:
        for cells in read_cells(lines, separator, quoted=b'"' in file.text):
            if len(cells) > width:
                return False
            if len(cells) == width:
                key = tuple(cells[at] for at in places)
                again |= key in seen
                seen.add(key)
    except csv.Error:
        return False
    return again


def _is_data(cells: list[str]) -> bool:
    """The last cells of a headerless line: counts, a number, names, a nuance, votes."""
    return cells[-1].strip().strip('"\r').lstrip("-").isdigit() or cells[-6].strip().isdigit()


def _first_line(text: bytes) -> tuple[int, str]:
    """How many comment lines come first, and the first line that is none."""
    skipped, start = 0, 0
    while True:
        end = text.find(b"\n", start)
        line = text[start : end if end >= 0 else len(text)].decode("utf-8", "replace").strip("\r")
        if end < 0 or not (line.startswith("--") or not line.strip()):
            return skipped, line
        skipped, start = skipped + 1, end + 1


def _whole_line(text: bytes, skipped: int) -> str | None:
    """After comment lines, the first line of 13 or 15 fields: the first may be the broken one."""
    lines = text[:_HEAD_BYTES].decode("utf-8", "replace").splitlines()[skipped:]
    return next((line for line in lines if line.count(";") in (12, 14)), None)


_HEAD_BYTES: Final = 64 * 1024


def _plain(header: str) -> str:
    """Titles and identifiers alike: `Code du b.vote` and `code_du_b_vote` are one."""
    letters = unicodedata.normalize("NFKD", header.casefold().replace("°", " "))
    return " ".join(re.sub(r"[^a-z0-9%]+", " ", _MARKS.sub("", letters)).split())


_MARKS: Final = re.compile("[\u0300-\u036f]")


def parse_long_results(file: TextFile, layout: LongLayout) -> list[Results]:
    """Read a long file: one Results a round, first round first.

    Raises SourceError naming file, line, reason and way out, as `read_wide_results`; and when the
    lines of one station give different counts, or one candidate twice.
    """
    file = without_blank_end(file)
    rows = _parse(file, layout)
    places = [c for c in ("department", "commune", "number") if c in rows.columns]
    rows = rows.filter(pl.any_horizontal(pl.col(places).is_not_null()))
    if rows.is_empty():
        raise SourceError(file.name, "not one station.", line=1, way_out="Download it again.")
    if "round" not in layout.columns:
        return [_one_round(file, layout, rows, None)]
    rows = rows.with_columns(pl.col("round").str.strip_chars())
    wrong = rows.filter(~pl.col("round").is_in(["1", "2"]).fill_null(False))
    if not wrong.is_empty():
        raise SourceError(
            file.name,
            f"“{short(str(wrong['round'][0]), 20)}” is no round: 1 or 2.",
            line=wrong["file_line"][0],
            column="round",
            way_out=AS_PUBLISHED,
        )
    numbers = sorted(rows["round"].unique().to_list())
    return [_one_round(file, layout, rows.filter(round=n), int(n)) for n in numbers]


def _parse(file: TextFile, layout: LongLayout) -> pl.DataFrame:
    """Cells that count, typed, with their line; blanks around a count are forgiven."""
    counts = [n for n in layout.columns if n in COUNTS or n == "votes"]
    try:
        try:
            rows = _cells(file, layout, counts)
        except pl.exceptions.PolarsError:
            rows = _cells(file, layout, [])
            whole = pl.col(counts).str.strip_chars().str.strip_suffix(".0")
            rows = rows.with_columns(whole.cast(pl.Int64))
    except pl.exceptions.PolarsError as error:
        fault = _diagnosed(file, layout)
        raise fault or SourceError(
            file.name, "the table cannot be parsed.", way_out=AS_PUBLISHED
        ) from error
    first = layout.first
    given = file.text.count(b"\n") + (not file.text.endswith(b"\n")) - (first - 1)
    hole = rows.select(pl.any_horizontal(pl.col(counts).is_null()).any()).item()
    if (rows.height != given or hole) and (fault := _diagnosed(file, layout)):
        raise fault
    if file.lines:
        places = pl.Series("file_line", file.lines[first - 1 : first - 1 + rows.height], pl.UInt32)
        return rows.with_columns(places)
    return rows.with_row_index("file_line", offset=first)


def _cells(file: TextFile, layout: LongLayout, counts: list[str]) -> pl.DataFrame:
    typed = {layout.columns[c] for c in counts}
    schema = {f"c{i}": pl.Int64 if i in typed else pl.String for i in range(layout.width)}
    return (
        pl.scan_csv(
            file.text,
            separator=layout.separator,
            has_header=False,
            skip_lines=layout.first - 1,
            schema=schema,
            quote_char='"' if b'"' in file.text else None,
        )
        .select(**{name: pl.col(f"c{at}") for name, at in layout.columns.items()})
        .collect()
    )


def _diagnosed(file: TextFile, layout: LongLayout) -> SourceError | None:
    """First line whose width or whose counts are wrong, if any."""
    lines = file.text.decode("utf-8", "replace").splitlines()[layout.first - 1 :]
    counts = {at: n for n, at in layout.columns.items() if n in COUNTS or n == "votes"}
    try:
        reader = read_cells(lines, layout.separator, quoted=b'"' in file.text)
        for row, cells in enumerate(reader, layout.first):
            number = file.line_of(row)
            if len(cells) != layout.width:
                fault = f"{len(cells)} fields where {layout.width} are wanted."
                return SourceError(file.name, fault, line=number, way_out=AS_PUBLISHED)
            for at, name in counts.items():
                cell = cells[at].strip()
                if fault := count_fault(cell.removesuffix(".0")):
                    return SourceError(
                        file.name, fault, line=number, column=name, way_out=AS_PUBLISHED
                    )
    except csv.Error as error:
        return SourceError(file.name, f"quotes do not match ({error}).", way_out=AS_PUBLISHED)
    return None


def _one_round(
    file: TextFile, layout: LongLayout, rows: pl.DataFrame, round_number: int | None
) -> Results:
    heads, rows = _heads(rows)
    sifted = without_totals(file.name, heads, _named(rows))
    heads, lines = place_stations(file.name, sifted.rows), sifted.votes
    _refuse_changing_counts(file.name, heads)
    votes = lines.with_columns(station_id=heads["station_id"].gather(lines["row"]))
    _refuse_twice(file.name, votes)
    stations = heads
    order = pl.int_range(pl.len(), dtype=pl.Int64).over("row") + 1
    line = order
    if "line" in rows.columns:
        line = pl.col("line").cast(pl.UInt32, strict=False).cast(pl.Int64).fill_null(order)
    nuance = pl.col("nuance_code") if "nuance_code" in rows.columns else pl.lit(None, pl.String)
    votes = votes.with_columns(
        line=line,
        party_list=pl.col("party_list") if "party_list" in rows.columns else _NOTHING,
        nuance_code=nuance.str.strip_chars(),
    )
    turnout, votes, told = checked_tables(file.name, stations, votes)
    if rows.height in EXPORTS:
        told.append(
            f"exactly {rows.height:,} rows: exports are often cut there; stations may be missing"
        )
    if turnout["flag"][-1] == VOTES_DO_NOT_ADD_UP and not file.text.endswith(b"\n"):
        raise SourceError(
            file.name,
            "the end is cut: the last station's candidates' votes are not its valid votes.",
            line=turnout["file_line"][-1],
            way_out="Download it again: the transfer was probably cut.",
        )
    return Results(
        file.name,
        file.sha256,
        layout.name,
        file.encoding,
        turnout,
        votes,
        kinds=_kinds(layout, votes),
        round_number=round_number,
        notes=(*sifted.notes, *told),
    )


_NOTHING: Final = pl.lit(None, pl.String)


def _heads(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row a station (and a set of counts), `row` numbering them; and the lines with theirs.

    The lines of a station need not stand together: they are brought beside its first.
    """
    keys = [
        c
        for c in ("department", "commune", "commune_name", "constituency", "number", *COUNTS)
        if c in rows.columns
    ]
    heads = rows.unique(keys, keep="first", maintain_order=True).select(*keys, "file_line")
    heads = heads.with_row_index("row")
    placed = rows.join(
        heads.drop("file_line"), on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return heads, placed.sort("row", maintain_order=True)


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """The lines with their candidate's name."""
    first = pl.col("first_name").fill_null("") if "first_name" in rows.columns else pl.lit("")
    named = (pl.col("surname").fill_null("") + " " + first).str.strip_chars()
    return rows.drop(*(c for c in COUNTS if c in rows.columns)).with_columns(
        candidate=pl.when(named != "").then(named)
    )


def _refuse_changing_counts(name: str, heads: pl.DataFrame) -> None:
    """A station's counts stand on each of its lines, the same."""
    wrong = heads.filter(~pl.col("station_id").is_first_distinct())
    if not wrong.is_empty():
        row = wrong.row(0, named=True)
        raise SourceError(
            name,
            f"the counts of station {row['station_id']} are not those of its first line.",
            line=row["file_line"],
            way_out=CORRECT,
        )


def _refuse_twice(name: str, rows: pl.DataFrame) -> None:
    keys = [c for c in ("station_id", "line", "surname", "first_name") if c in rows.columns]
    wrong = rows.filter(~pl.struct(keys).is_first_distinct())
    if not wrong.is_empty():
        row = wrong.row(0, named=True)
        raise SourceError(
            name,
            f"station {row['station_id']} stands twice in the file for one candidate.",
            line=row["file_line"],
            way_out=CORRECT,
        )


def _kinds(layout: LongLayout, votes: pl.DataFrame) -> tuple[str, ...]:
    """Kinds of election published so: by the columns, then by how many lists a station has."""
    if "constituency" in layout.columns:
        if "round" in layout.columns:
            return ("pres", "legi")
        return ("legi",) if "nuance_code" in layout.columns else ("pres",)
    if layout.width in (13, 14):
        most = votes.group_by("station_id").len()["len"].max()
        many = isinstance(most, int) and most >= MOST_LINES_OF_A_COMMUNE
        return ("euro",) if many else ("muni",)
    return KINDS
