"""Addresses, voters behind them, ranges of street numbers, doors of buildings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.sheets import Sheet
from targeting.reference.staging import Staging
from targeting.reference.tables import load_tables, open_table, write_table
from targeting.tables import Addresses, DoorLayouts, StreetRanges, VoterAddresses


def write_addresses(staging: Staging, name: str, addresses: pd.DataFrame, sheet: Sheet) -> None:
    """Put numbered addresses in place (table Addresses); other communes of `name` stay."""
    write_table(staging, f"reference/addresses/{name}", Addresses.check(addresses), sheet)


def write_voter_addresses(staging: Staging, name: str, voters: pd.DataFrame, sheet: Sheet) -> None:
    """Put voters per address in place (table VoterAddresses); other communes of `name` stay."""
    write_table(staging, f"reference/voter_addresses/{name}", VoterAddresses.check(voters), sheet)


def write_street_ranges(staging: Staging, name: str, ranges: pd.DataFrame, sheet: Sheet) -> None:
    """Put numbers of streets per station in place (table StreetRanges)."""
    write_table(staging, f"reference/street_ranges/{name}", StreetRanges.check(ranges), sheet)


def load_street_ranges(workspace: Workspace, communes: Sequence[str] | None = None) -> pd.DataFrame:
    """Which numbers of a street vote where (table StreetRanges); empty when none was imported."""
    parts = load_tables(workspace, "street_ranges", communes)
    if not parts:
        return pd.DataFrame(columns=list(StreetRanges.to_schema().columns))
    return pd.concat(parts, ignore_index=True)


def write_door_layouts(staging: Staging, layouts: pd.DataFrame, sheet: Sheet) -> None:
    """Put doors of buildings in place (table DoorLayouts); other communes stay."""
    write_table(staging, "reference/doors/campaign_latest", DoorLayouts.check(layouts), sheet)


def load_door_layouts(workspace: Workspace) -> pd.DataFrame:
    """Doors of the buildings that somebody described (table DoorLayouts); may be empty."""
    parts = load_tables(workspace, "doors", None)
    if not parts:
        return DoorLayouts.empty()
    return DoorLayouts.check(pd.concat(parts, ignore_index=True))


def has_addresses(workspace: Workspace, communes: Sequence[str] | None = None) -> bool:
    """Whether addresses of these communes (of any) were imported."""
    filters = [("commune_code", "in", list(communes))] if communes is not None else None

    def rows(path: Path) -> int:
        return len(pd.read_parquet(path, columns=["commune_code"], filters=filters))

    paths = (workspace.reference / "addresses").glob("*.parquet")
    return any(open_table(workspace, path, rows) for path in paths)


def load_addresses(workspace: Workspace, communes: Sequence[str] | None = None) -> pd.DataFrame:
    """Numbered addresses of these communes (table Addresses).

    Raises WorkspaceError if there is none.
    """
    parts = load_tables(workspace, "addresses", communes)
    if not parts:
        where = " ".join(communes) if communes else "any commune"
        raise WorkspaceError(
            f"no addresses for {where}: run `python -m targeting import addresses FILE` with the "
            "department's BAN file (adresses-XX.csv.gz)."
        )
    return pd.concat(parts, ignore_index=True).drop_duplicates("address_id", ignore_index=True)


def load_voter_addresses(
    workspace: Workspace, communes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Registered voters per address (table VoterAddresses); empty when none was imported."""
    parts = load_tables(workspace, "voter_addresses", communes)
    if not parts:
        return pd.DataFrame(columns=list(VoterAddresses.to_schema().columns))
    return pd.concat(parts, ignore_index=True)
