"""Files to drop on a screen, and a job done by hand: the test is the worker."""

import io

from targeting.workflows.jobs import desk, worker
from targeting.workflows.jobs.records import (
    read_job,
)
from tests.official import (
    DUEL,
    PRES_2022,
    Ballot,
    geojson,
    marseille_rows,
    native,
    square,
)

PRES = native(marseille_rows(), Ballot.of_names(PRES_2022)).encode("latin-1")
OTHER = native(marseille_rows(scale=0.8), Ballot.of_names(PRES_2022)).encode("latin-1")
AMBIGUOUS = native(
    [row.with_(votes=[300, 200]) for row in marseille_rows()], Ballot.of_names(DUEL)
).encode("latin-1")
OUTLINES = geojson(
    [
        ({"CODE": "13201", "BUREAU": f"13201_{n}"}, square(5.37 + i / 100, 43.29))
        for i, n in enumerate(("0101", "0102", "0103"))
    ]
).encode()


def drop(workspace, content, name="resultats.txt"):
    return desk.drop_file(workspace, name, io.BytesIO(content))


def work(workspace, job):
    """Do all that waits, and give back the job as it is then."""
    worker.work_through(workspace)
    return read_job(workspace, job.id)


def imported(workspace, content, name="resultats.txt"):
    job = work(workspace, drop(workspace, content, name))
    assert job.phase == "looked", job.refusal
    desk.ask_import(workspace, job.id)
    return work(workspace, job)


def files_of(workspace):
    """Every file of the open data, with its bytes."""
    found = workspace.reference.rglob("*.*")
    return {str(p.relative_to(workspace.root)): p.read_bytes() for p in found}
