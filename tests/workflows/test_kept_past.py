"""Where the past of all stations is kept, that of one commune is cut out of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from targeting.config import Workspace
from targeting.workflows.imports.results import import_results
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations import history
from targeting.workflows.stations.history import Past, station_past
from tests.official import PRES_2017, PRES_2022, Ballot, Row, native, write_latin

TOWN, VILLAGE = "13055", "13001"


def rows(candidates: int, size: int) -> list[Row]:
    votes = [[20 + 3 * n + k for k in range(candidates)] for n in range(4)]
    town = [Row(f"{101 + n:04d}", v, registered=size + n) for n, v in enumerate(votes[:3])]
    return [*town, Row("0001", votes[3], registered=size, commune="001")]


@pytest.fixture
def two_rounds(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "workspace")
    init_workspace(workspace)
    for name, people, size in (("p17.txt", PRES_2017, 700), ("p22.txt", PRES_2022, 720)):
        text = native(rows(len(people), size), Ballot.of_names(people))
        import_results(workspace, [write_latin(tmp_path / name, text)])
    return workspace


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many stations were followed each time."""
    counts: list[int] = []

    def build(rounds, seen):
        built = build_history(rounds, seen)
        counts.append(len(built.now))
        return built

    build_history = history.build_history
    monkeypatch.setattr(history, "build_history", build)
    return counts


def assert_same(one: Past, other: Past) -> None:
    for a, b in (
        (one.history.flows, other.history.flows),
        (one.history.now, other.history.now),
        (one.ledger, other.ledger),
    ):
        pd.testing.assert_frame_equal(a, b, check_exact=True)


def forget(workspace: Workspace) -> None:
    for path in (workspace.root / "cache").glob(f"{history.PART}-*"):
        path.unlink()


def test_one_communes_past_is_cut_out_of_the_kept_one_and_is_what_it_would_be(
    two_rounds, followed
) -> None:
    alone = station_past(two_rounds, [TOWN])
    forget(two_rounds)
    station_past(two_rounds)
    assert followed == [3, 4]
    assert_same(station_past(two_rounds, [TOWN]), alone)
    assert followed == [3, 4], "nothing was followed again"


def test_what_was_kept_of_other_sources_is_not_cut_from(two_rounds, followed, tmp_path) -> None:
    station_past(two_rounds)
    text = native(rows(len(PRES_2022), 900), Ballot.of_names(PRES_2022))
    import_results(two_rounds, [write_latin(tmp_path / "again.txt", text)])
    assert set(station_past(two_rounds, [VILLAGE]).registered) == {900}
    assert followed == [4, 1]


def test_communes_that_maps_tell_of_are_followed_alone(two_rounds, followed, monkeypatch) -> None:
    monkeypatch.setattr(history, "_layers", lambda *_: {TOWN: []})
    monkeypatch.setattr(history, "flows_between_layers", lambda *_, **__: {})
    station_past(two_rounds)
    station_past(two_rounds, [TOWN])
    station_past(two_rounds, [VILLAGE])
    assert followed == [4, 3], "the town again, the village not"


def test_a_kept_past_that_is_cut_short_is_not_cut_from(two_rounds, followed) -> None:
    station_past(two_rounds)
    [kept] = (two_rounds.root / "cache").glob(f"{history.WHOLE}-*.zip")
    kept.write_bytes(kept.read_bytes()[:-200])
    assert len(station_past(two_rounds, [TOWN]).registered) == 3
    assert followed == [4, 3]
