"""How sure the scores of a workspace are: errors of a past transition, kept till sources move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference.held import list_elections
from targeting.reference.moments import one_moment
from targeting.scoring.basis import Basis
from targeting.scoring.calibration import Calibrations
from targeting.scoring.cycles import learning_transition, no_later_than
from targeting.scoring.intervals import Calibration, calibrate
from targeting.scoring.rankings import gap_left, product
from targeting.workflows.cache import BUNDLE, Bundle, cached, content_of
from targeting.workflows.progress import Progress, silent
from targeting.workflows.stations.tallies import load_tallies

CACHE_VERSION: Final = "v2"


@one_moment
def workspace_calibrations(
    workspace: Workspace,
    basis: Basis,
    target: Sequence[str],
    *,
    progress: Progress = silent,
) -> Calibrations:
    """Calibrate on the cycle before the basis', of all stations imported; kept in the cache."""

    def build() -> Bundle:
        progress("calibrating intervals on the past (kept for the next time)")
        return Bundle({}, asdict(_calibrate(workspace, basis, target)))

    made_of = content_of(workspace, ("turnout", "votes"), blocs=True)
    parts = [CACHE_VERSION, basis.elections, sorted(target), *made_of]
    facts = cached(workspace, "certainty", parts, build, BUNDLE).facts
    found = {k: Calibration(**facts[k]) if facts[k] else None for k in ("reservoir", "score")}
    return Calibrations(found["reservoir"], found["score"], facts["why"])


def _calibrate(workspace: Workspace, basis: Basis, target: Sequence[str]) -> Calibrations:
    known = no_later_than(list_elections(workspace), basis)
    tallies = load_tallies(workspace, known, target=target)
    past = learning_transition(tallies, basis)
    if past is None:
        why = (
            "no interval: no earlier cycle is imported to calibrate it on (a presidential first "
            "round, a low-turnout election after it, and a later first round of ten points more)."
        )
        return Calibrations(None, None, why)
    tallies = {e: tallies[e] for e in {*past.known, past.t0, past.t1}}
    try:
        return Calibrations(
            calibrate(tallies, past, gap_left),
            calibrate(tallies, past, product),
            f"80 % intervals, from the errors of {past.t0} to {past.t1}.",
        )
    except TargetingError as error:
        return Calibrations(None, None, f"no interval: {error}")
