"""The ledger: for each station of now, where its past comes from and how much of it is its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import polars as pl

from targeting.codes import LEDGER_KINDS
from targeting.stations.catalogue import Catalogue, key_flows
from targeting.stations.flows import RANK, named_bases, zones_of
from targeting.stations.history import History, Round
from targeting.tables import Ledger

MOST: Final = 0.9
"""A station that got nine tenths of its past from one station has that one's past."""

OWN: Final = 0.8
"""Under this share of its past being its own, a station's history is uncertain."""

SURE: Final = 0.7
"""Under this confidence in where its past comes from, a station's history is uncertain."""


def build_ledger(history: History, rounds: Sequence[Round]) -> pd.DataFrame:
    """The ledger of every station and vintage (table Ledger).

    Parameters
    ----------
    history
        See `history.build_history`.
    rounds
        The rounds it was built of. Stations that a second round misses were settled in the first:
        they are left out of that vintage.

    `history_share` of station b = Σ (a's part in b's past) × (b's part in a's future) × (how much
    of b's roll has a past at all): 1 for a station that stayed or that swallowed others whole, ½
    for each half of a split, 0 for one that nobody came to.
    """
    then = [of.rolls["station_id"] for of in rounds]
    flows = history.flows[["station_id_then", "station_id"]]
    catalogue = Catalogue.of([*then, *(flows[c] for c in flows), history.now["station_id"]])
    now = pd.Series(
        history.now["registered"].to_numpy("float64", na_value=np.nan),
        index=catalogue.keys_of(history.now["station_id"]),
    )
    parts = [
        _of_round(of, key_flows(history.of(of.vintage), catalogue), now, catalogue) for of in rounds
    ]
    return Ledger.check(pd.concat(parts, ignore_index=True))


def _of_round(of: Round, flows: pl.DataFrame, now: pd.Series, catalogue: Catalogue) -> pd.DataFrame:
    """Rows of one round. flows: ranked, by key (see `flows`); now: roll of each key of now."""
    roll = np.full(len(catalogue), np.nan)
    registered_then = of.rolls["registered"].to_numpy("float64", na_value=np.nan)
    roll[catalogue.keys_of(of.rolls["station_id"])] = registered_then
    inward = flows.filter(pl.col("now").is_not_null()).to_pandas()
    then = roll[inward["then"]]
    inward["people"] = inward["weight"] * np.where(np.isnan(then), 1.0, then)
    inward["known"] = ~np.isnan(then)
    has = np.zeros(catalogue.communes, dtype=bool)
    has[catalogue.commune[inward["now"]]] = True
    registered = now[has[catalogue.commune[now.index]]]
    past = _pasts(inward, catalogue).reindex(registered.index)
    share = past["own"].fillna(0.0) * _reach(past["people"], registered)
    confidence = past["confidence"].fillna(0.0)
    basis = past["rank"].fillna(RANK["lost"]).to_numpy("int8")
    table = pd.DataFrame(
        {
            "vintage": of.vintage,
            "station_id": catalogue.ids_of(past.index.to_numpy()).set_axis(past.index),
            "kind": _kinds(past),
            "stations_then": past["sources"].fillna(""),
            "basis": named_bases(pl.Series(basis)).set_axis(past.index),
            "registered": registered,
            "registered_carried": past["people"].where(past["known"].fillna(value=False)),
            "history_share": share.clip(0, 1),
            "confidence": confidence.clip(0, 1),
            "is_uncertain": (share < OWN) | (confidence < SURE),
        },
        index=past.index,
    )
    if not of.is_whole:
        table = table[table["kind"] != "lost"]
    both = pd.concat([table, _gone(of.vintage, flows, roll, catalogue)], ignore_index=True)
    texts = ["vintage", "station_id", "kind", "stations_then", "basis"]
    return both.astype(dict.fromkeys(texts, "str"))[list(Ledger.to_schema().columns)]


def _pasts(inward: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Per station of now, by key: its sources and what they amount to."""
    rows = inward.sort_values(["now", "people"], ascending=[True, False])
    total = rows.groupby("now")["people"].transform("sum")
    count = rows.groupby("now")["people"].transform("size")
    part = (rows["people"] / total.where(total > 0)).fillna(1 / count)
    rows = rows.assign(
        part=part, own=part * rows["weight"], sure=part * rows["confidence"],
        whole=rows["weight"] >= MOST, other=part * (rows["weight"] >= MOST),
    )  # fmt: skip
    by = rows.groupby("now")
    first = rows.drop_duplicates("now").set_index("now")
    named = rows.loc[rows["part"] >= 1 - MOST, ["now", "then"]]
    ids = catalogue.listed.gather(named["then"].to_numpy())
    sources = (
        pl.DataFrame({"now": named["now"].to_numpy(), "then": ids})
        .group_by("now", maintain_order=True)
        .agg(pl.col("then").str.join(" "))
        .to_pandas()
        .set_index("now")["then"]
    )
    return pd.DataFrame(
        {
            "people": by["people"].sum(),
            "own": by["own"].sum(),
            "confidence": by["sure"].sum(),
            "whole": by["other"].sum(),
            "largest": first["part"],
            "weight": first["weight"],
            "source": first["then"],
            "rank": first["rank"],
            "sources": sources,
            "known": by["known"].all(),
        }
    )


def _reach(people: pd.Series, registered: pd.Series) -> pd.Series:
    """How much of the roll of now has a past: carried / expected, the arena's growth taken off."""
    both = people.notna() & registered.notna()
    growth = registered[both].sum() / max(people[both].sum(), 1e-9)
    expected = registered.where(registered > 0)
    return (people * growth / expected).fillna(1.0).clip(0, 1)


def _kinds(past: pd.DataFrame) -> pd.Series:
    """identity, renumbered, split, merged, recut or lost."""
    alone = past["largest"] >= MOST
    stayed = past["weight"] >= MOST
    same = past["source"] == past.index
    choices = [
        (past["source"].isna(), "lost"),
        (alone & stayed & same, "identity"),
        (alone & stayed, "renumbered"),
        (alone, "split"),
        (past["whole"] >= MOST, "merged"),
    ]
    kinds = np.select([c.to_numpy() for c, _ in choices], [k for _, k in choices], "recut")
    return pd.Series(kinds, index=past.index)


def _gone(
    vintage: str, flows: pl.DataFrame, roll: np.ndarray, catalogue: Catalogue
) -> pd.DataFrame:
    """Stations of then most of whose voters are lost from sight."""
    lost = flows.filter(pl.col("now").is_null() & (pl.col("weight") >= 0.5))
    keys = lost["then"].to_numpy()
    ids = catalogue.ids_of(keys)
    return pd.DataFrame(
        {
            "vintage": vintage, "station_id": ids, "kind": "gone", "stations_then": ids,
            "basis": "lost", "registered": roll[keys],
            "registered_carried": np.nan, "history_share": 0.0, "confidence": 0.0,
            "is_uncertain": True,
        }
    )  # fmt: skip


def ledger_counts(ledger: pd.DataFrame) -> pd.DataFrame:
    """Stations of each kind, share uncertain and error of the carried rolls, one row a vintage.

    `error`: weighted mean absolute error of the registered voters predicted by carrying the roll of
    then, its growth taken off, over all stations (missing without rolls);
    `error_sure`: over those not uncertain.
    """
    rows = []
    for vintage, part in ledger.groupby("vintage", sort=False):
        there = part[part["kind"] != "gone"]
        rows.append(
            {
                "vintage": vintage,
                **part["kind"].value_counts().to_dict(),
                "uncertain_share": float(there["is_uncertain"].mean()),
                "error": carried_error(there),
                "error_sure": carried_error(there[~there["is_uncertain"]]),
            }
        )
    counts = pd.DataFrame(rows).set_index("vintage")
    kinds = [kind for kind in LEDGER_KINDS if kind in counts]
    return counts.assign(**{kind: counts[kind].fillna(0).astype(int) for kind in kinds})


def carried_error(ledger: pd.DataFrame) -> float:
    """Σ |roll carried × growth − roll of now| / Σ roll of now; the growth of
    each commune (arrondissement in Paris, Lyon, Marseille) taken off."""
    known = ledger.dropna(subset=["registered_carried", "registered"])
    if known["registered"].sum() == 0:
        return float("nan")
    zone = zones_of(known["station_id"])
    sums = known[["registered", "registered_carried"]].groupby(zone).transform("sum")
    growth = sums["registered"] / sums["registered_carried"].where(sums["registered_carried"] > 0)
    gap = (known["registered_carried"] * growth.fillna(1.0) - known["registered"]).abs()
    return float(gap.sum() / known["registered"].sum())
