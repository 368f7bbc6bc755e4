"""The sheet beside each reference file: whose data it is, since when, under which licence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
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
    checksums: SHA-256 of each table that the sheet speaks for (`turnout/2022_pres_t1.parquet`).
    """

    publisher: str
    licence: str
    credit: str
    files: dict[str, dict[str, Any]]
    rows: int
    imported_on: str
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def dump(self) -> str:
        """The sheet as text, sealed: see `load_sheet`."""
        return dump_sealed(asdict(self))

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


SEAL: Final = "seal"

LISTED_NAMES: Final = 5

COMMANDS: Final = {
    "turnout": "import results FILE", "votes": "import results FILE",
    "shares": "import results FILE", "stations": "import stations FILE",
    "addresses": "import addresses FILE", "voter_addresses": "import addresses FILE",
    "station_points": "import addresses FILE", "street_ranges": "import addresses FILE",
    "streets": "import streets FILE", "backdrop": "import streets FILE",
    "doors": "import doors FILE", "quarters": "import quarters FILE",
}  # fmt: skip
"""What brings each folder of `reference/` in again: a folder that is not here is no one's."""

NO_SOURCE: Final = ("votes", "backdrop", "doors")
"""Folders that name no publisher of their own: votes come with their turnout, the backdrop with its
streets, and doors are the campaign's."""

SOURCES: Final = tuple(folder for folder in COMMANDS if folder not in NO_SOURCE)
"""Folders whose sheets say whose data it is: credited on each map, told by the health of data."""

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
    """Read a sheet. Raises WorkspaceError if it is damaged, or gone."""
    try:
        facts = load_sealed(path.read_text())
        sheet = Sheet(**facts)
        # sheets of before had name → SHA-256, which does not say what is in place
        whole = {sha: file for sha, file in sheet.files.items() if isinstance(file, dict)}
        return replace(sheet, files=whole)
    except FileNotFoundError as error:
        raise WorkspaceError(
            f"{path.parent.name}/{path.name} is gone, and its data is there: {import_again(path)}"
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{path.parent.name}/{path.name} is damaged ({type(error).__name__}): delete it and "
            f"import its file again: {_command(path)}."
        ) from error


# -- sealed texts ----------------------------------------------------------------------------------


def dump_sealed(facts: Mapping[str, Any]) -> str:
    """JSON that ends with a checksum of the rest, and a line end."""
    text = json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True)
    return json.dumps({**facts, SEAL: _seal(text)}, ensure_ascii=False, indent=1) + "\n"


def load_sealed(text: str) -> dict[str, Any]:
    """What `dump_sealed` was given; a text without a seal is one of before, and is taken as it is.

    Raises ValueError where the text is no such JSON, or is not what was written.
    """
    facts = json.loads(text)
    if not isinstance(facts, dict):
        raise ValueError("no object")
    if SEAL in facts:
        seal = facts.pop(SEAL)
        if seal != _seal(json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True)):
            raise ValueError("not what was written")
    return facts


def is_sealed(path: Path) -> bool:
    """Whether a sheet that can be read has a checksum of its own."""
    return SEAL in json.loads(path.read_text())


def _seal(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# -- ways out --------------------------------------------------------------------------------------


def import_again(path: Path, names: Iterable[str] = ()) -> str:
    """What to do about a table or sheet that is no longer what was imported."""
    files = ", ".join(sorted(set(names))[:LISTED_NAMES])
    return f"import it again{f' ({files})' if files else ''}: {_command(path)}."


def _command(path: Path) -> str:
    return f"`python -m targeting {COMMANDS.get(path.parent.name, 'import results FILE')}`"
