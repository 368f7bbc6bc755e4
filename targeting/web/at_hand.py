"""What every page has at hand: the workspace, its tables kept until it changes, and words."""

from __future__ import annotations

import ast
import base64
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from datetime import date
from functools import partial, update_wrapper, wraps
from importlib import import_module
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar

import pandas as pd
import streamlit as st
from geopandas import GeoDataFrame
from pandas import DataFrame
from pydeck import Layer
from streamlit.delta_generator import DeltaGenerator

from targeting.codes import commune_of, department_of
from targeting.config import Workspace, workspace_from
from targeting.errors import TargetingError
from targeting.locale import NO_VALUE, count_in, known_language, number_in, text_in
from targeting.locale.messages import said
from targeting.maps.board import Board
from targeting.maps.deck import DESK, PHONE
from targeting.maps.files import MapFile
from targeting.maps.filters import Filters
from targeting.maps.legend import LegendLine
from targeting.maps.listing import Listing
from targeting.maps.turfs import turf_layers
from targeting.maps.workbench import MOST_DRAWN
from targeting.scoring.backtest import Backtest
from targeting.shipped import PAGES, PROGRAM
from targeting.store.engine import written_here
from targeting.web.ours import has_library
from targeting.workflows import home, marks
from targeting.workflows.desk import Desk
from targeting.workflows.desk import load_desk as read_desk
from targeting.workflows.setup import CampaignCard, campaign_card, is_demo
from targeting.workflows.stations import board as station_board
from targeting.workflows.stations import past as station_past_board
from targeting.workflows.stations import sheets
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

PHONE_MAP_PX: Final = 380
MAP_PX: Final = 500
"""Heights of a map: under 60 % of the height of a phone, so that it never traps the scroll."""

KEPT: Final = 4

ROWS_A_PAGE: Final = 500
"""Rows of a table sent at once: a country has 70,000."""

MOST_COMMUNES: Final = 1000
"""Communes in one list to choose from; more are chosen by department first."""

Opened = TypeVar("Opened")
Asked = ParamSpec("Asked")


# -- words -----------------------------------------------------------------------------------------


def language() -> str:
    """The language of this session's screens."""
    asked = st.session_state.get("lang") or st.query_params.get("lang")
    return known_language(asked)


def say(key: str, **values: object) -> str:
    """The text of `key` in the session's language."""
    return text_in(language(), key, **values)


def told(key: str, count: int, **values: object) -> str:
    """The text of `key` for that many, in the session's language."""
    return count_in(language(), key, count, **values)


def countdown(days: int) -> str:
    """How far the ballot is: `J−43`, `jour J`, `J+2`."""
    if not days:
        return say("desk.day")
    return say("desk.days" if days > 0 else "desk.after", count=abs(days))


def today() -> date:
    """The day it is where the campaign's machine stands."""
    return date.today()


def plain(text: str) -> str:
    """Somebody else's text as Markdown shows it word for word.

    >>> plain("a*b* [c](d)")
    'a\\\\*b\\\\* \\\\[c\\\\]\\\\(d\\\\)'
    """
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|~<>$:^=@&])", r"\\\1", " ".join(text.split()))


def show_trouble(error: TargetingError) -> None:
    """An error that the user can mend: its own line, as plain text."""
    with st.container(border=True):
        st.markdown(f"**{say('error.trouble')}**")
        st.text(said(language(), str(error)))


def show_credits(credits: Sequence[str]) -> None:
    """The sources of what is above."""
    if credits:
        st.caption(plain(credits_line(credits)))


def credits_line(credits: Sequence[str]) -> str:
    """The sources, on one line of plain text; empty without any."""
    return f"{say('credits.title')} " + " · ".join(credits) if credits else ""


def show_legend(title: str, explanation: str, legend: Sequence[LegendLine]) -> None:
    """The legend of a map in words: a swatch, what it means, how many stations."""
    with st.container(key="legend", gap="xsmall"):
        st.markdown(f"**{title}**")
        lines = [
            f"{_swatch(one.colour)}\u2002{one.words}\u2002·\u2002"
            + told("legend.stations", one.stations)
            for one in legend
        ]
        st.markdown("  \n".join(lines))
        st.caption(explanation)


def _swatch(colour: str) -> str:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="22" height="13">'
        f'<rect width="21" height="12" x=".5" y=".5" fill="{colour}" stroke="#777"/></svg>'
    )
    return f"![](data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()})"


def map_height() -> int:
    """Height of a map on this device, in pixels."""
    return PHONE_MAP_PX if on_phone() else MAP_PX


def map_frame() -> tuple[float, float]:
    """Room that a map has on this device, in pixels."""
    return PHONE if on_phone() else DESK


def on_phone() -> bool:
    """Whether the browser says that it is a phone's."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def drawer(label: str) -> DeltaGenerator:
    """Room for settings: folded on a phone, so that the map comes first."""
    return st.expander(label) if on_phone() else st.container()


def command(words: str) -> str:
    """A command line for this workspace, to copy into a terminal."""
    return f'{PROGRAM} --workspace "{workspace().root}" {words}'


def page_link(name: str, label: str) -> None:
    """A link to another screen (`carte`, `secteurs`)."""
    st.page_link(str(PAGES / f"{name}.py"), label=label)


# -- tables by page --------------------------------------------------------------------------------


def choose_area(stations: pd.Index) -> pd.Index:
    """Stations of the department and commune that the user chooses; all where there is but one.

    A country's stations are chosen among step by step: no list holds them all.
    """
    communes = pd.Series([commune_of(s) for s in stations], index=stations)
    if communes.nunique() < 2:
        return stations
    one, two = st.columns(2)
    departments = communes.map(department_of)
    if departments.nunique() > 1:
        department = one.selectbox(
            say("area.department"), sorted(departments.unique()), index=None, key="department",
            placeholder=say("area.every_department"), persist_state="session",
        )  # fmt: skip
        if department is None and communes.nunique() > MOST_COMMUNES:
            return stations
        communes = communes if department is None else communes[departments == department]
    commune = two.selectbox(
        say("area.commune"), sorted(communes.unique()), index=None, key="commune",
        placeholder=say("area.every_commune"), persist_state="session",
    )  # fmt: skip
    return communes.index if commune is None else communes.index[communes == commune]


def show_listing(
    rows: DataFrame, listing_of: Callable[[DataFrame], Listing], *, key: str, start: int = 0,
    selected: Sequence[int] = (), on_choice: Callable[[list[str]], None] | None = None,
    is_many: bool = False, **options: Any,
) -> None:  # fmt: skip
    """A table of `rows` by pages, from the page that holds row number `start`.

    `listing_of` says the rows of a page in words; `on_choice` is given what the page's rows stand
    for when one is chosen (several may be: `is_many`), `selected` are the numbers of the rows
    marked as chosen; `options` go to `st.dataframe`.
    """
    table = st.container()
    pages = max(math.ceil(len(rows) / ROWS_A_PAGE), 1)
    page = 1
    if pages > 1:
        page = st.pagination(
            pages, default=min(start // ROWS_A_PAGE + 1, pages), key=f"{key}_page_{pages}"
        )
    first = (page - 1) * ROWS_A_PAGE
    shown = rows.iloc[first : first + ROWS_A_PAGE]
    listing = listing_of(shown)
    if pages > 1:
        st.caption(
            say(
                "table.page",
                first=number_in(language(), first + 1),
                last=number_in(language(), first + len(shown)),
                all=number_in(language(), len(rows)),
            )
        )
    helps = {name: st.column_config.Column(help=words) for name, words in listing.helps.items()}
    if on_choice is not None:
        mode = "multi-row" if is_many else "single-row"
        options |= {"on_select": partial(on_choice, listing.ids), "selection_mode": mode}
        if marked := [row - first for row in selected if 0 <= row - first < len(shown)]:
            options["selection_default"] = {"selection": {"rows": marked}}
    table.dataframe(
        listing.styled,
        hide_index=True,
        column_config=helps,
        key=key,
        placeholder=NO_VALUE,
        **options,
    )


# -- one look a run ------------------------------------------------------------------------------

_look: ContextVar[dict[tuple[Workspace, int], marks.Marks] | None] = ContextVar(
    "look", default=None
)


@contextmanager
def one_look() -> Iterator[None]:
    """What one run of a screen shows is of one moment: the workspace's marks are looked up once.

    They are looked up again once this process has written. Outside, each look is a new one.
    """
    token = _look.set({})
    try:
        yield
    finally:
        _look.reset(token)


def _marks(here: Workspace) -> marks.Marks:
    kept, written = _look.get(), written_here()
    if kept is None:
        return marks.workspace_marks(here)
    if (here, written) not in kept:
        kept[here, written] = marks.workspace_marks(here)
    return kept[here, written]


def _mark(here: Workspace) -> str:
    return _marks(here).whole


def _score_mark(here: Workspace) -> str:
    return _marks(here).scores


def workspace_mark() -> str:
    """Changes whenever the workspace does."""
    return _mark(workspace())


# -- the workspace ---------------------------------------------------------------------------------


def workspace() -> Workspace:
    """The workspace of this server."""
    return workspace_from()


def load_campaign() -> CampaignCard | None:
    """The campaign of the workspace; nothing where there is no workspace."""
    here = workspace()
    return campaign_card(here) if here.exists else None


def shows_demo() -> bool:
    """Whether the screens show the invented town."""
    here = workspace()
    return here.exists and is_demo(here)


def open_or_stop(load: Callable[[], Opened], waiting: str) -> Opened:
    """What a screen shows, or why it cannot be shown, and then the screen ends.

    `waiting` is the key of what is said meanwhile.
    """
    if load_campaign() is not None:
        try:
            with st.spinner(say(waiting)):
                return load()
        except TargetingError as error:
            st.info(say("map.no_results"))
            show_trouble(error)
    else:
        st.info(say("map.no_results"))
    page_link("fichiers", say("empty.go"))
    st.stop()


class Kept(Generic[Asked, Opened]):
    """A loader of the server's workspace whose answer is kept until the workspace changes."""

    def __init__(
        self,
        load: Callable[Concatenate[Workspace, Asked], Opened],
        *,
        until: Callable[[Workspace], str],
        entries: int,
        is_copied: bool,
        is_told: bool,
        is_whole: Callable[[Any], bool] | None,
    ) -> None:
        update_wrapper(self, load)
        self.until, self.is_told, self.is_whole = until, is_told, is_whole
        keep = st.cache_data if is_copied else st.cache_resource
        self._kept: Any = keep(max_entries=entries, show_spinner=False)(_marked(load))

    def __call__(self, *args: Asked.args, **kwargs: Asked.kwargs) -> Opened:
        here = workspace()
        with st.spinner(say("loading")) if self.is_told else nullcontext():
            return self.of(here, self.until(here), *args, **kwargs)

    def of(self, here: Workspace, mark: str, *args: Asked.args, **kwargs: Asked.kwargs) -> Opened:
        """What is kept of this workspace as its mark tells it, else loaded, without a word."""
        found: Opened = self._kept(here, mark, *args, **kwargs)
        if self.is_whole is not None and not self.is_whole(found):
            self._kept.clear(here, mark, *args, **kwargs)
            found = self._kept(here, mark, *args, **kwargs)
        return found


def kept(
    *,
    until: Callable[[Workspace], str] = _mark,
    entries: int = KEPT,
    is_copied: bool = False,
    is_told: bool = False,
    is_whole: Callable[[Any], bool] | None = None,
) -> Callable[[Callable[Concatenate[Workspace, Asked], Opened]], Kept[Asked, Opened]]:
    """Keep what a loader gives until the mark of its workspace changes; it is called without it.

    Streamlit loads it once, the others wait; a parameter that begins with `_` is not compared, it
    follows from the workspace. `until`: what tells of a change; `is_copied`: each reader has a copy
    of its own; `is_told`: what takes long the first time says so; `is_whole`: whether what was kept
    can still be used (a file that somebody deleted is written again).
    """

    def decorate(load: Callable[Concatenate[Workspace, Asked], Opened]) -> Kept[Asked, Opened]:
        return Kept(
            load, until=until, entries=entries, is_copied=is_copied, is_told=is_told,
            is_whole=is_whole,
        )  # fmt: skip

    return decorate


def _marked(load: Callable[Concatenate[Workspace, Asked], Opened]) -> Callable[..., Opened]:
    """A loader as Streamlit keeps it: by its mark and its own arguments, not by its workspace."""

    @wraps(load)
    def made(_here: Workspace, mark: str, *args: Any, **kwargs: Any) -> Opened:
        return load(_here, *args, **kwargs)

    first = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in ("_here", "mark")]
    own = list(signature(load).parameters.values())[1:]
    made.__signature__ = Signature([*first, *own])  # type: ignore[attr-defined]
    return made


def _is_there(file: MapFile | None) -> bool:
    return file is None or file.path.exists()


def warm_up() -> None:
    """Read and draw what the first screens show, and load what all of them use, before anybody
    asks for them.

    What is missing or damaged is not told here: the screen that wants it says so.
    """
    here = workspace()
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
        if len(board.table) <= MOST_DRAWN and has_library():
            load_workbench_map.of(here, mark, None, board)
        else:
            for draw in (load_station_map, load_hatching):
                draw.of(here, mark, board)
        score_mark = _score_mark(here)
        load_city_line.of(here, score_mark)
        load_commune_lines.of(here, score_mark, commune_of(board.table.index[0]))
    with suppress(TargetingError):
        load_backdrop.of(here, mark)
        load_quarters.of(here, mark)
        load_turf_board.of(here, mark)


@kept(is_told=True)
def load_holdings(here: Workspace) -> home.Holdings:
    """What the workspace holds, and the next step."""
    return home.load_holdings(here)


@kept()
def load_desk(here: Workspace, today: date) -> Desk:
    """What the day begins with."""
    board = None
    with suppress(TargetingError):
        board = load_board.of(here, _mark(here))
    return read_desk(here, board, today)


@kept(until=_score_mark)
def load_scored(here: Workspace) -> station_board.ScoredBoard:
    """What of the board hangs on no visit."""
    return station_board.load_scored(here)


@kept()
def load_board(here: Workspace) -> Board:
    """The board of stations. Raises TargetingError where there is not enough to make one."""
    return station_board.load_board(here, load_scored.of(here, _score_mark(here)))


@kept(is_copied=True, is_told=True)
def load_turnout_levels(here: Workspace, _board: Board) -> tuple[float, float]:
    """Turnouts of the latest low election and of the presidential round."""
    return turnout_levels(here, _board)


@kept()
def load_past(here: Workspace) -> station_past_board.PastBoard:
    """The past of the campaign's stations. Raises TargetingError before any results."""
    return station_past_board.load_past(here)


@kept()
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


@kept()
def _backtest(
    here: Workspace, election_id: str, communes: tuple[str, ...], lang: str
) -> tuple[Backtest, list[str], bytes]:
    result, told = backtest_workspace(here, election_id, communes=communes)
    return result, told, backtest_html(here, result, told, language=lang)


@kept(until=_score_mark, entries=4 * KEPT)
def load_commune_lines(here: Workspace, commune: str) -> DataFrame:
    """The past of each station of a commune."""
    return station_board.load_commune_lines(here, commune)


def load_station_line(station_id: str) -> DataFrame:
    """The past of one station, election by election."""
    lines = load_commune_lines(commune_of(station_id))
    return station_board.load_station_line(workspace(), station_id, lines)


@kept(until=_score_mark)
def load_city_line(here: Workspace) -> DataFrame:
    """The past of all the campaign's stations together."""
    return station_board.load_city_line(here)


def _at_hand(here: Workspace) -> sheets.AtHand:
    """What sheets are made of, as the screens keep it."""
    return sheets.AtHand(load_board.of(here, _mark(here)), load_scored.of(here, _score_mark(here)))


def map_sheet(
    metric: str,
    filters: Filters,
    chosen: tuple[str, ...],
    area: tuple[str, ...] | None,
    paper: str,
    kind: str,
    lang: str,
) -> bytes:
    """The map as it is shown, on a sheet (`pdf`) or as a picture (`png`)."""
    here = workspace()
    return sheets.map_sheet(
        here, metric, filters, chosen, area, paper=paper, kind=kind, language=lang,
        at_hand=_at_hand(here),
    )  # fmt: skip


def card_pdf(station_id: str, lang: str) -> bytes:
    """The card of a station on one page."""
    here = workspace()
    return sheets.card_sheet(here, station_id, lang, at_hand=_at_hand(here))


def stations_file(
    suffix: str,
    filters: Filters,
    chosen: tuple[str, ...],
    area: tuple[str, ...] | None,
    lang: str,
) -> bytes:
    """The stations shown, as a file of that extension."""
    here = workspace()
    return sheets.shown_file(
        here, suffix, filters, chosen, area, language=lang, at_hand=_at_hand(here)
    )


@kept(is_told=True, is_whole=_is_there)
def load_station_map(
    here: Workspace, _board: Board, shown: tuple[str, ...] | None = None
) -> MapFile | None:
    """The stations' map file, or that of these alone."""
    return station_board.write_station_map(here, _board, shown)


@kept(is_told=True, is_whole=_is_there, entries=4 * KEPT)
def load_workbench_map(
    here: Workspace, stations: tuple[str, ...] | None, _board: Board
) -> MapFile | None:
    """The workbench's map file: of all stations of the board, or of these alone."""
    asked = _board.table.index if stations is None else pd.Index(stations)
    return station_board.write_workbench_map(here, _board, asked)


@kept(is_told=True, is_whole=_is_there)
def load_hatching(
    here: Workspace, _board: Board, shown: tuple[str, ...] | None = None
) -> MapFile | None:
    """The hatching of doubtful stations, or of these alone."""
    return station_board.write_hatching(here, _board, shown)


@kept(is_told=True, is_whole=lambda found: _is_there(found[0]))
def load_backdrop(here: Workspace) -> tuple[MapFile | None, list[str]]:
    """The file of what is drawn for orientation, and the kinds in it."""
    return station_board.write_backdrop(here)


@kept(is_told=True, is_whole=_is_there)
def load_quarters(here: Workspace) -> MapFile | None:
    """The file of the campaign's quarters, where some were imported."""
    return station_board.write_quarters(here)


@kept(is_told=True)
def load_turf_board(here: Workspace) -> turf_overview.TurfBoard | None:
    """The turfs to walk, or nothing before the first cut."""
    return turf_overview.load_turf_board(here)


def load_turf_layers(board: turf_overview.TurfBoard, turf_id: str | None) -> list[Layer]:
    """The turfs as layers of a map, kept until the workspace changes or another one is chosen."""
    return _turf_layers(language(), turf_id, board)


@kept(entries=8 * KEPT)
def _turf_layers(
    _here: Workspace, lang: str, turf_id: str | None, _board: turf_overview.TurfBoard
) -> list[Layer]:
    return turf_layers(_board.kept.turfs, _board.kept.stops, lang, chosen=turf_id)


@kept(is_told=True)
def load_hand_board(here: Workspace) -> HandBoard:
    """Turfs to change by hand. Raises WorkspaceError before the first cut."""
    return edits.load_hand_board(here)


@kept(is_told=True, until=_score_mark)
def load_drawn_streets(here: Workspace) -> GeoDataFrame | None:
    """Streets for a map that Python draws."""
    return turf_overview.load_streets(here)


@kept()
def load_plan(here: Workspace, teams: int, evenings: int, minutes: float) -> Plan:
    """What so many teams and evenings buy. Raises TargetingError where there is no result."""
    return plans.make_plan(here, teams=teams, evenings=evenings, minutes=minutes)


def replaced_by_plan(plan: Plan) -> dict[str, int]:
    """Ready turfs that keeping this plan withdraws, with their version."""
    return plans.replaced_by_plan(workspace(), plan)


def keep_plan(plan: Plan, expected: dict[str, int]) -> int:
    """Make the plan's turfs the campaign's; gives how many. `expected`: see `workflows.plan`."""
    return len(plans.keep_plan(workspace(), plan, expected=expected).codes)


def plan_csv(plan: Plan) -> bytes:
    """The plan's turfs as a file."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "plan.csv"
        plans.write_plan(workspace(), plan, out)
        return out.read_bytes()
