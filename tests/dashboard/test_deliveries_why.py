"""What a delivery's page says of how it stands."""

from typing import Any

import pytest

from gatepost.dashboard.sections.deliveries.why import FAULTS, explain
from gatepost.domains.outbox.model import Fault, State


def delivery(**more: Any) -> dict[str, Any]:
    usual = {"state": "failed", "transport": "webhook", "attempts": 1, "status": None}
    return {**usual, "fault": None, "error": None, **more}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("fault", [None, *Fault])
def test_there_are_words_for_all_of_them(state: State, fault: Fault | None) -> None:
    why = explain(delivery(state=state, fault=fault, error="Something", status=500))
    assert why.text.endswith(".")
    assert why.text.count(".") <= 3
    if state is State.FAILED:
        assert why.text.endswith("It is not tried again.")
    if state is State.FAILED and fault is not None:
        assert why.advice.endswith(".")


def test_every_fault_but_those_that_say_more_has_words_of_its_own() -> None:
    assert set(FAULTS) == {one.value for one in Fault} - {"status", "configuration"}


@pytest.mark.parametrize(
    ("given", "text", "advice"),
    [
        ({"fault": "status", "status": 401}, "answered 401", "credentials"),
        ({"fault": "status", "status": 404}, "answered 404", "path"),
        ({"fault": "status", "status": 429}, "answered 429", "rate"),
        ({"fault": "status", "status": 422}, "answered 422", "what was sent"),
        ({"fault": "status", "status": 503}, "answered 503", "its side"),
        (
            {"fault": "status", "status": 450, "transport": "email"},
            "mail server answered 450: not now",
            "answered",
        ),
        (
            {"fault": "status", "status": 550, "transport": "email"},
            "mail server refused it with 550",
            "answered",
        ),
        ({"fault": "timeout"}, "in time", "afterwards"),
        (
            {"fault": "configuration", "error": "The endpoint is disabled"},
            "The endpoint is disabled.",
            "Enable",
        ),
        ({"fault": "configuration", "error": "Odd"}, "Odd.", "replay"),
        ({"state": "succeeded", "status": 200}, "taken, answering 200", ""),
        ({"state": "succeeded", "attempts": 3}, "at attempt 3", ""),
        ({"state": "waiting"}, "ordering key", "Skip"),
        ({"state": "pending", "attempts": 0}, "when it is due", ""),
        ({"state": "pending", "fault": "timeout"}, "tried again by itself", "afterwards"),
    ],
)
def test_why(given: dict[str, Any], text: str, advice: str) -> None:
    why = explain(delivery(**given))
    assert text in why.text
    assert advice in why.advice


def test_an_endpoint_that_is_left_alone_is_the_reason() -> None:
    waits = delivery(state="pending", attempts=0)
    left = {"health": {"openUntil": "2026-01-15T10:30:00.000Z"}}
    assert "left alone" in explain(waits, left).text
    assert "left alone" not in explain(waits, {"health": {"openUntil": None}}).text
    assert "left alone" not in explain(delivery(fault="timeout"), left).text
