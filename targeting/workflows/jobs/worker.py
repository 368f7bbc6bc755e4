"""The process that does the jobs of a workspace, one after the other, then ends.

`python -m targeting.workflows.jobs.worker WORKSPACE` inherits the worker's lock, which is held
until the process is gone. A second thread says every 0.4 s how far the work is, and looks whether
it is to stop; until the moves of an import begin, stopping leaves nothing behind. Work that hears
nothing (a library holds the interpreter) is ended by who asked: see `desk.stop`.
"""

from __future__ import annotations

import math
import os
import platform
import re
import shutil
import signal
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Final

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.workflows.jobs.records import (
    SETTLED,
    STOP,
    Job,
    at_the_desk,
    folder_of,
    forget_files,
    list_jobs,
    write_job,
)

BEAT_SECONDS: Final = 0.4
LOOK_SECONDS: Final = 0.1
"""Between two looks whether the work is to stop."""

GRACE_SECONDS: Final = 0.4
"""How long work has to come to an end by itself once it is to stop; then the process ends."""

LINGER_SECONDS: Final = 60.0
"""A worker that has looked at a file stays for the answer: what it has loaded is then at hand."""

WAIT_SECONDS: Final = 0.2
NICENESS: Final = 5
"""The screens come first."""

WITHOUT_RESULTS: Final = "no results of"
"""What the refusal of outlines says, that the first results would answer."""

SECONDS: Final = {"look": (4.0, 0.08), "import": (2.0, 0.08), "fetch": (5.0, 0.5),
                  "undo": (1.0, 0.02), "demo": (20.0, 0.0)}  # fmt: skip
"""Of an act that nobody timed yet: seconds in any case, and for each megabyte as text (measured on
national results, two cores)."""

SWELLS: Final = 8.0
"""A compressed table has about so many times its bytes as text."""

_PERCENT: Final = re.compile(r"\((\d+)%\)$")


class Stopped(BaseException):
    """Somebody wants the work to end; no library may take it for an error."""


class Work:
    """One job being done."""

    def __init__(self, workspace: Workspace, job: Job) -> None:
        self.workspace, self.job = workspace, job
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.is_working = False
        self.is_settled = False
        self.is_stopping = False
        self.expected = expected_seconds(job)
        self.told: float | None = None

    # -- what acts call ------------------------------------------------------------

    def tell(self, step: str) -> None:
        """A step, from whoever does the work; `(34%)` at its end is its share."""
        found = _PERCENT.search(step)
        self.told = int(found[1]) / 100 if found else None
        self.job.step = step

    def settle(self) -> None:
        """From here on, nothing stops the work: it is about to move in.

        Said at the desk: who wants it to end either came before, or finds that it is too late.
        """
        folder = folder_of(self.workspace, self.job.id)
        with at_the_desk(self.workspace), self.lock:
            if self.is_settled:
                return
            if self.is_stopping or (folder / STOP).exists():
                raise Stopped
            (folder / SETTLED).touch()
            self.is_settled = True

    # -- the second thread ------------------------------------------------------------

    def watch(self) -> None:
        """Beat, and see whether it is to stop, until the work is over."""
        stop = folder_of(self.workspace, self.job.id) / STOP
        beaten = 0.0
        while not self.is_over.wait(LOOK_SECONDS):
            if time.monotonic() - beaten >= BEAT_SECONDS:
                self.beat()
                beaten = time.monotonic()
            if stop.exists() and self._may_stop():
                os.kill(os.getpid(), signal.SIGUSR1)  # Stopped is raised in the first thread
                if not self.is_over.wait(GRACE_SECONDS):
                    self._end_now()

    def _may_stop(self) -> bool:
        with self.lock:
            self.is_stopping = not self.is_settled
            return self.is_stopping

    def _end_now(self) -> None:
        """Something goes on that cannot be interrupted: end with it, and its reader ends too."""
        self.job.phase = "done" if self.job.act == "undo" else "stopped"
        self.job.ended = time.time()
        write_job(self.workspace, self.job)
        os._exit(0)

    def beat(self) -> None:
        """Say how far the work is."""
        job = self.job
        job.beat = time.time()
        spent = job.beat - job.begun
        if self.told is not None:
            job.share = self.told
            job.left = spent * (1 - self.told) / self.told if self.told > 0.02 else None
        else:
            job.share = _share(spent / self.expected)
            job.left = self.expected - spent if spent < self.expected else None
        write_job(self.workspace, job)


def _share(part: float) -> float:
    """Of what was expected, as a share that never comes to an end by itself."""
    return 0.9 * part if part < 1 else 1 - 0.1 * math.exp(1 - part)


def expected_seconds(job: Job) -> float:
    """How long an act should take: as long as the look did, else by its size."""
    if job.act == "import" and "look" in job.took:
        return 0.6 * job.took["look"] + 0.5
    fixed, each = SECONDS[job.act]
    wrapped = any(name.lower().endswith((".gz", ".xz", ".zip")) for name in job.names)
    return fixed + each * job.bytes / 1e6 * (SWELLS if wrapped else 1.0)


def take(workspace: Workspace) -> Job | None:
    """Begin what waits longest, at the desk: it may have been stopped or taken away just now.

    A word to stop that an earlier worker did not come to take away is not for this work.
    """
    with at_the_desk(workspace):
        waiting = [job for job in list_jobs(workspace) if job.phase == "waiting"]
        if not waiting:
            return None
        job = waiting[-1]
        for word in (STOP, SETTLED):
            (folder_of(workspace, job.id) / word).unlink(missing_ok=True)
        job.phase, job.begun, job.share = "running", time.time(), 0.0
        job.pid, job.host = os.getpid(), platform.node()
        job.step = job.refusal = ""
        job.question = {}
        write_job(workspace, job)
        return job


def do(workspace: Workspace, job: Job) -> None:
    """Do one job that was taken to its end, whatever that is."""
    work = Work(workspace.asked_by(job.actor), job)
    watch = threading.Thread(target=work.watch, name="watch", daemon=True)
    before = signal.signal(signal.SIGUSR1, _raiser(work))
    act = job.act
    watch.start()
    try:
        job.phase = _done(work)
    finally:
        work.is_over.set()
        watch.join()
        signal.signal(signal.SIGUSR1, before)
    job.ended = time.time()
    job.took[act] = job.ended - job.begun
    if act == "import" and job.phase == "done":
        job.done_at = job.ended
    folder = folder_of(workspace, job.id)
    (folder / STOP).unlink(missing_ok=True)
    write_job(workspace, job)
    (folder / SETTLED).unlink(missing_ok=True)


def _raiser(work: Work) -> Callable[[int, FrameType | None], None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        if work.is_working:
            raise Stopped

    return stop


def _done(work: Work) -> str:
    """The phase that the work ends in; what it says is in the job."""
    from targeting.store.opening import named_trouble
    from targeting.workflows.jobs.acts import ACTS, Bench, UndecidedError
    from targeting.workflows.jobs.questions import question_of

    job = work.job
    phase_before = "done" if job.act == "undo" else ""
    try:
        work.is_working = True
        try:
            if (folder_of(work.workspace, job.id) / STOP).exists():
                raise Stopped
            return ACTS[job.act](Bench(work.workspace, job, work.tell, work.settle))
        finally:
            work.is_working = False
    except Stopped:
        return phase_before or "stopped"
    except TargetingError as error:
        job.refusal = str(error)
        undecided = error if isinstance(error, UndecidedError) else None
        job.kind = (undecided.kind if undecided else "") or job.kind
        job.question = question_of(job.kind, job.refusal)
        if undecided and undecided.is_foreign and not job.question:
            forget_files(work.workspace, job)  # it may speak of people: not kept for an hour
        return phase_before or ("asked" if job.question else "refused")
    except Exception as error:  # noqa: BLE001 (told with an id, logged whole)
        job.refusal = named_trouble(work.workspace, error) or _logged(work.workspace, error)
        return phase_before or "refused"


def _logged(workspace: Workspace, error: Exception) -> str:
    """Keep the trace under an id, in the workspace's log (with the jobs, before there is one)."""
    reference = uuid.uuid4().hex[:8]
    log = workspace.log if workspace.exists else workspace.jobs / "log"
    log.parent.mkdir(parents=True, exist_ok=True)
    trace = "".join(traceback.format_exception(error))
    with open(log, "a") as file:
        file.write(f"{datetime.now().isoformat()} {reference}\n{trace}\n")
    trouble = f"Internal error {reference}: please report it."
    place = f"The trace is in {log}."
    return f"{trouble} {place}"


def _look_again(workspace: Workspace, job: Job) -> None:
    """Once results are in, outlines that asked their year for want of any can tell it."""
    if (job.act, job.phase, job.kind) != ("import", "done", "results"):
        return
    with at_the_desk(workspace):
        for other in list_jobs(workspace):
            if other.question.get("option") == "vintage" and WITHOUT_RESULTS in other.refusal:
                other.act, other.phase, other.question, other.refusal = "look", "waiting", {}, ""
                write_job(workspace, other)


def work_through(workspace: Workspace) -> None:
    """Do what waits, in the order it was asked for, until nothing does.

    While an answer is waited for, it stays a moment.
    """
    until = 0.0
    while workspace.jobs.is_dir():
        if (job := take(workspace)) is not None:
            do(workspace, job)
            _look_again(workspace, job)
            until = time.monotonic() + LINGER_SECONDS
        elif time.monotonic() < until and any(
            job.phase in ("looked", "asked") for job in list_jobs(workspace)
        ):
            time.sleep(WAIT_SECONDS)
        else:
            return


def main() -> None:
    """Entry point of the process."""
    workspace = Workspace(Path(sys.argv[1]))
    os.nice(NICENESS)
    scratch = workspace.jobs / ".tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    os.environ["TMPDIR"] = str(scratch)
    from targeting.sources.apart import get_ready

    get_ready("targeting.sources.results.reading")  # loads beside ours
    try:
        work_through(workspace)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
