"""Scenario: what turnout and transfers would bring, as a range."""

from dataclasses import replace

import streamlit as st

from targeting.locale import election_in, number_in, percent_in
from targeting.maps.listing import scenario_listing
from targeting.maps.proofs import scenario_verdict
from targeting.scoring.product import ELSEWHERE
from targeting.web.at_hand import open_or_stop
from targeting.web.listings import of_chosen_area, show_listing
from targeting.web.loaders import load_board, load_turnout_levels
from targeting.web.words import language, meaning, say, show_credits
from targeting.web.workbench import read_once, write_address
from targeting.workflows.stations.scenarios import load_scenario


def ends(most: int, step: int, text: str) -> tuple[int, int]:
    """The two ends of a slider, as an address holds them: `45-55`."""
    low, high = (int(part) for part in text.split("-"))
    if not 0 <= low <= high <= most or low % step or high % step:
        raise ValueError(text)
    return low, high


board = open_or_stop(load_board, "map.loading")
levels = load_turnout_levels(board)
lang = language()
rounds = {
    "presidential": election_in(lang, board.basis.presidential),
    "high": percent_in(lang, levels[1]),
    "low_election": election_in(lang, board.basis.latest_low),
    "low": percent_in(lang, levels[0]),
}
answer = st.container(border=True, key="verdict")
if levels[1] <= levels[0]:
    answer.subheader(say("scenario.verdict.not_fallen", **rounds), anchor=False)
    st.stop()
shown = replace(board, table=of_chosen_area(board.table))
one, two = st.columns(2)
middle = round(50 * (levels[0] + levels[1]))
usual = {"participation": (max(middle - 5, 0), min(middle + 5, 100)), "fidelite": (80, 100)}
read_once("participation", "scenario_turnout", lambda text: ends(100, 1, text))
read_once("fidelite", "scenario_transfer", lambda text: ends(150, 5, text))
turnout = one.slider(
    say("scenario.turnout"), 0, 100, usual["participation"], 1,
    say("map.percent"), key="scenario_turnout", persist_state="session",
    help=f"{meaning('turnout')} {say('scenario.turnout_help')}",
)  # fmt: skip
transfer = two.slider(
    say("scenario.transfer"), 0, 150, usual["fidelite"], 5, say("map.percent"),
    key="scenario_transfer", persist_state="session", help=say("scenario.transfer_help"),
)  # fmt: skip
for name, found in (("participation", turnout), ("fidelite", transfer)):
    write_address(name, "" if tuple(found) == usual[name] else f"{found[0]}-{found[1]}")
found = load_scenario(
    shown,
    levels,
    turnout=(turnout[0] / 100, turnout[1] / 100),
    transfer=(transfer[0] / 100, transfer[1] / 100),
)
with answer:
    first, *reasons = scenario_verdict(
        found.total, turnout, shown.table["reservoir"], lang,
        low=rounds["low"], low_election=rounds["low_election"],
    )  # fmt: skip
    st.subheader(first, anchor=False)
    for line in reasons:
        st.markdown(line)
for column, key, term, (low, high), words in (
    (one, "total", "reservoir", found.total, {}),
    (
        two,
        "reachable",
        "reachable",
        found.reachable,
        {"share": percent_in(lang, ELSEWHERE, decimals=0)},
    ),
):
    column.metric(
        say(f"scenario.{key}", **words),
        say("scenario.range", low=number_in(lang, low), high=number_in(lang, high)),
        help=meaning(term),
    )
show_listing(
    found.stations, lambda rows: scenario_listing(shown, rows, lang),
    key="scenario_table", height=420, alt=say("scenario.alt"),
)  # fmt: skip
st.caption(say("scenario.what", **rounds) + " " + say("scenario.how"))
show_credits(board.credits)
