"""What a request says of itself: its headers, its page, where it comes from."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.types import Scope

from targeting.errors import TargetingError

READING: Final = ("GET", "HEAD", "OPTIONS")

_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?")
_USUAL_PORT: Final = {"http": "80", "https": "443"}


def parse_origin(text: str) -> str:
    """An origin as browsers write it: lower case, without the usual port.

    Raises TargetingError for what is no origin.

    >>> parse_origin("https://Relance.example:443")
    'https://relance.example'
    """
    found = _ORIGIN.fullmatch(text.strip().rstrip("/").lower())
    if found is None or int(found[3] or 1) not in range(1, 65536):
        raise TargetingError(
            f"“{text}” is no address of a server: give it as https://relance.example or "
            "http://192.168.1.20:8501."
        )
    scheme, name, port = found.groups()
    return f"{scheme}://{name}" + (f":{port}" if port not in (None, _USUAL_PORT[scheme]) else "")


class Heads:
    """The headers of a request, by lower-case name."""

    def __init__(self, scope: Scope) -> None:
        self.all = [(k.lower(), v.decode("latin-1")) for k, v in scope["headers"]]

    def count(self, name: bytes) -> int:
        """How often a header is given."""
        return sum(k == name for k, _ in self.all)

    def only(self, name: bytes) -> str | None:
        """The value of a header given once; nothing if it is not there, or twice."""
        values = [v for k, v in self.all if k == name]
        return values[0] if len(values) == 1 else None

    def cookies(self, name: str) -> list[str]:
        """The values of a cookie, as many as are sent."""
        parts = [p.strip() for k, v in self.all if k == b"cookie" for p in v.split(";")]
        return [p.split("=", 1)[1] for p in parts if p.startswith(f"{name}=")]

    def cookie(self, name: str) -> str | None:
        """The value of a cookie; nothing where two differ: one of them was planted by another page,
        and nobody can tell which."""
        values = set(self.cookies(name))
        return values.pop() if len(values) == 1 else None


def reads(scope: Scope) -> bool:
    """Whether a request only reads."""
    return scope["type"] == "http" and scope["method"] in READING


def is_from(ours: str, scope: Scope, heads: Heads) -> bool:
    """Whether our own page asks. Browsers name the page (Origin) with all that writes and with
    sockets; with what only reads they say at least where it comes from (Sec-Fetch-Site)."""
    if heads.count(b"origin"):
        return heads.only(b"origin") == ours and (
            heads.only(b"sec-fetch-site") in (None, "same-origin", "none")
        )
    if not reads(scope):
        return False
    site = heads.only(b"sec-fetch-site")
    return site not in ("cross-site", "same-site") or _is_navigation(heads)


def _is_navigation(heads: Heads) -> bool:
    return heads.only(b"sec-fetch-mode") == "navigate" and (
        heads.only(b"sec-fetch-dest") in (None, "document")
    )


def opens_a_page(scope: Scope, heads: Heads) -> bool:
    """Whether somebody opens an address in a browser."""
    is_get = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    return is_get and "text/html" in (heads.only(b"accept") or "")


def comes_from_elsewhere(heads: Heads) -> bool:
    """Whether a link of another site leads here: the browser keeps our cookie to itself then."""
    return heads.only(b"sec-fetch-site") in ("cross-site", "same-site") and _is_navigation(heads)


def query_of(scope: Scope) -> list[tuple[str, str]]:
    """The names and values after the `?`."""
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def local_path(scope: Scope, *, without: str = "") -> str:
    """The path and query asked for, without one name of the query: always on this server.

    >>> local_path({"path": "//evil.example", "query_string": b"a=1&token=x"}, without="token")
    '/evil.example?a=1'
    """
    path = "/" + quote(scope["path"].lstrip("/\\"), safe="/")
    kept = [(k, v) for k, v in query_of(scope) if k != without]
    return path + (f"?{urlencode(kept)}" if kept else "")


def cookie_name(scope: Scope, ours: str) -> str:
    """The name of the cookie that lets a browser in.

    Behind TLS `__Host-`: no other host and no page without TLS can set it. On loopback with the
    port, for browsers give one machine's cookies to all ports.
    """
    if ours.startswith("https:"):
        return "__Host-relance"
    return f"relance_{(scope.get('server') or ('', None))[1] or 'key'}"


def cookie_line(
    name: str, value: str, ours: str, *, seconds: int | None = None, site: str = "Strict"
) -> bytes:
    """A cookie that no script reads and no other page sends; `site="Lax"`: but who follows a link
    of another page does."""
    safe = "; Secure" if ours.startswith("https:") else ""
    life = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{name}={value}; Path=/; HttpOnly; SameSite={site}{safe}{life}".encode()
