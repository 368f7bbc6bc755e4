"""Walk books of the turfs of a workspace: gathered once, then written on paper."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Final

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.exports.aside import ensure_writable
from targeting.exports.walk_pages import count_pages
from targeting.exports.walk_pdf import on_one_thread, write_packet
from targeting.field.books import WalkBook
from targeting.field.gathering import build_books
from targeting.households.layouts import doors_in_order
from targeting.locale import text_in
from targeting.reference.addresses import load_door_layouts
from targeting.reference.credits import credits
from targeting.reference.streets import load_backdrop, load_streets
from targeting.store.engine import open_store, reading
from targeting.store.visits import load_visits
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import hand_out
from targeting.workflows.outings.phonebooks import PhoneFiles, phone_books_zip, write_phone_files
from targeting.workflows.progress import Progress, silent
from targeting.workflows.report import Report
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.history import find_outlines
from targeting.workflows.turfs.board import load_campaign_turfs, open_only

PACKET_PAGES: Final = 450
"""Pages of one packet: 1 to 1.5 MB of memory each while they are set, and a ream of paper."""

FEW_TURFS: Final = 100
"""Up to so many turfs are one packet where its pages allow it; more keep both cores busy."""

PROCESSES: Final = 2


@dataclass(frozen=True)
class WalkFiles:
    """What was written: the packets, then one file a turf."""

    packets: list[Path]
    turfs: list[Path]


@asks("turfs.print", own=True)
def load_walk_books(workspace: Workspace, turf_ids: Sequence[str] | None = None) -> list[WalkBook]:
    """The books of these turfs, else of all that are not done, by rank.

    Raises WorkspaceError when there is none, TargetingError for a turf that does not exist.
    """
    kept = load_campaign_turfs(workspace, turf_ids)
    if turf_ids is None:
        kept = open_only(kept)
    with reading(open_store(workspace)) as session:
        visits = load_visits(session)
    card = campaign_card(workspace)
    here = visits[visits["building_id"].isin(kept.stops["building_id"])]
    return build_books(
        kept.turfs,
        kept.stops,
        doors_in_order(kept.stops, load_door_layouts(workspace), here),
        campaign=card.name,
        ballot_date=card.ballot_date,
        polling_places=_polling_places(workspace, card.communes),
        streets=load_streets(workspace),
        backdrop=load_backdrop(workspace),
        credits=credits(workspace),
    )


def _polling_places(workspace: Workspace, communes: Sequence[str]) -> dict[str, str]:
    drawn = find_outlines(workspace, list(communes) or None)
    if drawn is None:
        return {}
    known = drawn.outlines.dropna(subset="polling_place")
    return {
        str(station): str(place)
        for station, place in zip(known["station_id"], known["polling_place"], strict=True)
    }


@asks("turfs.print", own=True)
def write_walk_books(
    workspace: Workspace,
    out: Path,
    *,
    turf_ids: Sequence[str] | None = None,
    language: str = "fr",
    formats: Sequence[str] = ("pdf",),
    passphrase: str | None = None,
    today: date | None = None,
    progress: Progress = silent,
) -> Report:
    """Write books of the turfs to the folder `out`.

    For `pdf`, a packet and a file a turf; for `html`, an encrypted phone book a turf, opened by
    `passphrase`, else by a phrase that is drawn and told in the report alone.

    Raises TargetingError before long work when the folder cannot be written, or there is no turf.
    """
    if out.exists() and not out.is_dir():
        raise TargetingError(f"{out} is a file: give a folder to --out.")
    ensure_writable(out / "packet.pdf")
    progress("turfs")
    books = load_walk_books(workspace, turf_ids)
    _write_down(workspace, books)
    day = today or date.today()
    phones = PhoneFiles([], None)
    if "html" in formats:
        progress("phone books")
        phones = write_phone_files(
            workspace, out, books, today=day, language=language, passphrase=passphrase
        )
    files = WalkFiles([], [])
    if "pdf" in formats:
        files = write_walk_files(out, books, today=day, language=language, progress=progress)
    facts = {
        "turfs": len(books),
        "doors": sum(b.n_open for b in books),
        "closed_doors": sum(b.n_closed for b in books),
        "packets": [str(p) for p in files.packets],
        "phone_books": [str(p) for p in phones.paths],
        "phrase": phones.phrase,
        "written": [str(p) for p in (*files.packets, *files.turfs, *phones.paths)],
    }
    text = "\n".join(
        [
            f"walk books: {len(books)}; doors to knock at: {facts['doors']:,}, to leave alone: "
            f"{facts['closed_doors']:,}.",
            *(f"written: {p}" for p in files.packets),
            *([f"written: one file a turf ({len(files.turfs)}) in {out}"] if files.turfs else []),
            *_about_phones(phones, out),
        ]
    )
    return Report(facts, text)


def _about_phones(phones: PhoneFiles, out: Path) -> list[str]:
    told = [f"written: one phone book a turf ({len(phones.paths)}) in {out}"]
    if phones.phrase is not None:
        told.append(
            f"phrase that opens them: {phones.phrase} (told this once: say it to the pairs, do not "
            "send it with the files)"
        )
    return told if phones.paths else []


def write_walk_files(
    out: Path,
    books: Sequence[WalkBook],
    *,
    today: date,
    language: str,
    progress: Progress = silent,
) -> WalkFiles:
    """Write packets and single books, in two processes where there are several packets."""
    parts = packets(books)
    jobs = [(out / packet_name(n, len(parts)), part) for n, part in enumerate(parts, 1)]
    write = partial(write_packet, today=today, language=language, beside=True)
    written: list[list[Path]] = []
    if len(jobs) == 1:
        written.append(write(*jobs[0]))
    else:
        # what a child is handed lies in walk_pdf: it loads that, and none of the workspace
        spawn = get_context("spawn")
        with _nothing_as_main(), ProcessPoolExecutor(PROCESSES, spawn, on_one_thread) as pool:
            for n, paths in enumerate(pool.map(write, *zip(*jobs, strict=True)), 1):
                progress(f"packet {n} of {len(jobs)}")
                written.append(paths)
    return WalkFiles([w[0] for w in written], [p for w in written for p in w[1:]])


@contextmanager
def _nothing_as_main() -> Iterator[None]:
    """Child processes begin with no script: a page run as `__main__` would run again there."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@asks("turfs.print", own=True)
def walk_book_pdf(
    workspace: Workspace,
    turf_ids: Sequence[str] | None,
    *,
    language: str,
    today: date | None = None,
) -> bytes:
    """One PDF of these turfs, else of all open ones, for a screen.

    Raises TargetingError where that is more than a packet: the command writes several.
    """
    books = load_walk_books(workspace, turf_ids)
    _write_down(workspace, books)
    if len(parts := packets(books)) > 1:
        raise TargetingError(text_in(language, "turfs.pdf_too_many", packets=len(parts)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "carnets.pdf"
        write_packet(path, books, today=today or date.today(), language=language)
        return path.read_bytes()


@asks("turfs.print", own=True)
def phone_book_zip(
    workspace: Workspace, turf_ids: Sequence[str] | None, *, language: str
) -> tuple[bytes, str]:
    """A zip of the phone books of these turfs, else of all open ones, and their phrase."""
    books = load_walk_books(workspace, turf_ids)
    _write_down(workspace, books)
    return phone_books_zip(workspace, books, language=language)


def _write_down(workspace: Workspace, books: Sequence[WalkBook]) -> None:
    """Say in the log that books go out, before they are made."""
    hand_out(workspace, "books", action="turfs.print", act="print", count=len(books))


def packets(books: Sequence[WalkBook]) -> list[list[WalkBook]]:
    """The books in order, in packets of about as many pages, at most PACKET_PAGES each."""
    sizes = [count_pages(book) for book in books]
    count = max(-(-sum(sizes) // PACKET_PAGES), PROCESSES if len(books) > FEW_TURFS else 1)
    share = sum(sizes) / count
    parts: list[list[WalkBook]] = []
    before = 0
    for book, size in zip(books, sizes, strict=True):
        if before >= len(parts) * share:
            parts.append([])
        parts[-1].append(book)
        before += size
    return parts


def packet_name(number: int, count: int) -> str:
    """`carnets.pdf`, or `carnets-1.pdf`… where there are several."""
    return "carnets.pdf" if count == 1 else f"carnets-{number}.pdf"
