"""What the screens call: the board of stations, its map files, the turfs with their account."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import geopandas as gpd
import pandas as pd

from targeting.codes import commune_of
from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.exports.files import write_table
from targeting.maps.board import Board
from targeting.maps.files import MapFile, backdrop_file, station_map_file
from targeting.maps.hatching import hatch_file
from targeting.maps.ledger import with_sentences
from targeting.maps.listing import DOWNLOADED
from targeting.reference import tables as reference
from targeting.reference.moments import one_moment
from targeting.scoring.explain import explain_scores
from targeting.scoring.measures import left_share, turnout_rate
from targeting.scoring.priorities import publish_coverage
from targeting.stations.carry import carry_bloc_votes, carry_turnout
from targeting.stations.joins import Join, join_outlines
from targeting.stations.ledger import ledger_counts
from targeting.store.engine import count_writes, database_stamp, open_store, reading
from targeting.store.queries import load_campaign
from targeting.store.turfs import latest_cut, load_turfs
from targeting.store.withdrawn import can_be_restored
from targeting.turf.cut import share_within
from targeting.workflows.buildings import has_buildings
from targeting.workflows.setup import campaign_card, readiness
from targeting.workflows.stations.health import Health
from targeting.workflows.stations.history import find_outlines, load_evidence, station_past
from targeting.workflows.stations.scores import (
    Scored,
    campaign_basis,
    score_bounds,
    score_stations,
    station_coverage,
    station_priorities,
)
from targeting.workflows.turfs.board import CampaignTurfs, load_campaign_turfs
from targeting.workflows.turfs.files import export_turfs
from targeting.workflows.turfs.recut import turfs_with_doors_left

DRAWN_STREETS: Final = 60_000
"""More ways than this are not drawn: the map of a big city is read without them."""


class Marks(NamedTuple):
    """What tells whether something kept is still true.

    scores: changes whenever the scores may (open data, blocs, the campaign's communes and target);
    visits and cuts leave it as it is, since a score is of places. whole: changes whenever the
    workspace does, with a new file, visit, cut or campaign.
    """

    scores: str
    whole: str


NO_WORKSPACE: Final = Marks("none", "none")


def workspace_marks(workspace: Workspace) -> Marks:
    """Both marks, from one look at the files and one at the database."""
    if not workspace.exists:
        return NO_WORKSPACE
    parts: list[Any] = [str(workspace.root)]
    for path in sorted(workspace.reference.rglob("*.parquet")):
        stat = path.stat()
        parts.append((str(path.relative_to(workspace.reference)), stat.st_size, stat.st_mtime_ns))
    if workspace.blocs.exists():
        parts.append(workspace.blocs.stat().st_mtime_ns)
    with reading(open_store(workspace)) as session:
        campaign = load_campaign(session)
        if campaign is not None:
            parts += [campaign.communes, campaign.target]
        writes = count_writes(session)
    scores = _digest(parts)
    return Marks(scores, _digest([scores, writes, database_stamp(workspace)]))


def workspace_mark(workspace: Workspace) -> str:
    """Changes whenever the workspace does: see `Marks`."""
    return workspace_marks(workspace).whole


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


# -- stations --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScoredBoard:
    """The part of the board that visits and cuts do not change: see `Marks`."""

    scored: Scored
    terms: pd.DataFrame
    outlines: gpd.GeoDataFrame | None
    join: Join | None = None
    points: gpd.GeoDataFrame | None = None


@one_moment
def load_scored(workspace: Workspace) -> ScoredBoard:
    """Scores, their terms and bounds, and the outlines under the names of now.

    Raises TargetingError when there are not the results that a score needs.
    """
    scored = score_stations(workspace)
    drawn = find_outlines(workspace, scored.communes)
    outlines = drawn.outlines if drawn is not None else None
    judged = drawn.everything if drawn is not None else None
    join = _join(workspace, judged, scored.scores, scored.basis.presidential)
    points = reference.find_stations(workspace, scored.communes, origins=("points",))
    return ScoredBoard(scored, _terms(workspace, scored), outlines, join, points)


def load_board(workspace: Workspace, kept: ScoredBoard | None = None) -> Board:
    """Stations of the campaign with all that screens say of them, highest priority first.

    `kept`: what `load_scored` gave, if it was kept. Raises TargetingError as it does.
    """
    kept = kept or load_scored(workspace)
    scored, outlines = kept.scored, kept.outlines
    coverage = station_coverage(workspace, scored.communes)
    priorities = station_priorities(workspace, scored, coverage).set_index("station_id")
    shown = publish_coverage(coverage).set_index("station_id")
    table = scored.scores.set_index("station_id")
    stations = table.index
    added = ["contacted_rate", "reservoir_left", "priority", "priority_rank"]
    table = table.join(priorities[added])
    counted = has_buildings(workspace, scored.communes)
    for column in ("households", "households_visited", "households_contacted"):
        counts = shown[column].astype("Int64").reindex(stations)
        known = stations.isin(shown.index)
        table[column] = counts.where(known, 0)
    table["last_visit_date"] = shown["last_visit_date"].reindex(stations)
    table = table.join(_places(outlines, kept.points, stations))
    order = table.sort_values(["priority_rank", "priority"], ascending=[True, False]).index
    return Board(
        table=table.loc[order],
        abstentions=scored.abstentions.loc[order],
        basis=scored.basis,
        target=campaign_card(workspace).target,
        credits=reference.credits(workspace),
        has_addresses=counted,
        join=kept.join,
        terms=kept.terms.loc[order],
        dots=None
        if kept.points is None
        else join_outlines(kept.points, scored.scores, election_id=scored.basis.presidential),
    )


def _terms(workspace: Workspace, scored: Scored) -> pd.DataFrame:
    """What each term brings, and between what the score and the rank lie, where it is known."""
    terms = explain_scores(scored.scores)
    bounds = score_bounds(workspace, scored)
    return terms if bounds is None else terms.join(bounds)


def load_station_line(workspace: Workspace, station_id: str) -> pd.DataFrame:
    """The station's past, carried to it: one row an election, oldest first.

    Columns `election_id`, `turnout_rate`, `left_share` (of the campaign's target; rates, missing
    where the station has no past, or nobody of the target stood) and `is_uncertain`.
    """
    commune = commune_of(station_id)
    asked = campaign_card(workspace)
    past = station_past(workspace, asked.communes or None)
    rows = []
    for election_id in reference.list_elections(workspace):
        flows = past.history.of(election_id)
        flows = flows[flows["station_id"] == station_id]
        turnout = reference.load_turnout(workspace, election_id, [commune])
        carried = carry_turnout(turnout, flows)
        if carried.empty:
            continue
        published = reference.load_bloc_votes(workspace, election_id, [commune])
        stood = bool(set(published["bloc"]) & set(asked.target))
        blocs = carry_bloc_votes(published, flows)
        ledger = past.of(election_id)
        rows.append(
            {
                "election_id": election_id,
                "turnout_rate": turnout_rate(carried).iloc[0],
                "left_share": left_share(carried, blocs, asked.target).iloc[0] if stood else None,
                "is_uncertain": bool(ledger["is_uncertain"].get(station_id, True)),
            }
        )
    columns = ["election_id", "turnout_rate", "left_share", "is_uncertain"]
    return pd.DataFrame(rows, columns=columns).astype({"left_share": "float64"})


def _places(
    outlines: gpd.GeoDataFrame | None, points: gpd.GeoDataFrame | None, stations: pd.Index
) -> pd.DataFrame:
    """Place, vintage and origin of each station's outline, else of its point."""
    layers = [pd.DataFrame(layer) for layer in (outlines, points) if layer is not None]
    if not layers:
        empty = pd.DataFrame(index=stations, columns=["vintage", "origin"], dtype="str")
        return empty.assign(place="")
    known = pd.concat(layers).drop_duplicates("station_id").set_index("station_id")
    known = known.reindex(stations)
    name = known["name"].mask(known["name"].duplicated(keep=False))  # an area's, not a station's
    place = known["polling_place"].fillna(name).fillna("").astype("str")
    place = place.str.split().str.join(" ")
    return pd.DataFrame({"place": place, "vintage": known["vintage"], "origin": known["origin"]})


def _join(
    workspace: Workspace,
    outlines: gpd.GeoDataFrame | None,
    scores: pd.DataFrame,
    election_id: str,
) -> Join | None:
    if outlines is None:
        return None
    evidence = load_evidence(workspace, sorted(set(outlines["commune_code"])))
    return join_outlines(outlines, scores, election_id=election_id, evidence=evidence)


def write_station_map(workspace: Workspace, board: Board) -> MapFile | None:
    """The map file of the board's stations; nothing where outlines and points are of others."""
    communes = campaign_card(workspace).communes or None
    drawn = find_outlines(workspace, communes) if board.is_painted else None
    outlines = drawn.outlines if drawn is not None else None
    points = None
    if board.is_dotted:
        points = reference.find_stations(workspace, communes, origins=("points",))
    layers = [layer for layer in (outlines, points) if layer is not None]
    if not any(layer["station_id"].isin(board.table.index).any() for layer in layers):
        return None
    return station_map_file(workspace.maps, board, outlines, points)


def write_hatching(workspace: Workspace, board: Board) -> MapFile | None:
    """The hatching of stations whose past is uncertain; nothing where nothing is painted."""
    if not board.is_painted:
        return None
    drawn = find_outlines(workspace, campaign_card(workspace).communes or None)
    return hatch_file(workspace.maps, board, drawn.outlines) if drawn is not None else None


def write_backdrop(workspace: Workspace) -> tuple[MapFile | None, list[str]]:
    """What maps draw for orientation (water, parks, rail, streets), and the kinds in it."""
    layers = reference.load_backdrop(workspace)
    streets = reference.load_streets(workspace, barriers=False)
    if streets is not None and len(streets) <= DRAWN_STREETS:
        layers = {"streets": streets, **layers}
    return backdrop_file(workspace.maps, layers), list(layers)


def station_csv(rows: pd.DataFrame) -> bytes:
    """Rows of the board as a CSV, through the exports' safe cells."""
    return _csv(rows.reset_index()[DOWNLOADED])


def _csv(table: pd.DataFrame) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_table(table, path)
        return path.read_bytes()


# -- the stations' past and the data's health ------------------------------------------------------


@dataclass(frozen=True)
class PastBoard:
    """The ledger of the campaign's stations.

    vintages: newest first, those of today's own election left out where there are others;
    counts: see `ledger_counts`.
    """

    ledger: pd.DataFrame
    counts: pd.DataFrame
    vintages: list[str]


def load_past(workspace: Workspace) -> PastBoard:
    """The ledger of the campaign's communes. Raises WorkspaceError before any results."""
    communes = campaign_card(workspace).communes or None
    past = station_past(workspace, communes)
    counts = ledger_counts(past.ledger)
    own = set(past.history.now["vintage"])
    contests = {v.rsplit("_", 1)[0] for v in own}
    older = [v for v in reversed(counts.index) if v.rsplit("_", 1)[0] not in contests]
    vintages = older or list(counts.index)
    return PastBoard(past.ledger, counts, vintages)


def choose_ledger(
    past: PastBoard, vintage: str, *, kinds: Sequence[str] = (), only_uncertain: bool = False
) -> pd.DataFrame:
    """Rows of the ledger of one vintage, of these kinds (all if none is named)."""
    rows = past.ledger[past.ledger["vintage"] == vintage]
    if kinds:
        rows = rows[rows["kind"].isin(list(kinds))]
    return rows[rows["is_uncertain"]] if only_uncertain else rows


def ledger_csv(rows: pd.DataFrame, language: str) -> bytes:
    """Rows of the ledger with a sentence each, as a CSV through the exports' safe cells."""
    return _csv(with_sentences(rows, language))


def health_csv(health: Health) -> bytes:
    """Status of each station at each election, as a CSV."""
    return _csv(health.matrix.reset_index())


# -- turfs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TurfBoard:
    """Turfs to walk, and the account of the last cut.

    left_out: doors left out of it, by reason code; within: share of its turfs within ten percent
    of the mean; mean: of minutes or doors, as `balanced_on` says; begun: turfs with visits that
    have doors left to cut anew today; restorable: turfs that the last cut replaced.
    """

    kept: CampaignTurfs
    doors_in: int
    doors_in_turfs: int
    doors_left_out: int
    left_out: dict[str, int]
    balanced_on: str
    mean: float
    within: float
    begun: int
    restorable: list[str]

    @property
    def ready(self) -> int:
        """Turfs that nobody began: a new cut of their stations replaces them."""
        return int((self.kept.turfs["status"] == "ready").sum())


def load_turf_board(workspace: Workspace) -> TurfBoard | None:
    """The turfs of the workspace with the account of the last cut; nothing before one."""
    try:
        kept = load_campaign_turfs(workspace)
    except WorkspaceError:
        return None
    with reading(open_store(workspace)) as session:
        cut = latest_cut(session)
        if cut is None:
            return None
        facts = (cut.id, cut.doors_in, cut.doors_in_turfs, cut.doors_left_out)
        restorable = can_be_restored(session)
    balanced_on = "n_doors" if kept.parameters.get("doors") else "minutes_expected"
    size = kept.turfs.loc[kept.turfs["cut_id"] == facts[0], balanced_on].astype(float)
    if size.empty:  # the last cut was taken back
        size = kept.turfs[balanced_on].astype(float)
    mean = float(size.mean())
    return TurfBoard(
        kept,
        *facts[1:],
        left_out={
            str(k): int(v) for k, v in kept.excluded.groupby("reason")["dwellings"].sum().items()
        },
        balanced_on=balanced_on,
        mean=mean,
        within=share_within(size),
        begun=turfs_with_doors_left(workspace),
        restorable=restorable,
    )


def turf_file(
    workspace: Workspace, kind: str, turf_ids: Sequence[str] | None, *, language: str
) -> bytes:
    """A file of the turfs, by its extension, or `excluded` (CSV of what was left out)."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "excluded":
            out = Path(folder) / "excluded.csv"
            write_table(load_campaign_turfs(workspace).excluded, out)
        else:
            out = Path(folder) / f"turfs.{kind}"
            export_turfs(workspace, out, turf_ids=turf_ids, language=language)
        return out.read_bytes()


def load_streets(workspace: Workspace) -> gpd.GeoDataFrame | None:
    """Ways to draw under turfs, without the barriers."""
    return reference.load_streets(workspace, barriers=False)


# -- home ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holdings:
    """What a workspace holds, and what to do next.

    outlines: source, vintage, stations; step: `results`, `stations`, `addresses`, `turfs` or
    `map`; lacking: why no score can be made yet, in one line.
    """

    elections: list[str]
    outlines: list[tuple[str, str, int]]
    addresses: int
    turfs: int
    step: str
    lacking: str | None
    credits: list[str]


COMMANDS: Final = {
    "results": "import results FILE…",
    "stations": "import stations FILE",
    "addresses": "import addresses FILE",
}
"""Step → the command that takes it."""


def load_holdings(workspace: Workspace) -> Holdings:
    """Look at what the workspace holds."""
    ready = readiness(workspace)
    outlines = [(s, v, sheet.rows) for s, v, sheet in reference.list_stations(workspace)]
    addresses = sum(s.rows for *_, s in reference.list_layers(workspace, "addresses"))
    with reading(open_store(workspace)) as session:
        turfs = len(load_turfs(session))
    lacking = None
    try:
        campaign_basis(workspace)
    except TargetingError as error:
        lacking = str(error)
    missing = {
        "results": lacking is not None,
        "stations": not ready.has_stations,
        "addresses": not ready.has_addresses,
        "turfs": turfs == 0,
    }
    step = next((s for s, is_missing in missing.items() if is_missing), "map")
    credits = reference.credits(workspace)
    return Holdings(ready.elections, outlines, addresses, turfs, step, lacking, credits)
