"""Text from outside, made fit for one line of a page."""

from __future__ import annotations

import unicodedata


def one_line(text: str, longest: int) -> str:
    """The text on one line, without control signs (which can turn it round), cut with an ellipsis.

    >>> one_line("Rue\\n Basse", 40), one_line("\\u202eRue", 40), one_line("Avenue de la Plaine", 9)
    ('Rue Basse', 'Rue', 'Avenue d…')
    """
    spaced = " ".join(text.split())
    shown = spaced
    if not spaced.isprintable():
        shown = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf"))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
