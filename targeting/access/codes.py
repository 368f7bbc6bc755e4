"""The second factor: six digits from a telephone (RFC 6238, by pyotp), each of use once."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from typing import Final

import pyotp

ISSUER: Final = "Relance"
STEP_SECONDS: Final = 30
_CODE: Final = re.compile(r"\d{6}")


def new_code_secret() -> str:
    """A secret to be scanned by the telephone."""
    return pyotp.random_base32()


def code_address(secret: str, login: str) -> str:
    """What the square to scan holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def step_of_code(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The time step whose code this is, one before and one after allowed; nothing if it is none's.

    A step not later than the last one used is refused: a code seen over a shoulder is of no use.
    """
    plain = "".join(code.split())
    if _CODE.fullmatch(plain) is None or not plain.isascii():
        return None
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(totp.generate_otp(step), plain):
            found = step
    if found is None or (last_step is not None and found <= last_step):
        return None
    return found
