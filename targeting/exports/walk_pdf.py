"""Walk books on paper: A4 PDFs of a map, door lines with boxes, and consent slips to cut.

Typst sets the pages from JSON: no text is ever pasted into its source. The same books and date give
the same bytes. The packet is one PDF with an index in front; each turf also has its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import segno

from targeting.exports.aside import write_aside
from targeting.exports.book_words import (
    about_stop,
    door_memory,
    door_place,
    facts_line,
    legal_stop,
    station_line,
)
from targeting.exports.lines import one_line
from targeting.exports.map_shapes import HEIGHT
from targeting.exports.typeset import set_pages
from targeting.exports.walk_map import draw_map
from targeting.exports.walk_pages import Line, first_pages, list_pages
from targeting.field.books import WalkBook
from targeting.locale import count_in, date_in, number_in, text_in
from targeting.outcomes import OUTCOMES, THEMES, outcome_label, theme_label

TEMPLATE: Final = "walk_book.typ"
INDEX_ROWS: Final = 33
LONGEST: Final = 90
"""A longer address is cut with an ellipsis: a line keeps its height."""

QR_MASK: Final = 2
"""One mask for all: to try the eight for each page takes longer than to set it."""

CHANNELS: Final = ("call", "text", "email", "visit")
PURPOSES: Final = ("news", "voting_help", "volunteer")
COLUMNS: Final = ("turf", "page", "start", "doors", "buildings", "minutes", "stations", "pair")
WORDS: Final = (
    "stations", "start", "pair", "lead", "phone", "give_back", "no_photo", "this_page", "knocked",
    "opened", "talks", "again", "leaflets", "slips", "typed_by", "on", "destroyed_on", "access",
    "access_free", "access_intercom", "access_caretaker", "access_closed", "again_mark",
    "do_not_knock", "registered", "here", "elsewhere", "unregistered", "leaflet", "time",
    "initials", "north", "caption_place", "caption_outcome", "caption_talk",
    "themes", "themes_help", "corrections", "corrections_help", "slip_title", "first_name",
    "last_name", "phone_of", "email_of", "channels", "purposes", "date", "their_initials",
)  # fmt: skip


def page_code(book: WalkBook, page: int) -> str:
    """What the QR of a page says: turf, version with the mark of its order, page; nothing else."""
    return f"{book.turf_id}/V{book.edition}/P{page}"


def write_packet(
    path: Path,
    books: Sequence[WalkBook],
    *,
    today: date,
    language: str = "fr",
    beside: bool = False,
) -> list[Path]:
    """Write the books to one PDF, a list of the turfs in front where there are several.

    `beside`: each book is also written on its own, to `S0001.pdf`… in the same folder.
    """
    facts = [_book(book, today, language) for book in books]
    credits = list(dict.fromkeys(c for book in books for c in book.credits))
    common = {
        "language": language,
        "title": f"{one_line(books[0].campaign, LONGEST)} – {text_in(language, 'book.title')}",
        "credits": " · ".join(credits),
        "map-height": HEIGHT,
        "words": _words(language),
    }
    written = []
    for book, own in zip(books, facts, strict=True) if beside else ():
        alone = path.with_name(f"{book.turf_id}.pdf")
        _write({**common, "index": None, "books": [own]}, alone, today)
        written.append(alone)
    index = _index(books, today, language) if len(books) > 1 else None
    _write({**common, "index": index, "books": facts}, path, today)
    return [path, *written]


def on_one_thread() -> None:
    """Typst's own threads would fight for the cores: where two processes write, each has one."""
    os.environ["RAYON_NUM_THREADS"] = "1"


def _write(facts: dict[str, Any], path: Path, today: date) -> None:
    write_aside(path, lambda to: to.write_bytes(set_pages(TEMPLATE, facts, today=today)))


# -- what the template reads -----------------------------------------------------------------------


def _words(language: str) -> dict[str, Any]:
    words: dict[str, Any] = {k.replace("_", "-"): text_in(language, f"book.{k}") for k in WORDS}
    words["outcomes"] = [text_in(language, outcome_label(o)) for o in OUTCOMES]
    words["theme-names"] = [text_in(language, theme_label(t)) for t in THEMES]
    for family, codes in (("channel", CHANNELS), ("purpose", PURPOSES)):
        words[f"{family}-names"] = [text_in(language, f"book.{family}.{c}") for c in codes]
    words["index-columns"] = [text_in(language, f"book.column.{c}") for c in COLUMNS]
    return words


def _index(books: Sequence[WalkBook], today: date, language: str) -> dict[str, Any]:
    count = -(-len(books) // INDEX_ROWS)
    rows = [
        {
            "turf": book.turf_id,
            "page": str(page),
            "start": one_line(book.start, 60),
            "doors": number_in(language, book.n_open),
            "buildings": number_in(language, len(book.stops)),
            "minutes": number_in(language, book.minutes),
            "stations": ", ".join(s.number for s in book.stations),
        }
        for book, page in zip(books, first_pages(books, count), strict=True)
    ]
    return {
        "title": f"{text_in(language, 'book.title')} – {one_line(books[0].campaign, LONGEST)}",
        "about": text_in(
            language,
            "book.index_about",
            turfs=count_in(language, "turfs.count_of", len(books)),
            doors=count_in(language, "doors", sum(b.n_open for b in books)),
            date=date_in(language, today),
        ),
        "pages": [rows[n : n + INDEX_ROWS] for n in range(0, len(rows), INDEX_ROWS)],
    }


def _book(book: WalkBook, today: date, language: str) -> dict[str, Any]:
    campaign = one_line(book.campaign, LONGEST)
    lists = list_pages(book)
    kinds = ["map", *["list"] * len(lists), "slips"]
    pages = [
        {
            "kind": kind,
            "label": text_in(language, "book.page", page=n, pages=len(kinds)),
            "code": page_code(book, n),
            "qr": _qr(page_code(book, n)),
            "rows": [_row(line, language) for line in lists[n - 2]] if kind == "list" else [],
        }
        for n, kind in enumerate(kinds, 1)
    ]
    return {
        "turf": book.turf_id,
        "campaign": campaign,
        "printed": text_in(
            language, "book.printed", date=date_in(language, today), version=book.edition
        ),
        "stations": " · ".join(station_line(s) for s in book.stations) or "—",
        "start": one_line(book.start, 50),
        "facts": facts_line(book, language),
        "stop": legal_stop(book.ballot_date, language),
        "notice": text_in(language, "book.notice", campaign=campaign),
        "notice-long": text_in(language, "print.notice", campaign=campaign),
        "slip-code": text_in(language, "book.slip_code", turf=book.turf_id),
        "slip-head": text_in(language, "book.slip_head", turf=book.turf_id),
        "slip-notice": text_in(language, "book.slip_notice", campaign=campaign),
        "map": _map(book, language),
        "pages": pages,
    }


def _map(book: WalkBook, language: str) -> dict[str, Any]:
    sheet = draw_map(
        book, start=text_in(language, "book.map_start"), end=text_in(language, "book.map_end")
    )
    ends = {text_in(language, "book.map_start"), text_in(language, "book.map_end")}
    shown = [text_in(language, f"book.map_{kind}") for kind in sorted(sheet.kinds)]
    return {
        "svg": sheet.svg,
        "labels": [
            {
                "text": label.text, "x": label.x, "y": label.y, "angle": label.angle,
                "size": label.size_pt, "along": label.is_along, "strong": label.text in ends,
            }
            for label in sheet.labels
        ],
        "chips": [
            {
                "text": c.text, "x": c.x, "y": c.y, "width": c.width, "shape": c.shape,
                "role": c.role,
            }
            for c in sheet.chips
        ],
        "scale": f"{sheet.scale_m} m",
        "scale-mm": sheet.scale_mm,
        "legend": " · ".join([text_in(language, "book.map_legend"), *shown]),
    }  # fmt: skip


# -- rows ------------------------------------------------------------------------------------------


def _row(line: Line, language: str) -> dict[str, Any]:
    address = one_line(line.stop.address, LONGEST)
    if line.door is None:
        return {
            "kind": "heading", "code": line.code, "address": address, "again": line.is_again,
            "address-pt": _fitting(address), "about": about_stop(line.stop, language),
        }  # fmt: skip
    behind = door_place(line.stop, line.door, language)
    return {
        "kind": "door",
        "code": line.code,
        "closed": line.door.is_closed,
        "height": line.height,
        "address": address,
        "address-pt": _fitting(address),
        "behind": behind,
        "memory": door_memory(line.door, language),
    }


def _fitting(address: str) -> float:
    """Points in which an address keeps to its place."""
    return 9.5 if len(address) <= 34 else 8 if len(address) <= 60 else 6.5


def _qr(code: str) -> str:
    return str(
        segno.make(code, error="m", micro=False, mask=QR_MASK).svg_inline(border=2, omitsize=True)
    )
