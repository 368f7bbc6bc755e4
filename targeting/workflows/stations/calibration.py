"""How sure the scores of a workspace are: errors of a past transition, kept till sources move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference.held import list_elections
from targeting.reference.moments import one_moment
from targeting.scoring.backtest import Tallies
from targeting.scoring.basis import Basis
from targeting.scoring.calibration import Calibrations
from targeting.scoring.cycles import learning_transition
from targeting.scoring.intervals import SHIPPED, Calibration, calibrate
from targeting.scoring.rankings import gap_left
from targeting.scoring.ranks import Tau, find_tau
from targeting.workflows.cache import BUNDLE, Bundle, cached, content_of
from targeting.workflows.progress import Progress, silent
from targeting.workflows.stations.tallies import load_tallies

CACHE_VERSION: Final = "v4"


@one_moment
def workspace_calibrations(
    workspace: Workspace,
    basis: Basis,
    target: Sequence[str],
    *,
    progress: Progress = silent,
) -> Calibrations:
    """Calibrate on what is past, of all stations imported, else on what is shipped; kept in the
    cache."""

    def build() -> Bundle:
        progress("calibrating intervals on the past (kept for the next time)")
        return Bundle({}, asdict(_calibrate(workspace, basis, target)))

    made_of = content_of(workspace, ("turnout", "votes"), blocs=True)
    parts = [CACHE_VERSION, basis.elections, sorted(target), *made_of]
    facts = cached(workspace, "certainty", parts, build, BUNDLE).facts
    return Calibrations(Calibration(**facts["reservoir"]), Tau(**facts["tau"]), tuple(facts["why"]))


def _calibrate(workspace: Workspace, basis: Basis, target: Sequence[str]) -> Calibrations:
    tallies = load_tallies(workspace, list_elections(workspace), target=target)
    reservoir, why = _reservoir(tallies, basis)
    tau = find_tau(tallies)
    return Calibrations(reservoir, tau, (*why, tau.told))


def _reservoir(tallies: Tallies, basis: Basis) -> tuple[Calibration, list[str]]:
    """The errors of the reservoir at the cycle before, else those shipped; and where from."""
    past = learning_transition(tallies, basis)
    lacking = "no earlier cycle is imported to learn intervals on."
    if past is not None:
        try:
            found = calibrate(tallies, past, gap_left)
        except TargetingError as error:
            lacking = str(error)
        else:
            return found, [f"80 % intervals, from the errors of {past.t0} to {past.t1}."]
    return SHIPPED, [
        lacking,
        f"80 % intervals, shipped, from the errors of {SHIPPED.t0} to {SHIPPED.t1} in all of "
        "France.",
    ]
