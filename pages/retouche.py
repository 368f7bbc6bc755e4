"""Turfs changed by hand: with the lasso on the map, or from lists with the keyboard alone."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from targeting.errors import TargetingError, WorkspaceError
from targeting.locale import number_in
from targeting.maps.handmap import hand_figure, picked_buildings
from targeting.maps.listing import hand_listing
from targeting.web.at_hand import map_height, page_link
from targeting.web.decks import tell_without_webgl
from targeting.web.kept import workspace
from targeting.web.loaders import load_campaign, load_drawn_streets, load_hand_board, load_holdings
from targeting.web.words import language, say, show_credits, show_trouble, told
from targeting.workflows.turfs import edits as handwork
from targeting.workflows.turfs.edits import NEW, Changed, HandBoard

AROUND_KEY, SEEN = "hand_around", "hand_seen"
MOST_NAMED = 6
AROUND = 12
"""Turfs on the map with the one looked at: its neighbours, and theirs."""


def change(work: Callable[[], Changed], said: str = "done") -> None:
    """Make a change and show the page anew; what goes wrong is said, and nothing was changed.

    `said`: `done`, `undo` or `redo`.
    """
    try:
        with st.spinner(say("hand.working")):
            done = work()
    except TargetingError as error:
        show_trouble(error)
        return
    key = f"hand.done.{done.kind}" if said == "done" else f"hand.{said}_done"
    st.session_state["hand_told"] = say(key, turfs=", ".join(done.turf_ids[:MOST_NAMED]))
    st.session_state["hand_round"] = st.session_state.get("hand_round", 0) + 1
    st.session_state.pop(SEEN, None)
    st.rerun()


def what_was_seen(board: HandBoard, drawn: DeltaGenerator) -> tuple[dict[str, int], bool]:
    """Versions of the turfs as this window showed them when the user asked, and whether one has
    moved since: that is told, in `drawn`. What is asked of it is refused by its version."""
    was_here = AROUND_KEY in st.session_state  # another screen takes its choice away
    now = board.versions
    seen = dict(st.session_state.get(SEEN, now)) if was_here else now
    st.session_state[SEEN] = now
    moved = sorted(t for t in seen.keys() | now.keys() if seen.get(t) != now.get(t))
    if moved:
        drawn.warning(say("hand.moved_on", turfs=", ".join(moved[:MOST_NAMED])))
    return seen, bool(moved)


def show_history(board: HandBoard, has_moved: bool) -> None:
    """What was done last, and the way back and forth: of what the user saw, nothing later."""
    with st.container(horizontal=True, vertical_alignment="center", key="history"):
        for name, what, work in (
            ("undo", board.undoable.undo, handwork.undo),
            ("redo", board.undoable.redo, handwork.redo),
        ):
            label = say(f"hand.{name}")
            if what is not None:
                label += f" ({say(f'hand.kind.{what[0]}')} {', '.join(what[1][:3])})"
            if st.button(label, key=name, disabled=what is None) and not has_moved:
                change(lambda work=work: work(workspace()), name)
        if text := st.session_state.pop("hand_told", None):
            st.success(text)


def lassoed(board: HandBoard, shown: list[str], chosen: list[str]) -> list[str]:
    """The map; gives the buildings that the lasso took."""
    tell_without_webgl("hand_map")
    event = st.plotly_chart(
        hand_figure(
            board.stops_of(shown),
            load_drawn_streets(),
            language(),
            chosen=chosen,
            height=map_height(),
        ),
        on_select="rerun",
        selection_mode=("lasso", "box", "points"),
        key=f"hand_map_{st.session_state.get('hand_round', 0)}",
        config={"displaylogo": False, "scrollZoom": True},
    )
    return picked_buildings(event["selection"]["points"])


def listed(board: HandBoard) -> list[str]:
    """Streets and buildings of one turf, chosen in lists; gives the buildings."""
    turf_id = st.selectbox(
        say("hand.from"), board.can_change, key="hand_from", index=None,
        placeholder=say("hand.choose"),
    )  # fmt: skip
    if turf_id is None:
        return []
    of_street, lines = board.streets(turf_id), board.addresses(turf_id)
    streets = st.multiselect(
        say("hand.streets"), list(of_street), key=f"streets_{turf_id}",
        placeholder=say("hand.choose"),
    )  # fmt: skip
    buildings = st.multiselect(
        say("hand.buildings"), list(lines), key=f"buildings_{turf_id}",
        format_func=lines.__getitem__, placeholder=say("hand.choose"),
    )  # fmt: skip
    return [*(b for street in streets for b in of_street[street]), *buildings]


def show_forecast(taken: list[str], target: str) -> None:
    """What the move would make of each turf's minutes, before it is made."""
    lang = language()
    try:
        told_turfs = handwork.forecast_move(workspace(), taken, target)
    except TargetingError as error:
        show_trouble(error)
        return
    for turf_id, *minutes in told_turfs:
        before, after = (number_in(lang, round(m)) for m in minutes)
        if turf_id == NEW:
            st.caption(say("hand.forecast_new", after=after))
        elif minutes[1] == 0:
            st.caption(say("hand.forecast_none", turf=turf_id))
        else:
            st.caption(say("hand.forecast", turf=turf_id, before=before, after=after))


def show_move(board: HandBoard, taken: list[str], seen: dict[str, int]) -> None:
    """How many are chosen, where they go, and the button."""
    lang = language()
    if left := len(set(taken)) - len(board.movable(taken)):
        st.caption(told("hand.left_alone", left))
    taken = board.movable(taken)
    doors = number_in(lang, board.doors(taken))
    st.markdown(
        f"**{told('hand.chosen', len(taken), doors=doors)}**" if taken else say("hand.choose_some")
    )
    target = st.selectbox(
        say("hand.to"), [*board.can_change, NEW], key="hand_to", index=None,
        format_func=lambda t: say("hand.new") if t == NEW else t, placeholder=say("hand.choose"),
    )  # fmt: skip
    if taken and target is not None:
        show_forecast(taken, str(target))
    if st.button(
        say("hand.move"), type="primary", key="move", disabled=not taken or target is None
    ):
        change(lambda: handwork.move_buildings(workspace(), taken, str(target), versions=seen))


def show_whole_turfs(board: HandBoard, seen: dict[str, int]) -> None:
    """Split, merge, lock, and where a walk sets out from."""
    ids = st.multiselect(
        say("hand.turfs"), board.turf_ids, key="hand_turfs",
        placeholder=say("hand.choose"),
    )  # fmt: skip
    here = workspace()
    one = ids[0] if len(ids) == 1 else None
    parts = st.number_input(say("hand.parts"), 2, handwork.MOST_PARTS, 2, key="parts")
    with st.container(horizontal=True):
        if st.button(say("hand.split"), key="split", disabled=one is None):
            change(lambda: handwork.split(here, str(one), int(parts), versions=seen))
        if st.button(say("hand.merge"), key="merge", disabled=len(ids) < 2):
            change(lambda: handwork.merge(here, ids, versions=seen))
        if st.button(say("hand.lock"), key="lock", disabled=not ids):
            change(lambda: handwork.lock(here, ids, versions=seen))
        if st.button(say("hand.unlock"), key="unlock", disabled=not ids):
            change(lambda: handwork.lock(here, ids, locked=False, versions=seen))
    place = st.text_input(say("hand.start"), key="hand_start", help=say("hand.start_help"))
    if st.button(say("hand.start_set"), key="set_start", disabled=one is None or not place):
        change(lambda: handwork.start_at(here, str(one), place, versions=seen))


def show_board(board: HandBoard) -> None:
    """Map and lists, side by side, over the balance of all turfs."""
    seen, has_moved = what_was_seen(board, st.container())
    show_history(board, has_moved)
    ids = board.turf_ids
    centre = st.selectbox(
        say("hand.around"), ids, key=AROUND_KEY, index=0, help=say("hand.around_help")
    )
    shown = board.around(centre, AROUND)
    picture, panel = st.columns([3, 2])
    with panel:
        st.markdown(f"**{say('hand.by_list')}**")
        in_lists = listed(board)
    with picture:
        on_map = lassoed(board, shown, in_lists)
        st.caption(say("hand.map_hint"))
    with panel:
        show_move(board, [*in_lists, *on_map], seen)
        with st.expander(say("hand.whole")):
            show_whole_turfs(board, seen)
    listing = hand_listing(board.turfs, language())
    st.subheader(say("hand.balance"))
    st.dataframe(
        listing.styled,
        hide_index=True,
        column_config={n: st.column_config.Column(help=h) for n, h in listing.helps.items()},
        key="hand_table",
    )


st.caption(say("hand.intro"))
try:
    if load_campaign() is None:
        raise WorkspaceError(say("turfs.none"))
    hand_board = load_hand_board()
except WorkspaceError:
    st.info(say("hand.nothing"))
    page_link("secteurs", say("nav.turfs"))
    st.stop()
show_board(hand_board)
show_credits(load_holdings().credits)
