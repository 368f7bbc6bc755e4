"""The sheet beside each reference file: whose data it is, since when, under which licence."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from targeting.errors import WorkspaceError


@dataclass(frozen=True)
class Sheet:
    """Where a reference file comes from, and what was noticed when it came in.

    files: name and SHA-256 of each file that went in; notes: mendings and flags, in words;
    facts: figures worth keeping (join rates, totals).
    """

    publisher: str
    licence: str
    credit: str
    files: dict[str, str]
    rows: int
    imported_on: str
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def dump(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def load_sheet(path: Path) -> Sheet:
    """Read a sheet. Raises WorkspaceError if it is damaged."""
    try:
        return Sheet(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise WorkspaceError(
            f"{path.name} is damaged ({error}): delete it and import its file again."
        ) from error
