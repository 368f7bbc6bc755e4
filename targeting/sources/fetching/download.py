"""Download official files: fixed addresses, hosts on a list, whole or refused, resumed when cut.

What TRUST SEC-10 asks: https only, hosts by suffix, the name resolved once and the connection made
to the address that was checked (no private, loopback or link-local one), no redirection off the
list, sizes and times bounded, checksums compared. Nothing is fetched unless the user asks.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from targeting.errors import TargetingError

HOSTS: Final = (
    "data.gouv.fr", "insee.fr", "geopf.fr", "ign.fr", "geo.api.gouv.fr",
)  # fmt: skip
"""Publishers' hosts: these names, and what is under them."""

CHUNK: Final = 256 * 1024
AGENT: Final = "Relance (open data of elections)"
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_BUSY: Final = (429, 500, 502, 503, 504)


class FetchError(TargetingError):
    """A download that cannot be had, with the reason and the way out."""


@dataclass(frozen=True)
class Limits:
    """How long and how much; times in seconds, sizes in bytes.

    slowest: under this many bytes a second for `patience` seconds, the line is dead.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    patience_s: float = 60.0
    slowest: float = 1024.0
    tries: int = 5
    first_wait_s: float = 2.0
    longest_wait_s: float = 120.0
    most_bytes: int = 3 * 1024**3
    redirects: int = 5


@dataclass(frozen=True)
class Policy:
    """Whom we speak to. The default is the only one outside tests."""

    hosts: tuple[str, ...] = HOSTS
    schemes: tuple[str, ...] = ("https",)
    allows_private: bool = False

    def check(self, url: str) -> tuple[str, int]:
        """Host and port of an address on the list. Raises FetchError for any other."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().rstrip(".")
        if parts.scheme not in self.schemes:
            raise FetchError(f"{_shown(url)}: refused, only {', '.join(self.schemes)} is used.")
        if parts.username is not None or parts.password is not None:
            raise FetchError(f"{_shown(url)}: refused, an address with a name and a password.")
        if not any(host == known or host.endswith(f".{known}") for known in self.hosts):
            raise FetchError(
                f"{host or 'no host'}: refused, not a publisher's host ({', '.join(self.hosts)}). "
                "Download the file yourself and import it."
            )
        return host, parts.port or (443 if parts.scheme == "https" else 80)

    def resolve(self, host: str, port: int) -> str:
        """The one IP address that will be connected to. Raises FetchError if it is private."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise FetchError(
                f"{host} cannot be found: is this machine on line? Everything else works off line: "
                "download the file elsewhere and import it."
            ) from error
        addresses = [str(info[4][0]) for info in found]
        if not self.allows_private:
            for address in addresses:
                if not is_public(address):
                    raise FetchError(f"{host} leads to {address}, a private address: refused.")
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet; IPv4 inside IPv6 is looked at as IPv4.

    >>> is_public("169.254.169.254"), is_public("::ffff:10.0.0.1"), is_public("2001:41d0::1")
    (False, False, True)
    """
    ip: Any = ipaddress.ip_address(address.partition("%")[0])
    for inner in (getattr(ip, "ipv4_mapped", None), getattr(ip, "sixtofour", None)):
        ip = inner or ip
    return bool(ip.is_global and not ip.is_multicast)


@dataclass
class Download:
    """A file coming in: its bytes in order, and what was learnt of it.

    Iterate it once. received counts bytes; total is what the server announced, 0 where it did not;
    md5 and sha256 are of all the bytes, known at the end.
    """

    url: str
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    expected: int = 0
    start: int = 0
    validator: str = ""
    told: Callable[[str], None] = lambda text: None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    received: int = 0
    total: int = 0
    restarted: bool = False

    def __iter__(self) -> Iterator[bytes]:
        """Chunks from `start` on, through cuts, waits and redirections.

        `restarted` is set when the server does not resume (or has another file by now): what was
        kept before is to be thrown away, the chunks begin at 0 again.
        """
        self.received = self.start
        failures = 0
        while True:
            before = self.received
            try:
                yield from self._attempt()
                return
            except SSLError as error:
                raise FetchError(
                    f"{_shown(self.url)}: the server cannot prove who it is ({_reason(error)}): "
                    "refused. Is a proxy in between? Download the file yourself and import it."
                ) from error
            except (HTTPError, OSError, _CutError) as error:
                failures = 1 if self.received > before else failures + 1
                if failures >= self.limits.tries:
                    if not self.received:
                        raise FetchError(
                            f"{_shown(self.url)}: no answer in {failures} tries "
                            f"({_reason(error)}). Is this machine on line? Try again later, or "
                            "download the file elsewhere and import it."
                        ) from error
                    raise FetchError(
                        f"{_shown(self.url)}: the line was cut {failures} times at "
                        f"{self.received:,} bytes ({_reason(error)}). What came is kept: run the "
                        "same command again to go on."
                    ) from error
                self.told(f"cut at {self.received:,} bytes ({_reason(error)}): going on")
                pause = self.limits.first_wait_s * 2 ** (failures - 1)
                self.sleep(min(pause, self.limits.longest_wait_s))

    def _attempt(self) -> Iterator[bytes]:
        with self._answer() as answer:
            self._size_up(answer)
            since, got = self.clock(), 0
            for chunk in answer.stream(CHUNK, decode_content=False):
                self.received += len(chunk)
                got += len(chunk)
                if self.received > self.limits.most_bytes:
                    raise FetchError(
                        f"{_shown(self.url)}: more than {self.limits.most_bytes:,} bytes: refused."
                    )
                yield chunk
                spent = self.clock() - since
                if spent > self.limits.patience_s:
                    if got < self.limits.slowest * spent:
                        raise _CutError(f"{got / spent:,.0f} bytes a second")
                    since, got = self.clock(), 0
            if self.total and self.received < self.total:
                raise _CutError(f"{self.total - self.received:,} bytes are missing")

    @contextmanager
    def _answer(self) -> Iterator[urllib3.BaseHTTPResponse]:
        """The server's answer, redirections followed on the list, waits of a busy one obeyed."""
        url = self.url
        waited = 0.0
        hops = 0
        while True:
            answer = self._ask(url)
            if answer.status in _REDIRECTS:
                target = urljoin(url, answer.headers.get("Location", ""))
                answer.drain_conn()
                hops += 1
                if hops > self.limits.redirects:
                    raise FetchError(f"{_shown(self.url)}: redirected in circles.")
                self.policy.check(target)
                url = target
                continue
            if answer.status in _BUSY:
                pause = _retry_after(answer.headers.get("Retry-After"))
                answer.drain_conn()
                waited += pause
                if waited > self.limits.longest_wait_s:
                    raise FetchError(
                        f"{_shown(self.url)}: the server is busy ({answer.status}) and asks to "
                        f"wait {pause:,.0f} s: try again later."
                    )
                self.told(f"the server asks to wait {pause:,.0f} s")
                self.sleep(pause)
                continue
            break
        try:
            yield answer
        finally:
            answer.close()
            answer.release_conn()

    def _ask(self, url: str) -> urllib3.BaseHTTPResponse:
        host, port = self.policy.check(url)
        address = self.policy.resolve(host, port)
        parts = urlsplit(url)
        timeout = urllib3.Timeout(connect=self.limits.connect_s, read=self.limits.read_s)
        pool: urllib3.HTTPConnectionPool
        if parts.scheme == "https":
            pool = urllib3.HTTPSConnectionPool(
                address, port, server_hostname=host, assert_hostname=host, timeout=timeout,
                cert_reqs="CERT_REQUIRED",
            )  # fmt: skip
        else:
            pool = urllib3.HTTPConnectionPool(address, port, timeout=timeout)
        path = parts.path or "/"
        return pool.urlopen(
            "GET", f"{path}?{parts.query}" if parts.query else path,
            headers={"Host": parts.netloc, "User-Agent": AGENT, **self._range()},
            redirect=False, retries=False, preload_content=False, decode_content=False,
        )  # fmt: skip

    def _range(self) -> dict[str, str]:
        if not self.received or not self.validator:
            return {}
        return {"Range": f"bytes={self.received}-", "If-Range": self.validator}

    def _size_up(self, answer: urllib3.BaseHTTPResponse) -> None:
        """Read what the answer says of the file; begin again where it does not resume."""
        if answer.status == 416:
            self._begin_again()
            raise _CutError("the server has another file now")
        if answer.status not in (200, 206):
            raise FetchError(
                f"{_shown(self.url)}: the server answers {answer.status}. The file may have moved: "
                "look for it on the publisher's page and import it yourself."
            )
        if answer.status == 200 and self.received:
            self._begin_again()
        length = int(answer.headers.get("Content-Length") or 0)
        self.total = self.received + length if length else 0
        self.validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        most = self.limits.most_bytes
        if self.expected:
            most = min(most, self.expected * 2 + 1024**2)
        if self.total > most:
            raise FetchError(
                f"{_shown(self.url)}: {self.total:,} bytes announced, {self.expected:,} expected: "
                "refused. The publisher may have changed the file."
            )

    def _begin_again(self) -> None:
        self.received, self.restarted, self.validator = 0, True, ""


class _CutError(Exception):
    """The line fell silent, or ended before the file did."""


class Digests:
    """MD5 (the publisher's) and SHA-256 (ours) of what goes through."""

    def __init__(self) -> None:
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()
        self.bytes = 0

    def add(self, chunk: bytes) -> None:
        self.md5.update(chunk)
        self.sha256.update(chunk)
        self.bytes += len(chunk)


def _retry_after(header: str | None) -> float:
    """Seconds that a busy server asks for; five where it does not say, or says a date."""
    return float(header) if header and header.isdigit() else 5.0


def _reason(error: Exception) -> str:
    return str(error).split("(", maxsplit=1)[0].strip(" :") or type(error).__name__


def _shown(url: str) -> str:
    """An address as messages show it: host and file."""
    parts = urlsplit(url)
    return f"{parts.hostname or '?'} … {parts.path.rsplit('/', 1)[-1][:60]}"
