"""Whether the tables of a workspace are still what we wrote: SHA-256 in the sheet, looked at when a
file is new to us.

A file's size, times and inode, with the SHA-256 they had, are remembered in `cache/checked.json`:
a copy of the workspace has other inodes and is looked at again, whatever its dates say.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.manifest import changed_manifest, read_manifest
from targeting.reference.sheets import Sheet, import_again, is_sealed, load_sheet
from targeting.reference.staging import only_writer, recover_if_needed, write_whole

MEMORY: Final = "checked.json"

Stamp = list[int]

_seen: dict[Path, dict[str, tuple[Stamp, str]]] = {}
"""What this process knows of each workspace: name of a file → its stamp, its SHA-256."""


def stamp(path: Path) -> Stamp:
    """What changes whenever a file is written, moved or copied: size, times, place on the disk."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev]


def content_hash(workspace: Workspace, path: Path, *, again: bool = False) -> str:
    """SHA-256 of a file of the workspace: remembered, unless the file is new (or `again`)."""
    known, name = _memory(workspace), str(path.relative_to(workspace.root))
    for _ in range(3):
        before = stamp(path)
        if not again and name in known and known[name][0] == before:
            return known[name][1]
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if stamp(path) == before:
            break
    remember(workspace, name, before, found)
    return found


def remembered(workspace: Workspace, name: str) -> tuple[Stamp, str] | None:
    """What was remembered of a file under this name."""
    return _memory(workspace).get(name)


def remember(workspace: Workspace, name: str, of: Stamp, content: str) -> None:
    """Keep what a file had when it was looked at; on a disk that is full, for this process only."""
    known = _memory(workspace)
    known[name] = (of, content)
    with contextlib.suppress(OSError):
        _write(workspace.root / "cache" / MEMORY, json.dumps(known, sort_keys=True))


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda file: file.write(text.encode()))


def _memory(workspace: Workspace) -> dict[str, tuple[Stamp, str]]:
    if workspace.root not in _seen:
        found: dict[str, tuple[Stamp, str]] = {}
        try:
            kept = json.loads((workspace.root / "cache" / MEMORY).read_text())
            for name, (of, content) in kept.items():
                found[name] = (list(of), str(content))
        except (OSError, ValueError, TypeError, AttributeError):
            found = {}  # gone or damaged: every file is looked at again
        _seen[workspace.root] = found
    return _seen[workspace.root]


# -- tables and their sheets -----------------------------------------------------------------------


def sheet_path(table: Path) -> Path:
    """Where the sheet of a table is: votes share that of their turnout."""
    folder = table.parent.with_name("turnout") if table.parent.name == "votes" else table.parent
    return folder / f"{table.stem}.json"


def sealed_with(sheet: Sheet, tables: Mapping[str, Path]) -> Sheet:
    """The sheet with the checksums of its tables: name under `reference/` → file as written."""
    sums = {}
    for name, path in tables.items():
        with open(path, "rb") as file:
            sums[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return replace(sheet, checksums=sums)


def checked(workspace: Workspace, table: Path, *, again: bool = False) -> Path:
    """The table, once it is what was written. Raises WorkspaceError with the way out if it is not.

    An import that moves files in meanwhile is waited for. A table of before checksums is taken as
    it is.
    """
    try:
        _look_at(workspace, table, again=again)
    except WorkspaceError:
        recover_if_needed(workspace)
        _look_at(workspace, table, again=again)
    return table


def _look_at(workspace: Workspace, table: Path, *, again: bool) -> None:
    sheet_file = sheet_path(table)
    name = f"{table.parent.name}/{table.name}"
    if not sheet_file.exists() and not read_manifest(workspace).get("checksums"):
        return  # a workspace of before, on a disk where its sheets cannot be written
    sheet = load_sheet(sheet_file)
    wanted = sheet.checksums.get(name)
    names = [str(file.get("name", "")) for file in sheet.files.values()]
    if not table.exists():
        raise WorkspaceError(
            f"{name} is gone, and its sheet is there: {import_again(table, names)}"
        )
    if wanted is not None and content_hash(workspace, table, again=again) != wanted:
        raise WorkspaceError(
            f"{name} is damaged (not what was imported): {import_again(table, names)}"
        )


def is_sound(workspace: Workspace, table: Path) -> bool:
    """Whether a table is there and is what was written."""
    try:
        return checked(workspace, table).exists()
    except WorkspaceError:
        return False


def fingerprint(workspace: Workspace, folder: str) -> list[list[str]]:
    """What a folder of `reference/` holds: each table and its SHA-256. Raises as `checked` does."""
    tables = sorted((workspace.reference / folder).glob("*.parquet"))
    return [[f"{folder}/{p.name}", content_hash(workspace, checked(workspace, p))] for p in tables]


def unreadable() -> tuple[type[Exception], ...]:
    """What readers of Parquet raise over a file that is cut short or changed."""
    # looked up once something was raised: a file that is sound loads neither library
    import pyarrow as pa
    from polars.exceptions import PolarsError

    return (pa.ArrowException, PolarsError, ValueError, KeyError)


@contextlib.contextmanager
def told_as_damage(table: Path) -> Iterator[None]:
    """What a reader raises over a damaged table, as a WorkspaceError with the way out."""
    try:
        yield
    except unreadable() as error:
        raise WorkspaceError(
            f"{table.parent.name}/{table.name} cannot be read ({type(error).__name__}): "
            f"{import_again(table)}"
        ) from error


# -- workspaces of before --------------------------------------------------------------------------


def adopt_tables(workspace: Workspace) -> int:
    """Give the sheets of before their checksums, once; tells how many were given.

    On a disk that cannot be written, or while another command writes, it is left for later.
    """
    if read_manifest(workspace).get("checksums"):
        return 0
    try:
        with only_writer(workspace.root):
            given = seal_all(workspace)
            changed_manifest(workspace.root, checksums=True)
            return given
    except (OSError, WorkspaceError):
        return 0


def seal_all(workspace: Workspace) -> int:
    """Write checksums in every sheet that has none; tells how many."""
    given = 0
    for table in sorted(workspace.reference.glob("backdrop/*.parquet")):
        if not sheet_path(table).exists():
            _write(sheet_path(table), Sheet("", "", "", {}, 0, "").dump())
    for path in sorted(workspace.reference.glob("*/*.json")):
        sheet = _readable(path)
        if sheet is None or (is_sealed(path) and sheet.checksums):
            continue
        seal_sheet(workspace, path)
        given += 1
    return given


def seal_sheet(workspace: Workspace, path: Path) -> None:
    """Take the tables of a sheet as they are now: their checksums are written in it."""
    tables = {
        f"{t.parent.name}/{t.name}": t
        for t in workspace.reference.glob(f"*/{path.stem}.parquet")
        if sheet_path(t) == path
    }
    _write(path, sealed_with(load_sheet(path), tables).dump())


def _readable(path: Path) -> Sheet | None:
    try:
        return load_sheet(path)
    except WorkspaceError:
        return None  # told by whoever reads it


def unsound_tables(workspace: Workspace) -> list[str]:
    """What is wrong with the tables, in words; every file is read whole (`doctor`)."""
    told: list[str] = []
    tables = set(workspace.reference.glob("*/*.parquet"))
    for sheet_file in workspace.reference.glob("*/*.json"):
        sheet = _readable(sheet_file)
        tables.add(sheet_file.with_suffix(".parquet"))
        tables |= {workspace.reference / name for name in (sheet.checksums if sheet else ())}
    for table in sorted(tables):
        try:
            checked(workspace, table, again=True)
        except WorkspaceError as error:
            told.append(str(error))
    return list(dict.fromkeys(told))
