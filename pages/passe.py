"""The ledger: where each station's past comes from."""

import streamlit as st

from targeting.codes import LEDGER_KINDS
from targeting.locale import number_in, percent_in
from targeting.maps.ledger import least_sure_first, ledger_listing, vintage_in
from targeting.web.at_hand import open_or_stop
from targeting.web.handed import handing
from targeting.web.listings import of_chosen_area, show_listing
from targeting.web.loaders import load_past
from targeting.web.words import language, say
from targeting.workflows.stations.past import choose_ledger, ledger_csv

past = open_or_stop(load_past, "ledger.loading")
lang = language()
st.markdown(say("ledger.what"))
one, two, three = st.columns([2, 2, 1], vertical_alignment="bottom")
vintage = one.selectbox(
    say("ledger.vintage"),
    past.vintages,
    key="vintage",
    persist_state="session",
    format_func=lambda v: vintage_in(lang, v),
)
kinds = two.multiselect(
    say("ledger.kinds"), LEDGER_KINDS, key="kinds", persist_state="session",
    select_all=False,
    placeholder=say("ledger.all_kinds"),
    format_func=lambda k: say(f"ledger.kind.{k}"),
)  # fmt: skip
doubtful = three.toggle(say("ledger.only_uncertain"), key="doubtful", persist_state="session")

counts = past.counts.loc[vintage]
figures = [kind for kind in LEDGER_KINDS if counts.get(kind, 0)]
for column, kind in zip(st.columns(max(len(figures), 1)), figures, strict=False):
    column.metric(say(f"ledger.kind.{kind}"), number_in(lang, counts[kind]))
st.caption(
    say(
        "ledger.summary",
        uncertain=percent_in(lang, counts["uncertain_share"]),
        error=percent_in(lang, counts["error"]),
    )
)
rows = choose_ledger(past, vintage, kinds=kinds, only_uncertain=doubtful)
rows = of_chosen_area(rows, by="station_id")
if rows.empty:
    st.info(say("ledger.none"))
else:
    show_listing(
        least_sure_first(rows), lambda shown: ledger_listing(shown, lang), key="ledger", height=520,
        alt=say("ledger.alt"),
    )  # fmt: skip
    st.download_button(
        say("ledger.download"),
        handing("ledger.csv", lambda: ledger_csv(rows, lang)),
        "relance-passe-des-bureaux.csv",
        "text/csv",
        on_click="ignore",
    )
st.caption(say("ledger.how"))
