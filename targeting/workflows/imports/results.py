"""Bring results in: read them all, check them all, then put them in place together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from targeting.codes import parse_election_id
from targeting.config import Workspace
from targeting.errors import SourceError
from targeting.reference.held import election_sheet, list_shares, sound_elections
from targeting.reference.results import (
    SHARES_COLUMNS,
    TURNOUT_COLUMNS,
    VOTES_COLUMNS,
    load_blocs,
    load_rolls,
    write_results,
    write_shares,
)
from targeting.reference.sheets import Sheet, whole_file
from targeting.reference.staging import Staging
from targeting.reference.tables import today
from targeting.sources.apart import read_apart
from targeting.sources.results.blocs import refuse_unknown_lines
from targeting.sources.results.counts import VOTES_DO_NOT_ADD_UP, Results
from targeting.sources.results.elections import (
    missing_departments,
    needs_rolls,
    possible_elections,
    recognise_election,
)
from targeting.sources.results.reading import group_files, read_results
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import logged_moves
from targeting.workflows.progress import Progress, silent
from targeting.workflows.setup import refuse_demo

LISTED_FLAGS: Final = 20


@dataclass(frozen=True)
class ImportedResults:
    """What one round of a results file gave.

    flagged: stations kept as published although their votes do not add up; notes: what was mended
    or left out; missing_departments: of a file of the whole country, those it has not;
    shares_only: percentages without counts (the three counts are then 0).
    """

    file: str
    election_id: str
    layout: str
    stations: int
    registered: int = 0
    votes_cast: int = 0
    valid_votes: int = 0
    notes: list[str] = field(default_factory=list)
    missing_departments: list[str] = field(default_factory=list)
    shares_only: bool = False
    flagged: list[dict[str, Any]] = field(default_factory=list)
    unchanged: bool = False


@asks("files.import")
def import_results(
    workspace: Workspace,
    files: Sequence[Path],
    *,
    election_id: str | None = None,
    recipe: str | None = None,
    progress: Progress = silent,
) -> list[ImportedResults]:
    """Import official results: all the files, or none when one of them is wrong.

    A file may hold several rounds or elections: each is told apart. A file already imported, or
    given twice, changes nothing. Raises SourceError for a file that cannot be read, whose election
    is ambiguous, that has a nuance our table does not know, that gives the same communes of the
    same election as another file of the call, or that is one half of the aggregated results.
    """
    refuse_demo(workspace)
    if election_id is not None:
        parse_election_id(election_id)
    groups = read_apart(group_files, list(files))
    imports = _Imports(workspace, election_id, progress)
    told: dict[tuple[int, int], ImportedResults] = {}
    with logged_moves(workspace, "results") as staging:
        for place, results, possible in _settled_first(groups, imports, recipe):
            told[place] = imports.take(staging, results, possible)
            del results  # a national file is large: not held while the next is read
    if election_id is not None and not told:
        raise SourceError(files[0].name, f"no {election_id} in it.")
    return [told[place] for place in sorted(told)]


class _Imports:
    """One call of `import_results`: what is there already, and what came in so far."""

    def __init__(self, workspace: Workspace, election_id: str | None, progress: Progress) -> None:
        self.election_id, self.progress = election_id, progress
        self.blocs = load_blocs(workspace)
        sound = sound_elections(workspace)  # a damaged one is to be imported again
        self.rolls = load_rolls(workspace, sound)
        self.sheets = {e: election_sheet(workspace, e) for e in sound}
        self.share_sheets = list_shares(workspace)
        self.by_sha: dict[tuple[str, str], ImportedResults] = {}
        self.providers: dict[str, dict[str, str]] = {}

    def take(self, staging: Staging, results: Results, possible: list[str]) -> ImportedResults:
        """Bring one round in, unless it is there already."""
        found = recognise_election(
            results, self.blocs, self.rolls, election_id=self.election_id, possible=possible
        )
        key = (results.sha256, found)
        if key in self.by_sha:
            return replace(self.by_sha[key], file=results.name, unchanged=True)
        with_counts = results.shares is None
        provided = self.providers.setdefault(found if with_counts else f"{found} (shares)", {})
        _refuse_same_communes(results, found, provided)
        told = _told(results, found)
        sheets = self.sheets if with_counts else self.share_sheets
        if found in sheets and results.sha256 in sheets[found].files:
            told = replace(told, unchanged=True)
        elif with_counts:
            self._write_counts(staging, results, told)
        else:
            shares = _as_shares(results, found)
            write_shares(staging, found, shares, _results_sheet(results, told))
        if not told.unchanged:
            self.progress(f"{results.name}: {found}, {told.stations:,} stations")
        self.by_sha[key] = told
        return told

    def _write_counts(self, staging: Staging, results: Results, told: ImportedResults) -> None:
        found = told.election_id
        refuse_unknown_lines(results.name, results.votes, self.blocs, found)
        turnout, votes = _as_tables(results, found)
        write_results(staging, found, turnout, votes, _results_sheet(results, told))
        roll = turnout.select("station_id", "registered").to_pandas()
        roll = roll.set_index("station_id")["registered"]
        self.rolls[found] = roll.combine_first(self.rolls[found]) if found in self.rolls else roll


def _settled_first(
    groups: Sequence[tuple[Path, ...]], imports: _Imports, recipe: str | None
) -> Iterator[tuple[tuple[int, int], Results, list[str]]]:
    """Each round with its place and the elections it can be.

    Those that only other rounds' rolls tell come last; they are read a second time rather than
    held: a national file is large.
    """
    unsettled: list[int] = []
    for at, paths in enumerate(groups):
        imports.progress(f"{paths[0].name}: reading")
        wanted = imports.election_id
        for number, results in enumerate(
            read_apart(read_results, *paths, election_id=wanted, recipe=recipe)
        ):
            possible = possible_elections(results, imports.blocs)
            if len(groups) > 1 and needs_rolls(results, possible):
                unsettled.append(at)
                break
            yield (at, number), results, possible
            del results
    for at in unsettled:
        paths = groups[at]
        imports.progress(f"{paths[0].name}: reading again, after the files that tell its year")
        again = read_apart(read_results, *paths, election_id=imports.election_id, recipe=recipe)
        for number, results in enumerate(again):
            yield (at, number), results, possible_elections(results, imports.blocs)
            del results


def _refuse_same_communes(results: Results, election_id: str, given: dict[str, str]) -> None:
    """`given` is the communes of this election that the call's other files have: file names."""
    communes = results.stations["commune_code"].unique().sort().to_list()
    if shared := [c for c in communes if c in given]:
        raise SourceError(
            results.name,
            f"{given[shared[0]]} is given too, and both have {election_id} in "
            f"{', '.join(shared[:5])}{' …' if len(shared) > 5 else ''}.",
            way_out="Import one of them; a correction is imported afterwards, on its own.",
        )
    given.update(dict.fromkeys(communes, results.name))


def _told(results: Results, election_id: str) -> ImportedResults:
    departments = results.stations["department"].unique().to_list()
    told = ImportedResults(
        results.name,
        election_id,
        results.layout,
        results.stations.height,
        notes=list(results.notes),
        missing_departments=missing_departments(departments, election_id),
        shares_only=results.shares is not None,
    )
    if told.shares_only:
        return told
    registered, cast, valid = results.turnout.select(
        pl.col("registered", "votes_cast", "valid_votes").sum()
    ).row(0)
    flagged = results.flagged.filter(pl.col("flag") == VOTES_DO_NOT_ADD_UP)
    given = (
        results.votes.filter(pl.col("station_id").is_in(flagged["station_id"].implode()))
        .group_by("station_id")
        .agg(given=pl.col("votes").sum())
    )
    listed = (
        flagged.join(given, on="station_id", how="left", maintain_order="left")
        .select("station_id", "file_line", "valid_votes", pl.col("given").fill_null(0))
        .head(LISTED_FLAGS)
        .to_dicts()
    )
    return replace(told, registered=registered, votes_cast=cast, valid_votes=valid, flagged=listed)


def _results_sheet(results: Results, told: ImportedResults) -> Sheet:
    notes = [
        f"{row['station_id']} (line {row['file_line']}): candidates have {row['given']} votes, "
        f"{row['valid_votes']} valid votes published; kept as published"
        for row in told.flagged
    ]
    departments = sorted(results.stations["department"].unique().to_list())
    facts = {"layout": results.layout, "departments": departments}
    if told.missing_departments:
        facts["missing_departments"] = told.missing_departments
    return Sheet(
        publisher=results.origin.publisher,
        licence=results.origin.licence,
        credit=results.origin.credit,
        files=whole_file(results.name, results.sha256, results.stations["commune_code"]),
        rows=results.stations.height,
        imported_on=today(),
        notes=[*results.notes, *notes],
        facts=facts,
    )


def _as_tables(results: Results, election_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The two tables of the contract, in its columns."""
    named = pl.lit(election_id).alias("election_id")
    turnout = results.turnout.with_columns(named).select(TURNOUT_COLUMNS)
    votes = results.votes.with_columns(named)
    return turnout, votes.select(VOTES_COLUMNS)


def _as_shares(results: Results, election_id: str) -> pl.DataFrame:
    """Table Shares, in its columns."""
    assert results.shares is not None
    named = pl.lit(election_id).alias("election_id")
    return results.shares.with_columns(named).select(SHARES_COLUMNS)
