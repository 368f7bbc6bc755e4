"""The legend in words and with its unit, the same on screen and on paper.

« très prioritaire : 33 à 42 abstentionnistes de gauche pour 100 inscrits »
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

import pandas as pd

from targeting.locale import number_in, text_in
from targeting.maps.classes import Classes, class_numbers, tide_words
from targeting.maps.measures import layer_of, metric_key
from targeting.palette import LIGHT_THEME, Theme, colours_of

LEVELS: Final = {"priority": "priority"}
"""Metric → family of words for its classes; the others have `level`'s (« très forte »…)."""

UNKNOWN_PLACE: Final = -1
NOTHING_PLACE: Final = -2
"""Places in the palette of a station without a value, and of one at zero that stands apart."""

WORDS_OF: Final[dict[int, tuple[int, ...]]] = {
    1: (), 2: (1, 5), 3: (1, 3, 5), 4: (1, 2, 4, 5), 5: (1, 2, 3, 4, 5),
}  # fmt: skip
"""Number of classes → which of the five words they have, least first; one class needs none."""


class LegendLine(NamedTuple):
    """A colour (`#3e3875`), what it means in words, its place in the palette, how many stations.

    `place`: 4 for the strongest colour of five; UNKNOWN_PLACE, NOTHING_PLACE for those apart.
    """

    colour: str
    words: str
    place: int
    stations: int


def unit_in(language: str, metric: str, share: str) -> str:
    """The unit of a measure, in words; `share` is `left` or `target` (see `share_name`)."""
    return text_in(language, metric_key(metric, "unit", share))


def legend_lines(
    classes: Classes,
    language: str,
    share: str,
    theme: Theme = LIGHT_THEME,
    *,
    has_unit: bool = True,
) -> list[LegendLine]:
    """The classes of a measure, the strongest first; then nothing yet, and unknown.

    The strongest is told with its unit (unless a heading tells it: `has_unit`), those under it by
    their numbers.
    """
    count = len(classes.counts)
    colours = colours_of(count, theme.classes)
    first = len(theme.classes) - count
    said = _class_words(classes, language, share if has_unit else None)
    lines = [
        LegendLine(colour, words, first + at, stations)
        for at, (colour, words, stations) in enumerate(
            zip(colours, said, classes.counts, strict=True)
        )
    ]
    lines.reverse()
    if classes.nothing:
        few = text_in(language, "legend.no_coverage")
        lines.append(LegendLine(theme.nothing, few, NOTHING_PLACE, classes.nothing))
    if classes.unknown:
        words = text_in(language, "legend.unknown")
        lines.append(LegendLine(theme.unknown, words, UNKNOWN_PLACE, classes.unknown))
    return lines


def _class_words(classes: Classes, language: str, share: str | None) -> list[str]:
    """What each class is called, least first; in words alone where a figure would mean nothing."""
    count = len(classes.counts)
    if not layer_of(classes.metric).is_told:
        return tide_words(count, language)
    numbers = _shortest([100 * b for b in classes.bounds], language)
    words = WORDS_OF[count] if count else ()
    unit = "" if share is None else f" {unit_in(language, classes.metric, share)}"
    said = []
    for at, (low, high) in enumerate(pairwise(numbers)):
        span = low if low == high else text_in(language, "legend.span", low=low, high=high)
        if at == count - 1:
            span += unit
        if words:
            family = LEVELS.get(classes.metric, "level")
            level = text_in(language, f"legend.{family}.{words[at]}")
            span = text_in(language, "legend.line", level=level, span=span)
        said.append(span)
    return said


def _shortest(bounds: Sequence[float], language: str) -> list[str]:
    """Bounds with as few decimals as tell them apart, two at most."""
    told: list[str] = []
    for decimals in (0, 1, 2):
        told = [number_in(language, float(b), decimals=decimals) for b in bounds]
        if len(set(told)) >= len(set(bounds)):
            break
    return told


def counted(classes: Classes, values: pd.Series) -> Classes:
    """The same classes, counting these values alone: those of the stations that are shown."""
    found = class_of(values, classes, nothing=NOTHING_PLACE, unknown=UNKNOWN_PLACE)
    return replace(
        classes,
        counts=tuple(int((found == at).sum()) for at in range(len(classes.counts))),
        unknown=int((found == UNKNOWN_PLACE).sum()),
        nothing=None if classes.nothing is None else int((found == NOTHING_PLACE).sum()),
    )


def class_of(values: pd.Series, classes: Classes, *, nothing: int, unknown: int) -> pd.Series:
    """The class of each value, 0 the least; `nothing`, `unknown` where it has none."""
    found = pd.Series(unknown, index=values.index, dtype="int64")
    known = values.notna()
    if classes.nothing is not None:
        found[known & (values.fillna(1) <= 0)] = nothing
        known &= values.fillna(0) > 0
    if classes.counts:
        found[known] = class_numbers(values[known].astype(float), classes.bounds)
    return found


def place_of(values: pd.Series, classes: Classes) -> pd.Series:
    """Place of each value's colour in the palette of five: see `LegendLine`."""
    found = class_of(values, classes, nothing=NOTHING_PLACE, unknown=UNKNOWN_PLACE)
    return found.where(found < 0, found + len(LIGHT_THEME.classes) - len(classes.counts))
