"""The door: who may ask anything of this server, before Streamlit hears of it.

Pure ASGI, so that pages, sockets, uploads and files pass by one place. In the order asked: our own
name (Host), our own page (Origin), no upload that no page asks for, and who asks: at one desk the
cookie of a browser that was opened with the one-time address, in a team the session of an account.
Who it is reaches the script by one header of ours, which nobody else can send.
"""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from targeting.errors import TargetingError
from targeting.web.asking import (
    Heads,
    comes_from_elsewhere,
    cookie_line,
    cookie_name,
    is_from,
    local_path,
    opens_a_page,
    parse_origin,
    query_of,
    reads,
)
from targeting.web.door import Door, Inside
from targeting.web.keys import Keys
from targeting.web.ours import OURS
from targeting.web.refusals import Refusal, ask_again, refuse
from targeting.web.screens import SCREENS

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
ORIGINS: Final = "RELANCE_ORIGINS"
"""Environment variable: other addresses browsers may open us by (`https://relance.example`)."""

OPEN_TO_ALL: Final = ("/health", "/_stcore/health")
"""Says that the server lives, and nothing else: for whoever watches over it."""

LOGIN: Final = "/login"
CODE: Final = "/code"
DOOR_HANDLES: Final = (CODE, "/logout", "/password")
"""Pages of the door for who is inside: open however many are."""

DOOR_PAGES: Final = (LOGIN, "/join", "/oidc", "/oidc/back")
"""Where somebody comes in, in a team: open to who is not in yet."""

DOOR_FILES: Final = (f"{OURS}/door.css", f"{OURS}/icon.png")
"""What the page of the door is drawn with."""

WHO: Final = b"x-relance-session"
"""The header by which the script is told whose session asks (`server.trustedUserHeaders`)."""

UPLOADING_PAGES: Final = tuple(screen.name for screen in SCREENS if screen.takes_files)
"""Screens with a field for files: without any, every upload is refused."""

UPLOADS: Final = "/_stcore/upload_file/"
UPLOADING: Final = ("PUT", "DELETE", "OPTIONS")
"""Where our own page sends a file, and how; nothing else that is called so goes further."""


def other_origins() -> tuple[str, ...]:
    """Origins set from outside, beside this machine's own names."""
    return tuple(parse_origin(part) for part in os.environ.get(ORIGINS, "").split())


class Gate:
    """Lets in what comes from our own pages, in a browser that was given a key or logged in."""

    def __init__(
        self, app: ASGIApp, *, keys: Keys, door: Door | None = None, origins: tuple[str, ...] = ()
    ) -> None:
        self.app = app
        self.keys = keys
        self.door = door
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        heads = Heads(scope)
        ours = self._our_origin(scope, heads)
        refusal = self._refusal(scope, heads, ours)
        if refusal is not None or ours is None:
            await refuse(scope, receive, send, refusal or Refusal(421, "gate.host"))
            return
        scope = {**scope, "headers": _without_who(scope), "relance_origin": ours}
        if self.door is not None and await self.door.is_team():
            await self._team(self.door, scope, receive, send, heads, ours)
        else:
            await self._desk(scope, receive, send, heads, ours)

    def _our_origin(self, scope: Scope, heads: Heads) -> str | None:
        """The origin by which the request calls us; nothing if the name is not ours."""
        host = heads.only(b"host")
        if host is None:
            return None
        port = (scope.get("server") or ("", None))[1]
        here = [parse_origin(f"http://{name}:{port}") for name in LOOPBACK_NAMES] if port else []
        named = {origin.split("://", 1)[1]: origin for origin in [*here, *self.origins]}
        return named.get(host.lower())

    def _refusal(self, scope: Scope, heads: Heads, ours: str | None) -> Refusal | None:
        if ours is None:
            return Refusal(421, "gate.host")
        if not is_from(ours, scope, heads):
            return Refusal(403, "gate.origin")
        if "_stcore/upload_file" in scope["path"] and not _is_upload(scope):
            return Refusal(403, "gate.upload")
        return None

    # -- one desk ----------------------------------------------------------------------------------

    async def _desk(
        self, scope: Scope, receive: Receive, send: Send, heads: Heads, ours: str
    ) -> None:
        """Without accounts: the one-time address, then the cookie it gave."""
        has_key = any(self.keys.knows(v) for v in heads.cookies(cookie_name(scope, ours)))
        token = _token_asked(scope)
        if token is not None:
            await self._spend(scope, receive, send, ours, token, has_key=has_key)
        elif has_key or (reads(scope) and scope["path"] in OPEN_TO_ALL):
            await self.app(scope, receive, send)
        else:
            await refuse(scope, receive, send, Refusal(403, "gate.key"))

    async def _spend(
        self, scope: Scope, receive: Receive, send: Send, ours: str, token: str, *, has_key: bool
    ) -> None:
        """Let a browser in for its token, and send it to the page without it."""
        cookie = None  # an address kept as a bookmark: this browser is in already
        if not has_key and (cookie := self.keys.spend(token, ours)) is None:
            await refuse(scope, receive, send, Refusal(403, "gate.spent"))
            return
        line = None if cookie is None else cookie_line(cookie_name(scope, ours), cookie, ours)
        await send_to(send, local_path(scope, without="token"), line)

    # -- a team ------------------------------------------------------------------------------------

    async def _team(
        self, door: Door, scope: Scope, receive: Receive, send: Send, heads: Heads, ours: str
    ) -> None:
        """With accounts: a session, whose role may."""
        path = scope["path"]
        if reads(scope) and (path in OPEN_TO_ALL or path in DOOR_FILES):
            await self.app(scope, receive, send)
            return
        secret = heads.cookie(cookie_name(scope, ours))
        try:
            inside = None if secret is None else await door.whose(secret)
        except (TargetingError, OSError):
            await refuse(scope, receive, send, Refusal(503, "gate.down", again=10))
            return
        scope = {**scope, "relance_inside": inside}
        if scope["type"] == "http" and path in DOOR_PAGES:
            await self.app(scope, receive, send)
            return
        if inside is None:
            await _to_the_login(scope, receive, send, heads, ours)
            return
        if refusal := self._team_refusal(door, scope, heads, inside):
            await refuse(scope, receive, send, refusal)
            return
        if inside.must_set_code and path not in (CODE, "/logout"):
            if opens_a_page(scope, heads):
                await send_to(send, CODE)
            else:
                await refuse(scope, receive, send, Refusal(403, "gate.code"))
            return
        scope["headers"] = [*scope["headers"], (WHO, inside.id.encode())]
        if scope["type"] == "websocket":
            await door.watched(inside, self.app, scope, receive, send)
        else:
            await self.app(scope, receive, _unstored(send))

    def _team_refusal(
        self, door: Door, scope: Scope, heads: Heads, inside: Inside
    ) -> Refusal | None:
        if scope["type"] == "websocket" and door.has_too_many(inside):
            return Refusal(503, "gate.sockets", again=10)
        if scope["path"].startswith(UPLOADS) and scope["method"] != "OPTIONS":
            if not inside.may_upload:
                return Refusal(403, "gate.upload_role")
            # a body in pieces has whatever length it likes, said beside it or not
            length = None if heads.count(b"transfer-encoding") else heads.only(b"content-length")
            if scope["method"] == "PUT" and not door.takes(inside, length):
                return Refusal(413, "gate.upload_quota")
        is_door = scope["path"] in DOOR_HANDLES
        if opens_a_page(scope, heads) and not is_door and door.is_full(inside):
            return Refusal(503, "gate.full", again=10)
        return None


def _without_who(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers but ours, in whatever spelling: a proxy may take `_` for `-`."""
    return [(k, v) for k, v in scope["headers"] if k.lower().replace(b"_", b"-") != WHO]


async def _to_the_login(
    scope: Scope, receive: Receive, send: Send, heads: Heads, ours: str
) -> None:
    """Who opens a page logs in and comes back to it; all else is refused.

    Who follows a link of another site (a message, say) may be in: the browser keeps back our cookie
    (SameSite=Strict) until a page of ours asks again.
    """
    if opens_a_page(scope, heads):
        way = local_path(scope)
        if comes_from_elsewhere(heads):
            await ask_again(send, way)
            return
        two = len(set(heads.cookies(cookie_name(scope, ours)))) > 1
        there = LOGIN + ("" if way == "/" else "?" + urlencode({"next": way}))
        await send_to(send, there, also=PLANTED if two else ())
    else:
        status = 403 if scope["type"] == "websocket" else 401
        await refuse(scope, receive, send, Refusal(status, "gate.login"))


def _token_asked(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    return dict(query_of(scope)).get("token")


def _is_upload(scope: Scope) -> bool:
    """Whether a screen that asks for files could ask so."""
    is_ours = scope["type"] == "http" and scope["method"] in UPLOADING
    return bool(UPLOADING_PAGES) and is_ours and scope["path"].startswith(UPLOADS)


def _unstored(send: Send) -> Send:
    """In a team no page or file of it stays in a browser's store; what is the same for all may."""

    async def send_unstored(message: object) -> None:
        if isinstance(message, dict) and message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            told = b" ".join(v for k, v in headers if k.lower() == b"cache-control")
            kept = told.replace(b"public", b"private") if b"immutable" in told else b"no-store"
            headers = [(k, v) for k, v in headers if k.lower() != b"cache-control"]
            headers.append((b"cache-control", kept))
            message = {**message, "headers": headers}
        await send(message)  # type: ignore[arg-type]

    return send_unstored


PLANTED: Final = ((b"clear-site-data", b'"cookies"'),)
"""Two different cookies of our name: which one another page planted cannot be told, both go."""


async def send_to(
    send: Send, way: str, cookie: bytes | None = None, also: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Send a browser to a page of ours."""
    headers = [
        (b"location", way.encode()),
        (b"cache-control", b"no-store"),
        (b"content-length", b"0"),
        *also,
    ]
    if cookie is not None:
        headers.append((b"set-cookie", cookie))
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
