"""The vote that the campaign prepares, chosen on a screen: which one, its day, its second round."""

from __future__ import annotations

from datetime import date

import streamlit as st

from targeting.errors import TargetingError
from targeting.locale import ONE_ROUND, date_in
from targeting.locale.messages import said
from targeting.web.kept import workspace
from targeting.web.words import language, say, today
from targeting.workflows.ballot import Ballot, ballot_of, choose_ballot, rounds_to_come
from targeting.workflows.setup import CampaignCard

TROUBLE = "ballot_trouble"
SAVED = "ballot_saved"
"""Keys of the session: why the vote was not changed, or that it was."""


def round_in_words(kind: str, number: int) -> str:
    """`municipales, 1er tour`; a vote of one round alone without it."""
    words = say(f"election.{kind}")
    return words if kind in ONE_ROUND else f"{words}, {say(f'round.{number}')}"


def choose_vote(card: CampaignCard) -> None:
    """Boxes to choose the vote and its day; what was refused, or done, is told under them."""
    now, lang = ballot_of(card), language()
    rounds = rounds_to_come()
    there = (now.kind, now.round_number) if now else None
    at = rounds.index(there) if there in rounds else None
    version = f"{card.election_id}_{card.ballot_date}"  # another vote chosen: the boxes are its own
    kind = st.selectbox(
        say("ballot.kind"), rounds, index=at, key=f"ballot_kind_{version}",
        placeholder=say("files.choose"), format_func=lambda one: round_in_words(*one),
    )  # fmt: skip
    first = now.day if now and now.day and now.day >= today() else None
    day = st.date_input(
        say("ballot.day"), first, min_value=min(today(), first or today()), format="DD/MM/YYYY",
        key=f"ballot_day_{version}",
    )  # fmt: skip
    chosen = Ballot(*(kind or ("", 1)), day if isinstance(day, date) else None)
    if chosen.second_day is not None and kind is not None:
        st.markdown(say("ballot.second", day=date_in(lang, chosen.second_day)))
    st.button(
        say("ballot.keep"), key="ballot_keep", type="primary", on_click=_keep, args=(chosen, card)
    )
    if now is not None and now.second_day is not None and now.kind:
        after = Ballot(now.kind, 2, now.second_day)
        if after.day is not None and after.day >= today():
            st.button(
                say("ballot.to_second", day=date_in(lang, after.day)), key="ballot_second",
                on_click=_keep, args=(after, card),
            )  # fmt: skip
    if trouble := st.session_state.pop(TROUBLE, None):
        st.warning(said(lang, trouble))
    if st.session_state.pop(SAVED, False):
        st.success(say("ballot.saved"))


def _keep(ballot: Ballot, seen: CampaignCard) -> None:
    try:
        choose_ballot(workspace(), ballot, seen=seen, today=today())
        st.session_state[SAVED] = True
    except TargetingError as error:
        st.session_state[TROUBLE] = str(error)
