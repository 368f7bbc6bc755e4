"""Polling stations through time: each station's past is its own, and how sure we are of it.

Rounds are chained: from each to the next that covers the commune, by the map where two vintages
are known, else by codes and rolls, until the stations of now. A short step is surer than a long
one, and every later step serves all the earlier rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pandas as pd

from targeting.codes import ELECTION_ID, held_on, parse_election_id
from targeting.stations.flows import COLUMNS, as_flows, communes_of, compose, identity_flows
from targeting.stations.mergers import find_absorbed
from targeting.stations.rolls import TOLERANCE, match_rolls
from targeting.tables import StationHistory

MOST_OF_A_DEPARTMENT: Final = 0.8
"""A commune is gone when a later round has most of its department's communes, but not it."""

SAME_ON_THE_MAP: Final = 0.95
"""A same-coded station that the map finds at least so much the same, and whose roll stayed, is the
same: the rest is addresses a few metres across a border."""

SAME_YEAR: Final = 0.995
"""Confidence in a code within one year: 0.2 % of the rolls move by more than 10 % between the
presidential and the legislative first rounds of 2022, 0.06 % in 2017."""


@dataclass(frozen=True)
class Round:
    """The rolls of one round of an election (or of a roll alone, whose vintage is a year).

    rolls: `station_id`, `registered`, and the columns of rolls.PROFILE where the votes are known.
    """

    vintage: str
    rolls: pd.DataFrame

    @property
    def date(self) -> tuple[int, int, int]:
        """Sorts rounds by date; a roll alone stands before the elections of its year."""
        if ELECTION_ID.match(self.vintage):
            return held_on(parse_election_id(self.vintage))
        return int(self.vintage), 0, 0

    @property
    def is_whole(self) -> bool:
        """Whether every station votes: second rounds miss what the first settled."""
        if not ELECTION_ID.match(self.vintage):
            return True
        election = parse_election_id(self.vintage)
        return election.round_number == 1 or election.kind == "pres"

    @cached_property
    def communes(self) -> pd.Series:
        """Commune of each row."""
        return communes_of(self.rolls["station_id"])


@dataclass(frozen=True)
class History:
    """What became of every station of every round.

    flows: table StationHistory, all vintages; now: the stations of now with the roll they have
    (`station_id`, `registered`, `vintage` it is of).
    """

    flows: pd.DataFrame
    now: pd.DataFrame

    def of(self, vintage: str) -> pd.DataFrame:
        """Flows of one round to the stations of now."""
        return self.flows.loc[self.flows["vintage"] == vintage, COLUMNS]


Seen = Mapping[tuple[str, str], pd.DataFrame]
"""(vintage then, vintage now) → flows that a map tells; stations it does not know are left out."""


def build_history(rounds: Sequence[Round], seen: Seen | None = None) -> History:
    """Follow every station of `rounds` to the stations of now.

    The stations of now are those of the last round that covers the commune whole (second rounds of
    other elections than presidential ones miss whole constituencies, and serve for none).

    Parameters
    ----------
    rounds
        In any order; each covers its communes whole, or is a second round.
    seen
        What maps tell between two of the rounds.

    Returns
    -------
    History
        Weights of each station of each vintage sum to 1, what is lost included.
    """
    seen = seen or {}
    ordered = sorted(rounds, key=lambda r: r.date)
    nodes = [r for r in ordered if r.is_whole] or ordered
    ahead: dict[str, pd.DataFrame] = {}
    for at in range(len(nodes) - 1, -1, -1):
        ahead[nodes[at].vintage] = _forward(nodes[at], nodes[at + 1 :], ahead, seen)
    for other in ordered:
        if other.vintage not in ahead:
            ahead[other.vintage] = _second_round(other, nodes, ahead, seen)
    flows = pd.concat(
        [ahead[r.vintage].assign(vintage=r.vintage) for r in ordered], ignore_index=True
    )
    columns = ["vintage", *COLUMNS]
    flows = flows.astype({"vintage": "str"})[columns]
    return History(StationHistory.check(flows), _now(nodes, ahead))


def _forward(
    of: Round, later: Sequence[Round], ahead: Mapping[str, pd.DataFrame], seen: Seen
) -> pd.DataFrame:
    """Flows of a whole round to now: each commune by the next round that has it."""
    communes = of.communes
    waiting = set(communes)
    parts = []
    for target in later:
        there = waiting & set(target.communes)
        if there:
            rows = of.rolls[communes.isin(there)]
            to = target.rolls[target.communes.isin(there)]
            hop = _hop(rows, to, seen.get((of.vintage, target.vintage)))
            parts.append(compose(hop, ahead[target.vintage]))
            waiting -= there
    for target in later:
        gone = _gone(waiting, communes, target)
        if gone:
            parts.append(compose(_absorbed(of, gone, target), ahead[target.vintage]))
            waiting -= gone
    still = of.rolls.loc[communes.isin(waiting), "station_id"].to_numpy()
    return pd.concat([*parts, identity_flows(still)], ignore_index=True)


def _gone(waiting: set[str], communes: pd.Series, later: Round) -> set[str]:
    """Communes that a later round does not have although it has most of their department."""
    had = pd.Series(sorted(set(communes))).str.slice(0, 2).value_counts()
    has = pd.Series(sorted(set(later.communes))).str.slice(0, 2).value_counts()
    covered = (has / had).dropna()
    whole = set(covered.index[covered >= MOST_OF_A_DEPARTMENT])
    return {c for c in waiting if c[:2] in whole}


def _absorbed(of: Round, gone: set[str], later: Round) -> pd.DataFrame:
    """Stations of vanished communes in the commune that took them in; lost where none is found."""
    vanished = of.communes.isin(gone)
    found = find_absorbed(of.rolls[vanished], later.rolls, of.rolls[~vanished])
    stations = of.rolls.loc[vanished, "station_id"]
    lost = stations[~stations.isin(found["station_id_then"])].to_numpy()
    return pd.concat(
        [found, as_flows(lost, [None] * len(lost), 1.0, "lost", 0.0)], ignore_index=True
    )


def _hop(then: pd.DataFrame, now: pd.DataFrame, seen: pd.DataFrame | None) -> pd.DataFrame:
    """One step: by the map where it tells, else by codes and rolls."""
    by_rolls = match_rolls(then, now)
    if seen is None:
        return by_rolls
    known = seen[seen["station_id_then"].isin(then["station_id"])]
    known = known[known["station_id"].isin(now["station_id"]) | known["station_id"].isna()]
    same = known[known["station_id_then"] == known["station_id"]]
    sizes = then.set_index("station_id")["registered"].rename("then").to_frame()
    sizes = sizes.join(now.set_index("station_id")["registered"].rename("now"))
    growth = now["registered"].sum() / max(then["registered"].sum(), 1)
    kept_size = (sizes["now"] / (sizes["then"] * growth) - 1).abs() <= TOLERANCE
    intact = same.loc[same["weight"] >= SAME_ON_THE_MAP, "station_id_then"]
    intact = set(intact[intact.map(kept_size).astype(bool)])
    moved = known[~known["station_id_then"].isin(intact)]
    whole = moved.groupby("station_id_then")["weight"].transform("sum")
    moved = moved.assign(weight=moved["weight"] / whole)
    sure = same.set_index("station_id_then")["confidence"]
    ids = sorted(intact)
    kept = as_flows(ids, ids, 1.0, "same_code", sure.reindex(ids).to_numpy())
    told = {*intact, *moved["station_id_then"]}
    rest = by_rolls[~by_rolls["station_id_then"].isin(told)]
    return pd.concat([kept, moved, rest], ignore_index=True)


def _second_round(
    of: Round, nodes: Sequence[Round], ahead: Mapping[str, pd.DataFrame], seen: Seen
) -> pd.DataFrame:
    """A round that misses stations: through a whole one of its year, else the next, else the last.

    Within a year a code is the same station: what is missing was settled, not redrawn.
    """
    communes = of.communes
    waiting = set(communes)
    year = of.date[0]
    parts = []
    for target in sorted(nodes, key=lambda r: (abs(r.date[0] - year), r.date)):
        there = waiting & set(target.communes)
        rows = of.rolls[communes.isin(there)]
        to = target.rolls[target.communes.isin(there)]
        if target.date[0] == year:
            same = rows["station_id"].isin(to["station_id"])
            parts.append(compose(_same_year(rows.loc[same, "station_id"]), ahead[target.vintage]))
            to = to[~to["station_id"].isin(rows["station_id"])]
            rows = rows[~same]
        if len(rows):
            hop = _hop(rows, to, seen.get((of.vintage, target.vintage)))
            parts.append(compose(hop, ahead[target.vintage]))
        waiting -= there
    lost = of.rolls.loc[communes.isin(waiting), "station_id"].to_numpy()
    parts.append(as_flows(lost, [None] * len(lost), 1.0, "lost", 0.0))
    return pd.concat(parts, ignore_index=True)


def _same_year(stations: pd.Series) -> pd.DataFrame:
    return as_flows(stations.to_numpy(), stations.to_numpy(), 1.0, "same_code", SAME_YEAR)


def _now(nodes: Sequence[Round], ahead: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The stations of now: those of the last round that has their commune, if it is not gone."""
    found: list[pd.DataFrame] = []
    later: set[str] = set()
    for node in reversed(nodes):
        flows = ahead[node.vintage]
        lost = flows.loc[flows["station_id"].isna(), "station_id_then"]
        mine = ~node.communes.isin(list(later)) & ~node.rolls["station_id"].isin(lost)
        found.append(
            node.rolls.loc[mine, ["station_id", "registered"]].assign(vintage=node.vintage)
        )
        later |= set(node.communes)
    now = pd.concat(found, ignore_index=True).astype({"vintage": "str"})
    return now.sort_values("station_id", ignore_index=True)
