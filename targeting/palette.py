"""The colours of the map, in one place: screens and sheets of paper paint alike.

One hue, five equal steps of lightness, pale where little is and strong where much is: told apart by
colour-blind eyes and in grey prints. In the dark the strongest class is the lightest. No one colour
of edge or label serves five classes, so each is two: an edge has a casing under it, a label a halo
around it, what is chosen a black line under its yellow one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

LIGHT: Final = ("#efecf9", "#c7beea", "#9b8fd9", "#6c62b6", "#3e3875")
"""On light paper, least to most: lightness 94 to 27 at one hue of violet."""

DARK: Final = ("#3a3746", "#605889", "#887bcf", "#b7aaf3", "#e5defd")
"""On dark paper, least to most."""

CHOSEN: Final = "#ffc400"
CHOSEN_CASING: Final = "#000000"


class Theme(NamedTuple):
    """What a map is painted with besides its classes.

    hatch_strong: over the strongest class. left_out: stations that a filter leaves pale.
    """

    classes: Sequence[str]
    paper: str
    ink: str
    halo: str
    edge: str
    casing: str
    hatch: str
    hatch_strong: str
    nothing: str
    unknown: str
    unknown_dots: str
    left_out: str
    chosen: str = CHOSEN
    chosen_casing: str = CHOSEN_CASING


LIGHT_THEME: Final = Theme(
    classes=LIGHT, paper="#f4f1ee", ink="#1d1a20", halo="#ffffff", edge="#ffffff",
    casing="#1d1a20", hatch="#1d1a20", hatch_strong="#ffffff", nothing="#ffffff",
    unknown="#bbbbbb", unknown_dots="#6f6f6f", left_out="#f4f1ee",
)  # fmt: skip
DARK_THEME: Final = Theme(
    classes=DARK, paper="#17151a", ink="#ffffff", halo="#17151a", edge="#17151a",
    casing="#ffffff", hatch="#ffffff", hatch_strong="#17151a", nothing="#242129",
    unknown="#6a6a6a", unknown_dots="#b5b5b5", left_out="#17151a",
)  # fmt: skip
THEMES: Final = {"light": LIGHT_THEME, "dark": DARK_THEME}

PAPER: Final = LIGHT_THEME.paper
UNKNOWN: Final = LIGHT_THEME.unknown


def colours_of(classes: int, palette: Sequence[str] = LIGHT) -> tuple[str, ...]:
    """Colours for fewer classes than five, least first: the strongest is always there."""
    return tuple(palette[len(palette) - classes :])


def rgb(colour: str) -> tuple[int, int, int]:
    """`#9b8fd9` as three numbers from 0 to 255."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def lightness(colour: str) -> float:
    """L* from 0 (black) to 100: what is left of a colour in a grey print (CIE 1976)."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in rgb(colour))
    ]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > (6 / 29) ** 3 else y * (29 / 3) ** 3


def steps(palette: Sequence[str]) -> list[float]:
    """Differences of lightness from each class to the next."""
    return [lightness(b) - lightness(a) for a, b in pairwise(palette)]
