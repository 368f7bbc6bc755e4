"""The door until logins come: who may ask anything of this server, before Streamlit hears of it.

Pure ASGI, so that pages, sockets, uploads and files pass by one place. In the order asked: our own
name (Host), our own page (Origin), no upload that no page asks for, and the cookie of a browser
that was opened with the one-time address.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from targeting.errors import TargetingError
from targeting.locale import known_language, text_in
from targeting.web.screens import SCREENS

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
ORIGINS: Final = "RELANCE_ORIGINS"
"""Environment variable: other addresses browsers may open us by (`https://relance.example`)."""

OPEN_TO_ALL: Final = ("/health", "/_stcore/health")
"""Says that the server lives, and nothing else: for whoever watches over it."""

UPLOADING_PAGES: Final = tuple(screen.name for screen in SCREENS if screen.takes_files)
"""Screens with a field for files: without any, every upload is refused."""

UPLOADS: Final = "/_stcore/upload_file/"
UPLOADING: Final = ("PUT", "DELETE", "OPTIONS")
"""Where our own page sends a file, and how; nothing else that is called so goes further."""

READING: Final = ("GET", "HEAD", "OPTIONS")

_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?")
_USUAL_PORT: Final = {"http": "80", "https": "443"}


def parse_origin(text: str) -> str:
    """An origin as browsers write it: lower case, without the usual port.

    Raises TargetingError for what is no origin.

    >>> parse_origin("https://Relance.example:443")
    'https://relance.example'
    """
    found = _ORIGIN.fullmatch(text.strip().rstrip("/").lower())
    if found is None or int(found[3] or 1) not in range(1, 65536):
        raise TargetingError(
            f"“{text}” is no address of a server: give it as https://relance.example or "
            "http://192.168.1.20:8501."
        )
    scheme, name, port = found.groups()
    return f"{scheme}://{name}" + (f":{port}" if port not in (None, _USUAL_PORT[scheme]) else "")


def other_origins() -> tuple[str, ...]:
    """Origins set from outside, beside this machine's own names."""
    return tuple(parse_origin(part) for part in os.environ.get(ORIGINS, "").split())


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


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further: a status, and the key of what is said."""

    status: int
    key: str


class Gate:
    """Lets in what comes from our own pages in a browser that was given a key."""

    def __init__(self, app: ASGIApp, *, keys: Keys, origins: tuple[str, ...] = ()) -> None:
        self.app = app
        self.keys = keys
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        heads = _Heads(scope)
        ours = self._our_origin(scope, heads)
        refusal = self._refusal(scope, heads, ours)
        if refusal is None and ours is not None:
            token = self._token_asked(scope)
            if token is not None:
                refusal = await self._spend(scope, send, heads, ours, token)
                if refusal is None:
                    return
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await refuse(scope, receive, send, refusal)

    def _our_origin(self, scope: Scope, heads: _Heads) -> str | None:
        """The origin by which the request calls us; nothing if the name is not ours."""
        host = heads.only(b"host")
        if host is None:
            return None
        port = (scope.get("server") or ("", None))[1]
        here = [parse_origin(f"http://{name}:{port}") for name in LOOPBACK_NAMES] if port else []
        named = {origin.split("://", 1)[1]: origin for origin in [*here, *self.origins]}
        return named.get(host.lower())

    def _refusal(self, scope: Scope, heads: _Heads, ours: str | None) -> Refusal | None:
        if ours is None:
            return Refusal(421, "gate.host")
        if not _is_from(ours, scope, heads):
            return Refusal(403, "gate.origin")
        if "_stcore/upload_file" in scope["path"] and not _is_upload(scope):
            return Refusal(403, "gate.upload")
        is_open = _reads(scope) and scope["path"] in OPEN_TO_ALL
        if is_open or self._token_asked(scope) is not None or self._has_key(scope, heads):
            return None
        return Refusal(403, "gate.key")

    def _has_key(self, scope: Scope, heads: _Heads) -> bool:
        return any(self.keys.knows(value) for value in heads.cookies(cookie_name(scope)))

    def _token_asked(self, scope: Scope) -> str | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        return dict(_query(scope)).get("token")

    async def _spend(
        self, scope: Scope, send: Send, heads: _Heads, ours: str, token: str
    ) -> Refusal | None:
        """Let a browser in for its token, and send it to the page without it."""
        if self._has_key(scope, heads):
            cookie = None  # an address kept as a bookmark: this browser is in already
        elif (cookie := self.keys.spend(token, ours)) is None:
            return Refusal(403, "gate.spent")
        headers = [
            (b"location", _without_token(scope).encode()),
            (b"cache-control", b"no-store"),
            (b"content-length", b"0"),
        ]
        if cookie is not None:
            safe = "; Secure" if ours.startswith("https:") else ""
            value = f"{cookie_name(scope)}={cookie}; Path=/; HttpOnly; SameSite=Strict{safe}"
            headers.append((b"set-cookie", value.encode()))
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return None


class _Heads:
    """The headers of a request, by lower-case name."""

    def __init__(self, scope: Scope) -> None:
        self.all = [(k.lower(), v.decode("latin-1")) for k, v in scope["headers"]]

    def count(self, name: bytes) -> int:
        return sum(k == name for k, _ in self.all)

    def only(self, name: bytes) -> str | None:
        """The value of a header given once; nothing if it is not there, or twice."""
        values = [v for k, v in self.all if k == name]
        return values[0] if len(values) == 1 else None

    def cookies(self, name: str) -> list[str]:
        parts = [p.strip() for k, v in self.all if k == b"cookie" for p in v.split(";")]
        return [p.split("=", 1)[1] for p in parts if p.startswith(f"{name}=")]


def cookie_name(scope: Scope) -> str:
    """The cookie's name: with the port, for browsers give one machine's cookies to all ports."""
    return f"relance_{(scope.get('server') or ('', None))[1] or 'key'}"


def _is_upload(scope: Scope) -> bool:
    """Whether a screen that asks for files could ask so."""
    is_ours = scope["type"] == "http" and scope["method"] in UPLOADING
    return bool(UPLOADING_PAGES) and is_ours and scope["path"].startswith(UPLOADS)


def _reads(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] in READING


def _is_from(ours: str, scope: Scope, heads: _Heads) -> bool:
    """Whether our own page asks. Browsers name the page (Origin) with all that writes and with
    sockets; with what only reads they say at least where it comes from (Sec-Fetch-Site)."""
    if heads.count(b"origin"):
        return heads.only(b"origin") == ours and (
            heads.only(b"sec-fetch-site") in (None, "same-origin", "none")
        )
    if not _reads(scope):
        return False
    site = heads.only(b"sec-fetch-site")
    return site not in ("cross-site", "same-site") or _is_navigation(heads)


def _is_navigation(heads: _Heads) -> bool:
    return heads.only(b"sec-fetch-mode") == "navigate" and (
        heads.only(b"sec-fetch-dest") in (None, "document")
    )


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _without_token(scope: Scope) -> str:
    """The path and query asked for, without the token: always on this server."""
    path = "/" + quote(scope["path"].lstrip("/\\"), safe="/")
    kept = [(k, v) for k, v in _query(scope) if k != "token"]
    return path + (f"?{urlencode(kept)}" if kept else "")


# -- what is said ----------------------------------------------------------------------------------


async def refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer a request that goes no further; nothing of what it sent is repeated but its path."""
    kind = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # answered with 403
            return
        await receive()
        kind = "websocket.http.response"
    content_type, body = _words(scope, refusal)
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    is_head = scope.get("method") == "HEAD"
    await send({"type": f"{kind}.body", "body": b"" if is_head else body})


def _words(scope: Scope, refusal: Refusal) -> tuple[bytes, bytes]:
    """A plain page for who opens an address; one line for a program."""
    language = known_language(dict(_query(scope)).get("lang"))
    heads = _Heads(scope)
    line = text_in(language, refusal.key)
    if "text/html" not in (heads.only(b"accept") or ""):
        return b"text/plain; charset=utf-8", f"{line}\n".encode()
    again = ""
    if refusal.key in ("gate.key", "gate.spent"):
        way = html.escape(_without_token(scope))
        again = f'<p><a href="{way}">{html.escape(text_in(language, "gate.again"))}</a></p>'
    page = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<title>Relance</title><style>body{{font:18px/1.5 sans-serif;max-width:38em;"
        f"margin:12vh auto;padding:0 1em;color:#1c1c28}}</style><h1>Relance</h1>"
        f"<p>{html.escape(line)}</p>{again}"
    )
    return b"text/html; charset=utf-8", page.encode()
