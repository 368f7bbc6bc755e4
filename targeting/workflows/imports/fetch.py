"""`sources` and `fetch`: official files brought into the workspace's downloads, checked."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.sources.fetching.catalogue import (
    Order,
    Publication,
    find_publication,
    place_orders,
    publications,
)
from targeting.sources.fetching.download import Digests, Download, FetchError, Limits, Policy
from targeting.sources.fetching.filtering import Keeper, keeper_of
from targeting.workflows.access.asks import asks
from targeting.workflows.progress import Progress, silent
from targeting.workflows.report import Report

TOLD_EVERY: Final = 10 * 1024**2


@dataclass(frozen=True)
class Fetched:
    """One file in the downloads.

    bytes, md5, sha256: of the file as published; kept: features or rows kept of it, 0 when it is
    whole.
    """

    source: str
    file: Path
    url: str
    bytes: int
    md5: str
    sha256: str
    kept: int
    unchanged: bool = False


@asks("files.import")
def fetch_source(
    workspace: Workspace,
    name: str,
    *,
    communes: Sequence[str] = (),
    accept_new: bool = False,
    policy: Policy | None = None,
    limits: Limits | None = None,
    publication: Publication | None = None,
    progress: Progress = silent,
) -> list[Fetched]:
    """Download one publication, whole or for these communes (else the campaign's).

    A download that was cut goes on where it stopped; one that is there already and whole is left.
    Where the publisher's MD5 is known it must agree, unless `accept_new` takes a newer version. The
    file appears in `downloads/` with a sheet beside it (URL, date, SHA-256, licence) once it is
    whole and checked, never before.

    Raises FetchError with the reason and the way out.
    """
    from targeting.workflows.setup import campaign_card, refuse_demo

    refuse_demo(workspace)
    chosen = publication or find_publication(name)
    wanted = list(communes)
    if chosen.needs_communes and not wanted:
        wanted = campaign_card(workspace).communes
    return [
        _fetch(workspace, order, policy or Policy(), limits or Limits(), accept_new, progress)
        for order in place_orders(chosen, wanted)
    ]


def _fetch(
    workspace: Workspace, order: Order, policy: Policy, limits: Limits, accept_new: bool,
    progress: Progress,
) -> Fetched:  # fmt: skip
    folder = workspace.root / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / order.file
    if (there := _already(target, order)) is not None:
        return there
    part = _Part(folder / f".{order.file}.part", whole=not order.communes)
    start, validator = part.resumed()
    download = Download(
        order.url, policy, limits, expected=order.publication.bytes, start=start,
        validator=validator, told=lambda text: progress(f"{order.file}: {text}"),
    )  # fmt: skip
    keeper = keeper_of(
        order.publication.keeps, order.file, order.communes, order.publication.id_column
    )
    digests = _receive(download, part, keeper, order, progress)
    _check(order, digests, keeper, part, accept_new)
    fetched = Fetched(
        order.publication.id, target, order.url, digests.bytes, digests.md5.hexdigest(),
        digests.sha256.hexdigest(), keeper.kept,
    )  # fmt: skip
    _sheet(target).write_text(json.dumps(_sheet_of(fetched, order), ensure_ascii=False, indent=1))
    part.moved(target)
    return fetched


def _receive(
    download: Download, part: _Part, keeper: Keeper, order: Order, progress: Progress
) -> Digests:
    """Write what comes, hash it, and say how far it is."""
    digests = part.hashed()
    told = 0
    noted = download.validator
    try:
        with part.opened() as file:
            for chunk in download:
                if download.restarted:
                    if order.communes and digests.bytes:
                        raise FetchError(
                            f"{order.file}: the file changed on the server while it came: run the "
                            "same command again."
                        )
                    download.restarted = False
                    file.truncate(0)
                    file.seek(0)
                    digests = Digests()
                if not digests.bytes or download.validator != noted:
                    noted = download.validator
                    part.remember(download)
                digests.add(chunk)
                file.write(keeper.feed(chunk))
                if digests.bytes - told >= TOLD_EVERY:
                    told = digests.bytes
                    progress(f"{order.file}: {_megabytes(told, download.total)}")
            file.write(keeper.finish())
            file.flush()
            os.fsync(file.fileno())
    except SourceError:
        part.forget()
        raise
    except (FetchError, KeyboardInterrupt):
        part.keep_if_useful()
        raise
    return digests


def _megabytes(received: int, total: int) -> str:
    there = f"{received / 1e6:,.0f} MB"
    return f"{there} of {total / 1e6:,.0f} ({received / total:.0%})" if total else there


def _check(order: Order, digests: Digests, keeper: Keeper, part: _Part, accept_new: bool) -> None:
    """Refuse a file that is not the one published, or has nothing of the communes."""
    publication = order.publication
    if publication.md5 and digests.md5.hexdigest() != publication.md5 and not accept_new:
        part.forget()
        raise FetchError(
            f"{order.file}: its MD5 is {digests.md5.hexdigest()}, the published one is "
            f"{publication.md5} ({digests.bytes:,} bytes, {publication.bytes:,} expected). The "
            "transfer was altered, or the publisher issued a new version: add "
            "--accept-new-version if its page says so."
        )
    if order.communes and not keeper.kept:
        part.forget()
        raise FetchError(
            f"{order.file}: nothing of {' '.join(order.communes)} in it: check the commune codes."
        )


def _already(target: Path, order: Order) -> Fetched | None:
    """The file if it is there, whole as its sheet says."""
    sheet = _sheet(target)
    if not target.exists() or not sheet.exists():
        return None
    facts = json.loads(sheet.read_text())
    if facts.get("url") != order.url or facts.get("file_bytes") != target.stat().st_size:
        return None
    return Fetched(
        order.publication.id, target, order.url, facts["bytes"], facts["md5"], facts["sha256"],
        facts["kept"], unchanged=True,
    )  # fmt: skip


def _sheet(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _sheet_of(fetched: Fetched, order: Order) -> dict[str, Any]:
    publication = order.publication
    facts = asdict(fetched) | {
        "file": fetched.file.name,
        "file_bytes": (fetched.file.parent / f".{order.file}.part").stat().st_size,
        "communes": list(order.communes),
        "publisher": publication.publisher,
        "licence": publication.licence,
        "title": publication.title,
        "fetched_on": date.today().isoformat(),
        "published_md5": publication.md5,
    }
    del facts["unchanged"]
    return facts


class _Part:
    """A download under way: its bytes, and beside them what the server said of the file.

    Only a file kept whole can go on where it stopped: of a filtered one the bytes are not there.
    """

    def __init__(self, path: Path, *, whole: bool) -> None:
        self.path, self.whole = path, whole
        self.note = path.with_name(f"{path.name}.json")

    def resumed(self) -> tuple[int, str]:
        """Bytes that are there already, and the validator of the file they are of."""
        if self.whole and self.path.exists() and self.note.exists():
            validator = json.loads(self.note.read_text()).get("validator", "")
            if validator:
                return self.path.stat().st_size, validator
        self.forget()
        return 0, ""

    def hashed(self) -> Digests:
        """Digests of the bytes that are there."""
        digests = Digests()
        if self.path.exists():
            with open(self.path, "rb") as file:
                while chunk := file.read(1024**2):
                    digests.add(chunk)
        return digests

    def opened(self) -> Any:
        return open(self.path, "ab" if self.whole else "wb")

    def remember(self, download: Download) -> None:
        """Note which file the bytes are of, so that the next run can go on."""
        if self.whole and download.validator:
            self.note.write_text(json.dumps({"validator": download.validator}))
        else:
            self.note.unlink(missing_ok=True)

    def keep_if_useful(self) -> None:
        """Leave nothing that the next run could not go on with."""
        if not (self.note.exists() and self.path.stat().st_size):
            self.forget()

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def moved(self, target: Path) -> None:
        os.replace(self.path, target)
        self.note.unlink(missing_ok=True)


# -- commands --------------------------------------------------------------------------------------


@asks("files.import")
def sources_report(workspace: Workspace) -> Report:
    """What `sources` prints: every publication, and whether it is in the downloads."""
    there = workspace.root / "downloads"
    lines, facts = [], []
    for p in publications().values():
        got = any(there.glob(p.file.replace("{communes}", "*").replace("{department}", "*")))
        size = f"{p.bytes / 1e6:,.0f} MB" if p.bytes else "size unknown"
        scope = "  by commune" if p.keeps else "  by department" if p.per else ""
        mark = "*" if got else " "
        lines.append(f"{mark} {p.id:<22} {size:>12}  {p.publisher}, {p.licence}{scope}: {p.title}")
        facts.append({**asdict(p), "downloaded": got})
    lines.append("* downloaded. `fetch ID [--commune CODE]` downloads one.")
    return Report({"sources": facts}, "\n".join(lines))


@asks("files.import")
def fetch_report(
    workspace: Workspace,
    name: str,
    *,
    communes: Sequence[str] = (),
    accept_new: bool = False,
    progress: Progress = silent,
) -> Report:
    """What `fetch` prints: the files, their checksums, and how to import them."""
    fetched = fetch_source(
        workspace, name, communes=communes, accept_new=accept_new, progress=progress
    )
    kind = find_publication(name).kind
    lines = []
    for got in fetched:
        kept = f", {got.kept:,} kept" if got.kept else ""
        already = " (already there)" if got.unchanged else ""
        lines.append(f"{got.file}: {got.bytes:,} bytes{kept}{already}, SHA-256 {got.sha256}")
        lines.append(f"  next: python -m targeting import {kind} {got.file}")
    return Report({"fetched": [asdict(f) for f in fetched]}, "\n".join(lines))
