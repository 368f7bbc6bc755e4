"""The desk of the day, at its bounds: ten talks and eleven, midnight, the eve and the vote."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from targeting.config import Workspace
from targeting.store.engine import open_store, reading, write
from targeting.store.visits import knocked_since, record_visits, visit_uuid
from targeting.workflows.desk import load_desk
from targeting.workflows.setup import init_workspace
from targeting.workflows.stations.board import load_board

DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
YESTERDAY = datetime(2026, 3, 9, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def knock(name: str, door: int, at: datetime, outcome: str = "not_home") -> dict[str, object]:
    return {
        "visit_id": visit_uuid(name), "building_id": "b", "door_id": f"b/{door}",
        "outcome": outcome, "visited_at": at,
    }  # fmt: skip


@pytest.mark.parametrize(("talks", "told"), [(0, 0), (1, None), (10, None), (11, 11)])
def test_fewer_than_eleven_talks_are_not_counted_on_the_desk_and_doors_are(
    workspace: Workspace, talks: int, told: int | None
) -> None:
    rows = [knock(f"t{n}", n, NOON, "talked") for n in range(1, talks + 1)]
    rows += [knock(f"d{n}", n, NOON) for n in (20, 21, 22)]
    write(open_store(workspace), lambda s: record_visits(s, rows))
    desk = load_desk(workspace, None, DAY)
    assert desk.week_talks == told
    assert desk.week_doors == desk.day_doors == talks + 3


@pytest.mark.parametrize(
    ("today", "left"),
    [(date(2026, 3, 13), 2), (date(2026, 3, 14), 1), (date(2026, 3, 15), 0),
     (date(2026, 3, 16), -1)],
)  # fmt: skip
def test_the_days_left_are_none_on_the_day_of_the_vote(
    workspace: Workspace, today: date, left: int
) -> None:
    init_workspace(workspace, ballot_date=date(2026, 3, 15))
    desk = load_desk(workspace, None, today)
    assert (desk.days_left, desk.eve) == (left, date(2026, 3, 14))


def test_a_door_counts_once_and_from_the_first_moment_of_yesterday(engine: Engine) -> None:
    rows = [
        knock("twice", 1, NOON), knock("again", 1, NOON - timedelta(days=3), "talked"),
        knock("first", 2, YESTERDAY), knock("before", 3, YESTERDAY - MOMENT),
        knock("week", 4, YESTERDAY - timedelta(days=6), "talked"),
        knock("long ago", 5, YESTERDAY - timedelta(days=6) - MOMENT, "talked"),
    ]  # fmt: skip
    write(engine, lambda s: record_visits(s, rows))
    since = YESTERDAY - timedelta(days=6)
    with reading(engine) as session:
        assert knocked_since(session, since, met="talked", lately=YESTERDAY) == (4, 2, 2)
        later = NOON + MOMENT
        assert knocked_since(session, later, met="talked", lately=later) == (0, 0, 0)


def test_voters_met_are_those_of_the_first_fifth_alone(
    workspace: Workspace, demo_folder: Path
) -> None:
    board = load_board(Workspace(demo_folder))
    table = board.table.copy()
    aimed = table.index[table["priority_rank"] <= round(board.ranked / 5)]
    table["contacted_rate"] = 0.0
    table.loc[[aimed[-1], table.index[len(aimed)]], "contacted_rate"] = 0.5
    desk = load_desk(workspace, replace(board, table=table), DAY)
    assert (desk.targets, desk.target_voters) == (len(aimed), table.loc[aimed, "registered"].sum())
    assert desk.target_met == round(table.at[aimed[-1], "registered"] / 2)
