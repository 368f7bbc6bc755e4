"""Logins: one spelling each, so that no two look alike."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from targeting.errors import TargetingError

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,78}[a-z0-9]")
LONGEST_NAME: Final = 80


def login_of(text: str) -> str:
    """A login as it is kept. Raises TargetingError for what could be taken for another's.

    Plain letters, digits and `. _ - @ +` alone: a Cyrillic “а” is no “a”.

    >>> login_of(" Jeanne.Martin@Example.org ")
    'jeanne.martin@example.org'
    """
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if _LOGIN.fullmatch(plain) is None or not text.isascii():
        raise TargetingError(
            "a login is made of 3 to 80 plain letters, digits and . _ - @ + (no accent, no space): "
            "as jeanne.martin or an e-mail address."
        )
    return plain


def shown_name(text: str) -> str:
    """A person's name as it is shown. Raises TargetingError where it is empty, long, or has signs
    that turn or hide text."""
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    hidden = [c for c in plain if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn")]
    if not plain or len(plain) > LONGEST_NAME or hidden:
        raise TargetingError(f"a name has 1 to {LONGEST_NAME} plain letters.")
    return plain
