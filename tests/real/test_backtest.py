"""The backtest on the official results, on the departments present: what was measured stays true."""

from __future__ import annotations

import numpy as np
import pytest

from targeting.codes import DEFAULT_TARGET
from targeting.config import Workspace
from targeting.reference.held import list_elections
from targeting.scoring.backtest import label
from targeting.scoring.capture import ARENAS
from targeting.scoring.cycles import learning_transition
from targeting.scoring.intervals import calibrate, coverage, interval
from targeting.scoring.methods import OFFERED, TOLERANCE, losses
from targeting.scoring.rankings import gap_left
from targeting.workflows.imports.results import import_results
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations.backtest import backtest_workspace
from targeting.workflows.stations.tallies import load_tallies
from tests.conftest import NATIONAL, REAL

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is absent: NOT checked"),
]

T1 = "2024_legi_t1"
TIDY = REAL / "results" / "tidy_thirdparty"
FILES = [
    NATIONAL / "PR17_BVot_T1_FE.txt.gz",
    NATIONAL / "PR17_BVot_T2_FE.txt.gz",
    NATIONAL / "pr2022/resultats-par-niveau-burvot-t1-france-entiere.txt.gz",
    NATIONAL / "pr2022/resultats-par-niveau-burvot-t2-france-entiere.txt.gz",
    NATIONAL / "lg2022/resultats-par-niveau-burvot-t1-france-entiere.txt.gz",
    NATIONAL / "lg2024_t1/resultats-definitifs-par-bureau-de-vote.csv.gz",
    TIDY / "2014-europeennes_par_bureau_large.csv.gz",
    TIDY / "2017-legislatives-1_par_bureau_large.csv.gz",
]

MEASURED = {  # capture@20, G then M: national, constituencies, communes
    "naive": (0.389, 0.312, 0.290, 0.330, 0.273, 0.285),
    "abstention": (0.314, 0.293, 0.281, 0.257, 0.248, 0.268),
    "left_low": (0.374, 0.296, 0.275, 0.327, 0.269, 0.276),
    "left_presidential": (0.448, 0.325, 0.297, 0.336, 0.275, 0.287),
    "product_one": (0.438, 0.330, 0.299, 0.330, 0.274, 0.287),
    "product": (0.440, 0.329, 0.298, 0.331, 0.275, 0.288),
    "gap_left": (0.432, 0.317, 0.297, 0.333, 0.275, 0.286),
    "drop_off": (0.409, 0.311, 0.296, 0.297, 0.261, 0.280),
    "ecological": (0.414, 0.321, 0.297, 0.309, 0.272, 0.283),
    "shrunk": (0.443, 0.332, 0.298, 0.331, 0.275, 0.288),
    "boosted": (0.461, 0.338, 0.301, 0.329, 0.274, 0.287),
    "ensemble": (0.458, 0.336, 0.301, 0.332, 0.276, 0.288),
}
CEILING = (0.493, 0.346, 0.307, 0.345, 0.279, 0.289)
KEYS = [(arena, kind) for kind in ("G", "M") for arena in ARENAS]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("france") / "workspace")
    init_workspace(workspace)
    import_results(workspace, FILES)
    return workspace


@pytest.fixture(scope="module")
def result(workspace):
    return backtest_workspace(workspace, T1)[0]


def test_the_stations_are_those_that_the_filters_leave(result) -> None:
    transition = result.transition
    assert transition.basis.low == ("2022_legi_t1", "2017_legi_t1")
    assert len(transition.stations) == 41559
    assert transition.change == pytest.approx(0.196, abs=0.001)
    assert [len(a.labels) for a in transition.arenas] == [1, 381, 98]


@pytest.mark.parametrize("method", MEASURED)
def test_the_table_is_the_one_recorded(result, method: str) -> None:
    found = [result.figures.at[(arena, kind, method), "capture_20"] for arena, kind in KEYS]
    assert found == pytest.approx(MEASURED[method], abs=0.005)


def test_the_ceiling_is_the_one_recorded(result) -> None:
    assert [result.oracles[key].at(0.2) for key in KEYS] == pytest.approx(CEILING, abs=0.005)


def test_t0_does_not_fall_and_nothing_shipped_loses_to_it(result) -> None:
    for (arena, kind), recorded in zip(KEYS, MEASURED["product"], strict=True):
        found = result.figures.at[(arena, kind, "product"), "capture_20"]
        assert found >= recorded - TOLERANCE, f"T0 fell in {arena}, {kind}"
    for method in OFFERED[1:]:
        assert losses(result, method) == [], method


def test_intervals_of_the_past_cycle_cover_the_next(workspace, result) -> None:
    tallies = load_tallies(workspace, list_elections(workspace), target=DEFAULT_TARGET)
    transition = result.transition
    calibration = calibrate(tallies, learning_transition(tallies, transition.basis), gap_left)
    then, now = (tallies[e].reindex(transition.stations) for e in (transition.t0, T1))
    gain = label(then, now, "G") / transition.registered
    level = float(np.average(gain, weights=transition.registered))
    density = gap_left(tallies, transition).reindex(transition.stations)
    bounds = interval(calibration, density, transition.registered, level=level)
    cities = transition.communes.map(transition.communes.value_counts()) >= 30
    everywhere, _ = coverage(bounds, gain, transition.communes)
    in_cities, by = coverage(bounds[cities], gain[cities], transition.communes)
    assert everywhere == pytest.approx(0.743, abs=0.01)
    assert in_cities == pytest.approx(0.779, abs=0.01)
    assert by.median() > 0.75


def test_the_reservoir_given_turnout_is_near_what_came_back(workspace, result) -> None:
    transition = result.transition
    used = [*transition.basis.elections, T1]
    tallies = load_tallies(workspace, used, target=DEFAULT_TARGET)
    high, low, now = (
        tallies[e].reindex(transition.stations)
        for e in (transition.basis.presidential, transition.t0, T1)
    )
    turnout = [t["votes_cast"].sum() / t["registered"].sum() for t in (high, low, now)]
    back = (turnout[2] - turnout[1]) / (turnout[0] - turnout[1])
    density = gap_left(tallies, transition).reindex(transition.stations).clip(lower=0)
    predicted = back * (density * transition.registered).sum()
    realised = {kind: label(low, now, kind).sum() for kind in ("G", "M")}
    assert predicted / realised["M"] == pytest.approx(1.01, abs=0.02)
    assert predicted / realised["G"] == pytest.approx(1.28, abs=0.02)
