"""The desk of the day: what waits, what moved, what to do next."""

import streamlit as st

from targeting.locale import date_in, election_in, number_in, percent_in
from targeting.shipped import PAGES
from targeting.web.at_hand import may, page_link
from targeting.web.ballot import choose_vote, round_in_words
from targeting.web.empty import files_link
from targeting.web.loaders import (
    load_campaign,
    load_desk,
    load_holdings,
    load_turf_board,
    shows_demo,
)
from targeting.web.words import countdown, language, meaning, say, show_credits, today, told
from targeting.workflows.ballot import ballot_of
from targeting.workflows.desk import Desk
from targeting.workflows.home import COMMANDS, Holdings
from targeting.workflows.setup import CampaignCard


def show_nothing_yet() -> None:
    """No campaign here: two ways to begin."""
    st.markdown(say("home.what"))
    with st.container(border=True, key="next"):
        st.subheader(say("home.next"), anchor=False)
        st.markdown(say("home.no_workspace"))
        files_link(say("home.begin"), "commune")


def show_next(held: Holdings) -> None:
    """The one thing to do next, and where."""
    with st.container(border=True, key="next"):
        st.subheader(say("home.next"), anchor=False)
        st.markdown(say(f"next.{held.step}"))
        if held.step in COMMANDS:
            if held.step == "results" and held.elections and held.lacking:
                st.text(held.lacking)
            files_link(say("empty.go"), held.step)
        if held.step == "stations":
            st.markdown(say("next.meanwhile"))
        if held.step != "results":
            page_link("carte", say("next.open_map"))
        if held.step in ("turfs", "map"):
            page_link("secteurs", say("next.open_turfs"))


def show_vote(desk: Desk, campaign: CampaignCard, lang: str) -> None:
    """The vote, how far it is, and the way to choose it or another."""
    vote = ballot_of(campaign)
    if desk.days_left is None or desk.eve is None:
        st.metric(say("desk.ballot"), say("desk.no_day"))
        st.markdown(say("desk.set_day"))
    else:
        st.metric(say("desk.ballot"), countdown(desk.days_left))
        if vote is not None and vote.kind:
            which = round_in_words(vote.kind, vote.round_number)
            st.markdown(f"{which} · {date_in(lang, vote.day)}")
        if desk.days_left >= 0:
            key = "desk.silence" if desk.days_left > 1 else "desk.silence_now"
            st.markdown(say(key, day=date_in(lang, desk.eve)))
        if vote is not None and vote.second_day is not None and vote.kind:
            st.markdown(say("ballot.second", day=date_in(lang, vote.second_day)))
    if not may("campaign.change"):
        return
    with st.popover(say("ballot.choose" if vote is None else "ballot.change"), key="ballot"):
        choose_vote(campaign)


def show_desk(desk: Desk, campaign: CampaignCard, lang: str) -> None:
    """Four figures of the day; each leads to the screen that does something about it."""
    boxes = st.columns(4)
    with boxes[0].container(border=True, height="stretch"):
        show_vote(desk, campaign, lang)
    with boxes[1].container(border=True, height="stretch"):
        st.metric(say("desk.turfs"), number_in(lang, desk.turfs["ready"]), help=meaning("turf"))
        st.markdown(
            told("desk.in_progress", desk.turfs["in_progress"])
            + " · "
            + told("desk.done", desk.turfs["done"])
        )
        page_link("secteurs", say("desk.open_turfs"))
    with boxes[2].container(border=True, height="stretch"):
        st.metric(say("desk.week"), told("desk.doors", desk.week_doors), help=meaning("door"))
        st.markdown(
            say("desk.few_talks")
            if desk.week_talks is None
            else told("desk.talks", desk.week_talks)
        )
        st.markdown(say("desk.since_yesterday", doors=told("desk.doors", desk.day_doors)))
    with boxes[3].container(border=True, height="stretch"):
        share = desk.target_met / desk.target_voters if desk.target_voters else None
        st.metric(say("desk.met"), percent_in(lang, share, decimals=0), help=meaning("met"))
        st.markdown(
            told(
                "desk.met_of",
                desk.targets,
                met=number_in(lang, desk.target_met),
                voters=number_in(lang, desk.target_voters),
            )
        )
        page_link("carte", say("desk.open_map"))


def show_own(lang: str) -> None:
    """What is in one's own hands."""
    board = load_turf_board()
    with st.container(border=True, key="own"):
        st.metric(say("hands.mine"), number_in(lang, 0 if board is None else len(board.kept.turfs)))
        page_link("secteurs", say("next.open_turfs"))


def show_holdings(held: Holdings, campaign: CampaignCard, lang: str) -> None:
    """What the campaign is made of, folded."""
    facts = {
        "home.campaign": campaign.name,
        "home.communes": ", ".join(campaign.communes) or say("home.every_commune"),
        "home.election": (
            election_in(lang, campaign.election_id) if campaign.election_id else say("home.not_set")
        ),
        "home.ballot": (
            date_in(lang, campaign.ballot_date) if campaign.ballot_date else say("home.not_set")
        ),
        "home.target": ", ".join(say(f"bloc.{b}") for b in campaign.target),
        "home.addresses": number_in(lang, held.addresses),
        "home.stations": number_in(lang, sum(rows for _, _, rows in held.outlines)),
    }
    if held.elections:
        facts["home.results"] = " ; ".join(election_in(lang, e) for e in held.elections)
    if held.outlines:
        facts["home.outlines"] = " ; ".join(
            f"{source}, {year}" for source, year, _ in held.outlines
        )
    with st.expander(say("home.holds"), key="holds"):
        for key, fact in facts.items():
            name, said = st.columns([1, 5], gap="small")
            name.markdown(f"**{say(key)}**")
            said.text(fact)


if not may("places.see"):  # who walks lands on their turfs
    st.switch_page(str(PAGES / "secteurs.py"))
campaign = load_campaign()
if shows_demo():
    st.markdown(f":orange-background[{say('demo.banner')}]")
if campaign is None:
    show_nothing_yet()
    st.stop()
lang = language()
held = load_holdings()
if held.step in ("turfs", "map"):
    if may("plan.see"):
        show_desk(load_desk(today()), campaign, lang)
    elif may("turfs.see"):
        show_own(lang)
show_next(held)
show_holdings(held, campaign, lang)
st.caption(say("home.what") + " " + say("home.place_not_person"))
show_credits(held.credits)
