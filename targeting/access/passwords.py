"""Passwords: what is accepted, and how they are kept (TRUST SEC-03).

Argon2id by argon2-cffi with its defaults (3 passes, 64 MiB, 4 lanes: RFC 9106's second choice); at
most four at once, since each holds 64 MiB. No rule of composition and no forced change: length, and
not among what is guessed first (zxcvbn's lists of common passwords, words and names).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from targeting.errors import TargetingError

SHORTEST: Final = 12
LONGEST: Final = 256
"""Signs. What is longer is refused before anything is computed of it."""

AT_ONCE: Final = 4
LOOKED_AT: Final = 64
"""Signs that are looked at for what is easily guessed: more takes longer, and is no worse."""

GUESSES: Final = 10**10
"""Fewer guesses than these find it: a throttled guesser has 60 an hour, a stolen file's reader ten
thousand a second."""

_hasher: Final = PasswordHasher()
_slots: Final = BoundedSemaphore(AT_ONCE)
_NOBODYS: Final = _hasher.hash("nobody has this password")
"""What an unknown name's password is compared with, so that it takes as long as a known one's."""


def prepared(password: str) -> str:
    """One spelling of what is typed alike on two keyboards (NFKC), as NIST SP 800-63B §5.1.1.2 has
    it."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, own_words: Sequence[str] = ()) -> None:
    """Raise TargetingError for a password that is too short, too long or easily guessed.

    `own_words`: login, name, campaign: what a guesser tries first.
    """
    if len(password) > LONGEST:
        raise TargetingError(f"this password is longer than {LONGEST} signs: choose another.")
    text = prepared(password)
    if len(text) < SHORTEST:
        raise TargetingError(
            f"this password is too short: {SHORTEST} signs at least. Four words that have nothing "
            "to do with each other are easy to keep in mind."
        )
    from zxcvbn import zxcvbn

    words = [w for w in own_words if w] + ["relance"]
    if float(zxcvbn(text[:LOOKED_AT], user_inputs=words)["guesses"]) < GUESSES:
        raise TargetingError(
            "this password is among those that are tried first (a common one, a sequence, your "
            "name): choose another. Four words that have nothing to do with each other are easy "
            "to keep in mind."
        )


def hash_password(password: str) -> str:
    """What is kept of a password."""
    with _slots:
        return _hasher.hash(prepared(password))


def is_password(kept: str | None, password: str) -> bool:
    """Whether that is the password kept. Takes as long where none is kept, or it is too long."""
    text = prepared(password) if len(password) <= LONGEST else ""
    with _slots:
        try:
            _hasher.verify(kept or _NOBODYS, text)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
    return kept is not None and text != ""


def is_outdated(kept: str) -> bool:
    """Whether a password was kept with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)
