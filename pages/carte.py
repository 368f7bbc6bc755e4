"""Priority map: which stations to go to first, and why."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from targeting.locale import election_in, number_in
from targeting.maps.board import Board, station_option
from targeting.maps.cards import build_card
from targeting.maps.classes import build_legend
from targeting.maps.deck import (
    backdrop_layers,
    build_deck,
    chosen_layer,
    outline_layer,
    station_layer,
)
from targeting.maps.files import bounds_of, metric_classes
from targeting.maps.hatching import hatch_layer
from targeting.maps.history_chart import history_chart
from targeting.maps.listing import station_listing
from targeting.maps.measures import METRICS
from targeting.maps.refusals import why_refused
from targeting.web.at_hand import (
    choose_area,
    command,
    drawer,
    language,
    load_backdrop,
    load_board,
    load_hatching,
    load_station_line,
    load_station_map,
    map_frame,
    map_height,
    open_or_stop,
    say,
    show_credits,
    show_legend,
    show_listing,
    told,
)
from targeting.workflows.home import COMMANDS
from targeting.workflows.stations.board import station_csv

NAMED = 1000
"""Stations in the list of names: a country's are chosen among by department and commune."""


def metric_name(board: Board, metric: str) -> str:
    """A measure's name; the share of votes is named after the campaign's target."""
    return say(f"metric.{board.share}" if metric == "left" else f"metric.{metric}")


def explain(board: Board, metric: str) -> str:
    """What a measure is made of, under its legend."""
    basis = board.basis
    return say(
        f"metric.{board.share}.help" if metric == "left" else f"metric.{metric}.help",
        low=" ; ".join(election_in(language(), e) for e in basis.low),
        presidential=election_in(language(), basis.presidential),
        blocs=", ".join(say(f"bloc.{b}") for b in board.target),
    )


def turn(name: str) -> str:
    """Key of the map: turned when the station was chosen elsewhere, so that what it still shows as
    chosen is forgotten."""
    return f"{name}_{st.session_state.get(f'{name}_turn', 0)}"


def forget(name: str) -> None:
    """Turn the map if something is chosen in it."""
    chosen = st.session_state.get(turn(name), {}).get("selection", {})
    if chosen.get("indices"):
        st.session_state[f"{name}_turn"] = st.session_state.get(f"{name}_turn", 0) + 1


def choose_on_map() -> None:
    """A station touched on the map is the one chosen; touched again, none is."""
    picked = st.session_state[turn("map")]["selection"]["objects"].get("stations", [])
    st.session_state["station"] = picked[0]["properties"]["id"] if picked else None


def choose_in_table(key: str, ids: list[str]) -> None:
    """A row chosen in the table is the station chosen."""
    rows = st.session_state[key]["selection"]["rows"]
    st.session_state["station"] = ids[rows[0]] if rows else None
    forget("map")


def choose_in_list() -> None:
    """The station was chosen by its name."""
    forget("map")


def show_map(board: Board, area: Sequence[str], metric: str, filters: dict[str, float]) -> None:
    """The map, looking at an area's stations, with its legend; or why nothing is painted."""
    file = load_station_map(board)
    if file is None:
        show_why_unpainted(board)
        return
    backdrop, kinds = load_backdrop()
    hatching = load_hatching(board)
    layers = [
        station_layer(file, metric, **filters),
        *([hatch_layer(hatching, **filters)] if hatching is not None else []),
        *([outline_layer(file)] if board.is_painted else []),
        *backdrop_layers(backdrop, kinds),
    ]
    view = file.bounds if len(area) == len(board.table) else bounds_of(file, area)
    if station := st.session_state.get("station"):
        layers.append(chosen_layer(file, station))
    st.pydeck_chart(
        build_deck(layers, view, tooltip="{tip_" + language() + "}", frame=map_frame()),
        height=map_height(),
        selection_mode="single-object",
        on_select=choose_on_map,
        key=turn("map"),
        alt=say("map.alt", metric=metric_name(board, metric)),
    )
    show_legend(
        metric_name(board, metric),
        explain(board, metric),
        build_legend(metric_classes(board)[metric], language()),
    )
    if hatching is not None:
        st.caption(told("map.hatched", len(board.doubtful)))
    if board.is_dotted and (dots := int((board.table["origin"] == "points").sum())):
        st.caption(told("map.dots", dots))
    if missing := int(board.table["origin"].isna().sum()):
        st.caption(told("map.without_outline", missing))


def show_why_unpainted(board: Board) -> None:
    """No outline, or outlines of other stations: in words, with the figure."""
    if board.join is None:
        st.info(say("map.no_outlines"))
        st.code(command(COMMANDS["stations"]), "bash", wrap_lines=True)
        return
    st.warning(f"{why_refused(board.join, language())} {say('map.ranking_stays')}")
    st.markdown(say("map.import_others"))
    st.code(command(COMMANDS["stations"]), "bash", wrap_lines=True)


def show_card(board: Board, station_id: str) -> None:
    """Why this station ranks there, in words."""
    card = build_card(board, station_id, language())
    with st.container(border=True, key="card"):
        st.subheader(card.title)
        if card.place:
            st.text(card.place)
        st.markdown(card.rank)
        for heading, lines in {
            "card.why": card.why,
            "card.terms": card.terms,
            "card.people": card.people,
            "card.done": card.done,
            "card.warnings": card.warnings,
        }.items():
            if lines:
                st.markdown(f"**{say(heading)}**\n\n" + "\n".join(f"- {line}" for line in lines))
        st.vega_lite_chart(
            spec=history_chart(load_station_line(station_id), language(), board.share),
            height=240,
            key="history",
        )
        st.caption(card.outline)


def show_table(board: Board, rows: Any) -> None:
    """The same stations as the map, highest priority first; the chosen one's row is marked."""
    station = st.session_state.get("station")
    at = rows.index.get_loc(station) if station in rows.index else None
    key = f"table_{station}"
    show_listing(
        rows,
        lambda shown: station_listing(board, shown, language()),
        key=key,
        start=at or 0,
        height=420,
        selected=at,
        on_choice=lambda ids: choose_in_table(key, ids),
        alt=say("map.table_alt"),
    )
    st.download_button(
        say("map.download"), lambda: station_csv(rows), "relance-bureaux.csv", "text/csv",
        on_click="ignore",
    )  # fmt: skip


board = open_or_stop(load_board, "map.loading")
lang = language()  # names are asked for later too, when no session is there to tell
metric_names = {name: metric_name(board, name) for name in METRICS}
metric = st.segmented_control(
    say("map.metric"), METRICS, default=METRICS[0], required=True, key="metric",
    format_func=metric_names.__getitem__, persist_state="session",
)  # fmt: skip
with drawer(say("map.filters")):
    area = choose_area(board.table.index)
    one, two, three = st.columns(3)
percent = say("map.percent")
abstention = one.slider(
    say("map.min_abstention"), 0, 100, 0, 1, percent, key="min_abstention", persist_state="session"
)
share = metric_name(board, "left")
left = two.slider(
    say("map.min_left", metric=share), 0, 100, 0, 1, percent, key="min_left",
    persist_state="session",
)  # fmt: skip
named = list(area[:NAMED])
if (chosen := st.session_state.get("station")) in board.table.index and chosen not in named:
    named.append(chosen)
station = three.selectbox(
    say("map.search"), named, index=None, key="station",
    placeholder=say("map.search_hint"), on_change=choose_in_list, persist_state="session",
    format_func=partial(station_option, board, language=lang),
)  # fmt: skip
filters = {"min_abstention": abstention / 100, "min_left": left / 100}
rows = board.passing(**filters)
rows = rows[rows.index.isin(area)]
st.caption(
    told("map.shown", len(rows), all=number_in(language(), len(board.table))) + " " + say("map.how")
)
if len(area) > NAMED:
    st.caption(say("map.list_first", count=number_in(language(), NAMED)))
map_side, table_side = st.columns([11, 10])
with map_side:
    show_map(board, area, str(metric), filters)
with table_side:
    if station:
        show_card(board, station)
    show_table(board, rows)
show_credits(board.credits)
