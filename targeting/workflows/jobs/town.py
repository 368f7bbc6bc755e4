"""The invented town comes in whole and goes out whole: each way a list of moves, carried on if cut.

Both are made by renaming. `reference/` makes a workspace of a folder: it comes last and goes first.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Final

from targeting.config import OUR_NAMES, Workspace
from targeting.errors import WorkspaceError
from targeting.reference.staging import only_writer
from targeting.store.opening import database_file
from targeting.workflows.access.asks import asks
from targeting.workflows.jobs.records import (
    at_the_desk,
    folder_of,
    forget_job,
    list_jobs,
    worker_lock,
)
from targeting.workflows.setup import is_demo

TOWN: Final = "town"
MOVING: Final = "moving"
LEAVING: Final = "leaving"
LEFT: Final = "left-town"

PIECES: Final = (
    "reference", *(n for n in OUR_NAMES if n not in ("reference", "jobs", ".staging")),
    "relance.db-wal", "relance.db-shm", ".manifest.lock",
)  # fmt: skip
"""What a town is made of, as it goes out; the other way round as it comes in."""


def move_in(workspace: Workspace, job_id: str) -> None:
    """Put the town that was made beside a job in its place."""
    (folder_of(workspace, job_id) / MOVING).touch()
    finish_moving_in(workspace, job_id)


def finish_moving_in(workspace: Workspace, job_id: str) -> bool:
    """Carry the moves on, where they were begun; tells whether they were."""
    folder = folder_of(workspace, job_id)
    if not (folder / MOVING).exists():
        return False
    _move(folder / TOWN, workspace.root, PIECES[::-1])
    (folder / MOVING).unlink()
    shutil.rmtree(folder / TOWN, ignore_errors=True)
    return True


@asks("campaign.change")
def leave_town(workspace: Workspace) -> None:
    """Put the invented town aside (in `jobs/left-town-…`): the place is empty for a campaign.

    Raises WorkspaceError where it is no invented town, its database is a server's, or work goes on.
    """
    if not is_demo(workspace.required()):
        raise WorkspaceError(f"{workspace.root} holds a campaign: it is not put aside.")
    file = database_file(workspace)
    if file is None or not file.is_relative_to(workspace.root):
        raise WorkspaceError(
            "the invented town's database is not in its folder: make another workspace for the "
            "campaign: `python -m targeting --workspace data/workspaces/mine init`."
        )
    with (
        at_the_desk(workspace),
        worker_lock(workspace) as handle,
        only_writer(workspace.root),
    ):
        if handle is None:
            raise WorkspaceError("work is going on: wait until it ends, then try again.")
        place = f"{LEFT}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        (workspace.jobs / place).mkdir(mode=0o700)
        (workspace.jobs / LEAVING).write_text(place)
        finish_leaving(workspace)
        for job in list_jobs(workspace):  # none that is dropped from here on
            forget_job(workspace, job.id)


def is_leaving(workspace: Workspace) -> bool:
    """Whether putting a town aside was begun and has not ended."""
    return (workspace.jobs / LEAVING).is_file()


def finish_leaving(workspace: Workspace) -> bool:
    """Carry on putting a town aside, where that was begun; tells whether it was."""
    marker = workspace.jobs / LEAVING
    if not is_leaving(workspace):
        return False
    place = workspace.jobs / Path(marker.read_text()).name
    if place.is_dir():
        _move(workspace.root, place, PIECES)
    marker.unlink(missing_ok=True)
    return True


def _move(source: Path, target: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if os.path.lexists(source / name) and not os.path.lexists(target / name):
            os.rename(source / name, target / name)
