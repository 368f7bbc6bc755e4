"""`doctor`: is the set-up whole, what does the workspace hold, what is missing."""

from __future__ import annotations

import sqlite3
import sys
from typing import Any, Final

from targeting.config import Workspace
from targeting.reference.checksums import adopt_tables, unsound_tables
from targeting.reference.held import list_stations
from targeting.reference.tables import lost_files
from targeting.store.cipher import is_keyed
from targeting.store.disks import network_drive
from targeting.store.engine import check_integrity, open_store
from targeting.store.opening import damaged, database_file
from targeting.workflows.keeping import how_kept
from targeting.workflows.matching import match_report
from targeting.workflows.report import Report
from targeting.workflows.setup import campaign_card, readiness

OLDEST_PYTHON: Final = (3, 11)
WAL_FIXED_IN: Final = (3, 51, 3)
"""SQLite before it can corrupt a WAL database shared by several processes (TRUST REL-09)."""


def examine(workspace: Workspace) -> Report:
    """Look, and change nothing but a schema that is behind."""
    notes, faults = [], []
    if sys.version_info < OLDEST_PYTHON:
        faults.append(f"Python {sys.version.split()[0]} is too old: 3.11 is needed.")
    file = database_file(workspace)
    if sqlite3.sqlite_version_info < WAL_FIXED_IN and file is not None and not is_keyed(file):
        notes.append(
            f"SQLite {sqlite3.sqlite_version}: keep one process at a time on this workspace, or "
            "use PostgreSQL for a team (RELANCE_DATABASE_URL)."
        )
    facts: dict[str, Any] = {"workspace": str(workspace.root), "exists": workspace.exists}
    if workspace.exists:
        facts |= _workspace_facts(workspace, notes, faults)
    else:
        notes.append("no workspace yet: `python -m targeting init --commune 13055`, or `demo`.")
    facts |= {"notes": notes, "faults": faults}
    lines = [f"workspace: {workspace.root}"]
    lines += [
        f"{k}: {_told(v)}" for k, v in facts.items() if k not in ("workspace", "notes", "faults")
    ]
    lines += [f"note: {n}" for n in notes] + [f"FAULT: {f}" for f in faults]
    return Report(facts, "\n".join(lines if faults else [*lines, "all is well"]))


def _told(value: object) -> str:
    """A fact as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float):
        return f"{value:.1%}"
    return "unknown" if value is None else str(value)


def _workspace_facts(workspace: Workspace, notes: list[str], faults: list[str]) -> dict[str, Any]:
    adopted = adopt_tables(workspace)
    faults += unsound_tables(workspace)
    if faults:
        return {"tables": "damaged"}
    integrity = check_integrity(open_store(workspace))
    if integrity != "ok":
        faults.append(damaged(workspace, integrity))
    if adopted:
        notes.append(f"{adopted} tables of an older Relance have their checksums now.")
    for table, files in lost_files(workspace).items():
        faults.append(f"{table} was damaged and replaced: import again {', '.join(files)}.")
    if refused := sorted((workspace.root / "backups").glob("refused-*")):
        notes.append(f"moves of an import that were refused are in {refused[-1]}.")
    if (drive := network_drive(workspace.root)) and database_file(workspace) is not None:
        faults.append(
            f"{workspace.root} is on a network drive ({drive}), where SQLite's locks do not hold: "
            "put the workspace on a disk of this machine, or use PostgreSQL."
        )
    kept = how_kept(workspace, notes, faults)
    card, ready = campaign_card(workspace), readiness(workspace)
    for missing, way in (
        (not ready.elections, "no results: `import results FILE…`"),
        (not ready.has_stations, "no outlines: `import stations FILE`"),
        (not ready.has_addresses, "no addresses: `import addresses FILE`"),
    ):
        if missing:
            notes.append(way)
    found = match_report(workspace) if ready.has_addresses else None
    return {
        "voter_addresses_found": round(found.rate, 4) if found else None,
        "voters_found": round(found.voter_rate, 4) if found else None,
        "database": integrity,
        **kept,
        "communes": card.communes,
        "elections": ready.elections,
        "outlines": [f"{source} {vintage}" for source, vintage, _ in list_stations(workspace)],
        "has_addresses": ready.has_addresses,
        "has_turfs": ready.has_turfs,
    }
