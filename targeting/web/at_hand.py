"""What every page has at hand: the workspace, its tables kept until it changes, and words."""

from __future__ import annotations

import ast
import base64
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

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
from targeting.maps.classes import LegendEntry
from targeting.maps.deck import DESK, PHONE
from targeting.maps.files import MapFile
from targeting.maps.listing import Listing
from targeting.maps.turfs import turf_layers
from targeting.scoring.backtest import Backtest
from targeting.shipped import PAGES
from targeting.store.engine import written_here
from targeting.workflows import screens
from targeting.workflows.setup import CampaignCard, campaign_card, is_demo
from targeting.workflows.stations.backtest import (
    backtest_html,
    backtest_workspace,
    elections_to_foresee,
)
from targeting.workflows.stations.health import Health, data_health
from targeting.workflows.stations.scenarios import turnout_levels
from targeting.workflows.turfs import edits as handwork
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
        st.caption(plain(f"{say('credits.title')} " + " · ".join(credits)))


def show_legend(title: str, explanation: str, entries: Sequence[LegendEntry]) -> None:
    """The legend of a map in words: a swatch, what it means, how many stations."""
    with st.container(key="legend", gap="xsmall"):
        st.markdown(f"**{title}**")
        lines = [f"{_swatch(e.colour)}\u2002{e.words}\u2002·\u2002{e.count}" for e in entries]
        st.markdown("  \n".join(lines))
        st.caption(explanation)


def _swatch(colour: tuple[int, int, int]) -> str:
    fill = "#{:02x}{:02x}{:02x}".format(*colour)
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="22" height="13">'
        f'<rect width="21" height="12" x=".5" y=".5" fill="{fill}" stroke="#777"/></svg>'
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
    return f'python -m targeting --workspace "{workspace().root}" {words}'


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
    selected: int | None = None, on_choice: Callable[[list[str]], None] | None = None,
    **options: Any,
) -> None:  # fmt: skip
    """A table of `rows` by pages, from the page that holds row number `start`.

    `listing_of` says the rows of a page in words; `on_choice` is given what the page's rows stand
    for when one is chosen, `selected` is the number of the row marked as chosen; `options` go to
    `st.dataframe`.
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
        options |= {"on_select": partial(on_choice, listing.ids), "selection_mode": "single-row"}
        if selected is not None and 0 <= selected - first < len(shown):
            options["selection_default"] = {"selection": {"rows": [selected - first]}}
    table.dataframe(
        listing.styled,
        hide_index=True,
        column_config=helps,
        key=key,
        placeholder=NO_VALUE,
        **options,
    )


# -- one look a run ------------------------------------------------------------------------------

_look: ContextVar[dict[tuple[Workspace, int], screens.Marks] | None] = ContextVar(
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


def _marks(here: Workspace) -> screens.Marks:
    kept, written = _look.get(), written_here()
    if kept is None:
        return screens.workspace_marks(here)
    if (here, written) not in kept:
        kept[here, written] = screens.workspace_marks(here)
    return kept[here, written]


def _mark(here: Workspace) -> str:
    return _marks(here).whole


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
    page_link("accueil", say("nav.home"))
    st.stop()


def waiting(load: Callable[Asked, Opened]) -> Callable[Asked, Opened]:
    """What takes long the first time (Streamlit builds it once, the others wait) says so."""

    @wraps(load)
    def told_meanwhile(*args: Asked.args, **kwargs: Asked.kwargs) -> Opened:
        with st.spinner(say("loading")):
            return load(*args, **kwargs)

    return told_meanwhile


def warm_up() -> None:
    """Read and draw what the first screens show, and load what all of them use, before anybody
    asks for them.

    What is missing or damaged is not told here: the screen that wants it says so.
    """
    here = workspace()
    if here.exists:
        with suppress(TargetingError):
            _warm_tables(here, screens.workspace_mark(here))
    for page in sorted(PAGES.glob("*.py")):
        for line in ast.parse(page.read_text()).body:
            if isinstance(line, ast.ImportFrom) and line.module:
                import_module(line.module)


def _warm_tables(here: Workspace, mark: str) -> None:
    with suppress(TargetingError):
        _holdings(here, mark)
    with suppress(TargetingError):
        board = _board(here, mark)
        _levels(here, mark, board)
        for draw in (_station_map, _hatching):
            draw(here, mark, board)
    with suppress(TargetingError):
        _backdrop(here, mark)
        _turf_board(here, mark)


@waiting
def load_holdings() -> screens.Holdings:
    """What the workspace holds, and the next step."""
    here = workspace()
    return _holdings(here, _mark(here))


def load_board() -> Board:
    """The board of stations. Raises TargetingError where there is not enough to make one."""
    here = workspace()
    return _board(here, _mark(here))


@waiting
def load_turnout_levels(board: Board) -> tuple[float, float]:
    """Turnouts of the latest low election and of the presidential round."""
    here = workspace()
    return _levels(here, _mark(here), board)


def load_past() -> screens.PastBoard:
    """The past of the campaign's stations. Raises TargetingError before any results."""
    here = workspace()
    return _past(here, _mark(here))


def load_health() -> Health:
    """The health of the campaign's data. Raises TargetingError before any results."""
    here = workspace()
    return _health(here, _mark(here))


def backtest_elections() -> list[str]:
    """Elections that can be foreseen from what was imported before them."""
    return elections_to_foresee(workspace())


def load_backtest(election_id: str, communes: tuple[str, ...]) -> tuple[Backtest, list[str], bytes]:
    """One backtest, what to tell of it, and the whole as a page to keep.

    Kept until the workspace changes. Raises TargetingError with the reason where none can be made.
    """
    here = workspace()
    return _backtest(here, _mark(here), election_id, communes, language())


@waiting
def load_station_line(station_id: str) -> DataFrame:
    """The past of one station, election by election."""
    here = workspace()
    return _station_line(here, _mark(here), station_id)


@waiting
def load_station_map(board: Board) -> MapFile | None:
    """The stations' map file."""
    return _drawn(_station_map, board)


@waiting
def load_hatching(board: Board) -> MapFile | None:
    """The hatching of doubtful stations."""
    return _drawn(_hatching, board)


@waiting
def load_backdrop() -> tuple[MapFile | None, list[str]]:
    """The file of what is drawn for orientation, and the kinds in it."""
    here = workspace()
    mark = _mark(here)
    file, kinds = _backdrop(here, mark)
    if file is not None and not file.path.exists():
        _backdrop.clear(here, mark)
        file, kinds = _backdrop(here, mark)
    return file, kinds


def _drawn(draw: Any, board: Board) -> MapFile | None:
    """A map file of the board, written again if somebody emptied the cache."""
    here = workspace()
    mark = _mark(here)
    file: MapFile | None = draw(here, mark, board)
    if file is not None and not file.path.exists():
        draw.clear(here, mark, board)
        file = draw(here, mark, board)
    return file


@waiting
def load_turf_board() -> screens.TurfBoard | None:
    """The turfs to walk, or nothing before the first cut."""
    here = workspace()
    return _turf_board(here, _mark(here))


def load_turf_layers(board: screens.TurfBoard, turf_id: str | None) -> list[Layer]:
    """The turfs as layers of a map, kept until the workspace changes or another one is chosen."""
    here = workspace()
    return _turf_layers(here, _mark(here), language(), turf_id, board)


@waiting
def load_hand_board() -> HandBoard:
    """Turfs to change by hand. Raises WorkspaceError before the first cut."""
    here = workspace()
    return _hand_board(here, _mark(here))


@waiting
def load_drawn_streets() -> GeoDataFrame | None:
    """Streets for a map that Python draws."""
    here = workspace()
    return _streets(here, _marks(here).scores)


def load_plan(teams: int, evenings: int, minutes: float) -> Plan:
    """What so many teams and evenings buy. Raises TargetingError where there is no result."""
    here = workspace()
    return _plan(here, _mark(here), teams, evenings, minutes)


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


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _plan(_here: Workspace, mark: str, teams: int, evenings: int, minutes: float) -> Plan:
    return plans.make_plan(_here, teams=teams, evenings=evenings, minutes=minutes)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _hand_board(_here: Workspace, mark: str) -> HandBoard:
    return handwork.load_hand_board(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _streets(_here: Workspace, mark: str) -> GeoDataFrame | None:
    return screens.load_streets(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _holdings(_here: Workspace, mark: str) -> screens.Holdings:
    return screens.load_holdings(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _scored(_here: Workspace, mark: str) -> screens.ScoredBoard:
    return screens.load_scored(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _board(_here: Workspace, mark: str) -> Board:
    return screens.load_board(_here, _scored(_here, _marks(_here).scores))


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _levels(_here: Workspace, mark: str, _board: Board) -> tuple[float, float]:
    return turnout_levels(_here, _board)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _past(_here: Workspace, mark: str) -> screens.PastBoard:
    return screens.load_past(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _health(_here: Workspace, mark: str) -> Health:
    return data_health(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _backtest(
    _here: Workspace, mark: str, election_id: str, communes: tuple[str, ...], lang: str
) -> tuple[Backtest, list[str], bytes]:
    result, told = backtest_workspace(_here, election_id, communes=communes)
    return result, told, backtest_html(_here, result, told, language=lang)


@st.cache_data(max_entries=64, show_spinner=False)
def _station_line(_here: Workspace, mark: str, station_id: str) -> DataFrame:
    return screens.load_station_line(_here, station_id)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _station_map(_here: Workspace, mark: str, _board: Board) -> MapFile | None:
    return screens.write_station_map(_here, _board)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _hatching(_here: Workspace, mark: str, _board: Board) -> MapFile | None:
    return screens.write_hatching(_here, _board)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _backdrop(_here: Workspace, mark: str) -> tuple[MapFile | None, list[str]]:
    return screens.write_backdrop(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _turf_board(_here: Workspace, mark: str) -> screens.TurfBoard | None:
    return screens.load_turf_board(_here)


@st.cache_resource(max_entries=8 * KEPT, show_spinner=False)
def _turf_layers(
    _here: Workspace, mark: str, lang: str, turf_id: str | None, _board: screens.TurfBoard
) -> list[Layer]:
    return turf_layers(_board.kept.turfs, _board.kept.stops, lang, chosen=turf_id)
