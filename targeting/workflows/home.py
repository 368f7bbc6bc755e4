"""What a workspace holds, and the next thing to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference.credits import credits as stored_credits
from targeting.reference.held import list_stations
from targeting.reference.tables import list_layers
from targeting.store.engine import open_store, reading
from targeting.store.turfs import load_turfs
from targeting.workflows.setup import readiness
from targeting.workflows.stations.scores import campaign_basis


@dataclass(frozen=True)
class Holdings:
    """What a workspace holds, and what to do next.

    outlines: source, vintage, stations; step: `results`, `stations`, `addresses`, `turfs` or
    `map`; lacking: why no score can be made yet, in one line.
    """

    elections: list[str]
    outlines: list[tuple[str, str, int]]
    addresses: int
    turfs: int
    step: str
    lacking: str | None
    credits: list[str]


COMMANDS: Final = {
    "results": "import results FILE…",
    "stations": "import stations FILE",
    "addresses": "import addresses FILE",
}
"""Step → the command that takes it."""


def load_holdings(workspace: Workspace) -> Holdings:
    """Look at what the workspace holds."""
    ready = readiness(workspace)
    outlines = [(s, v, sheet.rows) for s, v, sheet in list_stations(workspace)]
    addresses = sum(s.rows for *_, s in list_layers(workspace, "addresses"))
    with reading(open_store(workspace)) as session:
        turfs = len(load_turfs(session))
    lacking = None
    try:
        campaign_basis(workspace)
    except TargetingError as error:
        lacking = str(error)
    missing = {
        "results": lacking is not None,
        "stations": not ready.has_stations,
        "addresses": not ready.has_addresses,
        "turfs": turfs == 0,
    }
    step = next((s for s, is_missing in missing.items() if is_missing), "map")
    credits = stored_credits(workspace)
    return Holdings(ready.elections, outlines, addresses, turfs, step, lacking, credits)
