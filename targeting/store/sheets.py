"""The sheet beside each reference file: whose data it is, since when, under which licence."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from targeting.errors import WorkspaceError


@dataclass(frozen=True)
class Sheet:
    """Where a reference file comes from, and what was noticed when it came in.

    files: SHA-256 of each file that is wholly in place → its `name` and its `communes` (above 200,
    its `departments`); a file one of whose communes was replaced since is no longer here.
    notes: mendings and flags, in words; facts: figures worth keeping (join rates, totals).
    """

    publisher: str
    licence: str
    credit: str
    files: dict[str, dict[str, Any]]
    rows: int
    imported_on: str
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def dump(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    def over(self, before: Sheet, replaced: Collection[str], *, rows: int) -> Sheet:
        """This sheet once its file stands beside the older ones, whose `replaced` communes it took.

        Older notes and facts stay, but for notes on stations of those communes.
        """
        notes = [note for note in before.notes if note[:5] not in replaced]
        departments = {*before.facts.get("departments", ()), *self.facts.get("departments", ())}
        facts = {**before.facts, **self.facts}
        if departments:
            facts["departments"] = sorted(departments)
        missing = {
            *before.facts.get("missing_departments", ()),
            *self.facts.get("missing_departments", ()),
        }
        if missing:
            facts["missing_departments"] = sorted(missing - departments)
        return replace(
            self,
            files=_still_whole(before.files, set(replaced)) | self.files,
            rows=rows,
            notes=list(dict.fromkeys([*notes, *self.notes])),
            facts=facts,
        )


LISTED_COMMUNES: Final = 200
"""A file of more communes is told by its departments: a sheet stays a page long."""


def whole_file(name: str, sha256: str, communes: Iterable[str]) -> dict[str, dict[str, Any]]:
    """One file as `Sheet.files` has it: name and what it provides."""
    codes = sorted(set(communes))
    if len(codes) > LISTED_COMMUNES:
        return {sha256: {"name": name, "departments": sorted({c[:2] for c in codes})}}
    return {sha256: {"name": name, "communes": codes}}


def _still_whole(files: dict[str, dict[str, Any]], replaced: set[str]) -> dict[str, dict[str, Any]]:
    """Files none of whose communes is among `replaced`."""
    listed = {c for file in files.values() for c in file.get("communes", ())}
    departments = {c[:2] for c in replaced - listed}

    def is_whole(file: dict[str, Any]) -> bool:
        if "communes" in file:
            return replaced.isdisjoint(file["communes"])
        return departments.isdisjoint(file["departments"])

    return {sha256: file for sha256, file in files.items() if is_whole(file)}


def load_sheet(path: Path) -> Sheet:
    """Read a sheet. Raises WorkspaceError if it is damaged."""
    try:
        sheet = Sheet(**json.loads(path.read_text()))
        # sheets of before had name → SHA-256, which does not say what is in place
        whole = {sha: file for sha, file in sheet.files.items() if isinstance(file, dict)}
        return replace(sheet, files=whole)
    except (ValueError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{path.name} is damaged ({error}): delete it and import its file again."
        ) from error
