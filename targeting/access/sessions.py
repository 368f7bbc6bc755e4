"""When a session has ended, and what its cookie is (TRUST SEC-05)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
TOUCHED_EACH: Final = timedelta(minutes=1)
"""How often it is written down that a session is in use."""

CLOCK: Final = timedelta(minutes=2)
"""A clock that two machines of one team may differ by; set back by more, a session has ended."""


@dataclass(frozen=True)
class Times:
    """Moments of one session, in UTC."""

    made_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None


def is_live(times: Times, now: datetime) -> bool:
    """Whether the session still is one: idle 30 minutes at most, 12 hours old at most.

    Where the clock says that it is yet to be made, it has ended: nobody's session grows by a clock
    set back.
    """
    return (
        times.ended_at is None
        and now - times.seen_at <= IDLE
        and now - times.made_at <= LONGEST
        and times.made_at - now <= CLOCK
        and times.seen_at - now <= CLOCK
    )


def is_to_touch(times: Times, now: datetime) -> bool:
    """Whether its use is to be written down again."""
    return now - times.seen_at >= TOUCHED_EACH


def new_secret() -> str:
    """256 random bits, as the cookie or link carries them."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """The public id of an account, a session, an invitation: says nothing, opens nothing."""
    return secrets.token_hex(16)


def digest(secret: str) -> str:
    """What the database keeps of a secret: who reads it cannot use it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
