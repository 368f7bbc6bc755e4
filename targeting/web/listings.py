"""Tables by pages, and the place that they are of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st
from pandas import DataFrame

from targeting.codes import commune_of, department_of
from targeting.locale import NO_VALUE, number_in
from targeting.maps.listing import Listing
from targeting.web.words import language, say

ROWS_A_PAGE: Final = 500
"""Rows of a table sent at once: a country has 70,000."""

MOST_COMMUNES: Final = 1000
"""Communes in one list to choose from; more are chosen by department first."""


def choose_area(stations: pd.Index) -> pd.Index:
    """Stations of the department and commune that the user chooses; all where there is but one.

    A country's stations are chosen among step by step: no list holds them all.
    """
    communes = pd.Series([commune_of(s) for s in stations], index=stations)
    if communes.nunique() < 2:
        return stations
    one, two = st.columns(2)
    departments = communes.map(department_of)
    if departments.nunique() > 1:
        department = one.selectbox(
            say("area.department"), sorted(departments.unique()), index=None, key="department",
            placeholder=say("area.every_department"), persist_state="session",
        )  # fmt: skip
        if department is None and communes.nunique() > MOST_COMMUNES:
            return stations
        communes = communes if department is None else communes[departments == department]
    commune = two.selectbox(
        say("area.commune"), sorted(communes.unique()), index=None, key="commune",
        placeholder=say("area.every_commune"), persist_state="session",
    )  # fmt: skip
    return communes.index if commune is None else communes.index[communes == commune]


def of_chosen_area(rows: DataFrame, *, by: str | None = None) -> DataFrame:
    """Rows of the stations of the area that the user chooses; the index is theirs, or `by`."""
    stations = rows.index if by is None else pd.Index(rows[by])
    return rows[stations.isin(choose_area(stations))]


def show_listing(
    rows: DataFrame, listing_of: Callable[[DataFrame], Listing], *, key: str,
    chosen: Sequence[str] = (), on_choice: Callable[[list[str]], None] | None = None,
    is_many: bool = False, **options: Any,
) -> None:  # fmt: skip
    """A table of `rows` by pages, from the page that holds the first of those `chosen`.

    `listing_of` says the rows of a page in words; `on_choice` is given what the page's rows stand
    for when one is chosen (several may be: `is_many`), `chosen` are the rows marked as such, by
    their index; `options` go to `st.dataframe`.
    """
    table = st.container()
    marked = [rows.index.get_loc(one) for one in chosen if one in rows.index]
    start = marked[0] if marked else 0
    pages = max(math.ceil(len(rows) / ROWS_A_PAGE), 1)
    page = 1
    if pages > 1:
        page = st.pagination(
            pages, default=min(start // ROWS_A_PAGE + 1, pages), key=f"{key}_page_{pages}"
        )
    first = (page - 1) * ROWS_A_PAGE
    shown = rows.iloc[first : first + ROWS_A_PAGE]
    listing = listing_of(shown)
    if pages > 1:
        st.caption(
            say(
                "table.page",
                first=number_in(language(), first + 1),
                last=number_in(language(), first + len(shown)),
                all=number_in(language(), len(rows)),
            )
        )
    helps = {name: st.column_config.Column(help=words) for name, words in listing.helps.items()}
    if on_choice is not None:
        mode = "multi-row" if is_many else "single-row"
        options |= {"on_select": partial(on_choice, listing.ids), "selection_mode": mode}
        if here := [row - first for row in marked if 0 <= row - first < len(shown)]:
            options["selection_default"] = {"selection": {"rows": here}}
    table.dataframe(
        listing.styled,
        hide_index=True,
        column_config=helps,
        key=key,
        placeholder=NO_VALUE,
        **options,
    )
