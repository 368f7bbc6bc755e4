"""Who looks at the screen: read anew at each run, from what the gate said of the socket."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from targeting.access.roles import LOCAL, NOBODY, Actor
from targeting.config import workspace_from
from targeting.errors import TargetingError
from targeting.workflows.access.door import actor_of
from targeting.workflows.access.team import is_team

SESSION: str = "session"
"""What `server.trustedUserHeaders` calls the gate's header, in `st.user`."""


def actor() -> Actor:
    """Who asks: an account with today's role; this machine, where the campaign has no accounts.

    NOBODY where the session has ended, or none was told although there are accounts (outside a
    screen none is): everything is refused to it.
    """
    here, session_id = workspace_from(), None
    if get_script_run_ctx(suppress_warning=True) is not None:
        session_id = st.user.to_dict().get(SESSION)
    try:
        if isinstance(session_id, str) and session_id:
            return actor_of(here, session_id)
        return NOBODY if is_team(here) else LOCAL
    except TargetingError:
        # the database cannot be read: who was let in by a session is nobody, one desk sees why
        return NOBODY if session_id else LOCAL


def still(asked: Actor) -> Actor:
    """Who asked a moment ago, as they are now: their role is today's, NOBODY if they left."""
    return actor_of(workspace_from(), asked.session) if asked.session else asked
