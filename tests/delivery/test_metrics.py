"""What `/metrics` says of deliveries: what was tried, and what waits, whatever it waits for."""

from collections.abc import Iterator

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import plain
from tests.api.admin import Admin, instant, make_admin
from tests.delivery.conftest import NEAR
from tests.delivery.receiver import Receiver, answers, stalls
from tests.delivery.sending import await_attempts, await_state, sent
from tests.dialects.native.wire import data_of
from tests.server import Server
from tests.waiting import wait_for

Labels = tuple[tuple[str, str], ...]


class Scraped:
    """What a server tells, once more each time it is asked."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def value(self, name: str, **labels: str) -> float:
        """One sample; 0 for none."""
        text = plain.get(f"{self._server.address}/metrics").text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    def depth(self, priority: str, state: str) -> float:
        labels = {"transport": "webhook", "priority": priority, "state": state}
        return self.value("gatepost_outbox_deliveries", **labels)

    def oldest(self, priority: str) -> float:
        labels = {"transport": "webhook", "priority": priority}
        return self.value("gatepost_outbox_oldest_due_seconds", **labels)


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the test's own: its outbox holds nothing else, and whoever stalls has time."""
    patient = NEAR | {"GATEPOST_DELIVERY_TIMEOUT_S": "60"}
    with Server(tmp_path_factory.mktemp("metrics") / "data", env=patient) as running:
        yield running


def test_metrics_tell_what_was_tried_and_what_waits(
    alone: Server, http: httpx2.Client, receiver: Receiver
) -> None:
    admin, scraped = make_admin(alone, http), Scraped(alone)
    tell_of_attempts(admin, receiver, scraped)
    tell_of_what_is_later_or_waits(admin, receiver, scraped)
    tell_of_open_circuits(admin, receiver, scraped)
    tell_of_what_a_rate_keeps(admin, receiver, scraped)


def tell_of_attempts(admin: Admin, receiver: Receiver, scraped: Scraped) -> None:
    assert scraped.oldest("normal") == 0
    good, bad = receiver.place()[0], receiver.place(answers(500))[0]
    await_state(admin, sent(admin, good), "succeeded")
    await_state(admin, sent(admin, bad, retry={"delaysSeconds": [0]}), "failed")

    def tried(result: str) -> float:
        return scraped.value("gatepost_delivery_attempts_total", transport="webhook", result=result)

    wait_for(lambda: (tried("ok"), tried("status")) == (1, 2), "three attempts")
    durations = "gatepost_delivery_attempt_duration_seconds"
    firsts = "gatepost_delivery_first_attempt_seconds"
    assert scraped.value(f"{durations}_count", transport="webhook") == 3
    assert scraped.value(f"{firsts}_count", transport="webhook") == 2
    assert 0 <= scraped.value(f"{firsts}_sum", transport="webhook") < 10
    assert scraped.value(f"{firsts}_bucket", transport="webhook", le="+Inf") == 2


def tell_of_what_is_later_or_waits(admin: Admin, receiver: Receiver, scraped: Scraped) -> None:
    url, path = receiver.place(stalls)
    sent(admin, url, priority="high", orderingKey="k", retry="once")
    receiver.one(path)
    for _ in range(2):
        sent(admin, url, priority="high", orderingKey="k", sendAt=instant(hours=1))
    sent(admin, url, priority="high", orderingKey="k", retry="once")
    later = sent(admin, url, priority="low", sendAt=instant(hours=1))
    shown = wait_for(
        lambda: (scraped.depth("high", "waiting"), scraped.depth("low", "later")) == (3, 1),
        "three to wait and one to be later",
    )
    assert shown
    assert scraped.oldest("high") > 0
    assert scraped.oldest("low") == 0
    assert admin.send("POST", f"/v1/deliveries/{later}/cancel").status_code == 200
    receiver.does[path] = answers(200)


def tell_of_open_circuits(admin: Admin, receiver: Receiver, scraped: Scraped) -> None:
    """A destination of its own breaks until it is left alone; what waits for it grows old."""
    with Receiver("127.0.0.2") as broken:
        url, _ = broken.place(answers(503))
        for _ in range(20):
            sent(admin, url, priority="low", retry="once")
        open_ = "gatepost_outbox_circuits_open"
        wait_for(lambda: scraped.value(open_, transport="webhook") == 1, "an open circuit")
        wait_for(lambda: scraped.oldest("low") > 1, "what waits to grow old")
        assert scraped.depth("low", "due") + scraped.depth("low", "sending") > 0


def tell_of_what_a_rate_keeps(admin: Admin, receiver: Receiver, scraped: Scraped) -> None:
    url, path = receiver.place()
    body = {"url": url, "types": ["event.*"], "rate": 0.5}
    data_of(admin.send("POST", "/v1/endpoints", body), 201)
    before = scraped.oldest("normal")
    assert before == 0
    for _ in range(20):
        data_of(admin.wire.create({"channelName": "c", "title": "t"}), 201)
    receiver.one(path)
    wait_for(lambda: scraped.oldest("normal") > 1, "what is throttled to grow old")
    kept = scraped.depth("normal", "due") + scraped.depth("normal", "sending")
    assert kept > 10


def test_every_class_is_there_before_anything_is_sent(delivering: Server) -> None:
    """So that an alert on a number does not mistake its absence for good news."""
    named = 'gatepost_outbox_oldest_due_seconds{priority="low",transport="push"}'
    wait_for(
        lambda: named in plain.get(f"{delivering.address}/metrics").text,
        "all classes",
    )
    assert Scraped(delivering).value("gatepost_outbox_circuits_open", transport="push") == 0


def test_an_attempt_is_counted_once_it_is_settled(
    admin: Admin, receiver: Receiver, delivering: Server
) -> None:
    scraped = Scraped(delivering)
    url, _ = receiver.place()
    await_attempts(admin, sent(admin, url), 1)
    wait_for(
        lambda: scraped.value("gatepost_delivery_attempts_total", transport="webhook", result="ok"),
        "the attempt",
    )
