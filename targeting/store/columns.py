"""Phones and e-mails encrypted one by one, where a team's server holds them (TRUST 2.5).

On PostgreSQL with `RELANCE_COLUMN_KEY` set: AES-GCM, bound to table, column and row, so that a
value moved to another row does not open there. A file of SQLite is encrypted whole (`cipher`).
Nothing looks a phone up by equality: there is no blind index.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Dialect, String, TypeDecorator

from targeting.errors import WorkspaceError
from targeting.store.passphrases import COLUMN_KEY, given

SEALED: Final = re.compile(r"~1\.(.{1,36})\.([A-Za-z0-9_-]{38,})")
SEALED_SIGNS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
NONCE_BYTES: Final = 12
FEWEST_BYTES: Final = 8
"""Different bytes in a key drawn by chance: all of thirty-two have more."""


def sealed_shape(column: str, longest: int) -> str:
    """SQL of both engines: a sealed value, and of this row."""
    head = "'~1.' || id || '.'"
    rest = f"substr({column}, length(id) + 5)"
    return (
        f"substr({column}, 1, length(id) + 4) = {head} AND length({rest}) BETWEEN 38 AND {longest} "
        f"AND trim({rest}, '{SEALED_SIGNS}') = ''"
    )


class OfRow(str):
    """A value that knows whose row it is going to."""

    row: str

    def __new__(cls, value: str, row: str) -> OfRow:
        made = super().__new__(cls, value)
        made.row = row
        return made


class SealedText(TypeDecorator[str]):
    """A text about a person: sealed on its way to PostgreSQL, opened on its way back."""

    impl = String
    cache_ok = True

    def __init__(self, table: str, column: str, length: int) -> None:
        super().__init__(length)
        self.table, self.column = table, column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        key = column_key() if dialect.name == "postgresql" else None
        if key is None or SEALED.fullmatch(value):
            return str(value)
        if not isinstance(value, OfRow):
            raise ValueError(f"{self.table}.{self.column} is written through its row alone")
        return sealed(key, value, self._about(value.row), value.row)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        found = SEALED.fullmatch(value) if dialect.name == "postgresql" else None
        return opened(value, self._about(found[1])) if found else str(value)

    def _about(self, row: str) -> bytes:
        return f"{self.table}.{self.column}.{row}".encode()


def sealed(key: bytes, value: str, about: bytes, row: str) -> str:
    """A value as it is stored: its row's id, then what only the key opens."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE_BYTES)
    content = nonce + AESGCM(key).encrypt(nonce, value.encode(), about)
    return f"~1.{row}.{base64.urlsafe_b64encode(content).decode().rstrip('=')}"


def opened(value: str, about: bytes) -> str:
    """The value that was sealed. Raises WorkspaceError without its key, or for a changed one."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = column_key()
    if key is None:
        raise WorkspaceError(NO_KEY)
    text = value.rpartition(".")[2]
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    try:
        return AESGCM(key).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], about).decode()
    except InvalidTag as error:
        raise WorkspaceError(
            "a phone or e-mail does not open: RELANCE_COLUMN_KEY is another key, or the value was "
            "changed or moved in the database."
        ) from error


NO_KEY: Final = (
    "phones and e-mails of this database are encrypted: give their key (RELANCE_COLUMN_KEY, or a "
    "file of 0600 named by RELANCE_COLUMN_KEY_FILE)."
)


def column_key() -> bytes | None:
    """The key of phones and e-mails, if one is set. Raises WorkspaceError for one that is none."""
    text = given(COLUMN_KEY)
    return None if text is None else _key(text)


@lru_cache(maxsize=2)
def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32 or len(set(key)) < FEWEST_BYTES:
        raise WorkspaceError(
            "RELANCE_COLUMN_KEY is no key: write 64 hexadecimal signs drawn by chance, as "
            "`openssl rand -hex 32` gives."
        )
    return key


def key_mark(key: bytes, store_id: str) -> str:
    """By which a database knows the key that its values are sealed with."""
    return hmac.digest(key, f"columns {store_id}".encode(), hashlib.sha256).hex()
