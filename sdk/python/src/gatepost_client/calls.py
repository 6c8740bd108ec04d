"""Calls of Gatepost's API, before they are sent and after they came back; no I/O."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from gatepost_client.errors import RefusedError, UnavailableError
from gatepost_client.wire import BATCH_MAX, Check

USER_AGENT = "gatepost-client"
CONNECTIONS = 20
IDLE_S = 15.0
"""An idle connection is given up before Gatepost does it, which is after 75 s."""
KEYS = "/v1/gate/keys"
TOO_MANY = 429
FAULT = 500


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `path` below the address, `body` as JSON. The same `once` has but one effect."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    once: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """The rest of it, as httpx2 takes it; raises TypeError where the body is no JSON."""
        headers = {} if self.once is None else {"Idempotency-Key": self.once}
        if self.body is None:
            return {"headers": headers, "params": self.query}
        headers["Content-Type"] = "application/json"
        return {"headers": headers, "content": json.dumps(self.body).encode()}


def one_check(check: Check, once: str | None) -> Request:
    """A call that asks one check."""
    return Request("POST", "/v1/gate/check", check.body(), once)


def many_checks(checks: Sequence[Check], once: str | None) -> Request:
    """A call that asks up to a hundred checks; raises ValueError."""
    if not 1 <= len(checks) <= BATCH_MAX:
        message = f"a batch takes 1 to {BATCH_MAX} checks, not {len(checks)}"
        raise ValueError(message)
    body = {"checks": [one.body() for one in checks]}
    return Request("POST", "/v1/gate/check/batch", body, once)


def of_key(
    method: str, key_id: str, what: str = "", body: Mapping[str, Any] | None = None
) -> Request:
    """A call about one key."""
    return Request(method, f"{KEYS}/{quote(key_id, safe='')}{what}", body)


def listing(customer: str | None, cursor: str | None) -> Request:
    """A call for a page of keys."""
    query = {"customer": customer, "cursor": cursor}
    said = {name: value for name, value in query.items() if value is not None}
    return Request("GET", KEYS, query=said)


def check_access(url: str, api_key: str) -> None:
    """Refuse what cannot lead to Gatepost; raises ValueError, never with the key in it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the address of Gatepost begins with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise ValueError("the address of Gatepost holds a user, which is not sent")
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ValueError("the API key holds characters that no API key has")


def client_options(
    url: str, api_key: str, timeout_s: float, trust: ssl.SSLContext | None
) -> dict[str, Any]:
    """How httpx2's clients are made; raises ValueError."""
    check_access(url, api_key)
    return {
        "base_url": url.rstrip("/"),
        "headers": {"Authorization": f"Bearer {api_key}", "User-Agent": USER_AGENT},
        "timeout": timeout_s,
        "verify": trust or _trust(url),
        "limits": httpx2.Limits(
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=IDLE_S,
        ),
    }


def _trust(url: str) -> ssl.SSLContext:
    """What certificates to trust: loading those of the system takes a while, so only for TLS."""
    if urlsplit(url).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.create_ssl_context()


def read(response: httpx2.Response) -> Any:
    """The data in an answer; raises RefusedError or UnavailableError."""
    answer = _json(response)
    if response.is_success and "data" in answer:
        return answer["data"]
    status = response.status_code
    if status >= FAULT or status == TOO_MANY:
        wait = _seconds(response.headers.get("retry-after"))
        raise UnavailableError(f"Gatepost answered {status}", retry_after_s=wait)
    if response.is_success or response.is_redirect or "code" not in answer:
        raise UnavailableError(f"what answered {status} is not Gatepost")
    message = str(answer.get("message") or answer.get("error") or "")
    raise RefusedError(status, str(answer["code"]), message, answer.get("requestId"))


def no_answer(error: Exception) -> UnavailableError:
    """What to raise for an error of the network, of which only the kind is told."""
    return UnavailableError(f"no answer ({type(error).__name__})")


def _json(response: httpx2.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
