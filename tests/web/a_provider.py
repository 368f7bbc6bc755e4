"""An identity provider on loopback, for the tests: it answers as OpenID Connect has it, or wrongly
where a test asks."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT = "relance"
SECRET = "an invented secret"


class AProvider:
    """What it knows; `bend` changes a token's claims before it is signed, `sign` signs it."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.bend: Callable[[dict[str, Any]], object] = lambda _claims: None
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.facts: dict[str, Any] = {}
        self.answer: bytes | None = None

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def log_in(self, way: str, subject: str) -> str:
        """What its own page would do: somebody logs in; gives the code that the browser carries."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(way).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "subject": subject}
        return code

    def told(self, path: str, given: dict[str, str], authorization: str) -> dict[str, Any] | None:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                **self.facts,
            }  # fmt: skip
        if path == "/keys":
            return dict(KeySet([self.key]).as_dict(private=False))
        kept = self.codes.pop(given.get("code", ""), None)
        both = base64.b64encode(b"relance:an%20invented%20secret").decode()
        if path != "/token" or kept is None or authorization != f"Basic {both}":
            return None
        proof = hashlib.sha256(given["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        if challenge != kept["code_challenge"] or given["redirect_uri"] != kept["redirect_uri"]:
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": kept["subject"], "aud": CLIENT, "iat": now,
                  "exp": now + 300, "nonce": kept["nonce"]}  # fmt: skip
        self.bend(claims)
        return {"access_token": "none", "token_type": "Bearer", "id_token": self.sign(claims)}


@contextmanager
def a_provider() -> Iterator[AProvider]:
    """One that answers until the test ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer({k: v[0] for k, v in parse_qs(body).items()})

        def _answer(self, given: dict[str, str]) -> None:
            found = it.told(self.path, given, self.headers.get("authorization", ""))
            body = it.answer if it.answer is not None else json.dumps(found).encode()
            self.send_response(400 if found is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it = AProvider(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield it
    server.shutdown()
    server.server_close()
