"""What stands on every screen."""

from __future__ import annotations

import logging
import uuid

import streamlit as st

from targeting.access.roles import NOBODY, Actor
from targeting.errors import ForbiddenError, TargetingError
from targeting.locale import DEFAULT
from targeting.shipped import PACKAGE, PAGES
from targeting.web.frame import show_brand, show_menu
from targeting.web.kept import one_look, workspace
from targeting.web.screens import GROUPS, SCREENS
from targeting.web.words import language, say, show_trouble
from targeting.workflows.access.asks import ask

ICON = PACKAGE / "web" / "assets" / "icon.png"


def keep_language() -> None:
    """Write the language into the address, so that a link opens in it."""
    chosen = language()
    written = st.query_params.get("lang")
    if chosen == DEFAULT and written is not None:
        del st.query_params["lang"]
    elif chosen not in (DEFAULT, written):
        st.query_params["lang"] = chosen


def main() -> None:
    """One run of the script: the frame, then the screen asked for, where the role may open it."""
    st.set_page_config(page_title=say("app.name"), page_icon=str(ICON), layout="wide")
    try:
        with one_look():
            _run(workspace().actor)
    except TargetingError as error:
        show_trouble(error)
    except Exception:
        reference = uuid.uuid4().hex[:8]
        logging.getLogger("relance").exception("%s", reference)
        st.error(say("error.fault", reference=reference))


def _run(actor: Actor) -> None:
    """The frame as this role has it, and the screen."""
    if actor == NOBODY:
        raise ForbiddenError("", "")
    pages = {
        one.name: st.Page(
            PAGES / f"{one.name}.py", title=say(one.nav), url_path=one.path, default=one.is_home,
            visibility="visible" if one.is_open_to(actor) else "hidden",
        )
        for one in SCREENS
    }  # fmt: skip
    chosen = st.navigation(
        {
            "" if group == GROUPS[0] else say(f"group.{group}"): [
                pages[one.name] for one in SCREENS if one.group == group
            ]
            for group in GROUPS
        },
        position="top",
    )
    screen = next(one for one in SCREENS if one.path == chosen.url_path)
    st.set_page_config(page_title=f"{chosen.title} · {say('app.name')}")
    show_brand()
    show_menu(actor)
    with st.container(key="heading"):
        st.title(say(screen.heading), anchor=False)
    keep_language()
    if screen.action:
        ask(workspace(), screen.action, own=True)
    chosen.run()


if __name__ == "__main__":  # as Streamlit runs it; importing it does nothing
    main()
