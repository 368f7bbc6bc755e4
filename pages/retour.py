"""Backtest: would the ranking have been right last time?"""

import streamlit as st

from targeting.errors import TargetingError
from targeting.locale import election_in
from targeting.web.desk import (
    backtest_elections,
    language,
    load_backtest,
    load_campaign,
    open_or_stop,
    say,
    show_trouble,
)

elections = open_or_stop(backtest_elections, "backtest.looking")
campaign = load_campaign()
lang = language()
st.markdown(say("backtest.why"))
if not elections:
    st.info(say("backtest.nothing"))
    st.stop()
one, two, three = st.columns([2, 2, 1], vertical_alignment="bottom")
election_id = one.selectbox(
    say("backtest.election"), elections, key="backtest_election",
    format_func=lambda e: election_in(lang, e),
)  # fmt: skip
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
    with st.spinner(say("backtest.running"), show_time=True):
        board = load_backtest(election_id, communes)
except TargetingError as error:
    show_trouble(error)
    st.stop()

st.markdown(board.summary)
st.image(board.svg, width="content")
st.caption(f"{board.alt} {say('backtest.ceiling')}")
for told in board.told:
    st.caption(told)
for label, rows in board.tables.items():
    st.markdown(f"**{say(f'backtest.label.{label}')}**")
    titles = [say("backtest.method"), *(say(f"backtest.arena.{a}") for a in board.arenas)]
    st.table([dict(zip(titles, [row["name"], *row["cells"]], strict=True)) for row in rows])
if board.losing:
    st.warning(
        say(
            "backtest.losing",
            methods=" ; ".join(
                f"{say(f'method.{m}')} ({', '.join(where)})" for m, where in board.losing.items()
            ),
        )
    )
else:
    st.success(say("backtest.nothing_lost"))
st.caption(say("backtest.what"))
st.download_button(
    say("backtest.download"), board.html, "relance-retour.html", "text/html", on_click="ignore"
)
