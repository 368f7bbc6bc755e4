"""Station codes of outlines respelled as the results write them, where that is beyond doubt."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from targeting.sources.outlines.reading import examples

_Rule = Callable[[str, str], Iterator[str]]
"""Commune and number → the spellings it comes to."""


@dataclass(frozen=True)
class Respelling:
    """station_id as given → as the results have it; notes: each rule with its count."""

    ids: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def respell(ours: Iterable[str], theirs: Iterable[str]) -> Respelling:
    """Find the results' spelling of each station of the outlines that they do not have.

    A rule (zeros, capitals, separators, a commune written again) is applied to a code only where
    one station of the outlines and one of the results, in the same commune, come to the same
    spelling by it: two candidates are none. Codes that the results have stay as they are.

    Parameters
    ----------
    ours, theirs
        station_ids of the outlines, and of the results of the same communes.
    """
    outlines, results = set(ours), set(theirs)
    free = results - outlines
    ids: dict[str, str] = {}
    by_rule: dict[str, dict[str, str]] = defaultdict(dict)
    for rule, spell in _RULES:
        wanting = outlines - results - set(ids)
        keys, targets = _by_key(outlines, spell), _by_key(results, spell)
        for old in sorted(wanting):
            found: set[str] = set()
            for key in spell(*_parts(old)):
                shared = keys.get((_parts(old)[0], key), set())
                if shared <= {old}:
                    found |= targets.get((_parts(old)[0], key), set())
            if len(found) == 1 and found <= free:
                new = found.pop()
                ids[old] = new
                by_rule[rule][_parts(old)[1]] = _parts(new)[1]
                free.discard(new)
    notes = [
        f"{len(pairs)} codes as the results write them: {rule} ({examples(pairs)})"
        for rule, pairs in by_rule.items()
    ]
    return Respelling(ids, notes)


def _parts(station: str) -> tuple[str, str]:
    commune, _, number = station.partition("_")
    return commune, number


def _by_key(stations: set[str], spell: _Rule) -> dict[tuple[str, str], set[str]]:
    """(commune, spelling) → the stations that come to it."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for station in stations:
        commune, number = _parts(station)
        for key in spell(commune, number):
            found[(commune, key)].add(station)
    return found


def _plain_zeros(_commune: str, number: str) -> Iterator[str]:
    """`0069A`, `069a` and `69A` are one: no leading zeros, capitals."""
    yield number.upper().lstrip("0") or "0"


def _no_separators(commune: str, number: str) -> Iterator[str]:
    """`01-05` is `105` and `0105`; `19-5` also `1905`: parts of two digits each."""
    parts = re.split(r"[-._ /]", number)
    yield from _plain_zeros(commune, "".join(parts))
    if len(parts) == 2 and all(p.isdigit() for p in parts):
        yield from _plain_zeros(commune, f"{parts[0].zfill(2)}{parts[1].zfill(2)}")


def _no_commune(commune: str, number: str) -> Iterator[str]:
    """`13055-0101`, `130550101` and `055-0101` say the commune again."""
    yield from _no_separators(commune, number)
    for prefix in (commune, commune[2:]):
        rest = number.removeprefix(prefix).lstrip("-._ /")
        if rest and rest != number:
            yield from _no_separators(commune, rest)


_RULES: Final = (
    ("leading zeros and capitals", _plain_zeros),
    ("separators", _no_separators),
    ("the commune before the number dropped", _no_commune),
)
