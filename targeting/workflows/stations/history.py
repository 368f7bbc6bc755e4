"""The past of a workspace's stations: rounds, rolls and maps put together, kept till they move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl

from targeting.codes import ELECTION_ID
from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference import tables as reference
from targeting.reference.moments import one_moment
from targeting.stations.crosswalk import cross_common, cross_outlines, cross_places, cross_points
from targeting.stations.flows import communes_of
from targeting.stations.ground import FEWEST_VOTES
from targeting.stations.history import History, Round, build_history
from targeting.stations.joins import (
    LEAST_JOIN,
    RENUMBERED_GAP,
    Evidence,
    Join,
    join_outlines,
)
from targeting.stations.ledger import build_ledger
from targeting.stations.redrawn import Renamed, name_as_now
from targeting.tables import DEFAULT_TARGET
from targeting.workflows.cache import BUNDLE, Bundle, cached, content_of
from targeting.workflows.progress import Progress, silent

CACHE_VERSION: Final = "v5"

MANY_COMMUNES: Final = 200
"""Above so many, results are read whole rather than commune by commune."""


@dataclass(frozen=True)
class Past:
    """What became of every station: flows, ledger, and the stations of now with their roll."""

    history: History
    ledger: pd.DataFrame

    def of(self, vintage: str) -> pd.DataFrame:
        """Rows of the ledger of one vintage, indexed by station of now (what is gone left out)."""
        rows = self.ledger[(self.ledger["vintage"] == vintage) & (self.ledger["kind"] != "gone")]
        return rows.set_index("station_id")

    @property
    def registered(self) -> pd.Series:
        """Roll of the stations of now, indexed by station_id."""
        return self.history.now.set_index("station_id")["registered"].astype("int64")


@one_moment
def station_past(
    workspace: Workspace,
    communes: Sequence[str] | None = None,
    *,
    progress: Progress = silent,
) -> Past:
    """Follow the stations of these communes (of all imported) through every round imported.

    Made once for each set of sources, kept in the workspace's cache. Raises WorkspaceError before
    any results are imported.
    """
    if not reference.list_elections(workspace):
        raise WorkspaceError(
            "no results imported: run `python -m targeting import results FILE…` first."
        )

    def build() -> Bundle:
        progress("following stations through time (kept for the next time)")
        past = _follow(workspace, communes)
        flows, now = past.history.flows, past.history.now
        return Bundle({"flows": flows, "now": now, "ledger": past.ledger}, {})

    made_of = ("turnout", "votes", "stations", "station_points", "addresses", "shares")
    parts = [
        CACHE_VERSION,
        sorted(communes) if communes else None,
        *content_of(workspace, made_of, blocs=True),
    ]
    kept = cached(workspace, "past", parts, build, BUNDLE).tables
    return Past(History(kept["flows"], kept["now"]), kept["ledger"])


def _follow(workspace: Workspace, communes: Sequence[str] | None) -> Past:
    rounds = load_rounds(workspace, communes)
    history = build_history(rounds, seen_on_maps(workspace, rounds, communes))
    return Past(history, build_ledger(history, rounds))


def load_rounds(workspace: Workspace, communes: Sequence[str] | None = None) -> list[Round]:
    """Every round imported with its rolls and votes, and every roll known by address.

    Of a file of shares alone the stations are known, and their rolls only where it gives them.
    """
    rounds = []
    blocs = reference.load_blocs(workspace)
    for election_id in reference.list_elections(workspace):
        turnout = reference.load_turnout(workspace, election_id, communes)
        if len(turnout):
            votes = reference.load_bloc_votes(workspace, election_id, communes, blocs=blocs)
            rounds.append(Round(election_id, _with_votes(turnout, votes)))
    counted_in = {r.vintage for r in rounds}
    for election_id in reference.list_shares(workspace):
        shares = reference.load_shares(workspace, election_id)
        if communes is not None:
            shares = shares[communes_of(shares["station_id"]).isin(list(communes))]
        if len(shares) and election_id not in counted_in:
            rolls = shares.groupby("station_id", as_index=False)["registered"].first()
            known = rolls["registered"].to_numpy("float64", na_value=np.nan)
            rounds.append(Round(election_id, rolls.assign(registered=known)))
    for vintage in sorted({v for _, v, _ in reference.list_station_points(workspace)}):
        points = reference.load_station_points(workspace, communes, vintage)
        counted = points[points["basis"] == "voters"]
        if len(counted):
            roll = counted.groupby("station_id")["weight"].sum().rename("registered")
            rounds.append(Round(vintage, roll.reset_index()))
    return sorted(rounds, key=lambda of: of.date)


def _with_votes(turnout: pd.DataFrame, bloc_votes: pd.DataFrame) -> pd.DataFrame:
    """Rolls with how each station voted: the columns of stations.rolls.PROFILE."""
    by_bloc = pl.from_pandas(bloc_votes[["station_id", "bloc", "votes"]])
    ours, theirs = (
        by_bloc.filter(pl.col("bloc").is_in(blocs))
        .group_by("station_id")
        .agg(pl.col("votes").sum())
        for blocs in (list(DEFAULT_TARGET), ["far_right"])
    )
    counts = pl.from_pandas(turnout[["station_id", "registered", "votes_cast", "valid_votes"]])
    valid = pl.when(pl.col("valid_votes") > 0).then(pl.col("valid_votes"))
    registered = pl.when(pl.col("registered") > 0).then(pl.col("registered"))
    table = (
        counts.join(ours.rename({"votes": "left"}), on="station_id", how="left")
        .join(theirs.rename({"votes": "far_right"}), on="station_id", how="left")
        .select(
            "station_id",
            "registered",
            turnout_rate=pl.col("votes_cast") / registered,
            left_share=pl.col("left").fill_null(0) / valid,
            far_right_share=pl.col("far_right").fill_null(0) / valid,
        )
    )
    return table.to_pandas().astype({"station_id": "str"})


# -- outlines of now -------------------------------------------------------------------------------


@one_moment
def find_outlines(workspace: Workspace, communes: Sequence[str] | None = None) -> Renamed | None:
    """The newest outlines of these communes, under the ids that their stations have now.

    Each commune's outlines follow the round nearest in time to their vintage whose codes they have;
    those that fit no round keep their ids (and the join with the results refuses them), but those
    that do not lie where their stations lie are refused: nothing is painted with them, and no
    address is put in them. Nothing where no outline was imported.
    """
    outlines = reference.find_stations(workspace, communes)
    if outlines is None or not reference.list_elections(workspace):
        return None if outlines is None else Renamed(outlines, {}, [], [])
    past = station_past(workspace, communes)
    evidence = load_evidence(workspace, communes)
    chosen, misplaced = _rounds_of(outlines, past.history.flows, evidence)
    refused = outlines[outlines["commune_code"].isin(misplaced)].reset_index(drop=True)
    outlines = outlines[~outlines["commune_code"].isin(misplaced)]
    round_of = outlines["commune_code"].map(chosen)
    parts = [Renamed(outlines[round_of.isna()], {}, [], [])]
    for vintage, part in outlines.groupby(round_of):
        parts.append(name_as_now(part, past.history.of(str(vintage))))
    layer = pd.concat([p.outlines for p in parts], ignore_index=True)
    return Renamed(
        gpd.GeoDataFrame(layer, geometry="geometry", crs=outlines.crs),
        {then: now for p in parts for then, now in p.renamed.items()},
        [station for p in parts for station in p.joined],
        [station for p in parts for station in p.dropped],
        refused,
    )


def load_evidence(workspace: Workspace, communes: Sequence[str] | None = None) -> Evidence:
    """Where the stations of these communes lie, by their constituencies and their points."""
    by_year: dict[int, pd.Series] = {}
    for election_id in reference.list_elections(workspace):
        turnout = reference.load_turnout(workspace, election_id, communes)
        known = turnout.dropna(subset="constituency_code")
        if len(known):
            year = int(election_id[:4])
            own = known.set_index("station_id")["constituency_code"]
            by_year[year] = own.combine_first(by_year[year]) if year in by_year else own
    points = reference.find_stations(workspace, communes, origins=("points",))
    return Evidence(by_year, points)


def judge_outlines(
    workspace: Workspace,
    outlines: gpd.GeoDataFrame,
    turnouts: Mapping[str, pd.DataFrame],
    *,
    registered: pd.Series | None = None,
    evidence: Evidence | None = None,
) -> list[Join]:
    """How outlines go with each election: what is imported, and what `health` says, is this.

    The votes are looked at only where nothing else tells where the stations lie.
    """
    communes = sorted(set(outlines["commune_code"]))
    some = communes if len(communes) <= MANY_COMMUNES else None
    evidence = evidence or load_evidence(workspace, some)
    joins = []
    for election_id, turnout in turnouts.items():
        join = join_outlines(
            outlines, turnout, election_id=election_id, registered=registered, evidence=evidence
        )
        unknown = join.pieces is None and join.near is None and join.gap is None
        if unknown and join.rate >= LEAST_JOIN and len(outlines) >= FEWEST_VOTES:
            votes = reference.load_bloc_votes(workspace, election_id, some)
            known = _with_votes(turnout, votes)
            join = join_outlines(outlines, known, election_id=election_id, evidence=evidence)
        joins += [join] if join.stations else []
    return joins


def _rounds_of(
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


# -- what maps tell --------------------------------------------------------------------------------


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


def seen_on_maps(
    workspace: Workspace, rounds: Sequence[Round], communes: Sequence[str] | None = None
) -> dict[tuple[str, str], pd.DataFrame]:
    """Flows that maps of two vintages tell, for each step between two rounds (see build_history).

    Of each commune, a round is placed on the layer nearest in time that has its codes; two rounds
    on the same layer have nothing to tell.
    """
    layers = _layers(workspace, communes)
    evidence = load_evidence(workspace, communes)
    found: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for commune, of_commune in layers.items():
        if len(of_commune) < 2:
            continue
        for then, now in _steps(rounds, commune):
            a = _layer_of(then, commune, of_commune, evidence)
            b = _layer_of(now, commune, of_commune, evidence)
            if a is not None and b is not None and a is not b:
                flows = _cross(workspace, commune, a, b)
                found.setdefault((then.vintage, now.vintage), []).append(flows)
    return {step: pd.concat(parts, ignore_index=True) for step, parts in found.items()}


def _layers(workspace: Workspace, communes: Sequence[str] | None) -> dict[str, list[Layer]]:
    by_commune: dict[str, list[Layer]] = {}
    for vintage in sorted({v for _, v, _ in reference.list_station_points(workspace)}):
        points = reference.load_station_points(workspace, communes, vintage)
        for (commune, basis), part in points.groupby(["commune_code", "basis"]):
            by_commune.setdefault(commune, []).append(Layer(vintage, basis, part))
    drawn = reference.list_stations(workspace, origins=reference.OUTLINED)
    for vintage in sorted({v for _, v, _ in drawn}):
        outlines = reference.find_stations(workspace, communes, vintage=vintage)
        if outlines is None:
            continue
        for commune, part in outlines.groupby("commune_code"):
            by_commune.setdefault(commune, []).append(Layer(vintage, "outlines", part))
    return by_commune


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


def _cross(workspace: Workspace, commune: str, then: Layer, now: Layer) -> pd.DataFrame:
    """The best crosswalk of two layers: voters, else addresses, else area."""
    if now.kind == "outlines":
        if then.kind != "outlines":
            return cross_points(then.table, gpd.GeoDataFrame(now.table), basis=then.kind)
        return cross_outlines(
            gpd.GeoDataFrame(then.table),
            gpd.GeoDataFrame(now.table),
            _dwellings(workspace, commune),
        )
    if then.kind == "outlines":
        return cross_places(gpd.GeoDataFrame(then.table), now.table, basis=now.kind)
    return cross_common(then.table, now.table, basis=then.kind)


def _dwellings(workspace: Workspace, commune: str) -> pd.DataFrame | None:
    """Addresses of a commune as places of its dwellings, one each; nothing when none is there."""
    try:
        return reference.load_addresses(workspace, [commune]).assign(weight=1.0)
    except WorkspaceError:
        return None
