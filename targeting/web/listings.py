"""Tables by pages, and the place that they are of."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence, Set
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st
from pandas import DataFrame
from streamlit.delta_generator import DeltaGenerator

from targeting.codes import department_of
from targeting.locale import NO_VALUE, number_in
from targeting.maps.areas import Areas
from targeting.maps.listing import Listing
from targeting.maps.once import Once
from targeting.web.words import language, plain, say, told
from targeting.web.workbench import write_address

ROWS_A_PAGE: Final = 500
"""Rows of a table sent at once: a country has 70,000."""

MOST_COMMUNES: Final = 1000
"""Communes in one list to choose from; more are chosen by department first."""

IN_ADDRESS: Final = {"department": "dep", "commune": "com"}
"""Parameters of the page's address that hold where one looks."""

LONGEST_CODE: Final = 12
"""Characters told of a place that is none."""

AREA_READ: Final = "area_read"
LOST: Final = "area_lost"
"""Keys of the session: whether the address was read, and what it asked for that is not there."""


def choose_area(
    stations: pd.Index, *, tell: DeltaGenerator | None = None, once: Once | None = None
) -> pd.Index:
    """Stations of the department and commune that the user chooses; all where there is but one.

    A country's stations are chosen among step by step: no list holds them all. What is chosen
    stands in the page's address; a place asked for there that is not one of these is told, in
    `tell` where it is given (as when the boxes are folded away). `once`: what keeps where these
    stations are, as long as they are the same.
    """
    areas = (once or Once()).of("areas", lambda: Areas(stations))
    _read_area(areas.communes, areas.departments)
    if lost := st.session_state.get(LOST, []):
        words = told("area.lost", len(lost), places=plain(", ".join(lost)))
        (st if tell is None else tell).warning(words)
    department = commune = None
    if len(areas.communes) > 1:
        one, two = st.columns(2)
        if len(areas.departments) > 1:
            department = _choose(one, "department", areas.departments)
        if department is not None or len(areas.communes) <= MOST_COMMUNES:
            commune = _choose(two, "commune", areas.communes_of(department))
    write_address(IN_ADDRESS["department"], department or "")
    write_address(IN_ADDRESS["commune"], commune or "")
    return areas.within(department, commune)


def _read_area(communes: Set[str], departments: Set[str]) -> None:
    """What the address asks for, once a session; a commune brings its department with it."""
    if AREA_READ in st.session_state:
        return
    st.session_state[AREA_READ] = True
    found = {}
    for kind, known in (("department", departments), ("commune", communes)):
        asked = st.query_params.get(IN_ADDRESS[kind], "")
        if asked in known:
            found[kind] = asked
        elif asked:
            st.session_state.setdefault(LOST, []).append(asked[:LONGEST_CODE])
    if "commune" in found:
        found["department"] = department_of(found["commune"])
    st.session_state.update(found)


def _choose(box: DeltaGenerator, kind: str, codes: Collection[str]) -> str | None:
    """One of these codes or none; a choice made before that is not among them any more is none."""
    if st.session_state.get(kind) not in (None, *codes):
        st.session_state[kind] = None
    chosen: str | None = box.selectbox(
        say(f"area.{kind}"), sorted(codes), index=None, key=kind, on_change=_is_read,
        placeholder=say(f"area.every_{kind}"), persist_state="session",
    )  # fmt: skip
    return chosen


def _is_read() -> None:
    """Whoever chooses has read what the link lacked."""
    st.session_state.pop(LOST, None)


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
