"""The words of a typed grid: those printed on the books, in French and English, and dates as
they are written by hand: day first, the hour if it was noted."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, NamedTuple

from targeting.codes import FRANCE
from targeting.locale import text_in
from targeting.outcomes import OUTCOMES_TABLE
from targeting.sources.grids import folded

COLUMNS: Final = {
    "building_id": ("building_id", "building", "bâtiment", "immeuble", "id bâtiment",
                    "code bâtiment", "id immeuble", "code immeuble", "id BAN"),
    "turf_id": ("turf_id", "turf", "secteur", "code secteur", "n° secteur"),
    "visit_order": ("visit_order", "order", "ordre", "n° d'ordre", "numéro d'ordre", "stop",
                    "arrêt", "n°", "no", "numéro", "order number"),
    "door": ("door", "porte", "n° porte", "n° de porte", "numéro de porte", "door number"),
    "outcome": ("outcome", "résultat", "result", "réponse", "issue", "passage résultat"),
    "visited_at": ("visited_at", "date", "date et heure", "date heure", "date time", "datetime",
                   "visited on", "passage", "date de passage", "date du passage", "visite",
                   "date de visite", "date and time", "jour", "day", "moment"),
    "time": ("time", "heure", "hour", "heure de passage"),
    "version": ("version", "édition", "edition"),
    "visit_id": ("visit_id", "id visite", "id de visite", "id"),
}  # fmt: skip
"""Our columns, and how a grid may head them."""

MONTHS: Final = {
    folded(name): number
    for names in (
        ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
         "octobre", "novembre", "décembre"),
        ("january", "february", "march", "april", "may", "june", "july", "august", "september",
         "october", "november", "december"),
    )
    for number, name in enumerate(names, 1)
}  # fmt: skip

_HOUR: Final = re.compile(
    r"(\d{1,2}) ?(?:(?:h|:|heures?) ?"
    r"(?:(\d{2})(?:(?: ?(?:m|min|:) ?)(\d{2})?(?:[.,]\d+)?(?: ?s)?)?)?)?"
    r" ?([ap]\.?m\.?)? ?(Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_DAY: Final = (
    (re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"), False),
    (
        re.compile(r"(?P<d>\d{1,2}) ?[/.\-] ?(?P<m>\d{1,2}) ?[/.\-] ?(?P<y>\d{4}|\d{2})(?!\d)"),
        False,
    ),
    (re.compile(r"(?P<d>\d{1,2})(?:er|st|nd|rd|th)? (?P<m>[^\W\d_]+)\.? (?P<y>\d{4})(?!\d)"), True),
)
_WEEKDAY: Final = re.compile(r"[^\W\d_]{3,9}\.?,? (?=\d)")
_SERIAL: Final = re.compile(r"\d{5}(?:[.,]\d+)?")
EXCEL_DAY_0: Final = datetime(1899, 12, 30)
"""Day 0 of Excel's dates (its own 29 February 1900 counted in)."""

SERIALS: Final = (36_526, 73_415)
"""From 2000 to 2100: another number is no date."""

NOON: Final = time(12)
MIDNIGHT: Final = time(0)


class When(NamedTuple):
    """When a knock was: `at` is None where the hour was not noted; `day` in French time."""

    day: date
    at: datetime | None


@cache
def header_names() -> dict[str, str]:
    """Folded header → our column."""
    return {folded(word): column for column, words in COLUMNS.items() for word in words}


@cache
def outcome_words() -> dict[str, str]:
    """Folded word → outcome: our codes, and the words printed on books in both languages."""
    found: dict[str, str] = {}
    for outcome in OUTCOMES_TABLE:
        printed = [text_in(language, outcome.label) for language in ("fr", "en")]
        for word in (outcome.code, *printed, *outcome.words):
            if found.setdefault(folded(word), outcome.code) != outcome.code:
                raise ValueError(f"“{word}” is said of two outcomes.")
    return found


def known_words() -> str:
    """The words that can be used, as an error tells them."""
    return ", ".join(
        f"{text_in('fr', o.label).replace(', ', ' / ')} ({o.code})" for o in OUTCOMES_TABLE
    )


def outcome_of(text: str) -> str | None:
    """The outcome that a cell says, or None."""
    return outcome_words().get(folded(text))


def whole_number(text: str) -> int | None:
    """A door or an order number: `3`, `3.0` and `3,0` as Excel may write it, `porte 3`, `n° 3`."""
    found = re.fullmatch(
        r"(?:(?:porte|door) ?)?(?:n[°ºo]?\.? ?)?(\d{1,5})(?:[.,]0+)?", text, re.IGNORECASE
    )
    return int(found[1]) if found else None


def when(text: str, hour: str = "") -> When | None:
    """Day and hour of a knock, day first; None for what is no date, or no hour.

    Midnight is how a spreadsheet writes a day without an hour: nobody knocks then.

    >>> when("10/03/26 18h30"), when("10 mars 2026").at is None
    (When(day=datetime.date(2026, 3, 10), at=datetime.datetime(2026, 3, 10, 17, 30, \
tzinfo=datetime.timezone.utc)), True)
    """
    try:
        return _when(text, hour)
    except (ValueError, OverflowError, KeyError):
        return None


def _when(text: str, hour: str) -> When | None:
    if _SERIAL.fullmatch(text):
        return _of_serial(float(text.replace(",", ".")), hour)
    text = _WEEKDAY.sub("", text, count=1) if _WEEKDAY.match(text) else text
    found, is_named = next(
        ((m, is_named) for pattern, is_named in _DAY if (m := pattern.match(text))), (None, False)
    )
    if found is None:
        return None
    month = MONTHS[folded(found["m"])] if is_named else int(found["m"])
    year = int(found["y"]) + (2000 if len(found["y"]) == 2 else 0)
    rest = re.sub(r"^(?:[T,]| ?à(?= )| ?at(?= )| ?a(?= ))? ?", "", text[found.end() :])
    if rest and hour and not re.fullmatch(r"00?[:h]00(?::00)?", rest):
        return None
    return _hour_of(date(year, month, int(found["d"])), hour or rest)


def _of_serial(days: float, hour: str) -> When | None:
    """A day as a spreadsheet counts it, its hour the part after the comma."""
    if not SERIALS[0] <= days < SERIALS[1]:
        return None
    moment = EXCEL_DAY_0 + timedelta(seconds=round(days * 86_400))
    if not hour:
        return _local(moment.date(), moment.time())
    return _hour_of(moment.date(), hour) if moment.time() == MIDNIGHT else None


def _hour_of(day: date, text: str) -> When | None:
    if not text:
        return When(day, None)
    if re.fullmatch(r"0?[.,]\d+", text):  # an hour as Excel counts it: a part of a day
        seconds = round(float(text.replace(",", ".")) * 86_400)
        return _local(day, (datetime.min + timedelta(seconds=seconds)).time())
    text = re.sub(r"^(?:1899-12-3[01]|1900-01-0[01])[ T]", "", text)
    found = _HOUR.fullmatch(text)
    if not found or (found[2] is None and not re.search(r"h|[ap]\.?m", text, re.IGNORECASE)):
        return None
    hours, half = int(found[1]), (found[4] or "").lower()[:1]
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "p" else 0)
    own = time(hours, int(found[2] or 0), int(found[3] or 0))
    if found[5]:
        zone = "+00:00" if found[5].upper() == "Z" else found[5]
        moment = datetime.fromisoformat(f"{day.isoformat()}T{own.isoformat()}{zone}")
        at = moment.astimezone(UTC)
        return When(at.astimezone(FRANCE).date(), at)
    return _local(day, own)


def _local(day: date, own: time) -> When:
    if own == MIDNIGHT:
        return When(day, None)
    return When(day, datetime.combine(day, own, FRANCE).astimezone(UTC))
