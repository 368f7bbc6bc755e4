"""Data health: what is there for each election and station, and what it is worth."""

import streamlit as st

from targeting.locale import number_in, percent_in
from targeting.maps.ledger import (
    MARKS,
    health_listing,
    matrix_listing,
    most_trouble_first,
    source_listing,
    vintage_in,
)
from targeting.web.at_hand import open_or_stop, page_link
from targeting.web.handed import handing
from targeting.web.kept import workspace
from targeting.web.listings import of_chosen_area, show_listing
from targeting.web.loaders import load_health
from targeting.web.verdicts import show_verdict
from targeting.web.words import language, say, show_credits, told
from targeting.workflows.stations.past import health_csv
from targeting.workflows.stations.verdict import lacks_ours, verdict

health = open_or_stop(load_health, "health.loading")
lang = language()
show_verdict(verdict(workspace(), health))
st.markdown(say("health.what", stations=number_in(lang, len(health.matrix))))
listing = health_listing(
    health.counts, health.errors["uncertain_share"], health.errors["error"], lang
)
st.dataframe(listing.styled, hide_index=True, alt=say("health.alt"))
st.caption(" ; ".join(f"{sign} {say(f'health.{s}.help')}" for s, sign in MARKS.items()))
for election, departments in health.missing.items():
    words = told(
        "health.partial", len(departments), election=vintage_in(lang, election),
        departments=", ".join(departments),
    )  # fmt: skip
    if lacks_ours(health, election):
        st.warning(f"{words} {say('health.partial_ours')}")
    else:
        st.caption(f"{words} {say('health.partial_others')}")
for election, count in health.flagged.items():
    if count:
        st.caption(told("health.flagged", count, election=vintage_in(lang, election)))

st.subheader(say("health.matrix"))
matrix = of_chosen_area(health.matrix)
show_listing(
    most_trouble_first(matrix), lambda shown: matrix_listing(shown, lang), key="matrix", height=360,
    alt=say("health.matrix_alt"),
)  # fmt: skip
st.download_button(
    say("health.download"),
    handing("health.csv", lambda: health_csv(health)),
    "relance-sante-des-donnees.csv",
    "text/csv",
    on_click="ignore",
)
page_link("passe", say("health.open_ledger"))

st.subheader(say("health.joins"))
if not health.joins:
    st.caption(say("health.no_outlines"))
for join in health.joins:
    st.markdown(
        "- "
        + say(
            "health.join",
            election=vintage_in(lang, join.election_id),
            found=number_in(lang, join.found),
            stations=number_in(lang, join.stations),
            rate=percent_in(lang, join.rate),
        )
    )
if (painted := health.painted) is not None:
    st.markdown(
        say(
            "health.painted",
            found=number_in(lang, painted.found),
            stations=number_in(lang, painted.stations),
            renamed=number_in(lang, painted.renamed),
            joined=number_in(lang, painted.joined),
            dropped=number_in(lang, len(painted.dropped)),
        )
    )
if (check := health.outlines) is not None:
    st.markdown(
        say(
            "health.outlines_check",
            outlines=check.outlines,
            points=check.points,
            inside=percent_in(lang, check.inside / check.stations, decimals=0),
            near=percent_in(lang, check.near / check.stations, decimals=0),
            far=number_in(lang, len(check.far)),
        )
    )
if health.addresses_found is not None:
    st.markdown(
        say(
            "health.addresses",
            addresses=percent_in(lang, health.addresses_found),
            voters=percent_in(lang, health.voters_found),
        )
    )

st.subheader(say("health.sources"))
st.dataframe(source_listing(health.sources, lang).styled, hide_index=True,
             alt=say("health.sources_alt"))  # fmt: skip
show_credits(health.credits)
