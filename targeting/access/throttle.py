"""How long a guesser waits: longer each time, never for good (TRUST SEC-04)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FREE: Final = 5
"""Failures of one account that cost nothing."""

FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 300.0

FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""Failures older than this count no more."""

WINDOW: Final = timedelta(minutes=1)
MOST_AN_ADDRESS: Final = 20
MOST_IN_ALL: Final = 100
"""Tries within WINDOW, from one address and from all."""


@dataclass(frozen=True)
class Tries:
    """What is known of one account's failures, or of one address's tries.

    count: failures in a row (or tries within the window that began at `since`); last: the latest.
    """

    count: int
    since: datetime
    last: datetime


def seconds_to_wait(failures: Tries | None, now: datetime) -> float:
    """Seconds until the account may be tried again, zero where it may now.

    Five failures are free, the sixth try waits 1 s, then 2, 4 … 300: at most about 60 tries an
    hour on one account. A clock that was set back counts as no time gone by: who guesses gains
    nothing, who owns the account waits five minutes at most.
    """
    if failures is None or failures.count < FREE or now - failures.last > FORGOTTEN_AFTER:
        return 0.0
    wait = min(FIRST_WAIT * 2.0 ** min(failures.count - FREE, 20), LONGEST_WAIT)
    gone = max((now - failures.last).total_seconds(), 0.0)
    return max(wait - gone, 0.0)


def by_this_clock(tries: Tries | None, now: datetime) -> Tries | None:
    """Tries that a clock which was ahead wrote down are as if made now: what was wrong with it does
    not keep anybody out until its day comes."""
    if tries is None or tries.last <= now:
        return tries
    return Tries(tries.count, min(tries.since, now), now)


def one_more(tries: Tries | None, now: datetime) -> Tries:
    """Another failure of an account."""
    if tries is None or now - tries.last > FORGOTTEN_AFTER:
        return Tries(1, now, now)
    return Tries(tries.count + 1, tries.since, now)


def one_more_in_window(tries: Tries | None, now: datetime) -> Tries:
    """Another try from an address."""
    if tries is None or not timedelta(0) <= now - tries.since < WINDOW:
        return Tries(1, now, now)
    return Tries(tries.count + 1, tries.since, now)


def is_flood(tries: Tries | None, now: datetime, most: int) -> bool:
    """Whether as many tries as are allowed came within the window already."""
    return tries is not None and tries.count >= most and timedelta(0) <= now - tries.since < WINDOW
