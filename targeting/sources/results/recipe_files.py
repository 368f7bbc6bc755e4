"""City portals' own layouts, read through a recipe: a small file that says where things stand.

A recipe (TOML) is declared, not coded: ours are in `recipes_of_cities/`, a user's own is given by
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
  others = true with ignore), `groups` (columns repeated), `rows` (several
  lines are one station: one a candidate, each with the station's number and counts), `objects`
  (a list of objects), `pairs` (a list of one-key objects); for groups, rows and objects: candidate,
  first_name, party_list, nuance, value;
- [[corrections]] number, field, value, becomes, reason: a station number published wrongly.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from targeting.codes import COMMUNE_CODE, parse_election_id
from targeting.errors import SourceError, TargetingError
from targeting.sources.results.counts import ALWAYS_PUBLISHED, COUNTS, Origin

FOLDER: Final = Path(__file__).with_name("recipes_of_cities")
KEYS: Final = (
    "name", "format", "commune", "publisher", "licence", "credit", "election", "contest", "values",
    "of", "separator", "header", "path", "auto", "signature", "station", "counts", "lines",
    "corrections",
)  # fmt: skip
NEEDED: Final = ("name", "format", "commune", "publisher", "licence", "credit", "station", "lines")
HOWS: Final = ("fields", "groups", "rows", "objects", "pairs")


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


@cache
def our_recipes() -> tuple[Recipe, ...]:
    """The recipes that come with the package."""
    return tuple(load_recipe(p.stem) for p in sorted(FOLDER.glob("*.toml")))


def _check_recipe(name: str, terms: dict[str, Any]) -> None:
    if wrong := _recipe_fault(terms) or _pattern_fault(terms):
        raise SourceError(name, f"the recipe has {wrong}", way_out="See our recipes for examples.")


def _recipe_fault(terms: dict[str, Any]) -> str:
    """What a recipe lacks or says wrongly, if anything."""
    if missing := [k for k in NEEDED if k not in terms]:
        return f"no {', '.join(missing)}."
    if strange := sorted(set(terms) - set(KEYS)):
        return f"unknown keys {', '.join(strange)}."
    wrong = [k for k in terms if not isinstance(terms[k], TYPES.get(k, str))]
    if wrong:
        return f"{wrong[0]} that is not of its type."
    values, counts = terms.get("values", "votes"), terms.get("counts", {})
    faults = {
        "a format that is neither csv nor json.": terms["format"] not in ("csv", "json"),
        "a commune that is no INSEE code.": not re.fullmatch(COMMUNE_CODE, terms["commune"]),
        "a separator that is not one sign.": len(terms.get("separator", ",")) != 1,
        "values that are neither votes nor percent.": values not in ("votes", "percent"),
        "no counts of registered, votes_cast and valid_votes.": values == "votes"
        and not set(ALWAYS_PUBLISHED) <= set(counts),
        "counts of unknown names.": set(counts) - set(COUNTS) or not _texts(counts.values()),
    }
    fault = next((fault for fault, is_so in faults.items() if is_so), "")
    return fault or _station_fault(terms["station"]) or _lines_fault(terms["lines"], terms)


TYPES: Final = {
    "header": bool, "auto": bool, "signature": dict, "station": dict, "counts": dict,
    "lines": dict, "corrections": list,
}  # fmt: skip
"""Of keys that are no text."""

CORRECTION: Final = ("number", "field", "value", "becomes", "reason")


def _texts(values: Iterable[Any]) -> bool:
    return all(isinstance(v, str) for v in values)


def _station_fault(station: dict[str, Any]) -> str:
    if not (isinstance(station.get("field"), str) or station.get("key") is True):
        return "no station.field, nor station.key = true."
    if not _texts(station.get(k, "") for k in ("pattern", "keep")):
        return "a station.pattern or station.keep that is no text."
    return ""


def _lines_fault(lines: dict[str, Any], terms: dict[str, Any]) -> str:
    how, declared = lines.get("how"), lines.get("line", [])
    corrections = terms.get("corrections", [])
    names = ("candidate", "first_name", "party_list", "nuance", "value", "null", "as")
    signature = terms.get("signature", {})
    faults = {
        f"no lines.how, one of {', '.join(HOWS)}.": how not in HOWS,
        "no lines.value.": how in ("groups", "rows", "objects") and "value" not in lines,
        "lines that are no texts.": not _texts(lines.get(n, "") for n in names),
        "no [[lines.line]], nor lines.others = true.": how == "fields"
        and not (declared or lines.get("others") is True),
        "a [[lines.line]] without its field.": not isinstance(declared, list)
        or not all(isinstance(x, dict) and "field" in x and _texts(x.values()) for x in declared),
        "lines.ignore that is no list of texts.": not _list_of_texts(lines.get("ignore", [])),
        "a signature that is no list of texts.": not all(map(_list_of_texts, signature.values())),
        f"a correction without {', '.join(CORRECTION)}.": not all(
            isinstance(c, dict) and set(CORRECTION) <= set(c) and _texts(c.values())
            for c in corrections
        ),
    }
    return next((fault for fault, is_so in faults.items() if is_so), "")


def _list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and _texts(value)


def _pattern_fault(terms: dict[str, Any]) -> str:
    try:
        if "election" in terms:
            parse_election_id(terms["election"])
        if "contest" in terms:
            parse_election_id(f"{terms['contest']}_t1")
        re.compile(terms["station"].get("keep", ""))
        pattern = terms["station"].get("pattern")
        if pattern and not re.compile(pattern).groups:
            return "a station.pattern without a group for the number."
    except (TargetingError, re.error) as error:
        return str(error)
    return ""
