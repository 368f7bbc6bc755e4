"""Words of the screens and of printed lists, in French (the default) and in English.

Texts live in `fr.po` and `en.po`: the msgid is a key such as `map.title`, the msgstr a text for
`str.format`. A key that a language lacks is said in French; one that French lacks too is a
KeyError: a test holds that no key of the code is missing.

>>> text_in("en", "outcome.talked")
'talked'
>>> number_in("en", 12345), percent_in("en", 0.7644), ordinal_in("fr", 1)
('12,345', '76.4%', '1er')
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from targeting.codes import FRANCE, parse_election_id

LANGUAGES: Final = ("fr", "en")
DEFAULT: Final = "fr"
ONE_ROUND: Final = ("euro", "refe")
"""Elections of a single round: it is not named."""

NO_VALUE: Final = "—"


@cache
def texts(language: str) -> dict[str, str]:
    """Every text of a language by its key, read once."""
    with open(Path(__file__).with_name(f"{language}.po"), "rb") as file:
        messages = read_po(file, locale=language)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string}


def known_language(language: str | None) -> str:
    """The language asked for, else French."""
    return language if language in LANGUAGES else DEFAULT


def text_in(language: str, key: str, **values: object) -> str:
    """The text of `key`, its blanks filled with `values`.

    Raises KeyError for a key that no language has, or a blank without value.
    """
    found = texts(known_language(language)).get(key) or texts(DEFAULT)[key]
    return found.format(**values)


def count_in(language: str, key: str, count: int, **values: object) -> str:
    """`key.one` or `key.many`, its `{count}` filled with the number: French counts 0 as one."""
    is_one = count == 1 or (count == 0 and known_language(language) == "fr")
    form = f"{key}.one" if is_one else f"{key}.many"
    return text_in(language, form, count=number_in(language, count), **values)


def _is_missing(value: object) -> bool:
    """Whether it is one of pandas' missing values: pandas is asked only where it may be."""
    if isinstance(value, int | str):
        return False
    import pandas as pd

    return bool(pd.isna(value))


def number_in(language: str, value: float | None, *, decimals: int = 0) -> str:
    """A number as the language writes it: `12 345` in French; a dash when missing."""
    if value is None or _is_missing(value):
        return NO_VALUE
    return _number(known_language(language), _rounded(value, decimals), decimals)


def percent_in(language: str, rate: float | None, *, decimals: int = 1) -> str:
    """A rate from 0 to 1 as a percentage: `76,4 %` in French; a dash when missing."""
    if rate is None or _is_missing(rate):
        return NO_VALUE
    return _percent(known_language(language), _rounded(rate, decimals + 2), decimals)


def _rounded(value: float, decimals: int) -> Decimal:
    """The value that is written, and no other: what was written once is then found again."""
    exact = Decimal(str(value))
    if not exact.is_finite() or exact.adjusted() > 20:
        return exact
    rounded = exact.quantize(Decimal(1).scaleb(-decimals))
    return rounded or abs(rounded)  # no minus before a zero


@lru_cache(maxsize=20_000)
def _number(language: str, value: Decimal, decimals: int) -> str:
    places = "." + "0" * decimals if decimals else ""
    return str(format_decimal(value, format=f"#,##0{places}", locale=language))


@lru_cache(maxsize=20_000)
def _percent(language: str, rate: Decimal, decimals: int) -> str:
    form = "#,##0" + ("." + "0" * decimals if decimals else "")
    form += "\u00a0%" if language == "fr" else "%"
    return str(format_percent(rate, format=form, locale=language))


def date_in(language: str, day: date | None) -> str:
    """A date in words: `3 mars 2026`; a dash when missing."""
    if day is None or _is_missing(day):
        return NO_VALUE
    return str(format_date(day, format="long", locale=known_language(language)))


def day_in(language: str, day: date) -> str:
    """A date in figures, for narrow places: `03/03/2026`."""
    return str(format_date(day, format="dd/MM/yyyy", locale=known_language(language)))


def moment_in(language: str, at: datetime) -> str:
    """A moment in figures, in French time: `03/03/2026 18:40`."""
    form, where = "dd/MM/yyyy HH:mm", known_language(language)
    return str(format_datetime(at, form, tzinfo=FRANCE, locale=where))


def ordinal_in(language: str, number: int) -> str:
    """A place in a ranking: `1er`, `2e`, `1st`, `22nd`."""
    if known_language(language) == "fr":
        return "1er" if number == 1 else f"{number_in('fr', number)}e"
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number_in('en', number)}{ending or 'th'}"


def election_in(language: str, election_id: str) -> str:
    """An election in words: `présidentielle 2022, 1er tour`."""
    election = parse_election_id(election_id)
    kind = text_in(language, f"election.{election.kind}")
    if election.kind in ONE_ROUND:
        return text_in(language, "election.single", kind=kind, year=election.year)
    which = text_in(language, f"round.{election.round_number}")
    return text_in(language, "election.name", kind=kind, year=election.year, round=which)


def reason_in(language: str, code: str) -> str:
    """What to know before trusting a score, in words, from its code (`roll_moved:ELECTION`)."""
    name, _, election_id = code.partition(":")
    blanks = {"election": election_in(language, election_id)} if election_id else {}
    return text_in(language, f"reason.{name}", **blanks)
