"""Which past transition a model learns on, and which one tests the score of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from targeting.codes import Election, held_on, parse_election_id
from targeting.errors import TargetingError
from targeting.scoring.backtest import LEAST_CHANGE, Tallies, Transition, build_transition
from targeting.scoring.basis import ROUNDING, Basis, choose_basis, last_presidential


def before(elections: Sequence[str], t1: str) -> list[str]:
    """Elections held before t1, oldest first; the other round of t1's own contest is left out."""
    end = parse_election_id(t1)
    known = sorted(map(parse_election_id, elections), key=held_on)
    return [e.election_id for e in known if held_on(e) < held_on(end) and e.contest != end.contest]


def turnout_levels(tallies: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Turnout of each election and of the last presidential first round where both have stations.

    Columns `election_id`, `turnout`, `turnout_presidential`, as `choose_basis` takes them.
    """
    base = tallies[last_presidential(list(tallies))]
    rows = []
    for election, tally in tallies.items():
        both = base.index.intersection(tally.index)
        now, then = tally.loc[both], base.loc[both]
        rows.append(
            {
                "election_id": election,
                "turnout": now["votes_cast"].sum() / max(now["registered"].sum(), 1),
                "turnout_presidential": then["votes_cast"].sum() / max(then["registered"].sum(), 1)
                if len(both)
                else None,
            }
        )
    return pd.DataFrame(rows)


def basis_before(tallies: Tallies, t1: str) -> Basis:
    """The elections T0 would have rested on just before t1. Raises TargetingError if there are
    none."""
    known = {e: tallies[e] for e in before(list(tallies), t1)}
    return choose_basis(turnout_levels(known))


def no_later_than(elections: Sequence[str], basis: Basis) -> list[str]:
    """Elections held no later than the last of the basis, oldest first: all it may learn on."""
    end = max(held_on(parse_election_id(e)) for e in basis.elections)
    known = sorted(map(parse_election_id, elections), key=held_on)
    return [e.election_id for e in known if held_on(e) <= end]


def learning_transition(tallies: Tallies, basis: Basis) -> Transition | None:
    """The transition that a model of `basis` learns on, or nothing where the past holds none.

    It starts from a low-turnout round of an earlier cycle than the basis' latest (of the same kind
    if there is one, then a first round, then the latest), and ends at the last first round whose
    turnout was ten points higher, no later than the basis itself: nothing learnt is later than
    what it is applied to.
    """
    latest = parse_election_id(basis.latest_low)
    known = [parse_election_id(e) for e in no_later_than(list(tallies), basis)]
    ends = [e for e in known if e.round_number == 1]
    starts = [e for e in known if held_on(e) < held_on(latest) and e.contest != latest.contest]
    starts.sort(key=lambda e: (e.kind == latest.kind, e.round_number == 1, held_on(e)))
    for start in reversed(starts):
        for t1 in reversed(ends):
            if held_on(t1) > held_on(start) and t1.contest != start.contest:
                found = _rising(tallies, start, t1)
                if found is not None:
                    return found
    return None


def _rising(tallies: Tallies, start: Election, t1: Election) -> Transition | None:
    """The transition from one low round to t1, if turnout rises by ten points or more."""
    known = {e: t for e, t in tallies.items() if held_on(parse_election_id(e)) <= held_on(start)}
    if not any(e.endswith("_pres_t1") for e in known):
        return None
    try:
        basis = choose_basis(turnout_levels(known))
        low = (start.election_id, *[e for e in basis.low if not e.startswith(start.contest)])[:2]
        found = build_transition(
            tallies,
            Basis(basis.presidential, low, (0.0,) * len(low)),
            t1.election_id,
            t0=start.election_id,
        )
    except TargetingError:  # nothing in common, or too little change: not a cycle to learn on
        return None
    return found if found.change >= LEAST_CHANGE - ROUNDING else None


def trial_transition(tallies: Tallies, basis: Basis) -> Transition | None:
    """The last transition that ended after the basis' latest low round, where one is known: what a
    user's own backtest looks at."""
    low = parse_election_id(basis.latest_low)
    later = [
        e
        for e in sorted(map(parse_election_id, tallies), key=held_on)
        if held_on(e) > held_on(low) and e.contest != low.contest and e.round_number == 1
    ]
    for t1 in reversed(later):
        try:
            return build_transition(tallies, basis, t1.election_id)
        except TargetingError:  # too little change: another may do
            continue
    return None
