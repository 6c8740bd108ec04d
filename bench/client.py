"""The few requests the harness makes itself: checks, loading, pages. The load comes from wrk."""

import http.client
from collections.abc import Mapping

import msgspec


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """One keep-alive connection to a local server."""

    def __init__(self, port: int, key: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path: str) -> Answer:
        return self._send("GET", path, None, {})

    def post(self, path: str, body: bytes, idempotency_key: str) -> Answer:
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        return self._send("POST", path, body, headers)

    def patch(self, path: str, body: bytes, idempotency_key: str) -> Answer:
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        return self._send("PATCH", path, body, headers)

    def close(self) -> None:
        self._connection.close()

    def _send(self, method: str, path: str, body: bytes | None, extra: Mapping[str, str]) -> Answer:
        self._connection.request(method, path, body, self._headers | dict(extra))
        response = self._connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


def get(port: int, path: str) -> Answer:
    client = Client(port)
    try:
        return client.get(path)
    finally:
        client.close()


def metric(text: str, name: str) -> float | None:
    """Sum of a metric's samples in Prometheus text, None if it has none."""
    samples = [
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith((name + " ", name + "{"))
    ]
    return sum(samples) if samples else None
