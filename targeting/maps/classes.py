"""Five classes of colour, quantiles of the campaign's stations: filters never move them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from targeting.locale import NO_VALUE, number_in, percent_in, text_in
from targeting.maps.measures import COLUMNS, PER_HUNDRED, layer_of
from targeting.palette import LIGHT_THEME, rgb

Colour = list[int]

PALETTE: Final = tuple(rgb(colour) for colour in LIGHT_THEME.classes)
"""The palette's classes on light paper, least to most, as numbers."""

UNKNOWN: Final = rgb(LIGHT_THEME.unknown)
NOTHING_YET: Final = rgb(LIGHT_THEME.nothing)
OPACITY: Final = 255
"""What is painted is what the legend shows."""


@dataclass(frozen=True)
class Classes:
    """Classes of one measure.

    bounds: one more than there are classes, ascending; counts: stations in each; unknown: stations
    without a value; nothing: stations at zero, apart from the classes (coverage alone).
    """

    metric: str
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    unknown: int
    nothing: int | None = None

    @property
    def colours(self) -> list[tuple[int, int, int]]:
        """Colours of the classes, lowest first; the highest is always the darkest."""
        return list(PALETTE[len(PALETTE) - len(self.counts) :])


def build_classes(metric: str, values: pd.Series, *, most: int = len(PALETTE)) -> Classes:
    """Quantile classes of a measure; fewer where too many stations share a value.

    For coverage, stations where nobody (or too few to tell) was met stand apart.
    """
    known = values.dropna().astype(float)
    nothing = None
    if metric == "coverage":
        nothing = int((known <= 0).sum())
        known = known[known > 0]
    if known.empty:
        return Classes(metric, (), (), int(values.isna().sum()), nothing)
    bounds = np.unique(np.quantile(known, np.linspace(0, 1, most + 1)))
    if bounds.size == 1:
        bounds = np.repeat(bounds, 2)
    counts = np.bincount(class_numbers(known, tuple(bounds)), minlength=bounds.size - 1)
    return Classes(
        metric,
        tuple(float(b) for b in bounds),
        tuple(int(n) for n in counts),
        int(values.isna().sum()),
        nothing,
    )


def class_numbers(values: pd.Series, bounds: tuple[float, ...]) -> np.ndarray:
    """Class of each value, from 0; a value on a bound belongs to the class above."""
    inner = np.asarray(bounds[1:-1])
    return np.asarray(np.searchsorted(inner, values.to_numpy(float), side="right"))


def fill_colours(values: pd.Series, classes: Classes) -> list[Colour]:
    """RGBA of each value, in the order given."""
    colours = [[*UNKNOWN, OPACITY] for _ in range(len(values))]
    known = values.notna().to_numpy()
    if classes.nothing is not None:
        for at in np.flatnonzero(known & (values.fillna(1).to_numpy(float) <= 0)):
            colours[at] = [*NOTHING_YET, OPACITY]
        known = known & (values.fillna(0).to_numpy(float) > 0)
    if classes.counts:
        rows = np.flatnonzero(known)
        numbers = class_numbers(values.iloc[rows].astype(float), classes.bounds)
        for at, number in zip(rows, numbers, strict=True):
            colours[at] = [*classes.colours[number], OPACITY]
    return colours


def value_in(language: str, metric: str, value: float | None) -> str:
    """A value of a measure as screens write it: `38,2` per hundred, or `76,4 %`; a dash where the
    measure is told in classes alone."""
    if metric in COLUMNS and not layer_of(metric).is_told:
        return NO_VALUE
    if metric in PER_HUNDRED:
        return number_in(language, None if pd.isna(value) else value * 100, decimals=1)  # type: ignore[operator]
    return percent_in(language, value)


def tide_words(classes: int, language: str) -> list[str]:
    """What each of so many classes of the tide is called, least first; one alone is the middle."""
    words = [text_in(language, f"legend.tide.{level}") for level in range(1, len(PALETTE) + 1)]
    if classes == 1:
        return [words[len(words) // 2]]
    last = len(words) - 1
    return [words[round(at * last / (classes - 1))] for at in range(classes)]
