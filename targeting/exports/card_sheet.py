"""One page that says all of one station: its place among its neighbours, the answer, why, figures.

Texts are plain: whatever they hold is shown as it is, and what is too long is cut at its box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import Any, Final, NamedTuple

from targeting.exports.lines import breakable, one_line
from targeting.exports.map_labels import text_width
from targeting.exports.map_sheet import (
    LONGEST_CREDITS,
    MOTTO_MM,
    LegendRow,
    credits_pt,
    legend_rows,
    map_facts,
)
from targeting.exports.station_map import Ground, StationMap, draw_stations
from targeting.exports.typeset import set_pages
from targeting.locale import date_in, percent_in, text_in

TEMPLATE: Final = "card_sheet.typ"

PAGE_MM: Final = 186.0
MAP_MM: Final = (90.0, 80.0)
CHART_MM: Final = (186.0, 47.0)
MOST_REASONS: Final = 4
MOST_FIGURES: Final = 12
MOST_WARNINGS: Final = 5
MOST_ROUNDS: Final = 12
"""Rounds of the chart, the latest ones: as many as can be read on one line."""

LONGEST: Final = 90
LONGEST_SENTENCE: Final = 300
SHARE_DASH: Final = "1.4 1"


class Figure(NamedTuple):
    """A number and what it counts, as it is written."""

    name: str
    value: str


class Round(NamedTuple):
    """One election in the station and in the whole campaign: rates, NaN where it is not known."""

    name: str
    turnout: float
    share: float
    is_uncertain: bool
    whole_turnout: float = float("nan")
    whole_share: float = float("nan")


@dataclass(frozen=True)
class CardSheet:
    """What stands on a card's page. answer: the first line is the largest."""

    title: str
    place: str
    campaign: str
    answer: Sequence[str]
    reasons: Sequence[str]
    figures: Sequence[Figure]
    warnings: Sequence[str]
    share_name: str
    map: StationMap | None
    legend_title: str
    legend: Sequence[LegendRow]
    credits: Sequence[str]
    rounds: Sequence[Round] = ()


def write_card_sheet(sheet: CardSheet, *, today: date, language: str = "fr") -> bytes:
    """The page as the bytes of a PDF (A4)."""
    pictures, drawn = {}, None
    if sheet.map is not None:
        ground = Ground(sheet.map)
        place = ground.place(*MAP_MM, (0.0, 0.0))
        drawing = draw_stations(ground, place, (0.0, 0.0))
        pictures["map.svg"] = drawing.svg
        drawn = map_facts(drawing, sheet.map.paint, place, language) | {
            "legend": legend_rows(sheet.legend, sheet.map)
        }
    credits = breakable(" · ".join(sheet.credits), LONGEST_CREDITS)
    facts = {
        "language": language,
        "title": one_line(sheet.title, LONGEST),
        "title-pt": _fitting(sheet.title, 24.0),
        "place": breakable(sheet.place, LONGEST * 2),
        "campaign": one_line(sheet.campaign, LONGEST),
        "date": date_in(language, today),
        "answer": _sentences(sheet.answer, 3),
        "reasons": _sentences(sheet.reasons, MOST_REASONS),
        "figures": [
            {"name": breakable(f.name, LONGEST), "value": one_line(f.value, LONGEST // 3)}
            for f in sheet.figures[:MOST_FIGURES]
        ],
        "warnings": _sentences(sheet.warnings, MOST_WARNINGS),
        "map": drawn,
        "map-mm": MAP_MM,
        "legend-title": breakable(sheet.legend_title, LONGEST),
        "chart": _chart(sheet, language),
        "chart-mm": CHART_MM,
        "credits": credits,
        "credits-pt": credits_pt(credits, PAGE_MM - MOTTO_MM),
        "motto": text_in(language, "sheet.motto"),
        "words": {
            word.replace("_", "-"): text_in(language, f"cardsheet.{word}")
            for word in ("reasons", "figures", "history", "warnings", "around", "no_map",
                         "no_history")
        },
    }  # fmt: skip
    return set_pages(TEMPLATE, facts, today=today, pictures=pictures)


def _sentences(texts: Sequence[str], most: int) -> list[str]:
    return [breakable(text, LONGEST_SENTENCE) for text in texts[:most]]


def _fitting(text: str, most: float) -> float:
    width = text_width(one_line(text, LONGEST), 1.0)
    return min(most, max(180 / max(width, 1e-9), 7.0))


# -- chart -----------------------------------------------------------------------------------------

TURNOUT: Final = "#3e3875"
SHARE: Final = "#b3540f"
"""Told apart in grey too, by the shape of their points."""

LEFT, RIGHT, TOP, BOTTOM = 12.0, 4.0, 9.0, 9.0


def _chart(sheet: CardSheet, language: str) -> dict[str, Any] | None:
    """Turnout and share, round after round, with their values and the whole's line."""
    rounds = sheet.rounds[-MOST_ROUNDS:]
    if not rounds:
        return None
    width, height = CHART_MM
    step = (width - LEFT - RIGHT) / max(len(rounds), 1)
    xs = [LEFT + (n + 0.5) * step for n in range(len(rounds))]
    known = [v for r in rounds for v in r[1:3] + r[4:] if not isnan(v)]
    top = min(max(0.2 * (int(max(known, default=0.9) / 0.2) + 1), 0.4), 1.0)

    def down(rate: float) -> float:
        return height - BOTTOM - rate / top * (height - TOP - BOTTOM)

    marks, texts = [], []
    for tenth in range(0, round(top * 100) + 1, 20):
        y = down(tenth / 100)
        marks.append(
            f'<path d="M{LEFT},{y:.2f}H{width - RIGHT}" stroke="#ddd" stroke-width="0.2"/>'
        )
        texts.append(_word(percent_in(language, tenth / 100, decimals=0), LEFT - 1.5, y, "right"))
    for name, colour, of, whole, up in (
        (text_in(language, "chart.turnout"), TURNOUT, 1, 4, True),
        (sheet.share_name, SHARE, 2, 5, False),
    ):
        marks.append(_line(xs, [r[whole] for r in rounds], down, colour, dash=SHARE_DASH))
        marks.append(_line(xs, [r[of] for r in rounds], down, colour))
        for x, r in zip(xs, rounds, strict=True):
            rate, other = float(r[of]), float(r[3 - of])
            if isnan(rate):
                continue
            marks.append(_point(x, down(rate), colour, square=of == 2, hollow=r.is_uncertain))
            above = up if isnan(other) or rate == other else rate > other
            y = down(rate) + (-2.6 if above or rate < top / 12 else 2.8)
            texts.append(_word(percent_in(language, rate, decimals=0), x, y, "center", colour))
        texts.append({"legend": one_line(name, 40), "colour": colour, "square": of == 2})
    texts += [
        _word(one_line(r.name, 14), x, height - BOTTOM + 4, "center")
        for x, r in zip(xs, rounds, strict=True)
    ]
    notes = []
    if any(not isnan(r.whole_turnout) for r in rounds):
        notes.append(text_in(language, "cardsheet.whole"))
    if any(r.is_uncertain for r in rounds):
        notes.append(text_in(language, "cardsheet.uncertain"))
    return {
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}mm" height="{height:g}mm">{"".join(marks)}</svg>',
        "words": [t for t in texts if "text" in t],
        "legend": [t for t in texts if "legend" in t],
        "notes": " · ".join(notes),
    }


def _word(text: str, x: float, y: float, side: str, colour: str = "#444444") -> dict[str, Any]:
    return {"text": text, "x": x, "y": y, "side": side, "colour": colour}


def _line(
    xs: Sequence[float],
    rates: Sequence[Any],
    down: Callable[[float], float],
    colour: str,
    *,
    dash: str = "",
) -> str:
    """A line through what is known; broken where a round is not."""
    path, pen = "", "M"
    for x, rate in zip(xs, rates, strict=True):
        if isnan(rate):
            pen = "M"
            continue
        path += f"{pen}{x:.2f},{down(rate):.2f}"
        pen = "L"
    dashed = f' stroke-dasharray="{dash}" opacity="0.7"' if dash else ""
    width = 0.35 if dash else 0.6
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'
        if path
        else ""
    )


def _point(x: float, y: float, colour: str, *, square: bool, hollow: bool) -> str:
    fill = "#ffffff" if hollow else colour
    style = f'fill="{fill}" stroke="{colour}" stroke-width="0.4"'
    if square:
        return f'<rect x="{x - 0.9:.2f}" y="{y - 0.9:.2f}" width="1.8" height="1.8" {style}/>'
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="1" {style}/>'
