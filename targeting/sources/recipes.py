"""City portals' own layouts, read through a recipe: a small file that says where things stand.

A recipe (TOML) is declared, not coded: ours are in `recipes/`, a user's own is given by
`import results FILE --recipe my.toml`. Its keys, all texts unless said:

- name, format (`csv` or `json`), commune (INSEE code), publisher, licence, credit;
- election (`2014_muni_t1`) or contest (`2015_dpmt`), where the file can only be that one; else the
  lines tell it, or `--election`;
- values: `votes`, or `percent` (shares only: no count is made of them); of: `valid` or `cast`, what
  the percentages are of (then `lines.null` names the line that is no vote);
- separator, header (false: columns are `column_1`, `column_2`…), path (`a.b`: where the stations
  are in the JSON);
- auto (false: never recognised by itself, `--recipe NAME` is needed);
- [signature] all, any, none: names of columns, keys or lines that must, may, must not be there;
- [station] field (or `key = true`: the JSON's keys), pattern (its first group is the number), keep
  (numbers that are stations; the others are left out and told);
- [counts] registered, votes_cast, blank_votes, null_votes, valid_votes: their fields;
- [lines] how: `fields` (one field a line: [[lines.line]] field, candidate, party_list, nuance; or
  others = true with ignore), `groups` (columns repeated), `objects` (a list of objects), `pairs`
  (a list of one-key objects); for groups and objects: candidate, party_list, nuance, value;
- [[corrections]] number, field, value, becomes, reason: a station number published wrongly.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from targeting.codes import COMMUNE_CODE, parse_election_id, station_number
from targeting.errors import SourceError, TargetingError
from targeting.sources.counts import (
    ALWAYS_PUBLISHED,
    AS_PUBLISHED,
    COUNTS,
    LONGEST_COUNT,
    Origin,
    Results,
    checked_tables,
    place_stations,
    short,
)
from targeting.sources.files import TextFile, read_text

FOLDER: Final = Path(__file__).with_name("recipes")
MAX_DEPTH: Final = 64
"""Nesting of a JSON (TRUST SEC-07)."""

KEYS: Final = (
    "name", "format", "commune", "publisher", "licence", "credit", "election", "contest", "values",
    "of", "separator", "header", "path", "auto", "signature", "station", "counts", "lines",
    "corrections",
)  # fmt: skip
NEEDED: Final = ("name", "format", "commune", "publisher", "licence", "credit", "station", "lines")
HOWS: Final = ("fields", "groups", "objects", "pairs")
Pairs = list[tuple[str, Any]]


@dataclass(frozen=True)
class Recipe:
    """Where things stand in the files of one portal: see the module."""

    file: str
    terms: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.terms[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.terms.get(key, default)

    @property
    def percent(self) -> bool:
        return bool(self.get("values", "votes") == "percent")

    @property
    def origin(self) -> Origin:
        return Origin(self["publisher"], self["licence"], self["credit"])


@dataclass(frozen=True)
class Record:
    """One station of the file: its place (line of a CSV, rank in a JSON), key and fields."""

    place: int
    key: str
    fields: Pairs | list[Any]


# -- the recipe ------------------------------------------------------------------------------------


def load_recipe(name_or_path: str) -> Recipe:
    """One of our recipes by its name, or a user's file.

    Raises SourceError for a recipe that is not found, is no TOML, or lacks or has strange keys.
    """
    ours = FOLDER / f"{name_or_path}.toml"
    path = ours if ours.is_file() and "/" not in name_or_path else Path(name_or_path)
    try:
        terms = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(p.stem for p in sorted(FOLDER.glob("*.toml")))
        raise SourceError(
            name_or_path,
            "no such recipe.",
            way_out=f"Give a TOML file, or one of ours: {known}.",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise SourceError(
            path.name, f"the recipe is no TOML ({error}).", way_out="Correct it."
        ) from error
    _check_recipe(path.name, terms)
    return Recipe(path.name, terms)


def our_recipes() -> list[Recipe]:
    """The recipes that come with the package."""
    return [load_recipe(p.stem) for p in sorted(FOLDER.glob("*.toml"))]


def _check_recipe(name: str, terms: dict[str, Any]) -> None:
    if wrong := _recipe_fault(terms) or _pattern_fault(terms):
        raise SourceError(name, f"the recipe has {wrong}", way_out="See our recipes for examples.")


def _recipe_fault(terms: dict[str, Any]) -> str:
    """What a recipe lacks or says wrongly, if anything."""
    station, lines = terms.get("station"), terms.get("lines")
    values, counts = terms.get("values", "votes"), terms.get("counts", {})
    faults = {
        f"no {', '.join(k for k in NEEDED if k not in terms)}.": not set(NEEDED) <= set(terms),
        f"unknown keys {', '.join(sorted(set(terms) - set(KEYS)))}.": set(terms) - set(KEYS),
        "a format that is neither csv nor json.": terms.get("format") not in ("csv", "json"),
        "a commune that is no INSEE code.": not re.fullmatch(
            COMMUNE_CODE, str(terms.get("commune"))
        ),
        f"no lines.how, one of {', '.join(HOWS)}.": not isinstance(lines, dict)
        or lines.get("how") not in HOWS,
        "no station.field, nor station.key = true.": not isinstance(station, dict)
        or not station.keys() & {"field", "key"},
        "values that are neither votes nor percent.": values not in ("votes", "percent"),
        "no counts of registered, votes_cast and valid_votes.": values == "votes"
        and not (isinstance(counts, dict) and set(ALWAYS_PUBLISHED) <= set(counts)),
        "counts of unknown names.": not isinstance(counts, dict) or set(counts) - set(COUNTS),
    }
    return next((fault for fault, is_so in faults.items() if is_so), "")


def _pattern_fault(terms: dict[str, Any]) -> str:
    try:
        if "election" in terms:
            parse_election_id(str(terms["election"]))
        if "contest" in terms:
            parse_election_id(f"{terms['contest']}_t1")
        for pattern in ("pattern", "keep"):
            re.compile(str(terms["station"].get(pattern, "")))
    except (TargetingError, re.error) as error:
        return str(error)
    return ""


# -- recognising -----------------------------------------------------------------------------------


def find_recipe(file: TextFile, recipes: list[Recipe]) -> Recipe | None:
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
    for record in _records(file, recipe):
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
        row = len(stations)
        counts = _counts(file, recipe, record)
        given = list(_lines(file, recipe, record))
        if recipe.percent and not given:
            continue
        place = {"row": row, "file_line": record.place, "number": number}
        stations.append({**place, "commune": str(recipe["commune"]), **counts})
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
    if recipe.percent:
        return _share_results(file, recipe, stations, lines, notes)
    return _count_results(file, recipe, stations, lines, notes)


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
    rows = place_stations(file.name, pl.DataFrame(stations, schema=_STATION_SCHEMA))
    votes = pl.DataFrame(lines, schema={**_LINE_SCHEMA, "value": pl.Int64}).rename(
        {"value": "votes"}
    )
    votes = votes.join(rows.select("row", "station_id"), on="row", maintain_order="left")
    turnout, votes = checked_tables(file.name, rows, votes)
    return _results(file, recipe, turnout, votes, notes)


def _share_results(
    file: TextFile, recipe: Recipe, stations: list[Any], lines: list[Any], notes: list[str]
) -> Results:
    """Shares of valid votes, as published: no count is made of them."""
    rows = pl.DataFrame(stations, schema=_STATION_SCHEMA)
    zeros = rows.with_columns(pl.col("registered", "votes_cast", "valid_votes").fill_null(0))
    placed = place_stations(file.name, zeros.drop("blank_votes", "null_votes"))
    twice = placed.filter(pl.col("station_id").is_duplicated())
    if not twice.is_empty():
        raise SourceError(
            file.name, f"station {twice['station_id'][0]} stands twice in the file.",
            line=twice["file_line"][1], way_out=AS_PUBLISHED,
        )  # fmt: skip
    shares = pl.DataFrame(lines, schema={**_LINE_SCHEMA, "value": pl.Float64})
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
        text = found[1] if found else ""
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
    if not re.fullmatch(r"[+-]?[0-9]+", text) or len(text) > LONGEST_COUNT:
        raise SourceError(
            file.name, f"“{short(str(value), 40)}” is not a whole number.", line=record.place,
            column=short(name, 40), way_out=AS_PUBLISHED,
        )  # fmt: skip
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

    return {
        "candidate": text("candidate"), "party_list": text("party_list"),
        "nuance_code": text("nuance"), "field": lines["value"], "value": item[lines["value"]],
    }  # fmt: skip


def _groups(lines: dict[str, Any], record: Record) -> Iterator[dict[str, Any]]:
    """Groups of columns that come again: each begins where its first column does."""
    wanted = {lines[k] for k in ("candidate", "party_list", "nuance", "value") if k in lines}
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


def read_with_recipe(path: Path, name_or_path: str) -> Results:
    """Read one file by the recipe the user names."""
    return read_recipe_results(read_text(path), load_recipe(name_or_path))
