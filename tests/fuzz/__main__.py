"""`make fuzz`: 20,000 damaged files a reader, one reader after the other (ONLY= to pick some)."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.fuzz.readers import READERS, Reader
from tests.fuzz.run import a_folder, fuzz

EVERY_S = 2.0
"""Seconds between two lines of progress on a terminal."""

COLUMNS = f"{'reader':<36} {'rounds':>7} {'refused':>8} {'right':>7} {'s':>6}"


def row(reader: Reader, told: Counter[str], seconds: float) -> str:
    return (
        f"{reader.name:<36} {told.total():>7,} {told['refused']:>8,} {told['read']:>7,} "
        f"{seconds:>6.0f}"
    )


def one(reader: Reader, rounds: int) -> tuple[str, bool]:
    """Its row of the table, or its first fault; and whether it held."""
    started = shown = time.perf_counter()

    def progress(told: Counter[str]) -> None:
        nonlocal shown
        now = time.perf_counter()
        if sys.stderr.isatty() and now - shown > EVERY_S:
            shown = now
            print(f"\r{row(reader, told, now - started)}", end="\r", file=sys.stderr, flush=True)

    with a_folder() as folder:
        try:
            told = fuzz(reader, rounds, folder, progress=progress)
        except AssertionError as fault:
            return f"{reader.name:<36} WRONG: {fault}", False
    return row(reader, told, time.perf_counter() - started), True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="parts of readers' names")
    parser.add_argument("--rounds", type=int, default=20_000)
    arguments = parser.parse_args()
    chosen = [r for r in READERS if not arguments.only or any(o in r.name for o in arguments.only)]
    rows, held = [], True
    for number, reader in enumerate(chosen, 1):
        text, right = one(reader, arguments.rounds)
        print(f"{number}/{len(chosen)} {text}", flush=True)
        rows.append(text)
        held &= right
    print(f"\n{COLUMNS}", *rows, sep="\n")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
