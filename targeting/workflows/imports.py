"""Bring official files in: read them all, check them all, then put them in place together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import polars as pl

from targeting.codes import parse_election_id
from targeting.config import Workspace
from targeting.errors import SourceError, TargetingError, WorkspaceError
from targeting.sources.addresses import read_addresses
from targeting.sources.blocs import refuse_unknown_lines
from targeting.sources.elections import needs_rolls, recognise_election
from targeting.sources.outlines import read_outlines
from targeting.sources.counts import Results
from targeting.sources.wide_results import read_wide_results
from targeting.stations.joins import Join, best_sound_join, join_outlines
from targeting.store import reference
from targeting.store.sheets import Sheet, whole_file
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

    A file already imported, or given twice, changes nothing. Raises SourceError for a file that
    cannot be read, whose election is ambiguous, that has a nuance our table does not know, or that
    gives the same communes of the same election as another file of the call.
    """
    refuse_demo(workspace)
    if election_id is not None:
        parse_election_id(election_id)
    blocs = reference.load_blocs(workspace)
    rolls = reference.load_rolls(workspace)
    sheets = {
        e: reference.election_sheet(workspace, e) for e in reference.list_elections(workspace)
    }
    by_place: dict[int, ImportedResults] = {}
    by_sha: dict[str, ImportedResults] = {}
    providers: dict[str, dict[str, str]] = {}
    with staged(workspace) as staging:
        for place, results in _settled_first(files, blocs, progress):
            if results.sha256 in by_sha:
                by_place[place] = replace(by_sha[results.sha256], file=results.name, unchanged=True)
                continue
            found = recognise_election(results, blocs, rolls, election_id=election_id)
            _refuse_same_communes(results, found, providers.setdefault(found, {}))
            told = _told(results, found)
            if found in sheets and results.sha256 in sheets[found].files:
                told = replace(told, unchanged=True)
            else:
                refuse_unknown_lines(results.name, results.votes, blocs, found)
                turnout, votes = _as_tables(results, found)
                sheet = _results_sheet(results, told)
                reference.write_results(staging, found, turnout, votes, sheet)
                roll = turnout.to_pandas().set_index("station_id")["registered"]
                rolls[found] = roll.combine_first(rolls[found]) if found in rolls else roll
                progress(f"{results.name}: {found}, {told.stations:,} stations")
            by_place[place] = by_sha[results.sha256] = told
    return [by_place[place] for place in sorted(by_place)]


def _settled_first(
    files: Sequence[Path], blocs: pd.DataFrame, progress: Progress
) -> Iterator[tuple[int, Results]]:
    """Each file with its place; those that only other rounds' rolls tell come last.

    They are read a second time rather than held: a national file is large.
    """
    unsettled = []
    for place, path in enumerate(files):
        progress(f"{path.name}: reading")
        results = read_wide_results(path)
        if len(files) > 1 and needs_rolls(results, blocs):
            unsettled.append((place, path))
        else:
            yield place, results
    for place, path in unsettled:
        progress(f"{path.name}: reading again, after the files that tell its year")
        yield place, read_wide_results(path)


def _refuse_same_communes(results: Results, election_id: str, given: dict[str, str]) -> None:
    """`given` is the communes of this election that the call's other files have: file names."""
    communes = results.turnout["commune_code"].unique().sort().to_list()
    if shared := [c for c in communes if c in given]:
        raise SourceError(
            results.name,
            f"{given[shared[0]]} is given too, and both have {election_id} in "
            f"{', '.join(shared[:5])}{' …' if len(shared) > 5 else ''}.",
            way_out="Import one of them; a correction is imported afterwards, on its own.",
        )
    given.update(dict.fromkeys(communes, results.name))


def _told(results: Results, election_id: str) -> ImportedResults:
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


def _results_sheet(results: Results, told: ImportedResults) -> Sheet:
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
        files=whole_file(results.name, results.sha256, results.turnout["commune_code"]),
        rows=results.turnout.height,
        imported_on=reference.today(),
        notes=notes,
        facts={"layout": results.layout, "departments": departments},
    )


def _as_tables(results: Results, election_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
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
    not given, is the year of the election that fits best. Outlines already imported change nothing
    and keep their vintage.
    """
    refuse_demo(workspace)
    if vintage is not None and not re.fullmatch(r"[0-9]{4}", vintage):
        raise TargetingError(f"--vintage “{vintage}” is no year: write four digits, as 2022.")
    campaign = campaign_card(workspace)
    if commune_code is None and len(campaign.communes) == 1:
        commune_code = campaign.communes[0]
    progress(f"{file.name}: reading")
    outlines = read_outlines(file, commune_code=commune_code, code_property=code_property)
    communes = sorted(set(outlines.stations["commune_code"]))
    stored = _stored_vintage(workspace, outlines.sha256, communes)
    vintage = stored or vintage
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
    layer = outlines.stations.assign(vintage=vintage)
    told = ImportedStations(file.name, len(layer), vintage, outlines.recipe, outlines.notes, joins)
    if stored:
        return replace(told, unchanged=True)
    sheet = Sheet(
        publisher=outlines.credit or outlines.recipe,
        licence=outlines.licence or "unstated",
        credit=outlines.credit and f"{outlines.credit}, {outlines.licence}",
        files=whole_file(file.name, outlines.sha256, communes),
        rows=len(layer),
        imported_on=reference.today(),
        notes=outlines.notes,
        facts={"join_rates": {j.election_id: round(j.rate, 4) for j in joins}},
    )
    with staged(workspace) as staging:
        reference.write_stations(staging, _named_for(communes), vintage, layer, sheet)
    return told


def _stored_vintage(workspace: Workspace, sha256: str, communes: list[str]) -> str | None:
    """Vintage under which these outlines are in place, if no later file took their communes."""
    layers = reference.list_stations(workspace)
    for place, (_, vintage, sheet) in enumerate(layers):
        if sha256 in sheet.files:
            later = [s for _, v, s in layers[:place] if v == vintage]
            taken = {c for s in later for f in s.files.values() for c in f.get("communes", ())}
            return vintage if taken.isdisjoint(communes) else None
    return None


def _named_for(communes: list[str]) -> str:
    """Name of a layer: its commune, or the department and a hash of the communes it has."""
    if len(communes) == 1:
        return communes[0]
    code = hashlib.sha256(" ".join(communes).encode()).hexdigest()[:8]
    return f"{communes[0][:2]}-{len(communes)}communes-{code}"


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
    if not communes:
        raise SourceError(file.name, "no address of any commune.")
    folder = "addresses" if read.kind == "addresses" else "voter_addresses"
    sheets = {source: s for source, _, s in reference.list_layers(workspace, folder)}
    parts = dict(list(table.groupby(table["commune_code"].str[:2])))
    if all(d in sheets and read.sha256 in sheets[d].files for d in parts):
        return replace(told, unchanged=True)
    write = (
        reference.write_addresses if read.kind == "addresses" else reference.write_voter_addresses
    )
    with staged(workspace) as staging:
        for department, part in parts.items():
            there = sorted(part["commune_code"].unique())
            sheet = Sheet(
                publisher=read.publisher,
                licence=read.licence,
                credit=read.credit,
                files=whole_file(file.name, read.sha256, there),
                rows=len(part),
                imported_on=reference.today(),
                notes=read.notes,
                facts={"communes": len(there)},
            )
            write(staging, f"{department}_latest", part.reset_index(drop=True), sheet)
    return told
