"""One reader against many damaged files: a clear refusal or a right read, and nothing written."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pandera.config import config_context
from polars.exceptions import PanicException

from targeting.errors import TargetingError
from tests.fuzz.mutate import mutated
from tests.fuzz.readers import Reader

IN_MEMORY = Path("/dev/shm")
"""A folder in memory, where the system has one: thousands of files are written and read."""

Progress = Callable[[Counter[str]], None]


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder for the damaged files, and for what readers unpack."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        ours, theirs = Path(folder) / "files", Path(folder) / "unpacked"
        ours.mkdir()
        theirs.mkdir()
        tempfile.tempdir = str(theirs)
        try:
            yield ours
            assert not list(theirs.iterdir()), "what a reader unpacks is taken away"
        finally:
            tempfile.tempdir = before


def fuzz(
    reader: Reader,
    rounds: int,
    folder: Path,
    *,
    first: int = 0,
    progress: Progress = lambda told: None,
) -> Counter[str]:
    """Read `rounds` damaged files; counts of `refused` and `read`.

    An AssertionError tells the reader and the seed, so that the file can be made again.
    """
    sound = reader.make()
    path = folder / f"damaged{reader.suffix}"
    path.write_bytes(reader.wrap(sound))
    reader.check(reader.read(path), sound)
    told: Counter[str] = Counter()
    for number in range(first, first + rounds):
        seed = f"{reader.name} {number}"
        inner = mutated(sound, seed)
        content = reader.wrap(inner)
        path.write_bytes(content)
        try:
            told[_outcome(reader, path, inner)] += 1
            assert [p.name for p in folder.iterdir()] == [path.name], "a reader writes nothing"
            assert path.read_bytes() == content, "a reader leaves the file as it is"
        except (Exception, PanicException) as fault:
            raise AssertionError(f"seed {seed!r}: {type(fault).__name__}: {fault}") from fault
        progress(told)
    return told


def _outcome(reader: Reader, path: Path, inner: bytes) -> str:
    """`refused` or `read`.

    The contracts of tables.py (most of a reader's time on a file of three lines) are tried only
    where the read is not right without them: they can refuse a file, not make a read right.
    """
    with config_context(validation_enabled=False):
        try:
            return _read_and_checked(reader, path, inner)
        except (
            Exception,
            PanicException,
        ):  # whatever it is: the reader with its contract is the one that counts
            pass
    return _read_and_checked(reader, path, inner)


def _read_and_checked(reader: Reader, path: Path, inner: bytes) -> str:
    try:
        read = reader.read(path)
    except TargetingError as refusal:
        message = str(refusal)
    else:
        reader.check(read, inner)
        return "read"
    assert "\n" not in message, "a refusal is one line"
    return "refused"
