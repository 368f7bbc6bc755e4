"""`make fuzz`: 20,000 damaged files a reader (ONLY= to pick readers by a part of their name)."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.fuzz.readers import READERS
from tests.fuzz.run import fuzz


def one(name: str, rounds: int) -> tuple[str, str, float]:
    """One reader, in a process of its own."""
    reader = next(r for r in READERS if r.name == name)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            told = fuzz(reader, rounds, Path(folder))
        except AssertionError as fault:
            return name, f"WRONG: {fault}", time.perf_counter() - started
    words = f"{told['refused']:,} refused, {told['read']:,} read rightly"
    return name, words, time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="parts of readers' names")
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    names = [
        r.name for r in READERS if not arguments.only or any(o in r.name for o in arguments.only)
    ]
    wrong = 0
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for name, words, seconds in pool.map(one, names, [arguments.rounds] * len(names)):
            wrong += words.startswith("WRONG")
            print(f"{name:<34} {words} ({seconds:.0f} s)", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
