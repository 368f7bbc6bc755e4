"""The card of a station beside the map: the answer first, then why, then what can be done."""

from __future__ import annotations

from functools import partial

import streamlit as st

from targeting.maps.board import Board, kept_option
from targeting.maps.cards.bars import bar_svg
from targeting.maps.cards.card import Card, kept_card
from targeting.maps.cards.compare import MOST, compare
from targeting.maps.cards.history import history_svg
from targeting.shipped import PAGES
from targeting.web import workbench as bench
from targeting.web.at_hand import may
from targeting.web.handed import card_pdf
from targeting.web.kept import at_the_click
from targeting.web.loaders import load_city_line, load_station_line
from targeting.web.ours import our_url
from targeting.web.words import language, plain, say

_copy = st.components.v2.component(
    "relance_copy",
    html='<button type="button"></button><span role="status"></span>\n',
    css="""
button { font: inherit; padding: 6px 12px; border-radius: 6px; cursor: pointer; color: inherit;
  background: transparent; border: 1px solid var(--st-border-color); min-height: 40px }
button:focus-visible { outline: 3px solid #ffc400 }
span { margin-left: 8px; font-size: .86rem }
""",
    js=f"""
export default ctx => {{
  import(location.origin + "{our_url("copy.js")}").then(m => m.default(ctx))
}}
""",
)


_picture = st.components.v2.component(
    "relance_picture",
    html="<div></div>\n",
    css="div { color: var(--st-text-color); font-family: var(--st-font) } svg { display: block }\n",
    js=f"""
export default ctx => {{
  import(location.origin + "{our_url("picture.js")}").then(m => m.default(ctx))
}}
""",
)


NAMED = 1000
"""Stations in a list of names: a country's are chosen among by department and commune."""


def show_picture(svg: str, *, key: str) -> None:
    """An SVG of ours in the page's colours; `st.html` would take it away."""
    if svg:
        _picture(key=key, data={"svg": svg})


def show_card(board: Board, station_id: str, *, is_alone: bool) -> None:
    """One station: how sure, the rank, what to do; three reasons; the rest folded."""
    card = kept_card(board, station_id, language())
    with st.container(border=True, key=f"card_{station_id}" if not is_alone else "card"):
        head, away = st.columns([6, 1], vertical_alignment="center")
        head.subheader(card.title, anchor=False)
        away.button(
            "✕", key=f"drop_{station_id}", help=say("bench.drop"), on_click=bench.drop,
            args=(station_id,),
        )  # fmt: skip
        if card.place:
            st.text(card.place)
        st.markdown(card.answer)
        if card.bar is not None:
            show_picture(bar_svg(card.bar, language()), key=f"bar_{station_id}")
            st.caption(plain(card.bar.words))
        st.markdown("\n".join(f"- {line}" for line in card.reasons))
        for warning in card.warnings:
            st.markdown(f":orange[⚠] {warning}")
        _show_acts(board, station_id)
        _show_past(board, station_id)
        _show_rest(card)


def _show_acts(board: Board, station_id: str) -> None:
    with st.container(horizontal=True, key=f"acts_{station_id}"):
        cut_button([station_id], key=f"cut_{station_id}")
        if may("places.export"):
            st.download_button(
                say("bench.print"),
                partial(at_the_click(card_pdf), station_id, language()),
                f"relance-{station_id}.pdf",
                "application/pdf",
                key=f"print_{station_id}",
                on_click="ignore",
            )
        copy_link(f"copy_{station_id}")
    _choose_rival(board, station_id)


def _choose_rival(board: Board, station_id: str) -> None:
    """A second station by its name; on the map, Shift does the same.

    One list for every card: a browser that holds it is not sent it again.
    """
    lang = language()
    first = board.once.of(("first", NAMED), lambda: list(board.table.index[:NAMED]))

    def add() -> None:
        if rival := st.session_state["rival"]:
            st.session_state["rival"] = None
            bench.choose([station_id, rival])

    st.selectbox(
        say("bench.compare"), first, index=None, key="rival", on_change=add,
        placeholder=say("bench.compare_with"), label_visibility="collapsed",
        format_func=partial(kept_option, board, language=lang), help=say("bench.compare_help"),
    )  # fmt: skip


def cut_button(stations: list[str], *, key: str) -> None:
    """To the screen that cuts turfs, with these stations chosen in it."""
    if may("turfs.cut") and st.button(say("bench.cut"), key=key):
        st.session_state["which"], st.session_state["chosen"] = "chosen", stations
        st.switch_page(str(PAGES / "secteurs.py"))


def copy_link(key: str) -> None:
    """A button that copies the page's address: it holds what is chosen and filtered."""
    _copy(key=key, data={"words": say("bench.copy"), "done": say("bench.copied")})


def _show_past(board: Board, station_id: str) -> None:
    lang = language()

    def drawn() -> str:
        return history_svg(load_station_line(station_id), lang, load_city_line(), board.share)

    show_picture(board.once.of(("past", station_id, lang), drawn), key=f"past_{station_id}")


def _show_rest(card: Card) -> None:
    with st.expander(say("bench.rest")):
        for heading, lines in card.rest.items():
            st.markdown(f"**{say(heading)}**\n\n" + "\n".join(f"- {line}" for line in lines))
        st.caption(card.outline)
        if card.source:
            st.caption(card.source)


def show_compared(board: Board, stations: list[str]) -> None:
    """Two to four stations side by side, on one scale, and which is ahead in words."""
    found = compare(board, stations[:MOST], language())
    with st.container(border=True, key="compared"):
        st.subheader(say("bench.compared"), anchor=False)
        for title, bar, station in zip(found.titles, found.bars, found.ids, strict=True):
            head, away = st.columns([6, 1], vertical_alignment="center")
            head.markdown(f"**{plain(title)}**")
            away.button(
                "✕", key=f"drop_{station}", help=say("bench.drop"), on_click=bench.drop,
                args=(station,),
            )  # fmt: skip
            if bar is not None:
                show_picture(bar_svg(bar, language()), key=f"bar_{station}")
        for sentence in found.sentences:
            st.markdown(f"- {sentence}")
        heads = " | ".join(plain(title.split(" · ")[0]) for title in found.titles)
        rows = "\n".join(
            f"| {row.label} | {' | '.join(plain(value) for value in row.values)} |"
            for row in found.rows
        )
        st.markdown(f"| | {heads} |\n|---|{'---|' * len(found.ids)}\n{rows}")
        with st.container(horizontal=True, key="acts_compared"):
            cut_button(stations, key="cut_compared")
            copy_link("copy_compared")
