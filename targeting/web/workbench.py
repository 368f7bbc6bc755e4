"""The map of the workbench, and the one list of what is chosen in it, in its table or by name."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Final
from urllib.parse import unquote

import streamlit as st

from targeting.maps.workbench import MOST_CHOSEN
from targeting.web.ours import LIBRARY_STYLE, font_url, our_url

CHOSEN: Final = "stations_chosen"
"""Key of the session's list of chosen stations, in the order they were chosen."""

LEFT_OUT: Final = "stations_left_out"

ADDRESS: Final = "b"
"""Parameter of the page's address that holds them."""

_map = st.components.v2.component(
    "relance_map",
    html=f"""
<link rel="stylesheet" href="{LIBRARY_STYLE}">
<link rel="stylesheet" href="{our_url("workbench.css")}">
<div class="rl-root">
  <div class="rl-map"></div>
  <div class="rl-wait" role="status"></div>
  <div class="rl-without" role="alert" hidden></div>
  <div class="rl-tip" hidden></div>
  <div class="rl-north" aria-hidden="true">N<br>↑</div>
  <details class="rl-legend" open></details>
  <details class="rl-credits"></details>
</div>
""",
    js=f"""
export default ctx => {{
  let end
  const without = () => {{
    const words = ctx.parentElement.querySelector(".rl-without")
    words.textContent = ctx.data.say.without
    words.hidden = false
  }}
  import(location.origin + "{our_url("workbench.js")}").then(
    m => {{ end = m.default(ctx) }}, without)
  return () => end?.()
}}
""",
)
"""A stub: what is inline goes over the socket at each run, files are asked for once."""


def show_map(data: dict[str, Any], *, on_choice: Callable[[], None]) -> None:
    """The map, as `data` says; `on_choice` is called when a station is touched."""
    _map(key="map", data={**data, "bold": font_url()}, height="stretch", on_sel_change=on_choice)


def chosen(there: Container[str]) -> list[str]:
    """Stations chosen, those that are there alone; read from the address once a session."""
    if CHOSEN not in st.session_state:
        _keep(s for s in (st.query_params.get(ADDRESS) or "").split(",") if s in there)
    st.session_state[CHOSEN] = [s for s in st.session_state[CHOSEN] if s in there]
    return list(st.session_state[CHOSEN])


def missing_from_link(there: Container[str]) -> list[str]:
    """Stations that a link asked for and that are not there (any more): told once, as it opens."""
    if CHOSEN in st.session_state:
        return []
    asked = [s for s in (st.query_params.get(ADDRESS) or "").split(",") if s]
    return [station for station in asked if station not in there]


def left_out() -> int:
    """How many stations of the last choice were too many."""
    return int(st.session_state.get(LEFT_OUT, 0))


def _keep(stations: Iterable[str]) -> None:
    """Each once, and no more than can be chosen."""
    asked = list(dict.fromkeys(stations))
    st.session_state[CHOSEN] = asked[:MOST_CHOSEN]
    st.session_state[LEFT_OUT] = len(asked[MOST_CHOSEN:])


def choose(stations: Sequence[str], *, by_table: bool = False, by_deck: bool = False) -> None:
    """These are chosen; the table and pydeck's map are made anew, but not where it was done."""
    _keep(stations)
    for name, is_here in (("table_turn", by_table), ("deck_turn", by_deck)):
        if not is_here or left_out():
            st.session_state[name] = st.session_state.get(name, 0) + 1


def deck_key() -> str:
    """Key of pydeck's map: a new one forgets what was touched on it."""
    return f"deck_{st.session_state.get('deck_turn', 0)}"


def choose_on_deck(key: str) -> None:
    """The station touched on pydeck's map is the one chosen; touched again, none is."""
    picked = st.session_state[key]["selection"]["objects"].get("stations", [])
    choose([one["properties"]["id"] for one in picked], by_deck=True)


def choose_on_map() -> None:
    """What the map says is chosen."""
    choose(st.session_state["map"].get("sel") or [])


def choose_in_table(key: str, ids: list[str]) -> None:
    """Rows ticked among those of one page of the table; what other pages hold stays."""
    rows = st.session_state[key]["selection"]["rows"]
    others = [s for s in st.session_state.get(CHOSEN, []) if s not in set(ids)]
    choose([*others, *(ids[row] for row in rows)], by_table=True)


def choose_by_name() -> None:
    """The station named in the box is the one chosen."""
    if named := st.session_state["named"]:
        choose([named])


def drop(station: str) -> None:
    """One station less."""
    choose([s for s in st.session_state.get(CHOSEN, []) if s != station])


def write_address(name: str, value: str) -> None:
    """A parameter of the page's address; taken away when there is nothing to hold.

    A run that cuts another short is told the address of before: what the session has written is
    remembered, so that nothing of it stays behind.
    """
    written: dict[str, str] = st.session_state.setdefault("in_address", {})
    if value:
        if st.query_params.get(name) != value or written.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]
    elif written.get(name):
        st.query_params[name] = written[name]
        del st.query_params[name]
    written[name] = value


def as_list(values: Iterable[str]) -> str:
    """Names as one value of an address; a comma of their own is written otherwise.

    >>> listed(as_list(["Le Panier", "Saint-Just, haut", "50 %"]))
    ['Le Panier', 'Saint-Just, haut', '50 %']
    """
    return ",".join(v.replace("%", "%25").replace(",", "%2C") for v in values)


def listed(text: str) -> list[str]:
    """The names that `as_list` wrote."""
    return [unquote(part) for part in text.split(",") if part]


def read_once(name: str, key: str, read: Callable[[str], Any]) -> None:
    """Give a widget the value that the address holds, before the session has one of its own."""
    if key in st.session_state or name not in st.query_params:
        return
    try:
        if (value := read(st.query_params[name])) is not None:
            st.session_state[key] = value
    except ValueError:
        del st.query_params[name]
