"""Headers on every answer, and what the page's first lines say: pure ASGI, so sockets pass too."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targeting.locale import known_language
from targeting.web.ours import our_url
from targeting.web.policy import policy_of

POLICY: Final = b"content-security-policy"
HEADERS: Final = (
    (POLICY, b"frame-ancestors 'none'; object-src 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), "
        b"display-capture=(), midi=(), browsing-topics=()",
    ),
)
LOCKED: Final = (
    b"default-src 'none'; sandbox; frame-ancestors 'none'; object-src 'none'; base-uri 'none'"
)
"""Of a file that a browser would run (a drawing, a page of somebody's): it runs nothing."""

RUN_BY_BROWSERS: Final = (b"text/html", b"image/svg", b"application/xhtml", b"text/xml",
                          b"application/xml")  # fmt: skip
TLS_ONLY: Final = b"strict-transport-security", b"max-age=31536000; includeSubDomains"
ENGLISH: Final = b'<html lang="en"'
HEAD: Final = b"<head>"
BASE: Final = b'<head><script>window.__streamlit={BACKEND_BASE_URL:location.origin+"/"}</script>'
"""Where the server is: else Streamlit's page looks for it under the screen's own path first, and
the browser's console tells two errors a visit."""
TITLE: Final = b"<title>Streamlit</title>", b"<title>Relance</title>"
END_OF_HEAD: Final = b"</head>"
OURS: Final = (
    "".join(f'<link rel="stylesheet" href="{our_url(n)}">' for n in ("relance.css", "files.css"))
    + f'<script defer src="{our_url("drop.js")}"></script></head>'
).encode()
"""Our style sheets and the drop of files stand in the page from its first paint, and are never
sent again."""


class SecurityHeaders:
    """Adds our headers to HTTP answers; a page says its language and where its server is."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...] = ()) -> None:
        self.app = app
        self.tls = {o.removeprefix("https://").encode() for o in origins if o[:6] == "https:"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; change only the answer's head and the page's first lines."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_tls = dict(scope["headers"]).get(b"host", b"").lower() in self.tls
        if not _is_page(scope):
            await self.app(scope, receive, _with_headers(send, has_tls))
            return
        # The page is rewritten: whole, and not compressed (it is a few kilobytes).
        dropped = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
        kept = [(k, v) for k, v in scope["headers"] if k.lower() not in dropped]
        page = _Page(_with_headers(send, has_tls), _language(scope))
        await self.app({**scope, "headers": kept}, receive, page.send)


def _with_headers(send: Send, has_tls: bool) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers", [])
            told = {k.lower(): v for k, v in given}
            own = told.keys() & {POLICY, b"referrer-policy"}  # a page says its own
            ours = [(k, v) for k, v in HEADERS if k not in own]
            if POLICY not in own and told.get(b"content-type", b"").startswith(RUN_BY_BROWSERS):
                ours[0] = POLICY, LOCKED
            if has_tls:
                ours.append(TLS_ONLY)
                given = [(k, _secure(v) if k.lower() == b"set-cookie" else v) for k, v in given]
            names = {k for k, _ in ours}
            theirs = [(k, v) for k, v in given if k.lower() not in names]
            message = {**message, "headers": [*theirs, *ours]}
        await send(message)

    return send_with_headers


def _secure(cookie: bytes) -> bytes:
    """A cookie that goes over TLS alone, whoever gave it: Streamlit's word for uploads does not
    say so itself."""
    return cookie if b"; secure" in cookie.lower() else cookie + b"; Secure"


class _Page:
    """An answer held back until it is whole, if it is a page; others go through as they come."""

    def __init__(self, send: Send, language: str) -> None:
        self._send = send
        self._language = language
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            heads = dict(message.get("headers", []))
            is_page = heads.get(b"content-type", b"").startswith(b"text/html")
            if is_page and POLICY not in heads:  # a page of the door has its own
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            said = b'<html lang="' + self._language.encode() + b'"'
            body = self._body.replace(ENGLISH, said, 1).replace(HEAD, BASE, 1).replace(*TITLE)
            body = body.replace(END_OF_HEAD, OURS, 1)
            length = (b"content-length", str(len(body)).encode())
            kept = [(k, v) for k, v in self._start["headers"] if k.lower() != b"content-length"]
            policy = POLICY, policy_of(body)
            await self._send({**self._start, "headers": [*kept, length, policy]})
            self._start = None
            message = {**message, "body": body}
        await self._send(message)


def _is_page(scope: Scope) -> bool:
    accepts = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] == "GET" and b"text/html" in accepts


def _language(scope: Scope) -> str:
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[0]
    return known_language(asked)
