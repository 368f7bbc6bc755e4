"""Walk books of 200 turfs of the invented town: seconds, pages, megabytes, against the plain list.

    python -m tests.benchmarks.books [--turfs 200] [--doors 10]

`list` is the baseline: the HTML list of the same turfs, printed by a browser afterwards. The packet
is one PDF; `packet and singles` one PDF a turf beside; `phone` an encrypted page a turf. Memory is
the growth of the peak of this process and its children.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pypdfium2

from targeting.config import Workspace
from targeting.exports.walk_pdf import write_packet
from targeting.workflows.demo import fill_demo
from targeting.workflows.outings.phonebooks import write_phone_files
from targeting.workflows.outings.walkbooks import load_walk_books, write_walk_files
from targeting.workflows.turfs.cutting import cut_campaign_turfs
from targeting.workflows.turfs.files import export_turfs

BUDGET_S = 10.0
"""200 turfs × 2 pages (DESIGN 7)."""


def timed(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def peak_mb() -> float:
    own, children = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return max(own, children) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--turfs", type=int, default=200)
    parser.add_argument("--doors", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.turfs, given.doors)


def measure(folder: Path, count: int, doors: int) -> None:
    """Make the town, cut it, write the books every way; print one line each."""
    workspace, today = Workspace(folder / "town"), date(2026, 11, 25)
    fill_demo(workspace)
    report = cut_campaign_turfs(workspace, chosen="all", doors=doors, fast=True)
    ids = [t["turf_id"] for t in report.facts["table"]][:count]
    load_s, books = timed(lambda: load_walk_books(workspace, ids))
    base_s, _ = timed(lambda: export_turfs(workspace, folder / "list.html", turf_ids=ids))
    print(f"{len(books)} turfs of about {doors} doors, gathered in {load_s:.1f} s")
    ways: dict[str, Callable[[], object]] = {
        "packet": lambda: write_packet(folder / "packet.pdf", books, today=today),
        "packet and singles": lambda: write_walk_files(
            folder / "all", books, today=today, language="fr"
        ),
        "phone": lambda: write_phone_files(
            workspace, folder / "phone", books, today=today, language="fr", passphrase="a b c d e"
        ),
    }
    print(f"{'way':<20} {'s':>6} {'x list':>7} {'MB':>6}")
    print(f"{'list':<20} {base_s:>6.1f} {1:>7.1f} {peak_mb():>6.0f}")
    seconds = {}
    for name, work in ways.items():
        seconds[name], _ = timed(work)
        print(f"{name:<20} {seconds[name]:>6.1f} {seconds[name] / base_s:>7.1f} {peak_mb():>6.0f}")
    pages = len(pypdfium2.PdfDocument(folder / "packet.pdf"))
    sizes = sorted(p.stat().st_size for p in (folder / "phone").glob("*.html"))
    print(f"packet: {pages} pages; phone: {sizes[0]:,} to {sizes[-1]:,} bytes")
    for name, s in seconds.items():
        print(
            f"  {'held' if s <= BUDGET_S else 'MISSED'}  {name}: {s:.1f} s (goal ≤ {BUDGET_S:.0f})"
        )


if __name__ == "__main__":
    main()
