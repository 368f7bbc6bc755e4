"""What the screens of proof answer in plain words, the answer first: the past, the scenario."""

from __future__ import annotations

from typing import Any

import pandas as pd

from targeting.codes import LEDGER_KINDS
from targeting.locale import count_in, number_in, percent_in, text_in
from targeting.scoring.scenario import MEASURED


def past_verdict(ledger: pd.DataFrame, language: str) -> list[str]:
    """What became of the stations of one vintage, the answer first; then how sure their past is.

    `ledger`: rows of the Ledger of one vintage.
    """
    today = ledger[ledger["kind"] != "gone"]
    every = number_in(language, len(today))
    moved = int((today["kind"] != "identity").sum())
    key = "ledger.verdict.moved"
    lines = [
        count_in(language, key, moved, all=every)
        if moved
        else text_in(language, "ledger.verdict.none", all=every)
    ]
    lost = int((today["kind"] == "lost").sum())
    doubtful = int((today["is_uncertain"] & (today["kind"] != "lost")).sum())
    gone = len(ledger) - len(today)
    for name, count in (("uncertain", doubtful), ("lost", lost), ("gone", gone)):
        if count:
            lines.append(count_in(language, f"ledger.verdict.{name}", count))
    if len(lines) == 1:
        lines.append(text_in(language, "ledger.verdict.sure"))
    return lines


def moved_kinds(ledger: pd.DataFrame) -> list[tuple[str, int]]:
    """What became of stations, with how many: those that moved first, the unchanged last."""
    counts = ledger["kind"].value_counts()
    order = [*(k for k in LEDGER_KINDS if k != "identity"), "identity"]
    return [(kind, int(counts[kind])) for kind in order if counts.get(kind, 0)]


def scenario_verdict(
    total: tuple[float, float],
    turnout: tuple[int, int],
    reservoir: pd.Series,
    language: str,
    **rounds: Any,
) -> list[str]:
    """What a scenario brings, the answer first; where half of it lies; how far it was wrong.

    total: lowest and highest number of votes; turnout: of the sliders, in per cent; reservoir:
    people by station. `rounds`: `low` and `low_election`, in words.
    """
    low, high = (round(end) for end in total)
    ends = [percent_in(language, end / 100, decimals=0) for end in turnout]
    between = (
        ends[0]
        if turnout[0] == turnout[1]
        else text_in(language, "scenario.between", low=ends[0], high=ends[1])
    )
    if high == 0:
        return [text_in(language, "scenario.verdict.none", turnout=between, **rounds)]
    votes = number_in(language, high)
    if low != high:
        votes = text_in(language, "scenario.range", low=number_in(language, low), high=votes)
    lines = [text_in(language, "scenario.verdict.votes", turnout=between, votes=votes)]
    largest = reservoir.fillna(0.0).sort_values(ascending=False).cumsum()
    half = int((largest < largest.iloc[-1] / 2).sum()) + 1
    if len(largest) > 1:
        every = number_in(language, len(largest))
        lines.append(count_in(language, "scenario.verdict.half", half, all=every))
    least, most = (number_in(language, 100 * part) for part in MEASURED)
    return [*lines, text_in(language, "scenario.verdict.honest", least=least, most=most)]
