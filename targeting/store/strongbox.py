"""A file that only its key opens, read and written piece by piece (AES-GCM, STREAM).

The head is in the clear: how the key is made, never what is inside. Each piece is bound to the
head, to its number and to whether it is the last: a file cut short, put together of two, or changed
by one bit does not open (Hoang, Reyhanitabar, Rogaway, Vizár 2015, CRYPTO).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from targeting.errors import WorkspaceError
from targeting.store.cipher import key_for

MAGIC: Final = b"relance backup 1\n"
PIECE: Final = 2**20
TAG: Final = 16
LONGEST_HEAD: Final = 65536


class Writer:
    """Bytes in, pieces out; nothing is a box before `close`."""

    def __init__(self, path: Path, master: bytes, head: dict[str, Any]) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        head = {**head, "drawn": secrets.token_hex(32)}
        head["mark"] = _mark(master, head)
        text = json.dumps(head, sort_keys=True).encode()
        self._file: BinaryIO = open(  # noqa: SIM115 (closed by `__exit__`)
            os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb"
        )
        start = MAGIC + struct.pack(">I", len(text)) + text
        self._file.write(start)
        self._about = hashlib.sha256(start).digest()
        self._seal = AESGCM(_file_key(master, head))
        self._waiting, self._number = bytearray(), 0

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _value: object, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._put(bytes(self._waiting), last=True)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()

    def write(self, content: bytes) -> None:
        self._waiting += content
        while len(self._waiting) > PIECE:  # the last one is told by `close`
            self._put(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]

    def _put(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._seal.encrypt(_nonce(self._number, last), piece, self._about))
        self._number += 1


def _nonce(number: int, last: bool) -> bytes:
    return struct.pack(">QI", number, last)


def _file_key(master: bytes, head: dict[str, Any]) -> bytes:
    key = key_for(master, "backup_file")
    return hmac.digest(key, bytes.fromhex(head["drawn"]), hashlib.sha256)


def _mark(master: bytes, head: dict[str, Any]) -> str:
    said = json.dumps({k: v for k, v in head.items() if k != "mark"}, sort_keys=True)
    return hmac.digest(key_for(master, "backup_head"), said.encode(), hashlib.sha256).hex()


def read_head(path: Path) -> dict[str, Any]:
    """How the key of a box is made. Raises WorkspaceError for a file that is none."""
    with _opened(path) as file:
        return _head(path, file)[0]


def opens(master: bytes, head: dict[str, Any]) -> bool:
    """Whether this is the box's key, and its head as it was written."""
    return hmac.compare_digest(_mark(master, head), str(head.get("mark")))


def _opened(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise WorkspaceError(f"{path.name} cannot be read: {error.strerror}.") from error


def _head(path: Path, file: BinaryIO) -> tuple[dict[str, Any], bytes]:
    start = file.read(len(MAGIC) + 4)
    if not start.startswith(MAGIC) or len(start) < len(MAGIC) + 4:
        raise WorkspaceError(
            f"{path.name} is no backup of Relance: nothing was changed. Backups are in backups/, "
            "and end in .backup."
        )
    length = struct.unpack(">I", start[-4:])[0]
    text = file.read(min(length, LONGEST_HEAD))
    try:
        head = json.loads(text)
        if len(text) != length or len(bytes.fromhex(head["drawn"])) != 32:
            raise ValueError
    except (ValueError, TypeError, KeyError) as error:
        raise damaged(path) from error
    return head, hashlib.sha256(start + text).digest()


def damaged(path: Path) -> WorkspaceError:
    """A box that is not as it was written."""
    return WorkspaceError(
        f"{path.name} is damaged (cut short, or changed): nothing was changed. Take another backup."
    )


def pieces(path: Path, master: bytes) -> Iterator[bytes]:
    """What is inside, piece by piece, each as it was written.

    Raises WorkspaceError at the first that is not: what came before is not to be used without the
    end.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    with _opened(path) as file:
        head, about = _head(path, file)
        seal, number = AESGCM(_file_key(master, head)), 0
        piece = file.read(PIECE + TAG)
        while True:
            following = file.read(PIECE + TAG)
            try:
                yield seal.decrypt(_nonce(number, not following), piece, about)
            except InvalidTag as error:
                raise damaged(path) from error
            if not following:
                return
            piece, number = following, number + 1
