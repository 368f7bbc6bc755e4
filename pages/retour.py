"""Would the score have been right: a past election foreseen with what was known before it."""

import streamlit as st

from targeting.errors import TargetingError
from targeting.locale import election_in
from targeting.maps.backtests import capture_listing, where_it_loses
from targeting.maps.charts import describe_curve, gain_curve_svg
from targeting.web.desk import (
    language,
    load_backtest,
    load_campaign,
    page_link,
    say,
    show_trouble,
    workspace,
)
from targeting.workflows.backtest import elections_to_foresee, shown_methods

choices = elections_to_foresee(workspace()) if load_campaign() is not None else []
if not choices:
    st.info(say("backtest.none"))
    page_link("accueil", say("nav.home"))
    st.stop()

lang = language()
st.markdown(say("backtest.what"))
one, two = st.columns(2)
election = one.selectbox(
    say("backtest.choose"), choices, key="foreseen", format_func=lambda e: election_in(lang, e)
)
try:
    with st.spinner(say("backtest.loading")):
        result, told = load_backtest(election)
except TargetingError as error:
    show_trouble(error)
    st.stop()

arenas = [arena.name for arena in result.transition.arenas][::-1]
arena = two.selectbox(
    say("backtest.within"), arenas, key="arena", format_func=lambda a: say(f"backtest.arena.{a}")
)
methods = shown_methods(result)
st.image(gain_curve_svg(result, methods, lang, arena=arena))
st.caption(describe_curve(result, methods[0], lang, arena=arena))
st.subheader(say("backtest.table"))
st.dataframe(capture_listing(result, arena, lang), hide_index=True, alt=say("backtest.table"))
st.caption(say("backtest.ceiling"))
for line in where_it_loses(result, arena, lang):
    st.markdown(f"- {line}")
