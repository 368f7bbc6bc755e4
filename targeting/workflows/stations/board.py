"""The board of stations, its map files, and the past of one station."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from targeting.codes import commune_of
from targeting.config import Workspace
from targeting.exports.formats import write_table
from targeting.maps.board import Board
from targeting.maps.files import MapFile, backdrop_file, station_map_file
from targeting.maps.hatching import hatch_file
from targeting.maps.streets import LARGE_WAYS, named_streets
from targeting.maps.workbench import quarters_file, workbench_file
from targeting.reference.credits import credits as stored_credits
from targeting.reference.held import list_elections
from targeting.reference.moments import one_moment
from targeting.reference.quarters import load_quarters
from targeting.reference.results import load_bloc_votes, load_turnout
from targeting.reference.stations import find_stations
from targeting.reference.streets import load_backdrop
from targeting.reference.streets import load_streets as load_stored_streets
from targeting.scoring.explain import explain_scores
from targeting.scoring.measures import left_share, turnout_rate
from targeting.scoring.priorities import priority_errors, publish_coverage
from targeting.scoring.ranks import rank_bounds
from targeting.stations.carry import carry_bloc_votes, carry_turnout
from targeting.stations.joins import Join, join_outlines
from targeting.stations.quarters import assign_quarters
from targeting.workflows.access.asks import asks
from targeting.workflows.buildings import has_buildings
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.history import find_outlines, load_evidence, station_past
from targeting.workflows.stations.scores import (
    Scored,
    score_bounds,
    score_stations,
    station_coverage,
    station_priorities,
)
from targeting.workflows.stations.tide import station_tide
from targeting.workflows.turfs.overview import DRAWN_STREETS


@dataclass(frozen=True)
class ScoredBoard:
    """The part of the board that visits and cuts do not change: see `Marks`."""

    scored: Scored
    terms: pd.DataFrame
    outlines: gpd.GeoDataFrame | None
    join: Join | None = None
    points: gpd.GeoDataFrame | None = None
    tide: pd.Series | None = None
    quarters: pd.Series | None = None


@one_moment
@asks("places.see")
def load_scored(workspace: Workspace) -> ScoredBoard:
    """Scores, their terms and bounds, and the outlines under the names of now.

    Raises TargetingError when there are not the results that a score needs.
    """
    scored = score_stations(workspace)
    drawn = find_outlines(workspace, scored.communes)
    outlines = drawn.outlines if drawn is not None else None
    judged = drawn.everything if drawn is not None else None
    join = _join(workspace, judged, scored.scores, scored.basis.presidential)
    points = find_stations(workspace, scored.communes, origins=("points",))
    tide = station_tide(workspace, scored)
    quarters = _quarters(workspace, scored, outlines if join and join.is_sound else None, points)
    return ScoredBoard(scored, _terms(scored), outlines, join, points, tide, quarters)


@asks("places.see")
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
    table["tide"] = kept.tide
    errors = _errors(scored, table["contacted_rate"])
    table = table.join(_rank_bounds(errors, table, kept.terms))
    table = table.join(_places(outlines, kept.points, stations))
    if kept.quarters is not None:
        table["quarter"] = kept.quarters.reindex(stations)
    order = table.sort_values(["priority_rank", "priority"], ascending=[True, False]).index
    return Board(
        table=table.loc[order],
        abstentions=scored.abstentions.loc[order],
        basis=scored.basis,
        target=campaign_card(workspace).target,
        credits=stored_credits(workspace),
        has_addresses=counted,
        join=kept.join,
        terms=kept.terms.loc[order],
        errors=None if errors is None else errors.loc[order],
        calibrations=scored.calibrations,
        dots=None if kept.points is None else _dots(kept.points, scored),
    )


def _errors(scored: Scored, contacted: pd.Series) -> pd.DataFrame | None:
    """`x` and `sigma` of the priority; nothing where the score has none."""
    return None if scored.errors is None else priority_errors(scored.errors, contacted)


def _rank_bounds(
    errors: pd.DataFrame | None, table: pd.DataFrame, terms: pd.DataFrame
) -> pd.DataFrame:
    """Between which ranks of priority each station lies: those of the score until somebody is met
    (a country's take a second)."""
    names = {"rank_low": "priority_rank_low", "rank_high": "priority_rank_high"}
    if errors is None:
        return pd.DataFrame(float("nan"), index=table.index, columns=list(names.values()))
    if not table["contacted_rate"].any():
        return terms[list(names)].rename(columns=names)
    ranks = table["priority_rank"]
    return rank_bounds(errors["x"], errors["sigma"], ranks).add_prefix("priority_rank_")


def _quarters(
    workspace: Workspace,
    scored: Scored,
    outlines: gpd.GeoDataFrame | None,
    points: gpd.GeoDataFrame | None,
) -> pd.Series | None:
    """The quarter of each station, by what is known to be where the results' stations are."""
    quarters = load_quarters(workspace, scored.communes)
    if quarters is None:
        return None
    if points is not None and not _dots(points, scored).is_sound:
        points = None
    return assign_quarters(quarters, outlines, points)


def _dots(points: gpd.GeoDataFrame, scored: Scored) -> Join:
    return join_outlines(points, scored.scores, election_id=scored.basis.presidential)


def _terms(scored: Scored) -> pd.DataFrame:
    """What each term brings, and between what the score and the rank lie, where it is known."""
    terms = explain_scores(scored.scores)
    bounds = score_bounds(scored)
    return terms if bounds is None else terms.join(bounds)


LINE_COLUMNS: Final = ["election_id", "turnout_rate", "left_share", "is_uncertain"]


@asks("places.see")
def load_commune_lines(workspace: Workspace, commune: str) -> pd.DataFrame:
    """The past of each station of a commune, carried to it: the columns of `load_station_line`,
    indexed by station_id; one row an election where the station has a past, oldest first."""
    asked = campaign_card(workspace)
    past = station_past(workspace, asked.communes or None)
    parts = []
    for election_id in list_elections(workspace):
        flows = past.history.of(election_id)
        flows = flows[flows["station_id"].str.startswith(f"{commune}_").fillna(False)]
        carried = carry_turnout(load_turnout(workspace, election_id, [commune]), flows)
        if carried.empty:
            continue
        published = load_bloc_votes(workspace, election_id, [commune])
        stood = bool(set(published["bloc"]) & set(asked.target))
        share = left_share(carried, carry_bloc_votes(published, flows), asked.target)
        rates = turnout_rate(carried)
        uncertain = past.of(election_id)["is_uncertain"].reindex(rates.index)
        parts.append(
            pd.DataFrame(
                {
                    "election_id": election_id,
                    "turnout_rate": rates,
                    "left_share": share if stood else float("nan"),
                    "is_uncertain": uncertain.astype("boolean").fillna(True).astype(bool),
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=LINE_COLUMNS).astype({"left_share": "float64"})
    return pd.concat(parts)[LINE_COLUMNS]


@asks("places.see")
def load_station_line(
    workspace: Workspace, station_id: str, lines: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The station's past, carried to it: one row an election, oldest first.

    Columns `election_id`, `turnout_rate`, `left_share` (of the campaign's target; rates, missing
    where the station has no past, or nobody of the target stood) and `is_uncertain`. `lines`: what
    `load_commune_lines` gave, if it was kept.
    """
    if lines is None:
        lines = load_commune_lines(workspace, commune_of(station_id))
    return lines[lines.index == station_id].reset_index(drop=True)


@asks("places.see")
def load_city_line(workspace: Workspace) -> pd.DataFrame:
    """The past of all the campaign's stations together: the columns of `load_station_line`.

    As published, under the stations of then: a sum needs nothing carried. Rates are missing where
    nobody of the target stood, or nothing was valid.
    """
    asked = campaign_card(workspace)
    communes = asked.communes or None
    rows = []
    for election_id in list_elections(workspace):
        turnout = load_turnout(workspace, election_id, communes)
        if turnout.empty:
            continue
        votes = load_bloc_votes(workspace, election_id, communes)
        ours = float(votes.loc[votes["bloc"].isin(list(asked.target)), "votes"].sum())
        registered, valid = (float(turnout[c].sum()) for c in ("registered", "valid_votes"))
        rows.append(
            {
                "election_id": election_id,
                "turnout_rate": turnout["votes_cast"].sum() / registered if registered else None,
                "left_share": min(ours / valid, 1.0) if valid and ours else None,
                "is_uncertain": False,
            }
        )
    columns = ["election_id", "turnout_rate", "left_share", "is_uncertain"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"turnout_rate": "float64", "left_share": "float64"})


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


@asks("places.see")
def write_station_map(
    workspace: Workspace, board: Board, shown: Sequence[str] | None = None
) -> MapFile | None:
    """The map file of the board's stations, or of these alone; nothing where outlines and points
    are of others."""
    outlines, points = _drawn_layers(workspace, board)
    wanted = board.table.index if shown is None else shown
    layers = [layer for layer in (outlines, points) if layer is not None]
    if not any(layer["station_id"].isin(wanted).any() for layer in layers):
        return None
    return station_map_file(workspace.maps, board, outlines, points, shown=shown)


@asks("places.see")
def write_workbench_map(workspace: Workspace, board: Board, stations: pd.Index) -> MapFile | None:
    """The workbench's map file of these stations; nothing where none of them can be drawn."""
    outlines, points = _drawn_layers(workspace, board)
    if outlines is None and points is None:
        return None
    return workbench_file(workspace.maps, board, stations, outlines, points)


def _drawn_layers(
    workspace: Workspace, board: Board
) -> tuple[gpd.GeoDataFrame | None, gpd.GeoDataFrame | None]:
    """Outlines and points that are those of the results: others are never drawn."""
    communes = campaign_card(workspace).communes or None
    drawn = find_outlines(workspace, communes) if board.is_painted else None
    points = None
    if board.is_dotted:
        points = find_stations(workspace, communes, origins=("points",))
    return drawn.outlines if drawn is not None else None, points


@asks("places.see")
def write_hatching(
    workspace: Workspace, board: Board, shown: Sequence[str] | None = None
) -> MapFile | None:
    """The hatching of stations whose past is uncertain; nothing where nothing is painted."""
    if not board.is_painted:
        return None
    drawn = find_outlines(workspace, campaign_card(workspace).communes or None)
    if drawn is None:
        return None
    return hatch_file(workspace.maps, board, drawn.outlines, shown=shown)


@asks("places.see")
def campaign_quarters(workspace: Workspace) -> gpd.GeoDataFrame | None:
    """The quarters of the campaign's communes (EPSG:2154); nothing without any."""
    return load_quarters(workspace, campaign_card(workspace).communes or None)


@asks("places.see")
def write_quarters(workspace: Workspace) -> MapFile | None:
    """The quarters of the campaign's communes, to draw with their names; nothing without any."""
    quarters = campaign_quarters(workspace)
    return None if quarters is None else quarters_file(workspace.maps, quarters)


def write_backdrop(workspace: Workspace) -> tuple[MapFile | None, list[str]]:
    """What maps draw for orientation (water, parks, rail, streets), and the kinds in it."""
    layers = load_backdrop(workspace)
    streets = load_stored_streets(workspace, barriers=False)
    if streets is not None and len(streets) > DRAWN_STREETS:
        streets = streets[streets["kind"].isin(LARGE_WAYS)]
    if streets is not None and 0 < len(streets) <= DRAWN_STREETS:
        layers = {"streets": named_streets(streets), **layers}
    return backdrop_file(workspace.maps, layers), list(layers)


def csv_bytes(table: pd.DataFrame) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_table(table, path)
        return path.read_bytes()
