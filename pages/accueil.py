"""Home: what this is, what the campaign holds, what to do next."""

import streamlit as st

from targeting.locale import date_in, election_in, number_in
from targeting.web.at_hand import (
    language,
    load_campaign,
    load_holdings,
    page_link,
    say,
    show_credits,
)
from targeting.web.empty import files_link
from targeting.workflows.home import COMMANDS

campaign = load_campaign()
st.markdown(say("home.what"))
st.caption(say("home.place_not_person"))

if campaign is None:
    with st.container(border=True, key="next"):
        st.subheader(say("home.next"))
        st.markdown(say("home.no_workspace"))
        files_link(say("home.begin"), "commune")
    st.stop()

held = load_holdings()
with st.container(border=True, key="next"):
    st.subheader(say("home.next"))
    st.markdown(say(f"next.{held.step}"))
    if held.step in COMMANDS:
        files_link(say("empty.go"), held.step)
    if held.step == "stations":
        st.markdown(say("next.meanwhile"))
    if held.step != "results":
        page_link("carte", say("next.open_map"))
    if held.step in ("turfs", "map"):
        page_link("secteurs", say("next.open_turfs"))

st.subheader(say("home.holds"))
figures = {
    "home.elections": len(held.elections),
    "home.stations": sum(rows for _, _, rows in held.outlines),
    "home.addresses": held.addresses,
    "home.turfs": held.turfs,
}
for column, (key, count) in zip(st.columns(4), figures.items(), strict=True):
    column.metric(say(key), number_in(language(), count))

facts = {
    "home.campaign": campaign.name,
    "home.communes": ", ".join(campaign.communes) or say("home.every_commune"),
    "home.election": (
        election_in(language(), campaign.election_id)
        if campaign.election_id
        else say("home.not_set")
    ),
    "home.ballot": (
        date_in(language(), campaign.ballot_date) if campaign.ballot_date else say("home.not_set")
    ),
    "home.target": ", ".join(say(f"bloc.{b}") for b in campaign.target),
}
if held.elections:
    facts["home.results"] = " ; ".join(election_in(language(), e) for e in held.elections)
if held.outlines:
    facts["home.outlines"] = " ; ".join(f"{source}, {year}" for source, year, _ in held.outlines)
for key, fact in facts.items():
    name, said = st.columns([1, 5], gap="small")
    name.markdown(f"**{say(key)}**")
    said.text(fact)
show_credits(held.credits)
