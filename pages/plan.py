"""Plan: what so many teams and evenings buy, and whom that leaves out."""

from functools import partial

import streamlit as st

from targeting.errors import TargetingError
from targeting.maps.deck import backdrop_layers, build_deck
from targeting.maps.plans import choices_table, plan_listing, plan_sentences, reach_listing
from targeting.maps.turfs import turf_bounds, turf_layers
from targeting.web.at_hand import map_frame, map_height, may, page_link
from targeting.web.decks import show_deck
from targeting.web.empty import nothing_yet
from targeting.web.handed import keep_plan, plan_csv, replaced_by_plan
from targeting.web.kept import at_the_click
from targeting.web.loaders import load_backdrop, load_campaign, load_holdings, load_plan
from targeting.web.words import language, say, show_credits, show_trouble, told
from targeting.workflows.turfs.plan import MOST, SIZE_BANDS, Plan


def show_plan(plan: Plan) -> None:
    """The plan in sentences, against the rule of thumb, on the map, and whom it leaves out."""
    lang = language()
    for line in plan_sentences(plan, lang):
        st.markdown(f"- {line}")
    st.dataframe(choices_table(plan, lang), alt=say("plan.compared"))
    turfs, stops = plan.chosen, plan.walked
    show_deck(
        build_deck(
            [*backdrop_layers(*load_backdrop(), on_paper=True), *turf_layers(turfs, stops, lang)],
            turf_bounds(stops), tooltip="{tip}", frame=map_frame(),
        ),
        height=map_height(), key="plan_map", alt=say("turfs.map_alt"),
    )  # fmt: skip
    st.dataframe(plan_listing(plan, lang).styled, hide_index=True, key="plan_table")
    st.subheader(say("plan.who_never"))
    st.markdown(say("plan.who_never_why"))
    one, two = st.columns(2)
    one.dataframe(reach_listing(plan.by_place, lang).styled, hide_index=True, key="by_place")
    two.dataframe(
        reach_listing(plan.by_size, lang, bands=SIZE_BANDS).styled, hide_index=True, key="by_size"
    )
    st.download_button(
        say("plan.download"), partial(at_the_click(plan_csv), plan), "relance-plan.csv", "text/csv",
        on_click="ignore",
    )  # fmt: skip


def keep_confirmed() -> None:
    """The second word was given: the question goes before the work begins."""
    st.session_state["plan_go"] = True
    st.session_state["plan_sure"] = False


def show_keep(plan: Plan) -> None:
    """Make the plan's turfs the campaign's, asked again, by name, where some are replaced."""
    withdrawn = replaced_by_plan(plan)
    if st.button(say("plan.keep"), key="plan_keep"):
        st.session_state["plan_sure" if withdrawn else "plan_go"] = True
        st.session_state["plan_expected"] = withdrawn
    if st.session_state.get("plan_sure"):
        st.warning(told("turfs.confirm", len(withdrawn), turfs=", ".join(withdrawn)))
        st.button(say("plan.keep_yes"), key="plan_confirm", on_click=keep_confirmed)
    if st.session_state.pop("plan_go", False):
        try:
            count = keep_plan(plan, st.session_state["plan_expected"])
        except TargetingError as error:
            show_trouble(error)
            return
        st.success(told("plan.kept", count))
        page_link("secteurs", say("nav.turfs"))


st.caption(say("plan.intro"))
if load_campaign() is None or not load_holdings().addresses:
    nothing_yet("addresses")
    st.stop()
with st.form("plan_form", border=True):
    first, second, third = st.columns(3)
    teams = first.number_input(
        say("plan.teams"), 1, MOST["teams"], 10, key="teams", persist_state="session"
    )
    evenings = second.number_input(
        say("plan.evenings"), 1, MOST["evenings"], 4, key="evenings", persist_state="session"
    )
    minutes = third.number_input(
        say("plan.minutes"), 30, 300, 120, 10, key="plan_minutes", persist_state="session"
    )
    asked = st.form_submit_button(say("plan.make"), type="primary")
if asked:
    st.session_state["plan_asked"] = (int(teams), int(evenings), float(minutes))
if "plan_asked" not in st.session_state:
    st.caption(say("plan.how"))
    st.stop()
try:
    with st.spinner(say("plan.working"), show_time=True):
        made = load_plan(*st.session_state["plan_asked"])
except TargetingError as error:
    show_trouble(error)
    st.stop()
show_plan(made)
if may("turfs.cut"):
    show_keep(made)
show_credits(load_holdings().credits)
