"""The line on top: whose campaign this is, the language and the colours of the page."""

from __future__ import annotations

from typing import Final

import streamlit as st

from targeting.access.roles import Actor
from targeting.errors import TargetingError
from targeting.locale import LANGUAGES
from targeting.locale.glossary import glossary
from targeting.web.at_hand import page_link
from targeting.web.loaders import load_campaign, shows_demo
from targeting.web.ours import our_url
from targeting.web.screens import SCREENS
from targeting.web.words import countdown, language, plain, say, today

THEMES: Final = ("System", "Light", "Dark")
"""As Streamlit's page calls them."""

_themes = st.components.v2.component(
    "relance_themes",
    html='<div class="themes" role="group"></div>\n',
    css="""
.themes { display: flex; gap: 4px; flex-wrap: wrap }
button { font: inherit; padding: 4px 10px; border-radius: 6px; cursor: pointer;
  color: inherit; background: transparent; border: 1px solid var(--st-border-color) }
button[aria-pressed=true] { background: var(--st-secondary-background-color); font-weight: 600 }
button:focus-visible { outline: 3px solid #ffc400 }
""",
    js=f"""
export default ctx => {{
  import(location.origin + "{our_url("theme.js")}").then(m => m.default(ctx))
}}
""",
)

_out = st.components.v2.component(
    "relance_out",
    html='<a href="/logout" target="_self"></a>\n',
    css="a { color: var(--st-link-color) } a:focus-visible { outline: 3px solid #ffc400 }",
    js="""
export default ({ parentElement, data }) => {
  parentElement.querySelector("a").textContent = data.words
}
""",
)
"""A link that stays in its window: Streamlit's own open another."""


def show_brand() -> None:
    """The product's mark, the campaign, the days to the ballot."""
    try:
        campaign = load_campaign()
    except TargetingError:  # told by the screen below
        campaign = None
    said = []
    if campaign is not None:
        if campaign.ballot_date is not None:
            said.append(countdown((campaign.ballot_date - today()).days))
        said.append(say("demo.badge") if shows_demo() else plain(campaign.name))
    with st.container(key="brand"):
        st.markdown(f"**{say('app.name')}**  \n{' · '.join(said)}")


def show_words() -> None:
    """The field's words, folded."""
    with st.expander(say("glossary.title"), key="glossary"):
        st.markdown(
            "\n".join(f"- **{plain(word)}** — {plain(told)}" for word, told in glossary(language()))
        )


def show_menu(actor: Actor) -> None:
    """Who is here, language, colours and the field's words, in one menu."""
    with st.container(key="menu"), st.popover(say("menu.title"), icon=":material/tune:"):
        if actor.is_account:
            st.markdown(f"**{plain(actor.name)}**  \n{say(f'role.{actor.role}')}")
            page_link("sessions", say("menu.sessions"))
            _out(key="out", data={"words": say("menu.out")})
        st.segmented_control(
            say("lang.label"),
            LANGUAGES,
            default=language(),
            required=True,
            format_func=lambda code: say(f"lang.{code}"),
            key="lang",
        )
        st.markdown(say("menu.theme"))
        _themes(
            key="themes",
            data={
                "paths": ["/", *(f"/{one.name}" for one in SCREENS)],
                "choices": [{"value": v, "words": say(f"menu.{v.lower()}")} for v in THEMES],
            },
        )
        show_words()
