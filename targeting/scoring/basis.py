"""Which elections a score rests on, and why: the same for every station of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from targeting.codes import Election, held_on, parse_election_id, to_type
from targeting.errors import TargetingError

LOW_TURNOUT_GAP: Final = 0.10
"""A low-turnout election lies at least ten points under the presidential one (SCIENCE 0.1, 3.3)."""

ROUNDING: Final = 1e-12
"""Two rates that differ by so little less than a bound are at it: 0.50 − 0.40 is ten points."""

LOW_ELECTIONS: Final = 2
"""Averaging abstention over two low-turnout elections is as good as one or better (SCIENCE 0.1)."""

NOT_LOW: Final = ("pres", "sect")
"""Never a low-turnout election of the score: the presidential one, and the sector councils, whose
voters are those of the municipal ballot of the same day (they would count twice)."""


@dataclass(frozen=True)
class Basis:
    """The presidential first round and the low-turnout elections, latest first.

    gaps: points of turnout each low election lies under the presidential one.
    """

    presidential: str
    low: tuple[str, ...]
    gaps: tuple[float, ...]

    @property
    def told(self) -> str:
        """Why these elections, in one line."""
        lows = ", ".join(
            f"{e} ({100 * g:.1f} points under it)" for e, g in zip(self.low, self.gaps, strict=True)
        )
        one = "" if len(self.low) > 1 else "; one only: a second would steady the abstention"
        return (
            f"left share of {self.presidential}, the presidential round; abstention of {lows}{one}"
        )

    @property
    def elections(self) -> tuple[str, ...]:
        return (self.presidential, *self.low)

    @property
    def latest_low(self) -> str:
        return self.low[0]


def last_presidential(elections: list[str]) -> str:
    """The last presidential first round. Raises TargetingError if there is none."""
    rounds = [
        e for e in map(parse_election_id, elections) if (e.kind, e.round_number) == ("pres", 1)
    ]
    if not rounds:
        has = ", ".join(elections) or "none"
        raise TargetingError(
            f"the score needs a presidential first round (imported: {has}): import it with "
            "`python -m targeting import results FILE`."
        )
    return max(rounds).election_id


def choose_basis(levels: pd.DataFrame) -> Basis:
    """Choose the elections of the T0 score.

    Parameters
    ----------
    levels
        One row per election imported: `election_id`, `turnout` and `turnout_presidential`, both
        rates over the stations that the election shares with the last presidential first round.

    Returns
    -------
    Basis
        The last presidential first round, and the last two distinct elections (of each, the first
        round where there is one, else the second) whose turnout is at least ten points lower;
        one alone where there are not two.

    Raises
    ------
    TargetingError
        If there is no presidential first round, or no low-turnout election.
    """
    presidential = last_presidential(list(levels["election_id"]))
    gap = (levels["turnout_presidential"] - levels["turnout"]).set_axis(levels["election_id"])
    by_contest: dict[str, Election] = {}
    for election in sorted(map(parse_election_id, levels["election_id"]), key=held_on):
        by_contest.setdefault(election.contest, election)
    gap = gap.astype("float64").fillna(-1.0)  # no station in common: nothing to compare with
    low = [
        e.election_id
        for e in sorted(by_contest.values(), key=held_on, reverse=True)
        if e.kind not in NOT_LOW and gap[e.election_id] >= LOW_TURNOUT_GAP - ROUNDING
    ][:LOW_ELECTIONS]
    if not low:
        told = ", ".join(f"{e} {g:+.1%}" for e, g in (-gap).items() if e != presidential) or "none"
        raise TargetingError(
            f"no election lies ten points of turnout under {presidential} (others: {told}): "
            "import a legislative, European, regional or municipal first round."
        )
    return Basis(presidential, tuple(low), tuple(float(gap[e]) for e in low))


def given_basis(levels: pd.DataFrame, presidential: str, low: tuple[str, ...]) -> Basis:
    """The pair that a user asks for, whatever its turnout.

    `levels` as in `choose_basis`, with turnouts compared to `presidential`. Raises TargetingError
    for an election that is not imported, a base that is no presidential first round, or none low.
    """
    has = list(levels["election_id"])
    if absent := [e for e in (presidential, *low) if e not in has]:
        raise TargetingError(f"{', '.join(absent)} is not imported (imported: {', '.join(has)}).")
    base = parse_election_id(presidential)
    if (base.kind, base.round_number) != ("pres", 1):
        raise TargetingError(f"{presidential} is no presidential first round: write 2022_pres_t1.")
    if not low or presidential in low:
        raise TargetingError("give one low-turnout round or two, as --low 2022_legi_t1.")
    gap = (levels["turnout_presidential"] - levels["turnout"]).set_axis(has)
    return Basis(presidential, low, tuple(float(gap[e]) for e in low))


def refuse_no_candidate(bloc_votes: pd.DataFrame, target: Sequence[str], basis: Basis) -> None:
    """A target that stood nowhere has no share to rank by."""
    ours = bloc_votes.loc[bloc_votes["bloc"].isin(list(target)), "votes"].sum()
    if not ours > 0:
        stood = to_type(sorted(set(bloc_votes.loc[bloc_votes["votes"] > 0, "bloc"]))) or "none"
        raise TargetingError(
            f"no vote for {to_type(target)} at {basis.presidential} (blocs with votes: {stood}): "
            "choose another target with `init --target`."
        )
