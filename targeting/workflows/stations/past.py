"""What became of stations, and what the data is worth, as screens show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from targeting.config import Workspace
from targeting.maps.ledger import with_sentences
from targeting.stations.ledger import carried_error, ledger_counts
from targeting.workflows.access.asks import asks
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.board import csv_bytes
from targeting.workflows.stations.health import Health
from targeting.workflows.stations.history import station_past


@dataclass(frozen=True)
class PastBoard:
    """The ledger of the campaign's stations.

    vintages: newest first, those of today's own election left out where there are others;
    counts: see `ledger_counts`.
    """

    ledger: pd.DataFrame
    counts: pd.DataFrame
    vintages: list[str]


@asks("places.see")
def load_past(workspace: Workspace) -> PastBoard:
    """The ledger of the campaign's communes. Raises WorkspaceError before any results."""
    communes = campaign_card(workspace).communes or None
    past = station_past(workspace, communes)
    counts = ledger_counts(past.ledger)
    own = set(past.history.now["vintage"])
    contests = {v.rsplit("_", 1)[0] for v in own}
    older = [v for v in reversed(counts.index) if v.rsplit("_", 1)[0] not in contests]
    vintages = older or list(counts.index)
    return PastBoard(past.ledger, counts, vintages)


def choose_ledger(
    past: PastBoard, vintage: str, *, kinds: Sequence[str] = (), only_uncertain: bool = False
) -> pd.DataFrame:
    """Rows of the ledger of one vintage, of these kinds (all if none is named)."""
    rows = past.ledger[past.ledger["vintage"] == vintage]
    if kinds:
        rows = rows[rows["kind"].isin(list(kinds))]
    return rows[rows["is_uncertain"]] if only_uncertain else rows


def of_these(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Those rows of the ledger whose station is one of the others'."""
    return rows[rows["station_id"].isin(others["station_id"])]


def settled(rows: pd.DataFrame) -> pd.Series:
    """Whether each row is of a station that did not move, and whose past is sure."""
    return (rows["kind"] == "identity") & ~rows["is_uncertain"]


def carried_error_of(rows: pd.DataFrame) -> float:
    """How far the rolls carried over are from those of now: see `ledger.carried_error`."""
    return carried_error(rows[rows["kind"] != "gone"])


def ledger_csv(rows: pd.DataFrame, language: str) -> bytes:
    """Rows of the ledger with a sentence each, as a CSV through the exports' safe cells."""
    return csv_bytes(with_sentences(rows, language))


def health_csv(health: Health) -> bytes:
    """Status of each station at each election, as a CSV."""
    return csv_bytes(health.matrix.reset_index())
