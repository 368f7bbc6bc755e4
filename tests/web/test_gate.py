"""The door, asked with bare sockets as an attacker would: every route, every way of asking."""

import re
import socket
from itertools import product

import pytest

from targeting.config import PROJECT
from targeting.errors import TargetingError
from targeting.web import gate
from targeting.web.asking import parse_origin
from targeting.web.gate import OPEN_TO_ALL, UPLOADING_PAGES, _is_upload
from targeting.web.keys import Keys
from tests.e2e.conftest import address, serve

ROUTES = (
    "/", "/carte", "/health", "/assets/stations-0.json", "/static/js/none.js", "/media/none.csv",
    "/component/none/index.html", "/manifest.json", "/_stcore/health", "/_stcore/host-config",
    "/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent/openapi.json",
    "/_stcore/bidi-components/none", "/oauth2callback", "/auth/login", "/nothing/at/all",
)  # fmt: skip
SOCKET = "/_stcore/stream"
UPLOAD = "/_stcore/upload_file/0/0"


class Door:
    """The real server, and one browser's cookie."""

    def __init__(self, url, cookie):
        self.port = int(url.rsplit(":", 1)[1])
        self.cookie = f"{cookie['name']}={cookie['value']}"

    def host(self, name="127.0.0.1"):
        return f"{name}:{self.port}"

    def ask(self, path, *, host=None, origin=None, cookie=None, method="GET", extra=(), body=b""):
        """The status of one answer; headers are sent as given, and not where they are None."""
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"Host: {h}" for h in ([host] if isinstance(host, str) else host or ())]
        lines += [f"Origin: {o}" for o in ([origin] if isinstance(origin, str) else origin or ())]
        lines += [f"Cookie: {cookie}"] if cookie else []
        lines += [*extra, f"Content-Length: {len(body)}" if method != "GET" else "Accept: */*"]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as wire:
            wire.sendall(head + body)
            self.told = wire.recv(65536)
        return int(self.told.split(b" ", 2)[1])

    def dial(self, path=SOCKET, **asked):
        """The status of a socket's handshake: 101 is in."""
        extra = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                 "Sec-WebSocket-Protocol: streamlit")  # fmt: skip
        return self.ask(path, extra=extra, **asked)


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    server, url, cookie = serve(folder / "none", folder / "server.log")
    found = Door(url, cookie)
    found.log = folder / "server.log"
    yield found
    server.terminate()
    server.wait(10)


def callers(door):
    """Ways of asking: name → host, origin, whether one's own page could ask so."""
    ours, port = door.host(), door.port
    hosts = {
        "our name": (ours, True),
        "no name": (None, False),
        "a stranger's name": ("evil.example", False),
        "a stranger's name, our port": (f"evil.example:{port}", False),
        "our name, no port": ("127.0.0.1", False),
        "our name, another port": (f"127.0.0.1:{port + 1}", False),
        "a name that begins as ours": (f"127.0.0.1.evil.example:{port}", False),
        "with somebody's name before it": (f"127.0.0.1@evil.example:{port}", False),
        "our name and a stranger's": ([ours, "evil.example"], False),
        "another loopback": (f"127.0.0.2:{port}", False),
    }
    origins = {
        "our page": (f"http://{ours}", True),
        "none": (None, None),  # our own page asks so when it only reads
        "a stranger": ("http://evil.example", False),
        "a stranger on our port": (f"http://evil.example:{port}", False),
        "another port": (f"http://127.0.0.1:{port + 1}", False),
        "no port": ("http://127.0.0.1", False),
        "our other name": (f"http://localhost:{port}", False),
        "https": (f"https://{ours}", False),
        "null": ("null", False),
        "two": ([f"http://{ours}", "http://evil.example"], False),
    }
    return product(hosts.items(), origins.items())


@pytest.mark.slow
def test_no_route_answers_who_does_not_come_from_our_page_with_our_key(door):
    wrong = []
    for (named, (host, is_us)), (came, (origin, is_ours)) in callers(door):
        for key, cookie in (("key", door.cookie), ("no key", None), ("bad key", "relance_0=x")):
            for path in ROUTES if is_us or path_is_cheap(named) else ROUTES[:4]:
                status = door.ask(path, host=host, origin=origin, cookie=cookie)
                may = is_us and is_ours is not False and (key == "key" or path in OPEN_TO_ALL)
                if may != (status not in (400, 403, 421)):
                    wrong.append((path, named, came, key, status))
            may = is_us and is_ours is True and key == "key"
            status = door.dial(host=host, origin=origin, cookie=cookie)
            if may != (status == 101):
                wrong.append((SOCKET, named, came, key, status))
    assert wrong == []


def path_is_cheap(named):
    """Every route is asked under the name that a rebound address would have."""
    return named == "a stranger's name, our port"


def test_another_name_is_misdirected_and_nothing_of_it_is_said_again(door):
    assert door.ask("/", host=f"evil.example:{door.port}", cookie=door.cookie) == 421
    assert b"evil" not in door.told
    assert door.dial(host=f"evil.example:{door.port}", origin="http://evil.example") == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_writes_must_say_that_it_comes_from_our_page(door, method):
    us = {"host": door.host(), "cookie": door.cookie, "method": method}
    assert door.ask("/carte", **us) == 403
    assert door.ask("/carte", origin="http://127.0.0.1:1", **us) == 403
    assert door.ask("/carte", origin=f"http://{door.host()}", **us) in (404, 405)


@pytest.mark.parametrize("path", [UPLOAD, "/%5Fstcore/upload_file/0/0", "/carte" + UPLOAD])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "OPTIONS", "GET"])
def test_uploads_come_as_our_page_sends_them_and_no_other_way(door, path, method):
    us = {"host": door.host(), "cookie": door.cookie, "origin": f"http://{door.host()}"}
    is_ours = not path.startswith("/carte") and method in ("PUT", "DELETE", "OPTIONS")
    status = door.ask(path, method=method, body=b"x" * 100, **us)
    is_refused = status == 403 and b"connection: close" in door.told.lower()  # Streamlit's is not
    assert is_refused != is_ours
    assert (
        status != 204 or method == "OPTIONS"
    )  # neither Streamlit's own token nor a session of that name: nothing kept
    assert door.ask(path, method=method, **us | {"cookie": None}) == 403
    assert door.ask(path, method=method, **us | {"origin": "http://evil.example"}) == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_no_upload_is_taken_where_no_screen_asks_for_one(monkeypatch, method):
    scope = {"type": "http", "method": method, "path": UPLOAD}
    assert _is_upload(scope)
    monkeypatch.setattr(gate, "UPLOADING_PAGES", ())
    assert not _is_upload(scope)


def test_a_subresource_asked_by_another_page_is_refused_and_a_link_is_not(door):
    us = {"host": door.host(), "cookie": door.cookie}
    asked = ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image")
    assert door.ask("/assets/x.json", extra=asked, **us) == 403
    link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert door.ask("/carte", extra=link, **us) == 200
    framed = (*link[:2], "Sec-Fetch-Dest: iframe")
    assert door.ask("/carte", extra=framed, **us) == 403


def test_an_address_opens_one_browser_once_and_never_leads_away(door):
    token = address(door.log).split("token=")[1]
    us = {"host": door.host()}
    assert door.ask(f"/?token={token}x", **us) == 403
    assert door.ask(f"/?token={token}", method="HEAD", **us) == 403, "a look does not spend it"
    assert door.ask(f"/?token={token}", host=f"evil.example:{door.port}") == 421
    assert door.ask(f"//evil.example/%5C..?lang=en&token={token}", **us) == 303
    told = door.told.decode()
    assert re.search(r"(?i)location: /evil\.example/%5C\.\.\?lang=en\r\n", told)
    (cookie,) = re.findall(
        r"(?i)set-cookie: (relance_\d+=\S+); Path=/; HttpOnly; SameSite=Strict", told
    )
    assert door.ask("/carte", cookie=cookie, **us) == 200
    assert door.ask(f"/?token={token}", **us) == 403, "spent"
    assert door.ask(f"/?token={token}", cookie=cookie, **us) == 303, "a bookmark of who is in"
    assert address(door.log).split("token=")[1] != token, "the next one is printed"


def test_an_address_of_a_proxy_is_written_as_browsers_do():
    assert parse_origin("HTTPS://Relance.Example:443/") == "https://relance.example"
    assert parse_origin("http://[::1]:8501") == "http://[::1]:8501"
    for wrong in ("relance.example", "ftp://x", "http://a/b", "http://a:70000", "http://a:0", "*"):
        with pytest.raises(TargetingError, match="no address of a server"):
            parse_origin(wrong)


def test_a_token_that_is_not_the_one_spends_nothing():
    keys = Keys()
    token = keys.token
    assert keys.spend("", "") is None
    assert keys.spend(token + "x", "") is None
    assert keys.knows(keys.spend(token, ""))
    assert keys.spend(token, "") is None


def test_uploads_are_let_in_for_the_screens_that_ask_and_no_other():
    asks = re.compile(r"file_uploader|camera_input|audio_input|accept_file")
    pages = [p.stem for p in (PROJECT / "pages").glob("*.py") if asks.search(p.read_text())]
    assert sorted(pages) == sorted(UPLOADING_PAGES)
