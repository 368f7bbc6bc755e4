"""What a worker does for a job: look at its files, import them, fetch them, undo an import.

A look is the import itself up to its last step: what it wrote aside is compared with what is there,
and nothing moves in. What an import replaces is kept beside the job, and its undoing puts it back.
Each kind's modules are loaded when a file is of it: a worker starts with every drop.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow.parquet as pq

from targeting.config import PROJECT, Workspace
from targeting.errors import SourceError, TargetingError, WorkspaceError
from targeting.reference.staging import Staging, asked_first, staged, write_whole
from targeting.sources.kinds import likely_kinds
from targeting.workflows.access.log import note
from targeting.workflows.jobs.questions import as_parameters, question_of
from targeting.workflows.jobs.records import Job, folder_of, forget_files, given_files
from targeting.workflows.jobs.town import TOWN, move_in
from targeting.workflows.progress import Progress
from targeting.workflows.setup import campaign_card

MOVES: Final = "moves.json"
BEFORE: Final = "before"

BUILT_ON: Final = ("turnout", "stations", "addresses", "voter_addresses", "streets")
"""Tables that turfs are cut from: what was cut since an import stands on it."""

SOURCES_OF_BUILT: Final = ("voter_addresses", "station_points", "street_ranges", "addresses")
"""Tables that outlines are built from."""

MOST_NOTES: Final = 40


class UndecidedError(TargetingError):
    """Files that no reader takes, or that one asks something about.

    is_foreign: what refuses them is what is in them, so that another try would not help.
    """

    def __init__(self, kind: str, message: str, *, is_foreign: bool) -> None:
        super().__init__(message)
        self.kind, self.is_foreign = kind, is_foreign


@dataclass
class Bench:
    """What an act is given: the workspace, the job, how to tell, and the last word before moves.

    settle: called once, before anything of the workspace changes; from there on nothing stops it.
    """

    workspace: Workspace
    job: Job
    tell: Progress
    settle: Callable[[], None]


# -- look, import --------------------------------------------------------------------------------


def look(bench: Bench) -> str:
    """Find out what the files are and what their import would change; gives the job's new phase."""
    job = bench.job
    files = _files(bench)
    changes: list[dict[str, Any]] = []

    def compare(staging: Staging) -> bool:
        changes.extend(changes_of(staging))
        return False

    with asked_first(compare):
        kind, found = _first_that_reads(bench, files)
    job.kind, job.found, job.changes = kind, found, changes
    job.rows = max((int(f.get("rows", 0)) for f in found), default=0)
    return "already" if all(f["unchanged"] for f in found) else "looked"


def bring_in(bench: Bench) -> str:
    """Import the files as they were looked at, keeping what they replace."""
    job = bench.job
    files = _files(bench)

    def keep(staging: Staging) -> bool:
        keep_before(bench.workspace, job, staging)
        bench.settle()
        return True

    with asked_first(keep):
        job.found = _run(bench, job.kind, files)
    forget_files(bench.workspace, job)
    return "already" if all(f["unchanged"] for f in job.found) else "done"


def _files(bench: Bench) -> list[Path]:
    """The files dropped, or those fetched."""
    files = given_files(bench.workspace, bench.job)
    if bench.job.source:
        files = [bench.workspace.root / "downloads" / name for name in bench.job.names]
    there = [f for f in files if f.is_file()]
    if not there:
        raise WorkspaceError("the file is no longer here: drop it again.")
    return there


def _first_that_reads(bench: Bench, files: Sequence[Path]) -> tuple[str, list[dict[str, Any]]]:
    """Try what the files may be, likeliest first; raises UndecidedError with the best refusal."""
    refused: list[UndecidedError] = []
    for kind in _likely(files[0]):
        try:
            return kind, _run(bench, kind, files)
        except TargetingError as error:
            is_foreign = isinstance(error, SourceError)
            refused.append(UndecidedError(kind, str(error), is_foreign=is_foreign))
    asking = [r for r in refused if question_of(r.kind, str(r))]
    raise (asking or refused)[0]


def _likely(file: Path) -> list[str]:
    try:
        return likely_kinds(file)
    except SourceError as error:  # a list of people
        raise UndecidedError("", str(error), is_foreign=True) from error


def _run(bench: Bench, kind: str, files: Sequence[Path]) -> list[dict[str, Any]]:
    """The import of this kind, by the same functions as the command line's, as plain facts."""
    given = as_parameters(kind, bench.job.answers)
    here, tell = bench.workspace, bench.tell
    if kind == "results":
        from targeting.workflows.imports.results import import_results

        told = import_results(here, files, progress=tell, **given)
        return [_results(one) for one in told]
    if len(files) > 1 and kind != "addresses":
        raise SourceError(files[0].name, "one file at a time, but for results.")
    match kind:
        case "stations":
            from targeting.workflows.imports.stations import import_stations

            stations = import_stations(here, files[0], progress=tell, **given)
            joins = [{"election_id": j.election_id, "found": j.found, "stations": j.stations,
                      "rate": j.rate} for j in stations.joins]  # fmt: skip
            facts = asdict(stations) | {"rows": stations.stations, "joins": joins}
            return [_short(facts)]
        case "addresses":
            from targeting.workflows.imports.addresses import import_addresses

            several = [import_addresses(here, f, progress=tell, **given) for f in files]
            return [_short({**asdict(one), "layout": one.kind}) for one in several]
        case "streets":
            from targeting.workflows.imports.streets import import_streets

            streets = import_streets(here, files[0], progress=tell, **given)
            lines = streets.lines()[1:]
            return [_short({**asdict(streets), "notes": lines, "rows": streets.ways})]
        case _:
            from targeting.workflows.imports.layouts import import_doors

            doors = import_doors(here, files[0])
            notes = [f"line {r['line']}: {r['reason']}" for r in doors.rejected]
            return [_short({**asdict(doors), "rows": doors.doors, "notes": notes})]


def _results(told: Any) -> dict[str, Any]:
    facts = {**asdict(told), "rows": told.stations}
    facts["notes"] = list(told.notes) + [
        f"{row['station_id']} (line {row['file_line']}): candidates have {row['given']} votes, "
        f"{row['valid_votes']} valid votes published; kept as published"
        for row in told.flagged
    ]
    facts["flagged"] = len(told.flagged)
    return _short(facts)


def _short(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as JSON: numbers, texts, and so many notes."""
    facts["notes"] = facts.get("notes", [])[:MOST_NOTES]
    plain: dict[str, Any] = json.loads(json.dumps(facts, default=str))
    return plain


# -- what would change ---------------------------------------------------------------------------


def changes_of(staging: Staging) -> list[dict[str, Any]]:
    """What the files written aside change: each table, its rows before and after, and of stations
    how many are new, take the place of others, stay, or go."""
    communes = set(campaign_card(Workspace(staging.root)).communes)
    told = []
    for name in staging.files:
        place = Path(name)
        if place.suffix != ".parquet" or place.parent.name == "votes":
            continue
        there = staging.root / name
        new, old = _keys(staging.aside / name), _keys(there)
        told.append(
            {
                "table": place.parent.name,
                "name": place.stem,
                "before": _rows(there),
                "after": _rows(staging.aside / name),
                "added": len(new - old),
                "gone": len(old - new),
                "ours": sum(key[:5] in communes for key in new) if communes else len(new),
                "communes": len({key[:5] for key in new}),
            }
        )
    return told


def _rows(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows) if path.is_file() else 0


def _keys(path: Path) -> set[str]:
    """Stations of a table, or its communes, where it has them."""
    if not path.is_file():
        return set()
    columns = pq.read_schema(path).names
    column = next((c for c in ("station_id", "commune_code") if c in columns), None)
    if column is None:
        return set()
    return set(pl.read_parquet(path, columns=[column])[column].unique().to_list())


# -- what was before, and back to it ---------------------------------------------------------------


def keep_before(workspace: Workspace, job: Job, staging: Staging) -> None:
    """Keep the files that the moves replace, and note what they are replaced with."""
    folder = folder_of(workspace, job.id)
    shutil.rmtree(folder / BEFORE, ignore_errors=True)
    moves: dict[str, dict[str, str]] = {}
    for name in [*staging.files, *staging.gone]:
        there, aside = workspace.root / name, staging.aside / name
        if there.is_file():
            _kept(there, folder / BEFORE / name)
        moves[name] = {
            "before": _sha256(there),
            "after": _sha256(aside) if name in staging.files else "",
        }
    text = json.dumps(moves, ensure_ascii=False).encode()
    write_whole(folder / MOVES, lambda file: file.write(text))


def _kept(there: Path, place: Path) -> None:
    """The same bytes under another name: tables are replaced whole, never written into."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(there, place)
    except OSError:  # another disk, or one without links
        shutil.copyfile(there, place)


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_moves(workspace: Workspace, job_id: str) -> dict[str, dict[str, str]]:
    """What an import moved: name → SHA-256 before and after (empty: no file)."""
    try:
        found = json.loads((folder_of(workspace, job_id) / MOVES).read_text("utf-8"))
        return {str(k): {"before": v["before"], "after": v["after"]} for k, v in found.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def is_in_place(workspace: Workspace, job_id: str) -> bool:
    """Whether all that an import moved in is still there, as it came."""
    moves = read_moves(workspace, job_id)
    return bool(moves) and all(
        _sha256(workspace.root / name) == move["after"] for name, move in moves.items()
    )


def is_put_back(workspace: Workspace, job_id: str) -> bool:
    """Whether all that an import replaced is there again."""
    moves = read_moves(workspace, job_id)
    return bool(moves) and all(
        _sha256(workspace.root / name) == move["before"] for name, move in moves.items()
    )


def undo(bench: Bench) -> str:
    """Put back what an import replaced. Raises WorkspaceError where something stands on it."""
    workspace, job = bench.workspace, bench.job
    moves = read_moves(workspace, job.id)
    kept = folder_of(workspace, job.id) / BEFORE
    refuse_undo(workspace, job, moves)

    def last(_staging: Staging) -> bool:
        bench.settle()
        return True

    def told() -> None:
        note(workspace, workspace.actor, "import_undo", object=job.kind)

    with asked_first(last), staged(workspace, told=told) as staging:
        _refuse_changed(workspace, moves)  # within the lock: nobody else writes now
        for name, move in moves.items():
            if move["before"]:
                shutil.copyfile(kept / name, staging.path(name))
            else:
                staging.remove(name)
    shutil.rmtree(kept, ignore_errors=True)  # the list of moves stays: it tells what was done
    return "undone"


def refuse_undo(workspace: Workspace, job: Job, moves: dict[str, dict[str, str]]) -> None:
    """Raise WorkspaceError where an import can no longer be undone, saying why and the way out."""
    if not moves:
        raise WorkspaceError("what this import replaced is no longer kept: it cannot be undone.")
    _refuse_changed(workspace, moves)
    kept = folder_of(workspace, job.id) / BEFORE
    if any(_sha256(kept / name) != move["before"] for name, move in moves.items()):
        raise WorkspaceError("what this import replaced is damaged: it cannot be undone.")
    from targeting.store.engine import open_store, reading
    from targeting.store.turfs import cut_dates

    tables = {name.split("/")[1] for name in moves}
    when = datetime.fromtimestamp(job.done_at, UTC)
    if tables & set(BUILT_ON):
        with reading(open_store(workspace)) as session:
            cuts = cut_dates(session).values()
        if any(datetime.fromisoformat(day) >= when.replace(microsecond=0) for day in cuts):
            raise WorkspaceError(
                "turfs were cut since this import, and stand on it: it cannot be undone. Import "
                "the right file over it, then cut again."
            )
    built = (workspace.reference / "stations").glob("*-built_*.parquet")
    if tables & set(SOURCES_OF_BUILT) and any(p.stat().st_mtime >= job.done_at for p in built):
        raise WorkspaceError(
            "outlines were built from this import since: it cannot be undone. Import the right "
            "file over it, then build them again."
        )


def _refuse_changed(workspace: Workspace, moves: dict[str, dict[str, str]]) -> None:
    if any(_sha256(workspace.root / name) != move["after"] for name, move in moves.items()):
        raise WorkspaceError(
            "another import came over this one since: undo that one first, the latest first."
        )


# -- fetched ---------------------------------------------------------------------------------------


def fetch(bench: Bench) -> str:
    """Fetch a publication from its publisher, then look at it."""
    from targeting.workflows.imports.fetch import fetch_source

    job = bench.job
    fetched = fetch_source(
        bench.workspace,
        job.source,
        accept_new=job.answers.get("accept-new-version") == "yes",
        progress=bench.tell,
    )
    job.names = [got.file.name for got in fetched]
    job.bytes = sum(got.bytes for got in fetched)
    job.act = "look"
    bench.tell(f"{fetched[0].file.name}: reading")
    return look(bench)


# -- the invented town -----------------------------------------------------------------------------


def make_town(bench: Bench) -> str:
    """The invented town, made aside by a command of its own, then moved in.

    Raises WorkspaceError where the workspace holds a campaign.
    """
    folder = folder_of(bench.workspace, bench.job.id)
    shutil.rmtree(folder / TOWN, ignore_errors=True)
    command = [sys.executable, "-P", "-m", "targeting", "--lang", "en", "--workspace",
               str(folder / TOWN), "demo"]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(  # noqa: S603 (our own command, no shell)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, env=env,
    ) as process:  # fmt: skip
        last = ""
        try:
            assert process.stderr is not None
            for line in process.stderr:
                last = line.strip() or last
                bench.tell(last)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise WorkspaceError(last.removeprefix("Error: ") or "the invented town was not made.")
    if bench.workspace.exists:
        raise WorkspaceError(
            f"{bench.workspace.root} holds a campaign: the invented town goes into a workspace of "
            "its own, as `python -m targeting --workspace data/workspaces/demo demo`."
        )
    bench.settle()
    move_in(bench.workspace, bench.job.id)
    return "done"


ACTS: Final = {
    "look": look, "import": bring_in, "undo": undo, "fetch": fetch, "demo": make_town,
}  # fmt: skip
