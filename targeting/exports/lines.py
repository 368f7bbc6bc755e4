"""Text from outside, made fit for one line of a page."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_PIECE: Final = re.compile(r".{6}(?=.)")
KEPT: Final = ("\u00a0", "\u202f")


def one_line(text: str, longest: int) -> str:
    """The text on one line, without control signs (which can turn it round), cut with an ellipsis.

    A blank that does not break stays one: `81 %` is never parted.

    >>> one_line("Rue\\n Basse", 40), one_line("\\u202eRue", 40), one_line("Avenue de la Plaine", 9)
    ('Rue Basse', 'Rue', 'Avenue d…')
    """
    spaced = re.sub(r"\s+", lambda run: run[0] if run[0] in KEPT else " ", text.strip())
    shown = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf"))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def breakable(text: str, longest: int) -> str:
    """`one_line`, with places to break in words that no column of a page would hold.

    >>> breakable("Rue " + "x" * 33, 90).replace("\u200b", "|")
    'Rue xxxxxx|xxxxxx|xxxxxx|xxxxxx|xxxxxx|xxx'
    """
    return re.sub(
        r"\S{30,}", lambda word: _PIECE.sub("\\g<0>\u200b", word[0]), one_line(text, longest)
    )
