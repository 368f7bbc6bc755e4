"""The order in which people read numbers: 2 before 10, 12 before 12 bis, O12 is not 012."""

from __future__ import annotations

import re
from typing import Final

SUFFIX_ORDER: Final = {"": 0, "bis": 1, "ter": 2, "quater": 3}
"""After the number itself, before the letters."""

Key = tuple[tuple[int, int, str], ...]


def natural_key(text: str) -> Key:
    """A key that sorts labels of doors and staircases as people read them.

    Digits count as numbers, letters as letters: the letter O and the figure 0 stay apart, `012` is
    a number like 12, after those of 12.

    >>> sorted(["O12", "12 bis", "10", "2", "012", "12", "A"], key=natural_key)
    ['2', '10', '12', '12 bis', '012', 'A', 'O12']
    """
    parts = re.findall(r"\d+|[^\W\d_]+", text)
    return tuple(
        (0, int(part), "0" * (len(part) - len(part.lstrip("0"))))
        if part.isdecimal()
        else (1, SUFFIX_ORDER.get(part.lower(), len(SUFFIX_ORDER)), part.casefold())
        for part in parts
    )


def number_key(number: int, suffix: str) -> tuple[int, Key]:
    """A key for house numbers: `12`, `12 bis`, `12 ter`, `12 A`, then `13`.

    >>> numbers = [(13, ""), (12, "A"), (12, "ter"), (12, ""), (12, "bis")]
    >>> sorted(numbers, key=lambda n: number_key(*n))
    [(12, ''), (12, 'bis'), (12, 'ter'), (12, 'A'), (13, '')]
    """
    return number, natural_key(suffix)
