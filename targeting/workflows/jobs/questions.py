"""A refusal that asks something, as a question with its choices: what the command line is told by
an option, a screen is told by a box.

Our refusals name the option (`--vintage`) and what was found; both are read here, from the English
sentence, whatever the kind of file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from targeting.codes import KINDS, held_on, parse_election_id
from targeting.sources.fetching.catalogue import publications

OPTIONS: Final = {  # kind: options of its command that a refusal may ask for → our parameters
    "results": {"election": "election_id", "recipe": "recipe"},
    "stations": {
        "commune-property": "commune_property", "code-property": "code_property",
        "commune": "commune_code", "vintage": "vintage", "layer": "layer", "crs": "crs",
    },
    "addresses": {"commune": "communes", "vintage": "vintage"},
    "streets": {"layer": "layer", "crs": "crs", "commune": "communes"},
    "doors": {},
}  # fmt: skip
LISTS: Final = ("communes",)
"""Parameters that take several values."""

OLDEST_YEAR: Final = 2007
MOST_CHOICES: Final = 60
_CAN_BE, _OTHERWISE = " it can be ", " was given, but "
_NAMED: Final = re.compile(r"--([a-z-]+[a-z])")
_QUOTED: Final = re.compile(r"“([^”]{1,60})”")
_LISTED: Final = re.compile(r"(?:properties|layers|polygons|outlines|it has)\b[^:]*:? ?([^.]+)\.")
_SYSTEM: Final = re.compile(r"EPSG:\d{4,5}")
_RECIPES: Final = re.compile(r"(?:several recipes fit|ours): ([^.]+)\.")
_ELECTION: Final = re.compile(rf"\d{{4}}_(?:{'|'.join(KINDS)})_t[12]")
_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b")


def question_of(kind: str, refusal: str, *, communes: list[str] | None = None) -> dict[str, Any]:
    """What a refusal asks: `option` and `choices` (none where it must be written); else empty.

    >>> question_of("results", "a.txt: it can be 2017_pres_t2 or 2022_pres_t2: same candidates. "
    ...     "Say which: --election 2017_pres_t2 or --election 2022_pres_t2.")["choices"]
    ['2017_pres_t2', '2022_pres_t2']
    """
    if "--accept-new-version" in refusal:
        return {"option": "accept-new-version", "choices": ["yes"]}
    asked = [o for o in _NAMED.findall(refusal) if o in OPTIONS.get(kind, {})]
    if not asked:
        return {}
    option = asked[0]
    return {"option": option, "choices": _CHOICES[option](refusal, communes or [])}


def _elections(refusal: str, _communes: list[str]) -> list[str]:
    """Those that the refusal names; all that are known, where it can be any."""
    _, several, reason = refusal.partition(_CAN_BE)
    _, otherwise, told = refusal.partition(_OTHERWISE)
    if (several or otherwise) and (named := sorted(set(_ELECTION.findall(reason or told)))):
        return named
    known = {e for p in publications().values() for e in p.elections}
    return sorted(known, key=lambda e: held_on(parse_election_id(e)), reverse=True)


def _years(refusal: str, _communes: list[str]) -> list[str]:
    _, fit, years = refusal.partition(" fit ")
    if fit and (named := sorted(set(_YEAR.findall(years)))):
        return named
    return [str(year) for year in range(date.today().year, OLDEST_YEAR - 1, -1)]


def _properties(refusal: str, _communes: list[str]) -> list[str]:
    """The properties named in quotes; else those of a list."""
    reason = refusal.partition(": ")[2]
    quoted = list(dict.fromkeys(_QUOTED.findall(reason)))
    return quoted if len(quoted) > 1 else _listed(refusal, []) or quoted


def _listed(refusal: str, _communes: list[str]) -> list[str]:
    found = _LISTED.search(refusal.partition(": ")[2])
    return [part.strip() for part in found[1].split(",")][:MOST_CHOICES] if found else []


def _systems(refusal: str, _communes: list[str]) -> list[str]:
    return list(dict.fromkeys(_SYSTEM.findall(refusal))) or ["EPSG:2154"]


def _recipes(refusal: str, _communes: list[str]) -> list[str]:
    found = _RECIPES.search(refusal)
    return re.split(r", | or ", found[1]) if found else []


def _own_communes(_refusal: str, communes: list[str]) -> list[str]:
    return communes


_CHOICES: Final[dict[str, Callable[[str, list[str]], list[str]]]] = {
    "election": _elections, "recipe": _recipes, "commune": _own_communes, "vintage": _years,
    "layer": _listed, "crs": _systems, "code-property": _properties,
    "commune-property": _properties,
}  # fmt: skip


def as_parameters(kind: str, answers: dict[str, str]) -> dict[str, Any]:
    """Answers as the import's own parameters; those of another kind are left aside."""
    known = OPTIONS.get(kind, {})
    named = {known[o]: text.strip() for o, text in answers.items() if o in known and text.strip()}
    return {name: [text] if name in LISTS else text for name, text in named.items()}
