"""The screen of the log: what was done, by whom, by page; and whether it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd
import streamlit as st

from targeting.access.roles import ACTIONS, LOCAL, NOBODY, ROLES, SYSTEM
from targeting.errors import TargetingError
from targeting.locale import moment_in, number_in
from targeting.store.audit import ACTS, Line, Verdict
from targeting.web.kept import workspace
from targeting.web.words import language, say, show_trouble, told
from targeting.workflows.access import log, team

A_PAGE: Final = 50

KINDS: Final = {
    "doors": ("first", "join", "login", "login_refused", "logout", "session_end",
              "session_end_all", "code_set"),
    "rights": ("invite", "role", "disable", "enable", "renew", "code_reset"),
    "refusals": ("refused", "brake", "login_refused"),
    "files": ("export", "file", "print", "list", "import", "import_undo", "backup", "restore"),
    "turfs": ("assign", "unassign"),
    "people": ("people_read", "reveal", "people_change", "object", "erase", "purge"),
    "settings": ("settings", "override"),
}  # fmt: skip
"""Kinds of acts that are looked at together; an act may be of two."""

MACHINES: Final = {LOCAL.id: "who.local", SYSTEM.id: "who.system", NOBODY.id: "who.nobody"}


def show_log() -> None:
    """Filters, lines, pages, and the look over the chain."""
    here = workspace()
    names = {p.id: p.name for p in team.list_team(here, here.actor)}
    names |= {machine: say(key) for machine, key in MACHINES.items()}
    st.markdown(say("log.intro"))
    one, two = st.columns(2)
    who = one.selectbox(
        say("log.who"), list(names), index=None, key="log_who", placeholder=say("log.everybody"),
        format_func=names.__getitem__, on_change=_to_the_latest,
    )  # fmt: skip
    kind = two.selectbox(
        say("log.what"), list(KINDS), index=None, key="log_kind", placeholder=say("log.everything"),
        format_func=lambda k: say(f"log.kind.{k}"), on_change=_to_the_latest,
    )  # fmt: skip
    before: list[int] = st.session_state.setdefault("log_before", [])
    page = log.read_log(
        here, here.actor, before=before[-1] if before else None, who=who,
        acts=KINDS[kind] if kind else (), most=A_PAGE + 1,
    )  # fmt: skip
    if page.alerts:
        st.warning(told("log.alerts", page.alerts))
    lines, has_older = page.lines[:A_PAGE], len(page.lines) > A_PAGE
    if not lines:
        st.caption(say("log.none"))
    else:
        st.dataframe(
            log_table(lines, names | page.names, language()), hide_index=True, alt=say("log.alt"),
            key="log_table",
        )  # fmt: skip
    with st.container(horizontal=True, key="log_pages"):
        st.button(say("log.newer"), key="log_newer", disabled=not before, on_click=before_pop)
        st.button(
            say("log.older"), key="log_older", disabled=not has_older, on_click=before.append,
            args=(lines[-1].id if lines else 0,),
        )  # fmt: skip
        if st.button(say("log.verify"), key="log_verify", icon=":material/link:"):
            show_verdict()
    st.caption(say("log.how"))


def before_pop() -> None:
    """Back to the page of newer lines."""
    if st.session_state.get("log_before"):
        st.session_state["log_before"].pop()


def _to_the_latest() -> None:
    st.session_state["log_before"] = []


def show_verdict() -> None:
    """Look the whole chain over, and say whether it holds."""
    here = workspace()
    try:
        found = log.verify_log(here, here.actor)
    except TargetingError as error:
        show_trouble(error)
        return
    if found.is_whole:
        st.success(told("log.whole", found.lines))
    else:
        st.error(_broken(found))


def _broken(found: Verdict) -> str:
    return say("log.broken", line=number_in(language(), found.broken_at or 0))


def log_table(lines: list[Line], names: Mapping[str, str], lang: str) -> pd.DataFrame:
    """The lines in words; accounts by their names, which the log itself does not have."""
    rows = [
        {
            say("logcol.when"): moment_in(lang, line.at),
            say("logcol.who"): names.get(line.actor, say("who.gone")),
            say("logcol.what"): say(f"act.{line.act}"),
            say("logcol.object"): _object(line, names),
            say("logcol.count"): number_in(lang, line.count),
            say("logcol.reason"): say(f"role.{line.reason}")
            if line.reason in ROLES
            else line.reason,
            say("logcol.line"): number_in(lang, line.id),
        }
        for line in lines
    ]
    return pd.DataFrame(rows)


THINGS: Final = (
    "campaign", "demo", "results", "stations", "addresses", "streets", "doors", "quarters",
    "visits", "books", "scores", "priorities", "coverage", "health", "ledger", "backtest", "map",
    "card", "plan", "turfs",
)  # fmt: skip
"""What lines speak of, by a word of ours; anything else is an id or a turf's code."""


def _object(line: Line, names: Mapping[str, str]) -> str:
    return " · ".join(names.get(part) or _word(part) for part in line.object.split(" ") if part)


def _word(part: str) -> str:
    """A kind of file, an action, an act in words; of an id of a session, the beginning."""
    if part in ACTIONS:
        return say(f"action.{part}")
    if part in ACTS:
        return say(f"act.{part}")
    thing, dot, kind = part.partition(".")
    if thing in THINGS:
        return say(f"thing.{thing}") + (f" ({kind})" if dot else "")
    return f"{part[:6]}…" if len(part) == log.ID_LENGTH else part
