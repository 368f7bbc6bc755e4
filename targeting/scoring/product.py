"""T0: abstention of the low-turnout elections × left share of the last presidential one.

The score ranks (SCIENCE 3.2: it beats every other transparent score once tested fairly); the
reservoir counts people. Both are per station, and never of a person.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from targeting.codes import DEFAULT_TARGET, held_on, parse_election_id
from targeting.scoring.basis import Basis
from targeting.scoring.measures import abstention_rate, left_share, turnout_rate
from targeting.tables import Scores

SMALL_STATION: Final = 100
"""Under this many registered voters a station is scored but not ranked: noise, and nearly
unanimous votes (TRUST PRIV-18)."""

ELSEWHERE: Final = 0.3
"""Share of a roll's abstainers who do not live in the commune (SCIENCE 0.7, 1.4: 27 to 33 %)."""

SAME_ROLL: Final = 0.10
"""A station whose roll moved by more than this may have been redrawn (DESIGN 4)."""


OWN_PAST: Final = 0.5
"""A past less than half of which is a station's own is left out of its mean when another round has
more: it says how the neighbours voted."""

REDRAWN: Final = ("renumbered", "split", "merged", "recut")
"""Kinds of the ledger that a reader is told of."""


def counted_rates(
    rates: Sequence[pd.Series], index: pd.Index, *, own: Sequence[pd.Series] | None = None
) -> pd.DataFrame:
    """The rates that count for each station of `index`, a column each; the others are missing.

    `own`: for each of the rates, how much of the station's past is its own (0 to 1). Rates under
    OWN_PAST count only where no other does better.
    """
    table = pd.concat([r.reindex(index) for r in rates], axis=1, keys=range(len(rates)))
    if own is not None:
        shares = pd.concat([o.reindex(index) for o in own], axis=1, keys=range(len(own)))
        sound = (shares >= OWN_PAST) & table.notna()
        table = table.where(sound | ~sound.any(axis=1).to_numpy()[:, None])
    return table


def mean_rate(
    rates: Sequence[pd.Series], index: pd.Index, *, own: Sequence[pd.Series] | None = None
) -> pd.Series:
    """Mean of the rates that count for each station (`counted_rates`); missing where none does."""
    return counted_rates(rates, index, own=own).mean(axis=1)


def low_rates(
    turnouts: Mapping[str, pd.DataFrame],
    basis: Basis,
    stations: pd.Index,
    past: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Abstention at the low rounds that count for each station: see `build_scores`."""
    own = [_own(past[e], stations) for e in basis.low] if past is not None else None
    return counted_rates([abstention_rate(turnouts[e]) for e in basis.low], stations, own=own)


def reservoir(
    presidential: pd.Series, latest_low: pd.Series, share: pd.Series, registered: pd.Series
) -> pd.Series:
    """People of the target who voted at the presidential election and stayed home at the latest
    low-turnout one: max(0, turnout gap) × left share × registered (SCIENCE 0.4). In people."""
    gap = (presidential - latest_low.reindex(presidential.index)).clip(lower=0)
    return (gap * share * registered).rename("reservoir")


def reachable(people: pd.Series, *, elsewhere: float = ELSEWHERE) -> pd.Series:
    """The part of a reservoir that lives where it is registered. In people."""
    return (people * (1 - elsewhere)).rename("reachable")


def rank_of(score: pd.Series, registered: pd.Series, arena: pd.Series | None = None) -> pd.Series:
    """1 for the highest score of each arena; ties in the order of the index.

    Missing where the score is, or where fewer than SMALL_STATION are registered.
    """
    ranked = score.where((registered >= SMALL_STATION) & np.isfinite(score)).sort_index()
    groups = ranked.groupby(arena.reindex(ranked.index)) if arena is not None else ranked
    ranks = groups.rank(method="first", ascending=False)
    return ranks.astype("Int64").reindex(score.index).rename("rank")


def same_roll_share(
    registered: pd.Series, rolls: Sequence[pd.Series], *, same: float = SAME_ROLL
) -> pd.Series:
    """Share of the elections used in which the station had the same size, by its code alone.

    What is known of a station's past before its history is followed (see stations.history).
    """
    known = [
        ((r.reindex(registered.index) - registered).abs() <= same * registered).astype(float)
        for r in rolls
    ]
    return pd.concat(known, axis=1).mean(axis=1).rename("history_share")


def build_scores(
    turnouts: Mapping[str, pd.DataFrame],
    bloc_votes: pd.DataFrame,
    basis: Basis,
    *,
    target: Collection[str] = DEFAULT_TARGET,
    by: str = "national",
    past: Mapping[str, pd.DataFrame] | None = None,
    registered: pd.Series | None = None,
) -> pd.DataFrame:
    """The scores table (T0), of the stations of now or of the presidential round.

    Parameters
    ----------
    turnouts
        Table Turnout of each election of `basis`.
    bloc_votes
        Table BlocVotes of the presidential first round.
    basis
        The elections to use.
    target
        Blocs that the campaign speaks to.
    by
        Arena of the rank: `commune`, `constituency`, or `national` for all stations together.
    past
        For each election of `basis`, its rows of the Ledger indexed by station of now; `turnouts`
        and `bloc_votes` are then carried to the stations of now. Without, stations are the same by
        their codes.
    registered
        The roll of now, indexed by the stations to score; that of the presidential round if not
        given. In people.

    Returns
    -------
    Scores
        One row per station, in the order of station_id. Interval and top-k columns are missing:
        they are filled where a past cycle has calibrated them.
    """
    presidential = turnouts[basis.presidential].sort_values("station_id")
    if registered is None:
        registered = presidential.set_index("station_id")["registered"]
    registered = registered.sort_index().rename("registered")
    stations = pd.Index(registered.index, name="station_id")
    rates = {e: turnout_rate(turnouts[e]) for e in basis.elections}
    share = left_share(presidential, bloc_votes, target).reindex(stations)
    abstention = low_rates(turnouts, basis, stations, past).mean(axis=1)
    score = (abstention * share).rename("score")
    high = rates[basis.presidential].reindex(stations)
    people = reservoir(high, rates[basis.latest_low], share, registered)
    rolls = [turnouts[e].set_index("station_id")["registered"] for e in basis.low]
    constituency = _constituency(turnouts, stations)
    arena = arena_of(by, stations, constituency)
    missing = pd.Series(np.nan, index=stations)
    table = pd.DataFrame(
        {
            "constituency_code": constituency,
            "registered": registered,
            "abstention_rate": abstention,
            "left_share": share,
            "score": score,
            "rank": rank_of(score, registered, arena),
            "reservoir": people,
            "reservoir_low": missing,
            "reservoir_high": missing,
            "history_share": _history_share(past, stations)
            if past is not None
            else same_roll_share(registered, rolls),
            "top_k_probability": missing,
            "reasons": _reasons(basis, rates, rolls, registered, share, past),
        },
        index=stations,
    )
    return Scores.check(table.reset_index())


def arena_of(by: str, stations: pd.Index, constituency: pd.Series) -> pd.Series | None:
    """Group that each station is ranked in: its commune, its constituency, or all together."""
    if by == "commune":
        return stations.str.split("_").str[0].to_series(index=stations)
    return constituency.fillna("?") if by == "constituency" else None


def replace_score(
    scores: pd.DataFrame, score: pd.Series, by: str, **factors: pd.Series
) -> pd.DataFrame:
    """The scores table with another method's score, ranked as T0 is: `score` from 0 to 1.

    `factors`: columns that the method changes too (`abstention_rate`, `left_share`).
    """
    table = scores.set_index("station_id")
    arena = arena_of(by, table.index, table["constituency_code"])
    finite = score.reindex(table.index).where(table["score"].notna())
    changed = {name: values.reindex(table.index) for name, values in factors.items()}
    table = table.assign(**changed, score=finite, rank=rank_of(finite, table["registered"], arena))
    return Scores.check(table.reset_index())


def with_intervals(scores: pd.DataFrame, bounds: pd.DataFrame, top_k: pd.Series) -> pd.DataFrame:
    """The scores table with its intervals: `bounds` has `low` and `high` per registered voter, on
    station_id; `top_k` the probability to be among the first."""
    table = scores.set_index("station_id")
    people = table["registered"]
    edges = bounds.reindex(table.index).mul(people, axis=0)
    table["reservoir_low"] = np.minimum(edges["low"], table["reservoir"])
    table["reservoir_high"] = np.minimum(edges["high"], people).clip(lower=table["reservoir"])
    table["top_k_probability"] = top_k.reindex(table.index).clip(0, 1)
    return Scores.check(table.reset_index())


def _constituency(turnouts: Mapping[str, pd.DataFrame], stations: pd.Index) -> pd.Series:
    """Constituency of each station, from the last of the elections that publishes it."""
    found = pd.Series(pd.NA, index=stations, dtype="str")
    latest_first = sorted(turnouts, key=lambda e: held_on(parse_election_id(e)), reverse=True)
    for turnout in (turnouts[e] for e in latest_first):
        codes = turnout.set_index("station_id")["constituency_code"].reindex(stations)
        found = found.fillna(codes.astype("str"))
    return found


def _own(ledger: pd.DataFrame, stations: pd.Index) -> pd.Series:
    """How much of each station's past is known to be its own: its share × how sure that is."""
    own = ledger["history_share"] * ledger["confidence"]
    return own.reindex(stations).fillna(0.0)


def _history_share(past: Mapping[str, pd.DataFrame], stations: pd.Index) -> pd.Series:
    """Mean, over the elections used, of the part of the past that is the station's own."""
    parts = [_own(ledger, stations) for ledger in past.values()]
    return pd.concat(parts, axis=1).mean(axis=1).clip(0, 1).rename("history_share")


def _reasons(
    basis: Basis,
    rates: Mapping[str, pd.Series],
    rolls: Sequence[pd.Series],
    registered: pd.Series,
    share: pd.Series,
    past: Mapping[str, pd.DataFrame] | None,
) -> pd.Series:
    """Codes of what to know before trusting a score, joined by `|`; empty when nothing."""
    notes = {
        "small_station": registered < SMALL_STATION,
        "no_valid_votes": share.isna(),
    }
    for election_id in basis.low if past is None else basis.elections:
        notes[f"no_past:{election_id}"] = rates[election_id].reindex(registered.index).isna()
    if past is None:
        for election_id, roll in zip(basis.low, rolls, strict=True):
            then = roll.reindex(registered.index)
            notes[f"roll_moved:{election_id}"] = (then - registered).abs() > SAME_ROLL * registered
    else:
        for election_id in basis.elections:
            notes |= _redrawn_notes(election_id, past[election_id], registered.index)
    return _joined(notes, registered.index)


def _joined(notes: Mapping[str, pd.Series], stations: pd.Index) -> pd.Series:
    """The codes of each station's notes, in their order, joined by `|`.

    Each combination that is met is written once, not each station's.
    """
    is_so = np.column_stack([note.astype(bool).to_numpy() for note in notes.values()])
    met, which = np.unique(np.packbits(is_so, axis=1), axis=0, return_inverse=True)
    codes = np.array(list(notes), dtype=object)
    texts = ["|".join(codes[bits]) for bits in np.unpackbits(met, axis=1, count=len(codes)) == 1]
    return pd.Series(np.array(texts, dtype=object)[which.ravel()], index=stations, dtype="str")


def _redrawn_notes(
    election_id: str, ledger: pd.DataFrame, stations: pd.Index
) -> dict[str, pd.Series]:
    """What became of each station since one election, and whether that is uncertain."""
    kind = ledger["kind"].reindex(stations)
    notes = {f"{name}:{election_id}": (kind == name).fillna(value=False) for name in REDRAWN}
    uncertain = ledger["is_uncertain"].reindex(stations)
    notes[f"uncertain:{election_id}"] = uncertain.fillna(value=False).astype(bool) & (
        kind != "lost"
    )
    return notes
