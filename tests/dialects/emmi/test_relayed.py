"""EMMI's data endpoints, relayed to a service of one's own: checked and refused in its manner."""

from typing import Any

import pytest

from tests.dialects.emmi.wire import NOBODY, Account, refused
from tests.ports import free_port

DATA = "/emissions-estimates"
NO_JSON = b"{"


@pytest.fixture
def relayed(anywhere: Account) -> Account:
    """An account whose data endpoint leads to an upstream that is down."""
    upstream = f"http://127.0.0.1:{free_port()}/estimates"
    terms = ("--account", anywhere.id, "--units", "array", "--customer", "required")
    anywhere.server.cli("relay", "add", "POST", anywhere.prefix + DATA, upstream, *terms)
    return anywhere


def test_a_relayed_request_is_checked_as_any_data_request(relayed: Account) -> None:
    def ask(customer: str | None, body: Any = b"[{}]", **more: Any) -> Any:
        return relayed.send("POST", DATA, body, customer=customer, **more)

    made = relayed.register()["customer_id"]
    refused(ask(made, key=None), 401, "missing_api_key")
    refused(ask(None, NO_JSON), 400, "missing_customer_id")
    refused(ask("desk-a", NO_JSON), 400, "invalid_customer_id")
    refused(ask(NOBODY, NO_JSON), 404, "customer_not_found")
    refused(ask(made, NO_JSON, Content_Type="text/plain"), 415, "unsupported_media_type")
    refused(ask(made, NO_JSON), 400, "invalid_json")
    refused(ask(made, b"7"), 422, "validation_error")
    refused(ask(made), 502, "upstream_failed")
    assert relayed.used(made)[:2] == (0, 0)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"7", "application/json"), (NO_JSON, "application/json"), (b"[{}]", "text/plain")],
)
def test_a_used_up_quota_is_told_before_a_faulty_body(
    relayed: Account, body: bytes, kind: str
) -> None:
    made = relayed.register()["customer_id"]
    quota = {"metric": "units", "limit": 0, "period": "month", "mode": "hard"}
    relayed.send("PUT", f"/customers/{made}/quota", quota)
    answer = relayed.send("POST", DATA, body, customer=made, Content_Type=kind)
    refused(answer, 429, "quota_exceeded")
    assert answer.headers["x-quota-remaining"] == "0"


def test_a_faulty_body_is_charged_nothing(relayed: Account) -> None:
    made = relayed.register()["customer_id"]
    quota = {"metric": "requests", "limit": 1, "period": "month", "mode": "hard"}
    relayed.send("PUT", f"/customers/{made}/quota", quota)
    for _ in range(2):
        refused(relayed.send("POST", DATA, NO_JSON, customer=made), 400, "invalid_json")
    assert relayed.send("GET", f"/customers/{made}/quota").json()["used"] == 0
