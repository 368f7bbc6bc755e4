"""What is answered to a request that goes no further: a plain page, or one line for a program."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from targeting.locale import known_language, text_in
from targeting.web.asking import Heads, local_path, query_of
from targeting.web.policy import hash_of

STYLE: Final = (
    "body{font:18px/1.5 sans-serif;max-width:38em;margin:12vh auto;padding:0 1em;color:#1c1c28}"
)
NOTHING_BUT_WORDS: Final = (
    f"default-src 'none'; style-src '{hash_of(STYLE)}'; img-src data:; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
).encode()
"""The policy of a page of ours that runs and asks for nothing."""


@dataclass(frozen=True)
class Refusal:
    """Why a request goes no further: a status, and the key of what is said; seconds after which to
    ask again, where that helps."""

    status: int
    key: str
    again: int = 0


async def refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    """Answer a request that goes no further; nothing of what it sent is repeated but its path."""
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008})  # answered with 403
            return
        kind = "websocket.http.response"
    content_type, body = _words(scope, refusal)
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
        (b"content-security-policy", NOTHING_BUT_WORDS),
    ]
    if refusal.again:
        headers.append((b"retry-after", str(refusal.again).encode()))
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    is_head = scope.get("method") == "HEAD"
    await send({"type": f"{kind}.body", "body": b"" if is_head else body})


async def ask_again(send: Send, way: str, cookies: Sequence[bytes] = ()) -> None:
    """A page of ours that does nothing but ask for another: what a page of ours asks for goes with
    our cookie, which what another site leads to does not (SameSite=Strict).
    """
    there = html.escape(way)
    body = (
        f'<!doctype html><html lang="fr"><meta charset="utf-8"><link rel="icon" href="data:,">'
        f'<meta http-equiv="refresh" content="0;url={there}"><title>Relance</title>'
        f'<p><a href="{there}">Relance</a></p>'
    ).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", NOTHING_BUT_WORDS),
        *((b"set-cookie", line) for line in cookies),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _words(scope: Scope, refusal: Refusal) -> tuple[bytes, bytes]:
    language = known_language(dict(query_of(scope)).get("lang"))
    line = text_in(language, refusal.key)
    if "text/html" not in (Heads(scope).only(b"accept") or ""):
        return b"text/plain; charset=utf-8", f"{line}\n".encode()
    again = ""
    if refusal.key in ("gate.key", "gate.spent"):
        way = html.escape(local_path(scope, without="token"))
        again = f'<p><a href="{way}">{html.escape(text_in(language, "gate.again"))}</a></p>'
    refresh = f'<meta http-equiv="refresh" content="{refusal.again}">' if refusal.again else ""
    page = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">{refresh}'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<title>Relance</title><style>{STYLE}</style><h1>Relance</h1>"
        f"<p>{html.escape(line)}</p>{again}"
    )
    return b"text/html; charset=utf-8", page.encode()
