"""Bring addresses in: the BAN, voters per address, Insee's addresses of voters, tables of streets.

Voters per address give their stations' points (table StationPoints) as soon as the BAN's addresses
of the same communes are there, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd

from targeting.codes import check_year, commune_of_arrondissement
from targeting.config import Workspace
from targeting.errors import SourceError, WorkspaceError
from targeting.households.points import station_points_of_voters
from targeting.reference.addresses import (
    load_addresses,
    load_voter_addresses,
    write_addresses,
    write_street_ranges,
    write_voter_addresses,
)
from targeting.reference.sheets import Sheet, whole_file
from targeting.reference.staging import Staging
from targeting.reference.stations import write_station_points
from targeting.reference.tables import list_layers, today
from targeting.sources.addresses.reading import PARIS_VINTAGE, AddressFile, read_addresses
from targeting.sources.apart import read_apart
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import logged_moves
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import campaign_card, refuse_demo

WRITERS: Final = {
    "addresses": ("addresses", write_addresses),
    "voters": ("voter_addresses", write_voter_addresses),
    "points": ("station_points", write_station_points),
    "ranges": ("street_ranges", write_street_ranges),
}
"""Kind of file → folder of the workspace, and what writes it there."""


@dataclass(frozen=True)
class ImportedAddresses:
    """What one file of addresses gave.

    voters: registered voters (kind `voters`); placed: those that have a point in the BAN.
    """

    file: str
    kind: str
    rows: int
    communes: int
    voters: int | None
    notes: list[str]
    unchanged: bool = False
    vintage: str = ""
    placed: int | None = None


@asks("files.import")
def import_addresses(
    workspace: Workspace,
    file: Path,
    *,
    communes: Sequence[str] = (),
    vintage: str | None = None,
    progress: Progress = silent,
) -> ImportedAddresses:
    """Import a file of addresses, its layout told from its headers.

    Parameters
    ----------
    communes
        Of Insee's national table, the communes to keep (all, where none is given); of a table of
        streets, its commune (the campaign's single one, where none is given).
    vintage
        Year of the roll, where it is not the layout's own.
    """
    refuse_demo(workspace)
    check_year(vintage)
    progress(f"{file.name}: reading")
    communes = [commune_of_arrondissement(c) for c in communes]
    read = read_apart(
        read_addresses,
        file,
        communes=communes or None,
        commune_code=_commune(workspace, communes),
        vintage=vintage,
    )
    table = read.table
    there = sorted(table["commune_code"].unique())
    if not there:
        raise SourceError(file.name, "no address of any commune.")
    voters = int(table["registered"].sum()) if read.kind == "voters" else None
    told = ImportedAddresses(
        file.name, read.kind, len(table), len(there), voters, read.notes, vintage=read.vintage
    )
    parts = {
        _place(read, department): part.reset_index(drop=True)
        for department, part in table.groupby(table["commune_code"].str[:2])
    }
    folder, write = WRITERS[read.kind]
    sheets = {f"{s}_{v}": sheet for s, v, sheet in list_layers(workspace, folder)}
    if all(name in sheets and _holds(sheets[name], read, part) for name, part in parts.items()):
        return replace(told, unchanged=True)
    with logged_moves(workspace, "addresses") as staging:
        for name, part in parts.items():
            write(staging, name, part, _sheet(read, file.name, part))
        placed = _write_points_of_voters(workspace, staging, read, there, progress)
    return replace(told, placed=placed)


def _holds(sheet: Sheet, read: AddressFile, part: pd.DataFrame) -> bool:
    """Whether the file is in place with these communes: others of it may have been kept before."""
    file = sheet.files.get(read.sha256)
    return file is not None and set(part["commune_code"]) <= set(
        file.get("communes", part["commune_code"])
    )


def _commune(workspace: Workspace, communes: Sequence[str]) -> str | None:
    """The one commune given, else the campaign's single one."""
    known = list(communes) or campaign_card(workspace).communes
    return known[0] if len(known) == 1 else None


def _place(read: AddressFile, department: str) -> str:
    """Name of a department's part of the file."""
    if read.kind == "points":
        return f"{department}-addresses_{read.vintage}"
    return f"{department}_latest"


def _sheet(read: AddressFile, name: str, part: pd.DataFrame) -> Sheet:
    there = sorted(part["commune_code"].unique())
    facts = {"communes": len(there)} | ({"vintage": read.vintage} if read.vintage else {})
    return Sheet(
        publisher=read.publisher,
        licence=read.licence,
        credit=read.credit,
        files=whole_file(name, read.sha256, there),
        rows=len(part),
        imported_on=today(),
        notes=read.notes,
        facts=facts,
    )


def _write_points_of_voters(
    workspace: Workspace,
    staging: Staging,
    read: AddressFile,
    communes: list[str],
    progress: Progress,
) -> int | None:
    """Points of the voters of these communes, where both the roll and the BAN are there."""
    if read.kind not in ("voters", "addresses"):
        return None
    ban = {s: sheet for s, _, sheet in list_layers(workspace, "addresses")}
    rolls = {s: sheet for s, _, sheet in list_layers(workspace, "voter_addresses")}
    departments = sorted({c[:2] for c in communes})
    placed: list[float] = []
    for department in departments:
        here = [c for c in communes if c[:2] == department]
        if read.kind == "voters":
            voters, vintage = read.table, read.vintage
            addresses = _addresses(workspace, here)
            other = ban.get(department)
        else:
            voters = load_voter_addresses(workspace, here)
            addresses = read.table
            other = rolls.get(department)
            vintage = str(other.facts.get("vintage", PARIS_VINTAGE)) if other else ""
        voters = voters[voters["commune_code"].isin(here)]
        addresses = addresses[addresses["commune_code"].isin(here)]
        if other is None or voters.empty or addresses.empty:
            continue
        progress(f"voters of {', '.join(here[:3])}: looked for in the BAN")
        found = station_points_of_voters(voters, addresses, vintage=vintage)
        if found.points.empty:
            continue
        sheet = points_sheet(found.points, [_own_source(read), _source(other)], found.placed_share)
        name = f"{department}-voters_{vintage}"
        write_station_points(staging, name, found.points, sheet)
        placed.append(found.placed)
    return round(sum(placed)) if placed else None


def _addresses(workspace: Workspace, communes: list[str]) -> pd.DataFrame:
    try:
        return load_addresses(workspace, communes)
    except WorkspaceError:
        return pd.DataFrame(columns=["commune_code"])


def _own_source(read: AddressFile) -> tuple[str, str, str]:
    return read.publisher, read.licence, read.credit


def _source(sheet: Sheet) -> tuple[str, str, str]:
    return sheet.publisher, sheet.licence, sheet.credit


def points_sheet(
    points: pd.DataFrame, sources: list[tuple[str, str, str]], placed_share: float
) -> Sheet:
    """Sheet of points made from several sources (publisher, licence, credit of each)."""
    publishers, licences, credits = (
        list(dict.fromkeys(column)) for column in zip(*sources, strict=True)
    )
    return Sheet(
        publisher=" · ".join(publishers),
        licence=" · ".join(licences),
        credit=" · ".join(credits),
        files={},
        rows=len(points),
        imported_on=today(),
        notes=[f"{placed_share:.2%} of the roll found in the BAN"],
        facts={"placed_share": round(placed_share, 4)},
    )
