"""Idempotency-Key on POST /v1/events: one effect, one reply, whatever is sent again and when."""

import json
from collections.abc import Callable

import pytest

from tests.dialects.native.wire import (
    REPLAY,
    Wire,
    an_event,
    at_once,
    data_of,
    problems_of,
    rate_of,
    refusal_of,
)
from tests.server import Key, Server, Tenant, unique

CONFLICT = "This idempotency key was already used with a different request"


def test_a_replay_is_the_first_reply_again(wire: Wire) -> None:
    sent, once = an_event(metadata={"n": 1}), unique("once")
    first, second, third = (wire.create(sent, once=once) for _ in range(3))
    data_of(first, 201)
    assert REPLAY not in first.headers
    for again in (second, third):
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers[REPLAY] == "true"
    assert len(wire.events_in(sent["channelName"])) == 1


def test_a_replay_has_fresh_rate_headers_and_counts(
    wire: Wire, make_key: Callable[..., Key]
) -> None:
    own = wire.using(make_key(limit="10/60s").secret)
    sent, once = an_event(), unique("once")
    remaining = [rate_of(own.create(sent, once=once))[1] for _ in range(3)]
    assert remaining == [9, 8, 7]


def test_another_body_is_a_conflict(wire: Wire) -> None:
    sent, once = an_event(), unique("once")
    first = wire.create(sent, once=once)
    response = wire.create(sent | {"title": "Another"}, once=once)
    refused = refusal_of(response, 409, "idempotency_conflict", "Idempotency conflict")
    assert refused["message"] == CONFLICT
    rate_of(response)
    assert wire.create(sent, once=once).content == first.content
    assert len(wire.events_in(sent["channelName"])) == 1


def test_the_same_json_written_differently_is_the_same_request(wire: Wire) -> None:
    sent, once = an_event(metadata={"a": 1, "b": 2}), unique("once")
    first = wire.create(sent, once=once)
    turned = {name: sent[name] for name in reversed(sent)}
    spaced = json.dumps(turned, indent=4).encode()
    again = wire.send("POST", "/v1/events", spaced, {"Idempotency-Key": once})
    assert (again.status_code, again.content) == (201, first.content)


def test_keys_of_one_project_share_idempotency_keys(
    wire: Wire, make_key: Callable[..., Key]
) -> None:
    sent, once = an_event(), unique("once")
    first = wire.create(sent, once=once)
    again = wire.using(make_key().secret).create(sent, once=once)
    assert (again.content, again.headers.get(REPLAY)) == (first.content, "true")


def test_projects_do_not_share_idempotency_keys(server: Server, tenant: Tenant, wire: Wire) -> None:
    other = server.make_key(tenant.account, server.make_project(tenant.account))
    sent, once = an_event(), unique("once")
    here = wire.create(sent, once=once)
    there = wire.using(other.secret).create(sent, once=once)
    assert data_of(here, 201)["id"] != data_of(there, 201)["id"]
    assert REPLAY not in there.headers


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}], ids=["missing", "empty"])
def test_no_key_means_no_idempotency(wire: Wire, headers: dict[str, str]) -> None:
    sent = an_event()
    ids = {data_of(wire.post("/v1/events", sent, headers), 201)["id"] for _ in range(2)}
    assert len(ids) == 2


def test_the_longest_key(wire: Wire) -> None:
    sent, once = an_event(), unique("once").ljust(255, "x")
    first, second = (wire.create(sent, once=once) for _ in range(2))
    assert first.content == second.content
    assert second.headers[REPLAY] == "true"


def test_a_key_over_the_limit(wire: Wire) -> None:
    sent = an_event()
    problems_of(wire.create(sent, once=unique("once").ljust(256, "x")))
    assert wire.events_in(sent["channelName"]) == []


def test_a_refused_request_frees_its_key(wire: Wire) -> None:
    once = unique("once")
    problems_of(wire.create(an_event(title=""), once=once))
    accepted = wire.create(an_event(), once=once)
    data_of(accepted, 201)
    assert REPLAY not in accepted.headers


def test_an_invalid_body_under_a_used_key_is_invalid(wire: Wire) -> None:
    sent, once = an_event(), unique("once")
    first = wire.create(sent, once=once)
    problems_of(wire.create(sent | {"title": ""}, once=once))
    assert wire.create(sent, once=once).content == first.content


def test_a_throttled_request_frees_its_key(wire: Wire, make_key: Callable[..., Key]) -> None:
    spent = wire.using(make_key(limit="1/60s").secret)
    sent, once = an_event(), unique("once")
    assert spent.create(an_event()).status_code == 201
    assert spent.create(sent, once=once).status_code == 429
    accepted = wire.create(sent, once=once)
    data_of(accepted, 201)
    assert REPLAY not in accepted.headers


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_many_at_once_make_one_event(wire: Wire, attempt: int) -> None:
    sent, once = an_event(), unique("once")
    responses = at_once(50, lambda _: wire.create(sent, once=once))
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert sum(REPLAY not in response.headers for response in responses) == 1
    assert len(wire.events_in(sent["channelName"])) == 1


def test_many_different_at_once_make_one_event(wire: Wire) -> None:
    """Every body but the first one's is a conflict, and nobody learns of another's event."""
    channel, once = unique("channel"), unique("once")
    bodies = [an_event(channelName=channel, title=f"Body {n % 5}") for n in range(50)]
    responses = at_once(50, lambda n: wire.create(bodies[n], once=once))
    [stored] = wire.events_in(channel)
    for body, response in zip(bodies, responses, strict=True):
        if body["title"] == stored["title"]:
            assert data_of(response, 201)["id"] == stored["id"]
        else:
            refusal_of(response, 409, "idempotency_conflict", "Idempotency conflict")


def test_a_replay_outlives_a_kill(tmp_path_factory: pytest.TempPathFactory, wire: Wire) -> None:
    sent, once = an_event(), unique("once")
    with Server(tmp_path_factory.mktemp("killed") / "data") as own:
        tenant = own.make_tenant()
        first = Wire(wire.client, own.address, tenant.key.secret).create(sent, once=once)
        own.kill()
        own.start()
        revived = Wire(wire.client, own.address, tenant.key.secret)
        again = revived.create(sent, once=once)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers[REPLAY] == "true"
        assert len(revived.events_in(sent["channelName"])) == 1
