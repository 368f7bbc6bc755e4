"""The workbench: one map that answers, and beside it what is chosen, its card and the table."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import streamlit as st

from targeting.locale import election_in, number_in
from targeting.maps.board import Board, kept_option, kept_sector
from targeting.maps.deck import (
    backdrop_layers,
    build_deck,
    chosen_layers,
    outline_layer,
    station_layer,
)
from targeting.maps.files import bounds_of
from targeting.maps.filters import Filters
from targeting.maps.hatching import hatch_layer
from targeting.maps.legend import legend_lines
from targeting.maps.measures import METRICS, metric_key
from targeting.maps.refusals import why_refused
from targeting.maps.view import View, view_of
from targeting.maps.workbench import MOST_CHOSEN, MOST_DRAWN, looks, map_legend, map_words
from targeting.shipped import CHECKOUT
from targeting.web import workbench as bench
from targeting.web.at_hand import map_frame, map_height, may, open_or_stop, show_legend
from targeting.web.cards import NAMED, copy_link, show_card, show_compared
from targeting.web.decks import show_deck
from targeting.web.empty import files_link
from targeting.web.handed import map_sheet, stations_file
from targeting.web.kept import at_the_click
from targeting.web.listings import choose_area, show_listing
from targeting.web.loaders import (
    load_backdrop,
    load_board,
    load_hatching,
    load_quarters,
    load_station_map,
    load_workbench_map,
)
from targeting.web.ours import has_library
from targeting.web.words import credits_line, language, meaning, plain, say, today, told

REST = (0, 7, 14, 30, 60)
"""Days without a visit that the filter offers; 0: whatever the last visit."""

SHEETS = {
    "a4": ("A4", "pdf", "application/pdf"),
    "a3": ("A3", "pdf", "application/pdf"),
    "png": ("A4", "png", "image/png"),
}
FILES = {
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".geojson": "application/geo+json",
}
"""What is shown, as files: the sheets, then the stations."""

IN_ADDRESS = {"quarter": "q", "arrondissement": "arr", "constituency": "circ"}
"""Parameters of the page's address that hold the sectors chosen."""


def metric_name(board: Board, metric: str) -> str:
    """A measure's name; the share of votes is named after the campaign's target."""
    return say(metric_key(metric, "label", board.share))


def explain(board: Board, metric: str) -> str:
    """What a measure is made of, under its legend."""
    basis = board.basis
    return say(
        metric_key(metric, "help", board.share),
        low=" ; ".join(election_in(language(), e) for e in basis.low),
        presidential=election_in(language(), basis.presidential),
        blocs=", ".join(say(f"bloc.{b}") for b in board.target),
    )


def notes(board: Board, metric: str, shown: View) -> list[str]:
    """What the legend tells of the stations shown, besides its classes."""
    first = [say("map.hatched_short")] if shown.doubtful else []
    if not shown.is_whole:
        first.append(say("map.classes_of", all=number_in(language(), len(board.table))))
    lines = [" ".join(first)] if first else []  # the others are folded
    lines.append(explain(board, metric))
    if shown.doubtful:
        lines.append(told("map.hatched", shown.doubtful))
    if shown.dotted:
        lines.append(told("map.dots", shown.dotted))
    if shown.unplaced:
        lines.append(told("map.without_outline", shown.unplaced))
    return lines


def show_map(board: Board, metric: str, shown: View, chosen: Sequence[str]) -> None:
    """The area's stations on the map, those that a filter takes away pale; or why none is."""
    whole = len(shown.area) == len(board.table)
    file = load_workbench_map(None if whole else tuple(shown.area), board)
    if file is None:
        show_why_unpainted(board)
        return
    backdrop, _ = load_backdrop()
    quarters = load_quarters()
    name = metric_name(board, metric)
    bench.show_map(
        {
            "url": file.url,
            "backdrop": backdrop.url if backdrop else None,
            "quarters": quarters.url if quarters else None,
            "bounds": list(file.bounds),
            "metric": metric,
            "theme": st.context.theme.type or "light",
            "looks": looks(),
            "lang": language(),
            "sel": list(chosen),
            "most": MOST_CHOSEN,
            "hidden": shown.hidden,
            "legend": map_legend(
                shown.classes(metric),
                language(),
                share=board.share,
                title=say(metric_key(metric, "title", board.share)),
                notes=notes(board, metric, shown),
            ),
            "credits": credits_line(board.credits),
            "say": map_words(language(), say("map.alt", metric=name)),
        },
        on_choice=bench.choose_on_map,
    )


def show_plain_map(
    board: Board, metric: str, filters: Filters, shown: View, chosen: Sequence[str]
) -> None:
    """The map by pydeck: a country at a glance, where no station is chosen but a department or a
    commune; or an area where the library of the map was not placed."""
    whole = load_station_map(board)
    if whole is None:
        show_why_unpainted(board)
        return
    area = shown.area
    is_country = len(area) > MOST_DRAWN
    others = view_of(board, board.table.index, replace(filters, min_abstention=0.0, min_left=0.0))
    is_whole = is_country or others.is_whole
    part = () if is_whole else (tuple(others.stations),)  # kept by what it was asked with
    painted, hatching = load_station_map(board, *part), load_hatching(board, *part)
    low = {"min_abstention": filters.min_abstention, "min_left": filters.min_left}
    layers = [
        *([station_layer(painted, metric, **low)] if painted is not None else []),
        *([hatch_layer(hatching, **low)] if hatching is not None else []),
        *([outline_layer(whole)] if board.is_painted else []),
        *backdrop_layers(*load_backdrop()),
        *chosen_layers(whole, chosen),
    ]
    view = whole.bounds if len(area) == len(board.table) else bounds_of(whole, area)
    key = "country" if is_country else bench.deck_key()
    name = metric_name(board, metric)
    with st.container(key="overview"):
        if not is_country:
            st.caption(say("map.plain_mend" if CHECKOUT else "map.plain"))
        show_deck(
            build_deck(layers, view, tooltip="{tip_" + language() + "}", frame=map_frame()),
            height=map_height(),
            on_select="ignore" if is_country else partial(bench.choose_on_deck, key),
            key=key,
            alt=say("map.alt", metric=name),
        )
        if is_country:
            st.markdown(say("map.country", most=number_in(language(), MOST_DRAWN)))
        show_legend(
            say(metric_key(metric, "title", board.share)),
            " ".join(notes(board, metric, shown)),
            legend_lines(shown.classes(metric), language(), board.share),
        )
        st.caption(credits_line(board.credits))


def show_why_unpainted(board: Board) -> None:
    """No outline, or outlines of other stations: in words, with the figure."""
    with st.container(key="overview"):
        if board.join is None:
            st.info(say("map.no_outlines"))
        else:
            st.warning(f"{why_refused(board.join, language())} {say('map.ranking_stays')}")
            st.markdown(say("map.import_others"))
        files_link(say("empty.go"), "stations")


def show_table(shown: View, chosen: Sequence[str]) -> None:
    """The same stations as the map, highest priority first; the rows of the chosen are marked."""
    key = f"table_{st.session_state.get('table_turn', 0)}"
    show_listing(
        shown.rows,
        lambda page: shown.listing(page, language()),
        key=key,
        height=420,
        chosen=chosen,
        is_many=True,
        on_choice=partial(bench.choose_in_table, key),
        alt=say("map.table_alt"),
    )


def show_share(
    board: Board, metric: str, filters: Filters, chosen: Sequence[str], area: Sequence[str]
) -> None:
    """What is shown, to be handed on: a sheet of paper, a picture, files."""
    part = None if len(area) == len(board.table) else tuple(area)
    with st.expander(say("bench.share"), key="share"):
        with st.container(horizontal=True):
            if len(area) <= MOST_DRAWN:
                for name, (paper, kind, mime) in SHEETS.items():
                    st.download_button(
                        say(f"bench.sheet.{name}"),
                        partial(
                            at_the_click(map_sheet), metric, filters, tuple(chosen), part, paper,
                            kind, lang,
                        ),
                        f"relance-carte-{paper}.{kind}", mime, key=f"sheet_{name}",
                        on_click="ignore",
                    )  # fmt: skip
        with st.container(horizontal=True):
            for suffix, mime in FILES.items():
                st.download_button(
                    say(f"bench.file{suffix}"),
                    partial(
                        at_the_click(stations_file), suffix, filters, tuple(chosen), part, lang
                    ),
                    f"relance-bureaux{suffix}", mime, key=f"file{suffix}", on_click="ignore",
                )  # fmt: skip
        copy_link("copy_shown")


def choose_filters(board: Board) -> Filters:
    """What the stations shown must be; each filter tells in the address."""
    percent = say("map.percent")
    bench.read_once("abst", "min_abstention", lambda text: min(max(int(text), 0), 100))
    bench.read_once("part", "min_left", lambda text: min(max(int(text), 0), 100))
    abstention = st.slider(
        say("map.min_abstention"), 0, 100, 0, 1, percent, key="min_abstention",
        persist_state="session", help=meaning("abstention"),
    )  # fmt: skip
    left = st.slider(
        say("map.min_left", metric=metric_name(board, "left")), 0, 100, 0, 1, percent,
        key="min_left", persist_state="session", help=meaning(board.share),
    )  # fmt: skip
    bench.read_once("repos", "rest", partial(one_of, REST))
    bench.read_once("sur", "sure", lambda text: text == "1")
    rests = {n: told("map.rest_days", n) if n else say("map.rest_any") for n in REST}
    days = st.selectbox(
        say("map.rest"),
        REST,
        key="rest",
        persist_state="session",
        format_func=rests.get,
        help=meaning("met"),
    )
    is_sure = st.toggle(
        say("map.sure"), key="sure", persist_state="session", help=meaning("uncertain")
    )
    sectors = choose_sectors(board)
    bench.write_address("abst", str(abstention or ""))
    bench.write_address("part", str(left or ""))
    bench.write_address("repos", str(days or ""))
    bench.write_address("sur", "1" if is_sure else "")
    return Filters(
        min_abstention=abstention / 100,
        min_left=left / 100,
        not_visited_since=today() - timedelta(days=days) if days else None,
        is_sure=is_sure,
        sectors=sectors,
    )


def choose_sectors(board: Board) -> dict[str, list[str]]:
    """Quarters, arrondissements, constituencies: those kinds that this place has."""
    chosen = {}
    for kind, options in board.sector_codes.items():
        bench.read_once(IN_ADDRESS[kind], kind, bench.listed)
        kept = [code for code in st.session_state.get(kind, []) if code in options]
        if kind in st.session_state and kept != st.session_state[kind]:
            st.session_state[kind] = kept
        chosen[kind] = st.multiselect(
            say(f"map.{kind}"), options, key=kind, placeholder=say(f"map.{kind}_any"),
            format_func=partial(kept_sector, board, kind, language=language()),
            select_all=False, persist_state="session",
            help=meaning("quarter") if kind == "quarter" else None,
        )  # fmt: skip
        bench.write_address(IN_ADDRESS[kind], bench.as_list(chosen[kind]))
    return chosen


def one_of(options: Sequence[Any], text: str) -> Any:
    """That of the options which an address names."""
    for one in options:
        if str(one) == text:
            return one
    raise ValueError(text)


board = open_or_stop(load_board, "map.loading")
lost = bench.missing_from_link(board.table.index)
chosen = bench.chosen(board.table.index)
lang = language()
work = st.container(horizontal=True, key="bench")
map_pane, side = work.container(key="mappane"), work.container(key="side")
with side:
    bench.read_once("m", "metric", partial(one_of, METRICS))
    names = {one: metric_name(board, one) for one in METRICS}  # asked for after the run too
    metric = str(
        st.segmented_control(
            say("map.metric"), METRICS, default=METRICS[0], required=True, key="metric",
            format_func=names.get, persist_state="session", help=say("map.metric_help"),
        )
    )  # fmt: skip
    bench.write_address("m", "" if metric == METRICS[0] else metric)
    lost_place = st.container()
    with st.expander(say("map.filters"), key="filters"):
        area = choose_area(board.table.index, tell=lost_place, once=board.once)
        filters = choose_filters(board)
    shown = view_of(board, area, filters)
    named = shown.named(chosen, NAMED)
    st.selectbox(
        say("map.search"), named, index=None, key="named", placeholder=say("map.search_hint"),
        on_change=bench.choose_by_name, label_visibility="collapsed",
        format_func=partial(kept_option, board, language=lang),
    )  # fmt: skip
    st.caption(
        told("map.shown", len(shown), all=number_in(lang, len(board.table))) + " " + say("map.how")
    )
    if len(area) > NAMED:
        st.caption(say("map.list_first", count=number_in(lang, NAMED)))
with map_pane:
    if len(area) > MOST_DRAWN or not has_library():
        show_plain_map(board, metric, filters, shown, chosen)
    else:
        show_map(board, metric, shown, chosen)
with side:
    if lost:
        st.warning(told("map.lost", len(lost), stations=plain(", ".join(lost[:9]))))
    if too_many := bench.left_out():
        st.warning(told("map.most_chosen", too_many, most=number_in(lang, MOST_CHOSEN)))
    with st.container(key="total"):
        st.markdown(say("bench.total_chosen" if chosen else "bench.total_shown"))
        st.markdown(shown.total_words(chosen, lang))
    if len(chosen) == 1:
        show_card(board, chosen[0], is_alone=True)
    elif len(chosen) > 1:
        show_compared(board, chosen)
    show_table(shown, chosen)
    if may("places.export"):
        show_share(board, metric, filters, chosen, area)
bench.write_address(bench.ADDRESS, ",".join(chosen))
