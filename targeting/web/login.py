"""The pages of the door: log in, use a link, set the second factor, log out; forms without script.

A form is answered to our own page alone (the gate looks at Origin), with the cookie and the word
that were given with it: the word is the digest of the cookie, which no other page can read.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from targeting.access.codes import code_address, new_code_secret
from targeting.access.passwords import LONGEST
from targeting.config import workspace_from
from targeting.errors import TargetingError
from targeting.locale import known_language, text_in
from targeting.locale.messages import said
from targeting.web.asking import Heads, cookie_line, cookie_name
from targeting.web.door import Door, Inside
from targeting.web.ours import our_url
from targeting.web.provider import (
    WAY_SECONDS,
    NotBelievedError,
    Provider,
    Way,
    provider_name,
    settings,
)
from targeting.web.refusals import ask_again
from targeting.workflows.access import door as service

MOST_BYTES: Final = 16_384
"""A form is smaller; a password of 64 kB is refused before it is looked at."""

FORM_SECONDS: Final = 3600
BACK: Final = "/oidc/back"
MOST_LOOKED_AT: Final = 40
CROWD_SECONDS: Final = 5
"""Logins that wait for their turn, beyond which one is asked to come again."""

PROXIES: Final = "RELANCE_PROXIES"
"""Environment variable: addresses of proxies whose word on who asks is taken (`127.0.0.1`)."""

POLICY: Final = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
}
"""Of a page that names no referrer at all, a browser would send a form with the Origin `null`."""

_pages: Final = Environment(
    loader=PackageLoader("targeting.web", "templates"), autoescape=True, keep_trailing_newline=True
)


@dataclass(frozen=True)
class Field:
    """One field of a form."""

    name: str
    label: str
    type: str = "text"
    value: str = ""
    autocomplete: str = "off"
    inputmode: str = ""
    help: str = ""
    most: int = 80
    required: bool = True
    is_first: bool = False


def routes(door: Door) -> list[BaseRoute]:
    """The pages of the door."""
    pages = Pages(door)
    return [
        Route("/login", pages.login, methods=["GET", "POST"]),
        Route("/logout", pages.logout, methods=["GET", "POST"]),
        Route("/join", pages.join, methods=["GET", "POST"]),
        Route("/code", pages.code, methods=["GET", "POST"]),
        Route("/password", pages.password, methods=["GET", "POST"]),
        Route("/oidc", pages.to_provider),
        Route("/oidc/back", pages.from_provider),
    ]


class Pages:
    """What the routes of the door answer."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.looked_at = 0
        self.provider = Provider()
        self.providers_threads = ThreadPoolExecutor(2, thread_name_prefix="provider")
        """A provider that does not answer keeps nobody waiting but who asks it."""

    async def login(self, request: Request) -> Response:
        """A name, a password, a code where there is one."""
        way = way_on(request.query_params.get("next", ""))
        if inside_of(request) is not None and request.method == "GET":
            return RedirectResponse(way, 303, HEADERS)
        trouble, status, login = "", 200, ""
        if request.method == "POST":
            form = await read_form(request)
            if form is None:
                return self._login_page(request, way, said_in(request, "door.stale"), 403)
            login = form.get("login", "")[:80]
            way = way_on(form.get("next", ""))
            done = await self._try(request, login, form)
            if isinstance(done, service.Entered):
                await self._leave(request)
                return entered(request, done, way)
            trouble, status = said_in(request, "door.login.refused"), 401
            if isinstance(done, TargetingError):
                trouble, status = said(language_of(request), str(done)), 503
            elif done.wait:
                trouble, status = said_in(request, "door.login.wait", seconds=done.wait), 429
        return self._login_page(request, way, trouble, status, login)

    async def _try(
        self, request: Request, login: str, form: dict[str, str]
    ) -> service.Entered | service.Refused | TargetingError:
        """What the door says to a name and a password: of a crowd, it looks at so many at once."""
        if self.looked_at >= MOST_LOOKED_AT:
            return service.Refused(CROWD_SECONDS)
        self.looked_at += 1
        try:
            return await asyncio.to_thread(
                service.log_in, workspace_from(), login, form.get("password", ""),
                form.get("code", ""), address=address_of(request), browser=browser_of(request),
            )  # fmt: skip
        except TargetingError as error:
            return error
        finally:
            self.looked_at -= 1

    def _login_page(
        self, request: Request, way: str, trouble: str, status: int, login: str = ""
    ) -> Response:
        """The form; `trouble` is what went wrong before."""

        def tell(key: str) -> str:
            return said_in(request, key)

        fields = [
            Field("login", tell("door.login.name"), value=login, autocomplete="username",
                  is_first=not login),
            Field("password", tell("door.login.password"), "password", most=LONGEST,
                  autocomplete="current-password", is_first=bool(login)),
            Field("code", tell("door.login.code"), autocomplete="one-time-code", most=10,
                  inputmode="numeric", required=False, help=tell("door.login.code_help")),
        ]  # fmt: skip
        return page(
            request, "login", fields, trouble=trouble, status=status, hidden={"next": way},
            action="/login",
            button=tell("door.login.button"), links=external_link(request, way),
        )  # fmt: skip

    async def logout(self, request: Request) -> Response:
        """One button: a link alone ends nothing."""
        inside = inside_of(request)
        if inside is None:
            return RedirectResponse("/login", 303, HEADERS)
        if request.method == "POST" and await read_form(request) is not None:
            await self._leave(request)
            answer = RedirectResponse("/login", 303, HEADERS)
            answer.raw_headers.append((b"set-cookie", _gone(request)))
            answer.headers["Clear-Site-Data"] = '"cache", "storage"'
            return answer
        words = said_in(request, "door.logout.intro", name=inside.actor.name)
        back = [
            {"way": "/", "words": said_in(request, "door.logout.back")},
            {"way": "/password", "words": said_in(request, "door.password.title")},
        ]
        button = said_in(request, "door.logout.button")
        return page(request, "logout", [], intro=words, button=button, links=back)

    async def password(self, request: Request) -> Response:
        """One's own password anew: the present one is asked."""
        inside = inside_of(request)
        if inside is None:
            return RedirectResponse("/login", 303, HEADERS)
        trouble = ""
        if request.method == "POST":
            form = await read_form(request)
            try:
                if form is None:
                    raise TargetingError(said_in(request, "door.stale"))
                _refuse_different(form)
                await asyncio.to_thread(
                    service.change_password, workspace_from(), inside.actor,
                    form.get("old", ""), form.get("password", ""),
                )  # fmt: skip
            except TargetingError as error:
                trouble = said(language_of(request), str(error))
            else:
                return RedirectResponse("/", 303, HEADERS)
        old = Field(
            "old", said_in(request, "door.password.old"), "password", most=LONGEST,
            autocomplete="current-password", is_first=True,
        )  # fmt: skip
        return page(
            request, "password", [old, *_new_password(request)], trouble=trouble,
            status=400 if trouble else 200, intro=said_in(request, "door.password.intro"),
            button=said_in(request, "door.password.button"),
            links=[{"way": "/", "words": said_in(request, "door.logout.back")}],
        )  # fmt: skip

    # -- by an identity provider -------------------------------------------------------------------

    async def to_provider(self, request: Request) -> Response:
        """Off to the identity provider, with what has to come back kept in this browser."""
        way = way_on(request.query_params.get("next", ""))
        if provider_name() is None:
            return RedirectResponse("/login", 303, HEADERS)
        kept, origin = Way.drawn(way), origin_of(request)
        try:
            there = await self._ask_provider(
                self.provider.way_there, settings(), origin + BACK, kept.state, kept.nonce,
                kept.proof,
            )  # fmt: skip
        except TargetingError as error:
            return self._login_page(request, way, said(language_of(request), str(error)), 503)
        answer = RedirectResponse(there, 303, HEADERS)
        line = cookie_line(
            _way_name(request), kept.packed(), origin, seconds=WAY_SECONDS, site="Lax"
        )
        answer.raw_headers.append((b"set-cookie", line))
        return answer

    async def from_provider(self, request: Request) -> Response:
        """Back from it: in, if it knows somebody whom an administrator invited."""
        origin, given = origin_of(request), request.query_params
        kept = Way.unpacked(
            Heads(request.scope).cookie(_way_name(request)) or "", given.get("state", "")
        )
        gone = cookie_line(_way_name(request), "", origin, seconds=0, site="Lax")
        way = way_on("" if kept is None else kept.next)
        try:
            if provider_name() is None or kept is None or not given.get("code"):
                raise NotBelievedError
            subject = await self._ask_provider(
                self.provider.subject, settings(), origin + BACK, given["code"][:4000],
                kept.nonce, kept.proof,
            )  # fmt: skip
            done = await asyncio.to_thread(
                service.enter_as, workspace_from(), subject, browser=browser_of(request)
            )
        except TargetingError as error:
            status = 403 if isinstance(error, NotBelievedError) else 503
            trouble = said(language_of(request), str(error))
        else:
            if isinstance(done, service.Entered):
                await self._leave(request)
                name = cookie_name(request.scope, origin)
                return _Again(way, [cookie_line(name, done.secret, origin), gone])
            status, trouble = 403, said_in(request, "door.oidc.unknown", subject=subject)
        answer = self._login_page(request, way, trouble, status)
        answer.raw_headers.append((b"set-cookie", gone))
        return answer

    async def _ask_provider(self, work: Callable[..., str], *given: object) -> str:
        return await asyncio.get_running_loop().run_in_executor(
            self.providers_threads, work, *given
        )

    async def _leave(self, request: Request) -> None:
        """End the session that this browser had, and its sockets."""
        inside = inside_of(request)
        if inside is not None:
            await asyncio.to_thread(service.log_out, workspace_from(), inside.actor)
            await self.door.close(inside.id)
            self.door.forget(secret_of(request))

    async def join(self, request: Request) -> Response:
        """A link of one use: the first administrator, somebody invited, a password anew."""
        here = workspace_from()
        form = await read_form(request) if request.method == "POST" else {}
        secret = (form or {}).get("k") or request.query_params.get("k", "")
        seen = await asyncio.to_thread(service.welcome, here, secret[:100])
        if seen is None:
            words = said(language_of(request), service.LINK_IS_SPENT)
            return page(request, "join", [], trouble=words, status=403, links=[_to_login(request)])
        trouble = "" if form is not None else said_in(request, "door.stale")
        if form:
            try:
                _refuse_different(form)
                done = await asyncio.to_thread(
                    service.take_link, here, secret, form.get("password", ""),
                    login=form.get("login", ""), name=form.get("name", ""),
                    browser=browser_of(request),
                )  # fmt: skip
                await self._leave(request)
                if isinstance(done, service.Renewed):
                    return RedirectResponse("/login", 303, HEADERS)
                return entered(request, done, "/")
            except TargetingError as error:
                trouble = said(language_of(request), str(error))
        return page(
            request, f"join_{seen.kind}", self._join_fields(request, seen, form or {}),
            trouble=trouble, status=400 if trouble else 200, hidden={"k": secret}, action="/join",
            intro=said_in(request, f"door.join_{seen.kind}.intro", name=seen.name,
                          login=seen.login, role=said_in(request, f"role.{seen.role}")
                          if seen.role else ""),
            button=said_in(request, "door.join.button"),
        )  # fmt: skip

    def _join_fields(
        self, request: Request, seen: service.Welcome, form: dict[str, str]
    ) -> list[Field]:
        def tell(key: str) -> str:
            return said_in(request, key)

        who = [
            Field("name", tell("door.join.name"), value=form.get("name", ""), autocomplete="name",
                  is_first=True),
            Field("login", tell("door.login.name"), value=form.get("login", ""),
                  autocomplete="username", help=tell("door.join.login_help")),
        ]  # fmt: skip
        if seen.kind != "first":
            who = []
        return [
            *who, *_new_password(request, is_first=not who),
        ]  # fmt: skip

    async def code(self, request: Request) -> Response:
        """Set the second factor: a square to scan, then the first code."""
        inside = inside_of(request)
        if inside is None:
            return RedirectResponse("/login", 303, HEADERS)
        if not inside.must_set_code:
            return RedirectResponse("/", 303, HEADERS)
        here, trouble, secret = workspace_from(), "", new_code_secret()
        if request.method == "POST":
            form = await read_form(request) or {}
            given, sign = form.get("secret", ""), form.get("sign", "")
            if form and hmac.compare_digest(sign.encode(), _sign(request, given).encode()):
                secret = given
                try:
                    await asyncio.to_thread(
                        service.set_code, here, inside.actor, secret, form.get("code", "")
                    )
                except TargetingError as error:
                    trouble = said(language_of(request), str(error))
                else:
                    self.door.forget(secret_of(request))
                    return RedirectResponse("/", 303, HEADERS)
            else:
                trouble = said_in(request, "door.stale")
        field = Field("code", said_in(request, "door.code.code"), inputmode="numeric", most=10,
                      autocomplete="one-time-code", is_first=True)  # fmt: skip
        return page(
            request, "code", [field], trouble=trouble, status=400 if trouble else 200,
            hidden={"secret": secret, "sign": _sign(request, secret)},
            intro=said_in(request, "door.code.intro"), button=said_in(request, "door.code.button"),
            secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
            picture=_square(code_address(secret, inside.actor.name)),
        )  # fmt: skip


# -- one page --------------------------------------------------------------------------------------


def page(
    request: Request, name: str, fields: list[Field], *, trouble: str = "", intro: str = "",
    status: int = 200, hidden: dict[str, str] | None = None, button: str = "", action: str = "",
    links: list[dict[str, str]] | None = None, picture: str = "", secret: str = "",
) -> Response:  # fmt: skip
    """A page of the door, with a word that its form has to bring back."""
    lang = language_of(request)
    cookie, is_new = _form_cookie(request)
    words = _pages.get_template("door.html").render(
        language=lang, page=name, fields=fields, trouble=trouble[:1].upper() + trouble[1:],
        intro=intro, button=button,
        hidden={**(hidden or {}), "word": _word(cookie)}, links=links or [], picture=picture,
        secret=secret, again=0, style=our_url("door.css"), icon=our_url("icon.png"),
        action=(action or request.url.path) + ("" if lang == "fr" else f"?lang={lang}"),
        say=lambda key: text_in(lang, key),
    )  # fmt: skip
    answer = Response(words, status, HEADERS, "text/html; charset=utf-8")
    if is_new:
        line = cookie_line(_form_name(request), cookie, origin_of(request), seconds=FORM_SECONDS)
        answer.raw_headers.append((b"set-cookie", line))
    return answer


def _new_password(request: Request, *, is_first: bool = False) -> list[Field]:
    """A password that is chosen, twice."""
    return [
        Field("password", said_in(request, "door.join.password"), "password", most=LONGEST,
              autocomplete="new-password", help=said_in(request, "door.join.password_help"),
              is_first=is_first),
        Field("password2", said_in(request, "door.join.password2"), "password", most=LONGEST,
              autocomplete="new-password"),
    ]  # fmt: skip


def _refuse_different(form: dict[str, str]) -> None:
    """Raise TargetingError where the password was not typed twice alike."""
    if form.get("password") != form.get("password2"):
        raise TargetingError("the two passwords are not the same: type them again.")


async def read_form(request: Request) -> dict[str, str] | None:
    """A form's fields; nothing where it is too large, or does not bring back its word."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            return None
    try:
        found = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return None
    cookies = Heads(request.scope).cookies(_form_name(request))
    word = found.pop("word", "")
    is_ours = any(hmac.compare_digest(word.encode(), _word(c).encode()) for c in cookies)
    return found if is_ours else None


def _form_cookie(request: Request) -> tuple[str, bool]:
    """The cookie that goes with forms, and whether it is to be given."""
    for value in Heads(request.scope).cookies(_form_name(request)):
        if len(value) == 43:
            return value, False
    return secrets.token_urlsafe(32), True


class _Again(Response):
    """In, and on by a page of ours: what the provider's page led to would go without the cookie."""

    def __init__(self, way: str, cookies: list[bytes]) -> None:
        super().__init__()
        self.way, self.cookies = way, cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await ask_again(send, self.way, self.cookies)


def _way_name(request: Request) -> str:
    return cookie_name(request.scope, origin_of(request)) + "_way"


def _form_name(request: Request) -> str:
    return cookie_name(request.scope, origin_of(request)) + "_form"


def _word(cookie: str) -> str:
    return hashlib.sha256(f"form {cookie}".encode()).hexdigest()


def _sign(request: Request, secret: str) -> str:
    """What shows that we gave this browser that secret to scan."""
    key = secret_of(request).encode()
    return hmac.new(key, f"code {secret}".encode(), hashlib.sha256).hexdigest()


def entered(request: Request, done: service.Entered, way: str) -> Response:
    """In: a new cookie, and on to where one wanted to go."""
    answer = RedirectResponse(way, 303, HEADERS)
    origin = origin_of(request)
    line = cookie_line(cookie_name(request.scope, origin), done.secret, origin)
    answer.raw_headers.append((b"set-cookie", line))
    return answer


def _gone(request: Request) -> bytes:
    origin = origin_of(request)
    return cookie_line(cookie_name(request.scope, origin), "", origin, seconds=0)


def external_link(request: Request, way: str) -> list[dict[str, str]]:
    """The way by the identity provider, where there is one."""
    name = provider_name()
    if name is None:
        return []
    way_there = "/oidc?" + urlencode({"next": way})
    return [{"way": way_there, "words": said_in(request, "door.login.external", name=name)}]


def _to_login(request: Request) -> dict[str, str]:
    return {"way": "/login", "words": said_in(request, "door.join.to_login")}


def _square(content: str) -> str:
    import segno

    return str(segno.make(content, error="m").svg_data_uri(scale=5, border=2, light="#fff"))


# -- what a request says ---------------------------------------------------------------------------


def inside_of(request: Request) -> Inside | None:
    """Who asks, as the gate found it."""
    found: Inside | None = request.scope.get("relance_inside")
    return found


def origin_of(request: Request) -> str:
    """The origin by which the request calls us."""
    return str(request.scope.get("relance_origin", ""))


def secret_of(request: Request) -> str:
    """The cookie of the session that asks."""
    return Heads(request.scope).cookie(cookie_name(request.scope, origin_of(request))) or ""


def language_of(request: Request) -> str:
    return known_language(request.query_params.get("lang"))


def said_in(request: Request, key: str, **values: object) -> str:
    return text_in(language_of(request), key, **values)


def way_on(asked: str) -> str:
    """A path of ours to go on to; the first page for anything else.

    >>> way_on("/carte?b=1"), way_on("//evil.example"), way_on("https://evil.example/")
    ('/carte?b=1', '/', '/')
    """
    is_ours = asked.startswith("/") and not asked.startswith("//")
    is_plain = asked.isprintable() and "\\" not in asked
    return asked[:2000] if is_ours and is_plain else "/"


def browser_of(request: Request) -> str:
    """The family of a browser, as a list of sessions tells it: no version, nothing that marks it.

    >>> from types import SimpleNamespace as N
    >>> browser_of(N(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"}))
    'Firefox, Linux'
    """
    agent = request.headers.get("user-agent", "")
    families = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")
    family = next((f for f in families if f in agent), "")
    system = next((s for s in systems if s in agent), "")
    names = {"Edg": "Edge", "OPR": "Opera"}
    return ", ".join(n for n in (names.get(family, family), system) if n)


def address_of(request: Request) -> str:
    """Where the request comes from, for the throttle alone: the proxy's word where it is ours."""
    here = request.client.host if request.client else ""
    if here in os.environ.get(PROXIES, "").split():
        told = request.headers.get("x-forwarded-for", "").split(",")[-1].strip()
        return f"address {told[:60] or here}"
    return f"address {here}"
