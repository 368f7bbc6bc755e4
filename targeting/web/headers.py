"""Headers on every answer, and the language of the document: pure ASGI, so sockets pass too."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targeting.locale import known_language

HEADERS: Final = (
    (b"content-security-policy", b"frame-ancestors 'none'; object-src 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
ENGLISH: Final = b'<html lang="en"'


class SecurityHeaders:
    """Adds our headers to HTTP answers, and says in `<html lang>` which language is shown."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; change only what the answer's head and the page's first line say."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        page = _is_page(scope)
        if page:  # its first line is to be rewritten: not compressed (it is a few kilobytes)
            kept = [(k, v) for k, v in scope["headers"] if k.lower() != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        language = _language(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = {name for name, _ in HEADERS}
                theirs = [(k, v) for k, v in message.get("headers", []) if k.lower() not in ours]
                message = {**message, "headers": [*theirs, *HEADERS]}
            elif page and message["type"] == "http.response.body":
                said = b'<html lang="' + language.encode() + b'"'
                message = {**message, "body": message.get("body", b"").replace(ENGLISH, said, 1)}
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _is_page(scope: Scope) -> bool:
    accepts = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] == "GET" and b"text/html" in accepts


def _language(scope: Scope) -> str:
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[0]
    return known_language(asked)
