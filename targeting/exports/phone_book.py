"""Walk books on phones: one HTML file a turf, encrypted, that works without any network.

The same doors, order and ids as on paper. The page holds its program and a sealed block: without
the phrase it tells no address, no turf, no campaign. Its security policy lets nothing in or out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from targeting.exports.aside import write_aside
from targeting.exports.book_words import (
    about_stop,
    door_memory,
    door_name,
    facts_line,
    floor_name,
    legal_stop,
)
from targeting.exports.lines import one_line
from targeting.exports.map_shapes import HEIGHT, WIDTH
from targeting.exports.pages import TEMPLATES
from targeting.exports.walk_map import draw_map
from targeting.field.books import Door, Stop, WalkBook
from targeting.field.phone_return import CORRECTIONS
from targeting.field.sealing import ID_BYTES, PhraseKey, book_key, make_header, seal
from targeting.locale import date_in, text_in, texts
from targeting.outcomes import OUTCOMES, ROLES, THEMES, outcome_label, theme_label

FOLDER: Final = Path(__file__).with_name("templates")
SCRIPTS: Final = ("seal", "qr", "model", "map", "keep", "book", "views")
"""Parts of the page's program, in order."""

LOCK_WORDS: Final = (
    "title", "phrase", "open", "opening", "wrong", "damaged", "no_crypto", "no_script",
)  # fmt: skip
"""All that is said before the phrase: nothing of a campaign."""

LONGEST: Final = 90

DAYS_OPEN: Final = 21
"""How long a book takes results: it lies on a phone that may be lost."""


def write_phone_books(
    folder: Path,
    books: Sequence[WalkBook],
    *,
    secret: bytes,
    phrase: PhraseKey,
    today: date,
    language: str = "fr",
    book_ids: Sequence[bytes] | None = None,
) -> list[Path]:
    """Write `S0001.html`… to the folder, each locked by the same phrase; gives their paths.

    `secret`: the campaign's, from which each book's key is made; `book_ids`: of the books, drawn
    by chance where none are given. Only the owner of a file reads it, until it is handed on.
    """
    ids = [os.urandom(ID_BYTES) for _ in books] if book_ids is None else book_ids
    written = []
    for book, book_id in zip(books, ids, strict=True):
        path = folder / f"{book.turf_id}.html"
        page = phone_page(
            book, secret=secret, phrase=phrase, today=today, language=language, book_id=book_id
        )
        write_aside(path, lambda to, page=page: _write_private(to, page))  # type: ignore[misc]
        written.append(path)
    return written


def _write_private(path: Path, page: str) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(page)


def phone_page(
    book: WalkBook,
    *,
    secret: bytes,
    phrase: PhraseKey,
    today: date,
    language: str = "fr",
    book_id: bytes | None = None,
) -> str:
    """The page of one book, under a book id of its own: written twice, it is two books."""
    book_id = book_id or os.urandom(ID_BYTES)
    key = book_key(secret, book_id)
    content = json.dumps(book_content(book, today, language), ensure_ascii=False).encode()
    sealed = seal(make_header(phrase, book_id, key), key, "book", content)
    return _page(language, base64.b64encode(sealed).decode())


def _page(language: str, sealed: str) -> str:
    words = {key: text_in(language, f"phone.{key}") for key in LOCK_WORDS}
    held = json.dumps({"words": words, "sealed": sealed}, ensure_ascii=False)
    script, style = page_script(), _part("phone_book.css")
    return TEMPLATES.get_template("phone_book.html").render(
        language=language,
        title=words["title"],
        no_script=words["no_script"],
        held=Markup(held.replace("<", "\\u003c")),  # noqa: S704 (no tag can begin in it)
        script=Markup(script),  # noqa: S704 (our own files)
        style=Markup(style),  # noqa: S704
        script_hash=_source_hash(script),
        style_hash=_source_hash(style),
    )


@cache
def page_script() -> str:
    """The program of every page."""
    return "\n".join(_part(f"phone_{name}.js") for name in SCRIPTS)


@cache
def _part(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def _source_hash(source: str) -> Markup:
    """As a content security policy names an inline script or style."""
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return Markup(f"'sha256-{digest}'")  # noqa: S704 (base64)


# -- what is sealed --------------------------------------------------------------------------------


def book_content(book: WalkBook, today: date, language: str) -> dict[str, Any]:
    """All that an unlocked page shows: places and doors, words, the map."""
    return {
        "language": language,
        "words": _words(language),
        "outcomes": {o: text_in(language, outcome_label(o)) for o in OUTCOMES},
        "roles": ROLES,
        "themes": {t: text_in(language, theme_label(t)) for t in THEMES},
        "corrections": {c: text_in(language, f"phone.correction.{c}") for c in CORRECTIONS},
        "turf": book.turf_id,
        "made_on": today.isoformat(),
        "last_day": last_day(today, book.ballot_date).isoformat(),
        "until": text_in(
            language, "phone.until", date=date_in(language, last_day(today, book.ballot_date))
        ),
        "minutes": book.minutes,
        "printed": text_in(
            language, "book.printed", date=date_in(language, today), version=book.edition
        ),
        "facts": facts_line(book, language),
        "stop": legal_stop(book.ballot_date, language),
        "notice": text_in(language, "book.notice", campaign=one_line(book.campaign, LONGEST)),
        "credits": " · ".join(book.credits),
        "stops": [_stop(stop, book, language) for stop in book.stops],
        "map": _map(book, language),
    }


def last_day(today: date, ballot_date: date | None) -> date:
    """The last day on which a book takes results: DAYS_OPEN after it was written, or that of the
    ballot where it comes first. What it holds can be given back after that."""
    end = today + timedelta(days=DAYS_OPEN)
    return min(end, ballot_date) if ballot_date is not None and ballot_date >= today else end


def _words(language: str) -> dict[str, str]:
    found = {
        key.removeprefix("phone."): text
        for key, text in texts(language).items()
        if key.startswith("phone.")
    }
    return {k: text for k, text in found.items() if k not in LOCK_WORDS}


def _stop(stop: Stop, book: WalkBook, language: str) -> dict[str, Any]:
    scale = WIDTH / book.ground.width_m
    return {
        "order": stop.order,
        "building": stop.building_id,
        "address": one_line(stop.address, LONGEST),
        "street": one_line(stop.street, LONGEST),
        "side": stop.side,
        "side_word": text_in(language, f"book.side.{stop.side}") if stop.side else "",
        "about": about_stop(stop, language),
        "x": round(stop.x * scale, 1),
        "y": round(HEIGHT - stop.y * scale, 1),
        "groups": [
            {"name": name, "doors": [_door(stop, door, language) for door in doors]}
            for name, doors in groupby(stop.doors, lambda door: floor_name(door, language))
        ],
    }


def _door(stop: Stop, door: Door, language: str) -> dict[str, Any]:
    place = text_in(language, "phone.single_door") if stop.is_house else door_name(door, language)
    return {
        "number": door.number,
        "place": place,
        "closed": door.is_closed,
        "memory": door_memory(door, language),
    }


def _map(book: WalkBook, language: str) -> dict[str, Any]:
    ends = [text_in(language, f"book.map_{end}") for end in ("start", "end")]
    sheet = draw_map(book, start=ends[0], end=ends[1])
    shown = [text_in(language, f"book.map_{kind}") for kind in sorted(sheet.kinds)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "about": text_in(language, "phone.map"),
        "legend": " · ".join([text_in(language, "phone.map_legend"), *shown]),
        "shapes": sheet.svg,
        "labels": [
            [n.text, round(n.x, 1), round(n.y, 1), round(n.angle, 1), n.size_pt, n.text in ends]
            for n in sheet.labels
        ],
        "chips": [
            [c.text, round(c.x, 1), round(c.y, 1), round(c.width, 1), c.shape, c.role]
            for c in sheet.chips
        ],
    }
