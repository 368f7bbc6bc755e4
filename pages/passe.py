"""The ledger: where each station's past comes from, and what moved first."""

import streamlit as st

from targeting.codes import LEDGER_KINDS
from targeting.locale import number_in, percent_in
from targeting.maps.ledger import least_sure_first, ledger_listing, vintage_in
from targeting.maps.proofs import moved_kinds, past_verdict
from targeting.web.at_hand import open_or_stop
from targeting.web.handed import handing
from targeting.web.listings import of_chosen_area, show_listing
from targeting.web.loaders import load_past
from targeting.web.words import language, meaning, say, told
from targeting.web.workbench import read_once, write_address
from targeting.workflows.stations.past import (
    carried_error_of,
    choose_ledger,
    ledger_csv,
    of_these,
    settled,
)

past = open_or_stop(load_past, "ledger.loading")
lang = language()
read_once("scrutin", "vintage", lambda asked: asked if asked in past.vintages else None)
vintage = st.selectbox(
    say("ledger.vintage"),
    past.vintages,
    key="vintage",
    persist_state="session",
    format_func=lambda v: vintage_in(lang, v),
)
write_address("scrutin", "" if vintage == past.vintages[0] else vintage)
every = of_chosen_area(choose_ledger(past, vintage), by="station_id")
with st.container(border=True, key="verdict"):
    answer, *reasons = past_verdict(every, lang)
    st.subheader(answer, anchor=False)
    for line in reasons:
        st.markdown(line)
figures = moved_kinds(every)
of_each = zip(st.columns(len(figures)), figures, strict=True) if len(figures) > 1 else ()
for column, (kind, count) in of_each:
    column.metric(
        say(f"ledger.kind.{kind}"), number_in(lang, count), help=say(f"ledger.kind.{kind}.help")
    )
one, two = st.columns([4, 1], vertical_alignment="bottom")
kinds = one.multiselect(
    say("ledger.kinds"), LEDGER_KINDS, key="kinds", persist_state="session",
    select_all=False,
    placeholder=say("ledger.all_kinds"),
    format_func=lambda k: say(f"ledger.kind.{k}"),
)  # fmt: skip
doubtful = two.toggle(
    say("ledger.only_uncertain"), key="doubtful", persist_state="session", help=meaning("uncertain")
)
rows = of_these(choose_ledger(past, vintage, kinds=kinds, only_uncertain=doubtful), every)
still = settled(rows)
first = rows if kinds else rows[~still]
if rows.empty:
    st.info(say("ledger.none"))
if not first.empty:
    show_listing(
        least_sure_first(first), lambda shown: ledger_listing(shown, lang), key="ledger",
        height=420, alt=say("ledger.alt"),
    )  # fmt: skip
if not kinds and still.any():
    with st.expander(told("ledger.still", int(still.sum())), key="still"):
        show_listing(
            least_sure_first(rows[still]), lambda shown: ledger_listing(shown, lang),
            key="ledger_still", height=420, alt=say("ledger.alt"),
        )  # fmt: skip
if not rows.empty:
    st.download_button(
        say("ledger.download"),
        handing("ledger.csv", lambda: ledger_csv(rows, lang)),
        "relance-passe-des-bureaux.csv",
        "text/csv",
        on_click="ignore",
    )
st.caption(say("ledger.error", error=percent_in(lang, carried_error_of(every))))
st.caption(say("ledger.what") + " " + say("ledger.how"))
