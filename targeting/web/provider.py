"""The identity provider of a team that has one (OpenID Connect): who it says somebody is.

Authorization code with PKCE, `state` and `nonce`, all drawn for one browser and kept in its cookie.
What comes back is believed once its signature, issuer, audience, nonce and time hold. What it tells
is one thing, `sub`: an active account must have been invited under it, by an administrator who
wrote it down. No address nor name is matched, so that nobody becomes somebody by calling themself
so; no link is sent, so that there is none to steal.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import stat
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from targeting.errors import TargetingError

ISSUER: Final = "RELANCE_OIDC_ISSUER"
CLIENT: Final = "RELANCE_OIDC_CLIENT_ID"
SECRET: Final = "RELANCE_OIDC_CLIENT_SECRET"  # noqa: S105 (a setting's name)
SECRET_FILE: Final = "RELANCE_OIDC_CLIENT_SECRET_FILE"  # noqa: S105 (a setting's name)
NAME: Final = "RELANCE_OIDC_NAME"

ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA")
"""Signatures that are believed: by a key of the provider's own, never `none` or a shared one."""

TIMEOUT: Final = urllib3.Timeout(connect=3.0, read=5.0)
MOST_BYTES: Final = 256 * 1024
KEPT_SECONDS: Final = 3600.0
"""How long what the provider says of itself is believed."""

AGAIN_SECONDS: Final = 60.0
"""How soon its keys are asked for anew, where a signature is by one we do not know."""

WAY_SECONDS: Final = 600
"""How long somebody may take at the provider."""

LEEWAY: Final = 60
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class NotBelievedError(TargetingError):
    """What came back is not what this browser was sent for."""

    def __init__(self) -> None:
        super().__init__("what the identity provider answered does not hold: log in anew.")


def provider_name() -> str | None:
    """What the provider is called on the page of the door; nothing where there is none."""
    if not os.environ.get(ISSUER):
        return None
    return os.environ.get(NAME) or "OpenID Connect"


@dataclass(frozen=True)
class Settings:
    """Where the provider is, and who we are to it."""

    issuer: str
    client: str
    secret: str = field(repr=False)


def settings() -> Settings:
    """What is set from outside. Raises TargetingError where it does not hold together."""
    issuer, client = os.environ.get(ISSUER, ""), os.environ.get(CLIENT, "")
    if not is_safe(issuer):
        raise TargetingError(f"{ISSUER} is no https address: give the provider's own.")
    if not client:
        raise TargetingError(f"{CLIENT} is not set: give what the provider calls this server.")
    return Settings(issuer, client, _secret())


def _secret() -> str:
    if told := os.environ.get(SECRET):
        return told
    place = os.environ.get(SECRET_FILE)
    if not place:
        raise TargetingError(f"neither {SECRET} nor {SECRET_FILE} is set: give one.")
    try:
        with Path(place).open(encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise TargetingError(
                    f"{place} can be read by others: `chmod 600` it, then start again."
                )
            return file.read(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TargetingError(f"{place} cannot be read: check {SECRET_FILE}.") from error


def is_safe(address: str) -> bool:
    """Whether what is said there is said in secret: over TLS, or on this machine.

    >>> is_safe("https://login.example"), is_safe("http://login.example"), is_safe("file:///x")
    (True, False, False)
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    has_more = parts.query or parts.fragment or parts.username
    if not host or has_more or not address.isascii() or not address.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


@dataclass
class Provider:
    """What the provider says of itself, asked once an hour, and what it answers for a code."""

    _told: tuple[float, dict[str, Any]] | None = None
    _keys: tuple[float, KeySet] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _wire: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(timeout=TIMEOUT, retries=False)
    )

    def facts(self, us: Settings) -> dict[str, Any]:
        """Its addresses. Raises TargetingError where it does not answer, or for another."""
        with self._lock:
            now = time.monotonic()
            if self._told is None or now - self._told[0] >= KEPT_SECONDS:
                found = self._get(us.issuer.rstrip("/") + "/.well-known/openid-configuration")
                wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                if found.get("issuer") != us.issuer or not all(
                    isinstance(found.get(k), str) and is_safe(found[k]) for k in wanted
                ):
                    raise TargetingError(
                        f"the identity provider says another thing of itself than {ISSUER}: check "
                        "it, to the last sign."
                    )
                self._told = now, found
            return self._told[1]

    def way_there(self, us: Settings, back: str, state: str, nonce: str, proof: str) -> str:
        """Where to send a browser."""
        asked = {
            "response_type": "code", "client_id": us.client, "redirect_uri": back,
            "scope": "openid", "state": state, "nonce": nonce, "code_challenge_method": "S256",
            "code_challenge": create_s256_code_challenge(proof),
        }  # fmt: skip
        return f"{self.facts(us)['authorization_endpoint']}?{urlencode(asked)}"

    def subject(self, us: Settings, back: str, code: str, nonce: str, proof: str) -> str:
        """Who it says somebody is. Raises NotBelievedError where that does not hold."""
        facts = self.facts(us)
        given = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back,
            "code_verifier": proof,
        }  # fmt: skip
        heads = {}
        if "client_secret_basic" in facts.get(
            "token_endpoint_auth_methods_supported", ["client_secret_basic"]
        ):
            both = f"{quote(us.client, safe='')}:{quote(us.secret, safe='')}"
            heads = dict(urllib3.make_headers(basic_auth=both))
        else:
            given |= {"client_id": us.client, "client_secret": us.secret}
        answer = self._ask("POST", facts["token_endpoint"], given, heads)
        told = answer.get("id_token")
        if not isinstance(told, str):
            raise NotBelievedError
        return self._believed(us, told, nonce)

    def _believed(self, us: Settings, told: str, nonce: str) -> str:
        try:
            try:
                token = jwt.decode(told, self._key_set(us), algorithms=ALGORITHMS)
            except (JoseError, ValueError):  # a new key of theirs, perhaps
                token = jwt.decode(told, self._key_set(us, anew=True), algorithms=ALGORITHMS)
            claims = CodeIDToken(
                token.claims, token.header,
                {"iss": {"essential": True, "value": us.issuer}, "sub": {"essential": True},
                 "aud": {"essential": True, "value": us.client}, "exp": {"essential": True},
                 "nonce": {"essential": True, "value": nonce}},
                {"nonce": nonce, "client_id": us.client},
            )  # fmt: skip
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotBelievedError from error
        sub, audience = claims.get("sub"), claims.get("aud")
        is_ours = audience in (us.client, [us.client])
        if not (isinstance(sub, str) and sub and is_ours and claims.get("nonce") == nonce):
            raise NotBelievedError
        return sub

    def _key_set(self, us: Settings, *, anew: bool = False) -> KeySet:
        address = self.facts(us)["jwks_uri"]
        with self._lock:
            now = time.monotonic()
            longest = AGAIN_SECONDS if anew else KEPT_SECONDS
            if self._keys is None or now - self._keys[0] >= longest:
                found = self._get(address)
                self._keys = now, KeySet.import_key_set(found)  # type: ignore[arg-type]
            return self._keys[1]

    def _get(self, address: str) -> dict[str, Any]:
        return self._ask("GET", address)

    def _ask(
        self, method: str, address: str, given: dict[str, str] | None = None,
        heads: dict[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """What is answered there, followed nowhere else. Nothing of it is repeated to anybody."""
        try:
            answer = self._wire.request(
                method, address, redirect=False, preload_content=False,
                headers={"accept": "application/json", **(heads or {})},
                **({"fields": given, "encode_multipart": False} if given else {}),  # type: ignore[arg-type]
            )  # fmt: skip
            try:
                body = answer.read(MOST_BYTES + 1)
            finally:
                answer.close()
            if answer.status != 200 or len(body) > MOST_BYTES:
                raise NotBelievedError
            found = json.loads(body)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TargetingError(
                "the identity provider does not answer: try again in a moment, or log in with a "
                "password if you have one."
            ) from error
        except (ValueError, RecursionError) as error:
            raise NotBelievedError from error
        if not isinstance(found, dict):
            raise NotBelievedError
        return found


@dataclass(frozen=True)
class Way:
    """What is kept in a browser while somebody is at the provider."""

    state: str
    nonce: str
    proof: str
    next: str

    @classmethod
    def drawn(cls, next: str) -> Way:
        """New secrets for one login."""
        state, nonce, proof = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, proof, next)

    def packed(self) -> str:
        """As a cookie carries it."""
        return ".".join((self.state, self.nonce, self.proof, self.next.encode().hex()))

    @classmethod
    def unpacked(cls, text: str, state: str) -> Way | None:
        """What was kept, if it was for this answer (`state`)."""
        parts = text.split(".")
        if len(parts) != 4 or not hmac.compare_digest(parts[0].encode(), state.encode()):
            return None
        kept, nonce, proof, way = parts
        try:
            return cls(kept, nonce, proof, bytes.fromhex(way).decode())
        except ValueError:
            return None
