"""A publisher's server on loopback, that can misbehave in every way we know of."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from targeting.sources.fetching.download import Policy

Answer = Callable[["Publisher", BaseHTTPRequestHandler, int], None]


@dataclass
class Publisher:
    """Files by path, and how often each was asked for; `ranges` are the Range headers seen."""

    files: dict[str, bytes] = field(default_factory=dict)
    tag: str = '"v1"'
    asked: Counter[str] = field(default_factory=Counter)
    ranges: list[str] = field(default_factory=list)
    behaviours: dict[str, Answer] = field(default_factory=dict)
    port: int = 0

    def url(self, path: str) -> str:
        return f"http://localhost:{self.port}{path}"


def send(
    publisher: Publisher,
    handler: BaseHTTPRequestHandler,
    content: bytes,
    *,
    most: int | None = None,
) -> None:
    """The content, resumed where asked; cut after `most` bytes, the whole length announced."""
    start = 0
    asked = handler.headers.get("Range", "")
    if asked and handler.headers.get("If-Range") == publisher.tag:
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206)
    else:
        handler.send_response(200)
    rest = content[start:]
    handler.send_header("Content-Length", str(len(rest)))
    handler.send_header("ETag", publisher.tag)
    handler.end_headers()
    handler.wfile.write(rest if most is None else rest[:most])


@contextmanager
def serving(publisher: Publisher) -> Iterator[Policy]:
    """Serve on loopback; gives the policy that lets tests, and nobody else, speak to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            publisher.asked[path] += 1
            if found := self.headers.get("Range"):
                publisher.ranges.append(found)
            behaviour = publisher.behaviours.get(path)
            if behaviour is not None:
                behaviour(publisher, self, publisher.asked[path])
            elif path in publisher.files:
                send(publisher, self, publisher.files[path])
            else:
                self.send_error(404)

        def log_message(self, *_args: object) -> None:
            """Nothing on the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Policy(hosts=("localhost",), schemes=("http",), allows_private=True)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
