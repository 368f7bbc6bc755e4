"""The ledger and the health of the data in words: what a strategist reads of the stations' past."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from targeting.codes import ELECTION_ID, station_label
from targeting.locale import count_in, election_in, number_in, percent_in, text_in
from targeting.locale.glossary import column_helps
from targeting.maps.listing import Listing, Say

MOST_NAMED: Final = 4
"""Stations named in one sentence; the others are counted."""

MARKS: Final = {
    "complete": "●", "carried": "◐", "uncertain": "?", "settled": "–", "lost": "✕", "absent": "·",
}  # fmt: skip
"""Sign of each status in the matrix: read without colour."""


def vintage_in(language: str, vintage: str) -> str:
    """An election in words, or the year of a roll."""
    if ELECTION_ID.match(vintage):
        return election_in(language, vintage)
    return text_in(language, "ledger.roll", year=vintage)


def ledger_sentence(row: Any, language: str) -> str:
    """Where one station's past comes from, in a sentence (`row`: a row of the Ledger)."""
    then = [station_label(s) for s in str(row.stations_then).split()]
    named = ", ".join(then[:MOST_NAMED])
    if len(then) > MOST_NAMED:
        named += " " + count_in(language, "ledger.and_others", len(then) - MOST_NAMED)
    kind = row.kind if then or row.kind in ("lost", "gone") else "scattered"
    sentence = text_in(
        language,
        f"ledger.is.{kind}",
        stations=named,
        people=number_in(language, row.registered),
        own=percent_in(language, row.history_share, decimals=0),
    )
    if row.kind in ("lost", "gone"):
        return sentence
    told = f"{sentence} {text_in(language, f'ledger.basis.{row.basis}')}"
    return f"{told} {text_in(language, 'ledger.uncertain')}" if row.is_uncertain else told


def least_sure_first(ledger: pd.DataFrame) -> pd.DataFrame:
    """Rows of the Ledger by how much of their past is their own, what is least so first."""
    own = ledger["history_share"] * ledger["confidence"]
    return ledger.assign(own=own).sort_values(["own", "station_id"]).drop(columns="own")


def ledger_listing(ledger: pd.DataFrame, language: str) -> Listing:
    """Rows of the Ledger of one vintage as a screen's table shows them, in their order."""
    rows = ledger

    def title(column: str) -> str:
        return text_in(language, f"ledgercol.{column}")

    def percent(value: Any) -> str:
        return percent_in(language, value, decimals=0)

    columns: dict[str, tuple[Any, Say]] = {
        "station": ([station_label(s) for s in rows["station_id"]], str),
        "kind": ([text_in(language, f"ledger.kind.{k}") for k in rows["kind"]], str),
        "sentence": ([ledger_sentence(row, language) for row in rows.itertuples()], str),
        "own": (rows["history_share"], percent),
        "confidence": (rows["confidence"], percent),
        "registered": (rows["registered"], lambda value: number_in(language, value)),
    }
    table = pd.DataFrame({title(k): pd.Series(list(v)) for k, (v, _) in columns.items()})
    say = {title(k): speak for k, (_, speak) in columns.items()}
    helps = column_helps(language, columns, table="ledgercol")
    helps |= {title(k): text_in(language, f"ledgercol.{k}.help") for k in ("own", "confidence")}
    return Listing(list(rows["station_id"]), table, say, helps)


def with_sentences(ledger: pd.DataFrame, language: str) -> pd.DataFrame:
    """The Ledger with a column `sentence`, for a file that a person reads."""
    sentences = [ledger_sentence(row, language) for row in ledger.itertuples()]
    return ledger.assign(sentence=pd.Series(sentences, index=ledger.index, dtype="str"))


def health_listing(
    counts: pd.DataFrame,
    uncertain: Mapping[str, float],
    errors: Mapping[str, float],
    language: str,
) -> Listing:
    """One row an election: stations of each status, share uncertain, error of the carried rolls."""
    columns: dict[str, tuple[Any, Say]] = {
        text_in(language, "healthcol.election"): (
            [vintage_in(language, str(e)) for e in counts.index], str,
        ),
    }  # fmt: skip
    for status in counts.columns:
        columns[f"{MARKS[status]} {text_in(language, f'health.{status}')}"] = (
            counts[status].to_list(),
            lambda value: number_in(language, value),
        )
    for name, values in (("uncertain", uncertain), ("error", errors)):
        columns[text_in(language, f"healthcol.{name}")] = (
            [values.get(str(e)) for e in counts.index],
            lambda value: percent_in(language, value),
        )
    table = pd.DataFrame({k: pd.Series(list(v)) for k, (v, _) in columns.items()})
    return Listing(list(counts.index), table, {k: speak for k, (_, speak) in columns.items()})


def most_trouble_first(matrix: pd.DataFrame) -> pd.DataFrame:
    """Stations × elections, stations with the most trouble first."""
    trouble = matrix.isin(["uncertain", "lost", "absent"]).sum(axis=1)
    return matrix.loc[trouble.sort_values(ascending=False, kind="stable").index]


def matrix_listing(matrix: pd.DataFrame, language: str) -> Listing:
    """Stations × elections, one sign a cell, in their order."""
    shown, order = matrix, matrix.index
    columns = {text_in(language, "ledgercol.station"): [station_label(s) for s in order]}
    for election in matrix.columns:
        columns[vintage_in(language, election)] = [MARKS[s] for s in shown[election]]
    return Listing(list(order), pd.DataFrame(columns), dict.fromkeys(columns, str))


def source_listing(sources: pd.DataFrame, language: str) -> Listing:
    """Sources of the workspace, oldest first."""

    def title(column: str) -> str:
        return text_in(language, f"sourcecol.{column}")

    def count(value: Any) -> str:
        return number_in(language, value)

    columns: dict[str, tuple[Any, Say]] = {
        "kind": ([text_in(language, f"source.{k}") for k in sources["kind"]], str),
        "name": (sources["name"], str),
        "vintage": (sources["vintage"], str),
        "publisher": (sources["publisher"], str),
        "licence": (sources["licence"], str),
        "rows": (sources["rows"], count),
        "imported_on": (sources["imported_on"], str),
        "age_days": (sources["age_days"], count),
    }
    table = pd.DataFrame({title(k): pd.Series(list(v)) for k, (v, _) in columns.items()})
    return Listing(
        list(sources["name"]), table, {title(k): speak for k, (_, speak) in columns.items()}
    )
