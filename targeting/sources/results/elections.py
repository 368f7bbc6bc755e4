"""Which election a results file holds: told from its content, never from its name alone.

The contest is the one whose nuances (or candidates, or lists) the file bears, by the bloc table,
among the kinds of election that its layout is published for. The round comes from the file, or from
how many stand and under which panel numbers: a first round numbers them from 1 without a gap, a
second keeps the numbers of those who stay. Two presidential second rounds had the same two
candidates: they are told apart by the roll (the first rounds already imported, or the published
totals).
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd
import polars as pl

from targeting.codes import Election, parse_election_id
from targeting.errors import SourceError
from targeting.sources.results.blocs import Contest, contests, distinct_lines
from targeting.sources.results.counts import Results

SECOND_ROUND_LINES: Final = 4
"""A legislative second round has at most four candidates; first rounds have five and more."""

FIRST_ROUND_LINES: Final = 4
"""Four lists (or pairs) numbered 1 to 4 without a gap are a first round: in a second, the last to
stay would be the first four of the ballot. With fewer, both rounds can look so."""

GAPLESS: Final = 0.9
"""Of first rounds' stations, 99 % have panels without a gap; of second rounds', 3 to 5 % (measured
on legislative 2017 to 2024)."""

SAME_ROLL: Final = 0.01
"""Two rounds of one spring: the median station's roll moves by less than 1 %."""

NO_NUANCE: Final = ("NC", "LNC")
"""What municipal files write where no nuance was given."""

NATIONAL_REGISTERED: Final = {
    47_582_183: "2017_pres_t1", 47_568_693: "2017_pres_t2", 47_293_103: "2017_legi_t2",
    48_747_876: "2022_pres_t1", 48_752_339: "2022_pres_t2", 48_953_748: "2022_legi_t1",
}  # fmt: skip
"""Registered voters of the whole publication (Ministère de l'Intérieur) → its election."""

MOST_DEPARTMENTS_OF_A_REGION: Final = 13
"""Occitanie has 13 departments, no region more: a file of 14 means the whole country."""

EVERYWHERE: Final = frozenset(
    [f"{n:02d}" for n in range(1, 96) if n != 20] + ["2A", "2B", "971", "972", "973", "974", "976"]
)
"""The 101 departments, where nearly all elections are held."""

NOT_HELD: Final = {  # kind: departments without that election
    "dpmt": frozenset(("75", "972", "973", "2A", "2B")),
    "cant": frozenset(("75",)),
    "regi": frozenset(("976",)),
}

_NAMED: Final = re.compile(r"(?i)(PR|PRES\w*|LG|LEG\w*)[ _-]?(?:20)?(\d{2})\D.*?T([12])(?!\d)")


def recognise_election(
    results: Results,
    blocs: pd.DataFrame,
    rolls: dict[str, pd.Series],
    *,
    election_id: str | None = None,
    possible: list[str] | None = None,
) -> str:
    """The election of a file, as `2022_legi_t1`.

    Parameters
    ----------
    results
        The file, read.
    blocs
        The bloc table (BlocRows).
    rolls
        Registered voters per station (indexed by station_id) of the elections already imported.
    election_id
        What the user says; checked against the content.
    possible
        `possible_elections` of the file, where it is known already.

    Raises
    ------
    SourceError
        If the content fits no election, fits several, or fits not the one given; the message
        says which `--election` to give.
    """
    possible = possible_elections(results, blocs) if possible is None else possible
    if election_id is not None:
        return _confirmed(results, parse_election_id(election_id).election_id, possible, rolls)
    if not possible:
        if results.shares is not None or not results.turnout.height:
            _refuse_unsaid(results)
        lines = _heaviest(results)
        raise SourceError(
            results.name,
            f"no election known here has these lines: {', '.join(lines)}.",
            way_out="Say which with --election (as 2022_legi_t1) and add their blocs to blocs.csv.",
        )
    if len(possible) > 1:
        possible = _told_apart(results, possible, rolls)
    if len(possible) > 1:
        reason = "same candidates" if _same_round(possible) else "nothing in it tells the round"
        raise SourceError(
            results.name,
            f"it can be {' or '.join(possible)}: {reason}.",
            way_out=f"Say which: --election {possible[0]} or --election {possible[-1]}.",
        )
    return possible[0]


def _refuse_unsaid(results: Results) -> None:
    raise SourceError(
        results.name,
        "nothing in it says which election it is.",
        way_out="Say which with --election, as 2014_muni_t1.",
    )


def _same_round(possible: list[str]) -> bool:
    return len({e[-1] for e in possible}) == 1


def _heaviest(results: Results) -> list[str]:
    """The lines with most votes, by nuance, else by name."""
    lines = distinct_lines(results.votes, by_name=True).sort("votes", descending=True)
    keys = lines.select(pl.coalesce("nuance_code", "candidate", "party_list", pl.lit("no name")))
    return keys.to_series().unique(maintain_order=True).head(6).to_list()


def possible_elections(results: Results, blocs: pd.DataFrame) -> list[str]:
    """Elections that the file's lines fit, best known first; empty when none does.

    A contest fits when it knows the lines of more than half of the votes that have a nuance (of all
    votes where none has); among those, only the ones that know most of the votes are kept.
    """
    if results.election_id is not None:
        return [results.election_id]
    if results.shares is not None:
        return []
    known = {
        contest: what
        for contest, what in contests(blocs).items()
        if contest.split("_")[1] in results.kinds and results.contest in (None, contest)
    }
    shares = _known_shares(results, known)
    best = max(shares.values(), default=0.0)
    if best <= 0.5:
        return []
    fitting = sorted(contest for contest, share in shares.items() if share >= best - 1e-9)
    if len(fitting) > 1 and results.declared:
        exact = [c for c in fitting if known[c].nuances == results.declared]
        fitting = exact or fitting
    return [f"{c}_t{n}" for c in fitting for n in _round_numbers(results, c.split("_")[1])]


def _known_shares(results: Results, known: dict[str, Contest]) -> dict[str, float]:
    """Of each contest, the share of the file's votes whose lines it knows."""
    by_name = any(what.names for what in known.values())
    lines = distinct_lines(results.votes, by_name=by_name)
    has_nuance = pl.col("nuance_code").is_not_null() & ~pl.col("nuance_code").is_in(NO_NUANCE)
    if lines.select(has_nuance.any()).item():
        lines = lines.filter(has_nuance)
    total = max(1, int(lines["votes"].sum()))
    shares = {}
    for contest, what in known.items():
        is_known = pl.col("nuance_code").is_in(sorted(what.nuances)).fill_null(False)
        if what.names:
            names = sorted(what.names)
            is_known |= pl.col("plain").is_in(names).fill_null(False)
            is_known |= pl.col("plain_list").is_in(names).fill_null(False)
        shares[contest] = int(lines.filter(is_known)["votes"].sum()) / total
    return shares


def _round_numbers(results: Results, kind: str) -> tuple[int, ...]:
    """The round, or both where nothing tells it."""
    if kind in ("euro", "refe"):
        if results.round_number == 2:
            raise SourceError(
                results.name, "it says a second round, and a European election has one round.",
                way_out="Say which election it is with --election.",
            )  # fmt: skip
        return (1,)
    if results.round_number is not None:
        return (results.round_number,)
    per_station = results.votes.group_by("station_id").agg(
        lines=pl.len(), last=pl.col("line").max()
    )
    standing, last = per_station["lines"].to_numpy(), per_station["last"].to_numpy()
    if not len(standing):
        return (1, 2)
    if kind == "pres":
        return (2,) if standing.max() == 2 else (1,)
    if kind == "legi":
        return (2,) if np.median(standing) <= SECOND_ROUND_LINES else (1,)
    return (1, 2) if results.declared else _by_panels(standing, last)


def _by_panels(standing: np.ndarray, last: np.ndarray) -> tuple[int, ...]:
    """The round that the panel numbers tell: of each station, how many stand and the last panel."""
    if np.mean(last == standing) < GAPLESS:
        return (2,)
    return (1,) if standing.max() >= FIRST_ROUND_LINES else (1, 2)


def missing_departments(departments: list[str], election_id: str) -> list[str]:
    """Departments that a file of the whole country lacks; none for a file of fewer.

    A file of more departments than any region has is taken for a national one: what it lacks of the
    101 departments is told (but those where that kind of election is not held).
    """
    there = set(departments)
    if len(there & EVERYWHERE) <= MOST_DEPARTMENTS_OF_A_REGION:
        return []
    kind = parse_election_id(election_id).kind
    return sorted(EVERYWHERE - NOT_HELD.get(kind, frozenset()) - there)


def needs_rolls(results: Results, possible: list[str]) -> bool:
    """Whether only other rounds' rolls (or the user) can tell the election of this file."""
    several = len(possible) > 1 and _same_round(possible)
    return several and _published(results) not in possible


def _confirmed(
    results: Results, election_id: str, possible: list[str], rolls: dict[str, pd.Series]
) -> str:
    """The user's word, unless the content says plainly another election of a known contest."""
    if possible and election_id not in possible:
        raise SourceError(
            results.name,
            f"--election {election_id} was given, but its lines are those of "
            f"{' or '.join(possible)}.",
            way_out=f"Give --election {possible[0]}, or no --election at all.",
        )
    _refuse_other_kind(results, parse_election_id(election_id))
    counted = _told_by_counts(results, possible, rolls) if len(possible) > 1 else None
    if counted not in (None, election_id):
        raise SourceError(
            results.name,
            f"--election {election_id} was given, but its registered voters are those of "
            f"{counted}.",
            way_out=f"Give --election {counted}, or no --election at all.",
        )
    return election_id


def _refuse_other_kind(results: Results, election: Election) -> None:
    """A layout that is never published for that kind of election."""
    if election.kind not in results.kinds:
        raise SourceError(
            results.name,
            f"--election {election.election_id} was given, but its columns are those of "
            f"{' or '.join(results.kinds)}.",
            way_out="Give the election of that kind, or no --election at all.",
        )


def _told_apart(results: Results, possible: list[str], rolls: dict[str, pd.Series]) -> list[str]:
    """Choose by published totals, then by the rolls imported, then by the ministry's file name."""
    if counted := _told_by_counts(results, possible, rolls):
        return [counted]
    if found := _NAMED.search(results.name):
        kind = "pres" if found[1].upper().startswith("PR") else "legi"
        named = f"20{found[2]}_{kind}_t{found[3]}"
        if named in possible:
            return [named]
    return possible


def _told_by_counts(
    results: Results, possible: list[str], rolls: dict[str, pd.Series]
) -> str | None:
    """The one election whose published total, or whose other round's roll, is that of the file."""
    published = _published(results)
    if published in possible:
        return published
    gaps = {e: gap for e in possible if (gap := _roll_gap(results, e, rolls)) is not None}
    close = [e for e, gap in gaps.items() if gap <= SAME_ROLL]
    return close[0] if len(close) == 1 else None


def _published(results: Results) -> str | None:
    return NATIONAL_REGISTERED.get(int(results.turnout["registered"].sum()))


def _roll_gap(results: Results, election_id: str, rolls: dict[str, pd.Series]) -> float | None:
    """Median relative gap of the roll with another round of the same contest, if imported."""
    contest = parse_election_id(election_id).contest
    now = pd.Series(
        results.turnout["registered"].to_numpy(), index=results.turnout["station_id"].to_list()
    )
    for other, roll in rolls.items():
        if other.rsplit("_", 1)[0] != contest:
            continue
        then = roll.reindex(now.index)
        both = then.notna() & (then > 0)
        if both.any():
            return float(((now - then).abs() / then)[both].median())
    return None
