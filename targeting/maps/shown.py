"""The stations shown, as a table for a human: headings, numbers and words of a language."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from targeting.codes import commune_of, station_label
from targeting.locale import date_in, reason_in, text_in
from targeting.maps.board import Board, published_count, station_place


def shown_table(
    board: Board, rows: pd.DataFrame, language: str, *, chosen: Collection[str] = ()
) -> pd.DataFrame:
    """Rows of the board under headings that are read, in their order.

    Rates are in per cent and scores per 100 registered voters, as on the screen; counts of
    households from 1 to 10 are told as such and not given.
    """

    def hundredfold(column: str) -> list[float]:
        return list((rows[column].astype(float) * 100).round(1))

    def counted(column: str) -> list[str]:
        return [published_count(language, n) for n in rows[column]]

    share = text_in(language, f"metric.{board.share}")
    stations = list(rows.index)
    columns: dict[str, list[Any]] = {
        "rank": list(rows["priority_rank"]),
        "commune": [commune_of(s) for s in stations],
        "station": [station_label(s) for s in stations],
        "place": [station_place(board, s, language) for s in stations],
        "chosen": ["×" if s in chosen else "" for s in stations],
        "priority": hundredfold("priority"),
        "score": hundredfold("score"),
        "abstention": hundredfold("abstention_rate"),
        "share": hundredfold("left_share"),
        "registered": list(rows["registered"]),
        "reservoir": list(rows["reservoir"].round()),
        "reservoir_left": list(rows["reservoir_left"].round()),
        "households": list(rows["households"]),
        "visited": counted("households_visited"),
        "contacted": counted("households_contacted"),
        "last_visit": [
            date_in(language, d) if pd.notna(d) else "" for d in rows["last_visit_date"]
        ],
        "warnings": [
            " ; ".join(reason_in(language, c) for c in str(codes).split("|") if c)
            for codes in rows["reasons"]
        ],
    }
    if not board.has_communes:
        del columns["commune"]
    if not chosen:
        del columns["chosen"]
    if not board.has_addresses:
        for column in ("households", "visited", "contacted", "last_visit"):
            del columns[column]
    return pd.DataFrame(
        {text_in(language, f"shown.{name}", share=share): of for name, of in columns.items()}
    )
