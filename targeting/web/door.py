"""Who is inside, in a team: sessions looked up once a second, sockets closed when theirs ends."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targeting.access.roles import Actor
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.workflows.access import door as service
from targeting.workflows.access import team

TEAM: Final = "RELANCE_TEAM"
"""Environment variable: set, nobody comes in without an account, be there none yet."""

MOST_INSIDE: Final = "RELANCE_MOST_SESSIONS"
"""Environment variable: sockets of one process, beyond which a page asks to wait."""

MOST: Final = 80
LOOK_SECONDS: Final = 1.0
"""How long what was looked up is believed, and how often sockets are looked after: a session that
has ended is out within twice that."""

QUOTA_BYTES: Final = 500 * 10**6
QUOTA_SECONDS: Final = 3600.0
"""What one session may send in files within an hour."""

POLICY_VIOLATION: Final = 1008


@dataclass(frozen=True)
class Inside:
    """A live session as the gate knows it."""

    id: str
    actor: Actor
    must_set_code: bool = False

    @property
    def may_upload(self) -> bool:
        """Whether a screen of this role takes files."""
        return any(self.actor.may(a, own=True) for a in ("files.import", "people.import"))


@dataclass(eq=False)
class Socket:
    """One open socket of a session."""

    send: Send
    waiting: asyncio.Future[Message] | None = None
    is_over: bool = False


@dataclass
class Door:
    """The sessions of one server process."""

    workspace: Callable[[], Workspace]
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Inside | None]] = field(default_factory=dict)
    _team: tuple[float, bool] = (-1e9, False)
    _sockets: dict[str, set[Socket]] = field(default_factory=lambda: defaultdict(set))
    _used: set[str] = field(default_factory=set)
    _sent: dict[str, tuple[float, int]] = field(default_factory=dict)

    async def is_team(self) -> bool:
        """Whether accounts are asked for: set from outside, or there are some."""
        if os.environ.get(TEAM):
            return True
        when, found = self._team
        if self.clock() - when >= LOOK_SECONDS:
            found = found or await asyncio.to_thread(self._look_for_accounts)
            self._team = (self.clock(), found)
        return found

    def _look_for_accounts(self) -> bool:
        try:
            return team.is_team(self.workspace())
        except (TargetingError, OSError):
            # a database that cannot be read lets nobody in who was not: a campaign that had
            # accounts has its sessions in it; one desk's cookie still opens the page that says why
            return self._team[1]

    async def whose(self, secret: str) -> Inside | None:
        """Whose live session this cookie is; believed for a second."""
        now = self.clock()
        if (kept := self._known.get(secret)) is not None and now - kept[0] < LOOK_SECONDS:
            return kept[1]
        found = await asyncio.to_thread(self._look_up, secret)
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[secret] = (now, found)
        return found

    def _look_up(self, secret: str) -> Inside | None:
        here = self.workspace()
        known = service.who_is(here, secret)
        if known is None:
            return None
        return Inside(known.id, known.actor, service.must_set_code(here, known.actor))

    def forget(self, secret: str) -> None:
        """Look this cookie up again at its next request."""
        self._known.pop(secret, None)

    # -- sockets -----------------------------------------------------------------------------------

    async def watched(
        self, inside: Inside, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run a socket for as long as its session lives."""
        one = Socket(send)

        async def heard() -> Message:
            if one.is_over:
                return _over()
            one.waiting = asyncio.ensure_future(receive())
            try:
                message = await one.waiting
            except asyncio.CancelledError:
                if one.is_over:
                    return _over()
                raise
            finally:
                one.waiting = None
            self._used.add(inside.id)
            return message

        async def said(message: Message) -> None:
            if not one.is_over:
                await send(message)

        self._sockets[inside.id].add(one)
        try:
            await app(scope, heard, said)
        finally:
            one.is_over = True
            self._sockets[inside.id].discard(one)
            if not self._sockets[inside.id]:
                del self._sockets[inside.id]

    async def close(self, session_id: str) -> int:
        """Close the sockets of a session; gives how many."""
        ours = [s for s in self._sockets.get(session_id, ()) if not s.is_over]
        for one in ours:
            one.is_over = True
            with suppress(RuntimeError, OSError):  # the browser may have gone first
                await one.send({"type": "websocket.close", "code": POLICY_VIOLATION})
            if one.waiting is not None:
                one.waiting.cancel()
        return len(ours)

    async def watch(self) -> None:
        """Look after the sockets, once a second, until the server stops."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look_after()

    async def look_after(self) -> None:
        """Close the sockets of sessions that have ended; write down which are in use."""
        used, watched = self._used, set(self._sockets)
        self._used = set()
        if not used and not watched:
            return
        try:
            live = await asyncio.to_thread(service.still_live, self.workspace(), used, watched)
        except TargetingError:
            return  # the database does not answer: nobody is thrown out, pages say why
        for session_id in watched - live:
            await self.close(session_id)

    def is_full(self, inside: Inside) -> bool:
        """Whether as many are inside as this process serves well, and this session is not one."""
        most = int(os.environ.get(MOST_INSIDE) or MOST)
        return inside.id not in self._sockets and (
            sum(len(s) for s in self._sockets.values()) >= most
        )

    def takes(self, inside: Inside, length: str | None) -> bool:
        """Whether a file of that length is within what this session may send in an hour."""
        if length is None or not (length.isascii() and length.isdigit()):
            return False
        now = self.clock()
        since, sent = self._sent.get(inside.id, (now, 0))
        if now - since >= QUOTA_SECONDS:
            since, sent = now, 0
        if sent + int(length) > QUOTA_BYTES:
            return False
        self._sent[inside.id] = (since, sent + int(length))
        return True


def _over() -> dict[str, Any]:
    return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
