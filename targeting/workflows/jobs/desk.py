"""Where work is asked for: what screens call. Each call is quick, and the same twice is once."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from targeting.config import PROJECT, Workspace
from targeting.errors import WorkspaceError
from targeting.reference.staging import recover_if_needed
from targeting.sources.fetching.catalogue import find_publication
from targeting.sources.files import ARCHIVES, LONGEST_MAGIC
from targeting.workflows.access.asks import asks
from targeting.workflows.jobs.records import (
    GIVEN,
    SETTLED,
    STOP,
    Job,
    at_the_desk,
    due,
    folder_of,
    forget_files,
    forget_job,
    is_working,
    list_jobs,
    read_job,
    sweep,
    worker_lock,
    write_job,
)
from targeting.workflows.jobs.town import finish_leaving, is_leaving
from targeting.workflows.setup import is_demo

PIECE: Final = 1024**2
STOP_SECONDS: Final = 0.8
"""How long a worker has to end what is to stop; then it is ended."""

MOST_WAITING: Final = 20
MOST_ARCHIVE_BYTES: Final = 25 * 1024**2
"""Of a compressed file that is dropped: it may swell to 250 MB (TRUST.md, SEC-07)."""

LONGEST_NAME: Final = 80
MOST_NAME_BYTES: Final = 200
"""A disk counts a name's bytes, 255 at most: a letter may have four."""


# -- asking ----------------------------------------------------------------------------------------


@asks("files.import")
def drop_file(workspace: Workspace, name: str, content: BinaryIO) -> Job:
    """Take a file in and have it looked at; the same file twice is the same job.

    A file whose import is in place is not looked at again. Raises WorkspaceError in the invented
    town's workspace, for a compressed file too large, or where the disk is full.
    """
    _refuse_place(workspace)
    refuse_large_archive(content)
    content.seek(0)
    job_id = _digest(content)
    with at_the_desk(workspace):
        sweep(workspace)
        if (known := read_job(workspace, job_id)) is not None and _stands(workspace, known):
            return known
        if sum(job.phase == "waiting" for job in list_jobs(workspace)) >= MOST_WAITING:
            raise WorkspaceError("many files wait already: let them be looked at first.")
        safe = safe_name(name)
        job = _asked_for(workspace, Job(job_id, "look", names=[safe], asked_at=time.time()))
        job.answers = known.answers if known is not None else {}
        if not workspace.exists:
            _ask_commune(job)
        try:
            job.bytes = _copied(content, folder_of(workspace, job_id) / GIVEN / safe)
            write_job(workspace, job)
        except OSError as error:
            if known is None:
                forget_job(workspace, job_id)
            else:  # what its import replaced stays
                forget_files(workspace, known)
            raise WorkspaceError(f"the file could not be kept ({error.strerror}).") from error
    poke(workspace)
    return job


def refuse_large_archive(content: BinaryIO) -> None:
    """Raise WorkspaceError for a compressed file of more bytes than one may have."""
    content.seek(0)
    is_archive = content.read(LONGEST_MAGIC).startswith(ARCHIVES)
    if is_archive and content.seek(0, os.SEEK_END) > MOST_ARCHIVE_BYTES:
        raise WorkspaceError(
            f"this compressed file is larger than {MOST_ARCHIVE_BYTES // 1024**2} MB, the most "
            "that one may be: drop the files that it holds one by one, or have it fetched by the "
            "step that offers it."
        )


@asks("files.import")
def order(workspace: Workspace, source: str) -> Job:
    """Have a publication fetched, then looked at."""
    find_publication(source)
    _refuse_place(workspace)
    job_id = hashlib.sha256(f"fetch {source}".encode()).hexdigest()[:16]
    return _ask(workspace, Job(job_id, "fetch", source=source))


@asks("campaign.change")
def order_town(workspace: Workspace) -> Job:
    """Have the invented town made."""
    job_id = hashlib.sha256(b"demo").hexdigest()[:16]
    return _ask(workspace, Job(job_id, "demo"))


def _ask(workspace: Workspace, job: Job) -> Job:
    with at_the_desk(workspace):
        known = read_job(workspace, job.id)
        if known is not None and (known.is_active or _stands(workspace, known)):
            return known
        _asked_for(workspace, job).asked_at = time.time()
        if job.act == "fetch" and not workspace.exists:
            _ask_commune(job)
        write_job(workspace, job)
    poke(workspace)
    return job


def _asked_for(workspace: Workspace, job: Job) -> Job:
    """The job, in the name of who opened the workspace."""
    job.asked_by, job.role = workspace.actor.id, workspace.actor.role
    return job


def _digest(content: BinaryIO) -> str:
    """The id of a file's job: of its content, whatever its name."""
    digest = hashlib.sha256()
    while piece := content.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()[:16]


def _refuse_place(workspace: Workspace) -> None:
    """Raise WorkspaceError where no real file may come."""
    root = workspace.root
    if workspace.exists and is_demo(workspace):
        raise WorkspaceError(
            f"{root} holds the invented town: real data must not mix with it. Make another "
            "workspace: `python -m targeting --workspace data/workspaces/mine init`."
        )
    if root.exists() and not root.is_dir():
        raise WorkspaceError(f"{root} is a file: give another --workspace.")
    if not workspace.exists and root.exists() and any(p != workspace.jobs for p in root.iterdir()):
        raise WorkspaceError(
            f"{root} is a folder of something else: give an empty or new --workspace."
        )


def _ask_commune(job: Job) -> None:
    job.phase, job.question = "asked", {"option": "campaign", "choices": []}


def _stands(workspace: Workspace, job: Job) -> bool:
    """Whether a job already says all there is to say of the same file."""
    from targeting.workflows.jobs.acts import is_in_place

    if job.phase in ("waiting", "running", "looked", "asked"):
        return True
    return job.phase == "done" and (job.act == "demo" or is_in_place(workspace, job.id))


def _copied(content: BinaryIO, place: Path) -> int:
    """Copy what was sent, in pieces, to a place of its own; gives its bytes."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = place.with_name(".part")
    content.seek(0)
    with open(part, "wb") as file:
        while piece := content.read(PIECE):
            file.write(piece)
    os.replace(part, place)
    return place.stat().st_size


def safe_name(name: str) -> str:
    """A user's name of a file, as a name on our disk: no folder, no sign that means something.

    >>> safe_name("../../Résultats 2022.txt"), safe_name(".."), safe_name("a\\u202egnp.exe")
    ('Résultats 2022.txt', 'file', 'a_gnp.exe')
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = re.sub(r"[^\w .()\-]", "_", last).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if len(plain) > LONGEST_NAME and dot:
        plain = f"{stem[: LONGEST_NAME - len(ending[:8]) - 1]}.{ending[:8]}"
    plain = plain[:LONGEST_NAME]
    while len(plain.encode()) > MOST_NAME_BYTES:
        plain = plain[1:]  # the end tells the kind
    return plain or "file"


@asks("files.import")
def ask_import(workspace: Workspace, job_id: str) -> None:
    """Have a file that was looked at imported."""
    _next(workspace, job_id, "import", ("looked", "interrupted", "stopped"))


@asks("files.import")
def ask_undo(workspace: Workspace, job_id: str) -> None:
    """Have an import undone."""
    _next(workspace, job_id, "undo", ("done",))


@asks("files.import")
def answer(workspace: Workspace, job_id: str, option: str, value: str) -> None:
    """Answer what a file asks, and have it looked at again."""

    def answered(job: Job) -> None:
        job.answers = {**job.answers, option: value[:200]}

    act = "fetch" if option == "accept-new-version" else "look"
    _next(workspace, job_id, act, ("asked", "refused", "looked"), answered)


@asks("files.import")
def ask_again(workspace: Workspace, job_id: str) -> None:
    """Do again what was stopped, interrupted or refused."""
    job = read_job(workspace, job_id)
    if job is not None:
        act = job.act if job.act in ("demo", "fetch", "import") else "look"
        _next(workspace, job_id, act, ("stopped", "interrupted", "refused"))


def _next(
    workspace: Workspace, job_id: str, act: str, phases: tuple[str, ...],
    change: Callable[[Job], None] | None = None,
) -> None:  # fmt: skip
    """Have an act done on a job that is in one of these phases; in another it was done already."""
    with at_the_desk(workspace):
        job = read_job(workspace, job_id)
        if job is None or job.phase not in phases:
            return
        if change is not None:
            change(job)
        job.act, job.phase, job.asked_at = act, "waiting", time.time()
        _asked_for(workspace, job)
        job.share, job.left, job.refusal, job.question = 0.0, None, "", {}
        write_job(workspace, job)
    poke(workspace)


@asks("files.import")
def stop(workspace: Workspace, job_id: str) -> None:
    """Have a job end: it has when this gives back, but where its import moves in already.

    What waits ends at once. A worker is given a moment to end by itself, then it is ended: nothing
    of its work stands in the workspace yet, and `settled` could no longer come.
    """
    with at_the_desk(workspace):
        job = read_job(workspace, job_id)
        if job is None or not job.is_active:
            return
        if job.phase == "waiting":
            job.phase, job.ended = ("done" if job.act == "undo" else "stopped"), time.time()
            write_job(workspace, job)
            return
        is_settled = (folder_of(workspace, job_id) / SETTLED).exists()
        if not is_settled:
            (folder_of(workspace, job_id) / STOP).touch()
    until = time.monotonic() + STOP_SECONDS
    while time.monotonic() < until and is_working(workspace):
        job = read_job(workspace, job_id)
        if job is None or not job.is_active:
            return
        time.sleep(0.02)
    if not is_settled:
        _end_worker(workspace, job_id)
    settle_interrupted(workspace)


def _end_worker(workspace: Workspace, job_id: str) -> None:
    """End the worker of a job that is to stop, with what it started (it has a session of its own).

    At the desk: it takes up no other job meanwhile.
    """
    with at_the_desk(workspace):
        job = read_job(workspace, job_id)
        is_ours = job is not None and job.phase == "running" and is_working(workspace)
        if job is None or not is_ours or job.host != platform.node() or job.pid == os.getpid():
            return
        try:
            if os.getpgid(job.pid) == job.pid:
                os.killpg(job.pid, signal.SIGKILL)
        except ProcessLookupError:  # it came to its end just now
            return
    until = time.monotonic() + STOP_SECONDS
    while is_working(workspace) and time.monotonic() < until:
        time.sleep(0.01)


@asks("files.import")
def dismiss(workspace: Workspace, job_id: str) -> None:
    """Take a job away from the screen, with its file; what is being done stays."""
    with at_the_desk(workspace):
        job = read_job(workspace, job_id)
        if job is not None and not job.is_active:
            forget_job(workspace, job_id)


@asks("files.import")
def campaign_is_made(workspace: Workspace) -> None:
    """Have looked at what waited for a campaign."""
    for job in list_jobs(workspace):
        if job.question.get("option") == "campaign":
            _next(workspace, job.id, "fetch" if job.source else "look", ("asked",))


# -- the worker ------------------------------------------------------------------------------------


def poke(workspace: Workspace) -> bool:
    """See that a worker lives where something waits; tells whether one was started."""
    if not any(job.phase == "waiting" for job in list_jobs(workspace)):
        return False
    with worker_lock(workspace) as handle:
        if handle is None:
            return False
        log = os.open(workspace.jobs / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            subprocess.Popen(  # noqa: S603 (our own command, no shell)
                [sys.executable, "-P", "-m", "targeting.workflows.jobs.worker",
                 str(workspace.root)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                pass_fds=(handle,), env={**os.environ, "PYTHONPATH": str(PROJECT)},
            )  # fmt: skip
        finally:
            os.close(log)
        return True


@asks("files.import")
def jobs_now(workspace: Workspace) -> list[Job]:
    """Every job as it is: what a worker left when it died is told, and what waits is taken up."""
    if is_leaving(workspace):
        with at_the_desk(workspace):  # it may be going out just now
            finish_leaving(workspace)
    jobs = list_jobs(workspace)
    if due(workspace, jobs, time.time()):
        with at_the_desk(workspace):
            sweep(workspace)
        jobs = list_jobs(workspace)
    if any(job.phase == "running" for job in jobs) and not is_working(workspace):
        settle_interrupted(workspace)
        jobs = list_jobs(workspace)
    if any(job.phase == "waiting" for job in jobs):
        poke(workspace)
    return jobs


def settle_interrupted(workspace: Workspace) -> None:
    """Of jobs whose worker is gone, say what became of them: moved in whole, or nothing changed."""
    from targeting.workflows.jobs.acts import is_in_place, is_put_back
    from targeting.workflows.jobs.town import finish_moving_in

    with at_the_desk(workspace), worker_lock(workspace) as handle:
        if handle is None:
            return
        if workspace.exists:
            recover_if_needed(workspace)
        for job in list_jobs(workspace):
            if job.phase != "running":
                continue
            job.phase, job.ended = "interrupted", time.time()
            folder = folder_of(workspace, job.id)
            if (folder / STOP).exists() and not (folder / SETTLED).exists():
                job.phase = "done" if job.act == "undo" else "stopped"
            elif job.act == "import" and is_in_place(workspace, job.id):
                job.phase, job.done_at = "done", job.ended
            elif job.act == "demo" and finish_moving_in(workspace, job.id):
                job.phase = "done"
            elif job.act == "undo":
                job.phase = "undone" if is_put_back(workspace, job.id) else "done"
            elif job.act == "look":
                forget_files(workspace, job)  # nobody saw yet whether it is a list of people
            write_job(workspace, job)
