"""Which station became which, from the official results alone: codes, rolls and votes.

Where no map of both vintages exists, three things still tell: the code, the size of the roll, and
how a station votes. Inside a commune nobody appears or vanishes by a redrawing: what one roll loses
another gains, so that a new number beside a shrunken neighbour is a split, and a vanished number
beside a grown one a merger. The guesses are marked as such, with a confidence measured on Paris,
where the addresses of 2012's voters tell the truth (see CONFIDENCE).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl

from targeting.stations.catalogue import Catalogue, name_flows
from targeting.stations.flows import RANK, keyed_flows, tidy_ranked
from targeting.stations.joins import RENUMBERED_GAP

PROFILE: Final = ("turnout_rate", "left_share", "far_right_share")
"""How a station votes, where both rounds tell: shares from 0 to 1, missing where unknown."""

TOLERANCE: Final = 0.10
"""A roll that moved by more than this, the commune's growth taken off, may have been redrawn."""

FEW: Final = 5
"""With fewer stations than this a commune's median says nothing: its totals do."""

MANY: Final = 20
"""From as many stations on, the votes of a commune tell whether its codes still mean the same."""

ALIKE: Final = 0.3
"""Correlation of votes under which the same codes are other stations. In communes of
20 and more stations, from one first round to the next, 2017 → 2022 → 2024, 95 % are above 0.55
and half are at 0.9 or more."""

SAME_PREFIX_REACH: Final = 3.0
"""Voters change to a station whose number is near: e-folding distance, in numbers."""

CONFIDENCE: Final = ((0.05, 0.4), (0.10, 1.35), (0.20, 3.1), (np.inf, 4.4))
"""Doubt in a same-coded station: gap of the roll up to → doubt per share of redrawn rolls in its
commune. Paris 2012 → 2017, where 20 % of the rolls moved by more than 10 %: of the stations whose
roll moved by less than 5 %, 8 % had lost over a fifth of their voters to others; 27, 63 and 88 %
at 5-10, 10-20 and over 20 % (1,225,863 voters by address on the outlines of 2017)."""

ONE_STATION: Final = 0.99
"""Confidence where the commune has one station then or now: its voters have nowhere else to be."""

GUESSED: Final = 0.9
"""Confidence in a flow inferred from rolls alone, when one station alone can have taken the voters;
it is divided by their number. Paris 2012 → 2017: 13 % of the voters so moved went to the station
guessed; that several stations had grown in their arrondissement is why it is divided."""

SPREAD: Final = 0.2
"""Confidence in a flow spread over the commune: the total is right, the place is not known."""

RENUMBERED: Final = 0.9
"""Confidence in a new code told by the order of the list, the sizes of the rolls agreeing."""

SIZE_SPREAD: Final = 0.05
VOTES_SPREAD: Final = 0.5
"""What one station may change between two rounds: its roll by 5 %, its votes by half a standard
deviation of its commune. Units of the distance that look-alikes are paired by."""

FARTHEST_ALIKE: Final = 8.0
"""Distance above which two stations are no look-alikes (three votes and a roll: 4 expected)."""

ALIKE_BY_MARGIN: Final = ((6.0, 0.97), (4.0, 0.93), (2.0, 0.87), (1.0, 0.75), (0.0, 0.5))
"""Confidence in a look-alike, by how much farther the second best is. Measured by hiding the codes
of 8,215 stations of intact communes, presidential 2017 → 2022: 96-100, 93, 85-89, 70-79 and
36-57 % of the pairs were the same station."""

UNKNOWN_ROLL: Final = 0.7
"""Confidence in a code whose roll was not published (files of shares alone)."""


def match_rolls(then: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Flows (see `flows`) from the stations of one round to those of a later one.

    Parameters
    ----------
    then, now
        One row a station: `station_id`, `registered` (people; missing in `then` where the file
        gave shares alone), and the columns of PROFILE where the votes are known. Both rounds
        cover their communes whole: a station that is not in `now` is gone.

    Returns
    -------
    flows
        Each station of `then` with weights that sum to 1. A commune that is not in `now` is lost.
    """
    catalogue = Catalogue.of([then["station_id"], now["station_id"]])
    flows = match_keyed(key_rolls(then, catalogue), key_rolls(now, catalogue), catalogue)
    return name_flows(flows, catalogue)


def key_rolls(rolls: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Rolls by keys: `key`, `registered`, all of PROFILE, and `commune`, the key of the zone.

    `rolls` as `match_rolls` takes them; shares are missing where it has no such column.
    """
    key = catalogue.keys_of(rolls["station_id"])
    columns = {"registered": rolls["registered"].to_numpy("float64", na_value=np.nan)}
    for name in PROFILE:
        known = name in rolls
        columns[name] = rolls[name].to_numpy("float64", na_value=np.nan) if known else np.nan
    return pd.DataFrame({"key": key, **columns, "commune": catalogue.zone[key]})


def match_keyed(then: pd.DataFrame, now: pd.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """`match_rolls` by keys: rolls from `key_rolls`, ranked flows out (see `flows`)."""
    sizes = pd.DataFrame(
        {"then": then.groupby("commune").size(), "now": now.groupby("commune").size()}
    ).fillna(0)
    shared = then.merge(now, on=["key", "commune"], suffixes=("_then", "_now"))
    tells = _commune_tells(shared, sizes, then, now)
    shared = shared.join(tells[["growth", "trusted"]], on="commune")
    shared["gap"] = _gap(shared)
    tells["redrawn"] = _redrawn_share(shared, sizes)
    one_now = sizes.index[(sizes["now"] == 1) & (sizes["then"] > 0)]
    one_then = sizes.index[(sizes["then"] == 1) & (sizes["now"] > 1)]
    gone = sizes.index[sizes["now"] == 0]
    simple = one_now.union(one_then).union(gone)
    many = shared[~shared["commune"].isin(simple)]
    loud = set(tells.index[tells["loud"]]).difference(simple)
    quiet = many[~many["commune"].isin(loud)]
    parts = [
        _into_one(then, now, one_now),
        _out_of_one(then, now, one_then),
        _lost(then[then["commune"].isin(gone)]),
        _same(quiet, tells),
        *_loud_communes(then, now, tells, loud, catalogue),
    ]
    return tidy_ranked(pl.concat(parts))


def votes_agree(shared: pd.DataFrame) -> pd.Series:
    """Best correlation, per commune, of the votes of same-coded stations then and now.

    `shared` has `commune` and the PROFILE columns suffixed `_then` and `_now`. Missing where fewer
    than MANY stations tell.
    """
    found = []
    for column in PROFILE:
        pair = shared[["commune", f"{column}_then", f"{column}_now"]].dropna()
        pair.columns = ["commune", "x", "y"]
        centred = pair[["x", "y"]] - pair.groupby("commune")[["x", "y"]].transform("mean")
        sums = (
            pd.DataFrame(
                {
                    "xy": centred["x"] * centred["y"],
                    "xx": centred["x"] ** 2,
                    "yy": centred["y"] ** 2,
                    "n": 1.0,
                }
            )
            .groupby(pair["commune"])
            .sum()
        )
        correlation = sums["xy"] / np.sqrt((sums["xx"] * sums["yy"]).where(lambda v: v > 0))
        found.append(correlation.where(sums["n"] >= MANY))
    return pd.concat(found, axis=1).max(axis=1).rename("votes_agree")


def _commune_tells(
    shared: pd.DataFrame, sizes: pd.DataFrame, then: pd.DataFrame, now: pd.DataFrame
) -> pd.DataFrame:
    """Per commune: growth of its rolls, whether its codes are trusted, whether it needs solving."""
    ratio = (shared["registered_now"] / shared["registered_then"].where(lambda r: r > 0)).rename(
        "r"
    )
    by = ratio.groupby(shared["commune"])
    totals = now.groupby("commune")["registered"].sum() / then.groupby("commune")["registered"].sum(
        min_count=1
    )
    known = by.count().reindex(sizes.index, fill_value=0)
    growth = by.median().reindex(sizes.index).where(known >= FEW, totals.reindex(sizes.index))
    growth = growth.where((growth > 0) & np.isfinite(growth)).fillna(1.0)
    gap = ratio / shared["commune"].map(growth).astype("float64") - 1
    median_gap = gap.abs().groupby(shared["commune"]).median().reindex(sizes.index)
    renumbered = (known >= FEW) & (median_gap > RENUMBERED_GAP)
    renumbered |= votes_agree(shared).reindex(sizes.index) < ALIKE
    by_totals = totals.where((totals > 0) & np.isfinite(totals)).reindex(sizes.index)
    growth = growth.mask(renumbered, by_totals).fillna(1.0)
    moved = (gap.abs() > TOLERANCE).groupby(shared["commune"]).sum().reindex(sizes.index)
    same = shared.groupby("commune").size().reindex(sizes.index, fill_value=0)
    loud = (moved.fillna(0) > 0) | (sizes["then"] != same) | (sizes["now"] != same) | renumbered
    return pd.DataFrame(
        {"growth": growth, "trusted": ~renumbered, "loud": loud, "median_gap": median_gap}
    )


def _gap(shared: pd.DataFrame) -> pd.Series:
    """Relative change of a roll once the commune's growth is taken off; missing if unknown."""
    expected = shared["registered_then"] * shared["growth"]
    gap = shared["registered_now"] / expected.where(expected > 0) - 1
    both_empty = (shared["registered_then"] == 0) & (shared["registered_now"] == 0)
    appeared = (shared["registered_then"] == 0) & (shared["registered_now"] > 0)
    return gap.mask(both_empty, 0.0).mask(appeared, np.inf)


def _redrawn_share(shared: pd.DataFrame, sizes: pd.DataFrame) -> pd.Series:
    """Share of a commune's stations that came, went, or changed size by more than TOLERANCE."""
    same = shared.groupby("commune").size().reindex(sizes.index, fill_value=0)
    moved = (shared["gap"].abs() > TOLERANCE).groupby(shared["commune"]).sum()
    changed = moved.reindex(sizes.index, fill_value=0) + sizes.sum(axis=1) - 2 * same
    return (changed / sizes.max(axis=1)).clip(0, 1)


def confidence_in_code(gap: np.ndarray, redrawn: np.ndarray) -> np.ndarray:
    """How sure a same-coded station is the same one, from its gap and its commune's redrawing.

    `gap`: relative change of the roll, missing where unknown; `redrawn`: share of the commune's
    stations that moved. From 0 to 1, by CONFIDENCE.
    """
    bounds = np.array([bound for bound, _ in CONFIDENCE])
    doubts = np.array([doubt for _, doubt in CONFIDENCE])
    size = np.abs(np.nan_to_num(gap, nan=0.0, posinf=9.0))
    doubt = doubts[np.searchsorted(bounds, size, side="left")] * redrawn
    sure = 1 - np.clip(doubt, 0.0, 0.95)
    capped: np.ndarray = np.where(np.isnan(gap), np.minimum(UNKNOWN_ROLL, sure), sure)
    return capped


def _same(shared: pd.DataFrame, tells: pd.DataFrame) -> pl.DataFrame:
    redrawn = shared["commune"].map(tells["redrawn"]).to_numpy(dtype="float64")
    sure = confidence_in_code(shared["gap"].to_numpy(), redrawn)
    keys = shared["key"].to_numpy()
    rank = np.where(shared["gap"].isna(), RANK["code_alone"], RANK["same_code"])
    return keyed_flows(keys, keys, 1.0, rank, sure)


def _into_one(then: pd.DataFrame, now: pd.DataFrame, communes: pd.Index) -> pl.DataFrame:
    """Communes that have one station now: it holds everybody."""
    target = now[now["commune"].isin(communes)].set_index("commune")["key"]
    there = then[then["commune"].isin(communes)]
    to = there["commune"].map(target).to_numpy()
    alone = there.groupby("commune")["key"].transform("size") == 1
    others = np.where(alone, RANK["renumbered"], RANK["rolls"])
    rank = np.where(to == there["key"], RANK["same_code"], others)
    return keyed_flows(there["key"].to_numpy(), to, 1.0, rank, ONE_STATION)


def _out_of_one(then: pd.DataFrame, now: pd.DataFrame, communes: pd.Index) -> pl.DataFrame:
    """Communes that had one station: it gave to each of today's by its roll."""
    source = then[then["commune"].isin(communes)].set_index("commune")["key"]
    there = now[now["commune"].isin(communes)]
    total = there.groupby("commune")["registered"].transform("sum")
    count = there.groupby("commune")["registered"].transform("size")
    weight = (there["registered"] / total.where(total > 0)).fillna(1 / count)
    return keyed_flows(
        there["commune"].map(source).to_numpy(), there["key"].to_numpy(), weight.to_numpy(),
        RANK["rolls"], ONE_STATION,
    )  # fmt: skip


def _lost(then: pd.DataFrame) -> pl.DataFrame:
    return keyed_flows(then["key"].to_numpy(), None, 1.0, RANK["lost"], 0.0)


# -- communes of several stations where something moved ------------------------------------------


@dataclass(frozen=True)
class _Commune:
    """One commune, in arrays: rolls of then brought to today's level, rolls of now.

    then, now: keys of its stations; ids: of every key.
    """

    ids: np.ndarray
    then: np.ndarray
    now: np.ndarray
    r: np.ndarray
    n: np.ndarray
    profile_then: np.ndarray
    profile_now: np.ndarray
    trusted: bool
    redrawn: float


def _loud_communes(
    then: pd.DataFrame,
    now: pd.DataFrame,
    tells: pd.DataFrame,
    loud: set[int],
    catalogue: Catalogue,
) -> list[pl.DataFrame]:
    before, after = _by_commune(then, loud), _by_commune(now, loud)
    facts = {row.Index: row for row in tells.loc[sorted(loud)].itertuples()}
    flows = []
    for code in sorted(before.keys() & after.keys()):
        keys_then, rolls_then, votes_then = before[code]
        keys_now, rolls_now, votes_now = after[code]
        of = facts[code]
        commune = _Commune(
            catalogue.ids, keys_then, keys_now, rolls_then * of.growth, rolls_now, votes_then,
            votes_now, bool(of.trusted), float(of.redrawn),
        )  # fmt: skip
        flows.append(_solve(commune))
    if not flows:
        return []
    return [keyed_flows(*(np.concatenate(column) for column in zip(*flows, strict=True)))]


def _by_commune(
    rolls: pd.DataFrame, communes: set[int]
) -> dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Keys, registered and PROFILE of each of the communes, in arrays."""
    there = rolls[rolls["commune"].isin(communes)].sort_values(["commune", "key"])
    if there.empty:
        return {}
    codes = there["commune"].to_numpy()
    cuts = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    columns = (
        there["key"].to_numpy(),
        there["registered"].to_numpy(),
        there[list(PROFILE)].to_numpy(),
    )
    parts = zip(*(np.split(column, cuts) for column in columns), strict=True)
    return dict(zip(codes[np.r_[0, cuts]].tolist(), parts, strict=True))


@dataclass
class _Shares:
    """What is decided so far of one commune; rows are stations of then, columns of now.

    left: share of each station of then still to be given; demand: voters of each station of now
    whose past is still to be found.
    """

    weight: np.ndarray
    rank: np.ndarray
    sure: np.ndarray
    left: np.ndarray
    demand: np.ndarray

    def give(
        self, i: np.ndarray | int, j: np.ndarray | int, weight: Any, rank: Any, sure: Any
    ) -> None:
        """Put a share of `i` in `j`."""
        self.weight[i, j], self.rank[i, j], self.sure[i, j] = weight, rank, sure


def _solve(c: _Commune) -> tuple[np.ndarray, ...]:
    """Flows of one commune: same codes kept, vanished and new codes paired, the rest shared out."""
    shape = (len(c.then), len(c.now))
    shares = _Shares(
        np.zeros(shape), np.full(shape, RANK["commune"], dtype="int8"), np.zeros(shape),
        np.ones(len(c.then)), c.n.copy(),
    )  # fmt: skip
    if c.trusted:
        _keep_codes(c, shares)
    for i, j, confidence in _pairs(c, shares):
        rank = RANK["same_code" if c.then[i] == c.now[j] else "renumbered"]
        shares.give(i, j, 1.0, rank, confidence)
        shares.left[i] = shares.demand[j] = 0.0
    if c.trusted:
        _move_neighbours(c, shares)
    _spread_rest(c, shares)
    at = np.nonzero(shares.weight)
    return c.then[at[0]], c.now[at[1]], shares.weight[at], shares.rank[at], shares.sure[at]


def _keep_codes(c: _Commune, shares: _Shares) -> None:
    """Same codes: what the roll kept stays; what it lost beyond TOLERANCE is to be given."""
    place = {code: j for j, code in enumerate(c.now)}
    to = np.array([place.get(code, -1) for code in c.then])
    i = np.flatnonzero(to >= 0)
    j = to[i]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where((c.r[i] == 0) & (c.n[j] == 0), 0.0, c.n[j] / c.r[i] - 1)
    kept = np.where(gap < -TOLERANCE, 1 + gap, 1.0)
    rank = np.where(np.isnan(gap), RANK["code_alone"], RANK["same_code"])
    shares.give(i, j, kept, rank, confidence_in_code(gap, np.full(len(gap), c.redrawn)))
    shares.left[i] = 1 - kept
    shares.demand[j] = np.where(gap > TOLERANCE, c.n[j] - np.nan_to_num(c.r[i]), 0.0)


def _pairs(c: _Commune, shares: _Shares) -> list[tuple[int, int, float]]:
    """Vanished codes that came back under a new one: same order, or same size and same votes."""
    gone = np.flatnonzero((shares.left == 1) & (np.nan_to_num(c.r) > 0))
    new = np.flatnonzero((shares.demand == c.n) & (c.n > 0))
    if not len(gone) or not len(new):
        return []
    if len(gone) == len(new):
        i, j = gone[_order(c.ids[c.then[gone]])], new[_order(c.ids[c.now[new]])]
        gaps = np.abs(c.n[j] / c.r[i] - 1)
        any_gaps = np.abs(c.n[new][None, :] / c.r[gone][:, None] - 1)
        in_order = len(gone) >= FEW and np.median(gaps) <= min(0.05, np.median(any_gaps) / 3)
        if in_order or (len(gone) == 1 and gaps[0] <= TOLERANCE):
            near = gaps <= 2 * TOLERANCE
            return [(int(a), int(b), RENUMBERED) for a, b in zip(i[near], j[near], strict=True)]
    return _look_alikes(c, gone, new)


def _look_alikes(c: _Commune, gone: np.ndarray, new: np.ndarray) -> list[tuple[int, int, float]]:
    """Pairs whose rolls and votes are near, and much nearer than any other's.

    Votes are compared as ranks would be: less the commune's mean, in its standard deviations.
    """
    from scipy.optimize import linear_sum_assignment

    then, now = _standard(c.profile_then), _standard(c.profile_now)
    size = np.log(np.maximum(c.n[new], 1))[None, :] - np.log(np.maximum(c.r[gone], 1))[:, None]
    apart = then[gone][:, None, :] - now[new][None, :, :]
    known = ~np.isnan(apart)
    if not known.any(axis=2).all():
        return []
    votes = (np.where(known, apart, 0.0) ** 2).sum(axis=2) / known.sum(axis=2) * len(PROFILE)
    cost = (size / SIZE_SPREAD) ** 2 + votes / VOTES_SPREAD**2
    found = []
    for i, j in zip(*linear_sum_assignment(cost), strict=True):
        others = np.concatenate([np.delete(cost[i], j), np.delete(cost[:, j], i)])
        margin = others.min(initial=np.inf) - cost[i, j]
        sure = next((sure for least, sure in ALIKE_BY_MARGIN if margin > least), 0.0)
        if abs(size[i, j]) <= 2 * TOLERANCE and cost[i, j] <= FARTHEST_ALIKE and sure:
            found.append((int(gone[i]), int(new[j]), sure))
    return found


def _standard(profile: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        known = ~np.isnan(profile)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, profile, 0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, profile - mean, 0) ** 2).sum(axis=0) / count)
        standard: np.ndarray = (profile - mean) / np.where(spread > 0, spread, np.nan)
    return standard


def _order(ids: np.ndarray) -> np.ndarray:
    """Positions of station ids in the order a person would list them."""
    return np.array(sorted(range(len(ids)), key=lambda k: _natural(str(ids[k]))))


def _natural(code: str) -> tuple[int, str]:
    digits = re.sub(r"\D", "", code.partition("_")[2])
    return (int(digits or 0), code)


def _move_neighbours(c: _Commune, shares: _Shares) -> None:
    """What shrunken and vanished rolls lost goes to grown and new ones, nearest number first."""
    supply = shares.left * np.nan_to_num(c.r)
    givers, takers = np.flatnonzero(supply > 0), np.flatnonzero(shares.demand > 0)
    if not len(givers) or not len(takers):
        return
    moved = _transport(supply[givers], shares.demand[takers], _nearness(c, givers, takers))
    part = moved * (shares.left[givers] / supply[givers])[:, None]
    at = np.ix_(givers, takers)
    shares.weight[at] += part
    shares.rank[at] = np.where(part > 0, RANK["rolls"], shares.rank[at])
    shares.sure[at] = np.where(part > 0, GUESSED / len(takers), shares.sure[at])
    shares.left[givers] -= part.sum(axis=1)
    shares.demand[takers] = np.maximum(shares.demand[takers] - moved.sum(axis=0), 0.0)


def _spread_rest(c: _Commune, shares: _Shares) -> None:
    """What found no taker stays where it was; of a vanished station it goes over the commune."""
    own = {code: j for j, code in enumerate(c.now)} if c.trusted else {}
    open_to = shares.demand if shares.demand.sum() > 0 else np.maximum(c.n, 1e-9)
    spread = open_to / open_to.sum()
    for i in np.flatnonzero(shares.left > 1e-12):
        if (j := own.get(c.then[i])) is not None:
            shares.weight[i, j] += shares.left[i]
        else:
            shares.weight[i] += shares.left[i] * spread
            shares.sure[i] = np.where(shares.rank[i] == RANK["commune"], SPREAD, shares.sure[i])


def _nearness(c: _Commune, givers: np.ndarray, takers: np.ndarray) -> np.ndarray:
    """Affinity of two stations by their numbers: neighbours in a list are neighbours in town."""
    a = np.array([_natural(str(code))[0] for code in c.ids[c.then[givers]]])
    b = np.array([_natural(str(code))[0] for code in c.ids[c.now[takers]]])
    apart = np.abs(a[:, None] - b[None, :]).astype(float)
    same_prefix = (a[:, None] // 100) == (b[None, :] // 100)
    apart = np.where(same_prefix, np.minimum(apart, 15), 25.0)
    return np.exp(-apart / SAME_PREFIX_REACH)


def _transport(supply: np.ndarray, demand: np.ndarray, nearness: np.ndarray) -> np.ndarray:
    """Voters moved from each giver to each taker: no more than is given, nor than is wanted.

    Iterative proportional fitting of `nearness`, where a constraint binds only from above.
    """
    reach = np.maximum(nearness.sum(axis=1), 1e-300)
    moved: np.ndarray = nearness * (supply / reach)[:, None]
    for _ in range(60):
        moved *= np.minimum(1.0, demand / np.maximum(moved.sum(axis=0), 1e-300))[None, :]
        rows = moved.sum(axis=1)
        moved *= np.where(rows > supply, supply / np.maximum(rows, 1e-300), 1.0)[:, None]
        short = np.maximum(supply - moved.sum(axis=1), 0)
        room = np.maximum(demand - moved.sum(axis=0), 0)
        if short.sum() < 1e-9 or room.sum() < 1e-9:
            break
        want = nearness * room[None, :]
        moved += want * (short / np.maximum(want.sum(axis=1), 1e-300))[:, None] * 0.5
    moved *= np.minimum(1.0, demand / np.maximum(moved.sum(axis=0), 1e-300))[None, :]
    return moved
