"""A job: a folder of the workspace, a state replaced whole, one worker at a time.

`jobs/ID/` has `state.json`, the files given (`in/`), what an import replaced (`before/`,
`moves.json`), `stop` once somebody wants it to end, `settled` once it is too late for that: one or
the other, as they came to the desk. The worker holds `jobs/.lock` for as long as
it lives: the system lets it go with the process, however that ends, so that who looks knows whether
one works.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from targeting.access.roles import LOCAL, Actor
from targeting.config import Workspace
from targeting.reference.staging import write_whole
from targeting.workflows.access.asks import asks

STATE: Final = "state.json"
STOP: Final = "stop"
SETTLED: Final = "settled"
GIVEN: Final = "in"
LOCK: Final = ".lock"
DESK: Final = ".desk"

ACTS: Final = ("look", "fetch", "import", "undo", "demo")
PHASES: Final = (
    "waiting", "running", "looked", "asked", "refused", "done", "already", "stopped", "undone",
    "interrupted",
)  # fmt: skip
ENDED: Final = ("refused", "stopped", "undone", "already", "interrupted")
"""Phases of a job from which nothing more is expected, and that may be taken away."""

FORGOTTEN_AFTER: Final = 24 * 3600.0
"""Seconds after which a file that was only looked at is deleted, by the next look at the screen."""

KEPT_IMPORTS: Final = 40
"""Imports that are still told, with what they replaced."""

LOCK_TRIES: Final = 20
_ID: Final = re.compile(r"[0-9a-f]{16}")


@dataclass
class Job:
    """One file (or order to a publisher, or the invented town), and what becomes of it.

    source: the publication it is fetched from; names: the files as the user calls them; kind: what
    `import` takes them as, empty until looked at; step: what is being done, a sentence of ours;
    share: from 0 to 1; left: seconds, missing where nobody knows; refusal: why it stopped, in a
    sentence of ours; question: `option` and `choices`, where an answer lets it go on; found: what
    the files hold, a record each; changes: what the import changes in each table; took: seconds of
    each act; done_at: when its import moved in; asked_by, role: the account that asked last, in
    whose name the worker does it.
    """

    id: str
    act: str
    phase: str = "waiting"
    source: str = ""
    names: list[str] = field(default_factory=list)
    bytes: int = 0
    kind: str = ""
    step: str = ""
    share: float | None = None
    rows: int = 0
    left: float | None = None
    pid: int = 0
    host: str = ""
    asked_at: float = 0.0
    begun: float = 0.0
    beat: float = 0.0
    ended: float = 0.0
    done_at: float = 0.0
    refusal: str = ""
    question: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    found: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)
    asked_by: str = LOCAL.id
    role: str = LOCAL.role

    @property
    def actor(self) -> Actor:
        """Who asked for it last."""
        return Actor(self.asked_by, self.role)

    @property
    def is_active(self) -> bool:
        """Whether something is being done, or will be."""
        return self.phase in ("waiting", "running")


def folder_of(workspace: Workspace, job_id: str) -> Path:
    """The folder of a job. Its id is ours: anything else is a fault."""
    if not _ID.fullmatch(job_id):
        raise ValueError("no id of a job")
    return workspace.jobs / job_id


def read_job(workspace: Workspace, job_id: str) -> Job | None:
    """A job as its state tells; nothing where there is none, or its state is damaged."""
    try:
        facts = json.loads((folder_of(workspace, job_id) / STATE).read_text("utf-8"))
        known = {f.name for f in fields(Job)}
        job = Job(**{k: v for k, v in facts.items() if k in known})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return job if job.id == job_id and job.phase in PHASES and job.act in ACTS else None


def write_job(workspace: Workspace, job: Job) -> None:
    """Replace the state of a job, whole."""
    folder = folder_of(workspace, job.id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(asdict(job), ensure_ascii=False)
    write_whole(folder / STATE, lambda file: file.write(text.encode()))


def list_jobs(workspace: Workspace) -> list[Job]:
    """Every job, the latest asked for first."""
    found = [job for i in _ids(workspace) if (job := read_job(workspace, i)) is not None]
    return sorted(found, key=lambda job: (-job.asked_at, job.id))


def _ids(workspace: Workspace) -> list[str]:
    if not workspace.jobs.is_dir():
        return []
    return [p.name for p in workspace.jobs.iterdir() if _ID.fullmatch(p.name)]


def given_files(workspace: Workspace, job: Job) -> list[Path]:
    """The files of a job that are still here, in the order given."""
    folder = folder_of(workspace, job.id) / GIVEN
    files = [folder / name for name in job.names]
    return [f for f in files if f.is_file() and not f.is_symlink()]


@asks("files.import")
def can_be_done_again(workspace: Workspace, job: Job) -> bool:
    """Whether a job still has what it was given, or can fetch or make it again."""
    return bool(job.source or job.act == "demo" or given_files(workspace, job))


def forget_files(workspace: Workspace, job: Job) -> None:
    """Delete the files that were given: they are imported, or no longer wanted."""
    shutil.rmtree(folder_of(workspace, job.id) / GIVEN, ignore_errors=True)


def forget_job(workspace: Workspace, job_id: str) -> None:
    """Delete a job with all it has."""
    shutil.rmtree(folder_of(workspace, job_id), ignore_errors=True)


def due(workspace: Workspace, jobs: Sequence[Job], now: float) -> list[str]:
    """Jobs to forget: looked at and forgotten, the oldest imports, and what is left of a drop that
    was cut short (a folder without a state: its file would lie there for good)."""
    known = [job.id for job in jobs if job.phase in ("done", "already")]
    found = known[KEPT_IMPORTS:]
    for job in jobs:
        is_open = job.is_active or job.id in known
        if not is_open and now - max(job.ended, job.asked_at) > FORGOTTEN_AFTER:
            found.append(job.id)
    strangers = set(_ids(workspace)) - {job.id for job in jobs}
    return found + [i for i in strangers if _is_left(folder_of(workspace, i) / STATE, now)]


def _is_left(state: Path, now: float) -> bool:
    """Whether a state that says no job is missing, or has been unreadable for long."""
    try:
        return now - state.stat().st_mtime > FORGOTTEN_AFTER
    except OSError:
        return True


def sweep(workspace: Workspace, *, now: float | None = None) -> None:
    """Delete what is `due`. To be called at the desk: a file that is coming in has no state yet."""
    for job_id in due(workspace, list_jobs(workspace), time.time() if now is None else now):
        forget_job(workspace, job_id)


# -- one at a time -------------------------------------------------------------------------------


@contextmanager
def at_the_desk(workspace: Workspace) -> Iterator[None]:
    """Change what jobs are to do, one at a time: two windows may ask at once."""
    with _opened(workspace, DESK) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _opened(workspace: Workspace, name: str) -> Iterator[int]:
    workspace.jobs.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(workspace.jobs / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def worker_lock(workspace: Workspace) -> Iterator[int | None]:
    """The worker's lock, as a handle that a child may be given; nothing where one works.

    Who only looks holds it for a moment: it is asked for a few times.
    """
    with _opened(workspace, LOCK) as handle:
        for _ in range(LOCK_TRIES):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.005)
                continue
            yield handle
            return
        yield None


def is_working(workspace: Workspace) -> bool:
    """Whether a worker lives."""
    if not (workspace.jobs / LOCK).exists():
        return False
    with _opened(workspace, LOCK) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
