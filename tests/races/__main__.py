"""Run commands at once and count the doors that stand in two open turfs: there must be none.

`python -m tests.races --engine sqlite --seeds 20`; for PostgreSQL give an empty database in
RELANCE_DATABASE_URL and `--engine postgres`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from targeting.config import PROJECT, Workspace
from targeting.store.engine import open_store, reading, write
from targeting.store.turfs import load_stops, load_turfs
from targeting.store.visits import record_visits
from targeting.workflows.demo import fill_demo

from .doors import doors_in_two_open_turfs, some_visits

ACTORS: Final = 8
VISITORS: Final = 5
"""Lists of visits that come in while the commands run."""


def command(workspace: Workspace, *words: str) -> subprocess.Popen[str]:
    """One command, begun and not waited for."""
    line = [sys.executable, "-m", "targeting", "--workspace", str(workspace.root), *words]
    return subprocess.Popen(
        line, cwd=PROJECT, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def race(workspace: Workspace, commands: list[list[str]], seed: int) -> list[int]:
    """Begin these commands at once, bring visits meanwhile; gives their exit codes."""
    running = [command(workspace, *words) for words in commands]
    for n in range(VISITORS):
        with reading(open_store(workspace)) as session:
            rows = some_visits(load_turfs(session), load_stops(session), seed=seed * VISITORS + n)
        write(open_store(workspace), lambda s, rows=rows: record_visits(s, rows))
    return [one.wait(600) for one in running]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args()
    if (asked.engine == "postgres") != ("RELANCE_DATABASE_URL" in os.environ):
        parser.error("RELANCE_DATABASE_URL goes with --engine postgres, and with it alone.")
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "races")
        fill_demo(workspace)
        bad = 0
        for seed in range(asked.seeds):
            recuts = race(workspace, [["turfs", "recut", "--fast"]] * ACTORS, 2 * seed)
            cuts = race(workspace, [["turfs", "cut", "--stations", "top:3", "--fast"]] * ACTORS,
                        2 * seed + 1)  # fmt: skip
            with reading(open_store(workspace)) as session:
                doubles = doors_in_two_open_turfs(load_turfs(session), load_stops(session))
            bad += doubles + sum(code not in (0, 2) for code in recuts + cuts)
            print(f"seed {seed}: recut {recuts}, cut {cuts}: {doubles} doors in two open turfs",
                  flush=True)  # fmt: skip
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
