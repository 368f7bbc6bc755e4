"""`make bench`: figures of this machine, as ratios against named baselines in one run.

`make bench ONLY=results` runs one. Benchmarks on real files say so when the files are absent.
"""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    "results", "scores", "ranks", "stations", "turfs", "walks", "books", "sheets", "browser", "door",
)  # fmt: skip


def main() -> int:
    wanted = sys.argv[1:] or list(BENCHMARKS)
    if unknown := [w for w in wanted if w not in BENCHMARKS]:
        print(f"no benchmark {', '.join(unknown)}: one of {', '.join(BENCHMARKS)}")
        return 2
    codes = [
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode
        for name in wanted
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
