"""What every page has at hand: how it opens, a map's room and legend, links."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from targeting.errors import TargetingError
from targeting.maps.deck import DESK, PHONE
from targeting.maps.legend import LegendLine
from targeting.shipped import PAGES, PROGRAM
from targeting.web.kept import Opened, workspace
from targeting.web.loaders import load_campaign
from targeting.web.screens import screen_called
from targeting.web.words import say, show_trouble, told

PHONE_MAP_PX: Final = 380
MAP_PX: Final = 500
"""Heights of a map: under 60 % of the height of a phone, so that it never traps the scroll."""


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


def command(words: str) -> str:
    """A command line for this workspace, to copy into a terminal."""
    return f'{PROGRAM} --workspace "{workspace().root}" {words}'


def may(action: str) -> bool:
    """Whether who looks may do this, on what is theirs at least: buttons that would be refused are
    not shown. The services ask in any case."""
    return workspace().actor.may(action, own=True)


def page_link(name: str, label: str) -> None:
    """A link to another screen (`carte`, `secteurs`), for those who may open it."""
    if not screen_called(name).is_open_to(workspace().actor):
        return
    st.page_link(str(PAGES / f"{name}.py"), label=label)


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
