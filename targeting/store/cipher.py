"""The campaign's file encrypted at rest: SQLCipher, under a key made from a passphrase.

`relance.key`, beside the database, says how the key is made (argon2id, its cost and salt) and holds
a mark that tells the right passphrase; it has a twin in `backups/`, as without its salt nothing
opens any more. The key itself is made once a process, kept in memory, and handed to SQLCipher as it
is: a connection then opens without deriving anything.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sqlite3
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from targeting.errors import WorkspaceError
from targeting.reference.sheets import dump_sealed, load_sealed
from targeting.reference.staging import write_whole
from targeting.store import passphrases

KEY_FILE: Final = "relance.key"
PLAIN: Final = b"SQLite format 3\0"
"""How a file begins that is not encrypted."""
KEY_BYTES: Final = 32


@dataclass(frozen=True)
class Cost:
    """What one try at a passphrase costs (argon2id): passes, KiB of memory, lanes."""

    passes: int
    memory_kib: int
    lanes: int


COST: Final = [Cost(3, 65536, 4)]
"""RFC 9106's second choice: 0.15 s here (TRUST SEC-03)."""
CHEAPEST, DEAREST = Cost(1, 8192, 1), Cost(20, 2**20, 16)
"""Beyond them a file is not ours: it would have us wait, or spend the memory."""


@dataclass(frozen=True)
class KeySheet:
    """How a key is made from the passphrase, and the mark by which the right one is known."""

    salt: str
    cost: Cost
    mark: str

    def dump(self) -> bytes:
        return dump_sealed({"salt": self.salt, **asdict(self.cost), "mark": self.mark}).encode()


def master_key(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """Thirty-two bytes that only this passphrase gives, at that cost."""
    from argon2.low_level import Type, hash_secret_raw

    with _one_at_a_time:  # each takes its memory
        return hash_secret_raw(
            passphrase.encode(), salt, time_cost=cost.passes, memory_cost=cost.memory_kib,
            parallelism=cost.lanes, hash_len=KEY_BYTES, type=Type.ID,
        )  # fmt: skip


def key_for(master: bytes, use: str) -> bytes:
    """The key of one use: another use has another, and neither tells the other (HKDF, RFC 5869)."""
    drawn = hmac.digest(b"relance", master, hashlib.sha256)
    return hmac.digest(drawn, use.encode() + b"\1", hashlib.sha256)


_one_at_a_time = Lock()
_held: dict[Path, tuple[tuple[int, ...], bytes]] = {}
"""Keys that this process has made: folder of the database → stamp of its key file, master key."""

_wrong: set[tuple[tuple[int, ...], int]] = set()
"""Key files, by their stamp, with what was tried on them and is not their passphrase."""


# -- the key file ----------------------------------------------------------------------------------


def new_sheet(passphrase: str) -> tuple[KeySheet, bytes]:
    """A key of its own for a passphrase that is strong enough: its sheet, and the master key."""
    passphrases.refuse_weak(passphrase)
    salt = secrets.token_bytes(16)
    master = master_key(passphrase, salt, COST[0])
    return KeySheet(salt.hex(), COST[0], _mark(master, salt.hex(), COST[0])), master


def _mark(master: bytes, salt: str, cost: Cost) -> str:
    said = f"{salt} {cost.passes} {cost.memory_kib} {cost.lanes}"
    return hmac.digest(key_for(master, "key_file"), said.encode(), hashlib.sha256).hex()


def places(file: Path) -> tuple[Path, Path]:
    """Where the sheet of a database is, and its twin."""
    return file.with_name(KEY_FILE), file.parent / "backups" / KEY_FILE


def is_keyed(file: Path) -> bool:
    """Whether the database has a key: it is encrypted, or about to be."""
    return any(place.exists() for place in places(file))


def write_sheet(file: Path, sheet: KeySheet) -> None:
    """Write the sheet and its twin, each whole; their owner alone may read them."""
    for place in places(file):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, lambda out: out.write(sheet.dump()))


def read_sheet(file: Path) -> KeySheet | None:
    """How the key of a database is made; None where it has none.

    A sheet that is damaged or gone is its twin's. Raises WorkspaceError if both are damaged.
    """
    damaged = False
    for place in places(file):
        try:
            facts = load_sealed(place.read_text())
            cost = Cost(*(int(facts[name]) for name in asdict(CHEAPEST)))
            sheet = KeySheet(str(facts["salt"]), cost, str(facts["mark"]))
            bounds = zip(*(asdict(c).values() for c in (CHEAPEST, cost, DEAREST)), strict=True)
            if len(bytes.fromhex(sheet.salt)) == 16 and all(a <= b <= c for a, b, c in bounds):
                return sheet
            damaged = True
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (ValueError, TypeError, KeyError, AttributeError):
            damaged = True
    if damaged:
        raise WorkspaceError(
            f"{KEY_FILE} of {file.parent} is damaged, and so is its twin in backups/: without it "
            "no passphrase opens anything. Put it back from a copy, or restore a backup "
            "(`restore FILE`: it has its own)."
        )
    return None


def unlocked(sheet: KeySheet, passphrase: str) -> bytes | None:
    """The master key, if this is the passphrase."""
    master = master_key(passphrase, bytes.fromhex(sheet.salt), sheet.cost)
    known = _mark(master, sheet.salt, sheet.cost)
    return master if hmac.compare_digest(known, sheet.mark) else None


def master_of(file: Path) -> bytes | None:
    """The master key of a database, made once a process; None where it has none.

    Raises WorkspaceError without a passphrase, or with another one.
    """
    stamp = _stamp(file)
    if stamp is None:
        return None
    held = _held.get(file.parent)
    if held is not None and held[0] == stamp:
        return held[1]
    sheet = read_sheet(file)
    if sheet is None:
        return None
    passphrase = passphrases.given(passphrases.PASSPHRASE) or passphrases.asked()
    if passphrase is None:
        raise WorkspaceError(
            f"the database of {file.parent} is encrypted: give its passphrase "
            "(RELANCE_PASSPHRASE, or a file of 0600 named by RELANCE_PASSPHRASE_FILE)."
        )
    tried = (stamp, hash(passphrase))
    master = unlocked(sheet, passphrase) if tried not in _wrong else None
    if master is None:
        _wrong.add(tried)  # a server asks again at each page, and each try costs
        raise WorkspaceError(
            f"this is not the passphrase of {file.parent}: nothing was opened or changed. Check "
            "RELANCE_PASSPHRASE; it may have been changed by `rotate-key`."
        )
    hold(file, master)
    return master


def hold(file: Path, master: bytes) -> None:
    """Keep a key that was made, while its sheet stays as it is."""
    stamp = _stamp(file)
    if stamp is not None:
        _held[file.parent] = stamp, master


def forget_keys() -> None:
    """As a new process would: whoever opens a database next makes its key again."""
    _held.clear()
    _wrong.clear()


def _stamp(file: Path) -> tuple[int, ...] | None:
    for place in places(file):
        try:
            found = os.stat(place)
        except OSError:
            continue
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None


# -- the file --------------------------------------------------------------------------------------


def is_plain(file: Path) -> bool:
    """Whether a database's file can be read by whoever has it."""
    try:
        with open(file, "rb") as opened:
            return opened.read(len(PLAIN)) == PLAIN
    except FileNotFoundError:
        return False


def fit(file: Path, *, is_demo: bool, is_new: bool) -> None:
    """Make the key of a database that is to be, if a passphrase is given.

    Raises WorkspaceError where file and passphrase do not go together: a plain database is never
    taken for an encrypted one. The invented town stays plain.
    """
    plain = is_plain(file)
    if is_keyed(file):
        if plain:
            raise WorkspaceError(
                f"{file.name} of {file.parent} is not encrypted, and {KEY_FILE} says that it is: "
                "somebody put another there. Restore a backup (`restore FILE`), or encrypt what "
                "is there: `encrypt`."
            )
        return
    if is_demo:
        return
    passphrase = passphrases.given(passphrases.PASSPHRASE)
    if passphrase is None:
        return
    if plain:
        raise WorkspaceError(
            f"the database of {file.parent} is not encrypted, though a passphrase is given: "
            "encrypt it (`encrypt`), or unset RELANCE_PASSPHRASE."
        )
    if is_new:
        make_key(file, passphrase)


def make_key(file: Path, passphrase: str) -> None:
    """Give a database that is to be its key."""
    sheet, master = new_sheet(passphrase)
    write_sheet(file, sheet)
    hold(file, master)


def raw_key(master: bytes) -> str:
    """What SQLCipher is handed: the key itself, nothing to derive."""
    return f"x'{key_for(master, 'database').hex()}'"


def connect(file: str, key: str, **options: Any) -> Any:
    """A connection to a file, as the engine has it: an empty key is that of a plain one.

    A plain file is Python's own SQLite's, always: of two libraries in one process, one closing a
    file lets go of the locks that the other has on it (POSIX).
    """
    return apart(file, key, **options) if key else sqlite3.connect(file, **options)


def apart(file: str, key: str, **options: Any) -> Any:
    """A connection of SQLCipher's library: to an encrypted file, or one that nobody else opens."""
    connection = library().connect(file, **options)
    if key:
        connection.execute(f'PRAGMA key="{key}"')
        connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def errors(name: str) -> tuple[type[Exception], ...]:
    """The error of this name, of Python's SQLite and of SQLCipher's where it was loaded."""
    modules = (sqlite3, sys.modules.get("sqlcipher3.dbapi2"))
    return tuple(getattr(module, name) for module in modules if module is not None)


def library() -> Any:
    """SQLCipher's own SQLite, loaded where a file is encrypted, and there alone."""
    from sqlcipher3 import dbapi2

    if not _quiet:
        with dbapi2.connect(":memory:") as memory:
            memory.execute("PRAGMA cipher_log_level=NONE")  # a wrong key is told in our words
        _quiet.append(True)
    return dbapi2


def version() -> str:
    """SQLCipher's version."""
    with library().connect(":memory:") as memory:
        return str(memory.execute("PRAGMA cipher_version").fetchone()[0]).split()[0]


_quiet: list[bool] = []
