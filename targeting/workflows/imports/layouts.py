"""Bring in what is behind buildings' doors: what the field saw wins over what was estimated."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from targeting.codes import commune_of_arrondissement
from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.households.layouts import number_doors
from targeting.reference.addresses import load_door_layouts, write_door_layouts
from targeting.reference.sheets import Sheet, whole_file
from targeting.reference.tables import known_file, list_layers, today
from targeting.sources.addresses.doors import MOST_DOORS, DoorFile, read_doors
from targeting.sources.apart import read_apart
from targeting.store.engine import open_store, reading
from targeting.store.visits import load_visits
from targeting.streetnames import street_key
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import logged_moves
from targeting.workflows.buildings import load_buildings

ALREADY_VISITED: Final = "doors were knocked at under other numbers"
TOO_MANY: Final = f"more than {MOST_DOORS} doors: is it one building?"
UNKNOWN: Final = "no such address here"
SEVERAL: Final = "several buildings have this address: give building_id"


@dataclass(frozen=True)
class ImportedDoors:
    """What a file of doors gave; `rejected`: line and reason of each building left as it was."""

    file: str
    buildings: int
    doors: int
    rejected: list[dict[str, Any]] = field(default_factory=list)
    unchanged: bool = False


@asks("files.import")
def import_doors(workspace: Workspace, path: Path) -> ImportedDoors:
    """Import a table of doors (see `sources.doors`): its buildings take the doors it tells.

    A building where somebody already knocked keeps its doors: their numbers would change their
    meaning. It is listed with its line, as are unknown addresses.
    """
    workspace.required()
    file = read_apart(read_doors, path)
    sheets = [sheet for _, _, sheet in list_layers(workspace, "doors")]
    if known_file(sheets, file.sha256):
        return ImportedDoors(file.name, 0, 0, unchanged=True)
    buildings = load_buildings(workspace)
    found, rejected = _found(workspace, file, buildings)
    if found.empty:
        first = rejected[0]
        raise SourceError(
            file.name, f"no building could be described: {first['reason']}.", line=first["line"],
            way_out="Compare the addresses with those imported.",
        )  # fmt: skip
    layouts = number_doors(found)
    old = load_door_layouts(workspace)
    kept = old[~old["building_id"].isin(layouts["building_id"])]
    whole = pd.concat([kept, layouts], ignore_index=True) if len(kept) else layouts
    touched = whole[whole["commune_code"].isin(layouts["commune_code"])]
    sheet = Sheet(
        publisher="the campaign", licence="its own", credit="",
        files=whole_file(file.name, file.sha256, touched["commune_code"]),
        rows=len(touched), imported_on=today(),
    )  # fmt: skip
    with logged_moves(workspace, "doors") as staging:
        write_door_layouts(staging, touched.reset_index(drop=True), sheet)
    return ImportedDoors(
        file.name, layouts["building_id"].nunique(), len(layouts), rejected=rejected
    )


def _found(
    workspace: Workspace, file: DoorFile, buildings: pd.DataFrame
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Rows of buildings that are known and may change, and those refused."""
    rows = file.rows.copy()
    at: dict[tuple[int, str, str], list[str]] = {}
    for b in buildings.itertuples():
        at.setdefault((int(b.number), str(b.suffix), street_key(str(b.street))), []).append(
            str(b.building_id)
        )
    known = set(buildings["building_id"])
    with reading(open_store(workspace)) as session:
        visited = set(load_visits(session)["building_id"])
    reasons: dict[int, str] = {}
    ids = []
    for n, r in enumerate(rows.itertuples()):
        same = [str(r.building_id)] if r.building_id else at.get(
            (int(r.number), str(r.suffix), street_key(str(r.street))), []
        )  # fmt: skip
        ids.append(same[0] if same else "")
        if not same or same[0] not in known:
            reasons[n] = UNKNOWN
        elif len(same) > 1:
            reasons[n] = SEVERAL
        elif same[0] in visited:
            reasons[n] = ALREADY_VISITED
    rows["building_id"] = pd.Series(ids, index=rows.index, dtype="str")
    many = rows.groupby("building_id")["line"].transform("size") > MOST_DOORS
    reasons |= {n: TOO_MANY for n in range(len(rows)) if many.iloc[n] and n not in reasons}
    refused = rows.iloc[list(reasons)].assign(reason=list(reasons.values()))
    first = refused.drop_duplicates(["building_id", "number", "street", "reason"])
    rejected = [
        {"line": int(r.line), "building_id": str(r.building_id), "reason": str(r.reason)}
        for r in first.itertuples()
    ]
    bad = set(refused["building_id"])
    good = rows.drop(index=rows.index[list(reasons)])
    good = good[~good["building_id"].isin(bad)].reset_index(drop=True)
    commune = good["building_id"].str[:5].map(commune_of_arrondissement).astype("str")
    columns = ["building_id", "staircase", "floor", "label"]
    return good[columns].assign(commune_code=commune), rejected
