"""Turfs: choose where and how long, cut, look at the balance, print."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st
from pydeck import Layer
from streamlit.delta_generator import DeltaGenerator

from targeting.errors import TargetingError
from targeting.exports.formats import FORMATS
from targeting.locale import number_in, percent_in
from targeting.locale.messages import said
from targeting.maps.board import station_option
from targeting.maps.deck import backdrop_layers, build_deck, outline_layer
from targeting.maps.listing import turf_listing
from targeting.maps.turfs import turf_bounds
from targeting.web.at_hand import map_frame, map_height, may
from targeting.web.decks import show_deck
from targeting.web.empty import nothing_yet
from targeting.web.hands import hands, show_hands
from targeting.web.kept import at_the_click, workspace, workspace_mark
from targeting.web.loaders import (
    load_backdrop,
    load_board,
    load_campaign,
    load_holdings,
    load_station_map,
    load_turf_board,
    load_turf_layers,
)
from targeting.web.words import language, plain, say, show_credits, show_trouble, told
from targeting.workflows.outings.walkbooks import phone_book_zip, walk_book_pdf
from targeting.workflows.report import Report
from targeting.workflows.turfs.cutting import (
    DEFAULT_MINUTES,
    cut_campaign_turfs,
    preview_cut,
    restore_report,
)
from targeting.workflows.turfs.overview import TurfBoard, turf_file, turf_preview
from targeting.workflows.turfs.polishing import polish_state, start_polish
from targeting.workflows.turfs.recut import recut_campaign_turfs

SIZES = ("minutes", "doors")
WHERE = ("count", "percent", "chosen", "all")

PICKER_HEIGHT = 150
"""The list of stations has a line more while one types in it: left to its own height, it would move
the button away between the press and the release of a click."""
STEPS = {"buildings": "step.buildings", "street": "step.graph", "cutting": "step.cutting"}

MOST_PRINTED = 50
"""Books of one download: more are written by packets (`walkbook`)."""


def choose_stations() -> str | None:
    """Where to cut, as `cut_campaign_turfs` takes it; nothing while no station is chosen."""
    try:
        board = load_board()
    except TargetingError:  # without results, every address can still be cut
        st.caption(say("map.no_results"))
        return "all"
    which = st.segmented_control(
        say("turfs.which"), WHERE, default="count", required=True, key="which",
        format_func={w: say(f"turfs.which.{w}") for w in WHERE}.__getitem__,
    )  # fmt: skip
    if which == "count":
        return f"top:{st.number_input(say('turfs.count'), 1, max(board.ranked, 1), 5, key='count')}"
    if which == "percent":
        return f"top:{st.number_input(say('turfs.percent'), 1, 100, 10, key='percent')}%"
    if which == "chosen":
        with st.container(height=PICKER_HEIGHT, border=False):
            ids = st.multiselect(
                say("turfs.pick"), list(board.table.index), key="chosen",
                placeholder=say("map.search_hint"),
                format_func=partial(station_option, board, language=language()),
            )  # fmt: skip
        return ",".join(ids) or None
    return "all"


def choose_size() -> dict[str, int | None]:
    """Minutes or doors of a turf."""
    unit = st.segmented_control(
        say("turfs.size"), SIZES, default="minutes", required=True, key="unit",
        format_func={u: say(f"turfs.size.{u}") for u in SIZES}.__getitem__,
    )  # fmt: skip
    if unit == "doors":
        return {"doors": st.number_input(say("turfs.doors"), 5, 500, 50, 5, key="doors")}
    minutes = st.number_input(
        say("turfs.minutes"), 20, 600, int(DEFAULT_MINUTES), 10, key="minutes"
    )
    return {"minutes": minutes}


def show_step(step: str) -> str:
    """A step of the work in the session's language."""
    key = STEPS.get(step.split(maxsplit=1)[0])
    return say(key) if key else step


def run(work: Callable[[Callable[[str], None]], Report]) -> None:
    """Cut, telling each step, and show the page anew; what goes wrong is said."""
    with st.status(say("turfs.working"), expanded=True) as status:
        try:
            report = work(lambda step: st.write(show_step(step)))
        except TargetingError as error:
            status.update(label=say("turfs.failed"), state="error", expanded=True)
            st.text(said(language(), str(error)))
            return
    st.session_state["cut_done"] = st.session_state["cut_count"] = report.facts["turfs"]
    st.rerun()


def cut(chosen: str, size: dict[str, int | None], options: dict[str, Any], fast: bool) -> None:
    """The fast cut at once; its polish goes on behind the scenes, unless it is not wanted."""

    def work(progress: Callable[[str], None]) -> Report:
        report = cut_campaign_turfs(
            workspace(), chosen=chosen, fast=True, progress=progress, **size, **options
        )
        if not fast:
            start_polish(workspace())
        return report

    run(work)


def show_options() -> tuple[dict[str, Any], bool]:
    """What few change: where walks start, sides, stations, seed; and whether to polish."""
    with st.expander(say("turfs.advanced")):
        start = st.text_input(say("hand.start"), key="start", help=say("hand.start_help"))
        options = {
            "start": start.strip() or None,
            "one_side_first": st.checkbox(say("turfs.one_side"), key="one_side"),
            "keep_stations": st.checkbox(say("turfs.keep_stations"), key="keep_stations"),
            "seed": int(
                st.number_input(
                    say("turfs.seed"), 0, 10**6, 0, key="seed", help=say("turfs.seed_help")
                )
            ),
        }
        return options, st.checkbox(say("turfs.fast"), key="fast")


def look_at_polish() -> bool:
    """Whether a polish goes on; what came of one that has ended is kept for `show_polish`."""
    try:
        state = polish_state(workspace())
    except TargetingError as error:
        st.session_state["polished"] = error
        return False
    if state is not None and state.outcome != "working":
        st.session_state["polished"] = state
        st.session_state["cut_done"] = st.session_state.get("cut_count")
    return state is not None and state.outcome == "working"


def watch_polish() -> None:
    """Say that the polish goes on; have the page drawn anew once it has ended.

    By a tick alone: a rerun asked for while the page is drawn would lose the click it answers.
    """
    is_first = [True]

    @st.fragment(run_every=2.0, key="polish")
    def watch() -> None:
        if (is_first and is_first.pop()) or look_at_polish():
            st.caption(say("turfs.polishing"))
        else:
            st.rerun()

    watch()


def show_polish(is_polishing: bool) -> None:
    """Where the polish of the last cut is, and what it gave."""
    lang = language()
    done = st.session_state.pop("polished", None)
    if is_polishing:
        watch_polish()
    elif isinstance(done, TargetingError):
        show_trouble(done)
    elif done is not None:
        before, after = (percent_in(lang, w, decimals=0) for w in done.within)
        st.caption(say(f"turfs.polish.{done.outcome}", before=before, after=after))


def confirm() -> None:
    """The second word was given: the question is gone before the work begins."""
    st.session_state["go"], st.session_state["asked"] = True, False


def give_up() -> None:
    st.session_state["asked"] = False


def ask_before(chosen: str) -> bool:
    """Whether to cut now: at once where nothing is withdrawn, else once its name was said."""
    if st.session_state.get("asked") is not True:
        return False
    try:
        would = preview_cut(workspace(), chosen)
    except TargetingError as error:
        st.session_state["asked"] = False
        show_trouble(error)
        return False
    st.session_state["expected"] = would.replaced
    if not would.replaced:
        st.session_state["asked"] = False
        return True
    st.warning(told("turfs.confirm", len(would.replaced), turfs=", ".join(would.replaced)))
    if would.beyond:
        st.caption(told("turfs.confirm_beyond", would.beyond))
    with st.container(horizontal=True):
        st.button(say("turfs.confirm_yes"), key="confirm", on_click=confirm)
        st.button(say("turfs.confirm_no"), key="give_up", on_click=give_up)
    return False


def ask() -> None:
    """The button was pressed: taken note of before the page is drawn, whatever else moved on it."""
    st.session_state["asked"] = True


def show_parameters(kept: TurfBoard | None, result: DeltaGenerator, is_polishing: bool) -> None:
    """Where and how long, the button, and the question before ready turfs are withdrawn.

    The button never moves nor turns grey: what is said for want of stations stands below it, so
    that a click on its way arrives. While it works, nothing older stands beside it: `result` is
    emptied.
    """
    with st.container(border=True, key="parameters"):
        st.subheader(say("turfs.parameters"))
        chosen = choose_stations()
        size = choose_size()
        options, fast = show_options()
        st.button(say("turfs.cut"), type="primary", key="cut", on_click=ask)
        if (count := st.session_state.pop("cut_done", None)) is not None:
            st.success(told("turfs.cut_done", count))
            st.session_state["to_print"] = True
        show_polish(is_polishing)
        if st.session_state.get("to_print") and not is_polishing:
            offer_packet()
        if kept is not None and kept.begun and st.button(
            say("turfs.recut"), key="recut", help=say("turfs.recut_help")
        ):  # fmt: skip
            result.empty()
            run(lambda progress: recut_campaign_turfs(workspace(), progress=progress))
        if kept is not None and kept.restorable and st.button(
            told("turfs.restore", len(kept.restorable)), key="restore",
            help=say("turfs.restore_help"),
        ):  # fmt: skip
            try:
                restore_report(workspace())
            except TargetingError as error:
                show_trouble(error)
            else:
                st.rerun()
        if chosen is None:
            if st.session_state.pop("asked", False) or st.session_state.pop("go", False):
                st.warning(say("turfs.choose_some"))
            else:
                st.caption(say("turfs.choose_some"))
            return
        question = st.empty()
        with question.container():
            now = ask_before(chosen)
        if now or st.session_state.pop("go", False):
            question.empty()
            result.empty()
            cut(chosen, size, options | {"expected": st.session_state["expected"]}, fast)


def offer_packet() -> None:
    """The paper of the turfs just cut, in one click; not while a polish may still move doors."""
    board, lang = load_turf_board(), language()
    if board is not None and 0 < len(board.last_cut) <= MOST_PRINTED:
        st.download_button(
            say("turfs.print_cut"),
            at_the_click(lambda: walk_book_pdf(workspace(), board.last_cut, language=lang)),
            "relance-carnets.pdf",
            "application/pdf",
            type="primary",
            key="print_cut",
            on_click="ignore",
        )


def show_account(board: TurfBoard) -> None:
    """No door lost: the identity of the last cut, in words."""
    lang = language()
    st.markdown(
        f"**{say('turfs.identity_title')}** — "
        + say(
            "turfs.identity",
            doors_in=number_in(lang, board.doors_in),
            in_turfs=number_in(lang, board.doors_in_turfs),
            left_out=number_in(lang, board.doors_left_out),
        )
    )
    reasons = [
        say("turfs.reason_count", count=number_in(lang, n), reason=say(f"excluded.{code}"))
        for code, n in board.left_out.items()
    ]
    told_reasons = say("turfs.left_out", reasons=", ".join(reasons))
    st.markdown(told_reasons if reasons else say("turfs.none_left_out"))
    key = "turfs.within_doors" if board.balanced_on == "n_doors" else "turfs.within_minutes"
    share = percent_in(lang, board.within, decimals=0)
    st.markdown(say(key, share=share, mean=number_in(lang, board.mean)))


def show_files(turf_id: str | None) -> None:
    """Files of one turf or of all."""
    ids = [turf_id] if turf_id else None
    name = turf_id or say("nav.turfs").lower()
    with st.container(horizontal=True, key="files"):
        for one in FORMATS:
            if one.is_offered:
                kind = one.suffix.removeprefix(".")
                words = say(one.label) if one.label else one.name
                offer_file(words, kind, f"relance-{name}{one.suffix}", one.mime, ids)
        if may("turfs.cut"):
            left_out = f"relance-{name}-ecartes.csv"
            offer_file(say("turfs.file_excluded"), "excluded", left_out, "text/csv", ids)


def offer_file(words: str, kind: str, name: str, mime: str, turf_ids: list[str] | None) -> None:
    """A button to one file, which is made on the click."""
    lang = language()
    st.download_button(
        words,
        at_the_click(lambda: turf_file(workspace(), kind, turf_ids, language=lang)),
        name,
        mime,
        key=f"file_{kind}",
        on_click="ignore",
    )


def show_walk_book(turf_id: str | None) -> None:
    """The walk book of one turf or the packet of all: made when asked, then offered."""
    wanted = (turf_id, workspace_mark(), language())
    with st.container(horizontal=True, key="walk_book"):
        if st.button(say("turfs.pdf_make"), key="make_book"):
            with st.spinner(say("turfs.pdf_working")):
                try:
                    ids = [turf_id] if turf_id else None
                    pdf = walk_book_pdf(workspace(), ids, language=language())
                    st.session_state["book"] = (wanted, pdf)
                except TargetingError as error:
                    st.warning(plain(said(language(), str(error))))
        made, pdf = st.session_state.get("book", (None, b""))
        if made == wanted:
            name = f"relance-{turf_id or say('nav.turfs').lower()}.pdf"
            st.download_button(
                say("turfs.file_pdf"), pdf, name, "application/pdf", type="primary",
                key="file_pdf", on_click="ignore",
            )  # fmt: skip


def show_phone_books(turf_id: str | None) -> None:
    """Phone books as a zip, and the phrase that opens them: shown once, kept nowhere."""
    wanted = (turf_id, workspace_mark(), language())
    with st.container(horizontal=True, key="phone_books"):
        if st.button(say("turfs.phone_make"), key="make_phones"):
            with st.spinner(say("turfs.phone_working")):
                try:
                    ids = [turf_id] if turf_id else None
                    made = phone_book_zip(workspace(), ids, language=language())
                    st.session_state["phones"] = (wanted, *made)
                except TargetingError as error:
                    st.warning(plain(said(language(), str(error))))
        made_for, packed, phrase = st.session_state.get("phones", (None, b"", ""))
        if made_for == wanted:
            name = f"relance-{turf_id or say('nav.turfs').lower()}-telephone.zip"
            st.download_button(
                say("turfs.file_phone"), packed, name, "application/zip", type="primary",
                key="file_phones", on_click="ignore",
            )  # fmt: skip
    if made_for == wanted:
        st.caption(say("turfs.phone_phrase"))
        st.code(phrase, None)


def choose_in_table(ids: list[str]) -> None:
    """A row chosen in the table is the turf chosen."""
    rows = st.session_state["turf_table"]["selection"]["rows"]
    st.session_state["turf"] = ids[rows[0]] if rows else None


def choose_on_map() -> None:
    """A turf touched on the map is the one chosen."""
    objects = st.session_state["turf_map"]["selection"]["objects"]
    picked = objects.get("stops") or objects.get("walks") or []
    if picked:
        st.session_state["turf"] = picked[0]["turf"]


def background() -> list[Layer]:
    """Streets, water and, for who may see stations, their borders under the turfs."""
    layers = backdrop_layers(*load_backdrop(), on_paper=True)
    if not may("places.see"):
        return layers
    try:
        outlines = load_station_map(load_board())
    except TargetingError:  # turfs can be cut without results
        outlines = None
    return layers if outlines is None else [*layers, outline_layer(outlines)]


def show_turfs(board: TurfBoard) -> None:
    """The turfs on the map, in the balance table, to download and to print."""
    turfs, stops = board.kept.turfs, board.kept.stops
    held = hands()
    listing = turf_listing(turfs, language(), {code: one.name for code, one in held.items()})
    if st.session_state.get("turf") not in (None, *listing.ids):
        st.session_state["turf"] = None
    turf_id = st.selectbox(
        say("turfs.one"), listing.ids, index=None, key="turf", placeholder=say("turfs.every")
    )
    shown = stops[stops["turf_id"] == turf_id] if turf_id else stops
    layers = load_turf_layers(board, turf_id)
    show_deck(
        build_deck(
            [*background(), *layers], turf_bounds(shown), tooltip="{tip}", frame=map_frame()
        ),
        height=map_height(),
        on_select=choose_on_map,
        selection_mode="single-object",
        key="turf_map",
        alt=say("turfs.map_alt"),
    )
    if turf_id is None:
        st.caption(say("turfs.path_hint"))
    else:
        show_hands(turf_id, held.get(turf_id))
    if may("turfs.cut"):
        show_account(board)
    st.dataframe(
        listing.styled,
        hide_index=True,
        column_config={n: st.column_config.Column(help=h) for n, h in listing.helps.items()},
        selection_mode="single-row",
        on_select=lambda: choose_in_table(listing.ids),
        key="turf_table",
    )
    st.markdown(f"**{say('turfs.download')}** — {turf_id or say('turfs.every')}")
    show_walk_book(turf_id)
    show_phone_books(turf_id)
    show_files(turf_id)
    if turf_id is not None:
        with st.expander(say("turfs.preview"), key="preview"):
            page = turf_preview(workspace(), turf_id, language=language())
            st.iframe(page, height=700, alt=say("turfs.preview"))


st.caption(say("turfs.intro" if may("turfs.cut") else "turfs.intro_own"))
if load_campaign() is None:
    nothing_yet("commune")
    st.stop()
held = load_holdings()
if not held.addresses:
    nothing_yet("addresses")
    st.stop()

if may("turfs.cut"):
    is_going_on = look_at_polish()  # before the turfs: what it moved by now is in them
    settings, result = st.columns([1, 2])
    shown = result.empty()
    with settings:
        show_parameters(load_turf_board(), shown, is_going_on)
else:  # one's own turfs, to walk
    shown = st.empty()
with shown.container():
    if (cut_board := load_turf_board()) is None:
        st.info(say("turfs.none" if may("turfs.cut") else "turfs.none_own"))
    else:
        st.subheader(say("turfs.result" if may("turfs.cut") else "turfs.result_own"))
        show_turfs(cut_board)
show_credits(held.credits)
