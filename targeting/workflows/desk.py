"""The desk of the day: what waits, what moved, how far the campaign is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from targeting.config import Workspace
from targeting.maps.board import Board
from targeting.outcomes import TALKED
from targeting.scoring.priorities import SMALLEST_CELL
from targeting.scoring.ranks import first_ones
from targeting.store.engine import open_store, reading
from targeting.store.turfs import count_statuses
from targeting.store.visits import knocked_since
from targeting.workflows.access.asks import asks
from targeting.workflows.setup import campaign_card

WEEK: Final = 7


@dataclass(frozen=True)
class Desk:
    """What a day begins with.

    days_left: to the ballot (negative after it), None where no day is set; eve: the day from whose
    first hour serial calls and messages stop (electoral code, L. 49); turfs: how many are ready, in
    progress, done; day_doors, week_doors: knocked at since yesterday, and in seven days (progress,
    not people: told from the first); week_talks: doors where somebody talked in seven days, None
    from 1 to 10 (people: TRUST PRIV-17); targets: stations aimed at; target_voters: their
    registered voters, and those of them who live in a household that was met (an estimate:
    registered × share of households met).
    """

    days_left: int | None
    eve: date | None
    turfs: dict[str, int]
    day_doors: int
    week_doors: int
    week_talks: int | None
    targets: int
    target_voters: int
    target_met: int


@asks("plan.see")
def load_desk(workspace: Workspace, board: Board | None, today: date) -> Desk:
    """Look at the workspace on that day; `board` is None before there is a ranking."""
    ballot = campaign_card(workspace).ballot_date
    with reading(open_store(workspace)) as session:
        knocked = knocked_since(
            session, _start_of(today - timedelta(days=WEEK)), met=TALKED,
            lately=_start_of(today - timedelta(days=1)),
        )  # fmt: skip
        turfs = count_statuses(session)
    targets, voters, met = (0, 0, 0) if board is None else _targets(board)
    return Desk(
        days_left=(ballot - today).days if ballot else None,
        eve=ballot - timedelta(days=1) if ballot else None,
        turfs=turfs,
        day_doors=knocked.lately,
        week_doors=knocked.doors,
        week_talks=None if 0 < knocked.talks < SMALLEST_CELL else knocked.talks,
        targets=targets,
        target_voters=voters,
        target_met=met,
    )


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _targets(board: Board) -> tuple[int, int, int]:
    """The stations aimed at (the first ones by priority), their voters, those of them met."""
    first = board.table[board.table["priority_rank"] <= first_ones(board.ranked, None)]
    met = (first["registered"] * first["contacted_rate"].fillna(0)).sum()
    return len(first), int(first["registered"].sum()), round(met)
