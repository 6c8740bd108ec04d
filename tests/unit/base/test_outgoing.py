"""Numbers of deliveries, as a scrape finds them."""

from typing import Any

from gatepost.base.outgoing import Level, Outgoing

NOW = 1_000_000


def samples(kept: Outgoing) -> dict[tuple[Any, ...], float]:
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in kept.collect()
        for sample in family.samples
    }


def test_attempts_and_waits_fall_into_buckets() -> None:
    kept = Outgoing()
    kept.attempt("webhook", "ok", 30, waited_ms=-5)
    kept.attempt("webhook", "timeout", 30_000)
    found = samples(kept)
    assert found[("gatepost_delivery_attempts_total", "ok", "webhook")] == 1
    assert found[("gatepost_delivery_attempts_total", "timeout", "webhook")] == 1
    duration = "gatepost_delivery_attempt_duration_seconds"
    assert found[(f"{duration}_bucket", "0.025", "webhook")] == 0
    assert found[(f"{duration}_bucket", "0.05", "webhook")] == 1
    assert found[(f"{duration}_bucket", "30.0", "webhook")] == 2
    assert found[(f"{duration}_sum", "webhook")] == 30.03
    first = "gatepost_delivery_first_attempt_seconds"
    assert found[(f"{first}_count", "webhook")] == 1
    assert found[(f"{first}_sum", "webhook")] == 0


def test_the_oldest_of_a_class_counts_whatever_it_waits_for() -> None:
    kept = Outgoing(lambda: NOW)
    levels = [
        Level("webhook", "high", "due", 2, NOW - 1_000),
        Level("webhook", "high", "waiting", 1, NOW - 5_000),
        Level("webhook", "high", "sending", 1, NOW + 9_000),
        Level("email", "low", "due", 0, None),
    ]
    kept.look(levels, {"webhook": 3})
    found = samples(kept)
    assert found[("gatepost_outbox_oldest_due_seconds", "high", "webhook")] == 5
    assert found[("gatepost_outbox_oldest_due_seconds", "email", "low")] == 0
    assert found[("gatepost_outbox_deliveries", "due", "high", "webhook")] == 2
    assert found[("gatepost_outbox_circuits_open", "webhook")] == 3


def test_what_is_due_grows_older_while_nobody_can_look() -> None:
    moments = iter([NOW, NOW + 60_000])
    kept = Outgoing(lambda: next(moments))
    kept.look([Level("push", "normal", "due", 1, NOW - 1_000)], {})
    key = ("gatepost_outbox_oldest_due_seconds", "normal", "push")
    assert (samples(kept)[key], samples(kept)[key]) == (1, 61)
