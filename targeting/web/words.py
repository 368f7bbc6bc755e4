"""What every page says in its language: words, days, troubles, credits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import streamlit as st

from targeting.errors import ForbiddenError, TargetingError
from targeting.locale import count_in, glossary, known_language, text_in
from targeting.locale.messages import said


def language() -> str:
    """The language of this session's screens."""
    asked = st.session_state.get("lang") or st.query_params.get("lang")
    return known_language(asked)


def say(key: str, **values: object) -> str:
    """The text of `key` in the session's language."""
    return text_in(language(), key, **values)


def told(key: str, count: int, **values: object) -> str:
    """The text of `key` for that many, in the session's language."""
    return count_in(language(), key, count, **values)


def meaning(term: str) -> str:
    """What a word of the field means (`locale.glossary.TERMS`), for who hovers over it."""
    return glossary.meaning(language(), term)


def countdown(days: int) -> str:
    """How far the ballot is: `J−43`, `jour J`, `J+2`."""
    if not days:
        return say("desk.day")
    return say("desk.days" if days > 0 else "desk.after", count=abs(days))


def today() -> date:
    """The day it is where the campaign's machine stands."""
    return date.today()


def plain(text: str) -> str:
    """Somebody else's text as Markdown shows it word for word.

    >>> plain("a*b* [c](d)")
    'a\\\\*b\\\\* \\\\[c\\\\]\\\\(d\\\\)'
    """
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|~<>$:^=@&])", r"\\\1", " ".join(text.split()))


def show_trouble(error: TargetingError) -> None:
    """An error that the user can mend: its own line, as plain text."""
    with st.container(border=True):
        st.markdown(f"**{say('error.trouble')}**")
        st.text(trouble_in(language(), error))


def trouble_in(lang: str, error: TargetingError) -> str:
    """An error in words; of what a role does not allow, the role and the action in words too."""
    if type(error) is ForbiddenError and error.role:
        role, action = text_in(lang, f"role.{error.role}"), text_in(lang, f"action.{error.action}")
        return text_in(lang, "error.forbidden", role=role, action=action)
    return said(lang, str(error))


def show_credits(credits: Sequence[str]) -> None:
    """The sources of what is above."""
    if credits:
        st.caption(plain(credits_line(credits)))


def credits_line(credits: Sequence[str]) -> str:
    """The sources, on one line of plain text; empty without any."""
    return f"{say('credits.title')} " + " · ".join(credits) if credits else ""
