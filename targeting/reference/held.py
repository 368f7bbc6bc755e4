"""What reference data a workspace holds, by its sheets: no table is opened, no library loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from targeting.codes import held_on, parse_election_id
from targeting.config import Workspace
from targeting.reference.checksums import is_sound
from targeting.reference.sheets import Sheet
from targeting.reference.tables import list_layers, sheet_of

OUTLINED: Final = ("published", "built")
"""Origins of stations that have a polygon; those of origin `points` are never painted."""


PAST_OF: Final = ("turnout", "votes", "stations", "station_points", "addresses", "shares")
"""Folders of `reference/` that the past of stations is made of, the bloc table beside them."""


def list_elections(workspace: Workspace) -> list[str]:
    """Elections imported, oldest first."""
    folder = workspace.reference / "turnout"
    # by table or by sheet: one whose table is gone is told, not left out
    found = {p.stem for kind in ("parquet", "json") for p in folder.glob(f"*.{kind}")}
    return sorted(found, key=lambda e: held_on(parse_election_id(e)))


def election_sheet(workspace: Workspace, election_id: str) -> Sheet:
    """The sheet of one election's results."""
    return sheet_of(workspace, workspace.reference / "turnout" / f"{election_id}.json")


def list_shares(workspace: Workspace) -> dict[str, Sheet]:
    """Elections of which shares without counts are imported, with their sheets."""
    folder = workspace.reference / "shares"
    return {p.stem: sheet_of(workspace, p) for p in sorted(folder.glob("*.json"))}


def sound_elections(workspace: Workspace) -> list[str]:
    """Elections whose tables are what was imported, oldest first."""
    folder = workspace.reference
    return [
        e
        for e in list_elections(workspace)
        if all(is_sound(workspace, folder / t / f"{e}.parquet") for t in ("turnout", "votes"))
    ]


def list_stations(
    workspace: Workspace, *, origins: Sequence[str] | None = None
) -> list[tuple[str, str, Sheet]]:
    """Layers of stations: source, vintage, sheet; newest vintage first, then last written.

    All of them, or those of these origins (`OUTLINED`: the ones with polygons).
    """
    layers = [
        row
        for row in list_layers(workspace, "stations")
        if origins is None or row[2].facts.get("origin", "published") in origins
    ]
    return sorted(layers, key=lambda row: (row[1], row[2].facts.get("order", 0)), reverse=True)


def list_station_points(workspace: Workspace) -> list[tuple[str, str, Sheet]]:
    """Voters' points in place: `<department>-<basis>`, vintage, sheet; newest vintage first."""
    return list_layers(workspace, "station_points")
