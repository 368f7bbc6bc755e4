"""Bring official files in: read them all, check them all, then put them in place together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from targeting.codes import parse_election_id
from targeting.config import Workspace
from targeting.errors import SourceError, WorkspaceError
from targeting.sources.addresses import read_addresses
from targeting.sources.blocs import refuse_unknown_lines
from targeting.sources.elections import recognise_election
from targeting.sources.outlines import read_outlines
from targeting.sources.wide_results import WideResults, read_wide_results
from targeting.stations.joins import Join, best_sound_join, join_outlines
from targeting.store import reference
from targeting.store.sheets import Sheet
from targeting.store.staging import staged
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import campaign_card, refuse_demo

RESULTS_CREDIT: Final = "Résultats: Ministère de l'Intérieur, Licence Ouverte 2.0"
LISTED_FLAGS: Final = 20


@dataclass(frozen=True)
class ImportedResults:
    """What one results file gave.

    flagged: stations kept as published although their votes do not add up.
    """

    file: str
    election_id: str
    layout: str
    stations: int
    registered: int
    votes_cast: int
    valid_votes: int
    flagged: list[dict[str, Any]] = field(default_factory=list)
    unchanged: bool = False


@dataclass(frozen=True)
class ImportedStations:
    """What one file of outlines gave, and how it joins with each election."""

    file: str
    stations: int
    vintage: str
    recipe: str
    notes: list[str]
    joins: list[Join]
    unchanged: bool = False


@dataclass(frozen=True)
class ImportedAddresses:
    """What one file of addresses gave."""

    file: str
    kind: str
    rows: int
    communes: int
    voters: int | None
    notes: list[str]
    unchanged: bool = False


def import_results(
    workspace: Workspace,
    files: Sequence[Path],
    *,
    election_id: str | None = None,
    progress: Progress = silent,
) -> list[ImportedResults]:
    """Import official results: all the files, or none when one of them is wrong.

    A file already imported changes nothing. Raises SourceError for a file that cannot be read,
    whose election is ambiguous, or that has a nuance our table does not know.
    """
    refuse_demo(workspace)
    if election_id is not None:
        parse_election_id(election_id)
    blocs = reference.load_blocs(workspace)
    rolls = reference.load_rolls(workspace)
    sheets = {
        e: reference.election_sheet(workspace, e) for e in reference.list_elections(workspace)
    }
    imported = []
    with staged(workspace) as staging:
        for path in _first_rounds_first(files):
            progress(f"{path.name}: reading")
            results = read_wide_results(path)
            found = recognise_election(results, blocs, rolls, election_id=election_id)
            told = _told(results, found)
            if found in sheets and results.sha256 in sheets[found].files.values():
                imported.append(ImportedResults(**{**vars(told), "unchanged": True}))
                continue
            refuse_unknown_lines(results.name, results.votes, blocs, found)
            sheet = _results_sheet(results, told)
            turnout, votes = _as_tables(results, found)
            reference.write_results(staging, found, turnout, votes, sheet)
            rolls[found] = turnout.to_pandas().set_index("station_id")["registered"]
            imported.append(told)
            progress(f"{path.name}: {found}, {told.stations:,} stations")
    return imported


def _first_rounds_first(files: Sequence[Path]) -> list[Path]:
    """In the order given, larger files first among equals: a first round tells its second apart."""
    return sorted(files, key=lambda p: -p.stat().st_size if p.exists() else 0)


def _told(results: WideResults, election_id: str) -> ImportedResults:
    registered, cast, valid = results.turnout.select(
        pl.col("registered", "votes_cast", "valid_votes").sum()
    ).row(0)
    given = results.votes.group_by("station_id").agg(given=pl.col("votes").sum())
    flagged = (
        results.flagged.join(given, on="station_id", how="left")
        .select("station_id", "file_line", "valid_votes", pl.col("given").fill_null(0))
        .head(LISTED_FLAGS)
        .to_dicts()
    )
    return ImportedResults(
        results.name,
        election_id,
        results.layout,
        results.turnout.height,
        registered,
        cast,
        valid,
        flagged,
    )


def _results_sheet(results: WideResults, told: ImportedResults) -> Sheet:
    notes = [
        f"{row['station_id']} (line {row['file_line']}): candidates have {row['given']} votes, "
        f"{row['valid_votes']} valid votes published; kept as published"
        for row in told.flagged
    ]
    departments = sorted(results.turnout["department"].unique().to_list())
    return Sheet(
        publisher=reference.MINISTRY,
        licence=reference.OPEN_LICENCE,
        credit=RESULTS_CREDIT,
        files={results.name: results.sha256},
        rows=results.turnout.height,
        imported_on=reference.today(),
        notes=notes,
        facts={"layout": results.layout, "departments": departments},
    )


def _as_tables(results: WideResults, election_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The two tables of the contract, in its columns."""
    named = pl.lit(election_id).alias("election_id")
    turnout = results.turnout.with_columns(named).select(reference.TURNOUT_COLUMNS)
    votes = results.votes.with_columns(named, party_list=pl.lit(None, pl.String))
    return turnout, votes.select(reference.VOTES_COLUMNS)


# -- outlines ------------------------------------------------------------------------------------


def import_stations(
    workspace: Workspace,
    file: Path,
    *,
    vintage: str | None = None,
    commune_code: str | None = None,
    code_property: str | None = None,
    progress: Progress = silent,
) -> ImportedStations:
    """Import station outlines; refused when they are not those of the results imported.

    Where the file does not name its commune, the campaign's single one is taken. The vintage, when
    not given, is the year of the election that fits best.
    """
    refuse_demo(workspace)
    campaign = campaign_card(workspace)
    if commune_code is None and len(campaign.communes) == 1:
        commune_code = campaign.communes[0]
    progress(f"{file.name}: reading")
    outlines = read_outlines(file, commune_code=commune_code, code_property=code_property)
    communes = sorted(set(outlines.stations["commune_code"]))
    joins = []
    for election_id in reference.list_elections(workspace):
        turnout = reference.load_turnout(workspace, election_id, communes)
        join = join_outlines(
            outlines.stations, turnout, election_id=election_id, registered=outlines.registered
        )
        joins += [join] if join.stations else []
    if joins:
        best = best_sound_join(file.name, joins)
        vintage = vintage or str(parse_election_id(best.election_id).year)
    elif vintage is None:
        raise WorkspaceError(
            f"{file.name}: no results of {', '.join(communes[:5])} to compare its codes with. "
            "Import the results first, or say the year of the outlines with --vintage 2022."
        )
    source = communes[0] if len(communes) == 1 else f"{communes[0][:2]}-{len(communes)}communes"
    layer = outlines.stations.assign(vintage=vintage)
    told = ImportedStations(file.name, len(layer), vintage, outlines.recipe, outlines.notes, joins)
    if reference.known_file((s for _, _, s in reference.list_stations(workspace)), outlines.sha256):
        return ImportedStations(**{**vars(told), "unchanged": True})
    sheet = Sheet(
        publisher=outlines.credit or outlines.recipe,
        licence=outlines.licence or "unstated",
        credit=outlines.credit and f"{outlines.credit}, {outlines.licence}",
        files={file.name: outlines.sha256},
        rows=len(layer),
        imported_on=reference.today(),
        notes=outlines.notes,
        facts={"join_rates": {j.election_id: round(j.rate, 4) for j in joins}},
    )
    with staged(workspace) as staging:
        reference.write_stations(staging, source, vintage, layer, sheet)
    return told


# -- addresses -----------------------------------------------------------------------------------


def import_addresses(
    workspace: Workspace, file: Path, *, progress: Progress = silent
) -> ImportedAddresses:
    """Import a BAN file or a table of voters per address, told apart from its headers."""
    refuse_demo(workspace)
    progress(f"{file.name}: reading")
    read = read_addresses(file)
    table = read.table
    communes = sorted(table["commune_code"].unique())
    voters = int(table["registered"].sum()) if read.kind == "voters" else None
    told = ImportedAddresses(file.name, read.kind, len(table), len(communes), voters, read.notes)
    folder = "addresses" if read.kind == "addresses" else "voter_addresses"
    if reference.known_file((s for *_, s in reference.list_layers(workspace, folder)), read.sha256):
        return ImportedAddresses(**{**vars(told), "unchanged": True})
    sheet = Sheet(
        publisher=read.publisher,
        licence=read.licence,
        credit=read.credit,
        files={file.name: read.sha256},
        rows=len(table),
        imported_on=reference.today(),
        notes=read.notes,
        facts={"communes": len(communes)},
    )
    if not communes:
        raise SourceError(file.name, "no address of any commune.")
    source = communes[0] if len(communes) == 1 else communes[0][:2]
    write = (
        reference.write_addresses if read.kind == "addresses" else reference.write_voter_addresses
    )
    with staged(workspace) as staging:
        write(staging, f"{source}_latest", table, sheet)
    return told
