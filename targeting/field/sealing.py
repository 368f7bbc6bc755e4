"""How a phone walk book is locked: one phrase for a packet, one key for each book.

A book's key comes from the campaign's secret, so that the desk opens what comes back without any
phrase; the phrase only unwraps it on the phone. What is sealed begins with a header that tells
nothing but how to unwrap: format, random book id, iterations, salt, wrapped key.

PBKDF2-SHA-256 with the 600,000 iterations of OWASP's Password Storage Cheat Sheet (2023),
AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces, HKDF-SHA-256 (RFC 5869).
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from targeting.errors import TargetingError

MAGIC: Final = b"RLB1"
ITERATIONS: Final = 600_000
MOST_ITERATIONS: Final = 10_000_000
"""A header that asks for more is not ours: it would only keep the desk busy."""

ID_BYTES: Final = 16
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
LOCK_BYTES: Final = len(MAGIC) + ID_BYTES + 4 + SALT_BYTES
HEADER_BYTES: Final = LOCK_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES

SHORTEST_PHRASE: Final = 12
PHRASE_WORDS: Final = 5
PHRASE_BITS: Final = 50
"""2^50 phrases of 600,000 iterations each: out of reach even of a service that keeps a copy of the
file (some 10^4 guesses a second a graphics card: 3,500 years of one)."""

FEWEST_LEFT: Final = 9
FEWEST_SIGNS: Final = 7
"""Different letters and digits of a phrase of the user's own."""

LONGEST_RUN: Final = 5
"""Signs that follow one another on a keyboard, in the alphabet or in counting."""

RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "azertyuiopqsdfghjklmwxcvbn",
    "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm",
)  # fmt: skip
GUESSED_FIRST: Final = (
    "motdepasse", "password", "passphrase", "relance", "campagne", "secret", "bonjour", "election",
)  # fmt: skip
"""What is tried first: not counted among the signs of a phrase."""


class SealError(TargetingError):
    """What is sealed does not open: another campaign's, a wrong phrase, or damaged."""


@dataclass(frozen=True)
class PhraseKey:
    """What a phrase gives, derived once for a whole packet."""

    salt: bytes
    key: bytes


def plain_phrase(text: str) -> str:
    """The phrase as it is hashed: small letters without accents, single spaces.

    >>> plain_phrase(" Sapin-Étoile  fusée ")
    'sapin etoile fusee'
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", " ", bare.lower()).strip()


def _long_enough(phrase: str) -> str:
    """The phrase made plain. Raises TargetingError for one that is too short then."""
    plain = plain_phrase(phrase)
    if len(plain) < SHORTEST_PHRASE:
        raise TargetingError(
            f"the phrase has {len(plain)} letters and digits: give at least {SHORTEST_PHRASE}, "
            "five words for instance, or none at all: one is drawn."
        )
    return plain


def draw_phrase(words: Sequence[str], choose: Callable[[Sequence[str]], str]) -> str:
    """A phrase of five words drawn by `choose` (`secrets.choice`).

    Raises ValueError if the list is too short for PHRASE_BITS.
    """
    if len(set(words)) ** PHRASE_WORDS < 2**PHRASE_BITS:
        raise ValueError(f"{len(set(words))} words are too few for {PHRASE_BITS} bits.")
    return " ".join(choose(words) for _ in range(PHRASE_WORDS))


def check_phrase(phrase: str) -> None:
    """Raise TargetingError for a phrase that is easily guessed; it is not repeated.

    What is said twice, is counted up or down, or is known by everybody, is worth nothing:
    FEWEST_LEFT signs must be left without it, FEWEST_SIGNS of them different, and more than a
    number.
    """
    plain = _long_enough(phrase)
    told = " ".join(dict.fromkeys(plain.split()))
    for word in GUESSED_FIRST:
        told = told.replace(word, "")
    told = _without_runs(re.sub(r"(.{1,}?)\1+", r"\1", told.replace(" ", "")))
    if len(told) < FEWEST_LEFT or len(set(told)) < FEWEST_SIGNS or told.isdigit():
        raise TargetingError(
            "the phrase is easily guessed (a number, one thing again and again, or keys in a row): "
            "give five words that have nothing to do with each other, or none: one is drawn."
        )


def _without_runs(text: str) -> str:
    """The text with each run of keys, letters or numbers as one sign."""
    for row in (*RUNS, *(r[::-1] for r in RUNS)):
        for size in range(len(row), LONGEST_RUN - 1, -1):
            for start in range(len(row) - size + 1):
                text = text.replace(row[start : start + size], row[start])
    return text


def phrase_key(phrase: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> PhraseKey:
    """Derive the key of a phrase; a fresh salt unless one is given.

    Raises TargetingError for a phrase that is too short once made plain.
    """
    plain = _long_enough(phrase)
    own = os.urandom(SALT_BYTES) if salt is None else salt
    return PhraseKey(own, hashlib.pbkdf2_hmac("sha256", plain.encode(), own, iterations))


def book_key(secret: bytes, book_id: bytes) -> bytes:
    """The key of one book, from the campaign's secret."""
    return HKDF(SHA256(), KEY_BYTES, salt=book_id, info=b"relance phone book").derive(secret)


def make_header(phrase: PhraseKey, book_id: bytes, key: bytes) -> bytes:
    """The header of a book: its key wrapped under the phrase's."""
    lock = MAGIC + book_id + ITERATIONS.to_bytes(4, "big") + phrase.salt
    nonce = os.urandom(NONCE_BYTES)
    return lock + nonce + AESGCM(phrase.key).encrypt(nonce, key, lock)


def seal(header: bytes, key: bytes, purpose: str, plain: bytes) -> bytes:
    """Header, nonce, and `plain` encrypted for one purpose (`book`, `return`)."""
    nonce = os.urandom(NONCE_BYTES)
    return header + nonce + AESGCM(key).encrypt(nonce, plain, header + purpose.encode())


def open_sealed(sealed: bytes, key: bytes, purpose: str) -> bytes:
    """What was sealed for this purpose. Raises SealError where the key or a byte is wrong."""
    header = header_of(sealed)
    nonce, body = sealed[HEADER_BYTES:][:NONCE_BYTES], sealed[HEADER_BYTES + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, header + purpose.encode())
    except InvalidTag as error:
        raise SealError("it is damaged, or of a book that another campaign wrote.") from error


def header_of(sealed: bytes) -> bytes:
    """The header in front. Raises SealError for what is no sealed thing of ours."""
    if len(sealed) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES or not sealed.startswith(MAGIC):
        raise SealError("it is cut short, or nothing that a phone walk book gave.")
    return sealed[:HEADER_BYTES]


def book_id_of(sealed: bytes) -> bytes:
    """The book that it belongs to."""
    return header_of(sealed)[len(MAGIC) : len(MAGIC) + ID_BYTES]


def unwrap_key(sealed: bytes, phrase: str) -> bytes:
    """The book's key by its phrase, for a desk that lacks the campaign's secret.

    Raises SealError for a wrong phrase.
    """
    header = header_of(sealed)
    lock, wrapped = header[:LOCK_BYTES], header[LOCK_BYTES:]
    iterations = int.from_bytes(lock[-SALT_BYTES - 4 : -SALT_BYTES], "big")
    if not 1 <= iterations <= MOST_ITERATIONS:
        raise SealError("its header is damaged.")
    key = phrase_key(phrase, lock[-SALT_BYTES:], iterations).key
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], lock)
    except InvalidTag as error:
        raise SealError("the phrase is not that of this book.") from error
