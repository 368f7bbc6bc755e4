"""The door of a team, asked as an attacker would: each route, by each role and by those who are in
no more, with bare sockets and Streamlit's own."""

import asyncio
import re
import shutil
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from targeting.access.roles import LOCAL, ROLES
from targeting.access.sessions import IDLE, digest
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.store.engine import open_store, write
from targeting.store.models_access import DoorSession
from targeting.web.door import LOOK_SECONDS, Door, Inside, most_inside
from targeting.web.gate import Gate
from targeting.web.headers import SecurityHeaders
from targeting.web.keys import Keys
from targeting.web.ours import our_url
from targeting.web.screens import SCREENS
from targeting.workflows.access import door as service
from targeting.workflows.access import team
from targeting.workflows.setup import init_workspace
from tests.e2e.conftest import serve
from tests.web.socket_client import Screen
from tests.web.teams import PASSWORD, Wire, add_member, cheap_hashes, code_at, whole_team
from tests.web.test_gate import ROUTES, UPLOAD

PUBLIC = ("/health", "/_stcore/health", "/login", "/join", "/oidc", "/oidc/back",
          our_url("door.css"), our_url("icon.png"))  # fmt: skip
INSIDE = (*[r for r in ROUTES if r not in PUBLIC], *(f"/{s.path}" for s in SCREENS),
          our_url("relance.css"), "/ours/../pyproject.toml", "/static/media/none.woff2", "/static/media/../js/none.js",
          "/static/media/%2e%2e/js/none.js", "/login/", "/LOGIN", "//login", "/login%00",
          "/healthz", "/code", "/logout", "/password", "/_stcore/upload_file/0/0")  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A team's server: its wire, its workspace, one member of each role; and some who were."""
    folder = tmp_path_factory.mktemp("door")
    here = Workspace(folder / "team")
    with cheap_hashes():
        init_workspace(here, communes=["13055"])
        people = whole_team(here)
        people["without its code"] = add_member(
            here, LOCAL, "field_director", "sans.code", code=False
        )
        for name in ("ended", "disabled", "idle", "thrown out"):
            people[name] = add_member(here, LOCAL, "team_lead", f"{name.split()[0]}.exemple")
        team.end_session(here, LOCAL, people["ended"].actor.session)
        team.disable(here, LOCAL, people["disabled"].actor.id)
        long_ago = datetime.now(UTC) - IDLE - timedelta(seconds=1)
        write(open_store(here), lambda s: touch(s, people["idle"].secret, long_ago))
        server, url, _ = serve(here.root, folder / "server.log", RELANCE_TEAM="1")
        yield Wire(int(url.rsplit(":", 1)[1])), here, people
    server.terminate()
    server.wait(10)


def touch(session, secret, moment):
    row = session.query(DoorSession).filter_by(digest=digest(secret)).one()
    row.made_at = row.seen_at = moment


def outsiders(wire, people):
    """Cookies that open nothing, by whose they are."""
    admin, lead = people["administrator"].secret, people["team_lead"].secret
    return {
        "nobody": "",
        "an invented one": wire.cookie("x" * 43),
        "an empty one": wire.cookie(""),
        "the public id of a session": wire.cookie(people["administrator"].actor.session),
        "the digest of one": wire.cookie(digest(admin)),
        "two of the team": wire.cookie(lead, admin),
        "one of the team beside a planted one": wire.cookie(admin, "planted"),
        "another port's name": f"relance_{wire.port + 1}={admin}",
        "no port's name": f"relance={admin}",
        **{n: wire.cookie(people[n].secret) for n in ("ended", "disabled", "idle")},
    }


SPOOFED = tuple(
    f"{name}: {{id}}"
    for name in (
        "X-Relance-Session",
        "x-relance-session",
        "X_RELANCE_SESSION",
        "x-relance_session",
        "X-RELANCE-SESSION",
    )
)


def test_what_the_door_is_made_of_is_open_to_all(world):
    wire, _, _ = world
    told = {p: wire.ask(p) for p in PUBLIC}
    assert told.pop("/oidc") == 303, "there is no provider"
    assert (told.pop("/join"), told.pop("/oidc/back")) == (403, 403), "no link, no answer"
    assert set(told.values()) == {200}


def test_no_route_answers_who_is_not_in(world):
    wire, _, people = world
    stolen = people["administrator"].actor.session
    spoofed = tuple(line.format(id=stolen) for line in SPOOFED)
    let_in = []
    for who, cookie in outsiders(wire, people).items():
        for path in INSIDE:
            for accept in ("*/*", "text/html") if who in ("nobody", "ended") else ("*/*",):
                status = wire.ask(path, cookie, accept=accept, extra=spoofed)
                to_login = status == 303 and wire.header("location").startswith("/login")
                if status not in (400, 401, 403) and not (accept == "text/html" and to_login):
                    let_in.append((who, path, accept, status))
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            for path in ("/", UPLOAD, "/code", "/logout", "/_stcore/agent/interact"):
                status = wire.ask(path, cookie, method=method, body=b"x", extra=spoofed)
                if status not in (401, 403):
                    let_in.append((who, path, method, status))
        if (status := wire.dial(cookie, extra=spoofed)) != 403:
            let_in.append((who, "socket", status))
    assert let_in == []


def test_each_role_is_let_in_and_uploads_where_a_screen_of_it_asks(world):
    wire, _here, people = world
    wrong = []
    for role in ROLES:
        member = people[role]
        cookie = wire.cookie(member.secret)
        wrong += [(role, p) for p in ("/", "/carte", "/_stcore/host-config", our_url("relance.css"))
                  if wire.ask(p, cookie) != 200]  # fmt: skip
        may = any(member.actor.may(a, own=True) for a in ("files.import", "people.import"))
        for method in ("PUT", "DELETE"):
            wire.ask(UPLOAD, cookie, method=method, body=b"x")
            is_refused = "votre rôle".encode() in wire.told
            if is_refused == may:
                wrong.append((role, method, wire.told[:40]))
        if wire.dial(cookie) != 101:
            wrong.append((role, "socket"))
    assert wrong == []


def test_who_has_to_set_a_code_does_nothing_else(world):
    wire, _, people = world
    cookie = wire.cookie(people["without its code"].secret)
    assert wire.ask("/carte", cookie, accept="text/html") == 303
    assert wire.header("location") == "/code"
    assert {wire.ask(p, cookie) for p in ("/", "/_stcore/host-config", "/media/x")} == {403}
    assert wire.ask(UPLOAD, cookie, method="PUT", body=b"x") == 403
    assert wire.dial(cookie) == 403
    assert wire.ask("/code", cookie, accept="text/html") == 200


@pytest.mark.slow
def test_each_role_sees_its_screens_and_is_refused_the_others(world):
    wire, _, people = world
    wrong = []
    for role in ROLES:
        screen = Screen(wire.port, wire.cookie(people[role].secret))
        for one in SCREENS:
            is_refused = screen.run(one.path, "lang=fr").says("ne le permet pas")
            if is_refused == one.is_open_to(people[role].actor):
                wrong.append((role, one.name, is_refused))
        screen.close()
    assert wrong == []


def test_a_socket_is_who_its_cookie_says_whatever_its_headers_say(world):
    wire, _, people = world
    admin = people["administrator"].actor.session
    cookie = wire.cookie(people["canvasser"].secret)
    told = [line.format(id=admin) for line in SPOOFED]
    assert wire.dial(cookie, extra=tuple(told)) == 101
    for bad in ("http://evil.example", "null", f"https://{wire.host}"):
        assert wire.dial(cookie, origin=bad) == 403
    # a name with a blank or a line end in it is no header to the server that reads it
    for line in (f"X-Relance-Session : {admin}", f"X: 1\r\n X-Relance-Session: {admin}"):
        assert wire.dial(cookie, extra=(line,)) in (400, 101)
        assert b"administrat" not in wire.told


@pytest.mark.parametrize("origin", ["null", "http://evil.example", None])
def test_a_form_is_answered_to_our_own_page_alone(world, origin):
    wire, _, _ = world
    given, word = wire.form("/login")
    fields = f"login=anne.exemple&password={PASSWORD}&word={word}".encode()
    assert wire.ask("/login", given, method="POST", body=fields, origin=origin) == 403
    assert wire.header("set-cookie") == ""


def test_a_word_of_another_form_or_none_lets_nobody_try(world):
    wire, _, _ = world
    given, _ = wire.form("/login")
    _, foreign = wire.form("/login")
    for word in (foreign, "", "0" * 64):
        assert wire.post("/login", given, login="anne.exemple", password=PASSWORD, word=word) == 403
    assert wire.post("/login", "", login="anne.exemple", password=PASSWORD, word=foreign) == 403
    assert wire.header("set-cookie").count(f"relance_{wire.port}=") == 0


def test_what_is_too_long_is_refused_before_it_is_looked_at(world):
    wire, _here, _ = world
    given, word = wire.form("/login")
    long = f"word={word}&login=anne.exemple&password=".encode() + b"x" * 65_536
    assert wire.post("/login", given, raw=long) == 403
    many = f"word={word}&".encode() + b"a=1&" * 500
    assert wire.post("/login", given, raw=many) == 403
    assert wire.post("/login", given, raw=b"\xff\xfe=" + word.encode()) == 403
    assert wire.ask("/login?next=//[", given, accept="text/html") == 200


def test_a_login_gives_a_new_cookie_ends_the_old_session_and_leads_nowhere_else(world):
    wire, here, people = world
    lead = people["thrown out"]
    planted = wire.cookie(lead.secret)
    given, word = wire.form("/login")
    login = "steward.deux"
    with_two = add_member(here, LOCAL, "data_steward", login)
    for way in ("//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil", "//["):
        both = f"{given}; {wire.cookie(with_two.secret)}"
        status = wire.post("/login", both, login=login, password=PASSWORD, word=word, next=way)
        assert (status, wire.header("location")) == (303, "/"), way
        got = wire.header("set-cookie")
        assert "HttpOnly; SameSite=Strict" in got
        fresh = got.split(";")[0].split("=", 1)[1]
        assert fresh not in (with_two.secret, lead.secret)
        with_two = with_two._replace(secret=fresh)
    both = f"{given}; {planted}"
    assert (
        wire.post("/login", both, login=login, password=PASSWORD, word=word, next="/carte") == 303
    )
    assert wire.header("location") == "/carte"
    assert service.who_is(here, lead.secret) is None, "what was fixed before is good no more"


def test_a_code_is_asked_of_who_has_one(world):
    wire, _, people = world
    director = people["field_director"]
    given, word = wire.form("/login")
    us = {"login": "field_director.exemple", "password": PASSWORD, "word": word}
    assert wire.post("/login", given, **us) == 401
    now = datetime.now(UTC)
    right = code_at(director.code_secret, now)
    assert wire.post("/login", given, code=right, **us) == 303
    assert wire.post("/login", given, code=right, **us) == 401, "a code is of use once"


def test_a_link_of_another_site_asks_again_from_our_page(world):
    wire, _, _ = world
    came = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    path = '/carte?b="><script>'
    assert wire.ask(quote(path, safe="/?="), accept="text/html", extra=came, origin=None) == 200
    assert b"url=/carte?b=%22%3E%3Cscript%3E" in wire.told
    assert b"default-src 'none'" in wire.told
    assert b"<script>" not in wire.told
    here = ("Sec-Fetch-Site: same-origin", *came[1:])
    assert wire.ask("/carte", accept="text/html", extra=here, origin=None) == 303


def test_two_cookies_of_our_name_are_both_taken_away(world):
    wire, _, people = world
    two = wire.cookie(people["strategist"].secret, people["team_lead"].secret)
    assert wire.ask("/", two, accept="text/html") == 303
    assert wire.header("clear-site-data") == '"cookies"'
    twice = wire.cookie(people["strategist"].secret, people["strategist"].secret)
    assert wire.ask("/", twice, accept="text/html") == 200


def test_a_password_is_chosen_anew_on_its_page_with_the_present_one(world):
    wire, here, _ = world
    member = add_member(here, LOCAL, "strategist", "change.exemple")
    cookie = wire.cookie(member.secret)
    given, word = wire.form("/password", cookie)
    both, new = f"{cookie}; {given}", "lanterne-cerise-brouette"
    asked = {"old": PASSWORD, "password": new, "password2": new}
    assert wire.post("/password", both, word="0", **asked) == 400
    assert wire.post("/password", both, word=word, **asked | {"old": "wrong"}) == 400
    assert wire.post("/password", both, word=word, **asked | {"password2": new + "x"}) == 400
    assert isinstance(service.log_in(here, "change.exemple", PASSWORD), service.Entered)
    assert wire.post("/password", both, word=word, **asked) == 303
    assert isinstance(service.log_in(here, "change.exemple", new), service.Entered)
    assert service.who_is(here, member.secret) is not None, "who did it stays inside"


def test_a_link_alone_ends_no_session(world):
    wire, here, _ = world
    member = add_member(here, LOCAL, "strategist", "sort.exemple")
    cookie = wire.cookie(member.secret)
    given, word = wire.form("/logout", cookie)
    for path in ("/logout", "/login?next=/logout"):
        wire.ask(path, cookie, accept="text/html")
    assert wire.post("/logout", f"{cookie}; {given}", word="0") == 200
    assert service.who_is(here, member.secret) is not None
    assert wire.post("/logout", f"{cookie}; {given}", word=word) == 303
    assert "storage" in wire.header("clear-site-data")
    assert service.who_is(here, member.secret) is None


def test_uploads_say_their_length_and_stay_within_the_hour(world):
    wire, here, _ = world
    steward = add_member(here, LOCAL, "data_steward", "gros.fichiers")
    cookie = wire.cookie(steward.secret)
    pieces = ("Transfer-Encoding: chunked",)
    body = b"1\r\nx\r\n0\r\n\r\n"
    assert wire.ask(UPLOAD, cookie, method="PUT", extra=pieces, body=body, sized=False) == 413
    lied = ("Transfer-Encoding: chunked", "Content-Length: 1")
    assert wire.ask(UPLOAD, cookie, method="PUT", extra=lied, body=body, sized=False) in (400, 413)
    assert wire.ask(UPLOAD, cookie, method="PUT", sized=False) == 413
    huge = ("Content-Length: 500000001",)
    assert wire.ask(UPLOAD, cookie, method="PUT", extra=huge, sized=False) == 413
    assert wire.ask(UPLOAD, cookie, method="PUT", body=b"x") != 413


def test_sockets_of_a_session_close_when_another_process_ends_it(world):
    wire, here, _ = world
    ends = {
        "ended": lambda m: team.end_session(here, LOCAL, m.actor.session),
        "closed": lambda m: team.disable(here, LOCAL, m.actor.id),
        "logged out": lambda m: service.log_out(here, m.actor),
    }
    for name, end in ends.items():
        member = add_member(here, LOCAL, "team_lead", f"trois.{name[:4]}")
        open_ = [Screen(wire.port, wire.cookie(member.secret)) for _ in range(3)]
        assert open_[0].run("", "lang=fr").messages > 1
        end(member)
        assert [one.wait_for_the_end() for one in open_] == [1008] * 3, name
        assert wire.dial(wire.cookie(member.secret)) == 403, name


def test_a_session_has_so_many_sockets_and_no_more(world):
    wire, here, _ = world
    member = add_member(here, LOCAL, "team_lead", "vingt.ecrans")
    cookie = wire.cookie(member.secret)
    many = [Screen(wire.port, cookie) for _ in range(20)]
    assert wire.dial(cookie) == 503
    many.pop().close()
    while wire.dial(cookie) == 503:
        pass
    for one in many:
        one.close()


def test_an_older_database_put_back_ends_every_session(tmp_path):
    here = Workspace(tmp_path / "team")
    with cheap_hashes():
        init_workspace(here, communes=["13055"])
        lead = add_member(here, LOCAL, "team_lead")
    head = service.not_restored(here, service.NO_HEAD)
    older = tmp_path / "older.db"
    shutil.copy(here.root / "relance.db", older)
    team.end_session(here, LOCAL, lead.actor.session)
    assert service.not_restored(here, head).last == head.last + 1
    seen = service.not_restored(here, head)
    assert service.who_is(here, lead.secret) is None
    for side in ("-wal", "-shm"):
        (here.root / f"relance.db{side}").unlink(missing_ok=True)
    shutil.copy(older, here.root / "relance.db")
    assert service.who_is(here, lead.secret) is not None, "it lives in the older one"
    service.not_restored(here, seen)
    assert service.who_is(here, lead.secret) is None


PAGE_POLICY = (
    "default-src 'none'; script-src 'self' H H blob: 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'none'"
)
DOOR_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
WORDS_POLICY = (
    "default-src 'none'; style-src H; img-src data:; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
FILE_POLICY = "frame-ancestors 'none'; object-src 'none'; base-uri 'none'"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), "
    "serial=(), display-capture=(), midi=(), browsing-topics=()",
    "strict-transport-security": "",
}


@pytest.mark.parametrize(
    ("path", "is_in", "accept", "policy", "kept", "referrer"),
    [
        ("/", True, "text/html", PAGE_POLICY, "no-store", "no-referrer"),
        ("/carte?lang=en", True, "text/html", PAGE_POLICY, "no-store", "no-referrer"),
        ("/login", False, "text/html", DOOR_POLICY, "no-store", "same-origin"),
        ("/join?k=x", False, "text/html", DOOR_POLICY, "no-store", "same-origin"),
        ("/logout", True, "text/html", DOOR_POLICY, "no-store", "same-origin"),
        ("/carte", False, "*/*", WORDS_POLICY, "no-store", "no-referrer"),
        ("/_stcore/host-config", True, "*/*", FILE_POLICY, "no-store", "no-referrer"),
        ("/media/none", True, "*/*", FILE_POLICY, "no-store", "no-referrer"),
        (our_url("relance.css"), True, "*/*", FILE_POLICY,
         "private, max-age=31536000, immutable", "no-referrer"),
        (our_url("door.css"), False, "*/*", FILE_POLICY,
         "public, max-age=31536000, immutable", "no-referrer"),
        ("/health", False, "*/*", FILE_POLICY, "", "no-referrer"),
    ],
)  # fmt: skip
def test_each_kind_of_answer_says_what_a_browser_may_do_with_it(
    world, path, is_in, accept, policy, kept, referrer
):
    wire, _, people = world
    wire.ask(path, wire.cookie(people["strategist"].secret) if is_in else "", accept=accept)
    told = re.sub(r"'sha256-[^']+'", "H", wire.header("content-security-policy"))
    assert told == policy
    assert wire.header("cache-control") == kept
    assert wire.header("referrer-policy") == referrer
    assert {name: wire.header(name) for name in ALWAYS} == ALWAYS


def test_a_drawing_that_a_browser_would_run_runs_nothing():
    async def drawing(_scope, _receive, send):
        kind = [(b"content-type", b"image/svg+xml")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})

    said = []

    async def send(message):
        said.append(message)

    scope = {"type": "http", "method": "GET", "headers": [], "query_string": b""}
    asyncio.run(SecurityHeaders(drawing)(scope, None, send))
    told = dict(said[0]["headers"])[b"content-security-policy"]
    assert told.startswith(b"default-src 'none'; sandbox; ")


ASKED = {
    "type": "http", "method": "GET", "path": "/carte", "query_string": b"",
    "server": ("127.0.0.1", 8501),
    "headers": [(b"host", b"127.0.0.1:8501"), (b"cookie", b"relance_8501=s")],
}  # fmt: skip


def status_of(door):
    """What the gate answers to one request, the door being that one."""
    said = []

    async def send(message):
        said.append(message)

    async def app(_scope, _receive, _send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    asyncio.run(Gate(app, keys=Keys(), door=door)({**ASKED}, None, send))
    return said[0]["status"]


@pytest.mark.parametrize("error", [TargetingError("gone"), FileNotFoundError("gone")])
def test_a_database_that_does_not_answer_lets_nobody_in_and_is_asked_again(monkeypatch, error):
    monkeypatch.setenv("RELANCE_TEAM", "1")
    answers = [error, Inside("s", LOCAL), error]

    def look_up(_secret):
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    clock = [0.0]
    door = Door(lambda: Workspace(None), clock=lambda: clock[0])
    monkeypatch.setattr(door, "_look_up", look_up)
    for expected in (503, 200, 503):
        assert status_of(door) == expected
        clock[0] += LOOK_SECONDS


def test_all_that_ask_at_one_moment_are_looked_up_once(monkeypatch):
    seen = []
    door = Door(lambda: Workspace(None))
    monkeypatch.setattr(door, "_look_up", lambda secret: seen.append(secret) or Inside("s", LOCAL))

    async def ask():
        return await asyncio.gather(*(door.whose(secret) for secret in "aaaabbbb"))

    assert {one.id for one in asyncio.run(ask())} == {"s"}
    assert sorted(seen) == ["a", "b"]


def test_a_look_at_the_sockets_that_fails_is_not_the_last(monkeypatch):
    looks = []

    async def look_after():
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("once")
        raise asyncio.CancelledError

    monkeypatch.setattr("targeting.web.door.LOOK_SECONDS", 0.0)
    door = Door(lambda: Workspace(None))
    monkeypatch.setattr(door, "look_after", look_after)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(door.watch())
    assert len(looks) == 2


@pytest.mark.parametrize("told", ["0", "-1", "many", "1e3", "٣", "100000"])
def test_a_limit_that_is_no_number_is_refused_at_the_start(monkeypatch, told):
    monkeypatch.setenv("RELANCE_MOST_SESSIONS", told)
    with pytest.raises(TargetingError, match="whole number"):
        most_inside()
