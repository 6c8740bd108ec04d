"""Rate limits: what counts, what the headers say, and that no window ever holds too many."""

import re
import time
from collections.abc import Callable
from math import ceil

import httpx2

from tests.dialects.native.wire import (
    RATE_HEADERS,
    Wire,
    a_person,
    an_event,
    at_once,
    rate_of,
    refusal_of,
)
from tests.server import Key, Tenant, unique
from tests.waiting import wait_for

TOO_MANY = "Too many requests. Please try again later."
MakeKey = Callable[..., Key]


def is_throttled(response: httpx2.Response) -> None:
    body = refusal_of(response, 429, "rate_limited", "Rate limit exceeded")
    assert body["message"] == TOO_MANY


def test_the_headers_count_down(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="5/60s").secret)
    for remaining in (4, 3, 2, 1, 0):
        response = own.create(an_event())
        assert response.status_code == 201
        assert rate_of(response)[:2] == (5, remaining)
    is_throttled(own.create(an_event()))


def test_the_reset_is_in_unix_seconds_within_the_window(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="2/60s").secret)
    before = time.time()
    resets = [rate_of(own.create(an_event()))[2] for _ in range(3)]
    for reset in resets:
        assert before < reset <= ceil(time.time() + 60)


def test_429(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="1/60s").secret)
    assert own.create(an_event()).status_code == 201
    response = own.create(an_event())
    is_throttled(response)
    limit, remaining, reset = rate_of(response)
    assert (limit, remaining) == (1, 0)
    assert 0 < reset - time.time() <= 61
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_the_standard_headers(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="5/60s").secret)
    response = own.create(an_event())
    policy = re.fullmatch(r'"([^"]+)";q=5;w=60', response.headers["RateLimit-Policy"])
    assert policy, response.headers["RateLimit-Policy"]
    state = re.fullmatch(r'"([^"]+)";r=4;t=(\d+)', response.headers["RateLimit"])
    assert state, response.headers["RateLimit"]
    assert state[1] == policy[1]
    assert 1 <= int(state[2]) <= 60


def test_the_default_is_a_hundred_a_minute(wire: Wire, make_tenant: Callable[..., Tenant]) -> None:
    own = wire.using(make_tenant(plan=None, limit=None).key.secret)
    assert rate_of(own.create(an_event()))[:2] == (100, 99)


def test_every_request_with_the_key_counts(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="20/60s").secret)
    sent, once = an_event(), unique("once")
    responses = [
        own.create(sent, once=once),
        own.create(sent, once=once),  # a replay
        own.create(sent | {"title": "Another"}, once=once),  # a conflict
        own.create({}),  # invalid
        own.send("POST", "/v1/events", b"{"),  # malformed
        own.identify(a_person()),
        own.identify({}),
        own.post("/api/v1/events", an_event()),
        own.get("/v1/channels"),
        own.get(f"/v1/events/{unique('event')}"),  # unknown
    ]
    statuses = [response.status_code for response in responses]
    assert statuses == [201, 201, 409, 400, 400, 200, 400, 201, 200, 404]
    assert [rate_of(response)[1] for response in responses] == list(range(19, 9, -1))


def test_keys_have_limits_of_their_own(wire: Wire, make_key: MakeKey) -> None:
    first, second = (wire.using(make_key(limit="1/60s").secret) for _ in range(2))
    assert first.create(an_event()).status_code == 201
    is_throttled(first.create(an_event()))
    assert second.create(an_event()).status_code == 201


def test_a_throttled_request_does_nothing(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="1/60s").secret)
    sent = an_event()
    assert own.create(an_event()).status_code == 201
    is_throttled(own.create(sent))
    assert wire.events_in(sent["channelName"]) == []
    assert wire.channels_named(sent["channelName"]) == []


def test_the_limit_is_judged_before_the_body(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="1/60s").secret)
    own.create(an_event())
    is_throttled(own.send("POST", "/v1/events", b"{"))


def test_a_limit_that_is_off(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="off").secret)
    statuses = {own.create(an_event(channelName="unlimited")).status_code for _ in range(150)}
    assert statuses == {201}


def test_many_at_once_never_exceed_the_limit(wire: Wire, make_key: MakeKey) -> None:
    own = wire.using(make_key(limit="20/60s").secret)
    channel = unique("crowd")
    responses = at_once(64, lambda _: own.create(an_event(channelName=channel)))
    accepted = [response for response in responses if response.status_code == 201]
    assert len(accepted) == 20
    assert len(wire.events_in(channel)) == 20
    assert sorted(rate_of(response)[1] for response in accepted) == list(range(20))
    for response in responses:
        if response.status_code != 201:
            is_throttled(response)
            assert all(response.headers.get(name) for name in RATE_HEADERS)


def test_the_window_rolls(wire: Wire, make_key: MakeKey) -> None:
    """A client that never stops asking gets 3 in any 2 s, again and again, and never a 4th.

    It saves two for the end of the first window: where windows have edges, more than 3 get in
    around one. An admission happened between sending and receiving, so a window certainly held
    too many when even the longest possible span of four admissions is shorter than the window.
    """
    own = wire.using(make_key(limit="3/2s").secret)
    start = time.monotonic()
    assert own.create(an_event(channelName="rolling")).status_code == 201
    admitted = [(start, time.monotonic())]
    wait_for(lambda: time.monotonic() >= start + 1.5, "the end of the first window")
    while len(admitted) < 10 and time.monotonic() - start < 30:
        sent = time.monotonic()
        if own.create(an_event(channelName="rolling")).status_code == 201:
            admitted.append((sent, time.monotonic()))
        time.sleep(0.01)
    spans = [last[1] - first[0] for first, last in zip(admitted, admitted[3:], strict=False)]
    assert spans
    assert min(spans) >= 2, f"4 admissions within {min(spans)} s"
    assert len(admitted) == 10, f"a refused request was charged: only {len(admitted)} admitted"


def test_retry_after_is_honest(wire: Wire, make_key: MakeKey) -> None:
    """Whoever comes back after Retry-After is admitted, and not much sooner."""
    own = wire.using(make_key(limit="1/3s").secret)
    admitted_s = time.monotonic()
    assert own.create(an_event()).status_code == 201
    refused = own.create(an_event())
    refused_s = time.monotonic()
    is_throttled(refused)
    retry_s = int(refused.headers["Retry-After"])
    assert 1 <= retry_s <= 3
    wait_for(lambda: time.monotonic() >= refused_s + retry_s, "Retry-After to pass")
    again = own.create(an_event())
    assert again.status_code == 201, again.text
    assert time.monotonic() - admitted_s >= 3
