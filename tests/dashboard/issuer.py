"""A little provider of OpenID Connect: a real HTTP server with keys of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "gatepost", "s3cret/+ of %"


class Issuer:
    """It vouches for whoever `claims` say; `spoil` changes what it answers with."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict[str, Any] = {}
        self.signed_by: Any = self.key
        self.algorithm = "RS256"
        self.called: str | None = None
        self.asked: dict[str, dict[str, str]] = {}
        self.redeemed: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.get(self)

            def do_POST(self) -> None:
                issuer.post(self)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def consent(self, where: str) -> dict[str, str]:
        """What its page would do that a browser was sent to: give a code to take back."""
        query = dict(parse_qsl(urlsplit(where).query))
        code = f"code-{len(self.asked)}"
        self.asked[code] = query
        return {"code": code, "state": query["state"]}

    def get(self, request: BaseHTTPRequestHandler) -> None:
        documents = {
            "/.well-known/openid-configuration": {
                "issuer": self.called or self.url,
                "authorization_endpoint": f"{self.url}/authorize?tenant=1",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            },
            "/keys": {"keys": [self._public()]},
        }
        found = documents.get(request.path)
        _answer(request, 200 if found else 404, found)

    def post(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers["content-length"])
        form = {name: one[0] for name, one in parse_qs(request.rfile.read(length).decode()).items()}
        asked = self.asked.get(form["code"])
        known = base64.b64encode(b"gatepost:s3cret%2F%2B%20of%20%25").decode()
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        right = (
            asked is not None
            and request.headers["authorization"] == f"Basic {known}"
            and form["redirect_uri"] == asked["redirect_uri"]
            and base64.urlsafe_b64encode(verifier).decode().rstrip("=") == asked["code_challenge"]
            and form["code"] not in self.redeemed
        )
        if not right or asked is None:
            _answer(request, 400, {"error": "invalid_grant"})
            return
        self.redeemed.append(form["code"])
        _answer(request, 200, {"id_token": self._token(asked), "token_type": "Bearer"})

    def _token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        usual = {
            "iss": self.url,
            "sub": "1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email_verified": True,
        }
        claims = {name: one for name, one in (usual | self.claims).items() if one is not None}
        return jwt.encode(claims, self.signed_by, self.algorithm, headers={"kid": "one"})

    def _public(self) -> dict[str, Any]:
        shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return dict(shown) | {"kid": "one", "alg": "RS256", "use": "sig"}


def _answer(request: BaseHTTPRequestHandler, status: int, body: object) -> None:
    content = json.dumps(body).encode()
    request.send_response(status)
    request.send_header("content-type", "application/json")
    request.send_header("content-length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
