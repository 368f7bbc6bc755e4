"""What lets a browser in at one desk, where nobody has an account: addresses of one use."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Keys:
    """What lets a browser in: one address not yet used, and a cookie for each that used one.

    Kept in memory alone: a server that stops forgets them. `tell` is given each new address's token
    and the origin it is for, once the one before is spent.
    """

    tell: Callable[[str, str], None] = lambda _token, _origin: None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    _cookies: set[bytes] = field(default_factory=set)

    def spend(self, token: str, origin: str) -> str | None:
        """A cookie for this token, which is good no more; nothing for any other."""
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return None
        cookie = secrets.token_urlsafe(32)
        self._cookies.add(_digest(cookie))
        self.token = secrets.token_urlsafe(24)
        self.tell(self.token, origin)
        return cookie

    def knows(self, cookie: str) -> bool:
        """Whether this server gave that cookie."""
        return _digest(cookie) in self._cookies


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
