"""The screens of accounts and sessions: who may log in, as what, and who is in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import streamlit as st

from targeting.access.roles import ROLES, Actor
from targeting.errors import TargetingError
from targeting.locale import NO_VALUE, moment_in
from targeting.locale.messages import said
from targeting.store.accounts import Person
from targeting.web.kept import workspace
from targeting.web.provider import provider_name
from targeting.web.words import language, plain, say, told
from targeting.workflows.access import door
from targeting.workflows.access import team as service
from targeting.workflows.access.asks import ask

SHOWN: Final = 30
"""Accounts on one screen: more are found by their name."""


def show_team() -> None:
    """Everybody, an invitation, and what was just made."""
    here = workspace()
    people = service.list_team(here, here.actor)
    if not people:
        show_beginning()
        return
    st.markdown(say("team.intro"))
    show_news()
    with st.expander(say("team.invite"), key="invite", icon=":material/person_add:"):
        show_invitation()
    typed = ""
    if len(people) > SHOWN:
        typed = st.text_input(say("team.search"), key="team_search").strip().casefold()
    found = [p for p in people if typed in f"{p.name} {p.login}".casefold()]
    st.caption(told("team.count", len(found)))
    for person in found[:SHOWN]:
        show_person(person, here.actor)
    if len(found) > SHOWN:
        st.caption(told("team.more", len(found) - SHOWN))


def show_beginning() -> None:
    """One desk, no account: what accounts are for, and the link that makes the first one."""
    st.markdown(say("team.none"))
    st.markdown(say("team.none_how"))
    show_news()
    st.button(say("team.begin"), type="primary", key="team_begin", on_click=partial(act, _begin))


def show_news() -> None:
    """What the last act gave: a link told this once, a word, or why it was refused."""
    if (trouble := st.session_state.pop("team_trouble", None)) is not None:
        st.error(said(language(), trouble))
    if (word := st.session_state.pop("team_word", None)) is not None:
        st.success(word)
    if (link := st.session_state.get("team_link")) is not None:
        with st.container(border=True, key="team_link_box"):
            st.markdown(link[0])
            st.code(link[1], None, wrap_lines=True)
            st.caption(link[2])
            st.button(say("team.link_done"), key="team_link_done", on_click=_forget_link)


def show_invitation() -> None:
    """Name, login, role in words, and the button."""
    with st.form("invite_form", border=False, enter_to_submit=False):
        st.text_input(say("team.name"), key="invite_name")
        st.text_input(say("team.login"), key="invite_login", help=say("door.join.login_help"))
        st.radio(
            say("team.role"), ROLES, key="invite_role", index=ROLES.index("canvasser"),
            format_func=lambda r: say(f"role.{r}"), captions=[say(f"role_is.{r}") for r in ROLES],
        )  # fmt: skip
        if (provider := provider_name()) is not None:
            st.text_input(
                say("team.subject", provider=provider), key="invite_subject",
                help=say("team.subject_help"),
            )  # fmt: skip
        st.form_submit_button(say("team.invite_go"), type="primary", on_click=partial(act, _invite))


def show_person(person: Person, asking: Actor) -> None:
    """One account: who it is, what it may, when it was last in, and what can be done with it."""
    with st.container(border=True, key=f"person_{person.id}"):
        words, acts = st.columns([4, 1], vertical_alignment="center")
        mine = f" · {say('team.you')}" if person.id == asking.id else ""
        words.markdown(
            f"**{plain(person.name)}**{mine} — {say(f'role.{person.role}')}  \n"
            f"{plain(person.login)} · {_state(person)} · {_last(person)}"
        )
        with acts.popover(say("team.manage"), key=f"manage_{person.id}", width="stretch"):
            show_acts(person)


def _state(person: Person) -> str:
    words = say(f"state.{person.state}")
    return f"{words} · {say('team.has_code')}" if person.has_code else words


def _last(person: Person) -> str:
    if person.login_at is None:
        return say("team.never")
    return say("team.last", moment=moment_in(language(), person.login_at))


def show_acts(person: Person) -> None:
    """Role, link, telephone, and closing, which is asked twice."""
    role = st.selectbox(
        say("team.role"), ROLES, index=ROLES.index(person.role), key=f"role_{person.id}",
        format_func=lambda r: say(f"role.{r}"),
    )  # fmt: skip
    st.caption(say(f"role_is.{role}"))
    if role != person.role:
        st.button(
            say("team.role_go"), key=f"role_go_{person.id}", type="primary",
            on_click=partial(act, partial(_change_role, person, role)),
        )  # fmt: skip
    if person.state == "disabled":
        st.button(
            say("team.enable"), key=f"enable_{person.id}",
            on_click=partial(act, partial(_enable, person)),
        )  # fmt: skip
        return
    key = "team.link_join" if person.state == "invited" else "team.link_renew"
    st.button(say(key), key=f"renew_{person.id}", on_click=partial(act, partial(_renew, person)))
    if person.has_code:
        _asked_twice("lost", person, _reset_code)
    _asked_twice("disable", person, _disable)


def _asked_twice(name: str, person: Person, do: Callable[[Person], None]) -> None:
    """A button, and once it is pressed what it will do and another that does it."""
    key = f"{name}_{person.id}"
    if st.session_state.get("team_asked") != key:
        st.button(say(f"team.{name}"), key=key, on_click=_ask, args=(key,))
        return
    st.warning(say(f"team.{name}_means", name=plain(person.name)))
    st.button(
        say(f"team.{name}_go"), key=f"{key}_go", type="primary",
        on_click=partial(act, partial(do, person)),
    )  # fmt: skip
    st.button(say("team.no"), key=f"{key}_no", on_click=_ask, args=("",))


def _ask(key: str) -> None:
    st.session_state["team_asked"] = key


# -- acts ------------------------------------------------------------------------------------------


def act(do: Callable[[], None]) -> None:
    """Do what was pressed; what refuses it is told on the next line."""
    st.session_state["team_asked"] = ""
    try:
        do()
    except TargetingError as error:
        st.session_state["team_trouble"] = str(error)


def _tell_link(words: str, secret: str, how: str) -> None:
    st.session_state["team_link"] = (words, f"{our_origin()}/join?k={secret}", how)


def our_origin() -> str:
    """The address by which this browser opens the dashboard."""
    seen = urlsplit(st.context.url or "")
    return f"{seen.scheme}://{seen.netloc}" if seen.netloc else ""


def _forget_link() -> None:
    st.session_state.pop("team_link", None)


def _begin() -> None:
    here = workspace()
    ask(here, "users.manage")
    secret = door.first_link(here)
    if secret is None:
        raise TargetingError("the campaign has an administrator: ask them for a link.")
    _tell_link(say("team.link_first"), secret, say("team.link_here"))


def _invite() -> None:
    here, kept = workspace(), st.session_state
    subject = str(kept.get("invite_subject") or "").strip() or None
    made = service.invite(
        here, here.actor, kept["invite_login"], kept["invite_name"], kept["invite_role"],
        subject=subject,
    )  # fmt: skip
    if subject is None:
        words = say("team.link_for", name=plain(made.person.name))
        _tell_link(words, made.secret, say("team.link_once"))
    else:
        _word("team.by_provider", made.person)
    kept["invite_login"] = kept["invite_name"] = ""
    if subject is not None:
        kept["invite_subject"] = ""


def _change_role(person: Person, role: str) -> None:
    here = workspace()
    service.change_role(here, here.actor, person.id, role, version=person.version)
    _word("team.role_done", person, role=say(f"role.{role}"))


def _renew(person: Person) -> None:
    here = workspace()
    secret = service.renew(here, here.actor, person.id)
    _tell_link(say("team.link_for", name=plain(person.name)), secret, say("team.link_once"))


def _reset_code(person: Person) -> None:
    here = workspace()
    service.reset_code(here, here.actor, person.id)
    _word("team.lost_done", person)


def _disable(person: Person) -> None:
    here = workspace()
    service.disable(here, here.actor, person.id, version=person.version)
    _word("team.disable_done", person)


def _enable(person: Person) -> None:
    here = workspace()
    service.enable(here, here.actor, person.id, version=person.version)
    _word("team.enable_done", person)


def _word(key: str, person: Person, **more: str) -> None:
    st.session_state["team_word"] = say(key, name=plain(person.name), **more)


# -- sessions --------------------------------------------------------------------------------------


def show_sessions() -> None:
    """Browsers that are logged in: one's own; everybody's for who manages accounts."""
    here = workspace()
    asking = here.actor
    sees_all = asking.may("sessions.end")
    if not asking.is_account and not service.is_team(here):
        st.info(say("sessions.none"))
        return
    st.markdown(say("sessions.intro_all" if sees_all else "sessions.intro"))
    show_news()
    shown = service.list_open(here, asking)
    for one in shown:
        with st.container(border=True, key=f"session_{one.id}"):
            words, acts = st.columns([4, 1], vertical_alignment="center")
            this = f" · **{say('sessions.this')}**" if one.id == asking.session else ""
            words.markdown(
                f"**{plain(one.name)}** — {plain(one.browser) or NO_VALUE}{this}  \n"
                + say("sessions.times", made=_moment(one.made_at), seen=_moment(one.seen_at))
            )
            if one.id != asking.session:
                acts.button(
                    say("sessions.end"), key=f"end_{one.id}", width="stretch",
                    on_click=partial(act, partial(_end, one.id)),
                )  # fmt: skip
    others = [s for s in shown if s.id != asking.session]
    with st.container(horizontal=True):
        if asking.is_account and any(s.account_id == asking.id for s in others):
            st.button(say("sessions.end_mine"), key="end_mine", on_click=partial(act, _end_mine))
        if sees_all and others:
            st.button(say("sessions.end_all"), key="end_all", on_click=partial(act, _end_all))
    if not shown:
        st.caption(say("sessions.nobody"))


def _moment(at: datetime) -> str:
    return moment_in(language(), at)


def _end(session_id: str) -> None:
    here = workspace()
    service.end_session(here, here.actor, session_id)
    st.session_state["team_word"] = told("sessions.ended", 1)


def _end_mine() -> None:
    here = workspace()
    st.session_state["team_word"] = told("sessions.ended", service.end_all(here, here.actor))


def _end_all() -> None:
    here = workspace()
    ended = service.end_all(here, here.actor, everybody=True)
    st.session_state["team_word"] = told("sessions.ended", ended)
