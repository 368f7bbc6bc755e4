"""On the screen of turfs: who has the one that is chosen, and putting it into other hands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from targeting.errors import TargetingError
from targeting.locale.messages import said
from targeting.store.assignments import Held
from targeting.web.at_hand import may
from targeting.web.kept import workspace
from targeting.web.words import language, plain, say
from targeting.workflows.turfs.assign import (
    assign_turf,
    list_teammates,
    take_back,
    turfs_in_hand,
)


def hands() -> dict[str, Held]:
    """Who has which turf, by its code."""
    return {held.turf_id: held for held in turfs_in_hand(workspace())}


def show_hands(turf_id: str, held: Held | None) -> None:
    """Whose hands a turf is in; for who may, somebody to give it to, or taking it back."""
    if not may("turfs.assign"):
        return
    people = {p.login: p for p in list_teammates(workspace())}
    if not people:
        return  # one desk, without accounts
    with st.container(border=True, key="hands"):
        if (trouble := st.session_state.pop("hands_trouble", None)) is not None:
            st.error(said(language(), trouble))
        if held is not None:
            st.markdown(say("hands.has", name=plain(held.name)))
            st.button(
                say("hands.back"), key=f"back_{held.id}",
                on_click=partial(_do, partial(take_back, workspace(), turf_id, seen=held.id)),
            )  # fmt: skip
            if workspace().actor.may("turfs.assign"):
                return
        else:
            st.markdown(say("hands.none"))
        login = st.selectbox(
            say("hands.to"), list(people), index=None, key=f"to_{turf_id}",
            placeholder=say("hands.choose"),
            format_func=lambda one: f"{people[one].name} ({say(f'role.{people[one].role}')})",
        )  # fmt: skip
        if login is not None:
            st.button(
                say("hands.give"), key=f"give_{turf_id}", type="primary",
                on_click=partial(_do, partial(assign_turf, workspace(), turf_id, login)),
            )  # fmt: skip


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except TargetingError as error:
        st.session_state["hands_trouble"] = str(error)
