"""Open data of a workspace: Parquet files with their sheets, replaced whole, never edited.

Results of one election may come in several files (a department each): the communes of a new file
replace the same communes, the others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.checksums import checked, is_sound, sealed_with, sheet_path, told_as_damage
from targeting.reference.sheets import Sheet, load_sheet
from targeting.reference.staging import Staging

if TYPE_CHECKING:
    import pandas as pd

Read = TypeVar("Read")


LOST: Final = "to_import_again"


def known_file(sheets: Iterable[Sheet], sha256: str) -> bool:
    """Whether a file with this SHA-256 is wholly in place, by one of the sheets."""
    return any(sha256 in sheet.files for sheet in sheets)


def today() -> str:
    """Date written on a sheet."""
    return date.today().isoformat()


def write_table(staging: Staging, name: str, table: pd.DataFrame, sheet: Sheet) -> None:
    import pandas as pd

    old_table = staging.current(f"{name}.parquet")
    sheet = told_lost(staging, old_table, sheet)
    if is_kept(staging, old_table):
        old = pd.read_parquet(old_table)
        taken = old["commune_code"].isin(table["commune_code"].unique().tolist())
        if not taken.all():
            replaced = set(old.loc[taken, "commune_code"])
            table = pd.concat([old[~taken], table], ignore_index=True)
            before = load_sheet(staging.current(f"{name}.json"))
            sheet = sheet.over(before, replaced, rows=len(table))
            sheet.facts["communes"] = table["commune_code"].nunique()
    table.to_parquet(staging.path(f"{name}.parquet"), index=False)
    put_sheet(staging, name, sheet)


def put_sheet(staging: Staging, name: str, sheet: Sheet, *folders: str) -> None:
    """Write the sheet with the checksums of its tables, as they were staged."""
    stem, own = name.rpartition("/")[2], name.split("/")[1]
    tables = {
        f"{folder}/{stem}.parquet": staging.path(f"reference/{folder}/{stem}.parquet")
        for folder in folders or (own,)
    }
    staging.path(f"{name}.json").write_text(sealed_with(sheet, tables).dump())


def is_kept(staging: Staging, old_table: Path) -> bool:
    """Whether rows of the table of before stay: it is there, and is what was written."""
    return old_table.exists() and not is_damaged(staging, old_table)


def is_damaged(staging: Staging, old_table: Path) -> bool:
    if old_table.is_relative_to(staging.aside) or not old_table.exists():
        return False
    workspace = Workspace(staging.root)
    tables = [old_table]
    if old_table.parent.name == "turnout":
        tables.append(old_table.parent.with_name("votes") / old_table.name)
    return not all(is_sound(workspace, t) for t in tables)


def told_lost(staging: Staging, old_table: Path, sheet: Sheet) -> Sheet:
    """The sheet, saying which files are to be imported again after a damaged table was replaced."""
    lost: dict[str, str] = {}
    if old_table.exists() and sheet_path(old_table).exists():
        try:
            before = load_sheet(sheet_path(old_table))
        except WorkspaceError:
            return sheet
        lost = dict(before.facts.get(LOST, {}))
        if is_damaged(staging, old_table):
            lost |= {sha: str(file.get("name", "")) for sha, file in before.files.items()}
    lost = {sha: name for sha, name in lost.items() if sha not in sheet.files}
    return replace(sheet, facts={**sheet.facts, LOST: lost}) if lost else sheet


def lost_files(workspace: Workspace) -> dict[str, list[str]]:
    """Tables that were damaged and replaced, with the files still to be imported again."""
    found = {}
    for path in sorted(workspace.reference.glob("*/*.json")):
        if lost := load_sheet(path).facts.get(LOST):
            found[f"{path.parent.name}/{path.stem}"] = sorted(set(lost.values()))
    return found


def open_table(workspace: Workspace, table: Path, read: Callable[[Path], Read]) -> Read:
    """A table of `reference/`, once it is known to be what was written."""
    with told_as_damage(checked(workspace, table)):
        return read(table)


def load_tables(
    workspace: Workspace, folder: str, communes: Sequence[str] | None
) -> list[pd.DataFrame]:
    import pandas as pd

    filters = [("commune_code", "in", list(communes))] if communes is not None else None
    paths = sorted((workspace.reference / folder).glob("*.parquet"))
    tables = [
        open_table(workspace, p, lambda path: pd.read_parquet(path, filters=filters)) for p in paths
    ]
    return [t for t in tables if len(t)]


def sheet_of(workspace: Workspace, path: Path) -> Sheet:
    """A sheet; none of its files is in place where a table of its is damaged."""
    sheet = load_sheet(path)
    tables = [workspace.reference / name for name in sheet.checksums]
    return sheet if all(is_sound(workspace, t) for t in tables) else replace(sheet, files={})


def list_layers(workspace: Workspace, folder: str) -> list[tuple[str, str, Sheet]]:
    found = []
    for path in (workspace.reference / folder).glob("*.json"):
        source, _, vintage = path.stem.rpartition("_")
        found.append((source or vintage, vintage, sheet_of(workspace, path)))
    return sorted(found, key=lambda row: (row[1], row[0]), reverse=True)
