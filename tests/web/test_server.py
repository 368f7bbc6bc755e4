"""Routes, headers and the document's language, without a browser."""

import ast
import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from targeting.config import PROJECT, workspace_from
from targeting.web.door import Door
from targeting.web.keys import Keys
from targeting.web.server import _warm, lifespan, middleware, routes


@dataclass
class Answer:
    status_code: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


class Client:
    """Asks an ASGI application as a server would."""

    def __init__(self, app, headers):
        self.app = app
        self.headers = headers

    def get(self, url, *, headers=None):
        path, _, query = url.partition("?")
        scope = {
            "type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "", "scheme": "http",
            "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "http_version": "1.1",
            "headers": [(k.encode(), v.encode()) for k, v in (self.headers | (headers or {})).items()],
        }  # fmt: skip
        sent = []

        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive():
            if (message := next(asked, None)) is None:
                await asyncio.Event().wait()
            return message

        async def send(message):
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        told = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
        body = b"".join(m.get("body", b"") for m in sent[1:])
        return Answer(sent[0]["status"], told, body)


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setenv("RELANCE_WORKSPACE", str(tmp_path))
    maps = tmp_path / "cache" / "maps"
    maps.mkdir(parents=True)
    (maps / "stations-0123.json").write_text("{}")
    (tmp_path / "relance.db").write_text("secret")

    async def page(_request):
        return HTMLResponse('<!doctype html><html lang="en"><head></head></html>')

    keys = Keys()
    cookie = keys.spend(keys.token, "")
    door = Door(workspace_from)
    app = Starlette(routes=[*routes(door), Route("/", page)], middleware=middleware(keys, door))
    return Client(app, {"host": "127.0.0.1", "cookie": f"relance_80={cookie}"})


def test_health_answers(client):
    assert client.get("/health").json()["status"] == "ok"


def test_map_files_are_kept_for_good(client):
    answer = client.get("/assets/stations-0123.json")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["../../relance.db", "%2e%2e/%2e%2e/relance.db", "nothing.json"])
def test_nothing_else_of_the_workspace_is_served(client, path):
    answer = client.get(f"/assets/{path}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["/", "/health", "/assets/stations-0123.json", "/assets/no"])
def test_every_answer_has_the_headers(client, path):
    headers = client.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "object-src 'none'" in headers["content-security-policy"]
    assert "base-uri 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("query", "lang"), [("", "fr"), ("?lang=en", "en"), ("?lang=%22%3E%3Cscript", "fr")]
)
def test_the_document_says_its_language(client, query, lang):
    answer = client.get(f"/{query}", headers={"accept": "text/html"})
    assert f'<html lang="{lang}">' in answer.text


def test_the_server_listens_here_alone_and_tells_nobody():
    text = (PROJECT / ".streamlit" / "config.toml").read_text()
    for line in (
        'address = "127.0.0.1"', 'showErrorDetails = "none"', "gatherUsageStats = false",
        'toolbarMode = "minimal"',
    ):  # fmt: skip
        assert line in text


WARM = """
import sys
from targeting.web.server import _warm
assert "pandas" not in sys.modules, "the server starts before anything heavy is there"
_warm()
print(*sys.modules)
"""


def test_what_every_screen_uses_is_loaded_before_the_first_visitor(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WARM], cwd=PROJECT, capture_output=True, text=True, check=True,
        env=os.environ | {"RELANCE_WORKSPACE": str(tmp_path / "none yet")},
    )  # fmt: skip
    loaded = set(done.stdout.split())
    for page in (PROJECT / "pages").glob("*.py"):
        for line in ast.parse(page.read_text()).body:
            assert not isinstance(line, ast.ImportFrom) or line.module in loaded, line.module


def test_the_start_does_not_wait_for_what_is_warmed(monkeypatch):
    begun, let_go = threading.Event(), threading.Event()

    def slow():
        begun.set()
        let_go.wait(60)

    monkeypatch.setattr("targeting.web.server._warm", slow)

    async def start():
        async with lifespan(Keys(), Door(workspace_from))(None):
            assert begun.wait(60)
            assert not let_go.is_set(), "the server is up while it warms"

    asyncio.run(start())
    let_go.set()


def test_what_was_warmed_is_left_alone_by_the_collector(monkeypatch):
    monkeypatch.setattr("targeting.web.loaders.warm_up", lambda: None)
    assert gc.get_freeze_count() == 0
    try:
        _warm()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


def test_a_damaged_workspace_is_left_for_the_screens_to_tell(workspace, monkeypatch):
    from targeting.web.loaders import warm_up

    monkeypatch.setenv("RELANCE_WORKSPACE", str(workspace.root))
    (workspace.root / "relance.db").write_bytes(b"not a database at all, only text" * 100)
    warm_up()


def test_no_page_writes_html():
    for folder in ("pages", "targeting/web", "targeting/maps"):
        for path in (PROJECT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            names = {k.arg for c in ast.walk(tree) if isinstance(c, ast.Call) for k in c.keywords}
            called = {c.func.attr for c in ast.walk(tree)
                      if isinstance(c, ast.Call) and isinstance(c.func, ast.Attribute)}  # fmt: skip
            assert not names & {"unsafe_allow_html", "unsafe_allow_javascript"}, path
            assert "html" not in called, path
