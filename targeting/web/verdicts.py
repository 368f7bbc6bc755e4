"""The verdict on the data, and the way to mend each line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from targeting.locale import number_in, percent_in
from targeting.maps.ledger import vintage_in
from targeting.web.at_hand import page_link
from targeting.web.empty import files_link
from targeting.web.words import language, plain, say, told
from targeting.workflows.stations.verdict import Matter


def show_verdict(matters: Sequence[Matter]) -> None:
    """What is to be mended first, with where; what is good to know, folded."""
    urgent = [m for m in matters if m.is_urgent]
    with st.container(border=True, key="verdict"):
        words = told("verdict.mend", len(urgent)) if urgent else say("verdict.ready")
        st.subheader(words)
        for number, matter in enumerate(urgent):
            _show_matter(matter, f"mend_{number}")
    if others := [m for m in matters if not m.is_urgent]:
        with st.expander(f"{say('verdict.know')} ({len(others)})", key="to_know"):
            for number, matter in enumerate(others):
                _show_matter(matter, f"know_{number}")


def _show_matter(matter: Matter, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        st.markdown(plain(_sentence(matter)), width="stretch")
        if matter.step:
            files_link(say("verdict.go"), matter.step)
        else:
            page_link(matter.screen, say("verdict.see"))


def _sentence(matter: Matter) -> str:
    words = _words(matter.values)
    if "count" in words:
        del words["count"]
        return told(matter.key, matter.values["count"], **words)
    return say(matter.key, **words)


def _words(values: dict[str, Any]) -> dict[str, str]:
    lang = language()
    words = {}
    for name, value in values.items():
        if name == "election":
            words[name] = vintage_in(lang, str(value))
        elif name == "rate":
            words[name] = percent_in(lang, value, decimals=0)
        else:
            words[name] = value if isinstance(value, str) else number_in(lang, value)
    return words
