"""Which election a results file holds: told from its content, never from its name alone.

The contest is the one whose nuances (or candidates) the file bears, by the bloc table; the round
comes from how many candidates stand. Two presidential second rounds had the same two candidates:
they are told apart by the roll (the first rounds already imported, or the published totals).
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd
import polars as pl

from targeting.codes import parse_election_id
from targeting.errors import SourceError
from targeting.sources.blocs import contests, line_keys
from targeting.sources.counts import Results

SECOND_ROUND_LINES: Final = 4
"""A legislative second round has at most four candidates; first rounds have five and more."""

SAME_ROLL: Final = 0.01
"""Two rounds of one spring: the median station's roll moves by less than 1 %."""

NATIONAL_REGISTERED: Final = {
    47_582_183: "2017_pres_t1", 47_568_693: "2017_pres_t2", 47_293_103: "2017_legi_t2",
    48_747_876: "2022_pres_t1", 48_752_339: "2022_pres_t2", 48_953_748: "2022_legi_t1",
}  # fmt: skip
"""Registered voters of the whole publication (Ministère de l'Intérieur) → its election."""

_NAMED: Final = re.compile(r"(?i)(PR|PRES\w*|LG|LEG\w*)[ _-]?(?:20)?(\d{2})\D.*?T([12])(?!\d)")


def recognise_election(
    results: Results,
    blocs: pd.DataFrame,
    rolls: dict[str, pd.Series],
    *,
    election_id: str | None = None,
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

    Raises
    ------
    SourceError
        If the content fits no election, fits several, or fits not the one given; the message
        says which `--election` to give.
    """
    possible = possible_elections(results, blocs)
    if election_id is not None:
        return _confirmed(results, parse_election_id(election_id).election_id, possible, rolls)
    if not possible:
        lines = line_keys(results.votes).sort("votes", descending=True)["key"].head(6).to_list()
        raise SourceError(
            results.name,
            f"no election known here has these lines: {', '.join(lines)}.",
            way_out="Say which with --election (as 2022_legi_t1) and add their blocs to blocs.csv.",
        )
    if len(possible) > 1:
        possible = _told_apart(results, possible, rolls)
    if len(possible) > 1:
        raise SourceError(
            results.name,
            f"it can be {' or '.join(possible)}: same candidates.",
            way_out=f"Say which: --election {possible[0]} or --election {possible[-1]}.",
        )
    return possible[0]


def possible_elections(results: Results, blocs: pd.DataFrame) -> list[str]:
    """Elections that the file's lines fit, best known first; empty when none does.

    A contest fits when it knows the lines of more than half of the votes; among those, only the
    ones that know most of the votes are kept.
    """
    lines = line_keys(results.votes)
    presidential = lines["nuance_code"].is_null().all()
    total = max(1, int(lines["votes"].sum()))
    known = {
        contest: int(lines.filter(pl.col("key").is_in(sorted(keys)))["votes"].sum()) / total
        for contest, keys in contests(blocs).items()
        if contest.endswith("_pres") == presidential
    }
    best = max(known.values(), default=0.0)
    if best <= 0.5:
        return []
    fitting = sorted(contest for contest, share in known.items() if share >= best - 1e-9)
    return [f"{contest}_t{_round_number(results)}" for contest in fitting]


def _round_number(results: Results) -> int:
    per_station = results.votes.group_by("station_id").len()["len"].to_numpy()
    if results.votes["nuance_code"].is_null().all():
        return 2 if per_station.max() == 2 else 1
    return 2 if np.median(per_station) <= SECOND_ROUND_LINES else 1


def needs_rolls(results: Results, blocs: pd.DataFrame) -> bool:
    """Whether only other rounds' rolls (or the user) can tell the election of this file."""
    possible = possible_elections(results, blocs)
    return len(possible) > 1 and _published(results) not in possible


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
    counted = _told_by_counts(results, possible, rolls) if len(possible) > 1 else None
    if counted not in (None, election_id):
        raise SourceError(
            results.name,
            f"--election {election_id} was given, but its registered voters are those of "
            f"{counted}.",
            way_out=f"Give --election {counted}, or no --election at all.",
        )
    return election_id


def _told_apart(
    results: Results, possible: list[str], rolls: dict[str, pd.Series]
) -> list[str]:
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
