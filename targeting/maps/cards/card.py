"""The reason card of a station: why it ranks there, how many people, what was done, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from targeting.codes import station_label
from targeting.locale import (
    date_in,
    election_in,
    number_in,
    ordinal_in,
    percent_in,
    reason_in,
    text_in,
)
from targeting.maps.board import Board, few_met, published_count, station_place
from targeting.maps.cards.certainty import Bar, bar_of, source_words
from targeting.maps.cards.reasons import answer_words, reasons_of
from targeting.maps.classes import value_in
from targeting.scoring.product import ELSEWHERE, reachable


@dataclass(frozen=True)
class Card:
    """What a station's card says. `place` is as published; the rest is our own Markdown.

    A screen shows, in this order: `title` and `place`; `answer` (how sure, the rank, what to do);
    `bar` (see `certainty.Bar`: draw `low`–`high` and `point` from 0 to `top`, a tick at `mean`,
    `words` beside it; None where the figure is not known); `reasons`, three lines; `warnings`; then
    `rest` folded, each key being the heading's text key; `source` under it, small: where the
    intervals come from. `rank`, `why`, `terms`, `people`, `done` are what `rest` holds.
    """

    title: str
    place: str
    rank: str
    why: list[str]
    terms: list[str]
    people: list[str]
    done: list[str]
    warnings: list[str]
    outline: str
    answer: str
    bar: Bar | None
    reasons: list[str]
    source: str

    @property
    def rest(self) -> dict[str, list[str]]:
        """The folded lists by the key of their heading; those that are empty are left out."""
        lists = {
            "card.why": [self.rank, *self.why],
            "card.terms": self.terms,
            "card.people": self.people,
            "card.done": self.done,
        }
        return {heading: lines for heading, lines in lists.items() if lines}


def kept_card(board: Board, station_id: str, language: str) -> Card:
    """What `build_card` says, made once per board and language."""
    return board.once.of(
        ("card", station_id, language), lambda: build_card(board, station_id, language)
    )


def build_card(board: Board, station_id: str, language: str) -> Card:
    """The card of one station of the board."""
    row = board.table.loc[station_id]
    return Card(
        title=text_in(language, "card.title", number=station_label(station_id)),
        place=station_place(board, station_id, language),
        rank=_rank(board, row, language),
        why=_why(board, station_id, language),
        terms=_terms(board, station_id, language),
        people=_people(board, row, language),
        done=_done(board, row, language),
        warnings=[reason_in(language, code) for code in str(row["reasons"]).split("|") if code],
        outline=_outline(row, language),
        answer=answer_words(board, station_id, language),
        bar=bar_of(board, station_id, language),
        reasons=reasons_of(board, station_id, language),
        source=source_words(board, language),
    )


def _rank(board: Board, row: pd.Series, language: str) -> str:
    if pd.isna(row["priority_rank"]):
        return text_in(language, "card.unranked")
    score_rank = row["rank"]
    return text_in(
        language,
        "card.rank",
        rank=ordinal_in(language, int(row["priority_rank"])),
        count=number_in(language, board.ranked),
        score_rank=ordinal_in(language, int(score_rank)) if pd.notna(score_rank) else "—",
    )


def _why(board: Board, station_id: str, language: str) -> list[str]:
    row = board.table.loc[station_id]
    share = text_in(language, f"metric.{board.share}")
    lines = [_score(row, share, language)]
    if pd.notna(row["priority"]):
        priority = value_in(language, "priority", row["priority"])
        same = few_met(board, station_id)
        key = "card.priority_same" if same else "card.priority"
        met = percent_in(language, row["contacted_rate"])
        lines.append(text_in(language, key, priority=priority, rate=met))
    for election_id in board.basis.low:
        rate = percent_in(language, board.abstentions.at[station_id, election_id])
        election = election_in(language, election_id)
        lines.append(text_in(language, "card.abstention_at", election=election, rate=rate))
    election = election_in(language, board.basis.presidential)
    left = percent_in(language, row["left_share"])
    lines.append(text_in(language, "card.left_at", share=share, election=election, rate=left))
    return lines


def _terms(board: Board, station_id: str, language: str) -> list[str]:
    """Each term's part in people, against the mean station, and the rank without it."""
    if board.terms is None or pd.isna(board.terms.at[station_id, "expected"]):
        return []
    terms = board.terms.loc[station_id]
    share = text_in(language, f"metric.{board.share}")
    names = {"abstention": text_in(language, "metric.abstention"), "share": share}
    lines = [text_in(language, "card.expected", people=number_in(language, terms["expected"]))]
    for name, words in names.items():
        rank = terms[f"rank_at_mean_{name}"]
        lines.append(
            text_in(
                language,
                "card.term" if pd.notna(rank) else "card.term_unranked",
                term=words,
                people=_signed(terms[f"from_{name}"], language),
                rank=ordinal_in(language, int(rank)) if pd.notna(rank) else "",
            )
        )
    lines.append(text_in(language, "card.both", people=_signed(terms["from_both"], language)))
    if pd.notna(terms.get("rank_low")):
        lines.append(
            text_in(
                language,
                "card.rank_between",
                low=ordinal_in(language, int(terms["rank_low"])),
                high=ordinal_in(language, int(terms["rank_high"])),
                score_low=value_in(language, "score", terms["score_low"]),
                score_high=value_in(language, "score", terms["score_high"]),
            )
        )
    return lines


def _signed(people: float, language: str) -> str:
    sign = "+" if round(people) > 0 else "−" if round(people) < 0 else ""
    return f"{sign}{number_in(language, abs(round(people)))}"


def _score(row: pd.Series, share: str, language: str) -> str:
    if pd.isna(row["score"]):
        return text_in(language, "card.no_score")
    return text_in(
        language,
        "card.score",
        score=value_in(language, "score", row["score"]),
        abstention=percent_in(language, row["abstention_rate"]),
        left=percent_in(language, row["left_share"]),
        share=share[:1].lower() + share[1:],
    )


def _people(board: Board, row: pd.Series, language: str) -> list[str]:
    def number(value: Any) -> str:
        return number_in(language, value)

    low = election_in(language, board.basis.latest_low)
    can_reach = reachable(pd.Series([row["reservoir"]], dtype=float)).iloc[0]
    elsewhere = percent_in(language, ELSEWHERE, decimals=0)
    return [
        text_in(language, "card.registered", people=number(row["registered"])),
        text_in(language, "card.reservoir", people=number(row["reservoir"]), low=low),
        *_interval_lines(row, language),
        text_in(language, "card.reachable", people=number(can_reach), share=elsewhere),
        text_in(language, "card.left_to_meet", people=number(row["reservoir_left"])),
    ]


def _interval_lines(row: pd.Series, language: str) -> list[str]:
    """The reservoir's interval and the chance to be among the first, or why there is none."""
    if pd.isna(row.get("reservoir_low")):
        return [text_in(language, "card.no_interval")]
    lines = [
        text_in(
            language,
            "card.interval",
            low=number_in(language, row["reservoir_low"]),
            high=number_in(language, row["reservoir_high"]),
        )
    ]
    if pd.notna(row["top_k_probability"]):
        chance = percent_in(language, row["top_k_probability"], decimals=0)
        lines.append(text_in(language, "card.first", chance=chance))
    return lines


def _done(board: Board, row: pd.Series, language: str) -> list[str]:
    if not board.has_addresses:
        return [text_in(language, "card.no_addresses")]
    visited = published_count(language, row["households_visited"])
    lines = [
        text_in(language, "card.households", households=number_in(language, row["households"])),
        text_in(language, "card.visited", visited=visited),
        text_in(
            language,
            "card.contacted",
            contacted=published_count(language, row["households_contacted"]),
        ),
    ]
    if pd.notna(row["last_visit_date"]):
        day = date_in(language, row["last_visit_date"])
        lines.append(text_in(language, "card.last_visit", day=day))
    elif pd.notna(row["households_visited"]):
        lines.append(text_in(language, "card.no_visit"))
    return lines


def _outline(row: pd.Series, language: str) -> str:
    if pd.isna(row["origin"]):
        return text_in(language, "card.no_outline")
    return text_in(language, f"card.outline.{row['origin']}", vintage=row["vintage"])
