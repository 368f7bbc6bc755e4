"""Sheets of the map: seconds, processor seconds and kilobytes of each paper and kind, and of a card.

    python -m tests.benchmarks.sheets [--workspace DIR] [--stations 900]

A square town of so many stations is drawn as it is; a workspace (by default the invented town's)
goes the whole way, with its board at hand and nothing kept, as for a screen that is open.
`listing` is the baseline: the table of the same stations as a CSV.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from targeting.config import Workspace
from targeting.exports.map_sheet import LegendRow, MapSheet, write_map_sheet
from targeting.palette import LIGHT
from targeting.workflows.demo import fill_demo
from targeting.workflows.stations.board import campaign_quarters
from targeting.workflows.stations.sheets.card import card_sheet
from targeting.workflows.stations.sheets.files import shown_file
from targeting.workflows.stations.sheets.map import map_sheet
from targeting.workflows.stations.sheets.parts import load_at_hand
from tests.exports.towns_on_paper import town

BUDGET_S = {"png": 1.0, "pdf": 3.0}
"""Processor seconds, warm: a PNG of a city, an A3 PDF."""

DAY = date(2026, 11, 27)


def told(name: str, work: Callable[[], bytes], *, goal: float | None = None) -> None:
    """Do it twice and print the second: the first reads fonts and fills pools."""
    work()
    started, busy = time.perf_counter(), time.process_time()
    made = work()
    wall, cpu = time.perf_counter() - started, time.process_time() - busy
    verdict = "" if goal is None else f"  {'held' if cpu <= goal else 'MISSED'} (goal ≤ {goal:g} s)"
    print(f"  {name:<24} {wall:>6.2f} s {cpu:>6.2f} s CPU {len(made) / 1024:>7.0f} KB{verdict}")


def measure_square(stations: int) -> None:
    side = round(stations**0.5)
    legend = [LegendRow(colour, f"classe {n}") for n, colour in enumerate(LIGHT)]
    sheet = MapSheet(town(side, side), "Ville", "Priorité", legend, credits=["Une source"])
    print(f"a square town of {side * side} stations, drawn")
    for paper in ("A4", "A3"):
        for kind, goal in BUDGET_S.items():
            told(
                f"{paper} {kind}",
                lambda p=paper, k=kind: write_map_sheet(sheet, paper=p, kind=k, today=DAY),
                goal=goal,
            )


def measure_workspace(workspace: Workspace) -> None:
    """From the board at hand to bytes; the cache is emptied before each."""
    at_hand = load_at_hand(workspace)
    station, quarters = at_hand.board.table.index[0], campaign_quarters(workspace)

    def anew(work: Callable[[], bytes]) -> bytes:
        for kept in (workspace.root / "cache").glob("*-sheet-*"):
            kept.unlink()
        return work()

    print(f"{len(at_hand.board.table)} stations of a workspace, from the board to the bytes")
    told("listing", lambda: shown_file(workspace, ".csv", at_hand=at_hand))
    for paper in ("A4", "A3"):
        for kind, goal in BUDGET_S.items():
            sheet = lambda p=paper, k=kind: map_sheet(  # noqa: E731
                workspace, paper=p, kind=k, quarters=quarters, at_hand=at_hand, today=DAY
            )
            told(f"{paper} {kind}", lambda s=sheet: anew(s), goal=goal)
            told(f"{paper} {kind}, kept", sheet)
    card = lambda: card_sheet(workspace, station, at_hand=at_hand, today=DAY)  # noqa: E731
    told("card", lambda: anew(card))
    told("card, kept", card)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--stations", type=int, default=900)
    given = parser.parse_args()
    measure_square(given.stations)
    with tempfile.TemporaryDirectory() as folder:
        copy = Workspace(Path(folder) / "town")
        if given.workspace is None:
            fill_demo(copy)
        else:
            shutil.copytree(given.workspace, copy.root)
        measure_workspace(copy)


if __name__ == "__main__":
    main()
