"""City portals' results read through a recipe (`recipe_files` says what one holds).

A file's own recipe is recognised by its signature, or named by the user. What a recipe reads is
checked as every other results file.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from targeting.codes import station_number
from targeting.errors import SourceError
from targeting.sources.files import TextFile
from targeting.sources.results.counts import (
    AS_PUBLISHED,
    CORRECT,
    COUNTS,
    Results,
    checked_tables,
    count_fault,
    place_stations,
    short,
)
from targeting.sources.results.recipe_files import Recipe
from targeting.sources.results.totals import TOTAL_WORD, without_totals

Pairs = list[tuple[str, Any]]


@dataclass(frozen=True)
class Record:
    """One station of the file: its place (line of a CSV, rank in a JSON), key and fields."""

    place: int
    key: str
    fields: Pairs | list[Any]


# -- recognising -----------------------------------------------------------------------------------


def find_recipe(file: TextFile, recipes: Sequence[Recipe]) -> Recipe | None:
    """The one recipe whose signature the file bears, or nothing.

    Raises SourceError when two fit.
    """
    fitting = []
    for recipe in recipes:
        if not recipe.get("auto", True):
            continue
        try:
            marks = _marks(list(_records(file, recipe)))
        except SourceError:
            continue
        signature = recipe.get("signature", {})
        every, some = set(signature.get("all", ())), set(signature.get("any", ()))
        wanted = (every or some) and every <= marks and (not some or some & marks)
        if wanted and not set(signature.get("none", ())) & marks:
            fitting.append(recipe)
    if len(fitting) > 1:
        names = " or ".join(Path(r.file).stem for r in fitting)
        raise SourceError(
            file.name, f"several recipes fit: {names}.", way_out="Say which with --recipe."
        )
    return fitting[0] if fitting else None


def _marks(records: list[Record]) -> set[str]:
    """Names of fields and of lines that a file bears."""
    marks: set[str] = set()
    for record in records:
        for field in record.fields:
            if isinstance(field, tuple):
                marks.add(field[0])
            elif isinstance(field, dict):
                marks |= {k for k in field if len(field) == 1}
                marks |= {v for v in field.values() if isinstance(v, str)}
    return marks


# -- reading ---------------------------------------------------------------------------------------


def read_recipe_results(file: TextFile, recipe: Recipe) -> Results:
    """Read one file by its recipe: counts, or shares alone where it gives percentages.

    Raises SourceError naming file, place, reason and way out.
    """
    stations: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    notes: list[str] = []
    skipped: list[str] = []
    by_rows, first_of = recipe["lines"]["how"] == "rows", dict[str, int]()
    for record in _records(file, recipe):
        by_rows = by_rows or _has_one_group(recipe, record)
        if _is_separator(recipe, record):
            notes.append(f"line {record.place}: a row without station left out")
            continue
        number = _number(file, recipe, record)
        for told in _corrections(recipe, record, number):
            number = station_number(told["becomes"])
            notes.append(f"{told['number']} read as {told['becomes']}: {told['reason']}")
        keep = recipe["station"].get("keep")
        if keep and not re.fullmatch(keep, number):
            skipped.append(number)
            continue
        counts = _counts(file, recipe, record)
        given = list(_lines(file, recipe, record))
        if recipe.percent and not given:
            continue
        row = first_of.setdefault(number, len(stations)) if by_rows else len(stations)
        if row == len(stations):
            place = {"row": row, "file_line": record.place, "number": number}
            stations.append({**place, "commune": str(recipe["commune"]), **counts})
        else:
            _refuse_other_counts(file, record, counts, stations[row])
        lines += [{"row": row, "line": at, **line} for at, line in enumerate(given, 1)]
    if skipped:
        notes.append(
            f"{len(skipped)} rows that are no station of {recipe['commune']} left out: "
            f"{', '.join(skipped[:5])}{' …' if len(skipped) > 5 else ''}"
        )
    if not stations:
        raise SourceError(
            file.name, f"not one station by the recipe {recipe.file}.", way_out="Check the recipe."
        )
    if by_rows:
        lines = _in_order(lines)
    if recipe.percent:
        return _share_results(file, recipe, stations, lines, notes)
    return _count_results(file, recipe, stations, lines, notes)


def _has_one_group(recipe: Recipe, record: Record) -> bool:
    """Whether a CSV said to have groups of columns has one: a line a candidate, as in `rows`."""
    lines = recipe["lines"]
    if recipe["format"] != "csv" or lines["how"] != "groups":
        return False
    return [f[0] for f in record.fields if isinstance(f, tuple)].count(lines["value"]) == 1


def _refuse_other_counts(
    file: TextFile, record: Record, counts: dict[str, int | None], station: dict[str, Any]
) -> None:
    """A station's counts stand on each of its rows, the same."""
    wrong = next((c for c in COUNTS if counts[c] != station[c]), None)
    if wrong is not None:
        raise SourceError(
            file.name,
            f"the counts of station {short(station['number'], 40)} are not those of line "
            f"{station['file_line']}.",
            line=record.place, column=wrong, way_out=CORRECT,
        )  # fmt: skip


def _in_order(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of stations whose rows need not stand together, each station's numbered from 1."""
    lines = sorted(lines, key=lambda line: line["row"])
    count = Counter[int]()
    for line in lines:
        count[line["row"]] += 1
        line["line"] = count[line["row"]]
    return lines


_STATION_SCHEMA: Final = {
    "row": pl.UInt32, "file_line": pl.UInt32, "number": pl.String, "commune": pl.String,
    **dict.fromkeys(COUNTS, pl.Int64),
}  # fmt: skip
_LINE_SCHEMA: Final = {
    "row": pl.UInt32, "line": pl.Int64, "candidate": pl.String, "party_list": pl.String,
    "nuance_code": pl.String,
}  # fmt: skip


def _count_results(
    file: TextFile, recipe: Recipe, stations: list[Any], lines: list[Any], notes: list[str]
) -> Results:
    votes = pl.DataFrame(lines, schema={**_LINE_SCHEMA, "value": pl.Int64}).rename(
        {"value": "votes"}
    )
    given = pl.DataFrame(stations, schema=_STATION_SCHEMA)
    sifted = without_totals(file.name, given, votes.sort("row", maintain_order=True))
    rows, votes = place_stations(file.name, sifted.rows), sifted.votes
    votes = votes.join(rows.select("row", "station_id"), on="row", maintain_order="left")
    twice = rows.filter(~pl.col("station_id").is_first_distinct())
    if not twice.is_empty() and recipe["format"] == "csv" and recipe["lines"]["how"] != "rows":
        raise SourceError(
            file.name, f"station {twice['station_id'][0]} stands twice in the file.",
            line=twice["file_line"][0],
            way_out='Correct the line; if each candidate has its line, say how = "rows" in the '
            "recipe's [lines].",
        )  # fmt: skip
    turnout, votes, told = checked_tables(file.name, rows, votes)
    return _results(file, recipe, turnout, votes, [*notes, *sifted.notes, *told])


def _share_results(
    file: TextFile, recipe: Recipe, stations: list[Any], lines: list[Any], notes: list[str]
) -> Results:
    """Shares of valid votes, as published: no count is made of them."""
    shares = pl.DataFrame(lines, schema={**_LINE_SCHEMA, "value": pl.Float64})
    given = pl.DataFrame(stations, schema=_STATION_SCHEMA)
    sifted = without_totals(file.name, given, shares.with_columns(votes=pl.lit(0)))
    rows, shares = sifted.rows, sifted.votes.drop("votes")
    notes += sifted.notes
    zeros = rows.with_columns(pl.col("registered", "votes_cast", "valid_votes").fill_null(0))
    placed = place_stations(file.name, zeros.drop("blank_votes", "null_votes"))
    twice = placed.filter(pl.col("station_id").is_duplicated())
    if not twice.is_empty():
        raise SourceError(
            file.name, f"station {twice['station_id'][0]} stands twice in the file.",
            line=twice["file_line"][1], way_out=AS_PUBLISHED,
        )  # fmt: skip
    given = rows.select("row", "registered", "votes_cast", "valid_votes").with_columns(
        placed["station_id"], placed["department"], placed["commune_code"]
    )
    shares = shares.join(given, on="row", maintain_order="left").select(
        "station_id", "line", "candidate", "party_list", "nuance_code",
        "registered", "votes_cast", "valid_votes", "department", "commune_code",
        share=pl.col("value"),
    )  # fmt: skip
    notes.append("percentages only: shares are kept, no counts are made of them")
    empty = pl.DataFrame(schema={"station_id": pl.String, "flag": pl.String})
    results = _results(file, recipe, empty, empty, notes)
    return Results(**{**vars(results), "shares": shares})


def _results(
    file: TextFile, recipe: Recipe, turnout: pl.DataFrame, votes: pl.DataFrame, notes: list[str]
) -> Results:
    election = recipe.get("election")
    return Results(
        file.name, file.sha256, f"recipe {Path(recipe.file).stem}", file.encoding, turnout, votes,
        contest=recipe.get("contest"), election_id=election,
        round_number=int(election[-1]) if election else None,
        notes=tuple(notes), origin=recipe.origin,
    )  # fmt: skip


def _records(file: TextFile, recipe: Recipe) -> Iterator[Record]:
    return _csv_records(file, recipe) if recipe["format"] == "csv" else _json_records(file, recipe)


def _csv_records(file: TextFile, recipe: Recipe) -> Iterator[Record]:
    """Rows that are not blank, as (header, cell) pairs: headers may come several times."""
    separator = str(recipe.get("separator", ","))
    reader = csv.reader(io.StringIO(file.text.decode("utf-8", "replace")), delimiter=separator)
    headers: list[str] = []
    try:
        for cells in reader:
            if not headers:
                named = recipe.get("header", True)
                headers = cells if named else [f"column_{n}" for n in range(1, len(cells) + 1)]
                headers = [h.strip() for h in headers]
                if named:
                    continue
            if not any(c.strip() for c in cells):
                continue
            if len(cells) != len(headers):
                raise SourceError(
                    file.name, f"{len(cells)} fields where {len(headers)} are wanted.",
                    line=reader.line_num, way_out=AS_PUBLISHED,
                )  # fmt: skip
            yield Record(reader.line_num, "", list(zip(headers, cells, strict=True)))
    except csv.Error as error:
        raise SourceError(
            file.name, f"quotes do not match ({error}).", way_out=AS_PUBLISHED
        ) from error


_WRAPPER: Final = re.compile(r"\s*(?:var|let|const)?\s*\w+\s*=\s*")


def _json_records(file: TextFile, recipe: Recipe) -> Iterator[Record]:
    """Stations of a JSON, or of a script that is `var results = …;`."""
    found: Any = parse_json(file)
    for step in str(recipe.get("path", "")).split("."):
        if step:
            found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, dict):
        items: list[tuple[str, Any]] = list(found.items())
    elif isinstance(found, list):
        items = [("", item) for item in found]
    else:
        raise SourceError(
            file.name, "no stations where the recipe looks for them.", way_out="Check its path."
        )
    for place, (key, item) in enumerate(items, 1):
        if isinstance(item, dict):
            yield Record(place, key, list(_flat(item)))
        elif isinstance(item, list):
            yield Record(place, key, item)


def _flat(item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields of an object, those of objects inside it under `outer.inner`."""
    for key, value in item.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{k}", v) for k, v in value.items() if not isinstance(v, dict))
        else:
            yield key, value


def parse_json(file: TextFile) -> Any:
    """A JSON, bare or given to a variable. Raises SourceError for what is none, or too deep."""
    text = file.text.decode("utf-8", "replace")
    if wrapper := _WRAPPER.match(text):
        text = text[wrapper.end() :].rstrip().rstrip(";")
    _refuse_depth(file, text)
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise SourceError(
            file.name, f"it is no JSON ({error.msg}).", line=error.lineno,
            way_out="Download it again: the transfer was probably cut.",
        ) from error  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise SourceError(file.name, "its JSON is not plain data.", way_out=AS_PUBLISHED) from error
    return found


_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
MAX_DEPTH: Final = 64
"""Nesting of a JSON (TRUST SEC-07); a map of polygons has nine."""


def _refuse_depth(file: TextFile, text: str) -> None:
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise SourceError(
                file.name, f"its JSON is nested more than {MAX_DEPTH} deep.", way_out=AS_PUBLISHED
            )


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


# -- one station -----------------------------------------------------------------------------------


def _is_separator(recipe: Recipe, record: Record) -> bool:
    """A row that portals put between two parts of a table: no number, no count, no votes."""
    if recipe["station"].get("key") or recipe["format"] == "json":
        return False
    fields = [recipe["station"]["field"], *recipe.get("counts", {}).values()]
    return not any(str(_field(record, f) or "").strip() for f in fields) and not any(
        True for _ in _raw_lines(recipe, record)
    )


def _corrections(recipe: Recipe, record: Record, number: str) -> list[dict[str, str]]:
    """Declared corrections that are for this row."""
    return [
        told
        for told in recipe.get("corrections", ())
        if station_number(told["number"]) == number
        and _field(record, told["field"]) == told["value"]
    ]


def _number(file: TextFile, recipe: Recipe, record: Record) -> str:
    """The station's number."""
    station = recipe["station"]
    raw = record.key if station.get("key") else _field(record, station["field"])
    text = str(raw).strip() if raw is not None else ""
    if pattern := station.get("pattern"):
        found = re.search(pattern, text)
        total = text if re.search(TOTAL_WORD, text) else ""
        text = found[1] if found and not total else total
    if not text:
        raise SourceError(
            file.name, f"no station number in “{short(str(raw), 40)}”.", line=record.place,
            way_out="Check station.pattern of the recipe.",
        )  # fmt: skip
    return station_number(text)


def _field(record: Record, name: str) -> Any:
    return next((f[1] for f in record.fields if isinstance(f, tuple) and f[0] == name), None)


def _counts(file: TextFile, recipe: Recipe, record: Record) -> dict[str, int | None]:
    counts: dict[str, int | None] = dict.fromkeys(COUNTS)
    for ours, theirs in recipe.get("counts", {}).items():
        value = _field(record, theirs)
        counts[ours] = None if value in (None, "") else _whole(file, record, theirs, value)
    return counts


def _whole(file: TextFile, record: Record, name: str, value: Any) -> int:
    text = str(value).strip().replace("\u202f", "").replace("\xa0", "").removesuffix(".0")
    if fault := count_fault(text):
        raise SourceError(
            file.name, fault, line=record.place, column=short(name, 40), way_out=AS_PUBLISHED
        )
    return int(text)


def _lines(file: TextFile, recipe: Recipe, record: Record) -> Iterator[dict[str, Any]]:
    """The station's lines: candidate, party_list, nuance_code, value (votes, or a share)."""
    raw = list(_raw_lines(recipe, record))
    if not recipe.percent:
        for line in raw:
            yield {**line, "value": _whole(file, record, line["field"], line["value"])}
        return
    shares = [_share(file, record, line["value"]) for line in raw]
    null = recipe["lines"].get("null")
    lost = sum(s for line, s in zip(raw, shares, strict=True) if line["field"] == null)
    base = 1 - lost if recipe.get("of", "valid") == "cast" else 1.0
    for line, share in zip(raw, shares, strict=True):
        if line["field"] != null:
            if share > base + _ROUNDING or base <= 0:
                raise SourceError(
                    file.name, f"a share of {100 * share:g} % is too large.", line=record.place,
                    way_out=AS_PUBLISHED,
                )  # fmt: skip
            yield {**line, "value": min(share / base, 1.0)}


_ROUNDING: Final = 0.005


def _share(file: TextFile, record: Record, value: Any) -> float:
    text = str(value).strip().removesuffix("%").strip().replace(",", ".")
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", text) or float(text) > 100 * (1 + _ROUNDING):
        raise SourceError(
            file.name, f"“{short(str(value), 40)}” is no percentage.", line=record.place,
            way_out=AS_PUBLISHED,
        )  # fmt: skip
    return float(text) / 100


def _raw_lines(recipe: Recipe, record: Record) -> Iterator[dict[str, Any]]:
    lines = recipe["lines"]
    objects = [item for item in record.fields if isinstance(item, dict)]
    if lines["how"] == "groups":
        yield from _groups(lines, record)
    elif lines["how"] == "rows":
        fields = {f[0]: f[1] for f in reversed(record.fields) if isinstance(f, tuple)}
        if str(fields.get(lines["value"], "")).strip():
            yield _line(lines, fields)
    elif lines["how"] == "objects":
        yield from (_line(lines, o) for o in objects if o.get(lines["value"]) is not None)
    elif lines["how"] == "pairs":
        yield from (_named(recipe, k, v) for o in objects for k, v in o.items())
    else:
        for field in _line_fields(recipe, record):
            value = _field(record, field)
            if value not in (None, ""):
                yield _named(recipe, field, value)


def _line_fields(recipe: Recipe, record: Record) -> list[str]:
    """Fields that are lines: those declared, or all that nothing else claims."""
    lines = recipe["lines"]
    if not lines.get("others"):
        return [line["field"] for line in lines["line"]]
    claimed = {*lines.get("ignore", ()), *recipe.get("counts", {}).values()}
    claimed.add(recipe["station"].get("field"))
    names = [f[0] for f in record.fields if isinstance(f, tuple)]
    return [name for name in names if name not in claimed]


def _named(recipe: Recipe, field: str, value: Any) -> dict[str, Any]:
    """A line by its field, with the names that the recipe gives it."""
    declared = {line["field"]: line for line in recipe["lines"].get("line", ())}
    line = declared.get(field, {} if declared else {recipe["lines"].get("as", "candidate"): field})
    return {
        "candidate": line.get("candidate"), "party_list": line.get("party_list"),
        "nuance_code": line.get("nuance"), "field": field, "value": value,
    }  # fmt: skip


def _line(lines: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    def text(key: str) -> str | None:
        value = item.get(lines[key]) if key in lines else None
        return None if value in (None, "") else str(value).strip()

    named = " ".join(t for t in (text("candidate"), text("first_name")) if t)
    return {
        "candidate": named or None, "party_list": text("party_list"),
        "nuance_code": text("nuance"), "field": lines["value"], "value": item[lines["value"]],
    }  # fmt: skip


_GROUP: Final = ("candidate", "first_name", "party_list", "nuance", "value")


def _groups(lines: dict[str, Any], record: Record) -> Iterator[dict[str, Any]]:
    """Groups of columns that come again: each begins where its first column does."""
    wanted = {lines[k] for k in _GROUP if k in lines}
    group: dict[str, Any] = {}
    groups = []
    for header, cell in (f for f in record.fields if isinstance(f, tuple)):
        if header in wanted:
            if header in group:
                groups.append(group)
                group = {}
            group[header] = cell
    for one in [*groups, group]:
        if one.get(lines["value"], "") != "":
            yield _line(lines, one)
