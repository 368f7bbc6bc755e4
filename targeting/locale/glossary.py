"""The field's words, each told once: on hover over a figure or a column, and in the menu."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from targeting.locale import text_in

TERMS: Final = (
    "registered", "turnout", "abstention", "left", "target", "bloc", "station", "priority", "rank",
    "reservoir", "reachable", "tide", "interval", "uncertain", "coverage", "quarter", "turf",
    "door", "household", "met",
)  # fmt: skip
"""In the order of the menu; `glossary.TERM` says what it means, `glossary.name.TERM` its word."""

TERM_OF: Final = {
    "rank": "rank", "station": "station", "stations": "station", "priority": "priority",
    "reservoir_left": "reservoir", "abstention": "abstention", "left": "left", "target": "target",
    "contacted": "met", "low": "interval", "high": "interval", "registered": "registered",
    "turf": "turf", "doors": "door",
}  # fmt: skip
"""Column of a screen's table → the word that its heading rests on."""


def meaning(language: str, term: str) -> str:
    """What a word means. Raises KeyError for one that is not of the glossary."""
    if term not in TERMS:
        raise KeyError(term)
    return text_in(language, f"glossary.{term}")


def glossary(language: str) -> list[tuple[str, str]]:
    """Every word with what it means, in the order of the menu."""
    return [(text_in(language, f"glossary.name.{t}"), meaning(language, t)) for t in TERMS]


def column_helps(language: str, columns: Iterable[str], *, table: str) -> dict[str, str]:
    """Heading → what its word means, of the columns of a table that rest on one."""
    return {
        text_in(language, f"{table}.{column}"): meaning(language, TERM_OF[column])
        for column in columns
        if column in TERM_OF
    }
