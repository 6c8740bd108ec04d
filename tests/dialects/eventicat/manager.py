"""Eventicat's management and reports, as the owner of a key asks for them."""

import json
from datetime import datetime
from typing import Any

import httpx2

from tests.dialects.eventicat.wire import OK, Sender
from tests.server import unique

PATH = "/api/v1/aggregators"
NOBODY = "aggregator_" + "0" * 32
RECENT = 1_700_000_000_000
"""Events of these tests come in after this moment (ms), and are moved to one before it."""


class Manager:
    """A sender that also manages and reads."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.place = f"{PATH}/{sender.aggregator}"

    def send(
        self, method: str, url: str, body: Any = None, key: str | None = None, **headers: str
    ) -> httpx2.Response:
        bearer = f"Bearer {self.sender.key.secret if key is None else key}"
        content = None if body is None else json.dumps(body)
        return self.sender.send(method, url, content, Authorization=bearer, **headers)

    def get(self, url: str) -> Any:
        return data_of(self.send("GET", url))

    def make(self, **body: Any) -> dict[str, Any]:
        made = self.send("POST", PATH, {"name": unique("aggregator")} | body)
        return dict(data_of(made, 201))

    def report(self, query: str) -> Any:
        return self.get(f"{self.place}/report?{query}")

    def count_at(self, moment: str, name: str, *tags: str) -> None:
        """Count an event, and have it counted in the quarter of an hour that starts then."""
        query = "".join(f"&{tag}" for tag in tags)
        assert self.sender.get(f"&name={name}{query}").json() == OK
        self.sender.server.query(
            "UPDATE aggregator_counts SET slot = ? WHERE aggregator_id = ? AND slot > ?",
            int(datetime.fromisoformat(moment).timestamp() * 1000),
            bytes.fromhex(self.sender.aggregator.removeprefix("aggregator_")),
            RECENT,
        )


def data_of(answer: httpx2.Response, status: int = 200) -> Any:
    """What a success carries: JSON, and no envelope around it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def sentence_of(answer: httpx2.Response, status: int) -> str:
    """The sentence that is all a refusal has."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert list(body) == ["error"], answer.text
    return str(body["error"])
