"""What a campaign's data is worth: results × stations, joins, vintages, ages, in one look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from targeting.codes import commune_of_arrondissement
from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.exports.formats import TABLE_FORMATS, known_format, write_table
from targeting.maps.ledger import with_sentences
from targeting.reference.credits import credits as stored_credits
from targeting.reference.held import election_sheet, list_elections
from targeting.reference.moments import one_moment
from targeting.reference.results import load_turnout
from targeting.reference.sheets import SOURCES, Sheet
from targeting.reference.stations import find_stations
from targeting.reference.tables import list_layers
from targeting.stations.health import (
    NEAR_OUTLINE_M,
    count_statuses,
    health_matrix,
    outline_gaps,
)
from targeting.stations.joins import Join
from targeting.stations.ledger import ledger_counts
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import hand_out
from targeting.workflows.buildings import has_buildings
from targeting.workflows.matching import match_report
from targeting.workflows.progress import Progress, silent
from targeting.workflows.report import Report
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.history import Past, find_outlines, judge_outlines, station_past


@dataclass(frozen=True)
class OutlineCheck:
    """How far the points of stations lie from their outlines: a vintage against another.

    far: ids of the stations whose outline is to be doubted, farthest first.
    """

    outlines: str
    points: str
    stations: int
    inside: int
    near: int
    far: list[str]


@dataclass(frozen=True)
class Painted:
    """Stations of now that have an outline once the outlines bear the names of now.

    renamed: outlines whose station has another id now; joined: those united in a merged station;
    dropped: those that no station of now has most of, not painted.
    """

    stations: int
    found: int
    renamed: int
    joined: int
    dropped: list[str]


@dataclass(frozen=True)
class Health:
    """Everything that the page and the command show of the data.

    matrix: station of now × election, one of STATUSES; counts: the same, counted; errors: share
    uncertain and error of carried rolls per vintage; missing: departments that a partial file
    lacks, per election; flagged: rows kept although they do not add up, per election; sources: one
    row a sheet, oldest first.
    """

    communes: list[str]
    matrix: pd.DataFrame
    counts: pd.DataFrame
    errors: pd.DataFrame
    missing: dict[str, list[str]]
    flagged: dict[str, int]
    joins: list[Join]
    painted: Painted | None
    outlines: OutlineCheck | None
    addresses_found: float | None
    voters_found: float | None
    sources: pd.DataFrame
    credits: list[str] = field(default_factory=list)


@one_moment
@asks("places.see")
def data_health(
    workspace: Workspace,
    communes: Sequence[str] | None = None,
    *,
    today: date | None = None,
    progress: Progress = silent,
) -> Health:
    """Look at the data of these communes, else of the campaign's, else of all imported.

    Raises WorkspaceError before any results are imported.
    """
    asked = communes or campaign_card(workspace).communes
    wanted = [commune_of_arrondissement(c) for c in asked] or None
    past = station_past(workspace, wanted, progress=progress)
    elections = list_elections(workspace)
    sheets = {e: election_sheet(workspace, e) for e in elections}
    covered = {e: sheet.facts.get("departments", []) for e, sheet in sheets.items()}
    matrix = health_matrix(
        past.ledger, past.history.now["station_id"].to_list(), elections, covered
    )
    found = match_report(workspace, wanted) if has_buildings(workspace, wanted) else None
    return Health(
        communes=wanted or [],
        matrix=matrix,
        counts=count_statuses(matrix),
        errors=ledger_counts(past.ledger),
        missing={
            e: sheet.facts["missing_departments"]
            for e, sheet in sheets.items()
            if sheet.facts.get("missing_departments")
        },
        flagged={e: _flagged(workspace, e, wanted) for e in elections},
        joins=_joins(workspace, elections, wanted),
        painted=_painted(workspace, wanted, past),
        outlines=check_outlines(workspace, wanted),
        addresses_found=found.rate if found else None,
        voters_found=found.voter_rate if found else None,
        sources=_sources(workspace, today or date.today()),
        credits=stored_credits(workspace),
    )


def _flagged(workspace: Workspace, election_id: str, communes: list[str] | None) -> int:
    return int(load_turnout(workspace, election_id, communes)["flag"].notna().sum())


def _joins(
    workspace: Workspace, elections: Sequence[str], communes: list[str] | None
) -> list[Join]:
    outlines = find_stations(workspace, communes)
    if outlines is None:
        outlines = find_stations(workspace, communes, origins=("points",))
    if outlines is None:
        return []
    here = sorted(set(outlines["commune_code"]))
    turnouts = {e: load_turnout(workspace, e, here) for e in elections}
    return judge_outlines(workspace, outlines, turnouts)


def _painted(workspace: Workspace, communes: list[str] | None, past: Past) -> Painted | None:
    drawn = find_outlines(workspace, communes)
    if drawn is None:
        return None
    now = past.history.now["station_id"]
    found = int(now.isin(drawn.outlines["station_id"]).sum())
    return Painted(len(now), found, len(drawn.renamed), len(drawn.joined), drawn.dropped)


def check_outlines(workspace: Workspace, communes: list[str] | None) -> OutlineCheck | None:
    """Outlines against the points of the same stations; nothing where either is missing."""
    outlines = find_stations(workspace, communes)
    points = find_stations(workspace, communes, origins=("points",))
    if outlines is None or points is None:
        return None
    gaps = outline_gaps(outlines, points)
    if gaps.empty:
        return None
    far = gaps[gaps > NEAR_OUTLINE_M].sort_values(ascending=False)
    years = [" ".join(sorted(set(layer["vintage"]))) for layer in (outlines, points)]
    inside, near = int((gaps == 0).sum()), int((gaps <= NEAR_OUTLINE_M).sum())
    return OutlineCheck(years[0], years[1], len(gaps), inside, near, list(far.index))


def _sources(workspace: Workspace, today: date) -> pd.DataFrame:
    rows = []
    for folder in SOURCES:
        for source, vintage, sheet in list_layers(workspace, folder):
            rows.append(_source(folder, source, vintage, sheet, today))
    columns = ["kind", "name", "vintage", "publisher", "licence", "rows", "imported_on", "age_days"]
    table = pd.DataFrame(rows, columns=[*columns, "files", "notes"])
    return table.sort_values(["age_days", "kind", "name"], ascending=[False, True, True])


def _source(folder: str, source: str, vintage: str, sheet: Sheet, today: date) -> list[Any]:
    name = f"{source}_{vintage}" if folder in ("turnout", "shares") else source
    year = source[:4] if folder in ("turnout", "shares") else vintage
    files = ", ".join(str(f.get("name", "")) for f in sheet.files.values())
    age = (today - date.fromisoformat(sheet.imported_on)).days
    return [
        folder, name, year, sheet.publisher, sheet.licence, sheet.rows, sheet.imported_on, age,
        files, len(sheet.notes),
    ]  # fmt: skip


# -- commands --------------------------------------------------------------------------------------


@one_moment
@asks("places.see")
def health_report(
    workspace: Workspace,
    *,
    communes: Sequence[str] = (),
    out: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """What `health` prints; `out`: the matrix as CSV or Parquet."""
    if out is not None:
        known_format(out, TABLE_FORMATS)
        hand_out(workspace, f"health{out.suffix.lower()}")
    health = data_health(workspace, communes or None, progress=progress)
    written = []
    if out is not None:
        written = write_table(health.matrix.reset_index(), out, credits=health.credits)
    facts = {
        "communes": health.communes,
        "stations": len(health.matrix),
        "elections": health.counts.to_dict("index"),
        "uncertain_share": health.errors["uncertain_share"].to_dict(),
        "carried_error": health.errors["error"].to_dict(),
        "missing_departments": health.missing,
        "flagged": health.flagged,
        "joins": {j.election_id: round(j.rate, 4) for j in health.joins},
        "painted": vars(health.painted) if health.painted else None,
        "outlines": vars(health.outlines) if health.outlines else None,
        "addresses_found": health.addresses_found,
        "voters_found": health.voters_found,
        "sources": health.sources.to_dict("records"),
        "written": [str(p) for p in written],
    }
    return Report(facts, "\n".join(_health_lines(health) + [f"written: {p}" for p in written]))


def _health_lines(health: Health) -> list[str]:
    where = " ".join(health.communes) or "all communes imported"
    heads = " ".join(f"{status:>10}" for status in health.counts.columns)
    lines = [f"{len(health.matrix):,} stations of now, {where}", f"{'election':<14} {heads}"]
    for election, row in health.counts.iterrows():
        lines.append(f"{election:<14} " + " ".join(f"{n:>10,}" for n in row))
        if missing := health.missing.get(str(election)):
            lines.append(f"  partial: no result of departments {', '.join(missing)}")
        if flagged := health.flagged.get(str(election)):
            lines.append(f"  {flagged} rows do not add up (kept as published)")
    lines += [
        f"{'points' if j.origin == 'points' else 'outlines'}: {j.sentence()}" for j in health.joins
    ]
    if (painted := health.painted) is not None:
        lines.append(
            f"outlines under the names of now: {painted.found:,} of {painted.stations:,} stations "
            f"have one; {painted.renamed} renamed, {painted.joined} joined, "
            f"{len(painted.dropped)} left out (shared out among several stations)"
        )
    if (check := health.outlines) is not None:
        lines.append(
            f"outlines of {check.outlines} against points of {check.points}: {check.inside:,} of "
            f"{check.stations:,} inside their own ({check.inside / check.stations:.0%}), "
            f"{check.near / check.stations:.0%} within {NEAR_OUTLINE_M:.0f} m; to doubt: "
            + (", ".join(check.far[:12]) or "none")
            + (f" and {len(check.far) - 12} more" if len(check.far) > 12 else "")
        )
    if health.addresses_found is not None:
        lines.append(
            f"voters' addresses found: {health.addresses_found:.1%}, "
            f"{health.voters_found:.1%} of the voters"
        )
    lines.append("sources, oldest first (lines, and days since the import):")
    lines += [
        f"  {row.kind.replace('_', ' '):<20} {row.name:<28} {row.vintage:<8} {row.rows:>10,}  "
        f"{row.age_days:>5}  {row.publisher}, {row.licence}"
        for row in health.sources.itertuples()
    ]
    return lines


@one_moment
@asks("places.see")
def ledger_report(
    workspace: Workspace,
    *,
    communes: Sequence[str] = (),
    out: Path | None = None,
    language: str = "fr",
    progress: Progress = silent,
) -> Report:
    """What `stations ledger` prints and writes: where each station's past comes from."""
    if out is not None:
        known_format(out, TABLE_FORMATS)
        hand_out(workspace, f"ledger{out.suffix.lower()}")
    asked = communes or campaign_card(workspace).communes
    wanted = [commune_of_arrondissement(c) for c in asked] or None
    past = station_past(workspace, wanted, progress=progress)
    if past.ledger.empty:
        raise WorkspaceError(
            f"no station of {' '.join(wanted or [])} in the results imported: check the code."
        )
    written = []
    if out is not None:
        table = with_sentences(past.ledger, language)
        written = write_table(table, out, credits=stored_credits(workspace))
    counts = ledger_counts(past.ledger)
    lines = [f"{len(past.history.now):,} stations of now; what became of those of then:"]
    kinds = [k for k in counts.columns if k not in ("uncertain_share", "error", "error_sure")]
    lines.append(
        f"{'vintage':<14} " + " ".join(f"{k:>12}" for k in kinds)
        + f" {'uncertain':>12} {'roll error':>12}"
    )  # fmt: skip
    for row in counts.itertuples():
        numbers = " ".join(f"{int(getattr(row, k)):>12,}" for k in kinds)
        error = f"{row.error:.1%}" if pd.notna(row.error) else "no roll"
        lines.append(f"{row.Index:<14} {numbers} {row.uncertain_share:>12.1%} {error:>12}")
    facts = {
        "stations": len(past.history.now),
        "vintages": counts.to_dict("index"),
        "written": [str(p) for p in written],
    }
    return Report(facts, "\n".join(lines + [f"written: {p}" for p in written]))
