"""`python -m tests.mutants [WORD…]`: break one promise at a time, and see whether a test notices.

Each mutant is put into a copy of the package, never into the package itself. The tests named beside
it must pass on the copy as it is, and fail on the mutant. Words choose mutants by id or file.

    --tests DIR    take the tests of another state (`git archive REV tests | tar x -C DIR`)
    --names        only say which mutants there are
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.broken import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("targeting", "tests", "data", "pages", ".streamlit", "app.py", "pyproject.toml")
LEFT = shutil.ignore_patterns("workspace", "*.pyc", "benchmarks")


def main(arguments: Sequence[str]) -> int:
    """Try the mutants chosen; 0 if every one is killed."""
    asked = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    asked.add_argument("words", nargs="*")
    asked.add_argument("--tests", type=Path)
    asked.add_argument("--names", action="store_true")
    told = asked.parse_args(arguments)
    chosen = [
        m for m in MUTANTS if not told.words or any(w in f"{m.id} {m.file}" for w in told.words)
    ]
    if told.names:
        print(*(f"{m.id:<5} {m.file}: {m.promise}" for m in chosen), sep="\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="relance-mutants-") as folder:
        copy = copied(Path(folder) / "relance", told.tests)
        sound = sorted({test for m in chosen for test in there(copy, m)})
        if (failure := failing(copy, sound)) is not None:
            print(f"nothing can be told, for the tests do not pass on what is whole:\n{failure}")
            return 1
        survived = [m for m in chosen if not killed(copy, m)]
    rate = 1 - len(survived) / max(len(chosen), 1)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} killed ({rate:.0%})")
    return 1 if survived else 0


def copied(copy: Path, tests: Path | None) -> Path:
    """A copy of the package and its tests; compiled kernels come along."""
    copy.mkdir()
    for name in COPIED:
        source = tests / "tests" if name == "tests" and tests is not None else ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=LEFT)
        else:
            shutil.copy2(source, copy / name)
    return copy


def there(copy: Path, mutant: Mutant) -> list[str]:
    """Its tests, as far as this state has them."""
    return [t for t in mutant.tests if (copy / t.split("::")[0]).exists()]


def failing(copy: Path, tests: Sequence[str]) -> str | None:
    """What pytest says of the first of these tests that fails on the copy as it stands, if any."""
    command = [
        sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider",
        "--no-header", "-m", "not postgres and not browser and not real", *tests,
    ]  # fmt: skip
    env = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"pytest did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout[-2000:] if done.returncode else None


def killed(copy: Path, mutant: Mutant) -> bool:
    """Whether a test fails once this promise is broken; the copy is whole again afterwards."""
    path = copy / mutant.file
    text, stamp = path.read_text(), path.stat()
    if text.count(mutant.old) != 1:
        sys.exit(f"{mutant.id}: its text stands {text.count(mutant.old)} times in {mutant.file}.")
    began = time.monotonic()
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        is_killed = failing(copy, there(copy, mutant)) is not None
    finally:
        path.write_text(text)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    word = "killed  " if is_killed else "SURVIVED"
    print(f"{word} {mutant.id:<5} {time.monotonic() - began:5.1f} s  {mutant.promise}", flush=True)
    return is_killed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
