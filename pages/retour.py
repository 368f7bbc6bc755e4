"""Backtest: would the ranking have been right last time?"""

import streamlit as st

from targeting.errors import TargetingError
from targeting.locale import election_in
from targeting.maps.backtests import capture_listing, verdict_lines, verdict_of, where_it_loses
from targeting.maps.charts import describe_curve, gain_curve_svg
from targeting.web.at_hand import open_or_stop
from targeting.web.empty import files_link
from targeting.web.handed import handing
from targeting.web.loaders import backtest_elections, load_backtest, load_campaign
from targeting.web.words import language, say, show_trouble
from targeting.workflows.stations.backtest import shown_methods

elections = open_or_stop(backtest_elections, "backtest.looking")
campaign = load_campaign()
lang = language()
st.markdown(say("backtest.why"))
if not elections:
    st.info(say("backtest.nothing"))
    files_link(say("empty.go"), "results")
    st.stop()
one, two, three = st.columns([2, 2, 1], vertical_alignment="bottom")
election_id = one.selectbox(
    say("backtest.choose"), elections, key="foreseen", format_func=lambda e: election_in(lang, e)
)
scope = two.segmented_control(
    say("backtest.scope"), ("all", "ours"), default="all", required=True, key="backtest_scope",
    format_func=lambda s: say(f"backtest.scope.{s}"),
)  # fmt: skip
asked = three.button(say("backtest.run"), type="primary", key="backtest_run")
chosen = (election_id, scope)
if asked:
    st.session_state["backtest_asked"] = chosen
if st.session_state.get("backtest_asked") != chosen:
    st.caption(say("backtest.how_long"))
    st.stop()

communes = tuple(campaign.communes) if campaign and scope == "ours" else ()
try:
    with st.spinner(say("backtest.loading"), show_time=True):
        result, _, page = load_backtest(election_id, communes)
except TargetingError as error:
    show_trouble(error)
    st.stop()

arenas = [arena.name for arena in result.transition.arenas][::-1]
arena = st.segmented_control(
    say("backtest.within"), arenas, default=arenas[0], required=True, key="arena",
    format_func=lambda a: say(f"backtest.arena.{a}"),
)  # fmt: skip
with st.container(border=True, key="verdict"):
    answer, *reasons = verdict_lines(verdict_of(result, arena), lang)
    st.subheader(answer, anchor=False)
    for line in [*reasons, *where_it_loses(result, arena, lang)]:
        st.markdown(line)
methods = shown_methods(result)
offered = set(result.figures.index.get_level_values("method"))
st.image(gain_curve_svg(result, methods, lang, arena=arena), width="content")
st.caption(f"{describe_curve(result, methods[0], lang, arena=arena)} {say('backtest.ceiling')}")
st.subheader(say("backtest.table"))
st.dataframe(capture_listing(result, arena, lang), hide_index=True, alt=say("backtest.table"))
st.caption(say("backtest.learnt" if "boosted" in offered else "backtest.not_learnt"))
st.caption(say("backtest.what"))
st.download_button(
    say("backtest.download"),
    handing("backtest.html", lambda: page),
    "relance-retour.html",
    "text/html",
    on_click="ignore",
)
