"""A sheet of the map: A4 or A3, PDF or PNG, with all that makes it readable far from the screen.

Title, day, legend in words with units, scale bar, north, credits. Lying or standing, whichever
shows the stations larger; the legend lies where it covers none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from typing import Any, Final, NamedTuple

from targeting.exports.lines import breakable, one_line
from targeting.exports.map_labels import MM_A_POINT, text_width
from targeting.exports.station_map import (
    Drawing,
    Ground,
    Place,
    StationMap,
    draw_stations,
    swatch_svg,
)
from targeting.exports.typeset import set_pages
from targeting.locale import count_in, date_in, number_in, text_in
from targeting.palette import Theme

TEMPLATE: Final = "map_sheet.typ"


class Paper(NamedTuple):
    """A paper lying: its sides and margin (mm), how much larger than on A4 words are."""

    width: float
    height: float
    margin: float
    words: float


PAPERS: Final = {"A4": Paper(297, 210, 10, 1.0), "A3": Paper(420, 297, 12, 1.2)}

HEAD_MM: Final = 14.0
FOOT_MM: Final = 9.0
CREDITS_MM: Final = 6.6
MOTTO_MM: Final = 86.0
LINE_EM: Final = 1.33
"""Height of a line, of its letters' size: as templates set it."""

LEGEND_MM: Final = 72.0
LEGEND_PT: Final = 8.5
LEGEND_ASIDE: Final = 3.0
SWATCH_MM: Final = 7.0
LONGEST_TITLE: Final = 90
LONGEST_LINE: Final = 240
LONGEST_CREDITS: Final = 900
"""What is longer ends with an ellipsis: credits of a workspace are a few lines at most."""

HATCH: Final = "hatch"
UNKNOWN: Final = "unknown"
CHOSEN: Final = "chosen"
QUARTERS: Final = "quarters"


class LegendRow(NamedTuple):
    """A line of the legend: a colour (`#3e3875`) or HATCH, UNKNOWN, CHOSEN, QUARTERS; its words."""

    swatch: str
    words: str


@dataclass(frozen=True)
class MapSheet:
    """What stands on a sheet. Texts are plain: whatever they hold is shown as it is.

    about: a line under the title (what is chosen, what is shown). notes: sentences under the
    legend's rows.
    """

    map: StationMap
    title: str
    legend_title: str
    legend: Sequence[LegendRow]
    about: str = ""
    notes: Sequence[str] = ()
    credits: Sequence[str] = field(default_factory=list)


def write_map_sheet(
    sheet: MapSheet, *, paper: str = "A4", kind: str = "pdf", today: date, language: str = "fr"
) -> bytes:
    """The sheet as the bytes of a PDF or of a PNG, same layout. Always in the light theme."""
    ground, of = Ground(sheet.map), PAPERS[paper]
    legend = (LEGEND_MM * of.words, _legend_mm(sheet, of.words))
    kept = tuple(side + 2 * LEGEND_ASIDE for side in legend)
    frames = [
        (w - 2 * of.margin, h - 2 * of.margin - (HEAD_MM + FOOT_MM) * of.words)
        for w, h in ((of.width, of.height), (of.height, of.width))
    ]
    places = [ground.place(*frame, (kept[0], kept[1])) for frame in frames]
    place = max(places, key=lambda p: p.scale)
    drawing = draw_stations(ground, place, (kept[0], kept[1]))
    credits = breakable(" · ".join(sheet.credits), LONGEST_CREDITS)
    facts = {
        "language": language,
        "paper": paper.lower(),
        "flipped": place is places[0],
        "margin": of.margin,
        "words-scale": of.words,
        "head-mm": HEAD_MM * of.words,
        "title": one_line(sheet.title, LONGEST_TITLE),
        "title-pt": _fitting(sheet.title, 17 * of.words, place.width - 42 * of.words),
        "date": date_in(language, today),
        "about": one_line(sheet.about, LONGEST_LINE),
        "about-pt": _fitting(sheet.about, 9 * of.words, place.width),
        "credits": credits,
        "credits-pt": credits_pt(credits, place.width - MOTTO_MM * of.words, of.words),
        "motto": text_in(language, "sheet.motto"),
        "frame": {"width": place.width, "height": place.height},
        "legend": _legend(sheet, drawing, legend[0], language),
        **map_facts(drawing, sheet.map.paint, place, language),
    }
    return set_pages(TEMPLATE, facts, today=today, kind=kind, pictures={"map.svg": drawing.svg})


def map_facts(drawing: Drawing, paint: Theme, place: Place, language: str) -> dict[str, Any]:
    """What templates need to set the names, the scale and the north of a drawing."""
    metres = drawing.scale_m
    is_km = metres >= 1000
    length = number_in(language, metres / 1000 if is_km else metres)
    return {
        "paint": paint._asdict(),
        "names": drawing.names,
        "scale": f"{length}\u00a0{'km' if is_km else 'm'}",
        "scale-mm": drawing.scale_mm,
        "north": text_in(language, "book.north"),
        "north-side": "left" if place.corner == "top right" else "right",
        "alt": text_in(language, "sheet.alt"),
    }


def _fitting(text: str, most_pt: float, width: float) -> float:
    """Points in which a text keeps to one line of so many mm."""
    wanted = text_width(one_line(text, LONGEST_LINE), 1.05)
    return min(most_pt, width / max(wanted, 1e-9))


def credits_pt(credits: str, width: float, words: float = 1.0) -> float:
    """Points in which credits keep to their place at the foot of a page: none is cut off."""
    height = CREDITS_MM * words
    for tenths in range(70, 30, -5):
        size = tenths / 10 * words
        lines = height // (size * LINE_EM * MM_A_POINT)
        if 1.1 * text_width(credits, size) <= lines * width:
            return size
    return 3.5 * words


def _legend_mm(sheet: MapSheet, words: float) -> float:
    """About how high the legend is."""
    inner = LEGEND_MM - 6
    lines = sum(_lines(row.words, inner - SWATCH_MM - 2) for row in sheet.legend)
    notes = sum(_lines(note, inner) for note in _notes(sheet))
    height = 6 + 4.4 * _lines(sheet.legend_title, inner) + 3.6 * lines + 1.2 * len(sheet.legend)
    return (height + 3.6 * notes + 1.2 * len(sheet.notes) + 8) * words


def _lines(text: str, width: float) -> int:
    return max(ceil(1.05 * text_width(text, LEGEND_PT) / width), 1)


def _notes(sheet: MapSheet) -> list[str]:
    return [breakable(note, LONGEST_LINE) for note in sheet.notes]


def _legend(sheet: MapSheet, drawing: Drawing, width: float, language: str) -> dict[str, Any]:
    return {
        "title": breakable(sheet.legend_title, LONGEST_TITLE),
        "width": width,
        "corner": drawing.corner,
        "aside": LEGEND_ASIDE,
        "rows": legend_rows(sheet.legend, sheet.map),
        "notes": [*_notes(sheet), *_outside(drawing, language)],
    }


def legend_rows(rows: Sequence[LegendRow], shown: StationMap) -> list[dict[str, str]]:
    """Rows of a legend as templates read them."""
    middle = shown.colours[len(shown.colours) // 2] if shown.colours else shown.paint.unknown
    return [
        {
            "kind": row.swatch if row.swatch in (CHOSEN, QUARTERS) else "fill",
            "svg": ""
            if row.swatch in (CHOSEN, QUARTERS)
            else swatch_svg(row.swatch, shown.paint, middle),
            "words": breakable(row.words, LONGEST_LINE),
        }
        for row in rows
    ]


def _outside(drawing: Drawing, language: str) -> list[str]:
    return [count_in(language, "sheet.outside", drawing.outside)] if drawing.outside else []
