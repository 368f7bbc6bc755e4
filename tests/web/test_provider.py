"""In by an identity provider, and out of every way that is not quite that; behind TLS, as a browser
has it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from targeting.access.roles import LOCAL
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.web import login
from targeting.web.door import Door
from targeting.web.gate import WHO, Gate
from targeting.web.headers import SecurityHeaders
from targeting.web.keys import Keys
from targeting.web.provider import SECRET as SECRET_NAME
from targeting.web.provider import SECRET_FILE, settings
from targeting.workflows.access import team
from targeting.workflows.setup import init_workspace
from tests.web.a_provider import CLIENT, SECRET, AProvider, a_provider

US = "https://relance.example"
SUBJECT = "f3a9-invented"


class Browser:
    """A browser behind TLS: it keeps cookies, and sends them."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}
        self.heads: list[tuple[str, str]] = []
        self.body = ""

    def get(self, way: str) -> int:
        parts = urlsplit(way)
        jar = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        scope = {
            "type": "http", "method": "GET", "path": parts.path, "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(), "scheme": "https", "http_version": "1.1",
            "server": ("127.0.0.1", 8501), "client": ("127.0.0.1", 5), "root_path": "",
            "headers": [(b"host", b"relance.example"), (b"accept", b"text/html"),
                        (b"cookie", jar.encode())],
        }  # fmt: skip
        said: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            said.append(message)

        asyncio.run(self.app(scope, receive, send))
        self.heads = [(k.decode(), v.decode()) for k, v in said[0]["headers"]]
        self.body = html.unescape(b"".join(m.get("body", b"") for m in said[1:]).decode())
        for name, line in self.heads:
            if name == "set-cookie":
                key, value = line.split(";")[0].split("=", 1)
                self.cookies[key] = value
                if "Max-Age=0" in line:
                    del self.cookies[key]
        return int(said[0]["status"])

    def head(self, name: str) -> str:
        return "".join(v for k, v in self.heads if k == name)

    def go(self, provider: AProvider, subject: str = SUBJECT, **bent: str) -> int:
        """To the provider, and back with its code."""
        assert self.get("/oidc?next=/carte") == 303, self.body
        way = self.head("location")
        code = provider.log_in(way, subject)
        state = parse_qs(urlsplit(way).query)["state"][0]
        return self.get("/oidc/back?" + "&".join(
            f"{k}={v}" for k, v in {"code": code, "state": state, **bent}.items()))  # fmt: skip


async def told_who(request: Request) -> Response:
    answer = PlainTextResponse(request.headers.get(WHO.decode(), "nobody"))
    answer.set_cookie("theirs", "1")
    return answer


@pytest.fixture(scope="module")
def provider() -> Iterator[AProvider]:
    with a_provider() as found:
        yield found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    found = Workspace(tmp_path_factory.mktemp("provider") / "team")
    init_workspace(found, communes=["13055"])
    team.invite(found, LOCAL, "ida.exemple", "Ida", "strategist", subject=SUBJECT)
    return found


@pytest.fixture
def browser(
    here: Workspace, provider: AProvider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    monkeypatch.setenv("RELANCE_WORKSPACE", str(here.root))
    monkeypatch.setenv("RELANCE_OIDC_ISSUER", provider.issuer)
    monkeypatch.setenv("RELANCE_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("RELANCE_OIDC_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("RELANCE_OIDC_NAME", "Annuaire")
    before = {**vars(provider)}
    door = Door(lambda: here)
    app = Starlette(
        routes=[*login.routes(door), Route("/{rest:path}", told_who)],
        middleware=[
            Middleware(SecurityHeaders, origins=(US,)),
            Middleware(Gate, keys=Keys(), door=door, origins=(US,)),
        ],
    )
    yield Browser(app)
    vars(provider).update(before)


def is_in(browser: Browser) -> bool:
    return browser.get("/who") == 200 and re.fullmatch("[0-9a-f]{32}", browser.body) is not None


def test_who_is_invited_under_that_subject_is_in(browser: Browser, provider: AProvider) -> None:
    assert browser.get("/login") == 200
    assert "Entrer avec Annuaire" in browser.body
    assert browser.go(provider) == 200, browser.body
    assert "url=/carte" in browser.body, "asked for again by our page: SameSite=Strict"
    assert list(browser.cookies) == ["__Host-relance_form", "__Host-relance"]
    line = browser.head("set-cookie")
    assert line.count("; Path=/; HttpOnly; SameSite=Strict; Secure") == 1
    assert line.count("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0") == 1
    assert is_in(browser)
    first = browser.cookies["__Host-relance"]
    assert browser.go(provider) == 200
    assert browser.cookies["__Host-relance"] != first
    browser.cookies["__Host-relance"] = first
    assert not is_in(browser), "the one before is ended"


def test_behind_tls_browsers_are_told_to_stay_there(browser: Browser) -> None:
    for way in ("/login", "/who", "/health"):
        browser.get(way)
        assert browser.head("strict-transport-security") == "max-age=31536000; includeSubDomains"
        cookies = [v for k, v in browser.heads if k == "set-cookie"]
        assert all("; Secure" in line for line in cookies), cookies


def test_who_was_not_invited_is_told_what_to_give_the_administrator(
    browser: Browser, provider: AProvider
) -> None:
    assert browser.go(provider, "<b>somebody</b>") == 403
    assert "<b>somebody</b>" in browser.body
    assert not is_in(browser)


def later(seconds: int) -> Any:
    return lambda claims: claims.update(exp=int(time.time()) + seconds)


OTHER = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
BENT: dict[str, Any] = {
    "another issuer": lambda c: c.update(iss="https://evil.example"),
    "another audience": lambda c: c.update(aud="other"),
    "two audiences": lambda c: c.update(aud=[CLIENT, "other"], azp=CLIENT),
    "another party": lambda c: c.update(azp="other"),
    "no audience": lambda c: c.pop("aud"),
    "another nonce": lambda c: c.update(nonce="x"),
    "no nonce": lambda c: c.pop("nonce"),
    "expired": later(-120),
    "no end": lambda c: c.pop("exp"),
    "yet to come": lambda c: c.update(nbf=int(time.time()) + 600),
    "issued later": lambda c: c.update(iat=int(time.time()) + 600),
    "nobody": lambda c: c.pop("sub"),
    "nobody's name": lambda c: c.update(sub=""),
    "a list of names": lambda c: c.update(sub=[SUBJECT]),
}


@pytest.mark.parametrize("bent", BENT)
def test_a_token_that_does_not_hold_lets_nobody_in(
    browser: Browser, provider: AProvider, bent: str
) -> None:
    provider.bend = BENT[bent]
    assert browser.go(provider) == 403
    assert not is_in(browser)
    assert "__Host-relance_way" not in browser.cookies


def unsigned(claims: dict[str, Any]) -> str:
    body = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("x" * 32)).split(".")[1]
    return f"eyJhbGciOiJub25lIn0.{body}."


def shared(provider: AProvider) -> Any:
    """The public key taken for a secret that both have (RFC 8725, 2.1)."""
    public = provider.key.as_pem(private=False)

    def sign(claims: dict[str, Any]) -> str:
        head = "eyJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9"
        told = f"{head}.{unsigned(claims).split('.')[1]}"
        made = hmac.new(public, told.encode(), hashlib.sha256).digest()
        return f"{told}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"

    return sign


@pytest.mark.parametrize("how", ["none", "by another key", "by a shared one", "cut", "no token"])
def test_a_signature_that_is_not_the_providers_lets_nobody_in(
    browser: Browser, provider: AProvider, how: str
) -> None:
    provider.sign = {
        "none": unsigned,
        "by another key": lambda c: jwt.encode({"alg": "RS256", "kid": "one"}, c, OTHER),
        "by a shared one": shared(provider),
        "cut": lambda c: provider.signed(c)[:-8],
        "no token": lambda _c: 7,  # type: ignore[dict-item,return-value]
    }[how]
    assert browser.go(provider) == 403
    assert not is_in(browser)


@pytest.mark.parametrize("bent", [{"state": "x"}, {"state": ""}, {"code": ""}, {"code": "x"}])
def test_an_answer_that_this_browser_was_not_sent_for_lets_nobody_in(
    browser: Browser, provider: AProvider, bent: dict[str, str]
) -> None:
    assert browser.go(provider, **bent) == 403
    assert not is_in(browser)


def test_an_answer_meant_for_another_browser_or_given_twice_lets_nobody_in(
    browser: Browser, provider: AProvider
) -> None:
    assert browser.get("/oidc") == 303
    way = browser.head("location")
    code, state = provider.log_in(way, SUBJECT), parse_qs(urlsplit(way).query)["state"][0]
    other = Browser(browser.app)
    assert other.get(f"/oidc/back?code={code}&state={state}") == 403
    other.get("/oidc")
    assert other.get(f"/oidc/back?code={code}&state={state}") == 403
    assert not is_in(other)
    kept = dict(browser.cookies)
    assert browser.get(f"/oidc/back?code={code}&state={state}") == 200
    browser.cookies = kept
    assert browser.get(f"/oidc/back?code={code}&state={state}") == 403, "a code is of use once"


def test_a_provider_that_changed_its_key_is_asked_for_it(
    browser: Browser, provider: AProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browser.go(provider) == 200
    monkeypatch.setattr("targeting.web.provider.AGAIN_SECONDS", 0.0)
    provider.key = RSAKey.generate_key(2048, {"kid": "two"}, private=True)
    provider.sign = lambda c: jwt.encode({"alg": "RS256", "kid": "two"}, c, provider.key)
    assert browser.go(provider) == 200
    assert provider.asked.count("/.well-known/openid-configuration") >= 1


def test_a_provider_that_does_not_answer_is_said_so_and_passwords_still_work(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_OIDC_ISSUER", "http://127.0.0.1:9")
    assert browser.get("/oidc") == 503
    assert "Le service d’identité ne répond pas" in browser.body
    assert 'action="/login"' in browser.body


@pytest.mark.parametrize(
    "facts", [{"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/t"},
              {"jwks_uri": "file:///etc/passwd"}, {"authorization_endpoint": None}],
)  # fmt: skip
def test_a_provider_that_speaks_for_another_is_not_believed(
    browser: Browser, provider: AProvider, facts: dict[str, Any]
) -> None:
    provider.facts = facts
    assert browser.get("/oidc") == 503
    assert "se nomme autrement" in browser.body


@pytest.mark.parametrize("answer", [b"", b"[]", b"{" * 5000, b"[" * 100_000, b"x" * 300_000])
def test_what_is_no_answer_is_not_believed(
    browser: Browser, provider: AProvider, answer: bytes
) -> None:
    provider.answer = answer
    assert browser.get("/oidc") == 503
    assert "ne tient pas" in browser.body


def test_settings_that_do_not_hold_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("an invented secret\n")
    monkeypatch.setenv("RELANCE_OIDC_ISSUER", "https://login.example")
    monkeypatch.setenv("RELANCE_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.delenv(SECRET_NAME, raising=False)
    with pytest.raises(TargetingError, match="neither"):
        settings()
    monkeypatch.setenv(SECRET_FILE, str(secret))
    secret.chmod(0o640)
    with pytest.raises(TargetingError, match="chmod 600"):
        settings()
    secret.chmod(0o600)
    assert settings().secret == "an invented secret"
    assert "invented" not in repr(settings())
    for issuer in (
        "http://login.example",
        "https://",
        "//x",
        "https://a@b",
        "https://[",
        "ftp://x",
    ):
        monkeypatch.setenv("RELANCE_OIDC_ISSUER", issuer)
        with pytest.raises(TargetingError, match="no https address"):
            settings()
