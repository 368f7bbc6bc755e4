"""What can be made again, kept in the workspace's cache: named by what it is made of.

One file an entry, `<name>-<hash>.<kind>`: written aside, then moved in, so that many processes and
threads may ask at once; the first builds, the others wait for it. A damaged file is made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Generic, TypeVar

from targeting.config import Workspace
from targeting.reference.checksums import fingerprint
from targeting.reference.staging import write_whole

if TYPE_CHECKING:
    import pandas as pd

Kept = TypeVar("Kept")

ENTRIES: Final = 4
"""Entries kept of each name: those of the communes a campaign asks for, together or by some."""

STALE_SECONDS: Final = 3600.0
"""A draft of before was left by a process that was killed."""


def damage() -> tuple[type[Exception], ...]:
    """What readers raise over a file that is cut short or changed."""
    import pyarrow as pa

    return (
        OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, pa.ArrowException,
    )  # fmt: skip


@dataclass(frozen=True)
class Kind(Generic[Kept]):
    """How one kind of entry is written and read; `read` raises one of `damage` over a bad file."""

    suffix: str
    write: Callable[[Kept, BinaryIO], object]
    read: Callable[[Path], Kept]


def cached(
    workspace: Workspace,
    name: str,
    parts: Sequence[object],
    build: Callable[[], Kept],
    kind: Kind[Kept],
    *,
    entries: int = ENTRIES,
) -> Kept:
    """The entry of `name` made of `parts` (plain values): kept, else built and kept.

    Where the cache cannot be written (a full disk, or one that is read only) it is only built.
    """
    path = _entry(workspace, name, parts, kind.suffix)
    found = _read(path, kind)
    if found is not None:
        return found[0]
    with _one_builder(path):
        found = _read(path, kind)  # built by somebody else while we waited
        if found is not None:
            return found[0]
        made = build()
        with contextlib.suppress(OSError):  # it will be made again: nothing is lost
            write_whole(path, lambda file: kind.write(made, file))
            _prune(path, name, kind.suffix, entries)
        return made


def find_kept(
    workspace: Workspace, name: str, parts: Sequence[object], kind: Kind[Kept]
) -> Kept | None:
    """The entry of `name` made of `parts` where it is kept already; nothing is built."""
    found = _read(_entry(workspace, name, parts, kind.suffix), kind)
    return None if found is None else found[0]


def _entry(workspace: Workspace, name: str, parts: Sequence[object], suffix: str) -> Path:
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    return workspace.root / "cache" / f"{name}-{digest}{suffix}"


def content_of(workspace: Workspace, folders: Iterable[str], *, blocs: bool = False) -> list[Any]:
    """What an entry made of these folders of `reference/` is named by: the content of each file."""
    parts: list[Any] = [fingerprint(workspace, folder) for folder in folders]
    if blocs and workspace.blocs.exists():
        parts.append(hashlib.sha256(workspace.blocs.read_bytes()).hexdigest())
    return parts


def _read(path: Path, kind: Kind[Kept]) -> tuple[Kept] | None:
    try:
        return (kind.read(path),)
    except FileNotFoundError:
        return None
    except damage():
        return None  # cut short or changed: it is built


@contextlib.contextmanager
def _one_builder(path: Path) -> Iterator[None]:
    """One process and thread at a time builds an entry; who cannot lock builds all the same."""
    lock = path.with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        lock.unlink(missing_ok=True)  # who waits holds the same file, and looks before it builds
        os.close(handle)


def _prune(path: Path, name: str, suffix: str, entries: int) -> None:
    """Older entries of the name go, and what killed processes left."""
    dated = sorted(
        ((_age(p), p) for p in path.parent.glob(f"{name}-*{suffix}") if p != path),
        key=lambda pair: pair[0],
    )
    for _, old in dated[entries - 1 :]:
        old.unlink(missing_ok=True)
    for pattern in ("*.draft", ".*.draft", "*.lock"):
        for left in path.parent.glob(pattern):
            if _age(left) > STALE_SECONDS:
                left.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # somebody else took it away


# -- kinds -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bundle:
    """Tables and facts that are kept together."""

    tables: Mapping[str, pd.DataFrame]
    facts: Mapping[str, Any]


def _write_bundle(bundle: Bundle, file: BinaryIO) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, table in bundle.tables.items():
            content = io.BytesIO()
            table.to_parquet(content, index=False)
            archive.writestr(f"{name}.parquet", content.getvalue())
        archive.writestr("facts.json", json.dumps(bundle.facts, ensure_ascii=False))


def _read_bundle(path: Path) -> Bundle:
    """Each part is read whole, and with it its checksum is looked at."""
    import pandas as pd

    with zipfile.ZipFile(path) as archive:
        names = [n.removesuffix(".parquet") for n in archive.namelist() if n != "facts.json"]
        tables = {n: pd.read_parquet(io.BytesIO(archive.read(f"{n}.parquet"))) for n in names}
        return Bundle(tables, json.loads(archive.read("facts.json")))


BUNDLE: Final = Kind(".zip", _write_bundle, _read_bundle)


def _read_facts(path: Path) -> Bundle:
    with zipfile.ZipFile(path) as archive:
        return Bundle({}, json.loads(archive.read("facts.json")))


FACTS: Final = Kind(".zip", _write_bundle, _read_facts)
"""A bundle of which the facts alone are asked for: its tables are not opened."""
