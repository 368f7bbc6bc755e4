"""Make a workspace, and say what it still lacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from targeting.codes import (
    BLOCS,
    COMMUNE_CODE,
    commune_of_arrondissement,
    parse_election_id,
    to_type,
)
from targeting.config import AS_IT_IS, AsItIs, Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.reference.held import OUTLINED, list_elections, list_stations
from targeting.reference.manifest import FRESH, manifest_path, read_manifest, write_manifest
from targeting.reference.tables import list_layers
from targeting.shipped import OUR_BLOCS
from targeting.store import audit
from targeting.store.engine import Session, open_store, reading, write
from targeting.store.opening import encrypted_from_the_start, forget_database
from targeting.store.passphrases import refuse_weak
from targeting.store.queries import load_campaign, save_campaign
from targeting.store.turfs import latest_cut
from targeting.workflows.access.asks import asks

KINDS: Final = ("campaign", "demo")


@dataclass(frozen=True)
class CampaignCard:
    """The campaign as screens and commands show it."""

    name: str
    communes: list[str]
    election_id: str | None
    target: list[str]
    ballot_date: date | None
    is_demo: bool


@dataclass(frozen=True)
class Readiness:
    """What the workspace holds, for the screen that says what to do next."""

    elections: list[str]
    has_stations: bool
    has_addresses: bool
    has_turfs: bool


@asks("campaign.change")
def init_workspace(
    workspace: Workspace,
    *,
    communes: Sequence[str] = (),
    election_id: str | None = None,
    target: Sequence[str] = (),
    ballot_date: date | AsItIs | None = AS_IT_IS,
    name: str | None = None,
    kind: str = "campaign",
    new_database: bool = False,
    passphrase: str | None = None,
) -> CampaignCard:
    """Make the workspace, or change its campaign; what is not given stays as it was.

    `ballot_date` None takes the date out: nobody knows it any more.
    `new_database`: begin again where the database is lost, or another one: what lies there is kept
    in backups/, and codes of turfs go on where they were.
    `passphrase`: of a workspace that is new, the database is encrypted under it.
    Raises TargetingError for an unknown commune code, election or bloc, before anything is made.
    """
    codes = [commune_of_arrondissement(c) for c in communes]
    for code in codes:
        if not re.match(COMMUNE_CODE, code):
            raise TargetingError(
                f"“{code}” is no commune code: five characters of the INSEE, as 13055 or 2A004."
            )
    if election_id is not None:
        parse_election_id(election_id)
    if unknown := set(target) - set(BLOCS):
        raise TargetingError(f"unknown bloc {to_type(sorted(unknown))}: {to_type(BLOCS)}.")
    if passphrase is not None:
        refuse_weak(passphrase)
    _make_folders(workspace, kind)
    if new_database:
        forget_database(workspace)
    if passphrase is not None:
        encrypted_from_the_start(workspace, passphrase)
    engine = open_store(workspace)

    def save(session: Session) -> None:
        save_campaign(
            session, name=name, communes=codes or None, election_id=election_id,
            target=list(target) or None, ballot_date=ballot_date,
        )  # fmt: skip
        audit.record(session, workspace.actor, "settings", object="campaign")

    write(engine, save)
    return campaign_card(workspace)


def _make_folders(workspace: Workspace, kind: str) -> None:
    root = workspace.root
    if root.exists() and not root.is_dir():
        raise WorkspaceError(f"{root} is a file: give another --workspace.")
    others = [p for p in root.iterdir() if p != workspace.jobs] if root.exists() else []
    foreign = bool(others) and not workspace.exists
    if foreign:
        raise WorkspaceError(
            f"{root} is a folder of something else: give an empty or new --workspace."
        )
    for folder in (workspace.reference, root / "backups", workspace.maps):
        folder.mkdir(parents=True, exist_ok=True)
    if not manifest_path(root).exists():
        known = read_manifest(workspace)  # its twin, if there is one
        write_manifest(root, known if known != FRESH else {"kind": kind, "checksums": True})
    if not workspace.blocs.exists():
        workspace.blocs.write_text(OUR_BLOCS.read_text())


def campaign_card(workspace: Workspace) -> CampaignCard:
    """The campaign of a workspace. Raises WorkspaceError if there is none."""
    with reading(open_store(workspace)) as session:
        campaign = load_campaign(session)
        if campaign is None:
            raise WorkspaceError(
                f"{workspace.root} holds no campaign: run `python -m targeting init` on it."
            )
        return CampaignCard(
            campaign.name,
            list(campaign.communes),
            campaign.election_id,
            list(campaign.target),
            campaign.ballot_date,
            is_demo(workspace),
        )


def is_demo(workspace: Workspace) -> bool:
    """Whether the workspace holds the invented town."""
    return bool(read_manifest(workspace)["kind"] == "demo")


def refuse_demo(workspace: Workspace) -> None:
    """Real files do not go into the invented town's workspace: nobody could tell them apart."""
    if is_demo(workspace.required()):
        raise WorkspaceError(
            f"{workspace.root} holds the invented town: real data must not mix with it. Make "
            "another workspace: `python -m targeting --workspace data/workspaces/mine init`."
        )


def readiness(workspace: Workspace) -> Readiness:
    """What the workspace holds already."""
    with reading(open_store(workspace)) as session:
        has_turfs = latest_cut(session) is not None
    return Readiness(
        list_elections(workspace),
        bool(list_stations(workspace, origins=OUTLINED)),
        bool(list_layers(workspace, "addresses")),
        has_turfs,
    )
