"""What stands on every screen."""

from __future__ import annotations

import logging
import uuid

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from targeting.errors import TargetingError
from targeting.locale import DEFAULT
from targeting.shipped import PACKAGE, PAGES
from targeting.web.frame import show_brand, show_menu
from targeting.web.kept import one_look
from targeting.web.screens import GROUPS, HEADINGS, SCREENS
from targeting.web.words import language, say, show_trouble

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
    """One run of the script: the frame, then the screen asked for."""
    st.set_page_config(page_title=say("app.name"), page_icon=str(ICON), layout="wide")
    pages = {
        one.name: st.Page(
            PAGES / f"{one.name}.py", title=say(one.nav), url_path=one.path, default=one.is_home
        )
        for one in SCREENS
    }
    screen = st.navigation(
        {
            "" if group == GROUPS[0] else say(f"group.{group}"): [
                pages[one.name] for one in SCREENS if one.group == group
            ]
            for group in GROUPS
        },
        position="top",
    )
    st.set_page_config(page_title=f"{screen.title} · {say('app.name')}")
    with one_look():
        show_brand()
        show_menu()
        with st.container(key="heading"):
            st.title(say(HEADINGS[screen.url_path]), anchor=False)
        keep_language()
        show_screen(screen)


def show_screen(screen: StreamlitPage) -> None:
    """The screen asked for; a trouble that the user can mend, or a fault of ours, in its place."""
    try:
        screen.run()
    except TargetingError as error:
        show_trouble(error)
    except Exception:
        reference = uuid.uuid4().hex[:8]
        logging.getLogger("relance").exception("%s", reference)
        st.error(say("error.fault", reference=reference))


if __name__ == "__main__":  # as Streamlit runs it; importing it does nothing
    main()
