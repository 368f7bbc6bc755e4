"""What screens read of the campaign, each kept until what it hangs on changes; and the warm-up."""

from __future__ import annotations

import ast
from contextlib import suppress
from datetime import date
from importlib import import_module

import pandas as pd
from geopandas import GeoDataFrame
from pandas import DataFrame
from pydeck import Layer

from targeting.access.roles import SYSTEM
from targeting.codes import commune_of
from targeting.config import Workspace, workspace_from
from targeting.errors import TargetingError
from targeting.locale import DEFAULT
from targeting.maps.board import Board
from targeting.maps.files import MapFile
from targeting.maps.filters import Filters
from targeting.maps.turfs import turf_layers
from targeting.maps.view import view_of
from targeting.maps.workbench import MOST_DRAWN
from targeting.scoring.backtest import Backtest
from targeting.shipped import PAGES
from targeting.web.kept import KEPT, kept, mark_of, score_mark_of, workspace
from targeting.web.listings import ROWS_A_PAGE
from targeting.web.ours import has_library
from targeting.web.words import language
from targeting.workflows import home, marks
from targeting.workflows.access.asks import whose
from targeting.workflows.desk import Desk
from targeting.workflows.desk import load_desk as read_desk
from targeting.workflows.setup import CampaignCard, campaign_card
from targeting.workflows.stations import board as station_board
from targeting.workflows.stations import past as station_past_board
from targeting.workflows.stations.backtest import (
    backtest_html,
    backtest_workspace,
    elections_to_foresee,
)
from targeting.workflows.stations.health import Health, data_health
from targeting.workflows.stations.scenarios import turnout_levels
from targeting.workflows.turfs import edits
from targeting.workflows.turfs import overview as turf_overview
from targeting.workflows.turfs import plan as plans
from targeting.workflows.turfs.edits import HandBoard
from targeting.workflows.turfs.plan import Plan


def load_campaign() -> CampaignCard | None:
    """The campaign of the workspace; nothing where there is no workspace."""
    return _campaign() if workspace().exists else None


@kept("")
def _campaign(here: Workspace) -> CampaignCard:
    return campaign_card(here)


def shows_demo() -> bool:
    """Whether the screens show the invented town."""
    campaign = load_campaign()
    return campaign is not None and campaign.is_demo


def _is_there(file: MapFile | None) -> bool:
    return file is None or file.path.exists()


def warm_up() -> None:
    """Read and draw what the first screens show, and load what all of them use, before anybody
    asks for them.

    What is missing or damaged is not told here: the screen that wants it says so.
    """
    here = workspace_from().asked_by(SYSTEM)
    if here.exists:
        with suppress(TargetingError):
            _warm_tables(here, marks.workspace_mark(here))
    for page in sorted(PAGES.glob("*.py")):
        for line in ast.parse(page.read_text()).body:
            if isinstance(line, ast.ImportFrom) and line.module:
                import_module(line.module)


def _warm_tables(here: Workspace, mark: str) -> None:
    with suppress(TargetingError):
        load_holdings.of(here, mark)
    with suppress(TargetingError):
        board = load_board.of(here, mark)
        load_turnout_levels.of(here, mark, board)
        whole = view_of(board, board.table.index, Filters())
        whole.total_words((), DEFAULT)
        whole.listing(whole.rows[:ROWS_A_PAGE], DEFAULT)
        if len(board.table) <= MOST_DRAWN and has_library():
            load_workbench_map.of(here, mark, None, board)
        else:
            for draw in (load_station_map, load_hatching):
                draw.of(here, mark, board)
        score_mark = score_mark_of(here)
        load_city_line.of(here, score_mark)
        load_commune_lines.of(here, score_mark, commune_of(board.table.index[0]))
    with suppress(TargetingError):
        load_backdrop.of(here, mark)
        load_quarters.of(here, mark)
        _turf_board.of(here, mark, "")


@kept("", is_told=True)
def load_holdings(here: Workspace) -> home.Holdings:
    """What the workspace holds, and the next step."""
    return home.load_holdings(here)


@kept("plan.see")
def load_desk(here: Workspace, today: date) -> Desk:
    """What the day begins with."""
    board = None
    with suppress(TargetingError):
        board = load_board.of(here, mark_of(here))
    return read_desk(here, board, today)


@kept("places.see", until=score_mark_of)
def load_scored(here: Workspace) -> station_board.ScoredBoard:
    """What of the board hangs on no visit."""
    return station_board.load_scored(here)


@kept("places.see")
def load_board(here: Workspace) -> Board:
    """The board of stations. Raises TargetingError where there is not enough to make one."""
    return station_board.load_board(here, load_scored.of(here, score_mark_of(here)))


@kept("places.see", is_copied=True, is_told=True)
def load_turnout_levels(here: Workspace, _board: Board) -> tuple[float, float]:
    """Turnouts of the latest low election and of the presidential round."""
    return turnout_levels(here, _board)


@kept("places.see")
def load_past(here: Workspace) -> station_past_board.PastBoard:
    """The past of the campaign's stations. Raises TargetingError before any results."""
    return station_past_board.load_past(here)


@kept("places.see")
def load_health(here: Workspace) -> Health:
    """The health of the campaign's data. Raises TargetingError before any results."""
    return data_health(here)


def backtest_elections() -> list[str]:
    """Elections that can be foreseen from what was imported before them."""
    return elections_to_foresee(workspace())


def load_backtest(election_id: str, communes: tuple[str, ...]) -> tuple[Backtest, list[str], bytes]:
    """One backtest, what to tell of it, and the whole as a page to keep.

    Kept until the workspace changes. Raises TargetingError with the reason where none can be made.
    """
    return _backtest(election_id, communes, language())


@kept("places.see")
def _backtest(
    here: Workspace, election_id: str, communes: tuple[str, ...], lang: str
) -> tuple[Backtest, list[str], bytes]:
    result, told = backtest_workspace(here, election_id, communes=communes)
    return result, told, backtest_html(here, result, told, language=lang)


@kept("places.see", until=score_mark_of, entries=4 * KEPT)
def load_commune_lines(here: Workspace, commune: str) -> DataFrame:
    """The past of each station of a commune."""
    return station_board.load_commune_lines(here, commune)


def load_station_line(station_id: str) -> DataFrame:
    """The past of one station, election by election."""
    lines = load_commune_lines(commune_of(station_id))
    return station_board.load_station_line(workspace(), station_id, lines)


@kept("places.see", until=score_mark_of)
def load_city_line(here: Workspace) -> DataFrame:
    """The past of all the campaign's stations together."""
    return station_board.load_city_line(here)


@kept("places.see", is_told=True, is_whole=_is_there)
def load_station_map(
    here: Workspace, _board: Board, shown: tuple[str, ...] | None = None
) -> MapFile | None:
    """The stations' map file, or that of these alone."""
    return station_board.write_station_map(here, _board, shown)


@kept("places.see", is_told=True, is_whole=_is_there, entries=4 * KEPT)
def load_workbench_map(
    here: Workspace, stations: tuple[str, ...] | None, _board: Board
) -> MapFile | None:
    """The workbench's map file: of all stations of the board, or of these alone."""
    asked = _board.table.index if stations is None else pd.Index(stations)
    return station_board.write_workbench_map(here, _board, asked)


@kept("places.see", is_told=True, is_whole=_is_there)
def load_hatching(
    here: Workspace, _board: Board, shown: tuple[str, ...] | None = None
) -> MapFile | None:
    """The hatching of doubtful stations, or of these alone."""
    return station_board.write_hatching(here, _board, shown)


@kept("", is_told=True, is_whole=lambda found: _is_there(found[0]))
def load_backdrop(here: Workspace) -> tuple[MapFile | None, list[str]]:
    """The file of what is drawn for orientation, and the kinds in it."""
    return station_board.write_backdrop(here)


@kept("places.see", is_told=True, is_whole=_is_there)
def load_quarters(here: Workspace) -> MapFile | None:
    """The file of the campaign's quarters, where some were imported."""
    return station_board.write_quarters(here)


def load_turf_board() -> turf_overview.TurfBoard | None:
    """The turfs to walk (one's own, where the role goes no further), or nothing before the first
    cut."""
    return _turf_board(_whose_turfs())


def _whose_turfs() -> str:
    """The account that sees its own turfs alone; nothing for who sees all."""
    return whose(workspace(), "turfs.see") or ""


@kept("turfs.see", own=True, is_told=True, entries=8 * KEPT)
def _turf_board(here: Workspace, account_id: str) -> turf_overview.TurfBoard | None:
    return turf_overview.load_turf_board(here)


def load_turf_layers(board: turf_overview.TurfBoard, turf_id: str | None) -> list[Layer]:
    """The turfs as layers of a map, kept until the workspace changes or another one is chosen."""
    return _turf_layers(_whose_turfs(), language(), turf_id, board)


@kept("", entries=8 * KEPT)
def _turf_layers(
    _here: Workspace,
    account_id: str,
    lang: str,
    turf_id: str | None,
    _board: turf_overview.TurfBoard,
) -> list[Layer]:
    return turf_layers(_board.kept.turfs, _board.kept.stops, lang, chosen=turf_id)


@kept("turfs.cut", is_told=True)
def load_hand_board(here: Workspace) -> HandBoard:
    """Turfs to change by hand. Raises WorkspaceError before the first cut."""
    return edits.load_hand_board(here)


@kept("", is_told=True, until=score_mark_of)
def load_drawn_streets(here: Workspace) -> GeoDataFrame | None:
    """Streets for a map that Python draws."""
    return turf_overview.load_streets(here)


@kept("plan.see")
def load_plan(here: Workspace, teams: int, evenings: int, minutes: float) -> Plan:
    """What so many teams and evenings buy. Raises TargetingError where there is no result."""
    return plans.make_plan(here, teams=teams, evenings=evenings, minutes=minutes)
