"""Maps that pydeck draws, and what is told where the browser cannot draw them."""

from __future__ import annotations

from typing import Any

import pydeck
import streamlit as st

from targeting.web.ours import our_url
from targeting.web.words import say

_webgl = st.components.v2.component(
    "relance_webgl",
    html='<div class="rl-no-gl" role="alert" hidden></div>\n',
    css="""
.rl-no-gl { padding: 12px 16px; border-radius: 6px; color: var(--st-text-color);
  font-family: var(--st-font); background: var(--st-secondary-background-color) }
.rl-no-gl[hidden] { display: none }
""",
    js=f"""
export default ctx => {{
  import(location.origin + "{our_url("webgl.js")}").then(m => m.default(ctx))
}}
""",
)


def tell_without_webgl(key: str) -> None:
    """Where the browser draws no map, that the page's table says the same."""
    _webgl(key=f"webgl_{key}", data={"words": say("map.without_webgl")})


def show_deck(deck: pydeck.Deck, *, key: str, **options: Any) -> None:
    """A map by pydeck (`options` go to it); without WebGL, that the table says the same."""
    with st.container(key=f"deck_of_{key}", gap=None):
        tell_without_webgl(key)
        st.pydeck_chart(deck, key=key, **options)
