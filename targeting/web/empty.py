"""What a screen shows where there is nothing yet: what is lacking, and the way that leads on."""

from __future__ import annotations

import streamlit as st

from targeting.errors import TargetingError
from targeting.locale.messages import said
from targeting.shipped import PAGES
from targeting.web.kept import workspace
from targeting.web.screens import screen_called
from targeting.web.words import language, say


def nothing_yet(step: str, *, why: TargetingError | None = None) -> None:
    """Nothing to show before a step of *Fichiers* (`workflows.guide.STEPS`): a sentence, and the
    link that opens the screen at it. `why`: what refused, told in small."""
    with st.container(key=f"empty_{step}"):
        st.info(say(f"empty.{step}"))
        files_link(say("empty.go"), step)
        if why is not None:
            st.caption(said(language(), str(why)))


def files_link(label: str, step: str = "") -> None:
    """A link to *Fichiers*, opened at a step."""
    if not screen_called("fichiers").is_open_to(workspace().actor):
        return
    where = {"etape": step} if step else {}
    if (lang := st.query_params.get("lang")) is not None:
        where["lang"] = lang
    st.page_link(
        str(PAGES / "fichiers.py"), label=label, icon=":material/upload_file:", query_params=where
    )
