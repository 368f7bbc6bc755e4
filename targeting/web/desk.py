"""What every page has at hand: the workspace, its tables kept until it changes, and words."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from targeting.config import PROJECT, Workspace, workspace_from
from targeting.errors import TargetingError
from targeting.locale import count_in, known_language, text_in
from targeting.maps.board import Board
from targeting.maps.classes import LegendEntry
from targeting.maps.deck import DESK, PHONE
from targeting.maps.files import MapFile
from targeting.scoring.backtest import Backtest
from targeting.workflows import screens
from targeting.workflows.backtest import backtest_workspace
from targeting.workflows.health import Health, data_health
from targeting.workflows.setup import CampaignCard, campaign_card, is_demo

PHONE_MAP_PX: Final = 380
MAP_PX: Final = 500
"""Heights of a map: under 60 % of the height of a phone, so that it never traps the scroll."""

KEPT: Final = 4


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
        st.text(str(error))


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
    st.page_link(str(PROJECT / "pages" / f"{name}.py"), label=label)


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


def load_holdings() -> screens.Holdings:
    """What the workspace holds, and the next step."""
    here = workspace()
    return _holdings(here, screens.workspace_mark(here))


def load_board() -> Board:
    """The board of stations. Raises TargetingError where there is not enough to make one."""
    here = workspace()
    return _board(here, screens.workspace_mark(here))


def load_past() -> screens.PastBoard:
    """The past of the campaign's stations. Raises TargetingError before any results."""
    here = workspace()
    return _past(here, screens.workspace_mark(here))


def load_health() -> Health:
    """The health of the campaign's data. Raises TargetingError before any results."""
    here = workspace()
    return _health(here, screens.workspace_mark(here))


def load_backtest(election_id: str) -> tuple[Backtest, list[str]]:
    """The backtest of one election. Raises TargetingError where it cannot be made."""
    here = workspace()
    return _backtest(here, screens.workspace_mark(here), election_id)


def load_station_map(board: Board) -> MapFile | None:
    """The stations' map file, written again if somebody emptied the cache."""
    here = workspace()
    mark = screens.workspace_mark(here)
    file = _station_map(here, mark, board)
    if file is not None and not file.path.exists():
        _station_map.clear(here, mark, board)
        file = _station_map(here, mark, board)
    return file


def load_backdrop() -> tuple[MapFile | None, list[str]]:
    """The file of what is drawn for orientation, and the kinds in it."""
    here = workspace()
    mark = screens.workspace_mark(here)
    file, kinds = _backdrop(here, mark)
    if file is not None and not file.path.exists():
        _backdrop.clear(here, mark)
        file, kinds = _backdrop(here, mark)
    return file, kinds


def load_turf_board() -> screens.TurfBoard | None:
    """The turfs to walk, or nothing before the first cut."""
    here = workspace()
    return _turf_board(here, screens.workspace_mark(here))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _holdings(_here: Workspace, mark: str) -> screens.Holdings:
    return screens.load_holdings(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _board(_here: Workspace, mark: str) -> Board:
    return screens.load_board(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _past(_here: Workspace, mark: str) -> screens.PastBoard:
    return screens.load_past(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _health(_here: Workspace, mark: str) -> Health:
    return data_health(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _backtest(_here: Workspace, mark: str, election_id: str) -> tuple[Backtest, list[str]]:
    return backtest_workspace(_here, election_id)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _station_map(_here: Workspace, mark: str, _board: Board) -> MapFile | None:
    return screens.write_station_map(_here, _board)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _backdrop(_here: Workspace, mark: str) -> tuple[MapFile | None, list[str]]:
    return screens.write_backdrop(_here)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _turf_board(_here: Workspace, mark: str) -> screens.TurfBoard | None:
    return screens.load_turf_board(_here)
