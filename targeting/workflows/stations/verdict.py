"""What the health of the data comes to: what is to be mended, in which step, and what to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from targeting.codes import department_of, held_on, parse_election_id
from targeting.config import Workspace
from targeting.reference.tables import list_layers, lost_files
from targeting.scoring.basis import NOT_LOW
from targeting.sources.fetching.catalogue import publications
from targeting.workflows.access.asks import asks
from targeting.workflows.stations.health import Health

OLD_DAYS: Final = 365
"""Addresses imported longer ago are fetched again: the publisher changes them every week."""

MOST_ABSENT: Final = 0.02
"""Share of the stations without a result (or an outline) that is told as a gap, not as a few
stations made since."""

ENOUGH_FOUND: Final = 0.95
"""Share of the voters' addresses that are found where both files are of the same town."""

MANY_UNCERTAIN: Final = 0.10

FOLDER_STEPS: Final = {
    "turnout": "results", "votes": "results", "shares": "results", "stations": "stations",
    "streets": "streets", "backdrop": "streets",
}  # fmt: skip
"""Folder of `reference/` → the step that mends it; addresses, where none is said."""


@dataclass(frozen=True)
class Matter:
    """One thing to mend or to know: `key` of its words, and the step or screen that mends it.

    step: of *Fichiers*; screen: another one, where no file mends it; is_urgent: whether what is
    shown is wrong or lacks without it, otherwise it is good to know.
    """

    key: str
    step: str = ""
    screen: str = ""
    is_urgent: bool = True
    values: dict[str, Any] = field(default_factory=dict)


@asks("places.see")
def verdict(workspace: Workspace, health: Health) -> list[Matter]:
    """What is to be mended, the gravest first, then what is good to know."""
    found = [
        *_lost(workspace), *_results(health), *_outlines(health), *_addresses(workspace, health),
        *_newer(health), *_past(health),
    ]  # fmt: skip
    return sorted(found, key=lambda matter: not matter.is_urgent)


def _lost(workspace: Workspace) -> list[Matter]:
    """Tables that were damaged, whose files are to be imported again."""
    matters = []
    for table, files in lost_files(workspace).items():
        step = FOLDER_STEPS.get(table.split("/")[0], "addresses")
        matters.append(Matter("verdict.lost", step, values={"files": ", ".join(files)}))
    return matters


def lacks_ours(health: Health, election_id: str) -> bool:
    """Whether a partial file lacks a department of the campaign's (of any, where it has none)."""
    missing = set(health.missing.get(election_id, []))
    ours = {department_of(c) for c in health.communes}
    return bool(missing & ours if ours else missing)


def _results(health: Health) -> list[Matter]:
    matters = []
    for election_id in health.counts.index:
        row = health.counts.loc[election_id]
        absent = int(row.get("absent", 0))
        if lacks_ours(health, str(election_id)) or absent > MOST_ABSENT * len(health.matrix):
            values = {"election": str(election_id), "count": absent, "stations": len(health.matrix)}
            matters.append(Matter("verdict.absent", "results", values=values))
    return matters


def _outlines(health: Health) -> list[Matter]:
    if (painted := health.painted) is None:
        return [Matter("verdict.no_outlines", "stations")]
    matters = []
    without = painted.stations - painted.found
    if without:
        values = {"count": without, "stations": painted.stations}
        is_urgent = without > MOST_ABSENT * painted.stations
        matters.append(Matter("verdict.bare", "stations", is_urgent=is_urgent, values=values))
    if health.outlines is not None and health.outlines.far:
        values = {"count": len(health.outlines.far)}
        matters.append(Matter("verdict.far", "stations", is_urgent=False, values=values))
    return matters


def _addresses(workspace: Workspace, health: Health) -> list[Matter]:
    kinds = health.sources
    ages = kinds.loc[kinds["kind"] == "addresses", "age_days"]
    matters = []
    if ages.empty:
        matters.append(Matter("verdict.no_addresses", "addresses", is_urgent=False))
    elif ages.max() > OLD_DAYS:
        matters.append(
            Matter("verdict.old", "addresses", is_urgent=False, values={"days": int(ages.max())})
        )
    if health.voters_found is not None and health.voters_found < ENOUGH_FOUND:
        matters.append(Matter("verdict.lost_voters", "addresses",
                              values={"rate": health.voters_found}))  # fmt: skip
    if not ages.empty and not list_layers(workspace, "streets"):
        matters.append(Matter("verdict.no_streets", "streets", is_urgent=False))
    return matters


def _newer(health: Health) -> list[Matter]:
    """A published election that is newer than all that are imported, and counts in a score."""
    here = [held_on(parse_election_id(str(e))) for e in health.counts.index]
    newer = [
        publication.id
        for publication in publications().values()
        for election in map(parse_election_id, publication.elections)
        if election.round_number == 1 and election.kind not in (*NOT_LOW,)
        and held_on(election) > max(here)
    ]  # fmt: skip
    if not newer:
        return []
    election = publications()[newer[-1]].elections[0]
    return [Matter("verdict.newer", "results", is_urgent=False, values={"election": election})]


def _past(health: Health) -> list[Matter]:
    """Stations whose past is uncertain: nothing mends it but outlines of the years before."""
    shares = health.errors["uncertain_share"].dropna()
    if shares.empty or shares.max() < MANY_UNCERTAIN:
        return []
    worst = str(shares.idxmax())
    values = {"rate": float(shares.max()), "election": worst}
    return [Matter("verdict.uncertain", screen="passe", is_urgent=False, values=values)]
