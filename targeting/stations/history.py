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

import numpy as np
import pandas as pd
import polars as pl

from targeting.codes import ELECTION_ID, held_on, parse_election_id
from targeting.stations.catalogue import Catalogue, key_flows, name_flows
from targeting.stations.flows import (
    COLUMNS,
    RANK,
    RANKED,
    communes_of,
    compose_ranked,
    keyed_flows,
)
from targeting.stations.mergers import absorbed_by_key
from targeting.stations.rolls import TOLERANCE, key_rolls, match_keyed
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
    ordered = sorted(rounds, key=lambda r: r.date)
    catalogue = Catalogue.of(r.rolls["station_id"] for r in ordered)
    keyed = [_key(r, catalogue) for r in ordered]
    by_map = {step: key_flows(flows, catalogue) for step, flows in (seen or {}).items()}
    nodes = [r for r in keyed if r.is_whole] or keyed
    ahead: dict[str, pl.DataFrame] = {}
    for at in range(len(nodes) - 1, -1, -1):
        ahead[nodes[at].vintage] = _forward(nodes[at], nodes[at + 1 :], ahead, by_map, catalogue)
    for other in keyed:
        if other.vintage not in ahead:
            ahead[other.vintage] = _second_round(other, nodes, ahead, by_map, catalogue)
    named = [
        name_flows(ahead[r.vintage], catalogue).assign(vintage=r.vintage)[["vintage", *COLUMNS]]
        for r in ordered
    ]
    flows = pd.concat(named, ignore_index=True).astype({"vintage": "str"})
    return History(StationHistory.check(flows), _now(nodes, ahead, catalogue))


def history_within(whole: History, communes: Sequence[str]) -> History | None:
    """The history of some communes, cut out of that of more: that which building it of their rounds
    alone gives, row for row.

    Nothing where the two may differ: a commune that has no station now, that gave voters to another
    one or lost some from sight (the rounds of its department tell, not its own), or that ends at
    another round than the others asked for. What maps told is for the caller to leave out.
    """
    then = communes_of(whole.flows["station_id_then"])
    flows = whole.flows[then.isin(list(communes))]
    stays = communes_of(flows["station_id"]) == communes_of(flows["station_id_then"])
    now = whole.now[communes_of(whole.now["station_id"]).isin(list(communes))]
    has = set(communes_of(now["station_id"]))
    if has != set(communes) or now["vintage"].nunique() != 1 or not stays.all():
        return None
    return History(flows.reset_index(drop=True), now.reset_index(drop=True))


@dataclass(frozen=True)
class _Keyed:
    """A round by the keys of its stations.

    rolls: see `rolls.key_rolls`; registered: as the round gives it; commune: key of each row's;
    has: whether the round has each commune.
    """

    vintage: str
    date: tuple[int, int, int]
    is_whole: bool
    rolls: pd.DataFrame
    registered: pd.Series
    commune: np.ndarray
    has: np.ndarray

    def within(self, communes: np.ndarray) -> pd.DataFrame:
        """Rolls of these communes: a mask over all of the catalogue's."""
        return self.rolls[communes[self.commune]]


def _key(of: Round, catalogue: Catalogue) -> _Keyed:
    rolls = key_rolls(of.rolls, catalogue)
    commune = catalogue.commune[rolls["key"]]
    has = np.zeros(catalogue.communes, dtype=bool)
    has[commune] = True
    return _Keyed(of.vintage, of.date, of.is_whole, rolls, of.rolls["registered"], commune, has)


_Steps = Mapping[tuple[str, str], pl.DataFrame]


def _forward(
    of: _Keyed,
    later: Sequence[_Keyed],
    ahead: Mapping[str, pl.DataFrame],
    by_map: _Steps,
    catalogue: Catalogue,
) -> pl.DataFrame:
    """Flows of a whole round to now: each commune by the next round that has it."""
    waiting = of.has
    parts = []
    for target in later:
        there = waiting & target.has
        if there.any():
            told = by_map.get((of.vintage, target.vintage))
            hop = _hop(of.within(there), target.within(there), told, catalogue)
            parts.append(compose_ranked(hop, ahead[target.vintage]))
            waiting = waiting & ~there
    for target in later:
        gone = _gone(waiting, of, target, catalogue)
        if gone.any():
            parts.append(compose_ranked(_absorbed(of, gone, target, catalogue),
                                        ahead[target.vintage]))  # fmt: skip
            waiting = waiting & ~gone
    still = of.within(waiting)["key"].to_numpy()
    return pl.concat([*parts, keyed_flows(still, still, 1.0, RANK["same_code"], 1.0)])


def _gone(waiting: np.ndarray, of: _Keyed, later: _Keyed, catalogue: Catalogue) -> np.ndarray:
    """Communes that a later round does not have although it has most of their department."""
    department = catalogue.department_of_commune
    count = int(department.max(initial=-1)) + 1
    had = np.bincount(department[of.has], minlength=count)
    has = np.bincount(department[later.has], minlength=count)
    whole = (had > 0) & (has / np.maximum(had, 1) >= MOST_OF_A_DEPARTMENT)
    gone: np.ndarray = waiting & whole[department]
    return gone


def _absorbed(of: _Keyed, gone: np.ndarray, later: _Keyed, catalogue: Catalogue) -> pl.DataFrame:
    """Stations of vanished communes in the commune that took them in; lost where none is found."""
    vanished = of.within(gone)
    found = absorbed_by_key(vanished, later.rolls, of.within(~gone), catalogue)
    keys = vanished["key"].to_numpy()
    lost = keys[~catalogue.among(found["then"].to_numpy())[keys]]
    return pl.concat([found, keyed_flows(lost, None, 1.0, RANK["lost"], 0.0)])


def _hop(
    then: pd.DataFrame, now: pd.DataFrame, seen: pl.DataFrame | None, catalogue: Catalogue
) -> pl.DataFrame:
    """One step: by the map where it tells, else by codes and rolls."""
    by_rolls = match_keyed(then, now, catalogue)
    if seen is None:
        return by_rolls
    had, has = (pl.Series(t["key"].to_numpy()) for t in (then, now))
    told = pl.col("then").is_in(had.implode())
    told &= pl.col("now").is_in(has.implode()) | pl.col("now").is_null()
    known = seen.filter(told)
    same = known.filter(pl.col("then") == pl.col("now"))
    sizes = then.set_index("key")["registered"].rename("then").to_frame()
    sizes = sizes.join(now.set_index("key")["registered"].rename("now"))
    growth = now["registered"].sum() / max(then["registered"].sum(), 1)
    kept_size = (sizes["now"] / (sizes["then"] * growth) - 1).abs() <= TOLERANCE
    alike = pl.Series(kept_size.index[kept_size].to_numpy(), dtype=pl.Int32)
    intact = same.filter(
        (pl.col("weight") >= SAME_ON_THE_MAP) & pl.col("then").is_in(alike.implode())
    )
    is_intact = pl.col("then").is_in(intact["then"].implode())
    moved = known.filter(~is_intact)
    moved = moved.with_columns(weight=pl.col("weight") / pl.col("weight").sum().over("then"))
    same_code = pl.lit(RANK["same_code"], dtype=pl.Int8)
    kept = intact.with_columns(weight=pl.lit(1.0), rank=same_code).sort("then")
    told_of = pl.concat([kept["then"], moved["then"]])
    rest = by_rolls.filter(~pl.col("then").is_in(told_of.implode()))
    return pl.concat([kept.select(RANKED), moved, rest])


def _second_round(
    of: _Keyed,
    nodes: Sequence[_Keyed],
    ahead: Mapping[str, pl.DataFrame],
    by_map: _Steps,
    catalogue: Catalogue,
) -> pl.DataFrame:
    """A round that misses stations: through a whole one of its year, else the next, else the last.

    Within a year a code is the same station: what is missing was settled, not redrawn.
    """
    waiting = of.has
    year = of.date[0]
    parts = []
    for target in sorted(nodes, key=lambda r: (abs(r.date[0] - year), r.date)):
        there = waiting & target.has
        rows, to = of.within(there), target.within(there)
        if target.date[0] == year:
            same = catalogue.among(to["key"].to_numpy())[rows["key"]]
            keys = rows["key"].to_numpy()[same]
            known = keyed_flows(keys, keys, 1.0, RANK["same_code"], SAME_YEAR)
            parts.append(compose_ranked(known, ahead[target.vintage]))
            to = to[~catalogue.among(rows["key"].to_numpy())[to["key"]]]
            rows = rows[~same]
        if len(rows):
            hop = _hop(rows, to, by_map.get((of.vintage, target.vintage)), catalogue)
            parts.append(compose_ranked(hop, ahead[target.vintage]))
        waiting = waiting & ~there
    lost = of.within(waiting)["key"].to_numpy()
    return pl.concat([*parts, keyed_flows(lost, None, 1.0, RANK["lost"], 0.0)])


def _now(
    nodes: Sequence[_Keyed], ahead: Mapping[str, pl.DataFrame], catalogue: Catalogue
) -> pd.DataFrame:
    """The stations of now: those of the last round that has their commune, if it is not gone, lost
    from sight or found again in another one."""
    found: list[pd.DataFrame] = []
    later = np.zeros(catalogue.communes, dtype=bool)
    for node in reversed(nodes):
        stayed = ahead[node.vintage].filter(pl.col("now") == pl.col("then"))["then"].to_numpy()
        keys = node.rolls["key"].to_numpy()
        mine = ~later[node.commune] & catalogue.among(stayed)[keys]
        found.append(
            pd.DataFrame(
                {
                    "key": keys[mine],
                    "registered": node.registered[mine].array,
                    "vintage": node.vintage,
                }
            )
        )
        later |= node.has
    now = pd.concat(found, ignore_index=True).sort_values("key", ignore_index=True)
    now.insert(0, "station_id", catalogue.ids_of(now.pop("key").to_numpy()))
    return now.astype({"vintage": "str"})
