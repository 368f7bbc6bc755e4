"""A team of invented people, one of each role, made through the services; and its server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

import pyotp
import pytest
from argon2 import PasswordHasher

from targeting.access import passwords
from targeting.access.codes import STEP_SECONDS
from targeting.access.roles import ROLES, SECOND_FACTOR, Actor
from targeting.config import Workspace
from targeting.workflows.access import door, team

PASSWORD = "girafe-balcon-tournevis"


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """Passwords are kept by a hash that takes no time: what is tried is what stands around it."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", cheap)
        patched.setattr(passwords, "_NOBODYS", cheap.hash("nobody has this password"))
        yield


class Member(NamedTuple):
    """Somebody of the team, with a session."""

    actor: Actor
    secret: str
    code_secret: str = ""


def found_team(workspace: Workspace, login: str = "anne.exemple") -> Member:
    """The first administrator, by the link of the console."""
    link = door.first_link(workspace)
    assert link is not None
    done = door.take_link(workspace, link, PASSWORD, login=login, name="Anne Exemple")
    assert isinstance(done, door.Entered)
    return with_code(workspace, done)


def add_member(
    workspace: Workspace, admin: Actor, role: str, login: str = "", *, code: bool = True
) -> Member:
    """Somebody invited, who used the link; their second factor is set where their role asks."""
    invited = team.invite(workspace, admin, login or f"{role}.exemple", f"Un {role}", role)
    done = door.take_link(workspace, invited.secret, PASSWORD)
    assert isinstance(done, door.Entered)
    return with_code(workspace, done) if code else Member(done.actor, done.secret)


def with_code(workspace: Workspace, done: door.Entered) -> Member:
    if done.actor.role not in SECOND_FACTOR:
        return Member(done.actor, done.secret)
    secret = pyotp.random_base32()
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)  # so that today's codes are unspent
    door.set_code(workspace, done.actor, secret, code_at(secret, long_ago), now=long_ago)
    return Member(done.actor, done.secret, secret)


def code_at(secret: str, now: datetime) -> str:
    """The six digits that a telephone shows at that moment."""
    return pyotp.TOTP(secret).generate_otp(int(now.timestamp()) // STEP_SECONDS)


def whole_team(workspace: Workspace) -> dict[str, Member]:
    """One of each role, by role."""
    admin = found_team(workspace)
    others = {r: add_member(workspace, admin.actor, r) for r in ROLES if r != "administrator"}
    return {"administrator": admin, **others}


class Wire:
    """One server asked with bare sockets: headers are sent as given."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.told = b""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cookie(self, *secrets: str) -> str:
        return "; ".join(f"relance_{self.port}={secret}" for secret in secrets)

    def ask(
        self, path: str, cookie: str = "", *, method: str = "GET", origin: str | None = "ours",
        extra: tuple[str, ...] = (), body: bytes = b"", accept: str = "*/*", sized: bool = True,
    ) -> int:  # fmt: skip
        """The status of one answer."""
        came = {"ours": f"http://{self.host}"}.get(origin or "", origin)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Accept: {accept}"]
        lines += (
            [f"Origin: {came}"] if (came and method != "GET") or (origin != "ours" and came) else []
        )
        lines += [f"Cookie: {cookie}"] if cookie else []
        lines += [*extra, *([f"Content-Length: {len(body)}"] if method != "GET" and sized else [])]
        head = "\r\n".join([*lines, "Connection: close"]).encode() + b"\r\n\r\n"
        return self._send(head + body)

    def dial(self, cookie: str = "", *, extra: tuple[str, ...] = (), origin: str = "") -> int:
        """The status of a socket's handshake: 101 is in."""
        lines = [
            "GET /_stcore/stream HTTP/1.1", f"Host: {self.host}", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: streamlit",
            f"Origin: {origin or f'http://{self.host}'}", *extra,
            *([f"Cookie: {cookie}"] if cookie else []),
        ]  # fmt: skip
        return self._send("\r\n".join(lines).encode() + b"\r\n\r\n", is_whole=False)

    def _send(self, raw: bytes, *, is_whole: bool = True) -> int:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as wire:
            wire.sendall(raw)
            self.told = wire.recv(65536)
            while is_whole and (more := wire.recv(65536)):
                self.told += more
        return int(self.told.split(b" ", 2)[1])

    def header(self, name: str) -> str:
        """A header of the last answer."""
        head = self.told.split(b"\r\n\r\n")[0].decode()
        found = [line for line in head.split("\r\n")[1:] if line.lower().startswith(f"{name}:")]
        return found[-1].split(":", 1)[1].strip() if found else ""

    def form(self, path: str, cookie: str = "") -> tuple[str, str]:
        """A form of the door: the cookie given with it, and its word."""
        self.ask(path, cookie, accept="text/html")
        given = self.header("set-cookie").split(";")[0]
        word = self.told.decode().split('name="word" value="')[1].split('"')[0]
        return given, word

    def post(self, path: str, cookie: str, *, raw: bytes = b"", **fields: str) -> int:
        """Send a form."""
        body = raw or urlencode(fields).encode()
        kind = ("Content-Type: application/x-www-form-urlencoded",)
        return self.ask(path, cookie, method="POST", body=body, extra=kind)
