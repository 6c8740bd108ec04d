"""POST /v1/events: addresses, the reply, channels, and whom an event is stored for."""

from collections.abc import Callable

import pytest

from tests.dialects.native.wire import (
    INSTANT,
    Wire,
    a_person,
    an_event,
    at_once,
    data_of,
)
from tests.server import Server, Tenant, unique

# Addresses


@pytest.mark.parametrize(
    "path", ["/v1/events", "//v1/events", "/api/v1/events", "/api//v1/events", "//api/v1/events"]
)
def test_addresses_of_create(wire: Wire, path: str) -> None:
    sent = an_event()
    created = data_of(wire.post(path, sent), 201)
    assert [event["id"] for event in wire.events_in(sent["channelName"])] == [created["id"]]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    ],
)
def test_any_content_type_is_read_as_json(wire: Wire, content_type: str) -> None:
    created = data_of(wire.post("/v1/events", an_event(), {"Content-Type": content_type}), 201)
    assert created["title"] == "Something happened"


def test_no_content_type_is_read_as_json(wire: Wire) -> None:
    content = b'{"channelName":"untyped","title":"No type"}'
    assert data_of(wire.send("POST", "/v1/events", content), 201)["channelName"] == "untyped"


# The reply


def test_reply(wire: Wire) -> None:
    sent = an_event(title="Payment Received")
    response = wire.create(sent)
    created = data_of(response, 201)
    assert created["id"].startswith("event_")
    assert created["channelId"].startswith("channel_")
    assert created["channelName"] == sent["channelName"]
    assert created["title"] == "Payment Received"
    assert INSTANT.fullmatch(created["createdAt"])
    assert response.headers["X-Request-ID"] == response.json()["requestId"]
    assert "X-Idempotent-Replay" not in response.headers


def test_every_request_has_an_id_of_its_own(wire: Wire) -> None:
    ids = {wire.create(an_event()).json()["requestId"] for _ in range(5)}
    assert len(ids) == 5


def test_all_fields_are_kept(wire: Wire) -> None:
    sent = an_event(
        description="",
        icon="💰",
        tags=["b", "a", "b"],
        metadata={"deep": [{"ü": [1, 2.5, None, True, "😀"]}], "": {}},
        userId=unique("user"),
        notify=False,
        source="tests",
        displayAs="notification",
    )
    stored = wire.event(wire.created(sent)["id"])
    assert {name: stored[name] for name in sent} == sent


def test_defaults(wire: Wire) -> None:
    stored = wire.event(wire.created(an_event())["id"])
    names = ("tags", "metadata", "userId", "notify", "source", "description", "icon", "displayAs")
    assert [stored[name] for name in names] == [[], {}, None, True, "api", None, None, "message"]


def test_unknown_members_are_ignored(wire: Wire) -> None:
    sent = an_event(colour="red", TITLE="shout", id="event_mine", createdAt=7)
    stored = wire.event(wire.created(sent)["id"])
    assert stored["id"] != "event_mine"
    assert stored["title"] == "Something happened"
    assert "colour" not in stored


# Channels


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("Payments & Co", "payments-co"),
        ("NEW_User_SIGNUP", "new-user-signup"),
        ("order.completed", "ordercompleted"),
        ("webhook/received", "webhookreceived"),
        ("Café", "caf"),
        ("Price: $99.99", "price-9999"),
        ("2024-12-03", "2024-12-03"),
        ("sdk-test", "sdk-test"),
        ("  padded  ", "padded"),
        ("a__b--c  d_- e", "a-b-c-d-e"),
        ("--edges__", "edges"),
        ("tab\tand\nline", "tab-and-line"),
        ("🚀 Launch 🎉 day", "launch-day"),
        ("Z", "z"),
    ],
)
def test_channel_names_are_normalised(wire: Wire, name: str, normal: str) -> None:
    assert wire.created(an_event(channelName=name))["channelName"] == normal


def test_spellings_of_one_name_are_one_channel(wire: Wire) -> None:
    name = unique("spelled")
    spellings = [name, name.upper(), name.replace("-", "_"), f" {name}! "]
    channels = {wire.created(an_event(channelName=each))["channelId"] for each in spellings}
    assert len(channels) == 1
    assert len(wire.channels_named(name)) == 1


def test_a_new_channel_takes_icon_and_description_and_keeps_them(wire: Wire) -> None:
    name = unique("styled")
    wire.created(an_event(channelName=name, icon="🔔", description="First"))
    wire.created(an_event(channelName=name, icon="🔥", description="Second"))
    [channel] = wire.channels_named(name)
    assert (channel["icon"], channel["description"]) == ("🔔", "First")


def test_a_channel_belongs_to_one_project(server: Server, tenant: Tenant, wire: Wire) -> None:
    key = server.make_key(tenant.account, server.make_project(tenant.account))
    elsewhere = wire.using(key.secret)
    name = unique("twin")
    here = wire.created(an_event(channelName=name))
    there = elsewhere.created(an_event(channelName=name))
    assert here["channelId"] != there["channelId"]
    assert [event["id"] for event in elsewhere.events_in(name)] == [there["id"]]


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_concurrent_first_events_make_one_channel(wire: Wire, attempt: int) -> None:
    name = unique("race")
    responses = at_once(50, lambda _: wire.create(an_event(channelName=name)))
    created = [data_of(response, 201) for response in responses]
    assert len({event["id"] for event in created}) == 50
    assert len({event["channelId"] for event in created}) == 1
    assert len(wire.channels_named(name)) == 1
    assert len(wire.events_in(name)) == 50


# Whom an event is stored for


def test_an_alias_becomes_the_user(wire: Wire) -> None:
    person = a_person(aliases=[unique("alias")])
    wire.identified(person)
    assert wire.canonical_user(person["aliases"][0]) == person["user_id"]
    assert wire.canonical_user(person["user_id"]) == person["user_id"]


def test_an_unknown_user_is_stored_as_given(wire: Wire) -> None:
    user = unique("Nobody Known")
    assert wire.canonical_user(user) == user


def test_a_user_id_goes_before_an_alias(wire: Wire) -> None:
    both = unique("both")
    wire.identified(a_person(aliases=[both]))
    wire.identified({"user_id": both})
    assert wire.canonical_user(both) == both


def test_aliases_hold_in_every_project_of_the_account(
    server: Server, tenant: Tenant, wire: Wire
) -> None:
    person = a_person(aliases=[unique("alias")])
    wire.identified(person)
    key = server.make_key(tenant.account, server.make_project(tenant.account))
    assert wire.using(key.secret).canonical_user(person["aliases"][0]) == person["user_id"]


def test_aliases_mean_nothing_to_another_account(
    make_tenant: Callable[..., Tenant], wire: Wire
) -> None:
    person = a_person(aliases=[unique("alias")])
    wire.identified(person)
    stranger = wire.using(make_tenant().key.secret)
    assert stranger.canonical_user(person["aliases"][0]) == person["aliases"][0]
