"""One reader against many damaged files: a clear refusal or a right read, and nothing written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from targeting.errors import SourceError
from tests.fuzz.mutate import mutated
from tests.fuzz.readers import Reader


def fuzz(reader: Reader, rounds: int, folder: Path, *, first: int = 0) -> Counter[str]:
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
        path.write_bytes(reader.wrap(inner))
        before = path.read_bytes()
        try:
            try:
                read = reader.read(path)
            except SourceError as refusal:
                message = str(refusal)
                assert "\n" not in message, "a refusal is one line"
                told["refused"] += 1
            else:
                reader.check(read, inner)
                told["read"] += 1
            assert [p.name for p in folder.iterdir()] == [path.name], "a reader writes nothing"
            assert path.read_bytes() == before, "a reader leaves the file as it is"
        except Exception as fault:
            raise AssertionError(f"seed {seed!r}: {type(fault).__name__}: {fault}") from fault
    return told
