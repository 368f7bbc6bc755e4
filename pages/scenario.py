"""Scenario: what turnout and transfers would bring, as a range."""

import streamlit as st

from targeting.errors import TargetingError
from targeting.locale import election_in, number_in, percent_in
from targeting.maps.listing import scenario_listing
from targeting.scoring.product import ELSEWHERE
from targeting.web.at_hand import open_or_stop
from targeting.web.listings import of_chosen_area, show_listing
from targeting.web.loaders import load_board, load_turnout_levels
from targeting.web.words import language, say, show_credits, show_trouble
from targeting.workflows.stations.scenarios import load_scenario

board = open_or_stop(load_board, "map.loading")
levels = load_turnout_levels(board)
lang = language()
st.markdown(
    say(
        "scenario.what",
        presidential=election_in(lang, board.basis.presidential),
        high=percent_in(lang, levels[1]),
        low_election=election_in(lang, board.basis.latest_low),
        low=percent_in(lang, levels[0]),
    )
)
one, two = st.columns(2)
middle = round(50 * (levels[0] + levels[1]))
turnout = one.slider(
    say("scenario.turnout"), 0, 100, (max(middle - 5, 0), min(middle + 5, 100)), 1,
    say("map.percent"), key="scenario_turnout", persist_state="session",
)  # fmt: skip
transfer = two.slider(
    say("scenario.transfer"), 0, 150, (80, 100), 5, say("map.percent"), key="scenario_transfer",
    persist_state="session", help=say("scenario.transfer_help"),
)  # fmt: skip
try:
    found = load_scenario(
        board,
        levels,
        turnout=(turnout[0] / 100, turnout[1] / 100),
        transfer=(transfer[0] / 100, transfer[1] / 100),
    )
except TargetingError as error:
    show_trouble(error)
    st.stop()
first, second = st.columns(2)
first.metric(
    say("scenario.total"),
    say(
        "scenario.range", low=number_in(lang, found.total[0]), high=number_in(lang, found.total[1])
    ),
)
second.metric(
    say("scenario.reachable", share=percent_in(lang, ELSEWHERE, decimals=0)),
    say(
        "scenario.range",
        low=number_in(lang, found.reachable[0]),
        high=number_in(lang, found.reachable[1]),
    ),
)
st.caption(say("scenario.how"))
show_listing(
    of_chosen_area(found.stations), lambda shown: scenario_listing(board, shown, lang),
    key="scenario_table", height=420, alt=say("scenario.alt"),
)  # fmt: skip
show_credits(board.credits)
