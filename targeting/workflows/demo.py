"""Fill a workspace with the invented town: the same tables as real files give, and nothing true."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import pandas as pd
import polars as pl

from targeting.config import Workspace
from targeting.demo import Town, build_town, visit_rows
from targeting.errors import WorkspaceError
from targeting.reference.addresses import write_addresses, write_voter_addresses
from targeting.reference.manifest import MANIFEST
from targeting.reference.quarters import write_quarters
from targeting.reference.results import write_results
from targeting.reference.sheets import Sheet
from targeting.reference.stations import write_stations
from targeting.reference.streets import write_backdrop, write_streets
from targeting.reference.tables import today as this_day
from targeting.sources.results.blocs import COLUMNS
from targeting.store.engine import open_store, reading, write
from targeting.store.queries import add_contacts, count_contacts
from targeting.store.turfs import load_stops
from targeting.store.visits import record_visits
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import logged_moves
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import init_workspace, is_demo
from targeting.workflows.turfs.cutting import cut_campaign_turfs

CREDIT: Final = "Ville inventée : aucune donnée réelle"
CAMPAIGN: Final = "Campagne de démonstration"
DEMO_VINTAGE: Final = "2022"
DEMO_STATIONS: Final = "top:10%"


@asks("campaign.change")
def fill_demo(
    workspace: Workspace,
    *,
    seed: int = 2026,
    today: date | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Make the invented town's workspace, from nothing or again.

    Refused where the workspace holds a real campaign. The planted truth stays out: only what a
    campaign could know goes in.
    """
    if workspace.exists and not is_demo(workspace):
        raise WorkspaceError(
            f"{workspace.root} holds a campaign: the invented town goes into a workspace of its "
            "own, as `python -m targeting --workspace data/workspaces/demo demo`."
        )
    day = today or datetime.now(UTC).date()
    progress("the invented town: streets, people, ballots")
    town = build_town(seed=seed, today=day)
    _clear(workspace)
    init_workspace(
        workspace,
        communes=[town.commune_code],
        election_id=f"{town.ballot_date.year}_muni_t1",  # the town votes when its date says so
        ballot_date=town.ballot_date,
        name=f"{CAMPAIGN} · {town.name}",
        kind="demo",
    )
    _write_reference(workspace, town)
    progress("contacts")
    engine = open_store(workspace)
    people = _contacts(town.contacts)
    write(engine, lambda s: add_contacts(s, people))
    progress("turfs and visits")
    cut_campaign_turfs(workspace, chosen=DEMO_STATIONS, progress=progress)
    with reading(engine) as session:
        stops = load_stops(session).drop(columns=["first_door", "last_door"])
    visits = visit_rows(town, stops, seed=seed, today=day).to_dict("records")
    recorded = write(engine, lambda s: record_visits(s, visits))
    with reading(engine) as session:
        contacts = count_contacts(session)
    return {
        "town": town.name,
        "workspace": str(workspace.root),
        "stations": len(town.stations),
        "elections": list(town.results),
        "addresses": len(town.addresses),
        "contacts": contacts,
        "turfs": stops["turf_id"].nunique(),
        "visits": recorded,
    }


def _clear(workspace: Workspace) -> None:
    """Take an older invented town out: it is made again whole."""
    if not workspace.exists:
        return
    for name in (
        "relance.db", "relance.db-wal", "relance.db-shm", "blocs.csv", MANIFEST,
        f"backups/{MANIFEST}",
    ):  # fmt: skip
        (workspace.root / name).unlink(missing_ok=True)
    for folder in (workspace.reference, workspace.root / "cache"):
        shutil.rmtree(folder, ignore_errors=True)
    workspace.reference.mkdir()


def _write_reference(workspace: Workspace, town: Town) -> None:
    _write_blocs(workspace, town.blocs)
    with logged_moves(workspace, "demo") as staging:
        for election_id, (turnout, votes) in town.results.items():
            write_results(
                staging, election_id, pl.from_pandas(turnout), pl.from_pandas(votes),
                _sheet(len(turnout)),
            )  # fmt: skip
        commune = town.commune_code
        write_stations(staging, commune, DEMO_VINTAGE, town.stations, _sheet(len(town.stations)))
        write_addresses(staging, f"{commune}_latest", town.addresses, _sheet(len(town.addresses)))
        write_voter_addresses(
            staging, f"{commune}_latest", town.voter_addresses,
            replace(_sheet(len(town.voter_addresses)), facts={"vintage": DEMO_VINTAGE}),
        )  # fmt: skip
        write_quarters(staging, commune, town.quarters, _sheet(len(town.quarters)))
        write_streets(staging, f"{commune}_latest", town.streets, _sheet(len(town.streets)))
        for name in ("water", "rail", "parks"):
            write_backdrop(staging, name, getattr(town, name))


def _sheet(rows: int) -> Sheet:
    return Sheet("Relance", "MIT", CREDIT, {}, rows, this_day())


def _write_blocs(workspace: Workspace, blocs: pd.DataFrame) -> None:
    lines = blocs[COLUMNS].to_csv(index=False, lineterminator="\n")
    workspace.blocs.write_text("# Blocs of the invented town's candidates.\n" + lines)


def _contacts(contacts: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as the store takes them: missing is None, themes a list."""
    rows = []
    for row in contacts.to_dict("records"):
        plain = {k: None if pd.isna(v) else v for k, v in row.items()}
        plain["themes"] = [t for t in (plain.get("themes") or "").split("|") if t]
        rows.append(plain)
    return rows
