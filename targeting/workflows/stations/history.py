"""The past of a workspace's stations: rounds, rolls and maps put together, kept till they move."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.addresses import load_addresses
from targeting.reference.held import (
    OUTLINED,
    PAST_OF,
    list_elections,
    list_shares,
    list_station_points,
    list_stations,
)
from targeting.reference.moments import one_moment
from targeting.reference.results import load_bloc_votes, load_blocs, load_shares, load_turnout
from targeting.reference.stations import find_stations, load_station_points
from targeting.stations.flows import communes_of
from targeting.stations.ground import FEWEST_VOTES
from targeting.stations.history import History, Round, build_history, history_within
from targeting.stations.joins import (
    LEAST_JOIN,
    Evidence,
    Join,
    join_outlines,
)
from targeting.stations.layers import Layer, choose_rounds, flows_between_layers
from targeting.stations.ledger import build_ledger
from targeting.stations.profiles import with_votes
from targeting.stations.redrawn import Renamed, name_as_now
from targeting.workflows.cache import BUNDLE, Bundle, Kind, cached, content_of, find_kept
from targeting.workflows.progress import Progress, silent

CACHE_VERSION: Final = "v7"

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
    if not list_elections(workspace):
        raise WorkspaceError(
            "no results imported: run `python -m targeting import results FILE…` first."
        )

    communes = communes or None
    content = [CACHE_VERSION, *content_of(workspace, PAST_OF, blocs=True)]

    def build() -> Bundle:
        if communes and (part := _cut_out(workspace, communes, content)):
            return _bundle(part, set())
        progress("following stations through time (kept for the next time)")
        return _bundle(*_follow(workspace, communes))

    name = PART if communes else WHOLE
    kept = cached(workspace, name, [sorted(communes or []), *content], build, BUNDLE).tables
    return Past(History(kept["flows"], kept["now"]), kept["ledger"])


WHOLE: Final = "past"
PART: Final = "past_of"
"""Names in the cache of the past of all stations imported, and of some communes'."""


def _bundle(past: Past, mapped: set[str]) -> Bundle:
    tables = {"flows": past.history.flows, "now": past.history.now, "ledger": past.ledger}
    return Bundle(tables, {"mapped": sorted(mapped)})


def _follow(workspace: Workspace, communes: Sequence[str] | None) -> tuple[Past, set[str]]:
    """The past, and the communes that two maps or more tell of."""
    rounds = load_rounds(workspace, communes)
    layers = _layers(workspace, communes)
    history = build_history(rounds, _told_by_maps(workspace, rounds, layers, communes))
    return Past(history, build_ledger(history, rounds)), set(layers)


def _cut_out(workspace: Workspace, communes: Sequence[str], content: list[object]) -> Past | None:
    """The past of these communes out of that of all stations, where it is kept and says the same.

    What two maps tell is judged with the growth of all that is followed together: those communes
    are followed alone.
    """
    of_these = Kind(BUNDLE.suffix, BUNDLE.write, partial(_read_flows, communes=communes))
    kept = find_kept(workspace, WHOLE, [[], *content], of_these)
    if kept is None or not set(communes).isdisjoint(kept.facts["mapped"]):
        return None
    part = history_within(History(kept.tables["flows"], kept.tables["now"]), communes)
    if part is None:
        return None
    return Past(part, build_ledger(part, load_rounds(workspace, communes, with_profile=False)))


def _read_flows(path: Path, communes: Sequence[str]) -> Bundle:
    """Of a kept past, the flows from these communes and the stations of now in them."""
    wanted = {"flows": "station_id_then", "now": "station_id"}
    tables = {}
    with zipfile.ZipFile(path) as archive:
        for name, column in wanted.items():
            content = io.BytesIO(archive.read(f"{name}.parquet"))
            tables[name] = pd.read_parquet(content, filters=_starts(column, communes))
        return Bundle(tables, json.loads(archive.read("facts.json")))


def _starts(column: str, communes: Sequence[str]) -> list[list[tuple[str, str, str]]]:
    """Stations of one of the communes, for pyarrow: ids between `13055_` and its next."""
    return [[(column, ">=", f"{c}_"), (column, "<", f"{c}`")] for c in communes]


def load_rounds(
    workspace: Workspace,
    communes: Sequence[str] | None = None,
    *,
    with_profile: bool = True,
) -> list[Round]:
    """Every round imported with its rolls and votes, and every roll known by address.

    Of a file of shares alone the stations are known, and their rolls only where it gives them.
    Without their profile, rounds have rolls alone: enough for the ledger of a history.
    """
    rounds = []
    blocs = load_blocs(workspace) if with_profile else None
    for election_id in list_elections(workspace):
        turnout = load_turnout(workspace, election_id, communes)
        if len(turnout) and not with_profile:
            rounds.append(Round(election_id, turnout[["station_id", "registered"]]))
        elif len(turnout):
            votes = load_bloc_votes(workspace, election_id, communes, blocs=blocs)
            rounds.append(Round(election_id, with_votes(turnout, votes)))
    counted_in = {r.vintage for r in rounds}
    for election_id in list_shares(workspace):
        shares = load_shares(workspace, election_id)
        if communes is not None:
            shares = shares[communes_of(shares["station_id"]).isin(list(communes))]
        if len(shares) and election_id not in counted_in:
            rolls = shares.groupby("station_id", as_index=False)["registered"].first()
            known = rolls["registered"].to_numpy("float64", na_value=np.nan)
            rounds.append(Round(election_id, rolls.assign(registered=known)))
    for vintage in sorted({v for _, v, _ in list_station_points(workspace)}):
        points = load_station_points(workspace, communes, vintage)
        counted = points[points["basis"] == "voters"]
        if len(counted):
            roll = counted.groupby("station_id")["weight"].sum().rename("registered")
            rounds.append(Round(vintage, roll.reset_index()))
    return sorted(rounds, key=lambda of: of.date)


# -- outlines of now -------------------------------------------------------------------------------


@one_moment
def find_outlines(workspace: Workspace, communes: Sequence[str] | None = None) -> Renamed | None:
    """The newest outlines of these communes, under the ids that their stations have now.

    Each commune's outlines follow the round nearest in time to their vintage whose codes they have;
    those that fit no round keep their ids (and the join with the results refuses them), but those
    that do not lie where their stations lie are refused: nothing is painted with them, and no
    address is put in them. Nothing where no outline was imported.
    """
    outlines = find_stations(workspace, communes)
    if outlines is None or not list_elections(workspace):
        return None if outlines is None else Renamed(outlines, {}, [], [])
    past = station_past(workspace, communes)
    evidence = load_evidence(workspace, communes)
    chosen, misplaced = choose_rounds(outlines, past.history.flows, evidence)
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
    for election_id in list_elections(workspace):
        turnout = load_turnout(workspace, election_id, communes)
        known = turnout.dropna(subset="constituency_code")
        if len(known):
            year = int(election_id[:4])
            own = known.set_index("station_id")["constituency_code"]
            by_year[year] = own.combine_first(by_year[year]) if year in by_year else own
    points = find_stations(workspace, communes, origins=("points",))
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
            votes = load_bloc_votes(workspace, election_id, some)
            known = with_votes(turnout, votes)
            join = join_outlines(outlines, known, election_id=election_id, evidence=evidence)
        joins += [join] if join.stations else []
    return joins


# -- what maps tell --------------------------------------------------------------------------------


def seen_on_maps(
    workspace: Workspace, rounds: Sequence[Round], communes: Sequence[str] | None = None
) -> dict[tuple[str, str], pd.DataFrame]:
    """Flows that maps of two vintages tell, for each step between two rounds."""
    return _told_by_maps(workspace, rounds, _layers(workspace, communes), communes)


def _told_by_maps(
    workspace: Workspace,
    rounds: Sequence[Round],
    layers: Mapping[str, Sequence[Layer]],
    communes: Sequence[str] | None,
) -> dict[tuple[str, str], pd.DataFrame]:
    if not layers:
        return {}
    evidence = load_evidence(workspace, communes)
    return flows_between_layers(
        rounds, layers, evidence, dwellings=lambda commune: _dwellings(workspace, commune)
    )


def _layers(workspace: Workspace, communes: Sequence[str] | None) -> dict[str, list[Layer]]:
    """Layers of each commune that has two or more: one alone has nothing to be compared with."""
    loaded: list[tuple[str, str | None, pd.DataFrame]] = []
    for vintage in sorted({v for _, v, _ in list_station_points(workspace)}):
        loaded.append((vintage, None, load_station_points(workspace, communes, vintage)))
    drawn = list_stations(workspace, origins=OUTLINED)
    for vintage in sorted({v for _, v, _ in drawn}):
        outlines = find_stations(workspace, communes, vintage=vintage)
        if outlines is not None:
            loaded.append((vintage, "outlines", outlines))
    keys = ["commune_code", "basis"]
    kinds = [(table if kind is None else table.assign(basis=kind))[keys].drop_duplicates()
             for _, kind, table in loaded]  # fmt: skip
    counts = pd.concat(kinds)["commune_code"].value_counts() if kinds else pd.Series(dtype="int64")
    several = set(counts.index[counts > 1])
    by_commune: dict[str, list[Layer]] = {}
    for vintage, kind, table in loaded if several else []:
        there = table[table["commune_code"].isin(list(several))]
        for commune, part in there.groupby("commune_code"):
            bases = [(kind, part)] if kind else part.groupby("basis")
            by_commune.setdefault(str(commune), []).extend(
                Layer(vintage, str(basis), rows) for basis, rows in bases
            )
    return by_commune


def _dwellings(workspace: Workspace, commune: str) -> pd.DataFrame | None:
    """Addresses of a commune as places of its dwellings, one each; nothing when none is there."""
    try:
        return load_addresses(workspace, [commune]).assign(weight=1.0)
    except WorkspaceError:
        return None
