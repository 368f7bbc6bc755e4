"""What maps of several vintages tell of stations: which round an outline is of, who went where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd

from targeting.codes import ELECTION_ID
from targeting.stations.crosswalk import cross_common, cross_outlines, cross_places, cross_points
from targeting.stations.flows import communes_of
from targeting.stations.history import Round
from targeting.stations.joins import LEAST_JOIN, RENUMBERED_GAP, Evidence, join_outlines

Dwellings = Callable[[str], pd.DataFrame | None]
"""Commune → its addresses with a `weight` each, or None where none is known."""


@dataclass(frozen=True)
class Layer:
    """Where the stations of one vintage are, in one commune: outlines, or voters' points."""

    vintage: str
    kind: str
    table: pd.DataFrame

    def fits(self, rolls: pd.DataFrame, vintage: str, evidence: Evidence) -> bool:
        """Whether it speaks of the stations of this round: their codes, place, and sizes if told.

        Outlines are judged as everywhere else: see `join_outlines`.
        """
        if self.kind == "outlines":
            return join_outlines(self.table, rolls, election_id=vintage, evidence=evidence).is_sound
        known = rolls["station_id"].isin(set(self.table["station_id"]))
        if known.mean() < LEAST_JOIN:
            return False
        if self.kind != "voters":
            return True
        sizes = self.table.groupby("station_id")["weight"].sum()
        both = rolls.set_index("station_id")["registered"].rename("now").to_frame().join(sizes)
        both = both[(both["weight"] > 0) & (both["now"] > 0)]
        ratio = both["now"] / both["weight"]
        return bool((ratio / ratio.median() - 1).abs().median() <= RENUMBERED_GAP)


def flows_between_layers(
    rounds: Sequence[Round],
    layers: Mapping[str, Sequence[Layer]],
    evidence: Evidence,
    *,
    dwellings: Dwellings,
) -> dict[tuple[str, str], pd.DataFrame]:
    """Flows that maps of two vintages tell, for each step between two rounds (see build_history).

    `layers`: those of each commune. A round is placed on the layer nearest in time that has its
    codes; two rounds on the same layer have nothing to tell.
    """
    found: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for commune, of_commune in layers.items():
        if len(of_commune) < 2:
            continue
        for then, now in _steps(rounds, commune):
            a = _layer_of(then, commune, of_commune, evidence)
            b = _layer_of(now, commune, of_commune, evidence)
            if a is not None and b is not None and a is not b:
                flows = _cross(a, b, partial(dwellings, commune))
                found.setdefault((then.vintage, now.vintage), []).append(flows)
    return {step: pd.concat(parts, ignore_index=True) for step, parts in found.items()}


def choose_rounds(
    outlines: gpd.GeoDataFrame, flows: pd.DataFrame, evidence: Evidence
) -> tuple[dict[str, str], set[str]]:
    """Commune → the whole round nearest to its outlines' vintage, among those they fit.

    And the communes whose outlines have the codes of a round, and lie elsewhere than its stations
    in each.
    """
    drawn = outlines[["station_id", "commune_code", "vintage"]].rename(
        columns={"vintage": "drawn_in"}
    )
    then = flows[["vintage", "station_id_then"]].drop_duplicates()
    then = then[[Round(v, outlines).is_whole for v in then["vintage"]]]
    then = then.assign(commune_code=communes_of(then["station_id_then"]))
    both = then.merge(drawn, left_on="station_id_then", right_on="station_id", how="left",
                      suffixes=("", "_drawn"))  # fmt: skip
    keys = ["commune_code", "vintage"]
    fits = both.groupby(keys)["station_id"].agg(lambda s: s.notna().mean()).reset_index()
    fits = fits[fits["station_id"] >= LEAST_JOIN]
    lies = {v: evidence.misplaced(outlines, int(v[:4])) for v in fits["vintage"].unique()}
    elsewhere = [c in lies[v] for c, v in zip(fits["commune_code"], fits["vintage"], strict=True)]
    misplaced = set(fits["commune_code"])
    fits = fits[~np.array(elsewhere, dtype=bool)]
    misplaced -= set(fits["commune_code"])
    years = drawn.groupby("commune_code")["drawn_in"].first()
    drawn_in = pd.to_numeric(fits["commune_code"].map(years), errors="coerce")
    gap = (pd.to_numeric(fits["vintage"].str.slice(0, 4)) - drawn_in).abs()
    best = fits.assign(gap=gap).dropna(subset="gap").sort_values(["gap", "vintage"])
    best = best.drop_duplicates("commune_code")
    return dict(zip(best["commune_code"], best["vintage"], strict=True)), misplaced


def _steps(rounds: Sequence[Round], commune: str) -> Iterator[tuple[Round, Round]]:
    """Each round that has the commune, with the next whole one."""
    there = [r for r in sorted(rounds, key=lambda r: r.date) if (r.communes == commune).any()]
    for at, then in enumerate(there):
        following = [r for r in there[at + 1 :] if r.is_whole]
        if following:
            yield then, following[0]


def _layer_of(of: Round, commune: str, layers: Sequence[Layer], evidence: Evidence) -> Layer | None:
    rolls = of.rolls[of.communes == commune]
    year = int(of.vintage[:4])
    is_roll = not ELECTION_ID.match(of.vintage)
    fitting = [
        layer
        for layer in layers
        if (is_roll and layer.vintage == of.vintage and layer.kind == "voters")
        or (not is_roll and layer.fits(rolls, of.vintage, evidence))
    ]
    return min(fitting, key=lambda layer: abs(int(layer.vintage) - year), default=None)


def _cross(then: Layer, now: Layer, dwellings: Callable[[], pd.DataFrame | None]) -> pd.DataFrame:
    """The best crosswalk of two layers: voters, else addresses, else area."""
    if now.kind == "outlines":
        if then.kind != "outlines":
            return cross_points(then.table, gpd.GeoDataFrame(now.table), basis=then.kind)
        return cross_outlines(
            gpd.GeoDataFrame(then.table),
            gpd.GeoDataFrame(now.table),
            dwellings(),
        )
    if then.kind == "outlines":
        return cross_places(gpd.GeoDataFrame(then.table), now.table, basis=now.kind)
    return cross_common(then.table, now.table, basis=then.kind)
